//! A46 to A51: a number is replaced by another on the same patient, account or visit, and A42: one visit
//! is absorbed by another (FACTS §1). What was before stays valid, as old.

use std::sync::Arc;

use super::draft::Draft;
use super::event::Trigger;
use super::french::ins;
use super::identity::{self, Identifiers};
use super::movement::{self, New, Position};
use super::values::at;
use super::visit::{Visit, identifier};
use super::{Effect, IssueCode, account, moves, numbers, person, systems};
use crate::entity::AuthorityUse;
use crate::hl7::datatypes::Cx;
use crate::hl7::{Message, Segment, Segments};
use crate::records::{
    Identifier, IdentifierUse, MovementEffect, PatientRecord, StayRecord, StayStatus,
};

pub(super) fn apply(draft: &mut Draft<'_>, message: &Message<'_>, event: Trigger) -> Effect {
    let mut effect = Effect::NoEffect;
    for group in moves::groups(draft, message) {
        let target = match event {
            Trigger::A47 => of_either(draft, group),
            _ => person::whom(draft, group),
        };
        let Some(whom) = target else { continue };
        let mut patient = person::take(draft, group, event, whom);
        match event {
            Trigger::A46 => outside_pid_3(draft, &mut patient, group, (4, 2)),
            Trigger::A48 => outside_pid_3(draft, &mut patient, group, (2, 4)),
            Trigger::A47 => list(draft, &mut patient, group),
            Trigger::A49 => account::renumber(draft, &mut patient, group),
            Trigger::A42 => absorb_visit(draft, message, &mut patient, group),
            _ => visit(draft, &patient, group, event),
        }
        draft.put_patient(patient);
        effect = Effect::Applied;
    }
    effect
}

/// The patient of an A47, by the list before or by the one that replaces it: it is one patient, and
/// where there are two, this is no merge.
fn of_either(draft: &mut Draft<'_>, group: Segments<'_>) -> Option<person::Whom> {
    let mut whom = person::whom(draft, group)?;
    let prior = identity::read(draft, &group.segment("MRG"), 1);
    let before = identity::find(draft, &prior.keys);
    if let (Some(before), Some(known)) = (before, &whom.known)
        && before != known.id
    {
        draft.issue(IssueCode::IdentifierTaken, at(&group.segment("MRG"), 1));
        return None;
    }
    whom.known = whom.known.or_else(|| before.and_then(|id| draft.patient(id)));
    Some(whom)
}

/// A47: of MRG-1, what PID-3 no longer lists is old; an INS is removed (pam-fr §6).
fn list(draft: &mut Draft<'_>, patient: &mut PatientRecord, group: Segments<'_>) {
    let listed = identity::read(draft, &group.segment("PID"), 3);
    let prior = identity::read(draft, &group.segment("MRG"), 1);
    let is_in = |list: &Identifiers, own: &Identifier| {
        list.listed.iter().any(|(_, other)| identity::is_same(own, other))
    };
    let replaced = |own: &Identifier| is_in(&prior, own) && !is_in(&listed, own);
    patient.identifiers.retain(|own| !(ins::is_national(own) && replaced(own)));
    for own in patient.identifiers.iter_mut().filter(|own| replaced(own)) {
        own.r#use = IdentifierUse::Old;
    }
}

/// A46: MRG-4 becomes PID-2. A48: MRG-2 becomes PID-4. Shown, never keys.
fn outside_pid_3(
    draft: &mut Draft<'_>,
    patient: &mut PatientRecord,
    group: Segments<'_>,
    (before, after): (usize, usize),
) {
    let (pid, mrg) = (group.segment("PID"), group.segment("MRG"));
    let own_system = if after == 2 { "pid-2" } else { "pid-4" };
    let mut read = |segment: &Segment<'_>, field: usize| {
        let cx = Cx::of(segment.field(field));
        let (_, mut number) = draft.identifier(cx, AuthorityUse::Patient, at(segment, field))?;
        if cx.assigning_authority().is_empty() {
            number.system = systems::local(draft.entity(), own_system);
        }
        Some(number)
    };
    let (prior, number) = (read(&mrg, before), read(&pid, after));
    if prior.is_none() {
        draft.issue(IssueCode::FieldMissing, at(&mrg, before));
    }
    let Some(number) = number else {
        draft.issue(IssueCode::FieldMissing, at(&pid, after));
        return;
    };
    if let Some(prior) = prior.filter(|prior| !identity::is_same(prior, &number)) {
        let own = patient.identifiers.iter_mut().find(|own| identity::is_same(own, &prior));
        if let Some(own) = own {
            own.r#use = IdentifierUse::Old;
        }
    }
    if !patient.identifiers.iter().any(|own| own.value == number.value) {
        numbers::add(draft, patient, number);
    }
}

/// The number before (MRG) and the number after (PV1).
struct Renumbered {
    before: Identifier,
    after: Identifier,
}

fn renumbered(
    draft: &mut Draft<'_>,
    group: Segments<'_>,
    (before, after): (usize, usize),
) -> Option<Renumbered> {
    let (mrg, pv1) = (group.segment("MRG"), group.segment("PV1"));
    let prior = identifier(draft, &mrg, before, AuthorityUse::Visit);
    let number = identifier(draft, &pv1, after, AuthorityUse::Visit);
    match (prior, number) {
        (Some(before), Some(after)) => return Some(Renumbered { before, after }),
        (None, _) => draft.issue(IssueCode::FieldMissing, at(&mrg, before)),
        (_, None) => draft.issue(IssueCode::FieldMissing, at(&pv1, after)),
    }
    None
}

fn stay_of(draft: &Draft<'_>, number: &Identifier) -> Option<Arc<StayRecord>> {
    draft.stay(draft.stay_by_identifier(&number.system, &number.value)?)
}

/// A50: MRG-5 becomes PV1-19. A51: MRG-6 becomes PV1-50.
fn visit(draft: &mut Draft<'_>, patient: &PatientRecord, group: Segments<'_>, event: Trigger) {
    let fields = if event == Trigger::A50 { (5, 19) } else { (6, 50) };
    let Some(Renumbered { before, after }) = renumbered(draft, group, fields) else { return };
    let place = at(&group.segment("MRG"), fields.0);
    let by_visit = |draft: &mut Draft<'_>| {
        let pv1 = group.segment("PV1");
        identifier(draft, &pv1, 19, AuthorityUse::Visit).and_then(|number| stay_of(draft, &number))
    };
    let known = stay_of(draft, &after);
    let stay = stay_of(draft, &before).or_else(|| known.clone()).or_else(|| by_visit(draft));
    let Some(stay) = stay else {
        draft.issue(IssueCode::StayNotFound, place);
        return;
    };
    if stay.patient != patient.id {
        draft.issue(IssueCode::StayOfOtherPatient, place);
        return;
    }
    if known.is_some_and(|known| known.id != stay.id) {
        draft.issue(IssueCode::IdentifierTaken, at(&group.segment("PV1"), fields.1));
        return;
    }
    let mut stay = Arc::unwrap_or_clone(stay);
    replace(&mut stay, before, after, event == Trigger::A50);
    draft.put_stay(stay);
}

/// The number after takes the place of the one before: the first, where it is the visit's own.
fn replace(stay: &mut StayRecord, before: Identifier, after: Identifier, first: bool) {
    let at = stay.identifiers.iter().position(|own| identity::is_same(own, &before));
    let known = stay.identifiers.iter().position(|own| identity::is_same(own, &after));
    match at {
        Some(at) => stay.identifiers[at].r#use = IdentifierUse::Old,
        None => stay.identifiers.push(Identifier { r#use: IdentifierUse::Old, ..before }),
    }
    if known.is_none() {
        let at = if first { 0 } else { stay.identifiers.len().min(1) };
        stay.identifiers.insert(at, after);
    }
}

/// A42: MRG-5 is absorbed by PV1-19: its number leads there, and it stays readable, in error. Where
/// there is no PV1-19 yet, the visit is renumbered: there is nothing that it could be absorbed by.
fn absorb_visit(
    draft: &mut Draft<'_>,
    message: &Message<'_>,
    patient: &mut PatientRecord,
    group: Segments<'_>,
) {
    let Some(Renumbered { before, after }) = renumbered(draft, group, (5, 19)) else { return };
    let (survivor, loser) = (stay_of(draft, &after), stay_of(draft, &before));
    let (Some(survivor), Some(loser)) = (survivor, loser) else {
        if stay_of(draft, &before).is_none() {
            draft.issue(IssueCode::MergeLoserUnknown, at(&group.segment("MRG"), 5));
        }
        visit(draft, patient, group, Trigger::A50);
        return;
    };
    if survivor.id == loser.id {
        let is_old =
            |own: &Identifier| own.r#use == IdentifierUse::Old && identity::is_same(own, &before);
        if !survivor.identifiers.iter().any(is_old) {
            draft.issue(IssueCode::MergeWithSelf, at(&group.segment("MRG"), 5));
        }
        return;
    }
    if survivor.patient != patient.id || loser.patient != patient.id {
        draft.issue(IssueCode::StayOfOtherPatient, at(&group.segment("MRG"), 5));
        return;
    }
    let (mut survivor, mut loser) = (Arc::unwrap_or_clone(survivor), Arc::unwrap_or_clone(loser));
    for number in std::mem::take(&mut loser.identifiers) {
        survivor.identifiers.push(Identifier { r#use: IdentifierUse::Old, ..number });
    }
    let visit = Visit::read(draft, message, group, Trigger::A42);
    void(draft, &mut loser, &visit);
    patient.last_stay = Some(survivor.id);
    draft.put_stay(loser);
    draft.put_stay(survivor);
}

/// Entered in error, whatever it was: a movement of its own, so that what was before is kept.
pub(super) fn void(draft: &mut Draft<'_>, stay: &mut StayRecord, visit: &Visit<'_>) {
    let effect =
        MovementEffect { status: Some(StayStatus::EnteredInError), ..MovementEffect::default() };
    let new = New { identifier: None, effect, ..New::of(visit) };
    movement::add(draft, stay, new, Position::Last);
}
