//! How far an EJ's fold has come: told by its lane, asked by the intake and by whoever waits.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use sluice_ids::Seq;
use tokio::sync::watch;
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
    stored: AtomicU64,
}

impl Progress {
    pub fn new() -> Self {
        Self { standing: watch::Sender::new(Standing::default()), stored: AtomicU64::new(0) }
    }

    pub fn standing(&self) -> Standing {
        *self.standing.borrow()
    }

    pub fn tell(&self, change: impl FnOnce(&mut Standing)) {
        self.standing.send_modify(change);
    }

    pub fn stored(&self, seq: Seq) {
        self.stored.fetch_max(seq.get(), Ordering::Relaxed);
    }

    /// Records stored and not yet folded; gaps in the order count too.
    pub fn lag(&self) -> u64 {
        let stored = self.stored.load(Ordering::Relaxed);
        stored.saturating_sub(self.standing.borrow().applied.get())
    }

    /// Until the lag is at most `records`; false where `limit` came first.
    pub async fn room(&self, records: u64, limit: Duration) -> bool {
        let stored = self.stored.load(Ordering::Relaxed);
        self.reached(Seq::new(stored.saturating_sub(records)), limit).await
    }

    /// Until `seq` is applied; false where `limit` came first.
    pub async fn reached(&self, seq: Seq, limit: Duration) -> bool {
        let mut standing = self.standing.subscribe();
        let reached = standing.wait_for(|standing| standing.applied >= seq);
        timeout(limit, reached).await.is_ok_and(|reached| reached.is_ok())
    }
}
