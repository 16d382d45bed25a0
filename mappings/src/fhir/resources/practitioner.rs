//! PractitionerRecord → Practitioner (XCN; FACTS §4 XCN). The same in R4 and R5.

use serde::Serialize;

use super::super::datatypes::{
    Address, CodeableConcept, ContactPoint, HumanName, Identifier, Meta,
};
use super::super::{FhirVersion, fr_core};
use crate::entity::LegalEntity;
use crate::records::{PractitionerRecord, ResourceId};

#[derive(Serialize)]
#[serde(rename_all = "camelCase", tag = "resourceType", rename = "Practitioner")]
pub struct Practitioner<'a> {
    #[serde(serialize_with = "super::super::datatypes::id")]
    id: ResourceId,
    meta: Meta,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    identifier: Vec<Identifier<'a>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    name: Vec<HumanName<'a>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    telecom: Vec<ContactPoint<'a>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    address: Vec<Address<'a>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    qualification: Vec<Qualification<'a>>,
}

#[derive(Serialize)]
struct Qualification<'a> {
    code: CodeableConcept<'a>,
}

impl<'a> Practitioner<'a> {
    #[must_use]
    pub fn new(record: &'a PractitionerRecord, entity: &LegalEntity, version: FhirVersion) -> Self {
        let qualifications = record.qualifications.iter().filter_map(CodeableConcept::sent);
        Self {
            id: record.id,
            meta: Meta::following(
                &record.stamp,
                fr_core::practitioner::profiles(record, entity, version),
            ),
            identifier: Identifier::list(&record.identifiers, ""),
            name: record.names.iter().filter_map(HumanName::new).collect(),
            telecom: ContactPoint::list(&record.telecoms),
            address: record.addresses.iter().filter_map(Address::new).collect(),
            qualification: qualifications.map(|code| Qualification { code }).collect(),
        }
    }
}
