//! Code maps, one file per family of v2 tables (FACTS §5). Tables are code: a map is a `match`.

pub mod address_type;
pub mod administrative_sex;
pub mod allergy;
pub mod condition;
pub mod encounter;
pub mod identifier_type;
pub mod language;
pub mod marital_status;
pub mod name_type;
pub mod observation;
pub mod organization_kind;
pub mod patient_class;
pub mod physical_type;
pub mod procedure;
pub mod provider_role;
pub mod relationship;
pub mod religion;
pub mod stay_status;
pub mod systems;
pub mod telecom;
