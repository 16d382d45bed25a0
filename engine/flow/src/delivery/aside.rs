//! The open dead letters of one destination, by their messages, and which of them are due: kept as
//! they change, so that asking costs what is found and not what is open.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::ops::Bound;

use sluice_ids::Seq;

use super::letters::Letter;
use crate::acts::Reason;

#[derive(Default)]
pub(super) struct Aside {
    letters: BTreeMap<Seq, Letter>,
    due: BTreeSet<Seq>,
    patients: HashMap<u64, Patient>,
}

/// The letters of one patient.
#[derive(Default)]
struct Patient {
    all: BTreeSet<Seq>,
    /// Those that are not due. What waited behind waits for the first of them.
    holding: BTreeSet<Seq>,
}

impl Aside {
    pub fn len(&self) -> usize {
        self.letters.len()
    }

    pub fn oldest(&self) -> Option<Seq> {
        self.letters.keys().next().copied()
    }

    /// From a message on, in order.
    pub fn letters(&self, from: Seq) -> impl Iterator<Item = &Letter> {
        self.letters.range(from..).map(|(_, letter)| letter)
    }

    pub fn get(&self, seq: Seq) -> Option<&Letter> {
        self.letters.get(&seq)
    }

    /// Whether one of them is of one of these patients.
    pub fn holds(&self, patients: &[u64]) -> bool {
        patients.iter().any(|patient| self.patients.contains_key(patient))
    }

    pub fn is_due(&self, seq: Seq) -> bool {
        self.due.contains(&seq)
    }

    pub fn due(&self) -> Vec<Seq> {
        self.due.iter().copied().collect()
    }

    /// One that is new, or that was tried again in vain.
    pub fn enter(&mut self, letter: Letter) {
        let seq = letter.seq;
        self.close(seq);
        for patient in &letter.patients {
            let patient = self.patients.entry(*patient).or_default();
            patient.all.insert(seq);
        }
        self.letters.insert(seq, letter);
        self.weigh(BTreeSet::from([seq]));
    }

    pub fn retry(&mut self, seq: Seq) {
        if let Some(letter) = self.letters.get_mut(&seq) {
            letter.retrying = true;
            self.weigh(BTreeSet::from([seq]));
        }
    }

    pub fn close(&mut self, seq: Seq) {
        let Some(letter) = self.letters.remove(&seq) else { return };
        let mut follow = BTreeSet::new();
        self.due.remove(&seq);
        for key in letter.patients {
            let Some(patient) = self.patients.get_mut(&key) else { continue };
            patient.all.remove(&seq);
            follow.extend(patient.set(seq, false));
            if patient.all.is_empty() {
                self.patients.remove(&key);
            }
        }
        self.weigh(follow);
    }

    /// Tells of each whether it is due, and of those after it that this changes.
    fn weigh(&mut self, mut seqs: BTreeSet<Seq>) {
        while let Some(seq) = seqs.pop_first() {
            let Some(letter) = self.letters.get(&seq) else { continue };
            let patients = letter.patients.iter().filter_map(|key| self.patients.get(key));
            let mut first = patients.filter_map(|patient| patient.holding.first());
            let due = letter.retrying
                || (letter.reason == Reason::Behind && !first.any(|first| *first < seq));
            if due {
                self.due.insert(seq);
            } else {
                self.due.remove(&seq);
            }
            seqs.extend(self.set(seq, !due));
        }
    }

    /// Those that have to be weighed for it.
    fn set(&mut self, seq: Seq, holds: bool) -> BTreeSet<Seq> {
        let Some(letter) = self.letters.get(&seq) else { return BTreeSet::new() };
        let mut follow = BTreeSet::new();
        for key in &letter.patients {
            if let Some(patient) = self.patients.get_mut(key) {
                follow.extend(patient.set(seq, holds));
            }
        }
        follow
    }
}

impl Patient {
    /// Those after it for whom the first that holds them is another now: no further than the
    /// next that holds, as who is behind that waits anyway.
    fn set(&mut self, seq: Seq, holds: bool) -> Vec<Seq> {
        let was_first = self.holding.first().is_none_or(|first| seq <= *first);
        let changed = if holds { self.holding.insert(seq) } else { self.holding.remove(&seq) };
        if !changed || !was_first {
            return Vec::new();
        }
        let after = (Bound::Excluded(seq), Bound::Unbounded);
        let until = self.holding.range(after).next().copied();
        let after = self.all.range(after).copied();
        after.take_while(|seq| until.is_none_or(|until| *seq <= until)).collect()
    }
}
