//! What a movement shows wherever it stands: in `Encounter.location[]`, and as an EncounterHistory.

use super::super::canonical::{MEDICAL_UNIT, MOVEMENT_IDENTIFIER, MOVEMENT_NATURE, NURSING_UNIT};
use super::super::codes::physical_type::physical_type;
use super::super::datatypes::{
    CodeableConcept, Coding, Extension, ExtensionValue, Identifier, Reference,
};
use super::super::{place, text};
use super::reference::unit;
use crate::records::{Movement, Place, PlaceRole, RecordType};

/// PV1-11 (FACTS §1 A09): the classification has no code system of its own.
const CLASSIFICATION: &str =
    "http://hl7.org/fhir/StructureDefinition/subject-locationClassification";

/// `None` where there is neither a place record nor a word for the place.
pub(super) fn place_reference<'a>(movement: &Movement, sent: &'a Place) -> Option<Reference<'a>> {
    let display = text::owned(place::name(sent));
    match movement.location {
        Some(id) => Some(Reference { display, ..Reference::to(RecordType::Location, id) }),
        None => Reference::logical("Location", None, display),
    }
}

pub(super) fn form(sent: &Place) -> Option<CodeableConcept<'static>> {
    place::level(sent).map(physical_type).map(CodeableConcept::from)
}

/// ZBE-1, the sender's number of the movement.
pub(super) fn identifier(movement: &Movement) -> Option<Extension<'_>> {
    let value = Identifier::new(movement.identifier.as_ref()?)?;
    Some(Extension { url: MOVEMENT_IDENTIFIER, value: ExtensionValue::Identifier(value) })
}

/// A place where the patient is for a while only.
pub(super) fn classification(movement: &Movement) -> Option<Extension<'static>> {
    let value = ExtensionValue::CodeableConcept(Coding::own("temporary".into()).into());
    let temporary = movement.role == PlaceRole::Temporary;
    temporary.then_some(Extension { url: CLASSIFICATION, value })
}

/// ZBE-9, and the units that answer for the patient from this movement on (ZBE-7, ZBE-8).
pub(super) fn responsibilities(movement: &Movement) -> impl Iterator<Item = Extension<'_>> {
    let nature = text::code(&movement.nature).map(ExtensionValue::Code);
    let effect = &movement.effect;
    let unit = |sent| ExtensionValue::Reference(unit(sent));
    let parts = [
        (MOVEMENT_NATURE, nature),
        (MEDICAL_UNIT, effect.medical_unit.as_ref().map(unit)),
        (NURSING_UNIT, effect.nursing_unit.as_ref().map(unit)),
    ];
    parts.into_iter().filter_map(|(url, value)| Some(Extension { url, value: value? }))
}
