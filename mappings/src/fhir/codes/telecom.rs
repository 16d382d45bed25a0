//! Tables 0201 (XTN-2) and 0202 (XTN-3) → ContactPoint.use and .system (FACTS §4 XTN).

/// A mobile telephone (`CP`) is `phone`: that it is one says its use. Where no equipment was
/// sent, it is an e-mail address if it looks like one, else a telephone.
#[must_use]
pub fn system(use_code: &str, equipment: &str, value: &str) -> &'static str {
    match equipment {
        "PH" | "CP" => "phone",
        "FX" => "fax",
        "BP" => "pager",
        "Internet" | "INTERNET" | "X.400" => "email",
        "MD" | "SAT" | "TDD" | "TTY" => "other",
        _ if use_code == "NET" || value.contains('@') => "email",
        _ => "phone",
    }
}

#[must_use]
pub fn of_use(use_code: &str, equipment: &str) -> Option<&'static str> {
    match (use_code, equipment) {
        (_, "CP") | ("PRS", _) => Some("mobile"),
        ("PRN", _) => Some("home"),
        ("WPN", _) => Some("work"),
        _ => None,
    }
}
