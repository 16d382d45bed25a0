//! A value made of parts, wherever in the message it stands.

use std::borrow::Cow;
use std::fmt;

use crate::hl7::msh::trim;
use crate::hl7::parts::{is_empty, nth};
use crate::hl7::{Component, Field, Repetition, Separators, Subcomponent, escape};

/// A repetition, a component or a subcomponent that a datatype is laid over.
#[derive(Clone, Copy)]
pub struct Composite<'a> {
    raw: &'a str,
    separators: Separators,
    /// What separates its parts; 0 where it can have but one.
    by: u8,
    seams: Seams,
}

/// Parts whose ends are looked up once: a datatype's accessors ask for one after the other, and
/// each would count from the start.
const SEAMS_MAX: usize = 15;

/// Where the first separators are.
#[derive(Clone, Copy)]
struct Seams {
    at: [u16; SEAMS_MAX],
    count: u8,
    /// Those are all that there are.
    complete: bool,
}

impl Seams {
    const UNKNOWN: Self = Self { at: [0; SEAMS_MAX], count: 0, complete: false };

    fn find(raw: &str, by: u8) -> Self {
        let mut seams = Self { complete: true, ..Self::UNKNOWN };
        if by == 0 {
            return seams;
        }
        for (at, byte) in raw.bytes().enumerate() {
            if byte != by {
                continue;
            }
            let place = seams.at.get_mut(usize::from(seams.count));
            let (Some(place), Ok(at)) = (place, u16::try_from(at)) else {
                seams.complete = false;
                return seams;
            };
            *place = at;
            seams.count += 1;
        }
        seams
    }

    /// The `n`-th part, from 1; `None` where it lies beyond what is known.
    fn part<'a>(&self, raw: &'a str, n: usize) -> Option<&'a str> {
        let count = usize::from(self.count);
        let start = match n {
            0 => return Some(""),
            1 => 0,
            _ if n <= count + 1 => usize::from(self.at[n - 2]) + 1,
            _ => return self.complete.then_some(""),
        };
        if n <= count {
            return Some(&raw[start..usize::from(self.at[n - 1])]);
        }
        self.complete.then(|| &raw[start..])
    }
}

impl<'a> Composite<'a> {
    /// As it stands in the message.
    #[must_use]
    pub const fn raw(&self) -> &'a str {
        self.raw
    }

    #[must_use]
    pub const fn separators(&self) -> Separators {
        self.separators
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

    /// Whether there may be an `n`-th part: a quick no for those that few senders fill.
    #[must_use]
    pub const fn reaches(&self, n: usize) -> bool {
        !self.seams.complete || n <= self.seams.count as usize + 1
    }

    /// The `n`-th part, from 1, with parts of its own where the message can write them.
    #[must_use]
    pub fn part(&self, n: usize) -> Self {
        let subcomponent = self.separators.subcomponent();
        let by = if self.by == subcomponent { 0 } else { subcomponent };
        let raw = self.seams.part(self.raw, n).unwrap_or_else(|| nth(self.raw, self.by, n));
        // Most parts have no parts of their own to ask for.
        Self { raw, separators: self.separators, by, seams: Seams::UNKNOWN }
    }

    /// All of it unescaped and trimmed; `None` where it is empty, blank or null.
    #[must_use]
    pub fn text(&self) -> Option<Cow<'a, str>> {
        // Most parts are: told first.
        if self.raw.is_empty() || self.is_null() || self.is_empty() {
            return None;
        }
        let text = trim(escape::unescape(self.raw, &self.separators));
        (!text.is_empty()).then_some(text)
    }

    /// The `n`-th part's text.
    #[must_use]
    pub fn text_of(&self, n: usize) -> Option<Cow<'a, str>> {
        self.part(n).text()
    }
}

impl<'a> From<Repetition<'a>> for Composite<'a> {
    fn from(repetition: Repetition<'a>) -> Self {
        let separators = repetition.separators();
        let (raw, by) = (repetition.raw(), separators.component());
        Self { raw, separators, by, seams: Seams::find(raw, by) }
    }
}

impl<'a> From<Field<'a>> for Composite<'a> {
    fn from(field: Field<'a>) -> Self {
        field.first().into()
    }
}

impl<'a> From<Component<'a>> for Composite<'a> {
    fn from(component: Component<'a>) -> Self {
        let separators = component.separators();
        let (raw, by) = (component.raw(), separators.subcomponent());
        Self { raw, separators, by, seams: Seams::find(raw, by) }
    }
}

impl<'a> From<Subcomponent<'a>> for Composite<'a> {
    fn from(subcomponent: Subcomponent<'a>) -> Self {
        let (raw, separators) = (subcomponent.raw(), subcomponent.separators());
        Self { raw, separators, by: 0, seams: Seams::UNKNOWN }
    }
}

impl fmt::Debug for Composite<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Composite({} bytes)", self.raw.len())
    }
}

/// A datatype: a name laid over a [`Composite`].
macro_rules! datatype {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Copy)]
        pub struct $name<'a>($crate::hl7::datatypes::Composite<'a>);

        impl<'a> $name<'a> {
            /// Over a field's first repetition, a repetition, a component or a subcomponent.
            #[must_use]
            pub fn of(whole: impl Into<$crate::hl7::datatypes::Composite<'a>>) -> Self {
                Self(whole.into())
            }

            #[must_use]
            pub const fn raw(&self) -> &'a str {
                self.0.raw()
            }

            #[must_use]
            pub fn is_empty(&self) -> bool {
                self.0.is_empty()
            }

            /// Exactly `""`: delete.
            #[must_use]
            pub fn is_null(&self) -> bool {
                self.0.is_null()
            }

            /// Whether there may be an `n`-th part: a quick no.
            #[must_use]
            pub const fn reaches(&self, n: usize) -> bool {
                self.0.reaches(n)
            }

            /// The `n`-th part by number: for what has no name here, and for `is_null`.
            #[must_use]
            pub fn part(&self, n: usize) -> $crate::hl7::datatypes::Composite<'a> {
                self.0.part(n)
            }
        }

        /// Redacted: a message's text is patient data.
        impl std::fmt::Debug for $name<'_> {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                write!(f, concat!(stringify!($name), "({} bytes)"), self.raw().len())
            }
        }
    };
}

/// Accessors that answer one part's text.
macro_rules! texts {
    ($name:ident { $($(#[$doc:meta])* $accessor:ident = $n:literal;)+ }) => {
        impl<'a> $name<'a> {
            $(
                $(#[$doc])*
                #[must_use]
                pub fn $accessor(&self) -> Option<std::borrow::Cow<'a, str>> {
                    self.0.text_of($n)
                }
            )+
        }
    };
}

pub(super) use {datatype, texts};

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        /// More parts than seams are kept for, and parts beyond what a seam can count to.
        #[test]
        fn the_parts_that_seams_give_are_those_counted_from_the_start(
            raw in prop_oneof!["[\\^aé~&]{0,40}", "(x{0,9}\\^){0,30}", Just("y".repeat(70_000) + "^z^")],
            n in 0..40_usize,
        ) {
            let seams = Seams::find(&raw, b'^');
            let part = seams.part(&raw, n).unwrap_or_else(|| nth(&raw, b'^', n));
            prop_assert_eq!(part, nth(&raw, b'^', n));
        }
    }

    #[test]
    fn seams_know_what_they_do_not_know() {
        let long = "a^".repeat(SEAMS_MAX + 2);
        let seams = Seams::find(&long, b'^');
        assert_eq!(seams.part(&long, SEAMS_MAX), Some("a"));
        assert_eq!(seams.part(&long, SEAMS_MAX + 2), None, "there is one");
        assert_eq!(Seams::find("a^b", b'^').part("a^b", 3), Some(""), "there is none");
        assert_eq!(Seams::UNKNOWN.part("a^b", 1), None);
    }
}
