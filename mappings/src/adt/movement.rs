//! Movements: made, amended, put in their place, taken back.

use sluice_ids::Seq;

use super::IssueCode;
use super::draft::Draft;
use super::event::Trigger;
use super::situation::settle;
use super::visit::{Placed, Visit};
use super::zbe;
use crate::records::{
    Coded, Identifier, Moment, Movement, MovementEffect, PlaceRole, PlaceStatus, StayRecord,
    StayStatus, Unit,
};

/// Movements that a stay keeps. Beyond, those taken back go first, then the oldest places; the
/// one that the stay began with stays.
pub(super) const MOVEMENTS_MAX: usize = 96;

/// Movements taken back that are kept to know their resends by.
const CANCELLED_MAX: usize = 16;

/// Resends by which one movement is known.
const SEEN_MAX: usize = 6;

/// What a message makes of a stay.
pub(super) struct New {
    pub event: Trigger,
    pub identifier: Option<Identifier>,
    pub seq: Seq,
    pub start: Option<Moment>,
    pub placed: Option<Placed>,
    pub role: PlaceRole,
    pub nature: String,
    /// A place that only repeats what is known: it is none where there is one.
    pub repeats_place: bool,
    pub effect: MovementEffect,
    pub fingerprint: u64,
}

impl New {
    pub fn of(visit: &Visit<'_>) -> Self {
        Self {
            event: visit.event,
            identifier: visit.movement.clone(),
            seq: visit.seq,
            start: visit.happened(),
            placed: None,
            role: PlaceRole::Assigned,
            nature: visit.nature.clone(),
            repeats_place: !visit.states_place(),
            effect: MovementEffect {
                status: visit.event.status(),
                medical_unit: visit.medical_unit.clone(),
                nursing_unit: visit.nursing_unit.clone(),
                ..MovementEffect::default()
            },
            fingerprint: visit.fingerprint,
        }
    }

    pub fn into_movement(self) -> Movement {
        let (place, location) = match self.placed {
            Some(placed) => (Some(placed.place), Some(placed.location)),
            None => (None, None),
        };
        Movement {
            identifier: self.identifier,
            event: self.event.as_str().to_owned(),
            seq: self.seq,
            start: self.start,
            end: None,
            place,
            location,
            role: self.role,
            nature: self.nature,
            place_status: PlaceStatus::Completed,
            effect: self.effect,
            cancelled: None,
            seen: vec![self.fingerprint],
            held: None,
        }
    }
}

// ---- asking ----

/// The very message, under whatever control id, was applied to this stay before.
pub(super) fn is_resend(stay: &StayRecord, fingerprint: u64) -> bool {
    stay.movements.iter().any(|movement| movement.seen.contains(&fingerprint))
}

/// By ZBE-1; those taken back too, since numbers are never used again (pam-fr §2).
pub(super) fn by_identifier(stay: &StayRecord, identifier: &Identifier) -> Option<usize> {
    stay.movements.iter().position(|movement| {
        movement.identifier.as_ref().is_some_and(|own| own.is_number_of(identifier))
    })
}

/// The last movement that stands and is as asked.
pub(super) fn last(stay: &StayRecord, is: impl Fn(&Movement) -> bool) -> Option<usize> {
    stay.movements.iter().rposition(|movement| movement.stands() && is(movement))
}

pub(super) fn is_event(movement: &Movement, event: Trigger) -> bool {
    movement.event == event.as_str()
}

pub(super) fn is_any_of(movement: &Movement, events: &[Trigger]) -> bool {
    events.iter().any(|event| is_event(movement, *event))
}

pub(super) fn is_closing(movement: &Movement) -> bool {
    movement.effect.status == Some(StayStatus::Finished)
}

/// Where the patient is, or was last: the last assigned place that stands.
pub(super) fn last_place(stay: &StayRecord) -> Option<usize> {
    last(stay, |movement| movement.role == PlaceRole::Assigned && movement.place.is_some())
}

/// The last place of that role which still holds: no later movement has ended it.
pub(super) fn last_of_role(stay: &StayRecord, role: PlaceRole) -> Option<usize> {
    let at = last(stay, |movement| movement.role == role)?;
    let movement = &stay.movements[at];
    let holds = matches!(movement.place_status, PlaceStatus::Active | PlaceStatus::Reserved);
    (holds && movement.place.is_some()).then_some(at)
}

/// Where the discharge stands that the stay is finished by: what comes now goes before it.
pub(super) fn closing(stay: &StayRecord) -> Option<usize> {
    let last_open = last(stay, |m| m.effect.status.is_some() && !is_closing(m));
    (last_open.unwrap_or(0)..stay.movements.len()).find(|at| {
        let movement = &stay.movements[*at];
        movement.stands() && is_closing(movement)
    })
}

/// The discharge that the stay is finished by.
pub(super) fn closing_mut(stay: &mut StayRecord) -> Option<&mut Movement> {
    let at = closing(stay)?;
    stay.movements.get_mut(at)
}

/// Whether a message may be the movement at `at`, told again: it has no number of its own, or
/// it gives one to a movement that had none.
pub(super) fn may_be(stay: &StayRecord, at: usize, visit: &Visit<'_>) -> bool {
    visit.movement.as_ref().is_none_or(|number| {
        stay.movements[at].identifier.is_none() && by_identifier(stay, number).is_none()
    })
}

// ---- making ----

/// The first movement of a stay that was there before it was seen: it has no event of its own.
pub(super) fn begin(stay: &mut StayRecord, new: New) {
    let mut movement = new.into_movement();
    if movement.event == Trigger::A08.as_str() {
        // An update is no movement: told again, it is a snapshot like any other.
        movement.seen.clear();
    }
    movement.event.clear();
    stay.movements.insert(0, movement);
    settle(stay);
}

/// Where a movement goes among the others.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Position {
    /// It is the present.
    Last,
    /// It is told of a stay that is over: before its discharge.
    BeforeDischarge,
    /// By its time, and never as the present (ZBE-5 = Y).
    ByTime,
}

/// Adds a movement, or amends the one of the same ZBE-1.
pub(super) fn add(draft: &mut Draft<'_>, stay: &mut StayRecord, mut new: New, position: Position) {
    let known = new.identifier.as_ref().and_then(|identifier| by_identifier(stay, identifier));
    if let Some(at) = known {
        let movement = &mut stay.movements[at];
        if !movement.stands() {
            remember(movement, new.fingerprint);
        } else {
            if new.repeats_place && movement.place.is_some() {
                new.placed = None;
            }
            amend(movement, new.into_movement());
        }
    } else {
        let at = match position {
            Position::Last => stay.movements.len(),
            Position::BeforeDischarge => closing(stay).unwrap_or(stay.movements.len()),
            Position::ByTime => by_time(stay, new.start),
        };
        stay.movements.insert(at, new.into_movement());
        bound(draft, stay);
    }
    settle(stay);
}

/// Before the first that is later; in any case before the one that makes the present.
fn by_time(stay: &StayRecord, start: Option<Moment>) -> usize {
    let is_own = |movement: &Movement| movement.role == PlaceRole::Assigned;
    let Some(last) = last(stay, is_own).or_else(|| last(stay, |_| true)) else {
        return stay.movements.len();
    };
    let present = closing(stay).unwrap_or(last);
    let is_later = |movement: &Movement| match (start, movement.start) {
        (Some(start), Some(other)) => start < other,
        _ => false,
    };
    let later = stay.movements.iter().position(|m| m.stands() && is_later(m));
    later.unwrap_or(present).min(present)
}

/// Puts a movement whose time was corrected in its place among the others; the present stays.
pub(super) fn put_by_time(stay: &mut StayRecord, at: usize) {
    let movement = stay.movements.remove(at);
    let to = by_time(stay, movement.start);
    stay.movements.insert(to, movement);
    settle(stay);
}

/// The same movement, told again: what it says now replaces what it had said.
pub(super) fn amend(movement: &mut Movement, new: Movement) {
    if movement.event != new.event {
        // A number that is used again for something else brings nothing of what it was.
        let effect = &mut movement.effect;
        effect.pending_discharge = None;
        effect.expected_return = None;
        effect.practitioners = None;
        movement.role = new.role;
    }
    movement.event = new.event;
    movement.nature = zbe::joined(&movement.nature, &new.nature);
    movement.identifier = new.identifier.or_else(|| movement.identifier.take());
    movement.start = new.start.or(movement.start);
    if new.place.is_some() {
        movement.place = new.place;
        movement.location = new.location;
        movement.role = new.role;
    }
    let effect = &mut movement.effect;
    if new.effect.status.is_some_and(|status| status != StayStatus::Finished) {
        // The number of a discharge, used again for something else.
        effect.end = None;
        effect.disposition = Coded::default();
        effect.destination = Coded::default();
    }
    effect.status = new.effect.status.or(effect.status);
    effect.class = new.effect.class.or_else(|| effect.class.take());
    effect.start = new.effect.start.or(effect.start);
    effect.end = new.effect.end.or(effect.end);
    if new.effect.disposition != Coded::default() {
        effect.disposition = new.effect.disposition;
    }
    if new.effect.destination != Coded::default() {
        effect.destination = new.effect.destination;
    }
    effect.discharged |= new.effect.discharged;
    effect.pending_discharge = new.effect.pending_discharge.or(effect.pending_discharge);
    effect.expected_return = new.effect.expected_return.or(effect.expected_return);
    effect.medical_unit = new.effect.medical_unit.or_else(|| effect.medical_unit.take());
    effect.nursing_unit = new.effect.nursing_unit.or_else(|| effect.nursing_unit.take());
    effect.practitioners = new.effect.practitioners.or_else(|| effect.practitioners.take());
    for fingerprint in new.seen {
        remember(movement, fingerprint);
    }
}

pub(super) fn put(movement: &mut Movement, placed: Placed) {
    movement.place = Some(placed.place);
    movement.location = Some(placed.location);
}

pub(super) fn remember(movement: &mut Movement, fingerprint: u64) {
    if !movement.seen.contains(&fingerprint) {
        if movement.seen.len() == SEEN_MAX {
            movement.seen.remove(0);
        }
        movement.seen.push(fingerprint);
    }
}

// ---- correcting ----

/// PV1-3 of a message that moves nobody: it corrects where the patient is. Tells whether it
/// said another place than was known.
pub(super) fn correct_place(stay: &mut StayRecord, placed: Option<Placed>) -> bool {
    let Some(placed) = placed else { return false };
    let Some(at) = last_place(stay).or_else(|| last(stay, |_| true)) else { return false };
    let movement = &mut stay.movements[at];
    let differs = movement.place.as_ref().is_some_and(|place| !place.is_same_place(&placed.place));
    if movement.place.as_ref() != Some(&placed.place) {
        put(movement, placed);
        settle(stay);
    }
    differs
}

/// PV1-44 of a message that opens nothing: it corrects the stay's start, wherever it came from.
pub(super) fn correct_start(stay: &mut StayRecord, admitted: Option<Moment>) {
    let Some(admitted) = admitted else { return };
    if stay.situation.start == Some(admitted) {
        return;
    }
    let setter = last(stay, |movement| movement.effect.start.is_some());
    let first = stay.movements.iter().position(Movement::stands);
    if let Some(at) = setter.or(first) {
        stay.movements[at].effect.start = Some(admitted);
        settle(stay);
    }
}

/// ZBE-7 and ZBE-8 of a cancel: who answers for the patient again. Tells whether that was not known.
pub(super) fn correct_units(stay: &mut StayRecord, visit: &Visit<'_>) -> bool {
    let situation = &stay.situation;
    let is_new = |said: &Option<Unit>, known: &Option<Unit>| {
        said.is_some()
            && said.as_ref().map(|u| u.organization) != known.as_ref().map(|u| u.organization)
    };
    let medical = is_new(&visit.medical_unit, &situation.medical_unit);
    let nursing = is_new(&visit.nursing_unit, &situation.nursing_unit);
    let differs =
        medical && situation.medical_unit.is_some() || nursing && situation.nursing_unit.is_some();
    let Some(at) = last(stay, |_| true).filter(|_| medical || nursing) else { return false };
    let effect = &mut stay.movements[at].effect;
    if medical {
        effect.medical_unit.clone_from(&visit.medical_unit);
    }
    if nursing {
        effect.nursing_unit.clone_from(&visit.nursing_unit);
    }
    settle(stay);
    differs
}

/// PV2-9 of a message that is no pending discharge: it corrects the one that stands.
pub(super) fn correct_pending_discharge(stay: &mut StayRecord, end: Moment) {
    if stay.situation.pending_discharge.is_some_and(|pending| pending != end)
        && let Some(at) = last(stay, |movement| movement.effect.pending_discharge.is_some())
    {
        stay.movements[at].effect.pending_discharge = Some(end);
        settle(stay);
    }
}

/// PV2-47 of a message about a stay on leave.
pub(super) fn correct_expected_return(stay: &mut StayRecord, expected: Moment) {
    if stay.status() == StayStatus::OnLeave
        && stay.situation.expected_return != Some(expected)
        && let Some(at) = last(stay, |m| m.effect.status == Some(StayStatus::OnLeave))
    {
        stay.movements[at].effect.expected_return = Some(expected);
        settle(stay);
    }
}

// ---- taking back ----

/// The message that takes something back.
#[derive(Clone, Copy)]
pub(super) struct By {
    pub seq: Seq,
    pub fingerprint: Option<u64>,
}

impl By {
    pub fn of(visit: &Visit<'_>) -> Self {
        Self { seq: visit.seq, fingerprint: Some(visit.fingerprint) }
    }
}

pub(super) fn cancel(stay: &mut StayRecord, at: usize, by: By) {
    cancel_at(stay, at, by);
    settle(stay);
}

/// Takes back everything from `at` on: what came after an admission goes with it.
pub(super) fn cancel_from(stay: &mut StayRecord, at: usize, by: By) {
    for movement in stay.movements[at..].iter_mut().filter(|movement| movement.stands()) {
        take_back(movement, by);
    }
    settle(stay);
}

/// With the other places that the same message named.
pub(super) fn cancel_at(stay: &mut StayRecord, at: usize, by: By) {
    let seq = stay.movements[at].seq;
    take_back(&mut stay.movements[at], by);
    let beside = |movement: &&mut Movement| {
        movement.seq == seq && movement.role != PlaceRole::Assigned && movement.stands()
    };
    stay.movements.iter_mut().filter(beside).for_each(|movement| take_back(movement, by));
}

pub(super) fn take_back(movement: &mut Movement, by: By) {
    movement.cancelled = Some(by.seq);
    if let Some(fingerprint) = by.fingerprint {
        remember(movement, fingerprint);
    }
}

/// Keeps the record small. What goes is told: a stay with a hundred moves is worth a look.
pub(super) fn bound(draft: &mut Draft<'_>, stay: &mut StayRecord) {
    let is_cancelled = |movement: &Movement| movement.cancelled.is_some();
    while stay.movements.iter().filter(|movement| is_cancelled(movement)).count() > CANCELLED_MAX
        && let Some(at) = stay.movements.iter().position(is_cancelled)
    {
        stay.movements.remove(at);
    }
    while stay.movements.len() > MOVEMENTS_MAX {
        let is_mere_place = |movement: &Movement| {
            movement.effect.start.is_none() && movement.effect.class.is_none()
        };
        let oldest = (1..stay.movements.len() - 1).find(|at| is_mere_place(&stay.movements[*at]));
        stay.movements.remove(oldest.unwrap_or(1));
        draft.issue(IssueCode::ValueCut, crate::hl7::Location::segment(b"PV1"));
    }
}
