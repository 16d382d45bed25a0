//! Extension: a URL and one value, or extensions.

use serde::Serialize;
use serde::ser::{SerializeMap, Serializer};

use super::{
    Address, Attachment, CodeableConcept, Coding, Date, DateTime, Identifier, Period, Reference,
    Text,
};

pub struct Extension<'a> {
    pub url: &'static str,
    pub value: ExtensionValue<'a>,
}

pub enum ExtensionValue<'a> {
    String(Text<'a>),
    Code(Text<'a>),
    Boolean(bool),
    Integer(u32),
    Date(Date),
    DateTime(DateTime),
    Period(Period),
    Address(Address<'a>),
    Attachment(Attachment<'a>),
    CodeableConcept(CodeableConcept<'a>),
    Coding(Coding<'a>),
    Identifier(Identifier<'a>),
    Reference(Reference<'a>),
    Extensions(Vec<Extension<'a>>),
}

impl Serialize for Extension<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(2))?;
        map.serialize_entry("url", self.url)?;
        match &self.value {
            ExtensionValue::String(value) => map.serialize_entry("valueString", value)?,
            ExtensionValue::Code(value) => map.serialize_entry("valueCode", value)?,
            ExtensionValue::Boolean(value) => map.serialize_entry("valueBoolean", value)?,
            ExtensionValue::Integer(value) => map.serialize_entry("valueInteger", value)?,
            ExtensionValue::Date(value) => map.serialize_entry("valueDate", value)?,
            ExtensionValue::Period(value) => map.serialize_entry("valuePeriod", value)?,
            ExtensionValue::DateTime(value) => map.serialize_entry("valueDateTime", value)?,
            ExtensionValue::Address(value) => map.serialize_entry("valueAddress", value)?,
            ExtensionValue::Attachment(value) => map.serialize_entry("valueAttachment", value)?,
            ExtensionValue::CodeableConcept(value) => {
                map.serialize_entry("valueCodeableConcept", value)?;
            }
            ExtensionValue::Coding(value) => map.serialize_entry("valueCoding", value)?,
            ExtensionValue::Identifier(value) => map.serialize_entry("valueIdentifier", value)?,
            ExtensionValue::Reference(value) => map.serialize_entry("valueReference", value)?,
            ExtensionValue::Extensions(value) => map.serialize_entry("extension", value)?,
        }
        map.end()
    }
}

/// The `_element` beside a primitive.
#[derive(Serialize)]
pub struct Extended<'a> {
    extension: Vec<Extension<'a>>,
}

impl<'a> Extended<'a> {
    #[must_use]
    pub fn of(extension: Vec<Extension<'a>>) -> Option<Self> {
        (!extension.is_empty()).then_some(Self { extension })
    }

    #[must_use]
    pub fn by(url: &'static str, value: ExtensionValue<'a>) -> Self {
        Self { extension: vec![Extension { url, value }] }
    }

    /// The concept as sent, of a `code` that says less.
    #[must_use]
    pub fn alternate_codes(concept: CodeableConcept<'a>) -> Self {
        Self::by(ALTERNATE_CODES, ExtensionValue::CodeableConcept(concept))
    }

    /// Why an element that FHIR requires is not there.
    #[must_use]
    pub fn absent(reason: &'static str) -> Self {
        Self::by(DATA_ABSENT_REASON, ExtensionValue::Code(reason.into()))
    }
}

const ALTERNATE_CODES: &str = "http://hl7.org/fhir/StructureDefinition/alternate-codes";
const DATA_ABSENT_REASON: &str = "http://hl7.org/fhir/StructureDefinition/data-absent-reason";
