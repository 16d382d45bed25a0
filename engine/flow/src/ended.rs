//! What became of a message, for the sender that asked: told by the lane that applied it, or by
//! folding it again where it came before.

use std::sync::Arc;
use std::time::Instant;

use sluice_channels::ack::Outcome;
use sluice_ids::Seq;
use sluice_journal::IdempotencyKey;
use sluice_mappings::adt::Issue;
use sluice_mappings::entity::LegalEntity;
use tokio::sync::{Semaphore, oneshot};
use tokio::time::timeout;

use crate::control_ids::Asking;
use crate::lane::Shared as Lane;
use crate::measures::Become;
use crate::past::Past;

/// Messages of the past that are folded again at once: a resend after a restart, a handful of ms
/// each. Others wait.
const PAST_AT_ONCE: usize = 2;

/// How applying a message ended, and what was found in it.
#[derive(Debug, Clone)]
pub struct Ended {
    pub outcome: Outcome,
    pub issues: Vec<Issue>,
}

impl Ended {
    /// `None` of a message that was refused.
    pub(crate) fn of(became: Become, issues: &[Issue]) -> Option<Self> {
        let outcome = match became {
            Become::Applied => Outcome::of_applied(issues),
            Become::NoEffect => Outcome::of_no_effect(issues),
            Become::NotMapped => Outcome::NotMapped,
            Become::Duplicate => Outcome::Repeated,
            Become::Poison(_) => Outcome::SetAside,
            Become::KeptUnread => Outcome::KeptUnread,
            Become::Filtered => Outcome::Filtered,
            Become::Refused => return None,
        };
        Some(Self { outcome, issues: issues.to_vec() })
    }

    const fn without_issues(outcome: Outcome) -> Self {
        Self { outcome, issues: Vec::new() }
    }
}

/// What is asked of the past.
pub(crate) struct Again {
    past: Past,
    /// In the order of the directory's parties.
    entities: Vec<LegalEntity>,
    turns: Arc<Semaphore>,
}

impl Again {
    pub fn new(past: Past, entities: &[LegalEntity]) -> Self {
        let turns = Arc::new(Semaphore::new(PAST_AT_ONCE));
        Self { past, entities: entities.to_vec(), turns }
    }

    /// `None` where it cannot be told any more.
    async fn tell(self: Arc<Self>, lane: &Lane, seq: Seq) -> Option<Ended> {
        let turn = Arc::clone(&self.turns).acquire_owned().await.ok()?;
        let ej = lane.ej;
        let told = tokio::task::spawn_blocking(move || {
            let _turn = turn;
            let entity = self.entities.iter().find(|entity| entity.id() == ej)?;
            let told = self.past.message(entity, seq).ok()?;
            Some(Ended { outcome: told.outcome?, issues: told.issues })
        });
        told.await.ok()?
    }
}

/// Waits to be told what became of one message.
pub(crate) struct Asked {
    lane: Arc<Lane>,
    again: Arc<Again>,
    key: IdempotencyKey,
    told: Option<oneshot::Receiver<Ended>>,
}

impl Asked {
    pub fn new(lane: Arc<Lane>, again: Arc<Again>, key: IdempotencyKey) -> (Asking, Self) {
        let (asking, told) = oneshot::channel();
        (asking, Self { lane, again, key, told: Some(told) })
    }

    /// [`Outcome::Pending`] where it is not known by then.
    pub async fn ended(mut self, until: Instant) -> Ended {
        let left = || until.saturating_duration_since(Instant::now());
        let pending = || Ended::without_issues(Outcome::Pending);
        let Some(told) = &mut self.told else { return pending() };
        let Ok(told) = timeout(left(), told).await else { return pending() };
        self.told = None;
        let is_repeated = match told {
            Ok(ended) if ended.outcome != Outcome::Repeated => return ended,
            told => told.is_ok(),
        };
        let repeated = Ended::without_issues(Outcome::Repeated);
        let Some(first) = self.lane.ids.first(&self.key) else {
            // Its lane has ended, or the memory does not reach so far back.
            return if is_repeated { repeated } else { pending() };
        };
        if !self.lane.progress.reached(first, left()).await {
            return pending();
        }
        match timeout(left(), Arc::clone(&self.again).tell(&self.lane, first)).await {
            Ok(told) => told.unwrap_or(repeated),
            Err(_) => pending(),
        }
    }
}

impl Drop for Asked {
    fn drop(&mut self) {
        if let Some(told) = self.told.take() {
            drop(told);
            self.lane.ids.ask_no_more(&self.key);
        }
    }
}
