//! Whose records a hole held: worked out from what stands before and after it.

use std::collections::HashMap;

use sluice_ids::{EjId, Seq};

use crate::damage::Loss;
use crate::format::{EjFloor, SegmentHeader};

/// How far each EJ is at some place of the journal.
#[derive(Debug, Clone, Default)]
pub struct Floors {
    pub of: HashMap<EjId, u64>,
    /// Of EJs that are not in `of`: what an unknown EJ may have lost.
    pub unlisted: u64,
}

impl Floors {
    pub fn from_header(header: &SegmentHeader) -> Self {
        Self {
            of: header.floors.iter().map(|f| (f.ej, f.last)).collect(),
            unlisted: header.unlisted_floor,
        }
    }

    pub fn get(&self, ej: EjId) -> u64 {
        self.of.get(&ej).copied().unwrap_or(self.unlisted)
    }

    pub fn raise(&mut self, ej: EjId, last: u64) {
        let floor = self.of.entry(ej).or_insert(0);
        *floor = (*floor).max(last);
    }

    pub fn raise_by_header(&mut self, header: &SegmentHeader) {
        for EjFloor { ej, last } in &header.floors {
            self.raise(*ej, *last);
        }
        self.unlisted = self.unlisted.max(header.unlisted_floor);
    }

    pub fn raise_by_losses(&mut self, losses: &[Loss]) {
        for loss in losses {
            self.raise(loss.ej, loss.through.get());
        }
    }
}

/// What is known of the time after a hole.
pub struct After<'a> {
    /// The first `Seq` of each EJ that follows in the same segment.
    pub firsts: &'a HashMap<EjId, u64>,
    /// How far each EJ was at the end of the segment, by the next one's header.
    pub end: Option<&'a Floors>,
}

/// What each EJ lost in a hole of `records` records, and whether an EJ that nobody knows may
/// have lost some too.
pub fn losses(before: &Floors, after: &After<'_>, records: u64) -> (Vec<Loss>, bool) {
    if records == 0 {
        return (Vec::new(), false);
    }
    let mut ejs: Vec<EjId> = before.of.keys().chain(after.firsts.keys()).copied().collect();
    ejs.extend(after.end.iter().flat_map(|floors| floors.of.keys()).copied());
    ejs.sort_unstable();
    ejs.dedup();

    let mut found = Vec::new();
    let mut in_doubt = Vec::new();
    for ej in ejs {
        let had = before.get(ej);
        let through = match (after.firsts.get(&ej), after.end) {
            (Some(first), _) => first - 1,
            (None, Some(end)) => end.get(ej),
            (None, None) => {
                in_doubt.push((ej, had));
                continue;
            }
        };
        if through > had {
            found.push(loss(ej, had, through, true));
        }
    }
    let accounted: u64 = found.iter().map(|l| l.through.get() - l.after.get()).sum();
    let missing = records.saturating_sub(accounted);
    let nothing_known_after = after.end.is_none();
    let grown_unlisted = after.end.is_some_and(|end| end.unlisted > before.unlisted);
    if nothing_known_after && missing > 0 {
        found.extend(in_doubt.into_iter().map(|(ej, had)| loss(ej, had, had + missing, false)));
    }
    (found, grown_unlisted || (nothing_known_after && missing > 0))
}

fn loss(ej: EjId, after: u64, through: u64, certain: bool) -> Loss {
    Loss { ej, after: Seq::new(after), through: Seq::new(through), certain }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ej(name: &str) -> EjId {
        EjId::new(name).unwrap()
    }

    fn floors(rows: &[(&str, u64)]) -> Floors {
        Floors { of: rows.iter().map(|(n, last)| (ej(n), *last)).collect(), unlisted: 0 }
    }

    fn firsts(rows: &[(&str, u64)]) -> HashMap<EjId, u64> {
        rows.iter().map(|(n, first)| (ej(n), *first)).collect()
    }

    #[test]
    fn an_ej_whose_numbers_go_on_unbroken_lost_nothing() {
        let firsts = firsts(&[("EJ1", 5), ("EJ2", 9)]);
        let after = After { firsts: &firsts, end: None };
        let (losses, unlisted) = losses(&floors(&[("EJ1", 4), ("EJ2", 6)]), &after, 2);
        assert_eq!(losses, [loss(ej("EJ2"), 6, 8, true)]);
        assert!(!unlisted);
    }

    #[test]
    fn with_nothing_after_the_hole_every_silent_ej_may_be_touched() {
        let firsts = firsts(&[("EJ1", 5)]);
        let after = After { firsts: &firsts, end: None };
        let (losses, unlisted) = losses(&floors(&[("EJ1", 4), ("EJ2", 6)]), &after, 3);
        assert_eq!(losses, [loss(ej("EJ2"), 6, 9, false)]);
        assert!(unlisted);
    }

    #[test]
    fn the_next_segments_table_says_exactly_who_lost_what() {
        let end = floors(&[("EJ1", 4), ("EJ2", 8), ("EJ3", 1)]);
        let after = After { firsts: &HashMap::new(), end: Some(&end) };
        let (losses, unlisted) = losses(&floors(&[("EJ1", 4), ("EJ2", 6)]), &after, 3);
        assert_eq!(losses, [loss(ej("EJ2"), 6, 8, true), loss(ej("EJ3"), 0, 1, true)]);
        assert!(!unlisted);
    }
}
