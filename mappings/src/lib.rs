//! What a message means: HL7v2 reading, ADT semantics, records, FHIR, search values.
//!
//! Pure values: no tokio, no clock, no disk, no metrics, no logging.

pub mod adt;
pub mod deidentify;
pub mod entity;
pub mod explain;
pub mod fhir;
pub mod fields;
pub mod hl7;
mod json;
pub mod matching;
mod named;
pub mod records;
pub mod search;
pub mod site;
