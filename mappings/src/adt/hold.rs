//! A ZBE CANCEL, or a Z99, of a movement that was never seen is held until the movement comes
//! (DESIGN §3).
//!
//! It waits as a movement that does not stand: with its stay where that is known, else with its
//! patient. When the movement comes, it arrives taken back, or as it was amended. The PV1 of a
//! held cancel is not read: messages that came since know better.

use super::draft::Draft;
use super::movement::{self, By, New};
use super::situation::settle;
use super::visit::Visit;
use super::{IssueCode, cancel, zbe};
use crate::hl7::Location;
use crate::records::{Held, HeldKind, HeldMovement, Movement, PatientRecord, StayRecord};

/// Movements that a stay awaits, and a patient beside his stays. The oldest give way, and that is
/// told: a sender of more has lost its order altogether.
const HELD_MAX: usize = 8;

/// The very message waits with the patient already.
pub(super) fn is_resend(patient: &PatientRecord, fingerprint: u64) -> bool {
    patient.held.iter().any(|held| held.movement.seen.contains(&fingerprint))
}

/// Lets the message wait with its stay.
pub(super) fn with_stay(
    draft: &mut Draft<'_>,
    stay: &mut StayRecord,
    visit: &Visit<'_>,
    kind: HeldKind,
) {
    let held = awaited(draft, visit, kind);
    put_back(draft, stay, held);
}

/// Lets the message wait with its patient.
pub(super) fn with_patient(
    draft: &mut Draft<'_>,
    patient: &mut PatientRecord,
    visit: &Visit<'_>,
    kind: HeldKind,
) {
    let movement = awaited(draft, visit, kind);
    let held = HeldMovement { visit: visit.number(draft), movement };
    with_patient_too(draft, patient, held);
}

/// Lets what waited with one patient wait with another: the survivor of a merge.
pub(super) fn with_patient_too(
    draft: &mut Draft<'_>,
    patient: &mut PatientRecord,
    held: HeldMovement,
) {
    let same = |other: &&mut HeldMovement| names_same(&other.movement, &held.movement);
    if let Some(known) = patient.held.iter_mut().find(same) {
        join(&mut known.movement, held.movement);
        return;
    }
    patient.held.push(held);
    if patient.held.len() > HELD_MAX {
        patient.held.remove(0);
        draft.issue(IssueCode::HeldGivenUp, Location::field(b"ZBE", 1));
    }
}

/// What waits for the movement that this message brings, taken out of where it waits.
pub(super) fn take_out(
    patient: &mut PatientRecord,
    stay: Option<&mut StayRecord>,
    visit: &Visit<'_>,
) -> Option<Movement> {
    let waits = visit.cancelled_movement().or(visit.updated_movement()).is_some();
    let number = visit.movement.as_ref().filter(|_| !waits)?;
    // One that came before is not awaited: what waits under its number is about another stay.
    let came =
        stay.as_deref().and_then(|stay| Some((stay, movement::by_identifier(stay, number)?)));
    if came.is_some_and(|(stay, at)| stay.movements[at].held.is_none()) {
        return None;
    }
    let is_meant = |movement: &Movement| {
        movement.held.is_some()
            && movement.identifier.as_ref().is_some_and(|own| own.is_number_of(number))
    };
    let with_patient = patient.held.iter().position(|held| is_meant(&held.movement));
    let mut found = with_patient.map(|at| patient.held.remove(at).movement);
    if let Some(stay) = stay
        && let Some(at) = stay.movements.iter().position(is_meant)
    {
        let with_stay = stay.movements.remove(at);
        settle(stay);
        match &mut found {
            Some(found) => join(found, with_stay),
            None => found = Some(with_stay),
        }
    }
    found
}

/// Gives a movement that came what was held of it; one that did not come is awaited further.
pub(super) fn release(draft: &mut Draft<'_>, stay: &mut StayRecord, held: Movement) {
    let came = held.identifier.as_ref().and_then(|number| movement::by_identifier(stay, number));
    let (Some(at), Some(Held { kind, .. })) = (came, held.held) else {
        put_back(draft, stay, held);
        return;
    };
    for fingerprint in &held.seen {
        movement::remember(&mut stay.movements[at], *fingerprint);
    }
    if !stay.movements[at].stands() {
        return;
    }
    match kind {
        HeldKind::Cancel => {
            let by = By { seq: held.seq, fingerprint: held.seen.first().copied() };
            cancel::take_back(stay, at, by);
        }
        HeldKind::Update => {
            let known = &mut stay.movements[at];
            // A number is used once: what made it is what it is.
            let event = known.event.clone();
            movement::amend(known, Movement { event, ..held });
            settle(stay);
        }
    }
}

fn awaited(draft: &mut Draft<'_>, visit: &Visit<'_>, kind: HeldKind) -> Movement {
    let mut movement = match kind {
        HeldKind::Cancel => New::of(visit).into_movement(),
        HeldKind::Update => {
            let mut movement = zbe::content(draft, visit, visit.origin).into_movement();
            movement.event =
                visit.origin.map_or_else(String::new, |event| event.as_str().to_owned());
            movement
        }
    };
    movement.held = Some(Held { kind, received_at: draft.context.received_at });
    movement
}

fn put_back(draft: &mut Draft<'_>, stay: &mut StayRecord, held: Movement) {
    let is_held = |movement: &Movement| movement.held.is_some();
    let same = |other: &&mut Movement| is_held(other) && names_same(other, &held);
    if let Some(known) = stay.movements.iter_mut().find(same) {
        join(known, held);
        return;
    }
    stay.movements.push(held);
    if stay.movements.iter().filter(|movement| is_held(movement)).count() > HELD_MAX
        && let Some(oldest) = stay.movements.iter().position(is_held)
    {
        stay.movements.remove(oldest);
        draft.issue(IssueCode::HeldGivenUp, Location::field(b"ZBE", 1));
    }
    settle(stay);
}

fn names_same(one: &Movement, other: &Movement) -> bool {
    match (&one.identifier, &other.identifier) {
        (Some(one), Some(other)) => one.is_number_of(other),
        _ => false,
    }
}

/// Two messages wait for one movement: what is taken back is not amended any more.
fn join(known: &mut Movement, later: Movement) {
    let kind = |movement: &Movement| movement.held.map(|held| held.kind);
    for fingerprint in &later.seen {
        movement::remember(known, *fingerprint);
    }
    match (kind(known), kind(&later)) {
        (Some(HeldKind::Cancel), _) => {}
        (_, Some(HeldKind::Cancel)) => {
            known.seq = later.seq;
            if let Some(held) = &mut known.held {
                held.kind = HeldKind::Cancel;
            }
        }
        _ => movement::amend(known, later),
    }
}
