//! OBX → Observation (FACTS §3).

use std::borrow::Cow;
use std::iter::once_with;

use super::super::draft::Draft;
use super::super::values::at;
use super::list::{self, Listed, Owner};
use super::{Lists, coding, living_will, observation_value};
use crate::hl7::datatypes::{Cwe, Xcn};
use crate::hl7::{Segment, Value};
use crate::records::{Coded, Identifier, ObservationRecord, RecordType, Stamp};

pub(super) fn take(
    draft: &mut Draft<'_>,
    owner: Owner,
    lists: &mut Lists<'_>,
    obx: &[Segment<'_>],
    historic: bool,
) {
    let Some(said) = list::said::<ObservationRecord>(draft, owner, obx) else { return };
    let said = said.into_iter().map(|(observation, _)| observation).collect();
    let known = list::known(draft, list::ids(lists.parts(), RecordType::Observation));
    // PD1-7 brings its own, which no OBX takes away.
    let (wills, known) = known.into_iter().partition::<Vec<_>, _>(living_will::is_one);
    let list = list::replace(draft, owner, known, said, historic);
    let wills = wills.iter().map(|will| will.id);
    let ids = wills.chain(list::put(draft, list)).collect::<Vec<_>>();
    list::set_ids(lists.parts(), RecordType::Observation, ids);
}

impl Listed for ObservationRecord {
    list::of_record!(Observation);
    const SEGMENT: &'static str = "OBX";
    const NAMED_BY: &'static [usize] = &[3];

    fn blank(owner: Owner) -> Self {
        Self {
            id: owner.patient,
            stamp: Stamp::default(),
            patient: owner.patient,
            stay: owner.stay,
            identifiers: Vec::new(),
            status: String::new(),
            category: Coded::default(),
            code: Coded::default(),
            sub_id: String::new(),
            values: Vec::new(),
            unit: Coded::default(),
            reference_range: String::new(),
            interpretations: Vec::new(),
            effective: None,
            performers: Vec::new(),
            method: Coded::default(),
            body_site: Coded::default(),
        }
    }

    fn read(&mut self, draft: &mut Draft<'_>, obx: &Segment<'_>) {
        draft.set_coded(&mut self.code, obx, 3, "");
        if let Value::Text(text) = obx.field(4).value() {
            self.sub_id = draft.text(Some(text), at(obx, 4)).trim().to_owned();
        }
        if let Some(values) = observation_value::read(draft, obx) {
            self.values = values;
        }
        draft.set_coded(&mut self.unit, obx, 6, "");
        if let Value::Text(text) = obx.field(7).value() {
            self.reference_range = draft.text(Some(text), at(obx, 7)).trim().to_owned();
        }
        let interpretations = draft.list(obx, 8, |draft, repetition, at| {
            Some(draft.coded(Cwe::of(repetition), "0078", at)).filter(coding::says)
        });
        if let Some(interpretations) = interpretations {
            self.interpretations = interpretations;
        }
        draft.set_text(&mut self.status, obx.field(11).component(1), at(obx, 11));
        draft.set_moment(&mut self.effective, obx, 14);
        let performers = draft
            .list(obx, 16, |draft, repetition, at| draft.practitioner(Xcn::of(repetition), "", at));
        if let Some(performers) = performers {
            self.performers = performers;
        }
        draft.set_coded(&mut self.method, obx, 17, "");
        draft.set_coded(&mut self.body_site, obx, 20, "");
        coding::set_number(draft, &mut self.identifiers, obx, 21, "observation");
        draft.set_coded(&mut self.category, obx, 29, "0936");
    }

    fn identifiers(&self) -> &[Identifier] {
        &self.identifiers
    }

    fn key(&self) -> impl Iterator<Item = Cow<'_, str>> {
        let [system, code] = list::what(&self.code);
        let effective = || self.effective.map(|moment| moment.to_fhir()).unwrap_or_default().into();
        [system, code, (&self.sub_id).into()].into_iter().chain(once_with(effective))
    }
}
