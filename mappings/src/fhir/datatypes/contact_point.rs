//! XTN → ContactPoint (FACTS §4 XTN).

use serde::Serialize;

use super::super::codes::telecom;
use super::super::text;
use super::{Period, Text};
use crate::records;

/// `cpt-2`: a value never stands without a system.
#[derive(Serialize)]
pub struct ContactPoint<'a> {
    pub system: &'static str,
    pub value: Text<'a>,
    #[serde(rename = "use", skip_serializing_if = "Option::is_none")]
    of_use: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    rank: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    period: Option<Period>,
}

impl<'a> ContactPoint<'a> {
    #[must_use]
    pub fn new(sent: &'a records::Telecom) -> Option<Self> {
        let value = text::string(&sent.value)?;
        let (use_code, equipment) = (sent.use_code.trim(), sent.equipment.trim());
        let system = telecom::system(use_code, equipment, &value);
        Some(Self {
            system,
            value,
            of_use: telecom::of_use(use_code, equipment, sent.field),
            rank: sent.rank.and_then(positive),
            period: Period::new(sent.start, sent.end),
        })
    }

    /// An organization has no home (`org-3`).
    #[must_use]
    pub fn of_organization(sent: &'a [records::Telecom]) -> Vec<Self> {
        let mut list = Self::list(sent);
        for one in &mut list {
            one.of_use = one.of_use.filter(|of_use| *of_use != "home");
        }
        list
    }

    #[must_use]
    pub fn list(sent: &'a [records::Telecom]) -> Vec<Self> {
        sent.iter().filter_map(Self::new).collect()
    }
}

/// FHIR's `positiveInt` reaches from 1 to 2 147 483 647.
#[must_use]
pub fn positive(number: u32) -> Option<u32> {
    (1..=0x7fff_ffff).contains(&number).then_some(number)
}
