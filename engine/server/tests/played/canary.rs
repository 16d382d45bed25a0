//! No patient data in what is told.

use std::fmt::Write as _;

use crate::binary::message;
use crate::support::{Serving, run};

/// A canary in every field of every message, good and broken; nothing of it in any report, on the
/// terminal, in a comparison or in what is refused.
#[test]
fn nothing_of_a_message_gets_into_what_is_told_of_it() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let canary = |place: &str| format!("ZQXCANARY{place}");
    let mut feed = String::new();
    for number in 0..30 {
        let mut text = format!(
            "MSH|^~\\&|{}|{}|B|C|2026030112{:02}00||ADT^A01|{}{number}|P|2.5\r",
            canary("APP"),
            canary("FAC"),
            number,
            canary("CTL")
        );
        for segment in ["EVN", "PID", "NK1", "PV1", "PV2", "MRG", "ZBE", "ZZZ"] {
            text.push_str(segment);
            for field in 1..52 {
                write!(text, "|{}", canary(&format!("{segment}{field}N{}", number % 7))).unwrap();
            }
            text.push('\r');
        }
        feed.push_str(&text);
        feed.push_str("MSH|^~\\&|ZQXCANARYBROKEN\r");
    }
    // Not even by its name.
    let file = "ZQXCANARYNAME.hl7";
    std::fs::write(folder.join(file), feed).unwrap();
    let serving = Serving::start(folder);
    let http = serving.http();
    let mut told = Vec::new();
    for report in ["a", "b"] {
        let files: Vec<String> =
            ["json", "csv", "html"].iter().map(|form| format!("{report}.{form}")).collect();
        let mut arguments =
            vec!["replay", file, "--to", serving.mllp(), "--rate", "400", "--window", "2"];
        for file in &files {
            arguments.extend(["--report", file]);
        }
        arguments.extend([
            "--audit",
            &http,
            "--ej",
            "EJ1",
            "--audit-journal",
            "data",
            "--slip-max",
            "10s",
        ]);
        if report == "b" {
            arguments.push("--json");
        }
        let output = run(folder, &arguments);
        told.extend([output.stdout, output.stderr].concat());
        for file in &files {
            told.extend(std::fs::read(folder.join(file)).unwrap());
        }
    }
    for arguments in [
        &["compare", "a.json", "b.json"][..],
        &["compare", "a.json", "b.json", "--json"],
        &["history", "."],
        &["merge", "a.json", "-o", "c.html"],
        &["replay", file, "--to", "192.0.2.7:2575"],
        &["replay", file, "--to", "127.0.0.1:1"],
        &["deidentify", file, "--key", "k", "-o", "d.hl7"],
    ] {
        let output = run(folder, arguments);
        told.extend([output.stdout, output.stderr].concat());
    }
    let text = String::from_utf8_lossy(&told);
    assert!(text.contains("response") && text.len() > 20_000, "something was told");
    assert!(!text.contains("ZQX"), "{}", &text[text.find("ZQX").unwrap().saturating_sub(200)..]);
    let surrogates = std::fs::read(folder.join("d.hl7")).unwrap();
    let surrogates = String::from_utf8_lossy(&surrogates);
    for gone in ["PID3N", "PID5N", "PID11N", "NK12N", "MRG1N", "ZZZ", "CTL", "PV119N"] {
        assert!(!surrogates.contains(&canary(gone)), "{gone}");
    }
    // The canaries that are looked for are really there to be found.
    let body = ureq::get(format!("{http}/ej/EJ1/export/patients"))
        .call()
        .unwrap()
        .body_mut()
        .read_to_string();
    assert!(body.unwrap().contains("ZQX"));
}

/// A feed, or what is well formed and of another kind, in the place of every other file that is read.
#[test]
fn nothing_of_a_wrong_file_gets_into_why_it_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let file = "m.hl7";
    let feed = message("A28", 1, 1, "NTE|1||ZQXCANARY^ZQXCANARY").replace("PERSON", "ZQXCANARY");
    assert!(feed.starts_with("MSH|") && feed.contains("ZQXCANARY^Given"));
    for (name, text) in [
        (file, feed.replace("|A|PROOF|", "|ZQXCANARY|PROOF|")),
        ("r.json", r#"{"sluice_report":1,"kind":"ZQXCANARY"}"#.to_owned()),
        (
            "v.toml",
            ["format", "stage", "per_hour"].map(|key| format!("{key} = \"ZQXCANARY\"\n")).concat(),
        ),
        ("site.toml", format!("[[ej]]\nid = \"EJ1\"\nname = \"x\"\nsite_file = \"{file}\"")),
    ] {
        std::fs::write(folder.join(name), text).unwrap();
    }
    let serving = Serving::start(folder);
    let http = serving.http();
    let to = ["replay", file, "--to", "127.0.0.1:1"];
    let audit = ["--audit", &http, "--ej", "EJ1"];
    for arguments in [
        &["generate", "--profile", file][..],
        &["generate", "--profile", "v.toml"],
        &["bench", "mix", file],
        &["bench", "mix", "v.toml"],
        &[&to[..], &["--profile", file]].concat(),
        &[&to[..], &["--profile", "v.toml"]].concat(),
        &[&to[..], &["--deidentify", file]].concat(),
        &[&to[..], &audit, &["--truth", file]].concat(),
        &[&to[..], &audit, &["--token", "@m.hl7"]].concat(),
        &["compare", file, file],
        &["compare", "r.json", "r.json"],
        &["merge", file, "-o", "c.html"],
        &["check", "--config", file],
        &["check", "--config", file, "--json"],
        &["check", "--config", "site.toml"],
        &["serve", "--config", file],
        &["token", "list", "--config", file],
    ] {
        let output = run(folder, arguments);
        let said = [output.stdout, output.stderr].concat();
        let said = String::from_utf8_lossy(&said);
        assert!(!output.status.success() && !said.is_empty(), "{arguments:?}: {said}");
        assert!(!said.contains("ZQX"), "{arguments:?}: {said}");
    }
}
