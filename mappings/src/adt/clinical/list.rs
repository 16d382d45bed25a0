//! Lists of records that a message brings as runs of segments: what is the same as what is
//! known, what is new, and what is no more.
//!
//! Two modes (HL7 v2.5.1 §2.10.4): a snapshot, in which the segments of a kind are the whole list
//! and each says all of its record; and action codes, in which each segment adds, changes or
//! deletes one record and the others stay.

use std::borrow::Cow;

use super::super::IssueCode;
use super::super::draft::Draft;
use super::super::values::at;
use crate::hl7::Segment;
use crate::records::{Coded, Identifier, Record, RecordType, ResourceId, Stamp};

/// Segments of one kind that a message may bring. A stay has some tens of diagnoses at most.
pub(super) const SEGMENTS_MAX: usize = 64;

/// Records of one kind that a stay or a patient lists; action codes could else add without end.
pub(super) const LISTED_MAX: usize = 128;

/// Whose a list is: the patient's, or that of one stay.
#[derive(Clone, Copy)]
pub(super) struct Owner {
    pub patient: ResourceId,
    pub stay: Option<ResourceId>,
}

impl Owner {
    /// What ids are minted from: a stay that moves to another patient keeps what is its own.
    fn id(&self) -> ResourceId {
        self.stay.unwrap_or(self.patient)
    }
}

/// A record that segments list.
pub(super) trait Listed: Clone + PartialEq + Into<Record> {
    const TYPE: RecordType;
    /// The segment; ids are minted from it.
    const SEGMENT: &'static str;
    /// Its fields that name what it is about; `""` there, and none that says something, empties
    /// the list.
    const NAMED_BY: &'static [usize];

    /// Nothing said yet.
    fn blank(owner: Owner) -> Self;

    /// What the segment says: empty leaves alone, `""` deletes.
    fn read(&mut self, draft: &mut Draft<'_>, segment: &Segment<'_>);

    /// Whether there is anything that it is about: a number, or a code or a text, which its key
    /// begins with.
    fn is_named(&self) -> bool {
        !self.identifiers().is_empty() || self.key().take(2).any(|part| !part.is_empty())
    }

    fn from_record(record: Record) -> Option<Self>;
    fn id(&self) -> ResourceId;
    fn identifiers(&self) -> &[Identifier];
    /// What it is, where no number tells; begins with [`what`] is coded of it. Parts that have to
    /// be made are asked for last: most comparisons end before them.
    fn key(&self) -> impl Iterator<Item = Cow<'_, str>>;
    /// Takes the place of what is known under that id.
    fn become_known(&mut self, id: ResourceId, stamp: Stamp);

    fn stamp(&self) -> Stamp;

    fn is_same(&self, other: &Self) -> bool {
        self.key().eq(other.key())
    }

    /// Stays although a snapshot comes without it.
    fn outlives(&self) -> bool {
        false
    }

    /// Takes from what is known what this segment has no fields for.
    fn carry(&mut self, _known: &Self) {}
}

/// One that can be entered in error.
pub(super) trait Voidable: Listed {
    fn void(&mut self) -> &mut bool;
}

/// Tables 0206 (DG1-21, PR1-20) and 0323 (IAM-6).
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Action {
    Add,
    Update,
    Delete,
    /// `X`: no change of what is known.
    Leave,
}

/// The known records of those ids, in their order.
pub(super) fn known<L: Listed>(
    draft: &Draft<'_>,
    ids: impl IntoIterator<Item = ResourceId>,
) -> Vec<L> {
    let records = ids.into_iter().filter_map(|id| draft.record(L::TYPE, id));
    records.filter(|record| !record.stamp().gone).filter_map(L::from_record).collect()
}

/// What the segments say one by one; `None` where they say nothing at all.
pub(super) fn said<'m, L: Listed>(
    draft: &mut Draft<'_>,
    owner: Owner,
    segments: &[Segment<'m>],
) -> Option<Vec<(L, Segment<'m>)>> {
    let mut listed = Vec::new();
    let mut any = false;
    for segment in bounded(draft, segments) {
        if empties::<L>(segment) {
            any = true;
            continue;
        }
        let mut record = L::blank(owner);
        record.read(draft, segment);
        if record.is_named() {
            any = true;
            listed.push((record, *segment));
        } else {
            nameless::<L>(draft, segment);
        }
    }
    any.then_some(listed)
}

/// At most [`SEGMENTS_MAX`].
fn bounded<'s, 'm>(draft: &mut Draft<'_>, segments: &'s [Segment<'m>]) -> &'s [Segment<'m>] {
    let Some(beyond) = segments.get(SEGMENTS_MAX) else { return segments };
    draft.issue(IssueCode::ValueCut, beyond.location());
    &segments[..SEGMENTS_MAX]
}

fn empties<L: Listed>(segment: &Segment<'_>) -> bool {
    let mut names = L::NAMED_BY.iter().map(|field| segment.field(*field));
    let names_nothing = names.clone().all(|name| name.is_empty() || name.is_null());
    segment.field(1).is_null() || names_nothing && names.any(|name| name.is_null())
}

/// A set id alone is a placeholder; with more, something is said of nobody knows what.
fn nameless<L: Listed>(draft: &mut Draft<'_>, segment: &Segment<'_>) {
    if segment.fields().skip(1).any(|field| !field.is_empty()) {
        let field = L::NAMED_BY.first().copied().unwrap_or(1);
        draft.issue(IssueCode::FieldMissing, at(segment, field));
    }
}

/// The list after a snapshot: first what is said, in its order and under the ids that it has or
/// gets, then what outlives. What is neither is no more. `adds`: what is known stays as it is,
/// since what is told after the fact must not disturb the present.
pub(super) fn replace<L: Listed>(
    draft: &mut Draft<'_>,
    owner: Owner,
    known: Vec<L>,
    said: Vec<L>,
    adds: bool,
) -> Vec<L> {
    let matches = matches(&known, &said);
    let mut taken: Vec<ResourceId> = known.iter().map(Listed::id).collect();
    let mut list = Vec::with_capacity(said.len());
    for (mut record, known_at) in said.into_iter().zip(&matches) {
        match known_at.map(|at| &known[at]) {
            Some(known) if adds => list.push(known.clone()),
            Some(known) => {
                record.become_known(known.id(), known.stamp());
                record.carry(known);
                list.push(record);
            }
            None => {
                let id = fresh(draft, owner, &record, &taken);
                taken.push(id);
                record.become_known(id, Stamp::default());
                list.push(record);
            }
        }
    }
    for (at, record) in known.into_iter().enumerate() {
        if matches.contains(&Some(at)) {
            continue;
        }
        if list.len() < LISTED_MAX && (adds || record.outlives()) {
            list.push(record);
        } else {
            draft.remove(L::TYPE, record.id());
        }
    }
    list
}

/// Which known one each that is said is: the one that is equal first, so that two of a kind are
/// not mistaken for each other when they come in another order.
fn matches<L: Listed>(known: &[L], said: &[L]) -> Vec<Option<usize>> {
    let mut free = vec![true; known.len()];
    let mut matches = vec![None; said.len()];
    let is_equal = |said: &L, known: &L| {
        if !is_same(said, known) {
            return false;
        }
        let mut said = said.clone();
        said.become_known(known.id(), known.stamp());
        said.carry(known);
        said == *known
    };
    for is_it in [&is_equal as &dyn Fn(&L, &L) -> bool, &is_same] {
        for (said, found) in said.iter().zip(&mut matches) {
            if found.is_some() {
                continue;
            }
            let at = (0..known.len()).find(|at| free[*at] && is_it(said, &known[*at]));
            if let Some(at) = at {
                free[at] = false;
                *found = Some(at);
            }
        }
    }
    matches
}

/// By number where both have one, else by what it is.
fn is_same<L: Listed>(one: &L, other: &L) -> bool {
    let (own, others) = (one.identifiers(), other.identifiers());
    if own.is_empty() || others.is_empty() {
        return one.is_same(other);
    }
    own.iter().any(|own| others.iter().any(|other| own.is_number_of(other)))
}

/// A new one's id: from its owner and number, else from what it is; of several that are the same
/// the second has a counter. One that was there before comes back under its id.
fn fresh<L: Listed>(
    draft: &Draft<'_>,
    owner: Owner,
    record: &L,
    taken: &[ResourceId],
) -> ResourceId {
    let owner = owner.id().to_string();
    let key = match record.identifiers().first() {
        Some(number) => vec!["number".into(), (&*number.system).into(), (&*number.value).into()],
        None => record.key().collect(),
    };
    let mut parts = vec![owner.as_str(), L::SEGMENT];
    parts.extend(key.iter().map(|part: &Cow<'_, str>| &**part));
    let mut count = 0_u32;
    loop {
        let counter = count.to_string();
        let mut parts = parts.clone();
        if count > 0 {
            parts.push(&counter);
        }
        let id = draft.id_of(L::TYPE, &parts);
        let is_free = draft.record(L::TYPE, id).is_none_or(|record| record.stamp().gone);
        if is_free && !taken.contains(&id) {
            return id;
        }
        count += 1;
    }
}

/// The list after each segment has done what its action code says.
pub(super) fn act<L: Voidable>(
    draft: &mut Draft<'_>,
    owner: Owner,
    mut list: Vec<L>,
    segments: &[Segment<'_>],
    action: impl Fn(&mut Draft<'_>, &Segment<'_>) -> Action,
) -> Vec<L> {
    for segment in bounded(draft, segments) {
        let mut record = L::blank(owner);
        record.read(draft, segment);
        if !record.is_named() {
            nameless::<L>(draft, segment);
            continue;
        }
        let known = list.iter().position(|known| is_same(&record, known));
        match (action(draft, segment), known) {
            (Action::Leave, Some(_)) => {}
            (Action::Delete, Some(at)) => *list[at].void() = true,
            (Action::Delete, None) => {
                draft.issue(IssueCode::NothingToCancel, segment.location());
            }
            (Action::Update, Some(at)) => {
                list[at].read(draft, segment);
                *list[at].void() = false;
            }
            (Action::Add, Some(at)) => {
                record.become_known(list[at].id(), list[at].stamp());
                list[at] = record;
            }
            // No change of what nobody has told of yet: it is as the segment says.
            (Action::Add | Action::Update | Action::Leave, None) if list.len() < LISTED_MAX => {
                let taken: Vec<_> = list.iter().map(Listed::id).collect();
                let id = fresh(draft, owner, &record, &taken);
                record.become_known(id, Stamp::default());
                list.push(record);
            }
            (Action::Add | Action::Update | Action::Leave, None) => {
                draft.issue(IssueCode::ValueCut, segment.location());
            }
        }
    }
    list
}

/// Table 0206 of a field; `None` where it says nothing.
pub(super) fn action(draft: &mut Draft<'_>, segment: &Segment<'_>, field: usize) -> Option<Action> {
    match segment.field(field).component(1).text().trim() {
        "" | "\"\"" => None,
        "A" => Some(Action::Add),
        "U" => Some(Action::Update),
        "D" => Some(Action::Delete),
        "X" => Some(Action::Leave),
        _ => {
            draft.issue(IssueCode::CodeUnknown, at(segment, field));
            None
        }
    }
}

/// Stages every record of the list, and says under which ids.
pub(super) fn put<L: Listed>(draft: &mut Draft<'_>, list: Vec<L>) -> Vec<ResourceId> {
    let mut ids = Vec::with_capacity(list.len());
    for record in list {
        ids.push(record.id());
        draft.put(record);
    }
    ids
}

/// What a code says a thing is: its first coding, else its text.
pub(super) fn what(code: &Coded) -> [Cow<'_, str>; 2] {
    if code.code.is_empty() {
        ["".into(), (&*code.text).into()]
    } else {
        [(&*code.system).into(), (&*code.code).into()]
    }
}

/// The one of the list that a field names by its number.
pub(super) fn numbered<L: Listed>(list: &[L], number: &Identifier) -> Option<ResourceId> {
    let is_it = |own: &Identifier| own.is_number_of(number);
    list.iter().find(|record| record.identifiers().iter().any(is_it)).map(Listed::id)
}

/// The ids of one type among what a stay or a patient lists.
pub(super) fn ids(parts: &[(RecordType, ResourceId)], ty: RecordType) -> Vec<ResourceId> {
    parts.iter().filter(|part| part.0 == ty).map(|part| part.1).collect()
}

/// Replaces those ids.
pub(super) fn set_ids(
    parts: &mut Vec<(RecordType, ResourceId)>,
    ty: RecordType,
    ids: impl IntoIterator<Item = ResourceId>,
) {
    parts.retain(|part| part.0 != ty);
    parts.extend(ids.into_iter().map(|id| (ty, id)));
    parts.sort_by_key(|part| part.0);
}

/// [`Listed`]'s plain parts, of a record with a type of its own.
macro_rules! of_record {
    ($variant:ident) => {
        const TYPE: $crate::records::RecordType = $crate::records::RecordType::$variant;

        fn from_record(record: $crate::records::Record) -> Option<Self> {
            match record {
                $crate::records::Record::$variant(record) => {
                    Some(std::sync::Arc::unwrap_or_clone(record))
                }
                _ => None,
            }
        }

        fn id(&self) -> $crate::records::ResourceId {
            self.id
        }

        fn become_known(&mut self, id: $crate::records::ResourceId, stamp: $crate::records::Stamp) {
            (self.id, self.stamp) = (id, stamp);
        }

        fn stamp(&self) -> $crate::records::Stamp {
            self.stamp
        }
    };
}
pub(super) use of_record;
