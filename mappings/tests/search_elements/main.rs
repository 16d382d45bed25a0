//! Coded elements and references: what a search finds, against what stands in the JSON that is
//! rendered. The records are those that messages lead to.

#![allow(clippy::unwrap_used, clippy::disallowed_methods, reason = "a test may fail")]

#[path = "../adt_support/mod.rs"]
mod adt_support;
mod messages;

use std::collections::BTreeSet;
use std::sync::Arc;

use adt_support::{Lane, plain_entity};
use jiff::tz::TimeZone;
use messages::{PERSONS, doctor, later, message, of_stay, one_of, segment};
use proptest::prelude::*;
use serde_json::Value;
use sluice_mappings::adt::Records as _;
use sluice_mappings::entity::LegalEntity;
use sluice_mappings::fhir::{self, FhirVersion};
use sluice_mappings::records::{Record, RecordType};
use sluice_mappings::search::{self, Join, Kind, Query};

/// The element of a parameter, by version, as paths into the JSON. Those of the parameters that
/// are not here have tests of their own.
fn paths(of: RecordType, param: &str, version: FhirVersion) -> Option<&'static [&'static str]> {
    use RecordType as T;
    let r4 = version == FhirVersion::R4;
    Some(match (of, param) {
        (_, "code") => &["code"],
        (_, "clinical-status") => &["clinicalStatus"],
        (_, "verification-status") => &["verificationStatus"],
        (_, "category") => &["category"],
        (_, "criticality") => &["criticality"],
        (T::Stay, "status") => return None,
        (_, "status") => &["status"],
        (T::Organization | T::Coverage, "type") => &["type"],
        (_, "relationship") => &["relationship"],
        (_, "role") => &["code"],
        (_, "specialty") => &["specialty"],
        (T::Account, "patient" | "subject") => &["subject"],
        (_, "patient" | "subject" | "beneficiary") => &["subject", "patient", "beneficiary"],
        (_, "encounter") => &["encounter"],
        (_, "subscriber") => &["subscriber"],
        (_, "payor" | "insurer") => &["payor", "insurer"],
        (_, "policy-holder") => &["policyHolder"],
        (_, "partof" | "part-of") => &["partOf"],
        (T::Location, "organization") => &["managingOrganization"],
        (T::PractitionerRole, "organization") => &["organization"],
        (_, "service-provider") => &["serviceProvider"],
        (T::PractitionerRole, "practitioner") => &["practitioner"],
        (T::Stay, "participant" | "practitioner") => {
            &["participant.individual", "participant.actor"]
        }
        (_, "general-practitioner") => &["generalPractitioner"],
        (_, "account") => &["account"],
        (_, "diagnosis") if r4 => &["diagnosis.condition"],
        (_, "diagnosis") => &["diagnosis.condition.reference"],
        (_, "asserter") if r4 => &["asserter"],
        (_, "asserter") => &["participant.actor"],
        (_, "recorder") if r4 => &["recorder"],
        (_, "recorder") => &["participant.actor"],
        (_, "performer") => &["performer.actor", "performer"],
        (T::Stay, "location") => &["location.location"],
        (_, "location") => &["location"],
        _ => return None,
    })
}

fn at<'v>(value: &'v Value, path: &str) -> Vec<&'v Value> {
    let mut found = vec![value];
    for name in path.split('.') {
        found = found
            .into_iter()
            .filter_map(|one| one.get(name))
            .flat_map(|one| match one {
                Value::Array(many) => many.iter().collect(),
                one => vec![one],
            })
            .collect();
    }
    found
}

/// `system|code` of each coding, `|code` where it has no system; `?|code` of a plain code.
fn tokens(resource: &Value, paths: &[&str]) -> BTreeSet<(String, String)> {
    let text = |value: Option<&Value>| value.and_then(Value::as_str).unwrap_or("").to_owned();
    let mut tokens = BTreeSet::new();
    for value in paths.iter().flat_map(|path| at(resource, path)) {
        match value {
            Value::String(code) => {
                tokens.insert(("?".to_owned(), code.clone()));
            }
            concept => {
                for coding in at(concept, "coding") {
                    tokens.insert((text(coding.get("system")), text(coding.get("code"))));
                }
            }
        }
    }
    tokens
}

fn references(resource: &Value, paths: &[&str]) -> BTreeSet<String> {
    let values = paths.iter().flat_map(|path| at(resource, path));
    let references = values.filter_map(|value| value.get("reference")?.as_str());
    references.map(str::to_owned).collect()
}

fn query(lane: &Lane, of: RecordType, version: FhirVersion, name: &str, value: &str) -> Query {
    let pair = (name.to_owned(), value.to_owned());
    let parsed = search::parse(of, version, &[pair], &TimeZone::get("Europe/Paris").unwrap())
        .unwrap_or_else(|error| panic!("{} {name}={value}: {error}", of.fhir()));
    assert!(parsed.ignored.is_empty(), "{} {name}", of.fhir());
    parsed.query.with_entities([&Arc::new(lane.entity.clone())])
}

/// An EJ whose site file shows codes of tables and of systems as others, some in R5 alone as such.
fn entity_with_site() -> LegalEntity {
    let row = |table: &str, from: &str, code: &str| {
        format!(
            "[[site.code]]\ntable = \"{table}\"\nfrom = \"{from}\"\n\
             system = \"urn:x:shown\"\ncode = \"{code}\"\n\
             r5 = {{ system = \"urn:x:r5\", code = \"{code}\" }}\n"
        )
    };
    let icd = "http://hl7.org/fhir/sid/icd-10";
    let rows = [
        row("0063", "SPO", "partner"),
        row("0063", "FTH", "partner"),
        row("0131", "C", "contact"),
        row("0443", "PP", "doctor"),
        row("0443", "XX", "other"),
        row("0078", "H", "partner"),
        row(icd, "I10", "hypertension"),
        row(icd, "E11", "diabetes"),
        row("urn:x:local", "I10", "own"),
        row("urn:x:local", "PEN", "PEN"),
        row("urn:x:hmo", "HMO", "plan"),
    ];
    let settings = format!(
        "id = \"EJ1\"\nname = \"an EJ\"\n\
         site.coding_system = [{{ name = \"L\", system = \"urn:x:local\" }}]\n{}",
        rows.concat()
    );
    LegalEntity::new(toml::from_str(&settings).unwrap()).unwrap()
}

/// Whether the record is found, through its rows as well.
fn finds(query: &Query, lane: &Lane, record: &Record) -> bool {
    let ej = lane.entity.id();
    let matched = query.matches(ej, record);
    let mut rows = Vec::new();
    search::rows(ej, record, &mut rows);
    for clause in &query.clauses {
        let spans = clause.spans(ej);
        let hit = |exact: bool| {
            rows.iter().any(|(p, k)| spans.iter().any(|s| s.exact == exact && s.holds(*p, k)))
        };
        let param = clause.param();
        let inside = matched != clause.is_negated();
        assert!(!hit(true) || inside, "{param}: an exact row tells otherwise of {record:?}");
        assert!(!inside || hit(true) || hit(false), "{param}: no row leads to it");
    }
    matched
}

fn check(lane: &Lane) {
    let records: Vec<Record> = lane.records.all().collect();
    for version in FhirVersion::ALL {
        let render = |record: &Record| -> Value {
            serde_json::from_slice(&fhir::render(record, &lane.entity, version)).unwrap()
        };
        let shown: Vec<(Record, Value)> =
            records.iter().map(|record| (record.clone(), render(record))).collect();
        for of in RecordType::ALL {
            for parameter in search::params(of, version) {
                let (param, kind) = (parameter.name, parameter.kind);
                let Some(paths) = paths(of, param, version) else { continue };
                let own = shown.iter().filter(|(record, _)| record.record_type() == of);
                let own: Vec<_> = own.collect();
                match kind {
                    Kind::Token => check_tokens(lane, (of, version), param, paths, &own),
                    // One that never refers: `search_standard` asks it.
                    Kind::Reference if parameter.targets.is_empty() => {}
                    Kind::Reference => check_references(lane, (of, version), param, paths, &own),
                    _ => {}
                }
            }
        }
    }
}

fn check_tokens(
    lane: &Lane,
    (of, version): (RecordType, FhirVersion),
    param: &str,
    paths: &[&str],
    own: &[&(Record, Value)],
) {
    let said = |resource: &Value| tokens(resource, paths);
    let mut all: BTreeSet<_> = own.iter().flat_map(|(_, resource)| said(resource)).collect();
    all.insert(("http://nowhere".into(), "nothing".into()));
    for (system, code) in &all {
        let by_code = query(lane, of, version, param, code);
        let not = query(lane, of, version, &format!("{param}:not"), code);
        let by_system = query(lane, of, version, param, &format!("{system}|{code}"));
        let any_of_system =
            (!system.is_empty()).then(|| query(lane, of, version, param, &format!("{system}|")));
        for (record, resource) in own {
            let said = said(resource);
            let has_code = said.iter().any(|(_, own)| own == code);
            assert_eq!(finds(&by_code, lane, record), has_code, "{of:?} {param}={code}");
            assert_eq!(finds(&not, lane, record), !has_code, "{of:?} {param}:not={code}");
            if system != "?" {
                let has = said.contains(&(system.clone(), code.clone()));
                assert_eq!(finds(&by_system, lane, record), has, "{of:?} {param} by system");
            }
            if let Some(query) = any_of_system.as_ref().filter(|_| system != "?") {
                let has = said.iter().any(|(own, _)| own == system);
                assert_eq!(finds(query, lane, record), has, "{of:?} {param}=system|");
            }
        }
    }
    // A text without any code is there too.
    let lacks = |resource: &Value| paths.iter().all(|path| at(resource, path).is_empty());
    missing(lane, (of, version), param, own, lacks);
}

fn check_references(
    lane: &Lane,
    (of, version): (RecordType, FhirVersion),
    param: &str,
    paths: &[&str],
    own: &[&(Record, Value)],
) {
    let all: BTreeSet<_> = own.iter().flat_map(|(_, r)| references(r, paths)).collect();
    let line = search::referring(of).find(|line| line.param == param).unwrap();
    for path in paths {
        let element = path.split('.').next().unwrap();
        assert!(line.elements.contains(&element), "{of:?} {param} is not said to be {element}");
    }
    for reference in &all {
        let (of_type, id) = reference.split_once('/').unwrap();
        let is_target = line.targets.iter().any(|target| target.fhir() == of_type);
        assert!(is_target, "{of:?} {param} is not said to refer to a {of_type}");
        let asked = [
            query(lane, of, version, param, reference),
            query(lane, of, version, param, id),
            query(lane, of, version, &format!("{param}:{of_type}"), id),
        ];
        for (record, resource) in own {
            let has = references(resource, paths).contains(reference);
            for query in &asked {
                assert_eq!(finds(query, lane, record), has, "{of:?} {param}={of_type}");
            }
        }
    }
    missing(lane, (of, version), param, own, |resource| references(resource, paths).is_empty());
}

fn missing(
    lane: &Lane,
    (of, version): (RecordType, FhirVersion),
    param: &str,
    own: &[&(Record, Value)],
    lacks: impl Fn(&Value) -> bool,
) {
    for wanted in [true, false] {
        let query = query(lane, of, version, &format!("{param}:missing"), &wanted.to_string());
        for (record, resource) in own {
            let lacks = lacks(resource) == wanted;
            assert_eq!(finds(&query, lane, record), lacks, "{of:?} {param}:missing={wanted}");
        }
    }
}

/// What changed of a record's rows is what differs between all of them.
fn check_changes(lane: &Lane, old: &Record) {
    let new = lane.records.record(old.record_type(), old.id()).unwrap();
    let rows = |record: &Record| {
        let mut rows = Vec::new();
        search::rows(lane.entity.id(), record, &mut rows);
        rows
    };
    let (before, after) = (rows(old), rows(&new));
    let changes = search::row_changes(lane.entity.id(), old, &new);
    assert!(changes.went.iter().eq(before.iter().filter(|row| !after.contains(row))), "{new:?}");
    assert!(changes.came.iter().eq(after.iter().filter(|row| !before.contains(row))), "{new:?}");
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]

    #[test]
    fn a_search_finds_what_the_rendered_elements_say(
        first in (one_of(&["A01", "A31"]), of_stay(), prop::collection::vec(segment(), 0..8)),
        then in prop::collection::vec(later(), 1..4),
        site in any::<bool>(),
    ) {
        let mut lane = Lane::new(if site { entity_with_site() } else { plain_entity() });
        doctor(&mut lane);
        for (at, (event, stay, segments)) in [first].into_iter().chain(then).enumerate() {
            let before: Vec<Record> = lane.records.all().collect();
            lane.take_text(&message(event, at + 1, stay, &segments));
            check(&lane);
            before.iter().for_each(|old| check_changes(&lane, old));
        }
    }
}

/// The rows of a stay follow what only its movements say: who attends from an A54 on, and which
/// unit answers for the patient (ZBE-7) before the one of PV1-39.
#[test]
fn who_and_which_unit_a_movement_alone_names_is_found_as_it_is_shown() {
    let mut lane = Lane::new(plain_entity());
    let (one, two) = (PERSONS[1], PERSONS[2]);
    let unit = |number: &'static str| (two, "", "3101", number, false);
    let (a, b) = ("Unit A^^^^^^UF^^^3101", "Unit B^^^^^UF^FI^^^3102");
    for (at, (event, stay, shown)) in [
        ("A01", (one, "", "3101", "-", false), (1, "3101")),
        ("A54", unit(b), (2, "Unit B")),
        ("A02", unit(a), (2, "Unit A")),
        // Takes the transfer back.
        ("A12", (two, "", "3101", b, true), (2, "Unit B")),
    ]
    .into_iter()
    .enumerate()
    {
        let before: Vec<Record> = lane.records.all().collect();
        lane.take_text(&message(event, at + 1, stay, &[]));
        check(&lane);
        before.iter().for_each(|old| check_changes(&lane, old));
        let stay = lane.records.all().find(|record| record.record_type() == RecordType::Stay);
        let json = fhir::render(&stay.unwrap(), &lane.entity, FhirVersion::R4);
        let json: Value = serde_json::from_slice(&json).unwrap();
        let participants = json["participant"].as_array().map_or(0, Vec::len);
        let provider = json["serviceProvider"]["display"].as_str().unwrap();
        assert_eq!((participants, provider), shown, "{event}");
    }
}

/// Names and dates of what is neither patient, stay nor place.
#[test]
fn the_others_are_found_by_name_and_date() {
    let mut lane = Lane::new(plain_entity());
    lane.take_text(
        "MSH|^~\\&|A|B|C|D|20260310||ADT^A01|1|P|2.5.1\rEVN||20260310\r\
         PID|1||P1^^^H||DOE^JOHN\rPV1|1|I|||||1^LEROY^PAUL^^^^^^RPPS||||||||||||V1^^^H\r\
         AL1|1|DA|PEN^^L\rDG1|1||I10^^I10||202603|A\rDG1|2||E11^^I10|||A\r\
         PR1|1||47^^L||20260301080000||90\rOBX|1|NM|8867-4^^LN||72|||||||||20260302\r\
         IN1|1|A|1^^^X|Mutuelle Bleue||||||||||||DOE^JANE|SPO|19700501|||||||||||||||||||||||||F\r",
    );
    doctor(&mut lane);
    let count = |of: RecordType, name: &str, value: &str| {
        let query = query(&lane, of, FhirVersion::R4, name, value);
        let own = lane.records.all().filter(|record| record.record_type() == of);
        own.filter(|record| finds(&query, &lane, record)).count()
    };
    use RecordType as T;
    for (of, name, value, found) in [
        (T::Condition, "onset-date", "2026-03", 1),
        (T::Condition, "onset-date", "2026-03-01", 0),
        (T::Condition, "onset-date", "le2026-03-01", 1),
        (T::Condition, "onset-date", "2026-04", 0),
        (T::Condition, "onset-date:missing", "true", 1),
        (T::Procedure, "date", "2026-03-01", 1),
        (T::Procedure, "date", "ge2026-03-01T08:20:00Z", 1),
        (T::Procedure, "date", "ge2026-03-01T08:40:00Z", 0),
        (T::Observation, "date", "2026-03-02", 1),
        (T::Observation, "date", "gt2026-03-02", 0),
        (T::AllergyIntolerance, "date:missing", "true", 1),
        (T::RelatedPerson, "name", "jane", 1),
        (T::RelatedPerson, "family", "do", 1),
        (T::RelatedPerson, "given", "john", 0),
        (T::RelatedPerson, "birthdate", "1970-05-01", 1),
        (T::RelatedPerson, "gender", "female", 1),
        (T::RelatedPerson, "gender", "male", 0),
        (T::Organization, "name", "mutuelle", 1),
        (T::Organization, "name:contains", "bleue", 1),
        (T::Organization, "active", "false", 0),
        (T::Organization, "identifier", "urn:x-sluice:EJ1:X|1", 1),
        (T::Practitioner, "family", "leroy", 1),
        (T::Practitioner, "name", "durieux", 1),
        (T::Practitioner, "identifier", "urn:r|1", 1),
    ] {
        assert_eq!(count(of, name, value), found, "{of:?} {name}={value}");
    }
}

/// What a site file shows is found, of each EJ by its own file, and of the version that shows it.
#[test]
fn a_code_that_a_site_file_shows_is_found_in_its_ej_and_version() {
    let mut lane = Lane::new(entity_with_site());
    lane.take_text(&message("A01", 1, ("", "", "", "-", false), &["DG1|1||I10^^I10|||A".into()]));
    let other = "id = \"EJ2\"\nname = \"another\"";
    let mut plain = Lane::new(LegalEntity::new(toml::from_str(other).unwrap()).unwrap());
    plain.take_text(&message("A01", 1, ("", "", "", "-", false), &["DG1|1||I10^^I10|||A".into()]));
    let condition = |lane: &Lane| {
        let of = |record: &Record| record.record_type() == RecordType::Condition;
        lane.records.all().find(of).unwrap()
    };
    for (version, code, found) in [
        (FhirVersion::R4, "hypertension", true),
        (FhirVersion::R4, "urn:x:shown|hypertension", true),
        (FhirVersion::R4, "urn:x:shown|", true),
        (FhirVersion::R4, "urn:x:r5|hypertension", false),
        (FhirVersion::R4, "urn:x:r5|", false),
        (FhirVersion::R4, "|hypertension", false),
        (FhirVersion::R5, "urn:x:r5|hypertension", true),
        (FhirVersion::R5, "urn:x:r5|diabetes,I10", true),
        (FhirVersion::R5, "urn:x:shown|hypertension", false),
        (FhirVersion::R4, "own", false),
    ] {
        let asked = query(&lane, RecordType::Condition, version, "code", code);
        assert_eq!(finds(&asked, &lane, &condition(&lane)), found, "{version} {code}");
        let of_i10 = code.ends_with("I10");
        assert_eq!(finds(&asked, &plain, &condition(&plain)), of_i10, "{version} {code}");
    }
    // At the end of a chain too.
    let (stays, path) = (RecordType::Stay, "diagnosis:Condition.code");
    let asked = query(&lane, stays, FhirVersion::R4, path, "hypertension");
    let Some(Join::Found(conditions)) = asked.clauses[0].join() else { panic!("a chain") };
    assert!(conditions.iter().any(|of| finds(of, &lane, &condition(&lane))));
}
