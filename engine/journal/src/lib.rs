//! The journal: every message durably kept, in order, before it is acknowledged.

mod port;

pub use port::{
    Append, AppendFuture, Appender, Entry, IdempotencyKey, Journal, KeyIndex, Keys, KeysOf, Kind,
    ReadError, Reader, Record, Refusal,
};
