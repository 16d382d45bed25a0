//! A start and an end, as FHIR may show them together.

use super::civil;
use crate::records::{Moment, StayRecord};

/// `per-1`: a period may not end before it starts. Where a sender says so all the same, the start
/// is shown and the end is not.
#[must_use]
pub fn shown(start: Option<Moment>, end: Option<Moment>) -> (Option<Moment>, Option<Moment>) {
    match (start, end) {
        (Some(from), Some(to)) if civil::interval(to).high < from.low.get() => (start, None),
        both => both,
    }
}

/// `Encounter.period` (R5 `actualPeriod`), which the search parameter `date` compares with.
#[must_use]
pub fn of_stay(stay: &StayRecord) -> (Option<Moment>, Option<Moment>) {
    shown(stay.situation.start, stay.situation.end)
}
