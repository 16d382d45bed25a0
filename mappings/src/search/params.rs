//! Which search parameters each type has in each version of FHIR, and what each is about.
//!
//! All that R4 and R5 define for the types that are served are here. One whose element is never
//! rendered is [`Of::Never`]: known, and finding nothing.

use super::composite::CompositeOf;
use super::contacts::ContactOf;
use super::moments::DateOf;
use super::quantity::QuantityOf;
use super::references::ReferenceOf;
use super::strings::StringOf;
use super::tables;
use super::tokens::TokenOf;
use crate::fhir::{FhirVersion, ResourceType};
use crate::records::RecordType;

/// What a search parameter is made of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Token,
    String,
    Date,
    Reference,
    Quantity,
    Composite,
    Uri,
    Special,
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
            Self::Quantity => "quantity",
            Self::Composite => "composite",
            Self::Uri => "uri",
            Self::Special => "special",
        }
    }
}

/// What a parameter looks at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Of {
    Id,
    LastUpdated,
    Identifier,
    Family,
    Given,
    /// Family or given.
    PersonName,
    /// What a name sounds like.
    Phonetic,
    /// Of a place or an organization.
    Name,
    Strings(&'static [StringOf]),
    Contact(ContactOf),
    BirthDate,
    Gender,
    Active,
    Deceased,
    /// The patient whom the record is about.
    Patient,
    /// The places of a stay.
    Places,
    /// The EJ itself.
    Entity,
    Refers(ReferenceOf),
    /// Of a stay.
    Status,
    Class,
    /// What the type's `date` is about.
    Period,
    /// Where the period of a stay begins, and where it ends.
    Start,
    End,
    Dates(DateOf),
    Coded(TokenOf),
    Quantity(QuantityOf),
    Composite(CompositeOf),
    /// `meta.profile` and `meta.security`, which depend on the EJ's settings: nothing is indexed.
    Profile,
    Security,
    /// An element that is never rendered.
    Never,
}

/// One search parameter of a type.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Parameter {
    pub name: &'static str,
    pub kind: Kind,
    /// The only version that has it; `None`: both.
    pub version: Option<FhirVersion>,
    /// Of a reference: the elements that it is about, by their names in R4 and in R5.
    pub elements: &'static [&'static str],
    /// Of a reference: what it refers to, as far as that is served.
    pub targets: &'static [RecordType],
    pub(super) of: Of,
}

impl Parameter {
    pub(super) const fn new(name: &'static str, kind: Kind, of: Of) -> Self {
        Self { name, kind, version: None, elements: &[], targets: &[], of }
    }

    pub(super) const fn in_r4(self) -> Self {
        Self { version: Some(FhirVersion::R4), ..self }
    }

    pub(super) const fn in_r5(self) -> Self {
        Self { version: Some(FhirVersion::R5), ..self }
    }

    fn is_in(&self, version: FhirVersion) -> bool {
        self.version.is_none_or(|only| only == version)
    }
}

/// The search parameters of a type, for its CapabilityStatement: all that [`super::parse`] knows.
pub fn params(
    record_type: RecordType,
    version: FhirVersion,
) -> impl Iterator<Item = &'static Parameter> {
    let all = tables::COMMON.iter().chain(tables::of(record_type));
    all.filter(move |parameter| parameter.is_in(version))
}

/// One of them.
#[must_use]
pub fn param(
    record_type: RecordType,
    version: FhirVersion,
    name: &str,
) -> Option<&'static Parameter> {
    params(record_type, version).find(|parameter| parameter.name == name)
}

/// The same of any type that is served.
pub fn params_of(
    resource_type: ResourceType,
    version: FhirVersion,
) -> Box<dyn Iterator<Item = &'static Parameter>> {
    match resource_type {
        ResourceType::Record(record_type) => Box::new(params(record_type, version)),
        ResourceType::EncounterHistory => Box::new(tables::ENCOUNTER_HISTORY.iter()),
        ResourceType::Group => Box::new(tables::GROUP.iter()),
        ResourceType::Provenance => Box::new(tables::PROVENANCE.iter()),
    }
}
