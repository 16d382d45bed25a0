//! Lists of pinned searches, kept between pages: a pinned list never changes, so that the second
//! page need not work it out again. Bounded by bytes, the oldest goes first.

use std::collections::VecDeque;
use std::sync::Arc;

use parking_lot::Mutex;
use sluice_ids::{EjId, Seq};
use sluice_mappings::records::RecordType;

use crate::search::Hit;

/// What a search found at its pins.
pub(crate) struct List {
    pub(crate) ty: RecordType,
    pub(crate) filter_hash: u64,
    pub(crate) pins: Vec<(EjId, Seq)>,
    pub(crate) total: u64,
    /// The first of them, in order.
    pub(crate) hits: Box<[Hit]>,
}

impl List {
    /// Whether it tells the first `wanted`.
    pub(crate) fn reaches(&self, wanted: usize) -> bool {
        self.hits.len() >= wanted || self.hits.len() as u64 == self.total
    }

    fn is_of(&self, ty: RecordType, filter_hash: u64, pins: &[(EjId, Seq)]) -> bool {
        self.ty == ty && self.filter_hash == filter_hash && self.pins == pins
    }

    fn bytes(&self) -> usize {
        256 + size_of_val(&*self.hits) + size_of_val(&*self.pins)
    }
}

pub(crate) struct Results {
    bytes_max: usize,
    kept: Mutex<Kept>,
}

#[derive(Default)]
struct Kept {
    bytes: usize,
    lists: VecDeque<Arc<List>>,
}

impl Results {
    pub(crate) fn new(bytes_max: u64) -> Self {
        let bytes_max = usize::try_from(bytes_max).unwrap_or(usize::MAX);
        Self { bytes_max, kept: Mutex::default() }
    }

    pub(crate) fn get(
        &self,
        ty: RecordType,
        filter_hash: u64,
        pins: &[(EjId, Seq)],
    ) -> Option<Arc<List>> {
        let kept = self.kept.lock();
        kept.lists.iter().find(|list| list.is_of(ty, filter_hash, pins)).cloned()
    }

    /// Takes the place of a shorter one of the same search.
    pub(crate) fn put(&self, list: Arc<List>) {
        let mut kept = self.kept.lock();
        let same = |other: &Arc<List>| other.is_of(list.ty, list.filter_hash, &list.pins);
        if let Some(shorter) = kept.lists.iter().position(same).and_then(|at| kept.lists.remove(at))
        {
            kept.bytes -= shorter.bytes();
        }
        kept.bytes += list.bytes();
        kept.lists.push_back(list);
        while kept.bytes > self.bytes_max {
            let Some(oldest) = kept.lists.pop_front() else { break };
            kept.bytes -= oldest.bytes();
        }
    }
}
