//! Records → FHIR R4, each expectation written by hand beside the rule that it follows.
//! "FACTS" are the project's v2-to-FHIR facts, by section.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test fails by panicking")]

mod fhir_records;

use std::sync::Arc;

use fhir_records::{coded, entity, id, location, moment, name, patient, place, stay};
use serde_json::{Value, json};
use sluice_mappings::fhir::{FhirVersion, render};
use sluice_mappings::records::{
    Address, Coded, Contact, Link, LinkKind, PatientRecord, Place, Record, StayRecord, StayStatus,
    Telecom,
};

fn shown(record: Record) -> Value {
    let bytes = render(&record, &entity(), FhirVersion::R4);
    serde_json::from_slice(&bytes).unwrap()
}

fn shown_patient(record: PatientRecord) -> Value {
    shown(Record::Patient(Arc::new(record)))
}

fn shown_stay(record: StayRecord) -> Value {
    shown(Record::Stay(Arc::new(record)))
}

/// The members that a test is about, the rest left out.
fn part(value: &Value, members: &[&str]) -> Value {
    let kept = members.iter().filter_map(|m| Some(((*m).to_owned(), value.get(m)?.clone())));
    Value::Object(kept.collect())
}

#[test]
fn a_patient_that_is_only_known_to_exist_has_no_empty_parts() {
    let expected = json!({
        "resourceType": "Patient",
        "id": "01010101-0101-0101-0101-010101010101",
        "meta": { "versionId": "7", "lastUpdated": "2026-11-20T09:00:00.250Z" },
        "active": true,
        "managingOrganization": {
            "type": "Organization",
            "identifier": { "system": "https://finess.esante.gouv.fr", "value": "699000014" },
            "display": "CHU"
        }
    });
    assert_eq!(shown_patient(patient(1)), expected);
}

#[test]
fn a_patient_is_rendered_whole() {
    let actual = shown_patient(fhir_records::whole_patient(1));
    let expected = json!({
        "resourceType": "Patient",
        "id": "01010101-0101-0101-0101-010101010101",
        "meta": { "versionId": "7", "lastUpdated": "2026-11-20T09:00:00.250Z" },
        "extension": [
            // PID-6 (FACTS §3 PID).
            {
                "url": "http://hl7.org/fhir/StructureDefinition/patient-mothersMaidenName",
                "valueString": "MARTIN"
            },
            // PID-11 BDL: not an address; XAD-9 is the district (FACTS §4 XAD).
            {
                "url": "http://hl7.org/fhir/StructureDefinition/patient-birthPlace",
                "valueAddress": {
                    "city": "VILLEURBANNE", "district": "69266", "postalCode": "69100",
                    "country": "FRA"
                }
            },
            // PID-17, 0006 CAT → 1041 (FACTS §5), the sender's own kept.
            {
                "url": "http://hl7.org/fhir/StructureDefinition/patient-religion",
                "valueCodeableConcept": { "coding": [
                    {
                        "system": "http://terminology.hl7.org/CodeSystem/v3-ReligiousAffiliation",
                        "code": "1041", "display": "Roman Catholic Church"
                    },
                    { "system": "http://terminology.hl7.org/CodeSystem/v2-0006", "code": "CAT" }
                ] }
            },
            // PID-28: sub-extension `code`.
            {
                "url": "http://hl7.org/fhir/StructureDefinition/patient-nationality",
                "extension": [ {
                    "url": "code",
                    "valueCodeableConcept": { "coding": [ {
                        "system": "http://terminology.hl7.org/CodeSystem/v2-0212", "code": "FRA"
                    } ] }
                } ]
            },
            // PID-32 (table 0445).
            {
                "url": "urn:x-sluice:fhir:identity-reliability",
                "valueCodeableConcept": { "coding": [ {
                    "system": "http://terminology.hl7.org/CodeSystem/v2-0445", "code": "VALI"
                } ] }
            }
        ],
        "identifier": [
            // CX-5 → type v2-0203 (FACTS §4 CX).
            {
                "use": "usual",
                "type": { "coding": [ {
                    "system": "http://terminology.hl7.org/CodeSystem/v2-0203", "code": "PI",
                    "display": "Patient internal identifier"
                } ] },
                "system": "urn:oid:1.2.3", "value": "8000012",
                "period": { "start": "2020-01-01" }
            },
            // CX-5 INS with OID .10 → the French extension of 0203.
            {
                "use": "official",
                "type": { "coding": [ {
                    "system": "https://hl7.fr/ig/fhir/core/CodeSystem/fr-core-cs-v2-0203",
                    "code": "INS-NIR-TEST"
                } ] },
                "system": "urn:oid:1.2.250.1.213.1.4.10", "value": "258056999999902"
            },
            // `old` comes last, though it came first in the record.
            { "use": "old", "system": "urn:oid:1.2.3", "value": "7999999" }
        ],
        "active": true,
        "name": [
            // XPN-7 D usual, L official (FACTS §4 XPN).
            { "use": "usual", "family": "BRÛLÉ-DÉMO", "given": ["Zoé"], "prefix": ["Mme"] },
            {
                "use": "official", "family": "TESTARD-DEMO",
                "given": ["ZOE", "ZOE FRANCOISE MAELYS"]
            },
            // A has no use.
            { "given": ["Zouzou"] }
        ],
        "telecom": [
            { "system": "phone", "value": "0465710012", "use": "home" },
            // CP: phone, and mobile by its use.
            { "system": "phone", "value": "0639980012", "use": "mobile" },
            { "system": "email", "value": "zoe@example.fr" },
            { "system": "fax", "value": "0465710013", "use": "work" },
            // Nothing but the value: e-mail by its look (FACTS §4 XTN [REC]).
            { "system": "email", "value": "z@example.fr" }
        ],
        "gender": "female",
        "birthDate": "1958-05-14",
        "_birthDate": { "extension": [ {
            "url": "http://hl7.org/fhir/StructureDefinition/patient-birthTime",
            "valueDateTime": "1958-05-14T06:30:00+01:00"
        } ] },
        // PID-29 goes before PID-30 (never both).
        "deceasedDateTime": "2026-11-19T23:10:00+01:00",
        "address": [
            {
                "use": "home", "line": ["12 rue des Églantiers", "Bât. B \\ 3e étage"],
                "city": "LYON", "postalCode": "69003", "country": "FRA"
            },
            { "type": "postal", "line": ["BP 4"], "city": "LYON" }
        ],
        // 0002 A is separated, which v3 calls L (FACTS §5: not the identity).
        "maritalStatus": { "coding": [
            {
                "system": "http://terminology.hl7.org/CodeSystem/v3-MaritalStatus",
                "code": "L", "display": "Legally Separated"
            },
            { "system": "http://terminology.hl7.org/CodeSystem/v2-0002", "code": "A" }
        ] },
        // PID-25 goes before PID-24 (never both).
        "multipleBirthInteger": 2,
        "contact": [ {
            "relationship": [
                // 0063 SPO is SPS in v3-RoleCode (FACTS §5).
                {
                    "coding": [
                        {
                            "system": "http://terminology.hl7.org/CodeSystem/v3-RoleCode",
                            "code": "SPS", "display": "spouse"
                        },
                        {
                            "system": "http://terminology.hl7.org/CodeSystem/v2-0063",
                            "code": "SPO", "display": "Epoux"
                        }
                    ],
                    "text": "Epoux"
                },
                { "coding": [ {
                    "system": "http://terminology.hl7.org/CodeSystem/v2-0131", "code": "C"
                } ] }
            ],
            "name": { "use": "official", "family": "BRÛLÉ-DÉMO", "given": ["Gaël"] },
            "telecom": [ { "system": "phone", "value": "0639980034", "use": "mobile" } ],
            "gender": "male"
        } ],
        // PID-15 FRA → BCP 47.
        "communication": [ { "language": {
            "coding": [ { "system": "urn:ietf:bcp:47", "code": "fr" } ], "text": "FRA"
        } } ],
        // PD1-4 / ROL ODRP: not served, so by number and name.
        "generalPractitioner": [ {
            "type": "Practitioner",
            "identifier": { "system": "urn:oid:1.2.250.1.71.4.2.1", "value": "99999999929" },
            "display": "Dr René TRAITANT"
        } ],
        "managingOrganization": {
            "type": "Organization",
            "identifier": { "system": "https://finess.esante.gouv.fr", "value": "699000014" },
            "display": "CHU"
        },
        "link": [ {
            "other": { "reference": "Patient/02020202-0202-0202-0202-020202020202" },
            "type": "replaces"
        } ]
    });
    assert_eq!(actual, expected);
}

#[test]
fn a_merged_patient_points_at_its_survivor() {
    let mut loser = patient(2);
    loser.active = false;
    loser.links = vec![Link { kind: LinkKind::ReplacedBy, other: id(1) }];
    // FACTS §1 A40.
    let expected = json!({
        "active": false,
        "link": [ {
            "other": { "reference": "Patient/01010101-0101-0101-0101-010101010101" },
            "type": "replaced-by"
        } ]
    });
    assert_eq!(part(&shown_patient(loser), &["active", "link"]), expected);
}

#[test]
fn a_gender_outside_the_table_is_unknown_and_kept() {
    let of = |sent: &str| {
        let mut record = patient(1);
        record.gender = sent.into();
        part(&shown_patient(record), &["gender", "_gender"])
    };
    let kept = |gender: &str, sent: &str| {
        json!({
            "gender": gender,
            "_gender": { "extension": [
                { "url": "urn:x-sluice:fhir:original-code", "valueString": sent }
            ] }
        })
    };
    // FACTS §5, table 0001.
    assert_eq!(of("F"), json!({ "gender": "female" }));
    assert_eq!(of("M"), json!({ "gender": "male" }));
    assert_eq!(of("O"), json!({ "gender": "other" }));
    assert_eq!(of("U"), json!({ "gender": "unknown" }));
    assert_eq!(of("A"), kept("other", "A"));
    assert_eq!(of("N"), kept("other", "N"));
    assert_eq!(of("Féminin"), kept("unknown", "Féminin"));
    assert_eq!(of(""), json!({}));
}

#[test]
fn a_contact_that_says_only_a_relationship_is_none() {
    let mut record = patient(1);
    record.contacts =
        vec![Contact { relationship: coded("MTH", "", "0063"), ..Contact::default() }];
    // pat-1.
    assert_eq!(part(&shown_patient(record.clone()), &["contact"]), json!({}));
    record.contacts[0].organization.name = "Tutelle 69".into();
    let expected = json!({ "contact": [ {
        "relationship": [ { "coding": [
            {
                "system": "http://terminology.hl7.org/CodeSystem/v3-RoleCode", "code": "MTH",
                "display": "mother"
            },
            { "system": "http://terminology.hl7.org/CodeSystem/v2-0063", "code": "MTH" }
        ] } ],
        "organization": { "type": "Organization", "display": "Tutelle 69" }
    } ] });
    assert_eq!(part(&shown_patient(record), &["contact"]), expected);
}

#[test]
fn births_and_deaths_say_yes_no_or_a_number_and_never_two() {
    let members =
        ["deceasedBoolean", "deceasedDateTime", "multipleBirthBoolean", "multipleBirthInteger"];
    let mut record = patient(1);
    record.deceased = Some(false);
    record.multiple_birth = Some(true);
    assert_eq!(
        part(&shown_patient(record.clone()), &members),
        json!({ "deceasedBoolean": false, "multipleBirthBoolean": true })
    );
    record.deceased = Some(true);
    record.deceased_at = Some(moment("2026"));
    record.birth_order = Some(1);
    assert_eq!(
        part(&shown_patient(record), &members),
        json!({ "deceasedDateTime": "2026", "multipleBirthInteger": 1 })
    );
}

#[test]
fn a_birth_date_is_the_day_of_the_senders_clock_or_as_much_as_was_sent() {
    let of = |sent: &str| {
        let mut record = patient(1);
        record.birth_date = Some(moment(sent));
        shown_patient(record)["birthDate"].clone()
    };
    assert_eq!(of("1980"), "1980");
    assert_eq!(of("1980-05"), "1980-05");
    // 22:30 in UTC is the day before.
    assert_eq!(of("1980-05-01T00:30:00+02:00"), "1980-05-01");
}

#[test]
fn a_birth_place_without_structure_is_text_and_never_an_address() {
    let mut record = patient(1);
    record.birth_place = Some(Address { lines: vec!["Lyon 3e".into()], ..Address::default() });
    record.addresses = vec![Address {
        city: "VILLEURBANNE".into(),
        address_type: "BDL".into(),
        ..Address::default()
    }];
    let shown = shown_patient(record);
    // PID-23 (FACTS §3 PID).
    assert_eq!(
        part(&shown, &["extension", "address"]),
        json!({ "extension": [ {
            "url": "http://hl7.org/fhir/StructureDefinition/patient-birthPlace",
            "valueAddress": { "text": "Lyon 3e" }
        } ] })
    );
}

#[test]
fn control_characters_deletions_and_blanks_never_come_out() {
    let mut record = patient(1);
    record.names =
        vec![name("DU\u{0}PONT\u{1b}", &["\"\"", " ", "Jean\u{8}"], "L"), name(" ", &[""], "D")];
    record.telecoms = vec![Telecom { value: " \u{1} ".into(), ..Telecom::default() }];
    record.addresses = vec![Address { lines: vec!["\"\"".into()], ..Address::default() }];
    record.marital_status = Coded { system: "L".into(), ..Coded::default() };
    record.mothers_maiden_name = "\"\"".into();
    let shown = shown_patient(record);
    assert_eq!(
        part(&shown, &["name", "telecom", "address", "maritalStatus", "extension"]),
        json!({ "name": [ { "use": "official", "family": "DUPONT", "given": ["Jean"] } ] })
    );
}

#[test]
fn a_stay_that_is_only_known_to_exist_has_status_class_and_subject() {
    let mut record = stay(11, 1);
    record.situation.class = Coded::default();
    record.situation.status = StayStatus::Unknown;
    let expected = json!({
        "resourceType": "Encounter",
        "id": "0b0b0b0b-0b0b-0b0b-0b0b-0b0b0b0b0b0b",
        "meta": { "versionId": "7", "lastUpdated": "2026-11-20T09:00:00.250Z" },
        "status": "unknown",
        // Class is 1..1 (FACTS §2, last line of the table).
        "class": {
            "system": "http://terminology.hl7.org/CodeSystem/v3-NullFlavor", "code": "UNK",
            "display": "unknown"
        },
        "subject": { "reference": "Patient/01010101-0101-0101-0101-010101010101" }
    });
    assert_eq!(shown_stay(record), expected);
}

#[test]
fn a_stay_is_rendered_whole() {
    let expected = json!({
        "resourceType": "Encounter",
        "id": "0b0b0b0b-0b0b-0b0b-0b0b-0b0b0b0b0b0b",
        "meta": { "versionId": "7", "lastUpdated": "2026-11-20T09:00:00.250Z" },
        // PV2-8, PV2-9 (FACTS §3 PV2): R5's elements as cross-version extensions.
        "extension": [
            {
                "url":
                    "http://hl7.org/fhir/5.0/StructureDefinition/extension-Encounter.plannedStartDate",
                "valueDateTime": "2026-03-10"
            },
            {
                "url":
                    "http://hl7.org/fhir/5.0/StructureDefinition/extension-Encounter.plannedEndDate",
                "valueDateTime": "2026-03-14T10:00:00+01:00"
            }
        ],
        // PV1-19: type VN.
        "identifier": [ {
            "type": { "coding": [ {
                "system": "http://terminology.hl7.org/CodeSystem/v2-0203", "code": "VN",
                "display": "Visit number"
            } ] },
            "system": "urn:oid:1.2.4", "value": "26V0000451"
        } ],
        "status": "finished",
        // PV1-2 I (FACTS §2).
        "class": {
            "system": "http://terminology.hl7.org/CodeSystem/v3-ActCode", "code": "IMP",
            "display": "inpatient encounter"
        },
        // PV1-4, 0007 unchanged.
        "type": [ { "coding": [
            { "system": "http://terminology.hl7.org/CodeSystem/v2-0007", "code": "R" }
        ] } ],
        // PV1-10, 0069.
        "serviceType": { "coding": [
            { "system": "http://terminology.hl7.org/CodeSystem/v2-0069", "code": "127" }
        ] },
        // PV2-25, 0217.
        "priority": { "coding": [
            {
                "system": "http://terminology.hl7.org/CodeSystem/v3-ActPriority", "code": "UR",
                "display": "urgent"
            },
            { "system": "http://terminology.hl7.org/CodeSystem/v2-0217", "code": "2" }
        ] },
        "subject": { "reference": "Patient/01010101-0101-0101-0101-010101010101" },
        // PV1-7 ATND, PV1-17 ADM.
        "participant": [
            {
                "type": [ { "coding": [ {
                    "system": "http://terminology.hl7.org/CodeSystem/v3-ParticipationType",
                    "code": "ATND", "display": "attender"
                } ] } ],
                "individual": {
                    "type": "Practitioner",
                    "identifier":
                        { "system": "urn:oid:1.2.250.1.71.4.2.1", "value": "99999999911" },
                    "display": "Dr Élise DÉMOCRATE"
                }
            },
            {
                "type": [ { "coding": [ {
                    "system": "http://terminology.hl7.org/CodeSystem/v3-ParticipationType",
                    "code": "ADM", "display": "admitter"
                } ] } ],
                "individual": { "type": "Practitioner", "display": "GARDE" }
            }
        ],
        // PV1-44, PV1-45.
        "period": { "start": "2026-03-10T09:05:00+01:00", "end": "2026-03-14T10:30:00+01:00" },
        // PV2-3: two codings and a text.
        "reasonCode": [ {
            "coding": [
                {
                    "system": "http://hl7.org/fhir/sid/icd-10", "code": "I50.9",
                    "display": "Insuffisance cardiaque"
                },
                { "code": "IC" }
            ],
            "text": "Insuffisance cardiaque"
        } ],
        // PID-18: an account, by its number.
        "account": [ {
            "type": "Account",
            "identifier": {
                "type": { "coding": [ {
                    "system": "http://terminology.hl7.org/CodeSystem/v2-0203", "code": "AN",
                    "display": "Account number"
                } ] },
                "system": "urn:oid:1.2.5", "value": "26000451"
            }
        } ],
        "hospitalization": {
            // PV1-5.
            "preAdmissionIdentifier": {
                "type": { "coding": [ {
                    "system": "http://terminology.hl7.org/CodeSystem/v2-0203", "code": "VN",
                    "display": "Visit number"
                } ] },
                "system": "urn:oid:1.2.4", "value": "26V0000400"
            },
            // PV1-14.
            "admitSource": { "coding": [
                { "system": "http://terminology.hl7.org/CodeSystem/v2-0023", "code": "8" }
            ] },
            // PV1-13.
            "reAdmission": { "coding": [
                { "system": "http://terminology.hl7.org/CodeSystem/v2-0092", "code": "R" }
            ] },
            // PV1-37: a site's own code for a place.
            "destination": {
                "type": "Location",
                "identifier": {
                    "system": "http://terminology.hl7.org/CodeSystem/v2-0113", "value": "SSR2"
                },
                "display": "Centre des Monts d'Or"
            },
            // PV1-36: the site's own table (FACTS §5: 0112 has no codes of its own).
            "dischargeDisposition": { "coding": [
                { "system": "http://terminology.hl7.org/CodeSystem/v2-0112", "code": "7" }
            ] }
        },
        "location": [
            {
                // ZBE-1.
                "extension": [ {
                    "url": "urn:x-sluice:fhir:movement-identifier",
                    "valueIdentifier": { "system": "urn:oid:1.2.6", "value": "MV000102" }
                } ],
                "location": {
                    "reference": "Location/1e1e1e1e-1e1e-1e1e-1e1e-1e1e1e1e1e1e",
                    "display": "3101 C305 C305F"
                },
                "status": "completed",
                "physicalType": { "coding": [ {
                    "system": "http://terminology.hl7.org/CodeSystem/location-physical-type",
                    "code": "bd", "display": "Bed"
                } ] },
                "period":
                    { "start": "2026-03-10T09:05:00+01:00", "end": "2026-03-11T08:00:00+01:00" }
            },
            {
                "location": {
                    "reference": "Location/1f1f1f1f-1f1f-1f1f-1f1f-1f1f1f1f1f1f",
                    "display": "USIC"
                },
                "status": "completed",
                // Point of care: `wa` (FACTS §4 PL [REC]).
                "physicalType": { "coding": [ {
                    "system": "http://terminology.hl7.org/CodeSystem/location-physical-type",
                    "code": "wa", "display": "Ward"
                } ] },
                "period": { "start": "2026-03-11T08:00:00+01:00" }
            }
        ]
    });
    assert_eq!(shown_stay(fhir_records::whole_stay(11, 1)), expected);
}

#[test]
fn every_class_of_the_table_and_of_a_site_is_one_coding() {
    let of = |code: &str, text: &str| {
        let mut record = stay(11, 1);
        record.situation.class = coded(code, text, "0004");
        shown_stay(record)["class"].clone()
    };
    // FACTS §2.
    for (sent, system, code) in [
        ("E", "v3-ActCode", "EMER"),
        ("I", "v3-ActCode", "IMP"),
        ("O", "v3-ActCode", "AMB"),
        ("P", "v3-ActCode", "PRENC"),
        ("R", "v2-0004", "R"),
        ("B", "v2-0004", "B"),
        ("C", "v2-0004", "C"),
        ("N", "v2-0004", "N"),
        ("U", "v2-0004", "U"),
        ("", "v3-NullFlavor", "UNK"),
    ] {
        let class = of(sent, "");
        assert_eq!(class["system"], format!("http://terminology.hl7.org/CodeSystem/{system}"));
        assert_eq!(class["code"], code, "{sent}");
        assert!(class["display"].is_string(), "{sent}");
    }
    // DESIGN §3: the sender's own code stays.
    assert_eq!(
        of("HDJ", "Hôpital de jour"),
        json!({
            "system": "http://terminology.hl7.org/CodeSystem/v2-0004", "code": "HDJ",
            "display": "Hôpital de jour"
        })
    );
}

#[test]
fn every_status_of_a_stay_has_its_r4_code() {
    for (status, code) in [
        (StayStatus::Planned, "planned"),
        (StayStatus::InProgress, "in-progress"),
        (StayStatus::OnLeave, "onleave"),
        (StayStatus::Finished, "finished"),
        (StayStatus::Cancelled, "cancelled"),
        (StayStatus::EnteredInError, "entered-in-error"),
        (StayStatus::Unknown, "unknown"),
    ] {
        let mut record = stay(11, 1);
        record.situation.status = status;
        assert_eq!(shown_stay(record)["status"], code);
    }
}

#[test]
fn a_period_that_ends_before_it_starts_keeps_its_start() {
    let mut record = stay(11, 1);
    record.situation.start = Some(moment("2026-03-10T09:05:00+01:00"));
    record.situation.end = Some(moment("2026-03-09T09:05:00+01:00"));
    // per-1.
    assert_eq!(
        shown_stay(record.clone())["period"],
        json!({ "start": "2026-03-10T09:05:00+01:00" })
    );
    // The same day, sent without a time, is no contradiction.
    record.situation.end = Some(moment("2026-03-10"));
    assert_eq!(
        shown_stay(record)["period"],
        json!({ "start": "2026-03-10T09:05:00+01:00", "end": "2026-03-10" })
    );
}

#[test]
fn what_is_not_in_use_of_a_stay_is_not_shown() {
    let mut record = fhir_records::whole_stay(11, 1);
    record.movements[0].cancelled = Some(sluice_ids::Seq::new(9));
    record.movements[1].location = None;
    record.movements[1].place = Some(Place { description: "Couloir".into(), ..Place::default() });
    let shown = shown_stay(record);
    // A cancelled movement is gone; a place without a record is named.
    assert_eq!(
        shown["location"],
        json!([ {
            "location": { "type": "Location", "display": "Couloir" },
            "status": "completed",
            "period": { "start": "2026-03-11T08:00:00+01:00" }
        } ])
    );
}

#[test]
fn a_place_has_a_path_a_level_and_a_name() {
    let record = location(30, place("3101", "C305", "C305F", "CANUTS"));
    let expected = json!({
        "resourceType": "Location",
        "id": "1e1e1e1e-1e1e-1e1e-1e1e-1e1e1e1e1e1e",
        "meta": { "versionId": "7", "lastUpdated": "2026-11-20T09:00:00.250Z" },
        // Scoped by its parents: "bed 2" is not unique (FACTS §4 PL).
        "identifier":
            [ { "system": "urn:x-sluice:EJ1:place", "value": "CANUTS///3101/C305/C305F" } ],
        "status": "active",
        "name": "3101 C305 C305F",
        "mode": "instance",
        "physicalType": { "coding": [ {
            "system": "http://terminology.hl7.org/CodeSystem/location-physical-type",
            "code": "bd", "display": "Bed"
        } ] },
        "managingOrganization": {
            "type": "Organization",
            "identifier": { "system": "https://finess.esante.gouv.fr", "value": "699000014" },
            "display": "CHU"
        }
    });
    assert_eq!(shown(Record::Location(Arc::new(record))), expected);

    let described =
        Place { facility: "CANUTS".into(), description: "Le parc".into(), ..Place::default() };
    let shown = shown(Record::Location(Arc::new(location(30, described))));
    assert_eq!(
        part(&shown, &["name", "description", "identifier"]),
        json!({
            "name": "Le parc", "description": "Le parc",
            "identifier": [ { "system": "urn:x-sluice:EJ1:place", "value": "CANUTS" } ]
        })
    );
}

#[test]
fn the_same_record_gives_the_same_bytes() {
    let record = Record::Patient(Arc::new(fhir_records::whole_patient(1)));
    let bytes = render(&record, &entity(), FhirVersion::R4);
    assert_eq!(bytes, render(&record, &entity(), FhirVersion::R4));
    assert!(!bytes.contains(&b'\n'), "one line of NDJSON");
}
