//! MLLP framing, sans-io: bytes in, frames out, time is an argument.
//!
//! A frame is `VT (0x0B) … FS (0x1C) CR (0x0D)` (HL7 v2 Transport Specification, MLLP release 1).
//!
//! - **Linear.** Every byte is looked at once, however the stream is cut into reads: the decoder
//!   remembers where its scan stopped ([`FrameDecoder::scanned_total`] counts).
//! - **The cut never matters.** The same bytes give the same events, whatever the reads were.
//!   Only *time* can: see the missing CR below.
//! - **Bounded.** At most [`FrameLimits::frame_bytes_max`] and one read are kept.
//!
//! What senders do, and what is made of it:
//!
//! | on the wire | read as |
//! |---|---|
//! | `FS CR`, then `LF` or more line ends | the frame's end; line ends between frames mean nothing |
//! | `FS VT` | the frame's end (its CR is missing), and the next one's start |
//! | `FS`, then nothing for `end_grace_ms` | the frame's end (simple-hl7, node-hl7-client strip the CR) |
//! | `FS`, then another byte | a byte of the frame: only FS CR ends it |
//! | bytes before `VT` | junk: counted, bounded by `junk_bytes_max` |
//! | `VT` inside a frame | the frame before it was cut off: junk; a new one starts here |
//! | more than `frame_bytes_max` | [`Event::TooLarge`] once, then skipped to its end unkept |

use std::time::{Duration, Instant};

use bytes::{Bytes, BytesMut};
use memchr::{memchr, memchr2};

pub const VT: u8 = 0x0B;
pub const FS: u8 = 0x1C;
pub const CR: u8 = 0x0D;
const LF: u8 = 0x0A;

/// What is kept of a frame that is too large: enough for any MSH that is one.
pub const HEAD_BYTES_MAX: usize = 4096;

/// Room made for each read. One page of a socket's usual delivery; large frames grow by doubling.
const READ_BYTES: usize = 16 * 1024;

/// The decoder's bounds; [`crate::MllpSettings`] has the defaults and their reasons.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FrameLimits {
    /// Most bytes between VT and FS.
    pub frame_bytes_max: usize,
    /// Most bytes of a frame that is too large that are skipped before giving up.
    pub skip_bytes_max: usize,
    /// Most bytes before a VT.
    pub junk_bytes_max: usize,
    /// From VT to FS.
    pub frame_deadline: Duration,
    /// How long an FS at the end of what has come waits for its CR.
    pub end_grace: Duration,
}

/// What the bytes said.
#[derive(Clone, PartialEq, Eq)]
pub enum Event {
    /// A whole frame, VT and FS CR not included.
    Frame(Bytes),
    /// A frame went over `frame_bytes_max`; `head` is how it began. The rest is skipped.
    TooLarge { head: Bytes },
    /// Bytes that belong to no frame. Never empty.
    Junk { kind: JunkKind, bytes: usize },
}

/// Frames are patient data: their size is all that is shown.
impl std::fmt::Debug for Event {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Frame(frame) => write!(f, "Frame({} bytes)", frame.len()),
            Self::TooLarge { head } => write!(f, "TooLarge({} bytes of head)", head.len()),
            Self::Junk { kind, bytes } => write!(f, "Junk({kind:?}, {bytes} bytes)"),
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum JunkKind {
    /// Before a VT; line ends do not count.
    BetweenFrames,
    /// A frame that a second VT cut off.
    CutOff,
}

/// Why the connection has to be closed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Violation {
    #[error("more than {limit} bytes came without a VT")]
    JunkTooLong { limit: usize },
    #[error("a frame did not end within {limit_ms} ms")]
    FrameTooSlow { limit_ms: u128 },
    #[error("a frame did not end within {limit} bytes after it had become too large")]
    FrameEndless { limit: usize },
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    /// Outside a frame, `gap` bytes after the last one, of which `junk` are not line ends.
    Between { gap: usize, junk: usize },
    /// Inside a frame; the buffer starts with its first byte.
    Inside { since: Instant },
    /// Inside a frame that is too large.
    Skipping { since: Instant, skipped: usize },
    /// After a violation.
    Closed,
}

/// One connection's decoder.
pub struct FrameDecoder {
    limits: FrameLimits,
    buffer: BytesMut,
    /// Bytes at the buffer's front that were looked at and decide nothing any more.
    scanned: usize,
    /// `buffer[scanned]` is an FS, the last byte that has come, seen at this time.
    end_pending: Option<Instant>,
    state: State,
    scanned_total: u64,
}

impl FrameDecoder {
    #[must_use]
    pub fn new(limits: FrameLimits) -> Self {
        Self {
            limits,
            buffer: BytesMut::new(),
            scanned: 0,
            end_pending: None,
            state: State::Between { gap: 0, junk: 0 },
            scanned_total: 0,
        }
    }

    /// Where the next read goes; it has room for one.
    pub fn buffer_mut(&mut self) -> &mut BytesMut {
        if self.buffer.capacity() - self.buffer.len() < READ_BYTES / 4 {
            self.buffer.reserve(READ_BYTES);
        }
        &mut self.buffer
    }

    /// The next event of what has come, or `None` until more comes or [`Self::deadline`] passes.
    /// After a violation there is never another.
    pub fn next(&mut self, now: Instant) -> Option<Result<Event, Violation>> {
        loop {
            let step = match self.state {
                State::Between { gap, junk } => self.between(gap, junk, now),
                State::Inside { since } => self.inside(since, now),
                State::Skipping { since, skipped } => self.skipping(since, skipped, now),
                State::Closed => Step::Wait,
            };
            match step {
                Step::Again => {}
                Step::Wait => return None,
                Step::Event(event) => return Some(Ok(event)),
                Step::Violation(violation) => {
                    self.state = State::Closed;
                    self.buffer = BytesMut::new();
                    self.end_pending = None;
                    return Some(Err(violation));
                }
            }
        }
    }

    /// When [`Self::next`] has to be asked again though nothing came.
    #[must_use]
    pub fn deadline(&self) -> Option<Instant> {
        match self.state {
            State::Inside { since } | State::Skipping { since, .. } => {
                let whole = since + self.limits.frame_deadline;
                Some(self.end_pending.map_or(whole, |at| whole.min(at + self.limits.end_grace)))
            }
            State::Between { .. } | State::Closed => None,
        }
    }

    /// Starts a frame's time anew: its sender was kept waiting by us.
    pub fn forgive(&mut self, now: Instant) {
        match &mut self.state {
            State::Inside { since } | State::Skipping { since, .. } => *since = now,
            State::Between { .. } | State::Closed => {}
        }
    }

    /// How much of a frame that has not ended is kept.
    #[must_use]
    pub fn buffered(&self) -> usize {
        self.buffer.len()
    }

    /// Keeps no more of the frame that has begun, and skips the rest of it. Returns how it
    /// began; `None` between frames.
    pub fn abandon(&mut self) -> Option<Bytes> {
        match self.state {
            State::Inside { since } => Some(self.give_up(since)),
            State::Between { .. } | State::Skipping { .. } | State::Closed => None,
        }
    }

    /// The sender will send no more: an FS without its CR ends its frame now; what is left of a
    /// frame without FS is junk.
    pub fn finish(&mut self) -> Option<Event> {
        let state = std::mem::replace(&mut self.state, State::Closed);
        let ended = self.end_pending.take().is_some();
        let bytes = self.buffer.len();
        match state {
            State::Inside { .. } if ended => {
                Some(Event::Frame(self.buffer.split_to(self.scanned).freeze()))
            }
            State::Inside { .. } if bytes > 0 => {
                Some(Event::Junk { kind: JunkKind::CutOff, bytes })
            }
            State::Between { junk, .. } if junk > 0 => {
                Some(Event::Junk { kind: JunkKind::BetweenFrames, bytes: junk })
            }
            _ => None,
        }
    }

    /// How many bytes were looked at in all: once each, an FS that waits for its CR once more
    /// with each call.
    #[must_use]
    pub const fn scanned_total(&self) -> u64 {
        self.scanned_total
    }

    fn between(&mut self, gap: usize, junk: usize, now: Instant) -> Step {
        let found = memchr(VT, &self.buffer);
        let before = found.unwrap_or(self.buffer.len());
        self.scanned_total += before as u64;
        let line_ends = self.buffer[..before].iter().filter(|b| matches!(**b, CR | LF)).count();
        let (gap, junk) = (gap + before, junk + before - line_ends);
        if gap > self.limits.junk_bytes_max {
            return Step::Violation(Violation::JunkTooLong { limit: self.limits.junk_bytes_max });
        }
        match found {
            None => {
                self.buffer.clear();
                self.state = State::Between { gap, junk };
                Step::Wait
            }
            Some(at) => {
                self.discard(at + 1);
                self.state = State::Inside { since: now };
                junk_event(JunkKind::BetweenFrames, junk)
            }
        }
    }

    fn inside(&mut self, since: Instant, now: Instant) -> Step {
        // One byte more than a frame may have: its FS.
        let window = self.buffer.len().min(self.limits.frame_bytes_max.saturating_add(1));
        match self.scan(window, now) {
            Found::End { at, restart } => {
                let frame = self.take_frame(at, 2);
                // The VT that showed the missing CR is the next frame's.
                self.state = after_end(restart, now);
                Step::Event(Event::Frame(frame))
            }
            Found::GraceOver { at } => {
                let frame = self.take_frame(at, 1);
                self.state = after_end(false, now);
                Step::Event(Event::Frame(frame))
            }
            Found::Restart { at } => {
                self.discard(at + 1);
                self.state = State::Inside { since: now };
                junk_event(JunkKind::CutOff, at)
            }
            Found::Nothing if self.scanned > self.limits.frame_bytes_max => {
                Step::Event(Event::TooLarge { head: self.give_up(since) })
            }
            Found::Nothing => self.slow(since, now),
        }
    }

    /// From here on the frame is skipped. What was scanned of it goes, all but its head.
    fn give_up(&mut self, since: Instant) -> Bytes {
        let head = Bytes::copy_from_slice(&self.buffer[..self.scanned.min(HEAD_BYTES_MAX)]);
        // The large allocation goes at once, not when the connection does.
        self.buffer = BytesMut::from(&self.buffer[self.scanned..]);
        self.state = State::Skipping { since, skipped: self.scanned };
        self.scanned = 0;
        head
    }

    fn skipping(&mut self, since: Instant, skipped: usize, now: Instant) -> Step {
        let limit = self.limits.skip_bytes_max;
        let found = self.scan(self.buffer.len(), now);
        let passed = match found {
            Found::End { at, .. } | Found::GraceOver { at } | Found::Restart { at } => at,
            Found::Nothing => self.scanned,
        };
        if skipped + passed > limit {
            return Step::Violation(Violation::FrameEndless { limit });
        }
        match found {
            Found::End { at, restart } => {
                self.discard(at + 2);
                self.state = after_end(restart, now);
                Step::Again
            }
            Found::GraceOver { at } => {
                self.discard(at + 1);
                self.state = after_end(false, now);
                Step::Again
            }
            Found::Restart { at } => {
                self.discard(at + 1);
                self.state = after_end(true, now);
                Step::Again
            }
            Found::Nothing => {
                // Not `discard`: an FS that waits for its CR goes on waiting.
                let _ = self.buffer.split_to(passed);
                self.scanned = 0;
                self.state = State::Skipping { since, skipped: skipped + passed };
                self.slow(since, now)
            }
        }
    }

    /// Goes on from where the last scan stopped, up to `window`.
    fn scan(&mut self, window: usize, now: Instant) -> Found {
        while self.scanned < window {
            let rest = &self.buffer[self.scanned..window];
            let Some(offset) = memchr2(VT, FS, rest) else {
                self.scanned_total += rest.len() as u64;
                self.scanned = window;
                return Found::Nothing;
            };
            let at = self.scanned + offset;
            self.scanned_total += offset as u64 + 1;
            self.scanned = at;
            if self.buffer[at] == VT {
                self.end_pending = None;
                return Found::Restart { at };
            }
            match self.buffer.get(at + 1) {
                Some(&CR) => return Found::End { at, restart: false },
                Some(&VT) => return Found::End { at, restart: true },
                Some(_) => {
                    self.end_pending = None;
                    self.scanned = at + 1;
                }
                None => {
                    let seen = *self.end_pending.get_or_insert(now);
                    if now.saturating_duration_since(seen) >= self.limits.end_grace {
                        return Found::GraceOver { at };
                    }
                    return Found::Nothing;
                }
            }
        }
        Found::Nothing
    }

    fn slow(&self, since: Instant, now: Instant) -> Step {
        let limit = self.limits.frame_deadline;
        if now.saturating_duration_since(since) >= limit {
            return Step::Violation(Violation::FrameTooSlow { limit_ms: limit.as_millis() });
        }
        Step::Wait
    }

    /// The frame of `bytes`, and what ends it (`end_bytes`) gone.
    fn take_frame(&mut self, bytes: usize, end_bytes: usize) -> Bytes {
        let frame = self.buffer.split_to(bytes).freeze();
        self.discard(end_bytes);
        if bytes > READ_BYTES * 4 {
            // A connection does not keep a large frame's room for the small ones that follow.
            self.buffer = BytesMut::from(&self.buffer[..]);
        }
        frame
    }

    /// Forgets `bytes` at the front and starts the scan anew behind them.
    fn discard(&mut self, bytes: usize) {
        let _ = self.buffer.split_to(bytes);
        self.scanned = 0;
        self.end_pending = None;
    }
}

enum Found {
    /// FS at `at` with its CR, or with the next frame's VT (`restart`).
    End {
        at: usize,
        restart: bool,
    },
    /// FS at `at`, and nothing came after it in time.
    GraceOver {
        at: usize,
    },
    /// VT at `at`.
    Restart {
        at: usize,
    },
    Nothing,
}

enum Step {
    Again,
    Wait,
    Event(Event),
    Violation(Violation),
}

fn after_end(restart: bool, now: Instant) -> State {
    if restart { State::Inside { since: now } } else { State::Between { gap: 0, junk: 0 } }
}

fn junk_event(kind: JunkKind, bytes: usize) -> Step {
    if bytes == 0 { Step::Again } else { Step::Event(Event::Junk { kind, bytes }) }
}
