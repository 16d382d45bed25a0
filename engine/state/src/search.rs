//! Search at a pin: exactly the records whose rows matched then, in an order that the pin fixes.
//!
//! The first page pins each EJ at what is published; the cursor carries the pins, how much was
//! served, and the total. The list of a pinned search never changes, so that it may be kept
//! between pages or worked out again:
//! - the clause with the fewest rows gives the candidates, the others narrow them down;
//! - rows of spans that are not exact are verified against the record as it was at the pin;
//! - order is creation (EJ, then `rid`), or the sort key, then EJ and `rid`.
//!
//! A record that changed after the pin is shown as it is now; membership and order stay.

use std::collections::HashMap;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use sluice_ids::{EjId, Seq};
use sluice_mappings::records::{Record, RecordType};
use sluice_mappings::search::{Clause, KEY_BYTES, Key, Param, Query, SortKey, Span};

use crate::ej::{Ej, RecordRef};
use crate::index::{Forgotten, Row};
use crate::view::Scope;

/// Rows looked at before the lock is let go of for a moment.
const SLICE_ROWS: usize = 4_096;
/// Up to so many candidates are probed one by one rather than by walking a whole span.
const PROBES_MAX: usize = 64;
/// Tries of a first page whose records change while they are verified.
const FIRST_TRIES_MAX: u32 = 8;

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
    /// The pin is older than what is remembered (or younger than what is folded again after a
    /// restart): start anew.
    #[error("the search can no longer be continued; it must be started anew")]
    CursorExpired,
    #[error("the cursor belongs to another search or to other rights")]
    CursorForeign,
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
        let (pins, served, hits) = match &page.after {
            None => {
                let (pins, hits) = self.first_hits(query)?;
                (pins, 0, hits)
            }
            Some(cursor) => {
                let same_ejs = cursor.pins.iter().map(|(ej, _)| ej).eq(self.ejs());
                if cursor.filter_hash != query.hash() || !same_ejs {
                    return Err(SearchError::CursorForeign);
                }
                let hits = self.hits(query, &cursor.pins)?;
                (cursor.pins.clone(), cursor.served, hits)
            }
        };
        let total = hits.len() as u64;
        let start = usize::try_from(served).unwrap_or(usize::MAX).min(hits.len());
        let end = start.saturating_add(page.count as usize).min(hits.len());
        let mut records = Vec::with_capacity(end - start);
        for (ej, rid) in &hits[start..end] {
            let ej = &self.views[usize::from(*ej)];
            let record = self.load(ej, RecordRef { ty: query.record_type, rid: *rid })?;
            records.push((ej.id, record));
        }
        let next = (end < hits.len()).then(|| Cursor {
            pins,
            served: end as u64,
            filter_hash: query.hash(),
            total,
        });
        Ok(Page { records, total, next })
    }

    /// Pins at what is published, and again where the feed overtook the verification.
    fn first_hits(&self, query: &Query) -> Result<(Pins, Arc<[Hit]>), SearchError> {
        let mut tries = 0;
        loop {
            let pins: Pins = self.views.iter().map(|ej| (ej.id, ej.inner.read().applied)).collect();
            match self.hits(query, &pins) {
                Ok(hits) => return Ok((pins, hits)),
                Err(SearchError::CursorExpired) if tries < FIRST_TRIES_MAX => tries += 1,
                Err(error) => return Err(error),
            }
        }
    }

    pub(crate) fn hits(
        &self,
        query: &Query,
        pins: &[(EjId, Seq)],
    ) -> Result<Arc<[Hit]>, SearchError> {
        for (ej, (_, pin)) in self.views.iter().zip(pins) {
            let inner = ej.inner.read();
            inner.index.check(*pin)?;
            if *pin > inner.applied {
                return Err(SearchError::CursorExpired);
            }
        }
        let kept = self.core.results.get(query.record_type, query.hash(), pins);
        if let Some(hits) = kept {
            return Ok(hits);
        }
        let mut hits: Vec<Hit> = Vec::new();
        for (number, (ej, (_, pin))) in self.views.iter().zip(pins).enumerate() {
            let number = u16::try_from(number).expect("fewer EJs than u16 holds");
            let rids = self.matching(ej, query, *pin)?;
            hits.extend(rids.into_iter().map(|rid| (number, rid)));
        }
        if let Some(sort) = query.sort {
            self.sort(query.record_type, sort, pins, &mut hits)?;
        }
        let hits: Arc<[Hit]> = hits.into();
        self.core.results.put(query.record_type, query.hash(), pins, hits.clone());
        Ok(hits)
    }

    /// The `rid`s that match at `pin`, ascending.
    fn matching(&self, ej: &Ej, query: &Query, pin: Seq) -> Result<Vec<u32>, SearchError> {
        let ty = query.record_type;
        if query.clauses.is_empty() {
            let all = found(ej, ty, &[whole(Param::All)], pin)?;
            return Ok(all.0.into_iter().map(|(rid, _)| rid).collect());
        }
        let mut clauses: Vec<(&Clause, Vec<Span>)> =
            query.clauses.iter().map(|clause| (clause, clause.spans())).collect();
        clauses.sort_by_cached_key(|(_, spans)| estimate(ej, ty, spans));
        let mut rids: Vec<u32> = Vec::new();
        let mut founds: Vec<(&Clause, Found)> = Vec::with_capacity(clauses.len());
        for (number, (clause, spans)) in clauses.iter().enumerate() {
            if number == 0 {
                let start = found(ej, ty, spans, pin)?;
                rids.extend(start.0.iter().map(|(rid, _)| rid));
                founds.push((*clause, start));
                continue;
            }
            if rids.is_empty() {
                break;
            }
            let few = rids.len() <= PROBES_MAX && spans.iter().all(|s| s.from == s.to);
            let other =
                if few { probed(ej, ty, spans, &rids, pin)? } else { found(ej, ty, spans, pin)? };
            rids.retain(|rid| other.unsure(*rid).is_some());
            founds.push((*clause, other));
        }
        let mut verified = Vec::with_capacity(rids.len());
        for rid in rids {
            let doubts: Vec<&Clause> = founds
                .iter()
                .filter(|(_, found)| found.unsure(rid) == Some(true))
                .map(|(clause, _)| *clause)
                .collect();
            if !doubts.is_empty() {
                let record = self.record_at(ej, RecordRef { ty, rid }, pin)?;
                if !doubts.iter().all(|clause| clause.matches(ej.id, &record)) {
                    continue;
                }
            }
            verified.push(rid);
        }
        Ok(verified)
    }

    /// The record as it was at `pin`.
    fn record_at(&self, ej: &Ej, at: RecordRef, pin: Seq) -> Result<Record, SearchError> {
        let record = self.load(ej, at)?;
        if record.stamp().version <= pin {
            return Ok(record);
        }
        let packed = ej.inner.read().versions.at(at, pin).ok_or(SearchError::CursorExpired)?;
        packed.record(at.ty).map_err(|_| SearchError::Lost { ej: ej.id })
    }

    fn load(&self, ej: &Ej, at: RecordRef) -> Result<Record, SearchError> {
        ej.record(at).map_err(|error| {
            self.core.lost(&error);
            SearchError::Lost { ej: ej.id }
        })
    }

    fn sort(
        &self,
        ty: RecordType,
        sort: SortKey,
        pins: &[(EjId, Seq)],
        hits: &mut [Hit],
    ) -> Result<(), SearchError> {
        let mut keys: HashMap<Hit, Key> = HashMap::with_capacity(hits.len());
        for (number, (ej, (_, pin))) in self.views.iter().zip(pins).enumerate() {
            let number = u16::try_from(number).expect("fewer EJs than u16 holds");
            let span = whole(sort.param);
            let rows = rows_at(ej, ty, &span, *pin)?;
            for row in rows {
                let key = keys.entry((number, row.rid())).or_insert_with(|| row.key());
                // Rows come in ascending order: the first is the lowest, the last the highest.
                if sort.descending {
                    *key = row.key();
                }
            }
        }
        hits.sort_by(|a, b| {
            let order = match (keys.get(a), keys.get(b)) {
                (Some(a), Some(b)) if sort.descending => b.cmp(a),
                (Some(a), Some(b)) => a.cmp(b),
                (a, b) => b.is_some().cmp(&a.is_some()),
            };
            order.then(a.cmp(b))
        });
        Ok(())
    }
}

/// What a clause's spans gave: `rid`s, ascending, each with whether it has yet to be verified.
struct Found(Vec<(u32, bool)>);

impl Found {
    fn new(mut rids: Vec<(u32, bool)>) -> Self {
        // `false` sorts first: one row in an exact span is enough.
        rids.sort_unstable();
        rids.dedup_by_key(|(rid, _)| *rid);
        Self(rids)
    }

    /// Whether `rid` is unsure; `None` where it is not among them.
    fn unsure(&self, rid: u32) -> Option<bool> {
        let at = self.0.binary_search_by_key(&rid, |(rid, _)| *rid).ok()?;
        Some(self.0[at].1)
    }
}

const fn whole(param: Param) -> Span {
    Span { param, from: [0; KEY_BYTES], to: [0xff; KEY_BYTES], exact: true }
}

fn bounds(ty: RecordType, span: &Span) -> (Row, Row) {
    (Row::new(ty, span.param, &span.from, 0), Row::new(ty, span.param, &span.to, u32::MAX))
}

fn found(ej: &Ej, ty: RecordType, spans: &[Span], pin: Seq) -> Result<Found, Forgotten> {
    let mut rids = Vec::new();
    for span in spans {
        rids.extend(rows_at(ej, ty, span, pin)?.into_iter().map(|row| (row.rid(), !span.exact)));
    }
    Ok(Found::new(rids))
}

fn probed(
    ej: &Ej,
    ty: RecordType,
    spans: &[Span],
    rids: &[u32],
    pin: Seq,
) -> Result<Found, Forgotten> {
    let mut found = Vec::new();
    let inner = ej.inner.read();
    for span in spans {
        for rid in rids {
            if inner.index.contains_at(Row::new(ty, span.param, &span.from, *rid), pin)? {
                found.push((*rid, !span.exact));
            }
        }
    }
    Ok(Found::new(found))
}

/// The rows of a span at `pin`, in order; the lock is taken slice by slice.
fn rows_at(ej: &Ej, ty: RecordType, span: &Span, pin: Seq) -> Result<Vec<Row>, Forgotten> {
    let (mut from, to) = bounds(ty, span);
    let mut rows = Vec::new();
    while let Some(next) = ej.inner.read().index.slice_at(pin, from, to, SLICE_ROWS, &mut rows)? {
        from = next;
    }
    Ok(rows)
}

/// How many rows the spans have, up to a slice each: enough to tell few from many.
fn estimate(ej: &Ej, ty: RecordType, spans: &[Span]) -> usize {
    let inner = ej.inner.read();
    let count = |span: &Span| {
        let (from, to) = bounds(ty, span);
        inner.index.count_up_to(from, to, SLICE_ROWS)
    };
    spans.iter().map(count).sum()
}
