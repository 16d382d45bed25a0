//! Records that the lane had in hand of late, decoded: the next message about a patient is seldom
//! far behind, and decoding costs more than what it then does.
//!
//! - Belongs to the EJ's writer, who alone changes records: what is in here is never old.
//! - Bounded by the bytes that it is estimated to take: a decoded record takes about
//!   [`DECODED_TIMES`] what its encoded form does (measured with `examples/state_memory.rs`).
//! - Two generations: what is used moves to the young one; when that is half of the bound, it
//!   becomes the old one, and what was in there and not used is let go of.

use std::collections::HashMap;

use sluice_mappings::records::Record;

use crate::ej::RecordRef;
use crate::mix::Mix;
use crate::packed::Packed;

/// 394 → 4 000 bytes for a patient, 856 → 7 200 for a stay.
const DECODED_TIMES: u64 = 10;

/// A record and its encoded form.
#[derive(Clone)]
pub(crate) struct Known {
    pub(crate) record: Record,
    pub(crate) packed: Packed,
}

impl Known {
    fn weight(&self) -> u64 {
        self.packed.weight() * (DECODED_TIMES + 1)
    }
}

pub(crate) struct Recent {
    bytes_max: u64,
    young_bytes: u64,
    young: HashMap<RecordRef, Known, Mix>,
    old: HashMap<RecordRef, Known, Mix>,
}

impl Recent {
    pub(crate) fn new(bytes_max: u64) -> Self {
        Self { bytes_max, young_bytes: 0, young: HashMap::default(), old: HashMap::default() }
    }

    pub(crate) fn get(&mut self, at: RecordRef) -> Option<Known> {
        if let Some(known) = self.young.get(&at) {
            return Some(known.clone());
        }
        let known = self.old.remove(&at)?;
        self.put(at, known.clone());
        Some(known)
    }

    pub(crate) fn put(&mut self, at: RecordRef, known: Known) {
        self.old.remove(&at);
        self.young_bytes += known.weight();
        if let Some(before) = self.young.insert(at, known) {
            self.young_bytes -= before.weight();
        }
        if self.young_bytes > self.bytes_max / 2 {
            self.old = std::mem::take(&mut self.young);
            self.young_bytes = 0;
            if self.bytes_max == 0 {
                self.old.clear();
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use sluice_mappings::records::{LocationRecord, Place, RecordType, ResourceId};

    use super::*;

    fn known(number: u8) -> (RecordRef, Known) {
        let place = Place { bed: number.to_string(), ..Place::default() };
        let id = ResourceId([number; 16]);
        let record = Record::from(LocationRecord::at(id, place, None));
        let packed = Packed::new(&record, &mut []);
        (RecordRef { ty: RecordType::Location, rid: u32::from(number) }, Known { record, packed })
    }

    #[test]
    fn what_is_used_stays_and_the_bound_holds() {
        let (first, one) = known(0);
        let bytes_max = one.weight() * 8;
        let mut recent = Recent::new(bytes_max);
        recent.put(first, one);
        for number in 1..100 {
            let (at, one) = known(number);
            recent.put(at, one);
            assert!(recent.get(first).is_some(), "used all the time");
            let held: u64 =
                recent.young.values().chain(recent.old.values()).map(Known::weight).sum();
            assert!(held <= bytes_max + 2 * known(number).1.weight());
        }
        assert!(recent.get(known(1).0).is_none(), "not used for long");
    }

    #[test]
    fn without_room_nothing_is_kept() {
        let (at, one) = known(7);
        let mut recent = Recent::new(0);
        recent.put(at, one);
        assert!(recent.get(at).is_none());
    }
}
