//! What changed in an index of late: enough to know it as it was at a pin.
//!
//! - A change is 20 bytes: the row, and its `Seq` relative to its generation with the direction
//!   in the lowest bit.
//! - Changes are gathered in generations; a full one is sorted and sealed, and forgotten as a
//!   whole: by age of the feed (`received_at`, so that the same journal forgets the same), or
//!   when there are too many changes.
//! - The floor is the last `Seq` that was forgotten; a pin below it cannot be answered.
//!
//! What a restart finds of it stands in the trail (`trail.rs`).

use std::collections::VecDeque;

use sluice_ids::{Micros, Seq};

use crate::index::{Forgotten, Row, RowChange};
use crate::trail::Strip;

/// Largest distance of a change from its generation's first, so that it fits 31 bits.
const SPAN_MAX: u64 = 1 << 31;

#[derive(Clone, Copy)]
struct Past {
    row: [u8; 16],
    /// `(seq - generation.base) << 1 | came`
    at: u32,
}

impl Past {
    fn change(&self, seq: u64) -> RowChange {
        RowChange { row: Row::from_bytes(self.row), seq: Seq::new(seq), came: self.at & 1 == 1 }
    }
}

struct Generation {
    base: u64,
    newest: u64,
    closed_at: Micros,
    /// Sorted by row, then by time.
    changes: Box<[Past]>,
}

pub(crate) struct History {
    horizon_ms: u64,
    generation_rows: usize,
    rows_max: usize,
    floor: u64,
    sealed: VecDeque<Generation>,
    sealed_rows: usize,
    base: u64,
    newest: u64,
    /// In order of time.
    open: Vec<Past>,
    now: Micros,
}

impl History {
    pub(crate) fn new(horizon_ms: u64, rows_max: u64) -> Self {
        let rows_max = usize::try_from(rows_max).unwrap_or(usize::MAX).max(64);
        Self {
            horizon_ms,
            // At most about 128 generations to look through, at least 32 rows in each.
            generation_rows: (rows_max / 128).max(32),
            rows_max,
            floor: 0,
            sealed: VecDeque::new(),
            sealed_rows: 0,
            base: 0,
            newest: 0,
            open: Vec::new(),
            now: Micros::default(),
        }
    }

    pub(crate) fn len(&self) -> usize {
        self.sealed_rows + self.open.len()
    }

    pub(crate) fn forget_through(&mut self, seq: Seq) {
        self.floor = self.floor.max(seq.get());
    }

    /// Takes the changes of a state that was just loaded.
    pub(crate) fn recall(&mut self, after: Seq, strips: &[Strip]) {
        self.floor = after.get();
        for strip in strips {
            strip.changes().for_each(|change| self.push(change));
            self.expire(strip.now());
        }
    }

    pub(crate) fn push(&mut self, change: RowChange) {
        let seq = change.seq.get();
        if self.open.is_empty() {
            self.base = seq;
        } else if seq.saturating_sub(self.base) >= SPAN_MAX {
            self.seal();
            self.base = seq;
        }
        self.newest = seq;
        let span = u32::try_from(seq.saturating_sub(self.base)).unwrap_or(u32::MAX >> 1);
        self.open.push(Past { row: change.row.to_bytes(), at: span << 1 | u32::from(change.came) });
        if self.open.len() >= self.generation_rows {
            self.seal();
        }
    }

    fn seal(&mut self) {
        let mut changes = std::mem::take(&mut self.open);
        // Stable: changes of one row keep their order in time, within one message too.
        changes.sort_by_key(|past| (Row::from_bytes(past.row), past.at >> 1));
        self.sealed_rows += changes.len();
        self.sealed.push_back(Generation {
            base: self.base,
            newest: self.newest,
            closed_at: self.now,
            changes: changes.into_boxed_slice(),
        });
        while self.sealed_rows + self.generation_rows > self.rows_max {
            self.forget_oldest();
        }
    }

    fn forget_oldest(&mut self) {
        if let Some(oldest) = self.sealed.pop_front() {
            self.sealed_rows -= oldest.changes.len();
            self.floor = self.floor.max(oldest.newest);
        }
    }

    pub(crate) fn expire(&mut self, now: Micros) {
        self.now = self.now.max(now);
        let horizon = i64::try_from(self.horizon_ms.saturating_mul(1_000)).unwrap_or(i64::MAX);
        let oldest_kept = self.now.get().saturating_sub(horizon);
        while self.sealed.front().is_some_and(|g| g.closed_at.get() < oldest_kept) {
            self.forget_oldest();
        }
    }

    pub(crate) const fn check(&self, pin: Seq) -> Result<(), Forgotten> {
        if pin.get() < self.floor { Err(Forgotten) } else { Ok(()) }
    }

    /// The changes after `seq`, in order of time; and after which one, where that is forgotten.
    pub(crate) fn since(&self, seq: Seq) -> (Seq, Vec<RowChange>) {
        let seq = seq.max(Seq::new(self.floor));
        let mut out = Vec::new();
        let mut take = |base: u64, past: &Past| {
            let at = base + u64::from(past.at >> 1);
            if at > seq.get() {
                out.push(past.change(at));
            }
        };
        for generation in self.sealed.iter().filter(|g| g.newest > seq.get()) {
            generation.changes.iter().for_each(|past| take(generation.base, past));
        }
        self.open.iter().for_each(|past| take(self.base, past));
        // Stable: changes of one row in one message keep their order.
        out.sort_by_key(|change| change.seq);
        (seq, out)
    }

    /// The changes of rows in `from..=to` after `pin`, sorted by row, then by time.
    pub(crate) fn after(
        &self,
        pin: Seq,
        from: Row,
        to: Row,
        out: &mut Vec<RowChange>,
    ) -> Result<(), Forgotten> {
        self.check(pin)?;
        let pin = pin.get();
        let newest = if self.open.is_empty() {
            self.sealed.back().map_or(0, |g| g.newest)
        } else {
            self.newest
        };
        if pin >= newest {
            return Ok(());
        }
        let (low, high) = (from.to_bytes(), to.to_bytes());
        let mut take = |base: u64, past: &Past| {
            let seq = base + u64::from(past.at >> 1);
            if seq > pin {
                out.push(past.change(seq));
            }
        };
        for generation in self.sealed.iter().filter(|g| g.newest > pin) {
            let first = generation.changes.partition_point(|past| past.row < low);
            generation.changes[first..]
                .iter()
                .take_while(|past| past.row <= high)
                .for_each(|past| take(generation.base, past));
        }
        if self.newest > pin {
            self.open
                .iter()
                .filter(|past| past.row >= low && past.row <= high)
                .for_each(|past| take(self.base, past));
        }
        // Generations follow each other in time and a stable sort keeps the order within one.
        out.sort_by_key(|change| change.row);
        Ok(())
    }
}
