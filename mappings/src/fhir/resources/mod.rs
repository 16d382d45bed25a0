//! The resources, as serde structs borrowed from records: one of each for R4 and R5, so that what
//! differs between the two stands side by side. An element that only one of them has is empty in
//! the other.

pub(crate) mod account;
mod admission;
mod allergy_intolerance;
mod communication;
pub(crate) mod condition;
mod contact_detail;
mod coverage;
pub(crate) mod encounter;
mod encounter_class;
mod encounter_history;
mod encounter_location;
mod group;
mod location;
mod movement;
mod observation;
mod observation_value;
mod organization;
mod participant;
mod patient;
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
