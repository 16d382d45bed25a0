//! Who takes part: organizations, practitioners and what they do, people close to the patient.

use serde::{Deserialize, Serialize};

use super::parts::same_text;
use super::{Address, Coded, HumanName, Identifier, Moment, ResourceId, Stamp, Telecom, phi_debug};

/// What an organization is within a hospital group, or outside of it (fr-core-and-structure §B).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum OrganizationKind {
    /// *Entité juridique*: the EJ itself.
    LegalEntity,
    /// *Entité géographique*.
    GeographicalEntity,
    Pole,
    Service,
    /// *Unité fonctionnelle*: medical, of nursing or of accommodation.
    FunctionalUnit,
    /// *Unité médicale* of the PMSI.
    MedicalUnit,
    /// *Unité d'activité complémentaire*.
    ActivityUnit,
    /// *Structure interne*: a level of the site's own.
    InternalStructure,
    /// Outside of the group: an insurer, an employer, a practice (XON).
    Other,
}

/// XON, a French UF, or an entry of the structure (MFN^M05) → Organization.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OrganizationRecord {
    pub id: ResourceId,
    pub stamp: Stamp,
    pub active: bool,
    pub kind: OrganizationKind,
    pub identifiers: Vec<Identifier>,
    pub name: String,
    pub part_of: Option<ResourceId>,
    pub addresses: Vec<Address>,
    pub telecoms: Vec<Telecom>,
    /// LCH of the structure that FHIR has no element for: code and value as sent.
    pub attributes: Vec<(String, String)>,
}

/// An organization as a message names one: its record where it has a number, else by its name.
#[derive(Clone, Eq, Default, Serialize, Deserialize)]
pub struct NamedOrganization {
    pub organization: Option<ResourceId>,
    pub name: String,
}

impl PartialEq for NamedOrganization {
    fn eq(&self, other: &Self) -> bool {
        let Self { organization, name } = other;
        self.organization == *organization && same_text(&self.name, name)
    }
}

/// XCN with a number → Practitioner. Minted by authority and number.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PractitionerRecord {
    pub id: ResourceId,
    pub stamp: Stamp,
    pub identifiers: Vec<Identifier>,
    pub names: Vec<HumanName>,
    pub telecoms: Vec<Telecom>,
    pub addresses: Vec<Address>,
    /// XCN-7.
    pub qualifications: Vec<Coded>,
}

/// ROL → PractitionerRole: what a practitioner is in this EJ. Minted by practitioner and role.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PractitionerRoleRecord {
    pub id: ResourceId,
    pub stamp: Stamp,
    pub practitioner: ResourceId,
    /// ROL-1.
    pub identifiers: Vec<Identifier>,
    /// ROL-14.
    pub organization: Option<ResourceId>,
    /// ROL-13.
    pub location: Option<ResourceId>,
    /// ROL-3 (table 0443).
    pub role: Coded,
    /// ROL-9.
    pub specialties: Vec<Coded>,
    pub telecoms: Vec<Telecom>,
}

/// NK1 of a person, PID-21, IN1-16 → RelatedPerson. Minted by patient and NK1-33, else by name
/// and relationship: NK1-1 shifts.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RelatedPersonRecord {
    pub id: ResourceId,
    pub stamp: Stamp,
    pub patient: ResourceId,
    /// NK1-12, NK1-33, NK1-37.
    pub identifiers: Vec<Identifier>,
    pub names: Vec<HumanName>,
    /// NK1-3 (0063) and NK1-7 (0131).
    pub relationships: Vec<Coded>,
    pub telecoms: Vec<Telecom>,
    pub addresses: Vec<Address>,
    /// Table 0001 code as sent.
    pub gender: String,
    pub birth_date: Option<Moment>,
    pub language: Coded,
    pub start: Option<Moment>,
    pub end: Option<Moment>,
}

impl RelatedPersonRecord {
    /// One of whom nothing is known but the id, and whom they are close to.
    #[must_use]
    pub fn new(id: ResourceId, patient: ResourceId) -> Self {
        Self {
            id,
            stamp: Stamp::default(),
            patient,
            identifiers: Vec::new(),
            names: Vec::new(),
            relationships: Vec::new(),
            telecoms: Vec::new(),
            addresses: Vec::new(),
            gender: String::new(),
            birth_date: None,
            language: Coded::default(),
            start: None,
            end: None,
        }
    }
}

phi_debug!(
    OrganizationRecord,
    NamedOrganization,
    PractitionerRecord,
    PractitionerRoleRecord,
    RelatedPersonRecord
);
