//! A movement of a stay → an entry of `Encounter.location[]`.

use serde::Serialize;

use super::super::FhirVersion;
use super::super::datatypes::{CodeableConcept, Extension, Period, Reference};
use super::movement;
use crate::records::{Movement, Place, PlaceStatus, StayRecord};

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub struct EncounterLocation<'a> {
    #[serde(skip_serializing_if = "Vec::is_empty")]
    extension: Vec<Extension<'a>>,
    location: Reference<'a>,
    status: &'static str,
    /// R4.
    #[serde(skip_serializing_if = "Option::is_none")]
    physical_type: Option<CodeableConcept<'a>>,
    /// R5.
    #[serde(skip_serializing_if = "Option::is_none")]
    form: Option<CodeableConcept<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    period: Option<Period>,
}

impl<'a> EncounterLocation<'a> {
    pub(super) fn list(record: &'a StayRecord, version: FhirVersion) -> Vec<Self> {
        record.places().filter_map(|(movement, sent)| Self::new(movement, sent, version)).collect()
    }

    fn new(movement: &'a Movement, sent: &'a Place, version: FhirVersion) -> Option<Self> {
        let (physical_type, form) = version.either(movement::form(sent));
        let mut extension = Vec::new();
        extension.extend(movement::identifier(movement));
        extension.extend(movement::classification(movement));
        extension.extend(movement::responsibilities(movement));
        Some(Self {
            extension,
            location: movement::place_reference(movement, sent)?,
            status: match movement.place_status {
                PlaceStatus::Planned => "planned",
                PlaceStatus::Active => "active",
                PlaceStatus::Reserved => "reserved",
                PlaceStatus::Completed => "completed",
            },
            physical_type,
            form,
            period: Period::new(movement.start, movement.end),
        })
    }
}
