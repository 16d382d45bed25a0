//! One stay (*venue*): a FHIR Encounter whose movements are its `location[]`.

use serde::{Deserialize, Serialize};
use sluice_ids::Seq;

use super::{Coded, Identifier, Moment, Place, Practitioner, ResourceId, Stamp, phi_debug};

/// Where the stay is in its life. R4 and R5 statuses are rendered from it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum StayStatus {
    Planned,
    InProgress,
    OnLeave,
    Finished,
    Cancelled,
    EnteredInError,
    Unknown,
}

/// FHIR `Encounter.location.status`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum PlaceStatus {
    Planned,
    Active,
    Reserved,
    Completed,
}

/// What a cancel must be able to bring back: the part of a stay that movements change.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Situation {
    pub status: StayStatus,
    pub class: Coded,
    /// Index into [`StayRecord::movements`] of the movement whose place is the current one.
    pub current: Option<u16>,
    pub start: Option<Moment>,
    pub end: Option<Moment>,
    pub disposition: Coded,
    pub destination: Coded,
}

/// One movement: the moment that opens a stable period (pam-fr §2), in order of arrival.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Movement {
    /// ZBE-1, where the sender numbers its movements.
    pub identifier: Option<Identifier>,
    /// The trigger event that made it, e.g. `A02`; ZBE-6 for a Z99.
    pub event: String,
    /// The message that made it.
    pub seq: Seq,
    pub start: Option<Moment>,
    pub end: Option<Moment>,
    /// The place that it put the patient in; `None` where it moved nobody (A03, A06 in place).
    pub place: Option<Place>,
    pub location: Option<ResourceId>,
    pub place_status: PlaceStatus,
    /// Taken back by a cancel: kept for history, no longer rendered.
    pub cancelled: bool,
    /// The situation just before it, which its cancel restores.
    pub before: Option<Box<Situation>>,
}

/// The stay.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StayRecord {
    pub id: ResourceId,
    pub stamp: Stamp,
    pub patient: ResourceId,
    /// PV1-19 and PV1-50 first, then numbers that a change left behind (`use = old`).
    pub identifiers: Vec<Identifier>,
    /// PID-18, where it is an account (French *dossier*).
    pub account: Option<Identifier>,
    /// PV1-5.
    pub pre_admission: Option<Identifier>,
    /// Opened without a visit number: the key it was opened under (DESIGN §3, "which stay").
    pub opening_key: Option<Moment>,
    pub first_seen_mid_stay: bool,
    pub situation: Situation,
    pub movements: Vec<Movement>,
    pub planned_start: Option<Moment>,
    pub planned_end: Option<Moment>,
    /// PV1-7, 8, 9, 17.
    pub practitioners: Vec<Practitioner>,
    /// PV1-4.
    pub admission_type: Coded,
    /// PV1-10.
    pub service: Coded,
    /// PV1-13.
    pub readmission: Coded,
    /// PV1-14.
    pub admit_source: Coded,
    /// PV2-3.
    pub reason: Coded,
    /// PV2-25.
    pub priority: Coded,
}

impl StayRecord {
    #[must_use]
    pub const fn status(&self) -> StayStatus {
        self.situation.status
    }

    /// The movement whose place is the current one.
    #[must_use]
    pub fn current(&self) -> Option<&Movement> {
        self.situation.current.and_then(|i| self.movements.get(usize::from(i)))
    }

    /// The movements that are rendered: those with a place that were not taken back.
    pub fn places(&self) -> impl Iterator<Item = (&Movement, &Place)> {
        self.movements.iter().filter(|m| !m.cancelled).filter_map(|m| Some((m, m.place.as_ref()?)))
    }

    #[must_use]
    pub const fn is_open(&self) -> bool {
        matches!(self.situation.status, StayStatus::InProgress | StayStatus::OnLeave)
    }
}

phi_debug!(Situation, Movement, StayRecord);
