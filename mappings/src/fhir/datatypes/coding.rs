//! CE, CWE, IS → Coding, CodeableConcept (FACTS §4 CWE/CE).

use std::borrow::Cow;

use serde::Serialize;

use super::super::codes::systems;
use super::super::text;
use super::Text;
use crate::records::Coded;

#[derive(Clone, Serialize)]
pub struct Coding<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub system: Option<Text<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub code: Option<Text<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub display: Option<Text<'a>>,
}

impl<'a> Coding<'a> {
    /// One of a standard's own codes.
    #[must_use]
    pub const fn of(system: &'static str, code: &'a str, display: &'static str) -> Self {
        Self {
            system: Some(Cow::Borrowed(system)),
            code: Some(Cow::Borrowed(code)),
            display: if display.is_empty() { None } else { Some(Cow::Borrowed(display)) },
        }
    }

    fn sent(code: &'a str, display: &'a str, system: &'a str, table: &'a str) -> Option<Self> {
        let code = text::code(code)?;
        let system = systems::of_name(system, table);
        Some(Self { system, code: Some(code), display: text::string(display) })
    }
}

#[derive(Clone, Serialize)]
pub struct CodeableConcept<'a> {
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub coding: Vec<Coding<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub text: Option<Text<'a>>,
}

impl<'a> From<Coding<'a>> for CodeableConcept<'a> {
    fn from(coding: Coding<'a>) -> Self {
        Self { coding: vec![coding], text: None }
    }
}

impl<'a> CodeableConcept<'a> {
    /// One of a standard's own codes.
    #[must_use]
    pub fn of(system: &'static str, code: &'a str, display: &'static str) -> Self {
        Coding::of(system, code, display).into()
    }

    /// What was sent: up to two codings, and a text. `None` where there is neither.
    #[must_use]
    pub fn sent(sent: &'a Coded) -> Option<Self> {
        let first = Coding::sent(&sent.code, &sent.text, &sent.system, &sent.table);
        let second =
            Coding::sent(&sent.alternate_code, &sent.alternate_text, &sent.alternate_system, "");
        let text = text::string(&sent.text).or_else(|| text::string(&sent.alternate_text));
        let mut coding = Vec::with_capacity(2);
        coding.extend(first);
        coding.extend(second);
        (!coding.is_empty() || text.is_some()).then_some(Self { coding, text })
    }

    /// What was sent, with the standard's code for it in front, where there is one.
    #[must_use]
    pub fn mapped(
        sent: &'a Coded,
        map: impl FnOnce(&str) -> Option<Coding<'static>>,
    ) -> Option<Self> {
        let mut concept = Self::sent(sent)?;
        // Only a code of the HL7 table means what the map says.
        let of_table = systems::is_table(&sent.system, &sent.table);
        if let Some(standard) = map(sent.code.trim()).filter(|_| of_table) {
            let first = concept.coding.first();
            if first.is_some_and(|c| c.system == standard.system && c.code == standard.code) {
                concept.coding[0].display = standard.display;
            } else {
                concept.coding.insert(0, standard);
            }
        }
        Some(concept)
    }
}
