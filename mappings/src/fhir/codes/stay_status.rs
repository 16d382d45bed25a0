//! Where a stay is in its life → Encounter.status and, in R5, subjectStatus (FACTS §1).

use super::super::FhirVersion;
use super::super::datatypes::Coding;
use super::systems::SUBJECT_STATUS;
use crate::records::{Movement, StayRecord, StayStatus};

/// R4 EncounterStatus (required binding). `arrived` and `triaged` exist and are never said: v2
/// does not tell them from `in-progress`.
#[must_use]
pub const fn r4(status: StayStatus) -> &'static str {
    match status {
        StayStatus::Planned => "planned",
        StayStatus::InProgress => "in-progress",
        StayStatus::OnLeave => "onleave",
        StayStatus::Finished => "finished",
        StayStatus::Cancelled => "cancelled",
        StayStatus::EnteredInError => "entered-in-error",
        StayStatus::Unknown => "unknown",
    }
}

/// R5 EncounterStatus (required binding): `finished` is `discharged` where an A03 told it, and
/// `completed` where only an end did (PV1-45). `discontinued` is never said.
#[must_use]
pub const fn r5(status: StayStatus, discharged: bool) -> &'static str {
    match status {
        StayStatus::OnLeave => "on-hold",
        StayStatus::Finished if discharged => "discharged",
        StayStatus::Finished => "completed",
        other => r4(other),
    }
}

#[must_use]
pub fn of(stay: &StayRecord, version: FhirVersion) -> &'static str {
    match version {
        FhirVersion::R4 => r4(stay.status()),
        FhirVersion::R5 => r5(stay.status(), stay.situation.discharged),
    }
}

/// R5 Encounter.subjectStatus: where the patient is in the encounter.
#[must_use]
pub fn subject_status(status: StayStatus, event: &str) -> Option<Coding<'static>> {
    let (code, display) = match status {
        // A04 registers a patient who has come, and says no more.
        StayStatus::InProgress if event == "A04" => ("arrived", "Arrived"),
        StayStatus::InProgress => ("receiving-care", "Receiving Care"),
        StayStatus::OnLeave => ("on-leave", "On Leave"),
        StayStatus::Finished => ("departed", "Departed"),
        StayStatus::Planned
        | StayStatus::Cancelled
        | StayStatus::EnteredInError
        | StayStatus::Unknown => return None,
    };
    Some(Coding::of(SUBJECT_STATUS, code, display))
}

/// The event of the last of `movements` that gave the stay a status.
#[must_use]
pub fn told_by(stay: &StayRecord) -> &str {
    let gave = |movement: &&Movement| movement.stands() && movement.effect.status.is_some();
    stay.movements.iter().rfind(gave).map_or("", |movement| &movement.event)
}

/// All of them.
pub const ALL: [StayStatus; 7] = [
    StayStatus::Planned,
    StayStatus::InProgress,
    StayStatus::OnLeave,
    StayStatus::Finished,
    StayStatus::Cancelled,
    StayStatus::EnteredInError,
    StayStatus::Unknown,
];

/// R4 codes that no stay of ours ever has.
pub const R4_NEVER_SAID: [&str; 2] = ["arrived", "triaged"];

/// R5 codes that no stay of ours ever has.
pub const R5_NEVER_SAID: [&str; 1] = ["discontinued"];
