//! EncounterHistory, Provenance and Group: derived when they are asked for.

#![allow(clippy::unwrap_used, clippy::disallowed_methods, reason = "a test may fail")]

mod support;

use sluice_http::role::Role;
use sluice_mappings::records::{MovementEffect, StayStatus};
use support::{Lane, Running, awaited, settings};

fn ids(page: &serde_json::Value) -> Vec<String> {
    let entries = page["entry"].as_array().cloned().unwrap_or_default();
    entries.iter().map(|entry| entry["resource"]["id"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn each_movement_of_a_stay_is_an_encounter_history_in_r5() {
    let server = Running::start(settings());
    let mut lane = Lane::of(&server, "EJ1");
    let patient = lane.patient(1, "Durand");
    let stay = lane.change_stay(1, patient, |stay| {
        for (number, status) in [(3, StayStatus::InProgress), (4, StayStatus::OnLeave)] {
            let mut movement = awaited(number);
            movement.held = None;
            movement.cancelled = None;
            movement.effect = MovementEffect { status: Some(status), ..MovementEffect::default() };
            stay.movements.push(movement);
        }
    });
    let all = server.get(&format!("/fhir/R5/EncounterHistory?encounter=Encounter/{stay}"), None);
    let all = all.json();
    assert_eq!((&all["total"], ids(&all).len()), (&2.into(), 2));
    let statuses: Vec<_> = (0..2).map(|n| all["entry"][n]["resource"]["status"].clone()).collect();
    assert_eq!(statuses, ["in-progress", "on-hold"]);
    let of_patient = server.get(&format!("/fhir/R5/EncounterHistory?patient={patient}"), None);
    assert_eq!(ids(&of_patient.json()), ids(&all));
    for id in ids(&all) {
        let read = server.get(&format!("/fhir/R5/EncounterHistory/{id}"), None);
        assert_eq!(read.status, 200);
        assert_eq!(read.json()["encounter"]["reference"], format!("Encounter/{stay}"));
    }
    let both = format!("/fhir/R5/EncounterHistory?patient={patient}&_id={}", ids(&all)[1]);
    assert_eq!(ids(&server.get(&both, None).json()), ids(&all)[1..]);
    assert_eq!(server.get("/fhir/R5/EncounterHistory", None).status, 400);
    assert_eq!(server.get(&format!("/fhir/R5/EncounterHistory/{stay}-99"), None).status, 404);
    // R4 has no such resource.
    assert_eq!(
        server.get(&format!("/fhir/R4/EncounterHistory?encounter={stay}"), None).status,
        404
    );
}

#[test]
fn each_version_says_by_provenance_where_it_comes_from() {
    let server = Running::start(settings());
    let mut lane = Lane::of(&server, "EJ1");
    let patient = lane.patient(1, "Durand");
    for base in ["/fhir/R4", "/fhir/R5", "/ej/EJ1/fhir/R4"] {
        let read = server.get(&format!("{base}/Provenance/{patient}"), None).json();
        assert_eq!(read["target"][0]["reference"], format!("Patient/{patient}/_history/1"));
        for target in [format!("Patient/{patient}"), patient.to_string()] {
            let found = server.get(&format!("{base}/Provenance?target={target}"), None).json();
            assert_eq!(ids(&found), [patient.to_string()], "{target}");
        }
        let none = server.get(&format!("{base}/Provenance?target=Encounter/{patient}"), None);
        assert_eq!(none.json()["total"], 0);
        let beside = server.get(&format!("{base}/Patient?_revinclude=Provenance:target"), None);
        let beside = beside.json();
        assert_eq!(beside["entry"][1]["resource"]["resourceType"], "Provenance");
        assert_eq!(beside["entry"][1]["search"]["mode"], "include");
    }
    let stranger = server.token(Role::Reader, &["EJ2"]);
    let path = format!("/fhir/R4/Provenance/{patient}");
    assert_eq!(server.get(&path, Some(&stranger)).status, 404);
    let path = format!("/fhir/R4/Provenance?target=Patient/{patient}");
    assert_eq!(server.get(&path, Some(&stranger)).json()["total"], 0);
}

#[test]
fn each_ej_has_one_group_of_all_its_patients_and_nobody_elses() {
    let server = Running::start(settings());
    let mut lane = Lane::of(&server, "EJ1");
    let before = server.get("/ej/EJ1/fhir/R4/Group", None).json();
    assert_eq!(before["entry"][0]["resource"]["quantity"], 0);
    for number in 0..3 {
        lane.patient(number, "Durand");
    }
    for version in ["R4", "R5"] {
        let all = server.get(&format!("/fhir/{version}/Group"), None).json();
        assert_eq!((&all["total"], ids(&all).len()), (&2.into(), 2));
        let group = &all["entry"][0]["resource"];
        assert_eq!(group["quantity"], 3);
        // When the newest patient came.
        assert_eq!(group["meta"]["lastUpdated"], "2026-09-21T14:13:20.003Z");
        assert!(group.get("member").is_none());
        let id = group["id"].as_str().unwrap();
        let read = server.get(&format!("/fhir/{version}/Group/{id}"), None);
        assert_eq!((read.status, &read.json()), (200, group));
        let etag = [("If-None-Match", read.header("etag").unwrap())];
        let again = server.request("GET", &format!("/fhir/{version}/Group/{id}"), None, &etag, b"");
        assert_eq!(again.status, 304);
        let organization = group["managingEntity"]["reference"].as_str().unwrap();
        for search in [format!("_id={id}"), format!("managing-entity={organization}")] {
            let found = server.get(&format!("/fhir/{version}/Group?{search}"), None).json();
            assert_eq!(ids(&found), [id], "{search}");
        }
        let none = server.get(&format!("/fhir/{version}/Group?managing-entity=Patient/{id}"), None);
        assert_eq!(none.json()["total"], 0);
    }
    let stranger = server.token(Role::Reader, &["EJ2"]);
    let id = ids(&before)[0].clone();
    assert_eq!(server.get(&format!("/fhir/R4/Group/{id}"), Some(&stranger)).status, 404);
    let seen = ids(&server.get("/fhir/R4/Group", Some(&stranger)).json());
    assert!(seen.len() == 1 && seen[0] != id);
    assert_eq!(server.get(&format!("/fhir/R4/Group?_id={id}"), Some(&stranger)).json()["total"], 0);
}
