//! `/api/ejs/{ej}/messages`: what the face makes of what the engine tells.

#![allow(clippy::unwrap_used, reason = "test code")]

mod support;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use sluice_http::role::Role;
use support::{Running, settings};

const BASE: &str = "/api/ejs/EJ1/messages";

fn post(server: &Running, token: &str, path: &str, body: &Value) -> support::Answer {
    let headers = [("Content-Type", "application/json")];
    server.request("POST", path, Some(token), &headers, body.to_string().as_bytes())
}

#[test]
fn messages_are_listed_a_page_at_a_time_and_by_a_form_that_leaves_no_trace_in_a_url() {
    let server = Running::start(settings());
    let token = server.token(Role::Operator, &["EJ1"]);
    let page = server.get(&format!("{BASE}?count=2"), Some(&token)).json();
    let seqs: Vec<u64> =
        page["messages"].as_array().unwrap().iter().map(|m| m["seq"].as_u64().unwrap()).collect();
    assert_eq!((seqs, page["next"].as_u64()), (vec![7, 6], Some(6)));
    let rest = server.get(&format!("{BASE}?count=2&before=6"), Some(&token)).json();
    assert_eq!(rest["messages"][0]["control_id"], "C5");
    assert!(rest["next"].is_null());
    let form = [("Content-Type", "application/x-www-form-urlencoded")];
    let path = format!("{BASE}/_search");
    let found = server.request("POST", &path, Some(&token), &form, b"control_id=C6").json();
    assert_eq!(found["messages"].as_array().unwrap().len(), 1);
    for wrong in ["outcome=lost", "from=yesterday", "of=x", "family=x", "count=0"] {
        let answer = server.get(&format!("{BASE}?{wrong}"), Some(&token));
        assert_eq!(answer.status, 400, "{wrong}");
    }
    let reader = server.token(Role::Exporter, &["EJ1"]);
    assert_eq!(server.get(BASE, Some(&reader)).status, 403, "control ids are for operators");
    assert_eq!(server.get("/api/ejs/EJ2/messages", Some(&token)).status, 404);
}

#[test]
fn one_message_is_shown_with_its_bytes_its_answer_and_its_issues() {
    let server = Running::start(settings());
    let token = server.token(Role::Operator, &["EJ1"]);
    let shown = server.get(&format!("{BASE}/7"), Some(&token)).json();
    let raw = STANDARD.decode(shown["raw"].as_str().unwrap()).unwrap();
    assert_eq!(raw, shown["text"].as_str().unwrap().as_bytes());
    assert_eq!(shown["segments"][0]["fields"]["10"], "C7");
    let ack = json!({ "code": "AA", "text": "MSA|AA\r", "when_applied": false, "derived": true });
    assert_eq!(shown["ack"], ack);
    assert_eq!(shown["told"].as_array().unwrap().len(), 2);
    // What it did cannot be told any more; what it was can.
    let shown = server.get(&format!("{BASE}/6"), Some(&token)).json();
    assert!(shown["told"].is_null() && shown["raw"].is_string());
    for nowhere in ["8", "x"] {
        assert_eq!(server.get(&format!("{BASE}/{nowhere}"), Some(&token)).status, 404);
    }
}

#[test]
fn a_selection_or_what_is_found_is_applied_again_oldest_first() {
    let server = Running::start(settings());
    let token = server.token(Role::Operator, &["EJ1"]);
    let path = format!("{BASE}/reprocess");
    let done = post(&server, &token, &path, &json!({ "messages": [6, 9] })).json();
    assert_eq!(done["reprocessed"], json!([{ "of": 6, "seq": 106 }]));
    assert_eq!(done["not"], json!([{ "of": 9, "why": "there is no such message" }]));
    let all = json!({ "from": "1970-01-01T00:00:01Z" });
    let done = post(&server, &token, &path, &all).json();
    let of: Vec<u64> =
        done["reprocessed"].as_array().unwrap().iter().map(|m| m["of"].as_u64().unwrap()).collect();
    assert_eq!(of, [5, 6, 7]);
    let dry = json!({ "event": "A01", "dry_run": true });
    assert_eq!(post(&server, &token, &path, &dry).json(), json!({ "would_apply": 3 }));
    for wrong in [
        json!({}),
        json!({ "dry_run": true }),
        json!([]),
        json!({ "messages": [5], "event": "A01" }),
        json!({ "event": 1 }),
        json!({ "unknown": "x" }),
    ] {
        assert_eq!(post(&server, &token, &path, &wrong).status, 400, "{wrong}");
    }
    let many: Vec<u64> = (1..=10_001).collect();
    assert_eq!(post(&server, &token, &path, &json!({ "messages": many })).status, 422);
}

#[test]
fn an_edited_message_is_judged_and_told_why_it_is_refused() {
    let server = Running::start(settings());
    let token = server.token(Role::Operator, &["EJ1"]);
    let path = format!("{BASE}/7/resend");
    let body = |bytes: &[u8]| json!({ "raw": STANDARD.encode(bytes) });
    let done = post(&server, &token, &path, &body(b"MSH|x")).json();
    assert_eq!(done, json!({ "ej": "EJ1", "of": 7, "seq": 99, "verdict": "accepted" }));
    let refused = post(&server, &token, &path, &body(b"PID|x"));
    assert_eq!(refused.status, 422);
    assert!(refused.text().contains("it is refused: unreadable"), "{}", refused.text());
    for wrong in [json!({}), json!({ "raw": "%%" })] {
        assert_eq!(post(&server, &token, &path, &wrong).status, 400);
    }
}
