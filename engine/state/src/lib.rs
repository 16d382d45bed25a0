//! The state of patients and stays: what the journal's fold has come to, kept in sled and served
//! from memory.
//!
//! Nothing in here is the only copy of anything: whatever is missing, damaged or doubtful is
//! folded again from the journal.

mod access;
mod book;
mod changed;
mod checkpoint;
mod cold;
mod cut;
mod ej;
mod flusher;
mod folder;
mod footing;
mod frames;
mod held;
mod history;
mod hot;
mod index;
mod joined;
mod keys;
mod layout;
mod load;
mod matching;
mod metric;
mod mix;
mod open;
mod order;
mod packed;
mod pinned;
mod recent;
mod results;
mod rids;
mod rows;
mod search;
mod settings;
mod state;
mod store;
mod trail;
mod versions;
mod view;
mod writer;

pub use access::Access;
pub use checkpoint::Checkpoint;
pub use ej::CHUNK_RECORDS;
pub use flusher::FlushError;
pub use footing::Footing;
pub use layout::LAYOUT;
pub use metric::describe_metrics;
pub use open::RebuildReason;
pub use pinned::{Matching, Pinned, Wanted};
pub use search::{Cursor, Page, PageRequest, PastRecords, Pins, SearchError};
pub use settings::StateSettings;
pub use state::{Health, OpenError, Opened, RebuildFrom, State};
pub use view::{EjView, Scope};
pub use writer::{EjWriter, StateLost};
