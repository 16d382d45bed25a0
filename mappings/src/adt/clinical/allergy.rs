//! AL1 and IAM → AllergyIntolerance (FACTS §3).
//!
//! AL1 is a snapshot of what has no number; IAM names one by one what is to be done (IAM-6; without
//! one, which is told, an update), and what it has numbered (IAM-7) an AL1 adds to but does not take away.

use std::borrow::Cow;

use super::super::IssueCode;
use super::super::draft::Draft;
use super::super::values::at;
use super::coding;
use super::list::{self, Action, Listed, Owner, Voidable};
use crate::hl7::Segment;
use crate::hl7::datatypes::{Cwe, Xcn, Xpn};
use crate::records::{
    AllergyRecord, Coded, Identifier, PatientRecord, Practitioner, RecordType, Stamp,
};

pub(super) fn take(
    draft: &mut Draft<'_>,
    patient: &mut PatientRecord,
    al1: &[Segment<'_>],
    iam: &[Segment<'_>],
    historic: bool,
) {
    if al1.is_empty() && iam.is_empty() {
        return;
    }
    let owner = Owner { patient: patient.id, stay: None };
    let ids = list::ids(&patient.parts, RecordType::AllergyIntolerance);
    let mut list: Vec<AllergyRecord> = list::known(draft, ids);
    if let Some(said) = list::said::<AllergyRecord>(draft, owner, al1) {
        let said = said.into_iter().map(|(allergy, _)| allergy).collect();
        list = list::replace(draft, owner, list, said, historic);
    }
    list = list::act(draft, owner, list, iam, |draft, iam| {
        if iam.field(6).is_empty() {
            draft.issue(IssueCode::FieldMissing, at(iam, 6));
        }
        list::action(draft, iam, 6).unwrap_or(Action::Update)
    });
    let ids = list::put(draft, list);
    list::set_ids(&mut patient.parts, RecordType::AllergyIntolerance, ids);
}

impl Listed for AllergyRecord {
    list::of_record!(AllergyIntolerance);
    const SEGMENT: &'static str = "AL1";
    const NAMED_BY: &'static [usize] = &[3];

    fn blank(owner: Owner) -> Self {
        Self {
            id: owner.patient,
            stamp: Stamp::default(),
            patient: owner.patient,
            identifiers: Vec::new(),
            category: Coded::default(),
            code: Coded::default(),
            severity: Coded::default(),
            reactions: Vec::new(),
            onset: None,
            onset_text: String::new(),
            recorded: None,
            recorder: None,
            clinical_status: Coded::default(),
            void: false,
        }
    }

    fn read(&mut self, draft: &mut Draft<'_>, segment: &Segment<'_>) {
        draft.set_coded(&mut self.category, segment, 2, "0127");
        draft.set_coded(&mut self.code, segment, 3, "");
        draft.set_coded(&mut self.severity, segment, 4, "0128");
        let reactions = draft.list(segment, 5, |draft, repetition, at| {
            coding::text_or_code(draft, repetition, "", at)
        });
        if let Some(reactions) = reactions {
            self.reactions = reactions;
        }
        if segment.is("AL1") {
            draft.set_moment(&mut self.onset, segment, 6);
        } else {
            self.read_iam(draft, segment);
        }
    }

    fn identifiers(&self) -> &[Identifier] {
        &self.identifiers
    }

    fn key(&self) -> impl Iterator<Item = Cow<'_, str>> {
        list::what(&self.code).into_iter()
    }

    fn outlives(&self) -> bool {
        self.void || !self.identifiers.is_empty()
    }

    fn carry(&mut self, known: &Self) {
        self.identifiers.clone_from(&known.identifiers);
        self.onset_text.clone_from(&known.onset_text);
        self.recorded = known.recorded;
        self.recorder.clone_from(&known.recorder);
        self.clinical_status.clone_from(&known.clinical_status);
    }
}

impl Voidable for AllergyRecord {
    fn void(&mut self) -> &mut bool {
        &mut self.void
    }
}

trait Iam {
    fn read_iam(&mut self, draft: &mut Draft<'_>, iam: &Segment<'_>);
}

impl Iam for AllergyRecord {
    fn read_iam(&mut self, draft: &mut Draft<'_>, iam: &Segment<'_>) {
        // IAM-27, the clinician's code, where IAM-3 has none (v2-to-FHIR IAM[AllergyIntolerance]).
        if iam.field(3).is_empty() {
            draft.set_coded(&mut self.code, iam, 27, "");
        }
        coding::set_number(draft, &mut self.identifiers, iam, 7, "allergy");
        draft.set_moment(&mut self.onset, iam, 11);
        draft.set_text(&mut self.onset_text, iam.field(12).component(1), at(iam, 12));
        draft.set_moment(&mut self.recorded, iam, 13);
        if iam.field(14).is_null() {
            self.recorder = None;
        } else if let Some(recorder) = reporter(draft, iam) {
            self.recorder = Some(recorder);
        }
        draft.set_coded(&mut self.clinical_status, iam, 17, "0438");
    }
}

/// IAM-14 with IAM-15 as its role; else IAM-18, who stated the status.
fn reporter(draft: &mut Draft<'_>, iam: &Segment<'_>) -> Option<Practitioner> {
    let name = draft.name(Xpn::of(iam.field(14)), at(iam, 14));
    if name.family.is_empty() && name.given.is_empty() {
        return draft.practitioner(Xcn::of(iam.field(18)), "", at(iam, 18));
    }
    let role = draft.text(Cwe::of(iam.field(15)).code(), at(iam, 15));
    Some(Practitioner { role, name, ..Practitioner::default() })
}
