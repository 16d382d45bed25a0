//! A18, A30, A34, A36, A39 and A40 merge patients (DESIGN §3): MRG-1 is absorbed by PID-3, group by
//! group, at its place in the journal.

use std::sync::Arc;

use super::draft::Draft;
use super::event::Trigger;
use super::identity::{self, Identifiers};
use super::{Effect, IssueCode, account, clinical, hold, moves, numbers, patient, person};
use crate::hl7::{Message, Segments};
use crate::records::{Identifier, IdentifierUse, Link, LinkKind, PatientRecord, ResourceId};

pub(super) fn merge(draft: &mut Draft<'_>, message: &Message<'_>, event: Trigger) -> Effect {
    let mut any = false;
    for group in moves::groups(draft, message) {
        if event.merges_patients() {
            any |= merge_group(draft, group);
        }
        if event.merges_accounts() {
            any |= accounts(draft, group, event);
        }
    }
    if any { Effect::Applied } else { Effect::NoEffect }
}

/// A35, A36, A41: the account of MRG-3, of whoever PID-3 is by now.
fn accounts(draft: &mut Draft<'_>, group: Segments<'_>, event: Trigger) -> bool {
    let Some(whom) = person::whom(draft, group) else { return false };
    let mut patient = person::take(draft, group, event, whom);
    account::merge(draft, &mut patient, group);
    draft.put_patient(patient);
    true
}

/// Who an MRG-1 repetition names.
enum Loser {
    Known(ResourceId),
    Unknown(Identifier),
}

fn merge_group(draft: &mut Draft<'_>, group: Segments<'_>) -> bool {
    let pid = group.segment("PID");
    let named = identity::read(draft, &pid, 3);
    if named.keys.is_empty() {
        draft.issue(IssueCode::FieldMissing, super::values::at(&pid, 3));
        return false;
    }
    let found = identity::find(draft, &named.keys);
    let mut losers = Vec::new();
    for mrg in group.named("MRG") {
        let prior = identity::read(draft, &mrg, 1);
        if prior.keys.is_empty() {
            draft.issue(IssueCode::FieldMissing, super::values::at(&mrg, 1));
        }
        for key in prior.keys {
            losers.extend(judge(draft, found, &named, key, &mrg));
        }
    }
    if losers.is_empty() {
        return false;
    }
    let Some(mut survivor) = survivor(draft, found, &named, &pid) else { return false };
    patient::update(draft, &mut survivor, group, &named);
    for loser in losers {
        absorb(draft, &mut survivor, loser);
    }
    draft.put_patient(survivor);
    true
}

/// What a prior identifier asks for; `None` where it asks for nothing, or for what must not be.
fn judge(
    draft: &mut Draft<'_>,
    survivor: Option<ResourceId>,
    named: &Identifiers,
    key: Identifier,
    mrg: &crate::hl7::Segment<'_>,
) -> Option<Loser> {
    let place = super::values::at(mrg, 1);
    if named.keys.iter().any(|own| identity::is_same(own, &key)) {
        draft.issue(IssueCode::MergeWithSelf, place);
        return None;
    }
    let Some(id) = draft.patient_by_identifier(&key.system, &key.value) else {
        draft.issue(IssueCode::MergeLoserUnknown, place);
        return Some(Loser::Unknown(key));
    };
    let id = identity::survivor(draft, id);
    let is_old = draft.patient(id).is_some_and(|patient| {
        let own = patient.identifiers.iter().find(|own| identity::is_same(own, &key));
        own.is_none_or(|own| own.r#use == IdentifierUse::Old)
    });
    match (survivor == Some(id), is_old) {
        // The same merge again: done long ago.
        (true, true) => None,
        // The survivor's own number: itself, or the reverse of a merge that was done.
        (true, false) => {
            draft.issue(IssueCode::MergeWithSelf, place);
            None
        }
        // The number was merged into somebody else, who is not the one that this message means.
        (false, true) => {
            draft.issue(IssueCode::MergeLoserElsewhere, place);
            None
        }
        (false, false) => Some(Loser::Known(id)),
    }
}

fn survivor(
    draft: &mut Draft<'_>,
    found: Option<ResourceId>,
    named: &Identifiers,
    pid: &crate::hl7::Segment<'_>,
) -> Option<PatientRecord> {
    if let Some(known) = found.and_then(|id| draft.patient(id)) {
        return Some(Arc::unwrap_or_clone(known));
    }
    draft.issue(IssueCode::MergeSurvivorUnknown, super::values::at(pid, 3));
    let id = identity::mint(draft, &named.keys)?;
    Some(patient::unknown(draft, id, true))
}

fn absorb(draft: &mut Draft<'_>, survivor: &mut PatientRecord, loser: Loser) {
    let id = match loser {
        Loser::Known(id) => id,
        Loser::Unknown(mut key) => {
            key.r#use = IdentifierUse::Old;
            numbers::add(draft, survivor, key);
            return;
        }
    };
    let Some(loser) = draft.patient(id).filter(|loser| loser.replaced_by().is_none()) else {
        // Named by two of its numbers: absorbed by the first.
        return;
    };
    let mut loser = Arc::unwrap_or_clone(loser);
    numbers::move_all(draft, &mut loser, survivor);
    loser.active = false;
    loser.links.push(Link { kind: LinkKind::ReplacedBy, other: survivor.id });
    survivor.links.push(Link { kind: LinkKind::Replaces, other: loser.id });
    for stay in draft.stays_of(loser.id) {
        let mut stay = Arc::unwrap_or_clone(stay);
        stay.patient = survivor.id;
        clinical::move_stay(draft, &stay, survivor.id);
        draft.put_stay(stay);
    }
    clinical::move_parts(draft, &mut loser, survivor);
    for held in std::mem::take(&mut loser.held) {
        hold::with_patient_too(draft, survivor, held);
    }
    survivor.last_stay = later(draft, survivor.last_stay, loser.last_stay);
    draft.put_patient(loser);
}

/// Of two stays, the one that a message changed last.
fn later(
    draft: &Draft<'_>,
    one: Option<ResourceId>,
    other: Option<ResourceId>,
) -> Option<ResourceId> {
    let version = |id: Option<ResourceId>| Some(draft.stay(id?)?.stamp.version);
    if version(other) > version(one) { other } else { one }
}
