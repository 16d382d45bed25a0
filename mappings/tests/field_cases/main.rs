//! Every case of `fixtures/messages/fields`, and of the structure (`M05`): what a field of a message becomes, said by hand as
//! FHIR paths and values, and looked for in the R4 and the R5 that is rendered.

#![allow(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    reason = "a test reads files, says what it fails at, and may fail"
)]

#[path = "../adt_support/mod.rs"]
mod adt_support;
mod path;

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::{Path as File, PathBuf};

use adt_support::{Lane, demo_settings, repository, split};
use serde::Deserialize;
use serde_json::Value;
use sluice_mappings::entity::{EjSettings, LegalEntity};
use sluice_mappings::fhir::{self, FhirVersion};
use sluice_mappings::records::{Record, RecordType};

use path::Path;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Case {
    /// The row of FACTS or the clause that the case rests on.
    rule: String,
    /// The fields whose reading it states, e.g. `PID-5`.
    covers: Vec<String>,
    /// One of `config/demo.toml`; without it, an EJ1 with nothing but `settings`.
    ej: Option<String>,
    #[serde(default)]
    settings: toml::Table,
    /// The versions that the expectations are for, where one does not say.
    #[serde(default = "both")]
    fhir: Vec<String>,
    /// All issues of all messages, as `code at PID-5`; absent: not said.
    issues: Option<Vec<String>>,
    #[serde(default)]
    expect: Vec<Expect>,
    #[serde(default)]
    record: Vec<Expect>,
    #[serde(default)]
    each: Vec<Each>,
}

/// A table of codes: the messages come once for each row, its code in place of their `{}`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Each {
    resource: String,
    paths: Vec<String>,
    /// The code, then what each of the paths finds first; `""`: nothing.
    rows: Vec<Vec<String>>,
    fhir: Option<Vec<String>>,
}

/// What must be there: of all resources of a type that stand after the last message, in order
/// of creation.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Expect {
    resource: String,
    path: String,
    /// One value, or the list of all.
    value: Option<toml::Value>,
    #[serde(default)]
    absent: bool,
    fhir: Option<Vec<String>>,
}

fn both() -> Vec<String> {
    vec!["R4".into(), "R5".into()]
}

fn settings(case: &Case) -> EjSettings {
    if let Some(ej) = &case.ej {
        assert!(case.settings.is_empty(), "an EJ of the demonstration has its own settings");
        return demo_settings(ej);
    }
    let mut settings = case.settings.clone();
    for (key, value) in [("id", "EJ1"), ("name", "an EJ"), ("time_zone", "Europe/Paris")] {
        settings.entry(key).or_insert_with(|| value.into());
    }
    settings.try_into().unwrap()
}

/// What stands after the last message, and the issues of all.
struct Played {
    entity: LegalEntity,
    records: Vec<Record>,
    issues: Vec<String>,
    /// What became of each message.
    told: Vec<String>,
}

fn play(case: &Case, raw: &[u8]) -> Played {
    let mut lane = Lane::new(LegalEntity::new(settings(case)).unwrap());
    let (mut issues, mut told) = (Vec::new(), Vec::new());
    for message in split(raw) {
        let outcome = lane.take(&message).expect("a message with an MSH");
        issues.extend(outcome.issues.iter().map(|i| format!("{} at {}", i.code.as_str(), i.at)));
        told.push(adt_support::snapshot::told(&outcome));
        let again = lane.take(&message).unwrap();
        assert!(
            again.changes.is_empty(),
            "told again, a message changes nothing: {}",
            String::from_utf8_lossy(&message)
        );
    }
    let mut records: Vec<Record> = lane.records.all().collect();
    records.sort_by_key(|record| record.stamp().created);
    Played { entity: lane.entity, records, issues, told }
}

fn differences(file: &File) -> String {
    let case: Case = toml::from_str(&std::fs::read_to_string(file).unwrap()).unwrap();
    let mut out = String::new();
    if case.rule.is_empty() || case.covers.is_empty() {
        let _ = writeln!(out, "a case names its rule and the fields that it covers");
    }
    let raw = std::fs::read(file.with_extension("hl7")).unwrap();
    let played = play(&case, &raw);
    if let Some(wanted) = &case.issues
        && *wanted != played.issues
    {
        let _ = writeln!(out, "issues {:?}, must be {wanted:?}", played.issues);
    }
    for version in ["R4", "R5"] {
        let resources = rendered_as(&played, version);
        for expect in &case.expect {
            if expect.fhir.as_ref().unwrap_or(&case.fhir).iter().any(|own| own == version) {
                check(expect, &resources, version, &mut out);
            }
        }
    }
    let records = as_kept(&played);
    for expect in &case.record {
        check(expect, &records, "record", &mut out);
    }
    for each in &case.each {
        check_each(each, &case, &raw, &mut out);
    }
    if !case.each.is_empty() {
        return out; // The message is a pattern.
    }
    let Played { entity, records, told, .. } = played;
    out + &adt_support::snapshot::difference(file, &told, records, &entity)
}

fn check_each(each: &Each, case: &Case, raw: &[u8], out: &mut String) {
    let text = std::str::from_utf8(raw).unwrap();
    assert!(text.contains("{}"), "the message has a place for the code");
    for row in &each.rows {
        let (code, wanted) = row.split_first().unwrap();
        assert_eq!(wanted.len(), each.paths.len(), "a value for each path: {code}");
        let played = play(case, text.replace("{}", code).as_bytes());
        for version in each.fhir.as_ref().unwrap_or(&case.fhir) {
            let resources = rendered_as(&played, version);
            for (path, wanted) in each.paths.iter().zip(wanted) {
                let of_type = resources.get(&each.resource).map_or(&[][..], Vec::as_slice);
                let found = Path::parse(path).unwrap().evaluate(of_type, &resources);
                let found = match found.first() {
                    None => String::new(),
                    Some(Value::String(text)) => text.clone(),
                    Some(other) => other.to_string(),
                };
                if found != *wanted {
                    let _ =
                        writeln!(out, "{version} {code}: {path} is {found:?}, must be {wanted:?}");
                }
            }
        }
    }
}

type Resources = BTreeMap<String, Vec<Value>>;

fn rendered_as(played: &Played, version: &str) -> Resources {
    let version: FhirVersion = version.parse().unwrap();
    let mut resources = Resources::new();
    for record in &played.records {
        let bytes = fhir::render(record, &played.entity, version);
        let resource: Value = serde_json::from_slice(&bytes).unwrap();
        let of_type = resource["resourceType"].as_str().unwrap().to_owned();
        resources.entry(of_type).or_default().push(resource);
    }
    resources
}

/// The records themselves, by the name of the resource that each becomes.
fn as_kept(played: &Played) -> Resources {
    let mut records = Resources::new();
    for record in &played.records {
        let of_type = record.record_type().fhir().to_owned();
        // `{"Patient": {…}}`: an enum of one field each.
        let Value::Object(whole) = serde_json::to_value(record).unwrap() else { unreachable!() };
        records.entry(of_type).or_default().extend(whole.into_iter().map(|(_, inner)| inner));
    }
    records
}

fn check(expect: &Expect, resources: &Resources, version: &str, out: &mut String) {
    let what = format!("{version} {}.{}", expect.resource, expect.path);
    if RecordType::ALL.iter().all(|ty| ty.fhir() != expect.resource) {
        let _ = writeln!(out, "{what}: no such resource type");
        return;
    }
    let path = match Path::parse(&expect.path) {
        Ok(path) => path,
        Err(why) => {
            let _ = writeln!(out, "{what}: {why}");
            return;
        }
    };
    let of_type = resources.get(&expect.resource).map_or(&[][..], Vec::as_slice);
    let found = path.evaluate(of_type, resources);
    let wanted = match (&expect.value, expect.absent) {
        (None, true) => Vec::new(),
        (Some(value), false) => match serde_json::to_value(value).unwrap() {
            Value::Array(values) => values,
            value => vec![value],
        },
        _ => {
            let _ = writeln!(out, "{what}: say value or absent, one of them");
            return;
        }
    };
    if found != wanted {
        let text = |values: &[Value]| serde_json::to_string(values).unwrap();
        let _ = writeln!(out, "{what}: {}, must be {}", text(&found), text(&wanted));
    }
}

fn cases() -> Vec<PathBuf> {
    let folders = ["fields", "M05"].map(|name| repository().join("fixtures/messages").join(name));
    let files = folders.iter().flat_map(|folder| std::fs::read_dir(folder).unwrap());
    let files = files.map(|entry| entry.unwrap().path());
    let mut cases: Vec<_> = files.filter(|p| p.extension().is_some_and(|e| e == "toml")).collect();
    cases.sort();
    cases
}

#[test]
fn every_field_becomes_what_its_case_says() {
    let cases = cases();
    assert!(!cases.is_empty());
    let mut failed = String::new();
    for file in cases {
        let name = file.file_stem().unwrap().to_str().unwrap();
        let differences = differences(&file);
        if !differences.is_empty() {
            let folder = file.parent().unwrap().file_name().unwrap().to_str().unwrap();
            let _ = writeln!(failed, "{folder}/{name}\n{differences}");
        }
    }
    assert!(failed.is_empty(), "\n{failed}");
}
