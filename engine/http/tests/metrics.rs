//! What is counted, as a scraper sees it. Its own process: a recorder is installed once.

mod support;

use metrics_exporter_prometheus::PrometheusBuilder;
use sluice_http::HttpSettings;
use support::{Lane, Running, awaited, settings};

#[test]
fn requests_are_counted_by_template_and_never_by_what_was_asked() {
    let handle = PrometheusBuilder::new().install_recorder().unwrap();
    sluice_http::describe_metrics();
    let settings = HttpSettings { server_timing: false, ..settings() };
    let server = Running::start_with(settings, handle);
    let mut lane = Lane::of(&server, "EJ1");
    let id = lane.patient(1, "Zqxcanary7f3a");
    for _ in 0..3 {
        let answer = server.get(&format!("/fhir/R4/Patient/{id}"), None);
        assert_eq!((answer.status, answer.header("server-timing")), (200, None));
    }
    server.request("HEAD", &format!("/fhir/R4/Patient/{id}"), None, &[], b"");
    server.get("/fhir/R4/Patient?family=Zqxcanary7f3a", None);
    server.get("/fhir/R4/Patient?birthdate=Zqxcanary7f3a", None);
    server.get("/ej/EJ1/export/patients", None);
    let batch = r#"{"resourceType":"Bundle","type":"batch","entry":[
        {"request":{"method":"HEAD","url":"Encounter?status=planned"}},
        {"request":{"method":"GET","url":"Patient/Zqxcanary7f3a"}}]}"#;
    let json = [("Content-Type", "application/fhir+json")];
    server.request("POST", "/fhir/R4", None, &json, batch.as_bytes());
    server.get("/Zqxcanary7f3a", None);
    server.request("GET", "/", None, &[("Host", "Zqxcanary7f3a")], b"");

    lane.change_stay(1, id, |stay| stay.movements = vec![awaited(5)]);
    let kick_off = [("Prefer", "respond-async")];
    let job = server.request("GET", "/ej/EJ1/fhir/R4/$export", None, &kick_off, b"");
    let job = job.header("content-location").unwrap().replace("http://localhost", "");
    while server.get(&job, None).status == 202 {
        std::thread::yield_now();
    }
    assert_eq!(server.request("DELETE", &job, None, &[], b"").status, 202);
    let page = server.get("/metrics", None);
    assert_eq!(page.header("content-type"), Some("text/plain; version=0.0.4; charset=utf-8"));
    let text = page.text();
    let read = r#"route="/fhir/R4/{type}/{id}",method="#;
    for line in [
        &format!("sluice_http_requests_total{{{read}\"GET\",status=\"2xx\"}} 3"),
        &format!("sluice_http_requests_total{{{read}\"HEAD\",status=\"2xx\"}} 1"),
        r#"sluice_http_requests_total{route="/fhir/R4/{type}",method="GET",status="2xx"} 1"#,
        r#"sluice_http_requests_total{route="/fhir/R4/{type}",method="GET",status="4xx"} 1"#,
        r#"sluice_http_requests_total{route="unmatched",method="GET",status="4xx"} 1"#,
        r#"sluice_http_refused_total{reason="host"} 1"#,
        r#"sluice_http_batch_entries_total{status="2xx"} 1"#,
        r#"sluice_http_batch_entries_total{status="4xx"} 1"#,
        r#"sluice_cache_hits_total{cache="resources"} 4"#,
        r#"sluice_cache_misses_total{cache="resources"} 1"#,
        r#"sluice_cache_entries{cache="resources"} 1"#,
        r#"sluice_http_request_seconds_count{route="/fhir/R4/{type}/{id}"} 4"#,
        r#"sluice_held_movements{ej="EJ1"} 1"#,
        r#"sluice_held_oldest_timestamp_seconds{ej="EJ1"} 5"#,
        r#"sluice_exports_total{outcome="done"} 1"#,
        r#"sluice_exports_removed_total{reason="caller"} 1"#,
        "sluice_exports_running ",
        "# HELP sluice_http_requests_total ",
        "sluice_http_connections ",
    ] {
        assert!(text.contains(line), "{line}\n{text}");
    }
    assert!(!text.contains("Zqx") && !text.contains(&id.to_string()));
}
