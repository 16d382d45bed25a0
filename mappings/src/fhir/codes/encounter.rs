//! The tables of PV1 and PV2 that have a standard's code (FACTS §5).
//!
//! 0007 (admission type), 0023 (admit source), 0092 (re-admission), 0112 (disposition) and 0113
//! (destination) pass through: 0112 and 0113 are the site's own, and the guide has no codes for
//! them. FHIR's discharge disposition `hosp` means *hospice*, a trap for a map by sight.

use super::super::datatypes::Coding;
use super::systems::{SERVICE_TYPE, SPECIAL_ARRANGEMENTS, V3_ACT_PRIORITY};

/// Table 0217 (PV2-25) → v3-ActPriority.
#[must_use]
pub fn priority(code: &str) -> Option<Coding<'static>> {
    let (code, display) = match code {
        "1" => ("EM", "emergency"),
        "2" => ("UR", "urgent"),
        "3" => ("EL", "elective"),
        _ => return None,
    };
    Some(Coding::of(V3_ACT_PRIORITY, code, display))
}

/// Table 0069 (PV1-10) → service-type, for the two that it has.
#[must_use]
pub fn service(code: &str) -> Option<Coding<'static>> {
    let (code, display) = match code {
        "MED" => ("382", "Medical Services"),
        "URO" => ("222", "Urology"),
        _ => return None,
    };
    Some(Coding::of(SERVICE_TYPE, code, display))
}

/// Table 0009 (PV1-15) → encounter-special-arrangements, for the one that it has.
#[must_use]
pub fn arrangement(code: &str) -> Option<Coding<'static>> {
    (code == "A2").then(|| Coding::of(SPECIAL_ARRANGEMENTS, "wheel", "Wheelchair"))
}
