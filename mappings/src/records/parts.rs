//! The parts that records are made of: v2 datatypes, kept whole and ready to render.

use serde::{Deserialize, Serialize};

use super::{Moment, phi_debug};

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
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum IdentifierUse {
    None,
    Usual,
    Official,
    Temp,
    /// Came from a merged or changed record: still finds it, no longer shown first.
    Old,
}

/// CX or EI → FHIR Identifier. Two identifiers are the same when `system` and `value` are.
#[derive(Clone, Eq, Serialize, Deserialize)]
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
}

impl PartialEq for Identifier {
    fn eq(&self, other: &Self) -> bool {
        let Self { system, value, type_code, r#use, start, end } = other;
        same_text(&self.system, system)
            && same_text(&self.value, value)
            && same_text(&self.type_code, type_code)
            && self.r#use == *r#use
            && self.start == *start
            && self.end == *end
    }
}

/// CE, CWE, IS or ID: the sender's own code, kept. Up to two codings, and a text.
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
}

impl PartialEq for Coded {
    fn eq(&self, other: &Self) -> bool {
        let Self { code, text, system, alternate_code, alternate_text, alternate_system, table } =
            other;
        same_text(&self.code, code)
            && same_text(&self.text, text)
            && same_text(&self.system, system)
            && same_text(&self.alternate_code, alternate_code)
            && same_text(&self.alternate_text, alternate_text)
            && same_text(&self.alternate_system, alternate_system)
            && same_text(&self.table, table)
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
}

impl PartialEq for HumanName {
    fn eq(&self, other: &Self) -> bool {
        let Self { family, given, prefix, suffix, name_type, start, end } = other;
        same_text(&self.family, family)
            && self.given == *given
            && same_text(&self.prefix, prefix)
            && same_text(&self.suffix, suffix)
            && same_text(&self.name_type, name_type)
            && self.start == *start
            && self.end == *end
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
}

impl PartialEq for Address {
    fn eq(&self, other: &Self) -> bool {
        let Self { lines, city, state, postal_code, country, address_type, district } = other;
        self.lines == *lines
            && same_text(&self.city, city)
            && same_text(&self.state, state)
            && same_text(&self.postal_code, postal_code)
            && same_text(&self.country, country)
            && same_text(&self.address_type, address_type)
            && same_text(&self.district, district)
    }
}

/// XTN → FHIR ContactPoint. `use_code` is XTN-2 (0201), `equipment` XTN-3 (0202), as sent.
#[derive(Clone, Eq, Default, Serialize, Deserialize)]
pub struct Telecom {
    pub value: String,
    pub use_code: String,
    pub equipment: String,
}

impl PartialEq for Telecom {
    fn eq(&self, other: &Self) -> bool {
        let Self { value, use_code, equipment } = other;
        same_text(&self.value, value)
            && same_text(&self.use_code, use_code)
            && same_text(&self.equipment, equipment)
    }
}

/// XCN: a practitioner as a message names one. `role` is the table 0443 code of the field.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Practitioner {
    /// `ATND`, `REF`, `CON`, `ADM`, `PART` (v3-ParticipationType) by the field it came from; a
    /// table 0443 code where a ROL names one.
    pub role: String,
    /// Its record, where the practitioner has a number.
    pub practitioner: Option<ResourceId>,
    pub identifier: Option<Identifier>,
    pub name: HumanName,
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
    pub organization: String,
}

phi_debug!(Identifier, Coded, HumanName, Address, Telecom, Practitioner, Contact);
