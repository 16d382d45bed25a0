//! XAD → Address (FACTS §4 XAD).

use serde::Serialize;

use super::super::codes::address_type;
use super::super::text;
use super::{Extension, ExtensionValue, Period, Text};
use crate::records;

const CENSUS_TRACT: &str = "http://hl7.org/fhir/StructureDefinition/iso21090-ADXP-censusTract";

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Address<'a> {
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub extension: Vec<Extension<'a>>,
    #[serde(rename = "use", skip_serializing_if = "Option::is_none")]
    pub of_use: Option<&'static str>,
    #[serde(rename = "type", skip_serializing_if = "Option::is_none")]
    of_type: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    text: Option<Text<'a>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub line: Vec<Text<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub city: Option<Text<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub district: Option<Text<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub state: Option<Text<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub postal_code: Option<Text<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub country: Option<Text<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    period: Option<Period>,
}

impl<'a> Address<'a> {
    /// Where the patient can be found or written to. `None` for a place of birth.
    #[must_use]
    pub fn new(sent: &'a records::Address) -> Option<Self> {
        let code = sent.address_type.trim();
        if address_type::is_birth_place(code) {
            return None;
        }
        let place = Self::place(sent)?;
        let (of_use, of_type) = (address_type::address_use(code), address_type::address_type(code));
        Some(Self { of_use, of_type, period: Period::new(sent.start, sent.end), ..place })
    }

    /// An organization has no home (`org-2`; R5 `org-4`).
    #[must_use]
    pub fn of_organization(sent: &'a [records::Address]) -> Vec<Self> {
        let mut list: Vec<_> = sent.iter().filter_map(Self::new).collect();
        for one in &mut list {
            one.of_use = one.of_use.filter(|of_use| *of_use != "home");
        }
        list
    }

    /// The place alone, for `patient-birthPlace`. Text without structure (PID-23) is `text`.
    #[must_use]
    pub fn place(sent: &'a records::Address) -> Option<Self> {
        let line: Vec<_> = sent.lines.iter().filter_map(|l| text::string(l)).collect();
        let parts = [&sent.city, &sent.district, &sent.state, &sent.postal_code, &sent.country];
        let [city, district, state, postal_code, country] = parts.map(|part| text::string(part));
        let structured =
            [&city, &district, &state, &postal_code, &country].into_iter().any(Option::is_some);
        if line.is_empty() && !structured {
            return None;
        }
        let extension =
            |tract| Extension { url: CENSUS_TRACT, value: ExtensionValue::String(tract) };
        let tract = text::string(&sent.census_tract);
        Some(Self {
            extension: tract.map(extension).into_iter().collect(),
            of_use: None,
            of_type: None,
            text: None,
            line,
            city,
            district,
            state,
            postal_code,
            country,
            period: None,
        })
    }

    /// As [`Self::place`]; lines alone are `text`, since PID-23 is a line that names a town.
    #[must_use]
    pub fn birth_place(sent: &'a records::Address) -> Option<Self> {
        let mut place = Self::place(sent)?;
        let parts =
            [&place.city, &place.district, &place.state, &place.postal_code, &place.country];
        if parts.into_iter().all(Option::is_none) {
            place.text = Some(std::mem::take(&mut place.line).join(", ").into());
        }
        Some(place)
    }
}
