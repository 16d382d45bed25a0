//! PV1-2 → `class` of an Encounter and of an EncounterHistory (FACTS §2).

use super::super::codes::patient_class::{Class, class_of};
use super::super::datatypes::{CodeableConcept, Coding, Text};
use super::super::{FhirVersion, text};
use crate::records::Coded;

/// R4 wants one class, as a Coding: what a CodeableConcept would add is lost here, so the
/// sender's own text is the display of a code that is not the standard's.
pub(super) fn class_coding(sent: &Coded) -> Coding<'_> {
    let code = text::code(&sent.code).unwrap_or_default();
    let Class { system, code: mapped, display } = class_of(sent, &code);
    let display = if display.is_empty() { text::string(&sent.text) } else { Some(display.into()) };
    // The code borrows either from the table or from `code`, which may be owned.
    let standard = (mapped != &*code).then(|| Text::Owned(mapped.to_owned()));
    let code = Some(standard.unwrap_or(code));
    Coding { code, display, ..Coding::of(system, "", "") }
}

/// As [`class_coding`], with the sender's own text where the display is not it.
pub(super) fn class_concept(sent: &Coded) -> CodeableConcept<'_> {
    let coding = class_coding(sent);
    let text = text::string(&sent.text).filter(|text| coding.display.as_ref() != Some(text));
    CodeableConcept { text, ..coding.into() }
}

/// As a concept, whichever of the two the version shows.
pub(crate) fn class_shown(sent: &Coded, version: FhirVersion) -> CodeableConcept<'_> {
    match version {
        FhirVersion::R4 => class_coding(sent).into(),
        FhirVersion::R5 => class_concept(sent),
    }
}
