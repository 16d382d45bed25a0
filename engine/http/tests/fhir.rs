//! Reads and searches over real sockets: versions, pages, rights, and what is said when not.

#![allow(clippy::unwrap_used, reason = "test code")]

mod support;

use std::collections::BTreeSet;

use sluice_http::role::Role;
use sluice_http::routes;
use sluice_mappings::fhir::{FhirVersion, ResourceType};
use sluice_mappings::records::{HeldMovement, Link, LinkKind};
use sluice_state::StateSettings;
use support::{Answer, Lane, Running, awaited, ej, resource_id, settings};

fn ids(bundle: &serde_json::Value) -> Vec<String> {
    let entries = bundle["entry"].as_array().cloned().unwrap_or_default();
    entries
        .iter()
        .filter(|entry| entry["search"]["mode"] == "match")
        .map(|entry| entry["resource"]["id"].as_str().unwrap().to_owned())
        .collect()
}

fn link(bundle: &serde_json::Value, relation: &str) -> Option<String> {
    let links = bundle["link"].as_array().unwrap();
    let found = links.iter().find(|link| link["relation"] == relation)?;
    Some(found["url"].as_str().unwrap().to_owned())
}

/// The path and query of one of our links.
fn local(url: &str) -> String {
    url.strip_prefix("http://localhost").unwrap_or_else(|| panic!("{url}")).to_owned()
}

#[test]
fn a_read_carries_its_version_and_is_not_sent_twice() {
    let server = Running::start(settings());
    let mut lane = Lane::of(&server, "EJ1");
    let id = lane.patient(1, "Durand");
    let path = format!("/fhir/R4/Patient/{id}");
    let first = server.get(&path, None);
    assert_eq!(first.status, 200);
    assert_eq!(first.header("etag"), Some("W/\"1\""));
    assert_eq!(first.header("content-type"), Some("application/fhir+json; charset=utf-8"));
    assert_eq!(first.header("cache-control"), Some("private, no-store"));
    assert_eq!(first.json()["meta"]["versionId"], "1");
    let timing = first.header("server-timing").unwrap();
    assert!(["auth;dur=", "store;dur=", "render;dur="].iter().all(|part| timing.contains(part)));

    let again = |name: &str, value: &str| server.request("GET", &path, None, &[(name, value)], b"");
    let unchanged = again("If-None-Match", "W/\"1\"");
    assert_eq!((unchanged.status, unchanged.header("etag")), (304, Some("W/\"1\"")));
    assert_eq!(again("If-Modified-Since", first.header("last-modified").unwrap()).status, 304);

    lane.patient(1, "Martin");
    let second = again("If-None-Match", "W/\"1\"");
    assert_eq!((second.status, second.header("etag")), (200, Some("W/\"2\"")));
    assert_eq!(second.json()["name"][0]["family"], "Martin");

    let head = server.request("HEAD", &path, None, &[], b"");
    assert_eq!((head.status, head.header("etag")), (200, Some("W/\"2\"")));
    assert_eq!(head.header("content-length").unwrap(), second.body.len().to_string());
    assert!(head.body.is_empty());
}

#[test]
fn a_merged_patient_stays_readable_and_names_the_survivor() {
    let server = Running::start(settings());
    let mut lane = Lane::of(&server, "EJ1");
    let survivor = lane.patient(1, "Durand");
    let loser = lane.change(2, |patient| {
        patient.active = false;
        patient.links = vec![Link { kind: LinkKind::ReplacedBy, other: survivor }];
    });
    let read = server.get(&format!("/ej/EJ1/fhir/R4/Patient/{loser}"), None).json();
    assert_eq!(read["active"], false);
    assert_eq!(read["link"][0]["type"], "replaced-by");
    assert_eq!(read["link"][0]["other"]["reference"], format!("Patient/{survivor}"));
}

#[test]
fn a_record_of_another_ej_and_one_of_none_are_answered_alike_on_every_route() {
    let server = Running::start(settings());
    let (mut one, mut two) = (Lane::of(&server, "EJ1"), Lane::of(&server, "EJ2"));
    let hidden = two.patient(1, "Zqxsecret");
    let hidden_stay = two.stay(1, hidden);
    one.patient(1, "Durand");
    let token = server.token(Role::Administrator, &["EJ1"]);
    let get = |path: &str| server.get(path, Some(&token));
    let nothing = resource_id(ej("EJ1"), "Patient", 99);

    // Warm every cache with the other EJ's data first.
    let all = server.token(Role::Administrator, &["*"]);
    for path in [
        format!("/fhir/R4/Patient/{hidden}"),
        "/fhir/R4/Patient".into(),
        "/ej/EJ2/export/patients".into(),
        "/ej/EJ2/export/venues".into(),
    ] {
        let answer = server.get(&path, Some(&all));
        assert_eq!(answer.status, 200, "{path}");
    }
    let foreign_cursor = {
        two.patient(2, "Zqxsecret");
        let page = server.get("/ej/EJ2/fhir/R4/Patient?_count=1", Some(&all)).json();
        local(&link(&page, "next").unwrap())
    };
    let group_cursor = {
        let page = server.get("/fhir/R4/Patient?_count=1", Some(&all)).json();
        local(&link(&page, "next").unwrap())
    };

    for (there, absent) in [
        (format!("/fhir/R4/Patient/{hidden}"), format!("/fhir/R4/Patient/{nothing}")),
        (format!("/fhir/R4/Encounter/{hidden_stay}"), format!("/fhir/R4/Encounter/{nothing}")),
        (format!("/ej/EJ1/fhir/R4/Patient/{hidden}"), format!("/ej/EJ1/fhir/R4/Patient/{nothing}")),
        (format!("/ej/EJ2/fhir/R4/Patient/{hidden}"), format!("/ej/EJ9/fhir/R4/Patient/{hidden}")),
        ("/ej/EJ2/fhir/R4/Patient".into(), "/ej/EJ9/fhir/R4/Patient".into()),
        ("/ej/EJ2/fhir/R4/metadata".into(), "/ej/EJ9/fhir/R4/metadata".into()),
        ("/ej/EJ2/export/patients".into(), "/ej/EJ9/export/patients".into()),
        ("/ej/EJ2/export/venues".into(), "/ej/EJ9/export/venues".into()),
        (foreign_cursor, "/ej/EJ9/fhir/R4/Patient?_cursor=x".into()),
    ] {
        let (there, absent) = (get(&there), get(&absent));
        assert_eq!((there.status, absent.status), (404, 404));
        assert_eq!(there.body, absent.body);
        assert!(there.is_outcome());
    }
    // Searches that the other EJ's records would match: neither shown nor counted.
    for path in [
        "/fhir/R4/Patient".to_owned(),
        "/ej/EJ1/fhir/R4/Patient".into(),
        "/fhir/R4/Patient?_summary=count".into(),
        "/fhir/R4/Patient?_count=0".into(),
    ] {
        assert_eq!(get(&path).json()["total"], 1, "{path}");
    }
    for path in [
        "/fhir/R4/Patient?family=zqxsecret".to_owned(),
        format!("/fhir/R4/Patient?_id={hidden}"),
        "/fhir/R4/Patient?identifier=EJ2-1".into(),
        format!("/fhir/R4/Encounter?patient={hidden}"),
        "/fhir/R4/Encounter".into(),
    ] {
        let answer = get(&path);
        assert_eq!(answer.json()["total"], 0, "{path}");
        assert!(!answer.text().contains("Zqxsecret"), "{path}");
    }
    // A cursor of wider rights is worth nothing under narrower ones.
    assert_eq!(get(&group_cursor).status, 400);
    assert!(!get("/api/status").text().contains("EJ2"));
    for route in routes::table().iter().filter(|route| route.path.contains("{ej}")) {
        let path = route.path.replace("{ej}", "EJ2").replace("{type}", "Patient");
        let path = path.replace("{id}", &hidden.to_string());
        let form = [("Content-Type", "application/x-www-form-urlencoded")];
        let answer = server.request(route.method.as_str(), &path, Some(&token), &form, b"");
        assert_eq!(answer.status, 404, "{path}");
    }
}

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
fn what_is_not_known_is_told_or_refused_and_never_hidden() {
    let server = Running::start(settings());
    Lane::of(&server, "EJ1").patient(1, "Durand");
    let path =
        "/fhir/R4/Patient?famly=x&family=durand&_has:Encounter:nobody:status=planned&18505=1";
    let page = server.get(path, None).json();
    assert_eq!(page["total"], 1);
    assert_eq!(link(&page, "self").unwrap(), "http://localhost/fhir/R4/Patient?family=durand");
    let outcome = &page["entry"][1];
    assert_eq!(outcome["search"]["mode"], "outcome");
    let text = outcome["resource"].to_string();
    assert!(
        text.contains("famly") && text.contains("_has:Encounter") && text.contains("parameter 4")
    );
    assert!(!text.contains("18505"));

    for prefer in ["handling=strict", "return=minimal, handling=\"strict\""] {
        let answer = server.request("GET", path, None, &[("Prefer", prefer)], b"");
        assert_eq!((answer.status, answer.is_outcome()), (400, true));
    }
    let lenient = server.request("GET", path, None, &[("Prefer", "handling=lenient")], b"");
    assert_eq!(lenient.status, 200);
}

#[test]
fn a_post_search_finds_the_same_and_its_next_link_shows_no_name() {
    let server = Running::start(settings());
    let mut lane = Lane::of(&server, "EJ1");
    for number in 0..5 {
        lane.patient(number, "Zqxposted");
    }
    let form = [("Content-Type", "application/x-www-form-urlencoded; charset=utf-8")];
    let post = |body: &[u8]| server.request("POST", "/fhir/R4/Patient/_search", None, &form, body);
    let page = post(b"family=Zqxposted&_count=2").json();
    assert_eq!((page["total"].as_u64(), ids(&page).len()), (Some(5), 2));
    let next = link(&page, "next").unwrap();
    assert!(!next.contains("Zqx") && next.contains("_cursor="));
    let page = server.get(&local(&next), None).json();
    assert_eq!(ids(&page).len(), 2);
    assert_eq!(post(b"").json()["total"], 5);

    let other = [("Content-Type", "application/json")];
    let answer = server.request("POST", "/fhir/R4/Patient/_search", None, &other, b"{}");
    assert_eq!((answer.status, answer.is_outcome()), (415, true));
    let packed = [form[0], ("Content-Encoding", "gzip")];
    let answer = server.request("POST", "/fhir/R4/Patient/_search", None, &packed, b"\x1f\x8b");
    assert_eq!((answer.status, answer.is_outcome()), (415, true));
    let big = format!("family={}", "a".repeat(70_000));
    let answer = post(big.as_bytes());
    assert_eq!((answer.status, answer.is_outcome()), (413, true));
    assert_eq!(post(b"family=%ZZ").status, 400);
}

#[test]
fn a_body_that_does_not_come_in_time_is_given_up() {
    use std::io::Write;
    let mut settings = settings();
    settings.body_timeout_ms = 200;
    let server = Running::start(settings);
    let mut stream = server.connect();
    let head = support::head(
        "POST",
        "/fhir/R4/Patient/_search",
        None,
        &[("Content-Type", "application/x-www-form-urlencoded"), ("Content-Length", "50")],
    );
    stream.write_all((head + "\r\nfamily=").as_bytes()).unwrap();
    let answer = Answer::read(&mut stream, false);
    assert_eq!((answer.status, answer.is_outcome()), (408, true));
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
fn every_fault_of_a_fhir_path_is_an_outcome_that_repeats_no_value() {
    let server = Running::start(settings());
    let canary = "Zqxcanary7f3a";
    for (path, status) in [
        (format!("/fhir/R4/Patient/{canary}"), 404),
        (format!("/fhir/R4/Patient/{canary}/_history"), 404),
        (format!("/fhir/R4/{canary}"), 404),
        (format!("/fhir/R4/Patient?birthdate={canary}"), 400),
        (format!("/fhir/R4/Patient?_count={canary}"), 400),
        (format!("/fhir/R4/Patient?_total={canary}"), 400),
        (format!("/fhir/R4/Patient?_summary={canary}"), 400),
        (format!("/fhir/R4/Patient?_pretty={canary}"), 400),
        (format!("/fhir/R4/Patient?_sort={canary}"), 400),
        (format!("/fhir/R4/Patient?gender={canary}"), 400),
        (format!("/fhir/R4/Encounter?status={canary}"), 400),
        (format!("/fhir/R4/Patient?family:{canary}=x"), 400),
        (format!("/fhir/R4/Patient?_format={canary}"), 406),
        (format!("/fhir/R4/Patient?_cursor={canary}"), 400),
        (format!("/fhir/R4/Patient?name=%FF{canary}"), 400),
        (format!("/ej/{canary}/fhir/R4/Patient"), 404),
        (format!("/ej/EJ1/export/patients?fhir={canary}"), 400),
        (format!("/ej/EJ1/export/patients?{canary}=1"), 400),
        (format!("/ej/EJ1/export/patients?_format={canary}"), 406),
    ] {
        let answer = server.get(&path, None);
        assert_eq!(answer.status, status, "{path}");
        assert!(answer.is_outcome(), "{path}");
        assert!(!answer.text().contains(canary), "{path}");
        assert!(answer.headers.iter().all(|(_, value)| !value.contains(canary)), "{path}");
    }
    let many: String = (0..200).map(|n| format!("name=a{n}&")).collect();
    assert_eq!(server.get(&format!("/fhir/R4/Patient?{many}"), None).status, 400);
    let xml = server.request("GET", "/fhir/R4/Patient", None, &[("Accept", "text/xml")], b"");
    assert_eq!((xml.status, xml.is_outcome()), (406, true));
    let put = server.request("PUT", "/fhir/R4/Patient", None, &[], b"");
    assert_eq!((put.status, put.is_outcome()), (405, true));
}

#[test]
fn links_follow_the_public_base_or_a_trusted_proxy_and_nothing_else() {
    let forwarded = [
        ("X-Forwarded-Proto", "https"),
        ("X-Forwarded-Host", "fhir.example.org"),
        ("X-Forwarded-Prefix", "/gw/"),
    ];
    let standard = [(
        "Forwarded",
        "for=192.0.2.60;proto=https; Host=\"fhir.example.org:8443\", for=10.0.0.1;host=inner",
    )];
    let link_for = |settings, forwarded: &[(&str, &str)]| {
        let server = Running::start(settings);
        let answer = server.request("GET", "/ej/EJ1/fhir/R4/Patient", None, forwarded, b"");
        link(&answer.json(), "self").unwrap()
    };
    let self_link = |settings| link_for(settings, &forwarded);
    assert_eq!(link_for(settings(), &standard), "http://localhost/ej/EJ1/fhir/R4/Patient");
    assert_eq!(self_link(settings()), "http://localhost/ej/EJ1/fhir/R4/Patient");
    let mut trusting = settings();
    trusting.trust_forwarded = true;
    let own = "https://fhir.example.org:8443/ej/EJ1/fhir/R4/Patient";
    assert_eq!(link_for(trusting.clone(), &standard), own);
    let hostile = [("Forwarded", "host=\"evil.example/x\"; proto=javascript")];
    let own = "http://localhost/ej/EJ1/fhir/R4/Patient";
    assert_eq!(link_for(trusting.clone(), &hostile), own);
    assert_eq!(self_link(trusting.clone()), "https://fhir.example.org/gw/ej/EJ1/fhir/R4/Patient");
    trusting.public_base = "https://public.example.org/x".into();
    assert_eq!(self_link(trusting), "https://public.example.org/x/ej/EJ1/fhir/R4/Patient");
}

#[test]
fn the_capability_statement_promises_what_is_routed_and_all_of_it() {
    let server = Running::start(settings());
    let mut lane = Lane::of(&server, "EJ1");
    let patient = lane.patient(1, "Durand");
    let stay = lane.stay(1, patient);
    let versions = [(FhirVersion::R4, "4.0.1"), (FhirVersion::R5, "5.0.0")];
    let bases = versions.into_iter().flat_map(|(version, number)| {
        [format!("/fhir/{version}"), format!("/ej/EJ1/fhir/{version}")]
            .map(|base| (base, version, number))
    });
    for (base, version, number) in bases {
        let statement = server.get(&format!("{base}/metadata"), None).json();
        assert_eq!(statement["fhirVersion"], number);
        assert_eq!(statement["implementation"]["url"], format!("http://localhost{base}"));
        let mut promised = BTreeSet::new();
        for resource in statement["rest"][0]["resource"].as_array().unwrap() {
            let of_type = resource["type"].as_str().unwrap();
            for interaction in resource["interaction"].as_array().unwrap() {
                promised
                    .insert((of_type.to_owned(), interaction["code"].as_str().unwrap().to_owned()));
            }
            for param in resource["searchParam"].as_array().unwrap() {
                let name = param["name"].as_str().unwrap();
                let path = format!("{base}/{of_type}?{name}:missing=true");
                let strict = [("Prefer", "handling=strict")];
                let answer = server.request("GET", &path, None, &strict, b"");
                let known = answer.status == 200 || answer.text().contains("modifier");
                assert!(known, "{path}: {}", answer.text());
            }
        }
        for interaction in statement["rest"][0]["interaction"].as_array().unwrap() {
            let code = interaction["code"].as_str().unwrap();
            promised.insert((String::new(), code.to_owned()));
        }
        let rest = &statement["rest"][0];
        let group = server.get(&format!("/ej/EJ1/fhir/{version}/Group"), None).json();
        let id = |of_type: &str| match of_type {
            "Group" => group["entry"][0]["resource"]["id"].as_str().unwrap().to_owned(),
            "Patient" => patient.to_string(),
            _ => stay.to_string(),
        };
        let none = serde_json::json!([]);
        let of_types = rest["resource"].as_array().unwrap().iter().flat_map(|resource| {
            let operations = resource.get("operation").unwrap_or(&none).as_array().unwrap();
            operations.iter().map(move |operation| (resource["type"].as_str(), operation))
        });
        let of_system = rest["operation"].as_array().unwrap().iter().map(|one| (None, one));
        for (of_type, operation) in of_types.chain(of_system) {
            let name = operation["name"].as_str().unwrap();
            let path = match (of_type, name) {
                (None, name) => format!("{base}/${name}"),
                (Some("Patient"), "export") => format!("{base}/Patient/$export"),
                (_, "match") => format!("{base}/Patient/$match"),
                (_, "ihe-pix") => format!("{base}/Patient/$ihe-pix?sourceIdentifier=a|1"),
                (Some(of_type), name) => format!("{base}/{of_type}/{}/${name}", id(of_type)),
            };
            let method = if name == "match" { "POST" } else { "GET" };
            let answer = server.request(method, &path, None, &[("Prefer", "respond-async")], b"");
            // These are told that nobody was asked for, and not that there is no such operation.
            if matches!(name, "match" | "ihe-pix") {
                assert_eq!(answer.status, 400, "{path}: {}", answer.text());
                continue;
            }
            assert!(matches!(answer.status, 200 | 202), "{path}: {}", answer.status);
            if let Some(job) = answer.header("content-location") {
                let job = job.strip_prefix("http://localhost").unwrap();
                assert_eq!(server.request("DELETE", job, None, &[], b"").status, 202);
            }
        }
        let prefix = base.replace("EJ1", "{ej}");
        let mut routed = BTreeSet::new();
        for route in routes::table() {
            let of_base = route.path.starts_with(&prefix);
            let Some(interaction) = route.interaction.filter(|_| of_base) else { continue };
            let derives = |of: &ResourceType| !matches!(of, ResourceType::Record(_));
            if !route.path.contains("{type}") {
                routed.insert((String::new(), interaction.code().to_owned()));
                continue;
            }
            let past = matches!(interaction.code(), "vread" | "history-instance" | "history-type");
            for of_type in ResourceType::all(version).filter(|of| !(past && derives(of))) {
                routed.insert((of_type.name().to_owned(), interaction.code().to_owned()));
            }
        }
        assert_eq!(promised, routed);
        for of_type in ResourceType::all(version) {
            let page = server.get(&format!("{base}/{}", of_type.name()), None);
            // Of what is derived, a search says of what.
            let names =
                matches!(of_type, ResourceType::EncounterHistory | ResourceType::Provenance);
            let expected = if names { 400 } else { 200 };
            assert_eq!(page.status, expected, "{}", of_type.name());
        }
    }
}

#[test]
fn a_reference_search_takes_our_own_absolute_urls() {
    let server = Running::start(settings());
    let mut lane = Lane::of(&server, "EJ1");
    let patient = lane.patient(1, "Durand");
    let stay = lane.stay(1, patient);
    for value in [
        patient.to_string(),
        format!("Patient/{patient}"),
        format!("http://localhost/fhir/R4/Patient/{patient}"),
    ] {
        let page = server.get(&format!("/fhir/R4/Encounter?patient={value}"), None).json();
        assert_eq!(ids(&page), [stay.to_string()], "{value}");
    }
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
