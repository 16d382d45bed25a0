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

/// Where no use was sent, `field` of PID tells: 13 is home, 14 is business.
#[must_use]
pub fn of_use(use_code: &str, equipment: &str, field: u8) -> Option<&'static str> {
    match (use_code, equipment, field) {
        (_, "CP", _) | ("PRS", ..) => Some("mobile"),
        ("PRN", ..) | ("", _, 13) => Some("home"),
        ("WPN", ..) | ("", _, 14) => Some("work"),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_sent_as_an_address_of_the_internet_is_one_whatever_it_looks_like() {
        for equipment in ["Internet", "INTERNET", "X.400"] {
            assert_eq!(system("", equipment, "c=FR;a=demo"), "email");
        }
        assert_eq!(system("", "", "c=FR;a=demo"), "phone");
    }
}
