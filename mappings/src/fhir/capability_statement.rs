//! CapabilityStatement: what this server does, and nothing that it does not.

use serde::Serialize;

use super::{FhirVersion, ResourceType};
use crate::records::RecordType;
use crate::search;

/// What the statement says of the server itself.
#[derive(Debug, Clone, Copy)]
pub struct Server<'a> {
    /// The base that it is asked on, e.g. `https://host/fhir/R4`.
    pub base: &'a str,
    /// The software's version.
    pub version: &'a str,
    /// The day that version came out (`YYYY-MM-DD`): the statement changes with the software.
    pub date: &'a str,
    /// Callers present a bearer token.
    pub tokens: bool,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase", tag = "resourceType", rename = "CapabilityStatement")]
pub struct CapabilityStatement<'a> {
    status: &'static str,
    date: &'a str,
    kind: &'static str,
    software: Software<'a>,
    implementation: Implementation<'a>,
    fhir_version: &'static str,
    instantiates: [&'static str; 1],
    format: [&'static str; 2],
    rest: [Rest; 1],
}

#[derive(Serialize)]
struct Software<'a> {
    name: &'static str,
    version: &'a str,
}

#[derive(Serialize)]
struct Implementation<'a> {
    description: &'static str,
    url: &'a str,
}

#[derive(Serialize)]
struct Rest {
    mode: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    security: Option<Security>,
    resource: Vec<Resource>,
    interaction: Vec<Interaction>,
    operation: [Operation; 1],
}

#[derive(Serialize)]
struct Security {
    description: &'static str,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Resource {
    #[serde(rename = "type")]
    of_type: &'static str,
    interaction: Vec<Interaction>,
    versioning: &'static str,
    read_history: bool,
    conditional_read: &'static str,
    search_param: Vec<SearchParam>,
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    operation: &'static [Operation],
}

#[derive(Serialize)]
struct Operation {
    name: &'static str,
    definition: &'static str,
}

/// Bulk Data Access IG 2.0.
const BULK_DATA: &str = "http://hl7.org/fhir/uv/bulkdata/CapabilityStatement/bulk-data";
const SYSTEM_EXPORT: Operation = Operation {
    name: "export",
    definition: "http://hl7.org/fhir/uv/bulkdata/OperationDefinition/export",
};

/// The operations of a type.
const fn operations(of_type: ResourceType) -> &'static [Operation] {
    match of_type {
        ResourceType::Record(RecordType::Patient) => &[
            Operation {
                name: "everything",
                definition: "http://hl7.org/fhir/OperationDefinition/Patient-everything",
            },
            Operation {
                name: "export",
                definition: "http://hl7.org/fhir/uv/bulkdata/OperationDefinition/patient-export",
            },
            Operation {
                name: "match",
                definition: "http://hl7.org/fhir/OperationDefinition/Patient-match",
            },
            Operation {
                name: "ihe-pix",
                definition: "https://profiles.ihe.net/ITI/PIXm/OperationDefinition/IHE.PIXm.pix",
            },
        ],
        ResourceType::Record(RecordType::Stay) => &[Operation {
            name: "everything",
            definition: "http://hl7.org/fhir/OperationDefinition/Encounter-everything",
        }],
        ResourceType::Group => &[Operation {
            name: "export",
            definition: "http://hl7.org/fhir/uv/bulkdata/OperationDefinition/group-export",
        }],
        _ => &[],
    }
}

#[derive(Serialize)]
struct Interaction {
    code: &'static str,
}

#[derive(Serialize)]
struct SearchParam {
    name: &'static str,
    #[serde(rename = "type")]
    of_type: &'static str,
}

impl<'a> CapabilityStatement<'a> {
    #[must_use]
    pub fn new(server: Server<'a>, version: FhirVersion) -> Self {
        Self {
            status: "active",
            date: server.date,
            kind: "instance",
            software: Software { name: "Sluice", version: server.version },
            implementation: Implementation {
                description: "Patients, stays and places, as HL7v2 ADT feeds tell them",
                url: server.base,
            },
            fhir_version: version.number(),
            instantiates: [BULK_DATA],
            format: ["application/fhir+json", "json"],
            rest: [Rest {
                mode: "server",
                security: server.tokens.then_some(Security {
                    description: "A bearer token (Authorization: Bearer …) with a right to read.",
                }),
                resource: ResourceType::all(version)
                    .map(|of_type| resource(of_type, version))
                    .collect(),
                interaction: ["history-system", "batch"].map(|code| Interaction { code }).into(),
                operation: [SYSTEM_EXPORT],
            }],
        }
    }

    #[must_use]
    pub fn to_json(&self) -> Vec<u8> {
        serde_json::to_vec(self).expect("structs with text keys, written to memory")
    }
}

fn resource(of_type: ResourceType, version: FhirVersion) -> Resource {
    let param = |parameter: &'static search::Parameter| SearchParam {
        name: parameter.name,
        of_type: parameter.kind.fhir(),
    };
    let codes: &[&str] = match of_type {
        ResourceType::Record(_) => {
            &["read", "vread", "history-instance", "history-type", "search-type"]
        }
        ResourceType::EncounterHistory | ResourceType::Provenance | ResourceType::Group => {
            &["read", "search-type"]
        }
    };
    Resource {
        of_type: of_type.name(),
        interaction: codes.iter().map(|code| Interaction { code }).collect(),
        versioning: "versioned",
        // Of what is no patient's only the present is kept.
        read_history: of_type.has_history(),
        conditional_read: "full-support",
        search_param: search::params_of(of_type, version).map(param).collect(),
        operation: operations(of_type),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_statement_names_its_version_and_every_type_that_is_served() {
        let base = "https://host/fhir/R5";
        let server = Server { base, version: "1.2.3", date: "2026-03-10", tokens: true };
        let json = CapabilityStatement::new(server, FhirVersion::R5).to_json();
        let json: serde_json::Value = serde_json::from_slice(&json).unwrap();
        assert_eq!(json["resourceType"], "CapabilityStatement");
        assert_eq!(json["fhirVersion"], "5.0.0");
        let served = json["rest"][0]["resource"].as_array().unwrap();
        assert_eq!(served.len(), ResourceType::all(FhirVersion::R5).count());
    }

    #[test]
    fn a_type_has_the_operations_that_are_served() {
        for of_type in ResourceType::all(FhirVersion::R5) {
            let names: Vec<&str> = operations(of_type).iter().map(|one| one.name).collect();
            let expected: &[&str] = match of_type.name() {
                "Patient" => &["everything", "export", "match", "ihe-pix"],
                "Encounter" => &["everything"],
                "Group" => &["export"],
                _ => &[],
            };
            assert_eq!(names, expected, "{}", of_type.name());
        }
    }
}
