//! One EJ's search index: which record has which value, now and at a pin.
//!
//! - A row is 16 bytes: record type and parameter (a byte each), the 10-byte value key, the
//!   `rid`. Byte order is value order, then creation order.
//! - The live rows lie in order in chunks ([`Rows`]), 17 to 18 bytes a row.
//! - What changed is [`History`]: the set at an older `Seq` is the live set with every later
//!   change undone. That is the `since`/`closed(from, to)` of DESIGN §4 at 20 bytes a change.

use std::collections::BTreeSet;

use sluice_ids::{Micros, Seq};
use sluice_mappings::records::RecordType;
use sluice_mappings::search::{Key, Param};

use crate::history::History;
use crate::rows::Rows;
use crate::trail::Strip;

/// `type · param · key · rid`, big-endian.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Row(u128);

impl Row {
    pub(crate) const LOWEST: Self = Self(0);

    pub(crate) fn new(ty: RecordType, param: Param, key: &Key, rid: u32) -> Self {
        let mut bytes = [0; 16];
        (bytes[0], bytes[1]) = (ty as u8, param as u8);
        bytes[2..12].copy_from_slice(key);
        bytes[12..].copy_from_slice(&rid.to_be_bytes());
        Self(u128::from_be_bytes(bytes))
    }

    #[allow(clippy::cast_possible_truncation, reason = "the rid is the low 32 bits")]
    pub(crate) const fn rid(self) -> u32 {
        self.0 as u32
    }

    pub(crate) fn key(self) -> Key {
        let mut key = Key::default();
        key.copy_from_slice(&self.to_bytes()[2..12]);
        key
    }

    pub(crate) const fn to_bytes(self) -> [u8; 16] {
        self.0.to_be_bytes()
    }

    pub(crate) const fn from_bytes(bytes: [u8; 16]) -> Self {
        Self(u128::from_be_bytes(bytes))
    }

    /// The next row in a direction; `None` at the end of all.
    const fn beyond(self, descending: bool) -> Option<Self> {
        let next = if descending { self.0.checked_sub(1) } else { self.0.checked_add(1) };
        match next {
            Some(next) => Some(Self(next)),
            None => None,
        }
    }
}

/// A change of the live set.
#[derive(Debug, Clone, Copy)]
pub(crate) struct RowChange {
    pub(crate) row: Row,
    pub(crate) seq: Seq,
    /// The row came; else it went.
    pub(crate) came: bool,
}

/// The pin is older than what is remembered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Forgotten;

pub(crate) struct Index {
    live: Rows,
    history: History,
}

impl Index {
    pub(crate) fn new(history: History) -> Self {
        Self { live: Rows::default(), history }
    }

    /// Takes the rows of a state that was loaded at `applied`: older pins cannot be answered.
    pub(crate) fn load(&mut self, mut rows: Vec<Row>, applied: Seq) {
        rows.sort_unstable();
        self.live = Rows::load(rows);
        self.history.forget_through(applied);
    }

    /// Takes what is known of the changes up to the state that was loaded, where it fits that
    /// state: rows of another version of this program do not.
    pub(crate) fn recall(&mut self, after: Seq, strips: &[Strip]) -> bool {
        let mut last: Vec<(Row, bool)> = strips
            .iter()
            .flat_map(Strip::changes)
            .map(|change| (change.row, change.came))
            .collect();
        // Stable: of the changes of a row, the last one is told by what is there.
        last.sort_by_key(|(row, _)| *row);
        let fits = last.chunk_by(|(a, _), (b, _)| a == b).all(|changes| {
            let (row, came) = changes[changes.len() - 1];
            self.live.contains(&row) == came
        });
        if fits {
            self.history.recall(after, strips);
        }
        fits
    }

    /// The changes after `seq`, in order of time; and after which one, where that is forgotten.
    pub(crate) fn changes_since(&self, seq: Seq) -> (Seq, Vec<RowChange>) {
        self.history.since(seq)
    }

    pub(crate) fn len(&self) -> usize {
        self.live.len()
    }

    pub(crate) fn history_len(&self) -> usize {
        self.history.len()
    }

    pub(crate) fn apply(&mut self, changes: &[RowChange]) {
        for change in changes {
            let effective = if change.came {
                self.live.insert(change.row)
            } else {
                self.live.remove(&change.row)
            };
            if effective {
                self.history.push(*change);
            }
        }
    }

    /// Forgets what the horizon no longer covers; `now` is the feed's own time.
    pub(crate) fn expire(&mut self, now: Micros) {
        self.history.expire(now);
    }

    /// Whether a pin can be answered at all.
    pub(crate) const fn check(&self, pin: Seq) -> Result<(), Forgotten> {
        self.history.check(pin)
    }

    /// How many live rows the range has.
    pub(crate) fn count(&self, from: Row, to: Row) -> usize {
        self.live.count(from, to)
    }

    /// How many rows the range had at `pin`.
    pub(crate) fn count_at(&self, pin: Seq, from: Row, to: Row) -> Result<usize, Forgotten> {
        let mut undo = Vec::new();
        self.history.after(pin, from, to, &mut undo)?;
        undo.dedup_by_key(|change| change.row);
        let live = self.live.count(from, to);
        // The first change after the pin tells what was there at it.
        let (came, went): (Vec<_>, Vec<_>) = undo.into_iter().partition(|change| change.came);
        let missed = went.iter().filter(|change| !self.live.contains(&change.row)).count();
        let new = came.iter().filter(|change| self.live.contains(&change.row)).count();
        Ok(live + missed - new)
    }

    /// The live rows of the range, the highest first.
    pub(crate) fn downwards(&self, from: Row, to: Row) -> impl Iterator<Item = Row> + '_ {
        self.live.range(from, to).rev()
    }

    /// Whether `row` was there at `pin`.
    pub(crate) fn contains_at(&self, row: Row, pin: Seq) -> Result<bool, Forgotten> {
        let mut undo = Vec::new();
        self.history.after(pin, row, row, &mut undo)?;
        Ok(undo.first().map_or_else(|| self.live.contains(&row), |change| !change.came))
    }

    /// Appends the rows of `range` that were there at `pin`, in order, looking at about
    /// `rows_max` at most; gives the range to go on with, or `None` when it is done.
    ///
    /// Each slice is exact by itself, so that the caller may let go of the lock in between.
    pub(crate) fn slice_at(
        &self,
        pin: Seq,
        range: Range,
        rows_max: usize,
        out: &mut Vec<Row>,
    ) -> Result<Option<Range>, Forgotten> {
        let Range { from, to, descending } = range;
        let start = out.len();
        if descending {
            out.extend(self.live.range(from, to).rev().take(rows_max));
        } else {
            out.extend(self.live.range(from, to).take(rows_max));
        }
        let full = out.len() - start == rows_max;
        let last = out.last().filter(|_| full).copied();
        let (low, high) = match last {
            Some(last) if descending => (last, to),
            Some(last) => (from, last),
            None => (from, to),
        };
        let mut undo = Vec::new();
        self.history.after(pin, low, high, &mut undo)?;
        if !undo.is_empty() {
            // The first change after the pin tells what was there at it.
            undo.dedup_by_key(|change| change.row);
            let mut slice: BTreeSet<Row> = out.drain(start..).collect();
            for change in undo {
                if change.came {
                    slice.remove(&change.row);
                } else {
                    slice.insert(change.row);
                }
            }
            if descending {
                out.extend(slice.into_iter().rev());
            } else {
                out.extend(slice);
            }
        }
        let next = last.and_then(|last| last.beyond(descending));
        Ok(next.and_then(|next| range.rest(next)))
    }
}

/// Rows to be walked.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Range {
    pub(crate) from: Row,
    pub(crate) to: Row,
    /// From the last to the first.
    pub(crate) descending: bool,
}

impl Range {
    /// From `next` on in its direction.
    fn rest(self, next: Row) -> Option<Self> {
        let rest =
            if self.descending { Self { to: next, ..self } } else { Self { from: next, ..self } };
        (rest.from <= rest.to).then_some(rest)
    }
}
