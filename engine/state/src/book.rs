//! What the flusher knows of an EJ's entries in the store: where each stay stands, and the sum
//! that the watermark promises. 8 bytes an entry.

use std::collections::{BTreeSet, HashMap};

use sluice_ids::{EjId, Seq};
use sluice_mappings::records::RecordType;

use crate::cold;
use crate::keys::{self, Key, Kind, Tenant};
use crate::layout::{self, EjMark};

/// One change of the store: a part of a value, or its removal.
pub(crate) type Op = (Key, Option<Vec<u8>>);

pub(crate) struct Book {
    tenant: Tenant,
    /// By [`Kind`] and number: the hash of the entry, 0 where there is none.
    hashes: [Vec<u64>; Kind::COUNT],
    /// Entries of more than one part.
    parts: HashMap<(Kind, u32), u16>,
    /// `(patient, stay)` for the stays that stand in their patient's dossier.
    placed: BTreeSet<(u32, u32)>,
    home_of: HashMap<u32, u32>,
    sum: u64,
    pub(crate) applied: Seq,
    pub(crate) records: [u32; RecordType::COUNT],
}

impl Book {
    pub(crate) fn new(tenant: Tenant) -> Self {
        Self {
            tenant,
            hashes: Default::default(),
            parts: HashMap::new(),
            placed: BTreeSet::new(),
            home_of: HashMap::new(),
            sum: 0,
            applied: Seq::ZERO,
            records: [0; RecordType::COUNT],
        }
    }

    pub(crate) fn mark(&self, ej: EjId) -> EjMark {
        let aliases = self.hashes[Kind::Alias.index()].len();
        let aliases = u32::try_from(aliases).expect("aliases are u32");
        EjMark { ej, applied: self.applied, records: self.records, aliases, sum: self.sum }
    }

    fn set(&mut self, kind: Kind, number: u32, hash: u64, parts: u16) -> (u64, u16) {
        let hashes = &mut self.hashes[kind.index()];
        if hashes.len() <= number as usize {
            hashes.resize(number as usize + 1, 0);
        }
        let old = std::mem::replace(&mut hashes[number as usize], hash);
        self.sum = self.sum.wrapping_sub(old).wrapping_add(hash);
        let old_parts = match parts {
            0 | 1 => self.parts.remove(&(kind, number)),
            _ => self.parts.insert((kind, number), parts),
        };
        (old, old_parts.unwrap_or(1))
    }

    pub(crate) fn loaded(&mut self, kind: Kind, number: u32, hash: u64, parts: u16) {
        self.set(kind, number, hash, parts);
    }

    pub(crate) fn put(&mut self, kind: Kind, number: u32, value: &[u8], ops: &mut Vec<Op>) {
        let key = self.tenant.key(kind, number);
        let before = ops.len();
        ops.extend(cold::split(value).map(|(n, bytes)| (keys::part(&key, n), Some(bytes))));
        let parts = u16::try_from(ops.len() - before).expect("parts are u16");
        let (_, old_parts) = self.set(kind, number, layout::entry_hash(&key, value), parts);
        ops.extend((parts..old_parts).map(|n| (keys::part(&key, n), None)));
    }

    pub(crate) fn remove(&mut self, kind: Kind, number: u32, ops: &mut Vec<Op>) {
        let known = self.hashes[kind.index()].get(number as usize).is_some_and(|hash| *hash != 0);
        if known {
            let key = self.tenant.key(kind, number);
            let (_, old_parts) = self.set(kind, number, 0, 0);
            ops.extend((0..old_parts).map(|n| (keys::part(&key, n), None)));
        }
    }

    pub(crate) fn home_of(&self, stay: u32) -> Option<u32> {
        self.home_of.get(&stay).copied()
    }

    pub(crate) fn place(&mut self, patient: u32, stay: u32) {
        self.displace(stay);
        self.placed.insert((patient, stay));
        self.home_of.insert(stay, patient);
    }

    pub(crate) fn displace(&mut self, stay: u32) {
        if let Some(home) = self.home_of.remove(&stay) {
            self.placed.remove(&(home, stay));
        }
    }

    pub(crate) fn stays_in(&self, patient: u32) -> Vec<u32> {
        self.placed.range((patient, 0)..=(patient, u32::MAX)).map(|(_, stay)| *stay).collect()
    }
}
