//! Table 0001 → AdministrativeGender (required binding in R4 and R5; FACTS §5).

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum Gender {
    Male = 1,
    Female,
    Other,
    Unknown,
}

impl Gender {
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::Male => "male",
            Self::Female => "female",
            Self::Other => "other",
            Self::Unknown => "unknown",
        }
    }

    #[must_use]
    pub fn from_code(code: &str) -> Option<Self> {
        [Self::Male, Self::Female, Self::Other, Self::Unknown]
            .into_iter()
            .find(|g| g.code() == code)
    }
}

/// `None` where nothing was sent. Whatever is not in the table is `unknown`, and then
/// [`says_more`] tells that the sender's own code is worth keeping.
#[must_use]
pub fn gender(sent: &str) -> Option<Gender> {
    Some(match sent.trim() {
        "" => return None,
        "M" | "m" => Gender::Male,
        "F" | "f" => Gender::Female,
        "O" | "A" | "N" => Gender::Other,
        _ => Gender::Unknown,
    })
}

/// The FHIR code says less than what was sent: `A` and `N` become `other`, and a code outside the
/// table becomes `unknown`.
#[must_use]
pub fn says_more(sent: &str) -> bool {
    !matches!(sent.trim(), "" | "M" | "m" | "F" | "f" | "O" | "U")
}
