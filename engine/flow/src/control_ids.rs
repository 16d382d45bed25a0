//! Which messages the intake has taken: the fold's memory, and what is ahead of it.
//!
//! A message's key is reserved before it is journaled. A second one with the same bytes waits
//! for the first and shares its outcome; once the first is stored the second gets its
//! acceptance; once it failed the next is judged afresh. The journal decides in the end: should
//! the same bytes be stored twice all the same (a crash between append and answer, two nodes),
//! the fold applies the first only.

use parking_lot::Mutex;
use sluice_ids::Seq;
use sluice_journal::{Append, IdempotencyKey, Refusal};
use tokio::sync::oneshot;

use crate::digests::DigestMap;
use crate::window::{Seen, Window};

/// The proof that a message is on stable storage. It is made here alone, from an append that
/// was stored, and nothing else lets the intake accept.
#[derive(Debug, PartialEq, Eq)]
pub struct Journaled(());

/// How a reservation ended, for those that waited.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Settled {
    Stored(Seq),
    Refused(Refusal),
    /// It may have been kept: no answer is right.
    Unknown,
}

impl Settled {
    #[must_use]
    pub fn of(append: Append) -> Self {
        match append {
            Append::Stored { seq, .. } => Self::Stored(seq),
            Append::Refused(refusal) => Self::Refused(refusal),
            Append::Unknown => Self::Unknown,
        }
    }

    #[must_use]
    pub const fn journaled(self) -> Option<Journaled> {
        match self {
            Self::Stored(_) => Some(Journaled(())),
            Self::Refused(_) | Self::Unknown => None,
        }
    }
}

/// What a key gets.
pub enum Reserved {
    /// Nobody has it: it is this one's until [`ControlIds::settle`].
    First,
    /// Another is being stored; told how it ended.
    Wait(oneshot::Receiver<Settled>),
    /// Accepted before.
    Accepted(Journaled),
}

enum Ahead {
    Pending(Vec<oneshot::Sender<Settled>>),
    Stored(Seq),
}

struct Inner {
    window: Window,
    /// The last place that `window` holds.
    folded: Seq,
    /// Taken, and not yet folded: as many as are in flight, and the fold's lag.
    ahead: DigestMap<IdempotencyKey, Ahead>,
}

/// One EJ's; shared by its intake and its lane.
pub struct ControlIds(Mutex<Inner>);

impl ControlIds {
    #[must_use]
    pub fn new(reach: u64) -> Self {
        let window = Window::new(reach);
        Self(Mutex::new(Inner { window, folded: Seq::ZERO, ahead: DigestMap::default() }))
    }

    pub fn reserve(&self, key: IdempotencyKey) -> Reserved {
        let mut inner = self.0.lock();
        if inner.window.holds(&key) {
            return Reserved::Accepted(Journaled(()));
        }
        match inner.ahead.get_mut(&key) {
            Some(Ahead::Stored(_)) => Reserved::Accepted(Journaled(())),
            Some(Ahead::Pending(waiting)) => {
                let (tell, told) = oneshot::channel();
                waiting.push(tell);
                Reserved::Wait(told)
            }
            None => {
                inner.ahead.insert(key, Ahead::Pending(Vec::new()));
                Reserved::First
            }
        }
    }

    /// Ends a reservation and tells those that wait for it.
    pub fn settle(&self, key: IdempotencyKey, settled: Settled) {
        let mut inner = self.0.lock();
        let waiting = match inner.ahead.remove(&key) {
            Some(Ahead::Pending(waiting)) => waiting,
            Some(stored @ Ahead::Stored(_)) => {
                inner.ahead.insert(key, stored);
                return;
            }
            None => Vec::new(),
        };
        match settled {
            Settled::Stored(seq) if seq > inner.folded => {
                inner.ahead.insert(key, Ahead::Stored(seq));
            }
            Settled::Stored(_) | Settled::Refused(_) | Settled::Unknown => {}
        }
        drop(inner);
        for waiting in waiting {
            // Who no longer waits needs not be told.
            let _ = waiting.send(settled);
        }
    }

    /// Forgets everything, to be read anew from the journal.
    pub fn reset(&self, reach: u64) {
        let mut inner = self.0.lock();
        *inner =
            Inner { window: Window::new(reach), folded: Seq::ZERO, ahead: DigestMap::default() };
    }

    /// A record that was stored before this process began, and is still to be folded.
    pub fn note_stored(&self, seq: Seq, key: IdempotencyKey) {
        self.0.lock().ahead.insert(key, Ahead::Stored(seq));
    }

    /// The fold reached the accepted message at `seq`.
    pub fn fold(&self, seq: Seq, key: IdempotencyKey, control_id: u64) -> Seen {
        let mut inner = self.0.lock();
        inner.folded = seq;
        if let Some(Ahead::Stored(stored)) = inner.ahead.get(&key)
            && *stored <= seq
        {
            inner.ahead.remove(&key);
        }
        inner.window.enter(seq, key, control_id)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: IdempotencyKey = IdempotencyKey([1; 16]);

    fn told(reserved: Reserved) -> oneshot::Receiver<Settled> {
        match reserved {
            Reserved::Wait(told) => told,
            Reserved::First | Reserved::Accepted(_) => panic!("should wait"),
        }
    }

    #[test]
    fn a_second_one_waits_for_the_first_and_shares_its_outcome() {
        let ids = ControlIds::new(100);
        assert!(matches!(ids.reserve(KEY), Reserved::First));
        let mut second = told(ids.reserve(KEY));
        ids.settle(KEY, Settled::Stored(Seq::new(4)));
        assert_eq!(second.try_recv(), Ok(Settled::Stored(Seq::new(4))));
        assert!(matches!(ids.reserve(KEY), Reserved::Accepted(_)));
        assert_eq!(ids.fold(Seq::new(4), KEY, 7), Seen::New);
        assert!(matches!(ids.reserve(KEY), Reserved::Accepted(_)));
    }

    #[test]
    fn after_a_failure_the_next_is_the_first_again() {
        let ids = ControlIds::new(100);
        assert!(matches!(ids.reserve(KEY), Reserved::First));
        let mut second = told(ids.reserve(KEY));
        ids.settle(KEY, Settled::Refused(Refusal::Stopping));
        assert_eq!(second.try_recv(), Ok(Settled::Refused(Refusal::Stopping)));
        assert!(matches!(ids.reserve(KEY), Reserved::First));
    }

    #[test]
    fn a_fold_that_is_quicker_than_the_answer_leaves_nothing_behind() {
        let ids = ControlIds::new(100);
        assert!(matches!(ids.reserve(KEY), Reserved::First));
        ids.fold(Seq::new(4), KEY, 7);
        ids.settle(KEY, Settled::Stored(Seq::new(4)));
        assert!(ids.0.lock().ahead.is_empty());
        assert!(matches!(ids.reserve(KEY), Reserved::Accepted(_)));
    }
}
