//! One Patient of one EJ.

use serde::{Deserialize, Serialize};

use super::{
    Address, Coded, Contact, HeldMovement, HumanName, Identifier, Moment, RecordType, ResourceId,
    Stamp, Telecom, phi_debug,
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
    pub nationalities: Vec<Coded>,
    /// PID-24 `Y`/`N`.
    pub multiple_birth: Option<bool>,
    /// PID-25.
    pub birth_order: Option<u32>,
    pub deceased_at: Option<Moment>,
    pub deceased: Option<bool>,
    /// PID-32 codes as sent (table 0445).
    pub reliability: Vec<String>,
    pub contacts: Vec<Contact>,
    pub general_practitioner: Option<super::Practitioner>,
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
    /// The survivor, where this Patient was merged.
    #[must_use]
    pub fn replaced_by(&self) -> Option<ResourceId> {
        self.links.iter().find(|l| l.kind == LinkKind::ReplacedBy).map(|l| l.other)
    }
}

phi_debug!(PatientRecord);
