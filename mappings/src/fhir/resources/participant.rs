//! R5 participants of a Condition or an AllergyIntolerance, where R4 has `recorder` and `asserter`.

use serde::Serialize;

use super::super::codes::systems::PROVENANCE_PARTICIPANT;
use super::super::datatypes::{CodeableConcept, Reference};
use super::reference::practitioner;
use crate::records;

#[derive(Serialize)]
pub struct Participant<'a> {
    function: CodeableConcept<'static>,
    actor: Reference<'a>,
}

/// Who wrote it down: R4's `recorder`.
pub(super) fn recorder(actor: Reference<'_>) -> Participant<'_> {
    of("author", "Author", actor)
}

/// Whose statement it is: R4's `asserter`.
pub(super) fn asserter(actor: Reference<'_>) -> Participant<'_> {
    Participant { function: informant(), actor }
}

pub(crate) fn informant() -> CodeableConcept<'static> {
    CodeableConcept::of(PROVENANCE_PARTICIPANT, "informant", "Informant")
}

/// Whether there is anything to show of somebody who is named so.
pub(crate) fn is_named(sent: &records::Practitioner) -> bool {
    practitioner(sent).is_some()
}

fn of<'a>(code: &'static str, display: &'static str, actor: Reference<'a>) -> Participant<'a> {
    Participant { function: CodeableConcept::of(PROVENANCE_PARTICIPANT, code, display), actor }
}
