//! Records: what Sluice knows of a patient, a stay and a place. They are the state; FHIR R4 and
//! R5 are rendered from them.
//!
//! A record keeps the sender's own codes (`Coded`), so that nothing is lost by mapping early, and
//! times with the precision that was sent (`Moment`). Records never derive `Debug`: they are
//! patient data from end to end.

mod location;
mod moment;
mod parts;
mod patient;
mod stay;

pub use location::{LocationRecord, Place};
pub use moment::{Moment, Precision};
pub use parts::{
    Address, Coded, Contact, HumanName, Identifier, IdentifierUse, Practitioner, ResourceId,
    Telecom,
};
pub use patient::{Link, LinkKind, PatientRecord};
pub use stay::{
    Held, HeldKind, HeldMovement, Movement, MovementEffect, PlaceStatus, Situation, StayRecord,
    StayStatus,
};

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use sluice_ids::{Micros, Seq};

/// Which kind of record; each is rendered as one FHIR resource type.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[repr(u8)]
pub enum RecordType {
    Patient = 1,
    Stay = 2,
    Location = 3,
}

impl RecordType {
    pub const ALL: [Self; 3] = [Self::Patient, Self::Stay, Self::Location];

    /// The FHIR resource type's name.
    #[must_use]
    pub const fn fhir(self) -> &'static str {
        match self {
            Self::Patient => "Patient",
            Self::Stay => "Encounter",
            Self::Location => "Location",
        }
    }
}

/// When and by what a record came to be as it is. `version` is the FHIR `meta.versionId`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Stamp {
    /// The `Seq` of the record's first message.
    pub created: Seq,
    /// The `Seq` of the last message that changed it.
    pub version: Seq,
    /// `received_at` of that message → `meta.lastUpdated`.
    pub updated_at: Micros,
}

/// Any record. Shared: a record is replaced, never changed in place.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Record {
    Patient(Arc<PatientRecord>),
    Stay(Arc<StayRecord>),
    Location(Arc<LocationRecord>),
}

impl Record {
    #[must_use]
    pub const fn record_type(&self) -> RecordType {
        match self {
            Self::Patient(_) => RecordType::Patient,
            Self::Stay(_) => RecordType::Stay,
            Self::Location(_) => RecordType::Location,
        }
    }

    #[must_use]
    pub fn id(&self) -> ResourceId {
        match self {
            Self::Patient(r) => r.id,
            Self::Stay(r) => r.id,
            Self::Location(r) => r.id,
        }
    }

    #[must_use]
    pub fn stamp(&self) -> &Stamp {
        match self {
            Self::Patient(r) => &r.stamp,
            Self::Stay(r) => &r.stamp,
            Self::Location(r) => &r.stamp,
        }
    }

    /// The patient whose dossier the record stands in; none for a place.
    #[must_use]
    pub fn patient(&self) -> Option<ResourceId> {
        match self {
            Self::Patient(r) => Some(r.id),
            Self::Stay(r) => Some(r.patient),
            Self::Location(_) => None,
        }
    }

    /// The movements that are awaited: a cancel or an update has come of them, and nothing else.
    pub fn held(&self) -> impl Iterator<Item = (&Movement, Held)> {
        let (of_stay, of_patient): (&[Movement], &[HeldMovement]) = match self {
            Self::Patient(r) => (&[], &r.held),
            Self::Stay(r) => (&r.movements, &[]),
            Self::Location(_) => (&[], &[]),
        };
        let all = of_stay.iter().chain(of_patient.iter().map(|held| &held.movement));
        all.filter_map(|movement| Some((movement, movement.held?)))
    }

    /// The identifiers by which later messages find the record.
    #[must_use]
    pub fn identifiers(&self) -> &[Identifier] {
        match self {
            Self::Patient(r) => &r.identifiers,
            Self::Stay(r) => &r.identifiers,
            Self::Location(_) => &[],
        }
    }
}

impl std::fmt::Debug for Record {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:?} {}", self.record_type(), self.id())
    }
}

/// A redacted `Debug` for a type that is patient data from end to end.
macro_rules! phi_debug {
    ($($name:ident),+ $(,)?) => {
        $(impl std::fmt::Debug for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(concat!("«", stringify!($name), "»"))
            }
        })+
    };
}
pub(crate) use phi_debug;
