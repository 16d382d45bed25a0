//! The table of fields (`sluice_mappings::fields`) is held to the code by experiment: over the
//! messages of `fixtures/field-table`, which between them have every field, each
//! populated part is altered and blanked, and what is rendered is compared.

#![allow(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    clippy::print_stdout,
    reason = "a test reads files, says what it found, and may fail"
)]

mod adt_support;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use adt_support::{demo_settings, repository, split};
use sluice_ids::{Micros, Seq};
use sluice_mappings::adt::Context;
use sluice_mappings::adt::memory::MemoryRecords;
use sluice_mappings::entity::{LegalEntity, Profile};
use sluice_mappings::explain::explain;
use sluice_mappings::fhir::FhirVersion;
use sluice_mappings::fields::{Fate, holds, segments};
use sluice_mappings::hl7::{Message, decode_message};

type Field = (String, u16);

/// What each field reaches, over all messages.
#[derive(Default)]
struct Observed {
    reaches: BTreeMap<Field, BTreeSet<String>>,
    /// Fields that some message populates.
    populated: BTreeSet<Field>,
}

impl Observed {
    fn add(&mut self, other: Self) {
        for (field, paths) in other.reaches {
            self.reaches.entry(field).or_default().extend(paths);
        }
        self.populated.extend(other.populated);
    }
}

fn messages() -> Vec<PathBuf> {
    fn within(folder: &Path, found: &mut Vec<PathBuf>) {
        for entry in std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()) {
            if entry.is_dir() {
                within(&entry, found);
            } else if entry.extension().is_some_and(|extension| extension == "hl7") {
                found.push(entry);
            }
        }
    }
    let mut found = Vec::new();
    within(&repository().join("fixtures/field-table"), &mut found);
    found.sort();
    found
}

/// The EJ that a file's messages come to.
fn entity(file: &Path) -> LegalEntity {
    let said = std::fs::read_to_string(file.with_extension("toml")).unwrap_or_default();
    let said: toml::Table = said.parse().unwrap();
    let mut settings = demo_settings(said.get("ej").and_then(|ej| ej.as_str()).unwrap_or("EJ1"));
    let own = said.get("settings");
    if file.to_string_lossy().contains("international")
        || own.and_then(|own| own.get("profile")?.as_str()) == Some("international")
    {
        settings.profile = Profile::International;
    }
    settings.account_is_visit =
        own.and_then(|own| own.get("pid18_is_visit")?.as_bool()) == Some(true);
    LegalEntity::new(settings).unwrap()
}

fn observe(files: &[PathBuf], version: FhirVersion) -> Observed {
    let mut observed = Observed::default();
    for file in files {
        let entity = entity(file);
        let mut records = MemoryRecords::new();
        for (index, raw) in split(&std::fs::read(file).unwrap()).iter().enumerate() {
            let decoded = decode_message(raw, entity.charset);
            let Ok(message) = Message::index(&decoded.text) else { continue };
            let context = Context {
                entity: &entity,
                seq: Seq::new(index as u64 + 1),
                received_at: Micros::new(0),
            };
            let explanation = explain(&message, &context, &records, version);
            for (at, reaches) in explanation.fields() {
                let field = (at.segment_name().to_owned(), at.field);
                let paths = observed.reaches.entry(field.clone()).or_default();
                paths.extend(reaches.into_iter().map(str::to_owned));
                observed.populated.insert(field);
            }
            records.accept(explanation.outcome.changes);
        }
    }
    observed
}

/// On two threads: the experiment is a few hundred thousand applications.
fn observe_all(version: FhirVersion) -> Observed {
    let files = messages();
    let (one, two) = files.split_at(files.len() / 2);
    std::thread::scope(|scope| {
        let other = scope.spawn(|| observe(two, version));
        let mut observed = observe(one, version);
        observed.add(other.join().unwrap());
        observed
    })
}

fn check(version: FhirVersion) -> String {
    let observed = observe_all(version);
    let mut wrong = String::new();
    for segment in segments() {
        for rule in segment.rules {
            let name = format!("{}-{}", segment.name, rule.field);
            let field = (segment.name.to_owned(), rule.field);
            let reaches = observed.reaches.get(&field).cloned().unwrap_or_default();
            match rule.fate {
                Fate::Mapped { r4, r5 } => {
                    let paths = if version == FhirVersion::R4 { r4 } else { r5 };
                    if !observed.populated.contains(&field) {
                        let _ = writeln!(wrong, "{name}: no message has it");
                        continue;
                    }
                    for path in paths {
                        if !reaches.iter().any(|reached| holds(path, reached)) {
                            let _ = writeln!(
                                wrong,
                                "{name}: {path} never changes with it; {reaches:?} do"
                            );
                        }
                    }
                }
                Fate::Kept(_) | Fate::NotMapped(_) if !reaches.is_empty() => {
                    let _ = writeln!(wrong, "{name}: changes {reaches:?}, and is said not to show");
                }
                _ => {}
            }
        }
        if let Some(rest) = segment.rest {
            let own = |field: &&Field| {
                field.0 == segment.name && !segment.rules.iter().any(|rule| rule.field == field.1)
            };
            for field in observed.reaches.keys().filter(own) {
                let reaches = &observed.reaches[field];
                if !reaches.is_empty() {
                    let _ = writeln!(
                        wrong,
                        "{}-{}: changes {reaches:?}, and {} is said not to show",
                        field.0, field.1, rest.name
                    );
                }
            }
        }
    }
    wrong
}

#[test]
fn a_field_shows_where_the_table_says_and_nowhere_else_in_r4() {
    let wrong = check(FhirVersion::R4);
    assert!(wrong.is_empty(), "\n{wrong}");
}

#[test]
fn a_field_shows_where_the_table_says_and_nowhere_else_in_r5() {
    let wrong = check(FhirVersion::R5);
    assert!(wrong.is_empty(), "\n{wrong}");
}
