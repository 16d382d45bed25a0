//! StayRecord → Encounter (PV1, PV2, ZBE; FACTS §1–3, §8). A movement is an entry of `location[]`.

use serde::Serialize;

use super::super::canonical::{EXPECTED_RETURN, NURSING_UNIT};
use super::super::codes::condition::diagnosis_use;
use super::super::codes::encounter::{priority, service};
use super::super::codes::provider_role::provider_role;
use super::super::codes::stay_status;
use super::super::codes::systems::{V2_0443, V3_CONFIDENTIALITY};
use super::super::datatypes::{
    CodeableConcept, CodeableReference, Coding, DateTime, Extension, ExtensionValue, Identifier,
    Meta, Narrative, Period, Quantity, Reference, positive,
};
use super::super::{FhirVersion, fr_core, text};
use super::account::ACCOUNT_NUMBER;
use super::admission::{Admission, Courtesies};
use super::encounter_class::{class_coding, class_concept};
use super::encounter_location::EncounterLocation;
use super::reference::{legal_entity, organization, patient, practitioner, unit};
use crate::entity::LegalEntity;
use crate::records::{self, Coded, Diagnosis, RecordType, ResourceId, StayRecord};

const PLANNED_START: &str =
    "http://hl7.org/fhir/5.0/StructureDefinition/extension-Encounter.plannedStartDate";
const PLANNED_END: &str =
    "http://hl7.org/fhir/5.0/StructureDefinition/extension-Encounter.plannedEndDate";
const MODE_OF_ARRIVAL: &str = "http://hl7.org/fhir/StructureDefinition/encounter-modeOfArrival";

/// What a visit number is, where the message does not say (table 0203).
pub(super) const VISIT_NUMBER: &str = "VN";

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

impl<'a> Encounter<'a> {
    #[must_use]
    pub fn new(record: &'a StayRecord, entity: &'a LegalEntity, version: FhirVersion) -> Self {
        let situation = &record.situation;
        let (period, actual_period) = version.either(Period::new(situation.start, situation.end));
        let planned = [record.planned_start, record.planned_end()];
        let planned = planned.map(|moment| moment.and_then(DateTime::new));
        let (planned_extension, [planned_start_date, planned_end_date]) = version.either(planned);
        let reason = CodeableConcept::sent(&record.reason);
        let (reason_code, reason) = version.either(reason);
        let (in_hospitalization, courtesies) = version.either(Courtesies::of(record));
        let admission = Admission::new(record, in_hospitalization, entity);
        let (hospitalization, admission) = version.either(admission);
        let length = record.length_days.and_then(Quantity::days);
        Self {
            id: record.id,
            meta: meta(record, entity, version),
            text: Narrative::new(&record.description),
            extension: extensions(record, planned_extension, entity),
            identifier: Identifier::list(&record.identifiers, VISIT_NUMBER),
            status: stay_status::of(record, version),
            class: EncounterClass::new(&situation.class, version),
            of_type: fr_core::encounter::types(record, entity),
            service_type: ServiceType::new(&record.service, version),
            priority: CodeableConcept::mapped(&record.priority, priority),
            subject: patient(record.patient),
            subject_status: subject_status(record, version),
            participant: participants(record, version),
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
            location: EncounterLocation::list(record, version),
            service_provider: service_provider(record).unwrap_or_else(|| legal_entity(entity)),
        }
    }
}

impl<'a> EncounterClass<'a> {
    fn new(sent: &'a Coded, version: FhirVersion) -> Self {
        match version {
            FhirVersion::R4 => Self::R4(class_coding(sent)),
            FhirVersion::R5 => Self::R5([class_concept(sent)]),
        }
    }
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

pub(crate) fn subject_status(
    record: &StayRecord,
    version: FhirVersion,
) -> Option<CodeableConcept<'static>> {
    if version == FhirVersion::R4 {
        return None;
    }
    stay_status::subject_status(record.status(), stay_status::told_by(record))
        .map(CodeableConcept::from)
}

/// PV2-22: of whom nobody is to be told.
pub(crate) fn meta(record: &StayRecord, entity: &LegalEntity, version: FhirVersion) -> Meta {
    let profiles = fr_core::encounter::profiles(record, entity, version);
    let mut meta = Meta::following(&record.stamp, profiles);
    meta.security.extend(fr_core::encounter::security(record, entity));
    if record.is_protected == Some(true) {
        meta.security.push(Coding::of(V3_CONFIDENTIALITY, "R", "restricted"));
    }
    meta
}

/// PV2-8 and PV2-9, for which R5 has elements and R4 their cross-version extensions; PV2-38.
fn extensions<'a>(
    record: &'a StayRecord,
    [start, end]: [Option<DateTime>; 2],
    entity: &LegalEntity,
) -> Vec<Extension<'a>> {
    let date = |(url, date)| Some((url, ExtensionValue::DateTime(date?)));
    let planned = [(PLANNED_START, start), (PLANNED_END, end)].into_iter().filter_map(date);
    let arrival = Coding::first(&record.mode_of_arrival).map(ExtensionValue::Coding);
    let situation = &record.situation;
    let expected = situation.expected_return.and_then(DateTime::new);
    let nursing = situation.nursing_unit.as_ref();
    let others = [
        (MODE_OF_ARRIVAL, arrival),
        (EXPECTED_RETURN, expected.map(ExtensionValue::DateTime)),
        (NURSING_UNIT, nursing.map(|sent| ExtensionValue::Reference(unit(sent)))),
    ];
    let others = others.into_iter().filter_map(|(url, value)| Some((url, value?)));
    let own = planned.chain(others).map(|(url, value)| Extension { url, value });
    own.chain(fr_core::encounter::extensions(record, entity)).collect()
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

/// What parts those take who take part.
pub(crate) fn participant_types(record: &StayRecord) -> Vec<CodeableConcept<'_>> {
    let shown = record.participants().into_iter();
    let shown = shown.filter(|one| practitioner(one.practitioner).is_some());
    shown.filter_map(|one| role(&one.practitioner.role)).collect()
}

/// The type, as it is shown for `entity`; without one, all that any EJ would show.
pub(crate) fn types<'a>(
    record: &'a StayRecord,
    entity: Option<&LegalEntity>,
) -> Vec<CodeableConcept<'a>> {
    match entity {
        Some(entity) => fr_core::encounter::types(record, entity),
        None => {
            let session = fr_core::encounter::session(record);
            CodeableConcept::sent(&record.admission_type).into_iter().chain(session).collect()
        }
    }
}

fn participants(record: &StayRecord, version: FhirVersion) -> Vec<Participant<'_>> {
    let all = record.participants().into_iter();
    all.filter_map(|one| Participant::new(one, version)).collect()
}

impl<'a> Participant<'a> {
    fn new(one: records::Participant<'a>, version: FhirVersion) -> Option<Self> {
        let sent = one.practitioner;
        let (individual, actor) = version.either(Some(practitioner(sent)?));
        let of_type = role(&sent.role).into_iter().collect();
        Some(Self { of_type, individual, actor, period: Period::new(one.start, one.end) })
    }
}

/// Who answers for the patient (ZBE-7), else PV1-39; where there is neither, it is the EJ.
pub(crate) fn service_provider(record: &StayRecord) -> Option<Reference<'_>> {
    match &record.situation.medical_unit {
        Some(sent) => Some(unit(sent)),
        None => organization(&record.service_provider),
    }
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
