//! HL7v2 reading.

mod location;

pub use location::Location;
