//! What an organization is within the group → Organization.type (fr-core-and-structure §B).

use super::super::datatypes::{CodeableConcept, Coding};
use super::systems::{FR_CORE_3307, ORGANIZATION_TYPE};
use crate::records::OrganizationKind;

/// Its level in the French structure, and what any reader knows it as. None for what is outside.
#[must_use]
pub fn organization_kind(kind: OrganizationKind) -> Vec<CodeableConcept<'static>> {
    let provider = Coding::of(ORGANIZATION_TYPE, "prov", "Healthcare Provider");
    let department = Coding::of(ORGANIZATION_TYPE, "dept", "Hospital Department");
    let (level, known) = match kind {
        OrganizationKind::LegalEntity => ("LEGAL-ENTITY", provider),
        OrganizationKind::GeographicalEntity => ("GEOGRAPHICAL-ENTITY", provider),
        OrganizationKind::Pole => ("POLE", department),
        OrganizationKind::Service => ("SERVICE", department),
        OrganizationKind::FunctionalUnit => ("UF", department),
        OrganizationKind::MedicalUnit => ("UM", department),
        OrganizationKind::ActivityUnit => ("UAC", department),
        // A level of the site's own has no code.
        OrganizationKind::InternalStructure => return vec![department.into()],
        OrganizationKind::Other => return Vec::new(),
    };
    vec![Coding::of(FR_CORE_3307, level, "").into(), known.into()]
}
