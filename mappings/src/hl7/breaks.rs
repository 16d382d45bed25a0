//! Where a message's fields and lines end: each field separator, CR and LF, in order.
//!
//! In a header or a PID there is one every few bytes, where a search that starts anew behind each
//! costs more than the bytes: eight are compared at once, and what is found in them is kept. Long
//! values (documents in OBX-5) are skipped by `memchr`.

use memchr::memchr3;

const WORD: usize = 8;
const LOW: u64 = 0x7F7F_7F7F_7F7F_7F7F;
const EVERY: u64 = 0x0101_0101_0101_0101;

/// Words without any end after which `memchr` goes on.
const EMPTY_WORDS_MAX: u32 = 8;

/// Tells `found` each place from `from` on. Not an iterator: told from within the loop, all places
/// of a usual message of 930 bytes cost 3 600 instructions instead of 8 900.
#[inline]
pub(super) fn each_break(bytes: &[u8], from: usize, field: u8, mut found: impl FnMut(usize)) {
    let mut at = from;
    let mut empty = 0;
    while let Some(word) = bytes.get(at..).and_then(<[u8]>::first_chunk::<WORD>) {
        let word = u64::from_le_bytes(*word);
        let mut ends = equal(word, field) | equal(word, b'\r') | equal(word, b'\n');
        if ends == 0 {
            at += WORD;
            if is_long(&mut empty) {
                empty = 0;
                let rest = &bytes[at..];
                at += memchr3(field, b'\r', b'\n', rest).unwrap_or(rest.len());
            }
            continue;
        }
        empty = 0;
        while ends != 0 {
            found(at + ends.trailing_zeros() as usize / 8);
            ends &= ends - 1;
        }
        at += WORD;
    }
    for (at, byte) in bytes.iter().enumerate().skip(at) {
        if *byte == field || *byte == b'\r' || *byte == b'\n' {
            found(at);
        }
    }
}

/// Counts one more word without any end, and tells whether they are many: which way the next end is
/// looked for.
const fn is_long(empty: &mut u32) -> bool {
    *empty += 1;
    *empty == EMPTY_WORDS_MAX
}

/// The high bit of each byte of `word` that is `byte`; exact, no carry leaves its byte.
const fn equal(word: u64, byte: u8) -> u64 {
    let differs = word ^ (EVERY * byte as u64);
    !(((differs & LOW) + LOW) | differs | LOW)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn every_end_is_found_once_and_in_order(
            text in "([|\r\n\u{7f}\u{80}a]{0,40}a{0,120}){0,4}",
            from in any::<prop::sample::Index>(),
            field in prop::sample::select(&b"|a\x7f"[..]),
        ) {
            let bytes = text.as_bytes();
            let from = from.index(bytes.len() + 1);
            let mut found = Vec::new();
            each_break(bytes, from, field, |at| found.push(at));
            let ends = |at: &usize| bytes[*at] == field || matches!(bytes[*at], b'\r' | b'\n');
            let expected: Vec<usize> = (from..bytes.len()).filter(ends).collect();
            prop_assert_eq!(found, expected);
        }
    }
}
