//! A23 deletes a visit, or without a visit number the patient's record; A29 deletes a person (FACTS §1;
//! DESIGN §3). Nothing is taken away: what is deleted is marked so, and an opening event, or an A28,
//! brings it back. What the message says of the person is not taken.

use std::sync::Arc;

use super::draft::Draft;
use super::event::Trigger;
use super::values::at;
use super::visit::Visit;
use super::{Effect, IssueCode, person, renumber};
use crate::hl7::Message;
use crate::records::{PatientRecord, StayStatus};

pub(super) fn apply(draft: &mut Draft<'_>, message: &Message<'_>, event: Trigger) -> Effect {
    let segments = message.segments();
    let pid = segments.segment("PID");
    let Some(whom) = person::whom(draft, segments) else { return Effect::NoEffect };
    let Some(patient) = whom.known else {
        draft.issue(IssueCode::NothingToCancel, at(&pid, 3));
        return Effect::NoEffect;
    };
    if event == Trigger::A23 {
        let visit = Visit::read(draft, message, segments, event);
        if visit.number(draft).is_some() {
            return stay(draft, &patient, &visit);
        }
    }
    let mut patient = Arc::unwrap_or_clone(patient);
    patient.active = false;
    patient.void = event == Trigger::A23;
    draft.put_patient(patient);
    Effect::Applied
}

fn stay(draft: &mut Draft<'_>, patient: &PatientRecord, visit: &Visit<'_>) -> Effect {
    let number = visit.number(draft);
    let known = number.and_then(|n| draft.stay_by_identifier(&n.system, &n.value));
    let Some(stay) = known.and_then(|id| draft.stay(id)) else {
        draft.issue(IssueCode::NothingToCancel, at(&visit.pv1, 19));
        return Effect::NoEffect;
    };
    if stay.patient != patient.id {
        draft.issue(IssueCode::StayOfOtherPatient, at(&visit.pv1, 19));
        return Effect::NoEffect;
    }
    if stay.status() != StayStatus::EnteredInError {
        let mut stay = Arc::unwrap_or_clone(stay);
        renumber::void(draft, &mut stay, visit);
        draft.put_stay(stay);
    }
    Effect::Applied
}
