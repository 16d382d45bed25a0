//! CoverageRecord → Coverage (IN1, PV1-20; FACTS §3 IN1).

use serde::Serialize;

use super::super::codes::relationship::subscriber_relationship;
use super::super::codes::systems::COVERAGE_CLASS;
use super::super::datatypes::{
    CodeableConcept, Extended, Identifier, Meta, Period, Reference, Text, positive,
};
use super::super::{FhirVersion, plan, text};
use super::reference::{organization, patient};
use crate::records::{CoverageRecord, RecordType, ResourceId};

#[derive(Serialize)]
#[serde(rename_all = "camelCase", tag = "resourceType", rename = "Coverage")]
pub struct Coverage<'a> {
    #[serde(serialize_with = "super::super::datatypes::id")]
    id: ResourceId,
    meta: Meta,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    identifier: Vec<Identifier<'a>>,
    status: &'static str,
    /// R5.
    #[serde(skip_serializing_if = "Option::is_none")]
    kind: Option<&'static str>,
    #[serde(rename = "type", skip_serializing_if = "Option::is_none")]
    of_type: Option<CodeableConcept<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    policy_holder: Option<Reference<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    subscriber: Option<Reference<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    subscriber_id: Option<SubscriberId<'a>>,
    beneficiary: Reference<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    relationship: Option<CodeableConcept<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    period: Option<Period>,
    /// R4: at least one.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    payor: Vec<Payor<'a>>,
    /// R5.
    #[serde(skip_serializing_if = "Option::is_none")]
    insurer: Option<Reference<'a>>,
    #[serde(rename = "paymentBy", skip_serializing_if = "Vec::is_empty")]
    payment_by: Vec<PaymentBy<'a>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    class: Vec<Class<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    order: Option<u32>,
}

/// R4 has one text, R5 a list of identifiers.
#[derive(Serialize)]
#[serde(untagged)]
enum SubscriberId<'a> {
    R4(Text<'a>),
    R5(Vec<Identifier<'a>>),
}

#[derive(Serialize)]
#[serde(untagged)]
enum Payor<'a> {
    Named(Box<Reference<'a>>),
    Unknown(Extended<'a>),
}

#[derive(Serialize)]
struct PaymentBy<'a> {
    party: Reference<'a>,
}

#[derive(Serialize)]
struct Class<'a> {
    #[serde(rename = "type")]
    of_type: CodeableConcept<'static>,
    value: ClassValue<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<Text<'a>>,
}

#[derive(Serialize)]
#[serde(untagged)]
enum ClassValue<'a> {
    R4(Text<'a>),
    R5(Box<Identifier<'a>>),
}

impl<'a> Coverage<'a> {
    #[must_use]
    pub fn new(record: &'a CoverageRecord, version: FhirVersion) -> Self {
        let insurers: Vec<_> = record.insurers.iter().filter_map(organization).collect();
        let (payors, insurers) = version.either(insurers);
        let mut insurers = insurers.into_iter();
        let in_r5 = version == FhirVersion::R5;
        Self {
            id: record.id,
            meta: Meta::from(&record.stamp),
            identifier: plan_identifier(record).into_iter().collect(),
            status: "active",
            kind: in_r5.then_some("insurance"),
            of_type: CodeableConcept::sent(&record.coverage_type),
            policy_holder: organization(&record.policy_holder),
            subscriber: subscriber(record),
            subscriber_id: subscriber_id(record, version),
            beneficiary: patient(record.patient),
            relationship: CodeableConcept::mapped(&record.relationship, subscriber_relationship),
            period: Period::new(record.start, record.end),
            payor: if in_r5 { Vec::new() } else { payor(payors) },
            insurer: insurers.next(),
            payment_by: insurers.map(|party| PaymentBy { party }).collect(),
            class: group(record, version).into_iter().collect(),
            order: record.order.and_then(positive),
        }
    }
}

fn plan_identifier(record: &CoverageRecord) -> Option<Identifier<'_>> {
    Some(match plan::number(record)? {
        (Some(system), value) => Identifier::numbered(system, value),
        (None, value) => Identifier::plain(value),
    })
}

fn subscriber(record: &CoverageRecord) -> Option<Reference<'static>> {
    if record.subscriber_is_patient {
        return Some(patient(record.patient));
    }
    record.subscriber.map(|id| Reference::to(RecordType::RelatedPerson, id))
}

/// IN1-49, and IN1-36: R4 has room for one.
fn subscriber_id(record: &CoverageRecord, version: FhirVersion) -> Option<SubscriberId<'_>> {
    let policy = text::string(&record.policy_number);
    let insured = record.subscriber_number.as_ref();
    match version {
        FhirVersion::R4 => {
            let number = insured.and_then(|number| text::string(&number.value)).or(policy);
            number.map(SubscriberId::R4)
        }
        FhirVersion::R5 => {
            let mut numbers: Vec<_> = insured.and_then(Identifier::new).into_iter().collect();
            numbers.extend(policy.map(Identifier::plain));
            (!numbers.is_empty()).then_some(SubscriberId::R5(numbers))
        }
    }
}

/// R4 wants to know who pays: where nobody is named it is said that this is not known.
fn payor(named: Vec<Reference<'_>>) -> Vec<Payor<'_>> {
    if named.is_empty() {
        return vec![Payor::Unknown(Extended::absent("unknown"))];
    }
    named.into_iter().map(|payor| Payor::Named(Box::new(payor))).collect()
}

/// IN1-8 and IN1-9. A class has a value: where only a name came, it is that.
fn group(record: &CoverageRecord, version: FhirVersion) -> Option<Class<'_>> {
    let name = text::string(&record.group_name);
    let value = class_value(record)?;
    Some(Class {
        of_type: class_type(),
        value: match version {
            FhirVersion::R4 => ClassValue::R4(value),
            FhirVersion::R5 => ClassValue::R5(Box::new(Identifier::plain(value))),
        },
        name,
    })
}

pub(crate) fn class_value(record: &CoverageRecord) -> Option<Text<'_>> {
    text::string(&record.group_number).or_else(|| text::string(&record.group_name))
}

pub(crate) fn class_type() -> CodeableConcept<'static> {
    CodeableConcept::of(COVERAGE_CLASS, "group", "Group")
}
