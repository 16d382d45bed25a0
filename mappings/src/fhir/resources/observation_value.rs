//! OBX-5 by OBX-2 → `value[x]` of an Observation or of one of its components.

use serde::Serialize;

use super::super::datatypes::{
    Attachment, CodeableConcept, DateTime, Extension, ExtensionValue, Period, Quantity, Range,
    Ratio, Text,
};
use super::super::{FhirVersion, text};
use crate::records::{Coded, ObservationValue};

/// R5's `valueAttachment`, which R4 has as a cross-version extension.
const VALUE: &str = "http://hl7.org/fhir/5.0/StructureDefinition/extension-Observation.value";

#[derive(Serialize)]
pub enum Value<'a> {
    #[serde(rename = "valueQuantity")]
    Quantity(Quantity<'a>),
    #[serde(rename = "valueCodeableConcept")]
    CodeableConcept(CodeableConcept<'a>),
    #[serde(rename = "valueString")]
    String(Text<'a>),
    #[serde(rename = "valueRange")]
    Range(Range<'a>),
    #[serde(rename = "valueRatio")]
    Ratio(Ratio<'a>),
    #[serde(rename = "valueTime")]
    Time(Text<'a>),
    #[serde(rename = "valueDateTime")]
    DateTime(DateTime),
    #[serde(rename = "valuePeriod")]
    Period(Period),
    /// R5.
    #[serde(rename = "valueAttachment")]
    Attachment(Attachment<'a>),
}

impl<'a> Value<'a> {
    /// A number that is none, and a comparison that FHIR does not know, stay as text. `None` where
    /// nothing is left, and for R4's attachments.
    #[must_use]
    pub fn new(sent: &'a ObservationValue, unit: &'a Coded, version: FhirVersion) -> Option<Self> {
        let text = |parts: &[&str]| text::owned(parts.join(" ")).map(Self::String);
        match sent {
            ObservationValue::Number(number) => match Quantity::new(number, unit) {
                Some(quantity) => Some(Self::Quantity(quantity)),
                None => text(&[number]),
            },
            ObservationValue::Quantity { comparator, value } => {
                let quantity = Quantity::new(value, unit);
                match quantity.and_then(|quantity| quantity.compared(comparator)) {
                    Some(quantity) => Some(Self::Quantity(quantity)),
                    None => text(&[comparator, value]),
                }
            }
            ObservationValue::Range { low, high } => match Range::new(low, high, unit) {
                Some(range) => Some(Self::Range(range)),
                None => text(&[low, "-", high]),
            },
            ObservationValue::Ratio { numerator, denominator } => {
                match Ratio::new(numerator, denominator, unit) {
                    Some(ratio) => Some(Self::Ratio(ratio)),
                    None => text(&[numerator, ":", denominator]),
                }
            }
            ObservationValue::Text(sent) => text::string(sent).map(Self::String),
            ObservationValue::Coded(sent) => CodeableConcept::sent(sent).map(Self::CodeableConcept),
            ObservationValue::Moment(moment) => DateTime::new(*moment).map(Self::DateTime),
            ObservationValue::Time(time) => text::string(time).map(Self::Time),
            ObservationValue::Period { start, end } => Period::new(*start, *end).map(Self::Period),
            ObservationValue::Attachment { media_type, data, url } => {
                let attachment = Attachment::new(media_type, data, url);
                attachment.filter(|_| version == FhirVersion::R5).map(Self::Attachment)
            }
        }
    }
}

/// R4 takes no attachment as a value.
pub(super) fn attachment(sent: &ObservationValue, version: FhirVersion) -> Option<Extension<'_>> {
    let ObservationValue::Attachment { media_type, data, url } = sent else { return None };
    let attachment = Attachment::new(media_type, data, url)?;
    let extension = Extension { url: VALUE, value: ExtensionValue::Attachment(attachment) };
    (version == FhirVersion::R4).then_some(extension)
}
