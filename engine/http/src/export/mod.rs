//! `GET /ej/{ej}/export/structure|patients|venues`: all of one EJ, streamed from chunks that are
//! kept.
//!
//! A chunk is 64 records in order of creation. Its NDJSON is rendered, and its packed form made,
//! when it is first asked for (or warmed after a start) and again only when one of its records
//! changed: an export after one message costs one chunk. ADR-0054.

mod bases;
mod chunk;
mod gzip;
mod pack;
mod pieces;
mod source;
mod stream;
mod warm;

pub(crate) use bases::{BaseId, Bases};
pub(crate) use chunk::{ChunkKey, KeptChunk};
pub(crate) use source::Source;
pub(crate) use stream::stream;
pub(crate) use warm::{Warming, after_start, warm};

use sluice_mappings::records::RecordType;

pub(crate) const STRUCTURE: &[RecordType] = &[RecordType::Organization, RecordType::Location];
pub(crate) const PATIENTS: &[RecordType] = &[RecordType::Patient];
pub(crate) const VENUES: &[RecordType] = &[RecordType::Stay];
const EXPORTS: [&[RecordType]; 3] = [STRUCTURE, PATIENTS, VENUES];
