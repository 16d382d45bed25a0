//! `_sort`: by which rows of the index, and how far text is compared.
//!
//! A record stands by its lowest value of a parameter, by its highest where the order is reversed;
//! one without a value comes last either way. Text that does not fit its row goes on in rows of
//! its own ([`Param::Tail`]), so that names are compared beyond their first 10 bytes without
//! looking at the records.

use sluice_ids::EjId;

use super::key::{self, KEY_BYTES, Key, Span};
use super::params::{Of, param};
use super::rows::texts;
use super::tokens::TokenOf;
use super::values::split;
use super::{Param, Reason, references, rows, text, tokens};
use crate::fhir::FhirVersion;
use crate::records::{Record, RecordType};

/// Most keys of one order.
pub const SORT_KEYS_MAX: usize = 8;

/// How much of a text an order compares: what begins with the same 64 bytes, accents and case set
/// aside, is taken as equal.
const TEXT_BYTES: usize = KEY_BYTES + 9 * TAIL_BYTES;

/// Of a text, what a row of its tail holds.
const TAIL_BYTES: usize = KEY_BYTES - TAIL_HASH_BYTES;
const TAIL_HASH_BYTES: usize = 4;

/// One key of an order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SortKey {
    /// The rows whose order it is.
    pub span: Span,
    pub descending: bool,
}

impl SortKey {
    /// The value by which a record stands, in byte order: of several, the first one in the
    /// direction asked for.
    #[must_use]
    pub fn value(&self, ej: EjId, record: &Record) -> Option<Vec<u8>> {
        if self.is_text() {
            let mut own: Vec<Vec<u8>> = Vec::new();
            texts(record, &mut |param, raw| {
                if param == self.span.param {
                    let mut folded = text::normalise(raw).into_bytes();
                    folded.truncate(TEXT_BYTES);
                    own.push(folded);
                }
            });
            return if self.descending { own.into_iter().max() } else { own.into_iter().min() };
        }
        let mut own = Vec::new();
        rows(ej, record, &mut own);
        let keys = own.into_iter().filter(|(param, key)| self.span.holds(*param, key));
        let keys = keys.map(|(_, key)| key.to_vec());
        if self.descending { keys.max() } else { keys.min() }
    }

    /// The rows that tell apart what begins with `start`, a text of whole rows; `None` where
    /// nothing does.
    #[must_use]
    pub fn tail(&self, start: &[u8]) -> Option<Span> {
        let more = self.is_text() && is_full(start) && start.len() < TEXT_BYTES;
        more.then(|| {
            let from = tail_key(self.span.param, start, &[]);
            let mut to = from;
            to[TAIL_HASH_BYTES..].fill(0xff);
            Span::new(Param::Tail, from, to, true)
        })
    }

    /// How a text goes on, as a row of its tail has it.
    #[must_use]
    pub fn tail_text(key: &Key) -> &[u8] {
        &key[TAIL_HASH_BYTES..]
    }

    const fn is_text(&self) -> bool {
        matches!(self.span.param, Param::Family | Param::Given | Param::Name)
    }
}

/// A row's part of a text is padded with zeros, which no text holds.
fn is_full(start: &[u8]) -> bool {
    start.last().is_some_and(|last| *last != 0)
}

/// Appends the rows of a text: its start, and as many more as its order takes.
pub(super) fn text_rows(param: Param, raw: &str, out: &mut Vec<(Param, Key)>) {
    let folded = text::normalise(raw);
    let text = folded.as_bytes();
    out.push((param, key::prefix(text)));
    // One that ends where a row does has an empty tail: it comes before those that go on.
    for at in (KEY_BYTES..TEXT_BYTES).step_by(TAIL_BYTES).take_while(|at| *at <= text.len()) {
        out.push((Param::Tail, tail_key(param, &text[..at], &text[at..])));
    }
}

fn tail_key(param: Param, start: &[u8], rest: &[u8]) -> Key {
    let mut named = vec![param as u8];
    named.extend_from_slice(start);
    let mut tail = Key::default();
    tail[..TAIL_HASH_BYTES].copy_from_slice(&key::fnv64(&named).to_be_bytes()[..TAIL_HASH_BYTES]);
    let bytes = rest.len().min(TAIL_BYTES);
    tail[TAIL_HASH_BYTES..TAIL_HASH_BYTES + bytes].copy_from_slice(&rest[..bytes]);
    tail
}

/// Reads `name,-name…`.
pub(super) fn parse(
    record_type: RecordType,
    version: FhirVersion,
    value: &str,
) -> Result<Vec<SortKey>, Reason> {
    let named = split(value, ',');
    if named.len() > SORT_KEYS_MAX {
        return Err(Reason::TooManyValues { values: named.len(), limit: SORT_KEYS_MAX });
    }
    let mut keys = Vec::with_capacity(named.len());
    for name in named {
        let (descending, name) = name.strip_prefix('-').map_or((false, name), |name| (true, name));
        let spans = spans(record_type, version, name).ok_or(Reason::SortUnsupported)?;
        keys.extend(spans.into_iter().map(|span| SortKey { span, descending }));
    }
    Ok(keys)
}

fn spans(record_type: RecordType, version: FhirVersion, name: &str) -> Option<Vec<Span>> {
    let params: &[Param] = match param(record_type, version, name)?.of {
        Of::Coded(TokenOf::SubjectStatus) => return None,
        Of::Coded(of) => return Some(vec![tokens::whole(of)]),
        Of::Refers(of) => return Some(vec![references::whole(of)]),
        Of::Id => &[Param::Id],
        Of::LastUpdated => &[Param::LastUpdated],
        Of::Family => &[Param::Family],
        Of::Given => &[Param::Given],
        Of::Name => &[Param::Name],
        Of::PersonName => &[Param::Family, Param::Given],
        Of::BirthDate => &[Param::BirthDate],
        Of::Gender => &[Param::Gender],
        Of::Active => &[Param::Active],
        Of::Patient => &[Param::Patient],
        Of::Status => &[Param::Status],
        Of::Class => &[Param::Class],
        Of::Period => &[Param::PeriodStart],
        Of::Places => &[Param::Location],
        // Identifiers are hashed: their order would be none.
        _ => return None,
    };
    Some(params.iter().map(|param| Span::whole(*param, true)).collect())
}
