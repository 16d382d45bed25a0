//! What a cut writes: the changed records of an EJ as dossiers, stays and places.
//!
//! A cut is the state at one published `Seq`. The whole of it stands in the `cut` file before
//! the first entry is written to sled, so that a process that dies in between leaves either the
//! cut before or, once the file is played again, this one: never a mixture (ADR 0030).

use std::collections::BTreeSet;
use std::sync::Arc;

use sluice_ids::Seq;
use sluice_mappings::records::{PatientRecord, Record, RecordType, StayRecord, StayStatus};

use crate::book::{Book, Op};
use crate::cold::{ColdError, PART_BYTES};
use crate::ej::{Batch, Ej, NOBODY, RecordRef};
use crate::keys::Kind;
use crate::layout::{self, Dossier, StoredAlias, StoredLocation, StoredStay};

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
    let mut alone: Vec<u32> = Vec::new();
    for (at, dirty) in records {
        let count = &mut book.records[at.ty as usize - 1];
        *count = (*count).max(at.rid + 1);
        match &dirty.record {
            Record::Location(location) => {
                let value = layout::encode(&StoredLocation { applied, location: location.clone() });
                book.put(Kind::Location, at.rid, &value, ops);
            }
            Record::Patient(_) => {
                dossiers.insert(at.rid);
            }
            Record::Stay(stay) => {
                dossiers.extend(book.home_of(at.rid));
                if belongs_in_dossier(stay) && dirty.home != NOBODY {
                    book.place(dirty.home, at.rid);
                    dossiers.insert(dirty.home);
                } else {
                    book.displace(at.rid);
                    alone.push(at.rid);
                }
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
            put_alone(rid, stay, applied, book, ops);
        }
    }
    for rid in alone {
        let at = RecordRef { ty: RecordType::Stay, rid };
        if let Some(Record::Stay(stay)) = batch.records.get(&at).map(|dirty| &dirty.record) {
            put_alone(rid, stay.clone(), applied, book, ops);
        }
    }
    for (patient, value) in rewritten {
        book.put(Kind::Dossier, patient, &value, ops);
    }
    for rid in taken_in {
        book.remove(Kind::Stay, rid, ops);
    }
    book.applied = applied;
    Ok(())
}

fn put_alone(rid: u32, stay: Arc<StayRecord>, applied: Seq, book: &mut Book, ops: &mut Vec<Op>) {
    book.put(Kind::Stay, rid, &layout::encode(&StoredStay { applied, stay }), ops);
}

/// Stays that the next message may well be about stand with their patient.
fn belongs_in_dossier(stay: &StayRecord) -> bool {
    stay.is_open() || stay.status() == StayStatus::Planned
}

type Stays = Vec<(u32, Arc<StayRecord>)>;

/// A dossier as of the cut: its value, the stays in it, and those that it has no room for.
fn dossier(
    ej: &Ej,
    batch: &Batch,
    applied: Seq,
    book: &Book,
    patient: u32,
) -> Result<(Vec<u8>, Vec<u32>, Stays), ColdError> {
    let rids = book.stays_in(patient);
    let mut source = Source { ej, batch, dossier: patient, cold: None };
    let patient = source.patient(patient)?;
    let mut stays: Stays = Vec::with_capacity(rids.len());
    for rid in rids {
        stays.push((rid, source.stay(rid)?));
    }
    let mut value = Dossier { applied, patient, stays };
    let mut bytes = layout::encode(&value);
    let mut spilled = Vec::new();
    // One value, one part: the oldest stays give way, however large the patient is.
    while bytes.len() > PART_BYTES - 2 && !value.stays.is_empty() {
        spilled.push(value.stays.remove(0));
        bytes = layout::encode(&value);
    }
    Ok((bytes, value.stays.iter().map(|(rid, _)| *rid).collect(), spilled))
}

/// Records as of the cut: changed in it, at hand, or still in the store.
struct Source<'a> {
    ej: &'a Ej,
    batch: &'a Batch,
    dossier: u32,
    cold: Option<Vec<(RecordRef, Record)>>,
}

impl Source<'_> {
    fn record(&mut self, at: RecordRef) -> Result<Record, ColdError> {
        if let Some(dirty) = self.batch.records.get(&at) {
            return Ok(dirty.record.clone());
        }
        if let Some(record) = self.ej.hot.get(at) {
            return Ok(record);
        }
        if self.cold.is_none() {
            let patient = RecordRef { ty: RecordType::Patient, rid: self.dossier };
            self.cold = Some(self.ej.read_cold(patient, NOBODY)?);
        }
        let found = self.cold.iter().flatten().find(|(other, _)| *other == at);
        found.map(|(_, record)| record.clone()).ok_or(ColdError::Missing)
    }

    fn patient(&mut self, rid: u32) -> Result<Arc<PatientRecord>, ColdError> {
        match self.record(RecordRef { ty: RecordType::Patient, rid })? {
            Record::Patient(patient) => Ok(patient),
            _ => Err(ColdError::Missing),
        }
    }

    fn stay(&mut self, rid: u32) -> Result<Arc<StayRecord>, ColdError> {
        match self.record(RecordRef { ty: RecordType::Stay, rid })? {
            Record::Stay(stay) => Ok(stay),
            _ => Err(ColdError::Missing),
        }
    }
}
