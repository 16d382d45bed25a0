//! XPN → HumanName (FACTS §4 XPN).

use serde::Serialize;

use super::super::codes::name_type;
use super::super::text;
use super::{Extended, Extension, ExtensionValue, Period, Text};
use crate::records::{self, FurtherName};

const ASSEMBLY_ORDER: &str = "http://hl7.org/fhir/StructureDefinition/humanname-assembly-order";
const OWN_PREFIX: &str = "http://hl7.org/fhir/StructureDefinition/humanname-own-prefix";
const OWN_NAME: &str = "http://hl7.org/fhir/StructureDefinition/humanname-own-name";
const PARTNER_PREFIX: &str = "http://hl7.org/fhir/StructureDefinition/humanname-partner-prefix";
const PARTNER_NAME: &str = "http://hl7.org/fhir/StructureDefinition/humanname-partner-name";

#[derive(Serialize)]
pub struct HumanName<'a> {
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub extension: Vec<Extension<'a>>,
    #[serde(rename = "use", skip_serializing_if = "Option::is_none")]
    of_use: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    family: Option<Text<'a>>,
    #[serde(rename = "_family", skip_serializing_if = "Option::is_none")]
    family_extension: Option<Extended<'a>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub given: Vec<Text<'a>>,
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
        if family.is_none() && given.is_empty() {
            return None;
        }
        let mut name = Self {
            extension: Vec::new(),
            of_use: name_type::name_use(&sent.name_type),
            family,
            family_extension: None,
            given,
            prefix: text::string(&sent.prefix).into_iter().collect(),
            suffix: text::string(&sent.suffix).into_iter().collect(),
            period: Period::new(sent.start, sent.end),
        };
        if let Some(further) = sent.further.as_deref() {
            name.add(further);
        }
        Some(name)
    }

    fn add(&mut self, sent: &'a FurtherName) {
        let order = text::code(&sent.assembly_order).filter(|order| matches!(&**order, "F" | "G"));
        self.extension.extend(
            order.map(|code| Extension { url: ASSEMBLY_ORDER, value: ExtensionValue::Code(code) }),
        );
        let parts = [
            (OWN_PREFIX, &sent.own_prefix),
            (OWN_NAME, &sent.own_family),
            (PARTNER_PREFIX, &sent.partner_prefix),
            (PARTNER_NAME, &sent.partner_family),
        ];
        self.family_extension = Extended::of(
            parts
                .into_iter()
                .filter_map(|(url, part)| {
                    Some(Extension { url, value: ExtensionValue::String(text::string(part)?) })
                })
                .collect(),
        );
        self.suffix.extend(
            [&sent.degree, &sent.professional_suffix]
                .into_iter()
                .filter_map(|suffix| text::string(suffix)),
        );
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
