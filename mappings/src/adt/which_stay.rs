//! Which stay a message is about (DESIGN §3).
//!
//! By number (PV1-19, else PV1-50, else PID-18 where the EJ says so), whatever the stay's
//! status; else by the key of an opening; else the patient's only eligible stay, or of several
//! the one touched last. Everything else opens, creates, or has no stay.

use std::sync::Arc;

use super::draft::Draft;
use super::event::Trigger;
use super::movement;
use super::visit::{Visit, identifier};
use crate::entity::AuthorityUse;
use crate::records::{Identifier, PatientRecord, ResourceId, StayRecord, StayStatus};

pub(super) enum Found {
    Stay(Arc<StayRecord>),
    /// Unknown; to be made under this number, or under its opening key.
    New(Option<Identifier>),
    /// No stay fits, and the event opens none.
    None,
    Ambiguous,
    /// The number is a stay of somebody else.
    OfOther,
}

/// `patient`: the one that the message is about, where it is known already.
pub(super) fn find(
    draft: &mut Draft<'_>,
    visit: &Visit<'_>,
    patient: Option<&PatientRecord>,
) -> Found {
    let number = visit.number(draft);
    if let Some(number) = &number {
        let known = draft.stay_by_identifier(&number.system, &number.value);
        if let Some(stay) = known.and_then(|id| draft.stay(id)) {
            return of_patient(stay, patient);
        }
        let continued = patient.and_then(|patient| pre_admission(draft, visit, patient));
        if let Some(stay) = continued.or_else(|| prior_number(draft, visit)) {
            return of_patient(stay, patient);
        }
        if visit.is_no_visit() && !visit.event.opens() {
            return Found::None;
        }
        return Found::New(Some(number.clone()));
    }
    if let Some(patient) = patient {
        if let Some(stay) = pre_admission(draft, visit, patient) {
            return Found::Stay(stay);
        }
        match without_number(draft, visit, patient) {
            Found::None => {}
            found => return found,
        }
    }
    if visit.event.opens() && !visit.is_no_visit() && !visit.cancels() {
        return Found::New(None);
    }
    Found::None
}

fn of_patient(stay: Arc<StayRecord>, patient: Option<&PatientRecord>) -> Found {
    if patient.is_some_and(|patient| patient.id == stay.patient) {
        Found::Stay(stay)
    } else {
        Found::OfOther
    }
}

fn without_number(draft: &Draft<'_>, visit: &Visit<'_>, patient: &PatientRecord) -> Found {
    let stays = draft.stays_of(patient.id);
    // A resend means the stay that it meant at first, whatever is open by now.
    if let Some(stay) = stays.iter().find(|stay| movement::is_resend(stay, visit.fingerprint)) {
        return Found::Stay(Arc::clone(stay));
    }
    // A movement's own number names its stay as well as the visit's would.
    let named = visit.cancelled_movement().or(visit.updated_movement());
    let has = |stay: &&Arc<StayRecord>| {
        named.is_some_and(|number| movement::by_identifier(stay, number).is_some())
    };
    if let Some(stay) = stays.iter().find(has) {
        return Found::Stay(Arc::clone(stay));
    }
    let key = visit.opening_key();
    if visit.event.opens()
        && let Some(stay) = stays.iter().find(|stay| key.is_some() && stay.opening_key == key)
    {
        return Found::Stay(Arc::clone(stay));
    }
    let mut eligible: Vec<_> = stays.into_iter().filter(|stay| fits(stay, visit.event)).collect();
    if eligible.len() > 1 {
        eligible.retain(|stay| patient.last_stay == Some(stay.id));
        if eligible.is_empty() {
            return Found::Ambiguous;
        }
    }
    eligible.pop().map_or(Found::None, Found::Stay)
}

fn fits(stay: &StayRecord, event: Trigger) -> bool {
    let void = matches!(stay.status(), StayStatus::Cancelled | StayStatus::EnteredInError);
    let was_on_leave = |leave| movement::last(stay, |m| movement::is_event(m, leave)).is_some();
    event.fits(stay.status()) || !void && event.fits_after().is_some_and(was_on_leave)
}

/// An A01 whose PV1-5 names a planned stay of this patient, by visit number or by account (the
/// French texts disagree on which it is, so that CX-5 decides nothing).
fn pre_admission(
    draft: &mut Draft<'_>,
    visit: &Visit<'_>,
    patient: &PatientRecord,
) -> Option<Arc<StayRecord>> {
    if visit.event != Trigger::A01 {
        return None;
    }
    let by_visit = identifier(draft, &visit.pv1, 5, AuthorityUse::Visit)?;
    let by_account = identifier(draft, &visit.pv1, 5, AuthorityUse::Account)?;
    let mut planned = draft.stays_of(patient.id).into_iter().filter(|stay| {
        stay.status() == StayStatus::Planned
            && (stay.identifiers.iter().any(|own| own.is_number_of(&by_visit))
                || stay.account.iter().any(|own| own.is_number_of(&by_account)))
    });
    let stay = planned.next()?;
    planned.next().is_none().then_some(stay)
}

/// An A06 or A07 under a new number, whose MRG-5 names the one before (FACTS §1 A06).
fn prior_number(draft: &mut Draft<'_>, visit: &Visit<'_>) -> Option<Arc<StayRecord>> {
    if !visit.event.changes_class() {
        return None;
    }
    let prior = identifier(draft, &visit.mrg, 5, AuthorityUse::Visit)?;
    let id: ResourceId = draft.stay_by_identifier(&prior.system, &prior.value)?;
    draft.stay(id)
}
