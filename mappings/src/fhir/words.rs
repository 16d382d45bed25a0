//! Eight bytes of a text at a time: what most texts are is told before their characters are read.

const ONES: u64 = u64::from_ne_bytes([1; 8]);

/// The highest bit of each byte.
pub(super) const HIGH: u64 = ONES << 7;

/// Fills up a text of less than eight bytes.
const FILLER: u64 = ONES * b'x' as u64;

/// Whether `test` holds for all `bytes`, which it gets in words. The order of the bytes in
/// a word is of no account, and some come twice.
#[inline]
pub(super) fn all_words(bytes: &[u8], test: impl Fn(u64) -> bool) -> bool {
    match bytes.last_chunk::<8>() {
        Some(last) => {
            let (words, _) = bytes.as_chunks::<8>();
            words.iter().chain([last]).all(|word| test(u64::from_ne_bytes(*word)))
        }
        None => test(bytes.iter().fold(FILLER, |word, byte| word << 8 | u64::from(*byte))),
    }
}

/// Not 0 where a byte is below `limit`, which is 0x80 at most.
#[inline]
pub(super) const fn below(word: u64, limit: u64) -> u64 {
    word.wrapping_sub(ONES * limit) & !word & HIGH
}

/// Not 0 where a byte is `byte`.
#[inline]
pub(super) const fn has(word: u64, byte: u8) -> u64 {
    below(word ^ (ONES * byte as u64), 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_byte_is_found_wherever_it_stands_and_no_other_is_taken_for_it() {
        for length in 1..20 {
            for at in 0..length {
                for byte in 0..0x80_u8 {
                    let mut text = vec![b'm'; length];
                    text[at] = byte;
                    assert_eq!(!all_words(&text, |word| below(word, 0x20) == 0), byte < 0x20);
                    assert_eq!(!all_words(&text, |word| has(word, b'"') == 0), byte == b'"');
                    assert!(!all_words(&text, |word| below(word, 0x7f) == 0), "an m is");
                }
            }
        }
        assert!(all_words(b"", |word| below(word, 0x20) | has(word, b'"') == 0));
        assert!(all_words("éàç€".as_bytes(), |word| below(word, 0x80) == 0), "beyond ASCII");
        assert!(!all_words("é".as_bytes(), |word| has(word, 0xc3) == 0));
    }
}
