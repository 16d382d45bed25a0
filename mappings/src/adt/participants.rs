//! A54 change of attending, A61 change of consulting (FACTS §1): new participants of that role, those
//! before until then.

use super::draft::Draft;
use super::event::Trigger;
use super::movement::{self, New};
use super::situation::settle;
use super::values::at;
use super::visit::Visit;
use super::{IssueCode, admit, discharge, stay as attributes, transfer};
use crate::records::{PlaceRole, StayRecord};

pub(super) fn change(draft: &mut Draft<'_>, stay: &mut StayRecord, visit: &Visit<'_>) -> bool {
    let Some(position) = transfer::position(draft, stay, visit) else { return false };
    let (field, role) = if visit.event == Trigger::A54 { (7, "ATND") } else { (9, "CON") };
    let listed = attributes::listed(draft, visit, field, role);
    if listed.is_none() {
        draft.issue(IssueCode::FieldMissing, at(&visit.pv1, field));
    }
    let mut new = New::of(visit);
    new.effect.practitioners = listed;
    // Numbered, it is a movement of its own; else PV1-3 moves nobody.
    let placed = visit.place(draft);
    if new.identifier.is_some() {
        new.placed = placed;
        new.role = PlaceRole::Assigned;
    } else if !visit.historic {
        movement::correct_place(stay, placed);
    }
    let again = admit::told_again(stay, visit).filter(|at| {
        let known = &stay.movements[*at];
        !visit.historic
            && known.start == new.start
            && known.effect.practitioners == new.effect.practitioners
    });
    if let Some(again) = again {
        movement::amend(&mut stay.movements[again], new.into_movement());
        settle(stay);
    } else {
        movement::add(draft, stay, new, position);
    }
    if !visit.historic {
        movement::correct_start(stay, visit.admitted);
        discharge::finish_by_pv1_45(draft, stay, visit);
    }
    true
}
