//! StayRecord → Encounter.

use serde_json::{Value, json};
use sluice_mappings::fhir::FhirVersion::{R4, R5};
use sluice_mappings::records::{
    Coded, Diagnosis, Place, PlaceRole, PlaceStatus, StayRecord, StayStatus, Unit,
};

use super::fhir_records::others::{doctor, named};
use super::fhir_records::{self, coded, id, identifier, moment, movement, place, stay};
use super::{changed, legal_entity, part, shown, terminology};

fn shown_stay(record: StayRecord) -> Value {
    shown(record, R4)
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
        "subject": { "reference": "Patient/01010101-0101-0101-0101-010101010101" },
        "serviceProvider": legal_entity()
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
        ],
        "serviceProvider": legal_entity()
    });
    assert_eq!(shown_stay(fhir_records::whole_stay(11, 1)), expected);

    // FACTS §8, in its order.
    let at = |pointer: &str| expected.pointer(pointer).cloned().unwrap();
    let participant = |n: usize| {
        let type_of = at(&format!("/participant/{n}/type"));
        json!({ "type": type_of, "actor": at(&format!("/participant/{n}/individual")) })
    };
    let place = |n: usize| {
        let form = at(&format!("/location/{n}/physicalType"));
        changed(at(&format!("/location/{n}")), json!({ "physicalType": null, "form": form }))
    };
    let r5 = changed(
        expected.clone(),
        json!({
            "extension": null,
            "plannedStartDate": "2026-03-10",
            "plannedEndDate": "2026-03-14T10:00:00+01:00",
            "status": "completed",
            "subjectStatus": { "coding": [ {
                "system": "http://terminology.hl7.org/CodeSystem/encounter-subject-status",
                "code": "departed", "display": "Departed"
            } ] },
            "class": [ { "coding": [ at("/class") ] } ],
            "serviceType": [ { "concept": at("/serviceType") } ],
            "participant": [ participant(0), participant(1) ],
            "period": null,
            "actualPeriod": at("/period"),
            "reasonCode": null,
            "reason": [ { "value": [ { "concept": at("/reasonCode/0") } ] } ],
            "hospitalization": null,
            "admission": at("/hospitalization"),
            "location": [ place(0), place(1) ]
        }),
    );
    assert_eq!(shown(fhir_records::whole_stay(11, 1), R5), r5);
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
fn a_class_keeps_the_senders_text_in_r5() {
    let mut record = stay(11, 1);
    record.situation.class = coded("I", "Hospitalisation", "0004");
    assert_eq!(
        shown(record, R5)["class"],
        json!([ {
            "coding": [ {
                "system": "http://terminology.hl7.org/CodeSystem/v3-ActCode", "code": "IMP",
                "display": "inpatient encounter"
            } ],
            "text": "Hospitalisation"
        } ])
    );
}

#[test]
fn every_status_of_a_stay_has_its_codes() {
    // FACTS §1, last lines.
    for (status, r4, r5, subject) in [
        (StayStatus::Planned, "planned", "planned", None),
        (StayStatus::InProgress, "in-progress", "in-progress", Some("receiving-care")),
        (StayStatus::OnLeave, "onleave", "on-hold", Some("on-leave")),
        (StayStatus::Finished, "finished", "completed", Some("departed")),
        (StayStatus::Cancelled, "cancelled", "cancelled", None),
        (StayStatus::EnteredInError, "entered-in-error", "entered-in-error", None),
        (StayStatus::Unknown, "unknown", "unknown", None),
    ] {
        let mut record = stay(11, 1);
        record.situation.status = status;
        let in_r4 = shown_stay(record.clone());
        assert_eq!(in_r4["status"], r4);
        assert!(in_r4.get("subjectStatus").is_none());
        let in_r5 = shown(record, R5);
        assert_eq!(in_r5["status"], r5);
        let code = in_r5.pointer("/subjectStatus/coding/0/code").and_then(Value::as_str);
        assert_eq!(code, subject);
    }
}

#[test]
fn r5_tells_who_has_come_from_who_is_cared_for_and_a_discharge_from_an_end() {
    let of = |status: StayStatus, event: &str| {
        let mut record = stay(11, 1);
        let mut told = movement(place("3101", "", "", ""), 30, PlaceStatus::Active, "2026-03-10");
        told.event = event.into();
        told.effect.status = Some(status);
        record.movements = vec![told];
        record.situation.status = status;
        record.situation.discharged = event == "A03";
        let shown = shown(record, R5);
        let code = shown.pointer("/subjectStatus/coding/0/code").and_then(Value::as_str);
        (shown["status"].as_str().unwrap().to_owned(), code.unwrap().to_owned())
    };
    let pair = |status: &str, subject: &str| (status.to_owned(), subject.to_owned());
    // FACTS §1, A01, A03, A04.
    assert_eq!(of(StayStatus::InProgress, "A04"), pair("in-progress", "arrived"));
    assert_eq!(of(StayStatus::InProgress, "A01"), pair("in-progress", "receiving-care"));
    assert_eq!(of(StayStatus::Finished, "A03"), pair("discharged", "departed"));
    assert_eq!(of(StayStatus::Finished, ""), pair("completed", "departed"));
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
fn a_stay_shows_who_answers_for_it_what_it_is_for_and_what_was_asked() {
    let mut record = stay(11, 1);
    record.situation.medical_unit = Some(unit(40, "Cardiologie"));
    record.situation.nursing_unit = Some(unit(43, "Soins"));
    record.situation.expected_return = Some(moment("2026-03-15"));
    record.is_protected = Some(true);
    record.description = "Chute < 1 m".into();
    record.length_days = Some(3);
    record.mode_of_arrival = coded("A", "Ambulance", "0430");
    record.special_arrangements = vec![coded("A2", "", "0009"), coded("A1", "", "0009")];
    record.special_courtesy = coded("VIP", "", "0099");
    record.diet = coded("SR", "", "0114");
    record.diagnoses = vec![
        Diagnosis { condition: id(71), diagnosis_type: coded("A", "", "0052"), rank: Some(1) },
        Diagnosis { condition: id(72), diagnosis_type: coded("W", "", "0052"), rank: Some(0) },
    ];
    let of_unit = |id: &str, name: &str| {
        json!({
            "reference": format!("Organization/{id}"),
            "identifier": { "system": "urn:x-sluice:EJ1:uf", "value": name },
            "display": name
        })
    };
    let cardiology = of_unit("28282828-2828-2828-2828-282828282828", "Cardiologie");
    let nursing = of_unit("2b2b2b2b-2b2b-2b2b-2b2b-2b2b2b2b2b2b", "Soins");
    let code = |table: &str, code: &str| json!({ "system": terminology(table), "code": code });
    let admission =
        changed(code("diagnosis-role", "AD"), json!({ "display": "Admission diagnosis" }));
    let condition = |id: &str| json!({ "reference": format!("Condition/{id}") });
    let first = condition("47474747-4747-4747-4747-474747474747");
    let second = condition("48484848-4848-4848-4848-484848484848");
    let uses = [
        json!({ "coding": [ admission, code("v2-0052", "A") ] }),
        json!({ "coding": [ code("v2-0052", "W") ] }),
    ];
    let wheel = changed(
        code("encounter-special-arrangements", "wheel"),
        json!({ "display": "Wheelchair" }),
    );
    let arrangements = json!([
        { "coding": [ wheel, code("v2-0009", "A2") ] },
        { "coding": [ code("v2-0009", "A1") ] }
    ]);
    let courtesy = json!([ { "coding": [ code("v2-0099", "VIP") ] } ]);
    let diet = json!([ { "coding": [ code("v2-0114", "SR") ] } ]);
    let expected = json!({
        // PV2-22, PV2-12.
        "meta": changed(super::meta(), json!({ "security": [ {
            "system": terminology("v3-Confidentiality"), "code": "R", "display": "restricted"
        } ] })),
        "text": {
            "status": "additional",
            "div": "<div xmlns=\"http://www.w3.org/1999/xhtml\"><p>Chute &lt; 1 m</p></div>"
        },
        // PV2-38, PV2-47, ZBE-8.
        "extension": [
            {
                "url": "http://hl7.org/fhir/StructureDefinition/encounter-modeOfArrival",
                "valueCoding": {
                    "system": terminology("v2-0430"), "code": "A", "display": "Ambulance"
                }
            },
            { "url": "urn:x-sluice:fhir:expected-return", "valueDateTime": "2026-03-15" },
            { "url": "urn:x-sluice:fhir:nursing-unit", "valueReference": nursing }
        ],
        // PV2-11 (FACTS §3 PV2: UCUM without a slash).
        "length": {
            "value": 3, "unit": "d", "system": "http://unitsofmeasure.org", "code": "d"
        },
        // DG1; 0 is no rank.
        "diagnosis": [
            { "condition": first, "use": uses[0], "rank": 1 },
            { "condition": second, "use": uses[1] }
        ],
        // PV1-15, 16, 38.
        "hospitalization": {
            "dietPreference": diet,
            "specialCourtesy": courtesy,
            "specialArrangement": arrangements
        },
        // ZBE-7.
        "serviceProvider": cardiology
    });
    let members = [
        "meta",
        "text",
        "extension",
        "length",
        "diagnosis",
        "hospitalization",
        "admission",
        "dietPreference",
        "specialCourtesy",
        "specialArrangement",
        "serviceProvider",
    ];
    assert_eq!(part(&shown_stay(record.clone()), &members), expected);
    // FACTS §8: the three stand at the root; no rank.
    let r5 = json!({
        "diagnosis": [
            { "condition": [ { "reference": first } ], "use": [ uses[0] ] },
            { "condition": [ { "reference": second } ], "use": [ uses[1] ] }
        ],
        "hospitalization": null,
        "dietPreference": diet,
        "specialCourtesy": courtesy,
        "specialArrangement": arrangements
    });
    assert_eq!(part(&shown(record, R5), &members), changed(expected, r5));
}

fn unit(number: u8, name: &str) -> Unit {
    Unit {
        organization: id(number),
        identifier: identifier("urn:x-sluice:EJ1:uf", name, ""),
        name: name.into(),
    }
}

#[test]
fn a_participant_is_the_practitioner_that_is_served_in_a_role_for_a_time() {
    let mut record = stay(11, 1);
    let mut sent = doctor("PI", Some(51));
    sent.start = Some(moment("2026-03-10"));
    sent.end = Some(moment("2026-03-11"));
    record.practitioners = vec![sent, doctor("RO", None)];
    let shown = shown_stay(record);
    let participant = &shown["participant"];
    assert_eq!(
        participant[0]["individual"],
        json!({
            "reference": "Practitioner/33333333-3333-3333-3333-333333333333",
            "identifier": {
                "type": { "coding": [ {
                    "system": "https://hl7.fr/ig/fhir/core/CodeSystem/fr-core-cs-v2-0203",
                    "code": "RPPS",
                } ] },
                "system": "urn:oid:1.2.250.1.71.4.2.1", "value": "99999999911"
            },
            "display": "Dr Élise DÉMOCRATE"
        })
    );
    assert_eq!(participant[0]["period"], json!({ "start": "2026-03-10", "end": "2026-03-11" }));
    assert_eq!(participant[0]["type"][0]["coding"][0]["code"], "40570005");
    // 0443 as sent.
    assert_eq!(
        participant[1]["type"],
        json!([ { "coding": [ { "system": terminology("v2-0443"), "code": "RO" } ] } ])
    );
    assert!(participant[1].get("period").is_none());
}

#[test]
fn a_stay_refers_to_its_account_and_to_who_provides_it() {
    let mut record = stay(11, 1);
    record.account = Some(identifier("urn:oid:1.2.5", "26000451", ""));
    record.account_record = Some(id(70));
    record.service_provider = named("Clinique", None);
    let shown = shown_stay(record);
    assert_eq!(shown["account"][0]["reference"], "Account/46464646-4646-4646-4646-464646464646");
    assert_eq!(shown["account"][0]["identifier"]["value"], "26000451");
    // PV1-39.
    assert_eq!(shown["serviceProvider"], json!({ "type": "Organization", "display": "Clinique" }));
}

#[test]
fn a_place_for_a_while_is_told_from_the_one_that_is_kept() {
    let mut record = stay(11, 1);
    let mut scan = movement(place("IMAGERIE", "", "", ""), 31, PlaceStatus::Active, "2026-03-11");
    scan.role = PlaceRole::Temporary;
    scan.nature = "L".into();
    record.movements = vec![scan];
    // FACTS §1 A09; ZBE-9.
    assert_eq!(
        shown_stay(record)["location"][0]["extension"],
        json!([
            {
                "url": "http://hl7.org/fhir/StructureDefinition/subject-locationClassification",
                "valueCodeableConcept": { "coding": [ { "code": "temporary" } ] }
            },
            { "url": "urn:x-sluice:fhir:movement-nature", "valueCode": "L" }
        ])
    );
}
