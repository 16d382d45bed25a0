//! Extension: a URL and one value, or extensions.

use serde::ser::{Serialize, SerializeMap, Serializer};

use super::{Address, CodeableConcept, DateTime, Identifier, Text};

pub struct Extension<'a> {
    pub url: &'static str,
    pub value: ExtensionValue<'a>,
}

pub enum ExtensionValue<'a> {
    String(Text<'a>),
    DateTime(DateTime),
    Address(Address<'a>),
    CodeableConcept(CodeableConcept<'a>),
    Identifier(Identifier<'a>),
    Extensions(Vec<Extension<'a>>),
}

impl Serialize for Extension<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(2))?;
        map.serialize_entry("url", self.url)?;
        match &self.value {
            ExtensionValue::String(value) => map.serialize_entry("valueString", value)?,
            ExtensionValue::DateTime(value) => map.serialize_entry("valueDateTime", value)?,
            ExtensionValue::Address(value) => map.serialize_entry("valueAddress", value)?,
            ExtensionValue::CodeableConcept(value) => {
                map.serialize_entry("valueCodeableConcept", value)?;
            }
            ExtensionValue::Identifier(value) => map.serialize_entry("valueIdentifier", value)?,
            ExtensionValue::Extensions(value) => map.serialize_entry("extension", value)?,
        }
        map.end()
    }
}
