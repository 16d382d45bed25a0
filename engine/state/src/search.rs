//! Search at a pin: exactly the records whose rows matched then, in an order that the pin fixes.
//!
//! The first page pins each EJ at what is published; the cursor carries the pins, how much was
//! served, and the total. The list of a pinned search never changes, so that it may be kept
//! between pages or worked out again, as far as it is needed:
//! - which records match, see [`crate::matching`]; what can be counted by its rows is not listed;
//! - order is creation (EJ, then `rid`), or what [`crate::order`] makes of the sort keys.
//!
//! A record that changed after the pin is shown as it is now; membership and order stay.

use std::cell::Cell;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use sluice_ids::{EjId, Seq};
use sluice_mappings::records::{Record, RecordType, ResourceId};
use sluice_mappings::search::{Param, Query, Span};

use crate::ej::{Ej, RecordRef};
use crate::index::Forgotten;
use crate::matching::{Recall, Searching, count_at, whole};
use crate::order::Members;
use crate::results::{List, Sought};
use crate::rids::Rids;
use crate::view::Scope;

/// Tries of a first page whose records change while they are verified.
const FIRST_TRIES_MAX: u32 = 8;
/// A list is made longer than its page by as much again, and at least so long.
const LIST_HITS_MIN: usize = 2_048;

/// Tells what a record was, from further back than the state remembers.
pub trait PastRecords: Send + Sync {
    /// The record as it was at `pin`; `None` where that cannot be told. May read the journal.
    fn at(&self, ej: EjId, ty: RecordType, id: ResourceId, pin: Seq) -> Option<Record>;
}

/// Which page.
#[derive(Debug, Clone)]
pub struct PageRequest {
    /// Most records of the page; 0 gives the total alone.
    pub count: u32,
    /// `None`: the first page, at what is published now.
    pub after: Option<Cursor>,
}

/// Where a search goes on: plain data, to be signed and encoded by whoever gives it out.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cursor {
    /// Every EJ that the search reaches, and the `Seq` that it is pinned at; sorted.
    pub pins: Pins,
    /// Records on the pages before.
    pub served: u64,
    pub filter_hash: u64,
    pub total: u64,
}

#[derive(Debug, Clone)]
pub struct Page {
    pub records: Vec<(EjId, Record)>,
    /// Matches over all pages, exact.
    pub total: u64,
    /// `None` on the last page.
    pub next: Option<Cursor>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SearchError {
    /// The pin is older than what is remembered, or too many records would have to be folded
    /// again to know what matched at it: start anew.
    #[error("the search can no longer be continued; it must be started anew")]
    CursorExpired,
    #[error("the cursor belongs to another search or to other rights")]
    CursorForeign,
    /// A chain or a hierarchy in the search comes to more records than may be looked up.
    #[error("a chain in the search comes to more than {limit} records")]
    JoinedTooMany { limit: u64 },
    /// More records would have to be read than an index key can decide.
    #[error("more than {limit} records would have to be looked through")]
    VerifiedTooMany { limit: u64 },
    /// See [`crate::StateLost`].
    #[error("the state of {ej} lost a record; it must be opened anew")]
    Lost { ej: EjId },
}

impl From<Forgotten> for SearchError {
    fn from(_: Forgotten) -> Self {
        Self::CursorExpired
    }
}

/// The `Seq` that each EJ is pinned at.
pub type Pins = Vec<(EjId, Seq)>;

/// One result: the EJ by its place in the pins, and the `rid`.
pub(crate) type Hit = (u16, u32);

impl Scope {
    /// A page of the records that match `query`.
    ///
    /// # Errors
    /// When the cursor is not this search's, or its pin can no longer be answered.
    pub fn search(&self, query: &Query, page: &PageRequest) -> Result<Page, SearchError> {
        let count = page.count as usize;
        let (pins, served, list) = match &page.after {
            None => {
                let (pins, list) = self.first_list(query, count)?;
                (pins, 0, list)
            }
            Some(cursor) => {
                let same_ejs = cursor.pins.iter().map(|(ej, _)| ej).eq(self.ejs());
                if cursor.filter_hash != query.hash() || !same_ejs {
                    return Err(SearchError::CursorForeign);
                }
                let served = usize::try_from(cursor.served).unwrap_or(usize::MAX);
                let list = self.list(query, &cursor.pins, served.saturating_add(count))?;
                // What was counted is what was listed, unless the state is another one, folded by
                // another mapping: its list is of no use here.
                if list.total != cursor.total {
                    return Err(SearchError::CursorExpired);
                }
                (cursor.pins.clone(), served, list)
            }
        };
        self.page_of(query, pins, served, count, &list)
    }

    /// The first page at pins that are this scope's: several searches of one moment agree.
    ///
    /// # Errors
    /// When the pins can no longer be answered.
    pub fn search_at(&self, query: &Query, count: u32, pins: &Pins) -> Result<Page, SearchError> {
        let list = self.list(query, pins, count as usize)?;
        self.page_of(query, pins.clone(), 0, count as usize, &list)
    }

    fn page_of(
        &self,
        query: &Query,
        pins: Pins,
        served: usize,
        count: usize,
        list: &List,
    ) -> Result<Page, SearchError> {
        let start = served.min(list.hits.len());
        let end = start.saturating_add(count).min(list.hits.len());
        let mut records = Vec::with_capacity(end - start);
        for (number, rid) in &list.hits[start..end] {
            let number = usize::from(*number);
            let at = RecordRef { ty: query.record_type, rid: *rid };
            records.push((self.views[number].id, self.shown(query, &pins, number, at)?));
        }
        let total = list.total;
        let next = ((end as u64) < total).then(|| Cursor {
            pins,
            served: end as u64,
            filter_hash: query.hash(),
            total,
        });
        Ok(Page { records, total, next })
    }

    /// As it is now; one that is gone since as it was, where that is still known.
    fn shown(
        &self,
        query: &Query,
        pins: &Pins,
        number: usize,
        at: RecordRef,
    ) -> Result<Record, SearchError> {
        let ej = &self.views[number];
        let record = self.load(ej, at)?;
        if !record.stamp().gone {
            return Ok(record);
        }
        let was = self.searching(query, pins).record_at(ej, at, pins[number].1, Recall::Folded);
        Ok(was.unwrap_or(record))
    }

    /// Pins at what is published, and again where the feed overtook the verification.
    fn first_list(&self, query: &Query, count: usize) -> Result<(Pins, Arc<List>), SearchError> {
        let mut tries = 0;
        loop {
            let pins: Pins = self.views.iter().map(|ej| (ej.id, ej.inner.read().applied)).collect();
            match self.list(query, &pins, count) {
                Ok(list) => return Ok((pins, list)),
                Err(SearchError::CursorExpired) if tries < FIRST_TRIES_MAX => tries += 1,
                Err(error) => return Err(error),
            }
        }
    }

    /// The list at the pins, as far as `wanted` or further.
    fn list(&self, query: &Query, pins: &Pins, wanted: usize) -> Result<Arc<List>, SearchError> {
        self.check(pins)?;
        let sought =
            Sought { ty: query.record_type, filter_hash: query.hash(), pins: pins.clone() };
        if let Some(list) = self.core.results.get(&sought).filter(|list| list.reaches(wanted)) {
            return Ok(list);
        }
        // Longer than the page, so that a walk to the end makes it anew a few times only.
        let wanted = if wanted == 0 { 0 } else { wanted.saturating_mul(2).max(LIST_HITS_MIN) };
        let (total, mut hits) = self.searching(query, pins).hits(wanted)?;
        hits.truncate(wanted);
        let list =
            Arc::new(List { sought: Arc::new(sought), total: total as u64, hits: hits.into() });
        self.core.results.put(list.clone());
        Ok(list)
    }

    /// All that match at the pins, of each EJ.
    pub(crate) fn all_at(&self, query: &Query, pins: &Pins) -> Result<Vec<Rids>, SearchError> {
        self.check(pins)?;
        let searching = self.searching(query, pins);
        searching.ejs().map(|(_, ej, pin)| searching.matching(ej, pin)).collect()
    }

    /// Whether the pins can be answered at all.
    fn check(&self, pins: &Pins) -> Result<(), SearchError> {
        for (ej, (_, pin)) in self.views.iter().zip(pins) {
            let inner = ej.inner.read();
            inner.index.check(*pin)?;
            if *pin > inner.applied {
                return Err(SearchError::CursorExpired);
            }
        }
        Ok(())
    }

    fn searching<'a>(&'a self, query: &'a Query, pins: &'a Pins) -> Searching<'a> {
        let folds_left = Cell::new(self.core.settings.history_folds_max);
        Searching { scope: self, query, pins, folds_left }
    }

    pub(crate) fn load(&self, ej: &Ej, at: RecordRef) -> Result<Record, SearchError> {
        ej.record(at).map_err(|error| {
            self.core.lost(&error);
            SearchError::Lost { ej: ej.id }
        })
    }
}

impl Searching<'_> {
    /// How many records match, and the first of them in order: `wanted`, or some more.
    fn hits(&self, wanted: usize) -> Result<(usize, Vec<Hit>), SearchError> {
        let sort = &self.query.sort;
        if let Some(span) = self.countable() {
            let total = self.counted(&span)?;
            let hits = if wanted == 0 {
                Vec::new()
            } else if sort.is_empty() {
                self.first(&span, wanted)?
            } else {
                self.ordered(&Members::All, sort, wanted)?
            };
            return Ok((total, hits));
        }
        let mut matching = Vec::with_capacity(self.pins.len());
        for (_, ej, pin) in self.ejs() {
            matching.push(self.matching(ej, pin)?);
        }
        let members = Members::Some(matching);
        let total = members.len();
        let hits = if wanted == 0 { Vec::new() } else { self.ordered(&members, sort, wanted)? };
        Ok((total, hits))
    }

    /// The span whose rows are the matches, one each, in order of creation: no clause, or one of a
    /// single exact key.
    fn countable(&self) -> Option<Span> {
        match &self.query.clauses[..] {
            [] => Some(whole(Param::All)),
            [clause]
                if self.query.sort.is_empty()
                    && clause.join().is_none()
                    && !clause.is_negated() =>
            {
                let mut all = self.ejs().map(|(_, ej, _)| clause.spans(ej.id));
                let first = all.next()?;
                match first[..] {
                    [span] if span.exact && span.from == span.to && all.all(|own| own == first) => {
                        Some(span)
                    }
                    _ => None,
                }
            }
            _ => None,
        }
    }

    fn counted(&self, span: &Span) -> Result<usize, SearchError> {
        let mut total = 0;
        for (_, ej, pin) in self.ejs() {
            total += count_at(ej, self.query.record_type, span, pin)?;
        }
        Ok(total)
    }
}
