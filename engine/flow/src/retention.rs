//! Letting go of old journal segments. Off by default.
//!
//! A place of an EJ's order may go when all of this holds, and whole segments go, oldest first:
//! - it is covered by both kept checkpoints ([`sluice_state::State::releasable`]);
//! - it is older than `retention_days`, by our own clock at reception;
//! - the memory of control ids does not reach back to it;
//! - the configuration in force there is not told by it alone: a copy of the epoch in force is
//!   written first, and the next round may go up to it;
//! - no open dead letter names it, or a later one of the same segments;
//! - every destination's cursor has passed it.
//!
//! An EJ that is no longer configured has no state: its records go by age.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use sluice_ids::{EjId, Micros, Seq};
use sluice_journal::{Append, Entry, IdempotencyKey, Journal, KeyIndex, Kind, ReadError, Record};
use sluice_state::State;

use crate::acts::append_blocking;
use crate::clock::now;
use crate::delivery::first_since;
use crate::keys::EPOCH_KEY;
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
            let aged = first_since(&*self.journal, ej, older_than).map_err(io::Error::other)?;
            let served = self.lanes.iter().find(|lane| lane.ej == ej);
            let to = match served {
                None => aged,
                Some(lane) => {
                    let Some((_, covered)) = covers.iter().find(|(of, _)| *of == ej) else {
                        return Ok(0);
                    };
                    let applied = lane.progress.standing().applied;
                    let memory = Window::from(self.reach, applied.next());
                    let to = aged.min(covered.next()).min(memory).min(needed(lane));
                    self.kept(ej, to).map_err(io::Error::other)?
                }
            };
            before.push((ej, to));
        }
        self.journal.release(&before)
    }

    /// As far as `to`, but not past the epoch in force there.
    fn kept(&self, ej: EjId, to: Seq) -> Result<Seq, ReadError> {
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
}

/// What an open dead letter or a destination has still to read; nothing may go while the lane has
/// not read back what they are.
fn needed(lane: &Lane) -> Seq {
    if !lane.progress.standing().prepared {
        return Seq::ZERO;
    }
    let cursors = lane.cursors.lock().values().map(|cursor| cursor.next()).min();
    let letters = lane.letters.oldest();
    cursors.into_iter().chain(letters).min().unwrap_or(Seq::new(u64::MAX))
}
