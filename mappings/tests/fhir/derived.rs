//! EncounterHistory, Provenance and Group: what is derived beside the resources of records.

use serde_json::{Value, json};
use sluice_ids::{Micros, Seq};
use sluice_mappings::fhir::FhirVersion::{R4, R5};
use sluice_mappings::fhir::{
    FhirVersion, GroupRecord, render_group, render_history, render_provenance, stay_of_history,
};
use sluice_mappings::records::{
    EventCode, Movement, MovementEffect, PatientRecord, PlaceRole, PlaceStatus, Record, Stamp,
    StayRecord, StayStatus, Unit,
};

use super::fhir_records::others::{condition, organization};
use super::fhir_records::{
    coded, entity, id, identifier, moment, movement, patient, place, stamp, stay,
};
use super::{changed, legal_entity, meta, part, terminology};

fn history(record: &StayRecord) -> Vec<Value> {
    let derived = render_history(record);
    for one in &derived {
        let json: Value = serde_json::from_slice(&one.json).unwrap();
        assert_eq!(json["id"], one.id);
    }
    derived.iter().map(|one| serde_json::from_slice(&one.json).unwrap()).collect()
}

fn provenance(record: impl Into<Record>, version: FhirVersion) -> Value {
    serde_json::from_slice(&render_provenance(&record.into(), &entity(), version)).unwrap()
}

/// A movement that gave the stay a status, told by the message `seq`.
fn told(event: &str, seq: u64, status: StayStatus, start: &str) -> Movement {
    let place = place("3101", "C305", "C305F", "CANUTS");
    let mut one = movement(place, 30, PlaceStatus::Completed, start);
    one.event = event.into();
    one.seq = Seq::new(seq);
    one.effect = MovementEffect { status: Some(status), ..MovementEffect::default() };
    one
}

/// Admitted, moved for a while, on leave, back, class changed in place, discharged.
fn course() -> StayRecord {
    let mut record = stay(11, 1);
    let mut admitted = told("A01", 3, StayStatus::InProgress, "2026-03-10T09:00:00+01:00");
    admitted.identifier = Some(identifier("urn:oid:1.2.6", "MV1", ""));
    admitted.end = Some(moment("2026-03-11T09:00:00+01:00"));
    admitted.effect.class = Some(coded("I", "", "0004"));
    admitted.nature = "HMS".into();
    admitted.effect.medical_unit = Some(Unit {
        organization: id(40),
        identifier: identifier("urn:x-sluice:EJ1:uf", "3101", ""),
        name: "Cardiologie".into(),
    });
    let mut scan = movement(
        place("IMAGERIE", "", "", ""),
        31,
        PlaceStatus::Completed,
        "2026-03-11T09:00:00+01:00",
    );
    scan.role = PlaceRole::Temporary;
    scan.seq = Seq::new(4);
    let mut leave = told("A21", 5, StayStatus::OnLeave, "2026-03-12T09:00:00+01:00");
    leave.place = None;
    let mut back = told("A22", 6, StayStatus::InProgress, "2026-03-13T09:00:00+01:00");
    back.place = None;
    let mut class = told("A06", 7, StayStatus::InProgress, "2026-03-13T10:00:00+01:00");
    class.place = None;
    class.effect.class = Some(coded("E", "", "0004"));
    let mut closing = told("A03", 8, StayStatus::Finished, "2026-03-14T10:30:00+01:00");
    closing.place = None;
    closing.effect.discharged = true;
    record.movements = vec![admitted, scan, leave, back, class, closing];
    record.situation.status = StayStatus::Finished;
    record
}

#[test]
fn a_history_has_an_entry_for_each_movement_with_how_the_stay_stood_after_it() {
    let all = history(&course());
    let expected = json!({
        "resourceType": "EncounterHistory",
        "id": "0b0b0b0b-0b0b-0b0b-0b0b-0b0b0b0b0b0b-3",
        "meta": meta(),
        // ZBE-9, ZBE-7.
        "extension": [
            { "url": "urn:x-sluice:fhir:movement-nature", "valueCode": "HMS" },
            { "url": "urn:x-sluice:fhir:medical-unit", "valueReference": {
                "reference": "Organization/28282828-2828-2828-2828-282828282828",
                "identifier": { "system": "urn:x-sluice:EJ1:uf", "value": "3101" },
                "display": "Cardiologie"
            } }
        ],
        "encounter": { "reference": "Encounter/0b0b0b0b-0b0b-0b0b-0b0b-0b0b0b0b0b0b" },
        // ZBE-1.
        "identifier": [ { "system": "urn:oid:1.2.6", "value": "MV1" } ],
        "status": "in-progress",
        "class": { "coding": [ {
            "system": terminology("v3-ActCode"), "code": "IMP", "display": "inpatient encounter"
        } ] },
        "subject": { "reference": "Patient/01010101-0101-0101-0101-010101010101" },
        "subjectStatus": { "coding": [ {
            "system": terminology("encounter-subject-status"), "code": "receiving-care",
            "display": "Receiving Care"
        } ] },
        "actualPeriod":
            { "start": "2026-03-10T09:00:00+01:00", "end": "2026-03-11T09:00:00+01:00" },
        "location": [ {
            "location": {
                "reference": "Location/1e1e1e1e-1e1e-1e1e-1e1e-1e1e1e1e1e1e",
                "display": "3101 C305 C305F"
            },
            "form": { "coding": [ {
                "system": terminology("location-physical-type"), "code": "bd", "display": "Bed"
            } ] }
        } ]
    });
    assert_eq!(all[0], expected);
    let row = |one: &Value| {
        let id = one["id"].as_str().unwrap();
        json!([
            id[37..],
            one["status"],
            one["class"]["coding"][0]["code"],
            one["subjectStatus"]["coding"][0]["code"],
            one["actualPeriod"]["end"]
        ])
    };
    let rows: Vec<_> = all.iter().map(row).collect();
    let expected = [
        json!(["3", "in-progress", "IMP", "receiving-care", "2026-03-11T09:00:00+01:00"]),
        json!(["4", "in-progress", "IMP", "receiving-care", "2026-03-12T09:00:00+01:00"]),
        json!(["5", "on-hold", "IMP", "on-leave", "2026-03-13T09:00:00+01:00"]),
        json!(["6", "in-progress", "IMP", "receiving-care", "2026-03-13T10:00:00+01:00"]),
        json!(["7", "in-progress", "EMER", "receiving-care", "2026-03-14T10:30:00+01:00"]),
        json!(["8", "discharged", "EMER", "departed", null]),
    ];
    assert_eq!(rows, expected);
    // PV1-11 (FACTS §1 A09).
    assert_eq!(
        all[1]["location"][0]["extension"],
        json!([ {
            "url": "http://hl7.org/fhir/StructureDefinition/subject-locationClassification",
            "valueCodeableConcept": { "coding": [ { "code": "temporary" } ] }
        } ])
    );
    assert!(all[2].get("location").is_none());
}

#[test]
fn what_was_taken_back_or_only_announced_is_no_history() {
    let mut record = course();
    record.movements[4].cancelled = Some(Seq::new(9));
    let mut reserved = movement(place("USIC", "", "", ""), 31, PlaceStatus::Reserved, "2026-03-15");
    reserved.role = PlaceRole::Reserved;
    reserved.seq = Seq::new(10);
    record.movements.push(reserved);
    let ids: Vec<_> = history(&record).iter().map(|one| one["id"].clone()).collect();
    let expected: Vec<_> = ["3", "4", "5", "6", "8"]
        .into_iter()
        .map(|number| json!(format!("0b0b0b0b-0b0b-0b0b-0b0b-0b0b0b0b0b0b-{number}")))
        .collect();
    assert_eq!(ids, expected);
}

#[test]
fn the_id_of_a_movement_stays_when_others_come_before_it_or_go() {
    let mut record = course();
    // Two movements of one message: where the patient was before, and where the message puts them.
    let mut before = told("", 3, StayStatus::InProgress, "2026-03-09");
    before.start = None;
    record.movements.insert(0, before);
    let ids = |record: &StayRecord| -> Vec<String> {
        render_history(record).into_iter().map(|one| one.id[37..].to_owned()).collect()
    };
    assert_eq!(ids(&record), ["3", "3.2", "4", "5", "6", "7", "8"]);
    // A historic one is put in its place by time, and has the number of its message.
    record.movements.insert(2, told("A02", 9, StayStatus::InProgress, "2026-03-10T12:00:00+01:00"));
    assert_eq!(ids(&record), ["3", "3.2", "9", "4", "5", "6", "7", "8"]);
    record.movements[0].cancelled = Some(Seq::new(10));
    assert_eq!(ids(&record), ["3.2", "9", "4", "5", "6", "7", "8"]);
}

#[test]
fn the_stay_is_found_by_the_id_of_its_history() {
    let own = "0b0b0b0b-0b0b-0b0b-0b0b-0b0b0b0b0b0b";
    assert_eq!(stay_of_history(&format!("{own}-3.2")), Some(id(11)));
    for other in [own, "", "x-3", "0B0B0B0B-0b0b-0b0b-0b0b-0b0b0b0b0b0b-3", "é"] {
        assert_eq!(stay_of_history(other), None, "{other}");
    }
}

#[test]
fn a_class_that_no_movement_gave_is_the_stays() {
    let mut record = stay(11, 1);
    record.movements = vec![told("A02", 3, StayStatus::InProgress, "2026-03-10")];
    // class is 1..1.
    assert_eq!(history(&record)[0]["class"]["coding"][0]["code"], "IMP");
}

/// As the message 7 of an A02 made it, at 10:00 in Paris.
fn stamped() -> Stamp {
    Stamp {
        event: EventCode::new("A02"),
        occurred: Some(moment("2026-11-20T10:00:00+01:00")),
        ..stamp()
    }
}

#[test]
fn a_provenance_tells_the_message_that_made_the_version() {
    let coding = |system: &str, code: &str| json!({ "system": terminology(system), "code": code });
    let author = json!({
        "type": { "coding": [ {
            "system": terminology("provenance-participant-type"), "code": "author",
            "display": "Author"
        } ] },
        "who": legal_entity()
    });
    let mut revise = coding("v3-DataOperation", "UPDATE");
    revise["display"] = json!("revise");
    let expected = json!({
        "resourceType": "Provenance",
        "id": "47474747-4747-4747-4747-474747474747",
        "meta": meta(),
        "target":
            [ { "reference": "Condition/47474747-4747-4747-4747-474747474747/_history/7" } ],
        // EVN-6 (FACTS §3 MSH/EVN).
        "occurredDateTime": "2026-11-20T10:00:00+01:00",
        "recorded": "2026-11-20T09:00:00.250Z",
        "activity": { "coding": [ coding("v2-0003", "A02"), revise ] },
        "agent": [ author ],
        "entity": [ {
            "role": "source",
            "what": { "identifier": { "system": "urn:x-sluice:fhir:message", "value": "EJ1/7" } }
        } ]
    });
    let mut record = condition(71);
    record.stamp = stamped();
    assert_eq!(provenance(record.clone(), R4), expected);
    let r5 = json!({
        "patient": { "reference": "Patient/01010101-0101-0101-0101-010101010101" },
        "encounter": { "reference": "Encounter/0b0b0b0b-0b0b-0b0b-0b0b-0b0b0b0b0b0b" }
    });
    assert_eq!(provenance(record, R5), changed(expected, r5));
}

#[test]
fn a_provenance_tells_what_came_of_the_message() {
    let operation = |stamp: Stamp| {
        let mut record = organization(40);
        record.stamp = stamp;
        let codes = provenance(record, R4)["activity"]["coding"].clone();
        codes.as_array().unwrap().iter().map(|c| c["code"].clone()).collect::<Vec<_>>()
    };
    assert_eq!(operation(Stamp { created: Seq::new(7), ..stamped() }), ["A02", "CREATE"]);
    assert_eq!(operation(stamped()), ["A02", "UPDATE"]);
    assert_eq!(operation(Stamp { gone: true, ..stamped() }), ["A02", "DELETE"]);
    // A record that no event is known of.
    assert_eq!(operation(stamp()), ["UPDATE"]);
}

#[test]
fn who_last_changed_a_person_took_part() {
    let record = PatientRecord {
        last_update: Some(moment("2026-01-02")),
        last_update_facility: "CHU Nord".into(),
        ..patient(1)
    };
    let shown = provenance(record, R4);
    // PID-33, where the message does not say when; PID-34.
    assert_eq!(part(&shown, &["occurredDateTime"]), json!({ "occurredDateTime": "2026-01-02" }));
    assert_eq!(
        shown["agent"][1],
        json!({
            "type": { "coding": [ {
                "system": terminology("provenance-participant-type"), "code": "performer",
                "display": "Performer"
            } ] },
            "who": { "type": "Organization", "display": "CHU Nord" }
        })
    );
}

#[test]
fn a_group_tells_how_many_patients_there_are_and_lists_none() {
    let expected = json!({
        "resourceType": "Group",
        "id": sluice_mappings::adt::group_id(entity().id()).to_string(),
        "meta": { "versionId": "7", "lastUpdated": "2026-03-31T23:33:20.000Z" },
        "active": true,
        "type": "person",
        "actual": true,
        "name": entity().settings.name,
        "quantity": 41,
        "managingEntity": legal_entity(),
        "characteristic": [ {
            "code": { "text": "managing organization" },
            "valueReference": legal_entity(),
            "exclude": false
        } ]
    });
    let group = |version| -> serde_json::Value {
        let record = GroupRecord {
            quantity: 41,
            version: Seq::new(7),
            updated_at: Some(Micros::new(1_775_000_000_000_000)),
        };
        serde_json::from_slice(&render_group(record, &entity(), version)).unwrap()
    };
    assert_eq!(group(R4), expected);
    // R5 has another word for it: who is in it follows from the characteristic.
    let mut r5 = expected;
    r5.as_object_mut().unwrap().remove("actual");
    r5["membership"] = json!("definitional");
    assert_eq!(group(R5), r5);
    // Never to be changed: ids are for life.
    let id = sluice_mappings::adt::group_id(sluice_ids::EjId::new("EJ1").unwrap());
    assert_eq!(id.to_string(), "df5a4f12-f860-5697-828c-151613230b6c");
}
