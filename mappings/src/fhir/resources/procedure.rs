//! ProcedureRecord → Procedure (PR1; FACTS §3 PR1).

use serde::Serialize;

use super::super::civil::MICROS_PER_MINUTE;
use super::super::codes::procedure::performer_function;
use super::super::codes::systems;
use super::super::datatypes::{
    CodeableConcept, CodeableReference, Coding, DateTime, Identifier, Meta, Period, Reference,
};
use super::super::{FhirVersion, text};
use super::reference::{encounter, patient, practitioner};
use crate::records::{
    Moment, Practitioner, Precision, ProcedureRecord, RecordType, ResourceId, Stamp,
};
use sluice_ids::Micros;

#[derive(Serialize)]
#[serde(rename_all = "camelCase", tag = "resourceType", rename = "Procedure")]
pub struct Procedure<'a> {
    #[serde(serialize_with = "super::super::datatypes::id")]
    id: ResourceId,
    meta: Meta,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    identifier: Vec<Identifier<'a>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    part_of: Vec<Reference<'a>>,
    status: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    category: Option<Category<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    code: Option<CodeableConcept<'a>>,
    subject: Reference<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    encounter: Option<Reference<'a>>,
    /// R4.
    #[serde(skip_serializing_if = "Option::is_none")]
    performed_date_time: Option<DateTime>,
    #[serde(skip_serializing_if = "Option::is_none")]
    performed_period: Option<Period>,
    /// R5.
    #[serde(skip_serializing_if = "Option::is_none")]
    occurrence_date_time: Option<DateTime>,
    #[serde(skip_serializing_if = "Option::is_none")]
    occurrence_period: Option<Period>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    performer: Vec<Performer<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    location: Option<Reference<'a>>,
    /// R4.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    reason_code: Vec<CodeableConcept<'a>>,
    /// R5.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    reason: Vec<CodeableReference<'a>>,
}

/// R4 has one, R5 a list.
#[derive(Serialize)]
#[serde(untagged)]
enum Category<'a> {
    R4(CodeableConcept<'a>),
    R5([CodeableConcept<'a>; 1]),
}

#[derive(Serialize)]
struct Performer<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    function: Option<CodeableConcept<'static>>,
    actor: Reference<'a>,
}

impl<'a> Procedure<'a> {
    #[must_use]
    pub fn new(record: &'a ProcedureRecord, version: FhirVersion) -> Self {
        let (performed, occurrence) = version.either(performed(record));
        let reason = CodeableConcept::sent(&record.reason);
        let (reason_code, reason) = version.either(reason);
        let to = |of_type, id: Option<_>| id.map(|id| Reference::to(of_type, id));
        Self {
            id: record.id,
            meta: Meta::from(&record.stamp),
            identifier: Identifier::list(&record.identifiers, ""),
            part_of: to(RecordType::Procedure, record.part_of).into_iter().collect(),
            status: status(record),
            category: CodeableConcept::sent(&record.category).map(|concept| match version {
                FhirVersion::R4 => Category::R4(concept),
                FhirVersion::R5 => Category::R5([concept]),
            }),
            code: code(record),
            subject: patient(record.patient),
            encounter: encounter(record.stay),
            performed_date_time: performed.at,
            performed_period: performed.during,
            occurrence_date_time: occurrence.at,
            occurrence_period: occurrence.during,
            performer: record.performers.iter().filter_map(performer).collect(),
            location: to(RecordType::Location, record.location),
            reason_code: reason_code.into_iter().collect(),
            reason: reason.map(CodeableReference::from).into_iter().collect(),
        }
    }
}

/// PR1 has no status. What was planned, or lies ahead, is not known to have been done; what lies
/// behind the message that told it is.
pub(crate) fn status(record: &ProcedureRecord) -> &'static str {
    let Stamp { event, updated_at, .. } = record.stamp;
    let planned = matches!(event.as_str(), "A05" | "A14");
    let past = record.performed.is_some_and(|moment| moment.low() <= updated_at);
    match (record.void, past && !planned) {
        (true, _) => "entered-in-error",
        (false, true) => "completed",
        (false, false) => "unknown",
    }
}

/// PR1-3, with its modifiers (PR1-16) behind the code: `PR1-3.1:PR1-16.1`, as the guide has it.
pub(crate) fn code(record: &ProcedureRecord) -> Option<CodeableConcept<'_>> {
    let mut concept = CodeableConcept::sent(&record.code)?;
    let modifiers: Vec<_> = record.modifiers.iter().filter_map(|m| text::code(&m.code)).collect();
    let code = text::code(&record.code.code).filter(|_| !modifiers.is_empty());
    if let Some(code) = code {
        let modified = format!("{code}:{}", modifiers.join(":"));
        let system = systems::of_name(&record.code.system, &record.code.table);
        concept.coding.push(Coding { system, ..Coding::own(modified.into()) });
    }
    Some(concept)
}

/// PR1-5, and PR1-7 minutes of it where its time is known to the minute.
#[derive(Default)]
struct Performed {
    at: Option<DateTime>,
    during: Option<Period>,
}

fn performed(record: &ProcedureRecord) -> Performed {
    match period(record) {
        (start, Some(end)) => Performed { at: None, during: Period::new(start, Some(end)) },
        (start, None) => Performed { at: start.and_then(DateTime::new), during: None },
    }
}

/// When it began, and when it ended where that is known.
pub(crate) fn period(record: &ProcedureRecord) -> (Option<Moment>, Option<Moment>) {
    let timed = record.performed.filter(|moment| moment.precision > Precision::Day);
    let end = timed.zip(record.minutes).map(|(start, minutes)| {
        let low = start.low.get().saturating_add(i64::from(minutes) * MICROS_PER_MINUTE);
        Moment { low: Micros::new(low), ..start }
    });
    (record.performed, end)
}

fn performer(sent: &Practitioner) -> Option<Performer<'_>> {
    let function = performer_function(&sent.role).map(CodeableConcept::from);
    Some(Performer { function, actor: practitioner(sent)? })
}
