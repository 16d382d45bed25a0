//! PID-18 → Account (French *dossier*): made at first sight, merged (A35, A36, A41), renumbered (A49),
//! moved (A44), closed (PV1-41) and cancelled (PV1-51).

use std::sync::Arc;

use super::draft::Draft;
use super::event::Trigger;
use super::values::at;
use super::visit::{Visit, identifier};
use super::{IssueCode, moves};
use crate::entity::AuthorityUse;
use crate::hl7::{Segment, Segments};
use crate::records::{
    AccountRecord, Identifier, IdentifierUse, PatientRecord, Record, RecordType, ResourceId, Stamp,
    StayRecord, StayStatus,
};

/// Accounts that a patient lists; those beyond are found by their number alone.
const LISTED_MAX: usize = 64;

/// PID-18, where it is no visit number.
pub(super) fn number(draft: &mut Draft<'_>, pid: &Segment<'_>) -> Option<Identifier> {
    if draft.entity().settings.account_is_visit {
        return None;
    }
    identifier(draft, pid, 18, AuthorityUse::Account)
}

/// Makes the account that PID-18 names, where nobody knows it yet.
pub(super) fn take(
    draft: &mut Draft<'_>,
    patient: &mut PatientRecord,
    pid: &Segment<'_>,
    event: Trigger,
) {
    // Their PID-18 says what is to become of an account.
    if matches!(event, Trigger::A44 | Trigger::A45 | Trigger::A49) {
        return;
    }
    let Some(number) = number(draft, pid) else { return };
    let Some(account) = shared(draft, &number) else {
        make(draft, patient, number);
        return;
    };
    if account.patient != patient.id {
        draft.issue(IssueCode::IdentifierTaken, at(pid, 18));
    } else if event.opens() && !account.active {
        let account = Arc::unwrap_or_clone(account);
        draft.put(AccountRecord { active: true, void: false, ..account });
    }
}

fn make(draft: &mut Draft<'_>, patient: &mut PatientRecord, number: Identifier) -> AccountRecord {
    let id = draft.mint(RecordType::Account, &[&number.system, &number.value]);
    let account = AccountRecord {
        id,
        stamp: Stamp::default(),
        patient: patient.id,
        identifiers: vec![number],
        active: true,
        void: false,
        merged_into: None,
    };
    list(patient, id);
    draft.put(account.clone());
    account
}

fn list(patient: &mut PatientRecord, account: ResourceId) {
    let part = (RecordType::Account, account);
    let listed = patient.parts.iter().filter(|part| part.0 == RecordType::Account).count();
    if listed < LISTED_MAX && !patient.parts.contains(&part) {
        patient.parts.push(part);
        patient.parts.sort_by_key(|part| part.0);
    }
}

/// The account of that number, or the one that took it over.
fn find(draft: &Draft<'_>, number: &Identifier) -> Option<AccountRecord> {
    shared(draft, number).map(Arc::unwrap_or_clone)
}

fn shared(draft: &Draft<'_>, number: &Identifier) -> Option<Arc<AccountRecord>> {
    let id = draft.by_identifier(RecordType::Account, &number.system, &number.value)?;
    match draft.record(RecordType::Account, id)? {
        Record::Account(account) => Some(account),
        _ => None,
    }
}

fn get(draft: &Draft<'_>, id: ResourceId) -> Option<AccountRecord> {
    match draft.record(RecordType::Account, id)? {
        Record::Account(account) => Some(Arc::unwrap_or_clone(account)),
        _ => None,
    }
}

/// The record of a stay's account: none where the number is another patient's.
pub(super) fn record_of(draft: &Draft<'_>, stay: &StayRecord) -> Option<ResourceId> {
    let account = shared(draft, stay.account.as_ref()?)?;
    (account.patient == stay.patient).then_some(account.id)
}

/// What an event of a stay does to its account (pam-fr §2, §7): an A03 with PV1-41 = D closes it and an
/// A13 opens it again; an A11 that leaves nothing of the stay cancels it too, unless PV1-51 says
/// that it is to be used again.
pub(super) fn follow(draft: &mut Draft<'_>, stay: &StayRecord, visit: &Visit<'_>) {
    let concerns = matches!(visit.event, Trigger::A03 | Trigger::A11 | Trigger::A13);
    if !concerns || !draft.is_french() || visit.historic {
        return;
    }
    let Some(mut account) = stay.account_record.and_then(|id| get(draft, id)) else { return };
    let said = |field: usize| visit.pv1.field(field).component(1).text();
    let before = (account.active, account.void);
    match visit.event {
        Trigger::A03 if said(41).trim() == "D" => account.active = false,
        Trigger::A13 if !account.void => account.active = true,
        Trigger::A11 if stay.status() == StayStatus::Cancelled && said(51).trim() != "V" => {
            let is_used = |other: &Arc<StayRecord>| {
                other.id != stay.id
                    && other.account_record == Some(account.id)
                    && !matches!(other.status(), StayStatus::Cancelled | StayStatus::EnteredInError)
            };
            if !draft.stays_of(stay.patient).iter().any(is_used) {
                (account.active, account.void) = (false, true);
            }
        }
        _ => {}
    }
    if before != (account.active, account.void) {
        draft.put(account);
    }
}

/// A35, A36, A41: MRG-3 is absorbed by PID-18. The loser stays readable, and its numbers lead to the
/// survivor.
pub(super) fn merge(draft: &mut Draft<'_>, patient: &mut PatientRecord, group: Segments<'_>) {
    let (pid, mrg) = (group.segment("PID"), group.segment("MRG"));
    let Some((into, prior)) = both(draft, &pid, &mrg) else { return };
    let mut survivor = find(draft, &into).unwrap_or_else(|| make(draft, patient, into));
    let Some(mut loser) = find(draft, &prior) else {
        draft.issue(IssueCode::MergeLoserUnknown, at(&mrg, 3));
        add(&mut survivor, Identifier { r#use: IdentifierUse::Old, ..prior });
        draft.put(survivor);
        return;
    };
    if loser.merged_into.is_some() {
        return;
    }
    if loser.id == survivor.id {
        let is_old = |own: &Identifier| own.r#use == IdentifierUse::Old && own.is_number_of(&prior);
        if !survivor.identifiers.iter().any(is_old) {
            draft.issue(IssueCode::MergeWithSelf, at(&mrg, 3));
        }
        return;
    }
    for number in std::mem::take(&mut loser.identifiers) {
        add(&mut survivor, Identifier { r#use: IdentifierUse::Old, ..number });
    }
    loser.active = false;
    loser.merged_into = Some(survivor.id);
    for stay in draft.stays_of(loser.patient) {
        if stay.account_record == Some(loser.id) {
            let mut stay = Arc::unwrap_or_clone(stay);
            stay.account = survivor.identifiers.first().cloned();
            stay.account_record = Some(survivor.id);
            draft.put_stay(stay);
        }
    }
    draft.put(survivor);
    draft.put(loser);
}

/// A49: MRG-3 becomes PID-18; the number before stays valid as old.
pub(super) fn renumber(draft: &mut Draft<'_>, patient: &mut PatientRecord, group: Segments<'_>) {
    let (pid, mrg) = (group.segment("PID"), group.segment("MRG"));
    let Some((number, prior)) = both(draft, &pid, &mrg) else { return };
    let known = find(draft, &number);
    let Some(mut account) = find(draft, &prior) else {
        draft.issue(IssueCode::MergeLoserUnknown, at(&mrg, 3));
        let mut account = known.unwrap_or_else(|| make(draft, patient, number));
        add(&mut account, Identifier { r#use: IdentifierUse::Old, ..prior });
        draft.put(account);
        return;
    };
    if let Some(known) = known {
        if known.id != account.id {
            draft.issue(IssueCode::IdentifierTaken, at(&pid, 18));
        }
        return;
    }
    for own in &mut account.identifiers {
        own.r#use = IdentifierUse::Old;
    }
    account.identifiers.insert(0, number.clone());
    for stay in draft.stays_of(account.patient) {
        if stay.account_record == Some(account.id) {
            let mut stay = Arc::unwrap_or_clone(stay);
            stay.account = Some(number.clone());
            draft.put_stay(stay);
        }
    }
    draft.put(account);
}

/// A44: the account of PID-18 (else MRG-3) is PID-3's from now on, its stays with it.
pub(super) fn give(
    draft: &mut Draft<'_>,
    patient: &mut PatientRecord,
    group: Segments<'_>,
    from: Option<ResourceId>,
) {
    let (pid, mrg) = (group.segment("PID"), group.segment("MRG"));
    let named = number(draft, &pid).or_else(|| identifier(draft, &mrg, 3, AuthorityUse::Account));
    let Some(named) = named else {
        draft.issue(IssueCode::FieldMissing, at(&pid, 18));
        return;
    };
    let Some(mut account) = find(draft, &named) else {
        // Seen for the first time, it is whose it is said to be.
        make(draft, patient, named);
        return;
    };
    if account.patient == patient.id {
        return;
    }
    if from.is_some_and(|from| from != account.patient) {
        draft.issue(IssueCode::IdentifierTaken, at(&mrg, 1));
        return;
    }
    let source = account.patient;
    for stay in draft.stays_of(source) {
        if stay.account_record == Some(account.id) {
            moves::give_stay(draft, stay, patient);
        }
    }
    if let Some(source) = draft.patient(source) {
        let mut source = Arc::unwrap_or_clone(source);
        source.parts.retain(|part| *part != (RecordType::Account, account.id));
        draft.put_patient(source);
    }
    list(patient, account.id);
    account.patient = patient.id;
    draft.put(account);
}

/// PID-18 and MRG-3; told where one is missing.
fn both(
    draft: &mut Draft<'_>,
    pid: &Segment<'_>,
    mrg: &Segment<'_>,
) -> Option<(Identifier, Identifier)> {
    let into = identifier(draft, pid, 18, AuthorityUse::Account);
    let prior = identifier(draft, mrg, 3, AuthorityUse::Account);
    match (into, prior) {
        (None, _) => draft.issue(IssueCode::FieldMissing, at(pid, 18)),
        (_, None) => draft.issue(IssueCode::FieldMissing, at(mrg, 3)),
        (Some(into), Some(prior)) => return Some((into, prior)),
    }
    None
}

fn add(account: &mut AccountRecord, number: Identifier) {
    if !account.identifiers.iter().any(|own| own.is_number_of(&number)) {
        account.identifiers.push(number);
    }
}
