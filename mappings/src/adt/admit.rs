//! A01 admit, A04 register, A05 pre-admit: the events that open a stay (FACTS §1).

use super::draft::Draft;
use super::event::Trigger;
use super::movement::{self, New, Position};
use super::situation::settle;
use super::values::at;
use super::visit::Visit;
use super::{IssueCode, discharge};
use crate::records::{PlaceRole, StayRecord, StayStatus};

/// A01 and A04: the patient is there. They begin a planned stay, and revive one that is over.
pub(super) fn admit(draft: &mut Draft<'_>, stay: &mut StayRecord, visit: &Visit<'_>) -> bool {
    if stay.is_over() {
        draft.issue(IssueCode::StayStateUnexpected, at(&visit.pv1, 19));
    }
    let begins = !stay.is_open();
    let mut new = New::of(visit);
    new.start = visit.effective.or(visit.admitted).or(visit.occurred).or(visit.recorded);
    new.effect.class.clone_from(&visit.class);
    // PV2-8 only expects, and never starts a stay.
    new.effect.start = visit.admitted.or_else(|| if begins { visit.happened() } else { None });
    new.placed = visit.place(draft);
    if visit.historic && !stay.movements.is_empty() {
        movement::add(draft, stay, new, Position::ByTime);
        return true;
    }
    if let Some(again) = told_again(stay, visit) {
        movement::amend(&mut stay.movements[again], new.into_movement());
        settle(stay);
    } else {
        if !begins && visit.movement.is_none() && is_in_place(stay, &new) {
            new.placed = None;
        }
        movement::add(draft, stay, new, Position::Last);
    }
    discharge::finish_by_pv1_45(draft, stay, visit);
    true
}

/// A05. It plans; a stay that has begun is not planned any more.
pub(super) fn plan(draft: &mut Draft<'_>, stay: &mut StayRecord, visit: &Visit<'_>) -> bool {
    if stay.is_open() || stay.status() == StayStatus::Finished {
        draft.issue(IssueCode::StayStateUnexpected, at(&visit.pv1, 19));
        return false;
    }
    if stay.is_over() {
        draft.issue(IssueCode::StayStateUnexpected, at(&visit.pv1, 19));
    }
    let mut new = New::of(visit);
    new.start = visit.effective.or(visit.admitted).or(visit.expected);
    new.effect.class.clone_from(&visit.class);
    new.effect.start = visit.admitted;
    new.placed = visit.place(draft);
    if let Some(again) = told_again(stay, visit) {
        movement::amend(&mut stay.movements[again], new.into_movement());
        settle(stay);
    } else {
        movement::add(draft, stay, new, Position::Last);
    }
    discharge::finish_by_pv1_45(draft, stay, visit);
    true
}

/// The event that stands last, where the message tells it again under no number of its own:
/// a repeated A01 replaces nothing, and is nothing for an A11 to return to.
pub(super) fn told_again(stay: &StayRecord, visit: &Visit<'_>) -> Option<usize> {
    let at = movement::last(stay, |m| m.role == PlaceRole::Assigned || !m.event.is_empty())?;
    let same =
        movement::is_event(&stay.movements[at], visit.event) && movement::may_be(stay, at, visit);
    same.then_some(at)
}

/// Without a movement's number of its own, being where one is already moves nobody.
pub(super) fn is_in_place(stay: &StayRecord, new: &New) -> bool {
    let (Some(placed), Some(at)) = (&new.placed, movement::last_place(stay)) else { return false };
    let place = stay.movements[at].place.as_ref();
    place.is_some_and(|place| place.is_same_place(&placed.place))
}

/// First sight of an A01 that names a pre-admission which was never seen: its cancel returns
/// to planned all the same (pam-fr §2).
pub(super) fn names_a_pre_admission(visit: &Visit<'_>) -> bool {
    let field = visit.pv1.field(5);
    visit.event == Trigger::A01 && !field.is_empty() && !field.component(1).is_null()
}
