//! The edges of the rules of ADT: what each condition of a rule keeps out. Found by mutation
//! testing (docs/mapping.md), where no case of `fixtures/messages` told a rule from its neighbour.

#![allow(clippy::unwrap_used, clippy::disallowed_methods, reason = "a test may fail")]

mod account;
#[path = "../adt_support/mod.rs"]
mod adt_support;
mod clinical;
mod contacts;
mod datatypes;
mod lists;
mod movements;
mod moves;
mod national;
mod numbers;
mod own_fields;
mod parties;
mod patient;
mod records;
mod roles;
mod stays;
mod structure;
mod visit;
mod zbe;

use adt_support::{Lane, demo_settings, plain_entity};
use sluice_mappings::adt::{IssueCode, Outcome};
use sluice_mappings::entity::LegalEntity;
use sluice_mappings::records::{
    AccountRecord, PatientRecord, Record, RecordType, RelatedPersonRecord, StayRecord,
};

fn plain() -> Lane {
    Lane::new(plain_entity())
}

fn french() -> Lane {
    Lane::new(LegalEntity::new(demo_settings("EJ1")).unwrap())
}

/// An event with its segments, without a header that the tests do not care for.
fn take(lane: &mut Lane, event: &str, segments: &[&str]) -> Outcome {
    let body = segments.join("\r");
    let head = format!("MSH|^~\\&|S|F|||20260310||ADT^{event}|C1|P|2.5||||||UNICODE UTF-8");
    lane.take_text(&format!("{head}\r{body}\r"))
}

/// The issues, as `code at PID[1]-3`.
fn issues(outcome: &Outcome) -> Vec<String> {
    outcome.issues.iter().map(|issue| format!("{} at {}", issue.code.as_str(), issue.at)).collect()
}

fn has(outcome: &Outcome, code: IssueCode) -> bool {
    outcome.issues.iter().any(|issue| issue.code == code)
}

/// The patient who has that number now.
fn patient(lane: &Lane, number: &str) -> PatientRecord {
    let has = |one: &&PatientRecord| one.identifiers.iter().any(|own| own.value == number);
    lane.records.patients().find(has).unwrap().clone()
}

fn stay(lane: &Lane, number: &str) -> StayRecord {
    let has = |one: &&StayRecord| one.identifiers.iter().any(|own| own.value == number);
    lane.records.stays().find(has).unwrap().clone()
}

fn account(lane: &Lane, number: &str) -> AccountRecord {
    let found = lane.records.others(RecordType::Account).find_map(|record| match record {
        Record::Account(one) if one.identifiers.iter().any(|own| own.value == number) => {
            Some(AccountRecord::clone(one))
        }
        _ => None,
    });
    found.unwrap()
}

/// In the order in which they came.
fn related(lane: &Lane) -> Vec<RelatedPersonRecord> {
    let all = lane.records.others(RecordType::RelatedPerson);
    let mut all: Vec<_> = all
        .filter_map(|record| match record {
            Record::RelatedPerson(one) => Some(RelatedPersonRecord::clone(one)),
            _ => None,
        })
        .collect();
    all.sort_by_key(|one| one.stamp.created);
    all
}

/// PID of P1, with further fields: `(18, "D1")`.
fn pid(fields: &[(usize, &str)]) -> String {
    segment("PID", &[&[(3, "P1^^^A"), (5, "Doe^Ann")], fields].concat())
}

fn segment(name: &str, fields: &[(usize, &str)]) -> String {
    let last = fields.iter().map(|(at, _)| *at).max().unwrap_or(0);
    let mut texts = vec![""; last + 1];
    for (at, text) in fields {
        texts[*at] = text;
    }
    texts[0] = name;
    texts.join("|")
}
