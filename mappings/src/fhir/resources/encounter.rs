//! StayRecord → Encounter (PV1, PV2, ZBE; FACTS §1–3, §8). A movement is an entry of `location[]`.

use serde::Serialize;

use super::super::canonical::MOVEMENT_IDENTIFIER;
use super::super::codes::encounter::{participation, priority, service};
use super::super::codes::patient_class::{Class, class};
use super::super::codes::physical_type::physical_type;
use super::super::codes::{stay_status, systems};
use super::super::datatypes::{
    CodeableConcept, CodeableReference, Coding, DateTime, Extension, ExtensionValue, Identifier,
    Meta, Period, Reference, Text,
};
use super::super::{FhirVersion, place, text};
use super::reference::practitioner;
use crate::records::{
    Coded, Movement, Place, PlaceStatus, Practitioner, RecordType, ResourceId, StayRecord,
};

const PLANNED_START: &str =
    "http://hl7.org/fhir/5.0/StructureDefinition/extension-Encounter.plannedStartDate";
const PLANNED_END: &str =
    "http://hl7.org/fhir/5.0/StructureDefinition/extension-Encounter.plannedEndDate";

/// What a visit number is, where the message does not say (table 0203).
const VISIT_NUMBER: &str = "VN";
const ACCOUNT_NUMBER: &str = "AN";

#[derive(Serialize)]
#[serde(rename_all = "camelCase", tag = "resourceType", rename = "Encounter")]
pub struct Encounter<'a> {
    #[serde(serialize_with = "super::super::datatypes::id")]
    id: ResourceId,
    meta: Meta,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    extension: Vec<Extension<'a>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    identifier: Vec<Identifier<'a>>,
    status: &'static str,
    class: EncounterClass<'a>,
    #[serde(rename = "type", skip_serializing_if = "Vec::is_empty")]
    of_type: Vec<CodeableConcept<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    service_type: Option<ServiceType<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    priority: Option<CodeableConcept<'a>>,
    subject: Reference<'a>,
    /// R5.
    #[serde(skip_serializing_if = "Option::is_none")]
    subject_status: Option<CodeableConcept<'a>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    participant: Vec<Participant<'a>>,
    /// R4.
    #[serde(skip_serializing_if = "Option::is_none")]
    period: Option<Period>,
    /// R5.
    #[serde(skip_serializing_if = "Option::is_none")]
    actual_period: Option<Period>,
    /// R5; R4 has it as an extension.
    #[serde(skip_serializing_if = "Option::is_none")]
    planned_start_date: Option<DateTime>,
    #[serde(skip_serializing_if = "Option::is_none")]
    planned_end_date: Option<DateTime>,
    /// R4.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    reason_code: Vec<CodeableConcept<'a>>,
    /// R5.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    reason: Vec<Reason<'a>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    account: Vec<Reference<'a>>,
    /// R4.
    #[serde(skip_serializing_if = "Option::is_none")]
    hospitalization: Option<Admission<'a>>,
    /// R5.
    #[serde(skip_serializing_if = "Option::is_none")]
    admission: Option<Admission<'a>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    location: Vec<EncounterLocation<'a>>,
}

/// R4 has one Coding, R5 a list.
#[derive(Serialize)]
#[serde(untagged)]
enum EncounterClass<'a> {
    R4(Coding<'a>),
    R5([CodeableConcept<'a>; 1]),
}

#[derive(Serialize)]
#[serde(untagged)]
enum ServiceType<'a> {
    R4(CodeableConcept<'a>),
    R5(Vec<CodeableReference<'a>>),
}

#[derive(Serialize)]
struct Participant<'a> {
    #[serde(rename = "type", skip_serializing_if = "Vec::is_empty")]
    of_type: Vec<CodeableConcept<'a>>,
    /// R4.
    #[serde(skip_serializing_if = "Option::is_none")]
    individual: Option<Reference<'a>>,
    /// R5.
    #[serde(skip_serializing_if = "Option::is_none")]
    actor: Option<Reference<'a>>,
}

#[derive(Serialize)]
struct Reason<'a> {
    value: [CodeableReference<'a>; 1],
}

#[derive(Default, Serialize)]
#[serde(rename_all = "camelCase")]
struct Admission<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    pre_admission_identifier: Option<Identifier<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    admit_source: Option<CodeableConcept<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    re_admission: Option<CodeableConcept<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    destination: Option<Reference<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    discharge_disposition: Option<CodeableConcept<'a>>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct EncounterLocation<'a> {
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

impl<'a> Encounter<'a> {
    #[must_use]
    pub fn new(record: &'a StayRecord, version: FhirVersion) -> Self {
        let situation = &record.situation;
        let (period, actual_period) = version.either(Period::new(situation.start, situation.end));
        let planned = [record.planned_start, record.planned_end];
        let planned = planned.map(|moment| moment.and_then(DateTime::new));
        let (planned_extension, [planned_start_date, planned_end_date]) = version.either(planned);
        let reason = CodeableConcept::sent(&record.reason);
        let (reason_code, reason) = version.either(reason);
        let (hospitalization, admission) = version.either(admission(record));
        Self {
            id: record.id,
            meta: Meta::from(&record.stamp),
            extension: planned_dates(planned_extension),
            identifier: Identifier::list(&record.identifiers, VISIT_NUMBER),
            status: stay_status::of(record, version),
            class: EncounterClass::new(&situation.class, version),
            of_type: CodeableConcept::sent(&record.admission_type).into_iter().collect(),
            service_type: ServiceType::new(&record.service, version),
            priority: CodeableConcept::mapped(&record.priority, priority),
            subject: Reference::to(RecordType::Patient, record.patient),
            subject_status: subject_status(record, version),
            participant: participants(&record.practitioners, version),
            period,
            actual_period,
            planned_start_date,
            planned_end_date,
            reason_code: reason_code.into_iter().collect(),
            reason: reason.map(|concept| Reason { value: [concept.into()] }).into_iter().collect(),
            account: account(record).into_iter().collect(),
            hospitalization,
            admission,
            location: record.places().filter_map(|(m, p)| location(m, p, version)).collect(),
        }
    }
}

impl<'a> EncounterClass<'a> {
    fn new(sent: &'a Coded, version: FhirVersion) -> Self {
        let coding = class_coding(sent);
        match version {
            FhirVersion::R4 => Self::R4(coding),
            FhirVersion::R5 => Self::R5([class_concept(sent, coding)]),
        }
    }
}

/// R4 wants one class, as a Coding: what a CodeableConcept would add is lost here, so the
/// sender's own text is the display of a code that is not the standard's.
fn class_coding(sent: &Coded) -> Coding<'_> {
    let code = text::code(&sent.code).unwrap_or_default();
    let Class { system, code: mapped, display } = class(&code);
    let display = if display.is_empty() { text::string(&sent.text) } else { Some(display.into()) };
    // The code borrows either from the table or from `code`, which may be owned.
    let standard = (mapped != &*code).then(|| Text::Owned(mapped.to_owned()));
    Coding { system: Some(system.into()), code: Some(standard.unwrap_or(code)), display }
}

/// With the sender's own text, where the display is not it.
fn class_concept<'a>(sent: &'a Coded, coding: Coding<'a>) -> CodeableConcept<'a> {
    let text = text::string(&sent.text).filter(|text| coding.display.as_ref() != Some(text));
    CodeableConcept { coding: vec![coding], text }
}

impl<'a> ServiceType<'a> {
    fn new(sent: &'a Coded, version: FhirVersion) -> Option<Self> {
        let concept = CodeableConcept::mapped(sent, service)?;
        Some(match version {
            FhirVersion::R4 => Self::R4(concept),
            FhirVersion::R5 => Self::R5(vec![concept.into()]),
        })
    }
}

fn subject_status(record: &StayRecord, version: FhirVersion) -> Option<CodeableConcept<'static>> {
    if version == FhirVersion::R4 {
        return None;
    }
    stay_status::subject_status(record.status(), stay_status::told_by(record))
        .map(CodeableConcept::from)
}

/// PV2-8 and PV2-9: R5 has elements for them, and R4 their cross-version extensions.
fn planned_dates([start, end]: [Option<DateTime>; 2]) -> Vec<Extension<'static>> {
    let dates = [(PLANNED_START, start), (PLANNED_END, end)];
    let extension = |(url, date)| Some(Extension { url, value: ExtensionValue::DateTime(date?) });
    dates.into_iter().filter_map(extension).collect()
}

fn participants(sent: &[Practitioner], version: FhirVersion) -> Vec<Participant<'_>> {
    let participant = |sent| {
        let (individual, actor) = version.either(Some(practitioner(sent)?));
        let of_type = participation(&sent.role).map(CodeableConcept::from).into_iter().collect();
        Some(Participant { of_type, individual, actor })
    };
    sent.iter().filter_map(participant).collect()
}

/// PID-18: by its number, and its record.
fn account(record: &StayRecord) -> Option<Reference<'_>> {
    let number = record.account.as_ref().and_then(|n| Identifier::with_type(n, ACCOUNT_NUMBER));
    match record.account_record {
        Some(id) => {
            Some(Reference { identifier: number, ..Reference::to(RecordType::Account, id) })
        }
        None => Reference::logical("Account", number, None),
    }
}

fn admission(record: &StayRecord) -> Option<Admission<'_>> {
    let sent = CodeableConcept::sent;
    let number = record.pre_admission.as_ref();
    let admission = Admission {
        pre_admission_identifier: number.and_then(|n| Identifier::with_type(n, VISIT_NUMBER)),
        admit_source: sent(&record.admit_source),
        re_admission: sent(&record.readmission),
        destination: destination(&record.situation.destination),
        discharge_disposition: sent(&record.situation.disposition),
    };
    let Admission {
        pre_admission_identifier: None,
        admit_source: None,
        re_admission: None,
        destination: None,
        discharge_disposition: None,
    } = admission
    else {
        return Some(admission);
    };
    None
}

/// PV1-37 is a code of the site's own table 0113, and FHIR wants a place: by number and name.
fn destination(sent: &Coded) -> Option<Reference<'_>> {
    let display = text::string(&sent.text).or_else(|| text::code(&sent.code));
    let system = systems::of_name(&sent.system, &sent.table);
    let identifier = system.and_then(|system| Identifier::of(system, text::code(&sent.code)));
    Reference::logical("Location", identifier, display)
}

/// `None` where there is neither a place record nor a word for the place.
fn location<'a>(
    movement: &'a Movement,
    sent: &'a Place,
    version: FhirVersion,
) -> Option<EncounterLocation<'a>> {
    let form = place::level(sent).map(physical_type).map(CodeableConcept::from);
    let (physical_type, form) = version.either(form);
    Some(EncounterLocation {
        extension: movement_identifier(movement).into_iter().collect(),
        location: place_reference(movement, sent)?,
        status: place_status(movement.place_status),
        physical_type,
        form,
        period: Period::new(movement.start, movement.end),
    })
}

fn place_reference<'a>(movement: &Movement, sent: &'a Place) -> Option<Reference<'a>> {
    let display = text::owned(place::name(sent));
    match movement.location {
        Some(id) => Some(Reference { display, ..Reference::to(RecordType::Location, id) }),
        None => Reference::logical("Location", None, display),
    }
}

/// ZBE-1, the sender's number of the movement.
fn movement_identifier(movement: &Movement) -> Option<Extension<'_>> {
    let value = Identifier::new(movement.identifier.as_ref()?)?;
    Some(Extension { url: MOVEMENT_IDENTIFIER, value: ExtensionValue::Identifier(value) })
}

const fn place_status(status: PlaceStatus) -> &'static str {
    match status {
        PlaceStatus::Planned => "planned",
        PlaceStatus::Active => "active",
        PlaceStatus::Reserved => "reserved",
        PlaceStatus::Completed => "completed",
    }
}
