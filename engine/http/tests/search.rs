//! Searches over other records, what they may cost, and what is not answered.

#![allow(clippy::unwrap_used, reason = "test code")]

mod support;

use sluice_http::{HttpSettings, SearchHandling};
use sluice_state::StateSettings;
use support::{Lane, Running, settings};

/// Two patients with a stay each, in places one within the other.
fn filled(server: &Running) {
    let mut lane = Lane::of(server, "EJ1");
    for (patient, name, place, code) in [
        (1, "MARTIN^ANNE", "CARDIO^R1^B1", "I10^^I10"),
        (2, "BERNARD^LUC", "CARDIO^R2", "E11^^I10"),
    ] {
        lane.take(&format!(
            "MSH|^~\\&|A|B|C|D|20260310||ADT^A01|{patient}|P|2.5.1\rEVN||20260310\r\
             PID|1||P{patient}^^^H||{name}\rPV1|1|I|{place}||||||||||||||||V{patient}^^^H\r\
             DG1|1||{code}|||A\r"
        ));
    }
}

fn total(server: &Running, path: &str) -> u64 {
    let page = server.get(path, None);
    assert_eq!(page.status, 200, "{path}: {}", page.text());
    page.json()["total"].as_u64().unwrap()
}

#[test]
fn chains_in_either_direction_and_hierarchies_find_by_other_records() {
    let server = Running::start(settings());
    filled(&server);
    for base in ["/fhir/R4", "/fhir/R5", "/ej/EJ1/fhir/R4"] {
        for (path, found) in [
            ("Encounter?patient.family=mart", 1),
            ("Encounter?subject:Patient.name=luc", 1),
            ("Encounter?patient.family=mart&patient.given=luc", 0),
            ("Encounter?location.name:contains=b1", 1),
            ("Encounter?location.partof.partof.name=cardio", 1),
            ("Patient?_has:Encounter:patient:status=in-progress", 2),
            ("Patient?_has:Condition:patient:code=I10", 1),
            ("Patient?_has:Encounter:patient:_has:Condition:encounter:code=E11", 1),
            ("Condition?encounter.patient.family:exact=MARTIN", 1),
            ("Location?_has:Encounter:location:patient.family=bern", 1),
            (
                "Patient?_has:Encounter:patient:identifier:of-type=http://terminology.hl7.org/CodeSystem/v2-0203|VN|V1",
                1,
            ),
        ] {
            assert_eq!(total(&server, &format!("{base}/{path}")), found, "{base}/{path}");
        }
    }
    let ward = server.get("/fhir/R4/Location?name:exact=CARDIO", None).json();
    let ward = ward["entry"][0]["resource"]["id"].as_str().unwrap().to_owned();
    assert_eq!(total(&server, &format!("/fhir/R4/Encounter?location={ward}")), 0);
    assert_eq!(total(&server, &format!("/fhir/R4/Encounter?location:below={ward}")), 2);
    assert_eq!(total(&server, &format!("/fhir/R4/Location?partof:below=Location/{ward}")), 3);
}

#[test]
fn what_a_chain_comes_to_and_what_is_read_have_a_limit_that_is_told() {
    let state = |joined, verified| StateSettings {
        joined_records_max: joined,
        verified_records_max: verified,
        ..StateSettings::default()
    };
    let chain = "/fhir/R4/Encounter?patient.family:missing=false";
    let read = "/fhir/R4/Patient?family:contains=r";
    let server = Running::start_over(settings(), state(2, 2));
    filled(&server);
    assert_eq!((total(&server, chain), total(&server, read)), (2, 2));
    for (path, state) in [(chain, state(1, 2)), (read, state(2, 1))] {
        let server = Running::start_over(settings(), state);
        filled(&server);
        let answer = server.get(path, None);
        assert_eq!((answer.status, answer.is_outcome()), (422, true), "{path}");
        assert!(answer.text().contains("too-costly"), "{}", answer.text());
    }
}

#[test]
fn what_cannot_be_answered_is_refused_and_what_is_unknown_is_handled_as_set() {
    let unknown = "/fhir/R4/Patient?shoe-size=43";
    for (handling, plain) in [(SearchHandling::Lenient, 200), (SearchHandling::Strict, 400)] {
        let server = Running::start(HttpSettings { search_handling: handling, ..settings() });
        filled(&server);
        for name in ["_content", "_text", "_filter", "_list", "_query", "_text:contains"] {
            let lenient = [("Prefer", "handling=lenient")];
            let path = format!("/fhir/R4/Patient?{name}=x");
            let answer = server.request("GET", &path, None, &lenient, b"");
            assert_eq!((answer.status, answer.is_outcome()), (400, true), "{name}");
            assert!(answer.text().contains("not-supported"), "{name}");
        }
        let asked =
            |prefer: &[(&str, &str)]| server.request("GET", unknown, None, prefer, b"").status;
        assert_eq!(asked(&[]), plain);
        assert_eq!(asked(&[("Prefer", "handling=strict")]), 400);
        assert_eq!(asked(&[("Prefer", "respond-async, handling=lenient")]), 200);
    }
}

#[test]
fn a_compartment_is_searched_whole_and_by_post() {
    let server = Running::start(settings());
    filled(&server);
    let page = server.get("/fhir/R4/Patient?family=martin", None).json();
    let patient = page["entry"][0]["resource"]["id"].as_str().unwrap().to_owned();
    let whole = server.get(&format!("/fhir/R4/Patient/{patient}/*"), None).json();
    let types: Vec<&str> = whole["entry"]
        .as_array()
        .unwrap()
        .iter()
        .map(|entry| entry["resource"]["resourceType"].as_str().unwrap())
        .collect();
    assert_eq!(types, ["Patient", "Encounter", "Condition"]);
    let path = format!("/fhir/R4/Patient/{patient}/Condition/_search");
    let form = [("Content-Type", "application/x-www-form-urlencoded")];
    let posted = server.request("POST", &path, None, &form, b"code=I10");
    assert_eq!((posted.status, posted.json()["total"].as_u64()), (200, Some(1)));
    assert_eq!(server.get(&format!("/fhir/R4/Location/{patient}/*"), None).status, 404);
}
