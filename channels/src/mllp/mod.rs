//! MLLP in: listener → session → frame decoder → [`crate::intake`].
//!
//! - One task per connection, none per message. A session reads, hands frames to the intake,
//!   and writes each answer in one piece, in the order of the frames; application acknowledgements
//!   follow when they are due.
//! - What one connection does costs only itself: a permit, `in_flight_max` frames, one buffer. Large
//!   frames that have not ended share `buffered_bytes_max`.
//! - Plaintext. Off loopback a listener starts only where its settings say so.
//!
//! `docs/mllp.md` has the wire rules and the limits in prose.

mod answers;
mod budget;
mod commit;
mod counters;
mod frame;
mod listener;
mod places;
mod session;

pub use counters::describe_metrics;
pub use frame::{
    CR, Event, FS, FrameDecoder, FrameLimits, HEAD_BYTES_MAX, JunkKind, VT, Violation,
};
pub use listener::{ListenError, Listening, Stopped, listen};
