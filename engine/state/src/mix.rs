//! A hash for keys that are short and numbers already: record ids and places.
//!
//! Folded multiplication under a key of the process's own, a few cycles for 16 bytes where
//! SipHash takes about thirty nanoseconds. Senders choose identifiers, and ids are minted from
//! them: the key is what keeps anybody from choosing ids that collide here. Texts that come from
//! messages are hashed with SipHash (`Ej::identifier_hash`).

use std::hash::{BuildHasher, Hasher, RandomState};

/// Any odd number without a pattern will do: the golden ratio's.
const FACTOR: u64 = 0x9e37_79b9_7f4a_7c15;

#[derive(Clone, Copy)]
pub(crate) struct Mix(u64);

impl Default for Mix {
    fn default() -> Self {
        Self(RandomState::new().hash_one(FACTOR))
    }
}

impl BuildHasher for Mix {
    type Hasher = Mixer;

    fn build_hasher(&self) -> Mixer {
        Mixer(self.0)
    }
}

pub(crate) struct Mixer(u64);

impl Mixer {
    #[allow(clippy::cast_possible_truncation, reason = "both halves of the product are kept")]
    const fn fold(&mut self, word: u64) {
        let product = ((self.0 ^ word) as u128) * (FACTOR as u128);
        self.0 = (product as u64) ^ ((product >> 64) as u64);
    }
}

impl Hasher for Mixer {
    fn write(&mut self, bytes: &[u8]) {
        for chunk in bytes.chunks(8) {
            let mut word = [0; 8];
            word[..chunk.len()].copy_from_slice(chunk);
            self.fold(u64::from_le_bytes(word));
        }
    }

    fn write_u8(&mut self, number: u8) {
        self.fold(u64::from(number));
    }

    fn write_u32(&mut self, number: u32) {
        self.fold(u64::from(number));
    }

    fn write_u64(&mut self, number: u64) {
        self.fold(number);
    }

    fn write_usize(&mut self, number: usize) {
        self.fold(number as u64);
    }

    fn write_isize(&mut self, number: isize) {
        self.fold(number.cast_unsigned() as u64);
    }

    fn finish(&self) -> u64 {
        self.0
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use sluice_mappings::records::ResourceId;

    use super::*;

    #[test]
    fn ids_that_share_most_bytes_spread_over_the_low_and_the_high_bits() {
        let mix = Mix::default();
        let hashes: Vec<u64> = (0..=u16::MAX)
            .map(|number| {
                let mut id = [0; 16];
                id[7..9].copy_from_slice(&number.to_be_bytes());
                mix.hash_one(ResourceId(id))
            })
            .collect();
        let low: HashSet<u64> = hashes.iter().map(|hash| hash & 0xffff).collect();
        let high: HashSet<u64> = hashes.iter().map(|hash| hash >> 48).collect();
        // Of 65 536 random ones about 41 400 would differ.
        assert!(low.len() > 35_000 && high.len() > 35_000, "{} {}", low.len(), high.len());
    }
}
