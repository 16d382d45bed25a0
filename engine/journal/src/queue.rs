//! What waits for the next commit: one queue, in call order.

use std::mem;

use parking_lot::{Condvar, Mutex};

use crate::format::frame_bytes;
use crate::measures::refused;
use crate::port::{Append, Entry, Refusal};
use crate::slot::Completer;

/// One append that waits.
pub struct Job {
    pub entry: Entry,
    pub completer: Completer,
    /// The act by which an operator accepts damage goes into an EJ that is stopped by it.
    pub through_damage: bool,
}

impl Job {
    pub fn bytes(&self) -> u64 {
        frame_bytes(self.entry.payload.len()) as u64
    }
}

#[derive(Default)]
struct State {
    jobs: Vec<Job>,
    bytes: u64,
    /// Nothing more is taken; what is queued is still written.
    stopping: bool,
    committer_waits: bool,
}

pub struct Queue {
    state: Mutex<State>,
    arrived: Condvar,
    bytes_max: u64,
}

impl Queue {
    pub fn new(bytes_max: u64) -> Self {
        Self { state: Mutex::default(), arrived: Condvar::new(), bytes_max }
    }

    /// Queues the jobs next to each other, or settles them all as refused.
    pub fn push(&self, jobs: impl IntoIterator<Item = Job>) {
        let mut turned_away = Vec::new();
        let wake = {
            let mut state = self.state.lock();
            for job in jobs {
                let bytes = job.bytes();
                if state.stopping {
                    turned_away.push((job, Refusal::Stopping));
                } else if state.bytes + bytes > self.bytes_max && state.bytes > 0 {
                    let queued_bytes = state.bytes;
                    turned_away.push((job, Refusal::Busy { queued_bytes, limit: self.bytes_max }));
                } else {
                    state.bytes += bytes;
                    state.jobs.push(job);
                }
            }
            mem::take(&mut state.committer_waits)
        };
        if wake {
            self.arrived.notify_one();
        }
        for (job, why) in turned_away {
            refused(why);
            job.completer.complete(Append::Refused(why));
        }
    }

    /// Waits for work and moves up to `bytes_max` of it (at least one job) into the empty
    /// `into`. False when the queue is stopping and empty.
    pub fn take(&self, into: &mut Vec<Job>, bytes_max: u64) -> bool {
        let mut state = self.state.lock();
        while state.jobs.is_empty() {
            if state.stopping {
                return false;
            }
            state.committer_waits = true;
            self.arrived.wait(&mut state);
        }
        state.committer_waits = false;
        if state.bytes <= bytes_max {
            mem::swap(&mut state.jobs, into);
            state.bytes = 0;
            return true;
        }
        let mut taken = 0;
        let mut count = 0;
        for job in &state.jobs {
            if count > 0 && taken + job.bytes() > bytes_max {
                break;
            }
            taken += job.bytes();
            count += 1;
        }
        into.extend(state.jobs.drain(..count));
        state.bytes -= taken;
        true
    }

    /// No more appends; what is queued is still written.
    pub fn stop(&self) {
        self.state.lock().stopping = true;
        self.arrived.notify_all();
    }

    /// No more appends, and what is queued is handed back unwritten.
    pub fn abandon(&self) -> Vec<Job> {
        let mut state = self.state.lock();
        state.stopping = true;
        state.bytes = 0;
        mem::take(&mut state.jobs)
    }
}
