//! StayRecord → Encounter (PV1, PV2, ZBE; FACTS §1–3, §8). A movement is an entry of `location[]`.

use serde::Serialize;

use super::super::canonical::MOVEMENT_IDENTIFIER;
use super::super::codes::condition::diagnosis_use;
use super::super::codes::encounter::{arrangement, priority, service};
use super::super::codes::patient_class::{Class, class};
use super::super::codes::physical_type::physical_type;
use super::super::codes::provider_role::provider_role;
use super::super::codes::systems::{V2_0443, V3_CONFIDENTIALITY};
use super::super::codes::{stay_status, systems};
use super::super::datatypes::{
    CodeableConcept, CodeableReference, Coding, DateTime, Extension, ExtensionValue, Identifier,
    Meta, Narrative, Period, Quantity, Reference, Text, positive,
};
use super::super::{FhirVersion, place, text};
use super::account::ACCOUNT_NUMBER;
use super::reference::{legal_entity, organization, patient, practitioner};
use crate::entity::LegalEntity;
use crate::records::{
    Coded, Diagnosis, Movement, Place, PlaceStatus, Practitioner, RecordType, ResourceId,
    StayRecord,
};

const PLANNED_START: &str =
    "http://hl7.org/fhir/5.0/StructureDefinition/extension-Encounter.plannedStartDate";
const PLANNED_END: &str =
    "http://hl7.org/fhir/5.0/StructureDefinition/extension-Encounter.plannedEndDate";
const MODE_OF_ARRIVAL: &str = "http://hl7.org/fhir/StructureDefinition/encounter-modeOfArrival";

/// What a visit number is, where the message does not say (table 0203).
const VISIT_NUMBER: &str = "VN";

#[derive(Serialize)]
#[serde(rename_all = "camelCase", tag = "resourceType", rename = "Encounter")]
pub struct Encounter<'a> {
    #[serde(serialize_with = "super::super::datatypes::id")]
    id: ResourceId,
    meta: Meta,
    #[serde(skip_serializing_if = "Option::is_none")]
    text: Option<Narrative>,
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
    #[serde(skip_serializing_if = "Option::is_none")]
    length: Option<Quantity<'a>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    diagnosis: Vec<EncounterDiagnosis<'a>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    account: Vec<Reference<'a>>,
    /// R4.
    #[serde(skip_serializing_if = "Option::is_none")]
    hospitalization: Option<Admission<'a>>,
    /// R5; in R4 these three are part of `hospitalization`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    diet_preference: Vec<CodeableConcept<'a>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    special_arrangement: Vec<CodeableConcept<'a>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    special_courtesy: Vec<CodeableConcept<'a>>,
    /// R5.
    #[serde(skip_serializing_if = "Option::is_none")]
    admission: Option<Admission<'a>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    location: Vec<EncounterLocation<'a>>,
    service_provider: Reference<'a>,
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
    #[serde(skip_serializing_if = "Option::is_none")]
    period: Option<Period>,
}

#[derive(Serialize)]
#[serde(untagged)]
enum EncounterDiagnosis<'a> {
    R4 {
        condition: Reference<'a>,
        #[serde(rename = "use", skip_serializing_if = "Option::is_none")]
        of_use: Option<CodeableConcept<'a>>,
        #[serde(skip_serializing_if = "Option::is_none")]
        rank: Option<u32>,
    },
    R5 {
        condition: [CodeableReference<'a>; 1],
        #[serde(rename = "use", skip_serializing_if = "Vec::is_empty")]
        of_use: Vec<CodeableConcept<'a>>,
    },
}

#[derive(Serialize)]
struct Reason<'a> {
    value: [CodeableReference<'a>; 1],
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Admission<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    pre_admission_identifier: Option<Identifier<'a>>,
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
    pub fn new(record: &'a StayRecord, entity: &'a LegalEntity, version: FhirVersion) -> Self {
        let situation = &record.situation;
        let (period, actual_period) = version.either(Period::new(situation.start, situation.end));
        let planned = [record.planned_start, record.planned_end];
        let planned = planned.map(|moment| moment.and_then(DateTime::new));
        let (planned_extension, [planned_start_date, planned_end_date]) = version.either(planned);
        let reason = CodeableConcept::sent(&record.reason);
        let (reason_code, reason) = version.either(reason);
        let (in_hospitalization, courtesies) = version.either(Courtesies::of(record));
        let admission = Admission::new(record, in_hospitalization);
        let (hospitalization, admission) = version.either(admission);
        let length = record.length_days.and_then(Quantity::days);
        Self {
            id: record.id,
            meta: meta(record),
            text: Narrative::new(&record.description),
            extension: extensions(record, planned_extension),
            identifier: Identifier::list(&record.identifiers, VISIT_NUMBER),
            status: stay_status::of(record, version),
            class: EncounterClass::new(&situation.class, version),
            of_type: CodeableConcept::sent(&record.admission_type).into_iter().collect(),
            service_type: ServiceType::new(&record.service, version),
            priority: CodeableConcept::mapped(&record.priority, priority),
            subject: patient(record.patient),
            subject_status: subject_status(record, version),
            participant: participants(&record.practitioners, version),
            period,
            actual_period,
            planned_start_date,
            planned_end_date,
            reason_code: reason_code.into_iter().collect(),
            reason: reason.map(|concept| Reason { value: [concept.into()] }).into_iter().collect(),
            length,
            diagnosis: record.diagnoses.iter().map(|d| diagnosis(d, version)).collect(),
            account: account(record).into_iter().collect(),
            hospitalization,
            diet_preference: courtesies.diet,
            special_arrangement: courtesies.arrangements,
            special_courtesy: courtesies.courtesy,
            admission,
            location: record.places().filter_map(|(m, p)| location(m, p, version)).collect(),
            service_provider: organization(&record.service_provider)
                .unwrap_or_else(|| legal_entity(entity)),
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
    let code = Some(standard.unwrap_or(code));
    Coding { code, display, ..Coding::of(system, "", "") }
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

/// PV2-22: of whom nobody is to be told.
fn meta(record: &StayRecord) -> Meta {
    let mut meta = Meta::from(&record.stamp);
    if record.is_protected == Some(true) {
        meta.security.push(Coding::of(V3_CONFIDENTIALITY, "R", "restricted"));
    }
    meta
}

/// PV2-8 and PV2-9, for which R5 has elements and R4 their cross-version extensions; PV2-38.
fn extensions(record: &StayRecord, [start, end]: [Option<DateTime>; 2]) -> Vec<Extension<'_>> {
    let date = |(url, date)| Some((url, ExtensionValue::DateTime(date?)));
    let planned = [(PLANNED_START, start), (PLANNED_END, end)].into_iter().filter_map(date);
    let arrival = Coding::first(&record.mode_of_arrival);
    let arrival = arrival.map(|coding| (MODE_OF_ARRIVAL, ExtensionValue::Coding(coding)));
    planned.chain(arrival).map(|(url, value)| Extension { url, value }).collect()
}

/// 0 is no rank.
fn diagnosis(sent: &Diagnosis, version: FhirVersion) -> EncounterDiagnosis<'_> {
    let condition = Reference::to(RecordType::Condition, sent.condition);
    let of_use = CodeableConcept::mapped(&sent.diagnosis_type, diagnosis_use);
    match version {
        FhirVersion::R4 => {
            EncounterDiagnosis::R4 { condition, of_use, rank: sent.rank.and_then(positive) }
        }
        FhirVersion::R5 => EncounterDiagnosis::R5 {
            condition: [condition.into()],
            of_use: of_use.into_iter().collect(),
        },
    }
}

fn participants(sent: &[Practitioner], version: FhirVersion) -> Vec<Participant<'_>> {
    let participant = |sent| {
        let (individual, actor) = version.either(Some(practitioner(sent)?));
        let of_type = role(&sent.role).into_iter().collect();
        Some(Participant { of_type, individual, actor, period: Period::new(sent.start, sent.end) })
    };
    sent.iter().filter_map(participant).collect()
}

/// The field's, or a ROL's (table 0443).
fn role(sent: &str) -> Option<CodeableConcept<'_>> {
    let code = text::code(sent)?;
    Some(match provider_role(&code) {
        Some(coding) => coding.into(),
        None => Coding { code: Some(code), ..Coding::of(V2_0443, "", "") }.into(),
    })
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

/// PV1-38, PV1-15 and PV1-16.
#[derive(Default)]
struct Courtesies<'a> {
    diet: Vec<CodeableConcept<'a>>,
    arrangements: Vec<CodeableConcept<'a>>,
    courtesy: Vec<CodeableConcept<'a>>,
}

impl<'a> Courtesies<'a> {
    fn of(record: &'a StayRecord) -> Self {
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
    fn new(record: &'a StayRecord, courtesies: Courtesies<'a>) -> Option<Self> {
        let sent = CodeableConcept::sent;
        let number = record.pre_admission.as_ref();
        let Courtesies { diet, arrangements, courtesy } = courtesies;
        let admission = Self {
            pre_admission_identifier: number.and_then(|n| Identifier::with_type(n, VISIT_NUMBER)),
            admit_source: sent(&record.admit_source),
            re_admission: sent(&record.readmission),
            diet_preference: diet,
            special_courtesy: courtesy,
            special_arrangement: arrangements,
            destination: destination(&record.situation.destination),
            discharge_disposition: sent(&record.situation.disposition),
        };
        let is_empty = admission.pre_admission_identifier.is_none()
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
