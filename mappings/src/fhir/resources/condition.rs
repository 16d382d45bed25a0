//! ConditionRecord → Condition (DG1; FACTS §3 DG1).

use serde::Serialize;

use super::super::FhirVersion;
use super::super::codes::systems::{
    CONDITION_CATEGORY, CONDITION_CLINICAL, CONDITION_VERIFICATION,
};
use super::super::datatypes::{
    CodeableConcept, DateTime, Extension, ExtensionValue, Identifier, Meta, Reference,
};
use super::participant::{self, Participant};
use super::reference::{encounter, patient, practitioner};
use crate::records::{ConditionRecord, RecordType, ResourceId};

const ASSERTED_DATE: &str = "http://hl7.org/fhir/StructureDefinition/condition-assertedDate";
const DUE_TO: &str = "http://hl7.org/fhir/StructureDefinition/condition-dueTo";

#[derive(Serialize)]
#[serde(rename_all = "camelCase", tag = "resourceType", rename = "Condition")]
pub struct Condition<'a> {
    #[serde(serialize_with = "super::super::datatypes::id")]
    id: ResourceId,
    meta: Meta,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    extension: Vec<Extension<'a>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    identifier: Vec<Identifier<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    clinical_status: Option<CodeableConcept<'static>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    verification_status: Option<CodeableConcept<'static>>,
    category: [CodeableConcept<'static>; 1],
    #[serde(skip_serializing_if = "Option::is_none")]
    code: Option<CodeableConcept<'a>>,
    subject: Reference<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    encounter: Option<Reference<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    onset_date_time: Option<DateTime>,
    #[serde(skip_serializing_if = "Option::is_none")]
    recorded_date: Option<DateTime>,
    /// R4: one.
    #[serde(skip_serializing_if = "Option::is_none")]
    asserter: Option<Reference<'a>>,
    /// R5.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    participant: Vec<Participant<'a>>,
}

impl<'a> Condition<'a> {
    #[must_use]
    pub fn new(record: &'a ConditionRecord, version: FhirVersion) -> Self {
        let asserters: Vec<_> = record.asserters.iter().filter_map(practitioner).collect();
        let (asserters, informants) = version.either(asserters);
        Self {
            id: record.id,
            meta: Meta::from(&record.stamp),
            extension: extensions(record),
            identifier: Identifier::list(&record.identifiers, ""),
            clinical_status: clinical_status(record.void, version),
            verification_status: verification_status(record.void),
            category: [category()],
            code: CodeableConcept::sent(&record.code),
            subject: patient(record.patient),
            encounter: encounter(record.stay),
            onset_date_time: record.onset.and_then(DateTime::new),
            recorded_date: record.asserted.and_then(DateTime::new),
            asserter: asserters.into_iter().next(),
            participant: informants.into_iter().map(participant::asserter).collect(),
        }
    }
}

/// A diagnosis that is sent is one that the patient has. Entered in error it has no status in R4
/// (`con-5`), and one that must be there in R5.
pub(crate) fn clinical_status(
    void: bool,
    version: FhirVersion,
) -> Option<CodeableConcept<'static>> {
    let (code, display) = match (void, version) {
        (false, _) => ("active", "Active"),
        (true, FhirVersion::R4) => return None,
        (true, FhirVersion::R5) => ("inactive", "Inactive"),
    };
    Some(CodeableConcept::of(CONDITION_CLINICAL, code, display))
}

pub(crate) fn verification_status(void: bool) -> Option<CodeableConcept<'static>> {
    void.then(|| {
        CodeableConcept::of(CONDITION_VERIFICATION, "entered-in-error", "Entered in Error")
    })
}

pub(crate) fn category() -> CodeableConcept<'static> {
    CodeableConcept::of(CONDITION_CATEGORY, "encounter-diagnosis", "Encounter Diagnosis")
}

/// DG1-19 and DG1-22.
fn extensions(record: &ConditionRecord) -> Vec<Extension<'static>> {
    let asserted = record.asserted.and_then(DateTime::new);
    let asserted = asserted.map(|at| (ASSERTED_DATE, ExtensionValue::DateTime(at)));
    let due_to = record.due_to.map(|id| Reference::to(RecordType::Condition, id));
    let due_to = due_to.map(|cause| (DUE_TO, ExtensionValue::Reference(cause)));
    asserted.into_iter().chain(due_to).map(|(url, value)| Extension { url, value }).collect()
}
