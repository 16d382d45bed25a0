//! The first message about a stay: opened by it, or, going live in mid-stream, made from its
//! snapshot (DESIGN §3).

use super::draft::Draft;
use super::event::Trigger;
use super::movement::{self, By, New};
use super::visit::{Placed, Visit};
use super::{admit, apply, stay};
use crate::records::{Coded, Identifier, MovementEffect, ResourceId, StayRecord, StayStatus};

pub(super) fn create(
    draft: &mut Draft<'_>,
    visit: &Visit<'_>,
    patient: ResourceId,
    number: Option<&Identifier>,
) -> StayRecord {
    let mut stay = stay::unknown(draft, visit, patient, number);
    let status = match visit.event {
        _ if admit::names_a_pre_admission(visit) => Some(StayStatus::Planned),
        _ if visit.event.opens() => None,
        // A cancel of a return goes back to the leave, and a return ends one.
        Trigger::A53 | Trigger::A22 => Some(StayStatus::OnLeave),
        Trigger::A08 | Trigger::A60 if is_planned(visit.class.as_ref()) => {
            Some(StayStatus::Planned)
        }
        _ => Some(StayStatus::InProgress),
    };
    if let Some(status) = status {
        before(draft, &mut stay, visit, status);
    }
    match visit.event {
        Trigger::A11 | Trigger::A27 | Trigger::A38 => {
            movement::cancel_from(&mut stay, 0, By::of(visit));
        }
        // There was nothing yet that could be taken back, and `before` says where the patient is.
        _ if visit.cancels() => {}
        _ => {
            apply::act(draft, &mut stay, visit);
        }
    }
    stay
}

fn is_planned(class: Option<&Coded>) -> bool {
    class.is_some_and(|class| class.code == "P")
}

/// What was there before the feed: a movement without event, number or time, so that no cancel
/// means it, and a cancel of the message's own movement has something to return to. Of a
/// transfer, the place before is PV1-6.
fn before(draft: &mut Draft<'_>, stay: &mut StayRecord, visit: &Visit<'_>, status: StayStatus) {
    let placed: Option<Placed> = match visit.event {
        Trigger::A02 | Trigger::A06 | Trigger::A07 | Trigger::A17 if !visit.cancels() => {
            visit.prior_place(draft)
        }
        _ => visit.place(draft),
    };
    let effect = MovementEffect {
        status: Some(status),
        class: visit.class.clone(),
        start: visit.admitted,
        ..MovementEffect::default()
    };
    let new = New { identifier: None, start: None, placed, effect, ..New::of(visit) };
    movement::begin(stay, new);
}
