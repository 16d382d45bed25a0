//! `/api/acts`: who did what, and that nothing is done of which no record is kept.

#![allow(clippy::unwrap_used, reason = "test code")]

mod support;

use sluice_http::role::Role;
use sluice_http::{ActDesk, CacheAct};
use support::{Running, settings};

#[test]
fn acts_are_listed_newest_first_a_page_at_a_time_and_of_ones_own_ejs_alone() {
    let server = Running::start(settings());
    let (all, one) = (server.token(Role::Operator, &["*"]), server.token(Role::Operator, &["EJ1"]));
    for act in [CacheAct::Cleared, CacheAct::Warmed, CacheAct::Cleared] {
        server.vitals.caches(act, "8f3a01c2").unwrap();
    }
    let whole = server.get("/api/acts", Some(&all)).json();
    assert_eq!(whole["acts"].as_array().unwrap().len(), 6);
    assert!(whole["next"].is_null());
    let first = &whole["acts"][0];
    assert_eq!(first["act"], "cache_cleared");
    assert_eq!(first["by"], "8f3a01c2");
    assert_eq!(first["at"], "1970-01-01T00:00:00.000005Z");

    let mut paged = Vec::new();
    let mut path = "/api/acts?count=4".to_owned();
    loop {
        let page = server.get(&path, Some(&all)).json();
        paged.extend(page["acts"].as_array().unwrap().clone());
        let Some(next) = page["next"].as_str() else { break };
        path = format!("/api/acts?count=4&before={next}");
    }
    assert_eq!(&paged, whole["acts"].as_array().unwrap());

    let own = server.get("/api/acts", Some(&one)).json();
    assert!(own["acts"].as_array().unwrap().iter().all(|act| act["ej"] == "EJ1"));
    assert_eq!(own["acts"].as_array().unwrap().len(), 3);
    assert_eq!(server.get("/api/acts?ej=EJ2", Some(&one)).status, 404);
    let warmed = server.get("/api/acts?act=cache_warmed&ej=EJ1", Some(&one)).json();
    assert_eq!(warmed["acts"].as_array().unwrap().len(), 1);
    for wrong in ["count=0", "count=1001", "count=x", "before=1.2", "of=EJ1"] {
        assert_eq!(server.get(&format!("/api/acts?{wrong}"), Some(&all)).status, 400, "{wrong}");
    }
}

#[test]
fn an_act_that_cannot_be_recorded_is_not_done() {
    let server = Running::start(settings());
    let token = server.token(Role::Operator, &["*"]);
    let clear = || server.request("POST", "/api/cache/clear", Some(&token), &[], b"");
    *server.vitals.full.lock() = true;
    assert_eq!(clear().status, 503);
    assert!(server.get("/api/acts", Some(&token)).json()["acts"].as_array().unwrap().is_empty());
    *server.vitals.full.lock() = false;
    assert_eq!(clear().status, 200);
    let acts = server.get("/api/acts", Some(&token)).json();
    assert_eq!(acts["acts"].as_array().unwrap().len(), 2);
}
