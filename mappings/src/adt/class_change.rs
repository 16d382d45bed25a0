//! A06 outpatient to inpatient, A07 inpatient to outpatient (FACTS §1): PV1-2 is the class from
//! now on. With ZBE-4 = CANCEL they take one another back (`cancel`).

use super::draft::Draft;
use super::movement::{self, New};
use super::visit::Visit;
use super::{admit, discharge, transfer};
use crate::records::StayRecord;

pub(super) fn change_class(
    draft: &mut Draft<'_>,
    stay: &mut StayRecord,
    visit: &Visit<'_>,
) -> bool {
    let Some(position) = transfer::position(draft, stay, visit) else { return false };
    let mut new = New::of(visit);
    new.effect.class.clone_from(&visit.class);
    new.placed = visit.place(draft);
    if new.identifier.is_none() && admit::is_in_place(stay, &new) {
        new.placed = None;
    }
    movement::add(draft, stay, new, position);
    if !visit.historic {
        movement::correct_start(stay, visit.admitted);
        discharge::finish_by_pv1_45(draft, stay, visit);
    }
    true
}
