//! `GET /ej/{ej}/export/patients|venues`: all of one EJ, streamed from chunks that are kept.
//!
//! A chunk is 256 records in order of creation. Its NDJSON is rendered, and its deflated form
//! made, when it is first asked for and again only when one of its records changed: an export
//! after one message costs one chunk. ADR-0054.

mod chunk;
mod gzip;
mod stream;

pub(crate) use chunk::{ChunkKey, KeptChunk};
pub(crate) use stream::stream;
