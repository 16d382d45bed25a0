//! What is refused before anything is sent, and how.

use crate::binary::{message, refused};

#[test]
fn a_wrong_command_line_says_what_is_wrong_with_it_and_sends_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    std::fs::write(folder.join("f.hl7"), message("A28", 1, 1, "")).unwrap();
    std::fs::write(folder.join("short.key"), "secret").unwrap();
    std::fs::write(folder.join("day.toml"), "per_hour = [1]").unwrap();
    std::fs::write(folder.join("no.json"), "{}").unwrap();
    let to = ["replay", "f.hl7", "--to", "127.0.0.1:1"];
    let cases: [(&[&str], i32, &str); 32] = [
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
        (&["--as-recorded", "--speed", "0"], 2, "--speed 0: is not above 0"),
        (&["--rate", "1", "--speed", "2"], 2, "<--profile <FILE>|--as-recorded>"),
        (&["--closed", "--speed", "2"], 2, "<--profile <FILE>|--as-recorded>"),
        (&["--as-recorded", "--poisson"], 2, "cannot be used with"),
        (&["--rate", "1", "--seed", "2"], 2, "<--poisson|--loss <PERCENT>>"),
        (&["--slip-max", "1s"], 2, "--rate <PER_SECOND>|"),
        (&["--timeout", "0"], 2, "invalid value '0' for '--timeout"),
        (&["--poisson"], 2, "--poisson: needs --rate, --stages or --profile"),
        (&["--rate", "1", "--closed"], 2, "cannot be used with"),
        (&["--shard", "3/2"], 2, "--shard 3/2: is not K/N with K from 1 to N, such as 2/3"),
        (&["--shift", "soon"], 2, "--shift soon: is neither a span, such as 30d or -2h, nor now"),
        (&["--latency", "x"], 2, "--latency: a span is a number with a unit"),
        (&["--loss", "100"], 2, "--loss: 100 is not from 0 to less than 100"),
        (&["--rate", "1", "--slip-max", "x"], 2, "--slip-max: a span is a number with a unit"),
        (&["--fail", "x"], 2, "--fail \"x\" has no comparison"),
        (&["--fail", "x<1"], 2, "nothing here measures \"x\"; known are response.p99"),
        (&["--fail", "lost==0"], 2, "--fail lost==0: is measured with --audit-journal alone"),
        (&["--fail", "state_differences==0"], 2, "is measured with --audit alone"),
        (&["--report", "run.pdf"], 2, "run.pdf: a report is written as .json, .csv, .html or .svg"),
        (&["--deidentify", "short.key"], 1, "short.key: a key has at least 32 bytes"),
        (&["--audit-journal", "gone"], 2, "--audit-journal gone: is no folder"),
        (&["--audit-journal", "."], 1, "--audit-journal .: holds no journal"),
        (&["--truth", "t"], 2, "--audit <URL>"),
        (
            &["--audit", "http://127.0.0.1:1", "--ej", "E"],
            1,
            "--audit http://127.0.0.1:1: GET /api/status: ",
        ),
        (&[], 1, "127.0.0.1:1: the listener cannot be reached: "),
        // Nor is anybody there behind a bad network.
        (&["--latency", "1ms"], 1, "127.0.0.1:1: the listener cannot be reached: "),
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
        (&["bench", "mllp", "--rates", "5", "--rounds", "2"], 2, "cannot be used with"),
        (&["bench", "mllp", "--window", "2"], 2, "<--rates <PER_SECOND>|--find-knee>"),
        (&["bench", "mllp", "--rates", "5", "--seconds", "0"], 2, "--seconds 0: a rate needs time"),
        (
            &["bench", "mllp", "--seconds", "0", "--burst-seconds", "0"],
            2,
            "nothing would be measured",
        ),
        (
            &["bench", "mllp", "--rates", "5", "--fail", "lost==0"],
            2,
            "--fail lost==0: is measured by `sluice replay --audit` alone",
        ),
        (&["compare", "--least=-1", "no.json", "no.json"], 2, "--least -1: is not a number"),
        (&["compare", "no.json", "gone.json"], 1, "no.json: is no report of `sluice`"),
        (&["merge", "gone.json", "-o", "x.json"], 1, "gone.json: "),
        (&["history", "gone"], 1, "gone: "),
    ] {
        let (is, said) = refused(folder, arguments);
        assert!(is == code && said.contains(text), "{arguments:?}: {is} {said}");
    }
}
