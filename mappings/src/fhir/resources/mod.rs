//! The resources, as serde structs borrowed from records: one of each for R4 and R5, so that what
//! differs between the two stands side by side. An element that only one of them has is empty in
//! the other.

pub(crate) mod account;
mod admission;
pub(crate) mod allergy_intolerance;
pub(crate) mod communication;
pub(crate) mod condition;
mod contact_detail;
pub(crate) mod coverage;
pub(crate) mod encounter;
pub(crate) mod encounter_class;
mod encounter_history;
mod encounter_location;
mod group;
pub(crate) mod location;
mod movement;
pub(crate) mod observation;
pub(crate) mod observation_value;
mod organization;
pub(crate) mod participant;
pub(crate) mod patient;
mod practitioner;
mod practitioner_role;
pub(crate) mod procedure;
mod provenance;
mod reference;
pub(crate) mod related_person;
mod structure;

pub use account::Account;
pub use allergy_intolerance::AllergyIntolerance;
pub use condition::Condition;
pub use coverage::Coverage;
pub use encounter::Encounter;
pub use encounter_history::EncounterHistory;
pub use group::{Group, GroupRecord};
pub use location::Location;
pub use observation::Observation;
pub use organization::Organization;
pub use patient::Patient;
pub use practitioner::Practitioner;
pub use practitioner_role::PractitionerRole;
pub use procedure::Procedure;
pub use provenance::Provenance;
pub use related_person::RelatedPerson;
