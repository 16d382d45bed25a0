//! CX, EI → Identifier (FACTS §4 CX).

use serde::Serialize;

use super::super::canonical::CHECK_DIGIT_SCHEME;
use super::super::codes::identifier_type::identifier_type;
use super::super::codes::systems::URI;
use super::super::text;
use super::{CodeableConcept, Extension, ExtensionValue, Period, Text};
use crate::records::{self, CheckDigit, IdentifierUse, ResourceId};

const CHECK_DIGIT: &str = "http://hl7.org/fhir/StructureDefinition/identifier-checkDigit";

#[derive(Serialize)]
pub struct Identifier<'a> {
    #[serde(skip_serializing_if = "Vec::is_empty")]
    extension: Vec<Extension<'a>>,
    #[serde(rename = "use", skip_serializing_if = "Option::is_none")]
    of_use: Option<&'static str>,
    #[serde(rename = "type", skip_serializing_if = "Option::is_none")]
    pub of_type: Option<CodeableConcept<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    system: Option<Text<'a>>,
    pub value: Text<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    period: Option<Period>,
    #[serde(skip_serializing_if = "Option::is_none")]
    assigner: Option<Assigner<'a>>,
}

/// CX-4 where it is only a name: who gave the number is not known by another.
#[derive(Serialize)]
struct Assigner<'a> {
    display: Text<'a>,
}

impl<'a> Identifier<'a> {
    #[must_use]
    pub fn new(sent: &'a records::Identifier) -> Option<Self> {
        Self::with_type(sent, "")
    }

    /// As [`Self::new`]; `default_type` (table 0203) stands where none of the table was sent.
    #[must_use]
    pub fn with_type(sent: &'a records::Identifier, default_type: &'static str) -> Option<Self> {
        let value = text::string(&sent.value)?;
        let system = text::uri(&sent.system);
        let code = text::code(&sent.type_code);
        Some(Self {
            extension: sent.check_digit.as_deref().map_or_else(Vec::new, check_digit),
            of_use: of_use(sent.r#use),
            of_type: identifier_type(code, default_type, system.unwrap_or_default()),
            system: system.map(Into::into),
            value,
            period: Period::new(sent.start, sent.end),
            assigner: text::string(&sent.assigner).map(|display| Assigner { display }),
        })
    }

    /// One that is ours to give, where there is a value.
    #[must_use]
    pub fn of(system: impl Into<Text<'a>>, value: Option<Text<'a>>) -> Option<Self> {
        Some(Self::numbered(system, value?))
    }

    #[must_use]
    pub fn numbered(system: impl Into<Text<'a>>, value: Text<'a>) -> Self {
        Self { system: Some(system.into()), ..Self::plain(value) }
    }

    /// As [`Self::of`], and said to be of that type.
    #[must_use]
    pub fn typed(self, of_type: CodeableConcept<'a>) -> Self {
        Self { of_type: Some(of_type), ..self }
    }

    /// The record's own id, for a resource that must have a number and has none.
    #[must_use]
    pub fn urn(id: ResourceId) -> Self {
        Self::numbered(URI, format!("urn:uuid:{id}").into())
    }

    /// A number of which nothing else is known.
    #[must_use]
    pub const fn plain(value: Text<'a>) -> Self {
        Self {
            extension: Vec::new(),
            of_use: None,
            of_type: None,
            system: None,
            value,
            period: None,
            assigner: None,
        }
    }

    /// Those of a record: what is in use first.
    #[must_use]
    pub fn list(sent: &'a [records::Identifier], default_type: &'static str) -> Vec<Self> {
        let is_old = |i: &&records::Identifier| i.r#use == IdentifierUse::Old;
        let current = sent.iter().filter(|i| !is_old(i));
        let old = sent.iter().filter(is_old);
        current.chain(old).filter_map(|i| Self::with_type(i, default_type)).collect()
    }
}

/// CX-2, and the scheme that it follows (CX-3).
fn check_digit(sent: &CheckDigit) -> Vec<Extension<'_>> {
    let digit = text::string(&sent.digit).map(|digit| (CHECK_DIGIT, digit));
    let scheme = text::string(&sent.scheme).map(|scheme| (CHECK_DIGIT_SCHEME, scheme));
    let extension = |(url, text)| Extension { url, value: ExtensionValue::String(text) };
    digit.into_iter().chain(scheme).map(extension).collect()
}

const fn of_use(sent: IdentifierUse) -> Option<&'static str> {
    match sent {
        IdentifierUse::None => None,
        IdentifierUse::Usual => Some("usual"),
        IdentifierUse::Official => Some("official"),
        IdentifierUse::Temp => Some("temp"),
        IdentifierUse::Old => Some("old"),
    }
}
