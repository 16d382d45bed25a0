//! `docs/mapping.md` says what the code does: its tables are made again here and compared.

#![allow(clippy::unwrap_used, clippy::disallowed_methods, reason = "a test may fail")]

mod adt_support;

use adt_support::{Lane, plain_entity, repository, status};
use sluice_mappings::adt::{IssueCode, Severity, Trigger};
use sluice_mappings::records::StayStatus;

fn document() -> String {
    std::fs::read_to_string(repository().join("docs/mapping.md")).unwrap()
}

/// The rows of the table under a heading, its own heading and rule left out.
fn rows(document: &str, heading: &str) -> Vec<String> {
    let section = document.split_once(heading).expect("the heading stands in the document").1;
    let lines = section.lines().skip_while(|line| !line.starts_with('|'));
    let table = lines.take_while(|line| line.starts_with('|')).skip(2);
    table.map(|line| line.split_whitespace().collect::<Vec<_>>().join(" ")).collect()
}

fn take(lane: &mut Lane, event: Trigger, number: &str, minute: u8) {
    let event = event.as_str();
    lane.take_text(&format!(
        "MSH|^~\\&|S|F|||1||ADT^{event}|C|P|2.5\rEVN||2026031010{minute:02}\r\
         PID|1||P1^^^A||N\rPV1|1|I|W{minute}||||||||||||||||{number}\rMRG|P9^^^A\r"
    ));
}

fn left(lane: &Lane) -> &'static str {
    lane.records.stays().next().map_or("–", |stay| status(stay.status()))
}

/// What an open stay, an unknown number, and no number at all come to by this event.
fn outcomes(event: Trigger) -> [&'static str; 3] {
    let mut known = Lane::new(plain_entity());
    take(&mut known, Trigger::A01, "V1", 1);
    take(&mut known, event, "V1", 2);
    let mut unknown = Lane::new(plain_entity());
    take(&mut unknown, event, "V1", 2);
    let mut without = Lane::new(plain_entity());
    take(&mut without, event, "", 2);
    [left(&known), left(&unknown), left(&without)]
}

fn means(event: Trigger) -> String {
    use StayStatus::{Finished, InProgress, OnLeave, Planned};
    let mut kinds = Vec::new();
    if event.fits(Planned) {
        kinds.push("planned");
    }
    if event.fits(InProgress) {
        assert!(event.fits(OnLeave), "open is in progress or on leave");
        kinds.push("open");
    } else if event.fits(OnLeave) {
        kinds.push("on leave");
    }
    if event.fits_after().is_some() {
        kinds.push("left");
    }
    if event.fits(Finished) {
        kinds.push("finished");
    }
    if kinds.is_empty() { "–".to_owned() } else { kinds.join(", ") }
}

#[test]
fn the_table_of_events_is_what_apply_does() {
    let made: Vec<String> = Trigger::ALL
        .iter()
        .copied()
        .map(|event| {
            let [known, unknown, without] = outcomes(event);
            let (name, meaning) = (event.as_str(), event.meaning());
            format!("| {name} | {meaning} | {known} | {unknown} | {} | {without} |", means(event))
        })
        .collect();
    assert_eq!(rows(&document(), "## Events"), made, "\n{}\n", made.join("\n"));
}

#[test]
fn the_table_of_issues_is_the_codes() {
    let made: Vec<String> = IssueCode::ALL
        .iter()
        .map(|code| {
            let severity = match code.severity() {
                Severity::Information => "information",
                Severity::Warning => "warning",
                Severity::Error => "error",
            };
            format!("| `{}` | {severity} | {} |", code.as_str(), code.meaning())
        })
        .collect();
    assert_eq!(rows(&document(), "## Issues"), made, "\n{}\n", made.join("\n"));
}
