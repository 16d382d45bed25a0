//! Spans against brute force: whatever the records and the query, the rows inside a clause's
//! spans find what its test finds.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test fails by panicking")]

mod fhir_records;

use std::sync::Arc;

use fhir_records::{
    coded, ej, id, identifier, location, moment, movement, name, patient, place, stay,
};
use jiff::tz::TimeZone;
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::test_runner::FileFailurePersistence;
use sluice_ids::Micros;
use sluice_mappings::fhir::FhirVersion;
use sluice_mappings::records::{Moment, PlaceStatus, Precision, Record, RecordType, StayStatus};
use sluice_mappings::search::{Param, parse, row_changes, rows};

const ZONES: [&str; 3] = ["Europe/Paris", "America/New_York", "UTC"];

fn zone(name: &str) -> TimeZone {
    TimeZone::get(name).unwrap()
}

/// Instants around which intervals begin and end: midnights, clock changes, year ends.
fn instant() -> impl Strategy<Value = i64> {
    let edges = prop::sample::select(vec![
        "2025-12-31T23:00:00Z",
        "2026-01-01T00:00:00Z",
        "2026-03-28T23:00:00Z",
        "2026-03-29T01:00:00Z",
        "2026-03-29T22:00:00Z",
        "2026-10-24T22:00:00Z",
        "2026-10-25T01:00:00Z",
        "2026-10-25T23:00:00Z",
        "2026-10-31T23:00:00Z",
        "1969-12-31T23:59:59Z",
    ]);
    (edges, prop::sample::select(vec![0, -1, 1, 3_600_000_000, -7_200_000_000, 86_400_000_000]))
        .prop_map(|(edge, shift)| fhir_records::micros(edge).get() + shift)
}

/// A time of day as it was sent, or a date in some zone.
fn any_moment() -> impl Strategy<Value = Moment> {
    let precision = prop::sample::select(vec![
        Precision::Year,
        Precision::Month,
        Precision::Day,
        Precision::Day,
        Precision::Second,
        Precision::Millisecond,
    ]);
    (instant(), precision, prop::sample::select(ZONES.to_vec())).prop_map(
        |(at, precision, name)| {
            let tz = zone(name);
            let zoned = jiff::Timestamp::from_microsecond(at).unwrap().to_zoned(tz);
            let start = match precision {
                Precision::Year => zoned.start_of_day().unwrap().first_of_year().unwrap(),
                Precision::Month => zoned.start_of_day().unwrap().first_of_month().unwrap(),
                Precision::Day => zoned.start_of_day().unwrap(),
                _ => zoned,
            };
            Moment {
                low: Micros::new(start.timestamp().as_microsecond()),
                precision,
                offset_minutes: i16::try_from(start.offset().seconds() / 60).unwrap(),
            }
        },
    )
}

const NAMES: [&str; 14] = [
    "DUPONT",
    "Dupond",
    "dupont-martin",
    "Bénédicte",
    "BENEDICTE",
    "Benedictine-Marie-Anne",
    "benedictine marie",
    "D'Artagnan",
    "LEBŒUF",
    "Øyvind",
    "山田",
    "--",
    "",
    "Jean  Pierre",
];

fn any_patient() -> impl Strategy<Value = Record> {
    (
        vec((0..NAMES.len(), vec(0..NAMES.len(), 0..3)), 0..3),
        prop::option::of(any_moment()),
        prop::sample::select(vec!["M", "F", "O", "A", "U", "X", ""]),
        any::<bool>(),
        vec((0..3_u8, 0..4_u8), 0..3),
        (1..6_u8, instant()),
    )
        .prop_map(|(names, birth_date, gender, active, identifiers, (number, updated_at))| {
            let mut record = patient(number);
            record.stamp.updated_at = Micros::new(updated_at);
            record.names = names
                .into_iter()
                .map(|(family, given)| {
                    name(NAMES[family], &given.iter().map(|g| NAMES[*g]).collect::<Vec<_>>(), "L")
                })
                .collect();
            record.birth_date = birth_date;
            record.gender = gender.into();
            record.active = active;
            record.identifiers = identifiers
                .into_iter()
                .map(|(system, value)| {
                    identifier(&format!("urn:s{system}"), &format!("{value}"), "")
                })
                .collect();
            Record::Patient(Arc::new(record))
        })
}

fn any_stay() -> impl Strategy<Value = Record> {
    let status = prop::sample::select(vec![
        StayStatus::Planned,
        StayStatus::InProgress,
        StayStatus::OnLeave,
        StayStatus::Finished,
        StayStatus::EnteredInError,
    ]);
    let class = prop::sample::select(vec!["I", "E", "R", "", "HDJ", "LONGSITECODE", "LONGSITE"]);
    (
        prop::option::of(any_moment()),
        prop::option::of(any_moment()),
        (status, class),
        vec((0..4_u8, any::<bool>()), 0..3),
        (1..6_u8, 1..4_u8, instant()),
    )
        .prop_map(|(start, end, (status, class), places, (number, patient, updated_at))| {
            let mut record = stay(number, patient);
            record.stamp.updated_at = Micros::new(updated_at);
            record.situation.start = start;
            record.situation.end = end;
            record.situation.status = status;
            record.situation.class = coded(class, "", "0004");
            for (location, cancelled) in places {
                let place = place("CARDIO", &location.to_string(), "", "");
                let mut one = movement(place, location, PlaceStatus::Active, "2026-01-01");
                one.cancelled = cancelled.then_some(sluice_ids::Seq::new(1));
                record.movements.push(one);
            }
            record.identifiers = vec![identifier("urn:v", &number.to_string(), "VN")];
            Record::Stay(Arc::new(record))
        })
}

fn any_location() -> impl Strategy<Value = Record> {
    (0..NAMES.len(), 0..3_u8, 1..6_u8).prop_map(|(poc, room, number)| {
        Record::Location(Arc::new(location(number, place(NAMES[poc], &room.to_string(), "", ""))))
    })
}

fn date_value() -> impl Strategy<Value = String> {
    let prefix =
        prop::sample::select(vec!["", "eq", "ne", "gt", "lt", "ge", "le", "sa", "eb", "ap"]);
    let date = prop::sample::select(vec![
        "2026",
        "2025",
        "2026-03",
        "2026-10",
        "2026-01-01",
        "2025-12-31",
        "2026-03-29",
        "2026-03-30",
        "2026-10-25",
        "2026-10-26",
        "2026-10-25T02:30",
        "2026-03-29T01:00:00Z",
        "2026-10-25T00:00:00+02:00",
        "2026-10-25T23:59:59.999-04:00",
        "1970-01-01",
        "1969-12",
    ]);
    (prefix, date).prop_map(|(prefix, date)| format!("{prefix}{date}"))
}

fn choice(values: &[&str]) -> impl Strategy<Value = String> + use<> {
    prop::sample::select(values.iter().map(|v| (*v).to_owned()).collect::<Vec<_>>())
}

/// One or two values of a parameter.
fn pair(
    param: &'static [&'static str],
    value: impl Strategy<Value = String> + Clone,
) -> impl Strategy<Value = (String, String)> {
    (choice(param), vec(value, 1..3)).prop_map(|(param, values)| (param, values.join(",")))
}

fn text() -> impl Strategy<Value = String> + Clone {
    let values: Vec<String> = [
        "DUPONT",
        "dup",
        "dupont martin",
        "bénéd",
        "benedictine m",
        "BENEDICTINE marie a",
        "d'art",
        "leboeuf",
        "oyvind",
        "山",
        "Jean-Pierre",
        "Bénédicte",
    ]
    .map(str::to_owned)
    .to_vec();
    prop::sample::select(values)
}

fn patient_pair() -> impl Strategy<Value = (String, String)> {
    prop_oneof![
        pair(&["birthdate", "_lastUpdated"], date_value().boxed()),
        pair(
            &[
                "family",
                "given",
                "name",
                "family:exact",
                "given:exact",
                "name:contains",
                "name:exact"
            ],
            text()
        ),
        pair(
            &["identifier", "identifier:not"],
            choice(&["urn:s0|1", "1", "urn:s1|", "|1", "urn:s0|9"]).boxed()
        ),
        pair(
            &["gender", "gender:not"],
            choice(&["male", "female", "other", "unknown", "urn:x|male"]).boxed()
        ),
        pair(&["active", "active:not"], choice(&["true", "false"]).boxed()),
        choice(&["identifier", "family", "given", "name", "birthdate", "gender"])
            .prop_flat_map(|p| (Just(format!("{p}:missing")), choice(&["true", "false"]))),
        pair(&["_id"], (0..6_u8).prop_map(|n| id(n).to_string()).boxed()),
    ]
}

fn stay_pair() -> impl Strategy<Value = (String, String)> {
    prop_oneof![
        4 => pair(&["date"], date_value().boxed()),
        1 => pair(&["_lastUpdated"], date_value().boxed()),
        1 => pair(
            &["status", "status:not"],
            choice(&["planned", "in-progress", "arrived", "entered-in-error", "unknown"]).boxed()
        ),
        2 => pair(&["class", "class:not"], choice(&[
            "IMP", "EMER", "R", "HDJ", "LONGSITECODE", "LONGSITE", "UNK",
            "http://terminology.hl7.org/CodeSystem/v3-ActCode|IMP",
            "http://terminology.hl7.org/CodeSystem/v3-ActCode|",
            "http://terminology.hl7.org/CodeSystem/v2-0004|LONGSITECODE", "urn:x|IMP", "|IMP",
        ]).boxed()),
        1 => pair(&["patient", "subject:Patient"], (0..5_u8).prop_map(|n| format!("Patient/{}", id(n))).boxed()),
        1 => pair(&["location"], (0..5_u8).prop_map(|n| id(n).to_string()).boxed()),
        1 => choice(&["date", "location", "class"])
            .prop_flat_map(|p| (Just(format!("{p}:missing")), choice(&["true", "false"]))),
    ]
}

fn location_pair() -> impl Strategy<Value = (String, String)> {
    prop_oneof![
        pair(&["name", "name:exact", "name:contains"], text()),
        pair(
            &["identifier"],
            choice(&["///DUPONT/1", "urn:x-sluice:EJ1:place|///DUPONT/1", "urn:sluice:EJ2:place|"])
                .boxed()
        ),
    ]
}

fn check(of: RecordType, records: &[Record], pair: (String, String), in_zone: &str) {
    let shown = format!("{}={} in {in_zone}", pair.0, pair.1);
    let parsed = parse(of, FhirVersion::R4, &[pair], &zone(in_zone))
        .unwrap_or_else(|e| panic!("{shown}: {e}"));
    assert!(parsed.ignored.is_empty(), "{shown}");
    let [clause] = &parsed.query.clauses[..] else { panic!("{shown}: one clause") };
    let spans = clause.spans(ej());
    for record in records {
        let mut own = Vec::new();
        rows(ej(), record, &mut own);
        assert!(own.is_sorted() && own.windows(2).all(|w| w[0] != w[1]), "{shown}: rows twice");
        assert!(own.iter().any(|(p, _)| *p == Param::All));
        let matched = clause.matches(ej(), record);
        let inside = |exact: bool| {
            own.iter().any(|(p, k)| spans.iter().any(|s| s.exact == exact && s.holds(*p, k)))
        };
        let led_to = matched != clause.is_negated();
        assert!(!inside(true) || led_to, "{shown}: an exact row tells otherwise: {:?}", record);
        assert!(!led_to || inside(true) || inside(false), "{shown}: no row leads to it");
        assert_eq!(matched, parsed.query.matches(ej(), record), "{shown}");
    }
}

/// `new` as the next version of `old`: the same id, and of its fields only those that `keep` does
/// not hold back.
fn next_version(old: &Record, new: Record, keep: u8) -> Record {
    let kept = |bit: u8| keep >> bit & 1 == 1;
    match (old, new) {
        (Record::Patient(old), Record::Patient(new)) => {
            let mut next = Arc::unwrap_or_clone(new);
            next.id = old.id;
            if kept(0) {
                next.names.clone_from(&old.names);
            }
            if kept(1) {
                next.identifiers.clone_from(&old.identifiers);
            }
            if kept(2) {
                next.stamp = old.stamp;
            }
            Record::Patient(Arc::new(next))
        }
        (Record::Stay(old), Record::Stay(new)) => {
            let mut next = Arc::unwrap_or_clone(new);
            next.id = old.id;
            if kept(0) {
                next.movements.clone_from(&old.movements);
            }
            if kept(1) {
                next.identifiers.clone_from(&old.identifiers);
            }
            if kept(2) {
                next.stamp = old.stamp;
            }
            if kept(3) {
                next.situation = old.situation.clone();
            }
            Record::Stay(Arc::new(next))
        }
        (Record::Location(old), Record::Location(new)) => {
            let mut next = Arc::unwrap_or_clone(new);
            next.id = old.id;
            Record::Location(Arc::new(next))
        }
        (_, new) => new,
    }
}

fn check_changes(old: &Record, new: &Record) {
    let rows_of = |record: &Record| {
        let mut own = Vec::new();
        rows(ej(), record, &mut own);
        own
    };
    let (before, after) = (rows_of(old), rows_of(new));
    let without = |these: &[(Param, _)], others: &[(Param, _)]| -> Vec<(Param, _)> {
        these.iter().filter(|row| !others.contains(row)).copied().collect()
    };
    let changes = row_changes(ej(), old, new);
    assert!(changes.went == without(&before, &after), "what went");
    assert!(changes.came == without(&after, &before), "what came");
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 1_500,
        failure_persistence: Some(Box::new(FileFailurePersistence::WithSource("proptest-regressions"))),
        ..ProptestConfig::default()
    })]

    #[test]
    fn the_rows_in_a_clauses_spans_are_the_patients_that_it_matches(
        records in vec(any_patient(), 1..12), pair in patient_pair(), in_zone in choice(&ZONES),
    ) {
        check(RecordType::Patient, &records, pair, &in_zone);
    }

    #[test]
    fn the_rows_in_a_clauses_spans_are_the_stays_that_it_matches(
        records in vec(any_stay(), 1..12), pair in stay_pair(), in_zone in choice(&ZONES),
    ) {
        check(RecordType::Stay, &records, pair, &in_zone);
    }

    #[test]
    fn the_rows_in_a_clauses_spans_are_the_places_that_it_matches(
        records in vec(any_location(), 1..12), pair in location_pair(),
    ) {
        check(RecordType::Location, &records, pair, "Europe/Paris");
    }

    #[test]
    fn a_patients_rows_change_by_what_differs(
        (old, new, keep) in (any_patient(), any_patient(), any::<u8>()),
    ) {
        check_changes(&old, &next_version(&old, new, keep));
    }

    #[test]
    fn a_stays_rows_change_by_what_differs(
        (old, new, keep) in (any_stay(), any_stay(), any::<u8>()),
    ) {
        check_changes(&old, &next_version(&old, new, keep));
    }

    #[test]
    fn a_places_rows_change_by_what_differs((old, new) in (any_location(), any_location())) {
        check_changes(&old, &next_version(&old, new, 0));
    }

    #[test]
    fn no_text_makes_the_parser_panic(
        name in "(birthdate|family|identifier|_id|gender|_sort|name|active)(:[a-z]{0,8})?",
        value in "\\PC{0,40}",
    ) {
        let _ = parse(RecordType::Patient, FhirVersion::R4, &[(name, value)], &zone("UTC"));
    }
}

#[test]
fn the_model_has_seen_moments_of_other_zones_than_the_querys() {
    // The margin around the ends of days is what this is about: see `END_MARGIN_MICROS`.
    let mut record = stay(1, 1);
    record.situation.start = Some(moment("2026-03-28"));
    record.situation.end = Some(moment("2026-03-29"));
    let record = [Record::Stay(Arc::new(record))];
    for value in ["eq2026-03", "le2026-03-29", "ge2026-03-29", "eb2026-03-30", "gt2026-03-29"] {
        check(RecordType::Stay, &record, ("date".into(), value.into()), "Europe/Paris");
    }
}
