//! FHIR R4 (4.0.1): the resources that are served, as serde structs.

mod bare;
mod bundle;
mod capability_statement;
mod encounter;
mod location;
mod operation_outcome;
mod patient;

pub use bare::Bare;
pub use bundle::{Bundle, BundleType, Entry, HistoryEntry, Link, Method, SearchMode};
pub use capability_statement::{CapabilityStatement, Server};
pub use encounter::Encounter;
pub use location::Location;
pub use operation_outcome::{IssueSeverity, IssueType, OperationOutcome, OutcomeIssue};
pub use patient::Patient;

use crate::entity::LegalEntity;

use super::codes::systems::FINESS;
use super::datatypes::{Identifier, Reference};
use super::text;

/// The legal entity whose feed a record came from: what tells one EJ's resources from another's
/// on the base of the whole group. Organizations are not served yet, so by FINESS and name.
fn managing_organization(entity: &LegalEntity) -> Option<Reference<'_>> {
    let identifier = Identifier::of(FINESS, text::string(&entity.settings.finess));
    Reference::logical("Organization", identifier, text::string(&entity.settings.name))
}
