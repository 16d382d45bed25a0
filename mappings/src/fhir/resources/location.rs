//! LocationRecord → Location (PL, MFN^M05, NPU; FACTS §4 PL): one level of a place.

use serde::Serialize;

use super::super::canonical::place_system;
use super::super::codes::physical_type::physical_type;
use super::super::codes::systems::FR_CORE_0203;
use super::super::datatypes::{
    Address, CodeableConcept, Coding, Codings, ContactPoint, Extension, Identifier, Meta,
    Reference, Text,
};
use super::super::{FhirVersion, fr_core, place, text};
use super::contact_detail::ContactDetail;
use super::reference::legal_entity;
use super::structure::structure_attributes;
use crate::entity::LegalEntity;
use crate::records::{LocationRecord, RecordType, ResourceId};

#[derive(Serialize)]
#[serde(rename_all = "camelCase", tag = "resourceType", rename = "Location")]
pub struct Location<'a> {
    #[serde(serialize_with = "super::super::datatypes::id")]
    id: ResourceId,
    meta: Meta,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    extension: Vec<Extension<'a>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    identifier: Vec<Identifier<'a>>,
    status: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    operational_status: Option<Coding<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<Text<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    description: Option<Text<'a>>,
    mode: &'static str,
    /// R4.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    telecom: Vec<ContactPoint<'a>>,
    /// R5.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    contact: Vec<ContactDetail<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    address: Option<Address<'a>>,
    /// R4.
    #[serde(skip_serializing_if = "Option::is_none")]
    physical_type: Option<CodeableConcept<'a>>,
    /// R5.
    #[serde(skip_serializing_if = "Option::is_none")]
    form: Option<CodeableConcept<'a>>,
    managing_organization: Reference<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    part_of: Option<Reference<'a>>,
}

impl<'a> Location<'a> {
    /// `status` is the place's, which the structure tells; PL-5 is the state of a bed. The EJ runs
    /// what no organization of it is known to run.
    #[must_use]
    pub fn new(record: &'a LocationRecord, entity: &'a LegalEntity, version: FhirVersion) -> Self {
        let form = form(record, entity);
        let (physical_type, form) = version.either(form);
        let telecom = ContactPoint::list(&record.telecoms);
        let (telecom, _, contact) = ContactDetail::either(version, telecom, Vec::new());
        Self {
            id: record.id,
            meta: Meta::following(
                &record.stamp,
                fr_core::structure::location_profiles(record, entity, version),
            ),
            extension: structure_attributes(&record.attributes, entity),
            identifier: identifiers(record, entity),
            status: if record.inactive { "inactive" } else { "active" },
            operational_status: Coding::first(&record.operational_status),
            name: text::string(&record.name).or_else(|| text::owned(place::name(&record.place))),
            description: text::string(&record.place.description),
            mode: "instance",
            telecom,
            contact,
            address: record.addresses.iter().find_map(|sent| {
                Some(fr_core::address::with_insee_code(Address::new(sent)?, sent, entity))
            }),
            physical_type,
            form,
            managing_organization: record.managing_organization.map_or_else(
                || legal_entity(entity),
                |id| Reference::to(RecordType::Organization, id),
            ),
            part_of: record.part_of.map(|id| Reference::to(RecordType::Location, id)),
        }
    }
}

/// The kind of place by the structure's own type, and by its level.
fn form<'a>(record: &LocationRecord, entity: &LegalEntity) -> Option<CodeableConcept<'a>> {
    let french = fr_core::structure::physical_type(record, entity);
    let known = place::level(&record.place).map(physical_type);
    let coding: Codings<'_> = french.into_iter().chain(known).collect();
    (!coding.is_empty()).then_some(CodeableConcept { coding, text: None })
}

/// The path of the place, unique within its EJ; then what it is called elsewhere.
fn identifiers<'a>(record: &'a LocationRecord, entity: &LegalEntity) -> Vec<Identifier<'a>> {
    path(record, entity).into_iter().chain(Identifier::list(&record.identifiers, "")).collect()
}

pub(crate) fn path(record: &LocationRecord, entity: &LegalEntity) -> Option<Identifier<'static>> {
    let path = Identifier::of(place_system(entity.id()), text::owned(place::path(&record.place)))?;
    let internal = || CodeableConcept::of(FR_CORE_0203, "INTRN", "");
    Some(if fr_core::is_french(entity) { path.typed(internal()) } else { path })
}
