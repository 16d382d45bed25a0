//! A segment's header: who it is, what came before it, and how far each EJ was.
//!
//! | at | bytes | |
//! |---|---|---|
//! | 0 | 8 | magic `SLUICEJ1` |
//! | 8 | 4 | crc32c of everything after, to the end of the header |
//! | 12 | 4 | header bytes, a multiple of 4096; the first record stands there |
//! | 16 | 2 | format, 1 |
//! | 18 | 2 | zero |
//! | 20 | 4 | rows in the table |
//! | 24 | 8 | this segment's number |
//! | 32 | 8 | the previous segment's number, 0 for none |
//! | 40 | 16 | the journal's id, random, the same in every segment |
//! | 56 | 8 | lsn of the first record |
//! | 64 | 8 | where the previous segment's last record ended |
//! | 72 | 4 | the previous segment's chain: crc32c over its header's crc and each record's |
//! | 76 | 4 | zero |
//! | 80 | 8 | made at, µs since 1970 |
//! | 88 | 8 | the file's size |
//! | 96 | 8 | floor of EJs that the table does not name |
//! | 104 | 24 | zero |
//! | 128 | 24 each | table: EJ (16), its last `Seq` before this segment (8) |
//!
//! The table is what makes a lost or unreadable segment harmless to those that it does not
//! touch: the difference of two tables says exactly which EJs had records between them.

use sluice_ids::{EjId, Micros};

use super::{Cut, Put};

pub const SEGMENT_HEADER_BYTES_MIN: u64 = 4096;
const MAGIC: &[u8; 8] = b"SLUICEJ1";
const FORMAT: u16 = 1;
const FIXED_BYTES: usize = 128;
const ROW_BYTES: usize = 24;

/// Tells one journal's files from another's; also salts every checksum, so that a record found
/// outside of its own segment, or made up by a sender inside a message, is never taken for one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct JournalId(pub [u8; 16]);

impl JournalId {
    /// What every record's crc of `segment` starts from.
    pub fn salt(self, segment: u64) -> u32 {
        crc32c::crc32c_append(crc32c::crc32c(&self.0), &segment.to_le_bytes())
    }
}

/// How far an EJ was: its next `Seq` is above `last`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct EjFloor {
    pub ej: EjId,
    pub last: u64,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SegmentHeader {
    pub segment: u64,
    pub prev_segment: u64,
    pub journal: JournalId,
    pub first_lsn: u64,
    pub prev_end: u64,
    pub prev_chain: u32,
    pub made_at: Micros,
    pub file_bytes: u64,
    pub unlisted_floor: u64,
    pub floors: Vec<EjFloor>,
}

impl SegmentHeader {
    pub fn bytes_for(ejs: usize) -> u64 {
        ((FIXED_BYTES + ejs * ROW_BYTES) as u64).next_multiple_of(SEGMENT_HEADER_BYTES_MIN)
    }

    pub fn header_bytes(&self) -> u64 {
        Self::bytes_for(self.floors.len())
    }

    /// What the segment's chain starts from.
    pub fn crc(&self) -> u32 {
        let encoded = self.encode();
        u32::from_le_bytes([encoded[8], encoded[9], encoded[10], encoded[11]])
    }

    pub fn encode(&self) -> Vec<u8> {
        let header_bytes = self.header_bytes();
        let mut out = Vec::with_capacity(header_bytes as usize);
        out.put(MAGIC);
        out.put_u32(0);
        out.put_u32(header_bytes as u32);
        out.put_u16(FORMAT);
        out.put_u16(0);
        out.put_u32(self.floors.len() as u32);
        out.put_u64(self.segment);
        out.put_u64(self.prev_segment);
        out.put(&self.journal.0);
        out.put_u64(self.first_lsn);
        out.put_u64(self.prev_end);
        out.put_u32(self.prev_chain);
        out.put_u32(0);
        out.put_i64(self.made_at.get());
        out.put_u64(self.file_bytes);
        out.put_u64(self.unlisted_floor);
        out.resize(FIXED_BYTES, 0);
        for floor in &self.floors {
            out.put(&floor.ej.to_padded());
            out.put_u64(floor.last);
        }
        out.resize(header_bytes as usize, 0);
        let crc = crc32c::crc32c(&out[12..]);
        out[8..12].copy_from_slice(&crc.to_le_bytes());
        out
    }

    /// `None` where these are not the bytes of a sound header of this format.
    pub fn decode(file: &[u8]) -> Option<Self> {
        let mut cut = Cut(file);
        if cut.take(8)? != MAGIC {
            return None;
        }
        let crc = cut.u32()?;
        let header_bytes = cut.u32()? as usize;
        if crc32c::crc32c(file.get(12..header_bytes)?) != crc {
            return None;
        }
        if cut.u16()? != FORMAT {
            return None;
        }
        cut.take(2)?;
        let rows = cut.u32()? as usize;
        if Self::bytes_for(rows) != header_bytes as u64 {
            return None;
        }
        let mut header = Self {
            segment: cut.u64()?,
            prev_segment: cut.u64()?,
            journal: JournalId(cut.array()?),
            first_lsn: cut.u64()?,
            prev_end: cut.u64()?,
            prev_chain: cut.u32()?,
            made_at: {
                cut.take(4)?;
                Micros::new(cut.i64()?)
            },
            file_bytes: cut.u64()?,
            unlisted_floor: cut.u64()?,
            floors: Vec::with_capacity(rows),
        };
        let mut table = Cut(file.get(FIXED_BYTES..)?);
        for _ in 0..rows {
            let ej = EjId::from_padded(&table.array()?).ok()?;
            header.floors.push(EjFloor { ej, last: table.u64()? });
        }
        Some(header)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn header(ejs: usize) -> SegmentHeader {
        SegmentHeader {
            segment: 3,
            prev_segment: 2,
            journal: JournalId([9; 16]),
            first_lsn: 71,
            prev_end: 8000,
            prev_chain: 0xdead_beef,
            made_at: Micros::new(5),
            file_bytes: 65536,
            unlisted_floor: 4,
            floors: (0..ejs)
                .map(|i| EjFloor { ej: EjId::new(&format!("EJ{i}")).unwrap(), last: i as u64 })
                .collect(),
        }
    }

    #[test]
    fn a_header_survives_its_bytes_with_few_and_many_ejs() {
        for ejs in [0, 1, 165, 166, 2000] {
            let header = header(ejs);
            let bytes = header.encode();
            assert_eq!(bytes.len() as u64, header.header_bytes());
            assert_eq!(SegmentHeader::decode(&bytes), Some(header));
        }
    }

    #[test]
    fn any_flipped_bit_of_a_header_is_seen() {
        let bytes = header(3).encode();
        for bit in 0..bytes.len() * 8 {
            let mut flipped = bytes.clone();
            flipped[bit / 8] ^= 1 << (bit % 8);
            assert_eq!(SegmentHeader::decode(&flipped), None, "bit {bit}");
        }
    }
}
