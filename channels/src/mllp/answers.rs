//! What a connection is owed, and in which order it goes out.
//!
//! - The answer of each message, in the order of the messages; a commit block (if the channel has
//!   them) before it, once its message is stored.
//! - Application acknowledgements that come after an accept acknowledgement, in the order of
//!   their messages among themselves. One never goes before the accept acknowledgement of its own
//!   message; it may go before or after those of later messages, so that a fold that lags holds up
//!   no accept acknowledgement.

use std::collections::VecDeque;
use std::future::poll_fn;
use std::task::{Context, Poll};

use bytes::{BufMut, Bytes, BytesMut};

use super::commit::{Block, Commits};
use super::counters::Counters;
use super::frame::{CR, FS, VT};
use crate::intake::{Committed, Owed, Reply, ReplyFuture, Taken, TakenFuture};

/// Answers are gathered up to this before they are written.
const WRITE_BYTES: usize = 64 * 1024;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Gathered {
    Some,
    Close,
}

enum Pending {
    /// Stored or refused soon.
    Taken(TakenFuture),
    /// Stored, and answered when it is applied.
    Applied(ReplyFuture),
}

/// One connection's.
pub(super) struct Answers {
    pending: VecDeque<Pending>,
    applied: VecDeque<ReplyFuture>,
    pub out: BytesMut,
    /// `None`: the channel has none.
    pub commits: Option<Commits>,
}

impl Answers {
    pub fn new(commit_blocks: bool) -> Self {
        Self {
            pending: VecDeque::new(),
            applied: VecDeque::new(),
            out: BytesMut::new(),
            commits: commit_blocks.then(Commits::default),
        }
    }

    pub fn owe(&mut self, taken: TakenFuture) {
        self.pending.push_back(Pending::Taken(taken));
    }

    /// Messages taken and not yet answered.
    pub fn pending(&self) -> usize {
        self.pending.len()
    }

    /// Application acknowledgements still to come.
    pub fn applied(&self) -> usize {
        self.applied.len()
    }

    pub fn is_empty(&self) -> bool {
        self.pending.is_empty() && self.applied.is_empty()
    }

    /// What waits for the fold is owed no more: its connection ends. True where that was the only
    /// answer of a message: those behind it would be out of order.
    pub fn forget_applied(&mut self, counters: &Counters) -> bool {
        counters.unsent.increment(self.applied.len() as u64);
        self.applied.clear();
        let is_only = matches!(self.pending.front(), Some(Pending::Applied(_)));
        if is_only {
            counters.unsent.increment(1);
            self.pending.pop_front();
        }
        is_only
    }

    /// Frames the answers that are there behind each other in `out`. Pending while there are
    /// none; nothing is lost where the future is dropped.
    pub async fn gather(&mut self, counters: &Counters) -> Gathered {
        poll_fn(|context| {
            let mut any = false;
            while self.out.len() < WRITE_BYTES
                && let Poll::Ready(reply) = self.poll_pending(context, counters)
            {
                any = true;
                match reply {
                    Reply::Close => return Poll::Ready(Gathered::Close),
                    reply => self.put(reply, counters),
                }
            }
            while self.out.len() < WRITE_BYTES
                && let Some(oldest) = self.applied.front_mut()
                && let Poll::Ready(reply) = oldest.as_mut().poll(context)
            {
                self.applied.pop_front();
                any = true;
                if !matches!(reply, Reply::Silent) {
                    self.put(reply, counters);
                }
            }
            // A commit block leaves though its message's answer is still to come.
            let any = any || !self.out.is_empty();
            if any { Poll::Ready(Gathered::Some) } else { Poll::Pending }
        })
        .await
    }

    /// The oldest message's answer.
    fn poll_pending(&mut self, context: &mut Context<'_>, counters: &Counters) -> Poll<Reply> {
        loop {
            let Some(oldest) = self.pending.front_mut() else { return Poll::Pending };
            let reply = match oldest {
                Pending::Applied(reply) => {
                    let Poll::Ready(reply) = reply.as_mut().poll(context) else {
                        return Poll::Pending;
                    };
                    reply
                }
                Pending::Taken(taken) => {
                    let Poll::Ready(taken) = taken.as_mut().poll(context) else {
                        return Poll::Pending;
                    };
                    match self.commit(taken, counters) {
                        Owed::Now(reply) => reply,
                        Owed::WhenApplied(reply) => {
                            self.pending[0] = Pending::Applied(reply);
                            continue;
                        }
                    }
                }
            };
            self.pending.pop_front();
            return Poll::Ready(reply);
        }
    }

    /// Says whether the message is stored, where that is said, and gives its answer. After "send
    /// it again" there is none: it could be taken for the answer to what is sent again.
    fn commit(&mut self, taken: Taken, counters: &Counters) -> Owed {
        self.applied.extend(taken.applied);
        let unknown = matches!(taken.owed, Owed::Now(Reply::Close));
        if self.commits.is_none() || unknown {
            return taken.owed;
        }
        let block = if taken.committed == Committed::Yes { Block::Ack } else { Block::Nak };
        block.put(&mut self.out);
        counters.commit_sent(block);
        if taken.committed == Committed::NotNow { Owed::Now(Reply::Silent) } else { taken.owed }
    }

    fn put(&mut self, reply: Reply, counters: &Counters) {
        match reply {
            Reply::Answer { code, bytes } => {
                counters.ack(code);
                self.frame(&bytes);
                if let Some(commits) = &mut self.commits {
                    commits.sent(bytes);
                }
            }
            Reply::Silent => counters.ack("none"),
            Reply::Close => {}
        }
    }

    /// Puts an answer's frame behind what is to be written.
    pub fn frame(&mut self, bytes: &Bytes) {
        self.out.reserve(bytes.len() + 3);
        self.out.put_u8(VT);
        self.out.extend_from_slice(bytes);
        self.out.extend_from_slice(&[FS, CR]);
    }
}
