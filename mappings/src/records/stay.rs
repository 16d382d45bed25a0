//! One stay (*venue*): a FHIR Encounter whose movements are its `location[]`.

use serde::{Deserialize, Serialize};
use sluice_ids::{Micros, Seq};

use super::{
    Coded, Diagnosis, FrenchStay, Identifier, Moment, NamedOrganization, OwnField, Place,
    Practitioner, RecordType, ResourceId, Stamp, phi_debug,
};

/// Where the stay is in its life. R4 and R5 statuses are rendered from it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Hash, Serialize, Deserialize)]
pub enum StayStatus {
    Planned,
    InProgress,
    OnLeave,
    Finished,
    Cancelled,
    EnteredInError,
    #[default]
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

/// What a place is to the patient.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
pub enum PlaceRole {
    /// PV1-3.
    #[default]
    Assigned,
    /// PV1-11, and PV1-43 before it: there for a while, the assigned place kept.
    Temporary,
    /// PV1-42: kept for the patient, who is to be moved there.
    Reserved,
}

/// A unit that answers for the patient (ZBE-7, ZBE-8: an XON).
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Unit {
    pub organization: ResourceId,
    /// XON-10, by the authority of XON-6.
    pub identifier: Identifier,
    /// XON-1.
    pub name: String,
}

/// How the stay stands: what its movements, taken one after another, come to.
///
/// It is always computed from [`StayRecord::movements`] (`adt::situation::settle`), never set by
/// itself: a cancel marks its own movement, and what the others come to is the situation before.
#[derive(Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Situation {
    pub status: StayStatus,
    pub class: Coded,
    /// Index into [`StayRecord::movements`] of the movement whose place is the current one;
    /// none where the patient is nowhere (no place sent, finished, cancelled).
    pub current: Option<u16>,
    /// PV1-44.
    pub start: Option<Moment>,
    /// PV1-45.
    pub end: Option<Moment>,
    /// PV1-36.
    pub disposition: Coded,
    /// PV1-37.
    pub destination: Coded,
    /// An A03 ended it; else only a PV1-45 did.
    pub discharged: bool,
    /// PV2-9 of a pending discharge (A16).
    pub pending_discharge: Option<Moment>,
    /// PV2-47, while on leave.
    pub expected_return: Option<Moment>,
    /// Who answers for care and for nursing (ZBE-7, ZBE-8).
    pub medical_unit: Option<Unit>,
    pub nursing_unit: Option<Unit>,
}

/// What a movement changes in the stay's situation, its place apart. Empty parts change nothing.
#[derive(Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct MovementEffect {
    pub status: Option<StayStatus>,
    pub class: Option<Coded>,
    pub start: Option<Moment>,
    pub end: Option<Moment>,
    pub disposition: Coded,
    pub destination: Coded,
    pub discharged: bool,
    pub pending_discharge: Option<Moment>,
    pub expected_return: Option<Moment>,
    pub medical_unit: Option<Unit>,
    pub nursing_unit: Option<Unit>,
    /// A54 (PV1-7), A61 (PV1-9): all of that role from now on.
    pub practitioners: Option<Vec<Practitioner>>,
}

/// One movement: the moment that opens a stable period (pam-fr §2). In the order in which they
/// count: that of arrival, a historic or late one at its time.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Movement {
    /// ZBE-1, where the sender numbers its movements.
    pub identifier: Option<Identifier>,
    /// The trigger event that made it, e.g. `A02`; A03 where a PV1-45 ended the stay; empty for
    /// what was there before the stay was first seen.
    pub event: String,
    /// The message that made it.
    pub seq: Seq,
    pub start: Option<Moment>,
    /// Follows from the movements after it.
    pub end: Option<Moment>,
    /// The place that it put the patient in; `None` where it moved nobody (A03, A06 in place).
    pub place: Option<Place>,
    pub location: Option<ResourceId>,
    pub role: PlaceRole,
    /// ZBE-9 as a set: letters of `HMSLDC`, in this order.
    pub nature: String,
    /// Follows from the movements after it.
    pub place_status: PlaceStatus,
    pub effect: MovementEffect,
    /// The message that took it back; kept so that a resend is known, no longer rendered.
    pub cancelled: Option<Seq>,
    /// Fingerprints (everything but MSH) of the messages that made, amended or cancelled it:
    /// the same message under another control id is known by them.
    pub seen: Vec<u64>,
    /// It has not come: all of it is what a cancel or an update said of it.
    pub held: Option<Held>,
}

impl Movement {
    /// The role of [`MovementEffect::practitioners`].
    #[must_use]
    pub fn changed_role(&self) -> &'static str {
        if self.event == "A61" { "CON" } else { "ATND" }
    }

    /// It has come, and no cancel has taken it back.
    #[must_use]
    pub const fn stands(&self) -> bool {
        self.cancelled.is_none() && self.held.is_none()
    }
}

/// What waits for its movement (DESIGN §3).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum HeldKind {
    /// A ZBE CANCEL: the movement arrives taken back.
    Cancel,
    /// A Z99: the movement arrives as it was amended.
    Update,
}

impl HeldKind {
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Cancel => "cancel",
            Self::Update => "update",
        }
    }
}

/// Since when, and for what, a movement is awaited.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Held {
    pub kind: HeldKind,
    /// `received_at` of the first message that named it.
    pub received_at: Micros,
}

/// A movement that is awaited by a patient: no stay is known that it could stand with.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct HeldMovement {
    /// The visit number that was named with it.
    pub visit: Option<Identifier>,
    pub movement: Movement,
}

/// One who takes part in a stay.
#[derive(Clone, Copy)]
pub struct Participant<'a> {
    pub practitioner: &'a Practitioner,
    pub start: Option<Moment>,
    pub end: Option<Moment>,
    /// Another has taken over: whoever has no `end` all the same is of before.
    pub replaced: bool,
}

/// The stay.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StayRecord {
    pub id: ResourceId,
    pub stamp: Stamp,
    pub patient: ResourceId,
    /// PV1-19 and PV1-50 first, then numbers that a change left behind (`use = old`).
    pub identifiers: Vec<Identifier>,
    /// PID-18, where it is an account (French *dossier*), and its record.
    pub account: Option<Identifier>,
    pub account_record: Option<ResourceId>,
    /// PV1-5.
    pub pre_admission: Option<Identifier>,
    /// Opened without a visit number: the key it was opened under (DESIGN §3, "which stay").
    pub opening_key: Option<Moment>,
    pub first_seen_mid_stay: bool,
    pub situation: Situation,
    pub movements: Vec<Movement>,
    pub planned_start: Option<Moment>,
    pub planned_end: Option<Moment>,
    /// PV1-7, 8 (and PV2-13), 9, 17, 52; ROL after PV1.
    pub practitioners: Vec<Practitioner>,
    /// PV1-4.
    pub admission_type: Coded,
    /// PV1-10.
    pub service: Coded,
    /// PV1-13.
    pub readmission: Coded,
    /// PV1-14.
    pub admit_source: Coded,
    /// PV1-15.
    pub special_arrangements: Vec<Coded>,
    /// PV1-16.
    pub special_courtesy: Coded,
    /// PV1-38.
    pub diet: Coded,
    /// PV1-20, for Coverage.type.
    pub financial_classes: Vec<Coded>,
    /// PV1-39, else PV2-23; the UF in France.
    pub service_provider: NamedOrganization,
    /// PV2-3.
    pub reason: Coded,
    /// PV2-7: kept; FHIR has no element for it.
    pub visit_user_codes: Vec<Coded>,
    /// PV2-11.
    pub length_days: Option<u32>,
    /// PV2-12.
    pub description: String,
    /// PV2-22: access to the stay is restricted.
    pub is_protected: Option<bool>,
    /// PV2-25.
    pub priority: Coded,
    /// PV2-38.
    pub mode_of_arrival: Coded,
    /// What the French extension says of the stay.
    pub french: Option<Box<FrenchStay>>,
    /// What the EJ's site says to keep besides.
    pub own: Vec<OwnField>,
    /// DG1.
    pub diagnoses: Vec<Diagnosis>,
    /// PR1 and OBX, each in the order of the last snapshot.
    pub parts: Vec<(RecordType, ResourceId)>,
}

impl<'a> Participant<'a> {
    const fn of(practitioner: &'a Practitioner) -> Self {
        Self { practitioner, start: practitioner.start, end: practitioner.end, replaced: false }
    }
}

impl std::fmt::Debug for Participant<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("«Participant»")
    }
}

impl StayRecord {
    /// A stay of which nothing is known but the id and whose it is.
    #[must_use]
    pub fn new(id: ResourceId, patient: ResourceId) -> Self {
        Self {
            id,
            stamp: Stamp::default(),
            patient,
            identifiers: Vec::new(),
            account: None,
            account_record: None,
            pre_admission: None,
            opening_key: None,
            first_seen_mid_stay: false,
            situation: Situation::default(),
            movements: Vec::new(),
            planned_start: None,
            planned_end: None,
            practitioners: Vec::new(),
            admission_type: Coded::default(),
            service: Coded::default(),
            readmission: Coded::default(),
            admit_source: Coded::default(),
            special_arrangements: Vec::new(),
            special_courtesy: Coded::default(),
            diet: Coded::default(),
            financial_classes: Vec::new(),
            service_provider: NamedOrganization::default(),
            reason: Coded::default(),
            visit_user_codes: Vec::new(),
            length_days: None,
            description: String::new(),
            is_protected: None,
            priority: Coded::default(),
            mode_of_arrival: Coded::default(),
            french: None,
            own: Vec::new(),
            diagnoses: Vec::new(),
            parts: Vec::new(),
        }
    }

    #[must_use]
    pub const fn status(&self) -> StayStatus {
        self.situation.status
    }

    /// The movement whose place is the current one.
    #[must_use]
    pub fn current(&self) -> Option<&Movement> {
        self.situation.current.and_then(|i| self.movements.get(usize::from(i)))
    }

    /// The movements that are rendered: those with a place that stand. A place that was planned
    /// or reserved and has been overtaken by the real one is none of them; of a cancelled stay the
    /// last one is, as planned.
    pub fn places(&self) -> impl Iterator<Item = (&Movement, &Place)> {
        let current = self.situation.current.map(usize::from);
        self.movements.iter().enumerate().filter_map(move |(at, movement)| {
            let stands = movement.stands() && movement.place_status != PlaceStatus::Planned;
            if !stands && current != Some(at) {
                return None;
            }
            Some((movement, movement.place.as_ref()?))
        })
    }

    /// When the stay is expected to end: by a pending discharge, else by PV2-9 as such.
    #[must_use]
    pub fn planned_end(&self) -> Option<Moment> {
        self.situation.pending_discharge.or(self.planned_end)
    }

    /// Who takes part, those of before too, each with the time that is known.
    #[must_use]
    pub fn participants(&self) -> Vec<Participant<'_>> {
        let mut all: Vec<_> = self.practitioners.iter().map(Participant::of).collect();
        for movement in self.movements.iter().filter(|movement| movement.stands()) {
            let Some(listed) = &movement.effect.practitioners else { continue };
            let role = movement.changed_role();
            let current = |participant: &&mut Participant<'_>| {
                participant.practitioner.role == role && !participant.replaced
            };
            for before in all.iter_mut().filter(current) {
                before.end = before.end.or(movement.start);
                before.replaced = true;
            }
            all.extend(listed.iter().map(|practitioner| Participant {
                start: movement.start,
                ..Participant::of(practitioner)
            }));
        }
        all
    }

    /// Finished, cancelled or deleted.
    #[must_use]
    pub const fn is_over(&self) -> bool {
        use StayStatus::{Cancelled, EnteredInError, Finished};
        matches!(self.situation.status, Finished | Cancelled | EnteredInError)
    }

    #[must_use]
    pub const fn is_open(&self) -> bool {
        matches!(self.situation.status, StayStatus::InProgress | StayStatus::OnLeave)
    }
}

phi_debug!(Unit, Situation, MovementEffect, Movement, HeldMovement, StayRecord);
