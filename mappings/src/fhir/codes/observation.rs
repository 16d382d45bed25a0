//! Tables 0085 and 0078 → Observation (FACTS §3 OBX).

use super::super::datatypes::Coding;
use super::systems::{DATA_ABSENT_REASON, V3_OBSERVATION_INTERPRETATION};

/// Table 0085 (OBX-11) → status (required binding). What is sent with an admission has been
/// observed, so that no code is `final`.
#[must_use]
pub fn status(code: &str) -> &'static str {
    match code.trim() {
        "" | "F" => "final",
        "P" => "preliminary",
        "C" => "corrected",
        "A" => "amended",
        "D" | "W" => "entered-in-error",
        "X" => "cancelled",
        _ => "unknown",
    }
}

/// The status says less than what was sent.
#[must_use]
pub fn status_says_less(code: &str) -> bool {
    !matches!(code.trim(), "" | "F" | "P" | "C" | "A")
}

/// Why there is no value, where OBX-11 tells.
#[must_use]
pub fn absent_reason(code: &str) -> Option<Coding<'static>> {
    let (code, display) = match code.trim() {
        "N" => ("not-asked", "Not Asked"),
        "X" => ("error", "Error"),
        _ => return None,
    };
    Some(Coding::of(DATA_ABSENT_REASON, code, display))
}

/// Table 0078 (OBX-8) → v3-ObservationInterpretation, which has most of its codes.
#[must_use]
pub fn interpretation(code: &str) -> Option<Coding<'static>> {
    let (code, display) = match code {
        "<" => ("<", "Off scale low"),
        ">" => (">", "Off scale high"),
        "A" => ("A", "Abnormal"),
        "AA" => ("AA", "Critical abnormal"),
        "B" => ("B", "Better"),
        "CAR" => ("CAR", "Carrier"),
        "D" => ("D", "Significant change down"),
        "DET" => ("DET", "Detected"),
        "E" => ("E", "Equivocal"),
        "EX" => ("EX", "outside threshold"),
        "EXP" => ("EXP", "Expected"),
        "H" => ("H", "High"),
        "HH" => ("HH", "Critical high"),
        "HU" => ("HU", "Significantly high"),
        "I" => ("I", "Intermediate"),
        "IE" => ("IE", "Insufficient evidence"),
        "IND" => ("IND", "Indeterminate"),
        "L" => ("L", "Low"),
        "LL" => ("LL", "Critical low"),
        "LU" => ("LU", "Significantly low"),
        "N" => ("N", "Normal"),
        "NCL" => ("NCL", "No CLSI defined breakpoint"),
        "ND" => ("ND", "Not detected"),
        "NEG" => ("NEG", "Negative"),
        "NR" => ("NR", "Non-reactive"),
        "NS" => ("NS", "Non-susceptible"),
        "POS" => ("POS", "Positive"),
        "R" => ("R", "Resistant"),
        "RR" => ("RR", "Reactive"),
        "S" => ("S", "Susceptible"),
        "SDD" => ("SDD", "Susceptible-dose dependent"),
        "SYN-R" => ("SYN-R", "Synergy - resistant"),
        "SYN-S" => ("SYN-S", "Synergy - susceptible"),
        "U" => ("U", "Significant change up"),
        "UNE" => ("UNE", "Unexpected"),
        "W" => ("W", "Worse"),
        "WR" => ("WR", "Weakly reactive"),
        _ => return None,
    };
    Some(Coding::of(V3_OBSERVATION_INTERPRETATION, code, display))
}
