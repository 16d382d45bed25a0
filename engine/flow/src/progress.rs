//! How far an EJ's fold has come: told by its lane, asked by the intake and by whoever waits.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use parking_lot::Mutex;
use sluice_ids::Seq;
use tokio::sync::{oneshot, watch};
use tokio::time::timeout;

/// Why a lane does not go on. Reads go on, and what it had accepted is safe in the journal.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Halt {
    #[error("the journal is damaged at byte {offset} of segment {segment}")]
    Damaged { segment: u64, offset: u64 },
    #[error("the journal begins after what the state has applied; a checkpoint is needed")]
    Released,
    #[error(
        "the state has applied {applied}, and the journal ends at {tail}: they do not belong together"
    )]
    StateAhead { applied: Seq, tail: Seq },
    #[error("the journal cannot be read")]
    Unreadable,
    #[error("the state lost a record; it must be opened anew")]
    StateLost,
    #[error("the configuration epoch at {seq} cannot be read by this version")]
    Epoch { seq: Seq },
    #[error(
        "the message at {seq} passed through a deidentify step whose key is no longer in its file; \
         put the key back"
    )]
    Key { seq: Seq },
    #[error("the fold itself failed; restart, and tell whoever maintains it")]
    Panicked,
}

/// What a lane tells.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Standing {
    /// The last place that readers see.
    pub applied: Seq,
    /// The memory of control ids is there: messages can be taken.
    pub prepared: bool,
    pub halted: Option<Halt>,
}

/// One EJ's.
pub(crate) struct Progress {
    standing: watch::Sender<Standing>,
    /// As in `standing`: asked for each message, and then without its lock.
    applied: AtomicU64,
    stored: AtomicU64,
    /// How long after it was received the last record was applied, in µs, while there are others
    /// to apply; else 0.
    behind: AtomicU64,
    /// Answers that are held back, by the place that is applied before they go. As many as there
    /// are messages in flight; each is told once, at its own place, so that they leave at the pace
    /// of the fold and none is woken in vain.
    held: Mutex<BTreeMap<Seq, oneshot::Sender<()>>>,
}

impl Progress {
    pub fn new() -> Self {
        Self {
            standing: watch::Sender::new(Standing::default()),
            applied: AtomicU64::new(0),
            stored: AtomicU64::new(0),
            behind: AtomicU64::new(0),
            held: Mutex::default(),
        }
    }

    pub fn standing(&self) -> Standing {
        *self.standing.borrow()
    }

    pub fn tell(&self, change: impl FnOnce(&mut Standing)) {
        self.standing.send_modify(|standing| {
            change(standing);
            self.applied.store(standing.applied.get(), Ordering::Release);
        });
        let applied = self.applied();
        let mut held = self.held.lock();
        while let Some(first) = held.first_entry().filter(|first| *first.key() <= applied) {
            // Who no longer waits needs not be told.
            let _ = first.remove().send(());
        }
    }

    pub fn stored(&self, seq: Seq) {
        self.stored.fetch_max(seq.get(), Ordering::Relaxed);
    }

    fn applied(&self) -> Seq {
        Seq::new(self.applied.load(Ordering::Acquire))
    }

    /// Records stored and not yet folded; gaps in the order count too.
    pub fn lag(&self) -> u64 {
        self.stored.load(Ordering::Relaxed).saturating_sub(self.applied().get())
    }

    /// Told with each batch.
    pub fn behind(&self, behind: Duration) {
        self.behind.store(behind.as_micros() as u64, Ordering::Relaxed);
    }

    /// About how many records are folded in `span`: what came while the last one waited, by how
    /// long it waited. At least a batch, so that a stall does not hold everything back for good.
    pub fn records_within(&self, span: Duration) -> u64 {
        const LEAST: u64 = 64;
        let (behind, span) = (self.behind.load(Ordering::Relaxed), span.as_micros() as u64);
        if behind <= span {
            return u64::MAX;
        }
        (self.lag().saturating_mul(span) / behind).max(LEAST)
    }

    /// Until at most `records` are to be folded up to `seq`, a place that nobody else waits with;
    /// false where `limit` came first.
    pub async fn room(&self, seq: Seq, records: u64, limit: Duration) -> bool {
        let until = Seq::new(seq.get().saturating_sub(records));
        let told = {
            let mut held = self.held.lock();
            // Looked at under the lock: what is applied from now on tells whoever is in there.
            if self.applied() >= until {
                return true;
            }
            let (tell, told) = oneshot::channel();
            held.insert(until, tell);
            told
        };
        if timeout(limit, told).await.is_ok() {
            return true;
        }
        self.held.lock().remove(&until);
        false
    }

    /// Until `seq` is applied; false where `limit` came first.
    pub async fn reached(&self, seq: Seq, limit: Duration) -> bool {
        let mut standing = self.standing.subscribe();
        let reached = standing.wait_for(|standing| standing.applied >= seq);
        timeout(limit, reached).await.is_ok_and(|reached| reached.is_ok())
    }
}

#[cfg(test)]
mod tests {
    use std::pin::pin;
    use std::task::{Context, Waker};

    use super::*;

    const LONG: Duration = Duration::from_secs(60);

    fn applied(progress: &Progress, seq: u64) {
        progress.tell(|standing| standing.applied = Seq::new(seq));
    }

    #[tokio::test]
    async fn an_answer_that_is_held_back_leaves_at_its_own_place() {
        let progress = Progress::new();
        progress.stored(Seq::new(10));
        let mut context = Context::from_waker(Waker::noop());
        let mut first = pin!(progress.room(Seq::new(8), 4, LONG));
        let mut second = pin!(progress.room(Seq::new(10), 4, LONG));
        assert!(first.as_mut().poll(&mut context).is_pending());
        assert!(second.as_mut().poll(&mut context).is_pending());
        applied(&progress, 4);
        assert!(first.as_mut().poll(&mut context).is_ready());
        assert!(second.as_mut().poll(&mut context).is_pending());
        applied(&progress, 6);
        assert!(second.as_mut().poll(&mut context).is_ready());
        assert!(progress.room(Seq::new(10), 4, LONG).await, "there is room already");
    }

    #[test]
    fn what_is_folded_in_a_span_is_told_by_how_long_the_last_record_waited() {
        let progress = Progress::new();
        progress.stored(Seq::new(10_000));
        let span = Duration::from_millis(200);
        progress.behind(Duration::from_millis(200));
        assert_eq!(progress.records_within(span), u64::MAX);
        progress.behind(Duration::from_millis(400));
        assert_eq!(progress.records_within(span), 5_000);
        progress.behind(Duration::from_secs(3600));
        assert_eq!(progress.records_within(span), 64);
    }

    #[tokio::test]
    async fn an_answer_that_was_held_back_long_enough_leaves_nothing_behind() {
        let progress = Progress::new();
        progress.stored(Seq::new(10));
        assert!(!progress.room(Seq::new(10), 4, Duration::from_millis(1)).await);
        assert!(progress.held.lock().is_empty());
    }
}
