//! Keys: 10 bytes, big-endian, so that byte order is value order.

use super::Param;
use crate::records::ResourceId;

/// Bytes of an index key.
pub const KEY_BYTES: usize = 10;

/// An index key.
pub type Key = [u8; KEY_BYTES];

pub(super) const LOWEST: Key = [0; KEY_BYTES];
pub(super) const HIGHEST: Key = [0xff; KEY_BYTES];

/// Rows `from..=to` of `param`. `exact`: a record with a row in here is a match of the clause that
/// the span belongs to; else it may be one.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Span {
    pub param: Param,
    pub from: Key,
    pub to: Key,
    pub exact: bool,
}

impl Span {
    pub(super) const fn new(param: Param, from: Key, to: Key, exact: bool) -> Self {
        Self { param, from, to, exact }
    }

    pub(super) const fn point(param: Param, key: Key, exact: bool) -> Self {
        Self::new(param, key, key, exact)
    }

    pub(super) const fn whole(param: Param, exact: bool) -> Self {
        Self::new(param, LOWEST, HIGHEST, exact)
    }

    #[must_use]
    pub fn holds(&self, param: Param, key: &Key) -> bool {
        self.param == param && self.from <= *key && *key <= self.to
    }
}

// A key can be as telling as the value that it was made of.
crate::records::phi_debug!(Span);

/// A signed 64-bit value, and a byte that orders equal ones.
pub(super) fn number(value: i64, tail: u8) -> Key {
    let mut key = LOWEST;
    key[..8].copy_from_slice(&(value.cast_unsigned() ^ (1 << 63)).to_be_bytes());
    key[8] = tail;
    key
}

/// The value that [`number`] made the key of.
pub(super) fn number_of(key: &Key) -> i64 {
    let mut bytes = [0; 8];
    bytes.copy_from_slice(&key[..8]);
    (u64::from_be_bytes(bytes) ^ (1 << 63)).cast_signed()
}

/// The first bytes of `text`, zero-padded.
pub(super) fn prefix(text: &[u8]) -> Key {
    let mut key = LOWEST;
    let bytes = text.len().min(KEY_BYTES);
    key[..bytes].copy_from_slice(&text[..bytes]);
    key
}

/// The last key that starts with `text` (its first 10 bytes).
pub(super) fn prefix_end(text: &[u8]) -> Key {
    let mut key = HIGHEST;
    let bytes = text.len().min(KEY_BYTES);
    key[..bytes].copy_from_slice(&text[..bytes]);
    key
}

pub(super) fn id(id: ResourceId) -> Key {
    prefix(&id.0)
}

pub(super) const fn byte(value: u8) -> Key {
    let mut key = LOWEST;
    key[0] = value;
    key
}

/// A system and a value, hashed: all values of a system lie side by side.
pub(super) fn system_value(system: &str, value: &str) -> Key {
    let mut key = system_start(system);
    key[4..].copy_from_slice(&fnv64(value.as_bytes()).to_be_bytes()[..6]);
    key
}

pub(super) fn system_start(system: &str) -> Key {
    prefix(&fnv64(system.as_bytes()).to_be_bytes()[..4])
}

pub(super) fn system_end(system: &str) -> Key {
    prefix_end(&fnv64(system.as_bytes()).to_be_bytes()[..4])
}

pub(super) fn value(value: &str) -> Key {
    prefix(&fnv64(value.as_bytes()).to_be_bytes())
}

/// FNV-1a with a final mix (its high bits alone are weak on short input). Not for security:
/// whatever is found by a hash is verified.
pub(super) fn fnv64(bytes: &[u8]) -> u64 {
    let mut hash = bytes
        .iter()
        .fold(0xcbf2_9ce4_8422_2325_u64, |h, b| (h ^ u64::from(*b)).wrapping_mul(0x100_0000_01b3));
    hash ^= hash >> 33;
    hash = hash.wrapping_mul(0xff51_afd7_ed55_8ccd);
    hash ^ (hash >> 33)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn byte_order_is_value_order_through_zero() {
        let keys = [i64::MIN, -5, -1, 0, 1, i64::MAX].map(|n| number(n, 0));
        assert!(keys.is_sorted());
        assert!(number(0, 1) > number(0, 0) && number(0, 1) < number(1, 0));
        assert_eq!(keys.map(|key| number_of(&key)), [i64::MIN, -5, -1, 0, 1, i64::MAX]);
    }

    /// The keys stand in the index on disk.
    #[test]
    fn a_hash_is_fnv_1a_with_the_final_mix_of_murmur_3() {
        let hashes = ["", "a", "foobar"].map(|text| fnv64(text.as_bytes()));
        assert_eq!(hashes, [0xECBA_3DF2_C338_3C52, 0xED81_70DE_1919_A24D, 0x6916_CE8B_48D4_BC55]);
        assert_eq!(value("a")[..8], 0xED81_70DE_1919_A24D_u64.to_be_bytes());
        assert_eq!(system_start("a")[..4], [0xED, 0x81, 0x70, 0xDE]);
        assert_eq!(id(crate::records::ResourceId([7; 16])), [7; KEY_BYTES]);
    }
}
