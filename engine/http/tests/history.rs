//! vread and history: what a record was.

#![allow(clippy::unwrap_used, clippy::disallowed_methods, reason = "a test may fail")]

mod support;

use sluice_http::role::Role;
use sluice_mappings::records::{Record, RecordType, ResourceId, Stamp};
use support::{Lane, Running, ej, settings};

/// A patient of three versions, one a second, whose past is known.
fn three_versions(server: &Running) -> (Lane, ResourceId, Vec<Record>) {
    let mut lane = Lane::of(server, "EJ1");
    let mut past = Vec::new();
    let mut id = None;
    for family in ["Un", "Deux", "Trois"] {
        let of = lane.patient(1, family);
        let scope = server.state.scope(&sluice_state::Access::to([ej("EJ1")]));
        past.push(scope.get(RecordType::Patient, of).unwrap().1);
        id = Some(of);
    }
    *server.vitals.past.lock() = past.clone();
    (lane, id.unwrap(), past)
}

#[test]
fn each_version_is_read_as_it_was_and_the_history_lists_them_newest_first() {
    let server = Running::start(settings());
    let (_, id, past) = three_versions(&server);
    let path = format!("/fhir/R4/Patient/{id}/_history");
    for (record, family) in past.iter().zip(["Un", "Deux", "Trois"]) {
        let version = record.stamp().version;
        for base in ["/fhir/R4", "/ej/EJ1/fhir/R4"] {
            let read = server.get(&format!("{base}/Patient/{id}/_history/{version}"), None);
            assert_eq!(read.status, 200);
            assert_eq!(read.json()["name"][0]["family"], family);
            assert_eq!(read.json()["meta"]["versionId"], version.to_string());
            assert_eq!(read.header("etag"), Some(&*format!("W/\"{version}\"")));
        }
    }
    let bundle = server.get(&path, None).json();
    assert_eq!((&bundle["type"], &bundle["total"]), (&"history".into(), &3.into()));
    let entries = bundle["entry"].as_array().unwrap();
    let told: Vec<_> = entries
        .iter()
        .map(|entry| {
            let family = entry["resource"]["name"][0]["family"].as_str().unwrap();
            (family, entry["request"]["method"].as_str().unwrap())
        })
        .collect();
    assert_eq!(told, [("Trois", "PUT"), ("Deux", "PUT"), ("Un", "POST")]);
    let newest = past[2].stamp().version;
    assert_eq!(entries[0]["fullUrl"], format!("http://localhost/fhir/R4/Patient/{id}"));
    assert_eq!(entries[0]["request"]["url"], format!("Patient/{id}"));
    assert_eq!(entries[0]["response"]["etag"], format!("W/\"{newest}\""));
    assert_eq!(entries[0]["response"]["status"], "200");
    assert_eq!(
        entries[0]["response"]["lastModified"],
        entries[0]["resource"]["meta"]["lastUpdated"]
    );
    assert_eq!(entries[2]["response"]["status"], "201");
}

#[test]
fn a_history_is_cut_by_time_and_paged_by_count() {
    let server = Running::start(settings());
    let (_, id, past) = three_versions(&server);
    let path = format!("/fhir/R4/Patient/{id}/_history");
    let at = |n: usize| {
        let micros = past[n].stamp().updated_at.get();
        jiff::Timestamp::from_microsecond(micros).unwrap().to_string()
    };
    let versions = |path: &str| -> Vec<String> {
        let bundle = server.get(path, None).json();
        let entries = bundle["entry"].as_array().cloned().unwrap_or_default();
        let version = |entry: &serde_json::Value| {
            entry["resource"]["meta"]["versionId"].as_str().unwrap().to_owned()
        };
        entries.iter().map(version).collect()
    };
    let all: Vec<String> = past.iter().rev().map(|r| r.stamp().version.to_string()).collect();
    assert_eq!(versions(&path), all);
    assert_eq!(versions(&format!("{path}?_since={}", at(1))), all[..2]);
    assert_eq!(versions(&format!("{path}?_at={}", at(1))), all[1..2]);
    assert_eq!(versions(&format!("{path}?_at=2000-01-01T00:00:00Z")), [""; 0]);

    let mut walked = Vec::new();
    let mut next = Some(format!("{path}?_count=1"));
    while let Some(page) = next.take() {
        walked.extend(versions(&page));
        let bundle = server.get(&page, None).json();
        assert_eq!(bundle["total"], 3);
        let links = bundle["link"].as_array().unwrap();
        let link = links.iter().find(|link| link["relation"] == "next");
        next = link.map(|link| link["url"].as_str().unwrap().replace("http://localhost", ""));
    }
    assert_eq!(walked, all);
    for wrong in ["_since=yesterday", "_count=few", "_at=gt2026", "_before=x", "name=a"] {
        assert_eq!(server.get(&format!("{path}?{wrong}"), None).status, 400, "{wrong}");
    }
}

#[test]
fn what_is_gone_reads_410_and_its_history_says_since_when() {
    let server = Running::start(settings());
    let (mut lane, id, mut past) = three_versions(&server);
    let stamp = Stamp { gone: true, ..lane.stamp() };
    lane.change(1, |patient| patient.stamp = stamp);
    let scope = server.state.scope(&sluice_state::Access::all());
    past.push(scope.get(RecordType::Patient, id).unwrap().1);
    *server.vitals.past.lock() = past.clone();
    let read = server.get(&format!("/fhir/R4/Patient/{id}"), None);
    assert_eq!((read.status, read.json()["issue"][0]["code"].as_str()), (410, Some("deleted")));
    assert_eq!(server.get("/fhir/R4/Patient", None).json()["total"], 0);
    let bundle = server.get(&format!("/fhir/R4/Patient/{id}/_history"), None).json();
    assert_eq!(bundle["entry"][0]["request"]["method"], "DELETE");
    assert_eq!(bundle["entry"][0]["response"]["status"], "204");
    assert!(bundle["entry"][0].get("resource").is_none());
    let of = |n: usize| format!("/fhir/R4/Patient/{id}/_history/{}", past[n].stamp().version);
    assert_eq!(server.get(&of(3), None).status, 410);
    assert_eq!(server.get(&of(2), None).json()["name"][0]["family"], "Trois");
}

#[test]
fn only_the_present_is_told_where_no_more_is_kept_and_nothing_to_strangers() {
    let server = Running::start(settings());
    let (_, id, past) = three_versions(&server);
    server.vitals.past.lock().clear();
    let bundle = server.get(&format!("/fhir/R4/Patient/{id}/_history"), None).json();
    assert_eq!(bundle["total"], 1);
    assert_eq!(bundle["entry"][0]["request"]["method"], "PUT");
    let said = &bundle["entry"][1]["response"]["outcome"]["issue"][0];
    assert_eq!(said["severity"], "information");
    let path = |version: u64| format!("/fhir/R4/Patient/{id}/_history/{version}");
    assert_eq!(server.get(&path(past[2].stamp().version.get()), None).status, 200);
    assert_eq!(server.get(&path(past[0].stamp().version.get()), None).status, 404);
    let other = server.token(Role::Reader, &["EJ2"]);
    for path in [path(past[2].stamp().version.get()), format!("/fhir/R4/Patient/{id}/_history")] {
        assert_eq!(server.get(&path, Some(&other)).status, 404);
    }
    for path in ["/fhir/R4/Patient/x/_history", "/fhir/R4/Patient/x/_history/1"] {
        assert_eq!(server.get(path, None).status, 401);
    }
}
