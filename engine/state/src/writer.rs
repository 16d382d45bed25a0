//! The lane's side: one writer per EJ stages the changes of messages and publishes them in
//! batches.
//!
//! - Staged changes are seen by this writer alone (it is the [`Records`] of the next message);
//!   [`EjWriter::publish`] makes them visible to readers at once.
//! - `publish` waits while the flusher is too far behind.
//! - All that can be worked out without the lock is worked out in `stage`.

use std::cell::RefCell;
use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use metrics::{Gauge, gauge};
use sluice_ids::{EjId, Micros, Phi, Seq};
use sluice_mappings::adt::{Change, Records};
use sluice_mappings::records::{Record, RecordType, ResourceId, StayRecord, StayStatus};
use sluice_mappings::search::{self, Key, Param, RowChanges};

use crate::cold::ColdError;
use crate::ej::{Dirty, Ej, NOBODY, RecordRef, found_by, recent_bytes};
use crate::held::{Awaits, HeldGauges};
use crate::index::{Row, RowChange};
use crate::layout::StoredAlias;
use crate::metric::as_f64;
use crate::mix::Mix;
use crate::packed::Packed;
use crate::recent::{Known, Recent};
use crate::state::Core;

/// Most records are encoded within; a stay with a hundred movements takes a little more.
const SCRATCH_BYTES: usize = 16 << 10;

/// The store lost a record at run time: this `State` cannot go on. Open it anew: the damaged
/// store is set aside and what it held comes from a checkpoint and the journal.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the state of {ej} lost a record; it must be opened anew")]
pub struct StateLost {
    pub ej: EjId,
}

/// The one writer of an EJ. Dropped, it can be taken again; what was not published is forgotten.
pub struct EjWriter {
    core: Arc<Core>,
    ej: Arc<Ej>,
    staged: Staged,
    recent: RefCell<Recent>,
    scratch: Box<[u8]>,
    lost: AtomicBool,
    applied_seq: Gauge,
    held: HeldGauges,
}

#[derive(Default)]
struct Staged {
    seq: Seq,
    any: bool,
    now: Micros,
    records: HashMap<RecordRef, Fresh, Mix>,
    /// Ids that this batch made, and how many of each type.
    ids: HashMap<(RecordType, ResourceId), u32, Mix>,
    created: [u32; RecordType::COUNT],
    rows: Vec<RowChange>,
    /// Hash → records that list the identifier since this batch.
    listed: HashMap<(RecordType, u64), Vec<u32>, Mix>,
    identifiers: Vec<(RecordRef, u64, bool)>,
    moves: Vec<(u32, Option<ResourceId>, ResourceId)>,
    aliases: HashMap<(Phi<String>, Phi<String>), ResourceId>,
    alias_order: Vec<(Phi<String>, Phi<String>)>,
    replaced: Vec<(RecordRef, Seq, Packed)>,
    touched: Vec<(RecordRef, Seq)>,
    held: Vec<(RecordRef, Awaits)>,
}

/// A record that is staged.
struct Fresh {
    known: Known,
    /// For a stay, the `rid` of its patient, or [`NOBODY`].
    home: u32,
}

impl EjWriter {
    pub(crate) fn take(core: &Arc<Core>, ej: &Arc<Ej>) -> Option<Self> {
        if ej.writer_taken.swap(true, Ordering::AcqRel) {
            return None;
        }
        let staged = Staged { seq: ej.inner.read().applied, ..Staged::default() };
        let hot_bytes = core.share(core.settings.hot_bytes_max);
        let held = HeldGauges::of(ej.id);
        held.set(&ej.inner.read().held);
        Some(Self {
            core: core.clone(),
            ej: ej.clone(),
            staged,
            recent: RefCell::new(Recent::new(recent_bytes(hot_bytes))),
            scratch: vec![0; SCRATCH_BYTES].into(),
            lost: AtomicBool::new(false),
            applied_seq: gauge!("sluice_state_applied_seq", "ej" => ej.id.to_string()),
            held,
        })
    }

    #[must_use]
    pub fn ej(&self) -> EjId {
        self.ej.id
    }

    /// The last `Seq` that was staged: the next one to fold is after it.
    #[must_use]
    pub const fn applied(&self) -> Seq {
        self.staged.seq
    }

    /// Takes the changes of message `seq`; one without changes still moves on. A `Seq` that was
    /// applied before has no effect.
    ///
    /// A record that is put carries `stamp.version == seq`; or the stamp that it had, where
    /// nothing of it changed that a reader sees (which stay was touched last).
    ///
    /// # Errors
    /// When a lookup since the last `stage` (or one made here) found the store damaged: what
    /// `apply` worked out may be wrong, and nothing of it is kept. Also once the store is known to
    /// be lost by others: nothing would ever be written again.
    pub fn stage(&mut self, seq: Seq, changes: Vec<Change>) -> Result<(), StateLost> {
        self.check()?;
        if seq <= self.staged.seq {
            return Ok(());
        }
        for change in changes {
            match change {
                Change::Put(record) => self.put(seq, record),
                Change::Alias { system, value, patient } => {
                    let named = (Phi::new(system), Phi::new(value));
                    if self.staged.aliases.insert(named.clone(), patient).is_none() {
                        self.staged.alias_order.push(named);
                    }
                }
            }
            self.check()?;
        }
        self.staged.seq = seq;
        self.staged.any = true;
        Ok(())
    }

    fn check(&self) -> Result<(), StateLost> {
        if self.lost.load(Ordering::Relaxed) || self.core.is_lost() {
            return Err(StateLost { ej: self.ej.id });
        }
        Ok(())
    }

    /// Makes what was staged visible to readers, atomically. Waits while more than this EJ's
    /// share of `dirty_bytes_max` waits for the flusher.
    pub fn publish(&mut self) {
        if !self.staged.any {
            return;
        }
        let awaits_other = !self.staged.held.is_empty();
        let dirty_bytes = publish_batch(&self.ej, &mut self.staged, self.recent.get_mut());
        if awaits_other {
            self.held.set(&self.ej.inner.read().held);
        }
        self.applied_seq.set(as_f64(self.staged.seq.get()));
        self.core.after_publish(&self.ej, dirty_bytes);
    }

    fn put(&mut self, seq: Seq, record: Record) {
        let ty = record.record_type();
        let known = self.find(ty, record.id());
        let old = match known {
            Some(record_ref) => match self.current(record_ref) {
                Some(old) if old.record == record => return,
                Some(old) => Some(old),
                // The store lost it: `check` says so.
                None => return,
            },
            None => None,
        };
        // A put that changes nothing of what is rendered (which stay was touched last) keeps the
        // record's version; none comes from a later message.
        debug_assert!(record.stamp().version <= seq, "a put record is stamped by its message");
        let record_ref = known.unwrap_or_else(|| self.create(ty, record.id()));
        let before = old.as_ref().map(|old| &old.record);
        self.index_rows(seq, record_ref, before, &record);
        self.list_identifiers(record_ref, before, &record);
        let home = self.move_stay(record_ref, before, &record);
        let awaits = Awaits::of(&record);
        if awaits != before.map(Awaits::of).unwrap_or_default() {
            self.staged.held.push((record_ref, awaits));
        }
        self.staged.touched.push((record_ref, seq));
        self.staged.now = self.staged.now.max(record.stamp().updated_at);
        if let Some(old) = old {
            self.staged.replaced.push((record_ref, old.record.stamp().version, old.packed));
        }
        let packed = Packed::new(&record, &mut self.scratch);
        self.staged.records.insert(record_ref, Fresh { known: Known { record, packed }, home });
    }

    fn create(&mut self, ty: RecordType, id: ResourceId) -> RecordRef {
        let published = self.ej.inner.read().table(ty).count();
        let created = &mut self.staged.created[ty.index()];
        let rid = published + *created;
        *created += 1;
        self.staged.ids.insert((ty, id), rid);
        RecordRef { ty, rid }
    }

    fn index_rows(&mut self, seq: Seq, at: RecordRef, old: Option<&Record>, new: &Record) {
        let changes = match old {
            Some(old) => search::row_changes(self.ej.id, old, new),
            None => {
                let mut came = Vec::with_capacity(24);
                search::rows(self.ej.id, new, &mut came);
                RowChanges { went: Vec::new(), came }
            }
        };
        let change = |came: bool| {
            move |(param, key): &(Param, Key)| RowChange {
                row: Row::new(at.ty, *param, key, at.rid),
                seq,
                came,
            }
        };
        self.staged.rows.extend(changes.went.iter().map(change(false)));
        self.staged.rows.extend(changes.came.iter().map(change(true)));
    }

    fn list_identifiers(&mut self, at: RecordRef, old: Option<&Record>, new: &Record) {
        if old.map_or(&[][..], Record::identifiers) == new.identifiers() {
            return;
        }
        let hashes = |record: &Record| self.ej.identifier_hashes(record.identifiers());
        let old = old.map(hashes).unwrap_or_default();
        let new = hashes(new);
        for hash in old.iter().filter(|hash| !new.contains(hash)) {
            self.staged.identifiers.push((at, *hash, false));
        }
        for hash in new.iter().filter(|hash| !old.contains(hash)) {
            self.staged.identifiers.push((at, *hash, true));
            self.staged.listed.entry((at.ty, *hash)).or_default().push(at.rid);
        }
    }

    /// Where a stay belongs; notes that it moved to another patient.
    fn move_stay(&mut self, at: RecordRef, old: Option<&Record>, new: &Record) -> u32 {
        let Record::Stay(stay) = new else { return NOBODY };
        let before = old.and_then(Record::patient);
        if before != Some(stay.patient) {
            self.staged.moves.push((at.rid, before, stay.patient));
        }
        self.find(RecordType::Patient, stay.patient).map_or(NOBODY, |patient| patient.rid)
    }

    fn find(&self, ty: RecordType, id: ResourceId) -> Option<RecordRef> {
        let staged = self.staged.ids.get(&(ty, id)).map(|rid| RecordRef { ty, rid: *rid });
        staged.or_else(|| self.ej.find(ty, id))
    }

    fn load(&self, record_ref: RecordRef) -> Option<Record> {
        self.current(record_ref).map(|known| known.record)
    }

    fn current(&self, record_ref: RecordRef) -> Option<Known> {
        if let Some(fresh) = self.staged.records.get(&record_ref) {
            return Some(fresh.known.clone());
        }
        let mut recent = self.recent.borrow_mut();
        if let Some(known) = recent.get(record_ref) {
            return Some(known);
        }
        let known = self.published(record_ref)?;
        recent.put(record_ref, known.clone());
        Some(known)
    }

    fn published(&self, record_ref: RecordRef) -> Option<Known> {
        let read = || -> Result<_, ColdError> {
            let packed = self.ej.packed(record_ref)?;
            Ok(Known { record: packed.record(record_ref.ty)?, packed })
        };
        match read() {
            Ok(found) => Some(found),
            Err(error) => {
                self.lost.store(true, Ordering::Relaxed);
                self.core.lost(&error);
                None
            }
        }
    }

    fn listing(&self, ty: RecordType, hash: u64, system: &str, value: &str) -> Option<Record> {
        let mut candidates: Vec<u32> =
            self.ej.inner.read().table(ty).identifiers.candidates(hash).collect();
        candidates.extend(self.staged.listed.get(&(ty, hash)).into_iter().flatten());
        candidates.sort_unstable();
        candidates.dedup();
        let records = candidates.into_iter().filter_map(|rid| self.load(RecordRef { ty, rid }));
        found_by(records, system, value)
    }

    fn alias(&self, hash: u64, system: &str, value: &str) -> Option<ResourceId> {
        if !self.staged.aliases.is_empty() {
            let named = (Phi::new(system.to_owned()), Phi::new(value.to_owned()));
            if let Some(patient) = self.staged.aliases.get(&named) {
                return Some(*patient);
            }
        }
        let inner = self.ej.inner.read();
        let number = inner.aliases.find(hash, system, value)?;
        Some(inner.aliases.list[number as usize].patient)
    }

    /// The survivor at the end of a chain of merges.
    fn survivor(&self, mut id: ResourceId) -> ResourceId {
        // A ring would be a fault of the mapping; the bound keeps it from being ours as well.
        for _ in 0..64 {
            match self.patient(id).and_then(|patient| patient.replaced_by()) {
                Some(next) => id = next,
                None => break,
            }
        }
        id
    }
}

impl Records for EjWriter {
    fn patient_by_identifier(&self, system: &str, value: &str) -> Option<ResourceId> {
        let hash = self.ej.identifier_hash(system, value);
        let found = self.alias(hash, system, value).or_else(|| {
            self.listing(RecordType::Patient, hash, system, value).map(|record| record.id())
        })?;
        Some(self.survivor(found))
    }

    fn by_identifier(&self, ty: RecordType, system: &str, value: &str) -> Option<ResourceId> {
        let hash = self.ej.identifier_hash(system, value);
        self.listing(ty, hash, system, value).map(|record| record.id())
    }

    fn record(&self, ty: RecordType, id: ResourceId) -> Option<Record> {
        self.load(self.find(ty, id)?)
    }

    fn ids_of(&self, ty: RecordType) -> Vec<ResourceId> {
        let published = self.ej.inner.read().table(ty).count();
        let rids = 0..published + self.staged.created[ty.index()];
        rids.filter_map(|rid| self.load(RecordRef { ty, rid })).map(|record| record.id()).collect()
    }

    fn stays_of(&self, patient: ResourceId) -> Vec<ResourceId> {
        let mut rids: Vec<u32> = {
            let inner = self.ej.inner.read();
            inner.stays_of.range((patient, 0)..=(patient, u32::MAX)).map(|(_, rid)| *rid).collect()
        };
        for (rid, before, after) in &self.staged.moves {
            if *before == Some(patient) {
                rids.retain(|other| other != rid);
            }
            if *after == patient && !rids.contains(rid) {
                rids.push(*rid);
            }
        }
        rids.sort_unstable();
        rids.into_iter()
            .filter_map(|rid| self.load(RecordRef { ty: RecordType::Stay, rid }))
            .map(|record| record.id())
            .collect()
    }
}

impl Drop for EjWriter {
    fn drop(&mut self) {
        self.ej.writer_taken.store(false, Ordering::Release);
    }
}

/// The index rows of a record.
pub(crate) fn rows_of_record(ej: EjId, at: RecordRef, record: &Record, out: &mut Vec<Row>) {
    let mut keys = Vec::with_capacity(16);
    search::rows(ej, record, &mut keys);
    out.extend(keys.iter().map(|(param, key)| Row::new(at.ty, *param, key, at.rid)));
}

/// Stays that the next message may well be about stand with their patient.
fn belongs_in_dossier(stay: &StayRecord) -> bool {
    stay.is_open() || stay.status() == StayStatus::Planned
}

/// Gives the bytes that wait for the flusher.
fn publish_batch(ej: &Ej, staged: &mut Staged, recent: &mut Recent) -> u64 {
    let mut inner = ej.inner.write();
    inner.half_published = true;
    for ((ty, id), rid) in staged.ids.drain() {
        inner.table_mut(ty).by_id.insert(id, rid);
        if ty == RecordType::Stay && inner.homes.len() <= rid as usize {
            inner.homes.resize(rid as usize + 1, NOBODY);
        }
    }
    inner.index.apply(&staged.rows);
    staged.rows.clear();
    for (at, hash, listed) in staged.identifiers.drain(..) {
        let identifiers = &mut inner.table_mut(at.ty).identifiers;
        if listed {
            identifiers.insert(hash, at.rid);
        } else {
            identifiers.remove(hash, at.rid);
        }
    }
    for (rid, before, after) in staged.moves.drain(..) {
        if let Some(before) = before {
            inner.stays_of.remove(&(before, rid));
        }
        inner.stays_of.insert((after, rid));
    }
    for (at, awaits) in staged.held.drain(..) {
        inner.held.set(at, awaits);
    }
    for (at, version, packed) in staged.replaced.drain(..) {
        inner.versions.push(at, version, packed);
    }
    for (at, seq) in staged.touched.drain(..) {
        inner.table_mut(at.ty).touch(at.rid, seq);
    }
    for (at, fresh) in &staged.records {
        let mut dossier = NOBODY;
        if let Record::Stay(stay) = &fresh.known.record {
            inner.homes[at.rid as usize] = fresh.home;
            if belongs_in_dossier(stay) {
                dossier = fresh.home;
            }
        }
        ej.hot.remove(*at);
        inner.dirty.put(*at, Dirty { packed: fresh.known.packed.clone(), dossier });
    }
    let mut aliases = std::mem::take(&mut staged.aliases);
    for named in staged.alias_order.drain(..) {
        let patient = aliases.remove(&named).expect("in order are those that are staged");
        let (system, value) = named;
        let hash = ej.identifier_hash(system.expose(), value.expose());
        let known = inner.aliases.find(hash, system.expose(), value.expose());
        let end = u32::try_from(inner.aliases.list.len()).expect("aliases are u32");
        let number = known.unwrap_or(end);
        let alias = StoredAlias { applied: staged.seq, system, value, patient };
        inner.aliases.put(hash, number, alias.clone());
        inner.dirty.aliases.insert(number, alias);
    }
    staged.listed.clear();
    staged.created = [0; RecordType::COUNT];
    staged.any = false;
    inner.applied = staged.seq;
    inner.now = inner.now.max(staged.now);
    let now = inner.now;
    inner.index.expire(now);
    inner.half_published = false;
    let dirty_bytes = inner.dirty_bytes();
    drop(inner);
    for (at, fresh) in staged.records.drain() {
        recent.put(at, fresh.known);
    }
    dirty_bytes
}
