//! PatientRecord → Patient.

use serde_json::{Value, json};
use sluice_mappings::fhir::FhirVersion::{self, R4, R5};
use sluice_mappings::records::{Address, Coded, Contact, Link, LinkKind, PatientRecord, Telecom};

use super::fhir_records::others::{doctor, named};
use super::fhir_records::{self, coded, id, moment, name, patient};
use super::{legal_entity, part, shown, terminology};

fn shown_patient(record: PatientRecord) -> Value {
    shown(record, R4)
}

#[test]
fn a_patient_that_is_only_known_to_exist_has_no_empty_parts() {
    let expected = json!({
        "resourceType": "Patient",
        "id": "01010101-0101-0101-0101-010101010101",
        "meta": { "versionId": "7", "lastUpdated": "2026-11-20T09:00:00.250Z" },
        "active": true,
        "managingOrganization": legal_entity()
    });
    assert_eq!(shown_patient(patient(1)), expected);
}

#[test]
fn a_patient_is_rendered_whole() {
    let expected = json!({
        "resourceType": "Patient",
        "id": "01010101-0101-0101-0101-010101010101",
        "meta": { "versionId": "7", "lastUpdated": "2026-11-20T09:00:00.250Z" },
        "extension": [
            // PID-6 (FACTS §3 PID).
            {
                "url": "http://hl7.org/fhir/StructureDefinition/patient-mothersMaidenName",
                "valueString": "MARTIN"
            },
            // PID-11 BDL: not an address; XAD-9 is the district (FACTS §4 XAD).
            {
                "url": "http://hl7.org/fhir/StructureDefinition/patient-birthPlace",
                "valueAddress": {
                    "city": "VILLEURBANNE", "district": "69266", "postalCode": "69100",
                    "country": "FRA"
                }
            },
            // PID-17, 0006 CAT → 1041 (FACTS §5), the sender's own kept.
            {
                "url": "http://hl7.org/fhir/StructureDefinition/patient-religion",
                "valueCodeableConcept": { "coding": [
                    {
                        "system": "http://terminology.hl7.org/CodeSystem/v3-ReligiousAffiliation",
                        "code": "1041", "display": "Roman Catholic Church"
                    },
                    { "system": "http://terminology.hl7.org/CodeSystem/v2-0006", "code": "CAT" }
                ] }
            },
            // PID-28: sub-extension `code`.
            {
                "url": "http://hl7.org/fhir/StructureDefinition/patient-nationality",
                "extension": [ {
                    "url": "code",
                    "valueCodeableConcept": { "coding": [ {
                        "system": "http://terminology.hl7.org/CodeSystem/v2-0212", "code": "FRA"
                    } ] }
                } ]
            },
            // PID-32 (table 0445).
            {
                "url": "urn:x-sluice:fhir:identity-reliability",
                "valueCodeableConcept": { "coding": [ {
                    "system": "http://terminology.hl7.org/CodeSystem/v2-0445", "code": "VALI"
                } ] }
            }
        ],
        "identifier": [
            // CX-5 → type v2-0203 (FACTS §4 CX).
            {
                "use": "usual",
                "type": { "coding": [ {
                    "system": "http://terminology.hl7.org/CodeSystem/v2-0203", "code": "PI",
                    "display": "Patient internal identifier"
                } ] },
                "system": "urn:oid:1.2.3", "value": "8000012",
                "period": { "start": "2020-01-01" }
            },
            // CX-5 INS with OID .10 → the French extension of 0203.
            {
                "use": "official",
                "type": { "coding": [ {
                    "system": "https://hl7.fr/ig/fhir/core/CodeSystem/fr-core-cs-v2-0203",
                    "code": "INS-NIR-TEST"
                } ] },
                "system": "urn:oid:1.2.250.1.213.1.4.10", "value": "258056999999902"
            },
            // `old` comes last, though it came first in the record.
            { "use": "old", "system": "urn:oid:1.2.3", "value": "7999999" }
        ],
        "active": true,
        "name": [
            // XPN-7 D usual, L official (FACTS §4 XPN).
            { "use": "usual", "family": "BRÛLÉ-DÉMO", "given": ["Zoé"], "prefix": ["Mme"] },
            {
                "use": "official", "family": "TESTARD-DEMO",
                "given": ["ZOE", "ZOE FRANCOISE MAELYS"]
            },
            // A has no use.
            { "given": ["Zouzou"] }
        ],
        "telecom": [
            { "system": "phone", "value": "0465710012", "use": "home" },
            // CP: phone, and mobile by its use.
            { "system": "phone", "value": "0639980012", "use": "mobile" },
            { "system": "email", "value": "zoe@example.fr" },
            { "system": "fax", "value": "0465710013", "use": "work" },
            // Nothing but the value: e-mail by its look (FACTS §4 XTN [REC]).
            { "system": "email", "value": "z@example.fr" }
        ],
        "gender": "female",
        "birthDate": "1958-05-14",
        "_birthDate": { "extension": [ {
            "url": "http://hl7.org/fhir/StructureDefinition/patient-birthTime",
            "valueDateTime": "1958-05-14T06:30:00+01:00"
        } ] },
        // PID-29 goes before PID-30 (never both).
        "deceasedDateTime": "2026-11-19T23:10:00+01:00",
        "address": [
            {
                "use": "home", "line": ["12 rue des Églantiers", "Bât. B \\ 3e étage"],
                "city": "LYON", "postalCode": "69003", "country": "FRA"
            },
            { "type": "postal", "line": ["BP 4"], "city": "LYON" }
        ],
        // 0002 A is separated, which v3 calls L (FACTS §5: not the identity).
        "maritalStatus": { "coding": [
            {
                "system": "http://terminology.hl7.org/CodeSystem/v3-MaritalStatus",
                "code": "L", "display": "Legally Separated"
            },
            { "system": "http://terminology.hl7.org/CodeSystem/v2-0002", "code": "A" }
        ] },
        // PID-25 goes before PID-24 (never both).
        "multipleBirthInteger": 2,
        "contact": [ {
            "relationship": [
                // 0063 SPO is SPS in v3-RoleCode (FACTS §5).
                {
                    "coding": [
                        {
                            "system": "http://terminology.hl7.org/CodeSystem/v3-RoleCode",
                            "code": "SPS", "display": "spouse"
                        },
                        {
                            "system": "http://terminology.hl7.org/CodeSystem/v2-0063",
                            "code": "SPO", "display": "Epoux"
                        }
                    ],
                    "text": "Epoux"
                },
                { "coding": [ {
                    "system": "http://terminology.hl7.org/CodeSystem/v2-0131", "code": "C"
                } ] }
            ],
            "name": { "use": "official", "family": "BRÛLÉ-DÉMO", "given": ["Gaël"] },
            "telecom": [ { "system": "phone", "value": "0639980034", "use": "mobile" } ],
            "gender": "male"
        } ],
        // PID-15 FRA → BCP 47.
        "communication": [ { "language": {
            "coding": [ { "system": "urn:ietf:bcp:47", "code": "fr" } ], "text": "FRA"
        } } ],
        // PD1-4 / ROL ODRP: not served, so by number and name.
        "generalPractitioner": [ {
            "type": "Practitioner",
            "identifier": { "system": "urn:oid:1.2.250.1.71.4.2.1", "value": "99999999929" },
            "display": "Dr René TRAITANT"
        } ],
        "managingOrganization": legal_entity(),
        "link": [ {
            "other": { "reference": "Patient/02020202-0202-0202-0202-020202020202" },
            "type": "replaces"
        } ]
    });
    assert_eq!(shown(fhir_records::whole_patient(1), R4), expected);
    // A Patient is the same in R5.
    assert_eq!(shown(fhir_records::whole_patient(1), R5), expected);
}

#[test]
fn r5_takes_no_language_but_those_of_bcp_47() {
    let of = |code: &str, version: FhirVersion| {
        let mut record = patient(1);
        record.language = coded(code, "", "0296");
        part(&shown(record, version), &["communication"])
    };
    let tag = |code: &str, text: &str| {
        json!({ "communication": [ { "language": {
            "coding": [ { "system": "urn:ietf:bcp:47", "code": code } ], "text": text
        } } ] })
    };
    // FACTS §3 PID-15.
    assert_eq!(of("ENG", R5), tag("en", "ENG"));
    assert_eq!(of("fre", R5), tag("fr", "fre"));
    assert_eq!(of("Patois", R5), json!({}));
    let own = "http://terminology.hl7.org/CodeSystem/v2-0296";
    assert_eq!(
        of("Patois", R4),
        json!({ "communication": [ { "language": {
            "coding": [ { "system": own, "code": "Patois" } ]
        } } ] })
    );
}

#[test]
fn a_merged_patient_points_at_its_survivor() {
    let mut loser = patient(2);
    loser.active = false;
    loser.links = vec![Link { kind: LinkKind::ReplacedBy, other: id(1) }];
    // FACTS §1 A40.
    let expected = json!({
        "active": false,
        "link": [ {
            "other": { "reference": "Patient/01010101-0101-0101-0101-010101010101" },
            "type": "replaced-by"
        } ]
    });
    assert_eq!(part(&shown_patient(loser), &["active", "link"]), expected);
}

#[test]
fn a_gender_outside_the_table_is_unknown_and_kept() {
    let of = |sent: &str| {
        let mut record = patient(1);
        record.gender = sent.into();
        part(&shown_patient(record), &["gender", "_gender"])
    };
    let kept = |gender: &str, sent: &str| {
        json!({
            "gender": gender,
            "_gender": { "extension": [
                { "url": "urn:x-sluice:fhir:original-code", "valueString": sent }
            ] }
        })
    };
    // FACTS §5, table 0001.
    assert_eq!(of("F"), json!({ "gender": "female" }));
    assert_eq!(of("M"), json!({ "gender": "male" }));
    assert_eq!(of("O"), json!({ "gender": "other" }));
    assert_eq!(of("U"), json!({ "gender": "unknown" }));
    assert_eq!(of("A"), kept("other", "A"));
    assert_eq!(of("N"), kept("other", "N"));
    assert_eq!(of("Féminin"), kept("unknown", "Féminin"));
    assert_eq!(of(""), json!({}));
}

#[test]
fn a_contact_that_says_only_a_relationship_is_none() {
    let mut record = patient(1);
    record.contacts =
        vec![Contact { relationship: coded("MTH", "", "0063"), ..Contact::default() }];
    // pat-1.
    assert_eq!(part(&shown_patient(record.clone()), &["contact"]), json!({}));
    record.contacts[0].organization.name = "Tutelle 69".into();
    let expected = json!({ "contact": [ {
        "relationship": [ { "coding": [
            {
                "system": "http://terminology.hl7.org/CodeSystem/v3-RoleCode", "code": "MTH",
                "display": "mother"
            },
            { "system": "http://terminology.hl7.org/CodeSystem/v2-0063", "code": "MTH" }
        ] } ],
        "organization": { "type": "Organization", "display": "Tutelle 69" }
    } ] });
    assert_eq!(part(&shown_patient(record), &["contact"]), expected);
}

#[test]
fn births_and_deaths_say_yes_no_or_a_number_and_never_two() {
    let members =
        ["deceasedBoolean", "deceasedDateTime", "multipleBirthBoolean", "multipleBirthInteger"];
    let mut record = patient(1);
    record.deceased = Some(false);
    record.multiple_birth = Some(true);
    assert_eq!(
        part(&shown_patient(record.clone()), &members),
        json!({ "deceasedBoolean": false, "multipleBirthBoolean": true })
    );
    record.deceased = Some(true);
    record.deceased_at = Some(moment("2026"));
    record.birth_order = Some(1);
    assert_eq!(
        part(&shown_patient(record), &members),
        json!({ "deceasedDateTime": "2026", "multipleBirthInteger": 1 })
    );
}

#[test]
fn a_birth_date_is_the_day_of_the_senders_clock_or_as_much_as_was_sent() {
    let of = |sent: &str| {
        let mut record = patient(1);
        record.birth_date = Some(moment(sent));
        shown_patient(record)["birthDate"].clone()
    };
    assert_eq!(of("1980"), "1980");
    assert_eq!(of("1980-05"), "1980-05");
    // 22:30 in UTC is the day before.
    assert_eq!(of("1980-05-01T00:30:00+02:00"), "1980-05-01");
}

#[test]
fn a_birth_place_without_structure_is_text_and_never_an_address() {
    let mut record = patient(1);
    record.birth_place = Some(Address { lines: vec!["Lyon 3e".into()], ..Address::default() });
    record.addresses = vec![Address {
        city: "VILLEURBANNE".into(),
        address_type: "BDL".into(),
        ..Address::default()
    }];
    let shown = shown_patient(record);
    // PID-23 (FACTS §3 PID).
    assert_eq!(
        part(&shown, &["extension", "address"]),
        json!({ "extension": [ {
            "url": "http://hl7.org/fhir/StructureDefinition/patient-birthPlace",
            "valueAddress": { "text": "Lyon 3e" }
        } ] })
    );
}

#[test]
fn control_characters_deletions_and_blanks_never_come_out() {
    let mut record = patient(1);
    record.names =
        vec![name("DU\u{0}PONT\u{1b}", &["\"\"", " ", "Jean\u{8}"], "L"), name(" ", &[""], "D")];
    record.telecoms = vec![Telecom { value: " \u{1} ".into(), ..Telecom::default() }];
    record.addresses = vec![Address { lines: vec!["\"\"".into()], ..Address::default() }];
    record.marital_status = Coded { system: "L".into(), ..Coded::default() };
    record.mothers_maiden_name = "\"\"".into();
    let shown = shown_patient(record);
    assert_eq!(
        part(&shown, &["name", "telecom", "address", "maritalStatus", "extension"]),
        json!({ "name": [ { "use": "official", "family": "DUPONT", "given": ["Jean"] } ] })
    );
}

#[test]
fn what_hl7_says_of_a_person_beyond_the_elements_is_in_extensions() {
    let mut record = patient(1);
    record.citizenships = vec![coded("BEL", "", "0171")];
    record.disability = coded("W", "Fauteuil", "0295");
    record.importance = coded("VIP", "", "0099");
    record.congregation = "Saint-Jean".into();
    record.species = coded("CANINE", "", "0446");
    record.breed = coded("BEAGLE", "", "0447");
    record.identity_unknown = Some(true);
    let url = |name: &str| format!("http://hl7.org/fhir/StructureDefinition/patient-{name}");
    let concept = |table: &str, code: &str| json!({ "coding": [ { "system": terminology(table), "code": code } ] });
    // FACTS §3 PID-26, 31, 35, 36; PD1-6, 14; PV1-16.
    let expected = json!([
        {
            "url": url("citizenship"),
            "extension": [
                { "url": "code", "valueCodeableConcept": concept("v2-0171", "BEL") }
            ]
        },
        {
            "url": url("disability"),
            "valueCodeableConcept": {
                "coding": [
                    { "system": terminology("v2-0295"), "code": "W", "display": "Fauteuil" }
                ],
                "text": "Fauteuil"
            }
        },
        { "url": url("importance"), "valueCodeableConcept": concept("v2-0099", "VIP") },
        { "url": url("congregation"), "valueString": "Saint-Jean" },
        {
            "url": url("animal"),
            "extension": [
                { "url": "species", "valueCodeableConcept": concept("v2-0446", "CANINE") },
                { "url": "breed", "valueCodeableConcept": concept("v2-0447", "BEAGLE") }
            ]
        },
        { "url": "urn:x-sluice:fhir:identity-unknown", "valueBoolean": true }
    ]);
    assert_eq!(shown(record.clone(), R4)["extension"], expected);
    assert_eq!(shown(record.clone(), R5)["extension"], expected);
    // species is 1..1.
    record.species = Coded::default();
    assert_eq!(shown(record, R4)["extension"].as_array().unwrap().len(), 5);
}

#[test]
fn general_practitioners_are_practices_doctors_and_declared_roles() {
    let mut record = patient(1);
    record.practices = vec![named("Maison de santé", Some(42))];
    record.general_practitioners = vec![doctor("", Some(51))];
    let mut declared = doctor("PP", Some(51));
    declared.practitioner_role = Some(id(52));
    record.declared_practitioners = vec![declared];
    let shown = shown_patient(record);
    let references: Vec<_> = shown["generalPractitioner"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| one["reference"].as_str().unwrap())
        .collect();
    // PD1-3, PD1-4, ROL-3 PP (FACTS §3).
    assert_eq!(
        references,
        [
            "Organization/2a2a2a2a-2a2a-2a2a-2a2a-2a2a2a2a2a2a",
            "Practitioner/33333333-3333-3333-3333-333333333333",
            "PractitionerRole/34343434-3434-3434-3434-343434343434"
        ]
    );
}

#[test]
fn a_code_has_up_to_three_codings_with_their_versions() {
    use sluice_mappings::records::FurtherCoding;
    let mut record = patient(1);
    record.marital_status = Coded {
        system: "I10".into(),
        alternate_code: "b".into(),
        alternate_system: "L".into(),
        further: Some(Box::new(FurtherCoding {
            version: "2019".into(),
            alternate_version: "1".into(),
            original_text: "as seen".into(),
            third_code: "c".into(),
            third_system: "LN".into(),
            third_version: "2.7".into(),
            ..FurtherCoding::default()
        })),
        ..coded("a", "A", "0002")
    };
    // FACTS §4 CWE; a version says nothing without a system.
    assert_eq!(
        shown_patient(record)["maritalStatus"],
        json!({
            "coding": [
                {
                    "system": "http://hl7.org/fhir/sid/icd-10", "version": "2019", "code": "a",
                    "display": "A"
                },
                { "code": "b" },
                { "system": "http://loinc.org", "version": "2.7", "code": "c" }
            ],
            "text": "as seen"
        })
    );
}
