//! RelatedPersonRecord → RelatedPerson (NK1, PID-21, IN1-16; FACTS §3 NK1). R5 differs in the
//! languages that it takes.

use serde::Serialize;

use super::super::FhirVersion;
use super::super::codes::administrative_sex::gender;
use super::super::codes::relationship::relationship;
use super::super::datatypes::{
    Address, CodeableConcept, ContactPoint, Date, HumanName, Identifier, Meta, Period, Reference,
};
use super::communication::Communication;
use super::reference::patient;
use crate::records::{Coded, RelatedPersonRecord, ResourceId};

#[derive(Serialize)]
#[serde(rename_all = "camelCase", tag = "resourceType", rename = "RelatedPerson")]
pub struct RelatedPerson<'a> {
    #[serde(serialize_with = "super::super::datatypes::id")]
    id: ResourceId,
    meta: Meta,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    identifier: Vec<Identifier<'a>>,
    active: bool,
    patient: Reference<'a>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    relationship: Vec<CodeableConcept<'a>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    name: Vec<HumanName<'a>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    telecom: Vec<ContactPoint<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    gender: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    birth_date: Option<Date>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    address: Vec<Address<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    period: Option<Period>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    communication: Vec<Communication<'a>>,
}

impl<'a> RelatedPerson<'a> {
    #[must_use]
    pub fn new(record: &'a RelatedPersonRecord, version: FhirVersion) -> Self {
        Self {
            id: record.id,
            meta: Meta::from(&record.stamp),
            identifier: Identifier::list(&record.identifiers, ""),
            active: true,
            patient: patient(record.patient),
            relationship: record.relationships.iter().filter_map(related).collect(),
            name: record.names.iter().filter_map(HumanName::new).collect(),
            telecom: ContactPoint::list(&record.telecoms),
            gender: gender(&record.gender).map(|g| g.code()),
            birth_date: record.birth_date.and_then(Date::new),
            address: record.addresses.iter().filter_map(Address::new).collect(),
            period: Period::new(record.start, record.end),
            communication: Communication::list(&record.language, version),
        }
    }
}

/// NK1-3 is a relationship (0063) and NK1-7 a role (0131), whose codes pass through.
pub(crate) fn related(sent: &Coded) -> Option<CodeableConcept<'_>> {
    if sent.table == "0131" {
        return CodeableConcept::sent(sent);
    }
    CodeableConcept::mapped(sent, relationship)
}
