//! A21 leave, A22 return (FACTS §1). The stay goes on meanwhile, and the bed is kept unless PV1-3
//! says another.

use super::draft::Draft;
use super::event::Trigger;
use super::movement::{self, New};
use super::situation::settle;
use super::values::at;
use super::visit::Visit;
use super::{IssueCode, admit, transfer};
use crate::hl7::datatypes::Ts;
use crate::records::{StayRecord, StayStatus};

pub(super) fn leave(draft: &mut Draft<'_>, stay: &mut StayRecord, visit: &Visit<'_>) -> bool {
    let Some(position) = transfer::position(draft, stay, visit) else { return false };
    let is_return = visit.event == Trigger::A22;
    if is_return && stay.status() == StayStatus::InProgress && !visit.historic {
        draft.issue(IssueCode::StayStateUnexpected, at(&visit.pv1, 19));
    }
    let mut new = New::of(visit);
    new.placed = visit.place(draft);
    if new.identifier.is_none() && admit::is_in_place(stay, &new) {
        new.placed = None;
    }
    if !is_return {
        new.effect.expected_return = draft.moment(Ts::of(visit.pv2.field(47)), at(&visit.pv2, 47));
    }
    // Told again under no number of its own, it is the same leave: nobody leaves twice.
    let again = admit::told_again(stay, visit).filter(|_| !visit.historic);
    if let Some(again) = again {
        movement::amend(&mut stay.movements[again], new.into_movement());
        settle(stay);
    } else {
        movement::add(draft, stay, new, position);
    }
    if !visit.historic {
        movement::correct_start(stay, visit.admitted);
    }
    true
}
