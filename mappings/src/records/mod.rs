//! Records: what Sluice knows of a patient, a stay and a place. They are the state; FHIR R4 and
//! R5 are rendered from them.
//!
//! A record keeps the sender's own codes (`Coded`), so that nothing is lost by mapping early, and
//! times with the precision that was sent (`Moment`). Records never derive `Debug`: they are
//! patient data from end to end.

mod clinical;
mod cover;
mod french;
mod location;
mod moment;
mod own;
mod parts;
mod party;
mod patient;
mod stay;

pub use clinical::{
    AllergyRecord, ConditionRecord, Diagnosis, ObservationRecord, ObservationValue, ProcedureRecord,
};
pub use cover::{AccountRecord, CoverageRecord};
pub use french::{FrenchPatient, FrenchStay, LegalStatus, LunarDate, SharedRecord};
pub use location::{LocationRecord, Place};
pub use moment::{Moment, Precision};
pub use own::{OwnField, OwnValue};
pub use parts::{
    Address, CheckDigit, Coded, Contact, FurtherCoding, FurtherName, HumanName, Identifier,
    IdentifierUse, Practitioner, ResourceId, Telecom,
};
pub use party::{
    NamedOrganization, OrganizationKind, OrganizationRecord, PractitionerRecord,
    PractitionerRoleRecord, RelatedPersonRecord,
};
pub use patient::{Link, LinkKind, PatientRecord};
pub use stay::{
    Held, HeldKind, HeldMovement, Movement, MovementEffect, Participant, PlaceRole, PlaceStatus,
    Situation, StayRecord, StayStatus, Unit,
};

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use sluice_ids::{Micros, Seq};

/// Which kind of record; each is rendered as the FHIR resource of that name.
///
/// In an order in which what others refer to comes first, patients apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[repr(u8)]
pub enum RecordType {
    Patient = 1,
    /// Encounter.
    Stay = 2,
    Location = 3,
    Organization = 4,
    Practitioner = 5,
    PractitionerRole = 6,
    RelatedPerson = 7,
    Coverage = 8,
    Account = 9,
    AllergyIntolerance = 10,
    Condition = 11,
    Procedure = 12,
    Observation = 13,
}

impl RecordType {
    pub const COUNT: usize = 13;

    pub const ALL: [Self; Self::COUNT] = [
        Self::Patient,
        Self::Stay,
        Self::Location,
        Self::Organization,
        Self::Practitioner,
        Self::PractitionerRole,
        Self::RelatedPerson,
        Self::Coverage,
        Self::Account,
        Self::AllergyIntolerance,
        Self::Condition,
        Self::Procedure,
        Self::Observation,
    ];

    /// Its place in an array of one entry a type.
    #[must_use]
    pub const fn index(self) -> usize {
        self as usize - 1
    }

    /// Whether its records belong to a patient; else they are places, organizations and
    /// practitioners, which the whole EJ shares.
    #[must_use]
    pub const fn is_of_a_patient(self) -> bool {
        !matches!(
            self,
            Self::Location | Self::Organization | Self::Practitioner | Self::PractitionerRole
        )
    }

    /// The FHIR resource type's name.
    #[must_use]
    pub const fn fhir(self) -> &'static str {
        match self {
            Self::Patient => "Patient",
            Self::Stay => "Encounter",
            Self::Location => "Location",
            Self::Organization => "Organization",
            Self::Practitioner => "Practitioner",
            Self::PractitionerRole => "PractitionerRole",
            Self::RelatedPerson => "RelatedPerson",
            Self::Coverage => "Coverage",
            Self::Account => "Account",
            Self::AllergyIntolerance => "AllergyIntolerance",
            Self::Condition => "Condition",
            Self::Procedure => "Procedure",
            Self::Observation => "Observation",
        }
    }
}

/// A trigger event as three bytes, e.g. `A02`, `Z99`, `M05`; zeros where there is none.
#[derive(Clone, Copy, PartialEq, Eq, Default, Hash, Serialize, Deserialize)]
pub struct EventCode([u8; 3]);

impl EventCode {
    /// Empty unless `code` is three ASCII letters and digits.
    #[must_use]
    pub fn new(code: &str) -> Self {
        match <[u8; 3]>::try_from(code.as_bytes()) {
            Ok(bytes) if bytes.iter().all(u8::is_ascii_alphanumeric) => Self(bytes),
            _ => Self::default(),
        }
    }

    #[must_use]
    pub fn as_str(&self) -> &str {
        std::str::from_utf8(&self.0).unwrap_or_default().trim_end_matches('\0')
    }
}

impl std::fmt::Debug for EventCode {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.as_str())
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
    /// That message's trigger event → `Provenance.activity`.
    pub event: EventCode,
    /// When that took place (ZBE-2, EVN-6) → `Provenance.occurredDateTime`.
    pub occurred: Option<Moment>,
    /// The record is no more: a snapshot came without it. It reads 410 and no search finds it.
    pub gone: bool,
}

/// Any record. Shared: a record is replaced, never changed in place.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Record {
    Patient(Arc<PatientRecord>),
    Stay(Arc<StayRecord>),
    Location(Arc<LocationRecord>),
    Organization(Arc<OrganizationRecord>),
    Practitioner(Arc<PractitionerRecord>),
    PractitionerRole(Arc<PractitionerRoleRecord>),
    RelatedPerson(Arc<RelatedPersonRecord>),
    Coverage(Arc<CoverageRecord>),
    Account(Arc<AccountRecord>),
    AllergyIntolerance(Arc<AllergyRecord>),
    Condition(Arc<ConditionRecord>),
    Procedure(Arc<ProcedureRecord>),
    Observation(Arc<ObservationRecord>),
}

impl Record {
    #[must_use]
    pub const fn record_type(&self) -> RecordType {
        match self {
            Self::Patient(_) => RecordType::Patient,
            Self::Stay(_) => RecordType::Stay,
            Self::Location(_) => RecordType::Location,
            Self::Organization(_) => RecordType::Organization,
            Self::Practitioner(_) => RecordType::Practitioner,
            Self::PractitionerRole(_) => RecordType::PractitionerRole,
            Self::RelatedPerson(_) => RecordType::RelatedPerson,
            Self::Coverage(_) => RecordType::Coverage,
            Self::Account(_) => RecordType::Account,
            Self::AllergyIntolerance(_) => RecordType::AllergyIntolerance,
            Self::Condition(_) => RecordType::Condition,
            Self::Procedure(_) => RecordType::Procedure,
            Self::Observation(_) => RecordType::Observation,
        }
    }

    #[must_use]
    pub fn id(&self) -> ResourceId {
        match self {
            Self::Patient(r) => r.id,
            Self::Stay(r) => r.id,
            Self::Location(r) => r.id,
            Self::Organization(r) => r.id,
            Self::Practitioner(r) => r.id,
            Self::PractitionerRole(r) => r.id,
            Self::RelatedPerson(r) => r.id,
            Self::Coverage(r) => r.id,
            Self::Account(r) => r.id,
            Self::AllergyIntolerance(r) => r.id,
            Self::Condition(r) => r.id,
            Self::Procedure(r) => r.id,
            Self::Observation(r) => r.id,
        }
    }

    #[must_use]
    pub fn stamp(&self) -> &Stamp {
        match self {
            Self::Patient(r) => &r.stamp,
            Self::Stay(r) => &r.stamp,
            Self::Location(r) => &r.stamp,
            Self::Organization(r) => &r.stamp,
            Self::Practitioner(r) => &r.stamp,
            Self::PractitionerRole(r) => &r.stamp,
            Self::RelatedPerson(r) => &r.stamp,
            Self::Coverage(r) => &r.stamp,
            Self::Account(r) => &r.stamp,
            Self::AllergyIntolerance(r) => &r.stamp,
            Self::Condition(r) => &r.stamp,
            Self::Procedure(r) => &r.stamp,
            Self::Observation(r) => &r.stamp,
        }
    }

    pub(crate) fn stamp_mut(&mut self) -> &mut Stamp {
        match self {
            Self::Patient(r) => &mut Arc::make_mut(r).stamp,
            Self::Stay(r) => &mut Arc::make_mut(r).stamp,
            Self::Location(r) => &mut Arc::make_mut(r).stamp,
            Self::Organization(r) => &mut Arc::make_mut(r).stamp,
            Self::Practitioner(r) => &mut Arc::make_mut(r).stamp,
            Self::PractitionerRole(r) => &mut Arc::make_mut(r).stamp,
            Self::RelatedPerson(r) => &mut Arc::make_mut(r).stamp,
            Self::Coverage(r) => &mut Arc::make_mut(r).stamp,
            Self::Account(r) => &mut Arc::make_mut(r).stamp,
            Self::AllergyIntolerance(r) => &mut Arc::make_mut(r).stamp,
            Self::Condition(r) => &mut Arc::make_mut(r).stamp,
            Self::Procedure(r) => &mut Arc::make_mut(r).stamp,
            Self::Observation(r) => &mut Arc::make_mut(r).stamp,
        }
    }

    /// The patient whom the record is about; none for places, organizations and practitioners.
    #[must_use]
    pub fn patient(&self) -> Option<ResourceId> {
        match self {
            Self::Patient(r) => Some(r.id),
            Self::Stay(r) => Some(r.patient),
            Self::RelatedPerson(r) => Some(r.patient),
            Self::Coverage(r) => Some(r.patient),
            Self::Account(r) => Some(r.patient),
            Self::AllergyIntolerance(r) => Some(r.patient),
            Self::Condition(r) => Some(r.patient),
            Self::Procedure(r) => Some(r.patient),
            Self::Observation(r) => Some(r.patient),
            Self::Location(_)
            | Self::Organization(_)
            | Self::Practitioner(_)
            | Self::PractitionerRole(_) => None,
        }
    }

    /// Whom a record that belongs to a patient is about; of a Patient, a stay and all that belongs
    /// to nobody, none.
    pub(crate) fn patient_mut(&mut self) -> Option<&mut ResourceId> {
        match self {
            Self::RelatedPerson(r) => Some(&mut Arc::make_mut(r).patient),
            Self::Coverage(r) => Some(&mut Arc::make_mut(r).patient),
            Self::Account(r) => Some(&mut Arc::make_mut(r).patient),
            Self::AllergyIntolerance(r) => Some(&mut Arc::make_mut(r).patient),
            Self::Condition(r) => Some(&mut Arc::make_mut(r).patient),
            Self::Procedure(r) => Some(&mut Arc::make_mut(r).patient),
            Self::Observation(r) => Some(&mut Arc::make_mut(r).patient),
            _ => None,
        }
    }

    /// The stay that the record came with or is.
    #[must_use]
    pub fn stay(&self) -> Option<ResourceId> {
        match self {
            Self::Stay(r) => Some(r.id),
            Self::Condition(r) => r.stay,
            Self::Procedure(r) => r.stay,
            Self::Observation(r) => r.stay,
            _ => None,
        }
    }

    /// The movements that are awaited: a cancel or an update has come of them, and nothing else.
    pub fn held(&self) -> impl Iterator<Item = (&Movement, Held)> {
        let (of_stay, of_patient): (&[Movement], &[HeldMovement]) = match self {
            Self::Patient(r) => (&[], &r.held),
            Self::Stay(r) => (&r.movements, &[]),
            _ => (&[], &[]),
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
            Self::Location(r) => &r.identifiers,
            Self::Organization(r) => &r.identifiers,
            Self::Practitioner(r) => &r.identifiers,
            Self::PractitionerRole(r) => &r.identifiers,
            Self::RelatedPerson(r) => &r.identifiers,
            Self::Account(r) => &r.identifiers,
            Self::AllergyIntolerance(r) => &r.identifiers,
            Self::Condition(r) => &r.identifiers,
            Self::Procedure(r) => &r.identifiers,
            Self::Observation(r) => &r.identifiers,
            Self::Coverage(_) => &[],
        }
    }
}

macro_rules! record_from {
    ($($variant:ident: $record:ty),+ $(,)?) => {
        $(impl From<$record> for Record {
            fn from(record: $record) -> Self {
                Self::$variant(Arc::new(record))
            }
        })+
    };
}
record_from!(
    Patient: PatientRecord,
    Stay: StayRecord,
    Location: LocationRecord,
    Organization: OrganizationRecord,
    Practitioner: PractitionerRecord,
    PractitionerRole: PractitionerRoleRecord,
    RelatedPerson: RelatedPersonRecord,
    Coverage: CoverageRecord,
    Account: AccountRecord,
    AllergyIntolerance: AllergyRecord,
    Condition: ConditionRecord,
    Procedure: ProcedureRecord,
    Observation: ObservationRecord,
);

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
