//! A43 moves an identifier, A44 an account, A45 a visit from one patient to another (FACTS §1). Nobody
//! is merged: whom they are taken from goes on.

use std::sync::Arc;

use super::draft::Draft;
use super::event::Trigger;
use super::values::at;
use super::visit::identifier;
use super::{Effect, IssueCode, account, clinical, hold, identity, numbers, person};
use crate::entity::AuthorityUse;
use crate::hl7::{Message, Segment, Segments};
use crate::records::{
    HeldMovement, Identifier, IdentifierUse, PatientRecord, ResourceId, StayRecord,
};

/// Groups of a message that are applied: a hostile one has more.
pub(super) const GROUPS_MAX: usize = 64;

/// PATIENT groups, each begun by its PID.
pub(super) fn groups<'m>(draft: &mut Draft<'_>, message: &'m Message<'m>) -> Vec<Segments<'m>> {
    let mut groups: Vec<_> = message.groups("PID").take(GROUPS_MAX + 1).collect();
    if groups.len() > GROUPS_MAX {
        draft.issue(IssueCode::ValueCut, crate::hl7::Location::segment(b"PID"));
        groups.truncate(GROUPS_MAX);
    }
    if groups.is_empty() {
        draft.issue(IssueCode::FieldMissing, crate::hl7::Location::field(b"PID", 3));
    }
    groups
}

pub(super) fn apply(draft: &mut Draft<'_>, message: &Message<'_>, event: Trigger) -> Effect {
    let mut effect = Effect::NoEffect;
    for group in groups(draft, message) {
        // A43: PID-3 is whom the identifiers are moved to, and lists them among his own by then.
        let target = match event {
            Trigger::A43 => without_moved(draft, group),
            _ => person::whom(draft, group),
        };
        let Some(whom) = target else { continue };
        let mut patient = person::take(draft, group, event, whom);
        match event {
            Trigger::A43 => identifiers(draft, &mut patient, group),
            Trigger::A44 => {
                let from = prior_patient(draft, group);
                account::give(draft, &mut patient, group, from);
            }
            _ => visits(draft, &mut patient, group),
        }
        draft.put_patient(patient);
        effect = Effect::Applied;
    }
    effect
}

fn prior_patient(draft: &mut Draft<'_>, group: Segments<'_>) -> Option<ResourceId> {
    let prior = identity::read(draft, &group.segment("MRG"), 1);
    identity::find(draft, &prior.keys)
}

/// The patient of an A43, by those of his numbers that are not the ones to be moved.
fn without_moved(draft: &mut Draft<'_>, group: Segments<'_>) -> Option<person::Whom> {
    let mut whom = person::whom(draft, group)?;
    let moved = moved(draft, group);
    let is_moved = |own: &Identifier| moved.iter().any(|key| identity::is_same(own, key));
    let own: Vec<_> = whom.identifiers.keys.iter().filter(|key| !is_moved(key)).cloned().collect();
    if own.is_empty() {
        draft.issue(IssueCode::MergeWithSelf, at(&group.segment("MRG"), 1));
        return None;
    }
    whom.known = identity::find(draft, &own).and_then(|id| draft.patient(id));
    whom.identifiers.listed.retain(|(_, listed)| !is_moved(listed));
    whom.identifiers.keys = own;
    Some(whom)
}

fn moved(draft: &mut Draft<'_>, group: Segments<'_>) -> Vec<Identifier> {
    let mut moved = Vec::new();
    for mrg in group.named("MRG").take(GROUPS_MAX) {
        let prior = identity::read(draft, &mrg, 1);
        if prior.keys.is_empty() {
            draft.issue(IssueCode::FieldMissing, at(&mrg, 1));
        }
        moved.extend(prior.keys);
    }
    moved
}

/// A43: each number of MRG-1 is the patient's now, and no longer its owner's.
fn identifiers(draft: &mut Draft<'_>, patient: &mut PatientRecord, group: Segments<'_>) {
    for number in moved(draft, group) {
        let owner = draft.patient_by_identifier(&number.system, &number.value);
        let owner = owner.map(|id| identity::survivor(draft, id)).filter(|id| *id != patient.id);
        let mut given = number.clone();
        if let Some(owner) = owner.and_then(|id| draft.patient(id)) {
            let mut owner = Arc::unwrap_or_clone(owner);
            let same = |own: &Identifier| identity::is_same(own, &number);
            if let Some(at) = owner.identifiers.iter().position(same) {
                given = owner.identifiers.remove(at);
                given.r#use = IdentifierUse::None;
            }
            draft.put_patient(owner);
        }
        numbers::add(draft, patient, given);
    }
}

/// A45, `(MRG PV1)+`: the visit of MRG-5, else of PV1-19.
fn visits(draft: &mut Draft<'_>, patient: &mut PatientRecord, group: Segments<'_>) {
    let mut any = false;
    let mrgs: Vec<Segment<'_>> = group.named("MRG").take(GROUPS_MAX).collect();
    let pv1s: Vec<Segment<'_>> = group.named("PV1").take(GROUPS_MAX).collect();
    for n in 0..mrgs.len().max(pv1s.len()) {
        let mut number = |segment: Option<&Segment<'_>>, field| {
            let segment = segment?;
            let number = identifier(draft, segment, field, AuthorityUse::Visit)?;
            Some((number, at(segment, field)))
        };
        let (prior, named) = (number(mrgs.get(n), 5), number(pv1s.get(n), 19));
        let Some((number, place)) = prior.or(named) else { continue };
        any = true;
        let stay = draft.stay_by_identifier(&number.system, &number.value);
        let Some(stay) = stay.and_then(|id| draft.stay(id)) else {
            draft.issue(IssueCode::StayNotFound, place);
            continue;
        };
        if stay.patient != patient.id {
            give_stay(draft, stay, patient);
        }
    }
    if !any {
        draft.issue(IssueCode::FieldMissing, at(&group.segment("MRG"), 5));
    }
}

/// The stay is `to`'s, with what belongs to it and what waits for it; the account stays where it is,
/// unless it is moved with it.
pub(super) fn give_stay(draft: &mut Draft<'_>, stay: Arc<StayRecord>, to: &mut PatientRecord) {
    let mut stay = Arc::unwrap_or_clone(stay);
    clinical::move_stay(draft, &stay, to.id);
    if let Some(from) = draft.patient(stay.patient) {
        let mut from = Arc::unwrap_or_clone(from);
        if from.last_stay == Some(stay.id) {
            from.last_stay = None;
        }
        let is_of_stay =
            |visit: &Identifier| stay.identifiers.iter().any(|own| identity::is_same(own, visit));
        let waits = |held: &HeldMovement| held.visit.as_ref().is_some_and(is_of_stay);
        let held = std::mem::take(&mut from.held);
        let (moved, left) = held.into_iter().partition(waits);
        from.held = left;
        draft.put_patient(from);
        for held in Vec::<HeldMovement>::into_iter(moved) {
            hold::with_patient_too(draft, to, held);
        }
    }
    to.last_stay = Some(stay.id);
    stay.patient = to.id;
    draft.put_stay(stay);
}
