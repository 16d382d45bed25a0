//! Character sets: what MSH-18 declares, what the bytes are, and the text they mean.
//!
//! A declaration that lies is flagged ([`CharsetLie`]) and never becomes mojibake in silence.
//! The rules, in order, with *presumed* = the declared set, else the EJ's default:
//!
//! | presumed | bytes | read as | lie |
//! |---|---|---|---|
//! | any | ASCII only | presumed | – |
//! | UTF-8 | valid | UTF-8 | – |
//! | UTF-8 | not valid | what is valid as UTF-8, the rest as windows-1252 | `InvalidUtf8` |
//! | any other | valid UTF-8 | UTF-8 | `ActuallyUtf8` |
//! | any other | some `Ã©`-like pairs, the whole not valid | as the row before the last | `PartlyUtf8` |
//! | ASCII | high bytes | windows-1252 | `HighBytesInAscii` |
//! | 8859/1, 8859/15 | any of 0x80–0x9F | windows-1252 | `C1Bytes` |
//! | 8859/1 | 0xA4, or 0xA6 0xA8 0xB8 0xBC 0xBD 0xBE as a letter | 8859/15 | `Latin9Bytes` |
//! | windows-1252 | 0x81 0x8D 0x8F 0x90 0x9D | the C1 control of that number | `UndefinedBytes` |
//!
//! Every byte has a character, so nothing is ever replaced by U+FFFD. ASCII and valid UTF-8
//! are borrowed.

use std::borrow::Cow;
use std::fmt;

use encoding_rs::{Encoder, EncoderResult, Encoding, ISO_8859_15, WINDOWS_1252};
use serde::{Deserialize, Serialize};

use super::MshRaw;

/// A character set that can be read and answered in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Charset {
    Ascii,
    Utf8,
    Latin1,
    Latin9,
    Windows1252,
}

/// What MSH-18 says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Declared {
    /// Empty or absent: the EJ's default holds.
    Absent,
    Known(Charset),
    /// Something that is not served, e.g. `UNICODE UTF-16` or `ISO IR87`.
    Unsupported,
}

impl Charset {
    /// Table 0211 as it is written and as it is found in the wild, in any letter case: `ASCII`,
    /// `8859/1`, `8859/15`, `UNICODE UTF-8`, `UNICODE`, `UTF-8`, `ISO-8859-1`, `windows-1252`…
    /// `UNICODE` alone was never anything else than UTF-8 on a byte stream.
    #[must_use]
    pub fn declared(value: &[u8]) -> Declared {
        let significant = |b: &&u8| !matches!(b, b' ' | b'-' | b'_' | b'/' | b'\t');
        if value.iter().filter(significant).count() > 16 {
            return Declared::Unsupported;
        }
        let name: Vec<u8> = value.iter().filter(significant).map(u8::to_ascii_uppercase).collect();
        let name = name.strip_prefix(b"ISO").unwrap_or(&name);
        Declared::Known(match name {
            b"" | b"\"\"" => return Declared::Absent,
            b"ASCII" | b"USASCII" | b"IR6" => Self::Ascii,
            b"UNICODEUTF8" | b"UNICODE" | b"UTF8" => Self::Utf8,
            b"88591" | b"LATIN1" => Self::Latin1,
            b"885915" | b"LATIN9" => Self::Latin9,
            b"WINDOWS1252" | b"CP1252" | b"1252" => Self::Windows1252,
            _ => return Declared::Unsupported,
        })
    }

    /// As MSH-18 writes it (table 0211; windows-1252 is not in it).
    #[must_use]
    pub const fn msh_18(self) -> &'static str {
        match self {
            Self::Ascii => "ASCII",
            Self::Utf8 => "UNICODE UTF-8",
            Self::Latin1 => "8859/1",
            Self::Latin9 => "8859/15",
            Self::Windows1252 => "WINDOWS-1252",
        }
    }
}

impl fmt::Display for Charset {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.msh_18())
    }
}

/// How the bytes contradict what MSH-18, or the EJ's default, says they are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct CharsetLie {
    pub kind: LieKind,
    /// The declared set, or the EJ's default where none is declared.
    pub presumed: Charset,
    /// Offset of the first byte that gave it away.
    pub byte: usize,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum LieKind {
    InvalidUtf8,
    ActuallyUtf8,
    PartlyUtf8,
    HighBytesInAscii,
    C1Bytes,
    Latin9Bytes,
    UndefinedBytes,
}

impl LieKind {
    pub const ALL: [Self; 7] = [
        Self::InvalidUtf8,
        Self::ActuallyUtf8,
        Self::PartlyUtf8,
        Self::HighBytesInAscii,
        Self::C1Bytes,
        Self::Latin9Bytes,
        Self::UndefinedBytes,
    ];

    /// A closed set of names, for counters and lists.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::InvalidUtf8 => "invalid_utf8",
            Self::ActuallyUtf8 => "actually_utf8",
            Self::PartlyUtf8 => "partly_utf8",
            Self::HighBytesInAscii => "high_bytes_in_ascii",
            Self::C1Bytes => "c1_bytes",
            Self::Latin9Bytes => "latin9_bytes",
            Self::UndefinedBytes => "undefined_bytes",
        }
    }
}

/// A message's text.
#[derive(Clone, PartialEq, Eq)]
pub struct Decoded<'a> {
    pub text: Cow<'a, str>,
    /// The set that was used; answer in this one.
    pub charset: Charset,
    pub declared: Declared,
    pub lie: Option<CharsetLie>,
}

impl fmt::Debug for Decoded<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Decoded")
            .field("bytes", &self.text.len())
            .field("charset", &self.charset)
            .field("declared", &self.declared)
            .field("lie", &self.lie)
            .finish()
    }
}

/// Decodes a message by the module's table. `declared` is MSH-18's first repetition, raw
/// ([`MshRaw::charset`](super::MshRaw::charset)); one that is not supported is reported in
/// [`Decoded::declared`] and the bytes are read by the default, to be shown, not to be filed.
#[must_use]
pub fn decode<'a>(raw: &'a [u8], declared: Option<&[u8]>, default: Charset) -> Decoded<'a> {
    let declared = declared.map_or(Declared::Absent, Charset::declared);
    let presumed = match declared {
        Declared::Known(charset) => charset,
        Declared::Absent | Declared::Unsupported => default,
    };
    let (text, charset, lie) = read(raw, presumed);
    let lie = lie.map(|(kind, byte)| CharsetLie { kind, presumed, byte });
    Decoded { text, charset, declared, lie }
}

/// Decodes a message by its own MSH-18, else by the EJ's default.
#[must_use]
pub fn decode_message(raw: &[u8], default: Charset) -> Decoded<'_> {
    let declared = MshRaw::find(raw).and_then(|msh| msh.charset());
    decode(raw, declared, default)
}

type Reading<'a> = (Cow<'a, str>, Charset, Option<(LieKind, usize)>);

fn read(raw: &[u8], presumed: Charset) -> Reading<'_> {
    let first_high = Encoding::ascii_valid_up_to(raw);
    let whole = std::str::from_utf8(raw);
    if let Ok(text) = whole {
        let true_to_word = first_high == raw.len() || presumed == Charset::Utf8;
        let (charset, lie) = if true_to_word {
            (presumed, None)
        } else {
            (Charset::Utf8, Some((LieKind::ActuallyUtf8, first_high)))
        };
        return (Cow::Borrowed(text), charset, lie);
    }
    if presumed == Charset::Utf8 {
        let byte = whole.err().map_or(first_high, |e| e.valid_up_to());
        let (text, charset) = decode_mixed(raw);
        return (Cow::Owned(text), charset, Some((LieKind::InvalidUtf8, byte)));
    }
    if let Some(byte) = utf8_pair(raw, first_high) {
        let (text, charset) = decode_mixed(raw);
        return (Cow::Owned(text), charset, Some((LieKind::PartlyUtf8, byte)));
    }
    let (charset, lie) = single_byte(raw, presumed, first_high);
    let encoding = match charset {
        Charset::Latin9 => ISO_8859_15,
        // Latin-1 without C1 bytes is windows-1252; with them it has become that above.
        _ => WINDOWS_1252,
    };
    let (text, _) = encoding.decode_without_bom_handling(raw);
    (text, charset, lie)
}

/// Which single-byte set these bytes, which are not UTF-8, are in.
fn single_byte(
    raw: &[u8],
    presumed: Charset,
    first_high: usize,
) -> (Charset, Option<(LieKind, usize)>) {
    let find = |is: &dyn Fn(usize) -> bool| (first_high..raw.len()).find(|at| is(*at));
    let c1 = || find(&|at| (0x80..=0x9F).contains(&raw[at]));
    match presumed {
        Charset::Ascii => (Charset::Windows1252, Some((LieKind::HighBytesInAscii, first_high))),
        Charset::Latin1 => match (c1(), find(&|at| is_latin9_letter(raw, at))) {
            (Some(at), _) => (Charset::Windows1252, Some((LieKind::C1Bytes, at))),
            (None, Some(at)) => (Charset::Latin9, Some((LieKind::Latin9Bytes, at))),
            (None, None) => (Charset::Latin1, None),
        },
        Charset::Latin9 => match c1() {
            Some(at) => (Charset::Windows1252, Some((LieKind::C1Bytes, at))),
            None => (Charset::Latin9, None),
        },
        Charset::Windows1252 | Charset::Utf8 => {
            let undefined = |at: usize| matches!(raw[at], 0x81 | 0x8D | 0x8F | 0x90 | 0x9D);
            let lie = find(&undefined).map(|at| (LieKind::UndefinedBytes, at));
            (Charset::Windows1252, lie)
        }
    }
}

/// A byte that is a sign in 8859/1 and a letter in 8859/15, and stands as a letter: one right
/// before it, or two right after (`c½ur`, `½uvre`, but `1½`, `½ l`). 0xB4 is left out: `´` serves
/// as an apostrophe (`L´HAŸ`). 0xA4 needs no neighbour: nobody writes `¤`, everybody `€`.
fn is_latin9_letter(raw: &[u8], at: usize) -> bool {
    let letter = |at: usize| {
        let high = |b: u8| b >= 0xC0 && b != 0xD7 && b != 0xF7;
        raw.get(at).is_some_and(|b| b.is_ascii_alphabetic() || high(*b))
    };
    match raw[at] {
        0xA4 => true,
        0xA6 | 0xA8 | 0xB8 | 0xBC | 0xBD | 0xBE => {
            (at > 0 && letter(at - 1)) || (letter(at + 1) && letter(at + 2))
        }
        _ => false,
    }
}

/// Where UTF-8 shows in bytes that are not valid UTF-8 as a whole (one cut character is
/// enough for that): lead byte 0xC3 or 0xC5 and a continuation, `Ã©`, which no name has in a
/// single-byte set. Other pairs (`É»`) occur there.
fn utf8_pair(raw: &[u8], first_high: usize) -> Option<usize> {
    let pair = |at: &usize| {
        matches!(raw[*at], 0xC3 | 0xC5)
            && raw.get(at + 1).is_some_and(|next| (0x80..=0xBF).contains(next))
    };
    (first_high..raw.len()).find(pair)
}

/// Each valid run as UTF-8, each byte between as windows-1252.
fn decode_mixed(raw: &[u8]) -> (String, Charset) {
    let mut text = String::with_capacity(raw.len() + raw.len() / 8);
    let mut charset = Charset::Windows1252;
    for chunk in raw.utf8_chunks() {
        if !chunk.valid().is_ascii() {
            charset = Charset::Utf8;
        }
        text.push_str(chunk.valid());
        text.extend(chunk.invalid().iter().copied().map(windows_1252));
    }
    (text, charset)
}

/// One byte at a time: a frame of nothing but stray bytes costs no allocation for each.
fn windows_1252(byte: u8) -> char {
    const BETWEEN_80_AND_9F: [char; 32] = [
        '€', '\u{81}', '‚', 'ƒ', '„', '…', '†', '‡', 'ˆ', '‰', 'Š', '‹', 'Œ', '\u{8D}', 'Ž',
        '\u{8F}', '\u{90}', '‘', '’', '“', '”', '•', '–', '—', '˜', '™', 'š', '›', 'œ', '\u{9D}',
        'ž', 'Ÿ',
    ];
    match byte {
        0x80..=0x9F => BETWEEN_80_AND_9F[usize::from(byte - 0x80)],
        _ => char::from(byte),
    }
}

/// Writes a text in a set; what the set lacks becomes `?`.
#[must_use]
pub fn encode(text: &str, charset: Charset) -> Vec<u8> {
    match charset {
        Charset::Utf8 => text.as_bytes().to_vec(),
        _ if text.is_ascii() => text.as_bytes().to_vec(),
        Charset::Ascii => encode_below(text, 0x80),
        Charset::Latin1 => encode_below(text, 0x100),
        Charset::Latin9 => encode_lossy(text, ISO_8859_15.new_encoder()),
        Charset::Windows1252 => encode_lossy(text, WINDOWS_1252.new_encoder()),
    }
}

fn encode_below(text: &str, limit: u32) -> Vec<u8> {
    let byte = |c: char| u8::try_from(c).ok().filter(|_| u32::from(c) < limit);
    text.chars().map(|c| byte(c).unwrap_or(b'?')).collect()
}

fn encode_lossy(text: &str, mut encoder: Encoder) -> Vec<u8> {
    // A single-byte encoder writes at most one byte for each of the text's.
    let mut bytes = Vec::with_capacity(text.len() + 1);
    let mut rest = text;
    loop {
        let (result, read) =
            encoder.encode_from_utf8_to_vec_without_replacement(rest, &mut bytes, true);
        rest = &rest[read..];
        match result {
            EncoderResult::InputEmpty => return bytes,
            EncoderResult::Unmappable(_) => bytes.push(b'?'),
            EncoderResult::OutputFull => bytes.reserve(rest.len() + 16),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stray_byte_is_the_character_that_windows_1252_gives_it() {
        for byte in 0..=u8::MAX {
            let (text, _) = WINDOWS_1252.decode_without_bom_handling(std::slice::from_ref(&byte));
            assert_eq!(text, windows_1252(byte).to_string());
        }
    }

    #[test]
    fn a_letter_of_8859_15_stands_beside_letters() {
        for (text, is_letter) in [
            (&b"c\xBDur"[..], true),
            (b"\xE9\xBD", true),
            (b"1\xBD", false),
            (b"\xD7\xBD", false),
            (b"\xF7\xBD", false),
            (b"2\xBDuv", true),
            (b"2\xBDu1", false),
            (b"2\xBD1u", false),
            (b"2\xA4", true),
            (b"L\xB4HA", false),
        ] {
            assert_eq!(is_latin9_letter(text, 1), is_letter, "{text:?}");
        }
        assert!(is_latin9_letter(b"\xBDuv", 0));
    }

    #[test]
    fn what_a_set_lacks_is_a_question_mark() {
        assert_eq!(encode("a\u{80}\u{7f}", Charset::Ascii), b"a?\x7f");
        assert_eq!(encode("\u{ff}\u{100}", Charset::Latin1), b"\xff?");
        assert_eq!(encode("€\u{100}", Charset::Latin9), b"\xA4?");
        assert_eq!(encode("€\u{100}", Charset::Windows1252), b"\x80?");
    }

    #[test]
    fn a_set_is_shown_as_msh_18_writes_it() {
        assert_eq!(Charset::Latin9.to_string(), "8859/15");
        assert_eq!(Charset::Utf8.to_string(), "UNICODE UTF-8");
    }
}
