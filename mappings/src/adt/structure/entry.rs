//! One entry of the notification: its key, and what LOC, LCH and LRL say of it.

use std::collections::BTreeMap;
use std::fmt;

use super::kind::Kind;
use crate::hl7::Location;
use crate::records::{Address, Telecom};

/// What names an entry for life: the type and the number (PL-6 and PL-10.1 of MFE-4).
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Key {
    pub type_code: String,
    pub number: String,
}

impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.type_code, self.number)
    }
}

/// MFE-1.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Action {
    /// MAD, MAC: the entry is a whole.
    Add,
    /// MUP: what it says replaces, the rest stays.
    Update,
    /// MDC, MDL: it is not in use any more.
    Deactivate,
}

pub(super) struct Entry {
    pub key: Key,
    pub kind: Kind,
    pub action: Action,
    /// LCH by its code (LCH-4.1); `None` deletes. LOC-4 stands as `LBL` where no LCH does.
    pub attributes: BTreeMap<String, Option<String>>,
    /// LOC-5, LOC-6; `None` says nothing.
    pub address: Option<Address>,
    pub telecoms: Option<Vec<Telecom>>,
    /// LRL: relation and target, sorted.
    pub relations: Vec<(String, Key)>,
    /// Its MFE.
    pub at: Location,
    /// It ended before the message's own time.
    pub closed: bool,
}

impl Entry {
    pub fn attribute(&self, code: &str) -> Option<&str> {
        self.attributes.get(code)?.as_deref()
    }

    /// The code that people and movements use (LCH CD), else the key's number.
    pub fn code(&self) -> &str {
        self.attribute("CD").unwrap_or(&self.key.number)
    }

    /// The targets of a relation.
    pub fn related<'a>(&'a self, relation: &'a str) -> impl Iterator<Item = &'a Key> {
        self.relations.iter().filter(move |(name, _)| name == relation).map(|(_, target)| target)
    }
}
