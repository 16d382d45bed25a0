//! PV1-5, 13 to 16, 36 to 38 (and ZFV-1 in France) → `hospitalization` of an R4 Encounter, `admission` of an R5 one.

use serde::Serialize;

use super::super::codes::encounter::arrangement;
use super::super::codes::systems;
use super::super::datatypes::{CodeableConcept, Identifier, Reference};
use super::super::{fr_core, text};
use super::encounter::VISIT_NUMBER;
use crate::entity::LegalEntity;
use crate::records::{Coded, StayRecord};

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Admission<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    pre_admission_identifier: Option<Identifier<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    origin: Option<Reference<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    admit_source: Option<CodeableConcept<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    re_admission: Option<CodeableConcept<'a>>,
    /// R4.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    diet_preference: Vec<CodeableConcept<'a>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    special_courtesy: Vec<CodeableConcept<'a>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    special_arrangement: Vec<CodeableConcept<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    destination: Option<Reference<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    discharge_disposition: Option<CodeableConcept<'a>>,
}

/// PV1-38, PV1-15 and PV1-16.
#[derive(Default)]
pub(super) struct Courtesies<'a> {
    pub diet: Vec<CodeableConcept<'a>>,
    pub arrangements: Vec<CodeableConcept<'a>>,
    pub courtesy: Vec<CodeableConcept<'a>>,
}

impl<'a> Courtesies<'a> {
    pub fn of(record: &'a StayRecord) -> Self {
        let concepts = |sent| CodeableConcept::sent(sent).into_iter().collect();
        let arrangement = |sent| CodeableConcept::mapped(sent, arrangement);
        Self {
            diet: concepts(&record.diet),
            arrangements: record.special_arrangements.iter().filter_map(arrangement).collect(),
            courtesy: concepts(&record.special_courtesy),
        }
    }
}

impl<'a> Admission<'a> {
    /// `None` where nothing would be in it.
    pub(super) fn new(
        record: &'a StayRecord,
        courtesies: Courtesies<'a>,
        entity: &LegalEntity,
    ) -> Option<Self> {
        let sent = CodeableConcept::sent;
        let number = record.pre_admission.as_ref();
        let Courtesies { diet, arrangements, courtesy } = courtesies;
        let admission = Self {
            pre_admission_identifier: number.and_then(|n| Identifier::with_type(n, VISIT_NUMBER)),
            origin: fr_core::encounter::origin(record),
            admit_source: sent(&record.admit_source),
            re_admission: sent(&record.readmission),
            diet_preference: diet,
            special_courtesy: courtesy,
            special_arrangement: arrangements,
            destination: destination(&record.situation.destination),
            discharge_disposition: fr_core::encounter::disposition(
                &record.situation.disposition,
                entity,
            ),
        };
        let is_empty = admission.pre_admission_identifier.is_none()
            && admission.origin.is_none()
            && admission.admit_source.is_none()
            && admission.re_admission.is_none()
            && admission.diet_preference.is_empty()
            && admission.special_courtesy.is_empty()
            && admission.special_arrangement.is_empty()
            && admission.destination.is_none()
            && admission.discharge_disposition.is_none();
        (!is_empty).then_some(admission)
    }
}

/// PV1-37 is a code of the site's own table 0113, and FHIR wants a place: by number and name.
fn destination(sent: &Coded) -> Option<Reference<'_>> {
    let display = text::string(&sent.text).or_else(|| text::code(&sent.code));
    let system = systems::of_name(&sent.system, &sent.table);
    let identifier = system.and_then(|system| Identifier::of(system, text::code(&sent.code)));
    Reference::logical("Location", identifier, display)
}
