//! LocationRecord → Location.

use serde_json::json;
use sluice_mappings::fhir::FhirVersion::{R4, R5};
use sluice_mappings::records::Place;

use super::fhir_records::{location, place};
use super::{changed, legal_entity, part, shown};

#[test]
fn a_place_has_a_path_a_level_and_a_name() {
    let record = location(30, place("3101", "C305", "C305F", "CANUTS"));
    let expected = json!({
        "resourceType": "Location",
        "id": "1e1e1e1e-1e1e-1e1e-1e1e-1e1e1e1e1e1e",
        "meta": { "versionId": "7", "lastUpdated": "2026-11-20T09:00:00.250Z" },
        // Scoped by its parents: "bed 2" is not unique (FACTS §4 PL).
        "identifier":
            [ { "system": "urn:x-sluice:EJ1:place", "value": "CANUTS///3101/C305/C305F" } ],
        "status": "active",
        "name": "3101 C305 C305F",
        "mode": "instance",
        "physicalType": { "coding": [ {
            "system": "http://terminology.hl7.org/CodeSystem/location-physical-type",
            "code": "bd", "display": "Bed"
        } ] },
        "managingOrganization": legal_entity()
    });
    assert_eq!(shown(record.clone(), R4), expected);
    // R5 calls the level `form`.
    let form = expected["physicalType"].clone();
    let expected = changed(expected, json!({ "physicalType": null, "form": form }));
    assert_eq!(shown(record, R5), expected);

    let described =
        Place { facility: "CANUTS".into(), description: "Le parc".into(), ..Place::default() };
    let shown = shown(location(30, described), R4);
    assert_eq!(
        part(&shown, &["name", "description", "identifier"]),
        json!({
            "name": "Le parc", "description": "Le parc",
            "identifier": [ { "system": "urn:x-sluice:EJ1:place", "value": "CANUTS" } ]
        })
    );
}
