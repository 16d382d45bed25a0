//! A whole query: an AND of clauses over the records of one type.

use std::sync::Arc;

use sluice_ids::EjId;

use super::clause::Test;
use super::entities::Entities;
use super::joined::Join;
use super::{Clause, SortKey};
use crate::entity::LegalEntity;
use crate::records::{Record, RecordType};

/// What a search looks for, and in which order it shows it.
#[derive(Debug, Clone)]
pub struct Query {
    pub record_type: RecordType,
    /// All must match; none: every record of the type.
    pub clauses: Vec<Clause>,
    /// What these leave equal keeps its order of creation.
    pub sort: Vec<SortKey>,
    pub(super) hash: u64,
}

impl Query {
    /// One that is part of another, or of its working out.
    pub(super) const fn of(record_type: RecordType, clauses: Vec<Clause>) -> Self {
        Self { record_type, clauses, sort: Vec::new(), hash: 0 }
    }

    /// The same, found by what the EJs' settings make of the records too: codes of a site file,
    /// profiles. Whoever searches for what is shown calls it once; rows and hashes are the same.
    #[must_use]
    pub fn with_entities<'e>(
        mut self,
        entities: impl IntoIterator<Item = &'e Arc<LegalEntity>>,
    ) -> Self {
        self.know(&Entities::new(entities));
        self
    }

    fn know(&mut self, entities: &Entities) {
        for clause in &mut self.clauses {
            clause.entities.clone_from(entities);
            match &mut clause.test {
                Test::Joined { join: Join::Found(queries), .. } => {
                    queries.iter_mut().for_each(|query| query.know(entities));
                }
                Test::Joined { join: Join::ReferredTo(query, _), .. } => query.know(entities),
                _ => {}
            }
        }
    }

    /// The same for the same parameters of the same FHIR version, in whatever order they came,
    /// before and after a restart: a cursor is good only for the query that it was given out for,
    /// and so are results that are kept (R5 finds by some parameters what R4 does not).
    #[must_use]
    pub const fn hash(&self) -> u64 {
        self.hash
    }

    #[must_use]
    pub fn matches(&self, ej: EjId, record: &Record) -> bool {
        record.record_type() == self.record_type
            && self.clauses.iter().all(|clause| clause.matches(ej, record))
    }
}
