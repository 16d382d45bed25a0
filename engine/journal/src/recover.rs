//! Opening: from what lies on disk to a journal that goes on.
//!
//! The segments are walked in order with the running floor of each EJ. A sealed segment with a
//! sound sidecar is taken at its word once its last record has been read; any other is scanned.
//! Nothing here needs space: what does is left to the first append.

use std::collections::HashMap;
use std::io;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use bytes::Bytes;
use sluice_ids::{EjId, Lsn, Seq};

use crate::commit::Start;
use crate::damage::{Damage, DamageAccepted, DamageId, DamageKind, Loss};
use crate::disk::read_salvaging;
use crate::format::{RECORD_HEADER_BYTES, SegmentHeader};
use crate::index::LiveIndex;
use crate::losses::{After, Floors, losses};
use crate::port::Kind;
use crate::scan::{Hole, Scan, scan};
use crate::segment::Segment;
use crate::shared::Shared;
use crate::survey::{Header, SegmentFile, Survey};
use crate::torn::TornTail;

/// What opening found.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct OpenReport {
    pub segments: usize,
    /// How many of them had to be read whole.
    pub segments_scanned: usize,
    pub last_lsn: Lsn,
    /// Bytes of a group that was never synced, moved aside.
    pub torn: Option<TornReport>,
    /// All damage, accepted or not.
    pub damages: Vec<Damage>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TornReport {
    pub segment: u64,
    pub offset: u64,
    pub bytes: u64,
}

/// Where the segment before ended.
#[derive(Clone, Copy, Default)]
struct Last {
    number: u64,
    end: u64,
    used_end: u64,
    chain: u32,
}

struct Walk<'a> {
    shared: &'a Shared,
    floors: Floors,
    /// Of EJs whose records are all let go, and of those that have some: the last `Seq`.
    durable: HashMap<EjId, u64>,
    next_lsn: u64,
    last: Last,
    active: Option<Arc<Segment>>,
    torn: Option<TornTail>,
    acts: Vec<DamageAccepted>,
    report: OpenReport,
}

/// Walks `survey` and fills `shared`. `synced_at_least`: the state has applied up to there.
///
/// # Errors
/// When a file cannot be read at all, or what was written last cannot be synced.
pub fn recover(
    shared: &Shared,
    survey: Survey,
    synced_at_least: Lsn,
) -> io::Result<(Start, OpenReport)> {
    let bound = survey.head_lsn.unwrap_or(0).max(synced_at_least.get());
    let mut walk = Walk {
        shared,
        floors: Floors::default(),
        durable: HashMap::new(),
        next_lsn: 1,
        last: Last::default(),
        active: None,
        torn: None,
        acts: Vec::new(),
        report: OpenReport::default(),
    };
    if let Some(oldest) = &survey.released {
        walk.begin_released(oldest);
    }
    let highest_number = survey.segments.last().map_or(walk.last.number, |s| s.number);
    let own: Vec<&SegmentFile> = walk.without_strays(&survey.segments);
    for (at, file) in own.iter().enumerate() {
        match own.get(at + 1) {
            Some(next) => walk.sealed(file, next.header())?,
            None => walk.newest(file, bound)?,
        }
    }
    if bound >= walk.next_lsn {
        walk.gap(bound + 1, None);
    }
    Ok(walk.finish(survey.head, highest_number))
}

impl<'a> Walk<'a> {
    fn begin_released(&mut self, oldest: &SegmentHeader) {
        self.floors = Floors::from_header(oldest);
        self.next_lsn = oldest.first_lsn;
        self.last = Last {
            number: oldest.prev_segment,
            end: oldest.prev_end,
            used_end: oldest.prev_end,
            chain: oldest.prev_chain,
        };
        for floor in &oldest.floors {
            let state = self.shared.ej_or_new(floor.ej, floor.last);
            state.released.store(floor.last, Ordering::Release);
            self.durable.insert(floor.ej, floor.last);
        }
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
                let id = DamageId { segment: file.number, offset: 0 };
                self.enter(id, DamageKind::Misplaced, 0, (1, 0), Vec::new(), false);
            } else {
                own.push(file);
            }
        }
        own
    }

    fn sealed(&mut self, file: &SegmentFile, next: Option<&SegmentHeader>) -> io::Result<()> {
        self.meet(file);
        let bytes = Bytes::from(read_salvaging(&*file.file)?);
        let mut scan = self.scan(file, &bytes);
        // What is missing at its end is seen where the next segment begins.
        scan.holes.retain(|hole| hole.last_lsn.is_some());
        let end = next.map(Floors::from_header);
        let segment = self.take(file, &bytes, &scan, end.as_ref());
        self.shared.segments.write().push(segment);
        Ok(())
    }

    fn newest(&mut self, file: &SegmentFile, bound: u64) -> io::Result<()> {
        self.meet(file);
        let bytes = Bytes::from(read_salvaging(&*file.file)?);
        let mut scan = self.scan(file, &bytes);
        let bound = bound.max(scan.synced_lsn);
        let torn_at = scan.holes.iter().find(|h| h.first_lsn > bound).map(|h| h.offset);
        let mut intact = file.header().is_some();
        if let Some(offset) = torn_at {
            let used_end = scan.used_end;
            scan.cut(offset, file.header());
            if intact {
                let torn = TornTail {
                    segment: file.number,
                    offset,
                    bytes: bytes[offset as usize..used_end.max(offset) as usize].to_vec(),
                    file: Arc::clone(&file.file),
                };
                let bytes = torn.bytes.len() as u64;
                self.report.torn = Some(TornReport { segment: file.number, offset, bytes });
                self.torn = Some(torn);
            }
        }
        // Damage at the very end: the bytes are left as they are, and a new segment begun.
        intact &= scan.holes.iter().all(|hole| hole.last_lsn.is_some()) && scan.next_lsn > bound;
        scan.holes.retain(|hole| hole.last_lsn.is_some());
        let segment = self.take(file, &bytes, &scan, None);
        // The records after the head mark may never have been synced, and are taken now.
        file.file.sync_data()?;
        if intact {
            self.active = Some(Arc::clone(&segment));
        }
        self.shared.segments.write().push(segment);
        Ok(())
    }

    /// Sees whether records are missing between the segment before and this one.
    fn meet(&mut self, file: &SegmentFile) {
        if let Some(header) = file.header() {
            if header.first_lsn > self.next_lsn {
                self.gap(header.first_lsn, Some(&Floors::from_header(header)));
            }
            self.floors.raise_by_header(header);
        } else {
            let id = DamageId { segment: file.number, offset: 0 };
            self.enter(id, DamageKind::SegmentHeader, 0, (self.next_lsn, 0), Vec::new(), false);
        }
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
    }

    fn scan(&mut self, file: &SegmentFile, bytes: &[u8]) -> Scan {
        self.report.segments_scanned += 1;
        let salt = self.shared.journal.salt(file.number);
        let first_lsn = file.header().map_or(self.next_lsn, |h| h.first_lsn);
        scan(bytes, salt, file.header(), first_lsn)
    }

    /// Takes in what a scan found; `end` is how far each EJ was at the segment's end.
    fn take(
        &mut self,
        file: &SegmentFile,
        bytes: &Bytes,
        scan: &Scan,
        end: Option<&Floors>,
    ) -> Arc<Segment> {
        let start = file.header().map_or(scan.end, SegmentHeader::header_bytes);
        let first_lsn = file.header().map_or(self.next_lsn, |h| h.first_lsn);
        let header_crc = file.header().map_or(0, SegmentHeader::crc);
        let mut index = LiveIndex::new(start, first_lsn - 1, header_crc);
        let mut holes = scan.holes.iter().peekable();
        for (at, found) in scan.found.iter().enumerate() {
            while let Some(hole) = holes.next_if(|hole| hole.offset <= found.offset) {
                self.hole(file.number, hole, scan, at, end);
            }
            self.floors.raise(found.meta.ej, found.meta.seq.get());
            if found.sound {
                index.push(&found.meta, found.offset, found.crc);
                if found.meta.kind == Kind::OperatorAct {
                    let from = found.offset as usize + RECORD_HEADER_BYTES;
                    let to = found.offset as usize + found.meta.len;
                    index.push_act(found.meta.kind, &bytes.slice(from..to));
                }
            }
        }
        for hole in holes {
            self.hole(file.number, hole, scan, scan.found.len(), end);
        }
        index.end = scan.end;
        self.acts.extend(index.acts.iter().filter_map(|act| DamageAccepted::decode(act)));
        self.next_lsn = scan.next_lsn.max(self.next_lsn);
        self.last =
            Last { number: file.number, end: scan.end, used_end: scan.used_end, chain: scan.chain };
        let segment = Arc::new(Segment {
            number: file.number,
            first_lsn,
            start,
            salt: self.shared.journal.salt(file.number),
            header_crc,
            file_bytes: file.header().map_or(scan.end, |h| h.file_bytes),
            file: Arc::clone(&file.file),
            index: index.into(),
        });
        self.list(&segment);
        segment
    }

    /// `after`: the place in `scan.found` of what follows the hole.
    fn hole(&mut self, segment: u64, hole: &Hole, scan: &Scan, after: usize, end: Option<&Floors>) {
        let Some(last_lsn) = hole.last_lsn else { return };
        let id = DamageId { segment, offset: hole.offset };
        let lsns = (hole.first_lsn, last_lsn);
        if let Some((ej, seq)) = hole.whose {
            let (after, through) = (Seq::new(seq - 1), Seq::new(seq));
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

    fn list(&mut self, segment: &Arc<Segment>) {
        let index = segment.index.read();
        for places in &index.ejs {
            let state = self.shared.ej_or_new(places.ej, 0);
            state.list(places.first, segment);
            self.durable.insert(places.ej, places.last());
        }
    }

    fn finish(
        mut self,
        head: Option<Arc<dyn crate::disk::DiskFile>>,
        highest: u64,
    ) -> (Start, OpenReport) {
        for act in std::mem::take(&mut self.acts) {
            self.shared.damages.accept(&act);
            self.floors.raise_by_losses(&act.losses);
        }
        for (ej, floor) in &self.floors.of {
            self.shared.ej_or_new(*ej, 0).raise_floor(*floor);
        }
        for (ej, last) in &self.durable {
            self.shared.ej_or_new(*ej, 0).publish(*last);
        }
        if let Some(torn) = &mut self.torn
            && torn.set_aside(&*self.shared.disk).is_ok()
        {
            self.torn = None;
        }
        self.shared.synced_lsn.store(self.next_lsn - 1, Ordering::Release);
        self.report.segments = self.shared.segments.read().len();
        self.report.last_lsn = Lsn::new(self.next_lsn - 1);
        self.report.damages = self.shared.damages.all();
        let start = Start {
            active: self.active,
            last_number: self.last.number,
            last_end: self.last.end,
            last_chain: self.last.chain,
            highest_number: highest.max(self.last.number),
            next_lsn: self.next_lsn,
            unlisted_floor: self.floors.unlisted,
            torn: self.torn,
            head,
        };
        (start, self.report)
    }
}
