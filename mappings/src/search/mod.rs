//! Search values: what a record can be found by, and what a query asks for.
//!
//! An index row is `(param, key)`: a parameter and 11 bytes that sort as its values do. A key
//! that holds its whole value answers by itself; one that was cut, or hashed, is verified against
//! the record (`Clause::matches`), so that totals are exact.

use serde::{Deserialize, Serialize};

/// Bytes of an index key.
pub const KEY_BYTES: usize = 11;

/// An index key: big-endian, so that byte order is value order.
pub type Key = [u8; KEY_BYTES];

/// What is indexed. The numbers are in-memory only; the index is never stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[repr(u8)]
pub enum Param {
    /// Every record of a type: the row that an unfiltered search walks. Key: empty.
    All,
    /// `identifier` by system and value (hashed), by value alone (hashed).
    Identifier,
    IdentifierValue,
    Family,
    Given,
    /// Any part of any name.
    Name,
    BirthDate,
    Gender,
    Active,
    /// Encounter.subject.
    Patient,
    Status,
    Class,
    /// Encounter.period: start and end of the interval, as two rows.
    PeriodStart,
    PeriodEnd,
    /// Encounter.location.location.
    Location,
    LastUpdated,
}
