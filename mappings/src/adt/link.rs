//! A24 links two patients, A37 takes the link away (FACTS §1). Both go on by themselves.

use std::sync::Arc;

use super::draft::Draft;
use super::event::Trigger;
use super::values::at;
use super::{Effect, IssueCode, moves, person};
use crate::hl7::{Location, Message};
use crate::records::{Link, LinkKind, ResourceId};

pub(super) fn apply(draft: &mut Draft<'_>, message: &Message<'_>, event: Trigger) -> Effect {
    let links = event == Trigger::A24;
    let mut found: Vec<ResourceId> = Vec::new();
    for group in moves::groups(draft, message) {
        let Some(whom) = person::whom(draft, group) else { continue };
        if whom.known.is_none() && !links {
            draft.issue(IssueCode::NothingToCancel, at(&group.segment("PID"), 3));
            continue;
        }
        let patient = person::take(draft, group, event, whom);
        found.push(patient.id);
        draft.put_patient(patient);
    }
    let [one, other] = found[..] else {
        draft.issue(IssueCode::FieldMissing, Location::segment(b"PID"));
        return if found.is_empty() { Effect::NoEffect } else { Effect::Applied };
    };
    if one == other {
        draft.issue(IssueCode::MergeWithSelf, Location::segment(b"PID"));
        return Effect::Applied;
    }
    let mut any = false;
    for (id, other) in [(one, other), (other, one)] {
        let Some(patient) = draft.patient(id) else { continue };
        let link = Link { kind: LinkKind::SeeAlso, other };
        let known = patient.links.contains(&link);
        any |= known;
        let mut patient = Arc::unwrap_or_clone(patient);
        if links && !known {
            patient.links.push(link);
        } else if !links {
            patient.links.retain(|own| *own != link);
        }
        draft.put_patient(patient);
    }
    if !links && !any {
        draft.issue(IssueCode::NothingToCancel, Location::segment(b"PID"));
    }
    Effect::Applied
}
