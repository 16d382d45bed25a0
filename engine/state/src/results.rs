//! Result lists of pinned searches, kept between pages: a pinned list never changes, so that the
//! second page need not work it out again. Bounded by bytes, the oldest goes first.

use std::collections::VecDeque;
use std::sync::Arc;

use parking_lot::Mutex;
use sluice_ids::{EjId, Seq};
use sluice_mappings::records::RecordType;

use crate::search::Hit;

pub(crate) struct Results {
    bytes_max: usize,
    kept: Mutex<Kept>,
}

#[derive(Default)]
struct Kept {
    bytes: usize,
    lists: VecDeque<List>,
}

struct List {
    ty: RecordType,
    filter_hash: u64,
    pins: Vec<(EjId, Seq)>,
    hits: Arc<[Hit]>,
}

impl List {
    fn bytes(&self) -> usize {
        256 + size_of_val(&*self.hits) + size_of_val(&*self.pins)
    }
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
    ) -> Option<Arc<[Hit]>> {
        let kept = self.kept.lock();
        let same =
            |l: &&List| l.ty == ty && l.filter_hash == filter_hash && l.pins.as_slice() == pins;
        kept.lists.iter().find(same).map(|list| list.hits.clone())
    }

    pub(crate) fn put(
        &self,
        ty: RecordType,
        filter_hash: u64,
        pins: &[(EjId, Seq)],
        hits: Arc<[Hit]>,
    ) {
        let list = List { ty, filter_hash, pins: pins.to_vec(), hits };
        let mut kept = self.kept.lock();
        kept.bytes += list.bytes();
        kept.lists.push_back(list);
        while kept.bytes > self.bytes_max {
            let Some(oldest) = kept.lists.pop_front() else { break };
            kept.bytes -= oldest.bytes();
        }
    }
}
