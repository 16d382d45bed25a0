//! Elements that refer to other records, as they are rendered.
//!
//! A row is the element's number and the id, cut: what is found is verified against the record.

use sluice_ids::EjId;

use super::Param;
use super::key::{HIGHEST, KEY_BYTES, Key, LOWEST, Span};
use crate::adt::legal_entity_id;
use crate::entity::LegalEntity;
use crate::fhir::codes::systems::FINESS;
use crate::fhir::resources::encounter;
use crate::fhir::{FhirVersion, text as fhir_text};
use crate::records::{Identifier, NamedOrganization, Practitioner, Record, RecordType, ResourceId};

/// An element that refers to another record; `Patient` has rows of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
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
    Link,
    PaymentBy,
    RelatedAccount,
}

const fn references_of(record_type: RecordType) -> &'static [ReferenceOf] {
    use ReferenceOf::{
        Account, Asserter, Diagnosis, Encounter, GeneralPractitioner, Link, Location, Organization,
        PartOf, Participant, PaymentBy, Payor, Performer, PolicyHolder, Practitioner, Recorder,
        RelatedAccount, Subscriber,
    };
    match record_type {
        RecordType::Patient => &[GeneralPractitioner, Link],
        RecordType::Stay => &[Account, Participant, Organization, Diagnosis],
        RecordType::Location => &[PartOf, Organization],
        RecordType::Organization => &[PartOf],
        RecordType::PractitionerRole => &[Practitioner, Organization, Location],
        RecordType::Coverage => &[Subscriber, Payor, PaymentBy, PolicyHolder],
        RecordType::Account => &[RelatedAccount],
        RecordType::AllergyIntolerance => &[Recorder],
        RecordType::Condition => &[Encounter, Asserter],
        RecordType::Procedure => &[Encounter, Performer, Location, PartOf],
        RecordType::Observation => &[Encounter, Performer],
        RecordType::Practitioner | RecordType::RelatedPerson => &[],
    }
}

// ---- values ----

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
        (Record::Patient(r), ReferenceOf::Link) => r.links.iter().map(|link| link.other).collect(),
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
        (Record::Coverage(r), ReferenceOf::PaymentBy) => match version {
            FhirVersion::R4 => Vec::new(),
            FhirVersion::R5 => named(r.insurers.get(1..).unwrap_or_default()),
        },
        (Record::Account(r), ReferenceOf::RelatedAccount) => match version {
            FhirVersion::R4 => Vec::new(),
            FhirVersion::R5 => one(r.merged_into),
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

/// System and value of the numbers by which an element names what it refers to
/// (`Reference.identifier`), as rendered.
pub(super) fn numbers(
    record: &Record,
    of: ReferenceOf,
    version: FhirVersion,
    entity: Option<&LegalEntity>,
) -> Vec<(String, String)> {
    let text = |number: &Identifier| {
        let system = fhir_text::uri(&number.system).unwrap_or_default().to_owned();
        Some((system, fhir_text::string(&number.value)?.into_owned()))
    };
    let persons = |of: &[Practitioner]| -> Vec<(String, String)> {
        of.iter().filter_map(|one| text(one.identifier.as_ref()?)).collect()
    };
    // What no other organization is named for is the EJ's, which is named by its FINESS.
    let of_entity = || -> Vec<(String, String)> {
        let finess = entity.and_then(|entity| fhir_text::string(&entity.settings.finess));
        finess.map(|finess| (FINESS.to_owned(), finess.into_owned())).into_iter().collect()
    };
    match (record, of) {
        (Record::Patient(r), ReferenceOf::GeneralPractitioner) => {
            let mut own = persons(&r.general_practitioners);
            own.extend(persons(&r.declared_practitioners));
            own
        }
        (Record::Stay(r), ReferenceOf::Participant) => {
            let all = r.participants().into_iter();
            all.filter_map(|one| text(one.practitioner.identifier.as_ref()?)).collect()
        }
        (Record::Stay(r), ReferenceOf::Organization) => {
            match (&r.situation.medical_unit, encounter::service_provider(r)) {
                (Some(unit), _) => text(&unit.identifier).into_iter().collect(),
                (None, Some(_)) => Vec::new(),
                (None, None) => of_entity(),
            }
        }
        (Record::Stay(r), ReferenceOf::Account) => {
            r.account.as_ref().and_then(text).into_iter().collect()
        }
        (Record::Location(r), ReferenceOf::Organization) => match r.managing_organization {
            Some(_) => Vec::new(),
            None => of_entity(),
        },
        (Record::PractitionerRole(r), ReferenceOf::Organization) => match r.organization {
            Some(_) => Vec::new(),
            None => of_entity(),
        },
        (Record::Condition(r), ReferenceOf::Asserter) => match version {
            FhirVersion::R4 => persons(r.asserters.get(..1).unwrap_or_default()),
            FhirVersion::R5 => persons(&r.asserters),
        },
        (Record::Procedure(r), ReferenceOf::Performer) => persons(&r.performers),
        (Record::Observation(r), ReferenceOf::Performer) => persons(&r.performers),
        (Record::AllergyIntolerance(r), ReferenceOf::Recorder) => {
            let recorder = r.recorder.as_ref().filter(|recorder| recorder.role.is_empty());
            let number = recorder.and_then(|recorder| recorder.identifier.as_ref());
            number.and_then(text).into_iter().collect()
        }
        _ => Vec::new(),
    }
}

// ---- rows and spans ----

/// Of both versions: a clause knows which it asks.
pub(super) fn rows(ej: EjId, record: &Record, out: &mut Vec<(Param, Key)>) {
    for of in references_of(record.record_type()) {
        for version in FhirVersion::ALL {
            let ids = references(ej, record, *of, version);
            out.extend(ids.into_iter().map(|id| (Param::Reference, key(*of, id))));
        }
    }
}

pub(super) fn span(of: ReferenceOf, id: ResourceId) -> Span {
    Span::point(Param::Reference, key(of, id), false)
}

/// Every row of the element.
pub(super) fn whole(of: ReferenceOf) -> Span {
    let (mut low, mut high) = (LOWEST, HIGHEST);
    (low[0], high[0]) = (of as u8, of as u8);
    Span::new(Param::Reference, low, high, false)
}

fn key(of: ReferenceOf, id: ResourceId) -> Key {
    let mut key = LOWEST;
    key[0] = of as u8;
    key[1..].copy_from_slice(&id.0[..KEY_BYTES - 1]);
    key
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::search::params::{Of, params};

    #[test]
    fn every_reference_that_a_parameter_is_about_has_rows_elements_and_targets() {
        for record_type in RecordType::ALL {
            for version in FhirVersion::ALL {
                for parameter in params(record_type, version) {
                    let Of::Refers(of) = parameter.of else { continue };
                    let name = format!("{}?{}", record_type.fhir(), parameter.name);
                    assert!(references_of(record_type).contains(&of), "{name}");
                    assert!(!parameter.elements.is_empty(), "{name}");
                    assert!(!parameter.targets.is_empty(), "{name}");
                }
            }
        }
    }
}
