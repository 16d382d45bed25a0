//! The live rows of an index, in order: chunks of some hundred rows side by side.
//!
//! - A range is counted by its chunks, a step for some hundred rows.
//! - A walk goes through memory in order; a row takes 16 bytes, and about 2 for its chunk.

use std::collections::BTreeMap;

use crate::index::Row;

/// A chunk over this is halved: an insertion moves half of it, 4 KiB, on average.
const CHUNK_ROWS_MAX: usize = 512;
/// A chunk under this is joined to the one before, where there is room.
const CHUNK_ROWS_MIN: usize = CHUNK_ROWS_MAX / 8;
/// Of a chunk that was loaded in bulk: what comes next finds room in it.
const CHUNK_ROWS_LOADED: usize = CHUNK_ROWS_MAX * 3 / 4;
/// By how much a chunk's memory grows.
const CHUNK_ROWS_STEP: usize = 64;

/// A set of rows.
#[derive(Default)]
pub(crate) struct Rows {
    /// By the lowest row that belongs in it; the first one's is [`Row::LOWEST`].
    chunks: BTreeMap<Row, Vec<Row>>,
    len: usize,
}

impl Rows {
    /// `rows`: sorted; one that stands twice is taken once.
    pub(crate) fn load(mut rows: Vec<Row>) -> Self {
        rows.dedup();
        let keyed = rows.chunks(CHUNK_ROWS_LOADED).enumerate().map(|(at, chunk)| {
            let lowest = if at == 0 { Row::LOWEST } else { chunk[0] };
            (lowest, chunk.to_vec())
        });
        Self { chunks: keyed.collect(), len: rows.len() }
    }

    pub(crate) const fn len(&self) -> usize {
        self.len
    }

    /// `false`: it was there.
    pub(crate) fn insert(&mut self, row: Row) -> bool {
        let Some((_, chunk)) = self.chunks.range_mut(..=row).next_back() else {
            self.chunks.insert(Row::LOWEST, vec![row]);
            self.len += 1;
            return true;
        };
        let Err(at) = chunk.binary_search(&row) else { return false };
        if chunk.len() == chunk.capacity() {
            chunk.reserve_exact(CHUNK_ROWS_STEP);
        }
        chunk.insert(at, row);
        if chunk.len() > CHUNK_ROWS_MAX {
            let upper = chunk.split_off(CHUNK_ROWS_MAX / 2);
            chunk.shrink_to(CHUNK_ROWS_MAX / 2 + CHUNK_ROWS_STEP);
            self.chunks.insert(upper[0], upper);
        }
        self.len += 1;
        true
    }

    /// `false`: it was not there.
    pub(crate) fn remove(&mut self, row: &Row) -> bool {
        let Some((lowest, chunk)) = self.chunks.range_mut(..=row).next_back() else {
            return false;
        };
        let Ok(at) = chunk.binary_search(row) else { return false };
        chunk.remove(at);
        let lowest = *lowest;
        if chunk.len() < CHUNK_ROWS_MIN && lowest != Row::LOWEST {
            self.join(lowest);
        }
        self.len -= 1;
        true
    }

    /// Adds a chunk to the one before it.
    fn join(&mut self, lowest: Row) {
        let Some(chunk) = self.chunks.remove(&lowest) else { return };
        if let Some((_, before)) = self.chunks.range_mut(..lowest).next_back()
            && before.len() + chunk.len() <= CHUNK_ROWS_LOADED
        {
            before.reserve_exact(chunk.len());
            before.extend(chunk);
        } else if !chunk.is_empty() {
            self.chunks.insert(lowest, chunk);
        }
    }

    pub(crate) fn contains(&self, row: &Row) -> bool {
        let chunk = self.chunks.range(..=row).next_back();
        chunk.is_some_and(|(_, chunk)| chunk.binary_search(row).is_ok())
    }

    /// How many rows lie in `from..=to`.
    pub(crate) fn count(&self, from: Row, to: Row) -> usize {
        self.parts(from, to).map(<[Row]>::len).sum()
    }

    pub(crate) fn range(&self, from: Row, to: Row) -> impl DoubleEndedIterator<Item = Row> + '_ {
        self.parts(from, to).flatten().copied()
    }

    /// What each chunk has of `from..=to`.
    fn parts(&self, from: Row, to: Row) -> impl DoubleEndedIterator<Item = &[Row]> {
        let first = self.chunks.range(..=from).next_back().map_or(from, |(lowest, _)| *lowest);
        let chunks = (first <= to).then(|| self.chunks.range(first..=to));
        chunks.into_iter().flatten().map(move |(lowest, chunk)| {
            let start = if *lowest < from { chunk.partition_point(|row| *row < from) } else { 0 };
            let within = chunk.last().is_none_or(|last| *last <= to);
            let end = if within { chunk.len() } else { chunk.partition_point(|row| *row <= to) };
            chunk.get(start..end).unwrap_or_default()
        })
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;
    use sluice_mappings::records::RecordType;
    use sluice_mappings::search::Param;

    use super::*;

    fn row(number: u32) -> Row {
        Row::new(RecordType::Patient, Param::All, &Default::default(), number)
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 24, failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn it_holds_what_a_set_does(
            loaded in 0..3_000_u32, seed: u64, from in 0..6_000_u32, width in 0..6_000_u32,
        ) {
            let mut model: BTreeSet<Row> = (0..loaded).map(|n| row(n * 2)).collect();
            let mut rows = Rows::load(model.iter().copied().collect());
            let mut dice = seed;
            for step in 0..12_000_u32 {
                dice = dice.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
                // Long runs of one kind, so that chunks are halved and joined.
                let one = row((dice >> 33) as u32 % 6_000);
                if step / 3_000 % 2 == 0 {
                    prop_assert_eq!(rows.insert(one), model.insert(one));
                } else {
                    prop_assert_eq!(rows.remove(&one), model.remove(&one));
                }
                prop_assert_eq!(rows.contains(&one), model.contains(&one));
            }
            let (from, to) = (row(from), row(from + width));
            prop_assert_eq!(rows.len(), model.len());
            prop_assert_eq!(rows.count(from, to), model.range(from..=to).count());
            prop_assert!(rows.range(from, to).eq(model.range(from..=to).copied()));
            prop_assert!(rows.range(from, to).rev().eq(model.range(from..=to).rev().copied()));
            for one in model {
                prop_assert!(rows.remove(&one));
            }
            prop_assert_eq!(rows.len(), 0);
            prop_assert!(rows.insert(to) && rows.contains(&to));
        }
    }
}
