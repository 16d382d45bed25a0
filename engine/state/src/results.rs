//! Lists of pinned searches, kept between pages: a pinned list never changes, so that the second
//! page need not work it out again. Bounded by bytes, the oldest goes first.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;

use parking_lot::Mutex;
use sluice_ids::{EjId, Seq};
use sluice_mappings::records::RecordType;

use crate::mix::Mix;
use crate::search::Hit;

/// A search at its pins.
#[derive(PartialEq, Eq, Hash)]
pub(crate) struct Sought {
    pub(crate) ty: RecordType,
    pub(crate) filter_hash: u64,
    pub(crate) pins: Vec<(EjId, Seq)>,
}

/// What it found.
pub(crate) struct List {
    pub(crate) sought: Arc<Sought>,
    pub(crate) total: u64,
    /// The first of them, in order.
    pub(crate) hits: Box<[Hit]>,
}

impl List {
    /// Whether it tells the first `wanted`.
    pub(crate) fn reaches(&self, wanted: usize) -> bool {
        self.hits.len() >= wanted || self.hits.len() as u64 == self.total
    }

    fn bytes(&self) -> usize {
        256 + size_of_val(&*self.hits) + size_of_val(&*self.sought.pins)
    }
}

pub(crate) struct Results {
    bytes_max: usize,
    kept: Mutex<Kept>,
}

#[derive(Default)]
struct Kept {
    bytes: usize,
    lists: HashMap<Arc<Sought>, Arc<List>, Mix>,
    /// The oldest first.
    order: VecDeque<Arc<Sought>>,
}

impl Results {
    pub(crate) fn new(bytes_max: u64) -> Self {
        let bytes_max = usize::try_from(bytes_max).unwrap_or(usize::MAX);
        Self { bytes_max, kept: Mutex::default() }
    }

    pub(crate) fn get(&self, sought: &Sought) -> Option<Arc<List>> {
        self.kept.lock().lists.get(sought).cloned()
    }

    /// Takes the place, and the age, of a shorter one of the same search.
    pub(crate) fn put(&self, list: Arc<List>) {
        let mut kept = self.kept.lock();
        kept.bytes += list.bytes();
        match kept.lists.insert(list.sought.clone(), list.clone()) {
            Some(shorter) => kept.bytes -= shorter.bytes(),
            None => kept.order.push_back(list.sought.clone()),
        }
        while kept.bytes > self.bytes_max {
            let Some(oldest) = kept.order.pop_front() else { break };
            let gone = kept.lists.remove(&oldest).map_or(0, |list| list.bytes());
            kept.bytes -= gone;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sought(filter_hash: u64) -> Arc<Sought> {
        let pins = vec![(EjId::new("EJ1").unwrap(), Seq::new(7))];
        Arc::new(Sought { ty: RecordType::Patient, filter_hash, pins })
    }

    fn list(filter_hash: u64, hits: usize) -> Arc<List> {
        Arc::new(List {
            sought: sought(filter_hash),
            total: 1_000,
            hits: vec![(0, 1); hits].into(),
        })
    }

    fn hits(results: &Results, filter_hash: u64) -> Option<usize> {
        results.get(&sought(filter_hash)).map(|list| list.hits.len())
    }

    #[test]
    fn a_longer_list_takes_the_place_of_a_shorter_one_and_its_bytes() {
        let results = Results::new(1 << 20);
        results.put(list(1, 20));
        results.put(list(1, 40));
        assert_eq!(hits(&results, 1), Some(40));
        assert_eq!(results.kept.lock().bytes, list(1, 40).bytes());
        assert_eq!(hits(&results, 2), None);
    }

    #[test]
    fn the_oldest_go_first_until_the_others_have_room() {
        let results = Results::new(3 * list(0, 20).bytes() as u64);
        (1..=5).for_each(|search| results.put(list(search, 20)));
        let known: Vec<_> = (1..=5).map(|search| hits(&results, search)).collect();
        assert_eq!(known, [None, None, Some(20), Some(20), Some(20)]);
        let kept = results.kept.lock();
        assert_eq!((kept.lists.len(), kept.order.len()), (3, 3));
    }

    #[test]
    fn a_list_that_is_too_long_by_itself_leaves_nothing_behind() {
        let results = Results::new(1_000);
        results.put(list(1, 1_000));
        let kept = results.kept.lock();
        assert_eq!((kept.bytes, kept.lists.len(), kept.order.len()), (0, 0, 0));
    }
}
