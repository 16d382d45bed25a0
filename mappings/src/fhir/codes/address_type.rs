//! Table 0190 (XAD-7) → Address.use and Address.type (FACTS §4 XAD).

#[must_use]
pub fn address_use(code: &str) -> Option<&'static str> {
    Some(match code {
        "H" => "home",
        "B" | "O" => "work",
        "C" => "temp",
        "BA" => "old",
        "BI" => "billing",
        _ => return None,
    })
}

#[must_use]
pub fn address_type(code: &str) -> Option<&'static str> {
    matches!(code, "M" | "SH").then_some("postal")
}

/// A place of birth is no address of the patient's.
#[must_use]
pub fn is_birth_place(code: &str) -> bool {
    matches!(code, "BDL" | "N")
}
