//! PatientRecord → Patient (PID, PD1, NK1; FACTS §3 PID, NK1). R5 differs in the languages that
//! it takes.

use serde::Serialize;

use super::super::canonical::{IDENTITY_RELIABILITY, IDENTITY_UNKNOWN, ORIGINAL_CODE};
use super::super::codes::administrative_sex::{gender, says_more};
use super::super::codes::marital_status::marital_status;
use super::super::codes::relationship::relationship;
use super::super::codes::religion::religion;
use super::super::codes::systems::V2_0445;
use super::super::datatypes::{
    Address, CodeableConcept, Coding, ContactPoint, Date, DateTime, Extended, Extension,
    ExtensionValue, HumanName, Identifier, Meta, Period, Reference,
};
use super::super::{FhirVersion, fr_core, text};
use super::communication::Communication;
use super::reference::{legal_entity, organization, practitioner_role};
use crate::entity::LegalEntity;
use crate::records::{Contact, LinkKind, PatientRecord, Precision, RecordType, ResourceId};

const MOTHERS_MAIDEN_NAME: &str =
    "http://hl7.org/fhir/StructureDefinition/patient-mothersMaidenName";
const RELIGION: &str = "http://hl7.org/fhir/StructureDefinition/patient-religion";
const NATIONALITY: &str = "http://hl7.org/fhir/StructureDefinition/patient-nationality";
const CITIZENSHIP: &str = "http://hl7.org/fhir/StructureDefinition/patient-citizenship";
const ANIMAL: &str = "http://hl7.org/fhir/StructureDefinition/patient-animal";
const DISABILITY: &str = "http://hl7.org/fhir/StructureDefinition/patient-disability";
const CONGREGATION: &str = "http://hl7.org/fhir/StructureDefinition/patient-congregation";
const IMPORTANCE: &str = "http://hl7.org/fhir/StructureDefinition/patient-importance";
const BIRTH_PLACE: &str = "http://hl7.org/fhir/StructureDefinition/patient-birthPlace";
const BIRTH_TIME: &str = "http://hl7.org/fhir/StructureDefinition/patient-birthTime";

#[derive(Serialize)]
#[serde(rename_all = "camelCase", tag = "resourceType", rename = "Patient")]
pub struct Patient<'a> {
    #[serde(serialize_with = "super::super::datatypes::id")]
    id: ResourceId,
    meta: Meta,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    extension: Vec<Extension<'a>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    identifier: Vec<Identifier<'a>>,
    active: bool,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    name: Vec<HumanName<'a>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    telecom: Vec<ContactPoint<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    gender: Option<&'static str>,
    #[serde(rename = "_gender", skip_serializing_if = "Option::is_none")]
    gender_extension: Option<Extended<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    birth_date: Option<Date>,
    #[serde(rename = "_birthDate", skip_serializing_if = "Option::is_none")]
    birth_date_extension: Option<Extended<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    deceased_boolean: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    deceased_date_time: Option<DateTime>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    address: Vec<Address<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    marital_status: Option<CodeableConcept<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    multiple_birth_boolean: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    multiple_birth_integer: Option<i32>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    contact: Vec<PatientContact<'a>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    communication: Vec<Communication<'a>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    general_practitioner: Vec<Reference<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    managing_organization: Option<Reference<'a>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    link: Vec<PatientLink<'a>>,
}

#[derive(Serialize)]
struct PatientLink<'a> {
    other: Reference<'a>,
    #[serde(rename = "type")]
    of_type: &'static str,
}

#[derive(Serialize)]
struct PatientContact<'a> {
    #[serde(skip_serializing_if = "Vec::is_empty")]
    relationship: Vec<CodeableConcept<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<HumanName<'a>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    telecom: Vec<ContactPoint<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    address: Option<Address<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    gender: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    organization: Option<Reference<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    period: Option<Period>,
}

impl<'a> Patient<'a> {
    #[must_use]
    pub fn new(record: &'a PatientRecord, entity: &'a LegalEntity, version: FhirVersion) -> Self {
        let multiple_birth_integer = record.birth_order.and_then(|order| i32::try_from(order).ok());
        let deceased_date_time = record.deceased_at.and_then(DateTime::new);
        let address =
            |sent| Some(fr_core::address::with_insee_code(Address::new(sent)?, sent, entity));
        let french = fr_core::is_french(entity);
        let name = |sent| if french { fr_core::patient::name(sent) } else { HumanName::new(sent) };
        Self {
            id: record.id,
            meta: meta(record, entity, version),
            extension: extensions(record, entity),
            identifier: Identifier::list(&record.identifiers, ""),
            active: record.active,
            name: record.names.iter().filter_map(name).collect(),
            telecom: ContactPoint::list(&record.telecoms),
            gender: gender(&record.gender).map(|g| g.code()),
            gender_extension: original_gender(record),
            birth_date: record.birth_date.and_then(Date::new),
            birth_date_extension: birth_time(record),
            deceased_boolean: record.deceased.filter(|_| deceased_date_time.is_none()),
            deceased_date_time,
            address: record.addresses.iter().filter_map(address).collect(),
            marital_status: CodeableConcept::mapped(&record.marital_status, marital_status),
            multiple_birth_boolean: record
                .multiple_birth
                .filter(|_| multiple_birth_integer.is_none()),
            multiple_birth_integer,
            contact: record.contacts.iter().filter_map(PatientContact::new).collect(),
            communication: Communication::list(&record.language, version),
            general_practitioner: general_practitioners(record),
            managing_organization: Some(legal_entity(entity)),
            link: record.links.iter().map(link).collect(),
        }
    }
}

impl<'a> PatientContact<'a> {
    /// `pat-1`: a contact that says only a relationship is none.
    fn new(sent: &'a Contact) -> Option<Self> {
        let name = HumanName::new(&sent.name);
        let telecom = ContactPoint::list(&sent.telecoms);
        let address = sent.address.as_ref().and_then(Address::new);
        let organization = organization(&sent.organization);
        let named = name.is_some() || organization.is_some();
        if !named && telecom.is_empty() && address.is_none() {
            return None;
        }
        let mut concepts = Vec::with_capacity(2);
        concepts.extend(CodeableConcept::mapped(&sent.relationship, relationship));
        concepts.extend(CodeableConcept::sent(&sent.role));
        Some(Self {
            relationship: concepts,
            name,
            telecom,
            address,
            gender: gender(&sent.gender).map(|g| g.code()),
            organization,
            period: Period::new(sent.start, sent.end),
        })
    }
}

pub(crate) fn meta(record: &PatientRecord, entity: &LegalEntity, version: FhirVersion) -> Meta {
    let profiles = fr_core::patient::profiles(record, entity, version);
    let mut meta = Meta::following(&record.stamp, profiles);
    meta.security.extend(fr_core::patient::security(record, entity));
    meta
}

fn extensions<'a>(record: &'a PatientRecord, entity: &LegalEntity) -> Vec<Extension<'a>> {
    let french = fr_core::is_french(entity);
    let mut extensions = Vec::new();
    let mut push = |url, value| extensions.push(Extension { url, value });
    if let Some(name) = text::string(&record.mothers_maiden_name) {
        push(MOTHERS_MAIDEN_NAME, ExtensionValue::String(name));
    }
    if let Some(sent) = &record.birth_place
        && let Some(place) = Address::birth_place(sent)
    {
        let place = fr_core::address::with_insee_code(place, sent, entity);
        push(BIRTH_PLACE, ExtensionValue::Address(place));
    }
    if let Some(concept) = CodeableConcept::mapped(&record.religion, religion) {
        push(RELIGION, ExtensionValue::CodeableConcept(concept));
    }
    for (url, countries) in
        [(NATIONALITY, &record.nationalities), (CITIZENSHIP, &record.citizenships)]
    {
        for country in countries.iter().filter_map(CodeableConcept::sent) {
            let value = ExtensionValue::CodeableConcept(country);
            push(url, ExtensionValue::Extensions(vec![Extension { url: "code", value }]));
        }
    }
    for (url, sent) in [(DISABILITY, &record.disability), (IMPORTANCE, &record.importance)] {
        if let Some(concept) = CodeableConcept::sent(sent) {
            push(url, ExtensionValue::CodeableConcept(concept));
        }
    }
    if let Some(name) = text::string(&record.congregation) {
        push(CONGREGATION, ExtensionValue::String(name));
    }
    if let Some(animal) = animal(record) {
        push(ANIMAL, animal);
    }
    if let Some(unknown) = record.identity_unknown {
        push(IDENTITY_UNKNOWN, ExtensionValue::Boolean(unknown));
    }
    if french {
        extensions.extend(fr_core::patient::extensions(record, entity));
        return extensions;
    }
    for status in record.reliability.iter().filter_map(|code| text::code(code)) {
        let coding = Coding { code: Some(status), ..Coding::of(V2_0445, "", "") };
        let concept = CodeableConcept::from(coding);
        push(IDENTITY_RELIABILITY, ExtensionValue::CodeableConcept(concept));
    }
    extensions
}

fn original_gender(record: &PatientRecord) -> Option<Extended<'_>> {
    let sent = text::string(&record.gender).filter(|sent| says_more(sent))?;
    Some(Extended::by(ORIGINAL_CODE, ExtensionValue::String(sent)))
}

/// PID-7 with a time: `birthDate` holds the day alone.
fn birth_time(record: &PatientRecord) -> Option<Extended<'static>> {
    let moment = record.birth_date.filter(|m| m.precision > Precision::Day)?;
    Some(Extended::by(BIRTH_TIME, ExtensionValue::DateTime(DateTime::new(moment)?)))
}

/// PID-35, without which FHIR takes no PID-36.
fn animal(record: &PatientRecord) -> Option<ExtensionValue<'_>> {
    let part = |url, sent| {
        let value = ExtensionValue::CodeableConcept(CodeableConcept::sent(sent)?);
        Some(Extension { url, value })
    };
    let species = part("species", &record.species)?;
    let breed = part("breed", &record.breed);
    Some(ExtensionValue::Extensions(std::iter::once(species).chain(breed).collect()))
}

/// Practices (PD1-3), doctors (PD1-4), and whom the patient has declared (ROL).
fn general_practitioners(record: &PatientRecord) -> Vec<Reference<'_>> {
    let practices = record.practices.iter().filter_map(organization);
    let doctors = record.general_practitioners.iter().chain(&record.declared_practitioners);
    practices.chain(doctors.filter_map(practitioner_role)).collect()
}

fn link(link: &crate::records::Link) -> PatientLink<'static> {
    let of_type = match link.kind {
        LinkKind::ReplacedBy => "replaced-by",
        LinkKind::Replaces => "replaces",
        LinkKind::SeeAlso => "seealso",
    };
    PatientLink { other: Reference::to(RecordType::Patient, link.other), of_type }
}
