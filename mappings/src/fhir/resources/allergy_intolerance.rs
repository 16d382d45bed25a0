//! AllergyRecord → AllergyIntolerance (AL1, IAM; FACTS §3).

use serde::Serialize;

use super::super::codes::allergy::{
    AllergyStatus, category, category_says_less, criticality, severity, status,
};
use super::super::codes::systems::ALLERGY_TYPE;
use super::super::datatypes::{
    CodeableConcept, CodeableReference, DateTime, Extended, ExtensionValue, Identifier, Meta,
    Reference, Text, full_name,
};
use super::super::{FhirVersion, text};
use super::participant::{self, Participant};
use super::reference::{patient, practitioner};
use crate::records::{AllergyRecord, Coded, ResourceId};

/// The value set of R4's code.
const ALLERGY_TYPE_R4: &str = "http://hl7.org/fhir/allergy-intolerance-type";
const ORIGINAL_TEXT: &str = "http://hl7.org/fhir/StructureDefinition/originalText";

#[derive(Serialize)]
#[serde(rename_all = "camelCase", tag = "resourceType", rename = "AllergyIntolerance")]
pub struct AllergyIntolerance<'a> {
    #[serde(serialize_with = "super::super::datatypes::id")]
    id: ResourceId,
    meta: Meta,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    identifier: Vec<Identifier<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    clinical_status: Option<CodeableConcept<'static>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    verification_status: Option<CodeableConcept<'static>>,
    #[serde(rename = "type", skip_serializing_if = "Option::is_none")]
    of_type: Option<AllergyType<'a>>,
    #[serde(rename = "_type", skip_serializing_if = "Option::is_none")]
    type_extension: Option<Extended<'a>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    category: Vec<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    criticality: Option<&'static str>,
    #[serde(rename = "_criticality", skip_serializing_if = "Option::is_none")]
    criticality_extension: Option<Extended<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    code: Option<CodeableConcept<'a>>,
    patient: Reference<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    onset_date_time: Option<DateTime>,
    #[serde(rename = "_onsetDateTime", skip_serializing_if = "Option::is_none")]
    onset_extension: Option<Extended<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    onset_string: Option<Text<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    recorded_date: Option<DateTime>,
    /// R4.
    #[serde(skip_serializing_if = "Option::is_none")]
    recorder: Option<Reference<'a>>,
    /// R5.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    participant: Vec<Participant<'a>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    reaction: Vec<Reaction<'a>>,
}

/// R4 has a code, R5 a concept.
#[derive(Serialize)]
#[serde(untagged)]
enum AllergyType<'a> {
    R4(&'static str),
    R5(CodeableConcept<'a>),
}

#[derive(Serialize)]
struct Reaction<'a> {
    manifestation: Manifestations<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    severity: Option<&'static str>,
    #[serde(rename = "_severity", skip_serializing_if = "Option::is_none")]
    severity_extension: Option<Extended<'a>>,
}

#[derive(Serialize)]
#[serde(untagged)]
enum Manifestations<'a> {
    R4(Vec<CodeableConcept<'a>>),
    R5(Vec<CodeableReference<'a>>),
}

impl<'a> AllergyIntolerance<'a> {
    #[must_use]
    pub fn new(record: &'a AllergyRecord, version: FhirVersion) -> Self {
        let AllergyStatus { clinical, verification } =
            status(&record.clinical_status.code, record.void);
        let (of_type, type_extension) = of_type(&record.category, version);
        let reaction = Reaction::new(record, version);
        let (code, original) = match &reaction {
            // AL1-4 is said once: of the reaction where there is one.
            Some(_) => (None, None),
            None => graded(&record.severity, criticality),
        };
        let (recorder, author) = version.either(named_recorder(record));
        let onset_date_time = record.onset.and_then(DateTime::new);
        let onset_text = text::string(&record.onset_text);
        let (onset_extension, onset_string) = match onset_date_time {
            Some(_) => (onset_text.map(original_text), None),
            None => (None, onset_text),
        };
        Self {
            id: record.id,
            meta: Meta::from(&record.stamp),
            identifier: Identifier::list(&record.identifiers, ""),
            clinical_status: clinical.map(CodeableConcept::from),
            verification_status: verification.map(CodeableConcept::from),
            of_type,
            type_extension,
            category: category(&record.category.code).into_iter().collect(),
            criticality: code,
            criticality_extension: original,
            code: CodeableConcept::sent(&record.code),
            patient: patient(record.patient),
            onset_date_time,
            onset_extension,
            onset_string,
            recorded_date: record.recorded.and_then(DateTime::new),
            recorder,
            participant: author.map(participant::recorder).into_iter().collect(),
            reaction: reaction.into_iter().collect(),
        }
    }
}

/// AL1-2 speaks of allergies only. What the category does not say is kept here.
fn of_type(sent: &Coded, version: FhirVersion) -> (Option<AllergyType<'_>>, Option<Extended<'_>>) {
    let Some(concept) = CodeableConcept::sent(sent) else { return (None, None) };
    let more = category_says_less(&sent.code).then_some(concept);
    match version {
        FhirVersion::R4 => (Some(AllergyType::R4("allergy")), more.map(Extended::alternate_codes)),
        FhirVersion::R5 => {
            let mut concept = CodeableConcept::of(ALLERGY_TYPE, "allergy", "Allergy");
            if let Some(more) = more {
                concept.coding.extend(more.coding.iter().cloned());
                concept.text = more.text;
            }
            (Some(AllergyType::R5(concept)), None)
        }
    }
}

/// A grade of table 0128 by `map`; what it has no code for stands beside it, as sent.
fn graded<'a>(
    sent: &'a Coded,
    map: fn(&str) -> Option<&'static str>,
) -> (Option<&'static str>, Option<Extended<'a>>) {
    match map(&sent.code) {
        Some(code) => (Some(code), None),
        None => (None, CodeableConcept::sent(sent).map(Extended::alternate_codes)),
    }
}

impl<'a> Reaction<'a> {
    /// A reaction has a manifestation (1..*).
    fn new(record: &'a AllergyRecord, version: FhirVersion) -> Option<Self> {
        let concepts: Vec<_> = record.reactions.iter().filter_map(CodeableConcept::sent).collect();
        if concepts.is_empty() {
            return None;
        }
        let manifestation = match version {
            FhirVersion::R4 => Manifestations::R4(concepts),
            FhirVersion::R5 => {
                Manifestations::R5(concepts.into_iter().map(CodeableReference::from).collect())
            }
        };
        let (severity, severity_extension) = graded(&record.severity, severity);
        Some(Self { manifestation, severity, severity_extension })
    }
}

/// IAM-14 by IAM-15: the patient, somebody close to the patient, or a practitioner.
fn named_recorder(record: &AllergyRecord) -> Option<Reference<'_>> {
    let sent = record.recorder.as_ref()?;
    match sent.role.as_str() {
        "" => practitioner(sent),
        "SEL" => Some(patient(record.patient)),
        _ => Reference::logical("RelatedPerson", None, full_name(&sent.name)),
    }
}

fn original_text(text: Text<'_>) -> Extended<'_> {
    Extended::by(ORIGINAL_TEXT, ExtensionValue::String(text))
}

/// The type, as a code (R4) or a concept (R5).
pub(crate) fn types(sent: &Coded, version: FhirVersion) -> Vec<CodeableConcept<'_>> {
    match of_type(sent, version).0 {
        Some(AllergyType::R4(code)) => vec![CodeableConcept::of(ALLERGY_TYPE_R4, code, "")],
        Some(AllergyType::R5(concept)) => vec![concept],
        None => Vec::new(),
    }
}
