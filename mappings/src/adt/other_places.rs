//! PV1-11 temporary, PV1-42 pending and PV1-43 prior temporary location, of any message that takes
//! nothing back (FACTS §3). Empty leaves them alone, `""` ends them.

use super::draft::Draft;
use super::movement::{self, New};
use super::situation::settle;
use super::visit::{Placed, Visit};
use crate::records::{Movement, MovementEffect, Place, PlaceRole, StayRecord};

pub(super) fn take(draft: &mut Draft<'_>, stay: &mut StayRecord, visit: &Visit<'_>) {
    let own = |m: &Movement| m.seq == visit.seq && m.stands();
    if let Some(prior) = visit.other_place(draft, 43)
        && (!stay.is_over() || stay.movements.iter().any(own))
    {
        take_prior(draft, stay, visit, prior);
    }
    if stay.is_over() {
        // Nobody is there, and nothing is kept any more; a place that is named has its record.
        visit.other_place(draft, 11);
        visit.other_place(draft, 42);
        return;
    }
    for (field, role) in [(11, PlaceRole::Temporary), (42, PlaceRole::Reserved)] {
        let holds = movement::last_of_role(stay, role);
        if visit.pv1.field(field).is_null() {
            if holds.is_some() {
                let at = stay.movements.len();
                note(draft, stay, visit, role, None, at);
            }
        } else if let Some(placed) = visit.other_place(draft, field)
            && !holds.is_some_and(|at| is_at(&stay.movements[at], &placed.place))
        {
            let at = stay.movements.len();
            note(draft, stay, visit, role, Some(placed), at);
        }
    }
}

/// Before what the message itself brought: it is over.
fn take_prior(draft: &mut Draft<'_>, stay: &mut StayRecord, visit: &Visit<'_>, prior: Placed) {
    let known =
        |m: &Movement| m.stands() && m.role == PlaceRole::Temporary && is_at(m, &prior.place);
    if stay.movements.iter().any(known) {
        return;
    }
    let own = |m: &Movement| m.seq == visit.seq && m.stands();
    let at = stay.movements.iter().position(own).unwrap_or(stay.movements.len());
    note(draft, stay, visit, PlaceRole::Temporary, Some(prior), at);
    if movement::last_of_role(stay, PlaceRole::Temporary) == Some(at) {
        note(draft, stay, visit, PlaceRole::Temporary, None, at + 1);
    }
}

fn is_at(movement: &Movement, place: &Place) -> bool {
    movement.place.as_ref().is_some_and(|own| own.is_same_place(place))
}

/// An entry without an event of its own: it goes when the movement that brought it is taken back.
fn note(
    draft: &mut Draft<'_>,
    stay: &mut StayRecord,
    visit: &Visit<'_>,
    role: PlaceRole,
    placed: Option<Placed>,
    at: usize,
) {
    // Since when somebody is there is known only of what moved him now.
    let moved = role == PlaceRole::Temporary && visit.event.status().is_some();
    let new = New {
        identifier: None,
        start: if moved { visit.happened() } else { None },
        placed,
        role,
        effect: MovementEffect::default(),
        ..New::of(visit)
    };
    let mut movement = new.into_movement();
    movement.event.clear();
    movement.seen.clear();
    stay.movements.insert(at, movement);
    movement::bound(draft, stay);
    settle(stay);
}
