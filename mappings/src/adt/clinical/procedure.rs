//! PR1 → Procedure (FACTS §3).

use std::borrow::Cow;
use std::iter::once_with;

use super::super::draft::Draft;
use super::super::values::at;
use super::list::{self, Listed, Owner, Voidable};
use super::{Lists, coding};
use crate::hl7::Segment;
use crate::hl7::datatypes::{Cwe, Xcn};
use crate::records::{Coded, Identifier, ProcedureRecord, Record, RecordType, ResourceId, Stamp};

/// A Procedure and the one that it is part of, as this message names it.
#[derive(Clone, PartialEq)]
struct Performed {
    procedure: ProcedureRecord,
    /// PR1-25.
    whole: Option<Identifier>,
}

pub(super) fn take(
    draft: &mut Draft<'_>,
    owner: Owner,
    lists: &mut Lists<'_>,
    pr1: &[Segment<'_>],
    historic: bool,
) {
    if pr1.is_empty() {
        return;
    }
    let known = list::known(draft, list::ids(lists.parts(), RecordType::Procedure));
    let acts = pr1.iter().any(|pr1| list::action(draft, pr1, 20).is_some());
    let mut list: Vec<Performed> = if acts {
        list::act(draft, owner, known, pr1, |draft, pr1| {
            list::action(draft, pr1, 20).unwrap_or(list::Action::Add)
        })
    } else {
        let Some(said) = list::said::<Performed>(draft, owner, pr1) else { return };
        let said = said.into_iter().map(|(performed, _)| performed).collect();
        list::replace(draft, owner, known, said, historic)
    };
    for at in 0..list.len() {
        if let Some(whole) = list[at].whole.take() {
            let own = list[at].procedure.id;
            list[at].procedure.part_of = list::numbered(&list, &whole).filter(|id| *id != own);
        }
    }
    let ids = list::put(draft, list);
    list::set_ids(lists.parts(), RecordType::Procedure, ids);
}

impl From<Performed> for Record {
    fn from(performed: Performed) -> Self {
        performed.procedure.into()
    }
}

/// What a PR1-19 without an authority numbers.
const NAMES: &str = "procedure";

impl Listed for Performed {
    const TYPE: RecordType = RecordType::Procedure;
    const SEGMENT: &'static str = "PR1";
    const NAMED_BY: &'static [usize] = &[3];

    fn blank(owner: Owner) -> Self {
        let procedure = ProcedureRecord {
            id: owner.patient,
            stamp: Stamp::default(),
            patient: owner.patient,
            stay: owner.stay,
            identifiers: Vec::new(),
            code: Coded::default(),
            performed: None,
            minutes: None,
            category: Coded::default(),
            performers: Vec::new(),
            reason: Coded::default(),
            modifiers: Vec::new(),
            location: None,
            part_of: None,
            void: false,
        };
        Self { procedure, whole: None }
    }

    fn read(&mut self, draft: &mut Draft<'_>, pr1: &Segment<'_>) {
        let procedure = &mut self.procedure;
        coding::set_described(draft, &mut procedure.code, pr1);
        draft.set_moment(&mut procedure.performed, pr1, 5);
        draft.set_coded(&mut procedure.category, pr1, 6, "0230");
        coding::set_count(draft, &mut procedure.minutes, pr1, 7);
        for (field, role) in [(8, "8"), (11, "11"), (12, "12")] {
            performers(draft, procedure, pr1, field, role);
        }
        draft.set_coded(&mut procedure.reason, pr1, 15, "");
        let modifiers = draft.list(pr1, 16, |draft, repetition, at| {
            Some(draft.coded(Cwe::of(repetition), "", at)).filter(coding::says)
        });
        if let Some(modifiers) = modifiers {
            procedure.modifiers = modifiers;
        }
        coding::set_number(draft, &mut procedure.identifiers, pr1, 19, NAMES);
        if pr1.field(23).is_null() {
            procedure.location = None;
        } else if let Some(place) = draft.place(pr1.field(23), at(pr1, 23)) {
            procedure.location = Some(draft.location(&place));
        }
        self.whole = coding::number(draft, pr1, 25, NAMES);
        if pr1.field(25).is_null() {
            procedure.part_of = None;
        }
    }

    fn from_record(record: Record) -> Option<Self> {
        match record {
            Record::Procedure(procedure) => {
                let procedure = std::sync::Arc::unwrap_or_clone(procedure);
                Some(Self { procedure, whole: None })
            }
            _ => None,
        }
    }

    fn id(&self) -> ResourceId {
        self.procedure.id
    }

    fn identifiers(&self) -> &[Identifier] {
        &self.procedure.identifiers
    }

    fn key(&self) -> impl Iterator<Item = Cow<'_, str>> {
        let performed = self.procedure.performed;
        let performed = move || performed.map(|moment| moment.to_fhir()).unwrap_or_default().into();
        list::what(&self.procedure.code).into_iter().chain(once_with(performed))
    }

    fn become_known(&mut self, id: ResourceId, stamp: Stamp) {
        (self.procedure.id, self.procedure.stamp) = (id, stamp);
    }

    fn stamp(&self) -> Stamp {
        self.procedure.stamp
    }

    fn outlives(&self) -> bool {
        self.procedure.void
    }
}

impl Voidable for Performed {
    fn void(&mut self) -> &mut bool {
        &mut self.procedure.void
    }
}

/// One field, one role; its repetitions are the list.
fn performers(
    draft: &mut Draft<'_>,
    procedure: &mut ProcedureRecord,
    pr1: &Segment<'_>,
    field: usize,
    role: &str,
) {
    let listed = draft.list(pr1, field, |draft, repetition, at| {
        draft.practitioner(Xcn::of(repetition), role, at)
    });
    if let Some(listed) = listed {
        procedure.performers.retain(|performer| performer.role != role);
        procedure.performers.extend(listed);
        procedure.performers.sort_by_key(|performer| performer.role.parse::<u8>().unwrap_or(0));
    }
}
