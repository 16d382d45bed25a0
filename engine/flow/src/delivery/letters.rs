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
    patients: Vec<u64>,
}

type Key = (Option<Way>, Seq);

/// One EJ's.
pub(crate) struct Letters {
    open: Mutex<BTreeMap<Key, Letter>>,
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
            self.open.lock().remove(&(way, seq));
        } else {
            let message = journal.get(record.entry.ej, seq).ok().flatten();
            let patients = message.map(|message| keys_of()(&message).patients);
            let patients = patients.unwrap_or_default();
            let since = record.entry.received_at;
            let letter = Letter { seq, way, reason, code, since, retrying: false, patients };
            self.open.lock().insert((way, seq), letter);
        }
        self.told();
    }

    fn act(&self, deed: &Deed) {
        let mut open = self.open.lock();
        match deed {
            Deed::Reprocess { message } | Deed::Resend { message } => {
                open.remove(&(None, *message));
            }
            Deed::Discard { message, channel, destination, .. } => {
                let way = destination.map(|destination| Way { channel: *channel, destination });
                open.remove(&(way, *message));
            }
            Deed::Retry { message, channel, destination } => {
                let way = Way { channel: *channel, destination: *destination };
                if let Some(letter) = open.get_mut(&(Some(way), *message)) {
                    letter.retrying = true;
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

    pub fn count(&self) -> usize {
        self.open.lock().len()
    }

    /// The oldest message that one names.
    pub fn oldest(&self) -> Option<Seq> {
        self.open.lock().keys().map(|(_, seq)| *seq).min()
    }

    /// In order of their messages.
    pub fn all(&self) -> Vec<Letter> {
        let mut all: Vec<Letter> = self.open.lock().values().cloned().collect();
        all.sort_by_key(|letter| (letter.seq, letter.way));
        all
    }

    pub fn get(&self, seq: Seq, way: Option<Way>) -> Option<Letter> {
        self.open.lock().get(&(way, seq)).cloned()
    }

    fn of(&self, way: Way) -> Vec<Letter> {
        let (from, to) = ((Some(way), Seq::ZERO), (Some(way), Seq::new(u64::MAX)));
        self.open.lock().range(from..=to).map(|(_, letter)| letter.clone()).collect()
    }

    /// Whether a message of these patients has to wait behind one.
    pub fn holds(&self, way: Way, patients: &[u64]) -> bool {
        let holds = |letter: &Letter| letter.patients.iter().any(|own| patients.contains(own));
        self.of(way).iter().any(holds)
    }

    /// Those to be delivered now: what an operator asked for, and what only waited behind.
    pub fn due(&self, way: Way) -> Vec<Seq> {
        let mut held = BTreeSet::new();
        let mut due = Vec::new();
        for letter in self.of(way) {
            let waits = letter.patients.iter().any(|own| held.contains(own));
            if letter.retrying || (letter.reason == Reason::Behind && !waits) {
                due.push(letter.seq);
            } else {
                held.extend(letter.patients);
            }
        }
        due
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

    fn letters(of: &[(u64, Reason, u64)]) -> Letters {
        let letters = Letters::new();
        for (seq, reason, patient) in of {
            let letter = Letter {
                seq: Seq::new(*seq),
                way: Some(way()),
                reason: *reason,
                code: None,
                since: Micros::new(0),
                retrying: false,
                patients: vec![*patient],
            };
            letters.open.lock().insert((Some(way()), letter.seq), letter);
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
}
