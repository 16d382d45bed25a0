//! The journal: every message durably kept, in order, before it is acknowledged.

mod port;
mod slot;

pub use port::{
    Append, Appender, Entry, IdempotencyKey, Journal, KeyIndex, Keys, KeysOf, Kind, ReadError,
    Reader, Record, Refusal,
};
pub use slot::{AppendFuture, Completer, Slots};
