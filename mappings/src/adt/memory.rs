//! Records in memory: for tests, and for looking at what a file of messages leads to.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use super::{Change, Records};
use crate::records::{Identifier, PatientRecord, Record, RecordType, ResourceId, StayRecord};

/// By system, then value: looked up without making a key.
type Index = HashMap<String, HashMap<String, ResourceId>>;

/// The records of one EJ, with the indexes that [`Records`] asks for.
#[derive(Clone, Default)]
pub struct MemoryRecords {
    patients: BTreeMap<ResourceId, Arc<PatientRecord>>,
    /// In order of creation.
    stays: Vec<Arc<StayRecord>>,
    stay_at: HashMap<ResourceId, usize>,
    /// Each patient's stays by their place in `stays`.
    stays_of: BTreeSet<(ResourceId, usize)>,
    /// All that is neither patient nor stay.
    others: BTreeMap<(RecordType, ResourceId), Record>,
    patient_index: Index,
    stay_index: Index,
    other_index: HashMap<RecordType, Index>,
    aliases: Index,
}

impl MemoryRecords {
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    pub fn patients(&self) -> impl Iterator<Item = &PatientRecord> {
        self.patients.values().map(Arc::as_ref)
    }

    pub fn stays(&self) -> impl Iterator<Item = &StayRecord> {
        self.stays.iter().map(Arc::as_ref)
    }

    /// Every record of a type that is neither Patient nor Encounter, the gone ones apart.
    pub fn others(&self, ty: RecordType) -> impl Iterator<Item = &Record> {
        let range = (ty, ResourceId([0; 16]))..=(ty, ResourceId([0xff; 16]));
        self.others.range(range).map(|(_, record)| record).filter(|record| !record.stamp().gone)
    }

    /// Every record there is, the gone ones apart: patients, stays in order of creation, others.
    pub fn all(&self) -> impl Iterator<Item = Record> {
        let patients = self.patients.values().cloned().map(Record::Patient);
        let stays = self.stays.iter().cloned().map(Record::Stay);
        let all = patients.chain(stays).chain(self.others.values().cloned());
        all.filter(|record| !record.stamp().gone)
    }

    /// Makes the changes, in their order.
    pub fn accept(&mut self, changes: Vec<Change>) {
        for change in changes {
            match change {
                Change::Put(Record::Patient(patient)) => {
                    let known = self.patients.get(&patient.id).map(|known| &known.identifiers);
                    reindex(
                        &mut self.patient_index,
                        patient.id,
                        known.map_or(&[], Vec::as_slice),
                        &patient.identifiers,
                    );
                    self.patients.insert(patient.id, patient);
                }
                Change::Put(Record::Stay(stay)) => self.put_stay(stay),
                Change::Put(other) => self.put_other(other),
                Change::Alias { system, value, patient } => {
                    self.aliases.entry(system).or_default().insert(value, patient);
                }
            }
        }
    }

    fn put_other(&mut self, record: Record) {
        let (ty, id) = (record.record_type(), record.id());
        let before = self.others.get(&(ty, id)).map_or(&[][..], Record::identifiers);
        let index = self.other_index.entry(ty).or_default();
        reindex(index, id, before, record.identifiers());
        self.others.insert((ty, id), record);
    }

    fn put_stay(&mut self, stay: Arc<StayRecord>) {
        let known = self.stay_at.get(&stay.id).copied();
        let before = known.map(|at| Arc::clone(&self.stays[at]));
        reindex(
            &mut self.stay_index,
            stay.id,
            before.as_ref().map_or(&[], |known| known.identifiers.as_slice()),
            &stay.identifiers,
        );
        let at = known.unwrap_or(self.stays.len());
        if let Some(before) = before {
            self.stays_of.remove(&(before.patient, at));
        }
        self.stays_of.insert((stay.patient, at));
        match known {
            Some(at) => self.stays[at] = stay,
            None => {
                self.stay_at.insert(stay.id, at);
                self.stays.push(stay);
            }
        }
    }
}

fn look_up(index: &Index, system: &str, value: &str) -> Option<ResourceId> {
    index.get(system)?.get(value).copied()
}

/// A record's own identifiers lead to it; one that another has taken over is left to it.
fn reindex(index: &mut Index, id: ResourceId, before: &[Identifier], after: &[Identifier]) {
    if before == after {
        // Those that another took over meanwhile are taken back.
        let lost = |own: &Identifier| look_up(index, &own.system, &own.value) != Some(id);
        if !after.iter().any(lost) {
            return;
        }
    }
    for identifier in before {
        if let Some(values) = index.get_mut(&identifier.system)
            && values.get(&identifier.value) == Some(&id)
        {
            values.remove(&identifier.value);
        }
    }
    for identifier in after {
        let values = index.entry(identifier.system.clone()).or_default();
        values.insert(identifier.value.clone(), id);
    }
}

impl Records for MemoryRecords {
    fn patient_by_identifier(&self, system: &str, value: &str) -> Option<ResourceId> {
        let alias = look_up(&self.aliases, system, value);
        alias.or_else(|| look_up(&self.patient_index, system, value))
    }

    fn by_identifier(&self, ty: RecordType, system: &str, value: &str) -> Option<ResourceId> {
        let index = match ty {
            RecordType::Patient => &self.patient_index,
            RecordType::Stay => &self.stay_index,
            _ => self.other_index.get(&ty)?,
        };
        look_up(index, system, value)
    }

    fn record(&self, ty: RecordType, id: ResourceId) -> Option<Record> {
        match ty {
            RecordType::Patient => self.patients.get(&id).cloned().map(Record::Patient),
            RecordType::Stay => {
                self.stay_at.get(&id).map(|at| Record::Stay(Arc::clone(&self.stays[*at])))
            }
            _ => self.others.get(&(ty, id)).cloned(),
        }
    }

    fn ids_of(&self, ty: RecordType) -> Vec<ResourceId> {
        let range = (ty, ResourceId([0; 16]))..=(ty, ResourceId([0xff; 16]));
        self.others.range(range).map(|((_, id), _)| *id).collect()
    }

    fn stays_of(&self, patient: ResourceId) -> Vec<ResourceId> {
        let of = self.stays_of.range((patient, 0)..=(patient, usize::MAX));
        of.map(|(_, at)| self.stays[*at].id).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn patient(id: u8, values: &[&str]) -> Change {
        let mut patient = PatientRecord::new(ResourceId([id; 16]));
        let own = |value: &&str| Identifier { value: (*value).into(), ..Identifier::default() };
        patient.identifiers = values.iter().map(own).collect();
        Change::Put(Record::Patient(Arc::new(patient)))
    }

    fn found(records: &MemoryRecords, value: &str) -> Option<u8> {
        let found = records.by_identifier(RecordType::Patient, "", value);
        assert_eq!(found, records.patient_by_identifier("", value));
        found.map(|id| id.0[0])
    }

    #[test]
    fn an_identifier_leads_to_the_record_that_has_it() {
        let mut records = MemoryRecords::new();
        records.accept(vec![patient(1, &["A", "B"])]);
        assert_eq!((found(&records, "A"), found(&records, "B")), (Some(1), Some(1)));
        records.accept(vec![patient(1, &["A"])]);
        assert_eq!((found(&records, "A"), found(&records, "B")), (Some(1), None), "taken away");
        records.accept(vec![patient(2, &["A"])]);
        assert_eq!(found(&records, "A"), Some(2), "taken over");
        records.accept(vec![patient(1, &["A"])]);
        assert_eq!(found(&records, "A"), Some(1), "and back, by a record that says the same");
        records.accept(vec![patient(2, &[])]);
        assert_eq!(found(&records, "A"), Some(1), "not lost by whom it was taken from");
    }
}
