//! References from one record to another, as messages name the other one.

use super::super::codes::systems::FINESS;
use super::super::datatypes::{Identifier, Reference, full_name};
use super::super::text;
use crate::entity::LegalEntity;
use crate::records::{NamedOrganization, Practitioner, RecordType, ResourceId, Unit};

/// The legal entity whose feed a record came from: what tells one EJ's resources from another's
/// on the base of the whole group.
pub(super) fn legal_entity(entity: &LegalEntity) -> Reference<'_> {
    Reference {
        identifier: Identifier::of(FINESS, text::string(&entity.settings.finess)),
        display: text::string(&entity.settings.name),
        ..Reference::to(RecordType::Organization, entity.organization)
    }
}

pub(super) fn patient(id: ResourceId) -> Reference<'static> {
    Reference::to(RecordType::Patient, id)
}

pub(super) fn encounter(stay: Option<ResourceId>) -> Option<Reference<'static>> {
    stay.map(|id| Reference::to(RecordType::Stay, id))
}

/// By number and name; and to the record, where the practitioner has a number.
pub(super) fn practitioner(sent: &Practitioner) -> Option<Reference<'_>> {
    named(sent, RecordType::Practitioner, sent.practitioner)
}

/// As [`practitioner`], to what the practitioner is here where a ROL said so.
pub(super) fn practitioner_role(sent: &Practitioner) -> Option<Reference<'_>> {
    match sent.practitioner_role {
        Some(role) => named(sent, RecordType::PractitionerRole, Some(role)),
        None => practitioner(sent),
    }
}

fn named(
    sent: &Practitioner,
    of_type: RecordType,
    id: Option<ResourceId>,
) -> Option<Reference<'_>> {
    let identifier = sent.identifier.as_ref().and_then(Identifier::new);
    let display = full_name(&sent.name);
    match id {
        Some(id) => Some(Reference { identifier, display, ..Reference::to(of_type, id) }),
        None => Reference::logical(of_type.fhir(), identifier, display),
    }
}

/// A unit of the EJ: it always has a record.
pub(super) fn unit(sent: &Unit) -> Reference<'_> {
    Reference {
        identifier: Identifier::new(&sent.identifier),
        display: text::string(&sent.name),
        ..Reference::to(RecordType::Organization, sent.organization)
    }
}

pub(super) fn organization(sent: &NamedOrganization) -> Option<Reference<'_>> {
    let display = text::string(&sent.name);
    match sent.organization {
        Some(id) => Some(Reference { display, ..Reference::to(RecordType::Organization, id) }),
        None => Reference::logical("Organization", None, display),
    }
}
