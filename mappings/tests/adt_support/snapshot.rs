//! What a case leaves behind, whole: what became of each message, and every resource as R4 has it
//! and as far as R5 has it otherwise. It stands on top of what the case says by hand: it finds
//! what nobody thought of saying.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::Path;

use serde_json::{Map, Value};
use sluice_mappings::adt::Outcome;
use sluice_mappings::entity::LegalEntity;
use sluice_mappings::fhir::{FhirVersion, render, render_history};
use sluice_mappings::records::Record;

/// What became of one message, in a line.
pub fn told(outcome: &Outcome) -> String {
    let mut line = format!("{:?}", outcome.effect);
    for issue in &outcome.issues {
        let _ = write!(line, ", {} at {}", issue.code.as_str(), issue.at);
    }
    line
}

/// Where the case's snapshot says otherwise: the first line that differs; nothing where the case
/// has none yet. Writes the snapshot where `UPDATE_SNAPSHOTS` is set.
pub fn difference(case: &Path, told: &[String], all: Vec<Record>, ej: &LegalEntity) -> String {
    let file = case.with_extension("snap");
    let is = text(told, all, ej);
    if std::env::var_os("UPDATE_SNAPSHOTS").is_some() {
        std::fs::write(&file, &is).unwrap();
        return String::new();
    }
    let Ok(was) = std::fs::read_to_string(&file) else { return String::new() };
    let mut lines = is.lines().zip(was.lines().chain(std::iter::repeat(""))).enumerate();
    match lines.find(|(_, (is, was))| is != was) {
        Some((at, (is, was))) => {
            format!("snapshot (UPDATE_SNAPSHOTS=1) line {}: {is:?}, was {was:?}\n", at + 1)
        }
        None if is.len() == was.len() => String::new(),
        None => format!("snapshot: {} lines, was {}\n", is.lines().count(), was.lines().count()),
    }
}

fn text(told: &[String], mut all: Vec<Record>, ej: &LegalEntity) -> String {
    all.sort_by_key(|record| (record.stamp().created, record.record_type(), record.id()));
    let mut out = String::new();
    for line in told {
        let _ = writeln!(out, "{line}");
    }
    // Ids are hashes: counted, they can be read.
    let mut names = BTreeMap::new();
    let mut counts = BTreeMap::<&str, usize>::new();
    for record in &all {
        let count = counts.entry(record.record_type().fhir()).or_default();
        *count += 1;
        names.insert(record.id().to_string(), count.to_string());
    }
    // The EJ's own organization is the same in all cases.
    let own = |record: &&Record| matches!(record, Record::Organization(one) if one.name == ej.settings.name);
    for record in all.iter().filter(|record| !own(record)) {
        let of = |version| whole(&render(record, ej, version), &names);
        let (r4, r5) = (of(FhirVersion::R4), of(FhirVersion::R5));
        let name = format!("{}/{}", record.record_type().fhir(), names[&record.id().to_string()]);
        let _ = writeln!(out, "\n{name}");
        for (key, value) in &r4 {
            let only = if r5.contains_key(key) { "" } else { " (R4)" };
            element(&mut out, &format!("{key}{only}"), value);
        }
        for (key, value) in r5.iter().filter(|(key, value)| r4.get(*key) != Some(*value)) {
            element(&mut out, &format!("{key} (R5)"), value);
        }
        if let Record::Stay(stay) = record {
            for history in render_history(stay) {
                let mut history = whole(&history.json, &names);
                history.retain(|key, value| key != "encounter" && r5.get(key) != Some(value));
                let _ = writeln!(out, "  EncounterHistory {}", short(&Value::Object(history)));
            }
        }
    }
    out
}

/// Without what tells nothing in a case: the type and the id, and when it was written.
fn whole(json: &[u8], names: &BTreeMap<String, String>) -> Map<String, Value> {
    let mut text = std::str::from_utf8(json).unwrap().to_owned();
    for (id, count) in names {
        text = text.replace(id.as_str(), count);
    }
    let Value::Object(mut whole) = serde_json::from_str(&text).unwrap() else { unreachable!() };
    whole.retain(|key, _| !matches!(key.as_str(), "resourceType" | "id"));
    if let Some(Value::Object(meta)) = whole.get_mut("meta") {
        meta.retain(|key, _| !matches!(key.as_str(), "lastUpdated" | "versionId"));
        if meta.is_empty() {
            whole.remove("meta");
        }
    }
    whole
}

/// A line for each value.
fn element(out: &mut String, key: &str, value: &Value) {
    match value {
        Value::Array(values) => values.iter().for_each(|value| element(out, key, value)),
        value => {
            let _ = writeln!(out, "  {key} {}", short(value));
        }
    }
}

/// `v2-0203#PI "Patient internal identifier"` of a coding, and JSON with less around it.
fn short(value: &Value) -> String {
    let list = |texts: Vec<String>| texts.join(", ");
    match value {
        Value::String(text) => text.clone(),
        Value::Array(values) => match values.as_slice() {
            [only] => short(only),
            values => format!("[{}]", list(values.iter().map(short).collect())),
        },
        Value::Object(members) => {
            let text = |key: &str| members.get(key).and_then(Value::as_str).unwrap_or_default();
            if members.keys().all(|key| matches!(key.as_str(), "system" | "code" | "display")) {
                let system = text("system").rsplit('/').next().unwrap_or_default();
                return format!("{system}#{} {:?}", text("code"), text("display"));
            }
            let member = |(key, value): (&String, &Value)| match key.as_str() {
                "coding" => short(value),
                key => format!("{key}: {}", short(value)),
            };
            format!("{{{}}}", list(members.iter().map(member).collect()))
        }
        other => other.to_string(),
    }
}
