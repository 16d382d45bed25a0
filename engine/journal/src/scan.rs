//! Reads one segment from its bytes alone: what is sound, what is not, and where it ends.
//!
//! A record that cannot be read leaves a [`Hole`]. The scan then looks for the next place, at
//! steps of 8 bytes, where a header with the segment's own salt and a later lsn stands; so one
//! broken length does not hide what comes after it.

use sluice_ids::EjId;

use crate::format::{
    FRAME_ALIGN_BYTES, Parsed, RECORD_HEADER_BYTES, RecordMeta, SEGMENT_HEADER_BYTES_MIN,
    SegmentHeader, parse_header, parse_record,
};

/// One record's place.
#[derive(Debug, Clone, Copy)]
pub struct Found {
    pub meta: RecordMeta,
    pub offset: u64,
    pub crc: u32,
    /// False where only the header could be read.
    pub sound: bool,
}

/// A stretch where a record stood that cannot be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hole {
    pub offset: u64,
    pub end: u64,
    pub first_lsn: u64,
    /// `None` where nothing sound follows in this segment: how many are lost is not known here.
    pub last_lsn: Option<u64>,
    /// Whose record it was, where its header is sound.
    pub whose: Option<(EjId, u64)>,
}

#[derive(Debug, Default)]
pub struct Scan {
    /// In order; those with a broken payload too.
    pub found: Vec<Found>,
    pub holes: Vec<Hole>,
    /// Where the next record would stand.
    pub end: u64,
    /// The lsn that it would have.
    pub next_lsn: u64,
    /// Over the header's crc and each sound record's.
    pub chain: u32,
    /// The last byte that is not zero, plus one; above `end` where something follows it.
    pub used_end: u64,
    /// What the records themselves say to have been synced: all before their groups.
    pub synced_lsn: u64,
}

/// Scans `bytes` of the segment with that salt. `header` is `None` where it cannot be read: then
/// the first sound record is looked for from the first place where one could stand.
pub fn scan(bytes: &[u8], salt: u32, header: Option<&SegmentHeader>, first_lsn: u64) -> Scan {
    let start = header.map_or(SEGMENT_HEADER_BYTES_MIN, SegmentHeader::header_bytes);
    let mut scan = Scan {
        end: start,
        next_lsn: first_lsn,
        chain: header.map_or(0, SegmentHeader::crc),
        used_end: used_end(bytes),
        ..Scan::default()
    };
    let mut at = start as usize;
    loop {
        match bytes.get(at..).map_or(Parsed::Broken, |rest| parse_record(rest, salt)) {
            Parsed::Sound { meta, crc } if meta.lsn.get() == scan.next_lsn => {
                scan.take(Found { meta, offset: at as u64, crc, sound: true });
                at += meta.frame_bytes();
            }
            Parsed::PayloadBroken(meta) if meta.lsn.get() == scan.next_lsn => {
                let end = (at + meta.frame_bytes()).min(bytes.len());
                scan.holes.push(Hole {
                    offset: at as u64,
                    end: end as u64,
                    first_lsn: scan.next_lsn,
                    last_lsn: Some(scan.next_lsn),
                    whose: Some((meta.ej, meta.seq.get())),
                });
                scan.take(Found { meta, offset: at as u64, crc: 0, sound: false });
                at = end;
            }
            _ => {
                match resync(bytes, salt, at, scan.next_lsn, header.is_none() && at as u64 == start)
                {
                    Some((next, lsn)) => {
                        // Where only the segment's header was lost, no record need be missing.
                        if lsn > scan.next_lsn {
                            scan.holes.push(Hole {
                                offset: at as u64,
                                end: next as u64,
                                first_lsn: scan.next_lsn,
                                last_lsn: Some(lsn - 1),
                                whose: None,
                            });
                        }
                        scan.next_lsn = lsn;
                        at = next;
                    }
                    None => break,
                }
            }
        }
    }
    if scan.used_end > scan.end {
        scan.holes.push(Hole {
            offset: scan.end,
            end: scan.used_end,
            first_lsn: scan.next_lsn,
            last_lsn: None,
            whose: None,
        });
    }
    scan
}

impl Scan {
    fn take(&mut self, found: Found) {
        if found.sound {
            self.chain = crc32c::crc32c_append(self.chain, &found.crc.to_le_bytes());
        }
        self.end = found.offset + found.meta.frame_bytes() as u64;
        self.next_lsn = found.meta.lsn.get() + 1;
        let before_group = found.meta.lsn.get() - 1 - u64::from(found.meta.in_group);
        self.synced_lsn = self.synced_lsn.max(before_group);
        self.found.push(found);
    }

    /// Forgets that hole and everything after it, as if it had never been written.
    pub fn cut(&mut self, torn: &Hole, header: Option<&SegmentHeader>) {
        self.holes.retain(|hole| hole.offset < torn.offset);
        self.found.retain(|found| found.offset < torn.offset);
        self.chain = header.map_or(0, SegmentHeader::crc);
        for found in self.found.iter().filter(|found| found.sound) {
            self.chain = crc32c::crc32c_append(self.chain, &found.crc.to_le_bytes());
        }
        self.end = torn.offset;
        self.next_lsn = torn.first_lsn;
    }
}

/// The next place after `from` where a sound header with a later lsn stands (or with the very
/// next one, where `same` says that only the place is in doubt).
fn resync(bytes: &[u8], salt: u32, from: usize, lsn: u64, same: bool) -> Option<(usize, u64)> {
    let mut at = from + if same { 0 } else { FRAME_ALIGN_BYTES };
    while let Some(rest) = bytes.get(at..) {
        if rest.len() < RECORD_HEADER_BYTES {
            return None;
        }
        if rest[..4] == [0; 4] {
            // A length of zero: over the zeros at once, back on the grid.
            let zeros = rest.iter().position(|b| *b != 0)?;
            at += (zeros / FRAME_ALIGN_BYTES * FRAME_ALIGN_BYTES).max(FRAME_ALIGN_BYTES);
            continue;
        }
        if let Some(meta) = parse_header(rest, salt) {
            let found = meta.lsn.get();
            let room = ((at - from) / RECORD_HEADER_BYTES) as u64;
            let plausible = found > lsn && found - lsn <= room;
            if plausible || (same && found >= lsn) {
                return Some((at, found));
            }
        }
        at += FRAME_ALIGN_BYTES;
    }
    None
}

fn used_end(bytes: &[u8]) -> u64 {
    const STRIDE: usize = 4096;
    let zeros = [0u8; STRIDE];
    let mut end = bytes.len();
    while end > 0 {
        let from = end.saturating_sub(STRIDE);
        if bytes[from..end] != zeros[..end - from] {
            break;
        }
        end = from;
    }
    bytes[..end].iter().rposition(|b| *b != 0).map_or(0, |last| last as u64 + 1)
}
