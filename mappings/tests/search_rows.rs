//! The rows of a record that has changed: `row_changes` works out those of the fields that differ,
//! and must come to what all rows of the two records come to, whichever field it is.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test fails by panicking")]

mod fhir_records;

use std::collections::BTreeSet;

use fhir_records::others::{doctor, named};
use fhir_records::{
    coded, ej, id, identifier, micros, moment, movement, name, place, whole_patient, whole_stay,
};
use jiff::tz::TimeZone;
use sluice_mappings::fhir::FhirVersion;
use sluice_mappings::records::{
    Diagnosis, Link, LinkKind, MovementEffect, PatientRecord, PlaceStatus, Record, RecordType,
    StayRecord, StayStatus, Unit,
};
use sluice_mappings::search::{Key, Param, Span, parse, row_changes, rows};

fn all(record: &Record) -> BTreeSet<(Param, Key)> {
    let mut found = Vec::new();
    rows(ej(), record, &mut found);
    found.into_iter().collect()
}

/// What comes when `old` becomes `new`, and what goes: by all their rows.
fn check(what: &str, old: &Record, new: &Record) {
    for (old, new) in [(old, new), (new, old)] {
        let (before, after) = (all(old), all(new));
        let changes = row_changes(ej(), old, new);
        let expected: Vec<_> = before.difference(&after).copied().collect();
        assert_eq!(changes.went, expected, "{what}: went");
        let expected: Vec<_> = after.difference(&before).copied().collect();
        assert_eq!(changes.came, expected, "{what}: came");
        assert_ne!(before, after, "{what}: no row shows it");
    }
}

type Change<T> = (&'static str, fn(&mut T));

#[test]
fn whatever_changes_of_a_patient_changes_its_rows() {
    let changes: [Change<PatientRecord>; 19] = [
        ("updated", |r| r.stamp.updated_at = micros("2026-11-21T09:00:00Z")),
        ("gone", |r| r.stamp.gone = true),
        ("identifiers", |r| r.identifiers[1].value = "8000013".into()),
        ("active", |r| r.active = false),
        ("names", |r| r.names[1] = name("MARTIN", &["ZOE"], "L")),
        ("given", |r| r.names[2].given.clear()),
        ("mother's maiden name", |r| r.mothers_maiden_name = "DURAND".into()),
        ("birth date", |r| r.birth_date = Some(moment("1958-05-15"))),
        ("gender", |r| r.gender = "M".into()),
        ("city", |r| r.addresses[0].city = "BRON".into()),
        ("address type", |r| r.addresses[0].address_type = "B".into()),
        ("telecoms", |r| r.telecoms[0].value = "0465710099".into()),
        ("language", |r| r.language = coded("ENG", "", "0296")),
        ("deceased at", |r| r.deceased_at = Some(moment("2026-11-18"))),
        ("alive", |r| (r.deceased, r.deceased_at) = (None, None)),
        ("practices", |r| r.practices.push(named("Cabinet", Some(42)))),
        ("practitioners", |r| r.general_practitioners.push(doctor("", Some(60)))),
        ("declared", |r| r.declared_practitioners.push(doctor("ODRP", Some(61)))),
        ("links", |r| r.links.push(Link { kind: LinkKind::SeeAlso, other: id(3) })),
    ];
    for (what, change) in changes {
        let old = whole_patient(1);
        let mut new = old.clone();
        change(&mut new);
        check(what, &old.into(), &new.into());
    }
}

#[test]
fn whatever_changes_of_a_stay_changes_its_rows() {
    let changes: [Change<StayRecord>; 25] = [
        ("updated", |r| r.stamp.updated_at = micros("2026-11-21T09:00:00Z")),
        ("gone", |r| r.stamp.gone = true),
        ("patient", |r| r.patient = id(2)),
        ("identifiers", |r| r.identifiers.clear()),
        ("account", |r| r.account = None),
        ("its record", |r| r.account_record = Some(id(50))),
        ("status", |r| r.situation.status = StayStatus::OnLeave),
        ("class", |r| r.situation.class = coded("E", "", "0004")),
        ("start", |r| r.situation.start = Some(moment("2026-03-09"))),
        ("end", |r| r.situation.end = None),
        ("medical unit", |r| {
            r.situation.medical_unit = Some(Unit {
                organization: id(40),
                identifier: identifier("urn:x", "3101", ""),
                name: "Cardiologie".into(),
            });
        }),
        ("practitioners", |r| r.practitioners.push(doctor("ATND", Some(60)))),
        ("their record", |r| r.practitioners[0].practitioner = Some(id(60))),
        ("their role", |r| r.practitioners[0].role = "CON".into()),
        ("a movement's practitioner", |r| {
            r.movements[1].effect = MovementEffect {
                practitioners: Some(vec![doctor("ATND", Some(60))]),
                ..MovementEffect::default()
            };
        }),
        ("a movement's role", |r| {
            r.movements[1].effect = MovementEffect {
                practitioners: Some(vec![doctor("REF", None)]),
                ..MovementEffect::default()
            };
        }),
        ("a place", |r| {
            let to = place("3102", "", "", "");
            r.movements.push(movement(to, 32, PlaceStatus::Active, "2026-03-12"));
        }),
        ("when a place was taken", |r| r.movements[0].start = Some(moment("2026-03-09"))),
        ("admission type", |r| r.admission_type = coded("E", "", "0007")),
        ("special arrangements", |r| r.special_arrangements.push(coded("B6", "", "0009"))),
        ("service provider", |r| r.service_provider = named("CHU", Some(43))),
        ("reason", |r| r.reason = coded("J18", "", "")),
        ("length", |r| r.length_days = Some(4)),
        ("diagnoses", |r| {
            r.diagnoses.push(Diagnosis {
                condition: id(70),
                diagnosis_type: coded("A", "", "0052"),
                rank: Some(1),
            });
        }),
        ("all", |r| *r = StayRecord::new(r.id, r.patient)),
    ];
    for (what, change) in changes {
        let old = whole_stay(11, 1);
        let mut new = old.clone();
        change(&mut new);
        check(what, &old.into(), &new.into());
    }
}

/// Each record that matches has a row in the query's spans, and no row in an exact one is another's.
fn leads(of: RecordType, query: (&str, &str), records: &[Record]) {
    let shown = format!("{}={}", query.0, query.1);
    let query = [(query.0.to_owned(), query.1.to_owned())];
    let query = parse(of, FhirVersion::R4, &query, &TimeZone::UTC).expect(&shown).query;
    let [clause] = &query.clauses[..] else { panic!("{shown}: one clause") };
    let spans = clause.spans(ej());
    for (at, record) in records.iter().enumerate() {
        let own = all(record);
        let within = |span: &Span| own.iter().any(|(param, key)| span.holds(*param, key));
        let matches = clause.matches(ej(), record);
        assert!(matches || !spans.iter().any(|span| span.exact && within(span)), "{shown}: {at}");
        assert!(!matches || spans.iter().any(within), "{shown}: {at} is not found");
    }
}

#[test]
fn a_birth_date_is_found_from_the_first_to_the_last_microsecond_of_what_is_asked() {
    let born = |date: &str| {
        let mut one = whole_patient(1);
        one.birth_date = Some(moment(date));
        Record::from(one)
    };
    let records = [
        born("1979"),
        born("1979-12-31"),
        born("1980"),
        born("1980-01"),
        born("1980-01-01"),
        born("1980-05"),
        born("1980-05-01"),
        born("1981"),
        born("1981-01-01"),
        born("1980-04-30T23:30:00+02:00"),
    ];
    for prefix in ["", "ne", "gt", "ge", "lt", "le", "sa", "eb", "ap"] {
        for value in [
            "1979",
            "1980",
            "1980-01",
            "1980-01-01",
            "1980-05-01",
            "1979-12-31T23:59:59.999999Z",
            "1980-01-01T00:00:00.000000Z",
            "1980-01-01T00:00:00.000001Z",
            "1980-05-01T00:00:00.000000Z",
            "1980-04-30T23:59:59.999999Z",
        ] {
            leads(RecordType::Patient, ("birthdate", &format!("{prefix}{value}")), &records);
        }
    }
}
