//! Steps as a channel's file writes them, and what a message is after each.

#![allow(clippy::unwrap_used, clippy::disallowed_methods, reason = "a test may fail")]

use proptest::prelude::*;
use serde::Deserialize;
use sluice_channels::steps::{Passed, StepSettings, Steps};

const TEXT: &str = "MSH|^~\\&|APP|CHU|||20260310||ADT^A08|C1|P|2.5\r\
    PID|1||A^^^X~B||Dupont^Jean||||||||06;07\r\
    PV1|1|E|W^R^B|||||||||||||||P\r\
    OBX|1|ST\rOBX|2|NM\r";

#[derive(Deserialize)]
struct File {
    step: Vec<StepSettings>,
}

fn settings(toml: &str) -> Vec<StepSettings> {
    toml::from_str::<File>(toml).unwrap().step
}

fn steps(toml: &str) -> Steps {
    Steps::new(&settings(toml)).unwrap()
}

/// What comes out; `dropped` and `failed` stand for themselves.
fn run(toml: &str) -> String {
    let steps = steps(toml);
    match steps.run(TEXT) {
        Passed::On(text) => text.into_owned(),
        Passed::Dropped { step } => format!("dropped by {step}"),
        Passed::Failed { step } => format!("failed in {step}"),
    }
}

#[test]
fn each_step_does_what_its_file_says() {
    let with = |from: &str, to: &str| {
        assert!(TEXT.contains(from), "{from}");
        TEXT.replace(from, to)
    };
    for (toml, expected) in [
        ("type = 'filter'\ndrop = { event = ['A08'] }", "dropped by 0".to_owned()),
        ("type = 'filter'\nkeep = { event = ['A08', 'A31'] }", TEXT.to_owned()),
        ("type = 'filter'\nkeep = { event = ['A01'] }", "dropped by 0".to_owned()),
        (
            "type = 'filter'\ndrop = { at = 'PV1-2', equals = ['I', 'E'] }",
            "dropped by 0".to_owned(),
        ),
        ("type = 'filter'\ndrop = { at = 'PV1-2', equals = ['I'] }", TEXT.to_owned()),
        ("type = 'filter'\ndrop = { at = 'PID-5.1', matches = '^Du' }", "dropped by 0".to_owned()),
        ("type = 'filter'\ndrop = { at = 'PID-5.1', matches = '^du$' }", TEXT.to_owned()),
        ("type = 'filter'\ndrop = { at = 'PV1-19', empty = true }", "dropped by 0".to_owned()),
        (
            "type = 'filter'\ndrop = { event = ['A01'], at = 'PV1-2', equals = ['E'] }",
            TEXT.to_owned(),
        ),
        ("type = 'set'\nat = 'PV1-2'\ntext = 'I'", with("|E|", "|I|")),
        ("type = 'set'\nat = 'PID-5.2'\ntext = 'A&B'", with("^Jean", "^A\\T\\B")),
        ("type = 'set'\nat = 'PID-5'\nraw = 'N^G'", with("Dupont^Jean", "N^G")),
        ("type = 'set'\nat = 'PV1-2'\ntext = 'I'\nwhen = { event = ['A01'] }", TEXT.to_owned()),
        ("type = 'copy'\nfrom = 'PID-3[2]'\nto = 'PID-2'", with("PID|1||", "PID|1|B|")),
        ("type = 'copy'\nfrom = 'PV1-3.2'\nto = 'PV1-6.3'", with("|W^R^B|||", "|W^R^B|||^^R")),
        ("type = 'remove'\nat = 'OBX'", with("OBX|1|ST\rOBX|2|NM\r", "")),
        ("type = 'remove'\nat = 'OBX[2]'", with("OBX|2|NM\r", "")),
        ("type = 'remove'\nat = 'PID-3[1]'", with("A^^^X~B", "B")),
        ("type = 'remove'\nat = 'PID-13'", with("06;07", "")),
        ("type = 'lookup'\nat = 'PV1-2'\ntable = { E = 'I', O = 'U' }", with("|E|", "|I|")),
        ("type = 'lookup'\nat = 'PV1-2'\ntable = { O = 'U' }", TEXT.to_owned()),
        ("type = 'lookup'\nat = 'PV1-2'\ntable = { O = 'U' }\notherwise = 'N'", with("|E|", "|N|")),
        (
            "type = 'lookup'\nat = 'PV1-2'\nto = 'PV1-4'\ntable = { E = 'X' }",
            with("|E|W^R^B|", "|E|W^R^B|X"),
        ),
        ("type = 'split'\nat = 'PID-13'\non = ';'", with("06;07", "06~07")),
        (
            "type = 'script'\nsource = '''if message.text(\"PV1-2\") == \"E\" { message.drop(); }'''",
            "dropped by 0".to_owned(),
        ),
        (
            "type = 'script'\nsource = '''message.set_text(\"PID-5.2\", message.raw(\"PID-3\"))'''",
            with("^Jean", "^A\\S\\\\S\\\\S\\X\\R\\B"),
        ),
        (
            "type = 'script'\nsource = '''for n in 1..=message.count(\"OBX\") \
            { message.set_raw(`OBX[${n}]-3`, `${n}`); } message.remove(\"PID-13\")'''",
            with("06;07", "").replace("|ST\r", "|ST|1\r").replace("|NM\r", "|NM|2\r"),
        ),
    ] {
        let expected = expected.as_str();
        assert_eq!(run(&format!("[[step]]\n{toml}")), expected, "{toml}");
    }
}

#[test]
fn steps_follow_each_other_and_are_shown() {
    let steps = steps(
        "[[step]]\ntype = 'set'\nat = 'PV1-2'\ntext = 'I'\n\
         [[step]]\ntype = 'filter'\nkeep = { at = 'PV1-2', equals = ['I'] }\n\
         [[step]]\ntype = 'filter'\ndrop = { at = 'PV1-2', equals = ['I'] }\n\
         [[step]]\ntype = 'set'\nat = 'PV1-2'\ntext = 'O'",
    );
    let mut shown = Vec::new();
    let passed = steps.each(TEXT, |name, text| shown.push((name, text.to_owned())));
    assert_eq!(passed, Passed::Dropped { step: 2 });
    let after = TEXT.replace("|E|", "|I|");
    assert_eq!(shown, [("set", after.clone()), ("filter", after)]);
}

#[test]
fn a_script_that_goes_wrong_fails_and_stops_nobody() {
    for source in [
        "loop { }",
        "let s = \"x\"; loop { s += s; }",
        "let a = []; loop { a.push(1); }",
        "fn f(n) { f(n + 1) } f(0)",
        "message.set_text(\"PID-0\", \"x\")",
        "message.set_raw(\"PID-5\", \"a\\rZZZ|1\")",
        "message.set_text(\"OBX[9]-1\", \"x\")",
        "throw \"no\"",
        "1 / 0",
    ] {
        let toml = format!("[[step]]\ntype = 'script'\nsource = '''{source}'''");
        assert_eq!(run(&toml), "failed in 0", "{source}");
    }
    // A smaller bound is a smaller bound.
    let counts = "let n = 0; while n < 1000 { n += 1; }";
    let toml = format!("[[step]]\ntype = 'script'\nsource = '{counts}'");
    assert_eq!(run(&toml), TEXT);
    assert_eq!(run(&format!("{toml}\noperations_max = 100")), "failed in 0");
}

#[test]
fn what_is_wrong_with_a_step_is_said_by_its_key() {
    for (toml, key, what) in [
        ("type = 'filter'", "drop", "either drop or keep"),
        ("type = 'filter'\ndrop = {}", "when", "holds of every message"),
        ("type = 'filter'\ndrop = { at = 'PID-5' }", "at", "asks nothing"),
        ("type = 'filter'\ndrop = { equals = ['A'] }", "equals", "of what?"),
        ("type = 'filter'\ndrop = { at = 'PID-5', matches = '(?=x)' }", "matches", "look-around"),
        ("type = 'filter'\ndrop = { at = 'pid', empty = true }", "at", "begins with a segment"),
        ("type = 'set'\nat = 'PID-5'", "text", "either text or raw"),
        ("type = 'set'\nat = 'PID'\ntext = ''", "at", "names no field"),
        ("type = 'set'\nat = 'MSH-2'\ntext = ''", "at", "the separators"),
        ("type = 'set'\nat = 'PID-5'\nraw = \"a\\rb\"", "raw", "line end"),
        ("type = 'copy'\nfrom = 'PID-3'\nto = 'PID-5.1'", "to", "smaller"),
        ("type = 'remove'\nat = 'MSH'", "at", "cannot be removed"),
        ("type = 'split'\nat = 'PID-13.1'\non = ';'", "at", "whole field"),
        ("type = 'split'\nat = 'PID-13'\non = ''", "on", "empty"),
        ("type = 'script'\nsource = 'let = 1'", "source", "line 1"),
        ("type = 'script'\nsource = 'eval(\"1\")'", "source", "eval"),
        ("type = 'script'\nsource = 'x + 1'", "source", "x"),
        ("type = 'script'\nsource = ''\noperations_max = 0", "operations_max", "too small"),
    ] {
        let toml = format!("[[step]]\ntype = 'split'\nat = 'PID-13'\non = ';'\n[[step]]\n{toml}");
        let problems = Steps::new(&settings(&toml)).unwrap_err();
        let [problem] = &problems[..] else { panic!("{problems:?}") };
        assert_eq!((problem.step, problem.key), (1, key), "{toml}: {problem:?}");
        assert!(problem.what.contains(what), "{toml}: {problem:?}");
    }
    assert!(toml::from_str::<File>("[[step]]\ntype = 'set'\nat = 'PID-5'\ntxt = ''").is_err());
}

proptest! {
    /// Whatever text, whatever place: what comes out is a message again, and says at the place
    /// what was written there.
    #[test]
    fn what_is_set_can_be_read_there(
        text in "MSH\\|\\^~\\\\&\\|(\rPID[|^~&A-B]{0,12}){0,3}\r",
        place in "(PID|PV1)(\\[[1-4]\\])?-[1-4](\\[[1-3]\\])?(\\.[1-3](\\.[1-3])?)?",
        value in "[a-b|^~&\\\\é]{0,4}",
    ) {
        use sluice_mappings::hl7::{Location, Message, escape::unescape};
        let toml = format!("[[step]]\ntype = 'set'\nat = '{place}'\ntext = '{value}'");
        if let Passed::On(after) = steps(&toml).run(&text) {
            let message = Message::index(&after).unwrap();
            let at = Location::parse(&place).unwrap();
            prop_assert_eq!(unescape(message.at(&at), &message.separators()), value);
        }
    }
}

fn deidentifying(folder: &std::path::Path) -> Vec<StepSettings> {
    let mut settings = settings("[[step]]\ntype = 'deidentify'\nkey_file = 'site.key'");
    settings.iter_mut().for_each(|step| step.resolve(folder).unwrap());
    settings
}

#[test]
fn a_message_is_put_under_surrogates_by_a_key_that_the_settings_only_name() {
    let folder = tempfile::tempdir().unwrap();
    let key = folder.path().join("site.key");
    std::fs::write(&key, [b'k'; 32]).unwrap();
    let settings = deidentifying(folder.path());
    let written = toml::to_string(&settings[0]).unwrap();
    assert!(written.contains("key_id = ") && !written.contains("kkkk"), "{written}");

    let once = Steps::new(&settings).unwrap();
    let Passed::On(text) = once.run(TEXT) else { panic!("it has a key") };
    for gone in ["Dupont", "Jean", "06;07", "|A^^^X", "C1"] {
        assert!(!text.contains(gone), "{gone} in {text}");
    }
    assert!(text.contains("PV1|1|E|W^R^B"), "{text}");
    let alone = sluice_mappings::deidentify::deidentify(
        TEXT.as_bytes(),
        &sluice_channels::steps::read_key(&key).unwrap(),
    );
    assert_eq!(text.as_bytes(), alone, "the step and the command are one");
    // The same through what the journal gives back, and where junk stands before the header.
    let journaled: StepSettings = toml::from_str(&written).unwrap();
    let again = Steps::journaled(&[journaled]).unwrap();
    assert_eq!(again.lacks_key(), None);
    assert_eq!(again.run(TEXT), Passed::On(text.clone()));
    let junk = format!("\u{feff} \n{TEXT}");
    assert_eq!(again.run(&junk), Passed::On(text));
}

#[test]
fn under_another_key_nothing_is_made_up() {
    let folder = tempfile::tempdir().unwrap();
    let key = folder.path().join("site.key");
    std::fs::write(&key, [b'k'; 32]).unwrap();
    let settings = deidentifying(folder.path());
    for changed in [Some([b'o'; 32]), None] {
        match changed {
            Some(other) => std::fs::write(&key, other).unwrap(),
            None => std::fs::remove_file(&key).unwrap(),
        }
        let problems = Steps::new(&settings).unwrap_err();
        assert_eq!((problems[0].step, problems[0].key), (0, "key_file"));
        let once = Steps::journaled(&settings).unwrap();
        assert_eq!(once.lacks_key(), Some(0));
        assert_eq!(once.run(TEXT), Passed::Failed { step: 0 });
    }
    let mut meant = settings.clone();
    std::fs::write(&key, [b'o'; 32]).unwrap();
    assert_eq!(meant[0].resolve(folder.path()).unwrap_err().key, "key_id");
    let mut unresolved = self::settings("[[step]]\ntype = 'deidentify'\nkey_file = 'gone.key'");
    assert_eq!(Steps::new(&unresolved).unwrap_err()[0].key, "key_id");
    let problem = unresolved[0].resolve(folder.path()).unwrap_err();
    assert!(problem.key == "key_file" && problem.what.contains("cannot be read"), "{problem:?}");
}
