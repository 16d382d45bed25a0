//! Which records match at a pin: the clause with the fewest rows gives the candidates, the others
//! narrow them down, by whichever way looks at least:
//! - a walk of its rows;
//! - a probe for each candidate, where its spans are single keys;
//! - the candidates' records, where they are few and the rows are many (`patient=…&date=ge2020`).
//!
//! Rows of spans that are not exact are verified against the record as it was at the pin.

use std::cell::Cell;

use sluice_ids::{EjId, Seq};
use sluice_mappings::records::{Record, RecordType};
use sluice_mappings::search::{Clause, KEY_BYTES, Param, Query, Span};

use crate::ej::{Ej, RecordRef};
use crate::index::{Forgotten, Range, Row};
use crate::rids::Rids;
use crate::search::SearchError;
use crate::view::Scope;

/// Rows looked at before the lock is let go of for a moment.
const SLICE_ROWS: usize = 4_096;
/// A probe costs as much as a walk of so many rows.
const ROWS_PER_PROBE: usize = 64;
/// To read a record costs as much as a walk of so many rows, most of the time.
pub(crate) const ROWS_PER_RECORD: usize = 2_048;

/// One search at its pins.
pub(crate) struct Searching<'a> {
    pub(crate) scope: &'a Scope,
    pub(crate) query: &'a Query,
    pub(crate) pins: &'a [(EjId, Seq)],
    /// Records that may yet be folded again from the journal.
    pub(crate) folds_left: Cell<u32>,
}

/// How a record is got as it was.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Recall {
    /// From memory alone.
    AtHand,
    /// Folded again from the journal, if need be.
    Folded,
}

impl Searching<'_> {
    /// Every EJ that is searched, with its place and its pin.
    pub(crate) fn ejs(&self) -> impl Iterator<Item = (u16, &Ej, Seq)> {
        let numbered = (0_u16..).zip(self.scope.views.iter().zip(self.pins));
        numbered.map(|(number, (ej, (_, pin)))| (number, &**ej, *pin))
    }

    /// The `rid`s that match in an EJ.
    pub(crate) fn matching(&self, ej: &Ej, pin: Seq) -> Result<Rids, SearchError> {
        match self.matching_by(ej, pin, Recall::AtHand) {
            Err(SearchError::CursorExpired) => self.matching_by(ej, pin, Recall::Folded),
            other => other,
        }
    }

    fn matching_by(&self, ej: &Ej, pin: Seq, recall: Recall) -> Result<Rids, SearchError> {
        let ty = self.query.record_type;
        let mut all: Vec<Clause> = Vec::with_capacity(self.query.clauses.len());
        for clause in &self.query.clauses {
            all.push(self.joined(ej, clause, pin)?);
        }
        if all.is_empty() {
            return Ok(Rids::new(found(ej, ty, &[whole(Param::All)], pin)?.all()));
        }
        let mut clauses: Vec<(&Clause, Vec<Span>, usize)> = Vec::new();
        for clause in &all {
            let spans = clause.spans(ej.id);
            let rows = count(ej, ty, &spans);
            clauses.push((clause, spans, rows));
        }
        // Those that leave out come last, and never begin.
        clauses.sort_by_key(|(clause, _, rows)| (clause.is_negated(), *rows));
        let mut rids: Option<Vec<u32>> = None;
        if clauses.first().is_some_and(|(clause, ..)| clause.is_negated()) {
            rids = Some(found(ej, ty, &[whole(Param::All)], pin)?.all());
        }
        let mut founds: Vec<(&Clause, Found)> = Vec::with_capacity(clauses.len());
        for (clause, spans, rows) in &clauses {
            let candidates = rids.as_ref().map_or(usize::MAX, Vec::len);
            let point = spans.iter().all(|span| span.from == span.to);
            let other = if point && candidates.saturating_mul(ROWS_PER_PROBE) < *rows {
                probed(ej, ty, spans, rids.as_deref().unwrap_or_default(), pin)?
            } else if recall == Recall::AtHand && candidates.saturating_mul(ROWS_PER_RECORD) < *rows
            {
                Found::Unknown
            } else {
                found(ej, ty, spans, pin)?
            };
            match &mut rids {
                None => rids = Some(other.all()),
                Some(rids) if clause.is_negated() => {
                    rids.retain(|rid| other.unsure(*rid) != Some(false));
                }
                Some(rids) => rids.retain(|rid| other.unsure(*rid).is_some()),
            }
            founds.push((*clause, other));
            if rids.as_ref().is_some_and(Vec::is_empty) {
                break;
            }
        }
        let mut rids = rids.unwrap_or_default();
        founds.retain(|(_, found)| found.has_doubts());
        if !founds.is_empty() {
            let limit = self.scope.core.settings.verified_records_max;
            let mut looked_at = 0_u64;
            let mut verified = Vec::with_capacity(rids.len());
            for rid in rids {
                looked_at += u64::from(founds.iter().any(|(_, one)| one.unsure(rid) == Some(true)));
                if looked_at > limit {
                    return Err(SearchError::VerifiedTooMany { limit });
                }
                if self.verified(ej, rid, pin, &founds, recall)? {
                    verified.push(rid);
                }
            }
            rids = verified;
        }
        Ok(Rids::new(rids))
    }

    fn verified(
        &self,
        ej: &Ej,
        rid: u32,
        pin: Seq,
        founds: &[(&Clause, Found)],
        recall: Recall,
    ) -> Result<bool, SearchError> {
        let mut doubts = founds.iter().filter(|(_, found)| found.unsure(rid) == Some(true));
        let Some(first) = doubts.next() else { return Ok(true) };
        let at = RecordRef { ty: self.query.record_type, rid };
        let record = self.record_at(ej, at, pin, recall)?;
        Ok(!record.stamp().gone
            && std::iter::once(first)
                .chain(doubts)
                .all(|(clause, _)| clause.matches(ej.id, &record)))
    }

    /// The record as it was at `pin`.
    pub(crate) fn record_at(
        &self,
        ej: &Ej,
        at: RecordRef,
        pin: Seq,
        recall: Recall,
    ) -> Result<Record, SearchError> {
        let record = self.scope.load(ej, at)?;
        if record.stamp().version <= pin {
            return Ok(record);
        }
        let packed = ej.inner.read().versions.at(at, pin);
        if let Some(packed) = packed {
            return packed.record(at.ty).map_err(|_| SearchError::Lost { ej: ej.id });
        }
        let left = self.folds_left.get();
        let past = self.scope.past.as_ref().filter(|_| recall == Recall::Folded && left > 0);
        let past = past.ok_or(SearchError::CursorExpired)?;
        self.folds_left.set(left - 1);
        past.at(ej.id, at.ty, record.id(), pin).ok_or(SearchError::CursorExpired)
    }
}

/// What a clause's spans gave.
enum Found {
    /// Of some, whether they match has yet to be verified.
    Rows { sure: Rids, unsure: Rids },
    /// Nothing was looked at: the records tell.
    Unknown,
}

impl Found {
    fn all(&self) -> Vec<u32> {
        match self {
            Self::Rows { sure, unsure } if unsure.len() == 0 => sure.iter().collect(),
            Self::Rows { sure, unsure } => {
                Rids::new(sure.iter().chain(unsure.iter()).collect()).iter().collect()
            }
            Self::Unknown => Vec::new(),
        }
    }

    /// Whether `rid` is unsure; `None` where it is not among them. One row in an exact span is
    /// enough.
    fn unsure(&self, rid: u32) -> Option<bool> {
        match self {
            Self::Rows { sure, .. } if sure.contains(rid) => Some(false),
            Self::Rows { unsure, .. } => unsure.contains(rid).then_some(true),
            Self::Unknown => Some(true),
        }
    }

    const fn has_doubts(&self) -> bool {
        match self {
            Self::Rows { unsure, .. } => unsure.len() > 0,
            Self::Unknown => true,
        }
    }
}

pub(crate) const fn whole(param: Param) -> Span {
    Span { param, from: [0; KEY_BYTES], to: [0xff; KEY_BYTES], exact: true }
}

fn bounds(ty: RecordType, span: &Span) -> (Row, Row) {
    (Row::new(ty, span.param, &span.from, 0), Row::new(ty, span.param, &span.to, u32::MAX))
}

fn found(ej: &Ej, ty: RecordType, spans: &[Span], pin: Seq) -> Result<Found, Forgotten> {
    let (mut sure, mut unsure) = (Vec::new(), Vec::new());
    for span in spans {
        let rids = if span.exact { &mut sure } else { &mut unsure };
        let mut walk = Walk::new(ej, ty, span, pin, false);
        while let Some(row) = walk.next()? {
            rids.push(row.rid());
        }
    }
    Ok(Found::Rows { sure: Rids::new(sure), unsure: Rids::new(unsure) })
}

fn probed(
    ej: &Ej,
    ty: RecordType,
    spans: &[Span],
    rids: &[u32],
    pin: Seq,
) -> Result<Found, Forgotten> {
    let (mut sure, mut unsure) = (Vec::new(), Vec::new());
    let inner = ej.inner.read();
    for span in spans {
        for rid in rids {
            if inner.index.contains_at(Row::new(ty, span.param, &span.from, *rid), pin)? {
                if span.exact { &mut sure } else { &mut unsure }.push(*rid);
            }
        }
    }
    Ok(Found::Rows { sure: Rids::new(sure), unsure: Rids::new(unsure) })
}

/// How many rows the spans have now: what a walk of them costs.
pub(crate) fn count(ej: &Ej, ty: RecordType, spans: &[Span]) -> usize {
    let inner = ej.inner.read();
    let count = |span: &Span| {
        let (from, to) = bounds(ty, span);
        inner.index.count(from, to)
    };
    spans.iter().map(count).sum()
}

/// How many rows a span had at `pin`.
pub(crate) fn count_at(ej: &Ej, ty: RecordType, span: &Span, pin: Seq) -> Result<usize, Forgotten> {
    let (from, to) = bounds(ty, span);
    ej.inner.read().index.count_at(pin, from, to)
}

/// The rows of a span at a pin, in order; the lock is taken slice by slice.
pub(crate) struct Walk<'a> {
    ej: &'a Ej,
    pin: Seq,
    rest: Option<Range>,
    slice: Vec<Row>,
    at: usize,
}

impl<'a> Walk<'a> {
    pub(crate) fn new(ej: &'a Ej, ty: RecordType, span: &Span, pin: Seq, descending: bool) -> Self {
        let (from, to) = bounds(ty, span);
        Self { ej, pin, rest: Some(Range { from, to, descending }), slice: Vec::new(), at: 0 }
    }

    /// The row that comes next, which stays the next one.
    pub(crate) fn peek(&mut self) -> Result<Option<Row>, Forgotten> {
        while self.at == self.slice.len() {
            let Some(range) = self.rest else { return Ok(None) };
            self.slice.clear();
            self.at = 0;
            let inner = self.ej.inner.read();
            self.rest = inner.index.slice_at(self.pin, range, SLICE_ROWS, &mut self.slice)?;
        }
        Ok(self.slice.get(self.at).copied())
    }

    pub(crate) fn next(&mut self) -> Result<Option<Row>, Forgotten> {
        let row = self.peek()?;
        self.at += usize::from(row.is_some());
        Ok(row)
    }
}
