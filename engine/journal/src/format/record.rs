//! A record's bytes.
//!
//! | at | bytes | |
//! |---|---|---|
//! | 0 | 4 | `len`: header and payload, without padding |
//! | 4 | 4 | `crc32c` of all that follows, padding included, begun from the header's crc |
//! | 8 | 1 | `format`, 1 |
//! | 9 | 1 | `kind` |
//! | 10 | 2 | `flags`, the owner's |
//! | 12 | 1 | `verdict` |
//! | 13 | 1 | storage flags: 1 encrypted, 2 erased; 0 in this format |
//! | 14 | 2 | zero |
//! | 16 | 8 | `lsn` |
//! | 24 | 16 | `ej`, zero-padded |
//! | 40 | 8 | `seq` |
//! | 48 | 8 | `received_at`, µs since 1970 |
//! | 56 | 24 | `channel`, zero-padded |
//! | 80 | 16 | idempotency key |
//! | 96 | 4 | encryption key id; 0 in this format |
//! | 100 | 4 | place in its group, from 0: everything before the group was synced |
//! | 104 | 4 | crc32c of `len` and bytes 8 to 104, begun from the segment's salt |
//! | 108 | 4 | zero |
//! | 112 | | payload, then zeros to a multiple of 8 |
//!
//! The header has a crc of its own so that a damaged payload still says whose it was.

use sluice_ids::{ChannelId, EjId, Lsn, Micros, Seq};

use crate::port::{Entry, IdempotencyKey, Kind};

pub const RECORD_HEADER_BYTES: usize = 112;
pub const FRAME_ALIGN_BYTES: usize = 8;
const FORMAT: u8 = 1;
const HEADER_CRC_AT: usize = 104;

/// A record's header, read back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RecordMeta {
    /// Header and payload, without padding.
    pub len: usize,
    pub kind: Kind,
    pub flags: u16,
    pub verdict: u8,
    pub lsn: Lsn,
    pub ej: EjId,
    pub seq: Seq,
    pub received_at: Micros,
    pub channel: ChannelId,
    pub key: IdempotencyKey,
    pub in_group: u32,
}

impl RecordMeta {
    /// What the record takes in its segment, padding included.
    pub fn frame_bytes(&self) -> usize {
        self.len.next_multiple_of(FRAME_ALIGN_BYTES)
    }
}

/// What a payload of that many bytes takes in a segment.
pub fn frame_bytes(payload_bytes: usize) -> usize {
    (RECORD_HEADER_BYTES + payload_bytes).next_multiple_of(FRAME_ALIGN_BYTES)
}

/// Puts the record at the end of `out` and returns its crc, for the segment's chain.
pub fn encode_record(
    out: &mut Vec<u8>,
    salt: u32,
    lsn: Lsn,
    seq: Seq,
    in_group: u32,
    entry: &Entry,
) -> u32 {
    let start = out.len();
    let len = RECORD_HEADER_BYTES + entry.payload.len();
    let mut h = [0u8; RECORD_HEADER_BYTES];
    h[0..4].copy_from_slice(&(len as u32).to_le_bytes());
    h[8] = FORMAT;
    h[9] = entry.kind as u8;
    h[10..12].copy_from_slice(&entry.flags.to_le_bytes());
    h[12] = entry.verdict;
    h[16..24].copy_from_slice(&lsn.get().to_le_bytes());
    h[24..40].copy_from_slice(&entry.ej.to_padded());
    h[40..48].copy_from_slice(&seq.get().to_le_bytes());
    h[48..56].copy_from_slice(&entry.received_at.get().to_le_bytes());
    h[56..80].copy_from_slice(&entry.channel.to_padded());
    h[80..96].copy_from_slice(&entry.key.0);
    h[100..104].copy_from_slice(&in_group.to_le_bytes());
    let header_crc = header_crc(salt, &h);
    h[HEADER_CRC_AT..108].copy_from_slice(&header_crc.to_le_bytes());
    out.extend_from_slice(&h);
    out.extend_from_slice(&entry.payload);
    out.resize(start + len.next_multiple_of(FRAME_ALIGN_BYTES), 0);
    let crc = crc32c::crc32c_append(header_crc, &out[start + HEADER_CRC_AT..]);
    out[start + 4..start + 8].copy_from_slice(&crc.to_le_bytes());
    crc
}

fn header_crc(salt: u32, header: &[u8; RECORD_HEADER_BYTES]) -> u32 {
    crc32c::crc32c_append(crc32c::crc32c_append(salt, &header[0..4]), &header[8..HEADER_CRC_AT])
}

fn u32_at(bytes: &[u8; RECORD_HEADER_BYTES], at: usize) -> u32 {
    u32::from_le_bytes([bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]])
}

fn array_at<const N: usize>(bytes: &[u8; RECORD_HEADER_BYTES], at: usize) -> [u8; N] {
    let mut out = [0; N];
    out.copy_from_slice(&bytes[at..at + N]);
    out
}

/// The header at the front of `bytes`; `None` where there is no sound one.
pub fn parse_header(bytes: &[u8], salt: u32) -> Option<RecordMeta> {
    let h = bytes.first_chunk::<RECORD_HEADER_BYTES>()?;
    let len = u32_at(h, 0) as usize;
    if len < RECORD_HEADER_BYTES || h[8] != FORMAT {
        return None;
    }
    if header_crc(salt, h) != u32_at(h, HEADER_CRC_AT) {
        return None;
    }
    Some(RecordMeta {
        len,
        kind: Kind::from_number(h[9])?,
        flags: u16::from_le_bytes(array_at(h, 10)),
        verdict: h[12],
        lsn: Lsn::new(u64::from_le_bytes(array_at(h, 16))),
        ej: EjId::from_padded(&array_at(h, 24)).ok()?,
        seq: Seq::new(u64::from_le_bytes(array_at(h, 40))),
        received_at: Micros::new(i64::from_le_bytes(array_at(h, 48))),
        channel: ChannelId::from_padded(&array_at(h, 56)).ok()?,
        key: IdempotencyKey(array_at(h, 80)),
        in_group: u32_at(h, 100),
    })
}

/// What stands at a place where a record is expected.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Parsed {
    Sound {
        meta: RecordMeta,
        crc: u32,
    },
    /// The header is sound and says whose record it was; its payload is not.
    PayloadBroken(RecordMeta),
    Broken,
}

/// Reads the record at the front of `bytes` and checks all of it.
pub fn parse_record(bytes: &[u8], salt: u32) -> Parsed {
    let Some(meta) = parse_header(bytes, salt) else { return Parsed::Broken };
    let (Some(header), Some(frame)) =
        (bytes.first_chunk::<RECORD_HEADER_BYTES>(), bytes.get(..meta.frame_bytes()))
    else {
        return Parsed::PayloadBroken(meta);
    };
    let crc = u32_at(header, 4);
    let begun = u32_at(header, HEADER_CRC_AT);
    if crc32c::crc32c_append(begun, &frame[HEADER_CRC_AT..]) == crc {
        Parsed::Sound { meta, crc }
    } else {
        Parsed::PayloadBroken(meta)
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;

    use super::*;

    fn entry(payload: &'static [u8]) -> Entry {
        Entry {
            kind: Kind::Message,
            flags: 0x0102,
            verdict: 3,
            ej: EjId::new("EJ1").unwrap(),
            channel: ChannelId::new("EJ1.mllp").unwrap(),
            received_at: Micros::new(-5),
            key: IdempotencyKey([4; 16]),
            payload: Bytes::from_static(payload),
        }
    }

    #[test]
    fn a_record_survives_its_bytes() {
        for payload in [&b""[..], b"1234567", b"12345678", b"123456789"] {
            let payload: &'static [u8] = payload;
            let mut out = vec![0xee; 16];
            let crc = encode_record(&mut out, 77, Lsn::new(9), Seq::new(2), 1, &entry(payload));
            let Parsed::Sound { meta, crc: read } = parse_record(&out[16..], 77) else {
                panic!("not sound")
            };
            assert_eq!(read, crc);
            assert_eq!(out.len() - 16, meta.frame_bytes());
            assert_eq!((meta.lsn, meta.seq, meta.in_group), (Lsn::new(9), Seq::new(2), 1));
            assert_eq!((meta.flags, meta.verdict, meta.key), (0x0102, 3, IdempotencyKey([4; 16])));
            assert_eq!(&out[16 + RECORD_HEADER_BYTES..16 + meta.len], payload);
        }
    }

    #[test]
    fn any_flipped_bit_is_seen_and_a_payload_still_says_whose_it_was() {
        let mut out = Vec::new();
        encode_record(&mut out, 77, Lsn::new(9), Seq::new(2), 0, &entry(b"patient"));
        for bit in 0..out.len() * 8 {
            let mut flipped = out.clone();
            flipped[bit / 8] ^= 1 << (bit % 8);
            match parse_record(&flipped, 77) {
                Parsed::Sound { .. } => panic!("bit {bit} was not seen"),
                Parsed::PayloadBroken(meta) => assert_eq!(meta.ej.as_str(), "EJ1", "bit {bit}"),
                Parsed::Broken => assert!(bit / 8 < RECORD_HEADER_BYTES, "bit {bit}"),
            }
        }
    }

    #[test]
    fn a_record_of_another_segment_is_not_sound_here() {
        let mut out = Vec::new();
        encode_record(&mut out, 77, Lsn::new(9), Seq::new(2), 0, &entry(b"x"));
        assert_eq!(parse_record(&out, 78), Parsed::Broken);
    }
}
