//! The level of a PL → Location.physicalType (R5 `form`; FACTS §4 PL).

use super::super::datatypes::Coding;
use super::super::place::Level;
use super::systems::PHYSICAL_TYPE;

/// The code system has no "point of care": a ward is what it is in practice.
#[must_use]
pub const fn physical_type(level: Level) -> Coding<'static> {
    let (code, display) = match level {
        Level::Bed => ("bd", "Bed"),
        Level::Room => ("ro", "Room"),
        Level::Floor => ("lvl", "Level"),
        Level::PointOfCare => ("wa", "Ward"),
        Level::Building => ("bu", "Building"),
        Level::Facility => ("si", "Site"),
    };
    Coding::of(PHYSICAL_TYPE, code, display)
}
