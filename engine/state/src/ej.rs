//! One EJ as published: what readers see, and what the flusher has still to write.
//!
//! A record is looked for where it is newest: changed since the last cut (`dirty`), in the cut
//! under way (`flushing`), decoded at hand ([`Hot`]), in the store ([`Cold`]). The lock is held
//! for map lookups and for the publication of one batch, never across I/O.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::hash::{BuildHasher, RandomState};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use parking_lot::{Condvar, Mutex, RwLock};
use sluice_ids::{EjId, Micros, Seq};
use sluice_mappings::records::{Identifier, IdentifierUse, Record, RecordType, ResourceId};
use tracing::warn;

use crate::book::Book;
use crate::cold::{Cold, ColdError};
use crate::held::HeldMovements;
use crate::history::History;
use crate::hot::Hot;
use crate::index::Index;
use crate::keys::{Kind, Tenant};
use crate::layout::{self, StoredAlias};
use crate::load::Loaded;
use crate::mix::Mix;
use crate::packed::Packed;
use crate::settings::StateSettings;
use crate::trail::Strips;
use crate::versions::Versions;

/// Records of one type in a chunk of an export.
pub const CHUNK_RECORDS: u32 = 64;

/// No patient: a stay whose patient is not known (yet).
pub(crate) const NOBODY: u32 = u32::MAX;

/// A record's place: dense per EJ and type, in order of creation, for life.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct RecordRef {
    pub(crate) ty: RecordType,
    pub(crate) rid: u32,
}

/// A changed record that the flusher has not written yet.
#[derive(Clone)]
pub(crate) struct Dirty {
    pub(crate) packed: Packed,
    /// For a stay, the `rid` of the patient in whose dossier it belongs, else [`NOBODY`].
    pub(crate) dossier: u32,
}

/// What changed since a cut.
#[derive(Default)]
pub(crate) struct Batch {
    pub(crate) records: HashMap<RecordRef, Dirty, Mix>,
    pub(crate) aliases: BTreeMap<u32, StoredAlias>,
    pub(crate) bytes: u64,
}

impl Batch {
    pub(crate) fn put(&mut self, record_ref: RecordRef, dirty: Dirty) {
        self.bytes += dirty.packed.weight();
        if let Some(old) = self.records.insert(record_ref, dirty) {
            self.bytes -= old.packed.weight();
        }
    }
}

/// Records of one type.
#[derive(Default)]
pub(crate) struct Table {
    pub(crate) by_id: HashMap<ResourceId, u32, Mix>,
    /// The last `Seq` that changed a record, by chunk.
    pub(crate) chunks: Vec<Seq>,
    /// The last of them.
    pub(crate) changed: Seq,
    pub(crate) identifiers: Identifiers,
}

impl Table {
    pub(crate) fn count(&self) -> u32 {
        u32::try_from(self.by_id.len()).expect("rids are u32")
    }

    pub(crate) fn touch(&mut self, rid: u32, seq: Seq) {
        let chunk = (rid / CHUNK_RECORDS) as usize;
        if self.chunks.len() <= chunk {
            self.chunks.resize(chunk + 1, Seq::ZERO);
        }
        self.chunks[chunk] = self.chunks[chunk].max(seq);
        self.changed = self.changed.max(seq);
    }
}

/// Hash of an identifier → the records that may list it: 12 bytes an entry, verified by use.
#[derive(Default)]
pub(crate) struct Identifiers(BTreeSet<[u32; 3]>);

#[allow(clippy::cast_possible_truncation, reason = "both halves of the hash are kept")]
impl Identifiers {
    pub(crate) fn insert(&mut self, hash: u64, rid: u32) {
        self.0.insert([(hash >> 32) as u32, hash as u32, rid]);
    }

    pub(crate) fn remove(&mut self, hash: u64, rid: u32) {
        self.0.remove(&[(hash >> 32) as u32, hash as u32, rid]);
    }

    pub(crate) fn candidates(&self, hash: u64) -> impl Iterator<Item = u32> + '_ {
        let (high, low) = ((hash >> 32) as u32, hash as u32);
        self.0.range([high, low, 0]..=[high, low, u32::MAX]).map(|[_, _, rid]| *rid)
    }

    pub(crate) fn load(entries: Vec<(u64, u32)>) -> Self {
        let packed = entries.into_iter().map(|(h, rid)| [(h >> 32) as u32, h as u32, rid]);
        Self(packed.collect())
    }
}

/// Identifiers that find a patient who does not list them. Few: one per identifier merged away.
#[derive(Default)]
pub(crate) struct Aliases {
    pub(crate) list: Vec<StoredAlias>,
    pub(crate) at: HashMap<u64, Vec<u32>>,
}

impl Aliases {
    pub(crate) fn find(&self, hash: u64, system: &str, value: &str) -> Option<u32> {
        self.at.get(&hash)?.iter().copied().find(|number| {
            let alias = &self.list[*number as usize];
            alias.system.expose() == system && alias.value.expose() == value
        })
    }

    /// Puts an alias in its place, or at the end as a new one.
    pub(crate) fn put(&mut self, hash: u64, number: u32, alias: StoredAlias) {
        if let Some(old) = self.list.get_mut(number as usize) {
            *old = alias;
        } else {
            self.list.push(alias);
            self.at.entry(hash).or_default().push(number);
        }
    }
}

/// Of the bytes for records at hand, those that the writer's decoded ones get.
pub(crate) const fn recent_bytes(hot_bytes: u64) -> u64 {
    hot_bytes / 8
}

pub(crate) struct Inner {
    pub(crate) applied: Seq,
    /// A publication is under way; seen by anybody else, it has panicked half way.
    pub(crate) half_published: bool,
    /// The feed's own time: the newest `received_at` seen.
    pub(crate) now: Micros,
    pub(crate) tables: [Table; RecordType::COUNT],
    pub(crate) index: Index,
    pub(crate) aliases: Aliases,
    pub(crate) held: HeldMovements,
    /// By stay: its patient's `rid`, or [`NOBODY`].
    pub(crate) homes: Vec<u32>,
    pub(crate) stays_of: BTreeSet<(ResourceId, u32)>,
    pub(crate) versions: Versions,
    pub(crate) dirty: Batch,
    pub(crate) flushing: Option<Arc<Batch>>,
    /// Rises when a cut's records are let go of: what was read from the store before may be old.
    pub(crate) epoch: u64,
}

impl Inner {
    pub(crate) const fn table(&self, ty: RecordType) -> &Table {
        &self.tables[ty.index()]
    }

    pub(crate) const fn table_mut(&mut self, ty: RecordType) -> &mut Table {
        &mut self.tables[ty.index()]
    }

    pub(crate) fn changed(&self, record_ref: RecordRef) -> Option<&Packed> {
        let flushing = || self.flushing.as_ref().and_then(|b| b.records.get(&record_ref));
        self.dirty.records.get(&record_ref).or_else(flushing).map(|dirty| &dirty.packed)
    }

    pub(crate) fn dirty_bytes(&self) -> u64 {
        self.dirty.bytes + self.flushing.as_ref().map_or(0, |batch| batch.bytes)
    }
}

pub(crate) struct Ej {
    pub(crate) id: EjId,
    pub(crate) tenant: Tenant,
    pub(crate) inner: RwLock<Inner>,
    pub(crate) hot: Hot,
    pub(crate) cold: Arc<Cold>,
    /// Seeds the hash of identifiers: in memory only.
    pub(crate) hasher: RandomState,
    pub(crate) writer_taken: AtomicBool,
    pub(crate) drained: Condvar,
    pub(crate) drained_lock: Mutex<()>,
}

impl Ej {
    /// An EJ of which nothing is known yet; `ejs`: how many share the settings' bounds.
    pub(crate) fn new(
        id: EjId,
        hasher: RandomState,
        cold: &Arc<Cold>,
        settings: &StateSettings,
        ejs: usize,
    ) -> Self {
        let share = |total: u64| total / (ejs.max(1) as u64);
        let history = History::new(settings.history_ms, share(settings.history_rows_max));
        let inner = Inner {
            applied: Seq::ZERO,
            half_published: false,
            now: Micros::default(),
            tables: Default::default(),
            index: Index::new(history),
            aliases: Aliases::default(),
            held: HeldMovements::default(),
            homes: Vec::new(),
            stays_of: BTreeSet::new(),
            versions: Versions::new(share(settings.history_records_bytes_max)),
            dirty: Batch::default(),
            flushing: None,
            epoch: 0,
        };
        Self {
            id,
            tenant: Tenant::of(id),
            inner: RwLock::new(inner),
            hot: Hot::new(
                share(settings.hot_bytes_max) - recent_bytes(share(settings.hot_bytes_max)),
            ),
            cold: cold.clone(),
            hasher,
            writer_taken: AtomicBool::new(false),
            drained: Condvar::new(),
            drained_lock: Mutex::new(()),
        }
    }

    /// The same from what was stored, with the flusher's book of it.
    pub(crate) fn from_loaded(
        id: EjId,
        hasher: RandomState,
        (loaded, strips): (Loaded, Option<Strips>),
        cold: &Arc<Cold>,
        settings: &StateSettings,
        ejs: usize,
    ) -> (Self, Book) {
        let ej = Self::new(id, hasher, cold, settings, ejs);
        {
            let mut inner = ej.inner.write();
            inner.applied = loaded.applied;
            inner.now = loaded.now;
            inner.tables = loaded.tables;
            inner.index.load(loaded.rows, loaded.applied);
            if let Some((after, strips)) = strips.and_then(|strips| strips.up_to(loaded.applied))
                && !inner.index.recall(after, &strips)
            {
                warn!(ej = %id, "the history of changes does not fit the state; it is not used");
            }
            inner.aliases = loaded.aliases;
            inner.held = loaded.held;
            inner.homes = loaded.homes;
            inner.stays_of = loaded.stays_of.into_iter().collect();
        }
        (ej, loaded.book)
    }

    /// Waits until the flusher has caught up, or `given_up`.
    pub(crate) fn wait_drained(&self, dirty_bytes_max: u64, given_up: impl Fn() -> bool) {
        let mut guard = self.drained_lock.lock();
        while self.inner.read().dirty_bytes() > dirty_bytes_max && !given_up() {
            self.drained.wait(&mut guard);
        }
    }

    pub(crate) fn release_writers(&self) {
        let _guard = self.drained_lock.lock();
        self.drained.notify_all();
    }

    pub(crate) fn identifier_hash(&self, system: &str, value: &str) -> u64 {
        self.hasher.hash_one((system, value))
    }

    pub(crate) fn identifier_hashes(&self, identifiers: &[Identifier]) -> Vec<u64> {
        identifiers.iter().map(|i| self.identifier_hash(&i.system, &i.value)).collect()
    }

    pub(crate) fn find(&self, ty: RecordType, id: ResourceId) -> Option<RecordRef> {
        let rid = *self.inner.read().table(ty).by_id.get(&id)?;
        Some(RecordRef { ty, rid })
    }

    /// The published record.
    ///
    /// # Errors
    /// When the store has lost it: the state must be opened anew.
    pub(crate) fn record(&self, record_ref: RecordRef) -> Result<Record, ColdError> {
        Ok(self.packed(record_ref)?.record(record_ref.ty)?)
    }

    /// The same, as it is kept.
    pub(crate) fn packed(&self, record_ref: RecordRef) -> Result<Packed, ColdError> {
        let mut error = ColdError::Missing;
        // A round that finds nothing, or half of something, met a cut that moved the record.
        for _ in 0..64 {
            let (epoch, home) = {
                let inner = self.inner.read();
                if let Some(packed) = inner.changed(record_ref) {
                    return Ok(packed.clone());
                }
                let home = match record_ref.ty {
                    RecordType::Stay => inner.homes[record_ref.rid as usize],
                    _ => NOBODY,
                };
                (inner.epoch, home)
            };
            if let Some(packed) = self.hot.get(record_ref) {
                return Ok(packed);
            }
            match self.read_cold(record_ref, home) {
                Ok(found) => {
                    let wanted = found.iter().find(|(at, _)| *at == record_ref);
                    let wanted = wanted.map(|(_, packed)| packed.clone());
                    self.keep_hot(epoch, found);
                    if let Some(packed) = wanted {
                        return Ok(packed);
                    }
                }
                Err(e @ (ColdError::Panicked | ColdError::Closed)) => return Err(e),
                Err(failed) => error = failed,
            }
            std::thread::yield_now();
        }
        Err(error)
    }

    /// Keeps what was read from the store at hand, unless it may have become old meanwhile.
    fn keep_hot(&self, epoch: u64, found: Vec<(RecordRef, Packed)>) {
        let inner = self.inner.read();
        if inner.epoch == epoch {
            for (record_ref, packed) in found {
                if inner.changed(record_ref).is_none() {
                    self.hot.insert(record_ref, packed);
                }
            }
        }
    }

    /// What the store holds where the record should be: a dossier comes whole.
    pub(crate) fn read_cold(
        &self,
        record_ref: RecordRef,
        home: u32,
    ) -> Result<Vec<(RecordRef, Packed)>, ColdError> {
        let RecordRef { ty, rid } = record_ref;
        match ty {
            RecordType::Patient => self.read_value(Kind::Dossier, rid),
            RecordType::Stay => {
                let found = self.read_value(Kind::Alone(ty), rid)?;
                if !found.is_empty() || home == NOBODY {
                    return Ok(found);
                }
                self.read_value(Kind::Dossier, home)
            }
            _ => self.read_value(Kind::Alone(ty), rid),
        }
    }

    fn read_value(&self, kind: Kind, number: u32) -> Result<Vec<(RecordRef, Packed)>, ColdError> {
        let Some(bytes) = self.cold.get(&self.tenant.key(kind, number))? else {
            return Ok(Vec::new());
        };
        let records = layout::decode_records(&bytes)?.records.into_iter().enumerate();
        let placed = |(at, (rid, packed))| (RecordRef { ty: kind.holds(at), rid }, packed);
        Ok(records.map(placed).collect())
    }
}

/// Which record an identifier finds is a function of the records alone: of those that list it, one
/// not merged away, then one that has it in use, then the oldest. `records` come in order of
/// creation.
pub(crate) fn found_by(
    records: impl Iterator<Item = Record>,
    system: &str,
    value: &str,
) -> Option<Record> {
    let mut best: Option<((bool, bool), Record)> = None;
    for record in records {
        let same = |i: &&Identifier| i.system == system && i.value == value;
        let Some(listed) = record.identifiers().iter().find(same) else { continue };
        let replaced = matches!(&record, Record::Patient(p) if p.replaced_by().is_some());
        let rank = (replaced, listed.r#use == IdentifierUse::Old);
        if best.as_ref().is_none_or(|(other, _)| rank < *other) {
            best = Some((rank, record));
        }
    }
    best.map(|(_, record)| record)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cold::Tier;

    #[test]
    fn what_was_read_before_a_cut_ended_is_not_kept_at_hand() {
        let cold = Arc::new(Cold::new(Tier::Memory(BTreeMap::new())));
        let id = EjId::new("EJ1").unwrap();
        let ej = Ej::new(id, RandomState::new(), &cold, &StateSettings::default(), 1);
        let at = RecordRef { ty: RecordType::Patient, rid: 0 };
        let old = || vec![(at, Packed::from_bytes(b"old"))];
        ej.keep_hot(0, old());
        assert!(ej.hot.get(at).is_some());
        ej.hot.remove(at);
        ej.inner.write().epoch += 1;
        ej.keep_hot(0, old());
        assert!(ej.hot.get(at).is_none(), "a newer one may have gone to the store meanwhile");
    }
}
