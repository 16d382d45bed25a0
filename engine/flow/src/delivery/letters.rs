//! The dead letters that are open: a fold over the journal's dead letters and operators' acts,
//! kept by the EJ's lane as it reads them.
//!
//! Of both kinds: messages on which applying or a step failed (no destination), and messages that
//! a destination's peer refused for good, or that wait behind such a one.

use std::collections::{BTreeMap, BTreeSet};

use parking_lot::Mutex;
use sluice_ids::{EjId, Micros, Seq};
use sluice_journal::{Journal, KeyIndex, Kind, ReadError, Record};
use tokio::sync::watch;

use super::aside::Aside;
use super::cursor::Way;
use crate::acts::{DeadLetter, Reason};
use crate::keys::{ACT_KEY, DEAD_LETTER_KEY, keys_of};
use crate::operator::{Act, Deed};

/// One that is open.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Letter {
    /// The message.
    pub seq: Seq,
    /// `None`: it was not applied.
    pub way: Option<Way>,
    pub reason: Reason,
    /// The peer's, in a few closed words.
    pub code: Option<String>,
    pub since: Micros,
    /// An operator asked for another attempt, which has not ended.
    pub retrying: bool,
    pub(super) patients: Vec<u64>,
}

/// One EJ's.
pub(crate) struct Letters {
    open: Mutex<BTreeMap<Option<Way>, Aside>>,
    changed: watch::Sender<u64>,
}

impl Letters {
    pub fn new() -> Self {
        Self { open: Mutex::default(), changed: watch::Sender::new(0) }
    }

    /// Reads back those up to `to`.
    pub fn load(&self, journal: &dyn Journal, ej: EjId, to: Seq) -> Result<(), ReadError> {
        let mut seqs: BTreeSet<Seq> = BTreeSet::new();
        for key in [DEAD_LETTER_KEY, ACT_KEY] {
            seqs.extend(journal.find(ej, KeyIndex::ControlId, key)?);
        }
        self.open.lock().clear();
        for seq in seqs.into_iter().take_while(|seq| *seq <= to) {
            match journal.get(ej, seq) {
                Ok(Some(record)) => self.enter(journal, &record),
                Ok(None) | Err(ReadError::Released { .. }) => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    /// What the next record of the EJ means for them.
    pub fn enter(&self, journal: &dyn Journal, record: &Record) {
        match record.entry.kind {
            Kind::DeadLetter => {
                let Some(letter) = DeadLetter::decode(&record.entry.payload) else { return };
                self.letter(journal, record, letter);
            }
            Kind::OperatorAct => {
                let Some(act) = Act::decode(&record.entry.payload) else { return };
                self.act(&act.deed);
            }
            Kind::Message | Kind::CursorAdvance | Kind::ConfigEpoch => {}
        }
    }

    fn letter(&self, journal: &dyn Journal, record: &Record, letter: DeadLetter) {
        let DeadLetter { seq, reason, way, code } = letter;
        if reason == Reason::Delivered {
            close(&mut self.open.lock(), way, seq);
        } else {
            // What was not applied holds nothing back.
            let message = way.and_then(|_| journal.get(record.entry.ej, seq).ok().flatten());
            let patients = message.map(|message| keys_of()(&message).patients);
            let patients = patients.unwrap_or_default();
            let since = record.entry.received_at;
            let letter = Letter { seq, way, reason, code, since, retrying: false, patients };
            self.open.lock().entry(way).or_default().enter(letter);
        }
        self.told();
    }

    fn act(&self, deed: &Deed) {
        let mut open = self.open.lock();
        match deed {
            Deed::Reprocess { message } | Deed::Resend { message } => {
                close(&mut open, None, *message);
            }
            Deed::Discard { message, channel, destination, .. } => {
                let way = destination.map(|destination| Way { channel: *channel, destination });
                close(&mut open, way, *message);
            }
            Deed::Retry { message, channel, destination } => {
                let way = Way { channel: *channel, destination: *destination };
                if let Some(aside) = open.get_mut(&Some(way)) {
                    aside.retry(*message);
                }
            }
            _ => return,
        }
        drop(open);
        self.told();
    }

    fn told(&self) {
        self.changed.send_modify(|times| *times += 1);
    }

    pub fn changed(&self) -> watch::Receiver<u64> {
        self.changed.subscribe()
    }

    /// Of all destinations.
    pub fn undelivered(&self) -> usize {
        let open = self.open.lock();
        open.iter().filter(|(way, _)| way.is_some()).map(|(_, aside)| aside.len()).sum()
    }

    /// The oldest message that one names.
    pub fn oldest(&self) -> Option<Seq> {
        self.open.lock().values().filter_map(Aside::oldest).min()
    }

    /// Of both kinds.
    pub fn count(&self) -> usize {
        self.open.lock().values().map(Aside::len).sum()
    }

    /// Those after a place, in order of their messages, at most so many.
    pub fn after(&self, place: Option<(Seq, Option<Way>)>, most: usize) -> Vec<Letter> {
        let open = self.open.lock();
        let mut found = BTreeMap::new();
        for (way, aside) in &*open {
            let from = place.map_or(Seq::ZERO, |(seq, _)| seq);
            let own = aside.letters(from).map(|letter| ((letter.seq, *way), letter));
            found.extend(own.filter(|(own, _)| place.is_none_or(|place| *own > place)).take(most));
        }
        found.into_values().take(most).cloned().collect()
    }

    pub fn get(&self, seq: Seq, way: Option<Way>) -> Option<Letter> {
        self.open.lock().get(&way)?.get(seq).cloned()
    }

    /// Whether a message of these patients has to wait behind one.
    pub fn holds(&self, way: Way, patients: &[u64]) -> bool {
        self.open.lock().get(&Some(way)).is_some_and(|aside| aside.holds(patients))
    }

    pub fn is_due(&self, seq: Seq, way: Way) -> bool {
        self.open.lock().get(&Some(way)).is_some_and(|aside| aside.is_due(seq))
    }

    /// Those to be delivered now: what an operator asked for, and what only waited behind.
    pub fn due(&self, way: Way) -> Vec<Seq> {
        self.open.lock().get(&Some(way)).map(Aside::due).unwrap_or_default()
    }
}

fn close(open: &mut BTreeMap<Option<Way>, Aside>, way: Option<Way>, seq: Seq) {
    if let Some(aside) = open.get_mut(&way) {
        aside.close(seq);
        if aside.len() == 0 {
            open.remove(&way);
        }
    }
}

#[cfg(test)]
mod tests {
    use sluice_ids::{ChannelId, DestinationName};

    use super::*;

    fn way() -> Way {
        let destination = DestinationName::new("lab").unwrap();
        Way { channel: ChannelId::new("c").unwrap(), destination }
    }

    fn enter(letters: &Letters, seq: Seq, way: Option<Way>, reason: Reason, patients: Vec<u64>) {
        let since = Micros::new(0);
        let letter = Letter { seq, way, reason, code: None, since, retrying: false, patients };
        letters.open.lock().entry(way).or_default().enter(letter);
    }

    fn letters(of: &[(u64, Reason, u64)]) -> Letters {
        let letters = Letters::new();
        for (seq, reason, patient) in of {
            enter(&letters, Seq::new(*seq), Some(way()), *reason, vec![*patient]);
        }
        letters
    }

    fn due(letters: &Letters) -> Vec<u64> {
        letters.due(way()).iter().map(|seq| seq.get()).collect()
    }

    #[test]
    fn what_waits_behind_follows_once_the_first_is_tried_again_or_discarded() {
        let of = [(1, Reason::Refused, 7), (2, Reason::Behind, 7), (3, Reason::Behind, 8)];
        let letters = letters(&of);
        assert!(letters.holds(way(), &[7]) && !letters.holds(way(), &[9]));
        assert_eq!(due(&letters), [3], "nobody is before it");
        let (message, Way { channel, destination }) = (Seq::new(1), way());
        letters.act(&Deed::Retry { message, channel, destination });
        assert_eq!(due(&letters), [1, 2, 3]);
        let reason = "sent by hand".to_owned();
        letters.act(&Deed::Discard { message, channel, destination: Some(destination), reason });
        assert_eq!(due(&letters), [2, 3]);
    }

    /// What is kept as letters change is what looking at all of them tells.
    #[test]
    fn what_is_due_and_who_is_held_are_as_if_all_were_looked_at() {
        let mut lot = 1_u64;
        let mut draw = |of: u64| {
            lot =
                lot.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (lot >> 33) % of
        };
        let letters = Letters::new();
        for _ in 0..4_000 {
            let (seq, deed) = (Seq::new(draw(40)), draw(6));
            let Way { channel, destination } = way();
            match deed {
                0 => letters.act(&Deed::Retry { message: seq, channel, destination }),
                1 => close(&mut letters.open.lock(), Some(way()), seq),
                _ => {
                    let reason = if draw(4) == 0 { Reason::Refused } else { Reason::Behind };
                    enter(&letters, seq, Some(way()), reason, vec![draw(5), draw(5)]);
                }
            }
            let (mut held, mut expected) = (BTreeSet::<u64>::new(), Vec::new());
            let all = letters.after(None, 100);
            for letter in &all {
                let waits = letter.patients.iter().any(|own| held.contains(own));
                if letter.retrying || (letter.reason == Reason::Behind && !waits) {
                    expected.push(letter.seq);
                } else {
                    held.extend(&letter.patients);
                }
            }
            assert_eq!(letters.due(way()), expected, "{all:?}");
            for patient in 0..5 {
                let held = all.iter().any(|letter| letter.patients.contains(&patient));
                assert_eq!(letters.holds(way(), &[patient]), held, "{all:?}");
            }
        }
    }

    /// Would not end in any useful time if each change looked at all of them.
    #[test]
    fn so_many_letters_of_one_patient_cost_what_changes() {
        let letters = Letters::new();
        enter(&letters, Seq::new(1), Some(way()), Reason::Refused, vec![7]);
        for seq in 2..=100_000 {
            enter(&letters, Seq::new(seq), Some(way()), Reason::Behind, vec![7]);
            assert!(letters.holds(way(), &[7]) && letters.due(way()).is_empty());
        }
        close(&mut letters.open.lock(), Some(way()), Seq::new(1));
        assert_eq!(letters.due(way()).len(), 99_999);
    }

    #[test]
    fn pages_follow_each_other_over_all_destinations() {
        let letters = letters(&[(1, Reason::Refused, 7), (3, Reason::Refused, 8)]);
        for seq in [1, 2, 3] {
            enter(&letters, Seq::new(seq), None, Reason::Refused, Vec::new());
        }
        let place = |letter: &Letter| (letter.seq, letter.way);
        let (mut seen, mut last) = (Vec::new(), None);
        while let [.., letter] = &letters.after(last, 2)[..] {
            seen.extend(letters.after(last, 2).iter().map(place));
            last = Some(place(letter));
        }
        let [one, two, three] = [1, 2, 3].map(Seq::new);
        let to = Some(way());
        assert_eq!(seen, [(one, None), (one, to), (two, None), (three, None), (three, to)]);
    }

    #[test]
    fn those_of_messages_that_were_not_applied_do_not_count_for_destinations() {
        let letters = letters(&[(1, Reason::Refused, 7)]);
        for seq in 2..9 {
            enter(&letters, Seq::new(seq), None, Reason::Refused, Vec::new());
        }
        assert_eq!((letters.undelivered(), letters.count()), (1, 8));
    }
}
