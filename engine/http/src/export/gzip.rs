//! One gzip member out of chunks that were deflated apart (RFC 1952).
//!
//! ```text
//! header (10) · chunk · chunk · … · final empty block (2) · CRC-32 (4) · length mod 2³² (4)
//! ```
//!
//! Concatenated members would be simpler and are legal, but curl fails on them and httpx silently
//! takes the first for the whole. The CRC of the whole follows from the chunks' CRCs and lengths
//! without reading them again.

use flate2::Crc;

use super::chunk::Packed;

/// Deflate, no flags, no time, unknown system: the same bytes everywhere.
pub(super) const HEADER: [u8; 10] = [0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 255];

/// A last block of fixed codes that holds nothing but its end.
pub(super) const FINAL_BLOCK: [u8; 2] = [0x03, 0x00];

/// What the trailer tells, as it grows chunk by chunk.
#[derive(Default)]
pub(super) struct Trailer {
    crc: Crc,
    plain_bytes: u64,
}

impl Trailer {
    pub(super) fn add(&mut self, part: &Packed) {
        self.crc.combine(&part.crc);
        self.plain_bytes = self.plain_bytes.wrapping_add(part.plain_bytes);
    }

    /// The end of the member.
    pub(super) fn bytes(&self) -> Vec<u8> {
        let mut bytes = FINAL_BLOCK.to_vec();
        bytes.extend_from_slice(&self.crc.sum().to_le_bytes());
        // RFC 1952: the length modulo 2^32.
        bytes.extend_from_slice(&self.plain_bytes.to_le_bytes()[..4]);
        bytes
    }
}
