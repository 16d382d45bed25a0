//! The public messages beside the project (`../shared/messages/public`), each alone: no panic,
//! nothing dropped unreported, and as many resources as `fixtures/public-counts.txt` says. That
//! file numbers them by the order of their names and holds nothing of theirs; it is written where
//! `UPDATE_COUNTS` is set, and read by eye before it is kept.

#![allow(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    clippy::print_stdout,
    reason = "a test reads files, says what it skips, and may fail"
)]

mod adt_support;

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use adt_support::{Lane, plain_entity, repository, split};
use sluice_mappings::adt::Effect;
use sluice_mappings::hl7::{Charset, Message, decode_message};

fn within(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()) {
        if entry.is_dir() {
            within(&entry, found);
        } else if entry.extension().is_some_and(|extension| extension == "hl7") {
            found.push(entry);
        }
    }
}

/// The resources that a file's messages leave, by type.
fn counts(file: &Path, wrong: &mut String, number: usize) -> String {
    let mut lane = Lane::new(plain_entity());
    for raw in split(&std::fs::read(file).unwrap()) {
        let decoded = decode_message(&raw, Charset::Utf8);
        if let Ok(message) = Message::index(&decoded.text)
            && message.write() != decoded.text
        {
            let _ = writeln!(wrong, "{number}: a part of the message is not in its index");
        }
        let Some(outcome) = lane.take(&raw) else { continue };
        if outcome.effect != Effect::Applied && outcome.issues.is_empty() {
            let _ = writeln!(wrong, "{number}: {:?}, and no issue says why", outcome.effect);
        }
    }
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    for record in lane.records.all() {
        *counts.entry(record.record_type().fhir()).or_default() += 1;
    }
    let told: Vec<String> = counts.iter().map(|(name, count)| format!("{name} {count}")).collect();
    if told.is_empty() { "nothing".to_owned() } else { told.join(", ") }
}

#[test]
fn each_public_message_makes_as_many_resources_as_is_said() {
    let folder = repository().join("../shared/messages/public");
    if !folder.is_dir() {
        println!("skipped: {} is not there", folder.display());
        return;
    }
    let mut files = Vec::new();
    within(&folder, &mut files);
    files.sort();
    let (mut made, mut wrong) = (String::new(), String::new());
    for (index, file) in files.iter().enumerate() {
        let counts = counts(file, &mut wrong, index + 1);
        let _ = writeln!(made, "{}: {counts}", index + 1);
    }
    let path = repository().join("fixtures/public-counts.txt");
    if std::env::var_os("UPDATE_COUNTS").is_some() {
        std::fs::write(&path, &made).unwrap();
    }
    let said = std::fs::read_to_string(&path).unwrap();
    for (said, made) in said.lines().zip(made.lines()).filter(|(said, made)| said != made) {
        let _ = writeln!(wrong, "{made}; said is {said}");
    }
    assert_eq!(said.lines().count(), files.len(), "messages");
    assert!(wrong.is_empty(), "\n{wrong}");
}
