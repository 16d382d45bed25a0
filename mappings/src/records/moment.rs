//! A point in time with the precision and the offset that it was sent with.

use serde::{Deserialize, Serialize};
use sluice_ids::Micros;

/// How much of a time was given.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[repr(u8)]
pub enum Precision {
    Year,
    Month,
    Day,
    Second,
    Millisecond,
}

/// A v2 TS/DTM made absolute (FHIR `dateTime`).
///
/// `low` is the first instant that it covers; with `precision` it gives the interval that a
/// search compares. `offset_minutes` is the sender's own, or the EJ's zone at that instant, so
/// that rendering needs no time-zone database. Up to `Day`, the text carries no offset.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Moment {
    pub low: Micros,
    pub precision: Precision,
    pub offset_minutes: i16,
}

super::phi_debug!(Moment);
