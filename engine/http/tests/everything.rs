//! `$everything`, and searches within a compartment.

#![allow(clippy::unwrap_used, clippy::disallowed_methods, reason = "a test may fail")]

mod support;

use std::collections::BTreeSet;

use sluice_http::role::Role;
use support::{Lane, Running, settings};

fn names(page: &serde_json::Value) -> BTreeSet<String> {
    let entries = page["entry"].as_array().cloned().unwrap_or_default();
    let name = |entry: &serde_json::Value| {
        let url = entry["fullUrl"].as_str().unwrap();
        url.rsplitn(3, '/')
            .take(2)
            .collect::<Vec<_>>()
            .into_iter()
            .rev()
            .collect::<Vec<_>>()
            .join("/")
    };
    entries.iter().map(name).collect()
}

#[test]
fn everything_of_a_patient_is_one_answer_and_nothing_of_another() {
    let server = Running::start(settings());
    let mut lane = Lane::of(&server, "EJ1");
    let (mine, other) = (lane.patient(1, "Un"), lane.patient(2, "Deux"));
    let stays = [lane.stay(1, mine), lane.stay(2, mine)];
    lane.stay(3, other);
    for base in ["/fhir/R4", "/fhir/R5", "/ej/EJ1/fhir/R4"] {
        let path = format!("{base}/Patient/{mine}/$everything");
        let page = server.get(&path, None).json();
        let expected: BTreeSet<String> = [
            format!("Patient/{mine}"),
            format!("Encounter/{}", stays[0]),
            format!("Encounter/{}", stays[1]),
        ]
        .into();
        assert_eq!(names(&page), expected, "{base}");
        assert_eq!((&page["type"], &page["total"]), (&"searchset".into(), &3.into()));
        let only = server.get(&format!("{path}?_type=Encounter"), None).json();
        assert_eq!(names(&only).len(), 2);
        let since = server.get(&format!("{path}?_since=2999-01-01T00:00:00Z"), None).json();
        assert_eq!(since["total"], 0);
        let of_stay = format!("{base}/Encounter/{}/$everything", stays[0]);
        let page = server.get(&of_stay, None).json();
        assert_eq!(
            names(&page),
            [format!("Patient/{mine}"), format!("Encounter/{}", stays[0])].into()
        );
        for wrong in ["_type=Nothing", "_since=now", "name=a"] {
            assert_eq!(server.get(&format!("{path}?{wrong}"), None).status, 400, "{wrong}");
        }
    }
    let of_place = server.get("/fhir/R4/Location/x/$everything", None);
    assert_eq!((of_place.status, of_place.is_outcome()), (404, true));
    let stranger = server.token(Role::Reader, &["EJ2"]);
    let path = format!("/fhir/R4/Patient/{mine}/$everything");
    assert_eq!(server.get(&path, Some(&stranger)).status, 404);
}

#[test]
fn a_patient_of_more_than_fits_is_refused_and_not_cut() {
    let mut settings = settings();
    settings.included_max = 2;
    let server = Running::start(settings);
    let mut lane = Lane::of(&server, "EJ1");
    let patient = lane.patient(1, "Un");
    for number in 0..3 {
        lane.stay(number, patient);
    }
    let answer = server.get(&format!("/fhir/R4/Patient/{patient}/$everything"), None);
    assert_eq!(answer.status, 422);
    assert_eq!(answer.json()["issue"][0]["code"], "too-costly");
}

#[test]
fn a_compartment_is_searched_as_by_its_parameter() {
    let server = Running::start(settings());
    let mut lane = Lane::of(&server, "EJ1");
    let (mine, other) = (lane.patient(1, "Un"), lane.patient(2, "Deux"));
    let stays = [lane.stay(1, mine), lane.stay(2, mine)];
    lane.stay(3, other);
    let path = format!("/fhir/R4/Patient/{mine}/Encounter?_count=1");
    let first = server.get(&path, None).json();
    assert_eq!(first["total"], 2);
    assert_eq!(names(&first), [format!("Encounter/{}", stays[0])].into());
    let next = first["link"][1]["url"].as_str().unwrap().replace("http://localhost", "");
    let second = server.get(&next, None).json();
    assert_eq!(names(&second), [format!("Encounter/{}", stays[1])].into());
    let filtered = server.get(&format!("/fhir/R4/Patient/{mine}/Encounter?status=planned"), None);
    assert_eq!(filtered.json()["total"], 0);
    for nothing in ["Organization", "Patient", "Nothing"] {
        let answer = server.get(&format!("/fhir/R4/Patient/{mine}/{nothing}"), None);
        assert_eq!((answer.status, answer.is_outcome()), (404, true), "{nothing}");
    }
}
