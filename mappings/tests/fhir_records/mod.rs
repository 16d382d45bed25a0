//! Records for tests: empty ones, to be filled in where a test cares.

#![allow(dead_code, reason = "each test crate uses a part")]

pub mod others;

use sluice_ids::{EjId, Micros, Seq};
use sluice_mappings::entity::{EjSettings, LegalEntity};
use sluice_mappings::records::{
    Address, Coded, Contact, HumanName, Identifier, IdentifierUse, Link, LinkKind, LocationRecord,
    Moment, Movement, PatientRecord, Place, PlaceRole, PlaceStatus, Practitioner, Precision,
    ResourceId, Situation, Stamp, StayRecord, StayStatus, Telecom,
};

pub fn ej() -> EjId {
    EjId::new("EJ1").unwrap()
}

pub fn entity() -> LegalEntity {
    let settings: EjSettings =
        serde_json::from_str(r#"{"id":"EJ1","name":"CHU","finess":"699000014"}"#).unwrap();
    LegalEntity::new(settings).unwrap()
}

pub fn id(number: u8) -> ResourceId {
    ResourceId([number; 16])
}

/// `2026-11-20T10:00:00.5Z` → its microseconds.
pub fn micros(text: &str) -> Micros {
    Micros::new(text.parse::<jiff::Timestamp>().unwrap().as_microsecond())
}

pub fn stamp() -> Stamp {
    Stamp {
        created: Seq::new(1),
        version: Seq::new(7),
        updated_at: micros("2026-11-20T09:00:00.25Z"),
        ..Stamp::default()
    }
}

/// A moment as FHIR writes it. Up to a day, and without an offset, it is one of Paris.
pub fn moment(text: &str) -> Moment {
    let paris = jiff::tz::TimeZone::get("Europe/Paris").unwrap();
    let (precision, low, offset_seconds) = if text.len() > 10 {
        let precision = if text.contains('.') { Precision::Millisecond } else { Precision::Second };
        let clock: jiff::civil::DateTime =
            text[..text.rfind(['+', '-', 'Z']).unwrap()].parse().unwrap();
        let at: jiff::Timestamp = text.parse().unwrap();
        let utc = clock.to_zoned(jiff::tz::TimeZone::UTC).unwrap().timestamp();
        (precision, at, utc.as_second() - at.as_second())
    } else {
        let (precision, rest) = match text.len() {
            4 => (Precision::Year, "-01-01"),
            7 => (Precision::Month, "-01"),
            _ => (Precision::Day, ""),
        };
        let date: jiff::civil::Date = format!("{text}{rest}").parse().unwrap();
        let at = date.to_zoned(paris).unwrap();
        (precision, at.timestamp(), i64::from(at.offset().seconds()))
    };
    Moment {
        low: Micros::new(low.as_microsecond()),
        precision,
        offset_minutes: i16::try_from(offset_seconds / 60).unwrap(),
    }
}

pub fn coded(code: &str, text: &str, table: &str) -> Coded {
    Coded { code: code.into(), text: text.into(), table: table.into(), ..Coded::default() }
}

pub fn identifier(system: &str, value: &str, type_code: &str) -> Identifier {
    Identifier {
        system: system.into(),
        value: value.into(),
        type_code: type_code.into(),
        ..Identifier::default()
    }
}

pub fn name(family: &str, given: &[&str], name_type: &str) -> HumanName {
    HumanName {
        family: family.into(),
        given: given.iter().map(|g| (*g).to_owned()).collect(),
        name_type: name_type.into(),
        ..HumanName::default()
    }
}

pub fn patient(number: u8) -> PatientRecord {
    PatientRecord { stamp: stamp(), ..PatientRecord::new(id(number)) }
}

pub fn stay(number: u8, patient: u8) -> StayRecord {
    StayRecord {
        stamp: stamp(),
        situation: Situation {
            status: StayStatus::InProgress,
            class: coded("I", "", "0004"),
            current: None,
            start: None,
            end: None,
            disposition: Coded::default(),
            destination: Coded::default(),
            discharged: false,
            pending_discharge: None,
            expected_return: None,
            medical_unit: None,
            nursing_unit: None,
        },
        ..StayRecord::new(id(number), id(patient))
    }
}

pub fn place(point_of_care: &str, room: &str, bed: &str, facility: &str) -> Place {
    Place {
        point_of_care: point_of_care.into(),
        room: room.into(),
        bed: bed.into(),
        facility: facility.into(),
        ..Place::default()
    }
}

pub fn movement(place: Place, location: u8, status: PlaceStatus, start: &str) -> Movement {
    Movement {
        identifier: None,
        event: "A02".into(),
        seq: Seq::new(3),
        start: Some(moment(start)),
        end: None,
        place: Some(place),
        location: Some(id(location)),
        role: PlaceRole::Assigned,
        nature: String::new(),
        place_status: status,
        cancelled: None,
        effect: sluice_mappings::records::MovementEffect::default(),
        seen: Vec::new(),
        held: None,
    }
}

pub fn location(number: u8, place: Place) -> LocationRecord {
    LocationRecord { stamp: stamp(), ..LocationRecord::at(id(number), place, None) }
}

/// One with every part that a patient can have.
pub fn whole_patient(number: u8) -> PatientRecord {
    let address =
        |kind: &str, lines: &[&str], city: &str, postal_code: &str, country: &str| Address {
            lines: lines.iter().map(|l| (*l).to_owned()).collect(),
            city: city.into(),
            postal_code: postal_code.into(),
            country: country.into(),
            address_type: kind.into(),
            ..Address::default()
        };
    let telecom = |value: &str, use_code: &str, equipment: &str| Telecom {
        value: value.into(),
        use_code: use_code.into(),
        equipment: equipment.into(),
        ..Telecom::default()
    };
    let mut usual = name("BRÛLÉ-DÉMO", &["Zoé"], "D");
    usual.prefix = "Mme".into();
    PatientRecord {
        identifiers: vec![
            Identifier { r#use: IdentifierUse::Old, ..identifier("urn:oid:1.2.3", "7999999", "") },
            Identifier {
                r#use: IdentifierUse::Usual,
                start: Some(moment("2020-01-01")),
                ..identifier("urn:oid:1.2.3", "8000012", "PI")
            },
            Identifier {
                r#use: IdentifierUse::Official,
                ..identifier("urn:oid:1.2.250.1.213.1.4.10", "258056999999902", "INS")
            },
        ],
        names: vec![
            usual,
            name("TESTARD-DEMO", &["ZOE", "ZOE FRANCOISE MAELYS"], "L"),
            name("", &["Zouzou"], "A"),
        ],
        mothers_maiden_name: "MARTIN".into(),
        birth_date: Some(moment("1958-05-14T06:30:00+01:00")),
        gender: "F".into(),
        addresses: vec![
            address("H", &["12 rue des Églantiers", "Bât. B \\ 3e étage"], "LYON", "69003", "FRA"),
            address("M", &["BP 4"], "LYON", "", ""),
        ],
        birth_place: Some(Address {
            district: "69266".into(),
            ..address("BDL", &[], "VILLEURBANNE", "69100", "FRA")
        }),
        telecoms: vec![
            telecom("0465710012", "PRN", "PH"),
            telecom("0639980012", "PRN", "CP"),
            telecom("zoe@example.fr", "NET", "Internet"),
            telecom("0465710013", "WPN", "FX"),
            telecom("z@example.fr", "", ""),
        ],
        language: coded("FRA", "", "0296"),
        marital_status: coded("A", "", "0002"),
        religion: coded("CAT", "", "0006"),
        nationalities: vec![coded("FRA", "", "0212")],
        multiple_birth: Some(true),
        birth_order: Some(2),
        deceased: Some(true),
        deceased_at: Some(moment("2026-11-19T23:10:00+01:00")),
        reliability: vec!["VALI".into()],
        contacts: vec![Contact {
            name: name("BRÛLÉ-DÉMO", &["Gaël"], "L"),
            relationship: coded("SPO", "Epoux", "0063"),
            role: coded("C", "", "0131"),
            telecoms: vec![telecom("0639980034", "PRN", "CP")],
            gender: "M".into(),
            ..Contact::default()
        }],
        general_practitioners: vec![practitioner("", "99999999929", "TRAITANT", "René", "Dr")],
        links: vec![Link { kind: LinkKind::Replaces, other: id(2) }],
        ..patient(number)
    }
}

fn practitioner(role: &str, number: &str, family: &str, given: &str, prefix: &str) -> Practitioner {
    let mut name = name(family, &[given], "");
    name.prefix = prefix.into();
    let identifier =
        (!number.is_empty()).then(|| identifier("urn:oid:1.2.250.1.71.4.2.1", number, ""));
    Practitioner { role: role.into(), identifier, name, ..Practitioner::default() }
}

/// One with every part that a stay can have.
pub fn whole_stay(number: u8, patient: u8) -> StayRecord {
    let mut admission = movement(
        place("3101", "C305", "C305F", "CANUTS"),
        30,
        PlaceStatus::Completed,
        "2026-03-10T09:05:00+01:00",
    );
    admission.identifier = Some(identifier("urn:oid:1.2.6", "MV000102", ""));
    admission.end = Some(moment("2026-03-11T08:00:00+01:00"));
    let transfer = movement(
        place("USIC", "", "", "CANUTS"),
        31,
        PlaceStatus::Completed,
        "2026-03-11T08:00:00+01:00",
    );
    let mut record = stay(number, patient);
    record.identifiers = vec![identifier("urn:oid:1.2.4", "26V0000451", "VN")];
    record.account = Some(identifier("urn:oid:1.2.5", "26000451", ""));
    record.pre_admission = Some(identifier("urn:oid:1.2.4", "26V0000400", ""));
    record.situation.status = StayStatus::Finished;
    record.situation.start = Some(moment("2026-03-10T09:05:00+01:00"));
    record.situation.end = Some(moment("2026-03-14T10:30:00+01:00"));
    record.situation.disposition = coded("7", "", "0112");
    record.situation.destination = coded("SSR2", "Centre des Monts d'Or", "0113");
    record.movements = vec![admission, transfer];
    record.planned_start = Some(moment("2026-03-10"));
    record.planned_end = Some(moment("2026-03-14T10:00:00+01:00"));
    record.practitioners = vec![
        practitioner("ATND", "99999999911", "DÉMOCRATE", "Élise", "Dr"),
        practitioner("ADM", "", "GARDE", "", ""),
    ];
    record.admission_type = coded("R", "", "0007");
    record.service = coded("127", "", "0069");
    record.readmission = coded("R", "", "0092");
    record.admit_source = coded("8", "", "0023");
    record.reason = Coded {
        code: "I50.9".into(),
        text: "Insuffisance cardiaque".into(),
        system: "I10".into(),
        alternate_code: "IC".into(),
        alternate_system: "L".into(),
        ..Coded::default()
    };
    record.priority = coded("2", "", "0217");
    record
}
