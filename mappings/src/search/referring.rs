//! The parameters that refer to other records: from which elements, and to which types. Searches,
//! `_include` and `_revinclude` all ask here.

use super::Kind;
use super::elements::{Element, ReferenceOf, element};
use super::params::params;
use crate::records::RecordType;

/// A parameter of [`Kind::Reference`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Referring {
    pub source: RecordType,
    pub param: &'static str,
    /// The elements that it is about, by their names in R4 and in R5, as rendered.
    pub elements: &'static [&'static str],
    /// What they refer to, and what a search may name.
    pub targets: &'static [RecordType],
}

/// All of a type, in the order of [`params`].
pub fn referring(source: RecordType) -> impl Iterator<Item = Referring> {
    let references = params(source).iter().filter(|(_, kind)| *kind == Kind::Reference);
    references.map(move |(param, _)| Referring {
        source,
        param,
        elements: elements(source, param),
        targets: targets(source, param),
    })
}

fn elements(source: RecordType, param: &str) -> &'static [&'static str] {
    let of = match element(source, param) {
        Some(Element::Reference(of)) => of,
        Some(Element::Token(_)) => return &[],
        None if param == "location" => ReferenceOf::Location,
        None => return &["subject", "patient", "beneficiary"],
    };
    match of {
        ReferenceOf::Encounter => &["encounter"],
        ReferenceOf::Subscriber => &["subscriber"],
        ReferenceOf::Payor => &["payor", "insurer"],
        ReferenceOf::PolicyHolder => &["policyHolder"],
        ReferenceOf::PartOf => &["partOf"],
        ReferenceOf::Organization => &["organization", "managingOrganization", "serviceProvider"],
        ReferenceOf::Practitioner => &["practitioner"],
        ReferenceOf::Participant => &["participant"],
        ReferenceOf::Account => &["account"],
        ReferenceOf::Diagnosis => &["diagnosis"],
        // R5 has one kind of participants, and we show one of them.
        ReferenceOf::Asserter => &["asserter", "participant"],
        ReferenceOf::Recorder => &["recorder", "participant"],
        ReferenceOf::Performer => &["performer"],
        ReferenceOf::Location => &["location"],
        ReferenceOf::GeneralPractitioner => &["generalPractitioner"],
    }
}

pub(super) fn targets(source: RecordType, param: &str) -> &'static [RecordType] {
    use RecordType as T;
    let of = match element(source, param) {
        Some(Element::Reference(of)) => of,
        Some(Element::Token(_)) => return &[],
        None => match param {
            "patient" | "subject" | "beneficiary" => return &[T::Patient],
            "location" => return &[T::Location],
            _ => return &[],
        },
    };
    match of {
        ReferenceOf::Encounter => &[T::Stay],
        ReferenceOf::Subscriber => &[T::RelatedPerson, T::Patient],
        ReferenceOf::Payor | ReferenceOf::PolicyHolder | ReferenceOf::Organization => {
            &[T::Organization]
        }
        ReferenceOf::PartOf => match source {
            T::Organization => &[T::Organization],
            T::Location => &[T::Location],
            _ => &[T::Procedure],
        },
        ReferenceOf::Practitioner
        | ReferenceOf::Participant
        | ReferenceOf::Asserter
        | ReferenceOf::Performer => &[T::Practitioner],
        ReferenceOf::Recorder => &[T::Practitioner, T::Patient],
        ReferenceOf::Account => &[T::Account],
        ReferenceOf::Diagnosis => &[T::Condition],
        ReferenceOf::Location => &[T::Location],
        ReferenceOf::GeneralPractitioner => {
            &[T::Practitioner, T::PractitionerRole, T::Organization]
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_parameter_that_is_a_reference_has_elements_and_targets_and_no_other_has() {
        for source in RecordType::ALL {
            for (param, kind) in params(source) {
                let lines = referring(source).filter(|line| line.param == *param);
                let is_reference = *kind == Kind::Reference;
                assert_eq!(lines.count(), usize::from(is_reference));
                let told = !targets(source, param).is_empty();
                assert_eq!(told, is_reference, "{}:{param}", source.fhir());
            }
            assert!(referring(source).all(|line| !line.elements.is_empty()));
        }
    }
}
