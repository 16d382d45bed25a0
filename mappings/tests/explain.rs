//! Explanations, whole: what the last message of `fixtures/explanations/NAME.hl7` makes of what those
//! before it left, element by element with its origins, and what each of its parts reaches, is what
//! `NAME.txt` says. Those files are written where `UPDATE_SNAPSHOTS` is set, and read by eye before
//! they are kept.

#![allow(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    reason = "a test reads files and may fail"
)]

mod adt_support;

use std::fmt::Write as _;

use adt_support::{Lane, repository, split};
use sluice_ids::{Micros, Seq};
use sluice_mappings::adt::Context;
use sluice_mappings::entity::LegalEntity;
use sluice_mappings::explain::{Explanation, Origin, explain};
use sluice_mappings::fhir::FhirVersion;
use sluice_mappings::hl7::Message;

const PLAIN: &str = "id = \"EJ1\"\nname = \"an EJ\"\ntime_zone = \"Europe/Paris\"\n";

/// One that has declared all that an explanation can name.
const OF_TOKYO: &str = r#"
id = "EJ1"
name = "an EJ"
finess = "699000014"
time_zone = "Asia/Tokyo"

[[authority]]
namespace = "CH"
system = "urn:x:patients"

[[site.code]]
table = "0001"
from = "W"
to = "F"

[[site.field]]
field = "ZPI-1"
on = "patient"
url = "urn:x:badge"
"#;

fn last_of(name: &str, settings: &str, version: FhirVersion) -> Explanation {
    let settings = toml::from_str(settings).unwrap();
    let mut lane = Lane::new(LegalEntity::new(settings).unwrap());
    let file = repository().join("fixtures/explanations").join(name).with_extension("hl7");
    let mut messages = split(&std::fs::read(file).unwrap());
    let last = messages.pop().unwrap();
    for message in messages {
        lane.take(&message).unwrap();
    }
    let last = String::from_utf8(last).unwrap();
    let received_at = Micros::new(1_773_100_000_000_000);
    let context = Context { entity: &lane.entity, seq: Seq::new(lane.seq + 1), received_at };
    explain(&Message::index(&last).unwrap(), &context, &lane.records, version)
}

fn origin(origin: &Origin) -> String {
    match origin {
        Origin::Part(at) => at.to_string(),
        other => format!("{other:?}"),
    }
}

/// Ids are hashes: they say nothing to who reads the file.
fn without_ids(text: &str) -> String {
    let id = |at: usize| {
        let text = text.get(at..at + 36)?;
        let mut bytes = text.bytes().enumerate();
        bytes
            .all(
                |(n, b)| {
                    if matches!(n, 8 | 13 | 18 | 23) { b == b'-' } else { b.is_ascii_hexdigit() }
                },
            )
            .then_some(())
    };
    let (mut out, mut at) = (String::new(), 0);
    while let Some(c) = text[at..].chars().next() {
        if id(at).is_some() {
            out.push('#');
            at += 36;
        } else {
            out.push(c);
            at += c.len_utf8();
        }
    }
    out
}

fn text(explanation: &Explanation) -> String {
    let mut out = String::new();
    for resource in &explanation.resources {
        let new = if resource.is_new { ", new" } else { "" };
        let _ = writeln!(out, "{} {}{new}", resource.of_type.name(), without_ids(&resource.id));
        for element in &resource.elements {
            let origins: Vec<_> = element.origins.iter().map(origin).collect();
            let value = without_ids(&element.value);
            let _ = writeln!(out, "  {} {value} from {}", element.path, origins.join(" "));
        }
    }
    for part in &explanation.parts {
        let reaches: Vec<_> = part.reaches.iter().map(String::as_str).collect();
        let _ = writeln!(out, "{} reaches {}", part.at, reaches.join(" "));
    }
    out
}

fn check(name: &str, settings: &str, version: FhirVersion) {
    let is = text(&last_of(name, settings, version));
    let file = repository().join("fixtures/explanations").join(name).with_extension("txt");
    if std::env::var_os("UPDATE_SNAPSHOTS").is_some() {
        std::fs::write(&file, &is).unwrap();
    }
    let was = std::fs::read_to_string(&file).unwrap();
    for (at, (is, was)) in is.lines().zip(was.lines()).enumerate() {
        assert_eq!(is, was, "{name}.txt, line {} (UPDATE_SNAPSHOTS=1)", at + 1);
    }
    assert_eq!(is.lines().count(), was.lines().count(), "lines of {name}.txt");
}

#[test]
fn what_an_admission_makes() {
    check("admission", OF_TOKYO, FhirVersion::R4);
}

#[test]
fn what_a_transfer_makes_of_a_stay_that_is_known() {
    check("transfer", PLAIN, FhirVersion::R5);
}

#[test]
fn what_a_change_of_a_number_makes_is_another_patient() {
    check("another-patient", PLAIN, FhirVersion::R4);
}

#[test]
fn what_a_merge_takes_away() {
    check("merge", PLAIN, FhirVersion::R4);
}

#[test]
fn a_message_that_comes_again_makes_nothing_and_is_tried_as_another() {
    check("repetition", PLAIN, FhirVersion::R4);
}

#[test]
fn a_field_reaches_what_any_of_its_parts_reaches() {
    let explanation = last_of("admission", OF_TOKYO, FhirVersion::R4);
    let fields = explanation.fields();
    let shown: Vec<_> = fields.iter().map(|(at, _)| at.to_string()).collect();
    let of_pid: Vec<_> = shown.iter().filter(|at| at.starts_with("PID")).collect();
    assert_eq!(of_pid, ["PID[1]-1", "PID[1]-3", "PID[1]-5", "PID[1]-7", "PID[1]-8"]);
    let reaches = |place: &str| {
        let (_, reaches) = fields.iter().find(|(at, _)| at.to_string() == place).unwrap();
        reaches.iter().copied().collect::<Vec<_>>()
    };
    let names = ["Patient.name.family", "Patient.name.given", "Patient.name.use"];
    assert_eq!(reaches("PID[1]-5"), names);
    assert!(reaches("PID[1]-1").is_empty());
    assert_eq!(fields.len(), 19);
}

#[test]
fn a_field_is_one_whatever_it_is_made_of() {
    let text = "MSH|^~\\&|||||||ADT^A28|1|P|2.5\rPID|1||7^^^CH&1.2&ISO~8^^^CH&1.3&ISO||A&B&C^D\r";
    let lane = Lane::new(LegalEntity::new(toml::from_str(PLAIN).unwrap()).unwrap());
    let context = Context { entity: &lane.entity, seq: Seq::new(1), received_at: Micros::new(0) };
    let message = Message::index(text).unwrap();
    let explanation = explain(&message, &context, &lane.records, FhirVersion::R4);
    let fields = explanation.fields();
    let shown: Vec<_> = fields.iter().map(|(at, _)| at.to_string()).collect();
    assert_eq!(shown, ["MSH[1]-10", "MSH[1]-11", "PID[1]-1", "PID[1]-3", "PID[1]-5"]);
}
