//! A03 discharge (FACTS §1), and PV1-45, which ends a stay whatever the event.

use super::draft::Draft;
use super::event::Trigger;
use super::movement::{self, New, Position};
use super::situation::settle;
use super::values::at;
use super::visit::Visit;
use super::{IssueCode, stay as attributes};
use crate::records::{Coded, MovementEffect, StayRecord, StayStatus};

pub(super) fn discharge(draft: &mut Draft<'_>, stay: &mut StayRecord, visit: &Visit<'_>) -> bool {
    if matches!(stay.status(), StayStatus::Cancelled | StayStatus::EnteredInError) {
        draft.issue(IssueCode::StayStateUnexpected, at(&visit.pv1, 19));
        return false;
    }
    let end = visit.discharged.or(visit.effective).or(visit.occurred);
    let end = end.or_else(|| visit.left(draft)).or(visit.recorded);
    let mut new = New::of(visit);
    new.start = end;
    new.effect.end = end;
    new.effect.discharged = true;
    new.effect.disposition = attributes::disposition(draft, visit);
    new.effect.destination = attributes::destination(draft, visit);
    if visit.historic {
        movement::add(draft, stay, new, Position::ByTime);
        return true;
    }
    let placed = visit.place(draft);
    movement::correct_place(stay, placed);
    movement::correct_start(stay, visit.admitted);
    let again = movement::closing(stay).filter(|at| movement::may_be(stay, *at, visit));
    if let Some(at) = again {
        let known = &mut stay.movements[at];
        // An end that was sent as such is better than the time of a second telling.
        if visit.discharged.is_none() && known.effect.end.is_some() {
            new.effect.end = None;
            new.start = None;
        }
        movement::amend(known, new.into_movement());
        settle(stay);
    } else {
        movement::add(draft, stay, new, Position::Last);
    }
    true
}

/// PV1-45 present → finished, by any event that takes nothing back (FACTS §1, precedence): those that
/// do are `cancel`'s, and never come here.
pub(super) fn finish_by_pv1_45(draft: &mut Draft<'_>, stay: &mut StayRecord, visit: &Visit<'_>) {
    if visit.historic {
        return;
    }
    let disposition = attributes::disposition(draft, visit);
    let destination = attributes::destination(draft, visit);
    if let Some(known) = movement::closing_mut(stay) {
        let effect = &mut known.effect;
        effect.end = visit.discharged.or(effect.end);
        if disposition != Coded::default() {
            effect.disposition = disposition;
        }
        if destination != Coded::default() {
            effect.destination = destination;
        }
        settle(stay);
    } else if visit.discharged.is_some() && stay.status() != StayStatus::Cancelled {
        let effect = MovementEffect {
            status: Some(StayStatus::Finished),
            end: visit.discharged,
            disposition,
            destination,
            ..MovementEffect::default()
        };
        // Whatever told it, it is a discharge: no A12 or A11 means it, and an A13 does.
        let new = New {
            event: Trigger::A03,
            identifier: None,
            start: visit.discharged,
            effect,
            ..New::of(visit)
        };
        movement::add(draft, stay, new, Position::Last);
    }
}
