//! The past of an EJ backwards: what each message made, the newest first.
//!
//! - **Of what is a patient's** the journal is walked by `Seq`. A message's patients are folded
//!   again (as for one record, `past.rs`), once for all of their messages that the walk meets, and
//!   what the fold put at that `Seq` is what the message made: exact, deletions included.
//! - **Where a past cannot be told** (messages went with retention, a number that thousands share)
//!   and of places, organizations and practitioners, whose messages nothing finds, the version
//!   that still stands is told where its message stood, and marked as [`Version::alone`].
//! - **Of places, organizations and practitioners alone** no message is read: the index by last
//!   change says where their present versions are.
//!
//! A walk reads at most `messages_max` messages and then rests: whoever goes on begins a new one at
//! the place that it gives.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};

use sluice_channels::ack::Verdict;
use sluice_ids::{EjId, Micros, Seq};
use sluice_journal::{ReadError, Record as Journaled};
use sluice_mappings::entity::LegalEntity;
use sluice_mappings::records::{Record, RecordType, ResourceId};
use sluice_state::{Access, EjView};

use crate::keys::keys_of;
use crate::operator::message_of;
use crate::past::{Past, PastError, come_to};

/// How far a message's time may be before that of one that was journaled earlier: senders are
/// stamped side by side, and a clock may be set back.
pub(crate) const CLOCK_BACK_MICROS: i64 = 5 * 60 * 1_000_000;

/// A version that a message made.
#[derive(Debug, Clone)]
pub struct Version {
    pub record: Record,
    /// When the next version came; `None`: it stands.
    pub until: Option<Micros>,
    /// There were versions before it, and they cannot be told.
    pub alone: bool,
}

/// What a message made, of what was asked for: at least one version, in their order
/// ([`Version::order`]). Where no message is read, what was made at one moment.
#[derive(Debug, Clone)]
pub struct Made {
    /// To begin again from here.
    pub place: u64,
    pub at: Micros,
    pub versions: Vec<Version>,
}

impl Made {
    fn new(place: u64, at: Micros, mut versions: Vec<Version>) -> Self {
        versions.sort_by_key(Version::order);
        Self { place, at, versions }
    }
}

impl Version {
    /// Its place among those of one [`Made`].
    #[must_use]
    pub fn order(&self) -> (Reverse<Seq>, RecordType, ResourceId) {
        (Reverse(self.record.stamp().version), self.record.record_type(), self.record.id())
    }
}

/// A step of a walk.
#[derive(Debug, Clone)]
pub enum Walked {
    Made(Made),
    /// It has read as much as it may: another walk may begin at this place.
    Rests {
        place: u64,
    },
    /// What came before is no longer kept. The last step.
    Forgotten,
}

/// Where a walk begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WalkFrom {
    /// The newest message that is applied.
    Now,
    /// The newest that may have been received at that moment or before.
    Time(Micros),
    /// A place that a walk of the same types gave: it is met again.
    Place(u64),
}

/// A walk; the end is the EJ's first message, or `since`. Blocking: reads the journal.
pub struct Walk<'a>(Way<'a>);

enum Way<'a> {
    Messages(Messages<'a>),
    Present { view: EjView, types: Vec<RecordType>, before: Micros, since: Option<Micros> },
}

struct Messages<'a> {
    past: &'a Past,
    entity: &'a LegalEntity,
    view: EjView,
    types: Vec<RecordType>,
    since: Option<Micros>,
    /// The `Seq` to look at next; zero: none is left.
    at: u64,
    /// Messages that may still be read.
    left: usize,
    /// Those whose patients were folded, and what they made.
    folded: BTreeSet<Seq>,
    told: BTreeMap<Seq, Vec<Version>>,
    /// Identifiers under which there are more messages than one answer may read.
    costly: BTreeSet<u64>,
}

impl Past {
    /// What the EJ's messages made of records of `types`, the newest first. Nothing is given that
    /// was received before `since`, and little that was is read; at most about `messages_max`
    /// messages are, and those of one patient more.
    ///
    /// # Errors
    /// When there is no such EJ, or the journal cannot be read.
    pub fn walk<'a>(
        &'a self,
        entity: &'a LegalEntity,
        types: &[RecordType],
        from: WalkFrom,
        since: Option<Micros>,
        messages_max: usize,
    ) -> Result<Walk<'a>, PastError> {
        let ej = entity.id();
        let scope = self.state.scope(&Access::to([ej]));
        let view = scope.ej(ej).ok_or(PastError::Unknown)?;
        let types = types.to_vec();
        if !types.iter().any(|of_type| of_type.is_of_a_patient()) {
            let before = match from {
                WalkFrom::Now => Micros::new(i64::MAX),
                WalkFrom::Time(at) => Micros::new(at.get().saturating_add(1)),
                WalkFrom::Place(place) => {
                    Micros::new(i64::try_from(place).unwrap_or(i64::MAX).saturating_add(1))
                }
            };
            return Ok(Walk(Way::Present { view, types, before, since }));
        }
        let applied = view.applied().get();
        let at = match from {
            WalkFrom::Now => applied,
            WalkFrom::Time(at) => self.last_until(ej, applied, at)?,
            WalkFrom::Place(place) => place.min(applied),
        };
        Ok(Walk(Way::Messages(Messages {
            past: self,
            entity,
            view,
            types,
            since,
            at,
            left: messages_max,
            folded: BTreeSet::new(),
            told: BTreeMap::new(),
            costly: BTreeSet::new(),
        })))
    }

    /// A place at or after the last message that was received until `at`.
    fn last_until(&self, ej: EjId, last: u64, at: Micros) -> Result<u64, PastError> {
        let at = at.get().saturating_add(CLOCK_BACK_MICROS);
        // All up to `low` may have been received by then; what is after `high` was not.
        let (mut low, mut high) = (0, last);
        while low < high {
            let middle = low + (high - low).div_ceil(2);
            let is_before = match self.journal.get(ej, Seq::new(middle)) {
                Ok(Some(record)) => record.entry.received_at.get() <= at,
                // A place that was never given says nothing: it is looked at on the way down.
                Ok(None) => return Ok(high),
                Err(ReadError::Released { .. }) => true,
                Err(error) => return Err(error.into()),
            };
            if is_before {
                low = middle;
            } else {
                high = middle - 1;
            }
        }
        Ok(low)
    }
}

impl Iterator for Walk<'_> {
    type Item = Result<Walked, PastError>;

    fn next(&mut self) -> Option<Self::Item> {
        match &mut self.0 {
            Way::Messages(messages) => messages.next().transpose(),
            Way::Present { view, types, before, since } => {
                // Those of that moment may have changed since it was found.
                loop {
                    let at = view.last_change(types, *before)?;
                    *before = at;
                    if since.is_some_and(|since| at < since) {
                        return None;
                    }
                    let versions: Vec<Version> =
                        view.changed_at(types, at).into_iter().map(standing).collect();
                    if !versions.is_empty() {
                        let place = u64::try_from(at.get()).unwrap_or_default();
                        return Some(Ok(Walked::Made(Made::new(place, at, versions))));
                    }
                }
            }
        }
    }
}

impl Messages<'_> {
    fn next(&mut self) -> Result<Option<Walked>, PastError> {
        let ej = self.entity.id();
        while self.at > 0 {
            let seq = Seq::new(self.at);
            if self.left == 0 {
                return Ok(Some(Walked::Rests { place: self.at }));
            }
            self.left -= 1;
            let record = match self.past.journal.get(ej, seq) {
                Ok(record) => record,
                Err(ReadError::Released { .. }) => {
                    self.at = 0;
                    return Ok(Some(Walked::Forgotten));
                }
                Err(error) => return Err(error.into()),
            };
            self.at -= 1;
            let Some(record) = record.filter(is_accepted) else { continue };
            let at = record.entry.received_at;
            if self
                .since
                .is_some_and(|since| at.get() < since.get().saturating_sub(CLOCK_BACK_MICROS))
            {
                self.at = 0;
                return Ok(None);
            }
            if !self.folded.contains(&seq) {
                self.fold(&record)?;
            }
            let mut versions = self.told.remove(&seq).unwrap_or_default();
            let present = self.view.changed_at(&self.types, at).into_iter();
            let untold = present.filter(|record| {
                let same = |v: &Version| v.record.id() == record.id();
                record.stamp().version == seq && !versions.iter().any(same)
            });
            let untold: Vec<Version> = untold.map(standing).collect();
            versions.extend(untold);
            if versions.is_empty() || self.since.is_some_and(|since| at < since) {
                continue;
            }
            return Ok(Some(Walked::Made(Made::new(seq.get(), at, versions))));
        }
        Ok(None)
    }

    /// Folds a message's patients again.
    fn fold(&mut self, record: &Journaled) -> Result<(), PastError> {
        let patients = keys_of()(record).patients;
        if patients.is_empty() || patients.iter().any(|hash| self.costly.contains(hash)) {
            return Ok(());
        }
        let mut known = BTreeSet::new();
        let seqs = match self.past.messages(self.entity.id(), patients, &mut known) {
            Ok(seqs) => seqs,
            Err(PastError::TooMuch { limit }) => {
                self.costly.append(&mut known);
                self.left = self.left.saturating_sub(limit);
                return Ok(());
            }
            Err(error) => return untold(error),
        };
        self.left = self.left.saturating_sub(seqs.len());
        let folded = match self.past.fold(self.entity, &self.view, &seqs) {
            Ok(folded) => folded,
            Err(error) => return untold(error),
        };
        self.folded.extend(seqs);
        for ((ty, id), versions) in folded {
            if !self.types.contains(&ty) {
                continue;
            }
            let present = self.view.get(ty, id);
            let Some(versions) = present.and_then(|present| come_to(versions, &present)) else {
                continue;
            };
            let mut until = None;
            for (seq, record) in versions.into_iter().rev() {
                let at = record.stamp().updated_at;
                let version = Version { record, until, alone: false };
                self.told.entry(seq).or_default().push(version);
                until = Some(at);
            }
        }
        Ok(())
    }
}

/// What went with retention is told by what stands.
fn untold(error: PastError) -> Result<(), PastError> {
    match error {
        PastError::Incomplete | PastError::Journal(ReadError::Released { .. }) => Ok(()),
        error => Err(error),
    }
}

/// The version that stands, where nothing is known of those before it.
fn standing(record: Record) -> Version {
    let alone = record.stamp().version != record.stamp().created;
    Version { record, until: None, alone }
}

fn is_accepted(record: &Journaled) -> bool {
    message_of(record).is_some()
        && Verdict::from_number(record.entry.verdict).is_some_and(Verdict::is_accepted)
}
