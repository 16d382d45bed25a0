//! What the server tells the HTTP face of messages, and does with them for it.

use bytes::Bytes;
use sluice_ids::{EjId, Micros, Phi, Seq};

use crate::past::Forgotten;

/// What is looked for: all of it must be so. Names are those of the lists.
#[derive(Debug, Clone, Default)]
pub struct MessagesAsked {
    pub channel: Option<String>,
    pub event: Option<String>,
    pub control_id: Option<Phi<String>>,
    pub patient: Option<Phi<String>>,
    pub visit: Option<Phi<String>>,
    pub verdict: Option<String>,
    pub outcome: Option<String>,
    pub brought: Option<String>,
    pub of: Option<Seq>,
    pub from: Option<Micros>,
    pub to: Option<Micros>,
    pub before: Option<Seq>,
}

/// A message in a list.
#[derive(Debug, Clone)]
pub struct MessageLine {
    pub seq: Seq,
    pub received_at: Micros,
    pub channel: String,
    pub event: String,
    pub control_id: Phi<String>,
    pub verdict: &'static str,
    /// Empty where it is not known (yet).
    pub became: &'static str,
    pub held: bool,
    pub issues: u8,
    /// The gravest issue's severity.
    pub severity: Option<&'static str>,
    pub brought: &'static str,
    /// The message that this one repeats, or brings again.
    pub of: Option<Seq>,
}

#[derive(Debug, Clone, Default)]
pub struct MessagesFound {
    pub lines: Vec<MessageLine>,
    pub next: Option<Seq>,
    /// What came up to here is not found yet: the index is being made.
    pub missing_through: Option<Seq>,
}

/// What was answered to a message's sender, told from the journal.
#[derive(Debug, Clone)]
pub struct AckTold {
    /// Of what was answered at once; empty where nothing was.
    pub code: &'static str,
    /// Its sender was told what became of it, too or only.
    pub when_applied: bool,
    pub text: String,
}

#[derive(Debug, Clone)]
pub struct MessageShown {
    pub line: MessageLine,
    pub raw: Bytes,
    pub text: String,
    pub ack: Option<AckTold>,
    /// The operator who brought it.
    pub by: Option<String>,
}

/// Why a search is not made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NotFound {
    Forgotten(Forgotten),
    /// The parameter of that name has no such value.
    Parameter(&'static str),
}

/// Why a message is not applied again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NotAgain {
    Unknown,
    /// The verdict on it, and where it found what.
    Refused {
        verdict: &'static str,
        at: Option<String>,
    },
    /// In a few words.
    Not(&'static str),
    NotRecorded,
    Unreadable,
}

/// A message that is applied again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Again {
    pub of: Seq,
    pub seq: Seq,
    pub verdict: &'static str,
}

/// Asked where blocking does no harm: reads and writes the journal.
pub trait MessageDesk: Send + Sync + 'static {
    /// The newest first.
    ///
    /// # Errors
    /// When a value is none, or the journal cannot be read.
    fn messages(
        &self,
        ej: EjId,
        asked: &MessagesAsked,
        count: usize,
    ) -> Result<MessagesFound, NotFound>;

    /// # Errors
    /// When there is no such message, or the journal cannot be read.
    fn shown(&self, ej: EjId, seq: Seq) -> Result<MessageShown, Forgotten>;

    /// Where the message went, by channel and destination: an object each.
    fn deliveries(&self, ej: EjId, seq: Seq) -> Vec<serde_json::Value>;

    /// Has messages applied again in that order, each recorded as `by`'s act.
    fn reprocess(
        &self,
        ej: EjId,
        messages: &[Seq],
        by: &str,
    ) -> Vec<(Seq, Result<Again, NotAgain>)>;

    /// Has an edited message applied, recorded as `by`'s act.
    ///
    /// # Errors
    /// Why it is not.
    fn resend(&self, ej: EjId, of: Seq, edited: &[u8], by: &str) -> Result<Again, NotAgain>;
}
