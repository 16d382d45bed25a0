//! What the committer, the attendant, the readers and the callers of one open journal share.

use std::collections::HashMap;
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use parking_lot::{Condvar, Mutex, RwLock};
use sluice_ids::{EjId, Seq};

use crate::damage::DamageBook;
use crate::disk::{Disk, read_range};
use crate::format::{JournalId, SegmentHeader};
use crate::losses::Floors;
use crate::port::{Keys, KeysOf, Record};
use crate::queue::Queue;
use crate::segment::{Places, Segment};
use crate::settings::JournalSettings;
use crate::shelf::Shelf;
use crate::tail::Tail;

/// Why the journal can no longer promise anything: the process must end (exit code 70).
#[derive(Debug, thiserror::Error)]
#[error("the disk failed to {what} in segment {segment} at byte {offset}")]
pub struct Fault {
    pub what: &'static str,
    pub segment: u64,
    pub offset: u64,
    #[source]
    pub source: io::Error,
}

/// Called once, from the committer's thread, when the journal is poisoned.
pub type OnFault = Arc<dyn Fn(&Fault) + Send + Sync>;

pub struct Shared {
    pub settings: JournalSettings,
    pub disk: Arc<dyn Disk>,
    pub journal: JournalId,
    pub keys_of: KeysOf,
    pub on_fault: OnFault,
    pub queue: Queue,
    pub tail: Tail,
    pub shelf: Shelf,
    pub damages: DamageBook,
    /// In order of number; the last is the one that is written to, once there is one.
    pub segments: RwLock<Vec<Arc<Segment>>>,
    pub ejs: RwLock<HashMap<EjId, Arc<EjState>>>,
    /// The last durable lsn.
    pub synced_lsn: AtomicU64,
}

impl Shared {
    pub fn ej(&self, ej: EjId) -> Option<Arc<EjState>> {
        self.ejs.read().get(&ej).cloned()
    }

    /// The EJ's state, made where it is new with `floor` as the last `Seq` that was used up.
    pub fn ej_or_new(&self, ej: EjId, floor: u64) -> Arc<EjState> {
        self.ej(ej).unwrap_or_else(|| {
            let mut ejs = self.ejs.write();
            Arc::clone(ejs.entry(ej).or_insert_with(|| Arc::new(EjState::new(ej, floor))))
        })
    }

    /// A record's keys. A panic in the owner's function costs that record its keys, no more.
    pub fn keys_of(&self, record: &Record) -> Keys {
        std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| (self.keys_of)(record)))
            .unwrap_or_default()
    }
}

impl Shared {
    /// How far each EJ was at the end of the segment.
    pub fn floors_after(&self, segment: &Segment) -> Floors {
        let next = self.segments.read().iter().find(|s| s.number > segment.number).cloned();
        let header = next.and_then(|next| {
            let block = read_range(&*next.file, 0, next.start as usize).ok()?;
            SegmentHeader::decode(&block)
        });
        header.map_or_else(
            || {
                let ejs = self.ejs.read();
                let of = ejs.iter().map(|(ej, s)| (*ej, s.floor.load(Ordering::Acquire)));
                Floors { of: of.collect(), unlisted: 0 }
            },
            |header| Floors::from_header(&header),
        )
    }
}

/// One EJ: how far it is, and which segments hold it.
pub struct EjState {
    pub ej: EjId,
    /// The last `Seq` that was given or may have been lost; the committer's.
    pub floor: AtomicU64,
    /// The last `Seq` that was let go.
    pub released: AtomicU64,
    durable: Mutex<u64>,
    grown: Condvar,
    /// (first `Seq` there, segment), ascending.
    pub segments: RwLock<Vec<(u64, Arc<Segment>)>>,
}

impl EjState {
    fn new(ej: EjId, floor: u64) -> Self {
        Self {
            ej,
            floor: AtomicU64::new(floor),
            released: AtomicU64::new(0),
            durable: Mutex::new(0),
            grown: Condvar::new(),
            segments: RwLock::default(),
        }
    }

    pub fn durable(&self) -> u64 {
        *self.durable.lock()
    }

    pub fn raise_floor(&self, floor: u64) {
        self.floor.fetch_max(floor, Ordering::AcqRel);
    }

    /// Enters the segment whose first record of this EJ is `first`.
    pub fn list(&self, first: u64, segment: &Arc<Segment>) {
        let mut segments = self.segments.write();
        if segments.last().is_none_or(|(_, last)| last.number != segment.number) {
            segments.push((first, Arc::clone(segment)));
        }
    }

    /// Tells those who wait that everything up to `seq` can be read.
    pub fn publish(&self, seq: u64) {
        *self.durable.lock() = seq;
        self.grown.notify_all();
    }

    pub fn wait_past(&self, past: Seq, timeout: Duration) -> Seq {
        // A timeout beyond what the clock can tell is none.
        let deadline = Instant::now().checked_add(timeout);
        let mut durable = self.durable.lock();
        while *durable <= past.get() {
            let timed_out = match deadline {
                Some(deadline) => self.grown.wait_until(&mut durable, deadline).timed_out(),
                None => {
                    self.grown.wait(&mut durable);
                    false
                }
            };
            if timed_out {
                break;
            }
        }
        Seq::new(*durable)
    }

    /// Up to `max` places from `seq` on, all in the first segment that has any.
    pub fn places(
        &self,
        shared: &Shared,
        seq: u64,
        max: usize,
    ) -> io::Result<Option<(Arc<Segment>, Places)>> {
        let mut from = {
            let segments = self.segments.read();
            segments.partition_point(|(first, _)| *first <= seq).saturating_sub(1)
        };
        loop {
            let Some(segment) = self.segments.read().get(from).map(|(_, s)| Arc::clone(s)) else {
                return Ok(None);
            };
            let places = segment.places(shared, self.ej, seq, max)?;
            if !places.is_empty() {
                return Ok(Some((segment, places)));
            }
            from += 1;
        }
    }
}
