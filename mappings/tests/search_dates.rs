//! The rows that a search by a date looks at, at the edges of what it asks for: each period of a
//! stay that matches is found, and none stands in an exact span that is another's.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test fails by panicking")]

mod fhir_records;

use fhir_records::{ej, micros, moment, movement, place, stay};
use jiff::tz::TimeZone;
use sluice_ids::Micros;
use sluice_mappings::fhir::FhirVersion;
use sluice_mappings::records::{Moment, PlaceStatus, Precision, Record, RecordType};
use sluice_mappings::search::{Key, Param, Span, param, parse, rows};

const SECOND: i64 = 1_000_000;
const HOUR: i64 = 3_600 * SECOND;
const DAY: i64 = 24 * HOUR;

/// What is asked for is about here.
const AT: &str = "2026-03-10T00:00:00Z";

fn second(from: i64, offset_minutes: i16) -> Moment {
    let low = Micros::new(micros(AT).get() + from);
    Moment { low, precision: Precision::Second, offset_minutes }
}

/// Times before, in and after, as coarse as senders send them.
fn moments() -> Vec<Moment> {
    let mut all: Vec<Moment> =
        ["2025", "2026", "2027", "2026-02", "2026-03", "2026-03-09", "2026-03-10", "2026-03-11"]
            .map(moment)
            .into();
    for from in [
        -371 * DAY,
        -370 * DAY,
        -DAY,
        -3 * HOUR - SECOND,
        -3 * HOUR,
        -HOUR,
        -SECOND,
        0,
        SECOND,
        HOUR,
        3 * HOUR,
        3 * HOUR + SECOND,
        DAY,
        371 * DAY,
    ] {
        all.push(second(from, 0));
    }
    // The same day on other clocks.
    for minutes in [-720, 120, 840] {
        let low = Micros::new(micros(AT).get() - i64::from(minutes) * 60 * SECOND);
        all.push(Moment { low, precision: Precision::Day, offset_minutes: minutes });
    }
    all
}

/// Stays whose start and end are each of the moments, or nothing, and that were in two places.
fn stays() -> Vec<Record> {
    let all = moments();
    let few = [None, Some(moment("2026-03-10")), Some(second(-HOUR, 0)), Some(second(HOUR, 0))];
    let mut pairs: Vec<(Option<Moment>, Option<Moment>)> = Vec::new();
    for one in &all {
        for other in few {
            pairs.extend([(Some(*one), other), (other, Some(*one))]);
        }
    }
    pairs.push((None, None));
    let to_record = |(at, (start, end)): (usize, &(Option<Moment>, Option<Moment>))| {
        let mut record = stay(11, 1);
        (record.situation.start, record.situation.end) = (*start, *end);
        let taken = |(start, end): (Option<Moment>, Option<Moment>)| {
            let to = place("3101", "", "", "");
            let mut one = movement(to, 30, PlaceStatus::Completed, "2026");
            (one.start, one.end) = (start, end);
            one
        };
        record.movements = vec![taken((*start, *end)), taken(pairs[(at + 7) % pairs.len()])];
        record.into()
    };
    pairs.iter().enumerate().map(to_record).collect()
}

#[test]
fn the_rows_of_a_period_lead_to_it_from_the_first_to_the_last_microsecond() {
    let all: Vec<(Record, Vec<(Param, Key)>)> = stays()
        .into_iter()
        .map(|record| {
            let mut own = Vec::new();
            rows(ej(), &record, &mut own);
            (record, own)
        })
        .collect();
    let mut asked = 0;
    for (name, version) in [
        ("date", FhirVersion::R4),
        ("location-period", FhirVersion::R4),
        ("date-start", FhirVersion::R5),
        ("end-date", FhirVersion::R5),
    ] {
        assert!(param(RecordType::Stay, version, name).is_some(), "{name}");
        for prefix in ["", "ne", "gt", "ge", "lt", "le", "sa", "eb", "ap"] {
            for value in [
                "2025",
                "2026",
                "2026-03",
                "2026-03-10",
                "2025-03-05",
                "2027-03-16",
                "2026-03-10T00:00:00Z",
                "2026-03-10T00:00:00.000000Z",
                "2026-03-10T00:00:00.000001Z",
                "2026-03-09T23:59:59.999999Z",
                "2026-03-10T00:00:00.999999Z",
                "2026-03-10T23:59:59.999999Z",
                "2026-03-11T00:00:00.000000Z",
                "2026-03-09T21:00:00Z",
                "2026-03-10T03:00:00.999999Z",
            ] {
                let shown = format!("{name}={prefix}{value}");
                let query = [(name.to_owned(), format!("{prefix}{value}"))];
                let query = parse(RecordType::Stay, version, &query, &TimeZone::UTC).unwrap().query;
                let clause = &query.clauses[0];
                let spans = clause.spans(ej());
                for (at, (record, own)) in all.iter().enumerate() {
                    let within =
                        |span: &&Span| own.iter().any(|(param, key)| span.holds(*param, key));
                    let matches = clause.matches(ej(), record);
                    let exact = spans.iter().filter(|span| span.exact).any(|span| within(&span));
                    assert!(matches || !exact, "{shown}: {at} is found");
                    let found = exact || matches && spans.iter().any(|span| within(&span));
                    assert!(!matches || found, "{shown}: {at} is not found");
                    asked += usize::from(matches);
                }
            }
        }
    }
    assert!(asked > 10_000, "{asked}");
}
