//! Where a stay is in its life → Encounter.status (FACTS §1). R4 codes; R5 has its own.

use crate::records::StayStatus;

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
