//! What a cut writes: the changed records of an EJ as dossiers, stays and places.
//!
//! A cut is the state at one published `Seq`. The whole of it stands in the `cut` file before
//! the first entry is written to sled, so that a process that dies in between leaves either the
//! cut before or, once the file is played again, this one: never a mixture (ADR 0030).

use std::collections::BTreeSet;

use sluice_ids::Seq;
use sluice_mappings::records::RecordType;

use crate::book::{Book, Op};
use crate::cold::{ColdError, PART_BYTES};
use crate::ej::{Batch, Ej, NOBODY, RecordRef};
use crate::keys::Kind;
use crate::layout::{self, StoredAlias};
use crate::packed::Packed;

/// Adds the changes of an EJ's batch to `ops`, in an order in which a reader finds every record
/// at any moment: stays by themselves, then dossiers, then removals.
pub(crate) fn compose(
    ej: &Ej,
    batch: &Batch,
    applied: Seq,
    book: &mut Book,
    ops: &mut Vec<Op>,
) -> Result<(), ColdError> {
    let mut records: Vec<_> = batch.records.iter().collect();
    records.sort_unstable_by_key(|(at, _)| **at);
    let mut dossiers: BTreeSet<u32> = BTreeSet::new();
    let mut alone: Records = Vec::new();
    for (at, dirty) in records {
        let count = &mut book.records[at.ty.index()];
        *count = (*count).max(at.rid + 1);
        match at.ty {
            RecordType::Patient => {
                dossiers.insert(at.rid);
            }
            RecordType::Stay => {
                dossiers.extend(book.home_of(at.rid));
                if dirty.dossier == NOBODY {
                    book.displace(at.rid);
                    alone.push((at.rid, dirty.packed.clone()));
                } else {
                    book.place(dirty.dossier, at.rid);
                    dossiers.insert(dirty.dossier);
                }
            }
            ty => {
                let value = layout::encode_records(applied, &[(at.rid, dirty.packed.clone())]);
                book.put(Kind::Alone(ty), at.rid, &value, ops);
            }
        }
    }
    for (number, alias) in &batch.aliases {
        let value = layout::encode(&StoredAlias { applied, ..alias.clone() });
        book.put(Kind::Alias, *number, &value, ops);
    }
    let mut rewritten: Vec<(u32, Vec<u8>)> = Vec::with_capacity(dossiers.len());
    let mut taken_in: Vec<u32> = Vec::new();
    for patient in dossiers {
        let (value, stays, spilled) = dossier(ej, batch, applied, book, patient)?;
        rewritten.push((patient, value));
        taken_in.extend(stays);
        for (rid, stay) in spilled {
            book.displace(rid);
            alone.push((rid, stay));
        }
    }
    for (rid, stay) in alone {
        book.put(
            Kind::Alone(RecordType::Stay),
            rid,
            &layout::encode_records(applied, &[(rid, stay)]),
            ops,
        );
    }
    for (patient, value) in rewritten {
        book.put(Kind::Dossier, patient, &value, ops);
    }
    for rid in taken_in {
        book.remove(Kind::Alone(RecordType::Stay), rid, ops);
    }
    book.applied = applied;
    Ok(())
}

type Records = Vec<(u32, Packed)>;

/// A dossier as of the cut: its value, the stays in it, and those that it has no room for.
fn dossier(
    ej: &Ej,
    batch: &Batch,
    applied: Seq,
    book: &Book,
    patient: u32,
) -> Result<(Vec<u8>, Vec<u32>, Records), ColdError> {
    let mut source = Source { ej, batch, dossier: patient, cold: None };
    let mut records = vec![(patient, source.packed(RecordType::Patient, patient)?)];
    for rid in book.stays_in(patient) {
        records.push((rid, source.packed(RecordType::Stay, rid)?));
    }
    let mut value = layout::encode_records(applied, &records);
    let mut spilled = Vec::new();
    // One value, one part: the oldest stays give way, however large the patient is.
    while value.len() > PART_BYTES - 2 && records.len() > 1 {
        spilled.push(records.remove(1));
        value = layout::encode_records(applied, &records);
    }
    Ok((value, records[1..].iter().map(|(rid, _)| *rid).collect(), spilled))
}

/// Records as of the cut: changed in it, at hand, or still in the store.
struct Source<'a> {
    ej: &'a Ej,
    batch: &'a Batch,
    dossier: u32,
    cold: Option<Vec<(RecordRef, Packed)>>,
}

impl Source<'_> {
    fn packed(&mut self, ty: RecordType, rid: u32) -> Result<Packed, ColdError> {
        let at = RecordRef { ty, rid };
        if let Some(dirty) = self.batch.records.get(&at) {
            return Ok(dirty.packed.clone());
        }
        if let Some(packed) = self.ej.hot.get(at) {
            return Ok(packed);
        }
        if self.cold.is_none() {
            let patient = RecordRef { ty: RecordType::Patient, rid: self.dossier };
            self.cold = Some(self.ej.read_cold(patient, NOBODY)?);
        }
        let found = self.cold.iter().flatten().find(|(other, _)| *other == at);
        found.map(|(_, packed)| packed.clone()).ok_or(ColdError::Missing)
    }
}
