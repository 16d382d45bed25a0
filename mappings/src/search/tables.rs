//! The search parameters that R4 and R5 define, type by type.

use super::composite::CompositeOf;
use super::composite::Within::{All, Components, Root};
use super::contacts::ContactOf;
use super::moments::DateOf;
use super::params::{Kind, Of, Parameter};
use super::quantity::QuantityOf;
use super::references::ReferenceOf;
use super::strings::StringOf;
use super::tokens::TokenOf;
use crate::records::RecordType;
use crate::records::RecordType as T;

const fn token(name: &'static str, of: Of) -> Parameter {
    Parameter::new(name, Kind::Token, of)
}

const fn coded(name: &'static str, of: TokenOf) -> Parameter {
    token(name, Of::Coded(of))
}

const fn string(name: &'static str, of: Of) -> Parameter {
    Parameter::new(name, Kind::String, of)
}

const fn date(name: &'static str, of: Of) -> Parameter {
    Parameter::new(name, Kind::Date, of)
}

const fn quantity(name: &'static str, of: QuantityOf) -> Parameter {
    Parameter::new(name, Kind::Quantity, Of::Quantity(of))
}

const fn composite(name: &'static str, of: CompositeOf) -> Parameter {
    Parameter::new(name, Kind::Composite, Of::Composite(of))
}

const fn never(name: &'static str, kind: Kind) -> Parameter {
    Parameter::new(name, kind, Of::Never)
}

const fn reference(
    name: &'static str,
    of: Of,
    elements: &'static [&'static str],
    targets: &'static [RecordType],
) -> Parameter {
    Parameter { elements, targets, ..Parameter::new(name, Kind::Reference, of) }
}

const fn refers(
    name: &'static str,
    of: ReferenceOf,
    elements: &'static [&'static str],
    targets: &'static [RecordType],
) -> Parameter {
    reference(name, Of::Refers(of), elements, targets)
}

const fn no_reference(name: &'static str) -> Parameter {
    never(name, Kind::Reference)
}

/// Of all types.
pub(super) const COMMON: &[Parameter] = &[
    token("_id", Of::Id),
    date("_lastUpdated", Of::LastUpdated),
    token("identifier", Of::Identifier),
    Parameter::new("_profile", Kind::Uri, Of::Profile).in_r4(),
    Parameter::new("_profile", Kind::Reference, Of::Profile).in_r5(),
    token("_security", Of::Security),
    never("_tag", Kind::Token),
    never("_source", Kind::Uri),
    never("_language", Kind::Token).in_r5(),
];

const ADDRESS: &[StringOf] = &[
    StringOf::AddressLine,
    StringOf::AddressCity,
    StringOf::AddressDistrict,
    StringOf::AddressState,
    StringOf::AddressPostalCode,
    StringOf::AddressCountry,
];

const ADDRESSES: [Parameter; 6] = [
    string("address", Of::Strings(ADDRESS)),
    string("address-city", Of::Strings(&[StringOf::AddressCity])),
    string("address-country", Of::Strings(&[StringOf::AddressCountry])),
    string("address-postalcode", Of::Strings(&[StringOf::AddressPostalCode])),
    string("address-state", Of::Strings(&[StringOf::AddressState])),
    coded("address-use", TokenOf::AddressUse),
];

const CONTACTS: [Parameter; 3] = [
    token("telecom", Of::Contact(ContactOf::Any)),
    token("email", Of::Contact(ContactOf::Email)),
    token("phone", Of::Contact(ContactOf::Phone)),
];

const NAMES: [Parameter; 4] = [
    string("name", Of::PersonName),
    string("family", Of::Family),
    string("given", Of::Given),
    string("phonetic", Of::Phonetic),
];

const PATIENT_REFERENCE: Parameter =
    reference("patient", Of::Patient, &["subject", "patient", "beneficiary"], &[T::Patient]);
const SUBJECT: Parameter = Parameter { name: "subject", ..PATIENT_REFERENCE };
const ENCOUNTER: Parameter =
    refers("encounter", ReferenceOf::Encounter, &["encounter"], &[T::Stay]);

const PATIENT: &[Parameter] = &[
    NAMES[0],
    NAMES[1],
    NAMES[2],
    NAMES[3],
    date("birthdate", Of::BirthDate),
    token("gender", Of::Gender),
    token("active", Of::Active),
    token("deceased", Of::Deceased),
    date("death-date", Of::Dates(DateOf::Death)),
    coded("language", TokenOf::Language),
    ADDRESSES[0],
    ADDRESSES[1],
    ADDRESSES[2],
    ADDRESSES[3],
    ADDRESSES[4],
    ADDRESSES[5],
    CONTACTS[0],
    CONTACTS[1],
    CONTACTS[2],
    refers(
        "general-practitioner",
        ReferenceOf::GeneralPractitioner,
        &["generalPractitioner"],
        &[T::Practitioner, T::PractitionerRole, T::Organization],
    ),
    refers("link", ReferenceOf::Link, &["link"], &[T::Patient, T::RelatedPerson]),
    reference("organization", Of::Entity, &["managingOrganization"], &[T::Organization]),
    // Of the extension of that name, in both versions; asked for by IHE PDQm (ITI-78).
    string("mothersMaidenName", Of::Strings(&[StringOf::MothersMaidenName])),
];

const STAY: &[Parameter] = &[
    PATIENT_REFERENCE,
    SUBJECT,
    token("status", Of::Status),
    coded("subject-status", TokenOf::SubjectStatus).in_r5(),
    token("class", Of::Class),
    coded("type", TokenOf::EncounterType),
    date("date", Of::Period),
    date("date-start", Of::Start).in_r5(),
    date("end-date", Of::End).in_r5(),
    quantity("length", QuantityOf::Length),
    reference("location", Of::Places, &["location"], &[T::Location]),
    date("location-period", Of::Dates(DateOf::Places)),
    composite("location-value-period", CompositeOf::PlacePeriod).in_r5(),
    refers("account", ReferenceOf::Account, &["account"], &[T::Account]),
    refers(
        "participant",
        ReferenceOf::Participant,
        &["participant"],
        &[T::Practitioner, T::PractitionerRole, T::RelatedPerson],
    ),
    refers("practitioner", ReferenceOf::Participant, &["participant"], &[T::Practitioner]),
    coded("participant-type", TokenOf::ParticipantType),
    refers("service-provider", ReferenceOf::Organization, &["serviceProvider"], &[T::Organization]),
    refers("diagnosis", ReferenceOf::Diagnosis, &["diagnosis"], &[T::Condition, T::Procedure])
        .in_r4(),
    refers("diagnosis-reference", ReferenceOf::Diagnosis, &["diagnosis"], &[T::Condition]).in_r5(),
    never("diagnosis-code", Kind::Token).in_r5(),
    coded("reason-code", TokenOf::Reason),
    no_reference("reason-reference"),
    coded("special-arrangement", TokenOf::SpecialArrangement),
    no_reference("appointment"),
    no_reference("based-on"),
    no_reference("careteam").in_r5(),
    no_reference("episode-of-care"),
    no_reference("part-of"),
];

const LOCATION: &[Parameter] = &[
    string("name", Of::Name),
    coded("status", TokenOf::Status),
    coded("operational-status", TokenOf::OperationalStatus),
    refers("partof", ReferenceOf::PartOf, &["partOf"], &[T::Location]),
    refers(
        "organization",
        ReferenceOf::Organization,
        &["managingOrganization"],
        &[T::Organization],
    ),
    ADDRESSES[0],
    ADDRESSES[1],
    ADDRESSES[2],
    ADDRESSES[3],
    ADDRESSES[4],
    ADDRESSES[5],
    never("type", Kind::Token),
    never("characteristic", Kind::Token).in_r5(),
    no_reference("endpoint"),
    never("near", Kind::Special),
    never("contains", Kind::Special).in_r5(),
];

const ORGANIZATION: &[Parameter] = &[
    string("name", Of::Name),
    string("phonetic", Of::Phonetic),
    token("active", Of::Active),
    coded("type", TokenOf::Type),
    refers("partof", ReferenceOf::PartOf, &["partOf"], &[T::Organization]),
    ADDRESSES[0],
    ADDRESSES[1],
    ADDRESSES[2],
    ADDRESSES[3],
    ADDRESSES[4],
    ADDRESSES[5],
    no_reference("endpoint"),
];

const PRACTITIONER: &[Parameter] = &[
    NAMES[0],
    NAMES[1],
    NAMES[2],
    NAMES[3],
    ADDRESSES[0],
    ADDRESSES[1],
    ADDRESSES[2],
    ADDRESSES[3],
    ADDRESSES[4],
    ADDRESSES[5],
    CONTACTS[0],
    CONTACTS[1],
    CONTACTS[2],
    never("active", Kind::Token),
    never("gender", Kind::Token),
    never("communication", Kind::Token),
    token("deceased", Of::Deceased).in_r5(),
    never("death-date", Kind::Date).in_r5(),
    never("qualification-period", Kind::Date).in_r5(),
];

const PRACTITIONER_ROLE: &[Parameter] = &[
    refers("practitioner", ReferenceOf::Practitioner, &["practitioner"], &[T::Practitioner]),
    refers("organization", ReferenceOf::Organization, &["organization"], &[T::Organization]),
    refers("location", ReferenceOf::Location, &["location"], &[T::Location]),
    coded("role", TokenOf::Role),
    coded("specialty", TokenOf::Specialty),
    never("date", Kind::Date),
    CONTACTS[0],
    CONTACTS[1],
    CONTACTS[2],
    never("active", Kind::Token),
    never("characteristic", Kind::Token).in_r5(),
    never("communication", Kind::Token).in_r5(),
    no_reference("service"),
    no_reference("endpoint"),
];

const RELATED_PERSON: &[Parameter] = &[
    PATIENT_REFERENCE,
    NAMES[0],
    NAMES[1],
    NAMES[2],
    NAMES[3],
    date("birthdate", Of::BirthDate),
    token("gender", Of::Gender),
    coded("active", TokenOf::Active),
    coded("relationship", TokenOf::Relationship),
    ADDRESSES[0],
    ADDRESSES[1],
    ADDRESSES[2],
    ADDRESSES[3],
    ADDRESSES[4],
    ADDRESSES[5],
    CONTACTS[0],
    CONTACTS[1],
    CONTACTS[2],
];

/// `payor` is R4's and `insurer` R5's; each version takes both.
const COVERAGE: &[Parameter] = &[
    PATIENT_REFERENCE,
    Parameter { name: "beneficiary", ..PATIENT_REFERENCE },
    coded("status", TokenOf::Status),
    coded("type", TokenOf::Type),
    refers("subscriber", ReferenceOf::Subscriber, &["subscriber"], &[T::RelatedPerson, T::Patient]),
    coded("subscriberid", TokenOf::SubscriberId).in_r5(),
    refers("payor", ReferenceOf::Payor, &["payor", "insurer"], &[T::Organization]),
    refers("insurer", ReferenceOf::Payor, &["payor", "insurer"], &[T::Organization]),
    refers("paymentby-party", ReferenceOf::PaymentBy, &["paymentBy"], &[T::Organization]).in_r5(),
    refers(
        "policy-holder",
        ReferenceOf::PolicyHolder,
        &["policyHolder"],
        &[T::Organization, T::RelatedPerson, T::Patient],
    ),
    coded("class-type", TokenOf::ClassType),
    string("class-value", Of::Strings(&[StringOf::ClassValue])).in_r4(),
    coded("class-value", TokenOf::ClassValue).in_r5(),
    never("dependent", Kind::String),
];

const ACCOUNT: &[Parameter] = &[
    PATIENT_REFERENCE,
    SUBJECT,
    coded("status", TokenOf::Status),
    reference("owner", Of::Entity, &["owner"], &[T::Organization]),
    refers("relatedaccount", ReferenceOf::RelatedAccount, &["relatedAccount"], &[T::Account])
        .in_r5(),
    no_reference("guarantor").in_r5(),
    never("name", Kind::String),
    never("period", Kind::Date),
    never("type", Kind::Token),
];

const ALLERGY_INTOLERANCE: &[Parameter] = &[
    PATIENT_REFERENCE,
    coded("code", TokenOf::Code),
    coded("clinical-status", TokenOf::ClinicalStatus),
    coded("verification-status", TokenOf::VerificationStatus),
    coded("category", TokenOf::Category),
    coded("criticality", TokenOf::Criticality),
    coded("type", TokenOf::Type),
    coded("severity", TokenOf::Severity),
    coded("manifestation", TokenOf::Manifestation).in_r4(),
    coded("manifestation-code", TokenOf::Manifestation).in_r5(),
    no_reference("manifestation-reference").in_r5(),
    date("date", Of::Period),
    never("last-date", Kind::Date),
    never("onset", Kind::Date).in_r4(),
    never("route", Kind::Token),
    refers(
        "recorder",
        ReferenceOf::Recorder,
        &["recorder", "participant"],
        &[T::Practitioner, T::PractitionerRole, T::Patient, T::RelatedPerson],
    ),
    refers(
        "participant",
        ReferenceOf::Recorder,
        &["participant"],
        &[T::Practitioner, T::PractitionerRole, T::Patient, T::RelatedPerson, T::Organization],
    )
    .in_r5(),
    no_reference("asserter").in_r4(),
];

const CONDITION: &[Parameter] = &[
    PATIENT_REFERENCE,
    SUBJECT,
    ENCOUNTER,
    coded("code", TokenOf::Code),
    coded("clinical-status", TokenOf::ClinicalStatus),
    coded("verification-status", TokenOf::VerificationStatus),
    coded("category", TokenOf::Category),
    date("onset-date", Of::Period),
    date("recorded-date", Of::Dates(DateOf::Recorded)),
    refers(
        "asserter",
        ReferenceOf::Asserter,
        &["asserter", "participant"],
        &[T::Practitioner, T::PractitionerRole, T::Patient, T::RelatedPerson],
    ),
    refers(
        "participant-actor",
        ReferenceOf::Asserter,
        &["participant"],
        &[T::Practitioner, T::PractitionerRole, T::Patient, T::RelatedPerson, T::Organization],
    )
    .in_r5(),
    coded("participant-function", TokenOf::ParticipantFunction).in_r5(),
    never("body-site", Kind::Token),
    never("evidence", Kind::Token),
    no_reference("evidence-detail"),
    never("severity", Kind::Token),
    never("stage", Kind::Token),
    never("onset-age", Kind::Quantity),
    never("onset-info", Kind::String),
    never("abatement-age", Kind::Quantity),
    never("abatement-date", Kind::Date),
    never("abatement-string", Kind::String),
];

const PERFORMERS: &[RecordType] =
    &[T::Practitioner, T::PractitionerRole, T::Organization, T::Patient, T::RelatedPerson];

const PROCEDURE: &[Parameter] = &[
    PATIENT_REFERENCE,
    SUBJECT,
    ENCOUNTER,
    coded("code", TokenOf::Code),
    coded("status", TokenOf::Status),
    coded("category", TokenOf::Category),
    coded("reason-code", TokenOf::Reason),
    date("date", Of::Period),
    refers("performer", ReferenceOf::Performer, &["performer"], PERFORMERS),
    refers("location", ReferenceOf::Location, &["location"], &[T::Location]),
    refers("part-of", ReferenceOf::PartOf, &["partOf"], &[T::Procedure, T::Observation]),
    no_reference("based-on"),
    no_reference("instantiates-canonical"),
    never("instantiates-uri", Kind::Uri),
    no_reference("reason-reference"),
    no_reference("report").in_r5(),
];

const OBSERVATION: &[Parameter] = &[
    PATIENT_REFERENCE,
    SUBJECT,
    ENCOUNTER,
    coded("code", TokenOf::Code),
    coded("status", TokenOf::Status),
    coded("category", TokenOf::Category),
    coded("method", TokenOf::Method),
    coded("data-absent-reason", TokenOf::DataAbsentReason),
    coded("combo-data-absent-reason", TokenOf::DataAbsentReason),
    never("component-data-absent-reason", Kind::Token),
    date("date", Of::Period),
    refers("performer", ReferenceOf::Performer, &["performer"], PERFORMERS),
    coded("value-concept", TokenOf::Value(Root)),
    coded("component-value-concept", TokenOf::Value(Components)),
    coded("combo-value-concept", TokenOf::Value(All)),
    coded("component-code", TokenOf::ComponentCode),
    coded("combo-code", TokenOf::ComboCode),
    quantity("value-quantity", QuantityOf::Value(Root)),
    quantity("component-value-quantity", QuantityOf::Value(Components)),
    quantity("combo-value-quantity", QuantityOf::Value(All)),
    string("value-string", Of::Strings(&[StringOf::Value])),
    string("value-markdown", Of::Strings(&[StringOf::ValueConceptText])).in_r5(),
    date("value-date", Of::Dates(DateOf::Value)),
    composite("code-value-concept", CompositeOf::Concept(Root)),
    composite("code-value-quantity", CompositeOf::Quantity(Root)),
    composite("code-value-string", CompositeOf::String),
    composite("code-value-date", CompositeOf::Date),
    composite("component-code-value-concept", CompositeOf::Concept(Components)),
    composite("component-code-value-quantity", CompositeOf::Quantity(Components)),
    composite("combo-code-value-concept", CompositeOf::Concept(All)),
    composite("combo-code-value-quantity", CompositeOf::Quantity(All)),
    never("value-canonical", Kind::Uri).in_r5(),
    no_reference("value-reference").in_r5(),
    never("component-value-canonical", Kind::Uri).in_r5(),
    no_reference("component-value-reference").in_r5(),
    no_reference("based-on"),
    no_reference("derived-from"),
    no_reference("device"),
    no_reference("focus"),
    no_reference("has-member"),
    no_reference("part-of"),
    no_reference("specimen"),
];

pub(super) const fn of(record_type: RecordType) -> &'static [Parameter] {
    match record_type {
        RecordType::Patient => PATIENT,
        RecordType::Stay => STAY,
        RecordType::Location => LOCATION,
        RecordType::Organization => ORGANIZATION,
        RecordType::Practitioner => PRACTITIONER,
        RecordType::PractitionerRole => PRACTITIONER_ROLE,
        RecordType::RelatedPerson => RELATED_PERSON,
        RecordType::Coverage => COVERAGE,
        RecordType::Account => ACCOUNT,
        RecordType::AllergyIntolerance => ALLERGY_INTOLERANCE,
        RecordType::Condition => CONDITION,
        RecordType::Procedure => PROCEDURE,
        RecordType::Observation => OBSERVATION,
    }
}

/// Of the stay whose movements they are; who asks for them reads them itself.
pub(super) const ENCOUNTER_HISTORY: &[Parameter] =
    &[token("_id", Of::Id), ENCOUNTER, PATIENT_REFERENCE];
pub(super) const GROUP: &[Parameter] = &[
    token("_id", Of::Id),
    reference("managing-entity", Of::Entity, &["managingEntity"], &[T::Organization]),
];
pub(super) const PROVENANCE: &[Parameter] =
    &[token("_id", Of::Id), reference("target", Of::Never, &["target"], &RecordType::ALL)];
