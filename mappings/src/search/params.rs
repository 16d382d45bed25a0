//! Which search parameters each type has, and what each is made of.

use crate::fhir::ResourceType;
use crate::records::RecordType;

/// What a search parameter is made of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Token,
    String,
    Date,
    Reference,
}

impl Kind {
    /// `SearchParameter.type`.
    #[must_use]
    pub const fn fhir(self) -> &'static str {
        match self {
            Self::Token => "token",
            Self::String => "string",
            Self::Date => "date",
            Self::Reference => "reference",
        }
    }
}

/// A parameter's name and what it is made of.
pub type Named = (&'static str, Kind);

const ID: Named = ("_id", Kind::Token);

/// The parameters that every record has, and these.
macro_rules! with_common {
    ($($name:literal $kind:ident),* $(,)?) => {
        &[
            ID,
            ("_lastUpdated", Kind::Date),
            ("identifier", Kind::Token),
            $(($name, Kind::$kind)),*
        ]
    };
}

/// The search parameters of a type, for its CapabilityStatement: all that [`super::parse`] knows.
#[must_use]
pub const fn params(record_type: RecordType) -> &'static [Named] {
    match record_type {
        RecordType::Patient => with_common![
            "family" String,
            "given" String,
            "name" String,
            "birthdate" Date,
            "gender" Token,
            "active" Token,
            "general-practitioner" Reference,
        ],
        RecordType::Stay => with_common![
            "patient" Reference,
            "subject" Reference,
            "status" Token,
            "class" Token,
            "date" Date,
            "location" Reference,
            "account" Reference,
            "participant" Reference,
            "practitioner" Reference,
            "service-provider" Reference,
            "diagnosis" Reference,
        ],
        RecordType::Location => with_common![
            "name" String,
            "partof" Reference,
            "organization" Reference,
        ],
        RecordType::Organization => with_common![
            "name" String,
            "active" Token,
            "type" Token,
            "partof" Reference,
        ],
        RecordType::Practitioner => with_common![
            "family" String,
            "given" String,
            "name" String,
        ],
        RecordType::PractitionerRole => with_common![
            "practitioner" Reference,
            "organization" Reference,
            "location" Reference,
            "role" Token,
            "specialty" Token,
        ],
        RecordType::RelatedPerson => with_common![
            "patient" Reference,
            "family" String,
            "given" String,
            "name" String,
            "birthdate" Date,
            "gender" Token,
            "relationship" Token,
        ],
        RecordType::Coverage => with_common![
            "patient" Reference,
            "beneficiary" Reference,
            "status" Token,
            "type" Token,
            "subscriber" Reference,
            "payor" Reference,
            "insurer" Reference,
            "policy-holder" Reference,
        ],
        RecordType::Account => with_common![
            "patient" Reference,
            "subject" Reference,
            "status" Token,
        ],
        RecordType::AllergyIntolerance => with_common![
            "patient" Reference,
            "code" Token,
            "clinical-status" Token,
            "verification-status" Token,
            "category" Token,
            "criticality" Token,
            "date" Date,
            "recorder" Reference,
        ],
        RecordType::Condition => with_common![
            "patient" Reference,
            "subject" Reference,
            "encounter" Reference,
            "code" Token,
            "clinical-status" Token,
            "verification-status" Token,
            "category" Token,
            "onset-date" Date,
            "asserter" Reference,
        ],
        RecordType::Procedure => with_common![
            "patient" Reference,
            "subject" Reference,
            "encounter" Reference,
            "code" Token,
            "status" Token,
            "category" Token,
            "date" Date,
            "performer" Reference,
            "location" Reference,
            "part-of" Reference,
        ],
        RecordType::Observation => with_common![
            "patient" Reference,
            "subject" Reference,
            "encounter" Reference,
            "code" Token,
            "status" Token,
            "category" Token,
            "date" Date,
            "performer" Reference,
        ],
    }
}

/// The same of any type that is served.
#[must_use]
pub const fn params_of(resource_type: ResourceType) -> &'static [Named] {
    match resource_type {
        ResourceType::Record(record_type) => params(record_type),
        // Of the stay whose movements they are.
        ResourceType::EncounterHistory => {
            &[ID, ("encounter", Kind::Reference), ("patient", Kind::Reference)]
        }
        ResourceType::Provenance => &[ID, ("target", Kind::Reference)],
        ResourceType::Group => &[ID, ("managing-entity", Kind::Reference)],
    }
}
