//! Which messages the intake has taken: the fold's memory, and what is ahead of it.
//!
//! A message's key is reserved before it is journaled. A second one with the same bytes waits
//! for the first and shares its outcome; once the first is stored the second gets its
//! acceptance; once it failed the next is judged afresh. The journal decides in the end: should
//! the same bytes be stored twice all the same (a crash between append and answer, two nodes),
//! the fold applies the first only.
//!
//! Whoever wants to be told what becomes of a message when it is applied asks with the
//! reservation: under the same lock as the fold enters it, so that no end is missed, and by its
//! key, since its place is not known before it is stored. Where nobody asks the fold looks at one
//! number.

use std::sync::atomic::{AtomicUsize, Ordering};

use parking_lot::Mutex;
use sluice_ids::Seq;
use sluice_journal::{Append, IdempotencyKey, Refusal};
use tokio::sync::oneshot;

use crate::digests::DigestMap;
use crate::ended::Ended;
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

/// Told what became of a message.
pub type Asking = oneshot::Sender<Ended>;

struct Inner {
    window: Window,
    /// The last place that `window` holds.
    folded: Seq,
    /// Taken, and not yet folded: as many as are in flight, and the fold's lag.
    ahead: DigestMap<IdempotencyKey, Ahead>,
    /// Who asked about what is ahead: at most what connections may be owed.
    asked: DigestMap<IdempotencyKey, Vec<Asking>>,
}

impl Inner {
    fn new(reach: u64) -> Self {
        Self {
            window: Window::new(reach),
            folded: Seq::ZERO,
            ahead: DigestMap::default(),
            asked: DigestMap::default(),
        }
    }
}

/// One EJ's; shared by its intake and its lane.
pub struct ControlIds {
    inner: Mutex<Inner>,
    /// Keys in `asked`.
    asked: AtomicUsize,
}

impl ControlIds {
    #[must_use]
    pub fn new(reach: u64) -> Self {
        Self { inner: Mutex::new(Inner::new(reach)), asked: AtomicUsize::new(0) }
    }

    /// `asking` is told when the message is applied. It is dropped where that has been: then
    /// [`Self::first`] says where.
    pub fn reserve(&self, key: IdempotencyKey, asking: Option<Asking>) -> Reserved {
        let mut inner = self.inner.lock();
        if inner.window.first(&key).is_some() {
            return Reserved::Accepted(Journaled(()));
        }
        if let Some(asking) = asking {
            inner.asked.entry(key).or_default().push(asking);
            self.asked.store(inner.asked.len(), Ordering::Relaxed);
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

    /// The first place of an accepted message that was folded.
    pub fn first(&self, key: &IdempotencyKey) -> Option<Seq> {
        self.inner.lock().window.first(key)
    }

    /// Who asked about the message that was just folded.
    pub fn asked(&self, key: &IdempotencyKey) -> Vec<Asking> {
        // What is folded was stored after it was reserved, and stored and read under locks.
        if self.asked.load(Ordering::Relaxed) == 0 {
            return Vec::new();
        }
        let mut inner = self.inner.lock();
        let asked = inner.asked.remove(key).unwrap_or_default();
        self.asked.store(inner.asked.len(), Ordering::Relaxed);
        asked
    }

    /// Somebody no longer waits to be told.
    pub fn ask_no_more(&self, key: &IdempotencyKey) {
        let mut inner = self.inner.lock();
        if let Some(asked) = inner.asked.get_mut(key) {
            asked.retain(|asking| !asking.is_closed());
            if asked.is_empty() {
                inner.asked.remove(key);
            }
        }
        self.asked.store(inner.asked.len(), Ordering::Relaxed);
    }

    /// Ends a reservation and tells those that wait for it.
    pub fn settle(&self, key: IdempotencyKey, settled: Settled) {
        let mut inner = self.inner.lock();
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
            Settled::Stored(_) => {}
            Settled::Refused(_) | Settled::Unknown => {
                inner.asked.remove(&key);
                self.asked.store(inner.asked.len(), Ordering::Relaxed);
            }
        }
        drop(inner);
        for waiting in waiting {
            // Who no longer waits needs not be told.
            let _ = waiting.send(settled);
        }
    }

    /// Forgets everything, to be read anew from the journal.
    pub fn reset(&self, reach: u64) {
        *self.inner.lock() = Inner::new(reach);
    }

    /// A record that was stored before this process began, and is still to be folded.
    pub fn note_stored(&self, seq: Seq, key: IdempotencyKey) {
        self.inner.lock().ahead.insert(key, Ahead::Stored(seq));
    }

    /// The fold reached the accepted message at `seq`.
    pub fn fold(&self, seq: Seq, key: IdempotencyKey, control_id: u64) -> Seen {
        let mut inner = self.inner.lock();
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
    use sluice_channels::ack::Outcome;

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
        assert!(matches!(ids.reserve(KEY, None), Reserved::First));
        let mut second = told(ids.reserve(KEY, None));
        ids.settle(KEY, Settled::Stored(Seq::new(4)));
        assert_eq!(second.try_recv(), Ok(Settled::Stored(Seq::new(4))));
        assert!(matches!(ids.reserve(KEY, None), Reserved::Accepted(_)));
        assert_eq!(ids.fold(Seq::new(4), KEY, 7), Seen::New);
        assert!(matches!(ids.reserve(KEY, None), Reserved::Accepted(_)));
    }

    #[test]
    fn after_a_failure_the_next_is_the_first_again() {
        let ids = ControlIds::new(100);
        assert!(matches!(ids.reserve(KEY, None), Reserved::First));
        let mut second = told(ids.reserve(KEY, None));
        ids.settle(KEY, Settled::Refused(Refusal::Stopping));
        assert_eq!(second.try_recv(), Ok(Settled::Refused(Refusal::Stopping)));
        assert!(matches!(ids.reserve(KEY, None), Reserved::First));
    }

    #[test]
    fn a_fold_that_is_quicker_than_the_answer_leaves_nothing_behind() {
        let ids = ControlIds::new(100);
        assert!(matches!(ids.reserve(KEY, None), Reserved::First));
        ids.fold(Seq::new(4), KEY, 7);
        ids.settle(KEY, Settled::Stored(Seq::new(4)));
        assert!(ids.inner.lock().ahead.is_empty());
        assert!(matches!(ids.reserve(KEY, None), Reserved::Accepted(_)));
    }

    fn ended() -> Ended {
        Ended { outcome: Outcome::Applied, issues: Vec::new() }
    }

    /// The fold is asked before it, between it and the answer, and after it.
    #[test]
    fn who_asks_is_told_however_quick_the_fold_is() {
        let ids = ControlIds::new(100);
        let (first, mut told) = oneshot::channel();
        assert!(matches!(ids.reserve(KEY, Some(first)), Reserved::First));
        let (second, mut told_too) = oneshot::channel();
        assert!(matches!(ids.reserve(KEY, Some(second)), Reserved::Wait(_)));
        assert_eq!(ids.fold(Seq::new(4), KEY, 7), Seen::New);
        let asked = ids.asked(&KEY);
        assert_eq!(asked.len(), 2);
        asked.into_iter().for_each(|asking| asking.send(ended()).unwrap());
        assert!(told.try_recv().is_ok() && told_too.try_recv().is_ok());
        ids.settle(KEY, Settled::Stored(Seq::new(4)));
        let (late, mut told) = oneshot::channel();
        assert!(matches!(ids.reserve(KEY, Some(late)), Reserved::Accepted(_)));
        assert!(told.try_recv().is_err(), "it has been");
        assert_eq!(ids.first(&KEY), Some(Seq::new(4)));
        assert_eq!(ids.fold(Seq::new(9), KEY, 7), Seen::Repeated(Seq::new(4)));
        assert_eq!(ids.first(&KEY), Some(Seq::new(4)));
    }

    #[test]
    fn nobody_is_left_asking_about_what_was_not_stored_or_is_not_waited_for() {
        let ids = ControlIds::new(100);
        let (asking, mut told) = oneshot::channel();
        assert!(matches!(ids.reserve(KEY, Some(asking)), Reserved::First));
        ids.settle(KEY, Settled::Refused(Refusal::Stopping));
        assert!(told.try_recv().is_err());
        let (asking, told) = oneshot::channel();
        assert!(matches!(ids.reserve(KEY, Some(asking)), Reserved::First));
        drop(told);
        ids.ask_no_more(&KEY);
        assert!(ids.inner.lock().asked.is_empty());
        assert!(ids.asked(&KEY).is_empty());
    }
}
