//! Records → FHIR R4 and R5, each expectation written by hand beside the rule that it follows.
//! "FACTS" are the project's v2-to-FHIR facts, by section. R5 is said by what differs from R4.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test fails by panicking")]

#[path = "../fhir_records/mod.rs"]
mod fhir_records;

mod clinical;
mod course;
mod cover;
mod derived;
mod encounter;
mod location;
mod parties;
mod patient;

use fhir_records::entity;
use serde_json::{Value, json};
use sluice_mappings::adt::legal_entity_id;
use sluice_mappings::fhir::{FhirVersion, render};
use sluice_mappings::records::Record;

fn shown(record: impl Into<Record>, version: FhirVersion) -> Value {
    let bytes = render(&record.into(), &entity(), version);
    serde_json::from_slice(&bytes).unwrap()
}

/// The members that a test is about, the rest left out.
fn part(value: &Value, members: &[&str]) -> Value {
    let kept = members.iter().filter_map(|m| Some(((*m).to_owned(), value.get(m)?.clone())));
    Value::Object(kept.collect())
}

/// `value` with the members of `changes`; those that are null there are left out.
fn changed(mut value: Value, changes: Value) -> Value {
    let (Value::Object(members), Value::Object(changes)) = (&mut value, changes) else {
        panic!("two objects");
    };
    for (name, change) in changes {
        let had = members.remove(&name).is_some();
        assert!(had || !change.is_null(), "there is no {name} to leave out");
        if !change.is_null() {
            members.insert(name, change);
        }
    }
    value
}

fn meta() -> Value {
    json!({ "versionId": "7", "lastUpdated": "2026-11-20T09:00:00.250Z" })
}

/// The URI of a code system of HL7's terminology.
fn terminology(name: &str) -> String {
    format!("http://terminology.hl7.org/CodeSystem/{name}")
}

/// The reference to the Organization of the EJ.
fn legal_entity() -> Value {
    json!({
        "reference": format!("Organization/{}", legal_entity_id(entity().id())),
        "identifier": { "system": "https://finess.esante.gouv.fr", "value": "699000014" },
        "display": "CHU"
    })
}

#[test]
fn the_same_record_gives_the_same_bytes() {
    let record = Record::from(fhir_records::whole_patient(1));
    for version in FhirVersion::ALL {
        let bytes = render(&record, &entity(), version);
        assert_eq!(bytes, render(&record, &entity(), version));
        assert!(!bytes.contains(&b'\n'), "one line of NDJSON");
    }
}
