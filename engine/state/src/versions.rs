//! Replaced records, for a while: a search key that was cut is verified against the record as
//! it was at the pin. Bounded by bytes; what is no longer known is said, never guessed.

use std::collections::{HashMap, VecDeque};

use sluice_ids::Seq;

use crate::ej::RecordRef;
use crate::mix::Mix;
use crate::packed::Packed;

pub(crate) struct Versions {
    bytes_max: u64,
    bytes: u64,
    /// In order of replacement.
    queue: VecDeque<RecordRef>,
    /// By record, oldest first, each with its version.
    old: HashMap<RecordRef, VecDeque<(Seq, Packed)>, Mix>,
}

impl Versions {
    pub(crate) fn new(bytes_max: u64) -> Self {
        Self { bytes_max, bytes: 0, queue: VecDeque::new(), old: HashMap::default() }
    }

    /// The record's `version`, as packed, was replaced.
    pub(crate) fn push(&mut self, record_ref: RecordRef, version: Seq, packed: Packed) {
        self.bytes += packed.weight();
        self.queue.push_back(record_ref);
        self.old.entry(record_ref).or_default().push_back((version, packed));
        while self.bytes > self.bytes_max {
            let Some(oldest) = self.queue.pop_front() else { break };
            if let Some(versions) = self.old.get_mut(&oldest) {
                self.bytes -= versions.pop_front().map_or(0, |(_, packed)| packed.weight());
                if versions.is_empty() {
                    self.old.remove(&oldest);
                }
            }
        }
    }

    /// The newest replaced version that is not younger than `pin`; the caller has seen that the
    /// current one is.
    pub(crate) fn at(&self, record_ref: RecordRef, pin: Seq) -> Option<Packed> {
        let versions = self.old.get(&record_ref)?;
        versions.iter().rev().find(|(version, _)| *version <= pin).map(|(_, packed)| packed.clone())
    }
}
