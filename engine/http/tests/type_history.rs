//! The histories of a type and of all: what is on a page, how pages go on, and what is said of what
//! is not known. That a walk gives what the journal's fold made is the flow's test.

#![allow(clippy::unwrap_used, clippy::disallowed_methods, reason = "a test may fail")]

mod support;

use std::collections::BTreeSet;

use serde_json::Value;
use sluice_http::role::Role;
use sluice_mappings::records::{PatientRecord, Record, RecordType, ResourceId, Stamp};
use sluice_state::Access;
use support::{Lane, Running, ej, settings};

/// Notes what a lane has made.
fn note(server: &Running, name: &str, ty: RecordType, id: ResourceId) {
    let scope = server.state.scope(&Access::to([ej(name)]));
    let record = scope.get(ty, id).unwrap().1;
    server.vitals.past.lock().push(record);
}

/// Two EJs that take turns: three patients with a stay each, and all of it changed once more.
fn two_feeds(server: &Running) {
    let mut lanes = [("EJ1", Lane::of(server, "EJ1")), ("EJ2", Lane::of(server, "EJ2"))];
    for round in ["Un", "Deux"] {
        for number in 1..=3 {
            for (name, lane) in &mut lanes {
                let patient = lane.patient(number, round);
                note(server, name, RecordType::Patient, patient);
                let stay = lane.stay(number, patient);
                note(server, name, RecordType::Stay, stay);
            }
        }
    }
}

/// Each entry of a page as `METHOD url version`, and the next link.
fn page(server: &Running, path: &str, token: Option<&str>) -> (Vec<String>, Option<String>, Value) {
    let answer = server.get(path, token);
    assert_eq!(answer.status, 200, "{path}: {}", answer.text());
    let bundle = answer.json();
    assert_eq!(bundle["type"], "history");
    let entries = bundle["entry"].as_array().cloned().unwrap_or_default();
    let of = |entry: &Value| {
        let (request, response) = (&entry["request"], &entry["response"]);
        let etag = response["etag"].as_str().unwrap_or("-").to_owned();
        format!(
            "{} {} {etag}",
            request["method"].as_str().unwrap(),
            entry["fullUrl"].as_str().unwrap()
        )
    };
    let links = bundle["link"].as_array().unwrap();
    let next = links.iter().find(|link| link["relation"] == "next");
    let next = next.map(|link| link["url"].as_str().unwrap().replace("http://localhost", ""));
    (entries.iter().map(of).collect(), next, bundle)
}

/// All pages of a history.
fn walked(server: &Running, path: &str, token: Option<&str>, most: usize) -> Vec<String> {
    let (mut all, mut next) = (Vec::new(), Some(path.to_owned()));
    while let Some(path) = next.take() {
        let (entries, link, _) = page(server, &path, token);
        assert!(entries.len() <= most, "{path}");
        all.extend(entries);
        next = link;
    }
    all
}

#[test]
fn a_types_history_is_that_of_its_resources_newest_first_on_every_base() {
    let server = Running::start(settings());
    two_feeds(&server);
    let (entries, next, bundle) = page(&server, "/fhir/R4/Patient/_history", None);
    assert_eq!((entries.len(), next), (12, None));
    let entries = bundle["entry"].as_array().unwrap();
    let methods: Vec<&str> =
        entries.iter().map(|entry| entry["request"]["method"].as_str().unwrap()).collect();
    assert_eq!(methods, [["PUT"; 6], ["POST"; 6]].concat());
    for pair in entries.windows(2) {
        let at =
            |entry: &Value| entry["resource"]["meta"]["lastUpdated"].as_str().unwrap().to_owned();
        assert!(at(&pair[0]) >= at(&pair[1]));
    }
    let newest = &entries[0];
    let id = newest["resource"]["id"].as_str().unwrap();
    assert_eq!(newest["request"]["url"], format!("Patient/{id}"));
    assert_eq!(newest["response"]["status"], "200");
    assert_eq!(newest["response"]["lastModified"], newest["resource"]["meta"]["lastUpdated"]);
    assert_eq!(entries[11]["request"]["url"], "Patient");
    assert_eq!(entries[11]["response"]["status"], "201");
    for (base, count) in [("/fhir/R5", 12), ("/ej/EJ1/fhir/R4", 6), ("/ej/EJ2/fhir/R5", 6)] {
        assert_eq!(page(&server, &format!("{base}/Patient/_history"), None).0.len(), count);
        let all = page(&server, &format!("{base}/_history?_count=100"), None).0;
        assert_eq!(all.len(), 2 * count, "{base}");
    }
    let derived = server.get("/fhir/R4/Provenance/_history", None);
    assert_eq!((derived.status, derived.is_outcome()), (404, true));
    assert_eq!(server.get("/fhir/R4/Medication/_history", None).status, 404);
}

#[test]
fn pages_give_each_version_once_whatever_their_size_and_wherever_a_walk_rests() {
    let mut settings = settings();
    settings.history_messages_max = 4;
    let server = Running::start(settings);
    two_feeds(&server);
    for path in ["/fhir/R4/Patient/_history", "/fhir/R4/_history", "/ej/EJ2/fhir/R5/_history"] {
        let mut all = None;
        for count in [1, 2, 3, 5, 100] {
            let entries = walked(&server, &format!("{path}?_count={count}"), None, count);
            let distinct: BTreeSet<&String> = entries.iter().collect();
            assert_eq!(distinct.len(), entries.len(), "{path} by {count}");
            let expected = if path.contains("Patient") || path.contains("EJ2") { 12 } else { 24 };
            assert_eq!(entries.len(), expected, "{path} by {count}");
            // Between EJs a short page may end anywhere; within one the order is the journal's.
            let of_ej2: Vec<String> =
                entries.into_iter().filter(|e| e.contains("454a-32")).collect();
            assert_eq!(*all.get_or_insert_with(|| of_ej2.clone()), of_ej2, "{path} by {count}");
        }
    }
}

#[test]
fn what_several_versions_were_made_by_one_message_is_cut_between_them() {
    let server = Running::start(settings());
    let mut lane = Lane::of(&server, "EJ1");
    let patient = lane.patient(1, "Un");
    note(&server, "EJ1", RecordType::Patient, patient);
    let Record::Patient(first) = server.vitals.past.lock()[0].clone() else { panic!("a patient") };
    for number in 1..5 {
        let mut other = PatientRecord::clone(&first);
        other.id.0[15] = number;
        server.vitals.past.lock().push(Record::from(other));
    }
    let all = walked(&server, "/fhir/R4/Patient/_history?_count=100", None, 100);
    assert_eq!(all.len(), 5);
    assert_eq!(walked(&server, "/fhir/R4/Patient/_history?_count=2", None, 2), all);
}

#[test]
fn a_history_is_cut_by_since_and_by_what_was_in_force_at_a_moment() {
    let server = Running::start(settings());
    two_feeds(&server);
    let past = server.vitals.past.lock().clone();
    let time = |micros: i64| jiff::Timestamp::from_microsecond(micros).unwrap().to_string();
    let patients: Vec<&Record> =
        past.iter().filter(|record| record.record_type() == RecordType::Patient).collect();
    let middle = patients[7].stamp().updated_at.get();
    let path = format!("/fhir/R4/Patient/_history?_since={}", time(middle));
    let later = patients.iter().filter(|record| record.stamp().updated_at.get() >= middle);
    assert_eq!(page(&server, &path, None).0.len(), later.count());
    // At any moment after the first round, each patient is there once.
    let path = format!("/fhir/R4/Patient/_history?_at={}", time(middle));
    let (entries, _, bundle) = page(&server, &path, None);
    let urls: BTreeSet<&str> = entries.iter().map(|e| e.split(' ').nth(1).unwrap()).collect();
    assert_eq!((entries.len(), urls.len()), (6, 6));
    let old = bundle["entry"].as_array().unwrap().iter();
    let old = old.filter(|entry| entry["resource"]["name"][0]["family"] == "Un").count();
    assert!(old > 0 && old < 6, "{old}");
    let day = &time(middle)[..10];
    assert_eq!(page(&server, &format!("/fhir/R4/Patient/_history?_at={day}"), None).0.len(), 12);
    for nothing in
        ["_at=2000", "_at=2000-01-01T00:00:00Z", "_since=2100-01-01T00:00:00Z", "_count=0"]
    {
        let path = format!("/fhir/R4/Patient/_history?{nothing}");
        assert_eq!(page(&server, &path, None).0.len(), 0, "{nothing}");
    }
    for wrong in [
        "_since=yesterday",
        "_at=yesterday",
        "_at=gt2026",
        "_count=few",
        "name=a",
        "_before=x",
        "_before=EJ1",
        "_before=EJ9:1",
        "_before=EJ1:1:2",
        "_before=EJ1:1,EJ2:1,EJ1:2",
    ] {
        let answer = server.get(&format!("/fhir/R4/Patient/_history?{wrong}"), None);
        assert_eq!((answer.status, answer.is_outcome()), (400, true), "{wrong}");
    }
}

#[test]
fn what_is_gone_is_a_delete_and_what_is_not_known_is_said() {
    let server = Running::start(settings());
    let mut lane = Lane::of(&server, "EJ1");
    let patient = lane.patient(1, "Un");
    note(&server, "EJ1", RecordType::Patient, patient);
    let stamp = Stamp { gone: true, ..lane.stamp() };
    lane.change(1, |patient| patient.stamp = stamp);
    note(&server, "EJ1", RecordType::Patient, patient);
    let (_, _, bundle) = page(&server, "/fhir/R4/Patient/_history", None);
    let gone = &bundle["entry"][0];
    assert_eq!(
        (&gone["request"]["method"], &gone["response"]["status"]),
        (&"DELETE".into(), &"204".into())
    );
    assert_eq!(gone["request"]["url"], format!("Patient/{patient}"));
    assert!(gone.get("resource").is_none());
    assert!(bundle["entry"][1]["response"].get("outcome").is_none());

    // The first version is lost, and so is all that was before.
    server.vitals.past.lock().remove(0);
    *server.vitals.forgotten.lock() = true;
    for path in ["/fhir/R4/Patient/_history", "/fhir/R5/_history"] {
        let (entries, next, bundle) = page(&server, path, None);
        assert_eq!((entries.len(), next), (2, None));
        let said = &bundle["entry"][1];
        assert_eq!(said["request"]["method"], "GET");
        let issue = &said["response"]["outcome"]["issue"][0];
        assert_eq!(
            (&issue["severity"], &issue["code"]),
            (&"information".into(), &"informational".into())
        );
        assert!(issue["details"]["text"].as_str().unwrap().contains("no longer kept"));
    }
}

#[test]
fn a_caller_sees_the_history_of_the_ejs_of_its_token_alone() {
    let server = Running::start(settings());
    two_feeds(&server);
    let one = server.token(Role::Reader, &["EJ1"]);
    let both = server.token(Role::Reader, &["*"]);
    for path in ["/fhir/R4/Patient/_history", "/fhir/R4/_history"] {
        let entries = page(&server, &format!("{path}?_count=100"), Some(&one)).0;
        assert!(!entries.is_empty() && entries.iter().all(|entry| entry.contains("454a-31")));
        let (_, next, _) = page(&server, &format!("{path}?_count=3"), Some(&both));
        let next = next.unwrap();
        assert!(next.contains("EJ2"));
        assert_eq!(server.get(&next, Some(&one)).status, 400, "a link of another's rights");
    }
    assert_eq!(server.get("/ej/EJ2/fhir/R4/_history", Some(&one)).status, 404);
    assert_eq!(server.get("/ej/EJ2/fhir/R4/Patient/_history", Some(&one)).status, 404);
    server.vitals.folding.lock().push(ej("EJ1"));
    assert_eq!(server.get("/fhir/R4/_history", Some(&one)).status, 503);
}
