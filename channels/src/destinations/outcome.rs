//! What is delivered, and how it ends.

use std::borrow::Cow;
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::time::Duration;

use bytes::Bytes;
use sluice_ids::{ChannelId, EjId, Micros, Seq};

/// One message on its way out.
#[derive(Clone)]
pub struct Outgoing {
    pub ej: EjId,
    pub channel: ChannelId,
    pub seq: Seq,
    pub received_at: Micros,
    pub body: Body,
}

/// Patient data: never shown.
#[derive(Clone)]
pub enum Body {
    /// The message after its channel's steps: as text, and in the character set that it says.
    Message { text: String, encoded: Bytes, control_id: String },
    /// What the message changed, as it is now; what others refer to comes first.
    Resources(Vec<Resource>),
}

#[derive(Clone)]
pub struct Resource {
    pub of_type: &'static str,
    pub id: String,
    /// Our version, by which a newer rendering is told from an older one.
    pub version: Seq,
    /// One JSON object; `None`: it is no more.
    pub json: Option<Bytes>,
}

impl fmt::Debug for Outgoing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Outgoing({} {})", self.ej, self.seq)
    }
}

/// How an attempt ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// The peer has it.
    Accepted,
    /// The peer was not reached, or did not answer: whether it has the message cannot be known.
    Unreached(Code),
    /// The peer answered that it cannot take it now, and perhaps how long to wait.
    NotNow(Code, Option<Duration>),
    /// The peer does not take this message, now or later.
    Refused(Code),
}

/// Why, in a few closed words: an acknowledgement or HTTP code, or what happened to the
/// connection. Never what a peer wrote.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Code(Cow<'static, str>);

impl Code {
    #[must_use]
    pub const fn of(word: &'static str) -> Self {
        Self(Cow::Borrowed(word))
    }

    #[must_use]
    pub fn http(status: u16) -> Self {
        Self(Cow::Owned(format!("http {status}")))
    }

    /// An acknowledgement code and the condition that came with it, a number of table 0357.
    #[must_use]
    pub fn acknowledgement(code: &'static str, condition: Option<u16>) -> Self {
        match condition {
            None => Self::of(code),
            Some(condition) => Self(Cow::Owned(format!("{code} {condition}"))),
        }
    }

    /// Not of the peer itself, but of the server that gives us leave to ask it.
    #[must_use]
    pub fn of_token_server(&self) -> Self {
        Self(Cow::Owned(format!("token server: {self}")))
    }

    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

pub type DeliverFuture = Pin<Box<dyn Future<Output = Outcome> + Send>>;

/// A way out, one for each EJ of its channel.
///
/// - **Order.** [`Destination::deliver`] puts the message in line before it returns; where the way
///   out is a stream, messages leave in call order.
/// - **At least once.** [`Outcome::Accepted`] is said only when the peer said so (a file: once it
///   is on stable storage). After [`Outcome::Unreached`] the caller delivers again, the same.
/// - **Bounded.** Each attempt ends within the way's own timeouts.
pub trait Destination: Send + Sync + 'static {
    fn deliver(&self, outgoing: Outgoing) -> DeliverFuture;
}
