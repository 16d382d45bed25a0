//! All patients of an EJ → Group: what a bulk export of one EJ is asked of.
//!
//! It lists no member: there may be a million, and each names the EJ as its managing organization.
//! It says how many there are. In R4 that is an actual group that is not spelled out, in R5 one
//! that its characteristic defines.

use serde::Serialize;
use sluice_ids::{Micros, Seq};

use super::super::FhirVersion;
use super::super::datatypes::{CodeableConcept, Codings, Meta, Reference, Text};
use super::super::text;
use super::reference::legal_entity;
use crate::adt::group_id;
use crate::entity::LegalEntity;
use crate::records::ResourceId;

/// What is known of an EJ's patients together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct GroupRecord {
    /// Patients, those that were merged away included: they are served too.
    pub quantity: u64,
    /// The `Seq` of the message that made the newest of them.
    pub version: Seq,
    /// When that was received; `None` where there are none, or it is no longer known.
    pub updated_at: Option<Micros>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase", tag = "resourceType", rename = "Group")]
pub struct Group<'a> {
    #[serde(serialize_with = "super::super::datatypes::id")]
    id: ResourceId,
    meta: Meta,
    active: bool,
    #[serde(rename = "type")]
    of_type: &'static str,
    /// R4.
    #[serde(skip_serializing_if = "Option::is_none")]
    actual: Option<bool>,
    /// R5.
    #[serde(skip_serializing_if = "Option::is_none")]
    membership: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<Text<'a>>,
    quantity: u64,
    managing_entity: Reference<'a>,
    characteristic: [Characteristic<'a>; 1],
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Characteristic<'a> {
    code: CodeableConcept<'static>,
    value_reference: Reference<'a>,
    exclude: bool,
}

impl<'a> Group<'a> {
    #[must_use]
    pub fn new(group: GroupRecord, entity: &'a LegalEntity, version: FhirVersion) -> Self {
        let in_r4 = version == FhirVersion::R4;
        let code =
            CodeableConcept { coding: Codings::None, text: Some("managing organization".into()) };
        Self {
            id: group_id(entity.id()),
            meta: Meta::of_version(group.version, group.updated_at),
            active: true,
            of_type: "person",
            actual: in_r4.then_some(true),
            membership: (!in_r4).then_some("definitional"),
            name: text::string(&entity.settings.name),
            quantity: group.quantity,
            managing_entity: legal_entity(entity),
            characteristic: [Characteristic {
                code,
                value_reference: legal_entity(entity),
                exclude: false,
            }],
        }
    }
}
