//! The parts that records are made of: v2 datatypes, kept whole and ready to render.

use serde::{Deserialize, Serialize};

use super::{Moment, NamedOrganization, phi_debug};

/// `one == other`, empty ones told first.
///
/// Most texts of a record are empty, and an empty `String` points nowhere. glibc's `memcmp` for
/// AVX-512 reads even nothing through a masked load, and one from an unmapped page takes the
/// processor hundreds of cycles: a third of a lane's time went into comparing nothing with nothing.
pub(super) fn same_text(one: &str, other: &str) -> bool {
    one.len() == other.len() && (one.is_empty() || one == other)
}

/// A FHIR logical id: a UUIDv5 minted once and kept for life (DESIGN §3).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct ResourceId(pub [u8; 16]);

impl ResourceId {
    /// `None` unless `text` is a lower-case hyphenated UUID, which is how ids are rendered.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let id = Self(*uuid::Uuid::try_parse(text).ok()?.as_bytes());
        (id.to_string() == text).then_some(id)
    }

    /// As [`Self`]'s `Display`, written into `buffer`: the formatting machinery costs more than
    /// the text, and every resource has several.
    #[must_use]
    pub fn encode<'a>(&self, buffer: &'a mut [u8; 36]) -> &'a str {
        uuid::Uuid::from_bytes(self.0).as_hyphenated().encode_lower(buffer)
    }
}

impl std::fmt::Display for ResourceId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        uuid::Uuid::from_bytes(self.0).as_hyphenated().fmt(f)
    }
}

impl std::fmt::Debug for ResourceId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        std::fmt::Display::fmt(self, f)
    }
}

/// FHIR `Identifier.use`, as far as v2 tells.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Hash, Serialize, Deserialize)]
pub enum IdentifierUse {
    #[default]
    None,
    Usual,
    Official,
    Temp,
    /// Came from a merged or changed record: still finds it, no longer shown first.
    Old,
}

/// CX or EI → FHIR Identifier. Equal when all parts are; the same number by [`Identifier::is_number_of`].
#[derive(Clone, Eq, Default, Serialize, Deserialize)]
pub struct Identifier {
    /// A URI: the EJ's configured system for the assigning authority, else `urn:oid:`/`urn:uuid:`
    /// of its universal id, else a local URN of the EJ (FACTS §4 CX).
    pub system: String,
    pub value: String,
    /// Table 0203 code as sent (CX-5); empty where none came.
    pub type_code: String,
    pub r#use: IdentifierUse,
    pub start: Option<Moment>,
    pub end: Option<Moment>,
    /// CX-4 where it is only a name, as the name of who assigned it.
    pub assigner: String,
    pub check_digit: Option<Box<CheckDigit>>,
}

/// CX-2 and CX-3 (table 0061), which few senders still fill.
#[derive(Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct CheckDigit {
    pub digit: String,
    pub scheme: String,
}

impl Identifier {
    /// Whether both are the same number of the same authority, whatever else is said of them.
    #[must_use]
    pub fn is_number_of(&self, other: &Self) -> bool {
        self.system == other.system && self.value == other.value
    }
}

impl PartialEq for Identifier {
    fn eq(&self, other: &Self) -> bool {
        let Self { system, value, type_code, r#use, start, end, assigner, check_digit } = other;
        same_text(&self.system, system)
            && same_text(&self.value, value)
            && same_text(&self.type_code, type_code)
            && self.r#use == *r#use
            && self.start == *start
            && self.end == *end
            && same_text(&self.assigner, assigner)
            && self.check_digit == *check_digit
    }
}

/// CE, CWE, IS or ID: the sender's own code, kept. Up to three codings, and a text.
///
/// `system` is the v2 name of the coding system as sent (`HL70069`, `L`, `I10`…), empty where
/// none came; `table` is the HL7 table that the field is bound to (e.g. `0004`), empty if none.
#[derive(Clone, Eq, Default, Serialize, Deserialize)]
pub struct Coded {
    pub code: String,
    pub text: String,
    pub system: String,
    pub alternate_code: String,
    pub alternate_text: String,
    pub alternate_system: String,
    pub table: String,
    pub further: Option<Box<FurtherCoding>>,
}

/// What few senders say of a code: CWE-7 to CWE-9, and the third coding (CWE-10 to 13).
#[derive(Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct FurtherCoding {
    pub version: String,
    pub alternate_version: String,
    /// CWE-9: what the sender saw.
    pub original_text: String,
    pub third_code: String,
    pub third_text: String,
    pub third_system: String,
    pub third_version: String,
}

impl PartialEq for Coded {
    fn eq(&self, other: &Self) -> bool {
        let Self {
            code,
            text,
            system,
            alternate_code,
            alternate_text,
            alternate_system,
            table,
            further,
        } = other;
        same_text(&self.code, code)
            && same_text(&self.text, text)
            && same_text(&self.system, system)
            && same_text(&self.alternate_code, alternate_code)
            && same_text(&self.alternate_text, alternate_text)
            && same_text(&self.alternate_system, alternate_system)
            && same_text(&self.table, table)
            && self.further == *further
    }
}

/// XPN → FHIR HumanName. `name_type` is XPN-7 (table 0200) as sent.
#[derive(Clone, Eq, Default, Serialize, Deserialize)]
pub struct HumanName {
    pub family: String,
    pub given: Vec<String>,
    pub prefix: String,
    pub suffix: String,
    pub name_type: String,
    pub start: Option<Moment>,
    pub end: Option<Moment>,
    pub further: Option<Box<FurtherName>>,
}

/// What few senders say of a name.
#[derive(Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct FurtherName {
    /// FN-2, FN-3: `van` and `Berg` of `van Berg`.
    pub own_prefix: String,
    pub own_family: String,
    /// FN-4, FN-5.
    pub partner_prefix: String,
    pub partner_family: String,
    /// XPN-6, XPN-14: further suffixes.
    pub degree: String,
    pub professional_suffix: String,
    /// XPN-11 (table 0444), XCN-18.
    pub assembly_order: String,
}

impl PartialEq for HumanName {
    fn eq(&self, other: &Self) -> bool {
        let Self { family, given, prefix, suffix, name_type, start, end, further } = other;
        same_text(&self.family, family)
            && self.given == *given
            && same_text(&self.prefix, prefix)
            && same_text(&self.suffix, suffix)
            && same_text(&self.name_type, name_type)
            && self.start == *start
            && self.end == *end
            && self.further == *further
    }
}

/// XAD → FHIR Address. `address_type` is XAD-7 (table 0190) as sent.
#[derive(Clone, Eq, Default, Serialize, Deserialize)]
pub struct Address {
    pub lines: Vec<String>,
    pub city: String,
    pub state: String,
    pub postal_code: String,
    pub country: String,
    pub address_type: String,
    /// XAD-9: county or parish; the COG commune code in France.
    pub district: String,
    /// XAD-10.
    pub census_tract: String,
    pub start: Option<Moment>,
    pub end: Option<Moment>,
}

impl PartialEq for Address {
    fn eq(&self, other: &Self) -> bool {
        let Self {
            lines,
            city,
            state,
            postal_code,
            country,
            address_type,
            district,
            census_tract,
            start,
            end,
        } = other;
        self.lines == *lines
            && same_text(&self.city, city)
            && same_text(&self.state, state)
            && same_text(&self.postal_code, postal_code)
            && same_text(&self.country, country)
            && same_text(&self.address_type, address_type)
            && same_text(&self.district, district)
            && same_text(&self.census_tract, census_tract)
            && self.start == *start
            && self.end == *end
    }
}

/// XTN → FHIR ContactPoint. `use_code` is XTN-2 (0201), `equipment` XTN-3 (0202), as sent.
#[derive(Clone, Eq, Default, Serialize, Deserialize)]
pub struct Telecom {
    pub value: String,
    pub use_code: String,
    pub equipment: String,
    /// XTN-18.
    pub rank: Option<u32>,
    pub start: Option<Moment>,
    pub end: Option<Moment>,
    /// The field that it came in, each a list of its own: 13, 14 or 40 of PID; else 0.
    pub field: u8,
}

impl PartialEq for Telecom {
    fn eq(&self, other: &Self) -> bool {
        let Self { value, use_code, equipment, rank, start, end, field } = other;
        same_text(&self.value, value)
            && same_text(&self.use_code, use_code)
            && same_text(&self.equipment, equipment)
            && self.rank == *rank
            && self.start == *start
            && self.end == *end
            && self.field == *field
    }
}

/// XCN: a practitioner as a message names one. `role` is the table 0443 code of the field.
#[derive(Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Practitioner {
    /// `ATND`, `REF`, `CON`, `ADM`, `PART` (v3-ParticipationType) by the field it came from; a
    /// table 0443 code where a ROL names one.
    pub role: String,
    /// Its record, where the practitioner has a number.
    pub practitioner: Option<ResourceId>,
    /// The record of the role, where a ROL names a practitioner with a number.
    pub practitioner_role: Option<ResourceId>,
    pub identifier: Option<Identifier>,
    pub name: HumanName,
    /// ROL-5 and ROL-6, or from and to when the part was taken.
    pub start: Option<Moment>,
    pub end: Option<Moment>,
}

/// NK1 → FHIR Patient.contact.
#[derive(Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Contact {
    pub name: HumanName,
    /// NK1-3 (table 0063).
    pub relationship: Coded,
    /// NK1-7 (table 0131).
    pub role: Coded,
    pub telecoms: Vec<Telecom>,
    pub address: Option<Address>,
    pub gender: String,
    /// NK1-13.
    pub organization: NamedOrganization,
    /// NK1-8, NK1-9.
    pub start: Option<Moment>,
    pub end: Option<Moment>,
}

phi_debug!(
    CheckDigit,
    Identifier,
    Coded,
    FurtherCoding,
    HumanName,
    FurtherName,
    Address,
    Telecom,
    Practitioner,
    Contact
);
