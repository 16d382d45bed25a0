//! Everything that is rendered passes an independent validator: structure, invariants, required
//! bindings, dates, references.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test fails by panicking")]

mod fhir_records;
mod fhir_validator;

use std::sync::Arc;

use fhir_records::{coded, entity, id, identifier, location, movement, place, stay};
use fhir_validator::{lint, skipped, validator};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::TestRunner;
use sluice_ids::{Micros, Seq};
use sluice_mappings::fhir::datatypes::Instant;
use sluice_mappings::fhir::{
    Bundle, BundleType, CapabilityStatement, Entry, IssueType, Link, OUTCOME_URL, OperationOutcome,
    OutcomeIssue, SearchMode, Server,
};
use sluice_mappings::fhir::{
    Derived, FhirVersion, GroupRecord, render, render_group, render_history, render_provenance,
};
use sluice_mappings::records::{
    AccountRecord, Address, AllergyRecord, Coded, ConditionRecord, Contact, CoverageRecord,
    HumanName, IdentifierUse, Moment, NamedOrganization, ObservationRecord, ObservationValue,
    OrganizationRecord, PatientRecord, PlaceStatus, Precision, ProcedureRecord, Record,
    RelatedPersonRecord, StayRecord, StayStatus, Telecom,
};

/// Records made at random, beside those made by hand.
const RANDOM_RECORDS: usize = 400;

#[test]
fn whatever_is_rendered_is_valid() {
    let Some(script) = validator() else {
        return skipped();
    };
    let mut records = by_hand();
    records.extend(at_random());
    for version in FhirVersion::ALL {
        lint(&script, "records", version, &resources(&records, version));
    }
}

/// Each record, and whatever else a server says, by name.
fn resources(records: &[Record], version: FhirVersion) -> Vec<(String, Vec<u8>)> {
    let entity = entity();
    let shown = |record: &Record| render(record, &entity, version);
    let bodies: Vec<_> = records.iter().map(shown).collect();

    let urls: Vec<_> = (0..bodies.len()).map(|at| format!("https://h/fhir/R4/x/{at}")).collect();
    let entries = || {
        let pairs = urls.iter().zip(&bodies);
        pairs.map(|(url, body)| Entry {
            full_url: Some(url),
            resource: body,
            mode: None,
            ..Entry::default()
        })
    };
    let mut found = Bundle::new(BundleType::Searchset);
    found.total = Some(bodies.len() as u64);
    found.link = vec![
        Link { relation: "self", url: "https://h/fhir/R4/Patient?name=a%20b".into() },
        Link { relation: "next", url: "https://h/fhir/R4/Patient?_cursor=x".into() },
    ];
    let nothing = Bundle { link: found.link[..1].to_vec(), ..Bundle::new(BundleType::Searchset) };
    let warning = OperationOutcome::new(
        OutcomeIssue::warning(IssueType::NotSupported, "unknown parameter").at("phone"),
    );
    let outcome = warning.to_json();
    let matches = entries().map(|entry| Entry { mode: Some(SearchMode::Match), ..entry });
    let told = Entry {
        full_url: Some(OUTCOME_URL),
        resource: &outcome,
        mode: Some(SearchMode::Outcome),
        ..Entry::default()
    };
    let mut collection = Bundle::new(BundleType::Collection);
    collection.timestamp = Some(Instant(Micros::new(1_795_000_000_123_456)));
    let server =
        Server { base: "https://h/fhir/R4", version: "0.1.0", date: "2026-11-20", tokens: true };

    let patients =
        GroupRecord { quantity: 2, version: Seq::new(7), updated_at: Some(Micros::new(7_000_000)) };
    let mut resources = vec![
        ("Group".to_owned(), render_group(patients, &entity, version)),
        ("searchset".to_owned(), found.write(matches.chain([told]))),
        ("collection".to_owned(), collection.write(entries())),
        ("nothing-found".to_owned(), nothing.write([])),
        ("outcome".to_owned(), outcome.clone()),
        ("capabilities".to_owned(), CapabilityStatement::new(server, version).to_json()),
    ];
    for (at, (record, body)) in records.iter().zip(&bodies).enumerate().take(50) {
        resources.push((format!("{}-{at}", record.record_type().fhir()), body.clone()));
        let provenance = render_provenance(record, &entity, version);
        resources.push((format!("Provenance-{at}"), provenance));
    }
    if version == FhirVersion::R5 {
        let stays = records.iter().filter_map(|record| match record {
            Record::Stay(stay) => Some(stay),
            _ => None,
        });
        let all = stays.flat_map(|stay| render_history(stay)).take(50).enumerate();
        let file = |(at, one): (usize, Derived)| (format!("EncounterHistory-{at}"), one.json);
        resources.extend(all.map(file));
    }
    resources
}

#[test]
fn the_validator_would_have_said_so() {
    let Some(script) = validator() else {
        return skipped();
    };
    let broken = br#"{"resourceType":"Patient","active":true,"gender":"m","name":[]}"#;
    let resources = [("broken-on-purpose".to_owned(), broken.to_vec())];
    for version in FhirVersion::ALL {
        let caught = std::panic::catch_unwind(|| lint(&script, "broken", version, &resources));
        assert!(caught.is_err(), "a broken resource passed");
    }
}

fn by_hand() -> Vec<Record> {
    let mut records: Vec<Record> = vec![
        Record::Patient(Arc::new(fhir_records::whole_patient(1))),
        Record::Patient(Arc::new(fhir_records::patient(2))),
        Record::Stay(Arc::new(fhir_records::whole_stay(11, 1))),
        Record::Location(Arc::new(location(30, place("3101", "C305", "C305F", "CANUTS")))),
        Record::Location(Arc::new(location(31, place("", "", "", "")))),
    ];
    records.extend(of_every_other_type());
    for status in [
        StayStatus::Planned,
        StayStatus::InProgress,
        StayStatus::OnLeave,
        StayStatus::Cancelled,
        StayStatus::EnteredInError,
        StayStatus::Unknown,
    ] {
        let mut record = stay(12, 1);
        record.situation.status = status;
        records.push(Record::Stay(Arc::new(record)));
    }
    records
}

/// Each whole, and each with what an unusual sender makes of it.
fn of_every_other_type() -> Vec<Record> {
    use fhir_records::others::{
        account, allergy, condition, coverage, named, observation, organization, practitioner,
        practitioner_role, procedure, related_person,
    };
    let value = |values: Vec<ObservationValue>| ObservationRecord { values, ..observation(92) };
    let text = |text: &str| text.to_owned();
    vec![
        organization(40).into(),
        OrganizationRecord { identifiers: vec![], name: text(" "), ..organization(43) }.into(),
        practitioner(51).into(),
        practitioner_role(52).into(),
        related_person(61).into(),
        RelatedPersonRecord { language: coded("klingon", "", "0296"), ..related_person(62) }.into(),
        account(70).into(),
        AccountRecord { active: false, merged_into: Some(id(70)), ..account(71) }.into(),
        coverage(72).into(),
        CoverageRecord { insurers: vec![], order: Some(0), ..coverage(73) }.into(),
        CoverageRecord { insurers: vec![named("", None)], ..coverage(74) }.into(),
        allergy(75).into(),
        AllergyRecord { void: true, reactions: vec![], ..allergy(76) }.into(),
        AllergyRecord { category: coded("MC", "", "0127"), onset: None, ..allergy(77) }.into(),
        condition(78).into(),
        ConditionRecord { void: true, ..condition(79) }.into(),
        procedure(81).into(),
        ProcedureRecord { void: true, minutes: None, ..procedure(82) }.into(),
        observation(91).into(),
        ObservationRecord { status: text("X"), code: Coded::default(), ..value(vec![]) }.into(),
        value(vec![ObservationValue::Time(text("09:30:00"))]).into(),
        value(vec![ObservationValue::Range { low: text("1"), high: text("2") }]).into(),
        value(vec![ObservationValue::Ratio { numerator: text("1"), denominator: text("8") }])
            .into(),
        value(vec![ObservationValue::Text(text("a")), ObservationValue::Text(text("b"))]).into(),
        value(vec![ObservationValue::Attachment {
            media_type: text(""),
            data: text("JVBERg=="),
            url: text(""),
        }])
        .into(),
        value(vec![ObservationValue::Quantity { comparator: text(">="), value: text("5") }]).into(),
    ]
}

/// Always the same ones. On a stack of its own: the trees of strategies this wide are large.
fn at_random() -> Vec<Record> {
    let make = || {
        let mut runner = TestRunner::deterministic();
        let strategy = prop_oneof![any_patient(), any_stay()];
        (0..RANDOM_RECORDS).map(|_| strategy.new_tree(&mut runner).unwrap().current()).collect()
    };
    let thread = std::thread::Builder::new().stack_size(256 << 20).spawn(make);
    thread.unwrap().join().unwrap()
}

/// What senders put into a field: nothing, blanks, deletions, codes, prose, control characters.
fn text() -> impl Strategy<Value = String> {
    prop_oneof![
        3 => Just(String::new()),
        1 => prop::sample::select(vec![" ", "\"\"", "\u{0}", "a\u{1b}b", "  x  y ", "\t", "é\u{301}", "\\.br\\", "<b>&", "\u{85}"])
            .prop_map(str::to_owned),
        2 => prop::sample::select(vec![
            "A", "B", "C", "D", "E", "F", "H", "I", "L", "M", "N", "O", "P", "R", "S", "U", "W", "BDL",
            "BA", "PI", "VN", "INS", "PRN", "CP", "Internet", "FX", "HL70063", "I10", "99X", "CAT",
            "MTH", "SPO", "fre", "TEMP", "1", "2", "0069", "urn:oid:1.2.3", "urn:oid:1 2",
        ]).prop_map(str::to_owned),
        1 => "\\PC{0,12}",
    ]
}

fn any_moment() -> impl Strategy<Value = Option<Moment>> {
    let precision = prop::sample::select(vec![
        Precision::Year,
        Precision::Month,
        Precision::Day,
        Precision::Second,
        Precision::Millisecond,
    ]);
    let parts = (-62_000_000_000_000_000_i64..260_000_000_000_000_000, precision, -900_i16..900);
    prop::option::of(parts.prop_map(|(low, precision, offset_minutes)| Moment {
        low: Micros::new(low),
        precision,
        offset_minutes,
    }))
}

fn any_coded(table: &'static str) -> impl Strategy<Value = Coded> {
    (text(), text(), text(), text(), text()).prop_map(
        move |(code, text, system, alternate_code, alternate_system)| Coded {
            code,
            text,
            system,
            alternate_code,
            alternate_system,
            ..coded("", "", table)
        },
    )
}

fn any_name() -> impl Strategy<Value = HumanName> {
    (text(), vec(text(), 0..3), text(), text(), any_moment(), any_moment()).prop_map(
        |(family, given, prefix, name_type, start, end)| HumanName {
            family,
            given,
            prefix: prefix.clone(),
            suffix: prefix,
            name_type,
            start,
            end,
            ..HumanName::default()
        },
    )
}

fn any_address() -> impl Strategy<Value = Address> {
    (vec(text(), 0..3), text(), text(), text(), text()).prop_map(
        |(lines, city, state, postal_code, address_type)| Address {
            lines,
            city,
            country: state.clone(),
            district: postal_code.clone(),
            state,
            postal_code,
            address_type,
            ..Address::default()
        },
    )
}

fn any_telecom() -> impl Strategy<Value = Telecom> {
    (text(), text(), text()).prop_map(|(value, use_code, equipment)| Telecom {
        value,
        use_code,
        equipment,
        ..Telecom::default()
    })
}

fn any_contact() -> impl Strategy<Value = Contact> {
    let concepts = (any_coded("0063"), any_coded("0131"));
    (any_name(), concepts, vec(any_telecom(), 0..2), prop::option::of(any_address()), text())
        .prop_map(|(name, (relationship, role), telecoms, address, gender)| Contact {
            name,
            relationship,
            role,
            telecoms,
            address,
            organization: NamedOrganization {
                name: gender.clone(),
                ..NamedOrganization::default()
            },
            gender,
            ..Contact::default()
        })
}

fn any_patient() -> impl Strategy<Value = Record> {
    let identity = (
        vec((text(), text(), text()), 0..3),
        vec(any_name(), 0..3),
        vec(any_address(), 0..3),
        vec(any_telecom(), 0..3),
        vec(any_contact(), 0..2),
    );
    let times = (any_moment(), any_moment(), any_moment());
    let codes = (any_coded("0296"), any_coded("0002"), any_coded("0006"), any_coded("0212"));
    let rest = (text(), text(), prop::option::of(any::<bool>()), prop::option::of(any::<u32>()));
    (identity, times, codes, rest, prop::option::of(any_address())).prop_map(
        |(
            (identifiers, names, addresses, telecoms, contacts),
            (birth_date, deceased_at, start),
            (language, marital_status, religion, nationality),
            (gender, maiden, multiple_birth, birth_order),
            birth_place,
        )| {
            let identifiers = identifiers.into_iter().map(|(system, value, kind)| {
                let mut one = identifier(&system, &value, &kind);
                one.r#use = IdentifierUse::Official;
                one.start = start;
                one.end = deceased_at;
                one
            });
            Record::Patient(Arc::new(PatientRecord {
                identifiers: identifiers.collect(),
                names,
                addresses,
                telecoms,
                contacts,
                birth_date,
                birth_place,
                language,
                marital_status,
                religion,
                nationalities: vec![nationality],
                reliability: vec![gender.clone()],
                gender,
                mothers_maiden_name: maiden,
                multiple_birth,
                birth_order: birth_order.map(|n| n % 1_000),
                deceased: multiple_birth,
                deceased_at,
                ..fhir_records::patient(1)
            }))
        },
    )
}

fn any_stay() -> impl Strategy<Value = Record> {
    let times = (any_moment(), any_moment(), any_moment());
    let codes = (any_coded("0004"), any_coded("0112"), any_coded("0113"), any_coded("0069"));
    let others = (any_coded("0007"), any_coded("0092"), any_coded("0023"), any_coded("0217"));
    let status = prop::sample::select(vec![
        PlaceStatus::Planned,
        PlaceStatus::Active,
        PlaceStatus::Reserved,
        PlaceStatus::Completed,
    ]);
    (times, codes, others, vec((text(), text(), status, any_moment()), 0..3), text()).prop_map(
        |(
            (start, end, planned),
            (class, disposition, destination, service),
            (admission_type, readmission, admit_source, priority),
            places,
            number,
        )| {
            let mut record: StayRecord = stay(11, 1);
            record.situation.start = start;
            record.situation.end = end;
            record.situation.class = class;
            record.situation.disposition = disposition;
            record.situation.destination = destination;
            record.service = service;
            record.reason = admission_type.clone();
            record.admission_type = admission_type;
            record.readmission = readmission;
            record.admit_source = admit_source;
            record.priority = priority;
            record.planned_start = planned;
            record.planned_end = end;
            record.identifiers = vec![identifier("urn:oid:1.2", &number, "")];
            record.account = Some(identifier("", &number, &number));
            record.pre_admission = Some(identifier("x y", &number, ""));
            for (room, bed, status, ended) in places {
                let mut one = movement(place("", &room, &bed, ""), 30, status, "2026-03-10");
                one.end = ended;
                one.identifier = Some(identifier("urn:oid:1.3", &bed, &room));
                one.location = (!room.is_empty()).then_some(id(30));
                record.movements.push(one);
            }
            Record::Stay(Arc::new(record))
        },
    )
}
