//! The intake port: what a channel may ask of the engine for each message that it took.
//!
//! - **Order.** [`IntakeSession::take`] puts the message in line before it returns: the messages
//!   of one session are kept in call order. Replies are sent in that order too, and so are
//!   application acknowledgements among themselves.
//! - **Durability.** A [`Reply::Answer`] that accepts exists only after the message is on stable
//!   storage. Where that cannot be known the reply is [`Reply::Close`]: the sender sends again.
//! - **Two answers.** In enhanced mode a message may be owed another answer once it is applied:
//!   [`Taken::applied`]. A channel that can answer only once leaves it out.
//! - **Backpressure.** A reply that does not come is the way to say "not now": a session holds
//!   a bounded number of replies and takes nothing from its socket beyond that.
//! - **Dropping** a reply does not undo its message. A session that lost its peer should still
//!   await its replies, so that a resend finds their outcome.

use std::future::Future;
use std::net::SocketAddr;
use std::pin::Pin;

use bytes::Bytes;
use sluice_ids::ChannelId;

use crate::ack::Verdict;
use crate::tls::SpeaksFor;

/// What a session is, for the whole of its life.
#[derive(Debug, Clone)]
pub struct SessionContext {
    pub channel: ChannelId,
    /// `None` where messages come from no connection of its own.
    pub peer: Option<SocketAddr>,
    /// What the peer may send, as its certificate says.
    pub speaks_for: SpeaksFor,
}

/// How a message is answered.
#[derive(Clone, PartialEq, Eq)]
pub enum Reply {
    /// An acknowledgement message, without frame, and its MSA-1 to be counted.
    Answer { code: &'static str, bytes: Bytes },
    /// Nothing is owed: an acknowledgement, or a sender that asked for none.
    Silent,
    /// Nothing can be said: the connection is closed after the replies before this one.
    Close,
}

/// Acknowledgements quote message headers: their size is all that is shown.
impl std::fmt::Debug for Reply {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Answer { code, bytes } => write!(f, "Answer({code}, {} bytes)", bytes.len()),
            Self::Silent => f.write_str("Silent"),
            Self::Close => f.write_str("Close"),
        }
    }
}

pub type ReplyFuture = Pin<Box<dyn Future<Output = Reply> + Send>>;

/// Whether a message is on stable storage.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Committed {
    /// Stored with its verdict, a refusal too; or an acknowledgement, of which nothing is kept.
    Yes,
    /// Not kept. The same bytes can be taken later.
    NotNow,
    /// Not kept, and it would not be the next time.
    Never,
}

/// A message that was taken as far as it is decided: stored, refused, or ignored.
pub struct Taken {
    pub committed: Committed,
    pub owed: Owed,
    /// What more is owed, as a message of its own, once the message is applied. `Silent` where
    /// nothing is. Dropped, it is owed no more.
    pub applied: Option<ReplyFuture>,
}

/// A message's answer.
pub enum Owed {
    Now(Reply),
    /// It waits until the message is applied, and the answers after it wait for it.
    WhenApplied(ReplyFuture),
}

impl Taken {
    /// Nothing more is owed than this.
    #[must_use]
    pub const fn with(committed: Committed, reply: Reply) -> Self {
        Self { committed, owed: Owed::Now(reply), applied: None }
    }

    /// The one answer of a channel that answers once.
    pub async fn reply(self) -> Reply {
        match self.owed {
            Owed::Now(reply) => reply,
            Owed::WhenApplied(reply) => reply.await,
        }
    }
}

pub type TakenFuture = Pin<Box<dyn Future<Output = Taken> + Send>>;

/// Takes messages in.
pub trait Intake: Send + Sync + 'static {
    /// One connection's way in; `None` for a channel that the intake does not know.
    fn session(&self, context: SessionContext) -> Option<Box<dyn IntakeSession>>;
}

/// One connection's way in.
pub trait IntakeSession: Send {
    /// Takes one frame's bytes as they came.
    fn take(&mut self, frame: Bytes) -> TakenFuture;

    /// A frame that cannot be taken whole, and `why` not: only its beginning is there.
    fn refuse(&mut self, head: Bytes, why: Verdict) -> TakenFuture;
}
