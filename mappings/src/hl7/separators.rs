//! The separators of one message, as its own MSH-1 and MSH-2 declare them.

use std::fmt;

use super::Unreadable;

/// MSH-1 and MSH-2 (HL7 v2.5.1 §2.5.4, v2.7 §2.5.4 for the truncation character).
///
/// Each is one ASCII byte; 0 stands for one that the message does not declare, which therefore
/// separates nothing in it. MSH-2 may be short: `^~\` is a message without subcomponents.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Separators {
    field: u8,
    component: u8,
    repetition: u8,
    escape: u8,
    subcomponent: u8,
    truncation: u8,
}

impl Separators {
    /// `|^~\&`, what nearly everybody sends.
    pub const DEFAULT: Self = Self {
        field: b'|',
        component: b'^',
        repetition: b'~',
        escape: b'\\',
        subcomponent: b'&',
        truncation: 0,
    };

    /// Splits nothing and unescapes nothing: for MSH-1 and MSH-2, which are made of separators.
    pub(super) const NONE: Self =
        Self { field: 0, component: 0, repetition: 0, escape: 0, subcomponent: 0, truncation: 0 };

    /// From MSH-1 and the raw bytes of MSH-2. A fifth character that cannot be the truncation
    /// character, and whatever follows a fifth, is ignored; an escape character that stands twice
    /// (`^~\\&`) counts once.
    ///
    /// # Errors
    /// When the field separator cannot be one, when MSH-2 is empty, or when one of its
    /// characters cannot be a separator or stands for two things.
    pub fn declared(field: u8, encoding: &[u8]) -> Result<Self, Unreadable> {
        if !can_separate(field) {
            return Err(Unreadable::FieldSeparator);
        }
        if encoding.is_empty() {
            return Err(Unreadable::EncodingCharacters { at: 0 });
        }
        // `^~\\&`: a backslash that was escaped for a programming language, and found in feeds.
        let doubled = encoding.len() > 4 && encoding[2] == encoding[3];
        let meant = encoding.iter().enumerate().filter(|(at, _)| !(doubled && *at == 3));
        let mut seen = [field, 0, 0, 0, 0, 0];
        for (at, (_, byte)) in meant.take(5).enumerate() {
            if !can_separate(*byte) || seen[..=at].contains(byte) {
                if at == 4 {
                    break;
                }
                return Err(Unreadable::EncodingCharacters { at });
            }
            seen[at + 1] = *byte;
        }
        let [field, component, repetition, escape, subcomponent, truncation] = seen;
        Ok(Self { field, component, repetition, escape, subcomponent, truncation })
    }

    /// The usual encoding characters under another field separator, where that is none of them.
    pub(super) fn defaults_with(field: u8) -> Option<Self> {
        Self::declared(field, br"^~\&").ok()
    }

    #[must_use]
    pub const fn field(&self) -> u8 {
        self.field
    }

    /// 0 only in [`Separators::NONE`]: MSH-2 declares at least this one.
    #[must_use]
    pub const fn component(&self) -> u8 {
        self.component
    }

    /// 0 when MSH-2 is too short to declare it.
    #[must_use]
    pub const fn repetition(&self) -> u8 {
        self.repetition
    }

    /// 0 when MSH-2 is too short to declare it: nothing is escaped in such a message.
    #[must_use]
    pub const fn escape(&self) -> u8 {
        self.escape
    }

    /// 0 when MSH-2 is too short to declare it.
    #[must_use]
    pub const fn subcomponent(&self) -> u8 {
        self.subcomponent
    }

    /// 0 before v2.7, where it does not exist.
    #[must_use]
    pub const fn truncation(&self) -> u8 {
        self.truncation
    }

    /// MSH-2 as a message with these separators writes it.
    #[must_use]
    pub fn encoding_characters(&self) -> String {
        [self.component, self.repetition, self.escape, self.subcomponent, self.truncation]
            .into_iter()
            .take_while(|byte| *byte != 0)
            .map(char::from)
            .collect()
    }

    pub(super) fn contains(&self, byte: u8) -> bool {
        byte != 0
            && [
                self.field,
                self.component,
                self.repetition,
                self.escape,
                self.subcomponent,
                self.truncation,
            ]
            .contains(&byte)
    }
}

impl fmt::Debug for Separators {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}{:?}", char::from(self.field), self.encoding_characters())
    }
}

/// Any ASCII byte but letters, digits and spaces (a forgotten MSH-2 then cannot pass for one),
/// the double quote (it writes the null value), NUL, and what ends lines or frames.
pub(super) const fn can_separate(byte: u8) -> bool {
    byte.is_ascii()
        && !byte.is_ascii_alphanumeric()
        && !matches!(byte, 0 | b' ' | b'"' | b'\r' | b'\n' | 0x0B | 0x1C | 0x7F)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_truncation_character_of_v2_7_is_a_fifth_one() {
        let separators = Separators::declared(b'|', br"^~\&#").unwrap();
        assert_eq!(separators.truncation(), b'#');
        assert_eq!(separators.encoding_characters(), r"^~\&#");
        assert_eq!(Separators::declared(b'|', br"^~\& "), Ok(Separators::DEFAULT));
        assert_eq!(Separators::declared(b'|', br"^~\\&"), Ok(Separators::DEFAULT));
        assert_eq!(Separators::declared(b'|', br"^~\\&#"), Ok(separators));
    }

    #[test]
    fn a_short_declaration_leaves_the_others_undeclared() {
        let separators = Separators::declared(b'|', b"^").unwrap();
        assert_eq!(separators.component(), b'^');
        assert_eq!((separators.repetition(), separators.escape()), (0, 0));
    }

    #[test]
    fn a_forgotten_encoding_field_is_not_taken_for_separators() {
        for encoding in [&b"APP"[..], b"", b"^^~", b"^|~", b"\"\"", b"^~ &", br"^~\\"] {
            assert!(Separators::declared(b'|', encoding).is_err());
        }
        assert_eq!(Separators::declared(b'A', b"^"), Err(Unreadable::FieldSeparator));
    }
}
