//! A20: the status of a bed (NPU-2, table 0116), without any patient; and PV1-40 of any other event,
//! which says the same of the room or bed of PV1-3 (FACTS §1, §3).

use std::sync::Arc;

use super::draft::Draft;
use super::values::at;
use super::visit::{Placed, Visit};
use super::{Effect, IssueCode};
use crate::hl7::{Message, Segment};
use crate::records::{Record, RecordType, ResourceId};

/// Each NPU is one bed.
pub(super) fn apply(draft: &mut Draft<'_>, message: &Message<'_>) -> Effect {
    let mut effect = Effect::NoEffect;
    for npu in message.segments_named("NPU").take(super::moves::GROUPS_MAX) {
        let Some(place) = draft.place(npu.field(1), at(&npu, 1)) else {
            draft.issue(IssueCode::FieldMissing, at(&npu, 1));
            continue;
        };
        let location = draft.location(&place);
        set(draft, location, &npu, 2);
        effect = Effect::Applied;
    }
    if !message.segment("NPU").exists() {
        draft.issue(IssueCode::FieldMissing, crate::hl7::Location::segment(b"NPU"));
    }
    effect
}

/// PV1-40.
pub(super) fn of_visit(draft: &mut Draft<'_>, visit: &Visit<'_>) {
    if visit.historic || visit.pv1.field(40).is_empty() {
        return;
    }
    let is_bed = |placed: &Placed| !placed.place.room.is_empty() || !placed.place.bed.is_empty();
    if let Some(placed) = visit.place(draft).filter(is_bed) {
        set(draft, placed.location, &visit.pv1, 40);
    }
}

fn set(draft: &mut Draft<'_>, location: ResourceId, segment: &Segment<'_>, field: usize) {
    if let Some(Record::Location(known)) = draft.record(RecordType::Location, location) {
        let mut known = Arc::unwrap_or_clone(known);
        draft.set_coded(&mut known.operational_status, segment, field, "0116");
        draft.put(known);
    }
}
