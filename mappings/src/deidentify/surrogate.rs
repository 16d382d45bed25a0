//! Surrogates under a key: HMAC-SHA-256 of what was there, in letters that nobody is called by.

use std::fmt;

use hmac::{Hmac, Mac};
use sha2::Sha256;

/// Shorter keys can be guessed.
pub const KEY_BYTES_MIN: usize = 32;
/// More is a wrong file.
pub const KEY_BYTES_MAX: usize = 4096;

/// Letters and digits that are not mistaken for each other (Crockford's base 32).
const LETTERS: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";

/// Syllables that make no name of anybody's: 64³ of three.
const SYLLABLES: [&str; 64] = [
    "ba", "be", "bi", "bo", "bra", "bru", "da", "de", "do", "dra", "fe", "fo", "fra", "ga", "go",
    "gri", "gu", "ja", "jo", "ka", "ke", "ko", "kri", "la", "le", "lo", "lu", "ma", "me", "mi",
    "mo", "na", "ne", "no", "nu", "pa", "pe", "plo", "po", "pra", "ra", "re", "ri", "ro", "ru",
    "sa", "se", "so", "ste", "su", "ta", "te", "ti", "to", "tra", "va", "ve", "vi", "vo", "xa",
    "xe", "za", "zo", "zu",
];

/// What surrogates are made under. Whoever holds it can check a guess: it is as secret as the feed.
#[derive(Clone)]
pub struct Key(Hmac<Sha256>);

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Key")
    }
}

impl Key {
    /// `None` where they are too few or too many.
    #[must_use]
    pub fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let fits = (KEY_BYTES_MIN..=KEY_BYTES_MAX).contains(&bytes.len());
        let mac = Hmac::new_from_slice(bytes).ok()?;
        fits.then_some(Self(mac))
    }

    /// Tells keys apart, and nothing of them: it may be written down where the key may not.
    #[must_use]
    pub fn id(&self) -> String {
        letters(&self.hash("key id", &[])).take(16).map(char::from).collect()
    }

    fn hash(&self, what: &str, parts: &[&[u8]]) -> [u8; 32] {
        let mut mac = self.0.clone();
        mac.update(what.as_bytes());
        for part in parts {
            mac.update(&(part.len() as u64).to_be_bytes());
            mac.update(part);
        }
        mac.finalize().into_bytes().into()
    }

    /// Fifteen characters, which CX-1 and MSH-10 of every version have room for: 70 bits, so that two
    /// of a million never meet.
    pub(super) fn identifier(&self, value: &[u8]) -> Vec<u8> {
        if says_nothing(value) {
            return value.to_vec();
        }
        let mut surrogate = vec![b'D'];
        surrogate.extend(letters(&self.hash("identifier", &[value])).take(14));
        surrogate
    }

    pub(super) fn name(&self, patient: &[u8], value: &[u8]) -> Vec<u8> {
        if says_nothing(value) {
            return value.to_vec();
        }
        let hash = self.hash("name", &[patient, value]);
        let mut name = String::new();
        for byte in &hash[..4] {
            name.push_str(SYLLABLES[usize::from(byte % 64)]);
        }
        name.to_uppercase().into_bytes()
    }

    /// The year, not more than ninety before the message was sent, and a day out of the key.
    pub(super) fn birth(&self, patient: &[u8], value: &[u8], sent: Option<i64>) -> Vec<u8> {
        let Some(year) = year(value) else { return Vec::new() };
        let year = sent.map_or(year, |sent| year.max(sent - 90));
        let hash = self.hash("birth", &[patient]);
        format!("{year:04}{:02}{:02}", 1 + hash[0] % 12, 1 + hash[1] % 28).into_bytes()
    }
}

/// Empty, or `""`, which deletes what is there and tells of nobody.
fn says_nothing(value: &[u8]) -> bool {
    matches!(value, b"" | b"\"\"")
}

/// The year that a time begins with.
pub(super) fn year(time: &[u8]) -> Option<i64> {
    let digits = time.get(..4).filter(|digits| digits.iter().all(u8::is_ascii_digit))?;
    std::str::from_utf8(digits).ok()?.parse().ok()
}

/// Bytes as letters and digits, five bits each.
pub fn letters(bytes: &[u8]) -> impl Iterator<Item = u8> {
    bytes.chunks_exact(5).flat_map(|five| {
        let bits = five.iter().fold(0_u64, |bits, byte| bits << 8 | u64::from(*byte));
        (0..8).rev().map(move |at| LETTERS[(bits >> (5 * at)) as usize % 32])
    })
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn a_key_is_neither_short_nor_a_wrong_file() {
        for (bytes, fits) in [(31, false), (32, true), (4096, true), (4097, false)] {
            assert_eq!(Key::from_bytes(&vec![1; bytes]).is_some(), fits, "{bytes}");
        }
    }

    #[test]
    fn letters_are_five_bits_each() {
        let all: Vec<u8> = letters(&[0xff, 0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0, 1]).collect();
        assert_eq!(all, b"ZZZZZZZZ00000001");
    }

    fn key() -> Key {
        Key::from_bytes(&[7; 32]).unwrap()
    }

    #[test]
    fn a_day_of_birth_is_any_of_a_year_and_the_year_the_one_that_was_sent() {
        let (mut months, mut days) = (BTreeSet::new(), BTreeSet::new());
        for patient in 0..600 {
            let patient = format!("P{patient}");
            let born = key().birth(patient.as_bytes(), b"19610507", Some(2026));
            let born = String::from_utf8(born).unwrap();
            assert_eq!((&born[..4], born.len()), ("1961", 8));
            months.insert(born[4..6].parse::<u32>().unwrap());
            days.insert(born[6..].parse::<u32>().unwrap());
        }
        assert!(months.into_iter().eq(1..=12) && days.into_iter().eq(1..=28));
        let year = |born: &[u8], sent| {
            let born = key().birth(b"P", born, sent);
            String::from_utf8(born).unwrap().get(..4).map(str::to_owned)
        };
        let told = |text: &str| Some(text.to_owned());
        assert_eq!(year(b"19360101", Some(2026)), told("1936"));
        assert_eq!(year(b"19350101", Some(2026)), told("1936"));
        assert_eq!(year(b"19350101", None), told("1935"));
        for none in [&b""[..], b"193", b"19x5", b"\"\""] {
            assert_eq!(year(none, Some(2026)), None);
        }
    }

    #[test]
    fn names_are_of_all_syllables_and_nothing_stays_nothing() {
        let mut seen: BTreeSet<&str> = BTreeSet::new();
        for patient in 0..400 {
            let name = key().name(format!("P{patient}").as_bytes(), b"DURAND");
            let name = String::from_utf8(name).unwrap();
            assert!((8..=12).contains(&name.len()), "{name}");
            let begins = |one: &&str| name.starts_with(&one.to_uppercase());
            seen.extend(SYLLABLES.into_iter().filter(begins));
        }
        assert!(seen.len() > 60, "{}", seen.len());
        for nothing in [&b""[..], b"\"\""] {
            assert_eq!(key().name(b"P", nothing), nothing);
            assert_eq!(key().identifier(nothing), nothing);
        }
    }

    /// A feed is put under surrogates in parts, by one release after another.
    #[test]
    fn a_surrogate_stays_the_same_from_release_to_release() {
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
        let all = [
            text(key().identifier(b"123")),
            text(key().name(b"123", b"DURAND")),
            text(key().birth(b"123", b"19610507", Some(2026))),
            key().id(),
        ];
        assert_eq!(all, ["DPKTW0BFDT0Q9FY", "BRABRAMOKO", "19610218", "J1A5V3PMVVZ1JD7R"]);
    }
}
