//! Patient: identity, names, birth.

use super::super::FhirVersion;
use super::super::canonical::LEGAL_STATUS;
use super::super::codes::administrative_sex::gender;
use super::super::codes::name_type::name_use;
use super::super::datatypes::{
    CodeableConcept, Coding, Date, Extension, ExtensionValue, HumanName, Identifier, Period,
};
use super::super::text;
use super::address::is_insee;
use super::canonical::{
    BIRTH_LIST_GIVEN_NAME, BIRTHDATE_UPDATE, CS_0445, CS_METHOD, CS_VALIDATION,
    IDENTITY_RELIABILITY, LUNAR_DATE, PATIENT, PATIENT_INS,
};
use super::{coding, declares, extension};
use crate::entity::{LegalEntity, LegalStatusUse};
use crate::records::{self, FrenchPatient, IdentifierUse, LegalStatus, PatientRecord};

/// fr-core-patient, and fr-core-patient-ins of an identity with an INS.
#[must_use]
pub fn profiles(
    record: &PatientRecord,
    entity: &LegalEntity,
    version: FhirVersion,
) -> Vec<&'static str> {
    let whole = |name: &&records::HumanName| {
        !name.family.trim().is_empty() && name.given.iter().any(|given| !given.trim().is_empty())
    };
    if !declares(entity, version) || !official_names(record).all(|name| whole(&name)) {
        return Vec::new();
    }
    let mut profiles = vec![PATIENT];
    if follows_ins(record) {
        profiles.push(PATIENT_INS);
    }
    profiles
}

fn official_names(record: &PatientRecord) -> impl Iterator<Item = &records::HumanName> {
    record.names.iter().filter(|name| name_use(&name.name_type) == Some("official"))
}

/// All that fr-core-patient-ins demands.
fn follows_ins(record: &PatientRecord) -> bool {
    let is_ins = |identifier: &records::Identifier| {
        identifier.type_code.starts_with("INS")
            && identifier.type_code != "INS-C"
            && identifier.r#use != IdentifierUse::Old
    };
    let mut official = official_names(record);
    let one_name = match (official.next(), official.next()) {
        (Some(name), None) => name.given.len() == 2,
        _ => false,
    };
    one_name
        && record.reliability.iter().any(|code| code == "VALI")
        && record.identifiers.iter().any(is_ins)
        && record.birth_place.as_ref().is_some_and(|place| is_insee(&place.district))
        && gender(&record.gender).is_some()
        && record.birth_date.and_then(Date::new).is_some()
}

/// XPN-2 is the first given name, XPN-3 the list of the birth certificate.
#[must_use]
pub fn name(sent: &records::HumanName) -> Option<HumanName<'_>> {
    let mut name = HumanName::new(sent)?;
    if name_use(&sent.name_type) == Some("official")
        && let [_, list] = sent.given.as_slice()
        && let Some(list) = text::string(list)
    {
        name.given.truncate(1);
        name.extension.push(extension(BIRTH_LIST_GIVEN_NAME, ExtensionValue::String(list)));
    }
    Some(name)
}

/// What the French extension says of the person, PID-32 included.
#[must_use]
pub fn extensions<'a>(record: &'a PatientRecord, entity: &LegalEntity) -> Vec<Extension<'a>> {
    let mut extensions = reliability(&record.reliability, record.french.as_deref());
    let Some(french) = record.french.as_deref() else { return extensions };
    if let Some(updated) = french.birth_date_corrected {
        extensions.push(extension(BIRTHDATE_UPDATE, ExtensionValue::Boolean(updated)));
    }
    if let Some(date) = french.lunar_birth_date {
        let text = format!("{:02}/{:02}/{:04}", date.day, date.month, date.year);
        extensions.push(extension(LUNAR_DATE, ExtensionValue::String(text.into())));
    }
    if entity.settings.legal_status == LegalStatusUse::Show {
        extensions.extend(french.legal_statuses.iter().map(legal_status));
    }
    extensions
}

/// One for each code of PID-32, since the extension takes one; how the identity was taken goes
/// with the first, which is the status.
fn reliability<'a>(codes: &'a [String], french: Option<&'a FrenchPatient>) -> Vec<Extension<'a>> {
    let status = |code: &'a String| {
        Some(extension("identityStatus", ExtensionValue::Coding(coding(CS_0445, code)?)))
    };
    let mut all = codes.iter().filter_map(status).map(|status| vec![status]);
    let mut first = all.next().unwrap_or_default();
    if let Some(french) = french {
        first.extend(taking(french));
    }
    let all: Vec<_> = std::iter::once(first).chain(all).filter(|parts| !parts.is_empty()).collect();
    let whole = |parts| extension(IDENTITY_RELIABILITY, ExtensionValue::Extensions(parts));
    all.into_iter().map(whole).collect()
}

/// ZFD-5, 6 and 7.
fn taking(french: &FrenchPatient) -> impl Iterator<Item = Extension<'_>> {
    let method = coding(CS_METHOD, &french.identity_method).map(ExtensionValue::Coding);
    let asked = french.identity_asked.and_then(Date::new).map(ExtensionValue::Date);
    let document = coding(CS_VALIDATION, &french.identity_document).map(ExtensionValue::Coding);
    [("methodCollection", method), ("dateCollection", asked), ("validationMode", document)]
        .into_iter()
        .filter_map(|(url, value)| Some(extension(url, value?)))
}

/// ZFS, where the EJ has it shown.
fn legal_status(sent: &LegalStatus) -> Extension<'_> {
    let mut parts = Vec::new();
    let period = Period::new(sent.start, sent.end).map(ExtensionValue::Period);
    parts.extend(period.map(|value| extension("period", value)));
    let identifier = Identifier::new(&sent.identifier).map(ExtensionValue::Identifier);
    parts.extend(identifier.map(|value| extension("identifier", value)));
    let mode = CodeableConcept::sent(&sent.mode).map(ExtensionValue::CodeableConcept);
    parts.extend(mode.map(|value| extension("mode", value)));
    for (url, sent) in [("rimP", &sent.rim_p), ("comment", &sent.comment)] {
        let value = text::string(sent).map(ExtensionValue::String);
        parts.extend(value.map(|value| extension(url, value)));
    }
    extension(LEGAL_STATUS, ExtensionValue::Extensions(parts))
}

/// It tells of psychiatric care: v3-ActCode PSY beside it, for whoever filters by it.
#[must_use]
pub fn security(record: &PatientRecord, entity: &LegalEntity) -> Option<Coding<'static>> {
    let shown = entity.settings.legal_status == LegalStatusUse::Show;
    let told = record.french.as_ref().is_some_and(|french| !french.legal_statuses.is_empty());
    (shown && told).then(super::psychiatric)
}
