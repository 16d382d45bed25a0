//! What is played and told of it, by the binary itself: what it refuses and how, what it finds out
//! about an engine, and that nothing of a message gets into what it tells.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::io::{BufRead, BufReader, Read, Write as _};
use std::net::TcpListener;
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};

const CONFIG: &str = r#"
[[ej]]
id = "EJ1"
name = "Proof"
finess = "699000014"
[[ej.authority]]
namespace = "PROOF"
universal_id = "699000014"
system = "https://proof.example/ipp"
use = "patient"
[[listener]]
id = "EJ1.mllp"
ejs = ["EJ1"]
address = "127.0.0.1:0"
"#;

fn sluice(folder: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_sluice"));
    let ours = |(name, _): &(String, String)| name.starts_with("SLUICE_");
    for (name, _) in std::env::vars().filter(ours) {
        command.env_remove(name);
    }
    command.current_dir(folder).args(arguments).stdin(Stdio::null());
    command
}

fn run(folder: &Path, arguments: &[&str]) -> Output {
    sluice(folder, arguments).output().unwrap()
}

/// Its exit code, and what it said on standard error.
fn refused(folder: &Path, arguments: &[&str]) -> (i32, String) {
    let output = run(folder, arguments);
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    (output.status.code().unwrap(), said)
}

/// An engine in `folder/data`; killed when dropped.
struct Serving {
    child: Child,
    addresses: BTreeMap<String, String>,
}

impl Serving {
    fn start(folder: &Path) -> Self {
        std::fs::write(folder.join("proof.toml"), CONFIG).unwrap();
        let arguments =
            ["serve", "--config", "proof.toml", "--data-dir", "data", "--http", "127.0.0.1:0"];
        let mut command = sluice(folder, &arguments);
        let child = command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
        let mut serving = Self { child, addresses: BTreeMap::new() };
        let said = BufReader::new(serving.child.stdout.take().unwrap());
        for line in said.lines().map(Result::unwrap) {
            let words: Vec<&str> = line.split(' ').collect();
            match words.as_slice() {
                ["listening", id, address] => {
                    serving.addresses.insert((*id).to_owned(), (*address).to_owned());
                }
                ["ready"] => return serving,
                _ => {}
            }
        }
        panic!("it ended before it was ready: {:?}", serving.child.wait());
    }

    fn mllp(&self) -> &str {
        &self.addresses["EJ1.mllp"]
    }

    fn http(&self) -> String {
        format!("http://{}", self.addresses["http"])
    }
}

impl Drop for Serving {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn message(event: &str, number: usize, patient: usize, more: &str) -> String {
    format!(
        "MSH|^~\\&|A|PROOF|B|C|20260301120{:03}||ADT^{event}|P{number}|P|2.5\r\
         EVN||20260301120000\rPID|1||{patient}^^^PROOF&699000014&M^PI||PERSON^Given\r{more}\r",
        number % 1000
    )
}

#[test]
fn a_wrong_command_line_says_what_is_wrong_with_it_and_sends_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    std::fs::write(folder.join("f.hl7"), message("A28", 1, 1, "")).unwrap();
    std::fs::write(folder.join("short.key"), "secret").unwrap();
    std::fs::write(folder.join("day.toml"), "per_hour = [1]").unwrap();
    std::fs::write(folder.join("no.json"), "{}").unwrap();
    let to = ["replay", "f.hl7", "--to", "127.0.0.1:1"];
    let cases: [(&[&str], i32, &str); 22] = [
        (&["--to", "nowhere"], 2, "--to nowhere: is not HOST:PORT"),
        (&["--rate", "0"], 2, "--rate: a rate is a number of messages a second above 0, not \"0\""),
        (&["--stages", "x"], 2, "--stages: a stage is SPAN@RATE or SPAN@FROM-TO, such as 30s@200"),
        (&["--profile", "gone.toml"], 1, "--profile gone.toml: "),
        (
            &["--profile", "day.toml"],
            2,
            "day.toml: the profile: per_hour needs 24 numbers, and has 1",
        ),
        (&["--as-recorded", "--max-gap", "x"], 2, "--max-gap: a span is a number with a unit"),
        (&["--rate", "1", "--speed", "0"], 2, "--speed 0: is not above 0"),
        (&["--poisson"], 2, "--poisson: needs --rate, --stages or --profile"),
        (&["--rate", "1", "--closed"], 2, "cannot be used with"),
        (&["--shard", "3/2"], 2, "--shard 3/2: is not K/N with K from 1 to N, such as 2/3"),
        (&["--shift", "soon"], 2, "--shift soon: is neither a span, such as 30d or -2h, nor now"),
        (&["--latency", "x"], 2, "--latency: a span is a number with a unit"),
        (&["--loss", "100"], 2, "--loss: 100 is not from 0 to less than 100"),
        (&["--slip-max", "x"], 2, "--slip-max: a span is a number with a unit"),
        (&["--fail", "x"], 2, "--fail \"x\" has no comparison"),
        (&["--fail", "x<1"], 2, "nothing here measures \"x\"; known are response.p99"),
        (&["--report", "run.pdf"], 2, "run.pdf: a report is written as .json, .csv, .html or .svg"),
        (&["--deidentify", "short.key"], 1, "short.key: a key has at least 32 bytes"),
        (&["--audit-journal", "gone"], 2, "--audit-journal gone: is no folder"),
        (&["--truth", "t"], 2, "--audit <URL>"),
        (
            &["--audit", "http://127.0.0.1:1", "--ej", "E"],
            1,
            "--audit http://127.0.0.1:1: GET /api/status: ",
        ),
        (&[], 1, "127.0.0.1:1: the listener cannot be reached: "),
    ];
    for (more, code, text) in cases {
        let arguments: Vec<&str> = match more {
            ["--to", ..] => [&["replay", "f.hl7"], more].concat(),
            _ => [&to, more].concat(),
        };
        let (is, said) = refused(folder, &arguments);
        assert!(is == code && said.contains(text), "{more:?}: {is} {said}");
        assert!(!said.contains("PERSON"), "{said}");
    }
    for (arguments, code, text) in [
        (&["replay", "gone.hl7", "--to", "127.0.0.1:1"][..], 1, "gone.hl7: "),
        (
            &["replay", "no.json", "--to", "127.0.0.1:1"],
            1,
            "no.json: holds no message (none begins with MSH)",
        ),
        (
            &["replay", "f.hl7", "--to", "192.0.2.7:2575"],
            2,
            "192.0.2.7:2575 is not this machine, and the feed may be somebody's",
        ),
        (&["compare", "no.json", "gone.json"], 1, "no.json: is no report of `sluice`"),
        (&["merge", "gone.json", "-o", "x.json"], 1, "gone.json: "),
        (&["history", "gone"], 1, "gone: "),
    ] {
        let (is, said) = refused(folder, arguments);
        assert!(is == code && said.contains(text), "{arguments:?}: {is} {said}");
    }
}

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

/// A listener that accepts everything; where it listens.
fn accepting() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap().to_string();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            std::thread::spawn(move || {
                let (mut received, mut buffer) = (Vec::new(), [0; 4096]);
                while let Ok(read @ 1..) = stream.read(&mut buffer) {
                    received.extend_from_slice(&buffer[..read]);
                    while let Some(end) = received.windows(2).position(|two| two == b"\x1c\r") {
                        let message = String::from_utf8_lossy(&received[1..end]).into_owned();
                        received.drain(..end + 2);
                        let id = message.split('|').nth(9).unwrap_or_default();
                        let answer = format!("\x0bMSH|^~\\&|\rMSA|AA|{id}\r\x1c\r");
                        stream.write_all(answer.as_bytes()).unwrap();
                    }
                }
            });
        }
    });
    address
}

#[test]
fn runs_are_compared_merged_and_called_invalid_by_their_exit_codes() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let feed: String = (0..200).map(|at| message("A28", at, at % 40, "")).collect();
    std::fs::write(folder.join("f.hl7"), feed).unwrap();
    let to = accepting();
    let play = |more: &[&str]| {
        let base = ["replay", "f.hl7", "--to", &to, "--rate", "400", "--slip-max", "10s"];
        run(folder, &[&base, more].concat()).status.code().unwrap()
    };
    assert_eq!(play(&["--report", "a.json", "--report", "a.svg"]), 0);
    assert!(std::fs::read_to_string(folder.join("a.svg")).unwrap().starts_with("<svg"));
    assert_eq!(play(&["--connections", "2", "--report", "b.json"]), 0);
    let compare = |one, other| run(folder, &["compare", one, other]).status.code().unwrap();
    assert_eq!(compare("a.json", "a.json"), 0);
    assert_eq!(compare("a.json", "b.json"), 2);
    let changed = |name: &str, change: &dyn Fn(&mut serde_json::Value)| {
        let text = std::fs::read_to_string(folder.join("a.json")).unwrap();
        let mut report: serde_json::Value = serde_json::from_str(&text).unwrap();
        change(&mut report);
        std::fs::write(folder.join(name), report.to_string()).unwrap();
    };
    changed("slower.json", &|report| {
        let p99 = &mut report["cases"][0]["figures"]["response.p99"]["values"];
        for value in p99.as_array_mut().unwrap() {
            *value = (value.as_f64().unwrap() * 1.5).into();
        }
    });
    assert_eq!((compare("a.json", "slower.json"), compare("slower.json", "a.json")), (1, 0));
    changed("invalid.json", &|report| report["standing"] = "invalid".into());
    assert_eq!(compare("a.json", "invalid.json"), 3);
    // A sender that may not be late at all is.
    assert_eq!(play(&["--slip-max", "0s"]), 2, "an option twice is wrong usage");
    let late = run(folder, &["replay", "f.hl7", "--to", &to, "--rate", "400", "--slip-max", "0s"]);
    assert_eq!(late.status.code(), Some(3));
    assert!(String::from_utf8_lossy(&late.stdout).contains("INVALID: the sender fell behind"));
    for shard in ["1/2", "2/2"] {
        let file = format!("s{}.json", &shard[..1]);
        assert_eq!(play(&["--shard", shard, "--report", &file]), 0);
    }
    let merged = run(folder, &["merge", "s1.json", "s2.json", "-o", "whole.json"]);
    assert!(String::from_utf8_lossy(&merged.stdout).contains("accepted 200"), "{merged:?}");
    let twice = run(folder, &["merge", "s1.json", "s1.json", "-o", "whole.json"]);
    assert_eq!(twice.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&twice.stderr).contains("shard 1 is there twice"));
    let history = run(folder, &["history", "."]);
    assert!(String::from_utf8_lossy(&history.stdout).contains("a.json"));
}

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
