//! Exports: whole, fresh, one gzip member, and only for those who may.

#![allow(clippy::unwrap_used, reason = "test code")]

mod support;

use std::collections::BTreeMap;
use std::io::{Read, Write};

use sluice_mappings::records::{Movement, NamedOrganization};
use support::{Answer, Lane, Running, settings};

const GZIP_NDJSON: [(&str, &str); 2] =
    [("Accept", "application/fhir+ndjson"), ("Accept-Encoding", "gzip")];

fn ndjson(server: &Running, path: &str) -> Answer {
    server.request("GET", path, None, &[("Accept", "application/fhir+ndjson")], b"")
}

/// Id → family, of each line.
fn families(text: &[u8]) -> BTreeMap<String, String> {
    let mut families = BTreeMap::new();
    for line in text.split(|b| *b == b'\n').filter(|line| !line.is_empty()) {
        let resource: serde_json::Value = serde_json::from_slice(line).unwrap();
        let family = resource["name"][0]["family"].as_str().unwrap().to_owned();
        let id = resource["id"].as_str().unwrap().to_owned();
        assert!(families.insert(id, family).is_none(), "a resource twice");
    }
    families
}

/// The plain text, and the proof that it is one member: a reader of several finds an end and
/// nothing after it.
fn one_member(packed: &[u8]) -> Vec<u8> {
    let mut single = Vec::new();
    let mut decoder = flate2::bufread::GzDecoder::new(packed);
    decoder.read_to_end(&mut single).unwrap();
    assert!(decoder.into_inner().is_empty(), "bytes after the first member");
    let mut several = Vec::new();
    flate2::read::MultiGzDecoder::new(packed).read_to_end(&mut several).unwrap();
    assert_eq!(several, single);
    single
}

type Unpack = fn(&[u8]) -> Vec<u8>;

const CODINGS: [(&str, Unpack); 2] =
    [("gzip", one_member), ("zstd", |packed| zstd::decode_all(packed).unwrap())];

#[test]
fn an_export_holds_every_record_once_in_every_form() {
    let server = Running::start(settings());
    let mut lane = Lane::of(&server, "EJ1");
    let mut expected = BTreeMap::new();
    // Ten chunks, the last one not full.
    for number in 0..600 {
        let family = format!("Fam{number}");
        let id = lane.patient(number, &family);
        expected.insert(id.to_string(), family);
    }
    let path = "/ej/EJ1/export/patients";
    let plain = ndjson(&server, path);
    assert_eq!(plain.header("content-type"), Some("application/fhir+ndjson"));
    assert_eq!(families(&plain.body), expected);

    for round in 0..2 {
        let packed = server.request("GET", path, None, &GZIP_NDJSON, b"");
        assert_eq!(packed.header("content-encoding"), Some("gzip"), "round {round}");
        assert_eq!(one_member(&packed.body), plain.body);
        assert!(packed.body.len() * 8 < plain.body.len());
    }

    let bundle = server.get(path, None);
    let json = bundle.json();
    assert_eq!((json["type"].as_str(), json.get("total")), (Some("collection"), None));
    let entries = json["entry"].as_array().unwrap();
    assert_eq!(entries.len(), 600);
    for entry in entries {
        let id = entry["resource"]["id"].as_str().unwrap();
        assert_eq!(entry["fullUrl"], format!("http://localhost/ej/EJ1/fhir/R4/Patient/{id}"));
        assert_eq!(entry["resource"]["name"][0]["family"], expected[id].as_str());
    }
    for (coding, unpack) in CODINGS {
        for round in 0..2 {
            let packed = server.request("GET", path, None, &[("Accept-Encoding", coding)], b"");
            assert_eq!(packed.header("content-encoding"), Some(coding));
            assert_eq!(unpack(&packed.body), bundle.body, "{coding}, round {round}");
            let headers = [GZIP_NDJSON[0], ("Accept-Encoding", coding)];
            let packed = server.request("GET", path, None, &headers, b"");
            assert_eq!(unpack(&packed.body), plain.body, "{coding}, round {round}");
        }
    }

    let named = |name| server.request("GET", path, None, &[("Accept", name)], b"");
    assert_eq!(named("application/ndjson").header("content-type"), Some("application/ndjson"));
    assert_eq!(named("text/csv").status, 406);
    assert_eq!(server.get(&format!("{path}?_format=ndjson"), None).body, plain.body);
}

#[test]
fn an_empty_export_is_a_bundle_without_entries_and_an_empty_file() {
    let server = Running::start(settings());
    let path = "/ej/EJ1/export/venues";
    assert_eq!(
        server.get(path, None).json(),
        serde_json::json!({ "resourceType": "Bundle", "type": "collection" })
    );
    assert_eq!(ndjson(&server, path).body, b"");
    for (coding, unpack) in CODINGS {
        let headers = [GZIP_NDJSON[0], ("Accept-Encoding", coding)];
        assert_eq!(unpack(&server.request("GET", path, None, &headers, b"").body), b"");
        let bundle = server.request("GET", path, None, &headers[1..], b"").body;
        assert_eq!(unpack(&bundle), server.get(path, None).body);
    }
}

#[test]
fn a_change_is_in_the_next_export_and_costs_one_chunk() {
    // What is warmed after a start is rendered beside this, and counted too.
    let mut cold = settings();
    cold.cache.warm.clear();
    let server = Running::start(cold);
    let mut lane = Lane::of(&server, "EJ1");
    for number in 0..1000 {
        lane.patient(number, "Before");
    }
    let path = "/ej/EJ1/export/patients";
    let misses = || {
        let counts = server.get("/api/metrics/cache", None).json();
        counts["chunks"]["misses"].as_u64().unwrap()
    };
    let first = server.request("GET", path, None, &GZIP_NDJSON, b"");
    let etag = first.header("etag").unwrap().to_owned();
    let again = |etag: &str| {
        let headers = [GZIP_NDJSON[0], GZIP_NDJSON[1], ("If-None-Match", etag)];
        server.request("GET", path, None, &headers, b"")
    };
    assert_eq!(again(&etag).status, 304);

    let changed = lane.patient(700, "After");
    let before = misses();
    let second = again(&etag);
    assert_eq!(second.status, 200);
    assert_ne!(second.header("etag"), Some(etag.as_str()));
    let found = families(&one_member(&second.body));
    assert_eq!(found.len(), 1000);
    assert_eq!(found[&changed.to_string()], "After");
    assert_eq!(found.values().filter(|family| *family == "Before").count(), 999);
    assert_eq!(misses() - before, 1);
    let counts = server.get("/api/metrics/cache", None).json();
    assert_eq!(counts["chunks"]["rerendered"], 1);
    let before = misses();
    let third = server.request("GET", path, None, &GZIP_NDJSON, b"");
    assert_eq!(third.body, second.body);
    assert_eq!(misses(), before);
}

#[test]
fn an_export_is_whole_without_a_cache_and_with_one_that_is_too_small() {
    let mut off = settings();
    off.cache.enabled = false;
    let mut small = settings();
    small.cache.chunk_bytes_max = 30_000;
    for settings in [off, small] {
        let server = Running::start(settings);
        let mut lane = Lane::of(&server, "EJ1");
        for number in 0..2000 {
            lane.patient(number, "Durand");
        }
        for _ in 0..2 {
            let packed = server.request("GET", "/ej/EJ1/export/patients", None, &GZIP_NDJSON, b"");
            assert_eq!(families(&one_member(&packed.body)).len(), 2000);
        }
        let counts = server.get("/api/metrics/cache", None).json();
        assert!(counts["chunks"]["bytes"].as_u64().unwrap() <= 30_000);
    }
}

#[test]
fn only_what_changed_since_then_is_given_whatever_is_kept() {
    let server = Running::start(settings());
    let mut lane = Lane::of(&server, "EJ1");
    for number in 0..300 {
        lane.patient(number, "Before");
    }
    let since = {
        let changed = lane.patient(150, "After");
        let read = server.get(&format!("/fhir/R4/Patient/{changed}"), None).json();
        read["meta"]["lastUpdated"].as_str().unwrap().replace('+', "%2B")
    };
    lane.patient(299, "After");
    lane.patient(300, "After");
    let path = format!("/ej/EJ1/export/patients?_since={since}");
    let check = || {
        for (coding, unpack) in CODINGS {
            let headers = [GZIP_NDJSON[0], ("Accept-Encoding", coding)];
            let packed = server.request("GET", &path, None, &headers, b"");
            let found = families(&unpack(&packed.body));
            assert_eq!(found.len(), 3, "{coding}");
            assert!(found.values().all(|family| family == "After"), "{coding}");
        }
        assert_eq!(families(&ndjson(&server, &path).body).len(), 3);
        assert_eq!(server.get(&path, None).json()["entry"].as_array().unwrap().len(), 3);
    };
    check();
    // With everything kept: what is older is known from it, and no part is kept for the whole.
    let whole = ndjson(&server, "/ej/EJ1/export/patients").body;
    server.request("GET", "/ej/EJ1/export/patients", None, &GZIP_NDJSON, b"");
    check();
    assert_eq!(ndjson(&server, "/ej/EJ1/export/patients").body, whole);
    let none = "/ej/EJ1/export/patients?_since=2040-01-01T00:00:00Z";
    assert_eq!(ndjson(&server, none).body, b"");
    assert_eq!(server.get("/ej/EJ1/export/patients?_since=yesterday", None).status, 400);
}

/// Every `Type/id` that a resource refers to.
fn references(value: &serde_json::Value, found: &mut std::collections::BTreeSet<String>) {
    match value {
        serde_json::Value::Object(members) => {
            for (name, value) in members {
                match (name.as_str(), value.as_str()) {
                    ("reference", Some(reference)) => {
                        found.insert(reference.to_owned());
                    }
                    _ => references(value, found),
                }
            }
        }
        serde_json::Value::Array(values) => values.iter().for_each(|v| references(v, found)),
        _ => {}
    }
}

#[test]
fn what_an_export_refers_to_is_in_it_or_can_be_read() {
    let server = Running::start(settings());
    let mut lane = Lane::of(&server, "EJ1");
    let own = lane.unit(0, None);
    let unit = lane.unit(1, Some(own));
    let ward = lane.unit(2, Some(unit));
    let place = lane.place(1, None, Some(unit));
    let room = lane.place(2, Some(place), Some(ward));
    for number in 0..5 {
        let patient = lane.change(number, |patient| {
            patient.practices =
                vec![NamedOrganization { organization: Some(unit), name: String::new() }];
        });
        lane.change_stay(number, patient, |stay| {
            stay.service_provider.organization = Some(ward);
            stay.movements =
                vec![Movement { location: Some(room), held: None, ..support::awaited(1) }];
            stay.situation.current = Some(0);
        });
    }
    for version in ["R4", "R5"] {
        let mut all = std::collections::BTreeSet::new();
        for export in ["structure", "patients", "venues"] {
            let path = format!("/ej/EJ1/export/{export}?fhir={version}");
            let bundle = server.get(&path, None).json();
            let entries = bundle["entry"].as_array().unwrap();
            let within = |reference: &str| {
                let url = format!("http://localhost/ej/EJ1/fhir/{version}/{reference}");
                entries.iter().any(|entry| entry["fullUrl"] == url)
            };
            let mut found = std::collections::BTreeSet::new();
            references(&bundle, &mut found);
            for reference in &found {
                let read = server.get(&format!("/ej/EJ1/fhir/{version}/{reference}"), None);
                assert!(within(reference) || read.status == 200, "{export}: {reference}");
                assert!(export != "structure" || within(reference), "{reference}");
            }
            all.extend(found);
        }
        for of in ["Patient/", "Organization/", "Location/"] {
            assert!(all.iter().any(|reference| reference.starts_with(of)), "{of}: {all:?}");
        }
    }
}

#[test]
fn an_export_under_a_feed_is_well_formed_and_loses_nothing_that_was_there() {
    let server = Running::start(settings());
    let mut lane = Lane::of(&server, "EJ1");
    let there: Vec<String> =
        (0..800).map(|number| lane.patient(number, "Before").to_string()).collect();
    let done = std::sync::atomic::AtomicBool::new(false);
    std::thread::scope(|scope| {
        let (done, lane) = (&done, &mut lane);
        scope.spawn(move || {
            let mut turn = 0;
            while !done.load(std::sync::atomic::Ordering::Relaxed) && turn < 50_000 {
                lane.patient(turn % 1200, "After");
                turn += 1;
            }
        });
        for _ in 0..5 {
            let packed = server.request("GET", "/ej/EJ1/export/patients", None, &GZIP_NDJSON, b"");
            let found = families(&one_member(&packed.body));
            assert!(there.iter().all(|id| found.contains_key(id)));
        }
        done.store(true, std::sync::atomic::Ordering::Relaxed);
    });
}

#[test]
fn a_client_that_stops_reading_an_export_loses_its_place_to_others() {
    let mut settings = settings();
    settings.write_stall_timeout_ms = 300;
    settings.connections_per_peer_max = 1;
    let server = Running::start(settings);
    let mut lane = Lane::of(&server, "EJ1");
    // 40 MB: more than the sockets' buffers hold.
    let long = "x".repeat(40_000);
    for number in 0..1_000 {
        lane.patient(number, &long);
    }
    let mut stalled = server.connect();
    let head = support::head("GET", "/ej/EJ1/export/patients", None, &[]);
    stalled.write_all((head + "\r\n").as_bytes()).unwrap();
    stalled.read_exact(&mut [0; 1]).unwrap();
    // The only place is taken until the server gives the stalled client up.
    let deadline = std::time::Instant::now() + std::time::Duration::from_secs(60);
    loop {
        assert!(std::time::Instant::now() < deadline, "the place never came free");
        let mut stream = server.connect();
        let head = support::head("GET", "/health/live", None, &[]);
        let _ = stream.write_all((head + "Connection: close\r\n\r\n").as_bytes());
        let mut text = Vec::new();
        let _ = stream.read_to_end(&mut text);
        if text.starts_with(b"HTTP/1.1 200") {
            break;
        }
        std::thread::sleep(std::time::Duration::from_millis(10));
    }
    let mut rest = Vec::new();
    let _ = stalled.read_to_end(&mut rest);
    assert!(!rest.ends_with(b"0\r\n\r\n"), "the export must not have ended well");
}
