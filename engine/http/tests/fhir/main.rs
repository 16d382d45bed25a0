//! Reads and searches over real sockets: versions, pages, rights, and what is said when not.

#![allow(clippy::unwrap_used, reason = "test code")]

mod paging;
mod status;
#[path = "../support/mod.rs"]
mod support;

use std::collections::BTreeSet;

use sluice_http::role::Role;
use sluice_http::routes;
use sluice_mappings::fhir::{FhirVersion, ResourceType};
use sluice_mappings::records::{Link, LinkKind};

use support::{Answer, Lane, Running, ej, resource_id, settings};

fn ids(bundle: &serde_json::Value) -> Vec<String> {
    let entries = bundle["entry"].as_array().cloned().unwrap_or_default();
    entries
        .iter()
        .filter(|entry| entry["search"]["mode"] == "match")
        .map(|entry| entry["resource"]["id"].as_str().unwrap().to_owned())
        .collect()
}

fn link(bundle: &serde_json::Value, relation: &str) -> Option<String> {
    let links = bundle["link"].as_array().unwrap();
    let found = links.iter().find(|link| link["relation"] == relation)?;
    Some(found["url"].as_str().unwrap().to_owned())
}

/// The path and query of one of our links.
fn local(url: &str) -> String {
    url.strip_prefix("http://localhost").unwrap_or_else(|| panic!("{url}")).to_owned()
}

#[test]
fn a_read_carries_its_version_and_is_not_sent_twice() {
    let server = Running::start(settings());
    let mut lane = Lane::of(&server, "EJ1");
    let id = lane.patient(1, "Durand");
    let path = format!("/fhir/R4/Patient/{id}");
    let first = server.get(&path, None);
    assert_eq!(first.status, 200);
    assert_eq!(first.header("etag"), Some("W/\"1\""));
    assert_eq!(first.header("content-type"), Some("application/fhir+json; charset=utf-8"));
    assert_eq!(first.header("cache-control"), Some("private, no-store"));
    assert_eq!(first.json()["meta"]["versionId"], "1");
    let timing = first.header("server-timing").unwrap();
    assert!(["auth;dur=", "store;dur=", "render;dur="].iter().all(|part| timing.contains(part)));

    let again = |name: &str, value: &str| server.request("GET", &path, None, &[(name, value)], b"");
    let unchanged = again("If-None-Match", "W/\"1\"");
    assert_eq!((unchanged.status, unchanged.header("etag")), (304, Some("W/\"1\"")));
    assert_eq!(again("If-Modified-Since", first.header("last-modified").unwrap()).status, 304);

    lane.patient(1, "Martin");
    let second = again("If-None-Match", "W/\"1\"");
    assert_eq!((second.status, second.header("etag")), (200, Some("W/\"2\"")));
    assert_eq!(second.json()["name"][0]["family"], "Martin");

    let head = server.request("HEAD", &path, None, &[], b"");
    assert_eq!((head.status, head.header("etag")), (200, Some("W/\"2\"")));
    assert_eq!(head.header("content-length").unwrap(), second.body.len().to_string());
    assert!(head.body.is_empty());
}

#[test]
fn a_merged_patient_stays_readable_and_names_the_survivor() {
    let server = Running::start(settings());
    let mut lane = Lane::of(&server, "EJ1");
    let survivor = lane.patient(1, "Durand");
    let loser = lane.change(2, |patient| {
        patient.active = false;
        patient.links = vec![Link { kind: LinkKind::ReplacedBy, other: survivor }];
    });
    let read = server.get(&format!("/ej/EJ1/fhir/R4/Patient/{loser}"), None).json();
    assert_eq!(read["active"], false);
    assert_eq!(read["link"][0]["type"], "replaced-by");
    assert_eq!(read["link"][0]["other"]["reference"], format!("Patient/{survivor}"));
}

#[test]
fn a_record_of_another_ej_and_one_of_none_are_answered_alike_on_every_route() {
    let server = Running::start(settings());
    let (mut one, mut two) = (Lane::of(&server, "EJ1"), Lane::of(&server, "EJ2"));
    let hidden = two.patient(1, "Zqxsecret");
    let hidden_stay = two.stay(1, hidden);
    one.patient(1, "Durand");
    let token = server.token(Role::Administrator, &["EJ1"]);
    let get = |path: &str| server.get(path, Some(&token));
    let nothing = resource_id(ej("EJ1"), "Patient", 99);

    // Warm every cache with the other EJ's data first.
    let all = server.token(Role::Administrator, &["*"]);
    for path in [
        format!("/fhir/R4/Patient/{hidden}"),
        "/fhir/R4/Patient".into(),
        "/ej/EJ2/export/patients".into(),
        "/ej/EJ2/export/venues".into(),
    ] {
        let answer = server.get(&path, Some(&all));
        assert_eq!(answer.status, 200, "{path}");
    }
    let foreign_cursor = {
        two.patient(2, "Zqxsecret");
        let page = server.get("/ej/EJ2/fhir/R4/Patient?_count=1", Some(&all)).json();
        local(&link(&page, "next").unwrap())
    };
    let group_cursor = {
        let page = server.get("/fhir/R4/Patient?_count=1", Some(&all)).json();
        local(&link(&page, "next").unwrap())
    };

    for (there, absent) in [
        (format!("/fhir/R4/Patient/{hidden}"), format!("/fhir/R4/Patient/{nothing}")),
        (format!("/fhir/R4/Encounter/{hidden_stay}"), format!("/fhir/R4/Encounter/{nothing}")),
        (format!("/ej/EJ1/fhir/R4/Patient/{hidden}"), format!("/ej/EJ1/fhir/R4/Patient/{nothing}")),
        (format!("/ej/EJ2/fhir/R4/Patient/{hidden}"), format!("/ej/EJ9/fhir/R4/Patient/{hidden}")),
        ("/ej/EJ2/fhir/R4/Patient".into(), "/ej/EJ9/fhir/R4/Patient".into()),
        ("/ej/EJ2/fhir/R4/metadata".into(), "/ej/EJ9/fhir/R4/metadata".into()),
        ("/ej/EJ2/export/patients".into(), "/ej/EJ9/export/patients".into()),
        ("/ej/EJ2/export/venues".into(), "/ej/EJ9/export/venues".into()),
        (foreign_cursor, "/ej/EJ9/fhir/R4/Patient?_cursor=x".into()),
    ] {
        let (there, absent) = (get(&there), get(&absent));
        assert_eq!((there.status, absent.status), (404, 404));
        assert_eq!(there.body, absent.body);
        assert!(there.is_outcome());
    }
    // Searches that the other EJ's records would match: neither shown nor counted.
    for path in [
        "/fhir/R4/Patient".to_owned(),
        "/ej/EJ1/fhir/R4/Patient".into(),
        "/fhir/R4/Patient?_summary=count".into(),
        "/fhir/R4/Patient?_count=0".into(),
    ] {
        assert_eq!(get(&path).json()["total"], 1, "{path}");
    }
    for path in [
        "/fhir/R4/Patient?family=zqxsecret".to_owned(),
        format!("/fhir/R4/Patient?_id={hidden}"),
        "/fhir/R4/Patient?identifier=EJ2-1".into(),
        format!("/fhir/R4/Encounter?patient={hidden}"),
        "/fhir/R4/Encounter".into(),
    ] {
        let answer = get(&path);
        assert_eq!(answer.json()["total"], 0, "{path}");
        assert!(!answer.text().contains("Zqxsecret"), "{path}");
    }
    // A cursor of wider rights is worth nothing under narrower ones.
    assert_eq!(get(&group_cursor).status, 400);
    assert!(!get("/api/status").text().contains("EJ2"));
    for route in routes::table().iter().filter(|route| route.path.contains("{ej}")) {
        let path = route.path.replace("{ej}", "EJ2").replace("{type}", "Patient");
        let path = path.replace("{id}", &hidden.to_string());
        let form = [("Content-Type", "application/x-www-form-urlencoded")];
        let answer = server.request(route.method.as_str(), &path, Some(&token), &form, b"");
        assert_eq!(answer.status, 404, "{path}");
    }
}

#[test]
fn what_is_not_known_is_told_or_refused_and_never_hidden() {
    let server = Running::start(settings());
    Lane::of(&server, "EJ1").patient(1, "Durand");
    let path =
        "/fhir/R4/Patient?famly=x&family=durand&_has:Encounter:nobody:status=planned&18505=1";
    let page = server.get(path, None).json();
    assert_eq!(page["total"], 1);
    assert_eq!(link(&page, "self").unwrap(), "http://localhost/fhir/R4/Patient?family=durand");
    let outcome = &page["entry"][1];
    assert_eq!(outcome["search"]["mode"], "outcome");
    let text = outcome["resource"].to_string();
    assert!(
        text.contains("famly") && text.contains("_has:Encounter") && text.contains("parameter 4")
    );
    assert!(!text.contains("18505"));

    for prefer in ["handling=strict", "return=minimal, handling=\"strict\""] {
        let answer = server.request("GET", path, None, &[("Prefer", prefer)], b"");
        assert_eq!((answer.status, answer.is_outcome()), (400, true));
    }
    let lenient = server.request("GET", path, None, &[("Prefer", "handling=lenient")], b"");
    assert_eq!(lenient.status, 200);
}

#[test]
fn a_post_search_finds_the_same_and_its_next_link_shows_no_name() {
    let server = Running::start(settings());
    let mut lane = Lane::of(&server, "EJ1");
    for number in 0..5 {
        lane.patient(number, "Zqxposted");
    }
    let form = [("Content-Type", "application/x-www-form-urlencoded; charset=utf-8")];
    let post = |body: &[u8]| server.request("POST", "/fhir/R4/Patient/_search", None, &form, body);
    let page = post(b"family=Zqxposted&_count=2").json();
    assert_eq!((page["total"].as_u64(), ids(&page).len()), (Some(5), 2));
    let next = link(&page, "next").unwrap();
    assert!(!next.contains("Zqx") && next.contains("_cursor="));
    let page = server.get(&local(&next), None).json();
    assert_eq!(ids(&page).len(), 2);
    assert_eq!(post(b"").json()["total"], 5);

    let other = [("Content-Type", "application/json")];
    let answer = server.request("POST", "/fhir/R4/Patient/_search", None, &other, b"{}");
    assert_eq!((answer.status, answer.is_outcome()), (415, true));
    let packed = [form[0], ("Content-Encoding", "gzip")];
    let answer = server.request("POST", "/fhir/R4/Patient/_search", None, &packed, b"\x1f\x8b");
    assert_eq!((answer.status, answer.is_outcome()), (415, true));
    let big = format!("family={}", "a".repeat(70_000));
    let answer = post(big.as_bytes());
    assert_eq!((answer.status, answer.is_outcome()), (413, true));
    assert_eq!(post(b"family=%ZZ").status, 400);
}

#[test]
fn a_body_that_does_not_come_in_time_is_given_up() {
    use std::io::Write;
    let mut settings = settings();
    settings.body_timeout_ms = 200;
    let server = Running::start(settings);
    let mut stream = server.connect();
    let head = support::head(
        "POST",
        "/fhir/R4/Patient/_search",
        None,
        &[("Content-Type", "application/x-www-form-urlencoded"), ("Content-Length", "50")],
    );
    stream.write_all((head + "\r\nfamily=").as_bytes()).unwrap();
    let answer = Answer::read(&mut stream, false);
    assert_eq!((answer.status, answer.is_outcome()), (408, true));
}

#[test]
fn every_fault_of_a_fhir_path_is_an_outcome_that_repeats_no_value() {
    let server = Running::start(settings());
    let canary = "Zqxcanary7f3a";
    for (path, status) in [
        (format!("/fhir/R4/Patient/{canary}"), 404),
        (format!("/fhir/R4/Patient/{canary}/_history"), 404),
        (format!("/fhir/R4/{canary}"), 404),
        (format!("/fhir/R4/Patient?birthdate={canary}"), 400),
        (format!("/fhir/R4/Patient?_count={canary}"), 400),
        (format!("/fhir/R4/Patient?_total={canary}"), 400),
        (format!("/fhir/R4/Patient?_summary={canary}"), 400),
        (format!("/fhir/R4/Patient?_pretty={canary}"), 400),
        (format!("/fhir/R4/Patient?_sort={canary}"), 400),
        (format!("/fhir/R4/Patient?gender={canary}"), 400),
        (format!("/fhir/R4/Encounter?status={canary}"), 400),
        (format!("/fhir/R4/Patient?family:{canary}=x"), 400),
        (format!("/fhir/R4/Patient?_format={canary}"), 406),
        (format!("/fhir/R4/Patient?_cursor={canary}"), 400),
        (format!("/fhir/R4/Patient?name=%FF{canary}"), 400),
        (format!("/ej/{canary}/fhir/R4/Patient"), 404),
        (format!("/ej/EJ1/export/patients?fhir={canary}"), 400),
        (format!("/ej/EJ1/export/patients?{canary}=1"), 400),
        (format!("/ej/EJ1/export/patients?_format={canary}"), 406),
    ] {
        let answer = server.get(&path, None);
        assert_eq!(answer.status, status, "{path}");
        assert!(answer.is_outcome(), "{path}");
        assert!(!answer.text().contains(canary), "{path}");
        assert!(answer.headers.iter().all(|(_, value)| !value.contains(canary)), "{path}");
    }
    let many: String = (0..200).map(|n| format!("name=a{n}&")).collect();
    assert_eq!(server.get(&format!("/fhir/R4/Patient?{many}"), None).status, 400);
    let xml = server.request("GET", "/fhir/R4/Patient", None, &[("Accept", "text/xml")], b"");
    assert_eq!((xml.status, xml.is_outcome()), (406, true));
    let put = server.request("PUT", "/fhir/R4/Patient", None, &[], b"");
    assert_eq!((put.status, put.is_outcome()), (405, true));
}

#[test]
fn links_follow_the_public_base_or_a_trusted_proxy_and_nothing_else() {
    let forwarded = [
        ("X-Forwarded-Proto", "https"),
        ("X-Forwarded-Host", "fhir.example.org"),
        ("X-Forwarded-Prefix", "/gw/"),
    ];
    let standard = [(
        "Forwarded",
        "for=192.0.2.60;proto=https; Host=\"fhir.example.org:8443\", for=10.0.0.1;host=inner",
    )];
    let link_for = |settings, forwarded: &[(&str, &str)]| {
        let server = Running::start(settings);
        let answer = server.request("GET", "/ej/EJ1/fhir/R4/Patient", None, forwarded, b"");
        link(&answer.json(), "self").unwrap()
    };
    let self_link = |settings| link_for(settings, &forwarded);
    assert_eq!(link_for(settings(), &standard), "http://localhost/ej/EJ1/fhir/R4/Patient");
    assert_eq!(self_link(settings()), "http://localhost/ej/EJ1/fhir/R4/Patient");
    let mut trusting = settings();
    trusting.trust_forwarded = true;
    let own = "https://fhir.example.org:8443/ej/EJ1/fhir/R4/Patient";
    assert_eq!(link_for(trusting.clone(), &standard), own);
    let hostile = [("Forwarded", "host=\"evil.example/x\"; proto=javascript")];
    let own = "http://localhost/ej/EJ1/fhir/R4/Patient";
    assert_eq!(link_for(trusting.clone(), &hostile), own);
    assert_eq!(self_link(trusting.clone()), "https://fhir.example.org/gw/ej/EJ1/fhir/R4/Patient");
    trusting.public_base = "https://public.example.org/x".into();
    assert_eq!(self_link(trusting), "https://public.example.org/x/ej/EJ1/fhir/R4/Patient");
}

#[test]
fn the_capability_statement_promises_what_is_routed_and_all_of_it() {
    let server = Running::start(settings());
    let mut lane = Lane::of(&server, "EJ1");
    let patient = lane.patient(1, "Durand");
    let stay = lane.stay(1, patient);
    let versions = [(FhirVersion::R4, "4.0.1"), (FhirVersion::R5, "5.0.0")];
    let bases = versions.into_iter().flat_map(|(version, number)| {
        [format!("/fhir/{version}"), format!("/ej/EJ1/fhir/{version}")]
            .map(|base| (base, version, number))
    });
    for (base, version, number) in bases {
        let statement = server.get(&format!("{base}/metadata"), None).json();
        assert_eq!(statement["fhirVersion"], number);
        assert_eq!(statement["implementation"]["url"], format!("http://localhost{base}"));
        let mut promised = BTreeSet::new();
        for resource in statement["rest"][0]["resource"].as_array().unwrap() {
            let of_type = resource["type"].as_str().unwrap();
            for interaction in resource["interaction"].as_array().unwrap() {
                promised
                    .insert((of_type.to_owned(), interaction["code"].as_str().unwrap().to_owned()));
            }
            for param in resource["searchParam"].as_array().unwrap() {
                let name = param["name"].as_str().unwrap();
                let path = format!("{base}/{of_type}?{name}:missing=true");
                let strict = [("Prefer", "handling=strict")];
                let answer = server.request("GET", &path, None, &strict, b"");
                let known = answer.status == 200 || answer.text().contains("modifier");
                assert!(known, "{path}: {}", answer.text());
            }
        }
        for interaction in statement["rest"][0]["interaction"].as_array().unwrap() {
            let code = interaction["code"].as_str().unwrap();
            promised.insert((String::new(), code.to_owned()));
        }
        let rest = &statement["rest"][0];
        let group = server.get(&format!("/ej/EJ1/fhir/{version}/Group"), None).json();
        let id = |of_type: &str| match of_type {
            "Group" => group["entry"][0]["resource"]["id"].as_str().unwrap().to_owned(),
            "Patient" => patient.to_string(),
            _ => stay.to_string(),
        };
        let none = serde_json::json!([]);
        let of_types = rest["resource"].as_array().unwrap().iter().flat_map(|resource| {
            let operations = resource.get("operation").unwrap_or(&none).as_array().unwrap();
            operations.iter().map(move |operation| (resource["type"].as_str(), operation))
        });
        let of_system = rest["operation"].as_array().unwrap().iter().map(|one| (None, one));
        for (of_type, operation) in of_types.chain(of_system) {
            let name = operation["name"].as_str().unwrap();
            let path = match (of_type, name) {
                (None, name) => format!("{base}/${name}"),
                (Some("Patient"), "export") => format!("{base}/Patient/$export"),
                (_, "match") => format!("{base}/Patient/$match"),
                (_, "ihe-pix") => format!("{base}/Patient/$ihe-pix?sourceIdentifier=a|1"),
                (Some(of_type), name) => format!("{base}/{of_type}/{}/${name}", id(of_type)),
            };
            let method = if name == "match" { "POST" } else { "GET" };
            let answer = server.request(method, &path, None, &[("Prefer", "respond-async")], b"");
            // These are told that nobody was asked for, and not that there is no such operation.
            if matches!(name, "match" | "ihe-pix") {
                assert_eq!(answer.status, 400, "{path}: {}", answer.text());
                continue;
            }
            assert!(matches!(answer.status, 200 | 202), "{path}: {}", answer.status);
            if let Some(job) = answer.header("content-location") {
                let job = job.strip_prefix("http://localhost").unwrap();
                assert_eq!(server.request("DELETE", job, None, &[], b"").status, 202);
            }
        }
        let prefix = base.replace("EJ1", "{ej}");
        let mut routed = BTreeSet::new();
        for route in routes::table() {
            let of_base = route.path.starts_with(&prefix);
            let Some(interaction) = route.interaction.filter(|_| of_base) else { continue };
            let derives = |of: &ResourceType| !matches!(of, ResourceType::Record(_));
            if !route.path.contains("{type}") {
                routed.insert((String::new(), interaction.code().to_owned()));
                continue;
            }
            let past = matches!(interaction.code(), "vread" | "history-instance" | "history-type");
            for of_type in ResourceType::all(version).filter(|of| !(past && derives(of))) {
                routed.insert((of_type.name().to_owned(), interaction.code().to_owned()));
            }
        }
        assert_eq!(promised, routed);
        for of_type in ResourceType::all(version) {
            let page = server.get(&format!("{base}/{}", of_type.name()), None);
            // Of what is derived, a search says of what.
            let names =
                matches!(of_type, ResourceType::EncounterHistory | ResourceType::Provenance);
            let expected = if names { 400 } else { 200 };
            assert_eq!(page.status, expected, "{}", of_type.name());
        }
    }
}

#[test]
fn a_reference_search_takes_our_own_absolute_urls() {
    let server = Running::start(settings());
    let mut lane = Lane::of(&server, "EJ1");
    let patient = lane.patient(1, "Durand");
    let stay = lane.stay(1, patient);
    for value in [
        patient.to_string(),
        format!("Patient/{patient}"),
        format!("http://localhost/fhir/R4/Patient/{patient}"),
    ] {
        let page = server.get(&format!("/fhir/R4/Encounter?patient={value}"), None).json();
        assert_eq!(ids(&page), [stay.to_string()], "{value}");
    }
}
