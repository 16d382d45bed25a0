//! A sealed segment's sidecar: where each `Seq` stands, and which `Seq`s carry a key.
//!
//! Rebuildable from its segment, so it is not synced: a torn one fails its checksum and is made
//! again. All checksums begin from the segment's salt.
//!
//! | part | |
//! |---|---|
//! | summary | magic `SLUICEX1` 8 · crc32c 4 · summary bytes 4 · format 4 · rows 4 · segment 8 · segment header's crc 4 · chain 4 · first lsn 8 · last lsn 8 · last record's offset 8 · end 8 · records 8 · places crc 4 · keys crc 4 · key rows 8 · acts 4 · zero 4 |
//! | | then per EJ 48: EJ 16 · first `Seq` 8 · places 8 · oldest µs 8 · newest µs 8 |
//! | | then each operator act that accepted damage: bytes 4 · payload |
//! | places | per EJ, per `Seq`: offset in units of 8 bytes, 4; 0 for none |
//! | keys | sorted, 16 each: EJ's row 2 · index 1 · zero 1 · `Seq` − first 4 · hash 8 |

use std::io;

use bytes::Bytes;
use sluice_ids::{EjId, Micros};

use crate::disk::{Disk, DiskFile, read_range};
use crate::format::{Cut, Put, SegmentHeader, sidecar_name};
use crate::index::{EjPlaces, KeyRow, LiveIndex};
use crate::port::KeyIndex;
use crate::segment::Segment;

const MAGIC: &[u8; 8] = b"SLUICEX1";
const FORMAT: u32 = 1;
const FIXED_BYTES: usize = 104;
const KEY_ROW_BYTES: usize = 16;
/// What nearly every summary fits into.
const SUMMARY_READ_BYTES: usize = 16 * 1024;

/// One EJ's row of the summary.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Span {
    pub ej: EjId,
    pub first: u64,
    pub places: u64,
    pub from: Micros,
    pub to: Micros,
}

/// The part of a sidecar that stays in memory.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Summary {
    pub spans: Vec<Span>,
    pub header_crc: u32,
    pub chain: u32,
    pub first_lsn: u64,
    pub last_lsn: u64,
    pub last_offset: u64,
    pub end: u64,
    pub records: u64,
    pub acts: Vec<Bytes>,
    summary_bytes: u64,
    places_crc: u32,
    keys_crc: u32,
    key_rows: u64,
}

impl Summary {
    fn places_bytes(&self) -> u64 {
        self.spans.iter().map(|span| span.places * 4).sum()
    }

    pub fn file_bytes(&self) -> u64 {
        self.summary_bytes + self.places_bytes() + self.key_rows * KEY_ROW_BYTES as u64
    }

    /// Whether the segment whose header this is, and the next one's, say the same.
    pub fn fits(&self, header: &SegmentHeader, next: &SegmentHeader) -> bool {
        self.header_crc == header.crc()
            && self.first_lsn == header.first_lsn
            && self.last_lsn + 1 == next.first_lsn
            && self.end == next.prev_end
            && self.chain == next.prev_chain
            && header.segment == next.prev_segment
    }
}

/// Encodes the sidecar of a segment with that index.
pub fn encode(segment: &Segment, index: &LiveIndex) -> (Summary, Vec<u8>) {
    let salt = segment.salt;
    let mut places = Vec::new();
    for ej in &index.ejs {
        ej.offsets.iter().for_each(|offset| places.put_u32(*offset));
    }
    let mut rows = index.keys.clone();
    rows.sort_unstable();
    rows.dedup();
    let mut keys = Vec::with_capacity(rows.len() * KEY_ROW_BYTES);
    for row in &rows {
        keys.put_u16(row.ej);
        keys.put(&[row.index as u8, 0]);
        keys.put_u32((row.seq - index.ejs[usize::from(row.ej)].first) as u32);
        keys.put_u64(row.hash);
    }
    let spans: Vec<Span> = index
        .ejs
        .iter()
        .map(|ej| Span {
            ej: ej.ej,
            first: ej.first,
            places: ej.offsets.len() as u64,
            from: ej.from,
            to: ej.to,
        })
        .collect();
    let acts_bytes: usize = index.acts.iter().map(|act| 4 + act.len()).sum();
    let summary = Summary {
        summary_bytes: (FIXED_BYTES + spans.len() * 48 + acts_bytes) as u64,
        spans,
        header_crc: segment.header_crc,
        chain: index.chain,
        first_lsn: segment.first_lsn,
        last_lsn: index.last_lsn,
        last_offset: index.last_offset,
        end: index.end,
        records: index.records,
        acts: index.acts.clone(),
        places_crc: crc32c::crc32c_append(salt, &places),
        keys_crc: crc32c::crc32c_append(salt, &keys),
        key_rows: rows.len() as u64,
    };
    let mut out = encode_summary(&summary, segment);
    out.put(&places);
    out.put(&keys);
    (summary, out)
}

fn encode_summary(summary: &Summary, segment: &Segment) -> Vec<u8> {
    let mut out = Vec::with_capacity(summary.file_bytes() as usize);
    out.put(MAGIC);
    out.put_u32(0);
    out.put_u32(summary.summary_bytes as u32);
    out.put_u32(FORMAT);
    out.put_u32(summary.spans.len() as u32);
    out.put_u64(segment.number);
    out.put_u32(summary.header_crc);
    out.put_u32(summary.chain);
    for field in
        [summary.first_lsn, summary.last_lsn, summary.last_offset, summary.end, summary.records]
    {
        out.put_u64(field);
    }
    out.put_u32(summary.places_crc);
    out.put_u32(summary.keys_crc);
    out.put_u64(summary.key_rows);
    out.put_u32(summary.acts.len() as u32);
    out.put_u32(0);
    debug_assert_eq!(out.len(), FIXED_BYTES);
    for span in &summary.spans {
        out.put(&span.ej.to_padded());
        out.put_u64(span.first);
        out.put_u64(span.places);
        out.put_i64(span.from.get());
        out.put_i64(span.to.get());
    }
    for act in &summary.acts {
        out.put_u32(act.len() as u32);
        out.put(act);
    }
    let crc = crc32c::crc32c_append(segment.salt, &out[12..]);
    out[8..12].copy_from_slice(&crc.to_le_bytes());
    out
}

fn decode_summary(bytes: &[u8], number: u64, salt: u32) -> Option<Summary> {
    let mut cut = Cut(bytes);
    if cut.array::<8>()? != *MAGIC {
        return None;
    }
    let crc = cut.u32()?;
    let summary_bytes = cut.u32()? as usize;
    if crc32c::crc32c_append(salt, bytes.get(12..summary_bytes)?) != crc {
        return None;
    }
    if cut.u32()? != FORMAT {
        return None;
    }
    let rows = cut.u32()?;
    if cut.u64()? != number {
        return None;
    }
    let mut summary = Summary {
        summary_bytes: summary_bytes as u64,
        header_crc: cut.u32()?,
        chain: cut.u32()?,
        first_lsn: cut.u64()?,
        last_lsn: cut.u64()?,
        last_offset: cut.u64()?,
        end: cut.u64()?,
        records: cut.u64()?,
        places_crc: cut.u32()?,
        keys_crc: cut.u32()?,
        key_rows: cut.u64()?,
        spans: Vec::new(),
        acts: Vec::new(),
    };
    let acts = cut.u32()?;
    cut.u32()?;
    for _ in 0..rows {
        summary.spans.push(Span {
            ej: EjId::from_padded(&cut.array()?).ok()?,
            first: cut.u64()?,
            places: cut.u64()?,
            from: Micros::new(cut.i64()?),
            to: Micros::new(cut.i64()?),
        });
    }
    for _ in 0..acts {
        let bytes = cut.u32()? as usize;
        summary.acts.push(Bytes::copy_from_slice(cut.take(bytes)?));
    }
    Some(summary)
}

/// Writes the sidecar in one go and under a temporary name first.
///
/// # Errors
/// When the disk fails or is full; the segment is then indexed in memory as before.
pub fn write(disk: &dyn Disk, number: u64, bytes: &[u8]) -> io::Result<()> {
    let name = sidecar_name(number);
    let temporary = format!("{name}.tmp");
    let written = disk
        .create(&temporary)
        .and_then(|file| file.write_at(bytes, 0))
        .and_then(|()| disk.rename(&temporary, &name));
    if written.is_err() {
        let _ = disk.remove(&temporary);
    }
    written
}

/// Reads and checks the summary. `None` where there is no sound sidecar of its full length.
pub fn read_summary(disk: &dyn Disk, number: u64, salt: u32) -> Option<Summary> {
    let file = disk.open(&sidecar_name(number)).ok()?;
    let mut head = read_range(&*file, 0, SUMMARY_READ_BYTES).ok()?;
    let bytes = u32::from_le_bytes(*head.get(12..16)?.first_chunk()?) as usize;
    let file_bytes = file.len().ok()?;
    if bytes > head.len() {
        if bytes as u64 > file_bytes {
            return None;
        }
        head = read_range(&*file, 0, bytes).ok()?;
    }
    decode_summary(&head, number, salt).filter(|summary| summary.file_bytes() == file_bytes)
}

/// Reads the places of every EJ. `None` where they are damaged.
pub fn read_places(file: &dyn DiskFile, salt: u32, summary: &Summary) -> Option<Vec<EjPlaces>> {
    let bytes = read_range(file, summary.summary_bytes, summary.places_bytes() as usize).ok()?;
    if crc32c::crc32c_append(salt, &bytes) != summary.places_crc {
        return None;
    }
    let mut offsets = bytes.chunks_exact(4).map(|b| u32::from_le_bytes([b[0], b[1], b[2], b[3]]));
    let places = summary.spans.iter().map(|span| EjPlaces {
        ej: span.ej,
        first: span.first,
        offsets: offsets.by_ref().take(span.places as usize).collect(),
        from: span.from,
        to: span.to,
    });
    Some(places.collect())
}

/// The sorted key rows, as bytes. `None` where they are damaged.
pub fn read_keys(file: &dyn DiskFile, salt: u32, summary: &Summary) -> Option<Vec<u8>> {
    let at = summary.summary_bytes + summary.places_bytes();
    let bytes = read_range(file, at, summary.key_rows as usize * KEY_ROW_BYTES).ok()?;
    (crc32c::crc32c_append(salt, &bytes) == summary.keys_crc).then_some(bytes)
}

/// The `Seq`s of the EJ in that row of `summary` whose records carry the key.
pub fn find_keys(
    keys: &[u8],
    summary: &Summary,
    ej: EjId,
    index: KeyIndex,
    hash: u64,
    out: &mut Vec<u64>,
) {
    let Some(row) = summary.spans.iter().position(|span| span.ej == ej) else { return };
    let first = summary.spans[row].first;
    let (rows, _) = keys.as_chunks::<KEY_ROW_BYTES>();
    let wanted = (row as u16, index as u8, hash);
    let begin = rows.partition_point(|bytes| key_of(bytes) < wanted);
    let hits = rows[begin..].iter().take_while(|bytes| key_of(bytes) == wanted);
    out.extend(hits.map(|b| first + u64::from(u32::from_le_bytes([b[4], b[5], b[6], b[7]]))));
}

fn key_of(b: &[u8; KEY_ROW_BYTES]) -> (u16, u8, u64) {
    let hash = u64::from_le_bytes([b[8], b[9], b[10], b[11], b[12], b[13], b[14], b[15]]);
    (u16::from_le_bytes([b[0], b[1]]), b[2], hash)
}

/// The rows as an index has them, for comparing.
pub fn key_rows(keys: &[u8], summary: &Summary) -> Option<Vec<KeyRow>> {
    let (rows, _) = keys.as_chunks::<KEY_ROW_BYTES>();
    rows.iter()
        .map(|bytes| {
            let (ej, index, hash) = key_of(bytes);
            let index = [KeyIndex::ControlId, KeyIndex::Patient]
                .into_iter()
                .find(|known| *known as u8 == index)?;
            let first = summary.spans.get(usize::from(ej))?.first;
            let behind = u32::from_le_bytes([bytes[4], bytes[5], bytes[6], bytes[7]]);
            Some(KeyRow { ej, index, hash, seq: first + u64::from(behind) })
        })
        .collect()
}
