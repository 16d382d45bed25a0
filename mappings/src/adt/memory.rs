//! Records in memory: for tests, and for looking at what a file of messages leads to.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::{Change, Records};
use crate::records::{LocationRecord, PatientRecord, Record, ResourceId, StayRecord};

/// The records of one EJ, with the two identifier indexes that [`Records`] asks for.
#[derive(Clone, Default)]
pub struct MemoryRecords {
    patients: BTreeMap<ResourceId, Arc<PatientRecord>>,
    /// In order of creation.
    stays: Vec<Arc<StayRecord>>,
    locations: BTreeMap<ResourceId, Arc<LocationRecord>>,
    patient_index: BTreeMap<(String, String), ResourceId>,
    stay_index: BTreeMap<(String, String), ResourceId>,
    aliases: BTreeMap<(String, String), ResourceId>,
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

    pub fn locations(&self) -> impl Iterator<Item = &LocationRecord> {
        self.locations.values().map(Arc::as_ref)
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
                Change::Put(Record::Stay(stay)) => {
                    let known = self.stays.iter().position(|known| known.id == stay.id);
                    let before = known.map(|at| Arc::clone(&self.stays[at]));
                    reindex(
                        &mut self.stay_index,
                        stay.id,
                        before.as_ref().map_or(&[], |known| known.identifiers.as_slice()),
                        &stay.identifiers,
                    );
                    match known {
                        Some(at) => self.stays[at] = stay,
                        None => self.stays.push(stay),
                    }
                }
                Change::Put(Record::Location(location)) => {
                    self.locations.insert(location.id, location);
                }
                Change::Alias { system, value, patient } => {
                    self.aliases.insert((system, value), patient);
                }
            }
        }
    }
}

/// A record's own identifiers lead to it; one that another has taken over is left to it.
fn reindex(
    index: &mut BTreeMap<(String, String), ResourceId>,
    id: ResourceId,
    before: &[crate::records::Identifier],
    after: &[crate::records::Identifier],
) {
    for identifier in before {
        let key = (identifier.system.clone(), identifier.value.clone());
        if index.get(&key) == Some(&id) {
            index.remove(&key);
        }
    }
    for identifier in after {
        index.insert((identifier.system.clone(), identifier.value.clone()), id);
    }
}

impl Records for MemoryRecords {
    fn patient_by_identifier(&self, system: &str, value: &str) -> Option<ResourceId> {
        let key = (system.to_owned(), value.to_owned());
        self.aliases.get(&key).or_else(|| self.patient_index.get(&key)).copied()
    }

    fn stay_by_identifier(&self, system: &str, value: &str) -> Option<ResourceId> {
        self.stay_index.get(&(system.to_owned(), value.to_owned())).copied()
    }

    fn patient(&self, id: ResourceId) -> Option<Arc<PatientRecord>> {
        self.patients.get(&id).cloned()
    }

    fn stay(&self, id: ResourceId) -> Option<Arc<StayRecord>> {
        self.stays.iter().find(|stay| stay.id == id).cloned()
    }

    fn location(&self, id: ResourceId) -> Option<Arc<LocationRecord>> {
        self.locations.get(&id).cloned()
    }

    fn stays_of(&self, patient: ResourceId) -> Vec<ResourceId> {
        self.stays.iter().filter(|stay| stay.patient == patient).map(|stay| stay.id).collect()
    }
}
