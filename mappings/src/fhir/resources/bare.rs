//! A resource of which only id and meta are shown.

use serde::Serialize;

use super::super::datatypes::Meta;
use crate::records::{Record, ResourceId};

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Bare {
    resource_type: &'static str,
    #[serde(serialize_with = "super::super::datatypes::id")]
    id: ResourceId,
    meta: Meta,
}

impl Bare {
    #[must_use]
    pub fn new(record: &Record) -> Self {
        Self {
            resource_type: record.record_type().fhir(),
            id: record.id(),
            meta: Meta::from(record.stamp()),
        }
    }
}
