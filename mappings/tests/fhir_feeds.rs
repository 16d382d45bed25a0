//! What messages make, rendered: every reference finds its resource, and a validator of others
//! finds nothing wrong. All messages of `fixtures` and, where they are there, of `../shared`; or those
//! of the folder in `SLUICE_FEEDS` alone.

#![allow(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    clippy::print_stdout,
    reason = "a test reads files, says what it skips, and may fail"
)]

mod adt_support;
mod fhir_validator;

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use adt_support::{Lane, demo_settings, repository, split};
use fhir_validator::{lint, skipped, validator};
use serde_json::Value;
use sluice_mappings::adt::{Change, Records};
use sluice_mappings::entity::{LegalEntity, LegalStatusUse, Profile};
use sluice_mappings::fhir::{FhirVersion, render, render_history, render_provenance};
use sluice_mappings::records::{Record, RecordType, ResourceId};

/// A file's messages, each file on its own lane.
struct Feed {
    name: String,
    messages: Vec<Vec<u8>>,
}

fn feeds() -> Vec<Feed> {
    let mut files = Vec::new();
    if let Some(folder) = std::env::var_os("SLUICE_FEEDS") {
        gather(Path::new(&folder), &mut files);
        return read_all(files);
    }
    for root in ["fixtures/messages", "fixtures/feeds", "../shared/messages", "../shared/feeds"] {
        let folder = repository().join(root);
        if folder.is_dir() {
            gather(&folder, &mut files);
        } else {
            println!("skipped: {root} is not here");
        }
    }
    read_all(files)
}

fn read_all(mut files: Vec<PathBuf>) -> Vec<Feed> {
    files.sort();
    let read = |file: &PathBuf| Feed {
        name: file.display().to_string(),
        messages: split(&std::fs::read(file).unwrap()),
    };
    files.iter().map(read).collect()
}

fn gather(folder: &Path, files: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let extension = path.extension().and_then(|e| e.to_str()).unwrap_or_default();
        if path.is_dir() {
            gather(&path, files);
        } else if matches!(extension, "hl7" | "txt" | "dat" | "") {
            files.push(path);
        }
    }
}

/// By the rules that the feed was written for.
fn lane(feed: &Feed) -> Lane {
    let ej = ["EJ2", "EJ3", "EJ4"].into_iter().find(|ej| feed.name.contains(ej)).unwrap_or("EJ1");
    let mut settings = demo_settings(ej);
    let case = std::fs::read_to_string(Path::new(&feed.name).with_extension("toml"));
    let french = ["pam-fr", "/demo/", "/M05/"].iter().any(|part| feed.name.contains(part))
        || case.is_ok_and(|case| case.contains("pam-fr"));
    settings.profile = if french { Profile::PamFr } else { Profile::International };
    // All that can be shown is.
    settings.legal_status = LegalStatusUse::Show;
    Lane::new(LegalEntity::new(settings).unwrap())
}

/// All resources of a record, parsed.
fn shown(record: &Record, lane: &Lane, version: FhirVersion) -> Vec<Value> {
    let mut all = vec![render(record, &lane.entity, version)];
    all.push(render_provenance(record, &lane.entity, version));
    if let (Record::Stay(stay), FhirVersion::R5) = (record, version) {
        all.extend(render_history(stay).into_iter().map(|one| one.json));
    }
    all.iter().map(|json| serde_json::from_slice(json).unwrap()).collect()
}

/// Every `reference` in a resource, with the element that it stands in.
fn references<'v>(value: &'v Value, path: &str, found: &mut Vec<(String, &'v str)>) {
    match value {
        Value::Object(members) => {
            for (name, member) in members {
                match member {
                    Value::String(target) if name == "reference" => {
                        found.push((path.to_owned(), target));
                    }
                    member => references(member, &format!("{path}.{name}"), found),
                }
            }
        }
        Value::Array(items) => items.iter().for_each(|item| references(item, path, found)),
        _ => {}
    }
}

fn resolves(target: &str, lane: &Lane) -> bool {
    let mut parts = target.split('/');
    let (Some(name), Some(id)) = (parts.next(), parts.next()) else { return false };
    let Some(ty) = RecordType::ALL.into_iter().find(|ty| ty.fhir() == name) else { return false };
    ResourceId::parse(id).is_some_and(|id| lane.records.record(ty, id).is_some())
}

#[test]
fn every_reference_finds_what_it_refers_to() {
    let mut lost: BTreeMap<String, (usize, String)> = BTreeMap::new();
    let mut count = 0;
    for feed in feeds() {
        let mut lane = lane(&feed);
        for message in &feed.messages {
            let Some(outcome) = lane.take(message) else { continue };
            for change in outcome.changes {
                let Change::Put(record) = change else { continue };
                if record.stamp().gone {
                    continue;
                }
                for version in FhirVersion::ALL {
                    for resource in shown(&record, &lane, version) {
                        let mut found = Vec::new();
                        references(&resource, record.record_type().fhir(), &mut found);
                        count += found.len();
                        for (path, target) in found {
                            if !resolves(target, &lane) {
                                let to = target.split('/').next().unwrap_or_default();
                                let first = || (0, feed.name.clone());
                                lost.entry(format!("{path} → {to}")).or_insert_with(first).0 += 1;
                            }
                        }
                    }
                }
            }
        }
    }
    println!("{count} references");
    assert!(lost.is_empty(), "{lost:#?}");
    assert!(count > 10_000, "only {count} references: is anything rendered at all?");
}

/// What a validator can find fault with in a resource: at each path, which members stand together,
/// which codes, and what the other texts look like.
fn features(value: &Value, path: &str, found: &mut Vec<String>) {
    const CODES: [&str; 10] = [
        ".status",
        ".system",
        ".code",
        ".use",
        ".type",
        ".gender",
        ".category",
        ".criticality",
        ".severity",
        ".url",
    ];
    match value {
        Value::Object(members) => {
            let names: Vec<_> = members.keys().map(String::as_str).collect();
            found.push(format!("{path} {}", names.join(" ")));
            members.iter().for_each(|(name, one)| features(one, &format!("{path}.{name}"), found));
        }
        Value::Array(items) => items.iter().for_each(|one| features(one, path, found)),
        Value::String(text) if CODES.iter().any(|code| path.ends_with(code)) => {
            found.push(format!("{path} = {text}"));
        }
        Value::String(text) if path.ends_with(".reference") => {
            found.push(format!("{path} → {}", text.split('/').next().unwrap_or_default()));
        }
        Value::String(text) => {
            let kind = |c: char| match c {
                c if c.is_ascii_digit() => '0',
                c if c.is_alphanumeric() => 'a',
                c if c.is_whitespace() => ' ',
                _ => '-',
            };
            let mut kinds: Vec<_> = text.chars().map(kind).collect();
            kinds.dedup();
            kinds.truncate(8);
            found.push(format!("{path} ~ {}", kinds.into_iter().collect::<String>()));
        }
        Value::Number(_) => found.push(format!("{path} 0")),
        Value::Null | Value::Bool(_) => found.push(format!("{path} {value}")),
    }
}

#[test]
fn what_messages_make_is_valid() {
    let Some(script) = validator() else { return skipped() };
    for version in FhirVersion::ALL {
        // A resource that has nothing about it that another had not tells the validator nothing.
        let mut known = BTreeSet::new();
        let mut resources = Vec::new();
        let mut count = 0;
        for feed in feeds() {
            let mut lane = lane(&feed);
            for message in &feed.messages {
                let Some(outcome) = lane.take(message) else { continue };
                for change in outcome.changes {
                    let Change::Put(record) = change else { continue };
                    if record.stamp().gone {
                        continue;
                    }
                    for resource in shown(&record, &lane, version) {
                        count += 1;
                        let of_type = resource["resourceType"].as_str().unwrap();
                        let mut own = Vec::new();
                        features(&resource, of_type, &mut own);
                        let before = known.len();
                        known.extend(own);
                        if known.len() > before {
                            let name = format!("{of_type}-{}", resources.len());
                            resources.push((name, serde_json::to_vec(&resource).unwrap()));
                        }
                    }
                }
            }
        }
        println!("{version}: {} of {count} resources", resources.len());
        for part in resources.chunks(500) {
            lint(&script, "feeds", version, part);
        }
    }
}
