//! `_include` and `_revinclude`.

#![allow(clippy::unwrap_used, clippy::disallowed_methods, reason = "a test may fail")]

mod support;

use sluice_http::role::Role;
use support::{Lane, Running, settings};

/// `(mode, Type/id)` of each entry, in order.
fn entries(page: &serde_json::Value) -> Vec<(String, String)> {
    let entries = page["entry"].as_array().cloned().unwrap_or_default();
    let told = |entry: &serde_json::Value| {
        let resource = &entry["resource"];
        let id = resource["id"].as_str().unwrap_or_default();
        let name = format!("{}/{id}", resource["resourceType"].as_str().unwrap());
        (entry["search"]["mode"].as_str().unwrap().to_owned(), name)
    };
    entries.iter().map(told).collect()
}

fn pair(mode: &str, of_type: &str, id: impl std::fmt::Display) -> (String, String) {
    (mode.to_owned(), format!("{of_type}/{id}"))
}

#[test]
fn what_is_referred_to_comes_once_beside_the_matches_and_is_not_counted() {
    let server = Running::start(settings());
    let mut lane = Lane::of(&server, "EJ1");
    let patient = lane.patient(1, "Durand");
    let stays = [lane.stay(1, patient), lane.stay(2, patient)];
    let page = server.get("/fhir/R4/Encounter?_include=Encounter:patient", None).json();
    let expected = [
        pair("match", "Encounter", stays[0]),
        pair("match", "Encounter", stays[1]),
        pair("include", "Patient", patient),
    ];
    assert_eq!(entries(&page), expected);
    assert_eq!(page["total"], 2);
    let url = format!("http://localhost/fhir/R4/Patient/{patient}");
    assert_eq!(page["entry"][2]["fullUrl"], url);
    for same in ["Encounter:subject:Patient", "Encounter:*", "*"] {
        let page = server.get(&format!("/fhir/R4/Encounter?_include={same}"), None).json();
        assert!(entries(&page).contains(&expected[2]), "{same}");
    }
    let none = server.get("/fhir/R4/Encounter?_include=Encounter:subject:Location", None);
    assert_eq!(none.status, 200);
    assert_eq!(entries(&none.json())[..2], expected[..2]);
}

#[test]
fn what_refers_to_the_matches_comes_too_and_pages_go_on_with_it() {
    let server = Running::start(settings());
    let mut lane = Lane::of(&server, "EJ1");
    let patients = [lane.patient(1, "Un"), lane.patient(2, "Deux")];
    let stays = [lane.stay(1, patients[0]), lane.stay(2, patients[1])];
    let first = server.get("/fhir/R4/Patient?_count=1&_revinclude=Encounter:patient", None).json();
    assert_eq!(
        entries(&first),
        [pair("match", "Patient", patients[0]), pair("include", "Encounter", stays[0])]
    );
    let next = first["link"][1]["url"].as_str().unwrap().replace("http://localhost", "");
    let second = server.get(&next, None).json();
    assert_eq!(
        entries(&second),
        [pair("match", "Patient", patients[1]), pair("include", "Encounter", stays[1])]
    );
    assert!(second["link"][0]["url"].as_str().unwrap().contains("_revinclude=Encounter:patient"));
}

#[test]
fn another_ejs_resources_are_not_included() {
    let server = Running::start(settings());
    let (mut one, mut two) = (Lane::of(&server, "EJ1"), Lane::of(&server, "EJ2"));
    let (mine, other) = (one.patient(1, "Un"), two.patient(1, "Autre"));
    // A stay of EJ1 that refers to a patient of EJ2, which no feed can make.
    one.stay(1, other);
    one.stay(2, mine);
    let token = server.token(Role::Reader, &["EJ1"]);
    let page = server.get("/fhir/R4/Encounter?_include=Encounter:patient", Some(&token)).json();
    let included: Vec<_> =
        entries(&page).into_iter().filter(|(mode, _)| mode == "include").collect();
    assert_eq!(included, [pair("include", "Patient", mine)]);
}

#[test]
fn too_many_and_unknown_includes_are_told() {
    let mut settings = settings();
    settings.included_max = 2;
    let server = Running::start(settings);
    let mut lane = Lane::of(&server, "EJ1");
    for number in 0..4 {
        let patient = lane.patient(number, "Durand");
        lane.stay(number, patient);
    }
    let page = server.get("/fhir/R4/Encounter?_include=Encounter:patient", None).json();
    let modes: Vec<String> = entries(&page).into_iter().map(|(mode, _)| mode).collect();
    assert_eq!(modes, ["match", "match", "match", "match", "include", "include", "outcome"]);
    let wrong = "/fhir/R4/Encounter?_include=Encounter:status";
    let page = server.get(wrong, None).json();
    assert_eq!(entries(&page).last().unwrap().0, "outcome");
    assert!(!page["link"][0]["url"].as_str().unwrap().contains("_include"));
    let strict = [("Prefer", "handling=strict")];
    let refused = server.request("GET", wrong, None, &strict, b"");
    assert_eq!(refused.status, 400);
    assert!(refused.text().contains("_include"));
}
