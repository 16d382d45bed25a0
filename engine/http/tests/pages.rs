//! Pages that are kept whole: the same bytes for as long as nothing that they rest on changed, and
//! for nobody else.

#![allow(clippy::unwrap_used, reason = "test code")]

mod support;

use sluice_http::role::Role;
use sluice_state::StateSettings;
use support::{Answer, Lane, Running, settings};

/// Hits and misses of pages.
fn asked(server: &Running) -> (u64, u64) {
    let counts = server.get("/api/metrics/cache", None).json();
    let count = |name: &str| counts["pages"][name].as_u64().unwrap();
    (count("hits"), count("misses"))
}

/// What `ask` brought about.
fn counted(server: &Running, ask: impl FnOnce() -> Answer) -> (Answer, (u64, u64)) {
    let before = asked(server);
    let answer = ask();
    let after = asked(server);
    (answer, (after.0 - before.0, after.1 - before.1))
}

const HIT: (u64, u64) = (1, 0);
const MISS: (u64, u64) = (0, 1);

fn next_of(page: &Answer) -> String {
    let page = page.json();
    let link = page["link"].as_array().unwrap().iter().find(|link| link["relation"] == "next");
    link.unwrap()["url"].as_str().unwrap().trim_start_matches("http://localhost").to_owned()
}

#[test]
fn a_page_asked_again_is_the_same_bytes_until_something_that_it_shows_changes() {
    let server = Running::start(settings());
    let mut lane = Lane::of(&server, "EJ1");
    let patients: Vec<_> = (0..5).map(|number| lane.patient(number, "Durand")).collect();
    lane.stay(1, patients[0]);
    for path in [
        "/fhir/R4/Patient?_count=2",
        "/fhir/R5/Patient?family=durand&_sort=-birthdate",
        "/ej/EJ1/fhir/R4/Patient?_summary=count",
        "/fhir/R4/Encounter?_include=Encounter:patient",
        "/fhir/R4/Encounter?patient.family=durand",
    ] {
        let (first, misses) = counted(&server, || server.get(path, None));
        assert_eq!((first.status, misses), (200, MISS), "{path}");
        let (again, hits) = counted(&server, || server.get(path, None));
        assert_eq!((&again.body, hits), (&first.body, HIT), "{path}");
        assert_eq!(again.header("content-type"), first.header("content-type"), "{path}");
        // A change shows at once: in what matches, in its total, in what it is joined with.
        lane.patient(4, "Martin");
        lane.patient(0, &format!("Durand-{}", lane.seq().get()));
        let (changed, misses) = counted(&server, || server.get(path, None));
        assert_eq!(misses, MISS, "{path}");
        let anew = [("Cache-Control", "no-cache")];
        let (fresh, none) = counted(&server, || server.request("GET", path, None, &anew, b""));
        assert_eq!(none, (0, 0), "{path}");
        let entries = |answer: &Answer| answer.json()["entry"].clone();
        assert_eq!(entries(&changed), entries(&fresh), "{path}");
        if !path.contains("count") && path.contains("family") {
            assert_ne!(changed.json(), again.json(), "{path}");
        }
    }
}

#[test]
fn messages_about_other_types_leave_a_page_in_force_unless_it_looks_at_them() {
    let server = Running::start(settings());
    let mut lane = Lane::of(&server, "EJ1");
    let patients: Vec<_> = (0..5).map(|number| lane.patient(number, "Durand")).collect();
    lane.stay(1, patients[0]);
    let (alone, around) =
        ("/fhir/R4/Patient?_count=2", "/fhir/R4/Patient?_revinclude=Encounter:patient");
    let first = [alone, around].map(|path| server.get(path, None));
    for number in 2..40 {
        lane.stay(number, patients[1]);
        let (again, hits) = counted(&server, || server.get(alone, None));
        assert_eq!((again.body, hits), (first[0].body.clone(), HIT));
        let (again, misses) = counted(&server, || server.get(around, None));
        assert_eq!(misses, MISS);
        assert_eq!(again.json()["entry"].as_array().unwrap().len(), 5 + number as usize);
    }
    // Its next page goes on, at the pins of the one that was kept, and is kept as well.
    let next = next_of(&first[0]);
    let (second, misses) = counted(&server, || server.get(&next, None));
    assert_eq!((second.json()["entry"].as_array().unwrap().len(), misses), (2, MISS));
    let (again, hits) = counted(&server, || server.get(&next, None));
    assert_eq!((again.body, hits), (second.body, HIT));
}

#[test]
fn a_kept_page_never_gives_a_link_that_ends_much_sooner_than_a_new_one() {
    // What is remembered is little: a link of a few messages ago would soon end.
    let state = StateSettings { history_rows_max: 4_096, ..StateSettings::default() };
    let server = Running::start_over(settings(), state);
    let mut lane = Lane::of(&server, "EJ1");
    let patients: Vec<_> = (0..5).map(|number| lane.patient(number, "Durand")).collect();
    let path = "/fhir/R4/Patient?_count=2";
    for number in 0..600 {
        lane.stay(number, patients[0]);
        let next = next_of(&server.get(path, None));
        assert_eq!(server.get(&next, None).status, 200, "after {number}");
    }
    let (hits, misses) = asked(&server);
    assert!(hits > 0 && misses > 100, "{hits} {misses}");
}

#[test]
fn what_is_kept_for_one_caller_base_or_preference_is_given_to_no_other() {
    let mut settings = settings();
    settings.trust_forwarded = true;
    settings.compress_bytes_min = 100;
    let server = Running::start(settings);
    for (name, family) in [("EJ1", "Durand"), ("EJ2", "Martin")] {
        let mut lane = Lane::of(&server, name);
        (0..3).for_each(|number| {
            lane.patient(number, family);
        });
    }
    let [one, other, both, twin] =
        [&["EJ1"][..], &["EJ2"], &["*"], &["EJ1"]].map(|ejs| server.token(Role::Reader, ejs));
    let path = "/fhir/R4/Patient?_count=2";
    let page = |token: &str| server.get(path, Some(token));
    let (of_one, of_other, of_both) = (page(&one), page(&other), page(&both));
    for (answer, total, family) in
        [(&of_one, 3, "Durand"), (&of_other, 3, "Martin"), (&of_both, 6, "Durand")]
    {
        assert_eq!(answer.json()["total"], total);
        assert_eq!(answer.json()["entry"][0]["resource"]["name"][0]["family"], family);
    }
    assert_eq!((page(&one).body, page(&other).body), (of_one.body.clone(), of_other.body));
    // Rights alike, but another caller: a link of their own.
    let of_twin = page(&twin);
    assert_eq!(of_twin.json()["entry"], of_one.json()["entry"]);
    assert_eq!(server.get(&next_of(&of_twin), Some(&twin)).status, 200);
    assert_eq!(server.get(&next_of(&of_one), Some(&twin)).status, 400);

    let ask = |headers: &[(&str, &str)]| server.request("GET", path, Some(&one), headers, b"");
    assert_eq!(ask(&[]).body, of_one.body);
    let elsewhere = ask(&[("X-Forwarded-Host", "gate.example")]);
    assert!(elsewhere.text().contains("http://gate.example/fhir/R4/Patient/"));
    assert_eq!(ask(&[("Accept", "application/fhir+xml")]).status, 406);
    assert_eq!(ask(&[("Accept", "application/fhir+json; fhirVersion=5.0")]).status, 406);
    for (coding, packed) in [("gzip", true), ("zstd", true), ("identity", false), ("gzip", true)] {
        let answer = ask(&[("Accept-Encoding", coding)]);
        assert_eq!(answer.header("content-encoding"), packed.then_some(coding));
        assert_eq!(answer.body == of_one.body, !packed);
    }
    let odd = "/fhir/R4/Patient?nothing=1";
    let lenient = [("Prefer", "handling=lenient")];
    for _ in 0..2 {
        assert_eq!(server.request("GET", odd, Some(&one), &lenient, b"").status, 200);
        assert_eq!(
            server.request("GET", odd, Some(&one), &[("Prefer", "handling=strict")], b"").status,
            400
        );
    }
    // What a form says is part of what was asked.
    let search = |form: &str| {
        let headers = [("Content-Type", "application/x-www-form-urlencoded")];
        server.request("POST", "/fhir/R4/Patient/_search", Some(&both), &headers, form.as_bytes())
    };
    for _ in 0..2 {
        for (form, total) in
            [("family=durand", 3), ("family=martin", 3), ("family=nobody", 0), ("_count=1", 6)]
        {
            assert_eq!(search(form).json()["total"], total, "{form}");
        }
    }
}

#[test]
fn pages_have_a_bound_of_their_own_and_can_be_off() {
    let mut small = settings();
    small.cache.page_bytes_max = 20_000;
    let server = Running::start(small.clone());
    let mut lane = Lane::of(&server, "EJ1");
    (0..20).for_each(|number| {
        lane.patient(number, "Durand");
    });
    for count in 1..=20 {
        server.get(&format!("/fhir/R4/Patient?_count={count}"), None);
    }
    let pages = server.get("/api/metrics/cache", None).json()["pages"].clone();
    assert!(pages["evictions"].as_u64() > Some(0), "{pages}");
    assert!(pages["bytes"].as_u64() <= Some(20_000), "{pages}");
    let cleared = server.request("POST", "/api/cache/clear", None, &[], b"").json();
    assert_eq!(cleared["cleared"]["pages"], pages["entries"]);

    small.cache.enabled = false;
    let server = Running::start(small);
    Lane::of(&server, "EJ1").patient(1, "Durand");
    for _ in 0..2 {
        let (page, asked) = counted(&server, || server.get("/fhir/R4/Patient", None));
        assert_eq!((page.header("x-cache"), asked), (Some("BYPASS"), (0, 0)));
    }
}

#[test]
fn a_page_read_while_a_feed_runs_is_never_older_than_what_was_published_before() {
    let server = Running::start(settings());
    let mut lane = Lane::of(&server, "EJ1");
    lane.patient(0, "F0");
    let published = std::sync::atomic::AtomicU64::new(0);
    std::thread::scope(|scope| {
        for _ in 0..3 {
            scope.spawn(|| {
                use std::sync::atomic::Ordering::Acquire;
                loop {
                    let before = published.load(Acquire);
                    let page = server.get("/fhir/R4/Patient?_count=1", None).json();
                    let family = page["entry"][0]["resource"]["name"][0]["family"].as_str();
                    let seen: u64 = family.unwrap()[1..].parse().unwrap();
                    assert!(seen >= before, "{seen} was shown after {before}");
                    if before == 400 {
                        break;
                    }
                }
            });
        }
        for number in 1..=400 {
            lane.patient(0, &format!("F{number}"));
            published.store(number, std::sync::atomic::Ordering::Release);
        }
    });
}
