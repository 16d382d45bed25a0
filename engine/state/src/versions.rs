//! Replaced records, for a while: a search key that was cut is verified against the record as
//! it was at the pin. Bounded by bytes; what is no longer known is said, never guessed.

use std::collections::{HashMap, VecDeque};

use sluice_ids::Seq;
use sluice_mappings::records::Record;

use crate::ej::RecordRef;

pub(crate) struct Versions {
    bytes_max: u64,
    bytes: u64,
    /// In order of replacement.
    queue: VecDeque<(RecordRef, u32)>,
    /// By record, oldest first.
    old: HashMap<RecordRef, VecDeque<Record>>,
}

impl Versions {
    pub(crate) fn new(bytes_max: u64) -> Self {
        Self { bytes_max, bytes: 0, queue: VecDeque::new(), old: HashMap::new() }
    }

    /// `record` was replaced.
    pub(crate) fn push(&mut self, record_ref: RecordRef, record: Record, bytes: u32) {
        self.bytes += u64::from(bytes);
        self.queue.push_back((record_ref, bytes));
        self.old.entry(record_ref).or_default().push_back(record);
        while self.bytes > self.bytes_max {
            let Some((oldest, bytes)) = self.queue.pop_front() else { break };
            self.bytes -= u64::from(bytes);
            if let Some(versions) = self.old.get_mut(&oldest) {
                versions.pop_front();
                if versions.is_empty() {
                    self.old.remove(&oldest);
                }
            }
        }
    }

    /// The newest replaced version that is not younger than `pin`; the caller has seen that the
    /// current one is.
    pub(crate) fn at(&self, record_ref: RecordRef, pin: Seq) -> Option<Record> {
        let versions = self.old.get(&record_ref)?;
        versions.iter().rev().find(|record| record.stamp().version <= pin).cloned()
    }
}
