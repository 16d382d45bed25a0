//! A movement of a stay → EncounterHistory (R5; FACTS §1, last lines).
//!
//! R5 has dropped `statusHistory` and `classHistory`. One stands for each movement that put the
//! patient somewhere, or gave the stay a status or a class; what a movement only announces is of
//! the Encounter alone.

use serde::Serialize;

use super::super::codes::stay_status;
use super::super::datatypes::{CodeableConcept, Extension, Identifier, Meta, Period, Reference};
use super::encounter_class::class_concept;
use super::movement;
use super::reference::{encounter, patient};
use crate::records::{Coded, Movement, Place, PlaceStatus, ResourceId, StayRecord, StayStatus};

#[derive(Serialize)]
#[serde(rename_all = "camelCase", tag = "resourceType", rename = "EncounterHistory")]
pub struct EncounterHistory<'a> {
    pub id: String,
    meta: Meta,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    extension: Vec<Extension<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    encounter: Option<Reference<'a>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    identifier: Vec<Identifier<'a>>,
    status: &'static str,
    class: CodeableConcept<'a>,
    subject: Reference<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    subject_status: Option<CodeableConcept<'static>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    actual_period: Option<Period>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    location: Vec<HistoryLocation<'a>>,
}

#[derive(Serialize)]
struct HistoryLocation<'a> {
    #[serde(skip_serializing_if = "Vec::is_empty")]
    extension: Vec<Extension<'a>>,
    location: Reference<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    form: Option<CodeableConcept<'a>>,
}

/// How the stay stood after a movement.
#[derive(Clone, Copy)]
struct Standing<'a> {
    status: StayStatus,
    discharged: bool,
    /// The event that gave it its status.
    event: &'a str,
    class: Option<&'a Coded>,
}

impl<'a> EncounterHistory<'a> {
    /// In the order of the movements.
    pub fn list(record: &'a StayRecord) -> Vec<Self> {
        let mut standing =
            Standing { status: StayStatus::Unknown, discharged: false, event: "", class: None };
        let mut list = Vec::new();
        let mut numbers = Numbers::default();
        for (at, movement) in record.movements.iter().enumerate() {
            let number = numbers.of(movement);
            if !movement.stands() {
                continue;
            }
            standing.follow(movement);
            if is_milestone(movement) {
                let after = &record.movements[at + 1..];
                let ended = after.iter().find(|next| next.stands() && is_milestone(next));
                let end = movement.end.or_else(|| ended.and_then(|next| next.start));
                list.push(Self {
                    id: format!("{}-{number}", record.id),
                    actual_period: Period::new(movement.start, end),
                    ..Self::new(record, movement, standing)
                });
            }
        }
        list
    }

    fn new(record: &'a StayRecord, movement: &'a Movement, standing: Standing<'a>) -> Self {
        let Standing { status, discharged, event, class } = standing;
        let location = movement.place.as_ref().and_then(|place| location(movement, place));
        Self {
            id: String::new(),
            meta: Meta::from(&record.stamp),
            extension: movement::responsibilities(movement).collect(),
            encounter: encounter(Some(record.id)),
            identifier: movement.identifier.iter().filter_map(Identifier::new).collect(),
            status: stay_status::r5(status, discharged),
            class: class_concept(class.unwrap_or(&record.situation.class)),
            subject: patient(record.patient),
            subject_status: stay_status::subject_status(status, event).map(CodeableConcept::from),
            actual_period: None,
            location: location.into_iter().collect(),
        }
    }

    /// The stay that an id of ours was made from.
    pub fn stay(id: &str) -> Option<ResourceId> {
        let (stay, number) = (id.get(..36)?, id.get(36..)?);
        number.starts_with('-').then(|| ResourceId::parse(stay))?
    }
}

impl<'a> Standing<'a> {
    /// As a stay's situation follows from its movements.
    fn follow(&mut self, movement: &'a Movement) {
        let effect = &movement.effect;
        if let Some(status) = effect.status {
            self.status = status;
            self.event = &movement.event;
            self.discharged &= status == StayStatus::Finished;
        }
        self.discharged |= effect.discharged;
        self.class = effect.class.as_ref().or(self.class);
    }
}

/// A place that was planned and never taken, or that is only reserved, is none.
fn is_milestone(movement: &Movement) -> bool {
    let announced = matches!(movement.place_status, PlaceStatus::Planned | PlaceStatus::Reserved);
    movement.effect.status.is_some()
        || movement.effect.class.is_some()
        || movement.place.is_some() && !announced
}

fn location<'a>(movement: &'a Movement, sent: &'a Place) -> Option<HistoryLocation<'a>> {
    Some(HistoryLocation {
        extension: movement::classification(movement).into_iter().collect(),
        location: movement::place_reference(movement, sent)?,
        form: movement::form(sent),
    })
}

/// The number of a movement within its stay: the `Seq` of the message that made it, which nothing
/// changes, and a count behind it where one message made several.
#[derive(Default)]
struct Numbers(Vec<u64>);

impl Numbers {
    fn of(&mut self, movement: &Movement) -> String {
        let seq = movement.seq.get();
        let before = self.0.iter().filter(|known| **known == seq).count();
        self.0.push(seq);
        if before == 0 { seq.to_string() } else { format!("{seq}.{}", before + 1) }
    }
}
