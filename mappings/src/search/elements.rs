//! What a record can be found by beside its names and dates: coded elements and references, as
//! they are rendered.
//!
//! All share two kinds of rows: the key begins with the element's number, then hashes, an id or
//! a code, cut; so that whatever is found is verified against the record.

use std::borrow::Cow;

use sluice_ids::EjId;

use super::Param;
use super::key::{self, HIGHEST, KEY_BYTES, Key, LOWEST, Span};
use super::values::Token;
use crate::adt::legal_entity_id;
use crate::fhir::FhirVersion;
use crate::fhir::codes::provider_role::provider_role;
use crate::fhir::codes::{allergy, observation, organization_kind};
use crate::fhir::datatypes::{CodeableConcept, Coding};
use crate::fhir::resources::{account, condition, encounter, procedure, related_person};
use crate::records::{Coded, NamedOrganization, Practitioner, Record, RecordType, ResourceId};
use crate::site::Site;

/// A coded element.
#[derive(Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub(super) enum TokenOf {
    Code = 1,
    ClinicalStatus,
    VerificationStatus,
    Category,
    Criticality,
    Status,
    Type,
    Relationship,
    Role,
    Specialty,
}

/// An element that refers to another record; `Patient` has rows of its own.
#[derive(Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub(super) enum ReferenceOf {
    Encounter = 1,
    Subscriber,
    Payor,
    PolicyHolder,
    PartOf,
    Organization,
    Practitioner,
    Participant,
    Account,
    Diagnosis,
    Asserter,
    Recorder,
    Performer,
    Location,
    GeneralPractitioner,
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Element {
    Token(TokenOf),
    Reference(ReferenceOf),
}

/// The element that a parameter of a type is about.
pub(super) fn element(record_type: RecordType, param: &str) -> Option<Element> {
    use RecordType as T;
    Some(match (record_type, param) {
        (T::AllergyIntolerance | T::Condition | T::Procedure | T::Observation, "code") => {
            Element::Token(TokenOf::Code)
        }
        (_, "clinical-status") => Element::Token(TokenOf::ClinicalStatus),
        (_, "verification-status") => Element::Token(TokenOf::VerificationStatus),
        (_, "category") => Element::Token(TokenOf::Category),
        (_, "criticality") => Element::Token(TokenOf::Criticality),
        (T::Procedure | T::Observation | T::Coverage | T::Account, "status") => {
            Element::Token(TokenOf::Status)
        }
        (T::Organization | T::Coverage, "type") => Element::Token(TokenOf::Type),
        (_, "relationship") => Element::Token(TokenOf::Relationship),
        (T::PractitionerRole, "role") => Element::Token(TokenOf::Role),
        (_, "specialty") => Element::Token(TokenOf::Specialty),
        (_, "encounter") => Element::Reference(ReferenceOf::Encounter),
        (_, "subscriber") => Element::Reference(ReferenceOf::Subscriber),
        (_, "payor" | "insurer") => Element::Reference(ReferenceOf::Payor),
        (_, "policy-holder") => Element::Reference(ReferenceOf::PolicyHolder),
        (_, "partof" | "part-of") => Element::Reference(ReferenceOf::PartOf),
        (_, "organization" | "service-provider") => Element::Reference(ReferenceOf::Organization),
        (T::PractitionerRole, "practitioner") => Element::Reference(ReferenceOf::Practitioner),
        (T::Stay, "participant" | "practitioner") => Element::Reference(ReferenceOf::Participant),
        (_, "general-practitioner") => Element::Reference(ReferenceOf::GeneralPractitioner),
        (_, "account") => Element::Reference(ReferenceOf::Account),
        (_, "diagnosis") => Element::Reference(ReferenceOf::Diagnosis),
        (_, "asserter") => Element::Reference(ReferenceOf::Asserter),
        (_, "recorder") => Element::Reference(ReferenceOf::Recorder),
        (_, "performer") => Element::Reference(ReferenceOf::Performer),
        (T::Procedure | T::PractitionerRole, "location") => {
            Element::Reference(ReferenceOf::Location)
        }
        _ => return None,
    })
}

const fn tokens_of(record_type: RecordType) -> &'static [TokenOf] {
    use TokenOf::{
        Category, ClinicalStatus, Code, Criticality, Relationship, Role, Specialty, Status, Type,
        VerificationStatus,
    };
    match record_type {
        RecordType::AllergyIntolerance => {
            &[Code, ClinicalStatus, VerificationStatus, Category, Criticality]
        }
        RecordType::Condition => &[Code, ClinicalStatus, VerificationStatus, Category],
        RecordType::Procedure | RecordType::Observation => &[Code, Status, Category],
        RecordType::Coverage => &[Status, Type],
        RecordType::Account => &[Status],
        RecordType::Organization => &[Type],
        RecordType::RelatedPerson => &[Relationship],
        RecordType::PractitionerRole => &[Role, Specialty],
        RecordType::Patient
        | RecordType::Stay
        | RecordType::Location
        | RecordType::Practitioner => &[],
    }
}

const fn references_of(record_type: RecordType) -> &'static [ReferenceOf] {
    use ReferenceOf::{
        Account, Asserter, Diagnosis, Encounter, GeneralPractitioner, Location, Organization,
        PartOf, Participant, Payor, Performer, PolicyHolder, Practitioner, Recorder, Subscriber,
    };
    match record_type {
        RecordType::Patient => &[GeneralPractitioner],
        RecordType::Stay => &[Account, Participant, Organization, Diagnosis],
        RecordType::Location => &[PartOf, Organization],
        RecordType::Organization => &[PartOf],
        RecordType::PractitionerRole => &[Practitioner, Organization, Location],
        RecordType::Coverage => &[Subscriber, Payor, PolicyHolder],
        RecordType::AllergyIntolerance => &[Recorder],
        RecordType::Condition => &[Encounter, Asserter],
        RecordType::Procedure => &[Encounter, Performer, Location, PartOf],
        RecordType::Observation => &[Encounter, Performer],
        RecordType::Practitioner | RecordType::RelatedPerson | RecordType::Account => &[],
    }
}

// ---- values ----

/// System (empty: none) and code of each coding, as rendered; with what a site file shows besides.
pub(super) fn tokens(
    record: &Record,
    of: TokenOf,
    version: FhirVersion,
    site: Option<&Site>,
) -> Vec<(String, String)> {
    let mut out = Codings { version, site, all: Vec::new() };
    match (record, of) {
        (Record::AllergyIntolerance(r), TokenOf::Code) => out.sent(&r.code),
        (Record::AllergyIntolerance(r), TokenOf::ClinicalStatus) => {
            out.coding(allergy::status(&r.clinical_status.code, r.void).clinical);
        }
        (Record::AllergyIntolerance(r), TokenOf::VerificationStatus) => {
            out.coding(allergy::status(&r.clinical_status.code, r.void).verification);
        }
        (Record::AllergyIntolerance(r), TokenOf::Category) => {
            out.code(ALLERGY_CATEGORY, allergy::category(&r.category.code));
        }
        (Record::AllergyIntolerance(r), TokenOf::Criticality) => {
            let told_of_reaction = r.reactions.iter().any(|r| CodeableConcept::sent(r).is_some());
            let criticality = allergy::criticality(&r.severity.code).filter(|_| !told_of_reaction);
            out.code(ALLERGY_CRITICALITY, criticality);
        }
        (Record::Condition(r), TokenOf::Code) => out.sent(&r.code),
        (Record::Condition(r), TokenOf::ClinicalStatus) => {
            out.concept(condition::clinical_status(r.void, version));
        }
        (Record::Condition(r), TokenOf::VerificationStatus) => {
            out.concept(condition::verification_status(r.void));
        }
        (Record::Condition(_), TokenOf::Category) => out.concept(Some(condition::category())),
        (Record::Procedure(r), TokenOf::Code) => out.concept(procedure::code(r)),
        (Record::Procedure(r), TokenOf::Category) => out.sent(&r.category),
        (Record::Procedure(r), TokenOf::Status) => {
            out.code("http://hl7.org/fhir/event-status", Some(procedure::status(r)));
        }
        (Record::Observation(r), TokenOf::Code) => out.sent(&r.code),
        (Record::Observation(r), TokenOf::Category) => out.sent(&r.category),
        (Record::Observation(r), TokenOf::Status) => {
            let status = observation::status(&r.status);
            out.code("http://hl7.org/fhir/observation-status", Some(status));
        }
        (Record::Coverage(r), TokenOf::Type) => out.sent(&r.coverage_type),
        (Record::Coverage(_), TokenOf::Status) => {
            out.code("http://hl7.org/fhir/fm-status", Some("active"));
        }
        (Record::Account(r), TokenOf::Status) => {
            out.code("http://hl7.org/fhir/account-status", Some(account::status(r)));
        }
        (Record::Organization(r), TokenOf::Type) => {
            for kind in organization_kind::organization_kind(r.kind) {
                out.concept(Some(kind));
            }
        }
        (Record::RelatedPerson(r), TokenOf::Relationship) => {
            r.relationships.iter().for_each(|sent| out.concept(related_person::related(sent)));
        }
        (Record::PractitionerRole(r), TokenOf::Role) => {
            out.concept(CodeableConcept::mapped(&r.role, provider_role));
        }
        (Record::PractitionerRole(r), TokenOf::Specialty) => {
            r.specialties.iter().for_each(|specialty| out.sent(specialty));
        }
        _ => {}
    }
    out.all
}

const ALLERGY_CATEGORY: &str = "http://hl7.org/fhir/allergy-intolerance-category";
const ALLERGY_CRITICALITY: &str = "http://hl7.org/fhir/allergy-intolerance-criticality";

struct Codings<'s> {
    version: FhirVersion,
    site: Option<&'s Site>,
    all: Vec<(String, String)>,
}

impl Codings<'_> {
    /// An element of the type `code`, which a site file leaves as it is.
    fn code(&mut self, system: &str, code: Option<&str>) {
        self.all.extend(code.map(|code| (system.to_owned(), code.to_owned())));
    }

    fn sent(&mut self, code: &Coded) {
        self.concept(CodeableConcept::sent(code));
    }

    fn coding(&mut self, coding: Option<Coding<'_>>) {
        self.concept(coding.map(CodeableConcept::from));
    }

    fn concept(&mut self, concept: Option<CodeableConcept<'_>>) {
        let from = self.all.len();
        let owned = |text: Option<Cow<'_, str>>| text.unwrap_or_default().into_owned();
        let codings = concept.into_iter().flat_map(|concept| concept.coding);
        self.all.extend(codings.map(|coding| (owned(coding.system), owned(coding.code))));
        let Some(site) = self.site else { return };
        let codings = self.all[from..].iter().map(|(system, code)| (&**system, &**code));
        let standard = site.standard(codings, self.version);
        self.all.extend(standard.map(|shown| (shown.system.clone(), shown.code.clone())));
    }
}

/// Whom an element refers to, by record.
pub(super) fn references(
    ej: EjId,
    record: &Record,
    of: ReferenceOf,
    version: FhirVersion,
) -> Vec<ResourceId> {
    let persons = |of: &[Practitioner]| -> Vec<ResourceId> {
        of.iter().filter_map(|practitioner| practitioner.practitioner).collect()
    };
    let named = |of: &[NamedOrganization]| -> Vec<ResourceId> {
        of.iter().filter_map(|organization| organization.organization).collect()
    };
    let one = |id: Option<ResourceId>| -> Vec<ResourceId> { id.into_iter().collect() };
    match (record, of) {
        (Record::Patient(r), ReferenceOf::GeneralPractitioner) => {
            let doctors = r.general_practitioners.iter().chain(&r.declared_practitioners);
            let doctors = doctors.filter_map(|own| own.practitioner_role.or(own.practitioner));
            named(&r.practices).into_iter().chain(doctors).collect()
        }
        (Record::Condition(r), ReferenceOf::Encounter) => one(r.stay),
        // R4 has room for one.
        (Record::Condition(r), ReferenceOf::Asserter) => match version {
            FhirVersion::R4 => persons(r.asserters.get(..1).unwrap_or_default()),
            FhirVersion::R5 => persons(&r.asserters),
        },
        (Record::Procedure(r), ReferenceOf::Encounter) => one(r.stay),
        (Record::Procedure(r), ReferenceOf::Performer) => persons(&r.performers),
        (Record::Procedure(r), ReferenceOf::Location) => one(r.location),
        (Record::Procedure(r), ReferenceOf::PartOf) => one(r.part_of),
        (Record::Observation(r), ReferenceOf::Encounter) => one(r.stay),
        (Record::Observation(r), ReferenceOf::Performer) => persons(&r.performers),
        (Record::AllergyIntolerance(r), ReferenceOf::Recorder) => {
            one(r.recorder.as_ref().and_then(|recorder| match recorder.role.as_str() {
                "" => recorder.practitioner,
                "SEL" => Some(r.patient),
                _ => None,
            }))
        }
        (Record::Coverage(r), ReferenceOf::Subscriber) if r.subscriber_is_patient => {
            vec![r.patient]
        }
        (Record::Coverage(r), ReferenceOf::Subscriber) => one(r.subscriber),
        // R5 has room for one; the others pay.
        (Record::Coverage(r), ReferenceOf::Payor) => match version {
            FhirVersion::R4 => named(&r.insurers),
            FhirVersion::R5 => named(r.insurers.get(..1).unwrap_or_default()),
        },
        (Record::Coverage(r), ReferenceOf::PolicyHolder) => one(r.policy_holder.organization),
        (Record::Organization(r), ReferenceOf::PartOf) => one(r.part_of),
        (Record::Location(r), ReferenceOf::PartOf) => one(r.part_of),
        (Record::Location(r), ReferenceOf::Organization) => {
            vec![r.managing_organization.unwrap_or_else(|| legal_entity_id(ej))]
        }
        (Record::PractitionerRole(r), ReferenceOf::Practitioner) => vec![r.practitioner],
        (Record::PractitionerRole(r), ReferenceOf::Organization) => {
            vec![r.organization.unwrap_or_else(|| legal_entity_id(ej))]
        }
        (Record::PractitionerRole(r), ReferenceOf::Location) => one(r.location),
        (Record::Stay(r), ReferenceOf::Account) => one(r.account_record),
        (Record::Stay(r), ReferenceOf::Participant) => {
            r.participants().iter().filter_map(|one| one.practitioner.practitioner).collect()
        }
        (Record::Stay(r), ReferenceOf::Organization) => match encounter::service_provider(r) {
            Some(provider) => one(provider.id()),
            None => vec![legal_entity_id(ej)],
        },
        (Record::Stay(r), ReferenceOf::Diagnosis) => {
            r.diagnoses.iter().map(|diagnosis| diagnosis.condition).collect()
        }
        _ => Vec::new(),
    }
}

// ---- rows and spans ----

/// Of both versions: a clause knows which it asks.
pub(super) fn token_rows(record: &Record, out: &mut Vec<(Param, Key)>) {
    for of in tokens_of(record.record_type()) {
        for version in FhirVersion::ALL {
            for (system, code) in tokens(record, *of, version, None) {
                out.push((Param::Token, token_key(*of, &system, &code)));
                out.push((Param::TokenCode, code_key(*of, &code)));
            }
        }
    }
}

pub(super) fn reference_rows(ej: EjId, record: &Record, out: &mut Vec<(Param, Key)>) {
    for of in references_of(record.record_type()) {
        for version in FhirVersion::ALL {
            let ids = references(ej, record, *of, version);
            out.extend(ids.into_iter().map(|id| (Param::Reference, reference_key(*of, id))));
        }
    }
}

pub(super) fn token_span(of: TokenOf, token: &Token) -> Span {
    match (&token.system, &token.code) {
        (Some(system), Some(code)) => Span::point(Param::Token, token_key(of, system, code), false),
        (Some(system), None) => {
            let from = token_key(of, system, "");
            let (mut low, mut high) = (LOWEST, HIGHEST);
            low[..SYSTEM_END].copy_from_slice(&from[..SYSTEM_END]);
            high[..SYSTEM_END].copy_from_slice(&from[..SYSTEM_END]);
            Span::new(Param::Token, low, high, false)
        }
        (None, code) => {
            let code = code.as_deref().unwrap_or_default();
            Span::point(Param::TokenCode, code_key(of, code), false)
        }
    }
}

pub(super) fn reference_span(of: ReferenceOf, id: ResourceId) -> Span {
    Span::point(Param::Reference, reference_key(of, id), false)
}

/// Every row of the element.
pub(super) fn whole(element: Element) -> Span {
    let (param, number) = match element {
        Element::Token(of) => (Param::TokenCode, of as u8),
        Element::Reference(of) => (Param::Reference, of as u8),
    };
    let (mut low, mut high) = (LOWEST, HIGHEST);
    (low[0], high[0]) = (number, number);
    Span::new(param, low, high, false)
}

/// Where in a key the system's hash ends.
const SYSTEM_END: usize = 5;

fn token_key(of: TokenOf, system: &str, code: &str) -> Key {
    let mut key = LOWEST;
    key[0] = of as u8;
    key[1..SYSTEM_END].copy_from_slice(&key::fnv64(system.as_bytes()).to_be_bytes()[..4]);
    key[SYSTEM_END..].copy_from_slice(&key::fnv64(code.as_bytes()).to_be_bytes()[..5]);
    key
}

fn code_key(of: TokenOf, code: &str) -> Key {
    let mut key = LOWEST;
    key[0] = of as u8;
    let bytes = code.len().min(KEY_BYTES - 1);
    key[1..=bytes].copy_from_slice(&code.as_bytes()[..bytes]);
    key
}

fn reference_key(of: ReferenceOf, id: ResourceId) -> Key {
    let mut key = LOWEST;
    key[0] = of as u8;
    key[1..].copy_from_slice(&id.0[..KEY_BYTES - 1]);
    key
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::search::params;

    #[test]
    fn every_element_that_a_parameter_is_about_has_rows() {
        for record_type in RecordType::ALL {
            for (param, _) in params(record_type) {
                let has_rows = match element(record_type, param) {
                    Some(Element::Token(of)) => tokens_of(record_type).contains(&of),
                    Some(Element::Reference(of)) => references_of(record_type).contains(&of),
                    None => true,
                };
                assert!(has_rows, "{}?{param}", record_type.fhir());
            }
        }
    }
}
