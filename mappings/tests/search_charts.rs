//! What a search finds of each element of the chart and of the structure, stated by hand: a record
//! that says it is found by it, and not by what it does not say.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test fails by panicking")]

mod fhir_records;

use std::sync::Arc;

use fhir_records::others::{
    account, allergy, condition, coverage, doctor, observation, organization, practitioner,
    practitioner_role, procedure, related_person,
};
use fhir_records::{
    coded, ej, entity, id, identifier, location, moment, place, stay, whole_patient,
};
use jiff::tz::TimeZone;
use sluice_mappings::adt::legal_entity_id;
use sluice_mappings::fhir::FhirVersion::{self, R4, R5};
use sluice_mappings::records::{ObservationValue, PlaceStatus, Record};
use sluice_mappings::search::{Key, Param, Span, parse, rows};

/// Whether the record is found, and by its rows; where a number is asked for, whoever it refers to has
/// been looked up.
fn found(record: &Record, version: FhirVersion, query: &str) -> bool {
    let shown = format!("{version} {}?{query}", record.record_type().fhir());
    let (name, value) = query.split_once('=').unwrap();
    let pair = [(name.to_owned(), value.to_owned())];
    let parsed =
        parse(record.record_type(), version, &pair, &TimeZone::get("Europe/Paris").unwrap());
    let parsed = parsed.unwrap_or_else(|error| panic!("{shown}: {error}"));
    assert!(parsed.ignored.is_empty(), "{shown} is not known");
    let query = parsed.query.with_entities([&Arc::new(entity())]);
    let mut clause = query.clauses[0].clone();
    if clause.join().is_some() {
        assert!(!clause.matches(ej(), record), "{shown}: it is not looked up");
        let known = (1..=99).map(id).chain([legal_entity_id(ej())]);
        clause = clause.joined(known.collect());
    }
    let mut own: Vec<(Param, Key)> = Vec::new();
    rows(ej(), record, &mut own);
    let within = |span: &Span| own.iter().any(|(param, key)| span.holds(*param, key));
    let matches = clause.matches(ej(), record);
    let led_to = matches != clause.is_negated();
    let spans = clause.spans(ej());
    assert!(led_to || !spans.iter().any(|span| span.exact && within(span)), "{shown}: exact");
    assert!(!led_to || spans.iter().any(within), "{shown}: no row leads to it");
    matches
}

type Row = (&'static [FhirVersion], &'static str, bool);

const BOTH: &[FhirVersion] = &[R4, R5];
const RPPS: &str = "urn:oid:1.2.250.1.71.4.2.1|99999999911";

fn check(record: impl Into<Record>, table: &[Row]) {
    let record = record.into();
    for (versions, query, expected) in table {
        for version in *versions {
            let query = query
                .replace("RPPS", RPPS)
                .replace("FINESS", "https://finess.esante.gouv.fr|699000014");
            let query = (1..=99_u8).rev().fold(query, |query, number| {
                query.replace(&format!("#{number}"), &id(number).to_string())
            });
            assert_eq!(found(&record, *version, &query), *expected, "{version} {query}");
        }
    }
}

#[test]
fn a_condition_is_found_by_whom_it_is_about_and_who_says_so() {
    let mut one = condition(71);
    one.asserters = vec![doctor("", None), doctor("", Some(51))];
    one.asserters[0].identifier = Some(identifier("urn:x", "7", ""));
    check(
        one,
        &[
            (BOTH, "encounter=Encounter/#11", true),
            (BOTH, "encounter=Encounter/#12", false),
            // R4 has room for one.
            (&[R4], "asserter=Practitioner/#51", false),
            (&[R5], "asserter=Practitioner/#51", true),
            (&[R5], "participant-actor=Practitioner/#51", true),
            (&[R4], "asserter:identifier=RPPS", false),
            (&[R5], "asserter:identifier=RPPS", true),
            (BOTH, "asserter:identifier=urn:x|7", true),
            (BOTH, "asserter:identifier=urn:x|8", false),
            (&[R5], "participant-function=informant", true),
            (BOTH, "recorded-date=2026-03-10", true),
            (BOTH, "recorded-date=2026-03-01", false),
            (BOTH, "onset-date=2026-03-01", true),
            (BOTH, "category=encounter-diagnosis", true),
            (BOTH, "code=I50.9", true),
            (&[R5], "asserter:missing=false", true),
            (BOTH, "recorded-date:missing=false", true),
        ],
    );
    let mut first = condition(71);
    first.asserters = vec![sluice_mappings::records::Practitioner::default(), doctor("", Some(51))];
    check(
        first,
        &[(&[R4], "asserter:missing=true", true), (&[R5], "asserter:missing=false", true)],
    );
    let mut nobody = condition(71);
    nobody.asserters = vec![sluice_mappings::records::Practitioner::default()];
    (nobody.stay, nobody.asserted) = (None, None);
    check(
        nobody,
        &[
            (BOTH, "asserter:missing=true", true),
            (&[R5], "participant-function=informant", false),
            (BOTH, "encounter:missing=true", true),
            (BOTH, "recorded-date:missing=true", true),
        ],
    );
}

#[test]
fn a_procedure_and_an_observation_are_found_by_who_did_them() {
    check(
        procedure(81),
        &[
            (BOTH, "encounter=Encounter/#11", true),
            (BOTH, "performer=Practitioner/#51", true),
            (BOTH, "performer=Practitioner/#52", false),
            (BOTH, "performer:identifier=RPPS", true),
            (BOTH, "performer:identifier=urn:x|7", false),
            (BOTH, "location=Location/#30", true),
            (BOTH, "part-of=Procedure/#82", true),
            (BOTH, "reason-code=I50.9", true),
            (BOTH, "date=2026-03-10", true),
        ],
    );
    check(
        observation(91),
        &[
            (BOTH, "encounter=Encounter/#11", true),
            (BOTH, "performer=Practitioner/#51", true),
            (BOTH, "performer:identifier=RPPS", true),
            (BOTH, "performer:identifier=urn:x|7", false),
            (BOTH, "value-quantity=70.5", true),
            (BOTH, "value-quantity=70.5||kg", true),
            (BOTH, "value-quantity=gt71", false),
            (BOTH, "code-value-quantity=29463-7$70.5", true),
            (BOTH, "code-value-quantity=29463-7$72", false),
            (BOTH, "code-value-quantity=1$70.5", false),
            (BOTH, "combo-code=29463-7", true),
            (BOTH, "component-code=29463-7", false),
            (BOTH, "component-value-quantity=70.5", false),
            (BOTH, "combo-value-quantity=70.5", true),
            (BOTH, "value-string=Balance", false),
            (BOTH, "value-date=2026", false),
            (BOTH, "value-date:missing=true", true),
            (BOTH, "value-quantity:missing=false", true),
        ],
    );
}

#[test]
fn an_observation_is_found_by_what_it_says_of_whatever_type() {
    let says = |values: Vec<ObservationValue>| {
        let mut one = observation(91);
        one.values = values;
        one
    };
    let text = |text: &str| ObservationValue::Text(text.into());
    check(
        says(vec![text("Pâle")]),
        &[
            (BOTH, "value-string=pal", true),
            (BOTH, "value-string:exact=Pâle", true),
            (BOTH, "value-string=rose", false),
            (BOTH, "code-value-string=29463-7$pale", true),
            (BOTH, "code-value-string=29463-7$rose", false),
            (BOTH, "component-code=29463-7", false),
        ],
    );
    check(
        says(vec![text("Pâle"), text("Sec")]),
        &[
            (BOTH, "component-code=29463-7", true),
            (BOTH, "combo-code=29463-7", true),
            (BOTH, "value-string=pal", false),
        ],
    );
    check(
        says(vec![ObservationValue::Moment(moment("2026-03-10"))]),
        &[
            (BOTH, "value-date=2026-03-10", true),
            (BOTH, "value-date=2026-03-11", false),
            (BOTH, "code-value-date=29463-7$2026-03-10", true),
            (BOTH, "code-value-date=29463-7$2026-03-11", false),
            (BOTH, "value-date:missing=false", true),
        ],
    );
    let (start, end) = (Some(moment("2026-03-10")), Some(moment("2026-03-12")));
    check(
        says(vec![ObservationValue::Period { start, end }]),
        &[(BOTH, "value-date=2026-03", true), (BOTH, "value-date=sa2026-03-11", false)],
    );
    let coded = |code: &str, text: &str| ObservationValue::Coded(coded(code, text, ""));
    check(
        says(vec![coded("P", "Pâle")]),
        &[
            (BOTH, "value-concept=P", true),
            (BOTH, "value-concept=Q", false),
            (BOTH, "combo-value-concept=P", true),
            (BOTH, "component-value-concept=P", false),
            (BOTH, "code-value-concept=29463-7$P", true),
            (BOTH, "code-value-concept=29463-7$Q", false),
            // R5 looks at the texts of concepts by a parameter of their own.
            (&[R4], "value-string=pale", true),
            (&[R5], "value-string=pale", false),
            (&[R5], "value-markdown=pale", true),
            (&[R4], "value-string:missing=false", true),
            (&[R5], "value-string:missing=true", true),
        ],
    );
    // It says nothing, and says so.
    let mut unobtained = says(Vec::new());
    unobtained.status = "X".into();
    check(
        unobtained,
        &[
            (BOTH, "data-absent-reason:missing=false", true),
            (BOTH, "value-string:missing=true", true),
        ],
    );
    // A text is no text of a concept.
    check(
        says(vec![text("Pâle")]),
        &[(&[R5], "value-markdown=pale", false), (&[R5], "value-markdown:missing=true", true)],
    );
    check(
        says(vec![coded("P", "Pâle"), coded("Q", "Sec")]),
        &[
            (BOTH, "component-value-concept=Q", true),
            (BOTH, "value-concept=Q", false),
            (BOTH, "component-code-value-concept=29463-7$Q", true),
            (BOTH, "combo-code-value-concept=29463-7$Q", true),
        ],
    );
}

#[test]
fn an_allergy_is_found_by_who_wrote_it_down() {
    check(
        allergy(65),
        &[
            (BOTH, "recorder=Practitioner/#51", true),
            (BOTH, "recorder:identifier=RPPS", true),
            (BOTH, "recorder:identifier=urn:x|7", false),
            (&[R5], "participant=Practitioner/#51", true),
            (BOTH, "date=2026-03-10", true),
            (BOTH, "date=2019-04", false),
            (BOTH, "code=256259004", true),
            (BOTH, "type:missing=false", true),
            (BOTH, "severity=moderate", true),
            (BOTH, "severity=mild", false),
        ],
    );
    let mut own = allergy(65);
    own.recorder = Some(doctor("SEL", Some(51)));
    check(
        own,
        &[
            (BOTH, "recorder=Practitioner/#51", false),
            (BOTH, "recorder:identifier=RPPS", false),
            (BOTH, "recorder=Patient/#1", true),
        ],
    );
}

#[test]
fn a_coverage_is_found_by_whose_it_is_and_who_pays() {
    let mut one = coverage(63);
    one.insurers.push(fhir_records::others::named("Autre", Some(43)));
    one.policy_holder = fhir_records::others::named("Usine", Some(44));
    check(
        one,
        &[
            (BOTH, "subscriber=RelatedPerson/#61", true),
            (BOTH, "subscriber=Patient/#1", false),
            (BOTH, "payor=Organization/#42", true),
            (&[R4], "payor=Organization/#43", true),
            (&[R5], "payor=Organization/#43", false),
            (&[R5], "paymentby-party=Organization/#43", true),
            (&[R5], "paymentby-party=Organization/#42", false),
            (BOTH, "policy-holder=Organization/#44", true),
            (BOTH, "type=HMO", true),
            (BOTH, "status=active", true),
            (BOTH, "status=cancelled", false),
            (BOTH, "class-type=group", true),
            (BOTH, "class-type=plan", false),
            (BOTH, "class-value=G7", true),
            (BOTH, "class-value=G8", false),
            (&[R5], "subscriberid=258056999999902", true),
            (&[R5], "subscriberid=urn:oid:1.2.11|258056999999902", true),
            (&[R5], "subscriberid=urn:x|258056999999902", false),
        ],
    );
    let mut own = coverage(63);
    own.subscriber_is_patient = true;
    check(
        own,
        &[(BOTH, "subscriber=Patient/#1", true), (BOTH, "subscriber=RelatedPerson/#61", false)],
    );
    let mut merged = account(64);
    merged.merged_into = Some(id(69));
    check(
        merged,
        &[(&[R5], "relatedaccount=Account/#69", true), (BOTH, "identifier=26000451", true)],
    );
}

#[test]
fn the_structure_is_found_by_its_parts() {
    check(
        practitioner_role(61),
        &[
            (BOTH, "practitioner=Practitioner/#51", true),
            (BOTH, "practitioner=Practitioner/#52", false),
            (BOTH, "organization=Organization/#41", true),
            (BOTH, "organization:identifier=FINESS", false),
            (BOTH, "location=Location/#30", true),
            (BOTH, "role=AT", true),
            (BOTH, "role=AD", false),
            (BOTH, "specialty=SM04", true),
            (BOTH, "specialty=SM05", false),
            (BOTH, "phone=0400000001", true),
            (BOTH, "phone=0400000002", false),
            (BOTH, "email:missing=true", true),
            (BOTH, "telecom=phone|0400000001", true),
            (BOTH, "telecom=email|0400000001", false),
        ],
    );
    let mut alone = practitioner_role(61);
    alone.organization = None;
    check(
        alone,
        &[
            (BOTH, "organization:identifier=FINESS", true),
            (BOTH, "organization=Organization/#41", false),
        ],
    );
    check(
        practitioner(51),
        &[
            (BOTH, "email=elise@example.fr", true),
            (BOTH, "email=ELISE@EXAMPLE.FR", true),
            (BOTH, "email=zoe@example.fr", false),
            (BOTH, "phone:missing=true", true),
            (BOTH, "phone=elise@example.fr", false),
            (BOTH, "address-city=lyon", true),
            (BOTH, "address=3 rue", true),
            (BOTH, "family=democrate", true),
            (BOTH, "given=democrate", false),
        ],
    );
    let mut placed = location(30, place("3101", "", "", ""));
    check(
        placed.clone(),
        &[
            (BOTH, "organization:identifier=FINESS", true),
            (BOTH, "organization=Organization/#41", false),
        ],
    );
    placed.operational_status = coded("O", "", "0116");
    placed.managing_organization = Some(id(41));
    placed.addresses = vec![fhir_records::others::address("B", "1 quai", "BRON")];
    check(
        placed,
        &[
            (BOTH, "organization:identifier=FINESS", false),
            (BOTH, "organization=Organization/#41", true),
            (BOTH, "address-city=bron", true),
            (BOTH, "operational-status=O", true),
            (BOTH, "operational-status=U", false),
        ],
    );
    check(
        organization(40),
        &[
            // An organization has no home.
            (BOTH, "address-use=home", false),
            (BOTH, "address-use=work", true),
            (BOTH, "address-city=LYON", true),
            (BOTH, "partof=Organization/#41", true),
            (BOTH, "name=cardio", true),
            (BOTH, "phonetic=cardiologi", true),
            (BOTH, "phonetic=chirurgie", false),
        ],
    );
    check(
        related_person(62),
        &[
            (BOTH, "phone=0639980034", true),
            (BOTH, "birthdate=1956-02-01", true),
            (BOTH, "gender=male", true),
            (BOTH, "address-use=home", true),
            (BOTH, "relationship=SPS", true),
        ],
    );
}

#[test]
fn a_patient_and_a_stay_are_found_by_who_treats_them() {
    let mut one = whole_patient(1);
    (one.addresses[0].district, one.addresses[0].state) = ("RHONE".into(), "ARA".into());
    one.practices = vec![fhir_records::others::named("Cabinet", Some(42))];
    one.declared_practitioners = vec![doctor("ODRP", Some(52))];
    check(
        one,
        &[
            (BOTH, "general-practitioner=Organization/#42", true),
            (BOTH, "general-practitioner=Practitioner/#52", true),
            (BOTH, "general-practitioner:identifier=RPPS", true),
            (BOTH, "general-practitioner:identifier=urn:oid:1.2.250.1.71.4.2.1|99999999929", true),
            (BOTH, "general-practitioner:identifier=urn:x|7", false),
            (BOTH, "link=Patient/#2", true),
            (BOTH, "given=zoe", true),
            (BOTH, "given=testard", false),
            (BOTH, "family=zoe", false),
            (BOTH, "mothersMaidenName=mart", true),
            (BOTH, "address-postalcode=69003", true),
            (BOTH, "address-city:contains=yon", true),
            (BOTH, "address-city:contains=aris", false),
            (BOTH, "address-country=fra", true),
            (BOTH, "address-country=lyon", false),
            (BOTH, "address-state=ara", true),
            (BOTH, "address-state=rhone", false),
            (BOTH, "address=rhone", true),
            (BOTH, "address=ara", true),
            (BOTH, "address=fra", true),
            (BOTH, "_profile:missing=true", true),
            (BOTH, "_security:missing=true", true),
            (BOTH, "_security=R", false),
            (BOTH, "phone:missing=false", true),
            // More than a row has room for.
            (BOTH, "address=12 rue des eglantiers", true),
            (BOTH, "address=12 rue des eglises", false),
            (BOTH, "address=12 rue dez", false),
            (BOTH, "address=12 rue de", true),
            (BOTH, "address=12 rue d", true),
        ],
    );
    let mut in_care = stay(11, 1);
    in_care.account = Some(identifier("urn:oid:1.2.5", "26000451", ""));
    in_care.practitioners = vec![doctor("ATND", Some(51))];
    check(
        in_care,
        &[
            (BOTH, "account:identifier=urn:oid:1.2.5|26000451", true),
            (BOTH, "account:identifier=urn:oid:1.2.5|1", false),
            (BOTH, "practitioner:identifier=RPPS", true),
            (BOTH, "service-provider:identifier=FINESS", true),
            (BOTH, "identifier:of-type=http://terminology.hl7.org/CodeSystem/v2-0203|VN|1", false),
        ],
    );
    let mut numbered = stay(11, 1);
    numbered.identifiers = vec![identifier("urn:v", "V1", "")];
    check(
        numbered,
        &[(BOTH, "identifier:of-type=http://terminology.hl7.org/CodeSystem/v2-0203|VN|V1", true)],
    );
    check(
        account(64),
        &[(
            BOTH,
            "identifier:of-type=http://terminology.hl7.org/CodeSystem/v2-0203|AN|26000451",
            true,
        )],
    );
}

#[test]
fn a_stay_is_found_by_its_label_and_by_the_places_that_have_a_name() {
    let mut one = stay(11, 1);
    one.is_protected = Some(true);
    check(one, &[(BOTH, "_security=R", true), (BOTH, "_security=N", false)]);
    let mut placed = stay(11, 1);
    let at = |name: &str, location: Option<u8>| {
        let to = place(name, "", "", "");
        let start = "2026-03-10T09:00:00+01:00";
        let mut one = fhir_records::movement(to, 30, PlaceStatus::Active, start);
        one.end = Some(moment("2026-03-10T10:00:00+01:00"));
        one.location = location.map(id);
        one
    };
    for (name, location, found) in
        [("3101", None, true), ("3101", Some(30), true), ("", Some(30), true), ("", None, false)]
    {
        placed.movements = vec![at(name, location)];
        check(placed.clone(), &[(BOTH, "location-period=2026-03-10", found)]);
    }
}
