//! Records for tests: empty ones, to be filled in where a test cares.

#![allow(dead_code, reason = "each test crate uses a part")]

use sluice_ids::{EjId, Micros, Seq};
use sluice_mappings::entity::{EjSettings, LegalEntity};
use sluice_mappings::records::{
    Coded, HumanName, Identifier, IdentifierUse, LocationRecord, Moment, Movement, PatientRecord,
    Place, PlaceStatus, Precision, ResourceId, Situation, Stamp, StayRecord, StayStatus,
};

pub fn ej() -> EjId {
    EjId::new("EJ1").unwrap()
}

pub fn entity() -> LegalEntity {
    let settings: EjSettings = serde_json::from_str(r#"{"id":"EJ1","name":"CHU"}"#).unwrap();
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
        r#use: IdentifierUse::None,
        start: None,
        end: None,
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
    PatientRecord {
        id: id(number),
        stamp: stamp(),
        active: true,
        void: false,
        first_seen_mid_stay: false,
        identifiers: vec![],
        names: vec![],
        mothers_maiden_name: String::new(),
        birth_date: None,
        gender: String::new(),
        addresses: vec![],
        birth_place: None,
        telecoms: vec![],
        language: Coded::default(),
        marital_status: Coded::default(),
        religion: Coded::default(),
        nationalities: vec![],
        multiple_birth: None,
        birth_order: None,
        deceased_at: None,
        deceased: None,
        reliability: vec![],
        contacts: vec![],
        general_practitioner: None,
        links: vec![],
        last_stay: None,
    }
}

pub fn stay(number: u8, patient: u8) -> StayRecord {
    StayRecord {
        id: id(number),
        stamp: stamp(),
        patient: id(patient),
        identifiers: vec![],
        account: None,
        pre_admission: None,
        opening_key: None,
        first_seen_mid_stay: false,
        situation: Situation {
            status: StayStatus::InProgress,
            class: coded("I", "", "0004"),
            current: None,
            start: None,
            end: None,
            disposition: Coded::default(),
            destination: Coded::default(),
        },
        movements: vec![],
        planned_start: None,
        planned_end: None,
        practitioners: vec![],
        admission_type: Coded::default(),
        service: Coded::default(),
        readmission: Coded::default(),
        admit_source: Coded::default(),
        reason: Coded::default(),
        priority: Coded::default(),
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
        place_status: status,
        cancelled: false,
        effect: sluice_mappings::records::MovementEffect::default(),
        seen: Vec::new(),
    }
}

pub fn location(number: u8, place: Place) -> LocationRecord {
    LocationRecord { id: id(number), stamp: stamp(), place }
}
