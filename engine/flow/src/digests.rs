//! Maps whose keys are parts of SHA-256 digests.
//!
//! Their bits are spread evenly already, so that one multiplication by a number of this process's
//! own is enough: a sender that searches for messages with alike digests does not know it, and
//! cannot make them fall together. The intake and the fold ask such a map about ten times for each
//! message, under a lock that both need.

use std::collections::HashMap;
use std::hash::{BuildHasher, Hasher, RandomState};

pub(crate) type DigestMap<K, V> = HashMap<K, V, DigestState>;

#[derive(Clone)]
pub(crate) struct DigestState {
    begin: u64,
    factor: u64,
}

impl Default for DigestState {
    fn default() -> Self {
        let random = RandomState::new();
        Self { begin: random.hash_one(1), factor: random.hash_one(2) | 1 }
    }
}

impl BuildHasher for DigestState {
    type Hasher = DigestHasher;

    fn build_hasher(&self) -> DigestHasher {
        DigestHasher { state: self.begin, factor: self.factor }
    }
}

pub(crate) struct DigestHasher {
    state: u64,
    factor: u64,
}

impl Hasher for DigestHasher {
    fn write(&mut self, bytes: &[u8]) {
        let mut words = bytes.chunks_exact(8);
        for word in &mut words {
            let mut eight = [0; 8];
            eight.copy_from_slice(word);
            self.write_u64(u64::from_le_bytes(eight));
        }
        for byte in words.remainder() {
            self.write_u64(u64::from(*byte));
        }
    }

    fn write_u64(&mut self, word: u64) {
        let product = u128::from(self.state ^ word) * u128::from(self.factor);
        self.state = product as u64 ^ (product >> 64) as u64;
    }

    /// The length of a key, always the same.
    fn write_usize(&mut self, _: usize) {}

    fn finish(&self) -> u64 {
        self.state
    }
}

#[cfg(test)]
mod tests {
    use sluice_journal::IdempotencyKey;

    use super::*;

    #[test]
    fn keys_that_differ_in_one_bit_fall_apart() {
        let state = DigestState::default();
        let mut low = std::collections::HashSet::new();
        for bit in 0..128 {
            let mut key = [0x5A; 16];
            key[bit / 8] ^= 1 << (bit % 8);
            low.insert(state.hash_one(IdempotencyKey(key)));
        }
        assert_eq!(low.len(), 128);
    }
}
