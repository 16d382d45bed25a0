//! What belongs to a patient goes with a merge, and what belongs to a stay with the stay.

use super::super::draft::Draft;
use super::list::LISTED_MAX;
use crate::records::{PatientRecord, Record, RecordType, ResourceId, StayRecord};

/// All that `from` lists is `to`'s from now on. Both lists are kept: the next snapshot says which
/// of two allergies to one thing remains.
pub(in super::super) fn move_parts(
    draft: &mut Draft<'_>,
    from: &mut PatientRecord,
    to: &mut PatientRecord,
) {
    for part in std::mem::take(&mut from.parts) {
        give(draft, part, to.id);
        let of_type = to.parts.iter().filter(|own| own.0 == part.0).count();
        if of_type < LISTED_MAX && !to.parts.contains(&part) {
            to.parts.push(part);
        }
    }
    to.parts.sort_by_key(|part| part.0);
}

/// All that the stay lists is `to`'s, as the stay itself.
pub(in super::super) fn move_stay(draft: &mut Draft<'_>, stay: &StayRecord, to: ResourceId) {
    for diagnosis in &stay.diagnoses {
        give(draft, (RecordType::Condition, diagnosis.condition), to);
    }
    for part in &stay.parts {
        give(draft, *part, to);
    }
}

fn give(draft: &mut Draft<'_>, (ty, id): (RecordType, ResourceId), to: ResourceId) {
    let Some(mut record) = draft.record(ty, id) else { return };
    if let Record::Coverage(coverage) = &record
        && let Some(subscriber) = coverage.subscriber
    {
        give(draft, (RecordType::RelatedPerson, subscriber), to);
    }
    if let Some(patient) = record.patient_mut() {
        *patient = to;
        draft.put(record);
    }
}
