//! What is told beside the resources: caches, counts, issues, what is held.

use sluice_mappings::records::HeldMovement;

use crate::support::{Lane, Running, awaited, ej, settings};

#[test]
fn the_cache_counts_can_be_cleared_and_can_be_off() {
    let server = Running::start(settings());
    let id = Lane::of(&server, "EJ1").patient(1, "Durand");
    let path = format!("/fhir/R4/Patient/{id}");
    let first = server.get(&path, None).body;
    assert_eq!(server.get(&path, None).body, first);
    let counts = server.get("/api/metrics/cache", None).json();
    assert_eq!(counts["resources"]["hits"], 1);
    assert_eq!(counts["resources"]["misses"], 1);
    for window in ["since_start", "1m", "15m"] {
        assert_eq!(counts["resources"]["hit_ratio"][window], 0.5, "{window}");
        assert_eq!(counts["hit_ratio"][window], 0.5, "{window}");
        assert!(counts["chunks"]["hit_ratio"][window].is_null(), "{window}: nothing was asked");
    }
    assert_eq!(counts["resources"]["entries"], 1);
    let cleared = server.request("POST", "/api/cache/clear", None, &[], b"");
    assert_eq!(cleared.json()["cleared"]["resources"], 1);
    assert_eq!(server.get("/api/metrics/cache", None).json()["resources"]["entries"], 0);
    assert_eq!(server.get(&path, None).body, first);

    let mut off = settings();
    off.cache.enabled = false;
    let server = Running::start(off);
    Lane::of(&server, "EJ1").patient(1, "Durand");
    assert_eq!(server.get(&path, None).body, first);
    let counts = server.get("/api/metrics/cache", None).json();
    assert_eq!(
        (counts["enabled"].as_bool(), counts["resources"]["entries"].as_u64()),
        (Some(false), Some(0))
    );
}

#[test]
fn status_tells_counts_and_lag() {
    let server = Running::start(settings());
    let mut lane = Lane::of(&server, "EJ2");
    let patient = lane.patient(1, "Durand");
    lane.stay(1, patient);
    server.vitals.journaled.lock().insert(ej("EJ2"), sluice_ids::Seq::new(5));
    let status = server.get("/api/status", None).json();
    assert_eq!((status["open"].as_bool(), status["ready"].as_bool()), (Some(true), Some(true)));
    let two = &status["ejs"][1];
    assert_eq!((two["id"].as_str(), two["patients"].as_u64()), (Some("EJ2"), Some(1)));
    assert_eq!((two["applied"].as_u64(), two["lag"].as_u64()), (Some(2), Some(3)));
}

#[test]
fn the_issues_of_a_message_are_told_with_places_that_hold_nothing_of_it() {
    let server = Running::start(settings());
    let answer = server.get("/api/ejs/EJ1/messages/7/issues", None);
    assert_eq!(answer.status, 200);
    let told = answer.json();
    assert_eq!(told["became"], "applied");
    assert_eq!(told["issues"][0]["code"], "time_unreadable");
    assert_eq!(told["issues"][0]["at"], "PID-7");
    assert_eq!(told["issues"][1]["at"], "another segment");
    assert_eq!(server.get("/api/ejs/EJ1/messages/8/issues", None).status, 404);
    assert_eq!(server.get("/api/ejs/EJ1/messages/x/issues", None).status, 404);
    assert_eq!(server.get("/api/ejs/EJ9/messages/7/issues", None).status, 404);
}

#[test]
fn what_is_held_is_listed_longest_first_and_says_nothing_of_the_patient() {
    let server = Running::start(settings());
    let mut lane = Lane::of(&server, "EJ1");
    let patient = lane.patient(1, "Zqxcanary");
    let young = lane.change_stay(1, patient, |stay| stay.movements = vec![awaited(7), awaited(9)]);
    let held = HeldMovement { visit: None, movement: awaited(5) };
    let old = lane.change(2, |patient| patient.held = vec![held]);
    let answer = server.get("/api/ejs/EJ1/held", None);
    let list = answer.json();
    assert_eq!((list["ej"].as_str(), list["total"].as_u64()), (Some("EJ1"), Some(3)));
    let told = |n: usize, key: &str| list["held"][n][key].to_string();
    assert_eq!(told(0, "on"), format!("\"Patient/{old}\""));
    assert_eq!(told(0, "received_at"), "\"1970-01-01T00:00:05Z\"");
    assert_eq!((told(0, "kind"), told(0, "event")), ("\"cancel\"".into(), "\"A12\"".into()));
    assert_eq!((told(1, "seq"), told(1, "on")), ("7".into(), format!("\"Encounter/{young}\"")));
    assert!(!answer.text().contains("Zqx"));
    lane.change(2, |_| {});
    assert_eq!(server.get("/api/ejs/EJ1/held", None).json()["total"], 2);
    assert_eq!(server.get("/api/ejs/EJ2/held", None).json()["total"], 0);
    assert_eq!(server.get("/api/ejs/EJ9/held", None).status, 404);
}
