//! A08 update (FACTS §1): a snapshot of the stay that moves nobody and keeps the status.

use super::draft::Draft;
use super::values::at;
use super::visit::Visit;
use super::{IssueCode, discharge, movement};
use crate::records::{StayRecord, StayStatus};

pub(super) fn update(draft: &mut Draft<'_>, stay: &mut StayRecord, visit: &Visit<'_>) -> bool {
    if matches!(stay.status(), StayStatus::Cancelled | StayStatus::EnteredInError) {
        draft.issue(IssueCode::StayStateUnexpected, at(&visit.pv1, 19));
        return false;
    }
    let placed = visit.place(draft);
    movement::correct_place(stay, placed);
    movement::correct_start(stay, visit.admitted);
    discharge::finish_by_pv1_45(draft, stay, visit);
    true
}
