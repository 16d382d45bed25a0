//! One Patient of one EJ.

use serde::{Deserialize, Serialize};

use super::{
    Address, Coded, Contact, FrenchPatient, HeldMovement, HumanName, Identifier, Moment,
    NamedOrganization, OwnField, Practitioner, RecordType, ResourceId, Stamp, Telecom, phi_debug,
};

/// Why two Patients are linked (FHIR `Patient.link.type`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum LinkKind {
    /// This one is the merge's loser; the other is to be used instead.
    ReplacedBy,
    /// This one is the survivor.
    Replaces,
    SeeAlso,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Link {
    pub kind: LinkKind,
    pub other: ResourceId,
}

/// The person, as the EJ's feed knows them (PID, PD1, NK1).
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PatientRecord {
    pub id: ResourceId,
    pub stamp: Stamp,
    /// `false` for a merged loser and a deleted person (FACTS §3 PID, last line).
    pub active: bool,
    /// Entered in error (A23 without visit number, A29 by setting).
    pub void: bool,
    /// The first message was not one that creates a patient.
    pub first_seen_mid_stay: bool,
    pub identifiers: Vec<Identifier>,
    pub names: Vec<HumanName>,
    /// PID-6 family name.
    pub mothers_maiden_name: String,
    pub birth_date: Option<Moment>,
    /// Table 0001 code as sent.
    pub gender: String,
    pub addresses: Vec<Address>,
    /// BDL repetition of PID-11, else PID-23 as its only line → patient-birthPlace.
    pub birth_place: Option<Address>,
    pub telecoms: Vec<Telecom>,
    pub language: Coded,
    pub marital_status: Coded,
    pub religion: Coded,
    /// PID-28; PID-26 in France.
    pub nationalities: Vec<Coded>,
    /// PID-26 outside France, PID-39 behind it.
    pub citizenships: Vec<Coded>,
    /// PID-24 `Y`/`N`.
    pub multiple_birth: Option<bool>,
    /// PID-25.
    pub birth_order: Option<u32>,
    pub deceased_at: Option<Moment>,
    pub deceased: Option<bool>,
    /// PID-32 codes as sent (table 0445).
    pub reliability: Vec<String>,
    /// PID-31.
    pub identity_unknown: Option<bool>,
    /// PID-33, PID-34: when and where the sender last changed the person (Provenance).
    pub last_update: Option<Moment>,
    pub last_update_facility: String,
    /// PID-35, PID-36, of an animal.
    pub species: Coded,
    pub breed: Coded,
    /// PD1-6.
    pub disability: Coded,
    /// PD1-14.
    pub congregation: String,
    /// PV1-16.
    pub importance: Coded,
    pub contacts: Vec<Contact>,
    /// PD1-3.
    pub practices: Vec<NamedOrganization>,
    /// PD1-4.
    pub general_practitioners: Vec<Practitioner>,
    /// ROL before PV1 with role PP, or ODRP: the doctor whom the patient has declared.
    pub declared_practitioners: Vec<Practitioner>,
    /// ROL before PV1 with any other role: kept; there is no CareTeam (docs/mapping.md).
    pub care_team: Vec<Practitioner>,
    /// What the French extension says of the person.
    pub french: Option<Box<FrenchPatient>>,
    /// What the EJ's site says to keep besides.
    pub own: Vec<OwnField>,
    pub links: Vec<Link>,
    /// RelatedPersons, Coverages, AllergyIntolerances, Conditions, Procedures and Observations
    /// that messages brought without a stay, each in the order of the last snapshot.
    pub parts: Vec<(RecordType, ResourceId)>,
    /// The stay that this patient's last message touched: settles "which stay" (DESIGN §3).
    pub last_stay: Option<ResourceId>,
    /// Movements that are awaited, of stays that are not known.
    pub held: Vec<HeldMovement>,
}

impl PatientRecord {
    /// A patient of whom nothing is known but the id.
    #[must_use]
    pub fn new(id: ResourceId) -> Self {
        Self {
            id,
            stamp: Stamp::default(),
            active: true,
            void: false,
            first_seen_mid_stay: false,
            identifiers: Vec::new(),
            names: Vec::new(),
            mothers_maiden_name: String::new(),
            birth_date: None,
            gender: String::new(),
            addresses: Vec::new(),
            birth_place: None,
            telecoms: Vec::new(),
            language: Coded::default(),
            marital_status: Coded::default(),
            religion: Coded::default(),
            nationalities: Vec::new(),
            citizenships: Vec::new(),
            multiple_birth: None,
            birth_order: None,
            deceased_at: None,
            deceased: None,
            reliability: Vec::new(),
            identity_unknown: None,
            last_update: None,
            last_update_facility: String::new(),
            species: Coded::default(),
            breed: Coded::default(),
            disability: Coded::default(),
            congregation: String::new(),
            importance: Coded::default(),
            contacts: Vec::new(),
            practices: Vec::new(),
            general_practitioners: Vec::new(),
            declared_practitioners: Vec::new(),
            care_team: Vec::new(),
            french: None,
            own: Vec::new(),
            links: Vec::new(),
            parts: Vec::new(),
            last_stay: None,
            held: Vec::new(),
        }
    }

    /// The survivor, where this Patient was merged.
    #[must_use]
    pub fn replaced_by(&self) -> Option<ResourceId> {
        self.links.iter().find(|l| l.kind == LinkKind::ReplacedBy).map(|l| l.other)
    }
}

phi_debug!(PatientRecord);
