//! Pages: what a walk sees, and what its cursors are good for.

use std::collections::BTreeSet;

use sluice_http::role::Role;
use sluice_state::StateSettings;

use super::{ids, link, local};
use crate::support::{Lane, Running, settings};

#[test]
fn a_walk_over_the_pages_is_the_set_at_the_pin_while_the_feed_goes_on() {
    let server = Running::start(settings());
    let (mut one, mut two) = (Lane::of(&server, "EJ1"), Lane::of(&server, "EJ2"));
    let mut expected = BTreeSet::new();
    for number in 0..60 {
        expected.insert(one.patient(number, "Walk").to_string());
        expected.insert(two.patient(number, "Walk").to_string());
        one.patient(1000 + number, "Other");
    }
    let first = server.get("/fhir/R4/Patient?family=walk&_count=7", None).json();
    // From here on the feed removes, adds and changes what the search matches, page by page.
    let mut seen = ids(&first);
    assert_eq!(first["total"], 120);
    let mut next = link(&first, "next");
    let mut round = 0;
    while let Some(url) = next {
        one.patient(round, "Gone");
        two.patient(59 - round, "Gone");
        one.patient(1000 + round, "Walk");
        two.patient(5000 + round, "Walk");
        round += 1;
        let page = server.get(&local(&url), None);
        assert_eq!(page.status, 200);
        let page = page.json();
        assert_eq!(page["total"], 120, "the total is the pin's");
        assert!(link(&page, "self").unwrap().contains("family=walk"));
        seen.extend(ids(&page));
        next = link(&page, "next");
    }
    assert_eq!(round, 17);
    assert_eq!(seen.len(), 120, "nothing is repeated");
    assert_eq!(seen.into_iter().collect::<BTreeSet<_>>(), expected, "nothing is lost");
}

#[test]
fn a_writer_at_full_speed_does_not_disturb_a_walk() {
    let server = Running::start(settings());
    let mut lane = Lane::of(&server, "EJ1");
    let expected: BTreeSet<String> =
        (0..300).map(|number| lane.patient(number, "Steady").to_string()).collect();
    let done = std::sync::atomic::AtomicBool::new(false);
    std::thread::scope(|scope| {
        let done = &done;
        let lane = &mut lane;
        scope.spawn(move || {
            let mut turn = 0;
            // Bounded: the history that pages lean on is, too.
            while !done.load(std::sync::atomic::Ordering::Relaxed) && turn < 50_000 {
                let name = if turn % 3 == 0 { "Steady" } else { "Moved" };
                lane.patient(turn % 400, name);
                turn += 1;
            }
        });
        for _ in 0..3 {
            let mut seen = Vec::new();
            let first = server.get("/ej/EJ1/fhir/R4/Patient?_count=50", None).json();
            let total = usize::try_from(first["total"].as_u64().unwrap()).unwrap();
            seen.extend(ids(&first));
            let mut next = link(&first, "next");
            while let Some(url) = next {
                let page = server.get(&local(&url), None).json();
                seen.extend(ids(&page));
                next = link(&page, "next");
            }
            let set: BTreeSet<String> = seen.iter().cloned().collect();
            assert_eq!((seen.len(), set.len()), (total, total));
            assert!(expected.is_subset(&set));
        }
        done.store(true, std::sync::atomic::Ordering::Relaxed);
    });
}

#[test]
fn totals_counts_and_links_are_honest() {
    let mut settings = settings();
    settings.page_count_default = 4;
    settings.page_count_max = 6;
    let server = Running::start(settings);
    let mut lane = Lane::of(&server, "EJ1");
    for number in 0..10 {
        lane.patient(number, "Même");
    }
    let get = |path: &str| server.get(path, None).json();

    let page = get("/fhir/R4/Patient");
    assert_eq!((page["total"].as_u64(), ids(&page).len()), (Some(10), 4));
    assert_eq!(link(&page, "self").unwrap(), "http://localhost/fhir/R4/Patient");
    let first = &page["entry"][0];
    let id = first["resource"]["id"].as_str().unwrap();
    assert_eq!(first["fullUrl"], format!("http://localhost/fhir/R4/Patient/{id}"));

    for path in ["/fhir/R4/Patient?_count=0", "/fhir/R4/Patient?_summary=count"] {
        let page = get(path);
        assert_eq!(page["total"], 10, "{path}");
        assert!(page.get("entry").is_none() && link(&page, "next").is_none(), "{path}");
    }
    let page = get("/fhir/R4/Patient?_count=500");
    assert_eq!(ids(&page).len(), 6);
    assert!(link(&page, "self").unwrap().ends_with("_count=6"), "what was served, not asked");

    let none = get("/fhir/R4/Patient?family=nobody");
    assert_eq!((none["total"].as_u64(), none.get("entry")), (Some(0), None));
    assert_eq!(get("/fhir/R4/Patient?name=MEME&_count=3")["total"], 10);

    let asked = "/fhir/R4/Patient?name=meme&_count=4&_elements=name&_pretty=true";
    let page = get(asked);
    assert_eq!(
        link(&page, "self").unwrap(),
        format!(
            "http://localhost{}",
            asked.replace(
                "_count=4&_elements=name&_pretty=true",
                "_elements=name&_pretty=true&_count=4"
            )
        )
    );
    assert!(page["entry"][0]["resource"].get("identifier").is_none());
    let second = server.get(&local(&link(&page, "next").unwrap()), None);
    assert!(second.text().contains("\n  "), "the form of the answer goes on");
    assert!(second.json()["entry"][0]["resource"].get("identifier").is_none());
}

#[test]
fn cursors_are_refused_when_forged_moved_or_mixed() {
    let server = Running::start(settings());
    let mut lane = Lane::of(&server, "EJ1");
    for number in 0..5 {
        lane.patient(number, "Durand");
    }
    let page = server.get("/fhir/R4/Patient?family=durand&_count=2", None).json();
    let next = local(&link(&page, "next").unwrap());
    let cursor = next.split("_cursor=").nth(1).unwrap();
    let status = |path: &str| {
        let answer = server.get(path, None);
        assert!(answer.status == 200 || answer.is_outcome(), "{path}");
        answer.status
    };
    assert_eq!(status(&next), 200);
    assert_eq!(status(&format!("{next}&_count=3&_pretty=true&_format=json")), 200);
    let flipped = if cursor.starts_with('A') { "B" } else { "A" };
    assert_eq!(status(&format!("/fhir/R4/Patient?_cursor={flipped}{}", &cursor[1..])), 400);
    assert_eq!(status("/fhir/R4/Patient?_cursor="), 400);
    assert_eq!(status(&format!("/fhir/R4/Encounter?_cursor={cursor}")), 400);
    assert_eq!(status(&format!("/ej/EJ1/fhir/R4/Patient?_cursor={cursor}")), 400);
    assert_eq!(status(&format!("{next}&family=martin")), 400);
}

#[test]
fn a_cursor_is_for_the_caller_who_searched() {
    let server = Running::start(settings());
    let mut lane = Lane::of(&server, "EJ1");
    for number in 0..5 {
        lane.patient(number, "Zqxdurand");
    }
    let [one, other] = [(); 2].map(|()| server.token(Role::Reader, &["EJ1"]));
    let page = server.get("/fhir/R4/Patient?family=zqxdurand&_count=2", Some(&one)).json();
    let next = local(&link(&page, "next").unwrap());
    let refused = server.get(&next, Some(&other));
    assert_eq!((refused.status, refused.is_outcome()), (400, true));
    assert!(!refused.text().contains("Zqx"));
    assert_eq!(server.get(&next, None).status, 401);
    assert_eq!(ids(&server.get(&next, Some(&one)).json()).len(), 2);
}

#[test]
fn a_walk_goes_on_across_restarts_and_changes_where_it_was() {
    let mut server = Running::start(settings());
    let mut lane = Lane::of(&server, "EJ1");
    for number in 0..40 {
        lane.patient(number, if number % 2 == 0 { "Lachapelle-Roy" } else { "Lachapelle-Durand" });
    }
    let search = "/fhir/R5/Patient?family=lachapelle&_sort=-family,_id&_count=4";
    let expected = ids(&server.get(&format!("{search}0"), None).json());
    let mut page = server.get(search, None).json();
    let mut got = ids(&page);
    for turn in 0.. {
        let Some(next) = link(&page, "next") else { break };
        // Every key by which it is sorted and found changes; some patients are new.
        lane.patient(turn * 3 % 40, "Lachapelle-Martin");
        lane.patient(turn * 7 % 40, "Martin");
        lane.patient(100 + turn, "Lachapelle");
        drop(lane);
        server = server.restarted();
        lane = Lane::of(&server, "EJ1");
        lane.patient(turn * 5 % 40, "Lachapelle-Aubert");
        let answer = server.get(&local(&next), None);
        assert_eq!(answer.status, 200, "{}", answer.text());
        page = answer.json();
        assert_eq!(page["total"], 40);
        got.extend(ids(&page));
    }
    assert_eq!(got, expected);
}

#[test]
fn a_cursor_older_than_what_is_remembered_is_gone_and_the_search_can_begin_anew() {
    let state = StateSettings { history_rows_max: 128, ..StateSettings::default() };
    let server = Running::start_over(settings(), state);
    let mut lane = Lane::of(&server, "EJ1");
    for number in 0..5 {
        lane.patient(number, "Durand");
    }
    let page = server.get("/fhir/R4/Patient?family=durand&_count=2", None).json();
    let next = local(&link(&page, "next").unwrap());
    // Each changes rows; far more than 128.
    for turn in 0..200 {
        lane.patient(1, if turn % 2 == 0 { "Durant" } else { "Martin" });
    }
    let answer = server.get(&next, None);
    assert_eq!((answer.status, answer.is_outcome()), (410, true));
    let page = server.get("/fhir/R4/Patient?family=durand&_count=2", None).json();
    assert_eq!(page["total"], 4);
}

#[test]
fn a_large_page_is_compressed_for_who_takes_it_and_means_the_same() {
    use std::io::Read;
    let server = Running::start(settings());
    let mut lane = Lane::of(&server, "EJ1");
    for number in 0..20 {
        lane.patient(number, "Durand");
    }
    let plain = server.get("/fhir/R4/Patient", None);
    assert_eq!(plain.header("content-encoding"), None);
    let gzip = [("Accept-Encoding", "gzip")];
    let packed = server.request("GET", "/fhir/R4/Patient", None, &gzip, b"");
    assert_eq!(packed.header("content-encoding"), Some("gzip"));
    assert!(packed.body.len() * 3 < plain.body.len());
    let mut text = Vec::new();
    flate2::read::GzDecoder::new(&packed.body[..]).read_to_end(&mut text).unwrap();
    assert_eq!(text, plain.body);
}
