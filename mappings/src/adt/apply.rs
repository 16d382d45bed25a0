//! The one door: a message and the records before it, in; changes and issues, out.

use std::sync::Arc;

use super::draft::Draft;
use super::event::Trigger;
use super::present::Present;
use super::values::at;
use super::visit::Visit;
use super::which_stay::{self, Found};
use super::{
    Context, Effect, IssueCode, Outcome, Records, account, admit, bed, cancel, class_change,
    clinical, delete, discharge, first_sight, hold, leave, link, merge, movement, moves,
    other_places, participants, pending, person, renumber, stay, structure, tracking, transfer,
    update, zbe,
};
use crate::entity::A08Use;
use crate::hl7::datatypes::Ts;
use crate::hl7::{DefectKind, Location, Message, Msh, Segment, Segments};
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
    match effect(&mut draft, message, event) {
        Effect::Applied => draft.finish(Effect::Applied),
        effect => draft.leave(effect),
    }
}

fn effect(draft: &mut Draft<'_>, message: &Message<'_>, event: Trigger) -> Effect {
    match event {
        Trigger::A28 | Trigger::A31 => person::person(draft, message.segments(), event),
        Trigger::A20 => bed::apply(draft, message),
        Trigger::A23 | Trigger::A29 => delete::apply(draft, message, event),
        Trigger::A24 | Trigger::A37 => link::apply(draft, message, event),
        Trigger::A43 | Trigger::A44 | Trigger::A45 => moves::apply(draft, message, event),
        Trigger::A42
        | Trigger::A46
        | Trigger::A47
        | Trigger::A48
        | Trigger::A49
        | Trigger::A50
        | Trigger::A51 => renumber::apply(draft, message, event),
        Trigger::A17 => swap(draft, message),
        _ if event.merges() => merge::merge(draft, message, event),
        _ => about_a_stay(draft, message, message.segments(), event),
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

/// Two patients and their stays, each with the place that is his from now on (FACTS §1 A17).
fn swap(draft: &mut Draft<'_>, message: &Message<'_>) -> Effect {
    let groups: Vec<_> = message.segments().groups("PID").take(3).collect();
    if groups.len() != 2 {
        draft.issue(IssueCode::FieldMissing, Location::segment(b"PID"));
    }
    let mut effect = Effect::NoEffect;
    for group in groups.into_iter().take(2) {
        if about_a_stay(draft, message, group, Trigger::A17) == Effect::Applied {
            effect = Effect::Applied;
        }
    }
    effect
}

fn about_a_stay(
    draft: &mut Draft<'_>,
    message: &Message<'_>,
    segments: Segments<'_>,
    event: Trigger,
) -> Effect {
    // The French extension knows no A08: what such a sender means by one is an A31.
    if event == Trigger::A08 && draft.is_french() {
        if draft.entity().settings.a08 == A08Use::Ignore {
            draft.issue(IssueCode::A08Ignored, Location::field(b"MSH", 9));
            return Effect::NoEffect;
        }
        if segments.segment("ZBE").exists() {
            return person::person(draft, segments, event);
        }
    }
    if event == Trigger::Z99 && segments.segment("ZBE").field(1).is_empty() {
        draft.issue(IssueCode::FieldMissing, Location::field(b"ZBE", 1));
        return person::person(draft, segments, event);
    }
    let Some(whom) = person::whom(draft, segments) else { return Effect::NoEffect };
    let visit = Visit::read(draft, message, segments, event);
    let found = which_stay::find(draft, &visit, whom.known.as_deref());
    if is_resend(&visit, &found, whom.known.as_deref()) {
        return Effect::Applied;
    }
    if let Some(kind) = waits(&visit, &found) {
        wait(draft, segments, whom, &visit, found, kind);
        return Effect::Applied;
    }
    if let Found::Ambiguous = found {
        draft.issue(IssueCode::StayAmbiguous, at(&visit.pv1, 19));
        return Effect::NoEffect;
    }
    let mut patient = person::take(draft, segments, event, whom);
    let mut held = None;
    let stay = match found {
        Found::Stay(stay) => {
            let mut stay = Arc::unwrap_or_clone(stay);
            held = hold::take_out(&mut patient, Some(&mut stay), &visit);
            Some(follow(draft, stay, &visit))
        }
        Found::New(number) => {
            if !visit.event.opens() {
                draft.issue(IssueCode::FirstSeenMidStay, at(&visit.pv1, 19));
            }
            held = hold::take_out(&mut patient, None, &visit);
            let mut stay = first_sight::create(draft, &visit, patient.id, number.as_ref());
            stay::take_numbers(draft, &mut stay, &visit);
            take_snapshot(draft, &mut stay, &visit);
            Some(stay)
        }
        Found::OfOther => {
            draft.issue(IssueCode::StayOfOtherPatient, at(&visit.pv1, 19));
            None
        }
        // An update of somebody who is not here is about the person.
        Found::None | Found::Ambiguous => {
            if !matches!(visit.event, Trigger::A08 | Trigger::A60) {
                draft.issue(IssueCode::StayNotFound, at(&visit.pv1, 19));
            }
            None
        }
    };
    let mut stay = stay;
    clinical::take(draft, segments, &mut patient, stay.as_mut(), visit.historic);
    if let Some(mut stay) = stay {
        if let Some(held) = held {
            hold::release(draft, &mut stay, held);
        }
        account::follow(draft, &stay, &visit);
        bed::of_visit(draft, &visit);
        patient.last_stay = Some(stay.id);
        draft.put_stay(stay);
    }
    draft.put_patient(patient);
    Effect::Applied
}

/// The very message, under whatever control id, came before.
fn is_resend(visit: &Visit<'_>, found: &Found, patient: Option<&PatientRecord>) -> bool {
    let by_stay =
        matches!(found, Found::Stay(stay) if movement::is_resend(stay, visit.fingerprint));
    by_stay || patient.is_some_and(|patient| hold::is_resend(patient, visit.fingerprint))
}

/// It says something of a movement that has not come.
fn waits(visit: &Visit<'_>, found: &Found) -> Option<HeldKind> {
    let kind = if visit.updates() { HeldKind::Update } else { HeldKind::Cancel };
    let movement = visit.cancelled_movement().or(visit.updated_movement())?;
    let came = matches!(found, Found::Stay(stay)
    if movement::by_identifier(stay, movement).is_some_and(|at| {
        stay.movements[at].held.is_none()
    }));
    (!came).then_some(kind)
}

/// What the message says of the person applies; the rest is held.
fn wait(
    draft: &mut Draft<'_>,
    segments: Segments<'_>,
    whom: person::Whom,
    visit: &Visit<'_>,
    found: Found,
    kind: HeldKind,
) {
    draft.issue(IssueCode::MovementHeld, Location::field(b"ZBE", 1));
    let mut patient = person::take(draft, segments, visit.event, whom);
    if let Found::Stay(stay) = found {
        let mut stay = Arc::unwrap_or_clone(stay);
        hold::with_stay(draft, &mut stay, visit, kind);
        clinical::take(draft, segments, &mut patient, Some(&mut stay), visit.historic);
        draft.put_stay(stay);
    } else {
        clinical::take_of_patient(draft, segments, &mut patient, visit.historic);
        hold::with_patient(draft, &mut patient, visit, kind);
    }
    draft.put_patient(patient);
}

/// A message about a stay that is known.
fn follow(draft: &mut Draft<'_>, mut stay: StayRecord, visit: &Visit<'_>) -> StayRecord {
    // A place that the message names has its record, even where the event does not use it.
    visit.place(draft);
    visit.prior_place(draft);
    let present = if visit.historic { Present::of(&stay) } else { None };
    if visit.updates() {
        if zbe::update(draft, &mut stay, visit) {
            take_snapshot(draft, &mut stay, visit);
        }
    } else if act(draft, &mut stay, visit) {
        stay::take_numbers(draft, &mut stay, visit);
        // What is told after the fact must not disturb the present.
        if !visit.historic {
            take_snapshot(draft, &mut stay, visit);
        }
    }
    if let Some(present) = present {
        present.keep(&mut stay);
    }
    stay
}

fn take_snapshot(draft: &mut Draft<'_>, stay: &mut StayRecord, visit: &Visit<'_>) {
    stay::take_attributes(draft, stay, visit);
    // A cancel says where the patient is; its other places may be those that it takes back.
    if !visit.cancels() {
        other_places::take(draft, stay, visit);
    }
}

/// What the event does to a stay; false where it does nothing at all.
pub(super) fn act(draft: &mut Draft<'_>, stay: &mut StayRecord, visit: &Visit<'_>) -> bool {
    match visit.event {
        _ if visit.cancels() => cancel::cancel(draft, stay, visit),
        Trigger::A01 | Trigger::A04 => admit::admit(draft, stay, visit),
        Trigger::A05 | Trigger::A14 => admit::plan(draft, stay, visit),
        Trigger::A02 | Trigger::A17 => transfer::transfer(draft, stay, visit),
        Trigger::A03 => discharge::discharge(draft, stay, visit),
        Trigger::A06 | Trigger::A07 => class_change::change_class(draft, stay, visit),
        Trigger::A08 | Trigger::A60 => update::update(draft, stay, visit),
        Trigger::A09 | Trigger::A10 => tracking::track(draft, stay, visit),
        Trigger::A15 | Trigger::A16 => pending::pend(draft, stay, visit),
        Trigger::A21 | Trigger::A22 => leave::leave(draft, stay, visit),
        Trigger::A54 | Trigger::A61 => participants::change(draft, stay, visit),
        _ => false,
    }
}
