//! CX, EI → Identifier (FACTS §4 CX).

use serde::Serialize;

use super::super::codes::identifier_type::identifier_type;
use super::super::text;
use super::{CodeableConcept, Period, Text};
use crate::records::{self, IdentifierUse};

#[derive(Serialize)]
pub struct Identifier<'a> {
    #[serde(rename = "use", skip_serializing_if = "Option::is_none")]
    of_use: Option<&'static str>,
    #[serde(rename = "type", skip_serializing_if = "Option::is_none")]
    of_type: Option<CodeableConcept<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    system: Option<Text<'a>>,
    value: Text<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    period: Option<Period>,
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
            of_use: of_use(sent.r#use),
            of_type: identifier_type(code, default_type, system.unwrap_or_default()),
            system: system.map(Into::into),
            value,
            period: Period::new(sent.start, sent.end),
        })
    }

    /// One that is ours to give, where there is a value.
    #[must_use]
    pub fn of(system: impl Into<Text<'a>>, value: Option<Text<'a>>) -> Option<Self> {
        let system = Some(system.into());
        Some(Self { of_use: None, of_type: None, system, value: value?, period: None })
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

const fn of_use(sent: IdentifierUse) -> Option<&'static str> {
    match sent {
        IdentifierUse::None => None,
        IdentifierUse::Usual => Some("usual"),
        IdentifierUse::Official => Some("official"),
        IdentifierUse::Temp => Some("temp"),
        IdentifierUse::Old => Some("old"),
    }
}
