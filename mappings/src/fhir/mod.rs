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
pub mod fr_core;
mod operation_outcome;
pub mod period;
pub mod place;
pub mod plan;
mod resource_type;
pub(crate) mod resources;
mod site;
pub mod text;
mod version;
mod words;
mod writer;

pub use bundle::{
    Bundle, BundleType, Entry, Exchange, Link, MatchGrade, Method, OUTCOME_URL, Score, SearchMode,
};
pub use capability_statement::{CapabilityStatement, Server};
pub use operation_outcome::{IssueSeverity, IssueType, OperationOutcome, OutcomeIssue};
pub use resource_type::ResourceType;
pub use version::{FhirVersion, FhirVersionError};

use datatypes::Meta;
pub use resources::GroupRecord;
use resources::{
    Account, AllergyIntolerance, Condition, Coverage, Encounter, EncounterHistory, Group, Location,
    Observation, Organization, Patient, Practitioner, PractitionerRole, Procedure, Provenance,
    RelatedPerson,
};
use writer::written;

use crate::entity::LegalEntity;
use crate::records::{Record, ResourceId, StayRecord};

/// What a resource's `meta` says of it: the profiles that it follows, and its labels.
pub(crate) fn meta(record: &Record, entity: &LegalEntity, version: FhirVersion) -> Meta {
    let stamp = record.stamp();
    match record {
        Record::Patient(record) => resources::patient::meta(record, entity, version),
        Record::Stay(record) => resources::encounter::meta(record, entity, version),
        Record::Location(record) => {
            Meta::following(stamp, fr_core::structure::location_profiles(record, entity, version))
        }
        Record::Organization(record) => {
            let profiles = fr_core::structure::organization_profiles(record, entity, version);
            Meta::following(stamp, profiles)
        }
        Record::Practitioner(record) => {
            Meta::following(stamp, fr_core::practitioner::profiles(record, entity, version))
        }
        _ => Meta::from(stamp),
    }
}

/// One resource as JSON, in one line.
#[must_use]
pub fn render(record: &Record, entity: &LegalEntity, version: FhirVersion) -> Vec<u8> {
    let json = match record {
        Record::Patient(record) => written(&Patient::new(record, entity, version)),
        Record::Stay(record) => written(&Encounter::new(record, entity, version)),
        Record::Location(record) => written(&Location::new(record, entity, version)),
        Record::Organization(record) => written(&Organization::new(record, entity, version)),
        Record::Practitioner(record) => written(&Practitioner::new(record, entity, version)),
        Record::PractitionerRole(record) => {
            written(&PractitionerRole::new(record, entity, version))
        }
        Record::RelatedPerson(record) => written(&RelatedPerson::new(record, version)),
        Record::Coverage(record) => written(&Coverage::new(record, version)),
        Record::Account(record) => written(&Account::new(record, entity, version)),
        Record::AllergyIntolerance(record) => written(&AllergyIntolerance::new(record, version)),
        Record::Condition(record) => written(&Condition::new(record, version)),
        Record::Procedure(record) => written(&Procedure::new(record, version)),
        Record::Observation(record) => written(&Observation::new(record, version)),
    };
    site::applied(json, record, entity, version)
}

/// One of several resources that are derived from a record.
pub struct Derived {
    pub id: String,
    /// In one line.
    pub json: Vec<u8>,
}

/// The EncounterHistories of a stay (R5), in the order of its movements. An id is the stay's, `-`,
/// and what numbers the movement for life.
#[must_use]
pub fn render_history(stay: &StayRecord) -> Vec<Derived> {
    let render = |history: EncounterHistory<'_>| {
        let json = written(&history);
        Derived { id: history.id, json }
    };
    EncounterHistory::list(stay).into_iter().map(render).collect()
}

/// The stay whose movement an EncounterHistory of that id would be.
#[must_use]
pub fn stay_of_history(id: &str) -> Option<ResourceId> {
    EncounterHistory::stay(id)
}

/// The Provenance of a record as it is; its id is the record's.
#[must_use]
pub fn render_provenance(record: &Record, entity: &LegalEntity, version: FhirVersion) -> Vec<u8> {
    written(&Provenance::new(record, entity, version))
}

/// The Group of all the EJ's patients.
#[must_use]
pub fn render_group(group: GroupRecord, entity: &LegalEntity, version: FhirVersion) -> Vec<u8> {
    written(&Group::new(group, entity, version))
}
