//! Bulk exports, with the real router: the cycle of a job, what its files hold, and who may have
//! them.

#![allow(clippy::unwrap_used, clippy::disallowed_methods, reason = "a test may fail")]

mod jobs;
mod live;
#[path = "../support/mod.rs"]
mod support;

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use sluice_mappings::records::{Link, LinkKind, LocationRecord, Place, Record, Stamp};

use support::{Answer, Lane, Running, allergy, ej, resource_id, settings};

const ASYNC: (&str, &str) = ("Prefer", "respond-async");

const PATIENCE: Duration = Duration::from_secs(60);

/// The path of a job that was taken on.
fn ordered(server: &Running, path: &str, token: Option<&str>) -> String {
    let answer = server.request("GET", path, token, &[ASYNC], b"");
    assert_eq!(answer.status, 202, "{path}: {}", answer.text());
    local(answer.header("content-location").unwrap())
}

fn local(url: &str) -> String {
    url.strip_prefix("http://localhost").unwrap().to_owned()
}

/// What the job came to, once it is at its end.
fn ended(server: &Running, job: &str, token: Option<&str>) -> Answer {
    let began = Instant::now();
    loop {
        let answer = server.get(job, token);
        if answer.status != 202 {
            return answer;
        }
        assert!(answer.header("x-progress").is_some_and(|told| told.len() < 100));
        assert!(answer.header("retry-after").unwrap().parse::<u32>().is_ok());
        assert!(began.elapsed() < PATIENCE, "it does not end");
        std::thread::yield_now();
    }
}

fn exported(server: &Running, path: &str) -> Value {
    let answer = ended(server, &ordered(server, path, None), None);
    assert_eq!(answer.status, 200, "{path}: {}", answer.text());
    answer.json()
}

/// The lines of the manifest's files of that kind, by type, in order.
fn lines(server: &Running, manifest: &Value, kind: &str) -> BTreeMap<String, Vec<Value>> {
    let mut found: BTreeMap<String, Vec<Value>> = BTreeMap::new();
    for item in manifest[kind].as_array().unwrap() {
        let answer = server.get(&local(item["url"].as_str().unwrap()), None);
        assert_eq!(answer.status, 200);
        assert_eq!(answer.header("content-type"), Some("application/fhir+ndjson"));
        let text = answer.text();
        assert!(text.ends_with('\n'));
        let lines: Vec<Value> = text.lines().map(|l| serde_json::from_str(l).unwrap()).collect();
        assert_eq!(item["count"], lines.len());
        found.entry(item["type"].as_str().unwrap().to_owned()).or_default().extend(lines);
    }
    found
}

fn output(server: &Running, path: &str) -> BTreeMap<String, Vec<Value>> {
    lines(server, &exported(server, path), "output")
}

fn ids(resources: &[Value]) -> Vec<&str> {
    resources.iter().map(|resource| resource["id"].as_str().unwrap()).collect()
}

/// Every resource that a search finds, over all its pages.
fn found(server: &Running, path: &str) -> Vec<Value> {
    let mut found = Vec::new();
    let mut next = Some(path.to_owned());
    while let Some(path) = next {
        let page = server.get(&path, None).json();
        let entries = page["entry"].as_array().cloned().unwrap_or_default();
        found.extend(entries.into_iter().map(|entry| entry["resource"].clone()));
        let links = page["link"].as_array().unwrap();
        let link = links.iter().find(|link| link["relation"] == "next");
        next = link.map(|link| local(link["url"].as_str().unwrap()));
    }
    found
}

/// Two EJs with patients, stays, places and an allergy; more patients than a chunk holds.
fn hospital(server: &Running) -> (Lane, Lane) {
    let mut first = Lane::of(server, "EJ1");
    for number in 0..300 {
        let id = first.patient(number, if number % 2 == 0 { "Durand" } else { "Müller" });
        if number % 3 == 0 {
            first.stay(number, id);
        }
    }
    let stamp = first.stamp();
    let place = Place { bed: "12".into(), ..Place::default() };
    let mut bed = LocationRecord::at(resource_id(ej("EJ1"), "Bed0", 1), place, None);
    bed.stamp = stamp;
    first.put(Record::from(bed));
    let stamp = first.stamp();
    let of = resource_id(ej("EJ1"), "Patient", 1);
    first.put(allergy(resource_id(ej("EJ1"), "Allergy", 1), of, stamp));
    let mut second = Lane::of(server, "EJ2");
    for number in 0..5 {
        let id = second.patient(number, "Petit");
        second.stay(number, id);
    }
    (first, second)
}

fn millis(lane: &Lane) -> String {
    let at = 1_790_000_000_000_i64 + i64::try_from(lane.seq().get()).unwrap();
    jiff::Timestamp::from_millisecond(at).unwrap().to_string()
}

#[test]
fn an_export_holds_what_searches_find_on_every_base() {
    let server = Running::start(settings());
    hospital(&server);
    for base in ["/fhir/R4", "/fhir/R5", "/ej/EJ1/fhir/R4", "/ej/EJ2/fhir/R5"] {
        let output = output(&server, &format!("{base}/$export"));
        let statement = server.get(&format!("{base}/metadata"), None).json();
        let mut types = 0;
        for resource in statement["rest"][0]["resource"].as_array().unwrap() {
            let of_type = resource["type"].as_str().unwrap();
            // Derived: exported where they are named, searched by what they are of.
            if matches!(of_type, "Provenance" | "EncounterHistory") {
                assert!(!output.contains_key(of_type));
                continue;
            }
            let found = found(&server, &format!("{base}/{of_type}?_count=100"));
            assert_eq!(output.get(of_type).cloned().unwrap_or_default(), found, "{base} {of_type}");
            types += usize::from(!found.is_empty());
        }
        assert_eq!(output.len(), types);
        assert!(types >= 3);
        // The same again, out of what other exports keep, and with nothing kept.
        if base.starts_with("/ej") {
            let kept = server.request(
                "GET",
                "/ej/EJ1/export/patients",
                None,
                &[("Accept", "application/ndjson"), ("Accept-Encoding", "gzip")],
                b"",
            );
            assert_eq!(kept.status, 200);
        }
        assert_eq!(self::output(&server, &format!("{base}/$export")), output);
    }
}

#[test]
fn patients_and_groups_are_exported_without_what_is_not_theirs() {
    let server = Running::start(settings());
    hospital(&server);
    let all = output(&server, "/fhir/R4/Patient/$export");
    assert_eq!((all["Patient"].len(), all["Encounter"].len()), (305, 105));
    // Places are there, so that references resolve; Groups are of the system.
    assert_eq!((all["Location"].len(), all.contains_key("Group")), (1, false));
    let groups = found(&server, "/fhir/R4/Group");
    let id = ids(&groups)[1];
    let of_group = output(&server, &format!("/fhir/R5/Group/{id}/$export"));
    let expected = output(&server, "/ej/EJ2/fhir/R5/Patient/$export");
    assert_eq!(of_group["Patient"].len(), 5);
    assert_eq!(of_group, expected);
    for (path, status) in [
        ("/fhir/R4/Encounter/$export", 404),
        ("/fhir/R4/Medication/$export", 404),
        (&*format!("/fhir/R4/Patient/{id}/$export"), 404),
        ("/fhir/R4/Group/00000000-0000-5000-8000-000000000000/$export", 404),
        (&*format!("/ej/EJ1/fhir/R4/Group/{id}/$export"), 404),
    ] {
        assert_eq!(server.request("GET", path, None, &[ASYNC], b"").status, status, "{path}");
    }
}

#[test]
fn a_post_says_by_parameters_what_a_get_says_by_its_query() {
    let server = Running::start(settings());
    hospital(&server);
    let parameters = json!({ "resourceType": "Parameters", "parameter": [
        { "name": "_type", "valueString": "Patient,Encounter" },
        { "name": "_typeFilter", "valueString": "Patient?family=Durand" },
        { "name": "_elements", "valueString": "Patient.birthDate" },
        { "name": "_since", "valueInstant": "2026-01-01T00:00:00Z" }
    ] });
    let media = ("Content-Type", "application/fhir+json");
    let post = |body: &[u8], media| {
        server.request("POST", "/fhir/R4/$export", None, &[ASYNC, media], body)
    };
    let answer = post(parameters.to_string().as_bytes(), media);
    assert_eq!(answer.status, 202, "{}", answer.text());
    let job = local(answer.header("content-location").unwrap());
    let posted = lines(&server, &ended(&server, &job, None).json(), "output");
    let query = "_type=Patient,Encounter&_typeFilter=Patient%3Ffamily%3DDurand\
                 &_elements=Patient.birthDate&_since=2026-01-01T00:00:00Z";
    assert_eq!(output(&server, &format!("/fhir/R4/$export?{query}")), posted);
    assert_eq!((posted["Patient"].len(), posted["Encounter"].len()), (150, 105));
    let cut = &posted["Patient"][0];
    assert!(cut.get("name").is_none());
    assert_eq!(cut["meta"]["tag"][0]["code"], "SUBSETTED");
    // What is asked of one type is not asked of another.
    assert!(posted["Encounter"][0].get("subject").is_some());

    assert_eq!(post(b"", media).status, 202);
    for (body, media, status) in [
        (&b"{\"resourceType\":\"Patient\"}"[..], media, 400),
        (b"not json", media, 400),
        (b"_type=Patient", ("Content-Type", "application/x-www-form-urlencoded"), 415),
    ] {
        assert_eq!(post(body, media).status, status);
    }
}

#[test]
fn filters_and_elements_are_those_of_searches() {
    let server = Running::start(settings());
    hospital(&server);
    let base = "/fhir/R4";
    let filters = "Patient?family=M%C3%BCller,Patient?identifier=EJ1-0,\
                   Encounter?status=in-progress%26_id%3Dnothing";
    let path = format!("{base}/$export?_typeFilter={filters}&_elements=id,gender");
    let output = output(&server, &path);
    let mut expected = found(&server, "/fhir/R4/Patient?family=Müller&_count=100&_elements=gender");
    let first = found(&server, "/fhir/R4/Patient?identifier=EJ1-0&_elements=gender");
    expected.splice(0..0, first);
    assert_eq!(output["Patient"], expected);
    assert!(!output.contains_key("Encounter"));
    for wrong in [
        "_type=Nothing",
        "_typeFilter=Patient%3Fshoe-size%3D1",
        "_type=Encounter&_typeFilter=Patient%3Ffamily%3DDurand",
        "_since=yesterday",
        "_until=2026-11-20T10:00:00Z",
        "_outputFormat=text/csv",
        "patient=Patient/1",
        "includeAssociatedData=LatestProvenanceResources",
    ] {
        let answer = server.request("GET", &format!("{base}/$export?{wrong}"), None, &[ASYNC], b"");
        assert_eq!((answer.status, answer.is_outcome()), (400, true), "{wrong}");
    }
    let strict = [ASYNC, ("Prefer", "handling=strict")];
    let answer = server.request("GET", "/fhir/R4/$export?_color=red", None, &strict, b"");
    assert_eq!(answer.status, 400);
}

#[test]
fn a_delta_holds_what_changed_and_tells_what_is_gone() {
    let server = Running::start(settings());
    let (mut lane, _second) = hospital(&server);
    let gone = resource_id(ej("EJ1"), "Allergy", 1);
    let stamp = Stamp { gone: true, ..lane.stamp() };
    let since = millis(&lane);
    lane.put(allergy(gone, resource_id(ej("EJ1"), "Patient", 1), stamp));
    assert_eq!(server.get(&format!("/fhir/R4/AllergyIntolerance/{gone}"), None).status, 410);
    let changed = lane.patient(7, "Dupont");
    // A merge is a change of both, and nothing is deleted by it.
    let survivor = lane.patient(8, "Durand");
    let loser = lane.change(9, |patient| {
        patient.active = false;
        patient.links = vec![Link { other: survivor, kind: LinkKind::ReplacedBy }];
    });
    let manifest = exported(&server, &format!("/fhir/R4/$export?_since={since}"));
    let output = lines(&server, &manifest, "output");
    let expected = [changed, survivor, loser].map(|id| id.to_string());
    assert_eq!(ids(&output["Patient"]), expected);
    assert_eq!(output["Patient"][2]["active"], false);
    let types: Vec<&String> = output.keys().collect();
    assert_eq!(types, ["Group", "Patient"], "a Group is small, and always there");
    let deleted = lines(&server, &manifest, "deleted");
    let bundle = json!({
        "resourceType": "Bundle",
        "type": "transaction",
        "entry": [
            { "request": { "method": "DELETE", "url": format!("AllergyIntolerance/{gone}") } }
        ]
    });
    assert_eq!(deleted, BTreeMap::from([("Bundle".to_owned(), vec![bundle])]));
    // Of types that were not asked for nothing is told, and without _since nothing is deleted.
    for path in [
        format!("/fhir/R4/$export?_since={since}&_type=Patient"),
        "/fhir/R4/$export".to_owned(),
        "/ej/EJ2/fhir/R4/$export?_since=2026-01-01T00:00:00Z".to_owned(),
    ] {
        assert_eq!(exported(&server, &path)["deleted"], json!([]), "{path}");
    }
    // At the moment that a manifest names the next delta begins: nothing is missed.
    let manifest = exported(&server, "/ej/EJ1/fhir/R4/Patient/$export?_type=Patient");
    let next = manifest["transactionTime"].as_str().unwrap();
    let later = lane.patient(11, "Moreau");
    let delta = self::output(&server, &format!("/ej/EJ1/fhir/R4/Patient/$export?_since={next}"));
    assert_eq!(ids(&delta["Patient"]).last(), Some(&&*later.to_string()));
    assert!(delta["Patient"].len() <= 2);
}

#[test]
fn the_time_of_an_export_never_passes_what_is_applied() {
    let server = Running::start(settings());
    let (lane, _second) = hospital(&server);
    let time = |path: &str| -> jiff::Timestamp {
        exported(&server, path)["transactionTime"].as_str().unwrap().parse().unwrap()
    };
    let before = jiff::Timestamp::now();
    {
        let mut journaled = server.vitals.journaled.lock();
        journaled.insert(ej("EJ1"), lane.seq());
        journaled.insert(ej("EJ2"), sluice_ids::Seq::new(1));
    }
    let caught_up = time("/fhir/R4/$export?_type=Group");
    assert!(caught_up.as_second() >= before.as_second() && caught_up <= jiff::Timestamp::now());
    // EJ1 lags by one message: its newest that is applied bounds the time of what it is in.
    server.vitals.journaled.lock().insert(ej("EJ1"), lane.seq().next());
    let newest: jiff::Timestamp = millis(&lane).parse().unwrap();
    assert_eq!(time("/fhir/R4/$export?_type=Group"), newest);
    assert_eq!(time("/ej/EJ1/fhir/R4/$export?_type=Group"), newest);
    assert!(time("/ej/EJ2/fhir/R4/$export?_type=Group") >= caught_up);
}
