//! ZBE, the movement segment of IHE PAM (pam-fr §3), beyond its number, time and action: who answers
//! for what, and the Z99 that updates a movement which came before.

use super::draft::Draft;
use super::event::Trigger;
use super::movement::{self, New};
use super::situation::settle;
use super::values::at;
use super::visit::Visit;
use super::{IssueCode, discharge, stay as attributes};
use crate::hl7::datatypes::Ts;
use crate::hl7::{Location, Segment};
use crate::records::{Movement, Place, PlaceRole, StayRecord};

/// ZBE-9 as a set: its letters that mean something, each once. Senders write HMS, SMH and HMSC alike.
pub(super) fn nature(zbe: &Segment<'_>) -> String {
    let said = zbe.field(9).component(1).text();
    "HMSLDC".chars().filter(|letter| said.to_ascii_uppercase().contains(*letter)).collect()
}

pub(super) fn joined(one: &str, other: &str) -> String {
    "HMSLDC".chars().filter(|letter| one.contains(*letter) || other.contains(*letter)).collect()
}

/// What a Z99 says of its movement: what the event that made it (ZBE-6) would have brought. Only
/// what is said changes what is known.
pub(super) fn content(draft: &mut Draft<'_>, visit: &Visit<'_>, origin: Option<Trigger>) -> New {
    let mut new = New::of(visit);
    new.start = visit.effective;
    new.effect.status = None;
    if visit.states_place() {
        new.placed = visit.place(draft);
    }
    match origin {
        Some(Trigger::A01 | Trigger::A04) => {
            new.effect.class.clone_from(&visit.class);
            new.effect.start = visit.admitted.or(visit.effective);
        }
        Some(Trigger::A05 | Trigger::A14) => {
            new.effect.class.clone_from(&visit.class);
            new.effect.start = visit.admitted;
        }
        Some(Trigger::A06 | Trigger::A07) => new.effect.class.clone_from(&visit.class),
        Some(Trigger::A03) => {
            new.effect.end = visit.discharged.or(visit.effective);
            new.start = new.effect.end;
            new.placed = None;
            new.effect.disposition = attributes::disposition(draft, visit);
            new.effect.destination = attributes::destination(draft, visit);
        }
        Some(Trigger::A15) => {
            new.placed = visit.other_place(draft, 42);
            new.role = PlaceRole::Reserved;
        }
        Some(Trigger::A16) => {
            new.placed = None;
            new.effect.pending_discharge =
                draft.moment(Ts::of(visit.pv2.field(9)), at(&visit.pv2, 9));
        }
        Some(Trigger::A21) => {
            new.effect.expected_return =
                draft.moment(Ts::of(visit.pv2.field(47)), at(&visit.pv2, 47));
        }
        Some(Trigger::A54) => {
            new.effect.practitioners = attributes::listed(draft, visit, 7, "ATND");
        }
        Some(Trigger::A61) => {
            new.effect.practitioners = attributes::listed(draft, visit, 9, "CON");
        }
        _ => {}
    }
    new
}

/// A Z99. Tells whether it was about the present, whose other attributes the message then states.
pub(super) fn update(draft: &mut Draft<'_>, stay: &mut StayRecord, visit: &Visit<'_>) -> bool {
    let number = visit.movement.as_ref();
    let Some(at) = number.and_then(|number| movement::by_identifier(stay, number)) else {
        return false;
    };
    if !stay.movements[at].stands() {
        draft.issue(IssueCode::StayStateUnexpected, Location::field(b"ZBE", 1));
        movement::remember(&mut stay.movements[at], visit.fingerprint);
        return false;
    }
    // What made it is known better than ZBE-6, which may be wrong or missing.
    let event = stay.movements[at].event.clone();
    let new = content(draft, visit, Trigger::parse(&event).or(visit.origin));
    let known = &mut stay.movements[at];
    let moved = new.start.is_some() && new.start != known.start;
    let before = known.place.clone();
    let mut new = new.into_movement();
    new.event = event;
    movement::amend(known, new);
    if let Some(before) = before {
        repeat(stay, at, &before);
    }
    settle(stay);
    let is_present = movement::last(stay, |_| true) == Some(at);
    if moved && !is_present {
        movement::put_by_time(stay, at);
    }
    if !is_present || visit.historic {
        return false;
    }
    movement::correct_start(stay, visit.admitted);
    if !matches!(stay.movements[at].event.as_str(), "A09" | "A10" | "A21" | "A22") {
        discharge::finish_by_pv1_45(draft, stay, visit);
    }
    true
}

/// What came after in the same place only repeated it: it is where the correction says, too.
fn repeat(stay: &mut StayRecord, at: usize, before: &Place) {
    let (place, location) = (stay.movements[at].place.clone(), stay.movements[at].location);
    if stay.movements[at].role != PlaceRole::Assigned || place.as_ref() == Some(before) {
        return;
    }
    let later = stay.movements[at + 1..].iter_mut();
    let placed = later.filter(|m| m.stands() && m.role == PlaceRole::Assigned && m.place.is_some());
    let repeats = |m: &&mut Movement| m.place.as_ref().is_some_and(|p| p.is_same_place(before));
    for movement in placed.take_while(repeats) {
        movement.place.clone_from(&place);
        movement.location = location;
    }
}
