//! `/api/channels`: who sees which, and who may act on them.

#![allow(clippy::unwrap_used, reason = "test code")]

mod support;

use sluice_http::role::Role;
use support::{Running, settings};

#[test]
fn a_channel_is_seen_by_whoever_sees_an_ej_of_it_and_acted_on_by_whoever_may_on_all_of_them() {
    let server = Running::start(settings());
    let (all, one) = (server.token(Role::Operator, &["*"]), server.token(Role::Operator, &["EJ1"]));
    let (other, reader) =
        (server.token(Role::Operator, &["EJ2"]), server.token(Role::Monitor, &["*"]));
    let ids = |token: &str| {
        let list = server.get("/api/channels", Some(token)).json();
        let channels = list["channels"].as_array().unwrap().clone();
        let ids = channels.iter().map(|channel| channel["id"].as_str().unwrap().to_owned());
        (ids.collect::<Vec<_>>(), list["not_in_force"].is_array())
    };
    assert_eq!(ids(&reader), (vec!["one".to_owned(), "two".to_owned()], true));
    assert_eq!(ids(&one), (vec!["one".to_owned(), "two".to_owned()], false));
    assert_eq!(ids(&other), (vec!["two".to_owned()], false));
    assert_eq!(server.get("/api/channels/one", Some(&other)).status, 404);
    let act = |path: &str, token: &str| server.request("POST", path, Some(token), &[], b"");
    assert_eq!(act("/api/channels/one/stop", &reader).status, 403);
    assert_eq!(act("/api/channels/two/stop", &one).status, 404);
    assert_eq!(act("/api/channels/none/stop", &all).status, 404);
    for (verb, state) in [("stop", "stopped"), ("pause", "paused"), ("start", "running")] {
        let told = act(&format!("/api/channels/one/{verb}"), &one);
        assert_eq!((told.status, &told.json()["state"]), (200, &state.into()));
    }
    assert_eq!(act("/api/channels/reload", &one).status, 403);
    let told = act("/api/channels/reload", &all);
    assert_eq!(told.json()["not_in_force"][0]["problems"][0], "c.toml:1: no");
    *server.vitals.full.lock() = true;
    assert_eq!(act("/api/channels/one/stop", &all).status, 503);
    let told = act("/api/channels/reload", &all);
    assert_eq!((told.status, &told.json()["error"]["message"]), (422, &"site.toml: no".into()));
}
