//! `/api/queues` and `/api/ejs/{ej}/dead-letters`: who sees what, and what acts are passed on.

#![allow(clippy::unwrap_used, reason = "test code")]

mod support;

use sluice_http::LetterAct;
use sluice_http::role::Role;
use support::{Running, settings};

#[test]
fn queues_are_those_of_ones_own_ejs() {
    let server = Running::start(settings());
    let (all, one) = (server.token(Role::Operator, &["*"]), server.token(Role::Operator, &["EJ1"]));
    let whole = server.get("/api/queues", Some(&all)).json();
    assert_eq!(whole["queues"].as_array().unwrap().len(), 2);
    let own = server.get("/api/queues", Some(&one)).json();
    let own = own["queues"].as_array().unwrap();
    assert_eq!(own.len(), 1);
    assert_eq!((&own[0]["ej"], &own[0]["depth"]), (&"EJ1".into(), &2.into()));
    assert_eq!(own[0]["oldest"], "1970-01-01T00:00:05Z");
}

#[test]
fn a_destination_is_paused_by_whoever_may_act_on_all_ejs_of_its_channel() {
    let server = Running::start(settings());
    let (all, one) = (server.token(Role::Operator, &["*"]), server.token(Role::Operator, &["EJ1"]));
    let reader = server.token(Role::Reader, &["*"]);
    let base = "/api/channels/EJ1.mllp/destinations";
    let post = |path: &str, token: &str| server.request("POST", path, Some(token), &[], b"");
    for (verb, state) in [("pause", "paused"), ("pause", "paused"), ("start", "running")] {
        let told = post(&format!("{base}/lab/{verb}"), &all);
        assert_eq!(told.status, 200);
        let queues = told.json()["queues"].as_array().unwrap().clone();
        assert_eq!(queues.len(), 2, "of both EJs");
        assert!(queues.iter().all(|queue| queue["state"] == state), "{queues:?}");
    }
    assert_eq!(post(&format!("{base}/lab/pause"), &one).status, 404, "the channel has another EJ");
    assert_eq!(post(&format!("{base}/lab/pause"), &reader).status, 403);
    assert_eq!(post(&format!("{base}/none/pause"), &all).status, 404);
    assert_eq!(post(&format!("{base}/no+name/pause"), &all).status, 404);
    assert_eq!(post("/api/channels/none/destinations/lab/pause", &all).status, 404);
    *server.vitals.full.lock() = true;
    assert_eq!(post(&format!("{base}/lab/pause"), &all).status, 503, "nothing unrecorded is done");
    assert_eq!(server.get("/api/queues", Some(&all)).json()["queues"][0]["state"], "running");
}

#[test]
fn a_dead_letter_is_tried_again_or_discarded_with_a_reason_by_a_named_operator() {
    let server = Running::start(settings());
    let token = server.token(Role::Operator, &["EJ1"]);
    let reader = server.token(Role::Reader, &["EJ1"]);
    let base = "/api/ejs/EJ1/dead-letters";
    let list = server.get(base, Some(&token)).json();
    assert_eq!(list["total"], 2);
    assert_eq!(list["dead_letters"][0]["kind"], "not_applied");
    assert!(list["next"].is_null(), "that is all");
    let first = server.get(&format!("{base}?count=1"), Some(&token)).json();
    assert_eq!((&first["total"], &first["next"]), (&2.into(), &"4".into()));
    let rest = server.get(&format!("{base}?count=1&after=4"), Some(&token)).json();
    assert_eq!(rest["dead_letters"][0]["id"], "5:EJ1.mllp:lab");
    assert!(rest["next"].is_null());
    for wrong in ["count=0", "count=1001", "after=x", "after=4:a", "before=4"] {
        assert_eq!(server.get(&format!("{base}?{wrong}"), Some(&token)).status, 400, "{wrong}");
    }
    let one = format!("{base}/5:EJ1.mllp:lab");
    assert_eq!(server.get(&one, Some(&token)).json()["code"], "AE 101");
    assert_eq!(server.get(&one, Some(&reader)).status, 403);
    assert_eq!(server.get("/api/ejs/EJ2/dead-letters", Some(&token)).status, 404);
    assert_eq!(server.get(&format!("{base}/6"), Some(&token)).status, 404);

    let post = |path: &str| server.request("POST", path, Some(&token), &[], b"");
    assert_eq!(post(&format!("{one}/retry")).status, 202);
    assert_eq!(post(&format!("{base}/4/retry")).status, 202);
    let json = [("Content-Type", "application/json")];
    let discard = |query: &str, body: &str| {
        let path = format!("{one}/discard{query}");
        server.request("POST", &path, Some(&token), &json, body.as_bytes()).status
    };
    let long = format!("{{\"reason\":\"{}\"}}", "x".repeat(501));
    for no_reason in ["", "{}", r#"{"reason":" "}"#, r#"{"reason":"a","b":1}"#, &long] {
        assert_eq!(discard("", no_reason), 400, "{no_reason}");
    }
    let why = r#"{"reason":"entered by hand"}"#;
    assert_eq!(
        discard("?reason=entered%20by%20hand", ""),
        400,
        "it would be written down on its way"
    );
    assert_eq!(discard("", why), 200);
    *server.vitals.full.lock() = true;
    assert_eq!(discard("", why), 503, "nothing unrecorded is done");
    let acts = server.vitals.letter_acts.lock();
    let reason = "entered by hand".to_owned();
    let done: Vec<_> = acts.iter().map(|(id, act, _)| (id.as_str(), act.clone())).collect();
    let id = "5:EJ1.mllp:lab";
    let again = [(id, LetterAct::Retry), ("4", LetterAct::Retry)];
    assert_eq!(done[..2], again);
    assert_eq!(done[2..], [(id, LetterAct::Discard { reason })]);
    assert!(acts.iter().all(|(_, _, by)| !by.is_empty()));
}
