//! The journal port: what the rest of Sluice may ask of a journal, and what it may rely on.
//!
//! Two backends fit behind it: the embedded append log of this crate, and a replicated log.
//! `conformance` holds both to the same contract.
//!
//! - **Durability.** [`Append::Stored`] is reported only after the record is on stable storage
//!   (fdatasync, or the replicas' quorum). [`Append::Unknown`] means that nobody can say: the
//!   caller must not acknowledge, and closes the connection so that the sender sends again.
//! - **Order.** Appends made through one [`Appender`] are stored in call order. [`Seq`] is per
//!   EJ, strictly increasing, gaps allowed, known only after the append.
//! - **Backpressure.** The future ends no sooner than the disk allows: a caller that awaits it
//!   before it takes more from its socket is pushed back at the disk's speed. What may wait at
//!   once is bounded in bytes; beyond that an append is refused with [`Refusal::Busy`], and
//!   nothing was kept of it.
//! - **Reading** gives only what is durable, in `Seq` order, each record exactly once.

use std::time::Duration;

use bytes::Bytes;
use serde::{Deserialize, Serialize};
use sluice_ids::{ChannelId, EjId, Lsn, Micros, Seq};

use crate::slot::AppendFuture;

/// What a record is. The numbers are the disk format.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum Kind {
    /// A frame's bytes as they came, accepted or refused (see [`Entry::verdict`]).
    Message = 1,
    /// A destination's cursor moved on.
    CursorAdvance = 2,
    /// A message was set aside.
    DeadLetter = 3,
    /// An operator did something that changes the state: accept damage, reprocess, discard.
    OperatorAct = 4,
    /// The configuration that the mapping depends on, from here on.
    ConfigEpoch = 5,
}

impl Kind {
    /// The kind with that number in a record; `None` where this format has none.
    #[must_use]
    pub fn from_number(number: u8) -> Option<Self> {
        [Self::Message, Self::CursorAdvance, Self::DeadLetter, Self::OperatorAct, Self::ConfigEpoch]
            .into_iter()
            .find(|kind| *kind as u8 == number)
    }
}

/// `hash(EJ, sender, control id, bytes)`, SHA-256 cut to 16 bytes; all zero where there is none.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct IdempotencyKey(pub [u8; 16]);

/// What is to be appended. `Seq` and `Lsn` are the journal's to give.
#[derive(Clone)]
pub struct Entry {
    pub kind: Kind,
    /// The owner's bits, kept and not understood by the journal.
    pub flags: u16,
    /// The verdict on a message, as `flow` numbers them; 0 for other kinds.
    pub verdict: u8,
    pub ej: EjId,
    pub channel: ChannelId,
    pub received_at: Micros,
    pub key: IdempotencyKey,
    pub payload: Bytes,
}

/// One durable record.
#[derive(Clone)]
pub struct Record {
    pub lsn: Lsn,
    pub seq: Seq,
    pub entry: Entry,
}

/// How an append ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Append {
    Stored {
        seq: Seq,
        lsn: Lsn,
    },
    Refused(Refusal),
    /// It may or may not be there. Never acknowledge.
    Unknown,
}

/// Why nothing was written. All but `TooLarge` are transient: the same entry can be taken later.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    #[error("free space of {free_bytes} bytes is under the floor of {floor_bytes}")]
    NoSpace { free_bytes: u64, floor_bytes: u64 },
    #[error("an entry of {bytes} bytes is over the limit of {limit}")]
    TooLarge { bytes: u64, limit: u64 },
    #[error("{queued_bytes} bytes wait to be written; at most {limit} may")]
    Busy { queued_bytes: u64, limit: u64 },
    #[error("the journal is stopping")]
    Stopping,
    #[error("{ej} is stopped by damage until an operator accepts it")]
    Damaged { ej: EjId },
}

/// One caller's way in. Call order is kept per appender, none between appenders.
pub trait Appender: Send {
    /// Queues `entry` now, in call order; the future tells how it ended. Dropping the future
    /// does not undo the append.
    fn append(&mut self, entry: Entry) -> AppendFuture;

    /// As [`Appender::append`], and before what waits of other appenders, in room that
    /// [`Journal::urgent_share`] keeps. A backend that can do neither appends.
    fn append_urgent(&mut self, entry: Entry) -> AppendFuture {
        self.append(entry)
    }
}

/// A part of a whole, in thousandths; written as a number from 0 to 0.9.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "f64", into = "f64")]
pub struct Share(u16);

impl Share {
    /// A fifth.
    pub const DEFAULT: Self = Self(200);
    const MAX: f64 = 0.9;

    /// What of `whole` is not of the share.
    #[must_use]
    pub const fn rest_of(self, whole: u64) -> u64 {
        whole - whole / 1000 * self.0 as u64 - whole % 1000 * self.0 as u64 / 1000
    }
}

impl TryFrom<f64> for Share {
    type Error = String;

    fn try_from(value: f64) -> Result<Self, String> {
        if (0.0..=Self::MAX).contains(&value) {
            Ok(Self((value * 1000.0).round() as u16))
        } else {
            Err(format!("{value} is no share; it must lie between 0 and {}", Self::MAX))
        }
    }
}

impl From<Share> for f64 {
    fn from(share: Share) -> Self {
        Self::from(share.0) / 1000.0
    }
}

/// Reads one EJ's durable records in `Seq` order. Blocking: for a thread of its own.
pub trait Reader: Send {
    /// The next record, or `None` at the durable end (call again later).
    ///
    /// # Errors
    /// When the next record is damaged or was released; the reader does not move past it.
    fn next(&mut self) -> Result<Option<Record>, ReadError>;
}

#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    #[error("segment {segment} is damaged at byte {offset}")]
    Damaged { segment: u64, offset: u64 },
    #[error("seq {asked} of {ej} was released; the oldest kept is {oldest}")]
    Released { ej: EjId, asked: Seq, oldest: Seq },
    #[error("reading segment {segment} at byte {offset}")]
    Io { segment: u64, offset: u64, source: std::io::Error },
}

/// A durable, ordered, per-EJ log.
pub trait Journal: Send + Sync + 'static {
    fn appender(&self) -> Box<dyn Appender>;

    /// A reader whose first record is the first with `seq >= from`.
    fn read(&self, ej: EjId, from: Seq) -> Box<dyn Reader>;

    /// One record, or `None` where that `Seq` was never given (gaps are allowed).
    ///
    /// # Errors
    /// As [`Reader::next`].
    fn get(&self, ej: EjId, seq: Seq) -> Result<Option<Record>, ReadError>;

    /// The last durable `Seq` of `ej`; [`Seq::ZERO`] before the first.
    fn tail(&self, ej: EjId) -> Seq;

    /// Blocks until `tail(ej) > past`, or `timeout`; returns the tail either way.
    fn wait_past(&self, ej: EjId, past: Seq, timeout: Duration) -> Seq;

    /// Every EJ that has a record.
    fn ejs(&self) -> Vec<EjId>;

    /// The `Seq`s of `ej` whose record carries `hash` under `index` (see [`Keys`]), ascending,
    /// without scanning payloads.
    ///
    /// # Errors
    /// When a sidecar or segment cannot be read.
    fn find(&self, ej: EjId, index: KeyIndex, hash: u64) -> Result<Vec<Seq>, ReadError>;

    /// Lets go of whole segments in which every record of each EJ is before the given `Seq`.
    /// Returns how many segments were deleted.
    ///
    /// # Errors
    /// When a file cannot be deleted.
    fn release(&self, before: &[(EjId, Seq)]) -> std::io::Result<usize>;

    /// The largest payload that an entry may have, in bytes.
    fn entry_bytes_max(&self) -> u64;

    /// How much of what may wait is for urgent appends alone.
    fn urgent_share(&self) -> Share {
        Share::DEFAULT
    }
}

/// Which sidecar index a hash stands in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum KeyIndex {
    ControlId = 1,
    Patient = 2,
}

/// What a sealed segment's sidecar says of a record. The journal knows nothing of HL7, so its
/// owner gives the function that reads a record's keys ([`KeysOf`]).
#[derive(Debug, Clone, Default)]
pub struct Keys {
    pub control_id: Option<u64>,
    /// One per patient identifier that the message names (a merge names two).
    pub patients: Vec<u64>,
}

pub type KeysOf = std::sync::Arc<dyn Fn(&Record) -> Keys + Send + Sync>;
