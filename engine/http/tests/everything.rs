//! `$everything`, and searches within a compartment.

#![allow(clippy::unwrap_used, clippy::disallowed_methods, reason = "a test may fail")]

mod support;

use std::collections::BTreeSet;

use sluice_http::role::Role;
use sluice_mappings::records::{Moment, Precision};
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
fn everything_is_paged_by_count_and_cut_by_the_dates_of_care() {
    let server = Running::start(settings());
    let mut lane = Lane::of(&server, "EJ1");
    let mine = lane.patient(1, "Un");
    // In March, in May, since June, and without a date.
    let day = |month: i8, day: i8| {
        let at = jiff::civil::date(2026, month, day).at(12, 0, 0, 0);
        Some(Moment::new(at, Precision::Second, 0))
    };
    let periods = [(day(3, 1), day(3, 9)), (day(5, 1), day(5, 3)), (day(6, 1), None), (None, None)];
    let mut stays = Vec::new();
    for (number, (start, end)) in (1..).zip(periods) {
        stays.push(lane.change_stay(number, mine, |stay| {
            (stay.situation.start, stay.situation.end) = (start, end);
        }));
    }
    let path = format!("/fhir/R4/Patient/{mine}/$everything");
    for (range, expected) in [
        ("start=2026-03-05&end=2026-05-02", vec![0, 1, 3]),
        ("start=2026-03-10", vec![1, 2, 3]),
        ("end=2026-03-01", vec![0, 3]),
        ("start=2026-12", vec![2, 3]),
        ("start=2026-03-10&end=2026-04-30", vec![3]),
    ] {
        let page = server.get(&format!("{path}?{range}"), None).json();
        let mut names_expected: BTreeSet<String> =
            expected.into_iter().map(|n: usize| format!("Encounter/{}", stays[n])).collect();
        names_expected.insert(format!("Patient/{mine}"));
        assert_eq!(names(&page), names_expected, "{range}");
    }
    for wrong in ["start=soon", "end=ge2026", "_count=0", "_count=few", "_after=x"] {
        let answer = server.get(&format!("{path}?{wrong}"), None);
        assert_eq!((answer.status, answer.is_outcome()), (400, true), "{wrong}");
    }
    let of_stay = format!("/fhir/R4/Encounter/{}/$everything?start=2026", stays[0]);
    assert_eq!(server.get(&of_stay, None).status, 400);

    let all = names(&server.get(&path, None).json());
    for count in [1, 2, 4, 10] {
        let mut seen = Vec::new();
        let mut next = Some(format!("{path}?_count={count}"));
        while let Some(path) = next.take() {
            let page = server.get(&path, None).json();
            assert_eq!(page["total"], 5);
            let entries = names(&page);
            assert!(entries.len() <= count);
            if seen.is_empty() {
                let first = page["entry"][0]["resource"]["resourceType"].as_str();
                assert_eq!(first, Some("Patient"), "what it is about goes first");
                // A change in between moves nothing.
                lane.change_stay(1, mine, |stay| stay.situation.start = day(2, 1));
            }
            seen.extend(entries);
            let links = page["link"].as_array().unwrap();
            let link = links.iter().find(|link| link["relation"] == "next");
            next = link.map(|link| link["url"].as_str().unwrap().replace("http://localhost", ""));
        }
        assert_eq!(seen.len(), 5, "by {count}");
        assert_eq!(seen.into_iter().collect::<BTreeSet<_>>(), all, "by {count}");
    }
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
