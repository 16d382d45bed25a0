//! FHIR: what is rendered from records, and the code tables that rendering and search share.
//!
//! A resource is rendered from one record alone, without a base URL: references are relative, so
//! that its bytes are the same for every caller and can be kept. `r4` holds the shapes of R4; R5
//! stands beside it when it comes, over the same `datatypes`, `codes` and `place`.

pub mod canonical;
pub mod civil;
pub mod codes;
pub mod datatypes;
pub mod period;
pub mod place;
pub mod r4;
mod resource_type;
pub mod text;
mod version;

pub use resource_type::ResourceType;
pub use version::{FhirVersion, FhirVersionError};

use crate::entity::LegalEntity;
use crate::records::Record;

/// Room for most resources at once: a Patient of the bundled feed is about 900 bytes.
const RESOURCE_BYTES: usize = 2_048;

/// One resource as JSON, in one line.
#[must_use]
pub fn render(record: &Record, entity: &LegalEntity, version: FhirVersion) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(RESOURCE_BYTES);
    let written = match (version, record) {
        (FhirVersion::R4, Record::Patient(patient)) => {
            serde_json::to_writer(&mut bytes, &r4::Patient::new(patient, entity))
        }
        (FhirVersion::R4, Record::Stay(stay)) => {
            serde_json::to_writer(&mut bytes, &r4::Encounter::new(stay))
        }
        (FhirVersion::R4, Record::Location(location)) => {
            serde_json::to_writer(&mut bytes, &r4::Location::new(location, entity))
        }
        (FhirVersion::R4, other) => serde_json::to_writer(&mut bytes, &r4::Bare::new(other)),
    };
    written.expect("structs with text keys, written to memory");
    bytes
}
