//! A15 pending transfer, A16 pending discharge (FACTS §1): what is to come, and moves nobody yet.

use super::draft::Draft;
use super::event::Trigger;
use super::movement::{self, New};
use super::values::at;
use super::visit::Visit;
use super::{IssueCode, discharge, transfer};
use crate::hl7::datatypes::Ts;
use crate::records::{PlaceRole, StayRecord};

pub(super) fn pend(draft: &mut Draft<'_>, stay: &mut StayRecord, visit: &Visit<'_>) -> bool {
    let Some(position) = transfer::position(draft, stay, visit) else { return false };
    let mut new = New::of(visit);
    if visit.event == Trigger::A15 {
        // Only ZBE-2 says when the transfer is to be; the other times are those of the message.
        new.start = visit.effective;
        new.placed = visit.other_place(draft, 42);
        if new.placed.is_some() {
            new.role = PlaceRole::Reserved;
        } else {
            draft.issue(IssueCode::FieldMissing, at(&visit.pv1, 42));
        }
    } else {
        let expected = draft.moment(Ts::of(visit.pv2.field(9)), at(&visit.pv2, 9));
        new.effect.pending_discharge = expected;
        if expected.is_none() {
            draft.issue(IssueCode::FieldMissing, at(&visit.pv2, 9));
        }
    }
    if !visit.historic {
        let placed = visit.place(draft);
        movement::correct_place(stay, placed);
        movement::correct_start(stay, visit.admitted);
    }
    movement::add(draft, stay, new, position);
    discharge::finish_by_pv1_45(draft, stay, visit);
    true
}
