//! Views on the parts of a segment: field, repetition, component, subcomponent.
//!
//! Each is a slice of the message and its separators; splitting happens when asked for. What
//! does not exist is an empty part, so that reading is a chain without `Option`s.

use std::borrow::Cow;
use std::fmt;

use memchr::memchr;

use super::{Separators, Value, escape};

macro_rules! part {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Copy)]
        pub struct $name<'a> {
            raw: &'a str,
            separators: Separators,
        }

        impl<'a> $name<'a> {
            pub(super) const fn new(raw: &'a str, separators: Separators) -> Self {
                Self { raw, separators }
            }

            /// As it stands in the message, escapes and separators included.
            #[must_use]
            pub const fn raw(&self) -> &'a str {
                self.raw
            }

            /// Nothing there, or nothing but separators.
            #[must_use]
            pub fn is_empty(&self) -> bool {
                is_empty(self.raw, &self.separators)
            }

            /// Exactly `""`: delete.
            #[must_use]
            pub fn is_null(&self) -> bool {
                self.raw == "\"\""
            }

            /// All of it unescaped, null (`""`) included; splitting comes first, so ask the
            /// smallest part.
            #[must_use]
            pub fn text(&self) -> Cow<'a, str> {
                escape::unescape(self.raw, &self.separators)
            }

            #[must_use]
            pub fn value(&self) -> Value<'a> {
                if self.is_null() {
                    Value::Null
                } else if self.is_empty() {
                    Value::Empty
                } else {
                    Value::Text(self.text())
                }
            }

            #[must_use]
            pub const fn separators(&self) -> Separators {
                self.separators
            }
        }

        /// Redacted: a message's text is patient data.
        impl fmt::Debug for $name<'_> {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, concat!(stringify!($name), "({} bytes)"), self.raw.len())
            }
        }
    };
}

part!(
    /// A field with all its repetitions.
    Field
);
part!(
    /// One repetition of a field.
    Repetition
);
part!(
    /// One component of a repetition.
    Component
);
part!(
    /// One subcomponent: what has no smaller part.
    Subcomponent
);

impl<'a> Field<'a> {
    /// All repetitions in order, empty ones (`A~~B`) included; none for a field without text.
    #[must_use]
    pub const fn repetitions(&self) -> Repetitions<'a> {
        let rest = if self.raw.is_empty() { None } else { Some(self.raw) };
        Repetitions { rest, separators: self.separators }
    }

    /// The `n`-th repetition, from 1.
    #[must_use]
    pub fn repetition(&self, n: usize) -> Repetition<'a> {
        Repetition::new(nth(self.raw, self.separators.repetition(), n), self.separators)
    }

    #[must_use]
    pub fn first(&self) -> Repetition<'a> {
        self.repetition(1)
    }

    /// The `n`-th component of the first repetition.
    #[must_use]
    pub fn component(&self, n: usize) -> Component<'a> {
        self.first().component(n)
    }
}

impl<'a> Repetition<'a> {
    /// The `n`-th component, from 1.
    #[must_use]
    pub fn component(&self, n: usize) -> Component<'a> {
        Component::new(nth(self.raw, self.separators.component(), n), self.separators)
    }
}

impl<'a> Component<'a> {
    /// The `n`-th subcomponent, from 1.
    #[must_use]
    pub fn subcomponent(&self, n: usize) -> Subcomponent<'a> {
        Subcomponent::new(nth(self.raw, self.separators.subcomponent(), n), self.separators)
    }
}

/// The repetitions of a field.
#[derive(Clone)]
pub struct Repetitions<'a> {
    rest: Option<&'a str>,
    separators: Separators,
}

impl<'a> Iterator for Repetitions<'a> {
    type Item = Repetition<'a>;

    fn next(&mut self) -> Option<Repetition<'a>> {
        let rest = self.rest?;
        let separator = self.separators.repetition();
        let found = if separator == 0 { None } else { memchr(separator, rest.as_bytes()) };
        let raw = match found {
            Some(at) => {
                self.rest = Some(&rest[at + 1..]);
                &rest[..at]
            }
            None => {
                self.rest = None;
                rest
            }
        };
        Some(Repetition::new(raw, self.separators))
    }
}

/// From here on a vector search is worth its start.
const VECTOR_BYTES_MIN: usize = 48;

/// The `n`-th piece (from 1) of `raw`, or an empty one. Separators are ASCII, so that every
/// cut is on a character's boundary.
pub(super) fn nth(raw: &str, separator: u8, n: usize) -> &str {
    if n == 0 || raw.is_empty() {
        return "";
    }
    if separator == 0 {
        return if n == 1 { raw } else { "" };
    }
    // Pieces are a few bytes long: to look at each costs less than to start a vector search for
    // each separator (a third of the instructions over a usual message).
    let bytes = raw.as_bytes();
    let mut start = 0;
    let mut before = n - 1;
    while before > 0 {
        let Some(byte) = bytes.get(start) else { return "" };
        before -= usize::from(*byte == separator);
        start += 1;
    }
    let rest = &bytes[start..];
    let length = if rest.len() < VECTOR_BYTES_MIN {
        rest.iter().position(|byte| *byte == separator)
    } else {
        memchr(separator, rest)
    };
    &raw[start..length.map_or(raw.len(), |length| start + length)]
}

pub(super) fn is_empty(raw: &str, separators: &Separators) -> bool {
    raw.bytes().all(|byte| {
        byte != 0
            && (byte == separators.component()
                || byte == separators.subcomponent()
                || byte == separators.repetition())
    })
}
