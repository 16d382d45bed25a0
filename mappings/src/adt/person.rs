//! The person whom a message is about: PID-3 finds or makes the patient, the rest of PID, PD1 and NK1
//! is a snapshot.

use std::sync::Arc;

use super::draft::Draft;
use super::event::Trigger;
use super::values::at;
use super::{Effect, IssueCode, account, clinical, identity, patient};
use crate::hl7::Segments;
use crate::records::PatientRecord;

/// The patient whom PID-3 names: known, or to be made.
pub(super) struct Whom {
    pub identifiers: identity::Identifiers,
    pub known: Option<Arc<PatientRecord>>,
}

pub(super) fn whom(draft: &mut Draft<'_>, segments: Segments<'_>) -> Option<Whom> {
    let pid = segments.segment("PID");
    let identifiers = identity::read(draft, &pid, 3);
    if identifiers.keys.is_empty() {
        draft.issue(IssueCode::FieldMissing, at(&pid, 3));
        return None;
    }
    let known = identity::find(draft, &identifiers.keys).and_then(|id| draft.patient(id));
    Some(Whom { identifiers, known })
}

/// With the message's snapshot taken; still to be put.
pub(super) fn take(
    draft: &mut Draft<'_>,
    segments: Segments<'_>,
    event: Trigger,
    whom: Whom,
) -> PatientRecord {
    let pid = segments.segment("PID");
    let mut patient = match whom.known {
        Some(known) => Arc::unwrap_or_clone(known),
        None => {
            let mid_stay = !event.creates_a_patient();
            if mid_stay {
                draft.issue(IssueCode::FirstSeenMidStay, at(&pid, 3));
            }
            let id = identity::mint(draft, &whom.identifiers.keys)
                .expect("`whom` answers only where there is a key");
            patient::unknown(draft, id, mid_stay)
        }
    };
    if event.creates_a_patient() && patient.replaced_by().is_none() {
        // Deleted (A23, A29) and added again.
        patient.active = true;
        patient.void = false;
    }
    patient::update(draft, &mut patient, segments, &whom.identifiers);
    account::take(draft, &mut patient, &pid, event);
    patient
}

/// A28, A31, the French A08, and all that is about the person alone.
pub(super) fn person(draft: &mut Draft<'_>, segments: Segments<'_>, event: Trigger) -> Effect {
    let Some(known) = whom(draft, segments) else { return Effect::NoEffect };
    let mut patient = take(draft, segments, event, known);
    clinical::take(draft, segments, &mut patient, None, false);
    draft.put_patient(patient);
    Effect::Applied
}
