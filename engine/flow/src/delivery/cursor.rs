//! How far a destination is: a place in an EJ's order, kept in the journal itself.
//!
//! - A cursor at `seq` says that everything of its channel up to there was delivered, set aside as
//!   a dead letter, or has nothing to deliver; `ahead` names what was, beyond the first that was not.
//! - **Never too far.** It is written after the peer said that it has the message, or after the
//!   dead letter is durable. So after a crash some are delivered again, and none is left out.
//! - **Coalesced.** A record is written once [`RECORDS_MAX`] messages were delivered since the
//!   last, or [`TIME_MAX`] after the first of them: so many are delivered again after a crash, and
//!   those in flight. At a stop only what was not answered in time, or had no room among the
//!   dead letters.
//! - **Fenced.** Each start takes the next `term`. Of several records the one of the highest term
//!   counts: who was taken for dead and writes on moves nothing.

use std::collections::BTreeSet;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use sluice_channels::destinations::{DestinationSettings, From};
use sluice_ids::{ChannelId, DestinationName, EjId, Micros, Seq};
use sluice_journal::{Entry, Journal, KeyIndex, Kind, ReadError};

use crate::acts::entry;

pub(super) const RECORDS_MAX: usize = 256;
pub(super) const TIME_MAX: Duration = Duration::from_secs(1);
/// Places of others that are passed before that alone is worth a record: it lets retention go on.
pub(super) const PASSED_MAX: u64 = 4_096;

/// One destination of one channel: under which all of its records stand.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Way {
    pub channel: ChannelId,
    pub destination: DestinationName,
}

/// The payload of a [`Kind::CursorAdvance`] record.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Cursor {
    #[serde(flatten)]
    pub way: Way,
    pub term: u64,
    pub seq: Seq,
    /// Delivered beyond `seq`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub ahead: Vec<Seq>,
}

impl Cursor {
    pub fn decode(payload: &[u8]) -> Option<Self> {
        serde_json::from_slice(payload).ok()
    }

    pub fn entry(&self, ej: EjId, now: Micros) -> Entry {
        let payload = serde_json::to_vec(self).expect("a cursor has a JSON form");
        entry(Kind::CursorAdvance, ej, now, payload)
    }

    /// The one that counts of those in the journal.
    pub fn last(journal: &dyn Journal, ej: EjId, way: Way) -> Result<Option<Self>, ReadError> {
        let mut last: Option<Self> = None;
        // The newest few decide: a fenced one that wrote on did so for as long as it lived.
        let seqs = journal.find(ej, KeyIndex::ControlId, key(way))?;
        for seq in seqs.into_iter().rev().take(LOOKED_AT) {
            let record = journal.get(ej, seq)?.filter(|r| r.entry.kind == Kind::CursorAdvance);
            let Some(found) = record.and_then(|record| Self::decode(&record.entry.payload)) else {
                continue;
            };
            if found.way == way && last.as_ref().is_none_or(|last| last.term < found.term) {
                last = Some(found);
            }
        }
        Ok(last)
    }

    /// The destination's, in the term that begins: where it stood, or where it is to begin.
    pub fn place(
        journal: &dyn Journal,
        ej: EjId,
        way: Way,
        settings: &DestinationSettings,
    ) -> Result<Self, ReadError> {
        if let Some(last) = Self::last(journal, ej, way)? {
            return Ok(Self { term: last.term + 1, ..last });
        }
        let seq = match settings.delivery().from {
            From::Now => journal.tail(ej),
            From::Beginning => Seq::ZERO,
            From::Time(at) => Seq::new(first_since(journal, ej, at)?.get().saturating_sub(1)),
        };
        Ok(Self { way, term: 1, seq, ahead: Vec::new() })
    }
}

/// A second of records of one that was fenced and did not know.
const LOOKED_AT: usize = 64;

/// Under which a destination's cursors are found.
pub(crate) fn key(way: Way) -> u64 {
    let mut hash = Sha256::new();
    hash.update(b"cursor");
    hash.update(way.channel.to_padded());
    hash.update(way.destination.to_padded());
    let digest = hash.finalize();
    let mut first = [0; 8];
    first.copy_from_slice(&digest[..8]);
    u64::from_le_bytes(first)
}

/// The first place that was received at `since` or later; one past the end where none was. Our own
/// clock hardly ever runs backwards, so halving finds it.
pub(crate) fn first_since(
    journal: &dyn Journal,
    ej: EjId,
    since: Micros,
) -> Result<Seq, ReadError> {
    let mut low = Seq::ZERO.next();
    let mut high = journal.tail(ej).next();
    while low < high {
        let middle = Seq::new(low.get().midpoint(high.get()));
        match journal.read(ej, middle).next() {
            Ok(Some(record)) if record.seq < high && record.entry.received_at < since => {
                low = record.seq.next();
            }
            Ok(_) => high = middle,
            Err(ReadError::Released { oldest, .. }) => low = oldest.max(middle.next()),
            Err(error) => return Err(error),
        }
    }
    Ok(low)
}

/// What was read and what of it is done.
#[derive(Debug)]
pub(super) struct Tracker {
    /// Read up to here, own or not.
    read: Seq,
    unfinished: BTreeSet<Seq>,
    /// Beyond the first that is unfinished.
    finished: BTreeSet<Seq>,
}

impl Tracker {
    pub fn new(cursor: &Cursor) -> Self {
        let finished = cursor.ahead.iter().copied().collect();
        Self { read: cursor.seq, unfinished: BTreeSet::new(), finished }
    }

    /// Read before, and already delivered then.
    pub fn is_finished(&self, seq: Seq) -> bool {
        self.finished.contains(&seq)
    }

    pub fn begin(&mut self, seq: Seq) {
        self.unfinished.insert(seq);
    }

    /// All up to `to` was read.
    pub fn read(&mut self, to: Seq) {
        self.read = self.read.max(to);
        self.settle();
    }

    pub fn finish(&mut self, seq: Seq) {
        if self.unfinished.remove(&seq) {
            self.finished.insert(seq);
            self.settle();
        }
    }

    fn settle(&mut self) {
        let cursor = self.cursor();
        self.finished = self.finished.split_off(&cursor.next());
    }

    /// Everything up to here is done.
    pub fn cursor(&self) -> Seq {
        let first = self.unfinished.first();
        first.map_or(self.read, |first| Seq::new(first.get() - 1)).min(self.read)
    }

    pub fn ahead(&self) -> Vec<Seq> {
        self.finished.iter().copied().collect()
    }

    /// Done beyond the cursor, and not done.
    pub fn held(&self) -> usize {
        self.finished.len() + self.unfinished.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seq(n: u64) -> Seq {
        Seq::new(n)
    }

    fn cursor(at: u64, ahead: &[u64]) -> Cursor {
        let way = Way {
            channel: ChannelId::new("c").unwrap(),
            destination: DestinationName::new("d").unwrap(),
        };
        Cursor { way, term: 1, seq: seq(at), ahead: ahead.iter().map(|n| seq(*n)).collect() }
    }

    #[test]
    fn a_cursor_stays_before_the_first_that_is_not_done() {
        let mut tracker = Tracker::new(&cursor(10, &[]));
        for n in [12, 14, 15] {
            tracker.begin(seq(n));
        }
        tracker.read(seq(16));
        assert_eq!(tracker.cursor(), seq(11));
        tracker.finish(seq(14));
        assert_eq!((tracker.cursor(), tracker.ahead()), (seq(11), vec![seq(14)]));
        tracker.finish(seq(12));
        assert_eq!((tracker.cursor(), tracker.ahead()), (seq(14), vec![]));
        tracker.finish(seq(15));
        assert_eq!(tracker.cursor(), seq(16));
    }

    #[test]
    fn what_was_done_beyond_a_cursor_is_known_after_a_start() {
        let mut tracker = Tracker::new(&cursor(10, &[13]));
        assert!(tracker.is_finished(seq(13)) && !tracker.is_finished(seq(12)));
        tracker.begin(seq(12));
        tracker.read(seq(13));
        tracker.finish(seq(12));
        assert_eq!((tracker.cursor(), tracker.held()), (seq(13), 0));
    }
}
