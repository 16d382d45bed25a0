//! References from one record to another, as messages name the other one.

use super::super::codes::systems::FINESS;
use super::super::datatypes::{Identifier, Reference, full_name};
use super::super::text;
use crate::adt::legal_entity_id;
use crate::entity::LegalEntity;
use crate::records::{Practitioner, RecordType};

/// The legal entity whose feed a record came from: what tells one EJ's resources from another's
/// on the base of the whole group.
pub(super) fn legal_entity(entity: &LegalEntity) -> Reference<'_> {
    Reference {
        identifier: Identifier::of(FINESS, text::string(&entity.settings.finess)),
        display: text::string(&entity.settings.name),
        ..Reference::to(RecordType::Organization, legal_entity_id(entity))
    }
}

/// By number and name; and to the record, where the practitioner has a number.
pub(super) fn practitioner(sent: &Practitioner) -> Option<Reference<'_>> {
    let identifier = sent.identifier.as_ref().and_then(Identifier::new);
    let display = full_name(&sent.name);
    match sent.practitioner {
        Some(id) => {
            Some(Reference { identifier, display, ..Reference::to(RecordType::Practitioner, id) })
        }
        None => Reference::logical("Practitioner", identifier, display),
    }
}
