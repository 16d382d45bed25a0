//! Commit blocks of MLLP release 2 (HL7 v3 Transport Specification: MLLP, Release 2):
//! `VT ACK FS CR` (0x0B 0x06 0x1C 0x0D) and `VT NAK FS CR` (0x0B 0x15 0x1C 0x0D).
//!
//! In release 2 each block of content, in either direction, is followed by one of them: *the bytes
//! are on stable storage here*, or *they are not, send them again*. Ours follow what was taken; the
//! peer's follow our acknowledgements, which are sent again after a NAK, at most
//! [`SENT_MAX`] times in all.

use std::collections::VecDeque;

use bytes::{BufMut, Bytes, BytesMut};

use super::frame::{CR, FS, VT};

const ACK: u8 = 0x06;
const NAK: u8 = 0x15;

/// How often an answer is sent at most. Its message is stored: who sends it again is told again.
const SENT_MAX: u8 = 3;

/// Answers that are remembered until the peer has committed them. A peer that pipelines without
/// ever committing is no release 2 peer: the oldest are forgotten.
const UNCOMMITTED_MAX: usize = 64;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Block {
    Ack,
    Nak,
}

impl Block {
    /// Whether a frame's content is one.
    pub fn of(content: &[u8]) -> Option<Self> {
        match content {
            [ACK] => Some(Self::Ack),
            [NAK] => Some(Self::Nak),
            _ => None,
        }
    }

    pub fn put(self, out: &mut BytesMut) {
        let byte = match self {
            Self::Ack => ACK,
            Self::Nak => NAK,
        };
        out.put_slice(&[VT, byte, FS, CR]);
    }
}

/// Our answers that the peer has not yet committed, oldest first, and how often each was sent.
#[derive(Default)]
pub(super) struct Commits(VecDeque<(Bytes, u8)>);

impl Commits {
    pub fn sent(&mut self, answer: Bytes) {
        if self.0.len() == UNCOMMITTED_MAX {
            self.0.pop_front();
        }
        self.0.push_back((answer, 1));
    }

    /// The peer's block on the oldest; what is to be sent again.
    pub fn received(&mut self, block: Block) -> Option<Bytes> {
        let (answer, sent) = self.0.pop_front()?;
        if block == Block::Ack || sent == SENT_MAX {
            return None;
        }
        self.0.push_back((answer.clone(), sent + 1));
        Some(answer)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_that_is_refused_is_sent_three_times_in_all() {
        let mut commits = Commits::default();
        assert_eq!(commits.received(Block::Nak), None, "nothing was sent");
        commits.sent(Bytes::from_static(b"one"));
        assert_eq!(commits.received(Block::Nak).as_deref(), Some(&b"one"[..]));
        assert_eq!(commits.received(Block::Nak).as_deref(), Some(&b"one"[..]));
        assert_eq!(commits.received(Block::Nak), None);
        commits.sent(Bytes::from_static(b"two"));
        assert_eq!(commits.received(Block::Ack), None);
        assert_eq!(commits.received(Block::Nak), None, "it was committed");
    }

    #[test]
    fn a_peer_that_never_commits_costs_so_much_and_no_more() {
        let mut commits = Commits::default();
        (0..1000).for_each(|_| commits.sent(Bytes::from_static(b"x")));
        assert_eq!(commits.0.len(), UNCOMMITTED_MAX);
    }
}
