//! What a search finds, stated by hand.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test fails by panicking")]

#[path = "../fhir_records/mod.rs"]
mod fhir_records;
mod parameters;

use std::sync::Arc;

use fhir_records::others::{allergy, condition, doctor, organization, procedure};
use fhir_records::{
    coded, ej, id, identifier, location, moment, movement, name, patient, place, stay,
};
use jiff::tz::TimeZone;
use sluice_mappings::fhir::FhirVersion;
use sluice_mappings::records::{PlaceStatus, Record, RecordType, StayStatus};
use sluice_mappings::search::{Param, Parsed, QueryError, Reason, SortKey, parse};

fn pairs(query: &str) -> Vec<(String, String)> {
    let pair = |p: &str| {
        let (name, value) = p.split_once('=').unwrap();
        (name.to_owned(), value.to_owned())
    };
    query.split('&').filter(|p| !p.is_empty()).map(pair).collect()
}

fn read(of: RecordType, query: &str) -> Result<Parsed, QueryError> {
    parse(of, FhirVersion::R4, &pairs(query), &TimeZone::get("Europe/Paris").unwrap())
}

/// The numbers of the records that match.
fn found(of: RecordType, records: &[Record], query: &str) -> Vec<usize> {
    let parsed = read(of, query).unwrap_or_else(|e| panic!("{query}: {e}"));
    assert!(parsed.ignored.is_empty(), "{query}");
    let hits = records.iter().enumerate().filter(|(_, r)| parsed.query.matches(ej(), r));
    hits.map(|(at, _)| at).collect()
}

fn refused(of: RecordType, query: &str) -> (&'static str, &'static str) {
    let error = read(of, query).map(|_| ()).expect_err(query);
    (error.param, error.reason.code())
}

fn people() -> Vec<Record> {
    let mut a = patient(1);
    a.names =
        vec![name("DUPONT-MARTIN", &["Bénédicte", "Anne Marie"], "L"), name("Lebœuf", &[], "D")];
    a.birth_date = Some(moment("1980-05-01"));
    a.gender = "F".into();
    a.identifiers =
        vec![identifier("urn:oid:1.2", "A,1", "PI"), identifier("urn:oid:1.3", "7", "NH")];
    let mut b = patient(2);
    b.names = vec![name("Dupont", &["Jean-Pierre"], "L")];
    b.birth_date = Some(moment("1980-05"));
    b.gender = "A".into();
    b.active = false;
    b.identifiers = vec![identifier("urn:oid:1.2", "7", "PI")];
    let mut c = patient(3);
    c.names = vec![name("D’ARTAGNAN", &["Élodie"], "L")];
    // Born late on the last of April in Paris, sent with its time.
    c.birth_date = Some(moment("1980-04-30T23:30:00+02:00"));
    let d = patient(4);
    [a, b, c, d].map(|p| Record::Patient(Arc::new(p))).to_vec()
}

#[test]
fn people_are_found() {
    let records = people();
    for (query, expected) in [
        ("", &[0, 1, 2, 3][..]),
        ("family=dupont", &[0, 1]),
        ("family=DUPONT MARTIN", &[0]),
        ("family=dupont,d'art", &[0, 1, 2]),
        ("family=martin", &[]),
        ("family=leboeuf", &[0]),
        ("given=benedicte", &[0]),
        ("given=BÉNÉ", &[0]),
        ("given=marie", &[]),
        ("given=elodie", &[2]),
        ("name=jean", &[1]),
        ("name=dup&name=jean", &[1]),
        ("family:exact=Dupont", &[1]),
        ("family:exact=dupont", &[]),
        ("family:contains=martin", &[0]),
        ("name:missing=true", &[3]),
        ("gender=female", &[0]),
        ("gender=other", &[1]),
        ("gender=http://hl7.org/fhir/administrative-gender|female,other", &[0, 1]),
        ("gender:not=female", &[1, 2, 3]),
        ("active=false", &[1]),
        ("identifier=7", &[0, 1]),
        ("identifier=urn:oid:1.2|7", &[1]),
        ("identifier=urn:oid:1.2|", &[0, 1]),
        ("identifier=|7", &[]),
        (r"identifier=urn:oid:1.2|A\,1", &[0]),
        ("identifier=urn:oid:1.2|7&gender=female", &[]),
        // A calendar date, whatever the zone.
        ("birthdate=1980-05-01", &[0]),
        ("birthdate=1980-04-30", &[2]),
        ("birthdate=1980-05", &[0, 1]),
        ("birthdate=1980", &[0, 1, 2]),
        ("birthdate=ne1980-05", &[2]),
        ("birthdate=gt1980-05-01", &[1]),
        ("birthdate=ge1980-05-01", &[0, 1]),
        ("birthdate=lt1980-05-01", &[2]),
        ("birthdate=le1980-05-01", &[0, 1, 2]),
        ("birthdate=sa1980-04-30", &[0, 1]),
        ("birthdate=eb1980-05-01", &[2]),
        ("birthdate=ap1980-05-02", &[0, 1]),
        ("birthdate=ge1980-04-30&birthdate=lt1980-05-01", &[2]),
        ("_id=no-such", &[]),
        ("_lastUpdated=2026-11-20", &[0, 1, 2, 3]),
        ("_lastUpdated=gt2026-11-20T09:00:00.25Z", &[]),
        ("_lastUpdated=ge2026-11-20T10:00:00.25+01:00", &[0, 1, 2, 3]),
    ] {
        assert_eq!(found(RecordType::Patient, &records, query), expected, "{query}");
    }
    let query = format!("_id={},{}", id(2), id(3));
    assert_eq!(found(RecordType::Patient, &records, &query), [1, 2]);
}

fn stays() -> Vec<Record> {
    // 0: a day stay on 1 October; 1: open since then; 2: two days around the change of clocks,
    // sent without times; 3: planned, no period.
    let mut a = stay(11, 1);
    a.situation.status = StayStatus::Finished;
    a.situation.start = Some(moment("2026-10-01T08:00:00+02:00"));
    a.situation.end = Some(moment("2026-10-01T23:59:59+02:00"));
    let mut b = stay(12, 1);
    b.situation.start = Some(moment("2026-10-01T08:00:00+02:00"));
    b.situation.class = coded("E", "", "0004");
    b.movements = vec![movement(place("URG", "1", "", ""), 30, PlaceStatus::Active, "2026-10-01")];
    let mut c = stay(13, 2);
    c.situation.status = StayStatus::Finished;
    c.situation.start = Some(moment("2026-03-28"));
    c.situation.end = Some(moment("2026-03-29"));
    c.situation.class = coded("HDJ", "", "0004");
    let mut d = stay(14, 2);
    d.situation.status = StayStatus::Planned;
    d.identifiers = vec![identifier("urn:v", "V4", "VN")];
    [a, b, c, d].map(|s| Record::Stay(Arc::new(s))).to_vec()
}

#[test]
fn stays_are_found() {
    let records = stays();
    let first = id(1);
    let ward = id(30);
    for (query, expected) in [
        ("date=2026-10-01", &[0][..]),
        ("date=ge2026-10-01", &[0, 1]),
        ("date=le2026-10-01", &[0, 1, 2]),
        ("date=ge2026-10-05&date=le2026-10-05", &[1]),
        ("date=gt2026-10-01", &[1]),
        ("date=sa2026-09-30", &[0, 1]),
        ("date=eb2026-10-01", &[2]),
        ("date=2026-03", &[2]),
        // The 29th has 23 hours.
        ("date=le2026-03-29&date=ge2026-03-29", &[2]),
        ("date=ge2026-03-28&date=lt2026-03-30", &[2]),
        ("date=eb2026-03-30", &[2]),
        ("date=gt2026-03-29&date=lt2026-04-01", &[]),
        ("date=lt2026-10-02T00:00:00Z&date=gt2027", &[1]),
        ("date=ap2026-10-02", &[0, 1]),
        ("date:missing=true", &[3]),
        ("status=finished,planned", &[0, 2, 3]),
        ("status:not=finished", &[1, 3]),
        ("status=arrived", &[]),
        ("class=IMP", &[0, 3]),
        ("class=http://terminology.hl7.org/CodeSystem/v3-ActCode|EMER", &[1]),
        ("class=http://terminology.hl7.org/CodeSystem/v3-ActCode|", &[0, 1, 3]),
        ("class=http://terminology.hl7.org/CodeSystem/v2-0004|HDJ", &[2]),
        ("identifier=urn:v|V4", &[3]),
        ("location:missing=false", &[1]),
        ("subject=Patient/no-such", &[]),
        (&format!("patient={first}&status=in-progress"), &[1]),
        (&format!("subject=Patient/{first}"), &[0, 1]),
        (&format!("subject:Patient={first}"), &[0, 1]),
        (&format!("location=Location/{ward}"), &[1]),
    ] {
        assert_eq!(found(RecordType::Stay, &records, query), expected, "{query}");
    }
}

#[test]
fn places_are_found() {
    let record = [Record::Location(Arc::new(location(30, place("Réa/1", "12", "", "CHU"))))];
    for (query, hits) in [
        ("name=rea", 1),
        ("name=rea 1 12", 1),
        ("name=12", 0),
        ("identifier=CHU///Réa%2F1/12", 1),
        ("identifier=urn:x-sluice:EJ1:place|CHU///Réa%2F1/12", 1),
        ("identifier=urn:x-sluice:EJ2:place|CHU///Réa%2F1/12", 0),
    ] {
        assert_eq!(found(RecordType::Location, &record, query).len(), hits, "{query}");
    }
}

#[test]
fn a_place_of_the_structure_is_found_by_its_name_and_by_its_own_number() {
    let mut record = location(30, place("3101", "", "", "CHU"));
    record.name = "Cardiologie".into();
    record.identifiers = vec![identifier("urn:oid:1.2.7", "UH-1", "")];
    let record = [Record::Location(Arc::new(record))];
    for (query, hits) in [
        ("name=cardio", 1),
        ("name=3101", 0),
        ("identifier=urn:oid:1.2.7|UH-1", 1),
        ("identifier=urn:x-sluice:EJ1:place|CHU///3101", 1),
    ] {
        assert_eq!(found(RecordType::Location, &record, query).len(), hits, "{query}");
    }
}

#[test]
fn a_coverage_is_found_by_the_number_of_its_plan() {
    let mut record = fhir_records::others::coverage(71);
    record.plan.system = "urn:oid:1.2.8".into();
    let record = [Record::from(record)];
    for (query, hits) in [
        ("identifier=PLAN1", 1),
        ("identifier=urn:oid:1.2.8|PLAN1", 1),
        ("identifier=urn:oid:1.2.8|PLAN2", 0),
    ] {
        assert_eq!(found(RecordType::Coverage, &record, query).len(), hits, "{query}");
    }
}

#[test]
fn what_cannot_be_answered_is_refused_with_its_name_and_without_its_value() {
    for (query, param, reason) in [
        ("birthdate=notadate", "birthdate", "date-malformed"),
        ("birthdate=1980,", "birthdate", "value-empty"),
        ("birthdate:exact=1980", "birthdate", "modifier-unsupported"),
        ("family:text=x", "family", "modifier-unsupported"),
        ("family=--", "family", "text-without-letters"),
        ("gender=ZQX", "gender", "code-unknown"),
        ("active=yes", "active", "boolean-malformed"),
        ("active:missing=maybe", "active", "boolean-malformed"),
        ("identifier=a|b|c", "identifier", "token-malformed"),
        ("_id:not=x", "_id", "modifier-unsupported"),
        ("_id:exact=x", "_id", "modifier-unsupported"),
        ("_lastUpdated:exact=2026", "_lastUpdated", "modifier-unsupported"),
        ("birthdate:exact=1980-01-01", "birthdate", "modifier-unsupported"),
        ("_id=Patient/x", "_id", "reference-malformed"),
        ("identifier:of-type=a|b", "identifier", "typed-number-malformed"),
        ("gender:text=m", "gender", "modifier-unsupported"),
        ("gender:above=male", "gender", "modifier-unsupported"),
        ("phonetic:exact=a", "phonetic", "modifier-unsupported"),
        ("general-practitioner:Group=x", "general-practitioner", "modifier-unsupported"),
        ("link:below=x", "link", "modifier-unsupported"),
        ("family.name=x", "family", "chain-from-no-reference"),
        ("_has:Encounter:patient=x", "_has", "has-malformed"),
        ("_has:Encounter:location:status=planned", "_has", "has-no-reference"),
        ("link.link.link.link.link.link.family=x", "link", "chain-too-long"),
        ("_sort=phone", "_sort", "sort-unsupported"),
        ("_sort=family,", "_sort", "sort-unsupported"),
        ("_sort=identifier", "_sort", "sort-unsupported"),
        ("_sort=a&_sort=b", "_sort", "sort-unsupported"),
        ("_sort=_id,_id,_id,_id,_id,_id,_id,_id,_id", "_sort", "too-many-values"),
    ] {
        assert_eq!(refused(RecordType::Patient, query), (param, reason), "{query}");
    }
    assert_eq!(
        refused(RecordType::Stay, "patient=Practitioner/x"),
        ("patient", "reference-malformed")
    );
}

#[test]
fn a_query_has_the_same_hash_whatever_the_order_of_its_parameters_and_another_when_it_differs() {
    let hash = |query: &str| read(RecordType::Patient, query).unwrap().query.hash();
    assert_eq!(hash("family=a&gender=male"), hash("gender=male&family=a"));
    let different =
        ["", "family=a", "family=b", "given=a", "family=a&_sort=family", "family:exact=a"];
    let mut hashes = different.map(hash).to_vec();
    hashes.sort_unstable();
    hashes.dedup();
    assert_eq!(hashes.len(), different.len());
    // Cursors outlive a restart: this number may not move.
    assert_eq!(hash("family=a"), 0xfe18_6481_d903_54a2);
    // `Condition?asserter=` of R5 finds more than that of R4, and results are kept by this number.
    let of_version = |version| {
        let zone = TimeZone::get("Europe/Paris").unwrap();
        parse(RecordType::Patient, version, &pairs("family=a"), &zone).unwrap().query.hash()
    };
    assert_eq!(of_version(FhirVersion::R4), hash("family=a"));
    assert_ne!(of_version(FhirVersion::R5), hash("family=a"));
    assert_ne!(
        read(RecordType::Stay, "").unwrap().query.hash(),
        read(RecordType::Patient, "").unwrap().query.hash()
    );
}

#[test]
fn a_sort_key_orders_records_by_their_first_value_in_its_direction() {
    let sort = |query: &str| read(RecordType::Patient, query).unwrap().query.sort;
    let records = people();
    let values = |key: &SortKey| records.iter().map(|r| key.value(ej(), r)).collect::<Vec<_>>();
    let [up] = sort("_sort=family")[..] else { panic!("one key") };
    assert_eq!((up.span.param, up.descending), (Param::Family, false));
    let [down, given] = sort("_sort=-name")[..] else { panic!("family, then given") };
    assert!(down.descending && given.descending && given.span.param == Param::Given);
    // The first has two families: Dupont-Martin and Lebœuf.
    let (up, down) = (values(&up), values(&down));
    assert!(up[2] < up[1] && up[1] < up[0]);
    assert!(down[0] > down[1]);
    assert!(up[0] < down[0]);
    assert_eq!(up[3], None);
    let born = values(&sort("_sort=birthdate")[0]);
    assert!(born[2] < born[1] && born[1] < born[0]);
}

#[test]
fn what_is_missing_is_found_by_its_parameter() {
    let records = people();
    let all: Vec<_> = (0..records.len()).collect();
    for param in ["active", "_id", "gender"] {
        if let Ok(parsed) = read(RecordType::Patient, &format!("{param}:missing=false")) {
            let has = records.iter().filter(|record| parsed.query.matches(ej(), record)).count();
            assert!(has > 0, "{param}");
        }
    }
    assert_eq!(found(RecordType::Patient, &records, "active:missing=false"), all);
    let stays = stays();
    let all: Vec<_> = (0..stays.len()).collect();
    assert_eq!(found(RecordType::Stay, &stays, "status:missing=false"), all);
    assert_eq!(found(RecordType::Stay, &stays, "status:missing=true"), [0; 0]);
}

#[test]
fn limits_hold() {
    let many = vec!["x"; 501].join(",");
    assert_eq!(refused(RecordType::Patient, &format!("_id={many}")).1, "too-many-values");
    let long = "x".repeat(1_025);
    let error = read(RecordType::Patient, &format!("family={long}")).unwrap_err();
    assert_eq!(error.reason, Reason::ValueTooLong { bytes: 1_025, limit: 1_024 });
    let clauses = vec!["family=x"; 65].join("&");
    assert_eq!(refused(RecordType::Patient, &clauses).1, "too-many-clauses");
}

#[test]
fn an_r5_status_tells_a_discharge_from_a_mere_end() {
    let zone = TimeZone::UTC;
    let ended_by = |event: &str| {
        let mut stay = stay(1, 2);
        stay.situation.status = StayStatus::Finished;
        stay.situation.discharged = event == "A03";
        Record::Stay(Arc::new(stay))
    };
    let (told, noted) = (ended_by("A03"), ended_by("A08"));
    for (code, of_told, of_noted) in [
        ("discharged", true, false),
        ("completed", false, true),
        ("completed,discharged", true, true),
        ("in-progress", false, false),
        ("discontinued", false, false),
    ] {
        let parsed =
            parse(RecordType::Stay, FhirVersion::R5, &pairs(&format!("status={code}")), &zone);
        let query = parsed.unwrap().query;
        assert_eq!(query.matches(ej(), &told), of_told, "{code}");
        assert_eq!(query.matches(ej(), &noted), of_noted, "{code}");
    }
    for (version, code) in [(FhirVersion::R5, "finished"), (FhirVersion::R4, "discharged")] {
        let refused =
            parse(RecordType::Stay, version, &pairs(&format!("status={code}")), &zone).unwrap_err();
        assert_eq!(refused.reason, Reason::CodeUnknown);
    }
}

#[test]
fn what_the_chart_and_the_structure_say_is_found() {
    let mut void = condition(2);
    void.void = true;
    let conditions = [Record::from(condition(1)), void.into()];
    let query = "verification-status=entered-in-error";
    assert_eq!(found(RecordType::Condition, &conditions, query), [1]);

    let mut elsewhere = procedure(2);
    (elsewhere.location, elsewhere.part_of) = (None, None);
    let procedures = [Record::from(procedure(1)), elsewhere.into()];
    let of = RecordType::Procedure;
    assert_eq!(found(of, &procedures, &format!("location=Location/{}", id(30))), [0]);
    assert_eq!(found(of, &procedures, &format!("part-of=Procedure/{}", id(82))), [0]);

    let mut own = allergy(2);
    own.recorder = Some(doctor("SEL", None));
    let patient = own.patient;
    let allergies = [Record::from(allergy(1)), own.into()];
    let query = format!("recorder=Patient/{patient}");
    assert_eq!(found(RecordType::AllergyIntolerance, &allergies, &query), [1]);

    let mut closed = organization(2);
    closed.active = false;
    let organizations = [Record::from(organization(1)), closed.into()];
    assert_eq!(found(RecordType::Organization, &organizations, "active=false"), [1]);
    assert_eq!(found(RecordType::Organization, &organizations, "active=true"), [0]);
}

#[test]
fn a_date_or_a_time_covers_as_much_as_is_given() {
    let zone = TimeZone::UTC;
    let day = sluice_mappings::search::date::covered("2026-03-10", &zone).unwrap();
    assert_eq!(day.high - day.low, 86_400_000_000 - 1);
    for other in ["ge2026-03-10", "", "yesterday"] {
        assert!(sluice_mappings::search::date::covered(other, &zone).is_none(), "{other}");
    }
}
