//! Reading HL7 v2 messages in ER7 (HL7 v2.5.1 chapter 2): bytes → text → index → parts.
//!
//! Lenient on form, strict about nothing being dropped: whatever a strict reader would have
//! refused is a [`Defect`] with its place, and stays reachable raw. Total on any input, no
//! panics, no allocation beyond the index until a value is asked for. `docs/hl7-reading.md`
//! has the rules in prose.
//!
//! 1. [`MshRaw::find`]: the header from raw bytes, enough to answer anything.
//! 2. [`decode_message`]: MSH-18 or the EJ's default, lies flagged.
//! 3. [`Message::index`]: segments and fields; then [`Segment`], [`Field`], [`Repetition`],
//!    [`Component`], [`Subcomponent`] split on demand, and [`datatypes`] name their parts.

pub mod batch;
pub mod charset;
mod msh_raw;
pub mod octets;
mod separators;

mod breaks;
mod defect;
mod message;
mod parts;
mod segment;
mod value;

pub mod datatypes;
pub mod escape;
mod location;
mod msh;
mod path;

pub use charset::{
    Charset, CharsetLie, Declared, Decoded, LieKind, decode, decode_message, encode,
};
pub use defect::{Defect, DefectKind, Unreadable};
pub use location::Location;
pub use message::{DEFECTS_MAX, Message};
pub use msh::Msh;
pub use msh_raw::MshRaw;
pub use parts::{Component, Field, Repetition, Repetitions, Subcomponent};
pub use path::PathError;
pub use segment::{Segment, Segments};
pub use separators::Separators;
pub use value::Value;
