//! Records as they were at a pin: what an export reads, chunk by chunk, while the feed goes on.
//!
//! A record that did not change since the pin is as it was. Of one that did, the version before is
//! remembered for a while ([`crate::StateSettings::history_records_bytes_max`]); where it is not
//! any more that is said, and the caller may fold it again from the journal.

use std::collections::BTreeMap;

use sluice_ids::{EjId, Micros, Seq};
use sluice_mappings::records::{Record, RecordType, Stamp};
use sluice_mappings::search::Query;

use crate::ej::{CHUNK_RECORDS, RecordRef};
use crate::packed::Packed;
use crate::search::{Pins, SearchError};
use crate::view::{EjView, Scope};

/// A record of a chunk at a pin.
pub enum Pinned {
    /// As it was.
    Known(Record),
    /// It has changed since, and what it was is no longer remembered.
    Forgotten {
        /// As it is now.
        present: Record,
        /// Whether it matched at the pin.
        matched: bool,
    },
}

/// Which records of a chunk are asked for.
#[derive(Clone, Copy, Default)]
pub struct Wanted<'a> {
    /// Those that any of some searches found; `None`: all.
    pub matching: Option<&'a Matching>,
    /// Those received at this moment or later, and among them those that are gone, whatever a
    /// search would find; `None`: all but those that are gone.
    pub since: Option<Micros>,
}

/// What searches of one type found at a pin, in each EJ.
pub struct Matching(BTreeMap<EjId, Vec<u32>>);

impl Matching {
    fn holds(&self, ej: EjId, rid: u32) -> bool {
        self.0.get(&ej).is_some_and(|rids| rids.binary_search(&rid).is_ok())
    }
}

impl Wanted<'_> {
    /// Whether a record with that stamp is asked for.
    #[must_use]
    pub fn takes(&self, stamp: &Stamp, matched: bool) -> bool {
        let since = self.since.is_none_or(|since| stamp.updated_at >= since);
        since && if stamp.gone { self.since.is_some() } else { matched }
    }
}

impl Scope {
    /// The EJs of the scope at what is published of each.
    #[must_use]
    pub fn pins(&self) -> Pins {
        self.views.iter().map(|ej| (ej.id, ej.inner.read().applied)).collect()
    }

    /// What any of `queries` finds at `pins`, which are this scope's.
    ///
    /// # Errors
    /// When the pins can no longer be answered.
    pub fn matching_at(&self, queries: &[Query], pins: &Pins) -> Result<Matching, SearchError> {
        let mut matching: BTreeMap<EjId, Vec<u32>> = BTreeMap::new();
        for query in queries {
            for (ej, rids) in self.ids.iter().zip(self.all_at(query, pins)?) {
                matching.entry(*ej).or_default().extend(rids.iter());
            }
        }
        for rids in matching.values_mut() {
            rids.sort_unstable();
            rids.dedup();
        }
        Ok(Matching(matching))
    }
}

impl EjView {
    /// The feed's own time: when the newest message that changed anything was received.
    #[must_use]
    pub fn clock(&self) -> Micros {
        self.ej.inner.read().now
    }

    /// The records of a chunk that are asked for, as they were at `pin`, in order of creation.
    #[must_use]
    pub fn chunk_at(
        &self,
        ty: RecordType,
        chunk: u32,
        pin: Seq,
        wanted: Wanted<'_>,
    ) -> Vec<Pinned> {
        let count = self.ej.inner.read().table(ty).count();
        let first = chunk.saturating_mul(CHUNK_RECORDS).min(count);
        let end = first.saturating_add(CHUNK_RECORDS).min(count);
        (first..end).filter_map(|rid| self.at(RecordRef { ty, rid }, pin, wanted)).collect()
    }

    fn at(&self, at: RecordRef, pin: Seq, wanted: Wanted<'_>) -> Option<Pinned> {
        let packed = self.packed(at)?;
        let stamp = self.readable(packed.stamp())?;
        if stamp.created > pin {
            return None;
        }
        let matched = wanted.matching.is_none_or(|matching| matching.holds(self.ej.id, at.rid));
        let known = if stamp.version <= pin {
            Some((packed.clone(), stamp))
        } else {
            let before = self.ej.inner.read().versions.at(at, pin);
            match before {
                Some(before) => {
                    let stamp = self.readable(before.stamp())?;
                    Some((before, stamp))
                }
                None => None,
            }
        };
        match known {
            Some((_, stamp)) if !wanted.takes(&stamp, matched) => None,
            Some((packed, _)) => self.readable(packed.record(at.ty)).map(Pinned::Known),
            None => {
                let present = self.readable(packed.record(at.ty))?;
                Some(Pinned::Forgotten { present, matched })
            }
        }
    }

    /// Nothing where the store lost it; [`crate::State::health`] says so.
    fn packed(&self, at: RecordRef) -> Option<Packed> {
        self.ej.packed(at).map_err(|error| self.core.lost(&error)).ok()
    }

    fn readable<T>(&self, read: Result<T, crate::layout::ValueError>) -> Option<T> {
        read.map_err(|error| self.core.lost(&error.into())).ok()
    }
}
