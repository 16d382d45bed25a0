//! Exports: whole, fresh, one gzip member, and only for those who may.

#![allow(clippy::unwrap_used, reason = "test code")]

mod support;

use std::collections::BTreeMap;
use std::io::{Read, Write};
use std::process::{Command, Stdio};

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

#[test]
fn an_export_holds_every_record_once_in_every_form() {
    let server = Running::start(settings());
    let mut lane = Lane::of(&server, "EJ1");
    let mut expected = BTreeMap::new();
    // Three chunks, the last one not full.
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
    let packed = server.request("GET", path, None, &[("Accept-Encoding", "gzip")], b"");
    assert_eq!(one_member(&packed.body), bundle.body);

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
    let packed = server.request("GET", path, None, &GZIP_NDJSON, b"");
    assert_eq!(one_member(&packed.body), b"");
}

#[test]
fn a_change_is_in_the_next_export_and_costs_one_chunk() {
    let server = Running::start(settings());
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
fn other_programs_read_a_compressed_export_whole() {
    let server = Running::start(settings());
    let mut lane = Lane::of(&server, "EJ1");
    for number in 0..700 {
        lane.patient(number, "Durand");
    }
    let path = "/ej/EJ1/export/patients";
    let plain = ndjson(&server, path).body;
    let packed = server.request("GET", path, None, &GZIP_NDJSON, b"").body;

    let url = format!("http://{}{path}", server.address);
    let curl = Command::new("curl")
        .args(["-sS", "--fail", "--compressed", "-H", "Accept: application/fhir+ndjson", &url])
        .output();
    match curl {
        Ok(output) => {
            assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
            assert_eq!(output.stdout, plain);
        }
        Err(_) => println!("skipped: curl is not installed"),
    }
    let scripts = [
        (
            "gzip",
            "import sys,gzip;sys.stdout.buffer.write(gzip.decompress(sys.stdin.buffer.read()))",
        ),
        // What httpx and urllib3 do: one decompressor, and what comes after its end is lost.
        (
            "zlib",
            "import sys,zlib;d=zlib.decompressobj(31);o=d.decompress(sys.stdin.buffer.read());\
             assert d.eof and not d.unused_data;sys.stdout.buffer.write(o)",
        ),
    ];
    for (name, script) in scripts {
        let python = Command::new("python3")
            .args(["-c", script])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn();
        let Ok(mut python) = python else {
            println!("skipped: python3 is not installed");
            return;
        };
        let mut stdin = python.stdin.take().unwrap();
        let bytes = packed.clone();
        let writer = std::thread::spawn(move || stdin.write_all(&bytes));
        let output = python.wait_with_output().unwrap();
        writer.join().unwrap().unwrap();
        assert!(output.status.success(), "{name}");
        assert_eq!(output.stdout, plain, "{name}");
    }
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
