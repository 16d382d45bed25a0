//! What an audit finds out about an engine, and what it does not claim to know.

use std::fmt::Write as _;
use std::path::Path;

use crate::binary::{accepting, message, refused};
use crate::support::{Serving, run};

#[test]
fn an_audit_of_our_own_engine_finds_nothing_and_one_of_another_feed_does() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let (mut feed, mut truth) = (String::new(), String::new());
    for number in 0..60 {
        let event = if number < 20 { "A28" } else { "A31" };
        feed.push_str(&message(event, number, number % 20, "PV1|1|N\r"));
    }
    for patient in 0..20 {
        writeln!(
            truth,
            r#"{{"ej":"EJ1","ipp":"{patient}","old":[],"active":true,"replaced_by":null,"faults":[],"stays":[]}}"#
        )
        .unwrap();
    }
    std::fs::write(folder.join("f.hl7"), feed).unwrap();
    std::fs::write(folder.join("t.ndjson"), &truth).unwrap();
    let serving = Serving::start(folder);
    let http = serving.http();
    let arguments = |truth| {
        let mut arguments = vec!["replay", "f.hl7", "--to", serving.mllp(), "--connections", "3"];
        arguments.extend(["--window", "4", "--audit", &http, "--ej", "EJ1", "--truth", truth]);
        arguments.extend([
            "--audit-journal",
            "data",
            "--fail",
            "lost==0",
            "--fail",
            "duplicated==0",
        ]);
        arguments.extend(["--fail", "reordered==0", "--fail", "state_differences==0", "--json"]);
        arguments
    };
    let clean = run(folder, &arguments("t.ndjson"));
    assert!(clean.status.success(), "{}", String::from_utf8_lossy(&clean.stdout));
    // Somebody else is expected, and nothing of this run is in the journal: it was repetitions.
    std::fs::write(folder.join("u.ndjson"), truth.replace("\"ipp\":\"7\"", "\"ipp\":\"77\""))
        .unwrap();
    let other = run(folder, &arguments("u.ndjson"));
    assert_eq!(other.status.code(), Some(1));
    let report: serde_json::Value = serde_json::from_slice(&other.stdout).unwrap();
    assert_eq!(report["cases"][0]["counters"]["state_differences"], 1);
    assert!(report["remarks"].to_string().contains("state: patient 8: is not there"), "{report}");
}

/// A feed of twenty patients, and what it comes to.
fn twenty(folder: &Path) {
    let feed: String = (0..20).map(|at| message("A28", at, at, "PV1|1|N\r")).collect();
    std::fs::write(folder.join("f.hl7"), feed).unwrap();
    let line = |patient| {
        format!(
            r#"{{"ej":"EJ1","ipp":"{patient}","old":[],"active":true,"replaced_by":null,"faults":[],"stays":[]}}"#
        )
    };
    let truth: Vec<String> = (0..20).map(line).collect();
    std::fs::write(folder.join("t.ndjson"), truth.join("\n")).unwrap();
    std::fs::write(folder.join("empty.ndjson"), "").unwrap();
    std::fs::write(folder.join("other.ndjson"), truth.join("\n").replace("EJ1", "EJ2")).unwrap();
}

#[test]
fn an_audit_that_could_compare_nothing_is_refused_before_anything_is_sent() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    twenty(folder);
    // Nobody listens there: what is refused is refused before.
    let base = ["replay", "f.hl7", "--to", "127.0.0.1:1", "--audit", "http://127.0.0.1:1"];
    for (ej, truth) in [("EJ1", "empty.ndjson"), ("EJ1", "other.ndjson"), ("EJ2", "t.ndjson")] {
        let (code, said) = refused(folder, &[&base[..], &["--ej", ej, "--truth", truth]].concat());
        let expected = format!("--truth {truth}: says nothing of {ej}");
        assert!(code == 2 && said.contains(&expected), "{truth}: {code} {said}");
    }
    let part = ["--ej", "EJ1", "--truth", "t.ndjson", "--shard", "1/2"];
    let (code, said) = refused(folder, &[&base[..], &part].concat());
    assert!(code == 2 && said.contains("--truth: speaks of the feed as it is, not in part"));
}

#[test]
fn an_audit_of_an_ej_that_knew_people_before_says_so_and_counts_only_what_it_can_tell() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    twenty(folder);
    let serving = Serving::start(folder);
    let http = serving.http();
    let played = |feed: &str, more: &[&str]| {
        let base = ["replay", feed, "--to", serving.mllp(), "--audit", &http, "--ej", "EJ1"];
        let output = run(folder, &[&base[..], more].concat());
        (output.status.code().unwrap(), String::from_utf8_lossy(&output.stdout).into_owned())
    };
    // Somebody else under the numbers 0 to 4, with a stay, before.
    let stay = |at| format!("PV1|1|I|U^R^B||||||||||||||||V{at}\r");
    let before: String = (0..5).map(|at| message("A01", 100 + at, at, &stay(at))).collect();
    std::fs::write(folder.join("before.hl7"), before).unwrap();
    let (code, told) = played("before.hl7", &[]);
    assert!(code == 0 && told.contains("state_compared 5 · state_differences 0"), "{told}");
    let (code, told) = played("f.hl7", &["--truth", "t.ndjson"]);
    assert!(told.contains("state_compared 15 · state_differences 0"), "{told}");
    let remark = "the EJ held 5 patients before; 5 identities under numbers that it knew already are not as the \
                  truth says";
    assert!(code == 0 && told.contains(remark), "{told}");
}

#[test]
fn an_audit_against_the_journal_of_another_engine_says_that_it_is_another() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    twenty(folder);
    let _other = Serving::start(folder);
    let to = accepting();
    let output = run(folder, &["replay", "f.hl7", "--to", &to, "--audit-journal", "data"]);
    let told = String::from_utf8_lossy(&output.stdout);
    assert_eq!(output.status.code(), Some(1));
    assert!(told.contains("lost 20") && told.contains("it is another engine's"), "{told}");
}
