//! XPN → HumanName (FACTS §4 XPN).

use serde::Serialize;

use super::super::codes::name_type;
use super::super::text;
use super::{Period, Text};
use crate::records;

#[derive(Serialize)]
pub struct HumanName<'a> {
    #[serde(rename = "use", skip_serializing_if = "Option::is_none")]
    of_use: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    family: Option<Text<'a>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    given: Vec<Text<'a>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    prefix: Vec<Text<'a>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    suffix: Vec<Text<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    period: Option<Period>,
}

impl<'a> HumanName<'a> {
    /// `None` where there is no family and no given name: a prefix alone names nobody.
    #[must_use]
    pub fn new(sent: &'a records::HumanName) -> Option<Self> {
        let family = text::string(&sent.family);
        let given: Vec<_> = sent.given.iter().filter_map(|g| text::string(g)).collect();
        (family.is_some() || !given.is_empty()).then(|| Self {
            of_use: name_type::name_use(&sent.name_type),
            family,
            given,
            prefix: text::string(&sent.prefix).into_iter().collect(),
            suffix: text::string(&sent.suffix).into_iter().collect(),
            period: Period::new(sent.start, sent.end),
        })
    }
}

/// One line for `display`: prefix, given names, family, suffix.
#[must_use]
pub fn full_name(sent: &records::HumanName) -> Option<Text<'_>> {
    let mut parts = Vec::with_capacity(4);
    parts.extend(text::string(&sent.prefix));
    parts.extend(sent.given.iter().filter_map(|g| text::string(g)));
    parts.extend(text::string(&sent.family));
    parts.extend(text::string(&sent.suffix));
    (!parts.is_empty()).then(|| parts.join(" ").into())
}
