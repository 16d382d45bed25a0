//! Where the present version of a record comes from → Provenance (FACTS §3 MSH/EVN, PID-33, 34).

use serde::Serialize;
use serde::ser::Serializer;
use sluice_ids::{EjId, Seq};

use super::super::canonical::MESSAGE;
use super::super::codes::systems::{PROVENANCE_PARTICIPANT, V2_0003, V3_DATA_OPERATION};
use super::super::datatypes::{
    CodeableConcept, Coding, DateTime, Identifier, Instant, Meta, Reference,
};
use super::super::{FhirVersion, text};
use super::reference::{encounter, legal_entity, patient};
use crate::entity::LegalEntity;
use crate::records::{Moment, Record, RecordType, ResourceId, Stamp};

#[derive(Serialize)]
#[serde(rename_all = "camelCase", tag = "resourceType", rename = "Provenance")]
pub struct Provenance<'a> {
    #[serde(serialize_with = "super::super::datatypes::id")]
    id: ResourceId,
    meta: Meta,
    target: [Target; 1],
    #[serde(skip_serializing_if = "Option::is_none")]
    occurred_date_time: Option<DateTime>,
    recorded: Instant,
    activity: CodeableConcept<'a>,
    /// R5.
    #[serde(skip_serializing_if = "Option::is_none")]
    patient: Option<Reference<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    encounter: Option<Reference<'a>>,
    agent: Vec<Agent<'a>>,
    entity: [Entity<'a>; 1],
}

/// The version of the record: what a later message makes of it is not this one's doing.
#[derive(Serialize)]
struct Target {
    #[serde(serialize_with = "versioned")]
    reference: (RecordType, ResourceId, Seq),
}

#[derive(Serialize)]
struct Agent<'a> {
    #[serde(rename = "type")]
    of_type: CodeableConcept<'static>,
    who: Reference<'a>,
}

#[derive(Serialize)]
struct Entity<'a> {
    role: &'static str,
    what: What<'a>,
}

#[derive(Serialize)]
struct What<'a> {
    identifier: Identifier<'a>,
}

impl<'a> Provenance<'a> {
    #[must_use]
    pub fn new(record: &'a Record, entity: &'a LegalEntity, version: FhirVersion) -> Self {
        let stamp = record.stamp();
        let in_r5 = version == FhirVersion::R5;
        Self {
            id: record.id(),
            meta: Meta::from(stamp),
            target: [Target { reference: (record.record_type(), record.id(), stamp.version) }],
            occurred_date_time: occurred(record).and_then(DateTime::new),
            recorded: Instant(stamp.updated_at),
            activity: activity(stamp),
            patient: record.patient().filter(|_| in_r5).map(patient),
            encounter: encounter(record.stay().filter(|_| in_r5)),
            agent: agents(record, entity),
            entity: [Entity {
                role: "source",
                what: What { identifier: message(entity.id(), stamp) },
            }],
        }
    }
}

/// When the event took place; where the message does not say, when the sender last changed the
/// person (PID-33).
fn occurred(record: &Record) -> Option<Moment> {
    let last_update = match record {
        Record::Patient(patient) => patient.last_update,
        _ => None,
    };
    record.stamp().occurred.or(last_update)
}

/// The trigger event (v2-0003), and what it came to.
fn activity(stamp: &Stamp) -> CodeableConcept<'_> {
    let (code, display) = match (stamp.gone, stamp.created == stamp.version) {
        (true, _) => ("DELETE", "delete"),
        (false, true) => ("CREATE", "create"),
        (false, false) => ("UPDATE", "revise"),
    };
    let event = text::code(stamp.event.as_str());
    let event = event.map(|code| Coding { code: Some(code), ..Coding::of(V2_0003, "", "") });
    let operation = Coding::of(V3_DATA_OPERATION, code, display);
    CodeableConcept { coding: event.into_iter().chain([operation]).collect(), text: None }
}

/// The EJ whose feed told it; and who last changed the person, where that was elsewhere (PID-34).
fn agents<'a>(record: &'a Record, entity: &'a LegalEntity) -> Vec<Agent<'a>> {
    let mut agents = vec![agent("author", "Author", legal_entity(entity))];
    if let Record::Patient(patient) = record {
        let facility = text::string(&patient.last_update_facility);
        let facility = Reference::logical("Organization", None, facility);
        agents.extend(facility.map(|who| agent("performer", "Performer", who)));
    }
    agents
}

fn agent<'a>(code: &'static str, display: &'static str, who: Reference<'a>) -> Agent<'a> {
    Agent { of_type: CodeableConcept::of(PROVENANCE_PARTICIPANT, code, display), who }
}

/// `EJ/seq`: the place of the message in the journal.
fn message(ej: EjId, stamp: &Stamp) -> Identifier<'static> {
    Identifier::numbered(MESSAGE, format!("{ej}/{}", stamp.version).into())
}

fn versioned<S: Serializer>(
    (of_type, id, version): &(RecordType, ResourceId, Seq),
    serializer: S,
) -> Result<S::Ok, S::Error> {
    serializer.collect_str(&format_args!("{}/{id}/_history/{version}", of_type.fhir()))
}
