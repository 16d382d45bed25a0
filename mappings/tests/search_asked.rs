//! What a query may ask, at the edges: which modifier goes with which parameter, how many values,
//! and that the rows of `:missing` lead to what it finds.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test fails by panicking")]

mod fhir_records;

use std::collections::BTreeSet;

use fhir_records::{ej, id, moment, movement, patient, place, stay};
use jiff::tz::TimeZone;
use sluice_mappings::fhir::FhirVersion;
use sluice_mappings::records::{PlaceStatus, Record, RecordType};
use sluice_mappings::search::{
    CHAIN_LINKS_MAX, Key, Kind, Param, Parsed, QueryError, Reason, SORT_KEYS_MAX, Span,
    VALUE_BYTES_MAX, VALUES_MAX, param, params, parse, rows,
};

const VERSIONS: [FhirVersion; 2] = FhirVersion::ALL;

fn read(
    of: RecordType,
    version: FhirVersion,
    name: &str,
    value: &str,
) -> Result<Parsed, QueryError> {
    parse(of, version, &[(name.to_owned(), value.to_owned())], &TimeZone::UTC)
}

fn reason(of: RecordType, name: &str, value: &str) -> Option<Reason> {
    read(of, FhirVersion::R5, name, value).err().map(|error| error.reason)
}

/// A value that a parameter of the kind takes.
const fn value(kind: Kind) -> &'static str {
    match kind {
        Kind::Date => "2026",
        Kind::Quantity => "1",
        Kind::Composite => "a$1",
        _ => "a",
    }
}

/// FHIR §3.2.1.5.5: which modifier a kind of parameter has.
#[test]
fn a_modifier_goes_with_the_kinds_that_have_it() {
    for version in VERSIONS {
        for of in RecordType::ALL {
            for parameter in params(of, version) {
                let taken = |modifier: &str| {
                    let name = format!("{}:{modifier}", parameter.name);
                    let read = read(of, version, &name, value(parameter.kind));
                    !matches!(read, Err(QueryError { reason: Reason::ModifierUnsupported, .. }))
                };
                let what = format!("{version} {} {}", of.fhir(), parameter.name);
                let is = |kind| parameter.kind == kind;
                assert!(is(Kind::String) || !taken("exact"), "{what}:exact");
                assert!(is(Kind::String) || !taken("contains"), "{what}:contains");
                assert_eq!(taken("of-type"), parameter.name == "identifier", "{what}:of-type");
                assert_eq!(taken("identifier"), is(Kind::Reference), "{what}:identifier");
                assert!(is(Kind::Token) || !taken("not"), "{what}:not");
                assert!(is(Kind::Token) || !taken("text"), "{what}:text");
                let tree = is(Kind::Uri) || is(Kind::Reference);
                assert!(tree || !taken("below") && !taken("above"), "{what}:below");
                assert!(!taken("anything"), "{what}:anything");
            }
        }
    }
}

#[test]
fn as_many_values_are_taken_as_the_limit_says_and_as_long() {
    let of = RecordType::Patient;
    let values = |count: usize| vec!["a"; count].join(",");
    assert_eq!(reason(of, "family", &values(VALUES_MAX)), None);
    let too_many = Reason::TooManyValues { values: VALUES_MAX + 1, limit: VALUES_MAX };
    assert_eq!(reason(of, "family", &values(VALUES_MAX + 1)), Some(too_many));
    assert_eq!(reason(of, "family", &"a".repeat(VALUE_BYTES_MAX)), None);
    let bytes = VALUE_BYTES_MAX + 1;
    let too_long = Reason::ValueTooLong { bytes, limit: VALUE_BYTES_MAX };
    assert_eq!(reason(of, "family", &"a".repeat(bytes)), Some(too_long));
    let keys = |count: usize| vec!["family"; count].join(",");
    assert_eq!(reason(of, "_sort", &keys(SORT_KEYS_MAX)), None);
    assert!(reason(of, "_sort", &keys(SORT_KEYS_MAX + 1)).is_some());
}

#[test]
fn a_clause_knows_the_parameter_that_it_came_of() {
    for name in ["family", "birthdate", "gender"] {
        let value = value(param(RecordType::Patient, FhirVersion::R4, name).unwrap().kind);
        let value = if name == "gender" { "male" } else { value };
        let parsed = read(RecordType::Patient, FhirVersion::R4, name, value).unwrap();
        assert_eq!(parsed.query.clauses[0].param(), name);
    }
}

#[test]
fn both_parts_of_a_composite_say_something() {
    let of = RecordType::Observation;
    for value in ["$1", "a$", " $1", "a$ ", "a", "a$1$2"] {
        assert_eq!(
            reason(of, "code-value-quantity", value),
            Some(Reason::CompositeMalformed),
            "{value}"
        );
    }
    assert_eq!(reason(of, "code-value-quantity", "a$1"), None);
}

#[test]
fn a_number_of_a_type_has_a_system_a_code_and_a_value() {
    let of = RecordType::Patient;
    for value in ["|PI|1", "urn:t||1", "urn:t|PI|", "urn:t|PI", "1"] {
        let malformed = Some(Reason::TypedNumberMalformed);
        assert_eq!(reason(of, "identifier:of-type", value), malformed, "{value}");
    }
    assert_eq!(reason(of, "identifier:of-type", "urn:t|PI|1"), None);
}

/// What is sorted by, as the rows whose order it is.
#[test]
fn an_order_is_that_of_the_rows_of_its_parameter() {
    let order = |of, name: &str| {
        let parsed = read(of, FhirVersion::R5, "_sort", name).ok()?;
        let spans = parsed.query.sort.iter().map(|key| key.span.param);
        Some(spans.collect::<Vec<_>>())
    };
    use RecordType::{Patient, Stay};
    for (of, name, params) in [
        (Patient, "_id", Some(vec![Param::Id])),
        (Patient, "_lastUpdated", Some(vec![Param::LastUpdated])),
        (Patient, "family", Some(vec![Param::Family])),
        (Patient, "given", Some(vec![Param::Given])),
        (Patient, "name", Some(vec![Param::Family, Param::Given])),
        (Patient, "birthdate", Some(vec![Param::BirthDate])),
        (Patient, "gender", Some(vec![Param::Gender])),
        (Patient, "active", Some(vec![Param::Active])),
        (Patient, "general-practitioner", Some(vec![Param::Reference])),
        (Patient, "language", Some(vec![Param::Token])),
        (Patient, "identifier", None),
        (Patient, "anything", None),
        (Stay, "patient", Some(vec![Param::Patient])),
        (Stay, "status", Some(vec![Param::Status])),
        (Stay, "class", Some(vec![Param::Class])),
        (Stay, "date", Some(vec![Param::PeriodStart])),
        (Stay, "location", Some(vec![Param::Location])),
        (Stay, "subject-status", None),
    ] {
        assert_eq!(order(of, name), params, "{}?_sort={name}", of.fhir());
    }
}

/// A name goes on in rows of its own, which tell apart those that begin alike.
#[test]
fn a_long_name_is_compared_beyond_its_first_row() {
    let parsed = |name| read(RecordType::Patient, FhirVersion::R4, "_sort", name).unwrap();
    let (family, born) = (parsed("family").query.sort[0], parsed("birthdate").query.sort[0]);
    let text = "abcdefghijklmnopqrstuvwxyzabcdefghijklmnopqrstuvwxyzabcdefghijklmnop";
    let mut named = patient(1);
    named.names = vec![fhir_records::name(text, &[], "L")];
    let mut own: Vec<(Param, Key)> = Vec::new();
    rows(ej(), &named.into(), &mut own);
    let mut at = 10;
    while at < 64 {
        let span = family.tail(&text.as_bytes()[..at]).expect("it goes on");
        let tails: Vec<_> = own.iter().filter(|(param, key)| span.holds(*param, key)).collect();
        assert_eq!(tails.len(), 1, "{at}");
        let rest = sluice_mappings::search::SortKey::tail_text(&tails[0].1);
        assert_eq!(rest, &text.as_bytes()[at..at + 6], "{at}");
        at += 6;
    }
    assert!(family.tail(&text.as_bytes()[..64]).is_none(), "no order looks further");
    assert!(family.tail(b"abcdefgh\0\0").is_none() && family.tail(b"").is_none(), "it has ended");
    assert!(born.tail(&text.as_bytes()[..10]).is_none(), "a date is whole");
    let other = read(RecordType::Patient, FhirVersion::R4, "_sort", "given").unwrap().query.sort[0];
    assert_ne!(
        family.tail(b"abcdefghij").map(|span| span.from),
        other.tail(b"abcdefghij").map(|span| span.from)
    );
}

/// Each record that matches has a row in the query's spans, and no row in an exact one is another's.
#[test]
fn the_rows_of_what_is_missing_lead_to_it() {
    let mut all = Vec::new();
    for (start, end) in [(true, true), (true, false), (false, true), (false, false)] {
        let mut one = stay(11, 1);
        one.situation.start = start.then(|| moment("2026-03-10"));
        one.situation.end = end.then(|| moment("2026-03-11"));
        all.push(Record::from(one.clone()));
        let mut somewhere =
            movement(place("3101", "", "", ""), 30, PlaceStatus::Active, "2026-03-10");
        one.movements = vec![somewhere.clone()];
        all.push(one.clone().into());
        somewhere.start = None;
        one.movements = vec![somewhere.clone()];
        all.push(one.clone().into());
        somewhere.location = None;
        one.movements = vec![somewhere];
        all.push(one.into());
    }
    for name in
        ["date-start", "end-date", "date", "location", "location-period", "location-value-period"]
    {
        let Some(parameter) = param(RecordType::Stay, FhirVersion::R5, name) else { continue };
        for missing in ["true", "false"] {
            let shown = format!("{}:missing={missing}", parameter.name);
            let query =
                read(RecordType::Stay, FhirVersion::R5, &format!("{name}:missing"), missing);
            let query = query.unwrap().query;
            let clause = &query.clauses[0];
            let spans = clause.spans(ej());
            for (at, record) in all.iter().enumerate() {
                let mut own = Vec::new();
                rows(ej(), record, &mut own);
                let own: BTreeSet<_> = own.into_iter().collect();
                let within = |span: &Span| own.iter().any(|(param, key)| span.holds(*param, key));
                let led_to = clause.matches(ej(), record) != clause.is_negated();
                let exact = spans.iter().any(|span| span.exact && within(span));
                assert!(led_to || !exact, "{shown}: {at}");
                assert!(!led_to || spans.iter().any(within), "{shown}: {at} is not found");
            }
        }
    }
    let missing = |name: &str, at: usize| {
        let parsed = read(RecordType::Stay, FhirVersion::R5, &format!("{name}:missing"), "true");
        parsed.unwrap().query.matches(ej(), &all[at])
    };
    assert!(!missing("date-start", 0) && !missing("end-date", 0));
    assert!(!missing("date-start", 4) && missing("end-date", 4));
    assert!(missing("date-start", 8) && !missing("end-date", 8));
    assert!(missing("date-start", 12) && missing("end-date", 12));
    assert!(missing("location", 0) && !missing("location", 1));
    assert_eq!(id(11), all[0].id());
}

#[test]
fn dead_or_alive_is_everybody() {
    let mut dead = patient(1);
    dead.deceased = Some(true);
    let mut told = patient(2);
    told.deceased_at = Some(moment("2026-03-10"));
    let all = [Record::from(dead), told.into(), patient(3).into()];
    for (value, expected) in
        [("true", [true, true, false]), ("false", [false, false, true]), ("true,false", [true; 3])]
    {
        let parsed = read(RecordType::Patient, FhirVersion::R4, "deceased", value).unwrap();
        let found = [0, 1, 2].map(|at: usize| parsed.query.matches(ej(), &all[at]));
        assert_eq!(found, expected, "{value}");
    }
}

/// Nobody says anything there; what is asked is well formed all the same.
#[test]
fn what_no_record_says_may_be_asked_for_as_the_standard_has_it() {
    assert_eq!(reason(RecordType::Location, "type:text", "a"), None);
    assert_eq!(reason(RecordType::Procedure, "instantiates-uri:below", "urn:x"), None);
    assert_eq!(reason(RecordType::Account, "name", "a"), None);
    let unsupported = Some(Reason::ModifierUnsupported);
    assert_eq!(reason(RecordType::Account, "name:text", "a"), unsupported);
    assert_eq!(reason(RecordType::Location, "type:below", "a"), unsupported);
}

#[test]
fn an_account_is_asked_for_by_its_number_without_being_looked_up() {
    let joins = |name: &str| {
        let parsed = read(RecordType::Stay, FhirVersion::R4, name, "urn:x|7").unwrap();
        parsed.query.clauses[0].join().is_some()
    };
    assert!(!joins("account:identifier"), "there may be no record of it");
    assert!(joins("practitioner:identifier"));
}

#[test]
fn a_chain_has_as_many_links_as_the_limit_says() {
    let nested = |links: usize| format!("{}code", "_has:Procedure:part-of:".repeat(links));
    assert_eq!(reason(RecordType::Procedure, &nested(CHAIN_LINKS_MAX), "a"), None);
    assert!(reason(RecordType::Procedure, &nested(CHAIN_LINKS_MAX + 1), "a").is_some());
    let chained = |links: usize| format!("{}code", "part-of:Procedure.".repeat(links));
    assert_eq!(reason(RecordType::Procedure, &chained(CHAIN_LINKS_MAX), "a"), None);
    assert!(reason(RecordType::Procedure, &chained(CHAIN_LINKS_MAX + 1), "a").is_some());
}
