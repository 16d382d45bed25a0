//! What a delivery must know of a message and cannot read from the state: whether it repeated an
//! earlier one, and which records it took away (they have no index rows). The lane notes it as it
//! folds; what was folded before this process began is found by folding again.

use std::collections::BTreeMap;

use parking_lot::Mutex;
use sluice_ids::Seq;
use sluice_mappings::adt::Change;
use sluice_mappings::records::{RecordType, ResourceId};

use crate::measures::Become;

/// Places with something to note; most have nothing. 100 bytes each.
const NOTES_MAX: usize = 65_536;

#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Note {
    pub repeated: bool,
    pub gone: Vec<(RecordType, ResourceId)>,
}

#[derive(Default)]
struct Inner {
    /// All places from here on are known.
    from: Option<Seq>,
    notes: BTreeMap<Seq, Note>,
}

/// One EJ's.
#[derive(Default)]
pub(crate) struct Noted(Mutex<Inner>);

impl Noted {
    /// The lane begins, or begins anew, at that place.
    pub fn begin(&self, from: Seq) {
        *self.0.lock() = Inner { from: Some(from), notes: BTreeMap::new() };
    }

    pub fn note(&self, seq: Seq, became: Option<Become>, changes: &[Change]) {
        let gone: Vec<_> = changes
            .iter()
            .filter_map(|change| match change {
                Change::Put(record) if record.stamp().gone => {
                    Some((record.record_type(), record.id()))
                }
                _ => None,
            })
            .collect();
        let repeated = became == Some(Become::Duplicate);
        if gone.is_empty() && !repeated {
            return;
        }
        let mut inner = self.0.lock();
        inner.notes.insert(seq, Note { repeated, gone });
        if inner.notes.len() > NOTES_MAX
            && let Some((oldest, _)) = inner.notes.pop_first()
        {
            inner.from = Some(oldest.next());
        }
    }

    /// `None`: that place was folded before.
    pub fn of(&self, seq: Seq) -> Option<Note> {
        let inner = self.0.lock();
        let known = inner.from.is_some_and(|from| from <= seq);
        known.then(|| inner.notes.get(&seq).cloned().unwrap_or_default())
    }
}
