//! The parts of sidecars that are in use, in memory, bounded.

use std::collections::HashMap;
use std::sync::Arc;

use parking_lot::Mutex;

use crate::index::EjPlaces;

#[derive(Clone)]
pub enum Part {
    Places(Arc<Vec<EjPlaces>>),
    Keys(Arc<Vec<u8>>),
}

impl Part {
    fn bytes(&self) -> u64 {
        match self {
            Self::Places(places) => places.iter().map(|ej| 64 + ej.offsets.len() as u64 * 4).sum(),
            Self::Keys(keys) => keys.len() as u64,
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Which {
    Places,
    Keys,
}

#[derive(Default)]
struct Kept {
    parts: HashMap<(u64, Which), (Part, u64)>,
    bytes: u64,
    uses: u64,
}

pub struct Shelf {
    kept: Mutex<Kept>,
    bytes_max: u64,
}

impl Shelf {
    pub fn new(bytes_max: u64) -> Self {
        Self { kept: Mutex::default(), bytes_max }
    }

    pub fn get(&self, segment: u64, which: Which) -> Option<Part> {
        let mut kept = self.kept.lock();
        kept.uses += 1;
        let uses = kept.uses;
        let (part, used) = kept.parts.get_mut(&(segment, which))?;
        *used = uses;
        Some(part.clone())
    }

    /// Keeps a part; those not used for longest go. The one just put stays in any case, or a
    /// small bound would have every record load its sidecar again.
    pub fn put(&self, segment: u64, which: Which, part: &Part) {
        let mut kept = self.kept.lock();
        kept.uses += 1;
        let uses = kept.uses;
        kept.bytes += part.bytes();
        if let Some((old, _)) = kept.parts.insert((segment, which), (part.clone(), uses)) {
            kept.bytes -= old.bytes();
        }
        while kept.bytes > self.bytes_max && kept.parts.len() > 1 {
            let oldest = kept.parts.iter().min_by_key(|(_, (_, used))| *used).map(|(key, _)| *key);
            let Some((part, _)) = oldest.and_then(|key| kept.parts.remove(&key)) else { break };
            kept.bytes -= part.bytes();
        }
    }

    pub fn forget(&self, segment: u64) {
        let mut kept = self.kept.lock();
        for which in [Which::Places, Which::Keys] {
            if let Some((part, _)) = kept.parts.remove(&(segment, which)) {
                kept.bytes -= part.bytes();
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_part_unused_for_longest_goes_first_and_the_last_one_stays() {
        let shelf = Shelf::new(25);
        let part = Part::Keys(Arc::new(vec![0; 10]));
        shelf.put(1, Which::Keys, &part);
        shelf.put(2, Which::Keys, &part);
        shelf.get(1, Which::Keys);
        shelf.put(3, Which::Keys, &part);
        assert!(shelf.get(2, Which::Keys).is_none());
        assert!(shelf.get(1, Which::Keys).is_some());
        let large = Part::Keys(Arc::new(vec![0; 100]));
        shelf.put(4, Which::Keys, &large);
        assert!(shelf.get(4, Which::Keys).is_some() && shelf.get(1, Which::Keys).is_none());
        assert_eq!(shelf.kept.lock().bytes, 100);
    }
}
