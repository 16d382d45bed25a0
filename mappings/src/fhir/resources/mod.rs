//! The resources, as serde structs borrowed from records: one of each for R4 and R5, so that what
//! differs between the two stands side by side. An element that only one of them has is empty in
//! the other.

mod bare;
mod communication;
mod encounter;
mod location;
mod patient;
mod reference;

pub use bare::Bare;
pub use encounter::Encounter;
pub use location::Location;
pub use patient::Patient;
