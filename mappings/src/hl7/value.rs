//! What a field, repetition, component or subcomponent says: nothing, "delete", or a text.

use std::borrow::Cow;
use std::fmt;

/// HL7 tells an empty value (unchanged) from `""` (delete what you have), §2.5.3.
#[derive(Clone, PartialEq, Eq, Default)]
pub enum Value<'a> {
    /// Absent, or nothing but separators: says nothing, leaves everything as it was.
    #[default]
    Empty,
    /// Exactly `""`: an explicit deletion.
    Null,
    /// Unescaped, white space as it came.
    Text(Cow<'a, str>),
}

impl<'a> Value<'a> {
    /// The text, unless empty or null.
    #[must_use]
    pub fn into_text(self) -> Option<Cow<'a, str>> {
        match self {
            Self::Text(text) => Some(text),
            Self::Empty | Self::Null => None,
        }
    }

    #[must_use]
    pub const fn is_null(&self) -> bool {
        matches!(self, Self::Null)
    }

    #[must_use]
    pub const fn is_empty(&self) -> bool {
        matches!(self, Self::Empty)
    }
}

/// Redacted: a value is patient data until somebody knows better.
impl fmt::Debug for Value<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Empty => "Empty",
            Self::Null => "Null",
            Self::Text(_) => "Text(«phi»)",
        })
    }
}
