//! LocationRecord → Location (PL, MFN^M05; FACTS §4 PL): one level of a place.

use serde::Serialize;

use super::super::canonical::place_system;
use super::super::codes::physical_type::physical_type;
use super::super::datatypes::{CodeableConcept, Identifier, Meta, Reference, Text};
use super::super::{FhirVersion, place, text};
use super::reference::legal_entity;
use crate::entity::LegalEntity;
use crate::records::{LocationRecord, ResourceId};

#[derive(Serialize)]
#[serde(rename_all = "camelCase", tag = "resourceType", rename = "Location")]
pub struct Location<'a> {
    #[serde(serialize_with = "super::super::datatypes::id")]
    id: ResourceId,
    meta: Meta,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    identifier: Vec<Identifier<'a>>,
    status: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<Text<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    description: Option<Text<'a>>,
    mode: &'static str,
    /// R4.
    #[serde(skip_serializing_if = "Option::is_none")]
    physical_type: Option<CodeableConcept<'a>>,
    /// R5.
    #[serde(skip_serializing_if = "Option::is_none")]
    form: Option<CodeableConcept<'a>>,
    managing_organization: Reference<'a>,
}

impl<'a> Location<'a> {
    /// `status` is always active: PL-5 is the state of a bed, and says nothing of the place.
    #[must_use]
    pub fn new(record: &'a LocationRecord, entity: &'a LegalEntity, version: FhirVersion) -> Self {
        let form = place::level(&record.place).map(physical_type).map(CodeableConcept::from);
        let (physical_type, form) = version.either(form);
        Self {
            id: record.id,
            meta: Meta::from(&record.stamp),
            identifier: identifier(record, entity).into_iter().collect(),
            status: "active",
            name: text::owned(place::name(&record.place)),
            description: text::string(&record.place.description),
            mode: "instance",
            physical_type,
            form,
            managing_organization: legal_entity(entity),
        }
    }
}

/// The path of the place, unique within its EJ.
fn identifier(record: &LocationRecord, entity: &LegalEntity) -> Option<Identifier<'static>> {
    Identifier::of(place_system(entity.id()), text::owned(place::path(&record.place)))
}
