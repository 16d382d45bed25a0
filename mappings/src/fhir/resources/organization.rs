//! OrganizationRecord → Organization (XON, MFN^M05, the EJ itself).

use serde::Serialize;

use super::super::codes::organization_kind::organization_kind;
use super::super::datatypes::{
    Address, CodeableConcept, ContactPoint, Extension, Identifier, Meta, Reference, Text,
};
use super::super::{FhirVersion, fr_core, text};
use super::contact_detail::ContactDetail;
use super::structure::structure_attributes;
use crate::entity::LegalEntity;
use crate::records::{OrganizationRecord, RecordType, ResourceId};

#[derive(Serialize)]
#[serde(rename_all = "camelCase", tag = "resourceType", rename = "Organization")]
pub struct Organization<'a> {
    #[serde(serialize_with = "super::super::datatypes::id")]
    id: ResourceId,
    meta: Meta,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    extension: Vec<Extension<'a>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    identifier: Vec<Identifier<'a>>,
    active: bool,
    #[serde(rename = "type", skip_serializing_if = "Vec::is_empty")]
    of_type: Vec<CodeableConcept<'static>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<Text<'a>>,
    /// R4.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    telecom: Vec<ContactPoint<'a>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    address: Vec<Address<'a>>,
    /// R5.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    contact: Vec<ContactDetail<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    part_of: Option<Reference<'a>>,
}

impl<'a> Organization<'a> {
    #[must_use]
    pub fn new(record: &'a OrganizationRecord, entity: &LegalEntity, version: FhirVersion) -> Self {
        let telecom = ContactPoint::of_organization(&record.telecoms);
        let address = |sent| {
            let list = Address::of_organization(std::slice::from_ref(sent)).into_iter();
            list.map(|one| fr_core::address::with_insee_code(one, sent, entity))
        };
        let address = record.addresses.iter().flat_map(address).collect();
        let (telecom, address, contact) = ContactDetail::either(version, telecom, address);
        let mut identifier = Identifier::list(&record.identifiers, "");
        let name = text::string(&record.name);
        if identifier.is_empty() && name.is_none() {
            // org-1: one of the two.
            identifier.push(Identifier::urn(record.id));
        }
        Self {
            id: record.id,
            meta: Meta::following(
                &record.stamp,
                fr_core::structure::organization_profiles(record, entity, version),
            ),
            extension: structure_attributes(&record.attributes, entity),
            identifier,
            active: record.active,
            of_type: of_type(record, entity),
            name,
            telecom,
            address,
            contact,
            part_of: record.part_of.map(|id| Reference::to(RecordType::Organization, id)),
        }
    }
}

/// FR Core takes its own type for a UF, and no other.
fn of_type(record: &OrganizationRecord, entity: &LegalEntity) -> Vec<CodeableConcept<'static>> {
    let mut types = organization_kind(record.kind);
    if fr_core::is_french(entity) {
        types.truncate(1);
    }
    types
}
