//! PractitionerRoleRecord → PractitionerRole (ROL, PRT; FACTS §3 ROL).

use serde::Serialize;

use super::super::FhirVersion;
use super::super::codes::provider_role::provider_role;
use super::super::datatypes::{CodeableConcept, ContactPoint, Identifier, Meta, Reference};
use super::contact_detail::ContactDetail;
use super::reference::legal_entity;
use crate::entity::LegalEntity;
use crate::records::{PractitionerRoleRecord, RecordType, ResourceId};

#[derive(Serialize)]
#[serde(rename_all = "camelCase", tag = "resourceType", rename = "PractitionerRole")]
pub struct PractitionerRole<'a> {
    #[serde(serialize_with = "super::super::datatypes::id")]
    id: ResourceId,
    meta: Meta,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    identifier: Vec<Identifier<'a>>,
    practitioner: Reference<'a>,
    organization: Reference<'a>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    code: Vec<CodeableConcept<'a>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    specialty: Vec<CodeableConcept<'a>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    location: Vec<Reference<'a>>,
    /// R4.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    telecom: Vec<ContactPoint<'a>>,
    /// R5.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    contact: Vec<ContactDetail<'a>>,
}

impl<'a> PractitionerRole<'a> {
    /// Where ROL-14 names no organization, the role is one within the EJ.
    #[must_use]
    pub fn new(
        record: &'a PractitionerRoleRecord,
        entity: &'a LegalEntity,
        version: FhirVersion,
    ) -> Self {
        let telecom = ContactPoint::list(&record.telecoms);
        let (telecom, _, contact) = ContactDetail::either(version, telecom, Vec::new());
        let code = CodeableConcept::mapped(&record.role, provider_role);
        let organization = record.organization;
        Self {
            id: record.id,
            meta: Meta::from(&record.stamp),
            identifier: Identifier::list(&record.identifiers, ""),
            practitioner: Reference::to(RecordType::Practitioner, record.practitioner),
            organization: organization.map_or_else(
                || legal_entity(entity),
                |id| Reference::to(RecordType::Organization, id),
            ),
            code: code.into_iter().collect(),
            specialty: record.specialties.iter().filter_map(CodeableConcept::sent).collect(),
            location: record
                .location
                .map(|id| Reference::to(RecordType::Location, id))
                .into_iter()
                .collect(),
            telecom,
            contact,
        }
    }
}
