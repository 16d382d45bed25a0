//! Table 0443 → v3-ParticipationType, and SNOMED CT for who looks after a patient at home (FACTS
//! §3 ROL). The rest stays v2-0443.

use super::super::datatypes::Coding;
use super::systems::{SNOMED_CT, V3_PARTICIPATION_TYPE};

/// Fields that name one role (PV1-7…) give the standard's code itself.
#[must_use]
pub fn provider_role(role: &str) -> Option<Coding<'static>> {
    let (code, display) = match role {
        "ATND" | "AT" => ("ATND", "attender"),
        "REF" | "RP" => ("REF", "referrer"),
        "CON" | "CP" => ("CON", "consultant"),
        "ADM" | "AD" => ("ADM", "admitter"),
        "PART" => ("PART", "Participation"),
        "PP" => return Some(Coding::of(SNOMED_CT, "446050000", "Primary care physician")),
        "PI" => return Some(Coding::of(SNOMED_CT, "40570005", "Interpreter")),
        _ => return None,
    };
    Some(Coding::of(V3_PARTICIPATION_TYPE, code, display))
}
