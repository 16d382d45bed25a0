//! The codings of a concept.

use std::ops::{Deref, DerefMut};

use serde::{Serialize, Serializer};

use super::Coding;

/// A list: nearly always of one, and a resource has dozens of concepts, so that one stands in its
/// place without an allocation.
#[derive(Clone)]
pub enum Codings<'a> {
    None,
    One(Coding<'a>),
    Many(Vec<Coding<'a>>),
}

impl<'a> Codings<'a> {
    #[must_use]
    pub fn is_empty(&self) -> bool {
        matches!(self, Self::None)
    }

    pub fn push(&mut self, coding: Coding<'a>) {
        *self = match std::mem::replace(self, Self::None) {
            Self::None => Self::One(coding),
            Self::One(first) => Self::Many(vec![first, coding]),
            Self::Many(mut all) => {
                all.push(coding);
                Self::Many(all)
            }
        };
    }

    pub fn push_front(&mut self, coding: Coding<'a>) {
        self.push(coding);
        self.rotate_right(1);
    }
}

impl<'a> Extend<Coding<'a>> for Codings<'a> {
    fn extend<I: IntoIterator<Item = Coding<'a>>>(&mut self, codings: I) {
        for coding in codings {
            self.push(coding);
        }
    }
}

impl<'a> FromIterator<Coding<'a>> for Codings<'a> {
    fn from_iter<I: IntoIterator<Item = Coding<'a>>>(codings: I) -> Self {
        let mut all = Self::None;
        all.extend(codings);
        all
    }
}

impl<'a> Deref for Codings<'a> {
    type Target = [Coding<'a>];

    fn deref(&self) -> &[Coding<'a>] {
        match self {
            Self::None => &[],
            Self::One(coding) => std::slice::from_ref(coding),
            Self::Many(all) => all,
        }
    }
}

impl DerefMut for Codings<'_> {
    fn deref_mut(&mut self) -> &mut Self::Target {
        match self {
            Self::None => &mut [],
            Self::One(coding) => std::slice::from_mut(coding),
            Self::Many(all) => all,
        }
    }
}

impl Serialize for Codings<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.iter())
    }
}
