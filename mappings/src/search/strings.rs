//! Elements that are text, beside the names: parts of addresses, values.
//!
//! A row is the element's number and the first 9 bytes of the text as searches compare it.

use std::borrow::Cow;

use super::key::{HIGHEST, KEY_BYTES, Key, LOWEST, Span};
use super::names::{TextMode, TextValue};
use super::{Param, text};
use crate::fhir::FhirVersion;
use crate::fhir::datatypes::{Address, CodeableConcept};
use crate::fhir::resources::coverage;
use crate::records::{self, ObservationValue, Record, RecordType};

use super::composite::Within;
use super::observed::{self, observed};

/// An element that is text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub(super) enum StringOf {
    AddressLine = 1,
    AddressCity,
    AddressDistrict,
    AddressState,
    AddressPostalCode,
    AddressCountry,
    ClassValue,
    /// Of an Observation: its text, or in R4 the text of its concept.
    Value,
    /// The text of an Observation's concept.
    ValueConceptText,
    /// Of a Patient, in its extension.
    MothersMaidenName,
}

const ADDRESS: &[StringOf] = &[
    StringOf::AddressLine,
    StringOf::AddressCity,
    StringOf::AddressDistrict,
    StringOf::AddressState,
    StringOf::AddressPostalCode,
    StringOf::AddressCountry,
];

const PATIENT: &[StringOf] = &[
    StringOf::AddressLine,
    StringOf::AddressCity,
    StringOf::AddressDistrict,
    StringOf::AddressState,
    StringOf::AddressPostalCode,
    StringOf::AddressCountry,
    StringOf::MothersMaidenName,
];

const fn strings_of(record_type: RecordType) -> &'static [StringOf] {
    match record_type {
        RecordType::Patient => PATIENT,
        RecordType::Location
        | RecordType::Organization
        | RecordType::Practitioner
        | RecordType::RelatedPerson => ADDRESS,
        RecordType::Coverage => &[StringOf::ClassValue],
        RecordType::Observation => &[StringOf::Value, StringOf::ValueConceptText],
        _ => &[],
    }
}

fn addresses(record: &Record) -> &[records::Address] {
    match record {
        Record::Patient(r) => &r.addresses,
        Record::Location(r) => {
            // A Location has room for one.
            let shown = r.addresses.iter().position(|sent| Address::new(sent).is_some());
            shown.and_then(|at| r.addresses.get(at..=at)).unwrap_or_default()
        }
        Record::Organization(r) => &r.addresses,
        Record::Practitioner(r) => &r.addresses,
        Record::RelatedPerson(r) => &r.addresses,
        _ => &[],
    }
}

/// `Address.use`, as rendered.
pub(super) fn address_uses(record: &Record) -> impl Iterator<Item = &'static str> {
    let is_organization = matches!(record, Record::Organization(_));
    let shown = addresses(record).iter().filter_map(Address::new);
    // An organization has no home.
    shown.filter_map(move |address| address.of_use.filter(|of| !is_organization || *of != "home"))
}

/// What the element says, as rendered.
pub(super) fn strings<'r>(
    record: &'r Record,
    of: StringOf,
    version: FhirVersion,
) -> Vec<Cow<'r, str>> {
    match (record, of) {
        (Record::Patient(r), StringOf::MothersMaidenName) => {
            crate::fhir::text::string(&r.mothers_maiden_name).into_iter().collect()
        }
        (Record::Coverage(r), StringOf::ClassValue) if version == FhirVersion::R4 => {
            coverage::class_value(r).into_iter().collect()
        }
        (Record::Observation(r), StringOf::Value | StringOf::ValueConceptText) => {
            let values = observed(r, version).values(Within::Root);
            let concept_text = of == StringOf::ValueConceptText || version == FhirVersion::R4;
            let said = |value: &'r ObservationValue| match value {
                ObservationValue::Coded(sent) if concept_text => CodeableConcept::sent(sent)?.text,
                _ if of == StringOf::Value => observed::text(value, r),
                _ => None,
            };
            values.filter_map(said).collect()
        }
        _ => {
            let shown = addresses(record).iter().filter_map(Address::new);
            let part = |address: Address<'r>| -> Vec<Cow<'r, str>> {
                match of {
                    StringOf::AddressLine => address.line,
                    StringOf::AddressCity => address.city.into_iter().collect(),
                    StringOf::AddressDistrict => address.district.into_iter().collect(),
                    StringOf::AddressState => address.state.into_iter().collect(),
                    StringOf::AddressPostalCode => address.postal_code.into_iter().collect(),
                    StringOf::AddressCountry => address.country.into_iter().collect(),
                    _ => Vec::new(),
                }
            };
            let mut all = Vec::new();
            for address in shown {
                all.extend(part(address));
            }
            all
        }
    }
}

pub(super) fn rows(record: &Record, out: &mut Vec<(Param, Key)>) {
    for of in strings_of(record.record_type()) {
        for version in FhirVersion::ALL {
            let said = strings(record, *of, version);
            out.extend(said.iter().map(|said| (Param::Text, key(*of, &text::normalise(said)))));
            if is_the_same_in_both(*of) {
                break;
            }
        }
    }
}

const fn is_the_same_in_both(of: StringOf) -> bool {
    matches!(of, StringOf::MothersMaidenName) || of as u8 <= StringOf::AddressCountry as u8
}

pub(super) fn span(of: StringOf, mode: TextMode, value: &TextValue) -> Span {
    let folded = &value.folded;
    match mode {
        TextMode::StartsWith => {
            let mut high = HIGHEST;
            let bytes = folded.len().min(KEY_BYTES - 1);
            high[0] = of as u8;
            high[1..=bytes].copy_from_slice(&folded.as_bytes()[..bytes]);
            let exact = folded.len() < KEY_BYTES && is_the_same_in_both(of);
            Span::new(Param::Text, key(of, folded), high, exact)
        }
        TextMode::Exact => Span::point(Param::Text, key(of, folded), false),
        TextMode::Contains => Span { exact: false, ..whole(of) },
    }
}

/// Every row of the element.
pub(super) fn whole(of: StringOf) -> Span {
    let (mut low, mut high) = (LOWEST, HIGHEST);
    (low[0], high[0]) = (of as u8, of as u8);
    Span::new(Param::Text, low, high, is_the_same_in_both(of))
}

fn key(of: StringOf, folded: &str) -> Key {
    let mut key = LOWEST;
    let bytes = folded.len().min(KEY_BYTES - 1);
    key[0] = of as u8;
    key[1..=bytes].copy_from_slice(&folded.as_bytes()[..bytes]);
    key
}
