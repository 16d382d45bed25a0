//! Escape sequences (HL7 v2.5.1 §2.7), read and written.
//!
//! Reading is total: a sequence is what stands between two escape characters; what is not
//! known, not complete or not well formed is kept as it came, escape characters included.
//! Unescape only after splitting: `\S\` in XAD-2 is a line separator, not a component's.
//!
//! | sequence | read as |
//! |---|---|
//! | `\F\ \S\ \T\ \R\ \E\` | the message's own separators |
//! | `\P\` | the truncation character, where MSH-2 declares one (v2.7) |
//! | `\Xhh…\` | bytes: UTF-8 if they are that, else windows-1252 |
//! | `\.br\ \.ce\` | a new line |
//! | `\.sp\ \.spN\` | one, `N` new lines (at most 99) |
//! | `\.skN\` | `N` spaces (at most 99) |
//! | `\H\ \N\ \.fi\ \.nf\ \.in±N\ \.ti±N\` | nothing: they say how to show, not what |
//! | `\C…\ \M…\ \Z…\`, all others | kept |

use std::borrow::Cow;

use memchr::memchr;

use super::Separators;

/// Lines or spaces that one `\.spN\` or `\.skN\` may ask for.
const SPACING_MAX: usize = 99;

/// What the raw text of a part means.
#[must_use]
pub fn unescape<'a>(raw: &'a str, separators: &Separators) -> Cow<'a, str> {
    let escape = separators.escape();
    if escape == 0 || memchr(escape, raw.as_bytes()).is_none() {
        return Cow::Borrowed(raw);
    }
    let mut text = String::with_capacity(raw.len());
    let mut rest = raw;
    while let Some(open) = memchr(escape, rest.as_bytes()) {
        let Some(length) = memchr(escape, &rest.as_bytes()[open + 1..]) else { break };
        let close = open + 1 + length;
        text.push_str(&rest[..open]);
        if !decode(&rest[open + 1..close], separators, &mut text) {
            text.push_str(&rest[open..=close]);
        }
        rest = &rest[close + 1..];
    }
    text.push_str(rest);
    Cow::Owned(text)
}

/// The raw text that means `text`: separators as their sequences, control characters but TAB
/// as `\Xhh\` (they would end a line or a frame). In a message that declares no escape
/// character, what cannot be written becomes `?`.
#[must_use]
pub fn escape<'a>(text: &'a str, separators: &Separators) -> Cow<'a, str> {
    let needs_escape = |byte: u8| (byte < 0x20 && byte != b'\t') || separators.contains(byte);
    if !text.bytes().any(needs_escape) {
        return Cow::Borrowed(text);
    }
    let escape = char::from(separators.escape());
    let mut raw = String::with_capacity(text.len() + 16);
    for c in text.chars() {
        let byte = if c.is_ascii() { c as u8 } else { 0xFF };
        if !c.is_ascii() || !needs_escape(byte) {
            raw.push(c);
        } else if separators.escape() == 0 {
            raw.push('?');
        } else {
            raw.push(escape);
            match letter(byte, separators) {
                Some(letter) => raw.push(letter),
                None => {
                    raw.push('X');
                    raw.push(hex_digit(byte >> 4));
                    raw.push(hex_digit(byte & 0xF));
                }
            }
            raw.push(escape);
        }
    }
    Cow::Owned(raw)
}

fn letter(byte: u8, separators: &Separators) -> Option<char> {
    Some(match byte {
        // Also what an undeclared separator is kept as.
        0 => return None,
        b if b == separators.field() => 'F',
        b if b == separators.component() => 'S',
        b if b == separators.subcomponent() => 'T',
        b if b == separators.repetition() => 'R',
        b if b == separators.escape() => 'E',
        b if b == separators.truncation() => 'P',
        _ => return None,
    })
}

fn hex_digit(nibble: u8) -> char {
    char::from(b"0123456789ABCDEF"[usize::from(nibble & 0xF)])
}

/// Appends what the sequence means; `false` when it means nothing known.
fn decode(body: &str, separators: &Separators, text: &mut String) -> bool {
    let separator = match body {
        "F" => separators.field(),
        "S" => separators.component(),
        "T" => separators.subcomponent(),
        "R" => separators.repetition(),
        "E" => separators.escape(),
        "P" => separators.truncation(),
        "H" | "N" => return true,
        _ => {
            return match body.as_bytes().first() {
                Some(b'X') => decode_hex(&body.as_bytes()[1..], text),
                Some(b'.') => decode_format(&body[1..], text),
                _ => false,
            };
        }
    };
    if separator == 0 {
        return false;
    }
    text.push(char::from(separator));
    true
}

fn decode_hex(digits: &[u8], text: &mut String) -> bool {
    let (pairs, odd) = digits.as_chunks::<2>();
    if pairs.is_empty() || !odd.is_empty() || !digits.iter().all(u8::is_ascii_hexdigit) {
        return false;
    }
    let nibble = |digit: u8| char::from(digit).to_digit(16).unwrap_or(0) as u8;
    let bytes: Vec<u8> =
        pairs.iter().map(|[high, low]| nibble(*high) << 4 | nibble(*low)).collect();
    match std::str::from_utf8(&bytes) {
        Ok(decoded) => text.push_str(decoded),
        Err(_) => {
            let (decoded, _) = encoding_rs::WINDOWS_1252.decode_without_bom_handling(&bytes);
            text.push_str(&decoded);
        }
    }
    true
}

/// The commands of formatted text (§2.7.6), without their leading dot.
fn decode_format(command: &str, text: &mut String) -> bool {
    let (Some(name), Some(argument)) = (command.get(..2), command.get(2..)) else {
        return false;
    };
    let count = match argument.trim_start_matches([' ', '+', '-']) {
        "" => 1,
        digits if digits.bytes().all(|b| b.is_ascii_digit()) => {
            digits.parse().unwrap_or(SPACING_MAX).min(SPACING_MAX)
        }
        _ => return false,
    };
    match name {
        "br" | "ce" if argument.is_empty() => text.push('\n'),
        "sp" => text.extend(std::iter::repeat_n('\n', count)),
        "sk" => text.extend(std::iter::repeat_n(' ', count)),
        "fi" | "nf" if argument.is_empty() => {}
        "in" | "ti" => {}
        _ => return false,
    }
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(raw: &str) -> String {
        unescape(raw, &Separators::DEFAULT).into_owned()
    }

    #[test]
    fn the_separators_come_back_from_their_sequences() {
        assert_eq!(read(r"a\F\b\S\c\T\d\R\e\E\f"), r"a|b^c&d~e\f");
        assert_eq!(read(r"山田\T\太郎"), "山田&太郎");
        let other = Separators::declared(b'!', b"$*%@").unwrap();
        assert_eq!(unescape("a%F%b%S%c%T%d%R%e%E%", &other), "a!b$c@d*e%");
    }

    #[test]
    fn hexadecimal_bytes_are_utf_8_if_they_can_be() {
        assert_eq!(read(r"\X41\"), "A");
        assert_eq!(read(r"\XC3A9\t\Xe9\"), "été");
        assert_eq!(read(r"a\X0D0A\b"), "a\r\nb");
        assert_eq!(read(r"\X80\"), "€");
    }

    #[test]
    fn what_is_not_known_is_kept_as_it_came() {
        for raw in [
            r"\",
            r"\\",
            r"a\b",
            r"\Z01\",
            r"\C2842\",
            r"\M2442\",
            r"\X4\",
            r"\X\",
            r"\XGG\",
            r"\é\",
            r"\.é\",
            r"\.\",
            r"\.zz\",
            r"C:\Temp\x",
            r"\P\",
            r"\f\",
            r"\.br1\",
            r"\.sp1x\",
        ] {
            assert_eq!(read(raw), raw);
        }
    }

    #[test]
    fn formatting_becomes_lines_and_spaces() {
        assert_eq!(read(r"a\.br\b\.sp2\c\.sp\d\.sk3\e"), "a\nb\n\nc\nd   e");
        assert_eq!(read(r"\.sp99999999999999999999\").len(), SPACING_MAX);
        assert_eq!(read(r"\H\urgent\N\\.in+4\ x"), "urgent x");
    }

    #[test]
    fn the_truncation_character_is_escaped_only_where_it_is_declared() {
        let v27 = Separators::declared(b'|', br"^~\&#").unwrap();
        assert_eq!(unescape(r"a\P\b", &v27), "a#b");
        assert_eq!(escape("a#b", &v27), r"a\P\b");
        assert_eq!(escape("a#b", &Separators::DEFAULT), "a#b");
    }

    #[test]
    fn a_nul_is_no_undeclared_separator() {
        let short = Separators::declared(b'|', br"^~\").unwrap();
        assert_eq!(escape("\0", &short), r"\X00\");
        assert_eq!(unescape(r"\X00\", &short), "\0");
    }

    #[test]
    fn without_an_escape_character_no_separator_can_be_smuggled_in() {
        let short = Separators::declared(b'|', b"^").unwrap();
        assert_eq!(escape("a|b^c\rd\\", &short), "a?b?c?d\\");
        assert_eq!(unescape(r"a\F\b", &short), r"a\F\b");
    }

    #[test]
    fn each_separator_and_each_control_character_but_a_tab_is_written_as_its_sequence() {
        let written = |text: &str| escape(text, &Separators::DEFAULT).into_owned();
        assert_eq!(written(r"|^&~\"), r"\F\\S\\T\\R\\E\");
        assert_eq!(written("a b|\t\x1c\x7f"), "a b\\F\\\t\\X1C\\\x7f");
        assert!(matches!(escape("a b", &Separators::DEFAULT), Cow::Borrowed(_)));
        assert!(matches!(unescape("a b", &Separators::DEFAULT), Cow::Borrowed(_)));
        let short = Separators::declared(b'|', b"^").unwrap();
        assert_eq!(unescape("a\0F\0", &short), "a\0F\0");
    }

    #[test]
    fn a_command_without_an_argument_has_none() {
        assert_eq!(read(r"a\.fi\b\.nf\c"), "abc");
        for raw in [r"\.fi2\", r"\.nf+1\", r"\.ce1\"] {
            assert_eq!(read(raw), raw);
        }
    }
}
