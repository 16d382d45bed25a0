//! Code system URIs.

pub const V3_ACT_CODE: &str = "http://terminology.hl7.org/CodeSystem/v3-ActCode";
pub const V3_NULL_FLAVOR: &str = "http://terminology.hl7.org/CodeSystem/v3-NullFlavor";
pub const V2_0004: &str = "http://terminology.hl7.org/CodeSystem/v2-0004";
pub const ADMINISTRATIVE_GENDER: &str = "http://hl7.org/fhir/administrative-gender";
pub const ENCOUNTER_STATUS: &str = "http://hl7.org/fhir/encounter-status";
