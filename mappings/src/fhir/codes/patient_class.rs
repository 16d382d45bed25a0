//! Table 0004 (PV1-2) → Encounter.class (FACTS §2).
//!
//! E, I, O and P have a v3-ActCode. R, B, C, N and U have none that says the same (OBS is a
//! medical service and PBILLACCT an account code), so they stay v2-0004, as does the sender's own
//! code. R4 wants exactly one class: an empty PV1-2 is v3-NullFlavor `UNK`.

use super::systems::{V2_0004, V3_ACT_CODE, V3_NULL_FLAVOR};
use crate::records::Coded;

/// The table as the French extension has it: `adt` marks with it the classes that mean something
/// of their own in France (PAM-FR PV1-2).
pub const FRENCH_TABLE: &str = "FRA0004";

/// A Coding; `display` is empty where none is known.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Class<'a> {
    pub system: &'static str,
    pub code: &'a str,
    pub display: &'static str,
}

/// What a stay's class is shown and searched as; `code` is its code, as FHIR can write it.
#[must_use]
pub fn class_of<'a>(sent: &Coded, code: &'a str) -> Class<'a> {
    let french = match code {
        _ if sent.system != FRENCH_TABLE => None,
        "R" => Some(("AMB", "ambulatory")),
        "V" => Some(("VR", "virtual")),
        _ => None,
    };
    match french {
        Some((code, display)) => Class { system: V3_ACT_CODE, code, display },
        None => class(code),
    }
}

fn class(sent: &str) -> Class<'_> {
    let sent = sent.trim();
    let (system, code, display) = match sent {
        "E" => (V3_ACT_CODE, "EMER", "emergency"),
        "I" => (V3_ACT_CODE, "IMP", "inpatient encounter"),
        "O" => (V3_ACT_CODE, "AMB", "ambulatory"),
        "P" => (V3_ACT_CODE, "PRENC", "pre-admission"),
        "" => (V3_NULL_FLAVOR, "UNK", "unknown"),
        "R" => (V2_0004, sent, "Recurring patient"),
        "B" => (V2_0004, sent, "Obstetrics"),
        "C" => (V2_0004, sent, "Commercial Account"),
        "N" => (V2_0004, sent, "Not Applicable"),
        "U" => (V2_0004, sent, "Unknown"),
        _ => (V2_0004, sent, ""),
    };
    Class { system, code, display }
}
