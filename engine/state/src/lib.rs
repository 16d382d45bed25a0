//! The state of patients and stays: what the journal's fold has come to, kept in sled and served
//! from memory.
//!
//! Nothing in here is the only copy of anything: whatever is missing, damaged or doubtful is
//! folded again from the journal.

mod access;
mod cold;
mod ej;
mod history;
mod hot;
mod index;
mod keys;
mod layout;
mod results;
mod search;
mod settings;
mod state;
mod versions;
mod view;
mod writer;

pub use access::Access;
pub use ej::CHUNK_RECORDS;
pub use search::{Cursor, Page, PageRequest, SearchError};
pub use settings::StateSettings;
pub use state::{OpenError, Opened, RebuildReason, State};
pub use view::{EjView, Scope};
pub use writer::{EjWriter, StateLost};
