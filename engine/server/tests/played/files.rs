//! Files that are written whole, or left as they were.

use std::io::Read;
use std::path::Path;
use std::process::Stdio;

use crate::binary::{message, refused};
use crate::support::{run, sluice};

fn names(folder: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(folder).unwrap();
    let name = |entry: std::io::Result<std::fs::DirEntry>| entry.unwrap().file_name();
    let mut names: Vec<String> = entries.map(|entry| name(entry).into_string().unwrap()).collect();
    names.sort();
    names
}

#[test]
fn what_cannot_be_generated_leaves_every_file_as_it_was() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    for file in ["feed.hl7", "feed.truth"] {
        std::fs::write(folder.join(file), "as it was").unwrap();
    }
    let profile = run(folder, &["generate", "--print-profile"]).stdout;
    let profile = String::from_utf8(profile).unwrap();
    let narrow = profile.replace("identities_most = 800000", "identities_most = 80");
    assert_ne!(narrow, profile);
    std::fs::write(folder.join("narrow.toml"), narrow).unwrap();
    let to_nobody = "--to=127.0.0.1:1";
    let cases: [(&[&str], i32, &str); 12] = [
        (&["--patients", "0", "-o", "feed.hl7"], 2, "patients: needs 1 to "),
        (&["--ej", "EJ9", "-o", "feed.hl7"], 2, "EJ9 is no EJ of the demonstration"),
        // Found out only on the way.
        (&["--profile", "narrow.toml", "-o", "feed.hl7"], 2, "all its identity numbers"),
        (&["-o", "feed.hl7", "--threads", "0"], 2, "'--threads"),
        (&[to_nobody], 1, "cannot connect to EJ1 (127.0.0.1:1): "),
        (&["--to", "EJ2=127.0.0.1:1"], 2, "EJ2 is not generated, only EJ1 (--ej)"),
        (&["--ej", "EJ1,EJ2", "--to", "EJ1=127.0.0.1:1"], 2, "no listener was named for EJ2"),
        (&[to_nobody, to_nobody], 2, "a listener for every EJ was named before"),
        (&[to_nobody, "--patients", "0"], 2, "patients: needs 1 to "),
        (&["--manifest", "-"], 2, "--manifest -: goes to a file; --json prints the manifest"),
        (&["--truth", "-"], 2, "--truth -: goes to a file"),
        (&["-o", "feed.truth"], 2, "--truth feed.truth: is written already"),
    ];
    for (arguments, code, text) in cases {
        let truth = arguments.contains(&"--truth");
        let more: &[&str] = if truth { &[] } else { &["--truth", "feed.truth"] };
        let (is, said) = refused(folder, &[&["generate"], arguments, more].concat());
        assert!(is == code && said.contains(text), "{arguments:?}: {is} {said}");
    }
    assert_eq!(names(folder), ["feed.hl7", "feed.truth", "narrow.toml"]);
    for file in ["feed.hl7", "feed.truth"] {
        assert_eq!(std::fs::read(folder.join(file)).unwrap(), b"as it was");
    }
    let done = ["generate", "--patients", "5", "-o", "feed.hl7", "--truth", "feed.truth"];
    assert!(run(folder, &done).status.success());
    let made = ["feed.hl7", "feed.hl7.manifest.json", "feed.truth", "narrow.toml"];
    assert_eq!(names(folder), made);
    assert!(std::fs::read(folder.join("feed.hl7")).unwrap().starts_with(b"MSH|"));
}

#[test]
fn nothing_is_left_where_nobody_reads_on() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let arguments = ["generate", "--patients", "2000", "-o", "-", "--truth", "feed.truth"];
    let mut child = sluice(folder, &arguments).stdout(Stdio::piped()).spawn().unwrap();
    let mut start = [0; 4];
    child.stdout.take().unwrap().read_exact(&mut start).unwrap();
    assert_eq!(&start, b"MSH|");
    assert_eq!(child.wait().unwrap().code(), Some(141));
    assert_eq!(names(folder), [""; 0]);
}

#[test]
fn no_key_is_made_for_a_feed_that_is_not_there() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let deidentify = |feed, to| ["deidentify", feed, "--key", "new.key", "-o", to];
    let (code, said) = refused(folder, &deidentify("gone.hl7", "out.hl7"));
    assert!(code == 1 && said.contains("gone.hl7: "), "{code} {said}");
    std::fs::write(folder.join("f.hl7"), message("A28", 1, 1, "")).unwrap();
    let (code, said) = refused(folder, &deidentify("f.hl7", "-"));
    assert!(code == 2 && said.contains("--output -: goes to a file"), "{code} {said}");
    assert_eq!(names(folder), ["f.hl7"]);
    assert!(run(folder, &deidentify("f.hl7", "out.hl7")).status.success());
    assert_eq!(names(folder), ["f.hl7", "new.key", "out.hl7", "out.hl7.manifest.json"]);
}
