//! The cycle of a job: whose it is, what is refused, what a restart leaves.

use std::io::Read;
use std::time::Instant;

use serde_json::{Value, json};
use sluice_http::HttpSettings;
use sluice_http::role::Role;

use super::{ASYNC, PATIENCE, ended, exported, hospital, lines, local, ordered};
use crate::support::{Running, settings};

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
