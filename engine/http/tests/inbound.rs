//! HL7v2 messages by POST: who may, what is taken, and what is answered.

mod support;

use std::sync::Arc;

use bytes::Bytes;
use sluice_http::Posted;
use sluice_http::role::Role;
use support::{Answer, Running, settings};
use tokio::sync::Semaphore;

const MESSAGE: &[u8] = b"MSH|^~\\&|HIS|CHU|||20260310||ADT^A08|C1|P|2.5\rPID|||1||DOE\r";
const ACK: &[u8] = b"MSH|^~\\&|||HIS|CHU|20260310||ACK|1|P|2.5\rMSA|AA|C1\r";
const ER7: (&str, &str) = ("Content-Type", "application/hl7-v2; charset=utf-8");

fn post(server: &Running, channel: &str, token: &str, headers: &[(&str, &str)]) -> Answer {
    server.request("POST", &format!("/channels/{channel}"), Some(token), headers, MESSAGE)
}

#[test]
fn an_acknowledgement_is_answered_with_200_whatever_it_says() {
    let server = Running::start(settings());
    let token = server.token(Role::Sender, &["EJ1"]);
    let messages = &server.vitals.messages;
    for media in ["application/hl7-v2", "application/hl7-v2+er7", "x-application/hl7-v2+er7"] {
        for ack in [ACK.to_vec(), [&ACK[..ACK.len() - 6], b"AR|C1\r"].concat()] {
            *messages.says.lock() = Some(Posted::Answered(Bytes::from(ack.clone())));
            let content = format!("{media}; charset=UTF-8");
            let answer = post(&server, "EJ1.http", &token, &[("Content-Type", &content)]);
            assert_eq!((answer.status, answer.body.as_slice()), (200, &ack[..]));
            let expected = format!("{media}; charset=utf-8");
            assert_eq!(answer.header("content-type"), Some(expected.as_str()));
        }
    }
    assert_eq!(messages.came.lock().len(), 6);
    assert!(messages.came.lock().iter().all(|message| message == MESSAGE));
    *messages.says.lock() = Some(Posted::Silent);
    assert_eq!(post(&server, "EJ1.http", &token, &[ER7]).status, 204);
}

#[test]
fn what_is_not_taken_is_said_without_hl7() {
    let server = Running::start(settings());
    let token = server.token(Role::Sender, &["EJ1"]);
    let messages = &server.vitals.messages;
    for says in [Posted::NotNow, Posted::Unknown] {
        *messages.says.lock() = Some(says);
        let answer = post(&server, "EJ1.http", &token, &[ER7]);
        assert_eq!((answer.status, answer.header("retry-after")), (503, Some("5")));
        assert!(answer.header("content-type").unwrap().starts_with("text/plain"));
    }
    messages.came.lock().clear();
    *messages.says.lock() = Some(Posted::Answered(Bytes::from_static(ACK)));
    for (content, status) in [
        ("application/hl7-v2+xml; charset=utf-8", 415),
        ("application/hl7-v2; charset=utf-16", 415),
        ("text/plain", 415),
        ("application/x-www-form-urlencoded", 415),
    ] {
        let answer = post(&server, "EJ1.http", &token, &[("Content-Type", content)]);
        assert_eq!(answer.status, status, "{content}");
    }
    assert_eq!(post(&server, "EJ1.http", &token, &[]).status, 415);
    assert_eq!(post(&server, "EJ1.http", &token, &[ER7, ("Content-Encoding", "gzip")]).status, 415);
    let path = "/channels/EJ1.http";
    let ask = |body: &[u8]| server.request("POST", path, Some(&token), &[ER7], body).status;
    assert_eq!(ask(b"MSH|\xe9"), 400, "it is no UTF-8");
    assert_eq!(ask(&vec![b'x'; 100_001]), 413, "the channel's own bound");
    assert_eq!(server.request("GET", path, Some(&token), &[], b"").status, 405);
    assert!(messages.came.lock().is_empty());
    // The bound of other bodies is another.
    let larger = vec![b'x'; 70_000];
    assert_eq!(ask(&larger), 200);
    let reader = server.token(Role::Reader, &["*"]);
    let form = [("Content-Type", "application/x-www-form-urlencoded")];
    let search = server.request("POST", "/fhir/R4/Patient/_search", Some(&reader), &form, &larger);
    assert_eq!(search.status, 413);
}

#[test]
fn a_sender_sends_to_its_own_ejs_and_does_nothing_else() {
    let server = Running::start(settings());
    *server.vitals.messages.says.lock() = Some(Posted::Answered(Bytes::from_static(ACK)));
    let status = |channel: &str, role, ejs: &[&str]| {
        post(&server, channel, &server.token(role, ejs), &[ER7]).status
    };
    for role in Role::ALL {
        let may = matches!(role, Role::Sender | Role::Operator | Role::Administrator);
        assert_eq!(status("EJ1.http", role, &["EJ1"]), if may { 200 } else { 403 }, "{role}");
    }
    assert_eq!(status("EJ1.http", Role::Sender, &["EJ2"]), 404);
    assert_eq!(status("both.http", Role::Sender, &["EJ1"]), 404, "it could be EJ2's");
    assert_eq!(status("both.http", Role::Sender, &["EJ1", "EJ2"]), 200);
    assert_eq!(status("EJ9.http", Role::Sender, &["*"]), 404);
    let token = server.token(Role::Sender, &["*"]);
    for path in ["/fhir/R4/Patient", "/metrics", "/api/status", "/ej/EJ1/export/patients"] {
        assert_eq!(server.get(path, Some(&token)).status, 403, "{path}");
    }
    let foreign = [ER7, ("Origin", "https://elsewhere.example")];
    assert_eq!(post(&server, "EJ1.http", &token, &foreign).status, 403);
}

#[test]
fn where_all_places_are_taken_nothing_more_is_read() {
    let server = Running::start(settings());
    let token = server.token(Role::Sender, &["EJ1"]);
    let messages = &server.vitals.messages;
    *messages.says.lock() = Some(Posted::Answered(Bytes::from_static(ACK)));
    let places = Arc::new(Semaphore::new(1));
    *messages.places.lock() = Some(Arc::clone(&places));
    let held = Arc::clone(&places).try_acquire_owned().unwrap();
    assert_eq!(post(&server, "EJ1.http", &token, &[ER7]).status, 503);
    assert!(messages.came.lock().is_empty());
    drop(held);
    for _ in 0..3 {
        assert_eq!(post(&server, "EJ1.http", &token, &[ER7]).status, 200, "a place is given back");
    }
    places.close();
    assert_eq!(post(&server, "EJ1.http", &token, &[ER7]).status, 404, "the channel was stopped");
}
