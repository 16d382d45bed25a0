//! From stored entries back to the state in memory, with every check that can be made: a store
//! that lost, kept or mixed up anything is not loaded at all.

use std::collections::BTreeMap;
use std::hash::{BuildHasher, RandomState};

use sluice_ids::{EjId, Micros, Seq};
use sluice_mappings::records::{Record, RecordType, ResourceId};

use crate::book::Book;
use crate::cold::{ColdError, Joined};
use crate::ej::{Aliases, Identifiers, NOBODY, RecordRef, Table};
use crate::frames::FrameError;
use crate::held::{Awaits, HeldMovements};
use crate::index::Row;
use crate::keys::{self, Key, Kind, Tenant};
use crate::layout::{self, EjMark, StoredAlias, ValueError, Watermark};
use crate::writer::rows_of_record;

/// Why stored entries were not taken.
#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    #[error("the store failed")]
    Cold(#[from] ColdError),
    #[error("the file cannot be used")]
    Frame(#[from] FrameError),
    #[error("a stored value cannot be used")]
    Value(#[from] ValueError),
    #[error("an entry whose key is none of ours")]
    Key,
    #[error("the parts of a value do not follow each other")]
    Parts,
    #[error("a record stands twice, or where it cannot")]
    Place,
    #[error("a record is newer than the watermark")]
    Newer,
    #[error("{ej} does not hold what its watermark says")]
    Mark { ej: EjId },
    #[error("there is no watermark")]
    NoWatermark,
}

/// An EJ as loaded.
pub(crate) struct Loaded {
    pub(crate) applied: Seq,
    pub(crate) now: Micros,
    pub(crate) tables: [Table; RecordType::COUNT],
    pub(crate) rows: Vec<Row>,
    pub(crate) aliases: Aliases,
    pub(crate) held: HeldMovements,
    pub(crate) homes: Vec<u32>,
    pub(crate) stays_of: Vec<(ResourceId, u32)>,
    pub(crate) book: Book,
}

struct Loading {
    ej: EjId,
    mark: EjMark,
    hasher: RandomState,
    identifiers: [Vec<(u64, u32)>; RecordType::COUNT],
    seen: [u32; RecordType::COUNT],
    loaded: Loaded,
}

/// Takes entries in key order, as [`crate::cold::Cold::walk`] and a checkpoint give them.
pub(crate) struct Loader {
    watermark: Watermark,
    ejs: BTreeMap<EjId, Loading>,
    open: Option<(EjId, Kind, u32, Key, Joined)>,
}

impl Loader {
    /// `hashers`: the EJs to load, each with the hasher of its identifiers. Entries of others are
    /// checked for form only.
    pub(crate) fn new(watermark: Watermark, hashers: &[(EjId, RandomState)]) -> Self {
        let loading = |(ej, hasher): &(EjId, RandomState)| {
            let mark = watermark.ejs.iter().find(|mark| mark.ej == *ej)?.clone();
            let loaded = Loaded {
                applied: mark.applied,
                now: Micros::default(),
                tables: Default::default(),
                rows: Vec::new(),
                aliases: Aliases::default(),
                held: HeldMovements::default(),
                homes: vec![NOBODY; mark.records[RecordType::Stay.index()] as usize],
                stays_of: Vec::new(),
                book: Book::new(Tenant::of(*ej)),
            };
            let hasher = hasher.clone();
            let identifiers = Default::default();
            Some((
                *ej,
                Loading {
                    ej: *ej,
                    mark,
                    hasher,
                    identifiers,
                    seen: [0; RecordType::COUNT],
                    loaded,
                },
            ))
        };
        let ejs = hashers.iter().filter_map(loading).collect();
        Self { watermark, ejs, open: None }
    }

    pub(crate) fn entry(&mut self, key: &Key, part: &[u8]) -> Result<(), LoadError> {
        if *key == keys::WATERMARK {
            return Ok(());
        }
        let (ej, kind, number, part_number) = keys::parse(key).ok_or(LoadError::Key)?;
        if part_number == 0 {
            if self.open.is_some() {
                return Err(LoadError::Parts);
            }
            self.open = Some((ej, kind, number, *key, Joined::start(part)?));
        } else {
            let Some((open_ej, open_kind, open_number, _, joined)) = &mut self.open else {
                return Err(LoadError::Parts);
            };
            if (*open_ej, *open_kind, *open_number, joined.wanted())
                != (ej, kind, number, Some(part_number))
            {
                return Err(LoadError::Parts);
            }
            joined.add(part);
        }
        if self.open.as_ref().is_some_and(|(.., joined)| joined.wanted().is_none())
            && let Some((ej, kind, number, key, joined)) = self.open.take()
            && let Some(loading) = self.ejs.get_mut(&ej)
        {
            loading.value(kind, number, &key, &joined)?;
        }
        Ok(())
    }

    /// The EJs as loaded, and the marks of those that were not asked for.
    pub(crate) fn finish(self) -> Result<(Watermark, BTreeMap<EjId, Loaded>), LoadError> {
        if self.open.is_some() {
            return Err(LoadError::Parts);
        }
        let mut loaded = BTreeMap::new();
        for (ej, loading) in self.ejs {
            loaded.insert(ej, loading.finish()?);
        }
        Ok((self.watermark, loaded))
    }
}

impl Loading {
    fn value(
        &mut self,
        kind: Kind,
        number: u32,
        key: &Key,
        joined: &Joined,
    ) -> Result<(), LoadError> {
        let bytes = &joined.bytes;
        self.loaded.book.loaded(kind, number, layout::entry_hash(key, bytes), joined.parts);
        let applied = match kind {
            Kind::Alias => {
                let alias: StoredAlias = layout::decode(bytes)?;
                let applied = alias.applied;
                self.alias(number, alias)?;
                applied
            }
            Kind::Dossier | Kind::Alone(_) => {
                let stored = layout::decode_records(bytes)?;
                for (at, (rid, packed)) in stored.records.iter().enumerate() {
                    if at == 0 && *rid != number || at > 0 && kind != Kind::Dossier {
                        return Err(LoadError::Place);
                    }
                    let at_ref = RecordRef { ty: kind.holds(at), rid: *rid };
                    let record = packed.record(at_ref.ty)?;
                    if kind == Kind::Dossier && at > 0 {
                        self.loaded.book.place(number, *rid);
                    }
                    self.place(kind, number, at_ref, &record)?;
                }
                stored.applied
            }
        };
        if applied > self.mark.applied {
            return Err(LoadError::Newer);
        }
        Ok(())
    }

    /// Takes a record of the value `kind` `number`; a stay gets its home.
    fn place(
        &mut self,
        kind: Kind,
        number: u32,
        at: RecordRef,
        record: &Record,
    ) -> Result<(), LoadError> {
        if let Record::Stay(stay) = record {
            // Dossiers come first in key order, so that every patient is known by now.
            let patients = &self.loaded.tables[RecordType::Patient.index()].by_id;
            let home = match kind {
                Kind::Dossier => number,
                _ => patients.get(&stay.patient).copied().unwrap_or(NOBODY),
            };
            *self.loaded.homes.get_mut(at.rid as usize).ok_or(LoadError::Place)? = home;
            self.loaded.stays_of.push((stay.patient, at.rid));
        }
        self.record(at, record)
    }

    fn record(&mut self, at: RecordRef, record: &Record) -> Result<(), LoadError> {
        let type_index = at.ty.index();
        let table = &mut self.loaded.tables[type_index];
        if at.rid >= self.mark.records[type_index]
            || table.by_id.insert(record.id(), at.rid).is_some()
        {
            return Err(LoadError::Place);
        }
        self.seen[type_index] += 1;
        let stamp = record.stamp();
        if stamp.version > self.mark.applied {
            return Err(LoadError::Newer);
        }
        table.touch(at.rid, stamp.version);
        self.loaded.now = self.loaded.now.max(stamp.updated_at);
        for identifier in record.identifiers() {
            let hash =
                self.hasher.hash_one((identifier.system.as_str(), identifier.value.as_str()));
            self.identifiers[type_index].push((hash, at.rid));
        }
        self.loaded.held.set(at, Awaits::of(record));
        rows_of_record(self.ej, at, record, &mut self.loaded.rows);
        Ok(())
    }

    fn alias(&mut self, number: u32, alias: StoredAlias) -> Result<(), LoadError> {
        if number as usize != self.loaded.aliases.list.len() {
            return Err(LoadError::Place);
        }
        let named = (alias.system.expose().as_str(), alias.value.expose().as_str());
        let hash = self.hasher.hash_one(named);
        self.loaded.aliases.put(hash, number, alias);
        Ok(())
    }

    fn finish(mut self) -> Result<Loaded, LoadError> {
        for (table, identifiers) in self.loaded.tables.iter_mut().zip(self.identifiers) {
            table.identifiers = Identifiers::load(identifiers);
        }
        // Each id once, each rid under the count, as many as the count: the rids are dense, once
        // the sum says that no rid came twice.
        self.loaded.book.applied = self.mark.applied;
        self.loaded.book.records = self.seen;
        if self.loaded.book.mark(self.ej) != self.mark {
            return Err(LoadError::Mark { ej: self.ej });
        }
        Ok(self.loaded)
    }
}
