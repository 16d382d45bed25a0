//! Table 0200 (XPN-7) → HumanName.use (FACTS §4 XPN). The rest of the table has no use.

#[must_use]
pub fn name_use(code: &str) -> Option<&'static str> {
    Some(match code.trim() {
        "L" | "R" => "official",
        "D" => "usual",
        "M" => "maiden",
        "N" => "nickname",
        "BAD" => "old",
        "TEMP" | "NAV" => "temp",
        "MSK" => "anonymous",
        _ => return None,
    })
}
