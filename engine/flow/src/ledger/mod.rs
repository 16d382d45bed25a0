//! The ledger of messages: one row for each message of an EJ, so that they are found by channel,
//! event, number, patient, outcome or time without reading the journal (ADR 0107).
//!
//! - Nothing of it is needed: it is made from the journal by folding, kept beside it, and folded
//!   again by itself where it is missing or damaged.
//! - A row is 64 bytes and checks itself; numbers stand in it as hashes, and what a row seems to
//!   say is looked up in the message before it is told.

mod book;
mod names;
mod refold;
mod row;
mod search;

pub(crate) use book::{Book, Pen};
pub(crate) use refold::Refold;
pub(crate) use row::Row;
pub use row::{Brought, Severe};
pub use search::{Line, MessagesAsked, MessagesFound, Outcome};
pub(crate) use search::{row_at, search, told, untold};
