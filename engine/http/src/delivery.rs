//! What the server tells of destinations and dead letters, for the HTTP face.

use sluice_ids::{ChannelId, DestinationName, EjId, Micros, Seq};

use crate::acts::NotRecorded;

/// How one destination stands for one EJ.
#[derive(Debug, Clone)]
pub struct QueueTold {
    pub ej: EjId,
    pub channel: String,
    pub destination: String,
    /// `mllp`, `fhir`, `file` or `webhook`.
    pub kind: &'static str,
    /// `running`, `waiting` (the peer is left alone for a while), `paused`, or `stuck`.
    pub state: &'static str,
    /// Of one that is stuck.
    pub why: Option<String>,
    pub cursor: Seq,
    pub depth: u64,
    /// False: the journal was not read to its end, and the depth is the most that there can be.
    pub depth_is_exact: bool,
    pub in_flight: u64,
    /// When the oldest that waits was received.
    pub oldest: Option<Micros>,
    pub delivered_per_s: f64,
    pub delivered_total: u64,
    pub dead_letters_total: u64,
    /// What ended the last attempt that failed, since the last that did not.
    pub trouble: Option<String>,
}

/// One message that was set aside.
#[derive(Debug, Clone)]
pub struct LetterTold {
    /// The message's place.
    pub seq: Seq,
    /// Channel and destination; `None`: it was not applied.
    pub way: Option<(String, String)>,
    pub reason: &'static str,
    /// The peer's.
    pub code: Option<String>,
    pub since: Micros,
    pub retrying: bool,
}

impl LetterTold {
    /// Under which it is asked for: the place, and the destination behind it.
    #[must_use]
    pub fn id(&self) -> String {
        match &self.way {
            None => self.seq.to_string(),
            Some((channel, destination)) => format!("{}:{channel}:{destination}", self.seq),
        }
    }
}

/// What the id of a letter says. In order of the messages.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct LetterPlace {
    pub seq: Seq,
    /// `None`: it was not applied.
    pub way: Option<(ChannelId, DestinationName)>,
}

impl LetterPlace {
    #[must_use]
    pub fn of(id: &str) -> Option<Self> {
        let (seq, way) = match id.split_once(':') {
            None => (id, None),
            Some((seq, way)) => (seq, Some(way.split_once(':')?)),
        };
        let way = match way {
            None => None,
            Some((channel, destination)) => {
                Some((ChannelId::new(channel).ok()?, DestinationName::new(destination).ok()?))
            }
        };
        Some(Self { seq: Seq::new(seq.parse().ok()?), way })
    }
}

/// Some of those that are open.
#[derive(Debug, Clone)]
pub struct LettersPage {
    /// In the order of their messages.
    pub letters: Vec<LetterTold>,
    /// Others follow.
    pub more: bool,
    /// That are open in all.
    pub total: usize,
}

/// What is done to a dead letter.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LetterAct {
    /// Delivered again, or folded anew where it was not applied.
    Retry,
    /// Closed, and why.
    Discard { reason: String },
}

/// Asked by `/api/queues`, a channel's destinations and `/api/ejs/{ej}/dead-letters`. Acts write the journal: called where
/// blocking does no harm.
pub trait DeliveryDesk: Send + Sync + 'static {
    fn queues(&self) -> Vec<QueueTold>;

    /// Has a destination send nothing, or send again, in all EJs of its channel; kept over a restart.
    ///
    /// # Errors
    /// When the act cannot be recorded in each of these EJs, or not be kept: it is not done.
    fn pause(
        &self,
        ejs: &[EjId],
        channel: ChannelId,
        destination: DestinationName,
        paused: bool,
        by: &str,
    ) -> Result<(), NotRecorded>;

    /// Those that are open and come after this one, at most so many.
    fn letters(&self, ej: EjId, after: Option<LetterPlace>, count: usize) -> LettersPage;

    /// One that is open.
    fn letter(&self, ej: EjId, place: LetterPlace) -> Option<LetterTold>;

    /// Records the act, which is then done.
    ///
    /// # Errors
    /// When it is not durable.
    fn act(
        &self,
        ej: EjId,
        letter: &LetterTold,
        act: LetterAct,
        by: &str,
    ) -> Result<(), NotRecorded>;
}
