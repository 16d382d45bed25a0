//! A journal in memory whose disk does what a test wants.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::time::Duration;

use parking_lot::{Condvar, Mutex};
use sluice_flow::keys_of;
use sluice_ids::{EjId, Lsn, Seq};
use sluice_journal::{
    Append, AppendFuture, Appender, Completer, Entry, Journal, KeyIndex, Kind, ReadError, Reader,
    Record, Refusal, Slots,
};

/// What happens to appends from now on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Disk {
    Good,
    /// Appends wait until the disk is good again.
    Slow,
    Refuses(Refusal),
    /// The next message, and then it is good; what the lane writes of its own is stored.
    RefusesOnce(Refusal),
    /// Nobody can say whether the record is there: every other one is at once, the others come
    /// to light when the disk is good again.
    Unknown,
}

struct Inner {
    disk: Disk,
    records: HashMap<EjId, Vec<Record>>,
    waiting: Vec<(Entry, Completer)>,
    /// Written, and not yet to be seen.
    late: Vec<Entry>,
    unknown: u64,
    lsn: u64,
    /// The first place of each EJ that was not let go.
    oldest: HashMap<EjId, Seq>,
    /// Whose readers panic.
    broken: HashSet<EjId>,
    /// Nothing is found, by a key or at its place.
    damaged: bool,
    /// The next record that is looked up at its place panics.
    panics: bool,
    /// Reading on from here or before panics.
    broken_to: Seq,
}

struct Shared {
    inner: Mutex<Inner>,
    grown: Condvar,
}

#[derive(Clone)]
pub struct MemoryJournal(Arc<Shared>);

impl MemoryJournal {
    pub fn new() -> Self {
        let inner = Inner {
            disk: Disk::Good,
            records: HashMap::new(),
            waiting: Vec::new(),
            late: Vec::new(),
            unknown: 0,
            lsn: 0,
            oldest: HashMap::new(),
            broken: HashSet::new(),
            damaged: false,
            panics: false,
            broken_to: Seq::ZERO,
        };
        Self(Arc::new(Shared { inner: Mutex::new(inner), grown: Condvar::new() }))
    }

    /// Another journal that holds the same.
    pub fn copy(&self) -> Self {
        let copy = Self::new();
        let inner = self.0.inner.lock();
        let mut into = copy.0.inner.lock();
        (into.records, into.lsn) = (inner.records.clone(), inner.lsn);
        drop(into);
        copy
    }

    pub fn disk(&self, disk: Disk) {
        let mut inner = self.0.inner.lock();
        inner.disk = disk;
        if disk == Disk::Good {
            for (entry, completer) in std::mem::take(&mut inner.waiting) {
                let stored = inner.store(entry);
                completer.complete(stored);
            }
            for entry in std::mem::take(&mut inner.late) {
                inner.store(entry);
            }
            self.0.grown.notify_all();
        }
    }

    /// From now on, reading the EJ's records panics.
    pub fn break_readers_of(&self, ej: EjId) {
        self.0.inner.lock().broken.insert(ej);
        self.0.grown.notify_all();
    }

    /// From now on, reading on from here or before panics.
    pub fn break_up_to(&self, place: Seq) {
        self.0.inner.lock().broken_to = place;
    }

    /// The next record that is looked up at its place panics.
    pub fn panic_once(&self) {
        self.0.inner.lock().panics = true;
    }

    /// Whether finding records fails, by a key or at their place.
    pub fn damage(&self, damaged: bool) {
        self.0.inner.lock().damaged = damaged;
    }

    pub fn waiting(&self) -> usize {
        self.0.inner.lock().waiting.len()
    }

    pub fn records(&self, ej: EjId) -> Vec<Record> {
        self.0.inner.lock().records.get(&ej).cloned().unwrap_or_default()
    }
}

impl Inner {
    fn store(&mut self, entry: Entry) -> Append {
        self.lsn += 1;
        let lsn = Lsn::new(self.lsn);
        let records = self.records.entry(entry.ej).or_default();
        // Every third place is left out: gaps are allowed.
        let last = records.last().map_or(0, |record| record.seq.get());
        let seq = Seq::new(last + 1 + u64::from(self.lsn.is_multiple_of(3)));
        records.push(Record { lsn, seq, entry });
        Append::Stored { seq, lsn }
    }
}

struct MemoryAppender {
    shared: Arc<Shared>,
    slots: Slots,
}

impl Appender for MemoryAppender {
    fn append(&mut self, entry: Entry) -> AppendFuture {
        let (completer, future) = self.slots.pair();
        let mut inner = self.shared.inner.lock();
        match inner.disk {
            Disk::Good => {
                let stored = inner.store(entry);
                completer.complete(stored);
            }
            Disk::Slow => inner.waiting.push((entry, completer)),
            Disk::Refuses(refusal) => completer.complete(Append::Refused(refusal)),
            Disk::RefusesOnce(_) if entry.kind != Kind::Message => {
                let stored = inner.store(entry);
                completer.complete(stored);
            }
            Disk::RefusesOnce(refusal) => {
                inner.disk = Disk::Good;
                completer.complete(Append::Refused(refusal));
            }
            Disk::Unknown => {
                inner.unknown += 1;
                if inner.unknown.is_multiple_of(2) {
                    inner.store(entry);
                } else {
                    inner.late.push(entry);
                }
                completer.complete(Append::Unknown);
            }
        }
        self.shared.grown.notify_all();
        future
    }
}

struct MemoryReader {
    shared: Arc<Shared>,
    ej: EjId,
    from: Seq,
}

impl Reader for MemoryReader {
    fn next(&mut self) -> Result<Option<Record>, ReadError> {
        let inner = self.shared.inner.lock();
        assert!(!inner.broken.contains(&self.ej), "a reader that was broken by the test");
        assert!(self.from > inner.broken_to, "a place that was broken by the test");
        if let Some(oldest) = inner.oldest.get(&self.ej).copied()
            && self.from < oldest
        {
            return Err(ReadError::Released { ej: self.ej, asked: self.from, oldest });
        }
        let records = inner.records.get(&self.ej).map(Vec::as_slice).unwrap_or_default();
        let at = records.partition_point(|record| record.seq < self.from);
        let found = records.get(at).cloned();
        if let Some(record) = &found {
            self.from = record.seq.next();
        }
        Ok(found)
    }
}

impl Journal for MemoryJournal {
    fn appender(&self) -> Box<dyn Appender> {
        Box::new(MemoryAppender { shared: Arc::clone(&self.0), slots: Slots::default() })
    }

    fn read(&self, ej: EjId, from: Seq) -> Box<dyn Reader> {
        Box::new(MemoryReader { shared: Arc::clone(&self.0), ej, from })
    }

    fn get(&self, ej: EjId, seq: Seq) -> Result<Option<Record>, ReadError> {
        let mut inner = self.0.inner.lock();
        if inner.damaged {
            return Err(ReadError::Damaged { segment: 1, offset: 0 });
        }
        let panics = std::mem::take(&mut inner.panics);
        drop(inner);
        assert!(!panics, "a place that was broken by the test");
        Ok(self.records(ej).into_iter().find(|record| record.seq == seq))
    }

    fn tail(&self, ej: EjId) -> Seq {
        let inner = self.0.inner.lock();
        let last = inner.records.get(&ej).and_then(|records| records.last());
        last.map_or(Seq::ZERO, |record| record.seq)
    }

    fn wait_past(&self, ej: EjId, past: Seq, timeout: Duration) -> Seq {
        let mut inner = self.0.inner.lock();
        let tail = |inner: &Inner| {
            inner.records.get(&ej).and_then(|r| r.last()).map_or(Seq::ZERO, |r| r.seq)
        };
        if tail(&inner) <= past {
            self.0.grown.wait_for(&mut inner, timeout);
        }
        tail(&inner)
    }

    fn ejs(&self) -> Vec<EjId> {
        self.0.inner.lock().records.keys().copied().collect()
    }

    fn find(&self, ej: EjId, index: KeyIndex, hash: u64) -> Result<Vec<Seq>, ReadError> {
        if self.0.inner.lock().damaged {
            return Err(ReadError::Damaged { segment: 1, offset: 0 });
        }
        let keys_of = keys_of();
        let carries = |record: &Record| match index {
            KeyIndex::ControlId => keys_of(record).control_id == Some(hash),
            KeyIndex::Patient => keys_of(record).patients.contains(&hash),
        };
        let records = self.records(ej);
        Ok(records.iter().filter(|record| carries(record)).map(|record| record.seq).collect())
    }

    fn release(&self, before: &[(EjId, Seq)]) -> std::io::Result<usize> {
        let mut inner = self.0.inner.lock();
        for (ej, seq) in before {
            if let Some(records) = inner.records.get_mut(ej) {
                records.retain(|record| record.seq >= *seq);
                inner.oldest.insert(*ej, *seq);
            }
        }
        Ok(1)
    }

    fn entry_bytes_max(&self) -> u64 {
        5 * 1024 * 1024
    }
}
