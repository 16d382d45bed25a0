//! What an Observation says: its value, or the values of its components.

use std::borrow::Cow;

use super::composite::Within;
use crate::fhir::FhirVersion;
use crate::fhir::datatypes::CodeableConcept;
use crate::fhir::resources::observation;
use crate::fhir::resources::observation_value::Value;
use crate::records::{ObservationRecord, ObservationValue};

/// As rendered: several values are components of the same code, and then the whole has none.
pub(super) struct Observed<'a> {
    pub(super) code: CodeableConcept<'a>,
    pub(super) root: Option<&'a ObservationValue>,
    pub(super) components: Vec<&'a ObservationValue>,
}

pub(super) fn observed(record: &ObservationRecord, version: FhirVersion) -> Observed<'_> {
    let says = |value: &&ObservationValue| Value::new(value, &record.unit, version).is_some();
    let (root, components) = match &record.values[..] {
        [one] => (Some(one).filter(says), Vec::new()),
        several => {
            let shown = |value: &&ObservationValue| {
                // R4 shows an attachment as an extension of its component.
                says(value) || matches!(value, ObservationValue::Attachment { .. })
            };
            (None, several.iter().filter(shown).collect())
        }
    };
    Observed { code: observation::code(record), root, components }
}

impl<'a> Observed<'a> {
    pub(super) fn values(
        self,
        within: Within,
    ) -> impl Iterator<Item = &'a ObservationValue> + use<'a> {
        let root = self.root.filter(|_| within != Within::Components);
        let components = if within == Within::Root { Vec::new() } else { self.components };
        root.into_iter().chain(components)
    }
}

/// `valueString`: text, and what is no number after all.
pub(super) fn text<'a>(
    value: &'a ObservationValue,
    record: &'a ObservationRecord,
) -> Option<Cow<'a, str>> {
    match Value::new(value, &record.unit, FhirVersion::R4) {
        Some(Value::String(text)) => Some(text),
        _ => None,
    }
}
