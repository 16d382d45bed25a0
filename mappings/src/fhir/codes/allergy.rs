//! Tables 0127, 0128 and 0438 → AllergyIntolerance (FACTS §3 AL1, §5).

use super::super::datatypes::Coding;
use super::systems::{ALLERGY_CLINICAL, ALLERGY_VERIFICATION};

/// Table 0127 → category (required binding). `MA`, `MC` and a site's own have none.
#[must_use]
pub fn category(code: &str) -> Option<&'static str> {
    Some(match code.trim() {
        "DA" => "medication",
        "FA" => "food",
        "EA" | "PA" | "LA" => "environment",
        "AA" => "biologic",
        _ => return None,
    })
}

/// The category says less than what was sent: a plant and a pollen are both of the environment.
#[must_use]
pub fn category_says_less(code: &str) -> bool {
    !matches!(code.trim(), "" | "DA" | "FA" | "EA")
}

/// Table 0128 → criticality.
#[must_use]
pub fn criticality(code: &str) -> Option<&'static str> {
    Some(match code.trim() {
        "SV" => "high",
        "MI" => "low",
        _ => return None,
    })
}

/// Table 0128 → reaction.severity.
#[must_use]
pub fn severity(code: &str) -> Option<&'static str> {
    Some(match code.trim() {
        "SV" => "severe",
        "MO" => "moderate",
        "MI" => "mild",
        _ => return None,
    })
}

/// How an allergy stands.
pub struct AllergyStatus {
    /// None of one that was entered in error (`ait-2`).
    pub clinical: Option<Coding<'static>>,
    pub verification: Option<Coding<'static>>,
}

/// Table 0438 (IAM-17) → clinicalStatus and verificationStatus (required bindings): the table
/// mixes the two. Without a code the allergy is active, and nothing is said of its verification.
#[must_use]
pub fn status(code: &str, void: bool) -> AllergyStatus {
    let clinical = |code, display| Some(Coding::of(ALLERGY_CLINICAL, code, display));
    let verification = |code, display| Some(Coding::of(ALLERGY_VERIFICATION, code, display));
    let active = clinical("active", "Active");
    let (clinical, verification) = match code.trim() {
        _ if void => (None, verification("entered-in-error", "Entered in Error")),
        "E" => (None, verification("entered-in-error", "Entered in Error")),
        "C" => (active, verification("confirmed", "Confirmed")),
        "I" => (clinical("inactive", "Inactive"), verification("confirmed", "Confirmed")),
        "U" | "P" | "S" | "D" => (active, verification("unconfirmed", "Unconfirmed")),
        _ => (active, None),
    };
    AllergyStatus { clinical, verification }
}
