//! Practitioner.

use super::super::FhirVersion;
use super::canonical::PRACTITIONER;
use super::{declares, is_whole};
use crate::entity::LegalEntity;
use crate::records::{Identifier, PractitionerRecord};

/// fr-core-practitioner: numbers that say what they are, and a name.
#[must_use]
pub fn profiles(
    record: &PractitionerRecord,
    entity: &LegalEntity,
    version: FhirVersion,
) -> Vec<&'static str> {
    let typed = |own: &Identifier| is_whole(own) && !own.type_code.trim().is_empty();
    let follows = declares(entity, version)
        && !record.identifiers.is_empty()
        && record.identifiers.iter().all(typed)
        && record.names.iter().any(|name| !name.family.trim().is_empty());
    if follows { vec![PRACTITIONER] } else { Vec::new() }
}
