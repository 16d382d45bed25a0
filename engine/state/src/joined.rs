//! What a clause of a search asks of other records, looked up by index at the search's own pin.
//!
//! An EJ's records refer to each other only, so that all of it stays within the EJ.

use std::cell::Cell;

use sluice_ids::Seq;
use sluice_mappings::records::{Record, ResourceId};
use sluice_mappings::search::{Clause, Hierarchy, Join, Query};

use crate::ej::{Ej, RecordRef};
use crate::matching::{Recall, Searching};
use crate::search::SearchError;

impl Searching<'_> {
    /// The clause as it can be told from a record alone.
    pub(crate) fn joined(&self, ej: &Ej, clause: &Clause, pin: Seq) -> Result<Clause, SearchError> {
        let Some(join) = clause.join() else { return Ok(clause.clone()) };
        let ids = match join {
            Join::Found(queries) => {
                let mut ids = Vec::new();
                for query in queries {
                    ids.extend(self.found(ej, query, pin)?);
                    self.within_limit(ids.len())?;
                }
                ids
            }
            Join::ReferredTo(query, referred) => {
                let mut ids = Vec::new();
                self.each_found(ej, query, pin, |record| ids.extend(referred.by(ej.id, record)))?;
                ids
            }
            Join::Below(hierarchy) => self.below(ej, hierarchy, pin)?,
            Join::Above(hierarchy) => self.above(ej, hierarchy, pin)?,
        };
        Ok(clause.joined(ids))
    }

    fn below(
        &self,
        ej: &Ej,
        hierarchy: &Hierarchy,
        pin: Seq,
    ) -> Result<Vec<ResourceId>, SearchError> {
        let mut found = hierarchy.roots.clone();
        let mut level = found.clone();
        while !level.is_empty() {
            let mut next = self.found(ej, &hierarchy.parts_of(level), pin)?;
            // A circle, should a structure have one, ends here.
            next.retain(|id| !found.contains(id));
            found.extend(&next);
            self.within_limit(found.len())?;
            level = next;
        }
        Ok(found)
    }

    fn above(
        &self,
        ej: &Ej,
        hierarchy: &Hierarchy,
        pin: Seq,
    ) -> Result<Vec<ResourceId>, SearchError> {
        let mut found = hierarchy.roots.clone();
        let mut looked_at = 0;
        while let Some(id) = found.get(looked_at).copied() {
            looked_at += 1;
            let Some(at) = ej.find(hierarchy.record_type, id) else { continue };
            if self.scope.load(ej, at)?.stamp().created > pin {
                continue;
            }
            let record = self.record_at(ej, at, pin, Recall::Folded)?;
            if record.stamp().gone {
                continue;
            }
            for whole in hierarchy.part_of().by(ej.id, &record) {
                if !found.contains(&whole) {
                    found.push(whole);
                }
            }
            self.within_limit(found.len())?;
        }
        Ok(found)
    }

    /// Which records a search finds. An id is the same at every pin, so that none is read as it was.
    fn found(&self, ej: &Ej, query: &Query, pin: Seq) -> Result<Vec<ResourceId>, SearchError> {
        let mut ids = Vec::new();
        self.within(ej, query, pin, |_, at| {
            ids.push(self.scope.load(ej, at)?.id());
            Ok(())
        })?;
        Ok(ids)
    }

    /// What a search finds, as it was at the pin.
    fn each_found(
        &self,
        ej: &Ej,
        query: &Query,
        pin: Seq,
        mut each: impl FnMut(&Record),
    ) -> Result<(), SearchError> {
        self.within(ej, query, pin, |inner, at| {
            each(&inner.record_at(ej, at, pin, Recall::Folded)?);
            Ok(())
        })
    }

    fn within(
        &self,
        ej: &Ej,
        query: &Query,
        pin: Seq,
        mut each: impl FnMut(&Searching<'_>, RecordRef) -> Result<(), SearchError>,
    ) -> Result<(), SearchError> {
        let inner = Searching {
            scope: self.scope,
            query,
            pins: self.pins,
            folds_left: Cell::new(self.folds_left.get()),
        };
        let rids = inner.matching(ej, pin)?;
        self.within_limit(rids.len())?;
        for rid in rids.iter() {
            each(&inner, RecordRef { ty: query.record_type, rid })?;
        }
        self.folds_left.set(inner.folds_left.get());
        Ok(())
    }

    fn within_limit(&self, records: usize) -> Result<(), SearchError> {
        let limit = self.scope.core.settings.joined_records_max;
        if records as u64 > limit { Err(SearchError::JoinedTooMany { limit }) } else { Ok(()) }
    }
}
