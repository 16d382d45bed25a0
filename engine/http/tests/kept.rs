//! What is kept, as a caller sees it: hot, never stale, never another's, and told honestly.

#![allow(clippy::unwrap_used, reason = "test code")]

mod support;

use std::time::{Duration, Instant};

use support::{Answer, Lane, Running, settings};

const GZIP: [(&str, &str); 1] = [("Accept-Encoding", "gzip")];

fn told(answer: &Answer) -> (&str, &str) {
    let header = |name| answer.header(name).unwrap_or("none");
    (header("x-cache"), header("x-cache-hit-rate"))
}

fn ms(answer: &Answer, name: &str) -> f64 {
    answer.header(name).unwrap_or_else(|| panic!("{name}")).parse().unwrap()
}

/// Until no export is being warmed any more.
fn warmed(server: &Running) -> serde_json::Value {
    let deadline = Instant::now() + Duration::from_secs(60);
    loop {
        assert!(Instant::now() < deadline, "it never ends");
        let counts = server.get("/api/metrics/cache", None).json();
        if counts["warming"] == false && counts["chunks"]["entries"] != 0 {
            return counts;
        }
        std::thread::sleep(Duration::from_millis(5));
    }
}

#[test]
fn each_answer_tells_its_times_and_what_of_it_was_kept() {
    let server = Running::start(settings());
    let mut lane = Lane::of(&server, "EJ1");
    let id = lane.patient(1, "Durand");
    let read = format!("/fhir/R4/Patient/{id}");
    let get = |path: &str| server.get(path, None);
    let first = get(&read);
    assert_eq!(told(&first), ("MISS", "0.000"));
    assert_eq!(told(&get(&read)), ("HIT", "1.000"));
    lane.patient(1, "Martin");
    let second = get(&read);
    assert_eq!(told(&second), ("MISS", "0.000"));
    assert_eq!(second.json()["name"][0]["family"], "Martin");

    lane.patient(2, "Petit");
    lane.patient(3, "Petit");
    assert_eq!(told(&get("/fhir/R4/Patient")), ("MISS", "0.333"), "one of three was kept");
    let page = get("/fhir/R4/Patient");
    assert_eq!(told(&page), ("HIT", "1.000"));
    assert_eq!(told(&get("/fhir/R4/metadata")), ("none", "none"));

    // The parts are within the whole, and Server-Timing says the same.
    let total = ms(&page, "x-process-time");
    let (store, route) = (ms(&page, "x-store-time"), ms(&page, "x-fhir-route-time"));
    assert!(store <= route && route <= total, "{store} {route} {total}");
    let timing = page.header("server-timing").unwrap();
    for part in ["auth;dur=", ", store;dur=", ", render;dur=", ", total;dur="] {
        assert!(timing.contains(part), "{timing}");
    }
    assert!(timing.ends_with(&format!("total;dur={}", page.header("x-process-time").unwrap())));
    for path in ["/api/status", "/health/live", "/fhir/R4/Nothing"] {
        assert_eq!(get(path).header("x-process-time"), None, "{path}");
    }
}

#[test]
fn a_caller_can_ask_past_what_is_kept_and_leaves_it_as_it_was() {
    let server = Running::start(settings());
    let mut lane = Lane::of(&server, "EJ1");
    let id = lane.patient(1, "Durand");
    for path in [
        format!("/fhir/R4/Patient/{id}"),
        "/fhir/R4/Patient".into(),
        "/ej/EJ1/export/patients".into(),
    ] {
        let kept = server.get(&path, None).body;
        let counts = || {
            let counts = server.get("/api/metrics/cache", None).json();
            (counts["resources"].clone(), counts["chunks"].clone())
        };
        let before = counts();
        for directive in ["no-cache", "max-age=0, No-Store"] {
            let headers = [("Cache-Control", directive)];
            let anew = server.request("GET", &path, None, &headers, b"");
            assert_eq!(told(&anew), ("BYPASS", "0.000"), "{path}");
            assert_eq!(anew.body, kept, "{path}");
        }
        assert_eq!(counts(), before, "{path}");
        assert_eq!(told(&server.get(&path, None)), ("HIT", "1.000"), "{path}");
    }
}

#[test]
fn the_headers_and_the_cache_can_be_off() {
    let mut off = settings();
    off.timing_headers = false;
    off.server_timing = false;
    off.cache.enabled = false;
    let server = Running::start(off.clone());
    Lane::of(&server, "EJ1").patient(1, "Durand");
    let page = server.get("/fhir/R4/Patient", None);
    for name in ["x-process-time", "x-store-time", "x-fhir-route-time", "x-cache", "server-timing"]
    {
        assert_eq!(page.header(name), None, "{name}");
    }
    let refused = server.request("POST", "/api/cache/warm", None, &[], b"");
    assert_eq!((refused.status, refused.json()["warming"].as_bool()), (202, Some(false)));
    off.timing_headers = true;
    let server = Running::start(off);
    Lane::of(&server, "EJ1").patient(1, "Durand");
    for _ in 0..2 {
        let export = server.get("/ej/EJ1/export/patients", None);
        assert_eq!(told(&export), ("BYPASS", "0.000"));
    }
}

#[test]
fn what_ages_is_made_anew_and_means_the_same() {
    let mut settings = settings();
    settings.cache.ttl_ms = 1;
    let server = Running::start(settings);
    Lane::of(&server, "EJ1").patient(1, "Durand");
    let path = "/ej/EJ1/export/patients";
    let first = server.request("GET", path, None, &GZIP, b"").body;
    let deadline = Instant::now() + Duration::from_secs(60);
    loop {
        assert!(Instant::now() < deadline, "it never ages");
        let later = server.request("GET", path, None, &GZIP, b"");
        assert_eq!(later.body, first);
        if told(&later) == ("MISS", "0.000") {
            break;
        }
    }
}

#[test]
fn an_export_is_hot_once_warmed_and_after_a_start() {
    let server = Running::start(settings());
    for (ej, patients) in [("EJ1", 200), ("EJ2", 10)] {
        let mut lane = Lane::of(&server, ej);
        for number in 0..patients {
            let patient = lane.patient(number, "Durand");
            lane.stay(number, patient);
        }
    }
    let exports = ["EJ1", "EJ2"]
        .map(|ej| ["structure", "patients", "venues"].map(|of| format!("/ej/{ej}/export/{of}")));
    let ndjson = [GZIP[0], ("Accept", "application/fhir+ndjson")];
    let all_hot = |server: &Running| {
        for path in exports.as_flattened().iter().filter(|path| !path.ends_with("structure")) {
            let answer = server.request("GET", path, None, &ndjson, b"");
            assert_eq!(told(&answer), ("HIT", "1.000"), "{path}");
        }
    };
    let asked = server.request("POST", "/api/cache/warm", None, &[], b"");
    assert_eq!((asked.status, asked.json()["warming"].as_bool()), (202, Some(true)));
    let counts = warmed(&server);
    assert_eq!((counts["hits"].as_u64(), counts["misses"].as_u64()), (Some(0), Some(0)));
    all_hot(&server);
    // Once a Bundle was asked for under a base it is warmed for it too.
    let bundle = "/ej/EJ1/export/patients";
    assert_eq!(told(&server.request("GET", bundle, None, &GZIP, b"")), ("MISS", "0.000"));
    server.request("POST", "/api/cache/clear", None, &[], b"");
    server.request("POST", "/api/cache/warm", None, &[], b"");
    warmed(&server);
    assert_eq!(told(&server.request("GET", bundle, None, &GZIP, b"")), ("HIT", "1.000"));

    server.state.flush().unwrap();
    let folder = server.stopped();
    let server = Running::start_in(folder, settings());
    warmed(&server);
    all_hot(&server);
}

#[test]
fn a_bundle_kept_for_one_base_is_not_given_under_another() {
    let mut settings = settings();
    settings.trust_forwarded = true;
    let server = Running::start(settings);
    let mut lane = Lane::of(&server, "EJ1");
    for number in 0..100 {
        lane.patient(number, "Durand");
    }
    for _ in 0..2 {
        // More than are kept.
        for name in 0..12 {
            let host = format!("proxy-{name}.example");
            let headers = [GZIP[0], ("X-Forwarded-Host", host.as_str())];
            let packed = server.request("GET", "/ej/EJ1/export/patients", None, &headers, b"");
            let mut text = String::new();
            let mut decoder = flate2::read::GzDecoder::new(&packed.body[..]);
            std::io::Read::read_to_string(&mut decoder, &mut text).unwrap();
            let own = format!("http://{host}/ej/EJ1/fhir/R4/Patient/");
            assert_eq!(text.matches(&own).count(), 100);
            assert_eq!(text.matches("\"fullUrl\"").count(), 100);
        }
    }
}
