//! FHIR R4 over HTTP: `metadata`, read, search. R5 stands beside it when it comes: what differs is
//! a [`FhirVersion`](sluice_mappings::fhir::FhirVersion), which each route carries, and a prefix
//! of the path.

pub(crate) mod batch;
pub(crate) mod capability;
pub(crate) mod conditional;
pub(crate) mod derived;
pub(crate) mod everything;
pub(crate) mod group;
pub(crate) mod history;
pub(crate) mod include;
pub(crate) mod links;
pub(crate) mod matching;
pub(crate) mod page;
pub(crate) mod pixm;
pub(crate) mod read;
pub(crate) mod reply;
pub(crate) mod search;
pub(crate) mod shape;
pub(crate) mod type_history;
