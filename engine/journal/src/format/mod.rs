//! The bytes on disk. All integers are little-endian.

mod bytes;
mod head;
mod names;
mod record;
mod segment;

pub use bytes::{Cut, Put};
pub use head::{HEAD_BYTES, HEAD_FILE, decode_head, encode_head};
pub use names::{FileName, LOCK_FILE, RELEASED_FILE, prepared_name, segment_name, sidecar_name};
pub use record::{
    FRAME_ALIGN_BYTES, Parsed, RECORD_HEADER_BYTES, RecordMeta, encode_record, frame_bytes,
    parse_header, parse_record,
};
pub use segment::{EjFloor, JournalId, SEGMENT_HEADER_BYTES_MIN, SegmentHeader};
