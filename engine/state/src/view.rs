//! The readers' side: the EJs that a caller has a right to, as published.

use std::sync::Arc;

use sluice_ids::{EjId, Seq};
use sluice_mappings::records::{Record, RecordType, ResourceId, Stamp};

use crate::ej::{CHUNK_RECORDS, Ej, RecordRef, found_by};
use crate::search::PastRecords;
use crate::state::Core;

/// What a caller may see. Cheap to make; holds no lock.
#[derive(Clone)]
pub struct Scope {
    pub(crate) core: Arc<Core>,
    /// Sorted by id, as `ids` are.
    pub(crate) views: Vec<Arc<Ej>>,
    pub(crate) ids: Vec<EjId>,
    pub(crate) past: Option<Arc<dyn PastRecords>>,
}

/// One EJ of a scope.
#[derive(Clone)]
pub struct EjView {
    pub(crate) core: Arc<Core>,
    pub(crate) ej: Arc<Ej>,
}

impl Scope {
    /// Where a search asks for what a record was, once the state has forgotten.
    #[must_use]
    pub fn with_past(self, past: Arc<dyn PastRecords>) -> Self {
        Self { past: Some(past), ..self }
    }

    /// Those that the caller may see, sorted.
    #[must_use]
    pub fn ejs(&self) -> &[EjId] {
        &self.ids
    }

    /// `None`: unknown, or no right to it; which of the two cannot be told.
    #[must_use]
    pub fn ej(&self, ej: EjId) -> Option<EjView> {
        let at = self.ids.binary_search(&ej).ok()?;
        Some(EjView { core: self.core.clone(), ej: self.views[at].clone() })
    }

    /// A record of any EJ of the scope: ids are minted over the EJ too, so that one fits at most.
    #[must_use]
    pub fn get(&self, ty: RecordType, id: ResourceId) -> Option<(EjId, Record)> {
        self.ids.iter().find_map(|ej| Some((*ej, self.ej(*ej)?.get(ty, id)?)))
    }

    /// As [`Self::get`], the stamp alone.
    #[must_use]
    pub fn stamp(&self, ty: RecordType, id: ResourceId) -> Option<(EjId, Stamp)> {
        self.ids.iter().find_map(|ej| Some((*ej, self.ej(*ej)?.stamp(ty, id)?)))
    }
}

impl EjView {
    #[must_use]
    pub fn id(&self) -> EjId {
        self.ej.id
    }

    /// The last published `Seq`.
    #[must_use]
    pub fn applied(&self) -> Seq {
        self.ej.inner.read().applied
    }

    /// One that is gone too ([`Stamp::gone`]).
    #[must_use]
    pub fn get(&self, ty: RecordType, id: ResourceId) -> Option<Record> {
        self.load(self.ej.find(ty, id)?)
    }

    /// The record's stamp without the record: what a cache of renderings asks on each hit, and
    /// decoding a record for it would cost more than all the rest.
    #[must_use]
    pub fn stamp(&self, ty: RecordType, id: ResourceId) -> Option<Stamp> {
        let packed = self.ej.packed(self.ej.find(ty, id)?);
        let stamp = packed.and_then(|packed| Ok(packed.stamp()?));
        stamp.map_err(|error| self.core.lost(&error)).ok()
    }

    /// The record that an identifier finds, as the lane would have found it; aliases of patients
    /// are not followed.
    #[must_use]
    pub fn by_identifier(&self, ty: RecordType, system: &str, value: &str) -> Option<ResourceId> {
        let hash = self.ej.identifier_hash(system, value);
        let mut rids: Vec<u32> =
            self.ej.inner.read().table(ty).identifiers.candidates(hash).collect();
        rids.sort_unstable();
        let records = rids.into_iter().filter_map(|rid| self.load(RecordRef { ty, rid }));
        found_by(records, system, value).map(|record| record.id())
    }

    /// The patient's stays, in order of creation.
    #[must_use]
    pub fn stays_of(&self, patient: ResourceId) -> Vec<Record> {
        let rids: Vec<u32> = {
            let inner = self.ej.inner.read();
            inner.stays_of.range((patient, 0)..=(patient, u32::MAX)).map(|(_, rid)| *rid).collect()
        };
        let stay = |rid| self.load(RecordRef { ty: RecordType::Stay, rid });
        rids.into_iter().filter_map(stay).collect()
    }

    #[must_use]
    pub fn count(&self, ty: RecordType) -> u64 {
        u64::from(self.ej.inner.read().table(ty).count())
    }

    /// How many records of the type there were at `pin`, those that are gone included, and the
    /// newest of them, as it is now.
    #[must_use]
    pub fn created_at(&self, ty: RecordType, pin: Seq) -> (u64, Option<Record>) {
        // Those that came after are the last ones, and few.
        for rid in (0..self.ej.inner.read().table(ty).count()).rev() {
            if let Some(record) = self.load(RecordRef { ty, rid })
                && record.stamp().created <= pin
            {
                return (u64::from(rid) + 1, Some(record));
            }
        }
        (0, None)
    }

    /// Chunks of an export: [`CHUNK_RECORDS`] records each, in order of creation.
    #[must_use]
    pub fn chunks(&self, ty: RecordType) -> u32 {
        self.ej.inner.read().table(ty).count().div_ceil(CHUNK_RECORDS)
    }

    /// The last `Seq` that changed a record of the chunk; [`Seq::ZERO`] where there is none.
    #[must_use]
    pub fn chunk_version(&self, ty: RecordType, chunk: u32) -> Seq {
        let inner = self.ej.inner.read();
        inner.table(ty).chunks.get(chunk as usize).copied().unwrap_or_default()
    }

    /// The chunk's records, those that are gone left out, at this version or a later one: a change that comes in between shows
    /// under the next version again.
    #[must_use]
    pub fn chunk(&self, ty: RecordType, chunk: u32) -> (Seq, Vec<Record>) {
        let (version, count) = {
            let inner = self.ej.inner.read();
            let table = inner.table(ty);
            (table.chunks.get(chunk as usize).copied().unwrap_or_default(), table.count())
        };
        let first = chunk.saturating_mul(CHUNK_RECORDS).min(count);
        let end = first.saturating_add(CHUNK_RECORDS).min(count);
        let records = (first..end).filter_map(|rid| self.load(RecordRef { ty, rid }));
        (version, records.filter(|record| !record.stamp().gone).collect())
    }

    /// Movements of which nothing but a cancel or an update has come.
    #[must_use]
    pub fn held_movements(&self) -> u64 {
        self.ej.inner.read().held.movements()
    }

    /// The records that await them, longest first, at most `most`.
    #[must_use]
    pub fn holding(&self, most: usize) -> Vec<Record> {
        let at: Vec<_> = self.ej.inner.read().held.records().take(most).collect();
        at.into_iter().filter_map(|at| self.load(at)).collect()
    }

    /// Nothing where the store lost the record; [`crate::State::health`] says so.
    pub(crate) fn load(&self, record_ref: RecordRef) -> Option<Record> {
        self.ej.record(record_ref).map_err(|error| self.core.lost(&error)).ok()
    }
}
