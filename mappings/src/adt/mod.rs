//! ADT semantics: what a message does to the records.
//!
//! `apply` is pure: message + records + context in, changes + issues out. No clock, randomness,
//! disk, socket or logging; time comes from the journal record, ids are minted from content.

mod apply;
mod event;
mod issue;

mod identity;
mod visit;
mod which_stay;

mod account;
mod contacts;
mod numbers;
mod patient;
mod person;
mod roles;
mod stay;

mod first_sight;
mod hold;
mod movement;
mod situation;

mod admit;
mod bed;
mod cancel;
mod class_change;
mod delete;
mod discharge;
mod leave;
mod link;
mod merge;
mod moves;
mod other_places;
mod own_fields;
mod participants;
mod pending;
mod present;
mod renumber;
mod tracking;
mod transfer;
mod update;
mod zbe;

mod clinical;
mod french;
mod structure;

mod organizations;
mod places;
mod practitioners;

mod datatypes;
mod draft;
mod systems;
mod time;
mod values;

pub mod memory;

#[cfg(test)]
mod testing;

pub use apply::apply;
pub use draft::{group_id, legal_entity_id};
pub use event::Trigger;
pub(crate) use french::ins::{is_ins, is_same_kind};
pub use issue::{ISSUES_MAX, Issue, IssueCode, Severity};
pub use structure::is_structure_type;

use std::sync::Arc;

use sluice_ids::{Micros, Seq};

use crate::entity::LegalEntity;
use crate::records::{PatientRecord, Record, RecordType, ResourceId, StayRecord};

/// What a message is applied in: its EJ and its place in the journal.
pub struct Context<'a> {
    pub entity: &'a LegalEntity,
    pub seq: Seq,
    pub received_at: Micros,
}

/// The records before the message, as one EJ's lane sees them. Lookups by identifier follow
/// aliases: a merged patient's identifier finds the survivor.
pub trait Records {
    fn patient_by_identifier(&self, system: &str, value: &str) -> Option<ResourceId>;
    /// Stays, accounts and whatever else lists identifiers; patients by the one above.
    fn by_identifier(&self, ty: RecordType, system: &str, value: &str) -> Option<ResourceId>;
    /// One that is gone too: it may come back.
    fn record(&self, ty: RecordType, id: ResourceId) -> Option<Record>;
    /// Every record of a type that is neither Patient nor Encounter, in order of creation: what
    /// a whole structure (MFI-3 REP) is compared with.
    fn ids_of(&self, ty: RecordType) -> Vec<ResourceId>;
    /// Every stay of the patient, in order of creation.
    fn stays_of(&self, patient: ResourceId) -> Vec<ResourceId>;

    fn patient(&self, id: ResourceId) -> Option<Arc<PatientRecord>> {
        match self.record(RecordType::Patient, id)? {
            Record::Patient(patient) => Some(patient),
            _ => None,
        }
    }

    fn stay(&self, id: ResourceId) -> Option<Arc<StayRecord>> {
        match self.record(RecordType::Stay, id)? {
            Record::Stay(stay) => Some(stay),
            _ => None,
        }
    }
}

/// One change, in the order in which it is to be made. A record replaces the one of its id.
/// Which identifiers find a record follows from the record itself: those of
/// [`Record::identifiers`], an alias excepted.
#[derive(Clone, PartialEq, Eq)]
pub enum Change {
    Put(Record),
    /// From now on the identifier finds `patient`, whose record has no room left to list it
    /// (merges without end). All others are listed, those of an unknown loser too.
    Alias {
        system: String,
        value: String,
        patient: ResourceId,
    },
}

/// An alias is a patient's identifier: whose it is now is all that is shown.
impl std::fmt::Debug for Change {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Put(record) => write!(f, "Put({record:?})"),
            Self::Alias { patient, .. } => write!(f, "Alias(of {patient})"),
        }
    }
}

/// What became of a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Effect {
    /// It changed records (or would have, had they not been so already).
    Applied,
    /// Understood, and without effect by the rules (the issues say why).
    NoEffect,
    /// An ADT event that this version does not map: journaled, acknowledged, counted.
    NotMapped,
}

/// What `apply` gives back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outcome {
    pub effect: Effect,
    pub changes: Vec<Change>,
    pub issues: Vec<Issue>,
}
