//! StayRecord → Encounter (PV1, PV2, ZBE; FACTS §1–3). A movement is an entry of `location[]`.

use serde::Serialize;

use super::super::canonical::MOVEMENT_IDENTIFIER;
use super::super::codes::encounter::{participation, priority, service};
use super::super::codes::patient_class::class;
use super::super::codes::physical_type::physical_type;
use super::super::codes::stay_status;
use super::super::datatypes::{
    CodeableConcept, Coding, DateTime, Extension, ExtensionValue, Identifier, Meta, Period,
    Reference, Text,
};
use super::super::{place, text};
use super::patient::practitioner;
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
    class: Coding<'a>,
    #[serde(rename = "type", skip_serializing_if = "Vec::is_empty")]
    of_type: Vec<CodeableConcept<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    service_type: Option<CodeableConcept<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    priority: Option<CodeableConcept<'a>>,
    subject: Reference<'a>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    participant: Vec<Participant<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    period: Option<Period>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    reason_code: Vec<CodeableConcept<'a>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    account: Vec<Reference<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    hospitalization: Option<Hospitalization<'a>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    location: Vec<EncounterLocation<'a>>,
}

#[derive(Serialize)]
struct Participant<'a> {
    #[serde(rename = "type", skip_serializing_if = "Vec::is_empty")]
    of_type: Vec<CodeableConcept<'a>>,
    individual: Reference<'a>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Hospitalization<'a> {
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
    #[serde(skip_serializing_if = "Option::is_none")]
    physical_type: Option<CodeableConcept<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    period: Option<Period>,
}

impl<'a> Encounter<'a> {
    #[must_use]
    pub fn new(record: &'a StayRecord) -> Self {
        let situation = &record.situation;
        let concepts = |sent| CodeableConcept::sent(sent).into_iter().collect();
        Self {
            id: record.id,
            meta: Meta::from(&record.stamp),
            extension: planned(record),
            identifier: Identifier::list(&record.identifiers, VISIT_NUMBER),
            status: stay_status::r4(situation.status),
            class: class_coding(&situation.class),
            of_type: concepts(&record.admission_type),
            service_type: CodeableConcept::mapped(&record.service, service),
            priority: CodeableConcept::mapped(&record.priority, priority),
            subject: Reference::to(RecordType::Patient, record.patient),
            participant: record.practitioners.iter().filter_map(participant).collect(),
            period: Period::new(situation.start, situation.end),
            reason_code: concepts(&record.reason),
            account: account(record).into_iter().collect(),
            hospitalization: hospitalization(record),
            location: record.places().filter_map(|(m, p)| location(m, p)).collect(),
        }
    }
}

/// R4 wants one class, as a Coding: what a CodeableConcept would add is lost here, so the
/// sender's own text is the display of a code that is not the standard's.
fn class_coding(sent: &Coded) -> Coding<'_> {
    let code = text::code(&sent.code).unwrap_or_default();
    let class = class(&code);
    let display = if class.display.is_empty() {
        text::string(&sent.text)
    } else {
        Some(class.display.into())
    };
    let own = class.code == &*code;
    // The code borrows either from the table or from `code`, which may be owned.
    let standard = (!own).then(|| Text::Owned(class.code.to_owned()));
    let system = Some(class.system.into());
    Coding { system, code: Some(standard.unwrap_or(code)), display }
}

/// PV2-8 and PV2-9: R5 has elements for them, and R4 their cross-version extensions.
fn planned(record: &StayRecord) -> Vec<Extension<'_>> {
    [(PLANNED_START, record.planned_start), (PLANNED_END, record.planned_end)]
        .into_iter()
        .filter_map(|(url, moment)| {
            let value = ExtensionValue::DateTime(DateTime::new(moment?)?);
            Some(Extension { url, value })
        })
        .collect()
}

fn participant(sent: &Practitioner) -> Option<Participant<'_>> {
    let individual = practitioner(sent)?;
    let concept = |coding| CodeableConcept { coding: vec![coding], text: None };
    let of_type = participation(&sent.role).map(concept).into_iter().collect();
    Some(Participant { of_type, individual })
}

/// Accounts are not served yet: PID-18 by its number.
fn account(record: &StayRecord) -> Option<Reference<'_>> {
    let number = record.account.as_ref()?;
    Reference::logical("Account", Identifier::with_type(number, ACCOUNT_NUMBER), None)
}

fn hospitalization(record: &StayRecord) -> Option<Hospitalization<'_>> {
    let sent = CodeableConcept::sent;
    let number = record.pre_admission.as_ref();
    let hospitalization = Hospitalization {
        pre_admission_identifier: number.and_then(|n| Identifier::with_type(n, VISIT_NUMBER)),
        admit_source: sent(&record.admit_source),
        re_admission: sent(&record.readmission),
        destination: destination(&record.situation.destination),
        discharge_disposition: sent(&record.situation.disposition),
    };
    let Hospitalization {
        pre_admission_identifier: None,
        admit_source: None,
        re_admission: None,
        destination: None,
        discharge_disposition: None,
    } = hospitalization
    else {
        return Some(hospitalization);
    };
    None
}

/// PV1-37 is a code of the site's own table 0113, and FHIR wants a place: by number and name.
fn destination(sent: &Coded) -> Option<Reference<'_>> {
    let display = text::string(&sent.text).or_else(|| text::code(&sent.code));
    let system = super::super::codes::systems::of_name(&sent.system, &sent.table);
    let identifier = system.and_then(|system| Identifier::of(system, text::code(&sent.code)));
    Reference::logical("Location", identifier, display)
}

/// `None` where there is neither a place record nor a word for the place.
fn location<'a>(movement: &'a Movement, sent: &'a Place) -> Option<EncounterLocation<'a>> {
    let display = text::owned(place::name(sent));
    let location = match movement.location {
        Some(id) => Reference { display, ..Reference::to(RecordType::Location, id) },
        None => Reference::logical("Location", None, display)?,
    };
    let concept = |coding| CodeableConcept { coding: vec![coding], text: None };
    Some(EncounterLocation {
        extension: movement_identifier(movement).into_iter().collect(),
        location,
        status: place_status(movement.place_status),
        physical_type: place::level(sent).map(physical_type).map(concept),
        period: Period::new(movement.start, movement.end),
    })
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
