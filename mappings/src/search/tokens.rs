//! Coded elements, as they are rendered.
//!
//! A row is the element's number and the code, cut; its system is verified against the record.

use std::borrow::Cow;

use super::Param;
use super::composite::Within;
use super::key::{HIGHEST, KEY_BYTES, Key, LOWEST, Span};
use super::observed::observed;
use super::rows::status_key;
use super::strings::address_uses;
use super::values::Token;
use crate::entity::LegalEntity;
use crate::fhir::FhirVersion;
use crate::fhir::codes::encounter::arrangement;
use crate::fhir::codes::provider_role::provider_role;
use crate::fhir::codes::{allergy, observation, organization_kind};
use crate::fhir::datatypes::{CodeableConcept, Coding};
use crate::fhir::resources::{
    account, allergy_intolerance, communication, condition, coverage, encounter, encounter_class,
    participant, procedure, related_person,
};
use crate::fhir::text as fhir_text;
use crate::records::{ObservationValue, Record, RecordType, StayStatus};

/// A coded element.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum TokenOf {
    Code,
    ClinicalStatus,
    VerificationStatus,
    Category,
    Criticality,
    Status,
    Type,
    Relationship,
    Role,
    Specialty,
    AddressUse,
    Language,
    EncounterType,
    SubjectStatus,
    ParticipantType,
    Reason,
    SpecialArrangement,
    OperationalStatus,
    Active,
    SubscriberId,
    ClassType,
    ClassValue,
    Severity,
    Manifestation,
    ParticipantFunction,
    Method,
    DataAbsentReason,
    Value(Within),
    ComponentCode,
    ComboCode,
    /// Of a stay, which has rows of its own: for its text.
    Class,
    /// The number by which a stay names its account.
    AccountNumber,
}

impl TokenOf {
    /// The number of its rows. What a component says, the whole's rows say too.
    const fn number(self) -> u8 {
        match self {
            Self::Code | Self::ComponentCode | Self::ComboCode => 1,
            Self::ClinicalStatus => 2,
            Self::VerificationStatus => 3,
            Self::Category => 4,
            Self::Criticality => 5,
            // Both say where a stay is in its life.
            Self::Status => 6,
            Self::Type => 7,
            Self::Relationship => 8,
            Self::Role => 9,
            Self::Specialty => 10,
            Self::AddressUse => 11,
            Self::Language => 12,
            Self::EncounterType => 13,
            Self::SubjectStatus => 14,
            Self::ParticipantType => 15,
            Self::Reason => 16,
            Self::SpecialArrangement => 17,
            Self::OperationalStatus => 18,
            Self::Active => 19,
            Self::SubscriberId => 20,
            Self::ClassType => 21,
            Self::ClassValue => 22,
            Self::Severity => 23,
            Self::Manifestation => 24,
            Self::ParticipantFunction => 25,
            Self::Method => 26,
            Self::DataAbsentReason => 27,
            Self::Value(_) => 28,
            Self::Class => 29,
            Self::AccountNumber => 30,
        }
    }
}

/// Those of a type that have rows.
const fn tokens_of(record_type: RecordType) -> &'static [TokenOf] {
    use TokenOf as E;
    match record_type {
        RecordType::Patient => &[E::AddressUse, E::Language],
        RecordType::Stay => &[
            E::EncounterType,
            E::ParticipantType,
            E::Reason,
            E::SpecialArrangement,
            E::AccountNumber,
        ],
        RecordType::Location => &[E::Status, E::OperationalStatus, E::AddressUse],
        RecordType::Organization => &[E::Type, E::AddressUse],
        RecordType::Practitioner => &[E::AddressUse],
        RecordType::PractitionerRole => &[E::Role, E::Specialty],
        RecordType::RelatedPerson => &[E::Active, E::Relationship, E::AddressUse],
        RecordType::Coverage => &[E::Status, E::Type, E::SubscriberId, E::ClassType, E::ClassValue],
        RecordType::Account => &[E::Status],
        RecordType::AllergyIntolerance => &[
            E::Code,
            E::ClinicalStatus,
            E::VerificationStatus,
            E::Category,
            E::Criticality,
            E::Type,
            E::Severity,
            E::Manifestation,
        ],
        RecordType::Condition => &[
            E::Code,
            E::ClinicalStatus,
            E::VerificationStatus,
            E::Category,
            E::ParticipantFunction,
        ],
        RecordType::Procedure => &[E::Code, E::Status, E::Category, E::Reason],
        RecordType::Observation => &[
            E::Code,
            E::Status,
            E::Category,
            E::Method,
            E::DataAbsentReason,
            E::Value(Within::All),
        ],
    }
}

// ---- values ----

const ALLERGY_CATEGORY: &str = "http://hl7.org/fhir/allergy-intolerance-category";
const ALLERGY_CRITICALITY: &str = "http://hl7.org/fhir/allergy-intolerance-criticality";
const SEVERITY: &str = "http://hl7.org/fhir/reaction-event-severity";
const ADDRESS_USE: &str = "http://hl7.org/fhir/address-use";
const LOCATION_STATUS: &str = "http://hl7.org/fhir/location-status";
const SPECIAL_VALUES: &str = "http://terminology.hl7.org/CodeSystem/special-values";

/// What the element says, as it is rendered for `entity`; without one, all that any EJ would show.
pub(super) fn concepts<'a>(
    record: &'a Record,
    of: TokenOf,
    version: FhirVersion,
    entity: Option<&LegalEntity>,
) -> Vec<CodeableConcept<'a>> {
    let mut concepts = rendered(record, of, version, entity);
    if is_concept(record.record_type(), of, version) {
        as_shown(&mut concepts, version, entity);
    }
    concepts
}

/// With the codes that the EJ's site file shows besides.
pub(super) fn as_shown(
    concepts: &mut [CodeableConcept<'_>],
    version: FhirVersion,
    entity: Option<&LegalEntity>,
) {
    let site = entity.map(|entity| &entity.site).filter(|site| site.shows_codes());
    let Some(site) = site else { return };
    for concept in concepts {
        let shown = site.standard(concept.coding.iter().map(parts), version).cloned();
        concept.coding.extend(shown.map(|shown| Coding {
            system: Some(shown.system.into()),
            version: None,
            code: Some(shown.code.into()),
            display: Some(shown.display.into()),
        }));
    }
}

/// Whether the element is a CodeableConcept: only there a site's own codes are shown as others.
fn is_concept(of_type: RecordType, of: TokenOf, version: FhirVersion) -> bool {
    match of {
        TokenOf::AddressUse
        | TokenOf::Criticality
        | TokenOf::Status
        | TokenOf::Severity
        | TokenOf::OperationalStatus
        | TokenOf::SubscriberId
        | TokenOf::ClassValue
        | TokenOf::Class
        | TokenOf::AccountNumber
        | TokenOf::Active => false,
        TokenOf::Category => of_type != RecordType::AllergyIntolerance,
        TokenOf::Type => of_type != RecordType::AllergyIntolerance || version == FhirVersion::R5,
        _ => true,
    }
}

fn rendered<'a>(
    record: &'a Record,
    of: TokenOf,
    version: FhirVersion,
    entity: Option<&LegalEntity>,
) -> Vec<CodeableConcept<'a>> {
    let code = |system, code| vec![CodeableConcept::of(system, code, "")];
    let sent = |sent| CodeableConcept::sent(sent).into_iter().collect();
    let one = |concept: Option<CodeableConcept<'static>>| concept.into_iter().collect();
    let is_r5 = version == FhirVersion::R5;
    match (record, of) {
        (_, TokenOf::AddressUse) => address_uses(record)
            .map(|of_use| CodeableConcept::of(ADDRESS_USE, of_use, ""))
            .collect(),
        (Record::Patient(r), TokenOf::Language) => {
            communication::spoken(&r.language, version).into_iter().collect()
        }
        (Record::Stay(r), TokenOf::EncounterType) => encounter::types(r, entity),
        (Record::Stay(r), TokenOf::Class) => {
            vec![encounter_class::class_shown(&r.situation.class, version)]
        }
        (Record::Stay(r), TokenOf::AccountNumber) => {
            let number = r.account.as_ref().and_then(|number| fhir_text::string(&number.value));
            number.map(|number| Coding::own(number).into()).into_iter().collect()
        }
        (Record::Stay(r), TokenOf::SubjectStatus) => one(encounter::subject_status(r, version)),
        (Record::Stay(r), TokenOf::ParticipantType) => encounter::participant_types(r),
        (Record::Stay(r), TokenOf::Reason) => sent(&r.reason),
        (Record::Stay(r), TokenOf::SpecialArrangement) => {
            let arranged = |sent| CodeableConcept::mapped(sent, arrangement);
            r.special_arrangements.iter().filter_map(arranged).collect()
        }
        (Record::Location(r), TokenOf::Status) => {
            code(LOCATION_STATUS, if r.inactive { "inactive" } else { "active" })
        }
        (Record::Location(r), TokenOf::OperationalStatus) => {
            Coding::first(&r.operational_status).map(CodeableConcept::from).into_iter().collect()
        }
        (Record::AllergyIntolerance(r), TokenOf::Code) => sent(&r.code),
        (Record::AllergyIntolerance(r), TokenOf::ClinicalStatus) => {
            let status = allergy::status(&r.clinical_status.code, r.void);
            status.clinical.map(CodeableConcept::from).into_iter().collect()
        }
        (Record::AllergyIntolerance(r), TokenOf::VerificationStatus) => {
            let status = allergy::status(&r.clinical_status.code, r.void);
            status.verification.map(CodeableConcept::from).into_iter().collect()
        }
        (Record::AllergyIntolerance(r), TokenOf::Category) => {
            let category = allergy::category(&r.category.code);
            category.map_or_else(Vec::new, |c| code(ALLERGY_CATEGORY, c))
        }
        (Record::AllergyIntolerance(r), TokenOf::Type) => {
            allergy_intolerance::types(&r.category, version)
        }
        (Record::AllergyIntolerance(r), TokenOf::Criticality) => {
            let told_of_reaction = r.reactions.iter().any(|r| CodeableConcept::sent(r).is_some());
            let criticality = allergy::criticality(&r.severity.code).filter(|_| !told_of_reaction);
            criticality.map_or_else(Vec::new, |c| code(ALLERGY_CRITICALITY, c))
        }
        (Record::AllergyIntolerance(r), TokenOf::Manifestation) => {
            r.reactions.iter().filter_map(CodeableConcept::sent).collect()
        }
        (Record::AllergyIntolerance(r), TokenOf::Severity) => {
            let told_of_reaction = r.reactions.iter().any(|r| CodeableConcept::sent(r).is_some());
            let severity = allergy::severity(&r.severity.code).filter(|_| told_of_reaction);
            severity.map_or_else(Vec::new, |s| code(SEVERITY, s))
        }
        (Record::Condition(r), TokenOf::Code) => sent(&r.code),
        (Record::Condition(r), TokenOf::ClinicalStatus) => {
            one(condition::clinical_status(r.void, version))
        }
        (Record::Condition(r), TokenOf::VerificationStatus) => {
            one(condition::verification_status(r.void))
        }
        (Record::Condition(_), TokenOf::Category) => vec![condition::category()],
        (Record::Condition(r), TokenOf::ParticipantFunction) if is_r5 => {
            let named = r.asserters.iter().any(participant::is_named);
            if named { vec![participant::informant()] } else { Vec::new() }
        }
        (Record::Procedure(r), TokenOf::Code) => procedure::code(r).into_iter().collect(),
        (Record::Procedure(r), TokenOf::Category) => sent(&r.category),
        (Record::Procedure(r), TokenOf::Reason) => sent(&r.reason),
        (Record::Procedure(r), TokenOf::Status) => {
            code("http://hl7.org/fhir/event-status", procedure::status(r))
        }
        (Record::Observation(r), TokenOf::Code) => vec![observed(r, version).code],
        (Record::Observation(r), TokenOf::ComponentCode | TokenOf::ComboCode) => {
            let observed = observed(r, version);
            let is_there = of == TokenOf::ComboCode || !observed.components.is_empty();
            if is_there { vec![observed.code] } else { Vec::new() }
        }
        (Record::Observation(r), TokenOf::Value(within)) => {
            let coded = |value: &'a ObservationValue| match value {
                ObservationValue::Coded(sent) => CodeableConcept::sent(sent),
                _ => None,
            };
            observed(r, version).values(within).filter_map(coded).collect()
        }
        (Record::Observation(r), TokenOf::DataAbsentReason) => {
            let observed = observed(r, version);
            let absent = observed.root.is_none() && observed.components.is_empty();
            let reason = observation::absent_reason(&r.status).filter(|_| absent);
            reason.map(CodeableConcept::from).into_iter().collect()
        }
        (Record::Observation(r), TokenOf::Method) => sent(&r.method),
        (Record::Observation(r), TokenOf::Category) => sent(&r.category),
        (Record::Observation(r), TokenOf::Status) => {
            code("http://hl7.org/fhir/observation-status", observation::status(&r.status))
        }
        (Record::Coverage(r), TokenOf::Type) => sent(&r.coverage_type),
        (Record::Coverage(_), TokenOf::Status) => code("http://hl7.org/fhir/fm-status", "active"),
        (Record::Coverage(r), TokenOf::SubscriberId) if is_r5 => {
            let insured = r.subscriber_number.as_ref().and_then(|number| {
                let own = Coding::own(fhir_text::string(&number.value)?);
                Some(Coding { system: fhir_text::uri(&number.system).map(Cow::Borrowed), ..own })
            });
            let policy = fhir_text::string(&r.policy_number).map(Coding::own);
            insured.into_iter().chain(policy).map(CodeableConcept::from).collect()
        }
        (Record::Coverage(r), TokenOf::ClassType) => {
            let class = coverage::class_value(r).map(|_| coverage::class_type());
            class.into_iter().collect()
        }
        (Record::Coverage(r), TokenOf::ClassValue) if is_r5 => {
            let value = coverage::class_value(r);
            value.map(|value| Coding::own(value).into()).into_iter().collect()
        }
        (Record::Account(r), TokenOf::Status) => {
            code("http://hl7.org/fhir/account-status", account::status(r))
        }
        (Record::Organization(r), TokenOf::Type) => organization_kind::organization_kind(r.kind),
        (Record::RelatedPerson(_), TokenOf::Active) => code(SPECIAL_VALUES, "true"),
        (Record::RelatedPerson(r), TokenOf::Relationship) => {
            r.relationships.iter().filter_map(related_person::related).collect()
        }
        (Record::PractitionerRole(r), TokenOf::Role) => {
            CodeableConcept::mapped(&r.role, provider_role).into_iter().collect()
        }
        (Record::PractitionerRole(r), TokenOf::Specialty) => {
            r.specialties.iter().filter_map(CodeableConcept::sent).collect()
        }
        _ => Vec::new(),
    }
}

/// Whether any coding is one of the tokens.
pub(super) fn match_any(concepts: &[CodeableConcept<'_>], tokens: &[Token]) -> bool {
    let codings = concepts.iter().flat_map(|concept| concept.coding.iter());
    codings.map(parts).any(|(system, code)| tokens.iter().any(|t| t.matches(system, code)))
}

fn parts<'c>(coding: &'c Coding<'_>) -> (&'c str, &'c str) {
    (coding.system.as_deref().unwrap_or_default(), coding.code.as_deref().unwrap_or_default())
}

/// What `:text` looks at.
pub(super) fn texts<'c>(concepts: &'c [CodeableConcept<'_>]) -> impl Iterator<Item = &'c str> {
    concepts.iter().flat_map(|concept| {
        let displays = concept.coding.iter().filter_map(|coding| coding.display.as_deref());
        concept.text.as_deref().into_iter().chain(displays)
    })
}

// ---- rows and spans ----

/// Of both versions: a clause knows which it asks. A concept without a code has a row too.
pub(super) fn rows(record: &Record, out: &mut Vec<(Param, Key)>) {
    for of in tokens_of(record.record_type()) {
        for version in FhirVersion::ALL {
            for concept in concepts(record, *of, version, None) {
                if concept.coding.is_empty() {
                    out.push((Param::Token, code_key(*of, "")));
                }
                for coding in concept.coding.iter() {
                    out.push((Param::Token, code_key(*of, parts(coding).1)));
                }
            }
        }
    }
}

pub(super) fn span(of: TokenOf, token: &Token) -> Span {
    if of == TokenOf::SubjectStatus {
        return by_status(token.code.as_deref());
    }
    match &token.code {
        Some(code) => Span::point(Param::Token, code_key(of, code), false),
        None => whole(of),
    }
}

/// Every row of the element.
pub(super) fn whole(of: TokenOf) -> Span {
    match of {
        TokenOf::SubjectStatus => return by_status(None),
        TokenOf::Class => return Span::whole(Param::Class, false),
        _ => {}
    }
    let (mut low, mut high) = (LOWEST, HIGHEST);
    (low[0], high[0]) = (of.number(), of.number());
    Span::new(Param::Token, low, high, false)
}

/// Where the patient is follows from where the stay is in its life, whose rows serve for both.
fn by_status(code: Option<&str>) -> Span {
    let (from, to) = match code {
        Some("departed") => (StayStatus::Finished, StayStatus::Finished),
        Some("on-leave") => (StayStatus::OnLeave, StayStatus::OnLeave),
        Some(_) => (StayStatus::InProgress, StayStatus::InProgress),
        None => (StayStatus::InProgress, StayStatus::Finished),
    };
    Span::new(Param::Status, status_key(from), status_key(to), false)
}

fn code_key(of: TokenOf, code: &str) -> Key {
    let mut key = LOWEST;
    key[0] = of.number();
    let bytes = code.len().min(KEY_BYTES - 1);
    key[1..=bytes].copy_from_slice(&code.as_bytes()[..bytes]);
    key
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::search::params::{Of, params};

    #[test]
    fn every_coded_element_that_a_parameter_is_about_has_rows() {
        for record_type in RecordType::ALL {
            for version in FhirVersion::ALL {
                for parameter in params(record_type, version) {
                    let Of::Coded(of) = parameter.of else { continue };
                    if of == TokenOf::SubjectStatus {
                        continue;
                    }
                    let numbers = tokens_of(record_type).iter().map(|own| own.number());
                    let has_rows = numbers.into_iter().any(|number| number == of.number());
                    assert!(has_rows, "{}?{}", record_type.fhir(), parameter.name);
                }
            }
        }
    }

    /// They stand in keys that are kept.
    #[test]
    fn the_coded_elements_of_a_type_have_numbers_of_their_own() {
        for record_type in RecordType::ALL {
            let mut numbers: Vec<u8> =
                tokens_of(record_type).iter().map(|own| own.number()).collect();
            let count = numbers.len();
            numbers.sort_unstable();
            numbers.dedup();
            assert!(numbers.len() == count && !numbers.contains(&0), "{}", record_type.fhir());
        }
        assert_eq!([TokenOf::Code, TokenOf::ComboCode].map(TokenOf::number), [1, 1]);
    }

    /// The elements whose type is CodeableConcept in the standard.
    #[test]
    fn a_sites_own_codes_are_looked_for_in_concepts_alone() {
        use FhirVersion::{R4, R5};
        use RecordType::{AllergyIntolerance, Condition, Coverage, Stay};
        for (of_type, of, expected) in [
            (AllergyIntolerance, TokenOf::Category, [false, false]),
            (AllergyIntolerance, TokenOf::Type, [false, true]),
            (AllergyIntolerance, TokenOf::Criticality, [false, false]),
            (AllergyIntolerance, TokenOf::Code, [true, true]),
            (Condition, TokenOf::Category, [true, true]),
            (Coverage, TokenOf::Type, [true, true]),
            (Coverage, TokenOf::Status, [false, false]),
            (Stay, TokenOf::Reason, [true, true]),
        ] {
            let is = [R4, R5].map(|version| is_concept(of_type, of, version));
            assert_eq!(is, expected, "{} {}", of_type.fhir(), of.number());
        }
    }
}
