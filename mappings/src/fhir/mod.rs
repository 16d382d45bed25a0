//! FHIR: what is rendered from records, and the code tables that rendering and search share.
//!
//! A resource is rendered from one record alone, without a base URL: references are relative.
//! `r4` holds FHIR R4; R5 stands beside it when it comes, over the same `codes` and `place`.

pub mod canonical;
pub mod civil;
pub mod codes;
pub mod period;
pub mod place;
pub mod text;
