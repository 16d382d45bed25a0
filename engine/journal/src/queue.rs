//! What waits for the next commit: two lines, each in call order; urgent jobs go first.
//!
//! - Of the bytes that may wait, a share is kept for urgent jobs: however much else waits, they
//!   are not refused for it.
//! - Each appender's own order stands above that: an urgent job goes behind what its appender still
//!   has in the other line. The other way round none can overtake, since the urgent line is
//!   emptied first.

use std::collections::VecDeque;
use std::mem;

use parking_lot::{Condvar, Mutex};

use crate::format::frame_bytes;
use crate::measures::refused;
use crate::port::{Append, Entry, Refusal, Share};
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

/// How an appender's jobs stand in line.
#[derive(Debug, Default)]
pub struct Place {
    /// The number of its last job in the routine line.
    last_routine: u64,
}

#[derive(Default)]
struct State {
    urgent: VecDeque<Job>,
    routine: VecDeque<Job>,
    /// Jobs that ever stood in the routine line, and those of them that were taken.
    routine_pushed: u64,
    routine_taken: u64,
    bytes: u64,
    /// Nothing more is taken; what is queued is still written.
    stopping: bool,
    committer_waits: bool,
}

pub struct Queue {
    state: Mutex<State>,
    arrived: Condvar,
    bytes_max: u64,
    /// Without what is kept for urgent jobs.
    routine_bytes_max: u64,
}

impl State {
    fn put(&mut self, job: Job, urgent: bool, place: &mut Place) {
        self.bytes += job.bytes();
        if urgent && place.last_routine <= self.routine_taken {
            self.urgent.push_back(job);
        } else {
            self.routine_pushed += 1;
            place.last_routine = self.routine_pushed;
            self.routine.push_back(job);
        }
    }

    fn first(&self) -> Option<&Job> {
        self.urgent.front().or(self.routine.front())
    }

    fn next(&mut self) -> Option<Job> {
        if let Some(job) = self.urgent.pop_front() {
            return Some(job);
        }
        let job = self.routine.pop_front()?;
        self.routine_taken += 1;
        Some(job)
    }
}

impl Queue {
    pub fn new(bytes_max: u64, urgent_share: Share) -> Self {
        let routine_bytes_max = urgent_share.rest_of(bytes_max);
        Self { state: Mutex::default(), arrived: Condvar::new(), bytes_max, routine_bytes_max }
    }

    /// Queues the jobs next to each other, those that there is no room for apart: these are settled
    /// as refused. `place` is their appender's.
    pub fn push(&self, jobs: impl IntoIterator<Item = Job>, urgent: bool, place: &mut Place) {
        let limit = if urgent { self.bytes_max } else { self.routine_bytes_max };
        let mut turned_away = Vec::new();
        let wake = {
            let mut state = self.state.lock();
            for job in jobs {
                if state.stopping {
                    turned_away.push((job, Refusal::Stopping));
                } else if state.bytes + job.bytes() > limit && state.bytes > 0 {
                    let queued_bytes = state.bytes;
                    turned_away.push((job, Refusal::Busy { queued_bytes, limit }));
                } else {
                    state.put(job, urgent, place);
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

    /// Waits for work and moves up to `bytes_max` of it (at least one job) into the empty `into`,
    /// urgent jobs first. False when the queue is stopping and empty.
    pub fn take(&self, into: &mut Vec<Job>, bytes_max: u64) -> bool {
        let mut state = self.state.lock();
        while state.first().is_none() {
            if state.stopping {
                return false;
            }
            state.committer_waits = true;
            self.arrived.wait(&mut state);
        }
        state.committer_waits = false;
        let mut taken = 0;
        while let Some(bytes) = state.first().map(Job::bytes)
            && (into.is_empty() || taken + bytes <= bytes_max)
        {
            taken += bytes;
            into.extend(state.next());
        }
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
        let mut jobs: Vec<Job> = state.urgent.drain(..).collect();
        jobs.extend(state.routine.drain(..));
        jobs
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use sluice_ids::{ChannelId, EjId, Micros};

    use super::*;
    use crate::port::{IdempotencyKey, Kind};
    use crate::slot::{AppendFuture, Slots};

    /// A job whose payload is `name`, and its end.
    fn job(name: &'static str) -> (Job, AppendFuture) {
        let (completer, future) = Slots::default().pair();
        let entry = Entry {
            kind: Kind::Message,
            flags: 0,
            verdict: 1,
            ej: EjId::new("EJ1").unwrap(),
            channel: ChannelId::new("test").unwrap(),
            received_at: Micros::new(0),
            key: IdempotencyKey::default(),
            payload: Bytes::from_static(name.as_bytes()),
        };
        (Job { entry, completer, through_damage: false }, future)
    }

    fn taken(queue: &Queue, bytes_max: u64) -> Vec<&'static str> {
        let mut jobs = Vec::new();
        assert!(queue.take(&mut jobs, bytes_max));
        let name = |job: &Job| match &*job.entry.payload {
            b"a" => "a",
            b"b" => "b",
            b"c" => "c",
            b"d" => "d",
            _ => "another",
        };
        jobs.iter().map(name).collect()
    }

    #[test]
    fn urgent_jobs_go_first_and_never_past_their_own_appenders() {
        let queue = Queue::new(1 << 20, Share::DEFAULT);
        let (mut one, mut other) = (Place::default(), Place::default());
        let push = |name, urgent, place: &mut Place| {
            let (job, _) = job(name);
            queue.push([job], urgent, place);
        };
        push("a", false, &mut one);
        push("b", true, &mut one);
        push("c", true, &mut other);
        push("d", false, &mut other);
        assert_eq!(taken(&queue, 1 << 20), ["c", "a", "b", "d"]);
        push("a", true, &mut one);
        assert_eq!(taken(&queue, 1 << 20), ["a"], "what it had is taken: it goes first again");
    }

    #[test]
    fn a_commit_takes_what_it_may_and_the_urgent_part_first() {
        let queue = Queue::new(1 << 20, Share::DEFAULT);
        for name in ["a", "b"] {
            queue.push([job(name).0], false, &mut Place::default());
        }
        queue.push([job("c").0], true, &mut Place::default());
        assert_eq!(taken(&queue, 1), ["c"]);
        assert_eq!(taken(&queue, 1), ["a"]);
        assert_eq!(taken(&queue, 1), ["b"]);
    }

    #[test]
    fn what_is_kept_for_urgent_jobs_is_not_taken_by_others() {
        let bytes = job("a").0.bytes();
        let queue = Queue::new(5 * bytes, Share::DEFAULT);
        let push = |urgent| {
            let (job, end) = job("a");
            queue.push([job], urgent, &mut Place::default());
            end
        };
        let waiting: Vec<AppendFuture> = (0..4).map(|_| push(false)).collect();
        let (queued_bytes, limit) = (4 * bytes, 4 * bytes);
        assert_eq!(push(false).wait(), Append::Refused(Refusal::Busy { queued_bytes, limit }));
        let urgent = push(true);
        let (queued_bytes, limit) = (5 * bytes, 5 * bytes);
        assert_eq!(push(true).wait(), Append::Refused(Refusal::Busy { queued_bytes, limit }));
        assert_eq!(taken(&queue, 1 << 20).len(), 5);
        drop((waiting, urgent));
    }
}
