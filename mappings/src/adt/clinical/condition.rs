//! DG1 → Condition and the stay's diagnoses (FACTS §3).

use std::borrow::Cow;

use super::super::draft::Draft;
use super::list::{self, Listed, Owner, Voidable};
use super::{Lists, coding};
use crate::hl7::Segment;
use crate::hl7::datatypes::Xcn;
use crate::records::{
    Coded, ConditionRecord, Diagnosis, Identifier, Record, RecordType, ResourceId, Stamp,
};

/// A Condition and what the stay says of it.
#[derive(Clone, PartialEq)]
struct Diagnosed {
    condition: ConditionRecord,
    /// DG1-6.
    diagnosis_type: Coded,
    /// DG1-15.
    rank: Option<u32>,
    /// DG1-22, where this message says it.
    cause: Option<Identifier>,
}

pub(super) fn take(
    draft: &mut Draft<'_>,
    owner: Owner,
    lists: &mut Lists<'_>,
    dg1: &[Segment<'_>],
    historic: bool,
) {
    if dg1.is_empty() {
        return;
    }
    let known = known(draft, lists);
    let acts = dg1.iter().any(|dg1| list::action(draft, dg1, 21).is_some());
    let mut list = if acts {
        list::act(draft, owner, known, dg1, |draft, dg1| {
            list::action(draft, dg1, 21).unwrap_or(list::Action::Add)
        })
    } else {
        let Some(said) = list::said::<Diagnosed>(draft, owner, dg1) else { return };
        let said = said.into_iter().map(|(diagnosed, _)| diagnosed).collect();
        list::replace(draft, owner, known, said, historic)
    };
    for at in 0..list.len() {
        if let Some(cause) = list[at].cause.take() {
            let own = list[at].condition.id;
            list[at].condition.due_to = list::numbered(&list, &cause).filter(|id| *id != own);
        }
    }
    keep(draft, lists, list);
}

/// Those of the stay's diagnoses, and those that were entered in error.
fn known(draft: &Draft<'_>, lists: &mut Lists<'_>) -> Vec<Diagnosed> {
    let diagnoses = lists.stay.as_ref().map_or(&[][..], |stay| &stay.diagnoses);
    let diagnosed: Vec<_> = diagnoses
        .iter()
        .filter_map(|diagnosis| {
            let mut of: Diagnosed = list::known(draft, [diagnosis.condition]).pop()?;
            of.diagnosis_type.clone_from(&diagnosis.diagnosis_type);
            of.rank = diagnosis.rank;
            Some(of)
        })
        .collect();
    let others = list::ids(lists.parts(), RecordType::Condition);
    let others = list::known(draft, others);
    diagnosed.into_iter().chain(others).collect()
}

/// A stay lists its diagnoses with what it says of them; what was entered in error, and all that
/// came without a stay, are parts.
fn keep(draft: &mut Draft<'_>, lists: &mut Lists<'_>, list: Vec<Diagnosed>) {
    let (parts, mut diagnosed): (Vec<_>, Vec<_>) =
        list.into_iter().partition(|of| lists.stay.is_none() || of.condition.void);
    let ids = list::put(draft, parts);
    list::set_ids(lists.parts(), RecordType::Condition, ids);
    if let Some(stay) = &mut lists.stay {
        let diagnosis = |of: &mut Diagnosed| Diagnosis {
            condition: of.condition.id,
            diagnosis_type: std::mem::take(&mut of.diagnosis_type),
            rank: of.rank,
        };
        stay.diagnoses = diagnosed.iter_mut().map(diagnosis).collect();
    }
    list::put(draft, diagnosed);
}

impl From<Diagnosed> for Record {
    fn from(of: Diagnosed) -> Self {
        of.condition.into()
    }
}

impl Listed for Diagnosed {
    const TYPE: RecordType = RecordType::Condition;
    const SEGMENT: &'static str = "DG1";
    const NAMED_BY: &'static [usize] = &[3];

    fn blank(owner: Owner) -> Self {
        Self::of(ConditionRecord {
            id: owner.patient,
            stamp: Stamp::default(),
            patient: owner.patient,
            stay: owner.stay,
            identifiers: Vec::new(),
            code: Coded::default(),
            onset: None,
            asserted: None,
            asserters: Vec::new(),
            due_to: None,
            void: false,
        })
    }

    fn read(&mut self, draft: &mut Draft<'_>, dg1: &Segment<'_>) {
        let condition = &mut self.condition;
        coding::set_described(draft, &mut condition.code, dg1);
        draft.set_moment(&mut condition.onset, dg1, 5);
        draft.set_coded(&mut self.diagnosis_type, dg1, 6, "0052");
        coding::set_count(draft, &mut self.rank, dg1, 15);
        let asserters = draft
            .list(dg1, 16, |draft, repetition, at| draft.practitioner(Xcn::of(repetition), "", at));
        if let Some(asserters) = asserters {
            condition.asserters = asserters;
        }
        draft.set_moment(&mut condition.asserted, dg1, 19);
        coding::set_number(draft, &mut condition.identifiers, dg1, 20, NAMES);
        self.cause = coding::number(draft, dg1, 22, NAMES);
        if dg1.field(22).is_null() {
            condition.due_to = None;
        }
        // Type and rank are the stay's, and kept with it: without one nothing knows of them.
        if condition.stay.is_none() {
            (self.diagnosis_type, self.rank) = (Coded::default(), None);
        }
    }

    fn from_record(record: Record) -> Option<Self> {
        match record {
            Record::Condition(condition) => {
                Some(Self::of(std::sync::Arc::unwrap_or_clone(condition)))
            }
            _ => None,
        }
    }

    fn id(&self) -> ResourceId {
        self.condition.id
    }

    fn identifiers(&self) -> &[Identifier] {
        &self.condition.identifiers
    }

    fn key(&self) -> impl Iterator<Item = Cow<'_, str>> {
        let [system, code] = list::what(&self.condition.code);
        let of_type = &self.diagnosis_type;
        let of_type = if of_type.code.is_empty() { &of_type.text } else { &of_type.code };
        [system, code, of_type.into()].into_iter()
    }

    /// What was entered in error is listed nowhere with its type.
    fn is_same(&self, other: &Self) -> bool {
        let types = if self.condition.void || other.condition.void { 2 } else { 3 };
        self.key().take(types).eq(other.key().take(types))
    }

    fn become_known(&mut self, id: ResourceId, stamp: Stamp) {
        (self.condition.id, self.condition.stamp) = (id, stamp);
    }

    fn stamp(&self) -> Stamp {
        self.condition.stamp
    }

    fn outlives(&self) -> bool {
        self.condition.void
    }
}

/// What a DG1-20 without an authority numbers.
const NAMES: &str = "diagnosis";

impl Diagnosed {
    fn of(condition: ConditionRecord) -> Self {
        Self { condition, diagnosis_type: Coded::default(), rank: None, cause: None }
    }
}

impl Voidable for Diagnosed {
    fn void(&mut self) -> &mut bool {
        &mut self.condition.void
    }
}
