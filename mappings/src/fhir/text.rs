//! Text as FHIR allows it: no control characters, never blank.

use std::borrow::Cow;

use super::words::{HIGH, all_words, below, has};

/// A FHIR `string`: trimmed, control characters other than tab, CR and LF left out (FHIR forbids
/// them below U+0020). `None` where nothing is left, and for `""`, which in v2 says "deleted".
#[must_use]
pub fn string(text: &str) -> Option<Cow<'_, str>> {
    // What senders send, told in a few instructions: it stands in every resource many times.
    let bytes = text.as_bytes();
    let ends = |byte: Option<&u8>| byte.is_some_and(u8::is_ascii_graphic);
    if ends(bytes.first()) && ends(bytes.last()) && all_words(bytes, is_quiet) {
        return (text != "\"\"").then_some(Cow::Borrowed(text));
    }
    trimmed(text)
}

/// Whether there can be no control character: 0xC2 leads U+0080 to U+009F (and letters).
fn is_quiet(word: u64) -> bool {
    below(word, 0x20) | has(word, 0x7f) | has(word, 0xc2) == 0
}

fn trimmed(text: &str) -> Option<Cow<'_, str>> {
    let text = text.trim();
    if text.is_empty() || text == "\"\"" {
        return None;
    }
    if !text.chars().any(is_forbidden) {
        return Some(Cow::Borrowed(text));
    }
    let kept: String = text.chars().filter(|c| !is_forbidden(*c)).collect();
    let kept = kept.trim();
    (!kept.is_empty()).then(|| Cow::Owned(kept.to_owned()))
}

/// As [`string`], of a text that was made for the purpose.
#[must_use]
pub fn owned(text: String) -> Option<Cow<'static, str>> {
    match string(&text)? {
        Cow::Borrowed(kept) if kept.len() == text.len() => Some(Cow::Owned(text)),
        kept => Some(Cow::Owned(kept.into_owned())),
    }
}

/// A FHIR `code`: as [`string`], with each run of white space made one blank.
#[must_use]
pub fn code(text: &str) -> Option<Cow<'_, str>> {
    if !text.is_empty() && all_words(text.as_bytes(), is_graphic) {
        return (text != "\"\"").then_some(Cow::Borrowed(text));
    }
    let text = string(text)?;
    let plain = |t: &str| t.split(' ').all(|w| !w.is_empty() && !w.contains(char::is_whitespace));
    if plain(&text) {
        return Some(text);
    }
    Some(Cow::Owned(text.split_whitespace().collect::<Vec<_>>().join(" ")))
}

/// A FHIR `uri`: `None` where it holds white space or nothing, since it cannot be repaired.
#[must_use]
pub fn uri(text: &str) -> Option<&str> {
    if !text.is_empty() && all_words(text.as_bytes(), is_graphic) {
        return Some(text);
    }
    let text = text.trim();
    let broken = |c: char| c.is_whitespace() || c.is_control();
    (!text.is_empty() && !text.contains(broken)).then_some(text)
}

/// Whether all of it is of U+0021 to U+007E.
fn is_graphic(word: u64) -> bool {
    below(word, 0x21) | has(word, 0x7f) | (word & HIGH) == 0
}

fn is_forbidden(c: char) -> bool {
    c.is_control() && !matches!(c, '\t' | '\n' | '\r')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_fhir_forbids_in_a_string_is_left_out_and_a_blank_one_is_none() {
        assert_eq!(string(" a\u{0}b\u{1f} ").as_deref(), Some("ab"));
        assert_eq!(string("a b ").as_deref(), Some("a b"));
        assert_eq!(string(" a b").as_deref(), Some("a b"));
        assert_eq!(string("a\tb").as_deref(), Some("a\tb"));
        assert_eq!(string(" \u{7} "), None);
        assert_eq!(string(""), None);
        assert_eq!(string("\"\""), None);
        assert_eq!(owned(" a ".into()).as_deref(), Some("a"));
    }

    #[test]
    fn a_code_has_single_blanks_only() {
        assert_eq!(code(" A  \t1 ").as_deref(), Some("A 1"));
        assert_eq!(code("A 1").as_deref(), Some("A 1"));
        assert_eq!(uri("urn:oid:1 2"), None);
    }

    #[test]
    fn only_what_is_forbidden_is_left_out() {
        assert_eq!(string("a\u{85}b").as_deref(), Some("ab"), "U+0080 to U+009F");
        assert_eq!(string("a\u{7f}b").as_deref(), Some("ab"));
        assert_eq!(string("\u{a0}é©").as_deref(), Some("é©"), "letters that 0xC2 leads");
        assert_eq!(string("a b\r\nc").as_deref(), Some("a b\r\nc"));
        assert_eq!(owned("a\u{1}b".into()).as_deref(), Some("ab"));
        assert_eq!(owned("ab".into()).as_deref(), Some("ab"));
    }

    #[test]
    fn a_code_of_letters_beyond_ascii_is_read_like_any_other() {
        assert_eq!(code("É 1").as_deref(), Some("É 1"));
        assert_eq!(code("É  1").as_deref(), Some("É 1"));
        assert_eq!(code("É\u{a0}1").as_deref(), Some("É 1"));
        assert_eq!(code("A\n1").as_deref(), Some("A 1"));
        assert!(matches!(code("É 1"), Some(Cow::Borrowed(_))), "nothing to repair");
    }
}
