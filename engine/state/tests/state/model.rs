//! The naive model: everything in plain vectors, searched by looking at all of it.

use std::cmp::Ordering;
use std::collections::BTreeMap;

use sluice_ids::EjId;
use sluice_mappings::adt::Change;
use sluice_mappings::records::{IdentifierUse, Record, RecordType, ResourceId};
use sluice_mappings::search::Query;

use crate::joined;

#[derive(Clone, Default)]
pub struct Model {
    /// By type, in order of creation.
    records: [Vec<Record>; RecordType::COUNT],
    aliases: BTreeMap<(String, String), ResourceId>,
}

impl Model {
    pub fn apply(&mut self, changes: &[Change]) {
        for change in changes {
            match change {
                Change::Put(record) => {
                    let list = &mut self.records[record.record_type().index()];
                    match list.iter_mut().find(|old| old.id() == record.id()) {
                        Some(old) => *old = record.clone(),
                        None => list.push(record.clone()),
                    }
                }
                Change::Alias { system, value, patient } => {
                    self.aliases.insert((system.clone(), value.clone()), *patient);
                }
            }
        }
    }

    pub fn all(&self, ty: RecordType) -> &[Record] {
        &self.records[ty.index()]
    }

    /// Those that are not gone.
    pub fn live(&self, ty: RecordType) -> impl Iterator<Item = &Record> {
        self.all(ty).iter().filter(|record| !record.stamp().gone)
    }

    pub fn get(&self, ty: RecordType, id: ResourceId) -> Option<&Record> {
        self.all(ty).iter().find(|record| record.id() == id)
    }

    pub fn stays_of(&self, patient: ResourceId) -> Vec<ResourceId> {
        let stays = self.all(RecordType::Stay).iter();
        stays.filter(|stay| stay.patient() == Some(patient)).map(Record::id).collect()
    }

    pub fn find(&self, ty: RecordType, system: &str, value: &str) -> Option<ResourceId> {
        let alias = self.aliases.get(&(system.into(), value.into())).copied();
        let alias = alias.filter(|_| ty == RecordType::Patient);
        let rank = |record: &Record| {
            let listed = record.identifiers().iter();
            let mut same = listed.filter(|i| i.system == system && i.value == value);
            let replaced = matches!(record, Record::Patient(p) if p.replaced_by().is_some());
            same.next().map(|i| (replaced, i.r#use == IdentifierUse::Old))
        };
        let listing = self.all(ty).iter().filter_map(|r| Some((rank(r)?, r.id())));
        let mut found =
            alias.or_else(|| listing.min_by_key(|(rank, _)| *rank).map(|(_, id)| id))?;
        while let Some(Record::Patient(patient)) = self.get(RecordType::Patient, found) {
            match patient.replaced_by() {
                Some(next) => found = next,
                None => break,
            }
        }
        Some(found)
    }

    /// What a search finds, in its order.
    pub fn search(&self, ej: EjId, query: &Query) -> Vec<Found> {
        let clauses: Vec<_> =
            query.clauses.iter().map(|clause| joined::joined(self, ej, clause)).collect();
        let all = self
            .live(query.record_type)
            .filter(|record| clauses.iter().all(|clause| clause.matches(ej, record)));
        let values = |record: &Record| query.sort.iter().map(|key| key.value(ej, record)).collect();
        let mut found: Vec<Found> = all.map(|record| (values(record), record.id())).collect();
        sort(&mut found, query);
        found
    }
}

/// The values that it is sorted by, and whose they are.
pub type Found = (Vec<Option<Vec<u8>>>, ResourceId);

pub fn sort(found: &mut [Found], query: &Query) {
    found.sort_by(|(a, _), (b, _)| {
        let by_key = query.sort.iter().zip(a.iter().zip(b)).map(|(key, (a, b))| match (a, b) {
            (Some(a), Some(b)) if key.descending => b.cmp(a),
            (Some(a), Some(b)) => a.cmp(b),
            (a, b) => b.is_some().cmp(&a.is_some()),
        });
        by_key.fold(Ordering::Equal, Ordering::then)
    });
}
