//! Messages that come one by one from elsewhere in this process: the source `http`, whose requests the
//! engine's HTTP face reads.
//!
//! - **Order.** Messages are taken in call order.
//! - **Backpressure.** Each message holds one of `in_flight_max` places, from before its first byte is
//!   read until it is answered; who gets none is told to come again.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use bytes::Bytes;
use metrics::{Counter, counter, describe_counter};
use parking_lot::Mutex;
use serde::{Deserialize, Serialize};
use sluice_ids::{ChannelId, EjId};
use tokio::sync::Semaphore;

use crate::intake::{Committed, Intake, IntakeSession, Reply, SessionContext};
use crate::tls::SpeaksFor;

/// `[source]` of type `http`: `POST /channels/{id}`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct HttpSource {
    /// Most bytes of a message; a larger one is refused (413). Default 4 194 304 (4 MiB), as over
    /// MLLP.
    pub message_bytes_max: usize,
    /// Most messages that are read or wait for their answer; one more is told to come again (503).
    /// Default 16.
    pub in_flight_max: usize,
}

impl Default for HttpSource {
    fn default() -> Self {
        Self { message_bytes_max: 4 * 1024 * 1024, in_flight_max: 16 }
    }
}

impl HttpSource {
    /// Values that nothing could be taken with: the key, and what is wrong with it.
    #[must_use]
    pub fn problems(&self) -> Vec<(&'static str, String)> {
        let most = Semaphore::MAX_PERMITS.min(u32::MAX as usize);
        let mut problems = Vec::new();
        for (key, value) in
            [("message_bytes_max", self.message_bytes_max), ("in_flight_max", self.in_flight_max)]
        {
            if value == 0 {
                problems.push((key, "0 is too small; it must be at least 1".to_owned()));
            }
        }
        if self.in_flight_max > most {
            problems.push(("in_flight_max", format!("is too large; at most {most}")));
        }
        problems
    }
}

/// What a message came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    Answered(Bytes),
    /// It asked for no answer.
    Silent,
    /// Not taken; it can be taken later.
    NotNow,
    /// It cannot be known whether it was kept.
    Unknown,
}

/// A channel that is open.
pub struct Posting {
    id: ChannelId,
    ejs: Arc<[EjId]>,
    settings: HttpSource,
    places: Arc<Semaphore>,
    session: Mutex<Box<dyn IntakeSession>>,
    paused: AtomicBool,
    messages: Counter,
    later: Counter,
}

/// Opens a channel; `None` for one that the intake does not know.
#[must_use]
pub fn open(
    id: ChannelId,
    ejs: &[EjId],
    settings: HttpSource,
    intake: &Arc<dyn Intake>,
) -> Option<Arc<Posting>> {
    let context = SessionContext { channel: id, peer: None, speaks_for: SpeaksFor::Anybody };
    let session = Mutex::new(intake.session(context)?);
    let places = Arc::new(Semaphore::new(settings.in_flight_max));
    let label = || id.to_string();
    Some(Arc::new(Posting {
        id,
        ejs: ejs.into(),
        settings,
        places,
        session,
        paused: AtomicBool::new(false),
        messages: counter!("sluice_posted_messages_total", "channel" => label()),
        later: counter!("sluice_posted_later_total", "channel" => label()),
    }))
}

impl Posting {
    #[must_use]
    pub const fn id(&self) -> ChannelId {
        self.id
    }

    #[must_use]
    pub fn ejs(&self) -> Arc<[EjId]> {
        Arc::clone(&self.ejs)
    }

    #[must_use]
    pub const fn message_bytes_max(&self) -> usize {
        self.settings.message_bytes_max
    }

    #[must_use]
    pub fn places(&self) -> Arc<Semaphore> {
        Arc::clone(&self.places)
    }

    /// Whether all who come are told to come again, for now.
    pub fn pause(&self, paused: bool) {
        self.paused.store(paused, Ordering::Release);
    }

    /// Takes a message before it returns; what it comes to is known later.
    pub fn take(self: Arc<Self>, message: Bytes) -> impl Future<Output = Outcome> + Send + 'static {
        self.messages.increment(1);
        let paused = self.paused.load(Ordering::Acquire);
        let taken = (!paused).then(|| self.session.lock().take(message));
        async move {
            let Some(taken) = taken else {
                self.later.increment(1);
                return Outcome::NotNow;
            };
            let taken = taken.await;
            if taken.committed == Committed::NotNow {
                self.later.increment(1);
                return Outcome::NotNow;
            }
            match taken.reply().await {
                Reply::Answer { bytes, .. } => Outcome::Answered(bytes),
                Reply::Silent => Outcome::Silent,
                Reply::Close => Outcome::Unknown,
            }
        }
    }

    /// Takes no more; ends when what was taken is answered.
    pub async fn stop(&self) {
        let all = u32::try_from(self.settings.in_flight_max).unwrap_or(u32::MAX);
        // Closed already is stopped already.
        let held = self.places.acquire_many(all).await;
        self.places.close();
        drop(held);
    }
}

/// Tells an installed recorder what the metrics of posted messages are.
pub fn describe_metrics() {
    describe_counter!("sluice_posted_messages_total", "Messages that came by HTTP POST");
    describe_counter!("sluice_posted_later_total", "Of these, those that were told to come again");
}
