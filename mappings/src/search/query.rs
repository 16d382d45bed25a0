//! A whole query: an AND of clauses over the records of one type.

use std::sync::Arc;

use sluice_ids::EjId;

use super::key::Key;
use super::sites::Sites;
use super::{Clause, Param, rows};
use crate::entity::LegalEntity;
use crate::records::{Record, RecordType};

/// What a search looks for, and in which order it shows it.
#[derive(Debug, Clone)]
pub struct Query {
    pub record_type: RecordType,
    /// All must match; none: every record of the type.
    pub clauses: Vec<Clause>,
    /// `None`: order of creation.
    pub sort: Option<SortKey>,
    pub(super) hash: u64,
}

impl Query {
    /// The same, found also by the codes that the EJs' site files show. Whoever searches for what
    /// is shown calls it once; rows and hashes are the same.
    #[must_use]
    pub fn with_sites<'e>(
        mut self,
        entities: impl IntoIterator<Item = &'e Arc<LegalEntity>>,
    ) -> Self {
        let sites = Sites::new(entities);
        self.clauses.iter_mut().for_each(|clause| clause.test.with_sites(&sites));
        self
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

/// The rows of `param` in key order, or in its reverse. Records without such a row come last
/// either way; those with equal keys keep their order of creation.
///
/// A key is 10 bytes: families that begin with the same 10 bytes are taken as equal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SortKey {
    pub param: Param,
    pub descending: bool,
}

impl SortKey {
    /// The key by which a record stands: of several, the first one in the order asked for.
    #[must_use]
    pub fn key(&self, ej: EjId, record: &Record) -> Option<Key> {
        let mut own = Vec::new();
        rows(ej, record, &mut own);
        let keys = own.into_iter().filter(|(p, _)| *p == self.param).map(|(_, key)| key);
        if self.descending { keys.max() } else { keys.min() }
    }
}
