//! Which `Seq`s carry a key.

use sluice_ids::{EjId, Seq};

use crate::port::{KeyIndex, ReadError};
use crate::reader::read_at;
use crate::segment::Segment;
use crate::shared::Shared;

/// How many records' keys are read before they are entered, so that no lock is held meanwhile.
const CATCH_UP_RECORDS: usize = 1024;

pub fn find(shared: &Shared, ej: EjId, index: KeyIndex, hash: u64) -> Result<Vec<Seq>, ReadError> {
    let Some(state) = shared.ej(ej) else { return Ok(Vec::new()) };
    let segments: Vec<_> =
        state.segments.read().iter().map(|(_, s)| std::sync::Arc::clone(s)).collect();
    let mut seqs = Vec::new();
    for segment in segments {
        catch_up(shared, &segment);
        segment.index.read().find(ej, index, hash, &mut seqs);
    }
    seqs.sort_unstable();
    seqs.dedup();
    Ok(seqs.into_iter().map(Seq::new).collect())
}

/// Reads the keys of records that were appended since the last time. They are not read on the
/// way in: an append should not pay for a search that may never come.
pub fn catch_up(shared: &Shared, segment: &Segment) {
    loop {
        let todo = segment.index.read().unkeyed(CATCH_UP_RECORDS);
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
        let mut index = segment.index.write();
        for (ej, seq, keys) in &keys {
            index.push_keys(*ej, *seq, keys);
        }
    }
}
