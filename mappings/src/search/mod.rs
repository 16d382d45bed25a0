//! Search values: what a record can be found by, and what a query asks for.
//!
//! An index row is `(param, key)`: a parameter and 10 bytes that sort as its values do. A query is
//! an AND of clauses; a clause names [`Span`]s of rows that together hold every match. In an
//! *exact* span each row is one; rows of the others are verified against the record
//! ([`Clause::matches`]), so that totals are exact although keys are cut, hashed or rounded.
//!
//! Which parameters there are is a table ([`params`]); what each looks at has a file of its own,
//! which gives the values that a record shows, their rows and the spans of a query's values.
//! Clauses about other records (chains, `_has`, hierarchies) are looked up first ([`Join`]).

mod asked;
mod chained;
mod clause;
mod composite;
mod contacts;
pub mod date;
mod entities;
mod error;
mod identifiers;
mod joined;
mod key;
mod moments;
mod names;
mod observed;
mod params;
mod parse;
mod presence;
mod quantity;
mod query;
mod references;
mod referring;
mod rows;
mod sort;
mod strings;
mod tables;
pub(crate) mod text;
mod tokens;
mod values;

pub use clause::Clause;
pub use error::{QueryError, Reason};
pub use joined::{Hierarchy, Join, Referred};
pub use key::{KEY_BYTES, Key, Span};
pub use params::{Kind, Parameter, param, params, params_of};
pub use parse::{CHAIN_LINKS_MAX, CLAUSES_MAX, Parsed, VALUE_BYTES_MAX, VALUES_MAX, parse};
pub use query::Query;
pub use referring::{Referring, referring};
pub use rows::{RowChanges, identifiers_of, last_updated_key, last_updated_of, row_changes, rows};
pub use sort::{SORT_KEYS_MAX, SortKey};

use serde::{Deserialize, Serialize};

/// What is indexed. The numbers are in-memory only; the index is never stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[repr(u8)]
pub enum Param {
    /// Every record of a type: the row that an unfiltered search walks. Key: empty.
    All,
    /// The logical id, cut.
    Id,
    /// `identifier` by system (hashed, first 4 bytes) and value (hashed).
    Identifier,
    /// `identifier` by value alone (hashed).
    IdentifierValue,
    Family,
    Given,
    /// The name of a place or an organization. (`Patient?name=` looks at `Family` and `Given`.)
    Name,
    /// The calendar date and how much of it was given.
    BirthDate,
    Gender,
    Active,
    /// Whom the record is about, cut.
    Patient,
    Status,
    Class,
    /// Encounter.period, or what else the type's `date` is about: start and end of the interval, as
    /// two rows; one that is open lies at the end of all keys.
    PeriodStart,
    PeriodEnd,
    /// Encounter.location.location, cut.
    Location,
    LastUpdated,
    /// A coded element: its number, and the code, cut: its order is the code's.
    Token,
    /// An element that refers to another record: its number, and the id, cut.
    Reference,
    /// An element that is text, beside names: its number, and the text, cut.
    Text,
    /// A telephone number or an e-mail address: which of them, and the value (hashed).
    Contact,
    /// A person who has died. Key: empty.
    Deceased,
    /// An element that is a date or a period, beside what `date` is about: its number, and where
    /// each begins and the last one ends.
    DateStart,
    DateEnd,
    /// An element that is a quantity: its number, and the value as a float.
    Quantity,
    /// How a text goes on that its own row has no room for: what was before it (hashed, 4 bytes),
    /// and 6 bytes more.
    Tail,
}
