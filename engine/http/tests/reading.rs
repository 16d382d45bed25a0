//! How a read is asked for and answered: media types, forms, and what is not sent twice.

#![allow(clippy::unwrap_used, reason = "test code")]

mod support;

use support::{Answer, Lane, Running, settings};

fn ask(server: &Running, path: &str, headers: &[(&str, &str)]) -> Answer {
    server.request("GET", path, None, headers, b"")
}

#[test]
fn the_version_of_fhir_in_a_media_type_is_the_paths_or_refused() {
    let server = Running::start(settings());
    let id = Lane::of(&server, "EJ1").patient(1, "Durand");
    for (base, own, other) in [("R4", "4.0", "5.0"), ("R5", "5.0", "4.0")] {
        for path in [
            format!("/fhir/{base}/Patient/{id}"),
            format!("/ej/EJ1/fhir/{base}/Patient?_id={id}"),
            format!("/fhir/{base}/Patient/{id}/_history"),
            format!("/fhir/{base}/Patient/{id}/$everything"),
            format!("/fhir/{base}/metadata"),
            format!("/ej/EJ1/export/patients?fhir={base}"),
        ] {
            let media = |version: &str| format!("application/fhir+json; fhirVersion={version}");
            let status = |accept: &str| ask(&server, &path, &[("Accept", accept)]).status;
            assert_eq!(status(&media(own)), 200, "{path}");
            assert_eq!(status(&format!("{}, */*;q=0.1", media(other))), 200, "{path}");
            let refused = ask(&server, &path, &[("Accept", &media(other))]);
            assert_eq!((refused.status, refused.is_outcome()), (406, true), "{path}");
            for (xml, status) in [("application/fhir+xml", 406), ("text/html, */*;q=0.8", 200)] {
                assert_eq!(ask(&server, &path, &[("Accept", xml)]).status, status, "{path} {xml}");
            }
            // `_format` goes before `Accept`, encoded or not.
            let separator = if path.contains('?') { '&' } else { '?' };
            for (format, status) in [
                ("json", 200),
                ("application/fhir+json", 200),
                ("application/fhir%2Bjson;fhirVersion%3DOWN", 200),
                ("application/fhir%2Bjson;fhirVersion%3DOTHER", 406),
                ("xml", 406),
                ("application%2Ffhir%2Bxml", 406),
            ] {
                let format = format.replace("OWN", own).replace("OTHER", other);
                let path = format!("{path}{separator}_format={format}");
                let accept = [("Accept", "application/fhir+xml")];
                assert_eq!(ask(&server, &path, &accept).status, status, "{path}");
            }
        }
    }
}

#[test]
fn a_pretty_answer_means_the_same_and_head_tells_of_the_same_answer() {
    let server = Running::start(settings());
    let mut lane = Lane::of(&server, "EJ1");
    let id = lane.patient(1, "Durand");
    for path in [
        format!("/fhir/R4/Patient/{id}"),
        "/fhir/R5/Patient".into(),
        format!("/fhir/R4/Patient/{id}/_history"),
        format!("/fhir/R4/Patient/{id}/_history/1"),
        format!("/fhir/R4/Patient/{id}/$everything"),
        "/fhir/R4/metadata".into(),
    ] {
        let plain = server.get(&path, None);
        let pretty = server.get(&format!("{path}?_pretty=true"), None);
        assert!(!plain.text().contains('\n') && pretty.text().contains("\n  "), "{path}");
        let mut meant = pretty.json();
        // A page says in its self link how it was asked for.
        let link = plain.json().get("link").cloned();
        if let (Some(link), Some(own)) = (link, meant.get_mut("link")) {
            *own = link;
        }
        assert_eq!(meant, plain.json(), "{path}");
        assert_eq!(server.get(&format!("{path}?_pretty=yes"), None).status, 400, "{path}");
        let head = server.request("HEAD", &path, None, &[], b"");
        assert_eq!((head.status, head.body.len()), (200, 0), "{path}");
        for name in ["content-type", "content-length", "etag", "last-modified", "vary"] {
            assert_eq!(head.header(name), plain.header(name), "{path} {name}");
        }
    }
    let head = server.request("HEAD", "/ej/EJ1/export/patients", None, &[], b"");
    let export = server.get("/ej/EJ1/export/patients", None);
    for name in ["content-type", "etag", "vary"] {
        assert_eq!(head.header(name), export.header(name), "{name}");
    }
    let missing = server.request("HEAD", "/fhir/R4/Patient/1", None, &[], b"");
    assert_eq!((missing.status, missing.body.len()), (404, 0));
}

#[test]
fn what_the_client_has_is_not_sent_again_until_it_changes() {
    let server = Running::start(settings());
    let mut lane = Lane::of(&server, "EJ1");
    let id = lane.patient(1, "Durand");
    let path = format!("/ej/EJ1/fhir/R5/Patient/{id}");
    let first = server.get(&path, None);
    let etag = first.header("etag").unwrap().to_owned();
    let modified = first.header("last-modified").unwrap().to_owned();
    let has = |headers: &[(&str, &str)]| {
        let answer = ask(&server, &path, headers);
        if answer.status == 304 {
            assert!(answer.header("etag").is_some() && answer.header("content-type").is_none());
        }
        answer.status
    };
    assert_eq!(has(&[("If-None-Match", &etag)]), 304);
    assert_eq!(has(&[("If-Modified-Since", &modified)]), 304);
    assert_eq!(has(&[("If-None-Match", "W/\"0\""), ("If-Modified-Since", &modified)]), 200);
    // A thousand messages, a millisecond each: another second.
    for _ in 0..1000 {
        lane.patient(1, "Martin");
    }
    assert_eq!(has(&[("If-None-Match", &etag)]), 200);
    assert_eq!(has(&[("If-Modified-Since", &modified)]), 200);
}
