//! Account, Coverage.

use serde_json::{Value, json};
use sluice_mappings::fhir::FhirVersion::{R4, R5};
use sluice_mappings::records::{AccountRecord, Coded, CoverageRecord, NamedOrganization};

use super::fhir_records::others::{account, coverage};
use super::fhir_records::{coded, id};
use super::{changed, legal_entity, meta, part, shown, terminology};

#[test]
fn an_account_is_rendered_whole_and_alike_in_both_versions() {
    let expected = json!({
        "resourceType": "Account",
        "id": "46464646-4646-4646-4646-464646464646",
        "meta": meta(),
        // PID-18: type AN.
        "identifier": [ {
            "type": { "coding": [ {
                "system": terminology("v2-0203"), "code": "AN", "display": "Account number"
            } ] },
            "system": "urn:oid:1.2.5", "value": "26000451"
        } ],
        "status": "active",
        "subject": [ { "reference": "Patient/01010101-0101-0101-0101-010101010101" } ],
        "owner": legal_entity()
    });
    assert_eq!(shown(account(70), R4), expected);
    assert_eq!(shown(account(70), R5), expected);
}

#[test]
fn a_merged_account_is_inactive_and_points_at_its_survivor() {
    let survivor = json!({ "reference": "Account/47474747-4747-4747-4747-474747474747" });
    let record = AccountRecord { active: false, merged_into: Some(id(71)), ..account(70) };
    let members = ["status", "extension", "partOf", "relatedAccount"];
    // FACTS §1 A35, A41: R4's partOf is a hierarchy, and not to be abused.
    assert_eq!(
        part(&shown(record.clone(), R4), &members),
        json!({
            "status": "inactive",
            "extension": [ {
                "url":
                    "http://hl7.org/fhir/5.0/StructureDefinition/extension-Account.relatedAccount",
                "extension": [ { "url": "account", "valueReference": survivor } ]
            } ]
        })
    );
    assert_eq!(
        part(&shown(record, R5), &members),
        json!({ "status": "inactive", "relatedAccount": [ { "account": survivor } ] })
    );
    let void = AccountRecord { void: true, ..account(70) };
    assert_eq!(shown(void, R4)["status"], "entered-in-error");
}

#[test]
fn a_coverage_is_rendered_whole() {
    let insurer = json!({
        "reference": "Organization/2a2a2a2a-2a2a-2a2a-2a2a-2a2a2a2a2a2a",
        "display": "CPAM du Rhône"
    });
    let other = json!({ "type": "Organization", "display": "Mutuelle" });
    let group = |value: Value| {
        json!({
            "type": { "coding": [ {
                "system": terminology("coverage-class"), "code": "group", "display": "Group"
            } ] },
            "value": value,
            "name": "Groupe 7"
        })
    };
    let expected = json!({
        "resourceType": "Coverage",
        "id": "47474747-4747-4747-4747-474747474747",
        "meta": meta(),
        // IN1-2.
        "identifier": [ { "value": "PLAN1" } ],
        // Required, and forgotten by the guide (FACTS §3 IN1).
        "status": "active",
        // IN1-15.
        "type": { "coding": [ { "system": terminology("v2-0086"), "code": "HMO" } ] },
        // IN1-11.
        "policyHolder": { "type": "Organization", "display": "Usine" },
        // IN1-16.
        "subscriber": { "reference": "RelatedPerson/3d3d3d3d-3d3d-3d3d-3d3d-3d3d3d3d3d3d" },
        // IN1-49.
        "subscriberId": "258056999999902",
        "beneficiary": { "reference": "Patient/01010101-0101-0101-0101-010101010101" },
        // IN1-17.
        "relationship": { "coding": [
            { "system": terminology("subscriber-relationship"), "code": "spouse",
              "display": "Spouse" },
            { "system": terminology("v2-0063"), "code": "SPO" }
        ] },
        "period": { "start": "2026-01-01", "end": "2026-12-31" },
        // IN1-4.
        "payor": [ insurer, other ],
        // IN1-8, IN1-9.
        "class": [ group(json!("G7")) ],
        "order": 1
    });
    assert_eq!(shown(coverage(71), R4), expected);
    // FACTS §8.
    let r5 = json!({
        "kind": "insurance",
        "subscriberId": [
            { "system": "urn:oid:1.2.11", "value": "258056999999902" },
            { "value": "P-99" }
        ],
        "payor": null,
        "insurer": insurer,
        "paymentBy": [ { "party": other } ],
        "class": [ group(json!({ "value": "G7" })) ]
    });
    assert_eq!(shown(coverage(71), R5), changed(expected, r5));
}

/// Whatever IN1 could say is empty.
fn bare() -> CoverageRecord {
    CoverageRecord {
        plan: Coded::default(),
        coverage_type: Coded::default(),
        insurers: vec![],
        group_number: String::new(),
        group_name: String::new(),
        policy_holder: NamedOrganization::default(),
        start: None,
        end: None,
        subscriber: None,
        relationship: Coded::default(),
        policy_number: String::new(),
        subscriber_number: None,
        order: None,
        ..coverage(71)
    }
}

#[test]
fn a_coverage_of_which_nothing_is_known_says_that_the_payor_is_not() {
    let expected = json!({
        "resourceType": "Coverage",
        "id": "47474747-4747-4747-4747-474747474747",
        "meta": meta(),
        "status": "active",
        "beneficiary": { "reference": "Patient/01010101-0101-0101-0101-010101010101" },
        // 1..* in R4 (FACTS §3 IN1, §6: the extension's url and type).
        "payor": [ { "extension": [ {
            "url": "http://hl7.org/fhir/StructureDefinition/data-absent-reason",
            "valueCode": "unknown"
        } ] } ]
    });
    assert_eq!(shown(bare(), R4), expected);
    let r5 = json!({ "payor": null, "kind": "insurance" });
    assert_eq!(shown(bare(), R5), changed(expected, r5));
}

#[test]
fn the_subscriber_may_be_the_patient_and_a_group_may_have_only_a_name() {
    let record = CoverageRecord {
        subscriber_is_patient: true,
        relationship: coded("SEL", "", "0063"),
        policy_number: "P-99".into(),
        group_name: "Groupe 7".into(),
        order: Some(0),
        ..bare()
    };
    let shown = shown(record, R4);
    let members = ["subscriber", "subscriberId", "order"];
    assert_eq!(
        part(&shown, &members),
        json!({
            "subscriber": { "reference": "Patient/01010101-0101-0101-0101-010101010101" },
            "subscriberId": "P-99"
        })
    );
    assert_eq!(shown["relationship"]["coding"][0]["code"], "self");
    // class.value is 1..1.
    assert_eq!(shown["class"][0]["value"], "Groupe 7");
}

#[test]
fn a_relationship_with_a_direction_is_not_turned_round() {
    let of = |code: &str| {
        let record = CoverageRecord { relationship: coded(code, "", "0063"), ..bare() };
        let coding = shown(record, R4)["relationship"]["coding"][0].clone();
        let text = |member: &str| coding[member].as_str().unwrap_or_default().to_owned();
        (text("system"), text("code"))
    };
    let subscriber = terminology("subscriber-relationship");
    assert_eq!(of("SPO"), (subscriber.clone(), "spouse".into()));
    assert_eq!(of("DOM"), (subscriber, "common".into()));
    // IN1-17 says what the insured is to the patient, FHIR what the patient is to the insured.
    assert_eq!(of("FTH"), (terminology("v3-RoleCode"), "FTH".into()));
    assert_eq!(of("CHD"), (terminology("v3-RoleCode"), "CHILD".into()));
}
