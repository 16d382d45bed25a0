//! ObservationRecord → Observation (OBX, PD1-7; FACTS §3 OBX).

use serde::Serialize;

use super::super::codes::observation::{absent_reason, interpretation, status, status_says_less};
use super::super::codes::systems::{V2_0085, V3_NULL_FLAVOR};
use super::super::datatypes::{
    CodeableConcept, Coding, DateTime, Extended, Extension, ExtensionValue, Identifier, Meta,
    Reference, Text,
};
use super::super::{FhirVersion, text};
use super::observation_value::{Value, attachment};
use super::reference::{encounter, patient, practitioner};
use crate::records::{ObservationRecord, ObservationValue, ResourceId};

const SUB_ID: &str = "http://hl7.org/fhir/StructureDefinition/observation-v2-subid";

#[derive(Serialize)]
#[serde(rename_all = "camelCase", tag = "resourceType", rename = "Observation")]
pub struct Observation<'a> {
    #[serde(serialize_with = "super::super::datatypes::id")]
    id: ResourceId,
    meta: Meta,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    extension: Vec<Extension<'a>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    identifier: Vec<Identifier<'a>>,
    status: &'static str,
    #[serde(rename = "_status", skip_serializing_if = "Option::is_none")]
    status_extension: Option<Extended<'a>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    category: Vec<CodeableConcept<'a>>,
    code: CodeableConcept<'a>,
    subject: Reference<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    encounter: Option<Reference<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    effective_date_time: Option<DateTime>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    performer: Vec<Reference<'a>>,
    #[serde(flatten)]
    value: Option<Value<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    data_absent_reason: Option<CodeableConcept<'static>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    interpretation: Vec<CodeableConcept<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    body_site: Option<CodeableConcept<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    method: Option<CodeableConcept<'a>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    reference_range: Vec<ReferenceRange<'a>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    component: Vec<Component<'a>>,
}

#[derive(Serialize)]
struct ReferenceRange<'a> {
    text: Text<'a>,
}

#[derive(Serialize)]
struct Component<'a> {
    #[serde(skip_serializing_if = "Vec::is_empty")]
    extension: Vec<Extension<'a>>,
    code: CodeableConcept<'a>,
    #[serde(flatten)]
    value: Option<Value<'a>>,
}

impl<'a> Observation<'a> {
    #[must_use]
    pub fn new(record: &'a ObservationRecord, version: FhirVersion) -> Self {
        // Several values are components of the same code: then the whole has none (obs-7).
        let (one, several) = match &record.values[..] {
            [one] => (Some(one), &[][..]),
            several => (None, several),
        };
        let value = one.and_then(|sent| Value::new(sent, &record.unit, version));
        let component: Vec<_> =
            several.iter().filter_map(|sent| Component::new(sent, record, version)).collect();
        let absent = value.is_none() && component.is_empty();
        let sub_id = sub_id(record).into_iter();
        Self {
            id: record.id,
            meta: Meta::from(&record.stamp),
            extension: sub_id.chain(one.and_then(|sent| attachment(sent, version))).collect(),
            identifier: Identifier::list(&record.identifiers, ""),
            status: status(&record.status),
            status_extension: original_status(record),
            category: CodeableConcept::sent(&record.category).into_iter().collect(),
            code: code(record),
            subject: patient(record.patient),
            encounter: encounter(record.stay),
            effective_date_time: record.effective.and_then(DateTime::new),
            performer: record.performers.iter().filter_map(practitioner).collect(),
            value,
            data_absent_reason: absent_reason(&record.status)
                .filter(|_| absent)
                .map(CodeableConcept::from),
            interpretation: record
                .interpretations
                .iter()
                .filter_map(|sent| CodeableConcept::mapped(sent, interpretation))
                .collect(),
            body_site: CodeableConcept::sent(&record.body_site),
            method: CodeableConcept::sent(&record.method),
            reference_range: text::string(&record.reference_range)
                .map(|text| ReferenceRange { text })
                .into_iter()
                .collect(),
            component,
        }
    }
}

impl<'a> Component<'a> {
    fn new(
        sent: &'a ObservationValue,
        record: &'a ObservationRecord,
        version: FhirVersion,
    ) -> Option<Self> {
        let value = Value::new(sent, &record.unit, version);
        let extension: Vec<_> = attachment(sent, version).into_iter().collect();
        if value.is_none() && extension.is_empty() {
            return None;
        }
        Some(Self { extension, code: code(record), value })
    }
}

/// OBX-3, which FHIR must have.
pub(crate) fn code(record: &ObservationRecord) -> CodeableConcept<'_> {
    CodeableConcept::sent(&record.code)
        .unwrap_or_else(|| CodeableConcept::of(V3_NULL_FLAVOR, "UNK", "unknown"))
}

/// OBX-4.
fn sub_id(record: &ObservationRecord) -> Option<Extension<'_>> {
    let value = ExtensionValue::String(text::string(&record.sub_id)?);
    let parts = vec![Extension { url: "original-sub-identifier", value }];
    Some(Extension { url: SUB_ID, value: ExtensionValue::Extensions(parts) })
}

/// OBX-11 as sent, where the status says less.
fn original_status(record: &ObservationRecord) -> Option<Extended<'_>> {
    let sent = text::code(&record.status).filter(|sent| status_says_less(sent))?;
    let coding = Coding { code: Some(sent), ..Coding::of(V2_0085, "", "") };
    Some(Extended::alternate_codes(coding.into()))
}
