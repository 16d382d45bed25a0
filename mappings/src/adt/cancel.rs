//! The cancels: each takes back its own movement, and what the others come to is the situation
//! before (DESIGN §3). A06 and A07 are cancels with ZBE-4 = CANCEL, and so is any insertion.

use super::IssueCode;
use super::draft::Draft;
use super::event::Trigger;
use super::movement::{self, By};
use super::values::at;
use super::visit::Visit;
use crate::hl7::Location;
use crate::records::{Movement, StayRecord, StayStatus};

pub(super) fn cancel(draft: &mut Draft<'_>, stay: &mut StayRecord, visit: &Visit<'_>) -> bool {
    let by = By::of(visit);
    let opening = matches!(visit.event, Trigger::A11 | Trigger::A27 | Trigger::A38);
    let void = matches!(stay.status(), StayStatus::Cancelled | StayStatus::EnteredInError);
    if void && !(opening && stay.status() == StayStatus::Cancelled) {
        draft.issue(IssueCode::StayStateUnexpected, at(&visit.pv1, 19));
        return false;
    }
    if stay.status() == StayStatus::Finished && !opening && visit.event != Trigger::A13 {
        draft.issue(IssueCode::StayStateUnexpected, at(&visit.pv1, 19));
    }
    let named = visit.movement.as_ref().and_then(|id| movement::by_identifier(stay, id));
    let taken = match (named, visit.event) {
        (Some(at), _) if !stay.movements[at].stands() => {
            draft.issue(IssueCode::NothingToCancel, Location::field(b"ZBE", 1));
            movement::remember(&mut stay.movements[at], visit.fingerprint);
            return true;
        }
        (Some(at), _) => take_back(stay, at, by),
        (None, Trigger::A11) => admission(stay, by),
        (None, Trigger::A13) => discharge(stay, by),
        (None, Trigger::A27 | Trigger::A38) => plan(stay, visit.event, by),
        (None, Trigger::A06 | Trigger::A07) => last_of(stay, &[Trigger::A06, Trigger::A07], by),
        (None, event) => last_of(stay, event.takes_back(), by),
    };
    if !taken {
        draft.issue(IssueCode::NothingToCancel, at(&visit.pv1, 19));
    }
    let plans = matches!(visit.event, Trigger::A27 | Trigger::A38);
    if !visit.historic && !plans && stay.status() != StayStatus::Cancelled {
        present(draft, stay, visit);
    }
    true
}

/// Where the message's own PV1 says otherwise than what was restored, the message wins.
fn present(draft: &mut Draft<'_>, stay: &mut StayRecord, visit: &Visit<'_>) {
    let placed = visit.place(draft);
    let mut differs = movement::correct_place(stay, placed);
    differs |= movement::correct_units(stay, visit);
    if visit.event != Trigger::A11 {
        movement::correct_start(stay, visit.admitted);
    }
    if let Some(class) = visit.class.as_ref().filter(|_| visit.event.changes_class())
        && stay.situation.class != *class
        && let Some(at) = movement::last(stay, |movement| movement.effect.class.is_some())
    {
        differs |= stay.situation.class.code != class.code;
        stay.movements[at].effect.class = Some(class.clone());
        super::situation::settle(stay);
    }
    if differs {
        draft.issue(IssueCode::CancelDiffersFromMessage, at(&visit.pv1, 3));
    }
}

/// A movement by its number; an admission, and a plan that nothing came of, takes what came after
/// it along.
pub(super) fn take_back(stay: &mut StayRecord, at: usize, by: By) -> bool {
    let movement = &stay.movements[at];
    if admits(movement) {
        movement::cancel_from(stay, at, by);
        leave_no_remains(stay, by);
    } else {
        let void_plan = is_plan(movement) && stay.status() == StayStatus::Planned;
        movement::cancel(stay, at, by);
        if void_plan {
            leave_no_remains(stay, by);
        }
    }
    true
}

/// A11: back to what the last opening replaced, a plan or another opening; else cancelled.
fn admission(stay: &mut StayRecord, by: By) -> bool {
    if movement::last(stay, |_| true).is_none() {
        return false;
    }
    let from = match movement::last(stay, admits) {
        Some(at) => first_telling(stay, at),
        None => 0,
    };
    movement::cancel_from(stay, from, by);
    leave_no_remains(stay, by);
    true
}

/// The first of a run of the same opening, unless the stay was over or only planned in between:
/// an opening told twice replaces nothing.
fn first_telling(stay: &StayRecord, at: usize) -> usize {
    let mut first = at;
    for earlier in (0..at).rev() {
        let movement = &stay.movements[earlier];
        if !movement.stands() {
            continue;
        }
        if movement::is_closing(movement) || is_plan(movement) {
            break;
        }
        if admits(movement) {
            if movement.event != stay.movements[at].event {
                break;
            }
            first = earlier;
        }
    }
    first
}

/// What is left of a stay seen mid-stay is no admission that an A11 could return to.
fn leave_no_remains(stay: &mut StayRecord, by: By) {
    let is_ground = |movement: &Movement| {
        admits(movement) || movement::is_closing(movement) || is_plan(movement)
    };
    if movement::last(stay, is_ground).is_none()
        && let Some(first) = stay.movements.iter().position(Movement::stands)
    {
        movement::cancel_from(stay, first, by);
    }
}

/// The last that stands of these events.
fn last_of(stay: &mut StayRecord, events: &[Trigger], by: By) -> bool {
    let Some(at) = movement::last(stay, |m| movement::is_any_of(m, events)) else { return false };
    movement::cancel(stay, at, by);
    true
}

/// A27, A38: a plan that nothing came of leaves nothing behind, unless there is another plan; a stay
/// that has begun only loses the plan.
fn plan(stay: &mut StayRecord, event: Trigger, by: By) -> bool {
    let planned = stay.status() == StayStatus::Planned;
    let last_of = |event: &Trigger| movement::last(stay, |m| movement::is_event(m, *event));
    let own = event.takes_back().iter().find_map(last_of);
    let Some(at) = own.or_else(|| movement::last(stay, is_plan).filter(|_| planned)) else {
        return false;
    };
    movement::cancel(stay, at, by);
    if planned {
        leave_no_remains(stay, by);
    }
    true
}

/// A13: the stay is open again, however often its end was told.
fn discharge(stay: &mut StayRecord, by: By) -> bool {
    let mut taken = false;
    while let Some(known) = movement::closing_mut(stay) {
        movement::take_back(known, by);
        taken = true;
    }
    super::situation::settle(stay);
    taken
}

fn admits(movement: &Movement) -> bool {
    movement::is_event(movement, Trigger::A01) || movement::is_event(movement, Trigger::A04)
}

fn is_plan(movement: &Movement) -> bool {
    movement.effect.status == Some(StayStatus::Planned)
}
