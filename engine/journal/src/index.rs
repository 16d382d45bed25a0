//! Where one segment's records stand, by EJ and `Seq`, and by the keys that its owner reads.

use std::collections::HashMap;

use bytes::Bytes;
use sluice_ids::{EjId, Micros};

use crate::damage::DamageAccepted;
use crate::format::{FRAME_ALIGN_BYTES, RECORD_HEADER_BYTES, RecordMeta};
use crate::port::{KeyIndex, Keys, Kind};

/// One EJ's places in a segment: `Seq` `first + i` stands at `offsets[i]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EjPlaces {
    pub ej: EjId,
    pub first: u64,
    /// In units of 8 bytes from the segment's start; 0 where that `Seq` has no record here.
    pub offsets: Vec<u32>,
    pub from: Micros,
    pub to: Micros,
}

impl EjPlaces {
    pub fn last(&self) -> u64 {
        self.first + self.offsets.len() as u64 - 1
    }

    /// The records from `seq` on, as (seq, byte offset).
    pub fn since(&self, seq: u64) -> impl Iterator<Item = (u64, u64)> + '_ {
        let skip = seq.saturating_sub(self.first).min(self.offsets.len() as u64);
        (self.first + skip..)
            .zip(&self.offsets[skip as usize..])
            .filter(|(_, offset)| **offset != 0)
            .map(|(seq, offset)| (seq, u64::from(*offset) * FRAME_ALIGN_BYTES as u64))
    }
}

/// A key that a record carries.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct KeyRow {
    pub ej: u16,
    pub index: KeyIndex,
    pub hash: u64,
    pub seq: u64,
}

/// A segment's index while it is in memory.
#[derive(Debug, Default)]
pub struct LiveIndex {
    pub ejs: Vec<EjPlaces>,
    places: HashMap<EjId, usize>,
    pub records: u64,
    pub first_lsn: u64,
    pub last_lsn: u64,
    pub last_offset: u64,
    pub end: u64,
    pub chain: u32,
    pub keys: Vec<KeyRow>,
    /// How many entries of each EJ's `offsets` have had their keys read.
    pub keyed: Vec<usize>,
    /// Payloads of the operator acts by which damage was accepted.
    pub acts: Vec<Bytes>,
}

impl LiveIndex {
    pub fn new(start: u64, first_lsn: u64, chain: u32) -> Self {
        Self { end: start, first_lsn, last_lsn: first_lsn - 1, chain, ..Self::default() }
    }

    pub fn push(&mut self, meta: &RecordMeta, offset: u64, crc: u32) {
        let seq = meta.seq.get();
        let ejs = &mut self.ejs;
        let at = *self.places.entry(meta.ej).or_insert_with(|| {
            ejs.push(EjPlaces {
                ej: meta.ej,
                first: seq,
                offsets: Vec::new(),
                from: meta.received_at,
                to: meta.received_at,
            });
            ejs.len() - 1
        });
        if self.keyed.len() <= at {
            self.keyed.resize(at + 1, 0);
        }
        let places = &mut self.ejs[at];
        // `Seq`s that damage took stay empty.
        places.offsets.resize((seq - places.first) as usize, 0);
        places.offsets.push((offset / FRAME_ALIGN_BYTES as u64) as u32);
        places.from = places.from.min(meta.received_at);
        places.to = places.to.max(meta.received_at);
        self.records += 1;
        self.last_lsn = meta.lsn.get();
        self.last_offset = offset;
        self.end = offset + meta.frame_bytes() as u64;
        self.chain = crc32c::crc32c_append(self.chain, &crc.to_le_bytes());
    }

    pub fn push_act(&mut self, kind: Kind, payload: &[u8]) {
        if kind == Kind::OperatorAct && DamageAccepted::decode(payload).is_some() {
            self.acts.push(Bytes::copy_from_slice(payload));
        }
    }

    /// As [`Self::push_act`], of the sound record at `offset` of a segment's bytes.
    pub fn push_act_at(&mut self, meta: &RecordMeta, bytes: &[u8], offset: u64) {
        let from = offset as usize + RECORD_HEADER_BYTES;
        self.push_act(meta.kind, &bytes[from..offset as usize + meta.len]);
    }

    pub fn ej(&self, ej: EjId) -> Option<&EjPlaces> {
        self.places.get(&ej).map(|at| &self.ejs[*at])
    }

    /// The places whose keys have not been read yet, of at most `max` records.
    pub fn unkeyed(&self, max: usize) -> Vec<(u16, u64, u64)> {
        let mut out = Vec::new();
        for (at, places) in self.ejs.iter().enumerate() {
            let done = self.keyed[at] as u64;
            for (seq, offset) in places.since(places.first + done) {
                if out.len() == max {
                    return out;
                }
                out.push((at as u16, seq, offset));
            }
        }
        out
    }

    pub fn push_keys(&mut self, ej: u16, seq: u64, keys: &Keys) {
        let rows = keys
            .control_id
            .iter()
            .map(|hash| (KeyIndex::ControlId, *hash))
            .chain(keys.patients.iter().map(|hash| (KeyIndex::Patient, *hash)));
        self.keys.extend(rows.map(|(index, hash)| KeyRow { ej, index, hash, seq }));
        let first = self.ejs[usize::from(ej)].first;
        self.keyed[usize::from(ej)] = (seq - first + 1) as usize;
    }

    pub fn find(&self, ej: EjId, index: KeyIndex, hash: u64, out: &mut Vec<u64>) {
        let Some(at) = self.places.get(&ej) else { return };
        let hits = self
            .keys
            .iter()
            .filter(|row| usize::from(row.ej) == *at && row.index == index && row.hash == hash);
        out.extend(hits.map(|row| row.seq));
    }
}
