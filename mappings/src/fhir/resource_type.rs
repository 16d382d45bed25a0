//! The FHIR resource types that are served, and what each is rendered from.

use super::FhirVersion;
use crate::records::RecordType;

/// A FHIR resource type: that of a record, or one that is derived from records.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ResourceType {
    Record(RecordType),
    /// R5 only: one for each movement of a stay.
    EncounterHistory,
    /// One for each record: the message that made its version.
    Provenance,
    /// One for each EJ: all its patients.
    Group,
}

impl ResourceType {
    /// Every type that `version` has.
    pub fn all(version: FhirVersion) -> impl Iterator<Item = Self> {
        let derived = [Self::EncounterHistory, Self::Provenance, Self::Group];
        let all = RecordType::ALL.into_iter().map(Self::Record).chain(derived);
        all.filter(move |of_type| of_type.is_in(version))
    }

    #[must_use]
    pub const fn is_in(self, version: FhirVersion) -> bool {
        match self {
            Self::EncounterHistory => matches!(version, FhirVersion::R5),
            Self::Record(_) | Self::Provenance | Self::Group => true,
        }
    }

    /// Whether earlier versions can be read: those of what is a patient's.
    #[must_use]
    pub const fn has_history(self) -> bool {
        match self {
            Self::Record(record_type) => record_type.is_of_a_patient(),
            Self::EncounterHistory | Self::Provenance | Self::Group => false,
        }
    }

    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Record(record_type) => record_type.fhir(),
            Self::EncounterHistory => "EncounterHistory",
            Self::Provenance => "Provenance",
            Self::Group => "Group",
        }
    }

    /// `None` unless `version` has a type of that name which is served.
    #[must_use]
    pub fn parse(name: &str, version: FhirVersion) -> Option<Self> {
        Self::all(version).find(|of_type| of_type.name() == name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_type_is_known_by_its_exact_name_in_the_versions_that_have_it() {
        let stay = ResourceType::Record(RecordType::Stay);
        assert_eq!(ResourceType::parse("Encounter", FhirVersion::R4), Some(stay));
        for unknown in ["encounter", "Stay", "Medication", "", "EncounterHistory"] {
            assert_eq!(ResourceType::parse(unknown, FhirVersion::R4), None, "{unknown}");
        }
        let history = Some(ResourceType::EncounterHistory);
        assert_eq!(ResourceType::parse("EncounterHistory", FhirVersion::R5), history);
    }

    #[test]
    fn earlier_versions_are_read_of_what_is_a_patients() {
        let has: Vec<_> =
            ResourceType::all(FhirVersion::R5).filter(|of| of.has_history()).collect();
        assert!(has.contains(&ResourceType::Record(RecordType::Stay)));
        assert!(!has.contains(&ResourceType::Record(RecordType::Practitioner)));
        assert!(!has.contains(&ResourceType::Provenance));
    }
}
