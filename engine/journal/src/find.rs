//! Which `Seq`s carry a key.

use std::sync::Arc;

use sluice_ids::{EjId, Seq};

use crate::port::{KeyIndex, ReadError};
use crate::reader::read_at;
use crate::segment::{Index, Segment};
use crate::shared::Shared;

/// How many records' keys are read before they are entered, so that no lock is held meanwhile.
const CATCH_UP_RECORDS: usize = 1024;

pub fn find(shared: &Shared, ej: EjId, index: KeyIndex, hash: u64) -> Result<Vec<Seq>, ReadError> {
    let Some(state) = shared.ej(ej) else { return Ok(Vec::new()) };
    let segments: Vec<_> = state.segments.read().iter().map(|(_, s)| Arc::clone(s)).collect();
    let mut seqs = Vec::new();
    for segment in segments {
        segment.find(shared, ej, index, hash, &mut seqs).map_err(|source| ReadError::Io {
            segment: segment.number,
            offset: 0,
            source,
        })?;
    }
    seqs.sort_unstable();
    seqs.dedup();
    Ok(seqs.into_iter().map(Seq::new).collect())
}

/// Reads the keys of records that were appended since the last time. They are not read on the
/// way in: an append should not pay for a search that may never come.
pub fn catch_up(shared: &Shared, segment: &Segment) {
    loop {
        let todo = match &*segment.index.read() {
            Index::Memory(live) => live.unkeyed(CATCH_UP_RECORDS),
            Index::Sidecar(_) => return,
        };
        if todo.is_empty() {
            return;
        }
        let keys: Vec<_> = todo
            .into_iter()
            .map(|(ej, seq, offset)| {
                let keys = read_at(shared, segment, offset).map(|r| shared.keys_of(&r));
                (ej, seq, keys.unwrap_or_default())
            })
            .collect();
        if let Index::Memory(live) = &mut *segment.index.write() {
            for (ej, seq, keys) in &keys {
                live.push_keys(*ej, *seq, keys);
            }
        }
    }
}
