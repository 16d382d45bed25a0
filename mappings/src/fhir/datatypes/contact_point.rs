//! XTN → ContactPoint (FACTS §4 XTN).

use serde::Serialize;

use super::super::codes::telecom;
use super::super::text;
use super::Text;
use crate::records;

/// `cpt-2`: a value never stands without a system.
#[derive(Serialize)]
pub struct ContactPoint<'a> {
    system: &'static str,
    value: Text<'a>,
    #[serde(rename = "use", skip_serializing_if = "Option::is_none")]
    of_use: Option<&'static str>,
}

impl<'a> ContactPoint<'a> {
    #[must_use]
    pub fn new(sent: &'a records::Telecom) -> Option<Self> {
        let value = text::string(&sent.value)?;
        let (use_code, equipment) = (sent.use_code.trim(), sent.equipment.trim());
        let system = telecom::system(use_code, equipment, &value);
        Some(Self { system, value, of_use: telecom::of_use(use_code, equipment) })
    }
}
