//! Organization, Practitioner, PractitionerRole, RelatedPerson.

use serde_json::{Value, json};
use sluice_mappings::fhir::FhirVersion::{R4, R5};
use sluice_mappings::records::{OrganizationKind, OrganizationRecord};

use super::fhir_records::coded;
use super::fhir_records::others::{
    address, organization, practitioner, practitioner_role, related_person, telecom,
};
use super::{changed, legal_entity, meta, part, shown, terminology};

#[test]
fn an_organization_is_rendered_whole() {
    let telecom = json!([ { "system": "phone", "value": "0400000000", "use": "work" } ]);
    // org-2: an organization has no home.
    let addresses = [
        json!({ "line": ["1 quai"], "city": "LYON" }),
        json!({ "use": "work", "line": ["2 quai"], "city": "LYON" }),
    ];
    let expected = json!({
        "resourceType": "Organization",
        "id": "28282828-2828-2828-2828-282828282828",
        "meta": meta(),
        // LCH without an element of FHIR's.
        "extension": [ {
            "url": "urn:x-sluice:fhir:structure-attribute",
            "extension": [
                { "url": "code", "valueString": "TP_ACTVT" },
                { "url": "value", "valueString": "03" }
            ]
        } ],
        "identifier": [ { "system": "urn:x-sluice:EJ1:uf", "value": "3101" } ],
        "active": true,
        // fr-core-and-structure §B.
        "type": [
            { "coding": [ {
                "system": "https://hl7.fr/ig/fhir/core/CodeSystem/fr-core-cs-v2-3307",
                "code": "UF"
            } ] },
            { "coding": [ {
                "system": terminology("organization-type"), "code": "dept",
                "display": "Hospital Department"
            } ] }
        ],
        "name": "Cardiologie",
        "telecom": telecom,
        "address": addresses,
        "partOf": { "reference": "Organization/29292929-2929-2929-2929-292929292929" }
    });
    assert_eq!(shown(organization(40), R4), expected);
    // R5 has ExtendedContactDetail, with one address each.
    let r5 = json!({
        "telecom": null, "address": null,
        "contact": [ { "telecom": telecom, "address": addresses[0] }, { "address": addresses[1] } ]
    });
    assert_eq!(shown(organization(40), R5), changed(expected, r5));
}

#[test]
fn an_organization_outside_the_group_has_no_level_and_may_lack_a_name() {
    let record = OrganizationRecord {
        kind: OrganizationKind::Other,
        identifiers: vec![],
        name: String::new(),
        active: false,
        part_of: None,
        addresses: vec![],
        telecoms: vec![],
        attributes: vec![],
        ..organization(40)
    };
    let expected = json!({
        "resourceType": "Organization",
        "id": "28282828-2828-2828-2828-282828282828",
        "meta": meta(),
        // org-1: a name or an identifier.
        "identifier": [ {
            "system": "urn:ietf:rfc:3986",
            "value": "urn:uuid:28282828-2828-2828-2828-282828282828"
        } ],
        "active": false
    });
    assert_eq!(shown(record.clone(), R4), expected);
    assert_eq!(shown(record, R5), expected);
}

#[test]
fn a_practitioner_is_rendered_whole_and_alike_in_both_versions() {
    let expected = json!({
        "resourceType": "Practitioner",
        "id": "33333333-3333-3333-3333-333333333333",
        "meta": meta(),
        "identifier": [ { "system": "urn:oid:1.2.250.1.71.4.2.1", "value": "99999999911" } ],
        "name": [ { "family": "DÉMOCRATE", "given": ["Élise"], "prefix": ["Dr"] } ],
        "telecom": [ { "system": "email", "value": "elise@example.fr" } ],
        "address": [ { "use": "work", "line": ["3 rue"], "city": "LYON" } ],
        // XCN-7 (FACTS §4 XCN).
        "qualification":
            [ { "code": { "coding": [ { "system": terminology("v2-0360"), "code": "MD" } ] } } ]
    });
    assert_eq!(shown(practitioner(51), R4), expected);
    assert_eq!(shown(practitioner(51), R5), expected);
}

#[test]
fn a_practitioner_role_is_rendered_whole() {
    let telecom = json!([ { "system": "phone", "value": "0400000001", "use": "work" } ]);
    let expected = json!({
        "resourceType": "PractitionerRole",
        "id": "34343434-3434-3434-3434-343434343434",
        "meta": meta(),
        "identifier": [ { "system": "urn:oid:1.2.9", "value": "R1" } ],
        "practitioner": { "reference": "Practitioner/33333333-3333-3333-3333-333333333333" },
        "organization": { "reference": "Organization/29292929-2929-2929-2929-292929292929" },
        // 0443 AT (FACTS §3 ROL).
        "code": [ { "coding": [
            {
                "system": terminology("v3-ParticipationType"), "code": "ATND",
                "display": "attender"
            },
            { "system": terminology("v2-0443"), "code": "AT" }
        ] } ],
        "specialty":
            [ { "coding": [ { "code": "SM04", "display": "Cardiologie" } ], "text": "Cardiologie" } ],
        "location": [ { "reference": "Location/1e1e1e1e-1e1e-1e1e-1e1e-1e1e1e1e1e1e" } ],
        "telecom": telecom
    });
    assert_eq!(shown(practitioner_role(52), R4), expected);
    let r5 = json!({ "telecom": null, "contact": [ { "telecom": telecom } ] });
    assert_eq!(shown(practitioner_role(52), R5), changed(expected, r5));
}

#[test]
fn a_role_of_no_organization_is_one_within_the_ej() {
    let mut record = practitioner_role(52);
    record.organization = None;
    assert_eq!(shown(record, R4)["organization"], legal_entity());
}

#[test]
fn every_role_of_table_0443_that_has_a_code_has_it() {
    let of = |role: &str| {
        let mut record = practitioner_role(52);
        record.role = coded(role, "", "0443");
        let coding = shown(record, R4)["code"][0]["coding"][0].clone();
        let text = |member: &str| coding[member].as_str().unwrap_or_default().to_owned();
        (text("system"), text("code"))
    };
    // FACTS §3 ROL.
    let v3 = terminology("v3-ParticipationType");
    for (sent, system, code) in [
        ("AD", v3.as_str(), "ADM"),
        ("AT", &v3, "ATND"),
        ("CP", &v3, "CON"),
        ("RP", &v3, "REF"),
        ("PP", "http://snomed.info/sct", "446050000"),
        ("PI", "http://snomed.info/sct", "40570005"),
        ("ODRP", &terminology("v2-0443"), "ODRP"),
    ] {
        assert_eq!(of(sent), (system.to_owned(), code.to_owned()), "{sent}");
    }
}

#[test]
fn a_related_person_is_rendered_whole() {
    let expected = json!({
        "resourceType": "RelatedPerson",
        "id": "3d3d3d3d-3d3d-3d3d-3d3d-3d3d3d3d3d3d",
        "meta": meta(),
        "identifier": [ { "system": "urn:oid:1.2.10", "value": "N1" } ],
        "active": true,
        "patient": { "reference": "Patient/01010101-0101-0101-0101-010101010101" },
        // NK1-3 by 0063; NK1-7 passes through.
        "relationship": [
            { "coding": [
                { "system": terminology("v3-RoleCode"), "code": "SPS", "display": "spouse" },
                { "system": terminology("v2-0063"), "code": "SPO" }
            ] },
            { "coding": [ { "system": terminology("v2-0131"), "code": "C" } ] }
        ],
        "name": [ { "use": "official", "family": "BRÛLÉ", "given": ["Gaël"] } ],
        "telecom": [ { "system": "phone", "value": "0639980034", "use": "mobile" } ],
        "gender": "male",
        "birthDate": "1956-02-01",
        "address": [ { "use": "home", "line": ["12 rue"], "city": "LYON" } ],
        "period": { "start": "2020" },
        "communication": [ { "language": {
            "coding": [ { "system": "urn:ietf:bcp:47", "code": "fr" } ], "text": "FRA"
        } } ]
    });
    assert_eq!(shown(related_person(61), R4), expected);
    assert_eq!(shown(related_person(61), R5), expected);
}

#[test]
fn every_relationship_of_table_0063_that_has_a_code_has_it() {
    let of = |code: &str| {
        let mut record = related_person(61);
        record.relationships = vec![coded(code, "", "0063")];
        let coding = shown(record, R4)["relationship"][0]["coding"][0].clone();
        let text = |member: &str| coding[member].as_str().unwrap_or_default().to_owned();
        (text("system"), text("code"))
    };
    // FACTS §5, 0063.
    let pairs = [
        ("SEL", "ONESELF"),
        ("SPO", "SPS"),
        ("DOM", "SIGOTHR"),
        ("CHD", "CHILD"),
        ("GCH", "GRNDCHILD"),
        ("NCH", "NCHILD"),
        ("SCH", "STPCHLD"),
        ("FCH", "CHLDFOST"),
        ("PAR", "PRN"),
        ("MTH", "MTH"),
        ("FTH", "FTH"),
        ("GRP", "GRPRN"),
        ("EXF", "EXT"),
        ("SIB", "SIB"),
        ("BRO", "BRO"),
        ("SIS", "SIS"),
        ("FND", "FRND"),
    ];
    let table = |pairs: &[(&str, &str)], system: &str| -> Vec<(String, (String, String))> {
        let row = |(sent, code): &(&str, &str)| {
            ((*sent).to_owned(), (terminology(system), (*code).to_owned()))
        };
        pairs.iter().map(row).collect()
    };
    let mut rows = table(&pairs, "v3-RoleCode");
    rows.extend(table(&[("EMR", "E"), ("EMC", "C"), ("UNK", "U"), ("OTH", "O")], "v2-0131"));
    rows.extend(table(&[("GRD", "GRD"), ("XYZ", "XYZ")], "v2-0063"));
    for (sent, expected) in rows {
        assert_eq!(of(&sent), expected, "{sent}");
    }
}

#[test]
fn the_field_tells_what_a_telephone_is_for_where_the_sender_does_not() {
    let of = |use_code: &str, equipment: &str, field: u8| -> Value {
        let mut record = super::fhir_records::patient(1);
        let mut one = telecom("04", use_code, equipment);
        one.field = field;
        record.telecoms = vec![one];
        shown(record, R4)["telecom"][0]["use"].clone()
    };
    // FACTS §3 PID-13, 14, 40.
    assert_eq!(of("", "PH", 13), "home");
    assert_eq!(of("", "PH", 14), "work");
    assert_eq!(of("", "PH", 40), Value::Null);
    assert_eq!(of("WPN", "PH", 13), "work");
    assert_eq!(of("", "CP", 14), "mobile");
    assert_eq!(of("ORN", "PH", 13), Value::Null);
}

#[test]
fn what_few_senders_say_of_a_number_a_name_or_an_address_is_kept() {
    use sluice_mappings::records::{CheckDigit, FurtherName};

    use super::fhir_records::{identifier, moment, name};
    let mut record = super::fhir_records::patient(1);
    let mut number = identifier("urn:oid:1.2.3", "800", "");
    number.assigner = "CHU".into();
    number.check_digit = Some(Box::new(CheckDigit { digit: "7".into(), scheme: "M10".into() }));
    record.identifiers = vec![number];
    let mut person = name("van der Berg", &["Anna"], "L");
    person.suffix = "Jr".into();
    person.further = Some(Box::new(FurtherName {
        own_prefix: "van der".into(),
        own_family: "Berg".into(),
        partner_prefix: "de".into(),
        partner_family: "Vries".into(),
        degree: "PhD".into(),
        professional_suffix: "RN".into(),
        assembly_order: "F".into(),
    }));
    record.names = vec![person];
    let mut home = address("H", "1 rue", "LYON");
    home.census_tract = "42".into();
    home.start = Some(moment("2020"));
    record.addresses = vec![home];
    let mut phone = telecom("04", "PRN", "PH");
    phone.rank = Some(1);
    phone.end = Some(moment("2025"));
    record.telecoms = vec![phone];
    let url = |name: &str| format!("http://hl7.org/fhir/StructureDefinition/{name}");
    // FACTS §4 CX, XPN, XAD, XTN.
    let expected = json!({
        "identifier": [ {
            "extension": [
                { "url": url("identifier-checkDigit"), "valueString": "7" },
                { "url": "urn:x-sluice:fhir:check-digit-scheme", "valueString": "M10" }
            ],
            "system": "urn:oid:1.2.3", "value": "800", "assigner": { "display": "CHU" }
        } ],
        "name": [ {
            "extension": [ { "url": url("humanname-assembly-order"), "valueCode": "F" } ],
            "use": "official",
            "family": "van der Berg",
            "_family": { "extension": [
                { "url": url("humanname-own-prefix"), "valueString": "van der" },
                { "url": url("humanname-own-name"), "valueString": "Berg" },
                { "url": url("humanname-partner-prefix"), "valueString": "de" },
                { "url": url("humanname-partner-name"), "valueString": "Vries" }
            ] },
            "given": ["Anna"],
            "suffix": ["Jr", "PhD", "RN"]
        } ],
        "telecom": [ {
            "system": "phone", "value": "04", "use": "home", "rank": 1, "period": { "end": "2025" }
        } ],
        "address": [ {
            "extension": [ { "url": url("iso21090-ADXP-censusTract"), "valueString": "42" } ],
            "use": "home", "line": ["1 rue"], "city": "LYON", "period": { "start": "2020" }
        } ]
    });
    let members = ["identifier", "name", "telecom", "address"];
    assert_eq!(part(&shown(record, R4), &members), expected);
}
