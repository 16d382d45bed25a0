//! The identities that every crate shares. Nothing of ours is imported here.
//!
//! Each is a newtype with private insides: parsed once at the edge, `Copy` where it
//! travels on the hot path, and ordered as the journal orders it.

mod codes;
mod numbers;
mod phi;

pub use codes::{ChannelId, CodeError, DestinationName, EjId};
pub use numbers::{Lsn, Micros, Seq};
pub use phi::Phi;
