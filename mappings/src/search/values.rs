//! The text of a parameter's value: OR lists, tokens, references and their escapes.

use crate::records::{RecordType, ResourceId, phi_debug};

/// Splits at each `separator` that no backslash stands before.
pub(super) fn split(text: &str, separator: char) -> Vec<&str> {
    let mut parts = Vec::new();
    let (mut start, mut escaped) = (0, false);
    for (at, c) in text.char_indices() {
        if escaped {
            escaped = false;
        } else if c == '\\' {
            escaped = true;
        } else if c == separator {
            parts.push(&text[start..at]);
            start = at + c.len_utf8();
        }
    }
    parts.push(&text[start..]);
    parts
}

/// `\,` `\|` `\$` `\\` → the character; any other backslash stands for itself.
pub(super) fn unescape(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        match (c, chars.peek()) {
            ('\\', Some(next @ (',' | '|' | '$' | '\\'))) => {
                plain.push(*next);
                chars.next();
            }
            (c, _) => plain.push(c),
        }
    }
    plain
}

/// `code`, `system|code`, `|code` (no system) or `system|` (any code of it).
#[derive(Clone)]
pub(super) struct Token {
    /// `None`: any. Empty: none.
    pub(super) system: Option<String>,
    /// `None`: any.
    pub(super) code: Option<String>,
}

phi_debug!(Token);

impl Token {
    /// `None` where there is neither a system nor a code, or a third part.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let plain = |part: &str| unescape(part).trim().to_owned();
        let token = match split(text, '|')[..] {
            [code] => Self { system: None, code: Some(plain(code)) },
            [system, ""] => Self { system: Some(plain(system)), code: None },
            [system, code] => Self { system: Some(plain(system)), code: Some(plain(code)) },
            _ => return None,
        };
        let empty = |part: &Option<String>| part.as_deref().is_none_or(str::is_empty);
        (!empty(&token.system) || !empty(&token.code)).then_some(token)
    }

    pub(super) fn matches(&self, system: &str, code: &str) -> bool {
        self.system.as_deref().is_none_or(|s| s == system)
            && self.code.as_deref().is_none_or(|c| c == code)
    }
}

/// A value of a uri parameter.
#[derive(Clone)]
pub(super) struct UriValue {
    uri: String,
    mode: UriMode,
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum UriMode {
    Exact,
    /// `:below`: what begins with it.
    Below,
    /// `:above`: what it begins with.
    Above,
}

phi_debug!(UriValue);

impl UriValue {
    pub(super) fn new(text: &str, mode: UriMode) -> Self {
        Self { uri: unescape(text).trim().to_owned(), mode }
    }

    pub(super) fn matches(&self, own: &str) -> bool {
        match self.mode {
            UriMode::Exact => own == self.uri,
            UriMode::Below => own.starts_with(&self.uri),
            UriMode::Above => self.uri.starts_with(own),
        }
    }
}

/// What a reference points at.
pub(super) enum Target {
    Id(ResourceId),
    /// Well-formed, and nothing of ours: no record refers to it.
    Foreign,
}

/// `id` or `Type/id`, `Type` being one of `types`. `None` where it is something else.
pub(super) fn reference(text: &str, types: &[RecordType]) -> Option<Target> {
    let text = unescape(text);
    let id = match text.split_once('/') {
        Some((of_type, id)) if types.iter().any(|known| known.fhir() == of_type) => id,
        Some(_) => return None,
        None => text.as_str(),
    };
    let allowed = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'.');
    if id.is_empty() || id.len() > 64 || !id.bytes().all(allowed) {
        return None;
    }
    Some(ResourceId::parse(id).map_or(Target::Foreign, Target::Id))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escaped_separators_are_part_of_the_value() {
        assert_eq!(split(r"a\,b,c", ','), [r"a\,b", "c"]);
        assert_eq!(split(r"a\\,c", ','), [r"a\\", "c"]);
        assert_eq!(unescape(r"a\,b\|c\$d\\e\f"), r"a,b|c$d\e\f");
        assert_eq!(split("", ','), [""]);
    }

    #[test]
    fn a_token_tells_no_system_from_any_system() {
        let token = Token::parse("|A").unwrap();
        assert!(token.matches("", "A") && !token.matches("s", "A"));
        let token = Token::parse("A").unwrap();
        assert!(token.matches("", "A") && token.matches("s", "A"));
        let token = Token::parse("s|").unwrap();
        assert!(token.matches("s", "B") && !token.matches("t", "B"));
        let token = Token::parse(r"s|a\|b").unwrap();
        assert!(token.matches("s", "a|b"));
        assert!(Token::parse("|").is_none() && Token::parse("a|b|c").is_none());
    }

    #[test]
    fn a_reference_of_another_type_is_refused_and_a_foreign_id_is_not() {
        assert!(matches!(reference("Patient/x", &[RecordType::Patient]), Some(Target::Foreign)));
        assert!(reference("Group/x", &[RecordType::Patient]).is_none());
        assert!(reference("Patient/x/_history/1", &[RecordType::Patient]).is_none());
        assert!(reference("http://a/Patient/x", &[RecordType::Patient]).is_none());
    }

    #[test]
    fn an_id_has_so_many_bytes_of_its_alphabet() {
        let is_one = |id: &str| reference(id, &[RecordType::Patient]).is_some();
        assert!(is_one("a-B.9") && is_one(&"a".repeat(64)));
        assert!(!is_one(&"a".repeat(65)) && !is_one(&"a".repeat(66)));
        assert!(!is_one("") && !is_one("Patient/") && !is_one("a_b") && !is_one("a b"));
    }
}
