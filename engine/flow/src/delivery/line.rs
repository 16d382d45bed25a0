//! The messages that were read and are not delivered: which of them may go.
//!
//! In the order of the journal, and strictly so among those that share a key: a patient's
//! identifier (a merge names two patients' and follows, and is followed by, both), or a record that
//! two messages changed.

use std::collections::{BTreeMap, HashMap, HashSet};

use sluice_ids::Seq;

/// Something with a place and keys.
pub(super) trait InLine {
    fn seq(&self) -> Seq;
    fn keys(&self) -> &[u64];
}

pub(super) struct Line<T> {
    waiting: BTreeMap<Seq, T>,
    /// Keys of those that are on their way, and of how many.
    busy: HashMap<u64, usize>,
}

impl<T: InLine> Line<T> {
    pub fn new() -> Self {
        Self { waiting: BTreeMap::new(), busy: HashMap::new() }
    }

    pub fn len(&self) -> usize {
        self.waiting.len()
    }

    pub fn push(&mut self, item: T) {
        self.waiting.insert(item.seq(), item);
    }

    /// The first that may go, of those that are wanted; it is busy until [`Self::done`].
    pub fn next(&mut self, wanted: impl Fn(&T) -> bool) -> Option<T> {
        let mut before: HashSet<u64> = HashSet::new();
        let may = |item: &T, before: &HashSet<u64>| {
            item.keys().iter().all(|key| !self.busy.contains_key(key) && !before.contains(key))
        };
        let mut found = None;
        for (seq, item) in &self.waiting {
            if wanted(item) && may(item, &before) {
                found = Some(*seq);
                break;
            }
            before.extend(item.keys());
        }
        let item = self.waiting.remove(&found?)?;
        for key in item.keys() {
            *self.busy.entry(*key).or_default() += 1;
        }
        Some(item)
    }

    pub fn done(&mut self, keys: &[u64]) {
        for key in keys {
            if let Some(count) = self.busy.get_mut(key) {
                *count -= 1;
                if *count == 0 {
                    self.busy.remove(key);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Of(u64, &'static [u64]);

    impl InLine for Of {
        fn seq(&self) -> Seq {
            Seq::new(self.0)
        }

        fn keys(&self) -> &[u64] {
            self.1
        }
    }

    fn next(line: &mut Line<Of>) -> Option<u64> {
        line.next(|_| true).map(|item| item.0)
    }

    #[test]
    fn one_patient_s_follow_each_other_and_others_do_not_wait() {
        let mut line = Line::new();
        for item in [Of(1, &[7]), Of(2, &[7]), Of(3, &[8])] {
            line.push(item);
        }
        assert_eq!(next(&mut line), Some(1));
        assert_eq!(next(&mut line), Some(3));
        assert_eq!(next(&mut line), None);
        line.done(&[7]);
        assert_eq!(next(&mut line), Some(2));
    }

    #[test]
    fn a_merge_waits_for_both_and_both_wait_for_it() {
        let mut line = Line::new();
        for item in [Of(1, &[7]), Of(2, &[7, 8]), Of(3, &[8])] {
            line.push(item);
        }
        assert_eq!(next(&mut line), Some(1));
        assert_eq!(next(&mut line), None, "the second patient's later one does not overtake");
        line.done(&[7]);
        assert_eq!(next(&mut line), Some(2));
        assert_eq!(next(&mut line), None);
        line.done(&[7, 8]);
        assert_eq!(next(&mut line), Some(3));
    }
}
