//! FHIR: what is rendered from records, and the code tables that rendering and search share.
//!
//! A resource is rendered from one record alone, without a base URL: references are relative, so
//! that its bytes are the same for every caller and can be kept. `resources` has one struct for R4
//! and R5.

mod bundle;
pub mod canonical;
mod capability_statement;
pub mod civil;
pub mod codes;
pub mod datatypes;
mod operation_outcome;
pub mod period;
pub mod place;
mod resource_type;
mod resources;
pub mod text;
mod version;

pub use bundle::{Bundle, BundleType, Entry, HistoryEntry, Link, Method, OUTCOME_URL, SearchMode};
pub use capability_statement::{CapabilityStatement, Server};
pub use operation_outcome::{IssueSeverity, IssueType, OperationOutcome, OutcomeIssue};
pub use resource_type::ResourceType;
pub use version::{FhirVersion, FhirVersionError};

use resources::{Bare, Encounter, Location, Patient};

use crate::entity::LegalEntity;
use crate::records::Record;

/// Room for most resources at once: a Patient of the bundled feed is about 900 bytes.
const RESOURCE_BYTES: usize = 2_048;

/// One resource as JSON, in one line.
#[must_use]
pub fn render(record: &Record, entity: &LegalEntity, version: FhirVersion) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(RESOURCE_BYTES);
    let to = &mut bytes;
    let written = match record {
        Record::Patient(record) => {
            serde_json::to_writer(to, &Patient::new(record, entity, version))
        }
        Record::Stay(record) => serde_json::to_writer(to, &Encounter::new(record, version)),
        Record::Location(record) => {
            serde_json::to_writer(to, &Location::new(record, entity, version))
        }
        other => serde_json::to_writer(to, &Bare::new(other)),
    };
    written.expect("structs with text keys, written to memory");
    bytes
}
