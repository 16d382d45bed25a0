//! Walks the segments in order, from what lies on disk alone.
//!
//! Opening and verifying are the same walk. It carries the running floor of each EJ, so that
//! every hole can be laid at the door of those whose `Seq`s do not go on. A sealed segment with a
//! sound sidecar is taken at its word when opening, once its last record has been read; when
//! verifying, everything is read.

use std::collections::{BTreeMap, HashMap};
use std::io;
use std::sync::Arc;

use sluice_ids::{EjId, Lsn, Seq};

use crate::damage::{Damage, DamageAccepted, DamageId, DamageKind, Loss};
use crate::disk::{read_range, read_salvaging};
use crate::find::catch_up;
use crate::format::{Parsed, SEGMENT_HEADER_BYTES_MIN, SegmentHeader, parse_record, sidecar_name};
use crate::index::{EjPlaces, LiveIndex};
use crate::losses::{After, Floors, losses};
use crate::port::Kind;
use crate::scan::{Hole, Scan, scan};
use crate::segment::{Index, Segment};
use crate::shared::Shared;
use crate::sidecar::{key_rows, read_keys, read_places, read_summary};
use crate::survey::{Header, SegmentFile, Survey};
use crate::torn::TornTail;
use crate::verify::{SidecarFault, SidecarFinding};

/// The lsns of a damage that took no record.
const NO_RECORDS: (u64, u64) = (1, 0);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    Open,
    Verify { compare_keys: bool },
}

/// Where the segment before ended.
#[derive(Clone, Copy, Default)]
pub struct Last {
    pub number: u64,
    pub end: u64,
    pub chain: u32,
    used_end: u64,
    /// It has a sound header and no hole, so that `chain` is the whole segment's.
    whole: bool,
}

/// What one EJ has in the journal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct EjSpan {
    pub first: Seq,
    pub last: Seq,
    pub records: u64,
}

pub struct Walk<'a> {
    shared: &'a Shared,
    purpose: Purpose,
    pub floors: Floors,
    /// What was let go: the last `Seq` of each EJ before the oldest segment.
    pub released: HashMap<EjId, u64>,
    pub next_lsn: u64,
    pub last: Last,
    /// The segment to go on in, where it can be gone on in.
    pub active: Option<Arc<Segment>>,
    pub torn: Option<TornTail>,
    pub acts: Vec<DamageAccepted>,
    pub segments: Vec<Arc<Segment>>,
    pub segments_scanned: usize,
    pub records: u64,
    pub spans: BTreeMap<EjId, EjSpan>,
    /// Scanned messages by the verdict that their owner gave them.
    pub verdicts: BTreeMap<u8, u64>,
    pub sidecars: Vec<SidecarFinding>,
}

impl<'a> Walk<'a> {
    pub fn new(shared: &'a Shared, purpose: Purpose) -> Self {
        Self {
            shared,
            purpose,
            floors: Floors::default(),
            released: HashMap::new(),
            next_lsn: 1,
            last: Last::default(),
            active: None,
            torn: None,
            acts: Vec::new(),
            segments: Vec::new(),
            segments_scanned: 0,
            records: 0,
            spans: BTreeMap::new(),
            verdicts: BTreeMap::new(),
            sidecars: Vec::new(),
        }
    }

    /// Walks all of it. `bound`: everything up to that lsn is known to have been synced.
    ///
    /// # Errors
    /// When a file cannot be read at all, or what was written last cannot be synced.
    pub fn run(&mut self, survey: &Survey, bound: u64) -> io::Result<()> {
        if let Some(oldest) = &survey.released {
            self.begin_after(oldest);
        }
        let own = self.without_strays(&survey.segments);
        for (at, file) in own.iter().enumerate() {
            match own.get(at + 1) {
                Some(next) => self.sealed(file, next.header())?,
                None => self.newest(file, bound)?,
            }
        }
        if bound >= self.next_lsn {
            self.gap(bound + 1, None);
        }
        for act in &self.acts {
            self.shared.damages.accept(act);
            self.floors.raise_by_losses(&act.losses);
        }
        Ok(())
    }

    fn begin_after(&mut self, oldest: &SegmentHeader) {
        self.floors = Floors::from_header(oldest);
        self.released = self.floors.of.clone();
        self.next_lsn = oldest.first_lsn;
        self.last = Last {
            number: oldest.prev_segment,
            end: oldest.prev_end,
            used_end: oldest.prev_end,
            chain: oldest.prev_chain,
            whole: true,
        };
    }

    /// Leaves out files that hold something else than their name says, and reports them.
    fn without_strays<'s>(&mut self, files: &'s [SegmentFile]) -> Vec<&'s SegmentFile> {
        let mut own = Vec::new();
        let mut first_lsn = self.next_lsn;
        for file in files {
            let stray = match &file.header {
                Header::Foreign => true,
                // Older than the one before it: it was put back from another time.
                Header::Sound(header) if header.first_lsn < first_lsn => true,
                Header::Sound(header) => {
                    first_lsn = header.first_lsn;
                    false
                }
                Header::Unreadable => false,
            };
            if stray {
                self.enter_segment(file.number, DamageKind::Misplaced);
            } else {
                own.push(file);
            }
        }
        own
    }

    fn sealed(&mut self, file: &SegmentFile, next: Option<&SegmentHeader>) -> io::Result<()> {
        self.meet(file);
        if self.purpose == Purpose::Open
            && let Some(segment) = self.by_sidecar(file, next)
        {
            self.segments.push(segment);
            return Ok(());
        }
        let mut bytes = read_salvaging(&*file.file)?;
        if let Some(next) = next.filter(|next| next.prev_segment == file.number) {
            // What lies behind the end was given up when the next segment was begun.
            bytes.truncate(next.prev_end as usize);
        }
        let mut scan = self.scan(file, &bytes);
        // What is missing at its end is seen where the next segment begins.
        scan.holes.retain(|hole| hole.last_lsn.is_some());
        let end = next.map(Floors::from_header);
        let segment = self.take(file, &bytes, &scan, end.as_ref());
        drop(bytes);
        match self.purpose {
            Purpose::Open => segment.seal(self.shared),
            Purpose::Verify { compare_keys } => {
                self.compare_sidecar(file, next, &segment, compare_keys);
                // One index at a time: a journal may be larger than memory.
                *segment.index.write() = Index::Memory(LiveIndex::default());
            }
        }
        self.segments.push(segment);
        Ok(())
    }

    /// Takes a sealed segment at its sidecar's word, where that agrees with its header, with the
    /// next one's, and with its last record.
    fn by_sidecar(
        &mut self,
        file: &SegmentFile,
        next: Option<&SegmentHeader>,
    ) -> Option<Arc<Segment>> {
        let (header, next) = (file.header()?, next?);
        let salt = self.shared.journal.salt(file.number);
        let summary = read_summary(&*self.shared.disk, file.number, salt)?;
        if !summary.fits(header, next) {
            return None;
        }
        let last_bytes = summary.end.checked_sub(summary.last_offset)? as usize;
        let last = read_range(&*file.file, summary.last_offset, last_bytes).ok()?;
        let Parsed::Sound { meta, .. } = parse_record(&last, salt) else { return None };
        if meta.lsn.get() != summary.last_lsn {
            return None;
        }
        self.acts.extend(summary.acts.iter().filter_map(|act| DamageAccepted::decode(act)));
        self.next_lsn = next.first_lsn;
        self.last = Last {
            number: file.number,
            end: summary.end,
            used_end: summary.end,
            chain: summary.chain,
            whole: true,
        };
        for span in &summary.spans {
            self.floors.raise(span.ej, span.first + span.places - 1);
        }
        Some(self.list(file, Index::Sidecar(summary), false))
    }

    /// Holds a whole segment's sidecar against the records.
    fn compare_sidecar(
        &mut self,
        file: &SegmentFile,
        next: Option<&SegmentHeader>,
        segment: &Arc<Segment>,
        compare_keys: bool,
    ) {
        let (true, Some(header), Some(next)) = (self.last.whole, file.header(), next) else {
            return;
        };
        let fault = 'fault: {
            let Ok(stored) = self.shared.disk.open(&sidecar_name(file.number)) else {
                break 'fault Some(SidecarFault::Missing);
            };
            let Some(summary) = read_summary(&*self.shared.disk, file.number, segment.salt) else {
                break 'fault Some(SidecarFault::Damaged);
            };
            if !summary.fits(header, next) {
                break 'fault Some(SidecarFault::Stale);
            }
            let (Some(places), Some(keys)) = (
                read_places(&*stored, segment.salt, &summary),
                read_keys(&*stored, segment.salt, &summary).and_then(|k| key_rows(&k, &summary)),
            ) else {
                break 'fault Some(SidecarFault::Damaged);
            };
            if compare_keys {
                catch_up(self.shared, segment);
            }
            let Index::Memory(live) = &*segment.index.read() else { break 'fault None };
            let mut rows = live.keys.clone();
            rows.sort_unstable();
            rows.dedup();
            let same = places == live.ejs && (!compare_keys || keys == rows);
            (!same).then_some(SidecarFault::Differs)
        };
        self.sidecars.extend(fault.map(|fault| SidecarFinding { segment: file.number, fault }));
    }

    fn newest(&mut self, file: &SegmentFile, bound: u64) -> io::Result<()> {
        self.meet(file);
        let bytes = read_salvaging(&*file.file)?;
        let mut scan = self.scan(file, &bytes);
        let bound = bound.max(scan.synced_lsn);
        let torn = scan.holes.iter().find(|hole| hole.first_lsn > bound).cloned();
        if let Some(torn) = torn {
            let offset = torn.offset;
            let used_end = (scan.used_end.max(offset) as usize).min(bytes.len());
            scan.cut(&torn, file.header());
            self.torn = Some(TornTail {
                segment: file.number,
                offset,
                bytes: bytes[offset as usize..used_end].to_vec(),
                file: Arc::clone(&file.file),
            });
        }
        // Damage at the very end: the bytes are left as they are, and a new segment begun.
        let intact = file.header().is_some()
            && scan.holes.iter().all(|hole| hole.last_lsn.is_some())
            && scan.next_lsn > bound;
        scan.holes.retain(|hole| hole.last_lsn.is_some());
        let segment = self.take(file, &bytes, &scan, None);
        if self.purpose == Purpose::Open {
            // The records after the head mark may never have been synced, and are taken now.
            file.file.sync_data()?;
        }
        if intact {
            self.active = Some(Arc::clone(&segment));
        }
        self.segments.push(segment);
        Ok(())
    }

    /// Sees whether records are missing between the segment before and this one.
    fn meet(&mut self, file: &SegmentFile) {
        let Some(header) = file.header() else {
            self.enter_segment(file.number, DamageKind::SegmentHeader);
            return;
        };
        if header.first_lsn > self.next_lsn {
            self.gap(header.first_lsn, Some(&Floors::from_header(header)));
        }
        let follows = self.last.whole && self.last.number == header.prev_segment;
        if follows && (self.last.end, self.last.chain) != (header.prev_end, header.prev_chain) {
            self.enter_segment(file.number, DamageKind::Chain);
        }
        self.floors.raise_by_header(header);
    }

    fn gap(&mut self, next_lsn: u64, after: Option<&Floors>) {
        let firsts = HashMap::new();
        let after = After { firsts: &firsts, end: after };
        let (losses, unlisted) = losses(&self.floors, &after, next_lsn - self.next_lsn);
        let Last { number, end, used_end, .. } = self.last;
        let kind = if used_end > end { DamageKind::Records } else { DamageKind::Missing };
        let id = DamageId { segment: number, offset: end };
        let lsns = (self.next_lsn, next_lsn - 1);
        self.enter(id, kind, used_end.max(end), lsns, losses, unlisted);
        self.next_lsn = next_lsn;
        self.last.whole = false;
    }

    fn scan(&mut self, file: &SegmentFile, bytes: &[u8]) -> Scan {
        self.segments_scanned += 1;
        let salt = self.shared.journal.salt(file.number);
        let first_lsn = file.header().map_or(self.next_lsn, |h| h.first_lsn);
        scan(bytes, salt, file.header(), first_lsn)
    }

    /// Takes in what a scan found; `end` is how far each EJ was at the segment's end.
    fn take(
        &mut self,
        file: &SegmentFile,
        bytes: &[u8],
        scan: &Scan,
        end: Option<&Floors>,
    ) -> Arc<Segment> {
        let start = file.header().map_or(SEGMENT_HEADER_BYTES_MIN, SegmentHeader::header_bytes);
        let first_lsn = file.header().map_or(self.next_lsn, |h| h.first_lsn);
        let header_crc = file.header().map_or(0, SegmentHeader::crc);
        let mut index = LiveIndex::new(start, first_lsn, header_crc);
        let mut holes = scan.holes.iter().peekable();
        for (at, found) in scan.found.iter().enumerate() {
            while let Some(hole) = holes.next_if(|hole| hole.offset <= found.offset) {
                self.hole(file.number, hole, scan, at, end);
            }
            let (ej, seq) = (found.meta.ej, found.meta.seq.get());
            self.floors.raise(ej, seq);
            let before = index.ej(ej).map(EjPlaces::last);
            let before = before.or(self.spans.get(&ej).map(|span| span.last.get()));
            if before.is_some_and(|before| seq <= before) {
                // Sound, and yet it cannot be: kept out of the index, and so never served.
                let id = DamageId { segment: file.number, offset: found.offset };
                self.enter(id, DamageKind::Order, found.offset, NO_RECORDS, Vec::new(), false);
            } else if found.sound {
                index.push(&found.meta, found.offset, found.crc);
                if found.meta.kind == Kind::Message {
                    *self.verdicts.entry(found.meta.verdict).or_default() += 1;
                }
                index.push_act_at(&found.meta, bytes, found.offset);
            }
        }
        for hole in holes {
            self.hole(file.number, hole, scan, scan.found.len(), end);
        }
        index.end = scan.end;
        self.acts.extend(index.acts.iter().filter_map(|act| DamageAccepted::decode(act)));
        self.next_lsn = scan.next_lsn.max(self.next_lsn);
        self.last = Last {
            number: file.number,
            end: scan.end,
            used_end: scan.used_end,
            chain: scan.chain,
            whole: scan.holes.is_empty() && file.header().is_some(),
        };
        self.list(file, Index::Memory(index), !self.last.whole)
    }

    /// `after`: the place in `scan.found` of what follows the hole.
    fn hole(&mut self, segment: u64, hole: &Hole, scan: &Scan, after: usize, end: Option<&Floors>) {
        let Some(last_lsn) = hole.last_lsn else { return };
        let id = DamageId { segment, offset: hole.offset };
        let lsns = (hole.first_lsn, last_lsn);
        if let Some((ej, seq)) = hole.whose {
            let (after, through) = (Seq::new(seq.saturating_sub(1)), Seq::new(seq));
            let loss = Loss { ej, after, through, certain: true };
            self.enter(id, DamageKind::Payload, hole.end, lsns, vec![loss], false);
            return;
        }
        let mut firsts = HashMap::new();
        for found in &scan.found[after..] {
            firsts.entry(found.meta.ej).or_insert(found.meta.seq.get());
        }
        let after = After { firsts: &firsts, end };
        let (losses, unlisted) = losses(&self.floors, &after, last_lsn + 1 - hole.first_lsn);
        self.enter(id, DamageKind::Records, hole.end, lsns, losses, unlisted);
    }

    fn enter_segment(&mut self, segment: u64, kind: DamageKind) {
        self.enter(DamageId { segment, offset: 0 }, kind, 0, NO_RECORDS, Vec::new(), false);
    }

    fn enter(
        &mut self,
        id: DamageId,
        kind: DamageKind,
        end: u64,
        (first_lsn, last_lsn): (u64, u64),
        losses: Vec<Loss>,
        unlisted: bool,
    ) {
        self.floors.raise_by_losses(&losses);
        if unlisted {
            let records = (last_lsn + 1).saturating_sub(first_lsn);
            self.floors.unlisted = self.floors.unlisted.max(records);
        }
        let (first_lsn, last_lsn) = (Lsn::new(first_lsn), Lsn::new(last_lsn));
        self.shared.damages.enter(Damage {
            id,
            kind,
            end,
            first_lsn,
            last_lsn,
            losses,
            unlisted,
            accepted: false,
        });
    }

    /// Makes the segment, and when opening makes it known to the EJs that have records in it.
    fn list(&mut self, file: &SegmentFile, index: Index, flawed: bool) -> Arc<Segment> {
        let header = file.header();
        let (first_lsn, records) = match &index {
            Index::Memory(live) => (live.first_lsn, live.records),
            Index::Sidecar(summary) => (summary.first_lsn, summary.records),
        };
        self.records += records;
        let segment = Arc::new(Segment {
            number: file.number,
            first_lsn,
            start: header.map_or(SEGMENT_HEADER_BYTES_MIN, SegmentHeader::header_bytes),
            salt: self.shared.journal.salt(file.number),
            header_crc: header.map_or(0, SegmentHeader::crc),
            file_bytes: header.map_or(0, |h| h.file_bytes),
            file: Arc::clone(&file.file),
            index: index.into(),
            flawed: flawed.into(),
        });
        for (ej, first, last, records) in segment.spans() {
            if self.purpose == Purpose::Open {
                self.shared.ej_or_new(ej, 0).list(first, &segment);
            }
            let (first, last) = (Seq::new(first), Seq::new(last));
            self.spans
                .entry(ej)
                .and_modify(|span| {
                    span.last = last;
                    span.records += records;
                })
                .or_insert(EjSpan { first, last, records });
        }
        segment
    }
}
