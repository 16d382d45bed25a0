//! A02 transfer (FACTS §1): PV1-3 is the place from now on.

use super::draft::Draft;
use super::movement::{self, New, Position};
use super::values::at;
use super::visit::Visit;
use super::{IssueCode, discharge};
use crate::records::{StayRecord, StayStatus};

pub(super) fn transfer(draft: &mut Draft<'_>, stay: &mut StayRecord, visit: &Visit<'_>) -> bool {
    let Some(position) = position(draft, stay, visit) else { return false };
    let mut new = New::of(visit);
    new.placed = visit.place(draft);
    if new.placed.is_none() {
        draft.issue(IssueCode::FieldMissing, at(&visit.pv1, 3));
    }
    if let Some(again) = told_again(stay, &new) {
        movement::remember(&mut stay.movements[again], visit.fingerprint);
    } else {
        movement::add(draft, stay, new, position);
    }
    if !visit.historic {
        movement::correct_start(stay, visit.admitted);
        discharge::finish_by_pv1_45(draft, stay, visit);
    }
    true
}

/// Where a movement that opens nothing goes: nothing but an opening revives a cancelled stay;
/// of a finished one the place is noted and the status stays.
pub(super) fn position(
    draft: &mut Draft<'_>,
    stay: &StayRecord,
    visit: &Visit<'_>,
) -> Option<Position> {
    match stay.status() {
        StayStatus::Cancelled | StayStatus::EnteredInError => {
            draft.issue(IssueCode::StayStateUnexpected, at(&visit.pv1, 19));
            None
        }
        _ if visit.historic => Some(Position::ByTime),
        StayStatus::Finished => {
            draft.issue(IssueCode::StayStateUnexpected, at(&visit.pv1, 19));
            Some(Position::BeforeDischarge)
        }
        _ => Some(Position::Last),
    }
}

/// The transfer that brought the patient where he is, to the same place at the same time.
fn told_again(stay: &StayRecord, new: &New) -> Option<usize> {
    let at = movement::last_place(stay)?;
    let (last, placed) = (&stay.movements[at], new.placed.as_ref()?);
    let same = new.identifier.is_none()
        && new.start.is_some()
        && movement::is_event(last, new.event)
        && last.start == new.start
        && last.place.as_ref() == Some(&placed.place);
    same.then_some(at)
}
