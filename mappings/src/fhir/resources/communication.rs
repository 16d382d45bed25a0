//! PID-15, NK1-20 → communication of a Patient or a RelatedPerson.

use serde::Serialize;

use super::super::codes::language::language;
use super::super::codes::systems::BCP_47;
use super::super::datatypes::CodeableConcept;
use super::super::{FhirVersion, text};
use crate::records::Coded;

#[derive(Serialize)]
pub struct Communication<'a> {
    language: CodeableConcept<'a>,
}

impl<'a> Communication<'a> {
    /// None or one. R4 takes any code and prefers BCP 47; R5 takes nothing else, so that a language
    /// which is not known there is left out.
    #[must_use]
    pub fn list(sent: &'a Coded, version: FhirVersion) -> Vec<Self> {
        Self::new(sent, version).into_iter().collect()
    }

    fn new(sent: &'a Coded, version: FhirVersion) -> Option<Self> {
        spoken(sent, version).map(|language| Self { language })
    }
}

pub(crate) fn spoken(sent: &Coded, version: FhirVersion) -> Option<CodeableConcept<'_>> {
    let mut concept = CodeableConcept::sent(sent)?;
    if let Some(tag) = language(&sent.code) {
        let text = concept.text.take().or_else(|| text::string(&sent.code));
        return Some(CodeableConcept { text, ..CodeableConcept::of(BCP_47, tag, "") });
    }
    (version == FhirVersion::R4).then_some(concept)
}
