//! Search values: what a record can be found by, and what a query asks for.
//!
//! An index row is `(param, key)`: a parameter and 10 bytes that sort as its values do. A query is
//! an AND of clauses; a clause names [`Span`]s of rows that together hold every match. In an
//! *exact* span each row is one; rows of the others are verified against the record
//! ([`Clause::matches`]), so that totals are exact although keys are cut, hashed or rounded.
//!
//! | parameter | of | meaning |
//! |---|---|---|
//! | `_id` | all | ids, a comma for OR; one that is no id of ours finds nothing |
//! | `_lastUpdated` | all | `meta.lastUpdated`, an instant |
//! | `identifier` | all | `value`, `system\|value`, `system\|`, `\|value` (none: ours have a system) |
//! | `family`, `given`, `name` | persons | starts with, accents and case set aside ([`text`]) |
//! | `name` | Location, Organization | likewise |
//! | `birthdate`, `gender` | Patient, RelatedPerson | the calendar date, without a time zone; a token |
//! | `active` | Patient, Organization | a token |
//! | `patient`, `subject` | what is about a patient | `Patient/id` or `id` |
//! | `status`, `class` | Encounter | R4 codes; `system\|code` |
//! | `date` | Encounter | the period; a stay without an end reaches for ever ([`date`]) |
//! | `location` | Encounter | `Location/id` or `id`, any that the stay shows |
//! | coded elements, references | see [`params`] | as rendered ([`elements`]) |
//!
//! Modifiers: `:exact` and `:contains` on text, `:not` on tokens, a target's type on references
//! ([`referring`]), `:missing` on all but `_id` and `_lastUpdated`.

mod clause;
pub mod date;
mod elements;
mod error;
mod key;
mod params;
mod parse;
mod query;
mod referring;
mod rows;
mod sites;
mod sort;
pub(crate) mod text;
mod values;

pub use clause::Clause;
pub use error::{QueryError, Reason};
pub use key::{KEY_BYTES, Key, Span};
pub use params::{Kind, Named, params, params_of};
pub use parse::{CLAUSES_MAX, Parsed, VALUE_BYTES_MAX, VALUES_MAX, parse};
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
    /// A coded element: its number, its system and code (hashed).
    Token,
    /// The same by code alone, cut: its order is the code's.
    TokenCode,
    /// An element that refers to another record: its number, and the id, cut.
    Reference,
    /// How a text goes on that its own row has no room for: what was before it (hashed, 4 bytes),
    /// and 6 bytes more.
    Tail,
}
