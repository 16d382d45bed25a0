//! What a site file shows: it can be searched for, and another file is another rendering.

#![allow(clippy::unwrap_used, clippy::disallowed_methods, reason = "a test may fail")]

mod support;

use std::sync::Arc;

use sluice_mappings::entity::{EjSettings, LegalEntity};
use support::{Answer, Lane, Running, entity, settings};

const MESSAGE: &str = "MSH|^~\\&|A|B|C|D|20260311||ADT^A01|2|P|2.5.1\rEVN||20260311\r\
     PID|1||P1^^^H||DOE^JOHN\rPV1|1|I|W1||||||||||||||||V1^^^H\rDG1|1||I10^^I10|||A\r";

/// A server as it is after a restart with such a site file: the same message, folded again.
fn with_site(code: Option<&str>) -> Running {
    let site = code.map_or_else(Vec::new, |code| {
        let system = "http://hl7.org/fhir/sid/icd-10";
        vec![serde_json::json!({"table": system, "from": "I10", "system": "urn:x:y", "code": code})]
    });
    let own: EjSettings = serde_json::from_value(serde_json::json!({
        "id": "EJ1", "name": "Hospital EJ1", "site": { "code": site },
    }))
    .unwrap();
    let own = Arc::new(LegalEntity::new(own).unwrap());
    let server = Running::start_of(settings(), vec![own, entity("EJ2")]);
    Lane::of(&server, "EJ1").take(MESSAGE);
    server
}

fn condition(server: &Running) -> String {
    let page = server.get("/fhir/R4/Condition", None).json();
    format!("/fhir/R4/Condition/{}", page["entry"][0]["resource"]["id"].as_str().unwrap())
}

fn asked(server: &Running, path: &str, name: &str, value: &str) -> Answer {
    server.request("GET", path, None, &[(name, value)], b"")
}

#[test]
fn a_code_that_a_site_file_shows_is_found() {
    let server = with_site(Some("hypertension"));
    for (query, total) in [
        ("code=hypertension", 1),
        ("code=urn:x:y%7Chypertension", 1),
        ("code:not=hypertension", 0),
        ("code=I10", 1),
        ("code=diabetes", 0),
    ] {
        let page = server.get(&format!("/fhir/R4/Condition?{query}"), None).json();
        assert_eq!(page["total"], total, "{query}");
    }
}

/// FHIR wants the version as the ETag; that is what it is as long as no site file has a hand in it.
#[test]
fn another_site_file_is_another_tag_of_the_same_version() {
    let servers = [None, Some("hypertension"), Some("pressure")].map(with_site);
    let path = condition(&servers[0]);
    let answers = servers.each_ref().map(|server| server.get(&path, None));
    let version = answers[0].json()["meta"]["versionId"].as_str().unwrap().to_owned();
    let tags = answers.each_ref().map(|answer| answer.header("etag").unwrap().to_owned());
    assert_eq!(tags[0], format!("W/\"{version}\""));
    for (own, server) in servers.iter().enumerate() {
        assert_eq!(answers[own].json()["meta"]["versionId"], version.as_str());
        for (other, tag) in tags.iter().enumerate() {
            let status = asked(server, &path, "If-None-Match", tag).status;
            assert_eq!(status, if own == other { 304 } else { 200 }, "{own} asked with {tag}");
        }
        let vread = server.get(&format!("{path}/_history/{version}"), None);
        assert_eq!(vread.header("etag"), Some(&*tags[own]));
        let history = server.get(&format!("{path}/_history"), None).json();
        assert_eq!(history["entry"][0]["response"]["etag"], tags[own].as_str());
        // A date alone does not tell one file from another.
        let modified = answers[own].header("last-modified").unwrap();
        let status = asked(server, &path, "If-Modified-Since", modified).status;
        assert_eq!(status, if own == 0 { 304 } else { 200 });
    }
    let exported = servers.each_ref().map(|server| {
        let answer = server.get("/ej/EJ1/export/patients", None);
        answer.header("etag").unwrap().to_owned()
    });
    assert!(exported[0] != exported[1] && exported[1] != exported[2], "{exported:?}");
}
