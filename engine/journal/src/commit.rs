//! The committer: one OS thread that writes what waits as one group, syncs once, then tells all.
//!
//! Nothing is locked across the sync. A failed write or fdatasync is never tried again on that
//! file: every append that waits is told `Unknown`, and the process is to end. A full disk is
//! found out before anything is written, refused, and asked about again with the next group.

use std::collections::HashMap;
use std::mem;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Instant, SystemTime, UNIX_EPOCH};

use bytes::Bytes;
use sluice_ids::{EjId, Lsn, Micros, Seq};

use crate::attendant::{Attendant, PIECE_BYTES, Prepared};
use crate::disk::{DiskFile, is_no_space};
use crate::format::{
    EjFloor, HEAD_BYTES, HEAD_FILE, RecordMeta, SegmentHeader, encode_head, encode_record,
    prepared_name, segment_name,
};
use crate::index::LiveIndex;
use crate::measures::{Measures, refused};
use crate::port::{Append, Refusal};
use crate::queue::Job;
use crate::segment::{Index, Segment};
use crate::shared::{EjState, Fault, Shared};
use crate::slot::Completer;
use crate::torn::TornTail;

/// Where the journal ended at open, and so where it goes on.
pub struct Start {
    /// The segment to go on in; `None` where the next append begins a new one.
    pub active: Option<Arc<Segment>>,
    /// Of the last segment, for the next one's header.
    pub last_number: u64,
    pub last_end: u64,
    pub last_chain: u32,
    /// The highest number that any file bears.
    pub highest_number: u64,
    pub next_lsn: u64,
    pub unlisted_floor: u64,
    /// Still to be moved aside, because the disk was full.
    pub torn: Option<TornTail>,
    pub head: Option<Arc<dyn DiskFile>>,
}

pub struct Committer {
    shared: Arc<Shared>,
    attendant: Arc<Attendant>,
    at: Start,
    measures: Measures,
    ejs: HashMap<EjId, Known>,
    head_turn: bool,
    group: Group,
}

/// What the committer remembers of an EJ.
struct Known {
    state: Arc<EjState>,
    /// The number of the segment in which it is already listed.
    listed_in: u64,
}

/// What is written next.
#[derive(Default)]
struct Group {
    offset: u64,
    bytes: Vec<u8>,
    placed: Vec<Placed>,
}

struct Placed {
    meta: RecordMeta,
    offset: u64,
    crc: u32,
    completer: Completer,
    act: Option<Bytes>,
}

impl Committer {
    pub fn new(shared: Arc<Shared>, attendant: Arc<Attendant>, at: Start) -> Self {
        let measures = Measures::new();
        // A restart must not look like a full disk until the first message comes.
        measures.segments.set(shared.segments.read().len() as f64);
        measures.free_bytes.set(shared.disk.free_bytes().unwrap_or(0) as f64);
        Self {
            shared,
            attendant,
            at,
            measures,
            ejs: HashMap::new(),
            head_turn: false,
            group: Group::default(),
        }
    }

    pub fn run(mut self) {
        let mut jobs = Vec::new();
        while self.shared.queue.take(&mut jobs, self.shared.settings.commit_batch_bytes_max) {
            if let Err(fault) = self.write(&mut jobs) {
                self.poison(&fault, jobs);
                return;
            }
        }
        if let Some(head) = &self.at.head {
            // Only makes the mark newer after a power cut; nothing hangs on it.
            let _ = head.sync_data();
        }
    }

    fn write(&mut self, jobs: &mut Vec<Job>) -> Result<(), Fault> {
        if let Some(refusal) = self.make_ready()? {
            jobs.drain(..).for_each(|job| refuse(job, refusal));
            return Ok(());
        }
        let group_bytes = jobs.iter().map(Job::bytes).sum::<u64>() as usize;
        self.begin_group(group_bytes);
        let mut no_room = None;
        for job in jobs.drain(..) {
            let listed = self.know(job.entry.ej);
            if !job.through_damage && self.shared.damages.stops(job.entry.ej, listed) {
                let ej = job.entry.ej;
                refuse(job, Refusal::Damaged { ej });
                continue;
            }
            if !self.fits(job.bytes()) {
                let left = group_bytes.saturating_sub(self.group.bytes.len());
                self.flush()?;
                if no_room.is_none() {
                    no_room = self.roll()?;
                    self.begin_group(left);
                }
                let refusal =
                    no_room.or_else(|| (!self.fits(job.bytes())).then(|| self.too_large(&job)));
                if let Some(refusal) = refusal {
                    refuse(job, refusal);
                    continue;
                }
            }
            self.place(job);
        }
        self.flush()
    }

    /// What must be so before anything is written. A refusal is what a full disk gives.
    fn make_ready(&mut self) -> Result<Option<Refusal>, Fault> {
        let free_bytes = self.shared.disk.free_bytes().unwrap_or(0);
        self.measures.free_bytes.set(free_bytes as f64);
        let floor_bytes = self.shared.settings.free_floor_bytes;
        let no_space = Refusal::NoSpace { free_bytes, floor_bytes };
        if free_bytes < floor_bytes {
            return Ok(Some(no_space));
        }
        if let Some(torn) = &mut self.at.torn {
            match torn.set_aside(&*self.shared.disk) {
                Ok(()) => self.at.torn = None,
                Err(e) if is_no_space(&e) => return Ok(Some(no_space)),
                Err(e) => return Err(self.fault("set a torn tail aside", e)),
            }
        }
        if self.at.head.is_none() {
            match self.create_head() {
                Ok(head) => self.at.head = Some(head),
                Err(e) if is_no_space(&e) => return Ok(Some(no_space)),
                Err(e) => return Err(self.fault("create the head mark", e)),
            }
        }
        Ok(None)
    }

    fn create_head(&self) -> std::io::Result<Arc<dyn DiskFile>> {
        let head = self.shared.disk.create(HEAD_FILE)?;
        head.write_at(&[0; HEAD_BYTES], 0)?;
        let (slot, at) = encode_head(self.shared.journal, self.at.next_lsn - 1, true);
        head.write_at(&slot, at)?;
        head.sync_data()?;
        self.shared.disk.sync_dir()?;
        Ok(head)
    }

    /// Whether the journal knew the EJ before; from now on it does.
    fn know(&mut self, ej: EjId) -> bool {
        if self.ejs.contains_key(&ej) {
            return true;
        }
        let listed = self.shared.ej(ej).is_some_and(|s| s.floor.load(Ordering::Acquire) > 0);
        if listed {
            self.remember(ej);
        }
        listed
    }

    fn remember(&mut self, ej: EjId) -> &mut Known {
        let (shared, unlisted_floor) = (&self.shared, self.at.unlisted_floor);
        self.ejs.entry(ej).or_insert_with(|| {
            let state = shared.ej_or_new(ej, 0);
            if state.floor.load(Ordering::Acquire) == 0 {
                state.raise_floor(unlisted_floor);
            }
            Known { state, listed_in: 0 }
        })
    }

    fn begin_group(&mut self, bytes: usize) {
        self.group.bytes = Vec::with_capacity(bytes);
        self.group.offset = self.at.last_end;
    }

    fn fits(&self, bytes: u64) -> bool {
        self.at.active.as_ref().is_some_and(|segment| {
            self.group.offset + self.group.bytes.len() as u64 + bytes <= segment.file_bytes
        })
    }

    /// Of an entry that not even a fresh segment has room for, because its header has very many EJs.
    fn too_large(&self, job: &Job) -> Refusal {
        let room = self.at.active.as_ref().map_or(0, |s| s.file_bytes.saturating_sub(s.start));
        let limit = room.saturating_sub(crate::format::RECORD_HEADER_BYTES as u64);
        Refusal::TooLarge { bytes: job.entry.payload.len() as u64, limit }
    }

    /// Gives the record its place and encodes it. It must fit.
    fn place(&mut self, job: Job) {
        let Job { entry, completer, .. } = job;
        let salt = self.at.active.as_ref().map_or(0, |segment| segment.salt);
        let known = self.remember(entry.ej);
        let seq = Seq::new(known.state.floor.fetch_add(1, Ordering::AcqRel) + 1);
        let lsn = Lsn::new(self.at.next_lsn);
        self.at.next_lsn += 1;
        let start = self.group.bytes.len();
        let in_group = self.group.placed.len() as u32;
        let crc = encode_record(&mut self.group.bytes, salt, lsn, seq, in_group, &entry);
        self.group.placed.push(Placed {
            meta: RecordMeta {
                len: crate::format::RECORD_HEADER_BYTES + entry.payload.len(),
                kind: entry.kind,
                flags: entry.flags,
                verdict: entry.verdict,
                lsn,
                ej: entry.ej,
                seq,
                received_at: entry.received_at,
                channel: entry.channel,
                key: entry.key,
                in_group,
            },
            offset: self.group.offset + start as u64,
            crc,
            completer,
            act: (entry.kind == crate::port::Kind::OperatorAct).then_some(entry.payload),
        });
    }

    /// Writes and syncs the group, lets readers see it, marks it as synced, then tells those who
    /// wait.
    fn flush(&mut self) -> Result<(), Fault> {
        if self.group.placed.is_empty() {
            return Ok(());
        }
        let segment = Arc::clone(self.at.active.as_ref().expect("a placed record has its segment"));
        let offset = self.group.offset;
        let bytes = Bytes::from(mem::take(&mut self.group.bytes));
        let begun = Instant::now();
        segment.file.write_at(&bytes, offset).map_err(|e| self.fault("write", e))?;
        segment.file.sync_data().map_err(|e| self.fault("fdatasync", e))?;
        self.measures.commit_seconds.record(begun.elapsed());
        self.measures.commits.increment(1);
        self.measures.commit_records.record(self.group.placed.len() as f64);
        self.measures.appended_bytes.increment(bytes.len() as u64);

        self.at.last_end = offset + bytes.len() as u64;
        self.shared.synced_lsn.store(self.at.next_lsn - 1, Ordering::Release);
        self.shared.tail.push(segment.number, offset, bytes);
        self.publish(&segment);
        // Before the senders are told: whoever reads the folder beside us up to the mark finds what
        // was acknowledged. It adds nothing to what the sync has promised already, so a mark that
        // cannot be written ends the journal and not their append.
        let marked = self.write_head();
        for placed in self.group.placed.drain(..) {
            placed
                .completer
                .complete(Append::Stored { seq: placed.meta.seq, lsn: placed.meta.lsn });
        }
        self.group.offset = self.at.last_end;
        if offset / PIECE_BYTES != self.at.last_end / PIECE_BYTES {
            self.attendant.nudge();
        }
        marked
    }

    fn write_head(&mut self) -> Result<(), Fault> {
        let synced = self.at.next_lsn - 1;
        let (slot, at) = encode_head(self.shared.journal, synced, self.head_turn);
        self.head_turn = !self.head_turn;
        if let Some(head) = &self.at.head {
            head.write_at(&slot, at).map_err(|e| self.fault("write the head mark", e))?;
        }
        Ok(())
    }

    fn publish(&mut self, segment: &Arc<Segment>) {
        {
            let mut index = segment.index.write();
            let Index::Memory(live) = &mut *index else {
                unreachable!("the segment that is written to is indexed in memory")
            };
            for placed in &self.group.placed {
                live.push(&placed.meta, placed.offset, placed.crc);
                if let Some(payload) = &placed.act {
                    live.push_act(placed.meta.kind, payload);
                }
            }
            self.at.last_chain = live.chain;
        }
        // Listed at its first record of the segment, told once, at its last record of the group.
        for placed in &self.group.placed {
            let Some(known) = self.ejs.get_mut(&placed.meta.ej) else { continue };
            if known.listed_in != segment.number {
                known.listed_in = segment.number;
                known.state.list(placed.meta.seq.get(), segment);
            }
        }
        let mut told: Vec<EjId> = Vec::with_capacity(4);
        for placed in self.group.placed.iter().rev() {
            if !told.contains(&placed.meta.ej) {
                told.push(placed.meta.ej);
                if let Some(known) = self.ejs.get(&placed.meta.ej) {
                    known.state.publish(placed.meta.seq.get());
                }
            }
        }
    }

    /// Goes on in a new segment. A refusal is what a full disk gives.
    fn roll(&mut self) -> Result<Option<Refusal>, Fault> {
        let number = self.at.highest_number + 1;
        let no_space = Refusal::NoSpace {
            free_bytes: self.shared.disk.free_bytes().unwrap_or(0),
            floor_bytes: self.shared.settings.free_floor_bytes,
        };
        let file = match self.attendant.take(number) {
            Prepared::File(file) => file,
            Prepared::NoSpace => return Ok(Some(no_space)),
            Prepared::Failed(e) => return Err(self.fault("prepare a segment", e)),
        };
        let header = self.next_header(number);
        let encoded = header.encode();
        let begun = (|| {
            file.write_at(&encoded, 0)?;
            file.sync_data()?;
            self.shared.disk.rename(&prepared_name(number), &segment_name(number))
        })();
        match begun {
            Ok(()) => {}
            Err(e) if is_no_space(&e) => {
                let _ = self.shared.disk.remove(&prepared_name(number));
                return Ok(Some(no_space));
            }
            Err(e) => return Err(self.fault("begin a segment", e)),
        }
        self.shared.disk.sync_dir().map_err(|e| self.fault("sync the folder", e))?;

        let crc = header.crc();
        let start = header.header_bytes();
        let segment = Arc::new(Segment {
            number,
            first_lsn: header.first_lsn,
            start,
            salt: self.shared.journal.salt(number),
            header_crc: crc,
            file_bytes: header.file_bytes,
            file,
            index: Index::Memory(LiveIndex::new(start, header.first_lsn, crc)).into(),
            flawed: false.into(),
        });
        {
            let mut segments = self.shared.segments.write();
            segments.push(Arc::clone(&segment));
            self.measures.segments.set(segments.len() as f64);
        }
        if let Some(full) = self.at.active.replace(segment) {
            self.attendant.seal(full);
        }
        self.at.last_number = number;
        self.at.highest_number = number;
        self.at.last_end = start;
        self.at.last_chain = crc;
        self.attendant.want(number + 1);
        Ok(None)
    }

    fn next_header(&self, number: u64) -> SegmentHeader {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |d| d.as_micros() as i64);
        let mut floors: Vec<EjFloor> = self
            .shared
            .ejs
            .read()
            .values()
            .map(|state| EjFloor { ej: state.ej, last: state.floor.load(Ordering::Acquire) })
            .filter(|floor| floor.last > 0)
            .collect();
        floors.sort_by_key(|floor| floor.ej);
        SegmentHeader {
            segment: number,
            prev_segment: self.at.last_number,
            journal: self.shared.journal,
            first_lsn: self.at.next_lsn,
            prev_end: self.at.last_end,
            prev_chain: self.at.last_chain,
            made_at: Micros::new(now),
            file_bytes: self.shared.settings.segment_bytes,
            unlisted_floor: self.at.unlisted_floor,
            floors,
        }
    }

    fn fault(&self, what: &'static str, source: std::io::Error) -> Fault {
        Fault { what, segment: self.at.last_number, offset: self.group.offset, source }
    }

    fn poison(self, fault: &Fault, jobs: Vec<Job>) {
        let waiting = self.shared.queue.abandon();
        let unknown = self.group.placed.len() + jobs.len() + waiting.len();
        self.measures.unknown.increment(unknown as u64);
        tracing::error!(
            what = fault.what,
            segment = fault.segment,
            offset = fault.offset,
            error = %fault.source,
            "the journal's disk failed; nothing more is accepted"
        );
        let on_fault = Arc::clone(&self.shared.on_fault);
        // Dropped, each of them says `Unknown`.
        drop((jobs, waiting, self));
        on_fault(fault);
    }
}

fn refuse(job: Job, refusal: Refusal) {
    refused(refusal);
    job.completer.complete(Append::Refused(refusal));
}
