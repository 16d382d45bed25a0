//! A09 departing, A10 arriving (FACTS §1): where the patient is for a while. The census, and with
//! it the assigned place and the status, stays as it was.

use super::draft::Draft;
use super::movement::{self, New};
use super::visit::Visit;
use super::{admit, transfer};
use crate::records::{PlaceRole, StayRecord};

pub(super) fn track(draft: &mut Draft<'_>, stay: &mut StayRecord, visit: &Visit<'_>) -> bool {
    let Some(position) = transfer::position(draft, stay, visit) else { return false };
    let mut new = New::of(visit);
    new.role = PlaceRole::Temporary;
    // PV1-3 is where to only if it is not the place that the patient has: then he is back.
    new.placed = visit.other_place(draft, 11).or_else(|| visit.place(draft));
    if admit::is_in_place(stay, &new) {
        new.placed = None;
    }
    movement::add(draft, stay, new, position);
    true
}
