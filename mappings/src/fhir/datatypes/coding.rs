//! CE, CWE, IS → Coding, CodeableConcept (FACTS §4 CWE/CE).

use std::borrow::Cow;

use serde::Serialize;

use super::super::codes::systems;
use super::super::text;
use super::{Codings, Text};
use crate::records::Coded;

#[derive(Clone, Serialize)]
pub struct Coding<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub system: Option<Text<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub version: Option<Text<'a>>,
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
            version: None,
            code: Some(Cow::Borrowed(code)),
            display: if display.is_empty() { None } else { Some(Cow::Borrowed(display)) },
        }
    }

    /// The first code that was sent, for an element that has room for one.
    #[must_use]
    pub fn first(sent: &'a Coded) -> Option<Self> {
        Self::sent(&sent.code, &sent.text, &sent.system, &sent.table)
    }

    /// The sender's own code, of no system that is known.
    #[must_use]
    pub const fn own(code: Text<'a>) -> Self {
        Self { system: None, version: None, code: Some(code), display: None }
    }

    fn sent(code: &'a str, display: &'a str, system: &'a str, table: &'a str) -> Option<Self> {
        let code = text::code(code)?;
        let system = systems::of_name(system, table);
        Some(Self { system, version: None, code: Some(code), display: text::string(display) })
    }

    /// Without a system a version says nothing.
    fn of_version(self, version: &'a str) -> Self {
        let version = text::string(version).filter(|_| self.system.is_some());
        Self { version, ..self }
    }
}

#[derive(Clone, Serialize)]
pub struct CodeableConcept<'a> {
    #[serde(skip_serializing_if = "Codings::is_empty")]
    pub coding: Codings<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub text: Option<Text<'a>>,
}

impl<'a> From<Coding<'a>> for CodeableConcept<'a> {
    fn from(coding: Coding<'a>) -> Self {
        Self { coding: Codings::One(coding), text: None }
    }
}

impl<'a> CodeableConcept<'a> {
    /// One of a standard's own codes.
    #[must_use]
    pub fn of(system: &'static str, code: &'a str, display: &'static str) -> Self {
        Coding::of(system, code, display).into()
    }

    /// What was sent: up to three codings, and a text. `None` where there is neither.
    #[must_use]
    pub fn sent(sent: &'a Coded) -> Option<Self> {
        let mut first = Coding::sent(&sent.code, &sent.text, &sent.system, &sent.table);
        let mut second =
            Coding::sent(&sent.alternate_code, &sent.alternate_text, &sent.alternate_system, "");
        let mut text = text::string(&sent.text).or_else(|| text::string(&sent.alternate_text));
        let mut third = None;
        if let Some(further) = &sent.further {
            first = first.map(|coding| coding.of_version(&further.version));
            second = second.map(|coding| coding.of_version(&further.alternate_version));
            third =
                Coding::sent(&further.third_code, &further.third_text, &further.third_system, "")
                    .map(|coding| coding.of_version(&further.third_version));
            text = text::string(&further.original_text).or(text);
        }
        let mut coding = first.map_or(Codings::None, Codings::One);
        coding.extend(second);
        coding.extend(third);
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
                concept.coding.push_front(standard);
            }
        }
        Some(concept)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_standards_code_stands_first_and_once() {
        let (code, text, table) = ("A".into(), "Mine".into(), "0069".into());
        let sent = Coded { code, text, table, ..Coded::default() };
        let uri = "http://terminology.hl7.org/CodeSystem/v2-0069";
        let shown = |standard: Coding<'static>| {
            let concept = CodeableConcept::mapped(&sent, |_| Some(standard)).unwrap();
            let code = |coding: &Coding<'_>| {
                let display = coding.display.clone().unwrap_or_default();
                format!("{} {display}", coding.code.clone().unwrap_or_default())
            };
            concept.coding.iter().map(code).collect::<Vec<String>>()
        };
        assert_eq!(shown(Coding::of(uri, "A", "Its own")), ["A Its own"]);
        assert_eq!(shown(Coding::of(uri, "B", "Another")), ["B Another", "A Mine"]);
        assert_eq!(shown(Coding::of("urn:x", "A", "Another")), ["A Another", "A Mine"]);
    }

    #[test]
    fn codings_are_one_or_many_in_their_order() {
        let mut codings: Codings<'_> = Codings::None;
        assert!(codings.is_empty() && codings.iter().next().is_none());
        for code in ["2", "3"] {
            codings.push(Coding::own(code.into()));
        }
        codings.push_front(Coding::own("1".into()));
        let all: Vec<_> = codings.iter().filter_map(|coding| coding.code.as_deref()).collect();
        assert_eq!(all, ["1", "2", "3"]);
        assert!(!codings.is_empty());
    }
}
