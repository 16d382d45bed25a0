//! Table 0002 → v3-MaritalStatus. **Not** the identity: `A` is separated there and annulled in
//! v3, `P` a domestic partner there and polygamous in v3 (FACTS §5).

use super::super::datatypes::Coding;
use super::systems::{V3_MARITAL_STATUS, V3_NULL_FLAVOR};

#[must_use]
pub fn marital_status(code: &str) -> Option<Coding<'static>> {
    let (system, code, display) = match code {
        "A" | "E" => (V3_MARITAL_STATUS, "L", "Legally Separated"),
        "B" => (V3_MARITAL_STATUS, "U", "unmarried"),
        "C" => (V3_MARITAL_STATUS, "C", "Common Law"),
        "D" => (V3_MARITAL_STATUS, "D", "Divorced"),
        "G" | "P" | "R" => (V3_MARITAL_STATUS, "T", "Domestic partner"),
        "I" => (V3_MARITAL_STATUS, "I", "Interlocutory"),
        "M" => (V3_MARITAL_STATUS, "M", "Married"),
        "N" => (V3_MARITAL_STATUS, "A", "Annulled"),
        "S" => (V3_MARITAL_STATUS, "S", "Never Married"),
        "W" => (V3_MARITAL_STATUS, "W", "Widowed"),
        "O" => (V3_NULL_FLAVOR, "OTH", "other"),
        "T" => (V3_NULL_FLAVOR, "NAVU", "Not available"),
        "U" => (V3_NULL_FLAVOR, "UNK", "unknown"),
        _ => return None,
    };
    Some(Coding::of(system, code, display))
}
