//! Reading: from memory near the end, else from the segment with every byte checked.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use bytes::Bytes;
use sluice_ids::{EjId, Seq};

use crate::disk::read_range;
use crate::examine::examine;
use crate::format::{Parsed, RECORD_HEADER_BYTES, RecordMeta, parse_header, parse_record};
use crate::port::{Entry, ReadError, Reader, Record};
use crate::segment::Segment;
use crate::shared::{EjState, Shared};

/// How much of a segment is read at once where records are read in a row.
const READ_AHEAD_BYTES: usize = 256 * 1024;
/// How many records are looked up at once.
const LOOK_UP_RECORDS: usize = 256;
/// What one record alone usually fits into.
const ONE_RECORD_BYTES: usize = 8 * 1024;

pub struct EmbeddedReader {
    shared: Arc<Shared>,
    ej: EjId,
    next: u64,
    ready: VecDeque<Record>,
}

impl EmbeddedReader {
    pub fn new(shared: Arc<Shared>, ej: EjId, from: Seq) -> Self {
        Self { shared, ej, next: from.get().max(1), ready: VecDeque::new() }
    }
}

impl Reader for EmbeddedReader {
    fn next(&mut self) -> Result<Option<Record>, ReadError> {
        if self.ready.is_empty() {
            let Some(state) = self.shared.ej(self.ej) else { return Ok(None) };
            let ahead = Ahead { records: LOOK_UP_RECORDS, bytes: READ_AHEAD_BYTES };
            self.ready = fetch(&self.shared, &state, self.next, ahead)?;
        }
        let record = self.ready.pop_front();
        if let Some(record) = &record {
            self.next = record.seq.get() + 1;
        }
        Ok(record)
    }
}

/// The record with exactly that `Seq`.
pub fn get(shared: &Shared, ej: EjId, seq: Seq) -> Result<Option<Record>, ReadError> {
    let Some(state) = shared.ej(ej) else { return Ok(None) };
    if seq == Seq::ZERO || seq.get() > state.durable() {
        return Ok(None);
    }
    let ahead = Ahead { records: 1, bytes: ONE_RECORD_BYTES };
    let found = fetch(shared, &state, seq.get(), ahead)?;
    Ok(found.into_iter().next().filter(|record| record.seq == seq))
}

#[derive(Clone, Copy)]
struct Ahead {
    records: usize,
    bytes: usize,
}

/// The records from `from` on: some of them, none at the durable end.
fn fetch(
    shared: &Shared,
    state: &EjState,
    from: u64,
    ahead: Ahead,
) -> Result<VecDeque<Record>, ReadError> {
    let released = state.released.load(Ordering::Acquire);
    if from <= released {
        let oldest = Seq::new(released + 1);
        return Err(ReadError::Released { ej: state.ej, asked: Seq::new(from), oldest });
    }
    let found = state.places(shared, from, ahead.records).map_err(|source| ReadError::Io {
        segment: 0,
        offset: 0,
        source,
    })?;
    let until = found.as_ref().map_or(u64::MAX, |(_, places)| places[0].0);
    if let Some(id) = shared.damages.between(state.ej, from, until) {
        return Err(ReadError::Damaged { segment: id.segment, offset: id.offset });
    }
    let Some((segment, places)) = found else { return Ok(VecDeque::new()) };
    // A jump in `Seq` may be damage: the next call looks at it first.
    let in_a_row = places.windows(2).take_while(|w| w[1].0 == w[0].0 + 1).count() + 1;
    let places = &places[..in_a_row];
    if let Some(group) = shared.tail.from(segment.number, places[0].1) {
        return Ok(from_memory(&segment, &group, places));
    }
    from_disk(shared, &segment, state.ej, places, ahead.bytes)
}

fn from_memory(segment: &Segment, group: &Bytes, places: &[(u64, u64)]) -> VecDeque<Record> {
    let begin = places[0].1;
    places
        .iter()
        .map_while(|(_, offset)| {
            let bytes = group.get((offset - begin) as usize..)?;
            let meta = parse_header(bytes, segment.salt)?;
            Some(record(&meta, group, (offset - begin) as usize))
        })
        .collect()
}

fn from_disk(
    shared: &Shared,
    segment: &Arc<Segment>,
    ej: EjId,
    places: &[(u64, u64)],
    bytes_ahead: usize,
) -> Result<VecDeque<Record>, ReadError> {
    let number = segment.number;
    let begin = places[0].1;
    let read = |bytes| {
        read_range(&*segment.file, begin, bytes).map_err(|source| ReadError::Io {
            segment: number,
            offset: begin,
            source,
        })
    };
    let mut chunk = read(bytes_ahead.min((segment.end() - begin) as usize))?;
    let first = parse_header(&chunk, segment.salt);
    if let Some(meta) = first.filter(|meta| meta.frame_bytes() > chunk.len()) {
        chunk = read(meta.frame_bytes().min((segment.end() - begin) as usize))?;
    }
    let chunk = Bytes::from(chunk);
    let mut records = VecDeque::with_capacity(places.len());
    for (seq, offset) in places {
        let at = (offset - begin) as usize;
        let Some(bytes) = chunk.get(at..) else { break };
        match parse_record(bytes, segment.salt) {
            Parsed::Sound { meta, .. } if meta.ej == ej && meta.seq.get() == *seq => {
                records.push_back(record(&meta, &chunk, at));
            }
            // The first one was read whole, so it is damaged; a later one may be cut by the
            // chunk's end, and is looked at again as the first of the next call.
            _ if records.is_empty() => {
                examine(shared, segment);
                return Err(ReadError::Damaged { segment: number, offset: *offset });
            }
            _ => break,
        }
    }
    Ok(records)
}

/// The record at `at` of `bytes`, its payload a slice of them.
pub fn record(meta: &RecordMeta, bytes: &Bytes, at: usize) -> Record {
    Record {
        lsn: meta.lsn,
        seq: meta.seq,
        entry: Entry {
            kind: meta.kind,
            flags: meta.flags,
            verdict: meta.verdict,
            ej: meta.ej,
            channel: meta.channel,
            received_at: meta.received_at,
            key: meta.key,
            payload: bytes.slice(at + RECORD_HEADER_BYTES..at + meta.len),
        },
    }
}

/// The record at `offset` of `segment`, wherever its bytes are.
pub fn read_at(shared: &Shared, segment: &Segment, offset: u64) -> Option<Record> {
    if let Some(bytes) = shared.tail.from(segment.number, offset) {
        return parse_header(&bytes, segment.salt).map(|meta| record(&meta, &bytes, 0));
    }
    let mut bytes = read_range(&*segment.file, offset, ONE_RECORD_BYTES).ok()?;
    let meta = parse_header(&bytes, segment.salt)?;
    if meta.frame_bytes() > bytes.len() {
        bytes = read_range(&*segment.file, offset, meta.frame_bytes()).ok()?;
    }
    let bytes = Bytes::from(bytes);
    match parse_record(&bytes, segment.salt) {
        Parsed::Sound { meta, .. } => Some(record(&meta, &bytes, 0)),
        _ => None,
    }
}
