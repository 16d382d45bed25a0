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

    /// The `n`-th part, from 1, with parts of its own where the message can write them.
    #[must_use]
    pub fn part(&self, n: usize) -> Self {
        let subcomponent = self.separators.subcomponent();
        let by = if self.by == subcomponent { 0 } else { subcomponent };
        Self { raw: nth(self.raw, self.by, n), separators: self.separators, by }
    }

    /// All of it unescaped and trimmed; `None` where it is empty, blank or null.
    #[must_use]
    pub fn text(&self) -> Option<Cow<'a, str>> {
        if self.is_null() || self.is_empty() {
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
        Self { raw: repetition.raw(), separators, by: separators.component() }
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
        Self { raw: component.raw(), separators, by: separators.subcomponent() }
    }
}

impl<'a> From<Subcomponent<'a>> for Composite<'a> {
    fn from(subcomponent: Subcomponent<'a>) -> Self {
        Self { raw: subcomponent.raw(), separators: subcomponent.separators(), by: 0 }
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
