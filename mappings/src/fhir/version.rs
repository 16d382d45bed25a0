//! Which FHIR a client speaks.

use std::fmt;
use std::str::FromStr;

/// All are rendered from the same record.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum FhirVersion {
    R4,
    R5,
}

impl FhirVersion {
    pub const ALL: [Self; 2] = [Self::R4, Self::R5];

    /// As it stands in a path.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::R4 => "R4",
            Self::R5 => "R5",
        }
    }

    /// `CapabilityStatement.fhirVersion`.
    #[must_use]
    pub const fn number(self) -> &'static str {
        match self {
            Self::R4 => "4.0.1",
            Self::R5 => "5.0.0",
        }
    }

    /// The `fhirVersion` parameter of a media type.
    #[must_use]
    pub const fn mime(self) -> &'static str {
        match self {
            Self::R4 => "4.0",
            Self::R5 => "5.0",
        }
    }

    /// For two elements that stand for one another: R4's and R5's, of which the other is empty.
    pub(super) fn either<T: Default>(self, value: T) -> (T, T) {
        match self {
            Self::R4 => (value, T::default()),
            Self::R5 => (T::default(), value),
        }
    }
}

impl fmt::Display for FhirVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// Not a version that is served.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a FHIR version that is served: R4 (4.0) and R5 (5.0) are")]
pub struct FhirVersionError;

impl FromStr for FhirVersion {
    type Err = FhirVersionError;

    /// `R4`, `4.0` or `4.0.1`, in any case; R5 likewise.
    fn from_str(text: &str) -> Result<Self, FhirVersionError> {
        let is = |version: &Self| {
            [version.name(), version.number(), version.mime()]
                .into_iter()
                .any(|name| name.eq_ignore_ascii_case(text))
        };
        Self::ALL.into_iter().find(is).ok_or(FhirVersionError)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_version_has_three_names() {
        for name in ["R4", "r4", "4.0", "4.0.1"] {
            assert_eq!(name.parse(), Ok(FhirVersion::R4), "{name}");
        }
        for name in ["R5", "r5", "5.0", "5.0.0"] {
            assert_eq!(name.parse(), Ok(FhirVersion::R5), "{name}");
        }
        for other in ["", "R6", "4", "4.3", "5"] {
            assert_eq!(other.parse::<FhirVersion>(), Err(FhirVersionError), "{other}");
        }
    }

    #[test]
    fn a_version_is_shown_by_its_short_name() {
        assert_eq!(format!("{:>3}|{}", FhirVersion::R4, FhirVersion::R5), " R4|R5");
    }
}
