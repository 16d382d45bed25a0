//! IN1 → Coverage, with its insurers and the person who is insured (FACTS §3).

use std::borrow::Cow;
use std::iter::{once, once_with};

use super::super::draft::Draft;
use super::super::values::at;
use super::list::{self, Listed, Owner};
use super::{coding, insurer};
use crate::hl7::Segment;
use crate::hl7::datatypes::{Cwe, Cx, Xad, Xpn};
use crate::records::{
    Coded, CoverageRecord, Identifier, NamedOrganization, PatientRecord, RecordType,
    RelatedPersonRecord, ResourceId, Stamp,
};

pub(super) fn take(
    draft: &mut Draft<'_>,
    patient: &mut PatientRecord,
    in1: &[Segment<'_>],
    pv1: &Segment<'_>,
    historic: bool,
) {
    let owner = Owner { patient: patient.id, stay: None };
    let Some(mut said) = list::said::<CoverageRecord>(draft, owner, in1) else { return };
    let known: Vec<CoverageRecord> =
        list::known(draft, list::ids(&patient.parts, RecordType::Coverage));
    subscribers(draft, owner, &known, &mut said, historic);
    // FC.1, of the stay: what kind of cover it is, where IN1-15 does not say.
    let class = Cwe::of(pv1.field(20).component(1));
    let class = draft.coded(class, "0064", at(pv1, 20));
    let mut coverages = Vec::with_capacity(said.len());
    for (mut coverage, _) in said {
        if !coding::says(&coverage.coverage_type) && coding::says(&class) {
            coverage.coverage_type.clone_from(&class);
        }
        coverages.push(coverage);
    }
    let list = list::replace(draft, owner, known, coverages, historic);
    let ids = list::put(draft, list);
    list::set_ids(&mut patient.parts, RecordType::Coverage, ids);
}

/// The persons whom the coverages name as insured: a list of its own, which the coverages hold.
/// One who is insured by two of them is one person.
fn subscribers(
    draft: &mut Draft<'_>,
    owner: Owner,
    known: &[CoverageRecord],
    said: &mut [(CoverageRecord, Segment<'_>)],
    historic: bool,
) {
    let mut ids: Vec<ResourceId> = known.iter().filter_map(|known| known.subscriber).collect();
    ids.sort_unstable();
    ids.dedup();
    let known = list::known(draft, ids);
    let mut persons: Vec<RelatedPersonRecord> = Vec::new();
    let mut named_by = Vec::with_capacity(said.len());
    for (coverage, in1) in said.iter() {
        let mut person = RelatedPersonRecord::blank(owner);
        person.read(draft, in1);
        if coverage.subscriber_is_patient || !person.is_named() {
            named_by.push(None);
            continue;
        }
        let at = persons.iter().position(|other| other.is_same(&person));
        named_by.push(Some(at.unwrap_or(persons.len())));
        if at.is_none() {
            persons.push(person);
        }
    }
    let persons = list::replace(draft, owner, known, persons, historic);
    let persons = list::put(draft, persons);
    for ((coverage, _), person) in said.iter_mut().zip(named_by) {
        coverage.subscriber = person.and_then(|at| persons.get(at)).copied();
    }
}

impl Listed for CoverageRecord {
    list::of_record!(Coverage);
    const SEGMENT: &'static str = "IN1";
    const NAMED_BY: &'static [usize] = &[2, 3];

    fn blank(owner: Owner) -> Self {
        Self {
            id: owner.patient,
            stamp: Stamp::default(),
            patient: owner.patient,
            plan: Coded::default(),
            coverage_type: Coded::default(),
            insurers: Vec::new(),
            group_number: String::new(),
            group_name: String::new(),
            policy_holder: NamedOrganization::default(),
            start: None,
            end: None,
            subscriber: None,
            subscriber_is_patient: false,
            relationship: Coded::default(),
            policy_number: String::new(),
            subscriber_number: None,
            order: None,
        }
    }

    fn read(&mut self, draft: &mut Draft<'_>, in1: &Segment<'_>) {
        coding::set_count(draft, &mut self.order, in1, 1);
        draft.set_coded(&mut self.plan, in1, 2, "0072");
        self.insurers = insurer::insurers(draft, in1);
        draft.set_text(&mut self.group_number, in1.field(8).component(1), at(in1, 8));
        draft.set_text(&mut self.group_name, in1.field(9).component(1), at(in1, 9));
        self.policy_holder = insurer::policy_holder(draft, in1);
        draft.set_moment(&mut self.start, in1, 12);
        draft.set_moment(&mut self.end, in1, 13);
        draft.set_coded(&mut self.coverage_type, in1, 15, "0086");
        draft.set_coded(&mut self.relationship, in1, 17, "0063");
        self.subscriber_is_patient = self.relationship.code == "SEL";
        draft.set_text(&mut self.policy_number, in1.field(36).component(1), at(in1, 36));
        let insured = Cx::of(in1.field(49));
        self.subscriber_number = coding::foreign_number(draft, insured, "insured", at(in1, 49));
    }

    /// Any of plan, insurer and number.
    fn is_named(&self) -> bool {
        self.key().any(|part| !part.is_empty())
    }

    fn identifiers(&self) -> &[Identifier] {
        &[]
    }

    fn key(&self) -> impl Iterator<Item = Cow<'_, str>> {
        let insurer = || match self.insurers.first() {
            None => "".into(),
            Some(NamedOrganization { organization: Some(id), .. }) => id.to_string().into(),
            Some(NamedOrganization { name, .. }) => name.into(),
        };
        let number = || {
            let number = self.subscriber_number.as_ref().map(|number| &number.value);
            number.unwrap_or(&self.policy_number).into()
        };
        list::what(&self.plan).into_iter().chain(once_with(insurer)).chain(once_with(number))
    }
}

/// IN1-16 to IN1-19 and IN1-43. NK1 lists its own: the two do not take each other's away.
impl Listed for RelatedPersonRecord {
    list::of_record!(RelatedPerson);
    const SEGMENT: &'static str = "IN1-16";
    const NAMED_BY: &'static [usize] = &[16];

    fn blank(owner: Owner) -> Self {
        Self::new(owner.patient, owner.patient)
    }

    fn read(&mut self, draft: &mut Draft<'_>, in1: &Segment<'_>) {
        let names = draft.list(in1, 16, |draft, repetition, at| {
            let name = draft.name(Xpn::of(repetition), at);
            (!name.family.is_empty() || !name.given.is_empty()).then_some(name)
        });
        self.names = names.unwrap_or_default();
        let mut relationship = Coded::default();
        draft.set_coded(&mut relationship, in1, 17, "0063");
        if coding::says(&relationship) {
            self.relationships.push(relationship);
        }
        draft.set_moment(&mut self.birth_date, in1, 18);
        let addresses =
            draft.list(in1, 19, |draft, repetition, at| draft.address(Xad::of(repetition), at));
        self.addresses = addresses.unwrap_or_default();
        draft.set_text(&mut self.gender, in1.field(43).component(1), at(in1, 43));
    }

    fn identifiers(&self) -> &[Identifier] {
        &[]
    }

    fn key(&self) -> impl Iterator<Item = Cow<'_, str>> {
        let name = self.names.first();
        let family = name.map_or("", |name| &name.family);
        let given = move || name.map(|name| name.given.join(" ")).unwrap_or_default().into();
        let relationship = self.relationships.first().map_or("", |related| &related.code);
        once(family.into()).chain(once_with(given)).chain(once(relationship.into()))
    }
}
