//! PD1-7 → an Observation of whether there is a living will (FACTS §3 PD1).

use super::super::draft::Draft;
use super::super::values::at;
use super::coding;
use super::list::{self, Listed, Owner};
use crate::hl7::Segment;
use crate::hl7::datatypes::Cwe;
use crate::records::{Coded, ObservationRecord, ObservationValue, PatientRecord, RecordType};

/// LOINC: *Advance directive*.
const CODE: &str = "75320-2";
const LOINC: &str = "LN";

pub(super) fn is_told(pd1: &Segment<'_>) -> bool {
    !pd1.field(7).is_empty()
}

pub(super) fn is_one(observation: &ObservationRecord) -> bool {
    observation.code.code == CODE && observation.code.system == LOINC
}

/// It is the patient's, whatever stay the message is about.
pub(super) fn take(draft: &mut Draft<'_>, patient: &mut PatientRecord, pd1: &[Segment<'_>]) {
    let Some(pd1) = pd1.first() else { return };
    let owner = Owner { patient: patient.id, stay: None };
    let known = list::known(draft, list::ids(&patient.parts, RecordType::Observation));
    let (wills, others) = known.into_iter().partition::<Vec<_>, _>(is_one);
    let field = pd1.field(7);
    let mut said = Vec::new();
    if !field.is_null() {
        let will = draft.coded(Cwe::of(field), "0315", at(pd1, 7));
        if !coding::says(&will) {
            return;
        }
        let mut observation = ObservationRecord::blank(owner);
        observation.code =
            Coded { code: CODE.to_owned(), system: LOINC.to_owned(), ..Coded::default() };
        observation.status = "F".to_owned();
        observation.values = vec![ObservationValue::Coded(will)];
        said.push(observation);
    }
    let list = list::replace(draft, owner, wills, said, false);
    let others = others.iter().map(|observation| observation.id);
    let ids = list::put(draft, list).into_iter().chain(others).collect::<Vec<_>>();
    list::set_ids(&mut patient.parts, RecordType::Observation, ids);
}
