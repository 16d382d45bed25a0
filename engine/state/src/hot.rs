//! Encoded records kept at hand: bounded by bytes, second chance, one per EJ.
//!
//! Holds a record only as it stands in the store or in the cut under way, never a newer one:
//! the flusher relies on it.

use std::collections::HashMap;

use parking_lot::Mutex;

use crate::ej::RecordRef;
use crate::mix::Mix;
use crate::packed::Packed;

pub(crate) struct Hot {
    bytes_max: u64,
    inner: Mutex<Inner>,
}

#[derive(Default)]
struct Inner {
    at: HashMap<RecordRef, u32, Mix>,
    slots: Vec<Option<Slot>>,
    free: Vec<u32>,
    hand: usize,
    bytes: u64,
}

struct Slot {
    record_ref: RecordRef,
    packed: Packed,
    used: bool,
}

impl Hot {
    pub(crate) fn new(bytes_max: u64) -> Self {
        Self { bytes_max, inner: Mutex::default() }
    }

    pub(crate) fn get(&self, record_ref: RecordRef) -> Option<Packed> {
        let mut inner = self.inner.lock();
        let at = *inner.at.get(&record_ref)?;
        let slot = inner.slots[at as usize].as_mut()?;
        slot.used = true;
        Some(slot.packed.clone())
    }

    pub(crate) fn insert(&self, record_ref: RecordRef, packed: Packed) {
        let mut inner = self.inner.lock();
        inner.remove(record_ref);
        let bytes = packed.weight();
        while inner.bytes + bytes > self.bytes_max && !inner.at.is_empty() {
            inner.evict_one();
        }
        if bytes > self.bytes_max {
            return;
        }
        inner.bytes += bytes;
        let slot = Some(Slot { record_ref, packed, used: false });
        let at = match inner.free.pop() {
            Some(at) => {
                inner.slots[at as usize] = slot;
                at
            }
            None => {
                inner.slots.push(slot);
                u32::try_from(inner.slots.len() - 1).expect("bounded by bytes_max")
            }
        };
        inner.at.insert(record_ref, at);
    }

    pub(crate) fn remove(&self, record_ref: RecordRef) {
        self.inner.lock().remove(record_ref);
    }

    pub(crate) fn bytes(&self) -> u64 {
        self.inner.lock().bytes
    }
}

impl Inner {
    fn remove(&mut self, record_ref: RecordRef) {
        if let Some(at) = self.at.remove(&record_ref)
            && let Some(slot) = self.slots[at as usize].take()
        {
            self.bytes -= slot.packed.weight();
            self.free.push(at);
        }
    }

    fn evict_one(&mut self) {
        loop {
            self.hand = (self.hand + 1) % self.slots.len();
            match &mut self.slots[self.hand] {
                Some(slot) if slot.used => slot.used = false,
                Some(slot) => {
                    let record_ref = slot.record_ref;
                    return self.remove(record_ref);
                }
                None => {}
            }
        }
    }
}
