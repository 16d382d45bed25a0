//! Sets of `rid`s: a few side by side, many as a bit each.

/// From so many on a set is kept as bits: 1 000 000 records take 125 kB.
const BITS_FROM: usize = 1_024;

/// A set of `rid`s of one EJ.
#[derive(Default)]
pub(crate) struct Rids {
    kept: Kept,
    len: usize,
}

enum Kept {
    /// Ascending.
    Few(Vec<u32>),
    Bits(Vec<u64>),
}

impl Default for Kept {
    fn default() -> Self {
        Self::Few(Vec::new())
    }
}

const fn place(rid: u32) -> (usize, u64) {
    ((rid / 64) as usize, 1 << (rid % 64))
}

impl Rids {
    /// In whatever order, and as often as they come.
    pub(crate) fn new(mut rids: Vec<u32>) -> Self {
        if rids.len() >= BITS_FROM {
            let mut set = Self { kept: Kept::Bits(Vec::new()), len: 0 };
            for rid in rids {
                set.insert(rid);
            }
            return set;
        }
        rids.sort_unstable();
        rids.dedup();
        Self { len: rids.len(), kept: Kept::Few(rids) }
    }

    /// `false`: it was there.
    pub(crate) fn insert(&mut self, rid: u32) -> bool {
        match &mut self.kept {
            Kept::Few(few) => {
                let Err(at) = few.binary_search(&rid) else { return false };
                few.insert(at, rid);
                if few.len() >= BITS_FROM {
                    *self = Self::new(std::mem::take(few));
                    return true;
                }
            }
            Kept::Bits(bits) => {
                let (word, bit) = place(rid);
                if bits.len() <= word {
                    bits.resize((word + 1).max(bits.len() * 2), 0);
                }
                if bits[word] & bit != 0 {
                    return false;
                }
                bits[word] |= bit;
            }
        }
        self.len += 1;
        true
    }

    pub(crate) fn contains(&self, rid: u32) -> bool {
        match &self.kept {
            Kept::Few(few) => few.binary_search(&rid).is_ok(),
            Kept::Bits(bits) => {
                let (word, bit) = place(rid);
                bits.get(word).is_some_and(|bits| bits & bit != 0)
            }
        }
    }

    pub(crate) const fn len(&self) -> usize {
        self.len
    }

    /// Ascending.
    pub(crate) fn iter(&self) -> impl Iterator<Item = u32> + '_ {
        let (few, bits) = match &self.kept {
            Kept::Few(few) => (&few[..], &[][..]),
            Kept::Bits(bits) => (&[][..], &bits[..]),
        };
        let in_word = |(word, bits): (u32, &u64)| {
            let mut rest = *bits;
            std::iter::from_fn(move || {
                let bit = rest.trailing_zeros();
                (rest != 0).then(|| {
                    rest &= rest - 1;
                    word * 64 + bit
                })
            })
        };
        few.iter().copied().chain((0..).zip(bits).flat_map(in_word))
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn few_and_many_are_the_same_set() {
        let mut dice = 7_u32;
        let mut model = BTreeSet::new();
        let mut grown = Rids::default();
        for _ in 0..5_000 {
            dice = dice.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            let rid = dice >> 18;
            assert_eq!(grown.insert(rid), model.insert(rid));
            assert_eq!(grown.len(), model.len());
        }
        let made = Rids::new(model.iter().rev().chain(&model).copied().collect());
        for set in [grown, made] {
            assert!(set.iter().eq(model.iter().copied()));
            assert_eq!(set.len(), model.len());
            assert!((0..20_000).all(|rid| set.contains(rid) == model.contains(&rid)));
        }
    }
}
