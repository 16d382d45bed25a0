//! Bulk exports, with the real router: the cycle of a job, what its files hold, and who may have
//! them.

#![allow(clippy::unwrap_used, clippy::disallowed_methods, reason = "a test may fail")]

mod support;

use std::collections::{BTreeMap, BTreeSet};
use std::io::Read;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use sluice_http::HttpSettings;
use sluice_http::role::Role;
use sluice_mappings::records::{Link, LinkKind, LocationRecord, Place, Record, ResourceId, Stamp};
use sluice_state::StateSettings;
use support::{Answer, Lane, Running, allergy, ej, patient, resource_id, settings, stay};

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
fn a_job_is_taken_on_told_of_fetched_and_removed() {
    let server = Running::start(settings());
    hospital(&server);
    let refused = server.get("/fhir/R4/$export", None);
    assert_eq!((refused.status, refused.is_outcome()), (400, true));
    assert_eq!(refused.json()["issue"][0]["expression"], json!(["http.Prefer"]));

    let request = "/fhir/R4/$export?_outputFormat=application/fhir%2Bndjson&_color=red";
    let job = ordered(&server, request, None);
    let done = ended(&server, &job, None);
    assert_eq!((done.status, done.header("content-type")), (200, Some("application/json")));
    assert!(done.header("expires").unwrap().ends_with(" GMT"));
    let manifest = done.json();
    assert_eq!(manifest["request"], format!("http://localhost{request}"));
    // Nobody is asked for a token here; where one is needed it says so.
    assert_eq!(manifest["requiresAccessToken"], false);
    assert_eq!(manifest["deleted"], json!([]));
    // What was left out is told, and nothing else is.
    let told = &lines(&server, &manifest, "error")["OperationOutcome"][0];
    assert_eq!(told["issue"][0]["severity"], "warning");
    assert!(told["issue"][0]["details"]["text"].as_str().unwrap().ends_with("_color"));
    assert_eq!(exported(&server, "/fhir/R4/$export?_type=Patient")["error"], json!([]));

    let file = local(manifest["output"][0]["url"].as_str().unwrap());
    assert_eq!(server.get(&file, None).status, 200);
    assert_eq!(server.get(&format!("{job}/files/job.json"), None).status, 404);
    assert_eq!(server.get(&format!("{job}/files/..%2Fjob.json"), None).status, 404);
    assert_eq!(server.request("DELETE", &job, None, &[], b"").status, 202);
    for path in [&job, &file] {
        let gone = server.get(path, None);
        assert_eq!((gone.status, gone.is_outcome()), (404, true));
    }
    let left = std::fs::read_dir(server.folder.path().join("exports")).unwrap().count();
    assert_eq!(left, 1, "the folder of the other job");
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

#[test]
fn a_job_is_its_callers_alone() {
    let server = Running::start(settings());
    hospital(&server);
    let owner = server.token(Role::Exporter, &["EJ1", "EJ2"]);
    let other = server.token(Role::Administrator, &["*"]);
    let reader = server.token(Role::Reader, &["*"]);
    let refused = server.request("GET", "/fhir/R4/$export", Some(&reader), &[ASYNC], b"");
    assert_eq!(refused.status, 403);
    let job = ordered(&server, "/fhir/R4/$export", Some(&owner));
    let done = ended(&server, &job, Some(&owner));
    let manifest = done.json();
    assert_eq!(manifest["requiresAccessToken"], true);
    let file = local(manifest["output"][0]["url"].as_str().unwrap());
    for path in [&job, &file] {
        assert_eq!(server.get(path, Some(&owner)).status, 200);
        let foreign = server.get(path, Some(&other));
        let none = server.get(&path.replace(char::is_numeric, "0"), Some(&other));
        assert_eq!((foreign.status, foreign.body), (404, none.body), "told alike");
        assert_eq!(server.get(path, None).status, 401);
    }
    assert_eq!(server.request("DELETE", &job, Some(&other), &[], b"").status, 404);
    assert_eq!(server.get(&job, Some(&owner)).status, 200);

    // The right to one EJ is taken away: nothing of it is left.
    let tokens = server.folder.path().join("tokens.json");
    let text = std::fs::read_to_string(&tokens).unwrap();
    let mut list: Value = serde_json::from_str(&text).unwrap();
    let entry = list["tokens"].as_array_mut().unwrap().iter_mut();
    let entry = entry.into_iter().find(|token| token["role"] == "exporter").unwrap();
    entry["ejs"] = json!(["EJ1"]);
    std::fs::write(&tokens, list.to_string()).unwrap();
    for path in [&job, &file] {
        assert_eq!(server.get(path, Some(&owner)).status, 404);
    }
    let narrower = ordered(&server, "/fhir/R4/$export", Some(&owner));
    let manifest = ended(&server, &narrower, Some(&owner)).json();
    assert!(!manifest.to_string().contains("EJ2"));
    let strange = server.request("GET", "/ej/EJ2/fhir/R4/$export", Some(&owner), &[ASYNC], b"");
    assert_eq!(strange.status, 404);
}

#[test]
fn a_file_is_fetched_in_parts_from_where_a_client_left_off() {
    let server = Running::start(settings());
    hospital(&server);
    let manifest = exported(&server, "/fhir/R4/$export?_type=Patient");
    let path = local(manifest["output"][0]["url"].as_str().unwrap());
    let whole = server.get(&path, None);
    let etag = whole.header("etag").unwrap().to_owned();
    assert!(whole.body.len() > 100_000 && !etag.starts_with("W/"));
    assert_eq!(whole.header("accept-ranges"), Some("bytes"));
    let get = |headers: &[(&str, &str)]| server.request("GET", &path, None, headers, b"");

    let mut resumed = Vec::new();
    for step in [1, 4_096, 99_999, usize::MAX] {
        let start = resumed.len();
        let end = start.saturating_add(step).min(whole.body.len());
        let range = format!(
            "bytes={start}-{}",
            if step == usize::MAX { String::new() } else { (end - 1).to_string() }
        );
        let part = get(&[("Range", &range), ("If-Range", &etag), ("Accept-Encoding", "gzip")]);
        assert_eq!(part.status, 206, "{range}");
        let told = format!("bytes {start}-{}/{}", end - 1, whole.body.len());
        assert_eq!(part.header("content-range"), Some(&*told));
        assert_eq!(part.header("content-encoding"), None, "a range is of the plain bytes");
        resumed.extend(part.body);
    }
    assert!(resumed == whole.body, "the parts are not the whole");

    let other = get(&[("Range", "bytes=10-"), ("If-Range", "\"another\"")]);
    assert_eq!((other.status, other.body.len()), (200, whole.body.len()));
    let beyond = get(&[("Range", &format!("bytes={}-", whole.body.len()))]);
    assert_eq!((beyond.status, beyond.is_outcome()), (416, true));
    let told = format!("bytes */{}", whole.body.len());
    assert_eq!(beyond.header("content-range"), Some(&*told));
    assert_eq!(get(&[("If-None-Match", &etag)]).status, 304);
    let head = server.request("HEAD", &path, None, &[], b"");
    assert_eq!(head.header("content-length"), Some(&*whole.body.len().to_string()));

    let gzip = get(&[("Accept-Encoding", "gzip")]);
    assert_eq!(gzip.header("content-encoding"), Some("gzip"));
    assert_ne!(gzip.header("etag"), Some(&*etag), "other bytes, another tag");
    assert!(gzip.body.len() < whole.body.len() / 2);
    let mut plain = Vec::new();
    flate2::read::GzDecoder::new(&gzip.body[..]).read_to_end(&mut plain).unwrap();
    assert!(plain == whole.body);
    let zstd = get(&[("Accept-Encoding", "gzip;q=0.5, zstd")]);
    assert_eq!(zstd.header("content-encoding"), Some("zstd"));
    assert!(zstd::decode_all(&zstd.body[..]).unwrap() == whole.body);
}

/// Exports that stay under way: they wait long before they take their cut.
fn slow() -> HttpSettings {
    let mut settings = settings();
    settings.bulk.settle_ms = 3_600_000;
    settings
}

#[test]
fn more_than_a_caller_or_the_disk_may_have_is_refused() {
    let server = Running::start(slow());
    let (one, other) = (server.token(Role::Exporter, &["*"]), server.token(Role::Exporter, &["*"]));
    let jobs = [0, 1].map(|_| ordered(&server, "/fhir/R4/$export", Some(&one)));
    let refused = server.request("GET", "/fhir/R4/$export", Some(&one), &[ASYNC], b"");
    assert_eq!((refused.status, refused.is_outcome()), (429, true));
    assert_eq!(refused.header("retry-after"), Some("60"));
    ordered(&server, "/fhir/R4/$export", Some(&other));
    // The first is under way, and ends when it is cancelled; then the second has its turn.
    assert_eq!(server.request("DELETE", &jobs[0], Some(&one), &[], b"").status, 202);
    ordered(&server, "/fhir/R4/$export", Some(&one));

    let mut full = settings();
    full.bulk.free_floor_bytes = u64::MAX;
    let server = Running::start(full);
    let refused = server.request("GET", "/fhir/R4/$export", None, &[ASYNC], b"");
    assert_eq!((refused.status, refused.is_outcome()), (507, true));
    assert_eq!(refused.json()["issue"][0]["code"], "no-store");
}

#[test]
fn what_is_kept_is_bounded_by_number_and_bytes_and_what_is_too_large_fails_clearly() {
    let mut few = settings();
    few.bulk.kept_jobs_max = 1;
    few.bulk.kept_bytes_max = 20_000;
    let server = Running::start(few);
    let (mut lane, _second) = hospital(&server);
    let failed = ended(&server, &ordered(&server, "/fhir/R4/$export", None), None);
    assert_eq!((failed.status, failed.is_outcome()), (500, true));
    assert!(failed.text().contains("kept_bytes_max"));

    let path = "/ej/EJ2/fhir/R4/$export";
    let first = ordered(&server, path, None);
    assert_eq!(ended(&server, &first, None).status, 200);
    lane.patient(1, "Autre");
    let second = ordered(&server, path, None);
    assert_eq!(ended(&server, &second, None).status, 200);
    let began = Instant::now();
    while server.get(&first, None).status != 404 {
        assert!(began.elapsed() < PATIENCE, "two are kept");
        std::thread::yield_now();
    }
    assert_eq!(server.get(&second, None).status, 200);
}

#[test]
fn after_a_restart_finished_jobs_are_served_and_unfinished_ones_begin_again() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().to_owned();
    let server = Running::start_in(folder, settings());
    hospital(&server);
    let done = ordered(&server, "/fhir/R4/$export", None);
    let manifest = ended(&server, &done, None).json();
    let before = lines(&server, &manifest, "output");
    let restarted = |mut server: Running, settings| {
        server.stop.cancel();
        server.server.take().unwrap().join().unwrap();
        server.state.clone().close().unwrap();
        let folder = std::mem::replace(&mut server.folder, tempfile::tempdir().unwrap());
        drop(server);
        Running::start_in(folder, settings)
    };
    let server = restarted(server, slow());
    let begun = ordered(&server, "/fhir/R4/$export?_type=Patient", None);
    assert_eq!(server.get(&begun, None).status, 202);
    // As a crash in mid-file leaves it, and a kick-off that was never answered.
    let exports = path.join("exports");
    let id = begun.rsplit('/').next().unwrap();
    std::fs::write(exports.join(id).join("Patient-EJ1.ndjson"), b"{\"half").unwrap();
    let orphan = exports.join("0".repeat(32));
    std::fs::create_dir(&orphan).unwrap();

    let server = restarted(server, settings());
    assert_eq!(ended(&server, &done, None).json(), manifest);
    assert_eq!(lines(&server, &manifest, "output"), before);
    let again = lines(&server, &ended(&server, &begun, None).json(), "output");
    assert_eq!(again["Patient"], before["Patient"]);
    assert!(!orphan.exists());
}

#[cfg(unix)]
#[test]
fn files_are_the_owners_alone() {
    use std::os::unix::fs::PermissionsExt;
    let server = Running::start(settings());
    hospital(&server);
    exported(&server, "/fhir/R4/$export?_type=Patient");
    let exports = server.folder.path().join("exports");
    let mode = |path: &std::path::Path| path.metadata().unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&exports), 0o700);
    for job in std::fs::read_dir(&exports).unwrap().flatten() {
        assert_eq!(mode(&job.path()), 0o700);
        for file in std::fs::read_dir(job.path()).unwrap().flatten() {
            assert_eq!(mode(&file.path()), 0o600);
        }
    }
}

#[test]
fn under_a_live_feed_every_file_is_of_the_same_moment() {
    live(StateSettings::default());
}

#[test]
fn what_the_state_no_longer_remembers_is_folded_again() {
    live(StateSettings { history_records_bytes_max: 0, ..StateSettings::default() });
}

/// Ends a thread when dropped.
struct Stop<'a>(&'a AtomicBool);

impl Drop for Stop<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

fn live(state: StateSettings) {
    let server = Running::start_over(settings(), state);
    let mut lane = Lane::of(&server, "EJ1");
    // Each message writes a number into a patient and into its stay.
    let message = |lane: &mut Lane, number: u32, told: u32| {
        let stamp = lane.stamp();
        let mut person = patient(ej("EJ1"), number);
        person.stamp = stamp;
        person.stamp.created = sluice_ids::Seq::new(u64::from(number) + 1);
        person.names[0].family = format!("told{told}");
        let id: ResourceId = person.id;
        let mut venue = stay(ej("EJ1"), number, id, person.stamp);
        venue.identifiers[0].value = format!("told{told}");
        let records = vec![Record::Patient(Arc::new(person)), Record::Stay(Arc::new(venue))];
        // What the journal would be folded to.
        server.vitals.past.lock().extend(records.iter().cloned());
        lane.put_all(records);
    };
    let count = 600;
    (0..count).for_each(|number| message(&mut lane, number, number));
    let (stop, sent) = (AtomicBool::new(false), std::sync::atomic::AtomicU32::new(count));
    std::thread::scope(|scope| {
        scope.spawn(|| {
            let mut lane = lane;
            let mut told = count;
            while !stop.load(Ordering::Relaxed) {
                // New ones among the old ones: every seventh message makes a patient.
                let number = if told % 7 == 0 { count + told / 7 } else { told % count };
                if told % 7 == 0 {
                    let id = lane.patient(number + 100_000, "new");
                    lane.stay(number + 100_000, id);
                } else {
                    message(&mut lane, number, told);
                }
                told += 1;
                sent.store(told, Ordering::Relaxed);
                // A feed of some thousand messages a second: what was replaced since the pin is
                // remembered by bytes.
                if told % 16 == 0 {
                    std::thread::sleep(Duration::from_millis(2));
                }
            }
        });
        // Also when an assertion fails: the feed would keep the test from ending.
        let _stop = Stop(&stop);
        let mut moments = BTreeSet::new();
        for _ in 0..5 {
            let before = sent.load(Ordering::Relaxed);
            let output = output(&server, "/fhir/R4/$export?_type=Encounter,Patient");
            let told = |resource: &Value, of: &str| match of {
                "Patient" => resource["name"][0]["family"].as_str().unwrap().to_owned(),
                _ => resource["identifier"][0]["value"].as_str().unwrap().to_owned(),
            };
            let patients: BTreeMap<&str, &Value> =
                output["Patient"].iter().map(|p| (p["id"].as_str().unwrap(), p)).collect();
            assert_eq!(patients.len(), output["Patient"].len());
            let mut newest = 0;
            for venue in &output["Encounter"] {
                let reference = venue["subject"]["reference"].as_str().unwrap();
                let person = patients.get(reference.strip_prefix("Patient/").unwrap());
                let person = person.unwrap_or_else(|| panic!("{reference} is not there"));
                let number = told(venue, "Encounter");
                if let Some(number) = number.strip_prefix("told") {
                    assert_eq!(told(person, "Patient"), format!("told{number}"));
                    newest = newest.max(number.parse().unwrap());
                }
            }
            assert!(newest + 20 >= before, "what was sent before it was asked for is there");
            moments.insert(newest);
        }
        assert!(moments.len() > 1, "the feed ran meanwhile");
    });
}
