//! A batch is its entries, each as if it had come alone.

#![allow(clippy::unwrap_used, clippy::disallowed_methods, reason = "a test may fail")]

mod support;

use serde_json::{Value, json};
use sluice_http::role::Role;
use sluice_mappings::records::Record;
use support::{Answer, Lane, Running, ej, settings};

const JSON: (&str, &str) = ("Content-Type", "application/fhir+json");

fn post(server: &Running, base: &str, token: Option<&str>, bundle: &Value) -> Answer {
    server.request("POST", base, token, &[JSON], bundle.to_string().as_bytes())
}

fn batch(requests: &[(&str, &str)]) -> Value {
    let entry =
        |(method, url): &(&str, &str)| json!({ "request": { "method": method, "url": url } });
    let entries: Vec<Value> = requests.iter().map(entry).collect();
    json!({ "resourceType": "Bundle", "type": "batch", "entry": entries })
}

fn statuses(answer: &Answer) -> Vec<String> {
    let bundle = answer.json();
    let entries = bundle["entry"].as_array().cloned().unwrap_or_default();
    entries.iter().map(|e| e["response"]["status"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn each_entry_is_answered_as_it_would_be_alone_on_every_base() {
    let server = Running::start(settings());
    let mut lane = Lane::of(&server, "EJ1");
    let patient = lane.patient(1, "Un");
    let stay = lane.stay(1, patient);
    for base in ["/fhir/R4", "/fhir/R5/", "/ej/EJ1/fhir/R4/", "/ej/EJ1/fhir/R5"] {
        let own = base.trim_end_matches('/');
        let requests = [
            ("GET", format!("Patient/{patient}"), "200"),
            ("GET", format!("/Patient/{patient}"), "200"),
            ("GET", format!("http://localhost{own}/Patient/{patient}"), "200"),
            ("HEAD", format!("Patient/{patient}"), "200"),
            ("GET", "Patient?family=un&identifier=urn:oid:1.2.3|EJ1-1".into(), "200"),
            (
                "GET",
                format!("Encounter?patient=Patient/{patient}&_include=Encounter:patient"),
                "200",
            ),
            ("GET", format!("Patient/{patient}/$everything"), "200"),
            ("GET", format!("Patient/{patient}/Encounter"), "200"),
            ("GET", format!("Patient/{patient}/_history/1"), "200"),
            ("GET", "Patient/_history?_count=3".into(), "200"),
            ("GET", "_history".into(), "200"),
            ("GET", "metadata".into(), "200"),
            ("GET", format!("Encounter/{stay}?_elements=status"), "200"),
            ("GET", "Patient/no".into(), "404"),
            ("GET", "Medication/1".into(), "404"),
            ("GET", "Patient/$nothing".into(), "404"),
            ("GET", "Patient?birthdate=never".into(), "400"),
            ("GET", "Patient?_format=xml".into(), "406"),
            ("GET", "http://elsewhere.example/Patient/1".into(), "400"),
            ("GET", String::new(), "400"),
            ("GET", "../../../metrics".into(), "404"),
            ("PUT", format!("Patient/{patient}"), "405"),
            ("POST", "Patient".into(), "405"),
            ("DELETE", format!("Patient/{patient}"), "405"),
            ("PATCH", format!("Patient/{patient}"), "405"),
            ("POST", "Patient/$nothing".into(), "404"),
            ("POST", "Patient/_search".into(), "405"),
            ("GO", "Patient".into(), "405"),
        ];
        let pairs: Vec<(&str, &str)> = requests.iter().map(|(m, u, _)| (*m, u.as_str())).collect();
        let answer = post(&server, base, None, &batch(&pairs));
        assert_eq!(answer.status, 200, "{}", answer.text());
        let bundle = answer.json();
        assert_eq!(bundle["type"], "batch-response");
        for ((method, url, status), entry) in
            requests.iter().zip(bundle["entry"].as_array().unwrap())
        {
            assert_eq!(entry["response"]["status"], *status, "{method} {url}: {entry}");
            let refused = !status.starts_with('2');
            let outcome = &entry["response"]["outcome"];
            assert_eq!(outcome["resourceType"] == "OperationOutcome", refused, "{method} {url}");
            assert_eq!(
                entry["resource"].is_object(),
                !refused && *method == "GET",
                "{method} {url}"
            );
            // What is asked for alone is answered in the same words.
            if *method == "GET" && !url.contains("//") && !url.is_empty() && !url.contains("..") {
                let alone = server.get(&format!("{own}/{}", url.trim_start_matches('/')), None);
                assert_eq!(alone.status.to_string(), *status, "{url}");
                let same = if refused { outcome } else { &entry["resource"] };
                assert_eq!(alone.json(), *same, "{url}");
            }
        }
        let read = &bundle["entry"][0];
        assert_eq!(read["response"]["etag"], "W/\"1\"");
        assert!(read["response"]["lastModified"].as_str().unwrap().starts_with("2026-"));
    }
}

#[test]
fn a_condition_of_an_entry_is_that_entrys() {
    let server = Running::start(settings());
    let patient = Lane::of(&server, "EJ1").patient(1, "Un");
    let read = format!("Patient/{patient}");
    let mut bundle = batch(&[("GET", read.as_str()); 4]);
    bundle["entry"][0]["request"]["ifNoneMatch"] = "W/\"1\"".into();
    bundle["entry"][1]["request"]["ifNoneMatch"] = "W/\"2\"".into();
    bundle["entry"][2]["request"]["ifModifiedSince"] = "2100-01-01T00:00:00Z".into();
    let answer = post(&server, "/fhir/R4", None, &bundle);
    assert_eq!(statuses(&answer), ["304", "200", "304", "200"]);
    assert!(answer.json()["entry"][0].get("resource").is_none());
}

#[test]
fn a_transaction_of_reads_is_all_or_nothing_and_one_that_writes_is_refused() {
    let server = Running::start(settings());
    let patient = Lane::of(&server, "EJ1").patient(1, "Un");
    let read = format!("Patient/{patient}");
    let transaction = |requests: &[(&str, &str)]| {
        let mut bundle = batch(requests);
        bundle["type"] = "transaction".into();
        post(&server, "/fhir/R4", None, &bundle)
    };
    let answer = transaction(&[("GET", &read), ("HEAD", &read)]);
    assert_eq!(answer.json()["type"], "transaction-response");
    assert_eq!(statuses(&answer), ["200", "200"]);
    let answer = transaction(&[("GET", &read), ("GET", "Patient/no")]);
    assert_eq!((answer.status, answer.is_outcome()), (404, true));
    let answer = transaction(&[("GET", &read), ("PUT", &read)]);
    assert_eq!((answer.status, answer.is_outcome()), (422, true));
    assert_eq!(answer.json()["issue"][0]["code"], "not-supported");
}

#[test]
fn an_entry_has_the_rights_of_its_caller_and_no_others() {
    let server = Running::start(settings());
    let of_one = Lane::of(&server, "EJ1").patient(1, "Un");
    let of_two = Lane::of(&server, "EJ2").patient(1, "Deux");
    let (one, two) = (format!("Patient/{of_one}"), format!("Patient/{of_two}"));
    let requests = batch(&[
        ("GET", &one),
        ("GET", &two),
        ("GET", "Patient?_summary=count"),
        ("GET", "../../ej/EJ2/fhir/R4/Patient"),
    ]);
    let token = server.token(Role::Reader, &["EJ1"]);
    let answer = post(&server, "/fhir/R4", Some(&token), &requests);
    assert_eq!(statuses(&answer), ["200", "404", "200", "404"]);
    assert_eq!(answer.json()["entry"][2]["resource"]["total"], 1);
    assert_eq!(post(&server, "/ej/EJ2/fhir/R4", Some(&token), &requests).status, 404);
    assert_eq!(post(&server, "/fhir/R4", None, &requests).status, 401);
    let monitor = server.token(Role::Monitor, &["*"]);
    assert_eq!(post(&server, "/fhir/R4", Some(&monitor), &requests).status, 403);
    server.vitals.folding.lock().push(ej("EJ1"));
    assert_eq!(post(&server, "/fhir/R4", Some(&token), &requests).status, 503);
}

#[test]
fn what_is_no_batch_and_what_is_too_much_is_refused() {
    let mut settings = settings();
    settings.batch_entries_max = 3;
    settings.batch_bytes_max = 100;
    let server = Running::start(settings);
    let patient = Lane::of(&server, "EJ1").patient(1, "Un");
    let read = format!("Patient/{patient}");
    let refused = |body: &str| {
        let answer = server.request("POST", "/fhir/R4", None, &[JSON], body.as_bytes());
        assert!(answer.is_outcome());
        (answer.status, answer.json()["issue"][0]["code"].as_str().unwrap().to_owned())
    };
    for body in [
        "{",
        "[]",
        "{}",
        "null",
        r#"{"resourceType":"Patient"}"#,
        r#"{"resourceType":"Bundle"}"#,
        r#"{"resourceType":"Bundle","type":"searchset"}"#,
        r#"{"resourceType":"Bundle","type":"batch","entry":[7]}"#,
    ] {
        assert_eq!(refused(body), (400, "structure".into()), "{body}");
    }
    assert_eq!(refused(&batch(&[("GET", read.as_str()); 4]).to_string()), (413, "too-long".into()));
    let answer = post(&server, "/fhir/R4", None, &batch(&[("GET", read.as_str()); 3]));
    assert_eq!(statuses(&answer), ["200", "422", "422"]);
    assert_eq!(answer.json()["entry"][1]["response"]["outcome"]["issue"][0]["code"], "too-costly");
    let none = json!({ "resourceType": "Bundle", "type": "batch" });
    assert_eq!(post(&server, "/fhir/R4", None, &none).json()["type"], "batch-response");
    let empty = json!({ "resourceType": "Bundle", "type": "batch", "entry": [{}] });
    assert_eq!(statuses(&post(&server, "/fhir/R4", None, &empty)), ["400"]);
    let form = [("Content-Type", "application/x-www-form-urlencoded")];
    assert_eq!(server.request("POST", "/fhir/R4", None, &form, b"a=1").status, 415);
    let xml = [JSON, ("Accept", "application/fhir+xml")];
    let answer = server.request("POST", "/fhir/R4", None, &xml, batch(&[]).to_string().as_bytes());
    assert_eq!(answer.status, 406);
    assert_eq!(server.get("/fhir/R4", None).status, 405);
}

#[test]
fn what_is_not_served_is_told_apart_from_what_takes_no_such_method() {
    let server = Running::start(settings());
    let patient = Lane::of(&server, "EJ1").patient(1, "Un");
    for base in ["/fhir/R4", "/fhir/R5", "/ej/EJ1/fhir/R4", "/ej/EJ1/fhir/R5"] {
        for (method, path, status, code) in [
            ("POST", "/Patient".to_owned(), 405, "not-supported"),
            ("PUT", format!("/Patient/{patient}"), 405, "not-supported"),
            ("PATCH", format!("/Patient/{patient}"), 405, "not-supported"),
            ("DELETE", format!("/Patient/{patient}"), 405, "not-supported"),
            ("GET", "/$graphql?query=x".into(), 404, "not-supported"),
            ("POST", "/$graphql".into(), 404, "not-supported"),
            ("GET", format!("/Patient/{patient}/$graphql"), 404, "not-supported"),
            ("POST", format!("/Patient/{patient}/$graphql"), 404, "not-supported"),
            ("GET", "/Patient/$validate".into(), 404, "not-supported"),
            ("POST", "/Patient/$validate".into(), 404, "not-supported"),
            ("GET", "/Medication".into(), 404, "not-supported"),
            ("GET", "/Patient?_format=xml".into(), 406, "not-supported"),
        ] {
            let answer = server.request(method, &format!("{base}{path}"), None, &[], b"");
            assert_eq!(
                (answer.status, answer.is_outcome()),
                (status, true),
                "{method} {base}{path}"
            );
            assert_eq!(answer.json()["issue"][0]["code"], code, "{method} {base}{path}");
        }
    }
}

#[test]
fn all_searches_of_a_batch_are_of_one_moment_while_a_feed_runs() {
    let server = Running::start(settings());
    let mut lane = Lane::of(&server, "EJ1");
    let first = lane.patient(0, "Durand");
    let request = |url: &str| serde_json::json!({ "request": { "method": "GET", "url": url } });
    let urls =
        ["Patient?_summary=count", "Patient?family=durand&_count=3", "Encounter?_summary=count"];
    let asked: Vec<_> = urls.iter().cycle().take(12).map(|url| request(url)).collect();
    let body = serde_json::json!({ "resourceType": "Bundle", "type": "batch", "entry": asked })
        .to_string();
    let stop = std::sync::atomic::AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            use std::sync::atomic::Ordering::Acquire;
            // One message that makes a patient and a stay: they are there together or not at all.
            for number in (1..2_000).take_while(|_| !stop.load(Acquire)) {
                let stamp = lane.stamp();
                let mut patient = support::patient(support::ej("EJ1"), number);
                (patient.stamp, patient.names[0].family) = (stamp, "Durand".into());
                let stay = support::stay(support::ej("EJ1"), number, first, stamp);
                lane.put_all(vec![Record::Patient(patient.into()), Record::Stay(stay.into())]);
            }
        });
        let mut moments = std::collections::BTreeSet::new();
        for _ in 0..20 {
            let headers = [("Content-Type", "application/fhir+json")];
            let answer = server.request("POST", "/fhir/R4", None, &headers, body.as_bytes());
            let answer = answer.json();
            let totals: Vec<u64> = answer["entry"]
                .as_array()
                .unwrap()
                .iter()
                .map(|entry| entry["resource"]["total"].as_u64().unwrap())
                .collect();
            for three in totals.chunks(3) {
                assert_eq!(three, [totals[0], totals[0], totals[0] - 1]);
            }
            moments.insert(totals[0]);
        }
        stop.store(true, std::sync::atomic::Ordering::Release);
        assert!(moments.len() > 1, "the feed stood still");
    });
}
