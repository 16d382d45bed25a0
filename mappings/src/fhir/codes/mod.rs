//! Code maps, one file per family of v2 tables (FACTS §5). Tables are code: a map is a `match`.

pub mod administrative_sex;
pub mod patient_class;
pub mod stay_status;
pub mod systems;
