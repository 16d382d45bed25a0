//! The records that the flow itself writes into the journal: dead letters, and what a record of ours
//! is made of. Payloads are JSON, so that an operator can read them.

use std::future::Future;
use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll, Wake, Waker};
use std::thread::{self, Thread};

use bytes::Bytes;
use serde::{Deserialize, Serialize};
use sluice_ids::{ChannelId, EjId, Micros, Seq};
use sluice_journal::{Append, Entry, IdempotencyKey, Journal, Kind};

use crate::delivery::Way;

/// The channel of records that came in through none.
const CHANNEL: &str = "flow";

/// Why a message was set aside.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Reason {
    /// Applying it panicked, or making of it what a destination is sent.
    Panic,
    /// A step of its channel could not do its work.
    Step,
    /// A destination's peer does not take it, now or later.
    Refused,
    /// A destination's peer answered "not now" too often.
    GaveUp,
    /// An earlier message of its patient was not delivered.
    Behind,
    /// It was delivered after all: the dead letter is closed.
    Delivered,
}

impl Reason {
    /// In words.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Panic => "working on it panicked",
            Self::Step => "a step of its channel failed",
            Self::Refused => "the peer refused it",
            Self::GaveUp => "the peer could not take it, time and again",
            Self::Behind => "an earlier message of its patient was not delivered",
            Self::Delivered => "it was delivered after all",
        }
    }
}

/// What a dead-letter record says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeadLetter {
    /// The message that was set aside.
    pub seq: Seq,
    pub reason: Reason,
    /// The destination that it did not reach; `None`: it was not applied.
    #[serde(flatten)]
    pub way: Option<Way>,
    /// The peer's, in a few closed words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub code: Option<String>,
}

impl DeadLetter {
    /// The payload of a [`Kind::DeadLetter`] record; `None` where this version cannot read it.
    #[must_use]
    pub fn decode(payload: &[u8]) -> Option<Self> {
        serde_json::from_slice(payload).ok()
    }

    pub(crate) fn entry(&self, ej: EjId, now: Micros) -> Entry {
        let payload = serde_json::to_vec(self).expect("a dead letter has a JSON form");
        entry(Kind::DeadLetter, ej, now, payload)
    }
}

pub(crate) fn entry(kind: Kind, ej: EjId, received_at: Micros, payload: Vec<u8>) -> Entry {
    Entry {
        kind,
        flags: 0,
        verdict: 0,
        ej,
        channel: ChannelId::new(CHANNEL).expect("the flow's own name is one"),
        received_at,
        key: IdempotencyKey::default(),
        payload: Bytes::from(payload),
    }
}

/// Appends and waits for the end of it, on a thread of its own.
pub(crate) fn append_blocking(journal: &dyn Journal, entry: Entry) -> Append {
    struct Unpark(Thread);
    impl Wake for Unpark {
        fn wake(self: Arc<Self>) {
            self.0.unpark();
        }
    }
    let waker = Waker::from(Arc::new(Unpark(thread::current())));
    let mut context = Context::from_waker(&waker);
    let mut append = pin!(journal.appender().append(entry));
    loop {
        if let Poll::Ready(outcome) = append.as_mut().poll(&mut context) {
            return outcome;
        }
        thread::park();
    }
}
