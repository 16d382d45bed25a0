//! The memory of accepted messages, as a function of the journal alone.
//!
//! At a `Seq`, it holds the accepted messages of the `reach` places before it, whatever became
//! of them. So it can be read back from the journal at any place, and comes out the same: the
//! fold's decision about a repetition does not depend on restarts. At most `reach` entries of
//! about 100 bytes.

use std::collections::VecDeque;

use sluice_ids::Seq;
use sluice_journal::IdempotencyKey;

use crate::digests::DigestMap;

/// What the memory says of a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Seen {
    New,
    /// The same bytes were accepted before, last at that place.
    Repeated(Seq),
    /// Its sender used the control id before, for other bytes.
    ControlIdReused,
}

/// One EJ's memory.
pub struct Window {
    reach: u64,
    /// Each with its last place, and the first that is remembered.
    keys: DigestMap<IdempotencyKey, (Seq, Seq)>,
    control_ids: DigestMap<u64, Seq>,
    order: VecDeque<(Seq, IdempotencyKey, u64)>,
}

impl Window {
    #[must_use]
    pub fn new(reach: u64) -> Self {
        Self {
            reach,
            keys: DigestMap::default(),
            control_ids: DigestMap::default(),
            order: VecDeque::new(),
        }
    }

    /// The first place that the memory at `seq` still holds.
    #[must_use]
    pub fn from(reach: u64, seq: Seq) -> Seq {
        Seq::new(seq.get().saturating_sub(reach).max(1))
    }

    /// Enters the accepted message at `seq`, and says what it is to those before it. Places come
    /// in ascending order.
    pub fn enter(&mut self, seq: Seq, key: IdempotencyKey, control_id: u64) -> Seen {
        self.forget(Self::from(self.reach, seq));
        let repeated = self.keys.get(&key).map(|(last, _)| *last);
        let first = self.first(&key);
        self.keys.insert(key, (seq, first.unwrap_or(seq)));
        let reused = self.control_ids.insert(control_id, seq).is_some();
        self.order.push_back((seq, key, control_id));
        match (repeated, reused) {
            (Some(before), _) => Seen::Repeated(before),
            (None, true) => Seen::ControlIdReused,
            (None, false) => Seen::New,
        }
    }

    /// The first place of an accepted message that is remembered.
    #[must_use]
    pub fn first(&self, key: &IdempotencyKey) -> Option<Seq> {
        self.keys.get(key).map(|(_, first)| *first)
    }

    fn forget(&mut self, before: Seq) {
        while let Some((seq, key, control_id)) = self.order.front().copied()
            && seq < before
        {
            self.order.pop_front();
            if self.keys.get(&key).is_some_and(|(last, _)| *last == seq) {
                self.keys.remove(&key);
            }
            if self.control_ids.get(&control_id) == Some(&seq) {
                self.control_ids.remove(&control_id);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn key(n: u8) -> IdempotencyKey {
        IdempotencyKey([n; 16])
    }

    #[test]
    fn a_repetition_a_reuse_and_a_new_message_are_told_apart() {
        let mut window = Window::new(10);
        assert_eq!(window.enter(Seq::new(1), key(1), 7), Seen::New);
        assert_eq!(window.enter(Seq::new(2), key(1), 7), Seen::Repeated(Seq::new(1)));
        assert_eq!(window.enter(Seq::new(3), key(2), 7), Seen::ControlIdReused);
        assert_eq!(
            window.enter(Seq::new(4), key(1), 7),
            Seen::Repeated(Seq::new(2)),
            "the first is not forgotten"
        );
    }

    #[test]
    fn beyond_its_reach_the_same_bytes_are_new() {
        let mut window = Window::new(3);
        window.enter(Seq::new(1), key(1), 7);
        assert_eq!(window.enter(Seq::new(5), key(1), 7), Seen::New);
        assert_eq!(window.order.len(), 1);
        assert_eq!(window.keys.len(), 1);
    }

    proptest! {
        /// Read back from `reach` places before, the memory says the same of what follows.
        #[test]
        fn it_is_the_same_after_a_restart_anywhere(
            messages in prop::collection::vec((1_u64..4, 0_u8..6, 0_u64..4), 1..60),
            reach in 1_u64..12,
            restart in any::<prop::sample::Index>(),
        ) {
            let mut seq = 0;
            let messages: Vec<_> = messages
                .into_iter()
                .map(|(gap, k, id)| { seq += gap; (Seq::new(seq), key(k), id) })
                .collect();
            let mut window = Window::new(reach);
            let told: Vec<_> = messages.iter().map(|m| window.enter(m.0, m.1, m.2)).collect();
            let at = restart.index(messages.len());
            let from = Window::from(reach, messages[at].0);
            let mut again = Window::new(reach);
            for message in messages[..at].iter().filter(|m| m.0 >= from) {
                again.enter(message.0, message.1, message.2);
            }
            let retold: Vec<_> = messages[at..].iter().map(|m| again.enter(m.0, m.1, m.2)).collect();
            prop_assert_eq!(&retold[..], &told[at..]);
        }
    }
}
