//! The one door: a message and the records before it, in; changes and issues, out.

use std::sync::Arc;

use super::draft::Draft;
use super::event::Trigger;
use super::values::at;
use super::visit::Visit;
use super::which_stay::{self, Found};
use super::{
    Context, Effect, IssueCode, Outcome, Records, admit, cancel, class_change, clinical, discharge,
    first_sight, hold, identity, merge, movement, patient, stay, structure, transfer, update,
};
use crate::hl7::datatypes::Ts;
use crate::hl7::{DefectKind, Location, Message, Msh, Segment};
use crate::records::{EventCode, HeldKind, PatientRecord, StayRecord};

/// What an ADT message does to the records.
///
/// Pure and idempotent: applied again to the records that it left, a message changes nothing.
/// Events are known by MSH-9.2 (or EVN-1 where that is empty), never by MSH-9.3.
#[must_use]
pub fn apply(message: &Message<'_>, context: &Context<'_>, records: &dyn Records) -> Outcome {
    let mut draft = Draft::new(context, records);
    broken_structure(&mut draft, message);
    if is_structure(message) {
        let occurred =
            draft.moment(Ts::of(message.segment("MFI").field(5)), Location::field(b"MFI", 5));
        draft.about(EventCode::new("M05"), occurred);
        let effect = structure::fold(&mut draft, message);
        return draft.finish(effect);
    }
    let Some(event) = trigger(message) else {
        draft.issue(IssueCode::EventNotMapped, Location::field(b"MSH", 9).at_component(2));
        return draft.leave(Effect::NotMapped);
    };
    about(&mut draft, message, event);
    match event {
        Trigger::A40 => {
            let effect = merge::merge(&mut draft, message);
            draft.finish(effect)
        }
        Trigger::A28 | Trigger::A31 => person(draft, message, event),
        _ => about_a_stay(draft, message, event),
    }
}

/// ZBE-2 beats EVN-6 (FACTS §1, PAM).
fn about(draft: &mut Draft<'_>, message: &Message<'_>, event: Trigger) {
    let mut moment = |segment: &Segment<'_>, field| {
        draft.moment(Ts::of(segment.field(field)), at(segment, field))
    };
    let effective = moment(&message.segment("ZBE"), 2);
    let occurred = effective.or_else(|| moment(&message.segment("EVN"), 6));
    draft.about(EventCode::new(event.as_str()), occurred);
}

/// MFN^M05, by MSH-9.1 and 9.2 alone: the specification's own example says MFM_M05 in 9.3.
fn is_structure(message: &Message<'_>) -> bool {
    let msh = Msh::of(message);
    msh.message_code() == "MFN" && msh.trigger_event() == "M05"
}

fn trigger(message: &Message<'_>) -> Option<Trigger> {
    let msh = Msh::of(message);
    if msh.message_code() != "ADT" {
        return None;
    }
    let event = msh.trigger_event();
    if event.is_empty() {
        return Trigger::parse(message.segment("EVN").field(1).component(1).text().trim());
    }
    Trigger::parse(&event)
}

/// What the reader could not make sense of stays reachable, but no event knows of it.
fn broken_structure(draft: &mut Draft<'_>, message: &Message<'_>) {
    for defect in message.defects() {
        if matches!(
            defect.kind,
            DefectKind::SegmentName
                | DefectKind::NoFieldSeparator
                | DefectKind::SecondMsh
                | DefectKind::BatchSegment
        ) {
            draft.issue(IssueCode::StructureBroken, defect.location);
        }
    }
}

/// PID, PD1 and NK1 only: A28, A31, and the French A08.
fn person(mut draft: Draft<'_>, message: &Message<'_>, event: Trigger) -> Outcome {
    let Some(known) = whom(&mut draft, message) else { return draft.leave(Effect::NoEffect) };
    let mut patient = take_patient(&mut draft, message, event, known);
    clinical::take(&mut draft, message.segments(), &mut patient, None, false);
    draft.put_patient(patient);
    draft.finish(Effect::Applied)
}

/// The patient whom PID-3 names: known, or to be made.
struct Whom {
    identifiers: identity::Identifiers,
    known: Option<Arc<PatientRecord>>,
}

fn whom(draft: &mut Draft<'_>, message: &Message<'_>) -> Option<Whom> {
    let identifiers = identity::read(draft, &message.segment("PID"), 3);
    if identifiers.keys.is_empty() {
        draft.issue(IssueCode::FieldMissing, Location::field(b"PID", 3));
        return None;
    }
    let known = identity::find(draft, &identifiers.keys).and_then(|id| draft.patient(id));
    Some(Whom { identifiers, known })
}

fn take_patient(
    draft: &mut Draft<'_>,
    message: &Message<'_>,
    event: Trigger,
    whom: Whom,
) -> PatientRecord {
    let mut patient = match whom.known {
        Some(known) => Arc::unwrap_or_clone(known),
        None => {
            let mid_stay = !event.creates_a_patient();
            if mid_stay {
                draft.issue(IssueCode::FirstSeenMidStay, Location::field(b"PID", 3));
            }
            let id = identity::mint(draft, &whom.identifiers.keys)
                .expect("`whom` answers only where there is a key");
            PatientRecord { first_seen_mid_stay: mid_stay, ..PatientRecord::new(id) }
        }
    };
    patient::update(draft, &mut patient, message.segments(), &whom.identifiers);
    patient
}

fn about_a_stay(mut draft: Draft<'_>, message: &Message<'_>, event: Trigger) -> Outcome {
    // The French extension knows no A08: what such a sender means by one is an A31.
    if event == Trigger::A08 && draft.is_french() && message.segment("ZBE").exists() {
        return person(draft, message, event);
    }
    let Some(whom) = whom(&mut draft, message) else { return draft.leave(Effect::NoEffect) };
    let visit = Visit::read(&mut draft, message, event);
    let found = which_stay::find(&mut draft, &visit, whom.known.as_deref());
    if is_resend(&visit, &found, whom.known.as_deref()) {
        return draft.leave(Effect::Applied);
    }
    if let Some(kind) = waits(&visit, &found) {
        return wait(draft, message, whom, &visit, found, kind);
    }
    if let Found::Ambiguous = found {
        draft.issue(IssueCode::StayAmbiguous, Location::field(b"PV1", 19));
        return draft.leave(Effect::NoEffect);
    }
    let mut patient = take_patient(&mut draft, message, event, whom);
    let mut held = None;
    let stay = match found {
        Found::Stay(stay) => {
            let mut stay = Arc::unwrap_or_clone(stay);
            held = hold::take_out(&mut patient, Some(&mut stay), &visit);
            Some(follow(&mut draft, stay, &visit))
        }
        Found::New(number) => {
            if !visit.event.opens() {
                draft.issue(IssueCode::FirstSeenMidStay, Location::field(b"PV1", 19));
            }
            held = hold::take_out(&mut patient, None, &visit);
            let mut stay = first_sight::create(&mut draft, &visit, patient.id, number.as_ref());
            stay::take_numbers(&mut draft, &mut stay, &visit);
            stay::take_attributes(&mut draft, &mut stay, &visit);
            Some(stay)
        }
        Found::OfOther => {
            draft.issue(IssueCode::StayOfOtherPatient, Location::field(b"PV1", 19));
            None
        }
        // An update of somebody who is not here is about the person.
        Found::None | Found::Ambiguous => {
            if visit.event != Trigger::A08 {
                draft.issue(IssueCode::StayNotFound, Location::field(b"PV1", 19));
            }
            None
        }
    };
    let mut stay = stay;
    let historic = visit.historic;
    clinical::take(&mut draft, message.segments(), &mut patient, stay.as_mut(), historic);
    if let Some(mut stay) = stay {
        if let Some(held) = held {
            hold::release(&mut draft, &mut stay, held);
        }
        patient.last_stay = Some(stay.id);
        draft.put_stay(stay);
    }
    draft.put_patient(patient);
    draft.finish(Effect::Applied)
}

/// The very message, under whatever control id, came before.
fn is_resend(visit: &Visit<'_>, found: &Found, patient: Option<&PatientRecord>) -> bool {
    let by_stay =
        matches!(found, Found::Stay(stay) if movement::is_resend(stay, visit.fingerprint));
    by_stay || patient.is_some_and(|patient| hold::is_resend(patient, visit.fingerprint))
}

/// It says something of a movement that has not come.
fn waits(visit: &Visit<'_>, found: &Found) -> Option<HeldKind> {
    let movement = visit.cancelled_movement()?;
    let came = matches!(found, Found::Stay(stay)
    if movement::by_identifier(stay, movement).is_some_and(|at| {
        stay.movements[at].held.is_none()
    }));
    (!came).then_some(HeldKind::Cancel)
}

/// What the message says of the person applies; the rest is held.
fn wait(
    mut draft: Draft<'_>,
    message: &Message<'_>,
    whom: Whom,
    visit: &Visit<'_>,
    found: Found,
    kind: HeldKind,
) -> Outcome {
    draft.issue(IssueCode::MovementHeld, Location::field(b"ZBE", 1));
    let mut patient = take_patient(&mut draft, message, visit.event, whom);
    if let Found::Stay(stay) = found {
        let mut stay = Arc::unwrap_or_clone(stay);
        hold::with_stay(&mut draft, &mut stay, visit, kind);
        let historic = visit.historic;
        clinical::take(&mut draft, message.segments(), &mut patient, Some(&mut stay), historic);
        draft.put_stay(stay);
    } else {
        clinical::take_of_patient(&mut draft, message.segments(), &mut patient, visit.historic);
        hold::with_patient(&mut draft, &mut patient, visit, kind);
    }
    draft.put_patient(patient);
    draft.finish(Effect::Applied)
}

/// A message about a stay that is known.
fn follow(draft: &mut Draft<'_>, mut stay: StayRecord, visit: &Visit<'_>) -> StayRecord {
    // A place that the message names has its record, even where the event does not use it.
    visit.place(draft);
    visit.prior_place(draft);
    let applied = match visit.event {
        Trigger::A06 | Trigger::A07 if visit.cancels() => cancel::cancel(draft, &mut stay, visit),
        Trigger::A11 | Trigger::A12 | Trigger::A13 => cancel::cancel(draft, &mut stay, visit),
        Trigger::A01 | Trigger::A04 => admit::admit(draft, &mut stay, visit),
        Trigger::A05 => admit::plan(draft, &mut stay, visit),
        Trigger::A02 => transfer::transfer(draft, &mut stay, visit),
        Trigger::A03 => discharge::discharge(draft, &mut stay, visit),
        Trigger::A06 | Trigger::A07 => class_change::change_class(draft, &mut stay, visit),
        Trigger::A08 => update::update(draft, &mut stay, visit),
        Trigger::A28 | Trigger::A31 | Trigger::A40 => false,
    };
    if applied {
        stay::take_numbers(draft, &mut stay, visit);
        // What is told after the fact must not disturb the present.
        if !visit.historic {
            stay::take_attributes(draft, &mut stay, visit);
        }
    }
    stay
}
