//! Letting go of old journal segments. Off by default.
//!
//! A place of an EJ's order may go when all of this holds, and whole segments go, oldest first:
//! - it is covered by both kept checkpoints ([`sluice_state::State::releasable`]);
//! - it is older than `retention_days`, by our own clock at reception;
//! - the memory of control ids does not reach back to it;
//! - the configuration in force there is not told by it alone: a copy of the epoch in force is
//!   written first, and the next round may go up to it;
//! - no dead letter names it, or a later one of the same segments.
//!
//! An EJ that is no longer configured has no state: its records go by age.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use sluice_ids::{EjId, Micros, Seq};
use sluice_journal::{Append, Entry, IdempotencyKey, Journal, KeyIndex, Kind, ReadError, Record};
use sluice_state::State;

use crate::acts::{DeadLetter, append_blocking};
use crate::clock::now;
use crate::keys::{DEAD_LETTER_KEY, EPOCH_KEY};
use crate::lane::Shared as Lane;
use crate::window::Window;

const MICROS_PER_DAY: i64 = 86_400 * 1_000_000;

/// Time between two rounds: a segment is filled in minutes at most, kept for days.
const ROUND: Duration = Duration::from_secs(3_600);

pub(crate) struct Retention {
    pub journal: Arc<dyn Journal>,
    pub lanes: Vec<Arc<Lane>>,
    pub reach: u64,
}

impl Retention {
    /// Rounds until the stop.
    pub fn run(&self, state: &State, days: u32, stop: &AtomicBool) {
        let mut next = Instant::now();
        while !stop.load(Ordering::Acquire) {
            if Instant::now() >= next {
                next += ROUND;
                let older_than = Micros::new(now().get() - i64::from(days) * MICROS_PER_DAY);
                match self.release(&state.releasable(), older_than) {
                    Ok(0) => {}
                    Ok(segments) => tracing::info!(segments, "old journal segments were let go"),
                    Err(_) => tracing::error!("old journal segments could not be let go"),
                }
            }
            std::thread::park_timeout(Duration::from_millis(100));
        }
    }

    /// Lets go of what may go, given what the state `covers` (inclusive). Returns how many
    /// segments went.
    pub fn release(&self, covers: &[(EjId, Seq)], older_than: Micros) -> io::Result<usize> {
        let mut before = Vec::new();
        for ej in self.journal.ejs() {
            let aged = self.first_since(ej, older_than).map_err(io::Error::other)?;
            let served = self.lanes.iter().find(|lane| lane.ej == ej);
            let to = match served {
                None => aged,
                Some(lane) => {
                    let Some((_, covered)) = covers.iter().find(|(of, _)| *of == ej) else {
                        return Ok(0);
                    };
                    let applied = lane.progress.standing().applied;
                    let memory = Window::from(self.reach, applied.next());
                    self.kept(ej, aged.min(covered.next()).min(memory)).map_err(io::Error::other)?
                }
            };
            before.push((ej, to));
        }
        self.journal.release(&before)
    }

    /// As far as `to`, but not past the epoch in force there, nor past a dead letter's message.
    fn kept(&self, ej: EjId, mut to: Seq) -> Result<Seq, ReadError> {
        for letter in self.found(ej, DEAD_LETTER_KEY, Kind::DeadLetter)? {
            if let Some(letter) = DeadLetter::decode(&letter.entry.payload) {
                to = to.min(letter.seq);
            }
        }
        let epochs = self.found(ej, EPOCH_KEY, Kind::ConfigEpoch)?;
        let Some(in_force) = epochs.iter().rfind(|epoch| epoch.seq <= to) else {
            return Ok(Seq::ZERO);
        };
        if in_force.seq < to
            && let Some(newest) = epochs.last().filter(|newest| newest.seq <= to)
        {
            // Should it fail, this round goes as far as the epoch, and the next one tries again.
            let copy = Entry {
                received_at: now(),
                key: IdempotencyKey::default(),
                ..newest.entry.clone()
            };
            if let Append::Stored { seq, .. } = append_blocking(&*self.journal, copy)
                && let Some(lane) = self.lanes.iter().find(|lane| lane.ej == ej)
            {
                lane.progress.stored(seq);
            }
        }
        Ok(in_force.seq)
    }

    fn found(&self, ej: EjId, key: u64, kind: Kind) -> Result<Vec<Record>, ReadError> {
        let mut found = Vec::new();
        for seq in self.journal.find(ej, KeyIndex::ControlId, key)? {
            found.extend(self.journal.get(ej, seq)?.filter(|record| record.entry.kind == kind));
        }
        Ok(found)
    }

    /// The first place that was received at `since` or later; one past the end where none was.
    /// Our own clock hardly ever runs backwards, so halving finds it.
    fn first_since(&self, ej: EjId, since: Micros) -> Result<Seq, ReadError> {
        let mut low = Seq::ZERO.next();
        let mut high = self.journal.tail(ej).next();
        while low < high {
            let middle = Seq::new(low.get().midpoint(high.get()));
            match self.journal.read(ej, middle).next() {
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
}
