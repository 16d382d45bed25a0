//! One EJ's search index: which record has which value, now and at a pin.
//!
//! - A row is 16 bytes: record type and parameter (a byte each), the 10-byte value key, the
//!   `rid`. Byte order is value order, then creation order.
//! - The live rows are one B-tree set (17 bytes a row when loaded in bulk, about 25 when aged).
//! - What changed is [`History`]: the set at an older `Seq` is the live set with every later
//!   change undone. That is the `since`/`closed(from, to)` of DESIGN §4 at 20 bytes a change.

use std::collections::BTreeSet;

use sluice_ids::{Micros, Seq};
use sluice_mappings::records::RecordType;
use sluice_mappings::search::{Key, Param};

use crate::history::History;

/// `type · param · key · rid`, big-endian.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Row(u128);

impl Row {
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

    const fn after(self) -> Option<Self> {
        match self.0.checked_add(1) {
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
    live: BTreeSet<Row>,
    history: History,
}

impl Index {
    pub(crate) const fn new(history: History) -> Self {
        Self { live: BTreeSet::new(), history }
    }

    /// Takes the rows of a state that was loaded at `applied`: older pins cannot be answered.
    pub(crate) fn load(&mut self, mut rows: Vec<Row>, applied: Seq) {
        rows.sort_unstable();
        self.live = BTreeSet::from_iter(rows);
        self.history.forget_through(applied);
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

    /// How many live rows the range has, counted up to `max`.
    pub(crate) fn count_up_to(&self, from: Row, to: Row, max: usize) -> usize {
        self.live.range(from..=to).take(max).count()
    }

    /// The live rows of the range, the highest first.
    pub(crate) fn downwards(&self, from: Row, to: Row) -> impl Iterator<Item = Row> + '_ {
        self.live.range(from..=to).rev().copied()
    }

    /// Whether `row` was there at `pin`.
    pub(crate) fn contains_at(&self, row: Row, pin: Seq) -> Result<bool, Forgotten> {
        let mut undo = Vec::new();
        self.history.after(pin, row, row, &mut undo)?;
        Ok(undo.first().map_or_else(|| self.live.contains(&row), |change| !change.came))
    }

    /// Appends the rows of `from..=to` that were there at `pin`, in order, looking at about
    /// `rows_max` at most; gives the row to go on from, or `None` when the range is done.
    ///
    /// Each slice is exact by itself, so that the caller may let go of the lock in between.
    pub(crate) fn slice_at(
        &self,
        pin: Seq,
        from: Row,
        to: Row,
        rows_max: usize,
        out: &mut Vec<Row>,
    ) -> Result<Option<Row>, Forgotten> {
        let start = out.len();
        out.extend(self.live.range(from..=to).take(rows_max));
        let full = out.len() - start == rows_max;
        let last = if full { out[out.len() - 1] } else { to };
        let mut undo = Vec::new();
        self.history.after(pin, from, last, &mut undo)?;
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
            out.extend(slice);
        }
        Ok(if full { last.after().filter(|next| *next <= to) } else { None })
    }
}
