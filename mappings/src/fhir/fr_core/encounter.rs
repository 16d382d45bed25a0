//! Encounter: admission, discharge, where the patient comes from.

use super::super::FhirVersion;
use super::super::canonical::LEGAL_STATUS;
use super::super::codes::systems::{FINESS, V2_0004};
use super::super::datatypes::{
    CodeableConcept, Coding, Date, Extension, ExtensionValue, Identifier, Period, Reference,
};
use super::super::text;
use super::canonical::{CS_ADMISSION, CS_DISCHARGE, ENCOUNTER, ESTIMATED_DISCHARGE};
use super::{coding, declares, extension, is_french, is_whole, psychiatric};
use crate::entity::{LegalEntity, LegalStatusUse};
use crate::records::{Coded, FrenchStay, StayRecord};

/// fr-core-encounter.
#[must_use]
pub fn profiles(
    record: &StayRecord,
    entity: &LegalEntity,
    version: FhirVersion,
) -> Vec<&'static str> {
    let situation = &record.situation;
    let follows = declares(entity, version)
        && !record.identifiers.is_empty()
        && record.identifiers.iter().all(is_whole)
        && Period::new(situation.start, situation.end).is_some()
        && record.pre_admission.is_none();
    if follows { vec![ENCOUNTER] } else { Vec::new() }
}

/// PV2-9; and the placement in psychiatric care, where the EJ has it shown.
#[must_use]
pub fn extensions<'a>(record: &'a StayRecord, entity: &LegalEntity) -> Vec<Extension<'a>> {
    if !is_french(entity) {
        return Vec::new();
    }
    let mut extensions = Vec::new();
    if let Some(date) = record.planned_end.and_then(Date::new) {
        extensions.push(extension(ESTIMATED_DISCHARGE, ExtensionValue::Date(date)));
    }
    extensions.extend(placement(record, entity));
    extensions
}

/// ZFV-4, ZFV-5 and ZFV-10.
fn placement<'a>(record: &'a StayRecord, entity: &LegalEntity) -> Option<Extension<'a>> {
    let french = record.french.as_deref()?;
    if entity.settings.legal_status != LegalStatusUse::Show {
        return None;
    }
    let period = Period::new(french.placement_start, french.placement_end);
    let code = text::string(&french.placement_code).map(ExtensionValue::String);
    let mut parts = Vec::new();
    parts.extend(period.map(|period| extension("period", ExtensionValue::Period(period))));
    parts.extend(code.map(|code| extension("rimP", code)));
    let is_some = !parts.is_empty();
    is_some.then(|| extension(LEGAL_STATUS, ExtensionValue::Extensions(parts)))
}

/// As of a patient whose legal status is shown.
#[must_use]
pub fn security(record: &StayRecord, entity: &LegalEntity) -> Option<Coding<'static>> {
    placement(record, entity).map(|_| psychiatric())
}

/// PV1-4, of which RM and IE are French; a session (PV1-2 R) is one of AMB, and a type of its own.
#[must_use]
pub fn types<'a>(record: &'a StayRecord, entity: &LegalEntity) -> Vec<CodeableConcept<'a>> {
    let mut concept = CodeableConcept::sent(&record.admission_type);
    if !is_french(entity) {
        return concept.into_iter().collect();
    }
    let display = match record.admission_type.code.as_str() {
        "RM" => "Rétrocession de médicament",
        "IE" => "Prestation inter-établissements",
        _ => "",
    };
    if !display.is_empty() {
        recode(concept.as_mut(), CS_ADMISSION, display);
    }
    concept.into_iter().chain(session(record)).collect()
}

pub fn session(record: &StayRecord) -> Option<CodeableConcept<'static>> {
    let of_sessions = record.situation.class.code == "R";
    of_sessions.then(|| CodeableConcept::of(V2_0004, "R", "Recurring patient"))
}

/// PV1-36: the circumstances of the discharge.
#[must_use]
pub fn disposition<'a>(sent: &'a Coded, entity: &LegalEntity) -> Option<CodeableConcept<'a>> {
    let mut concept = CodeableConcept::sent(sent)?;
    let display = match sent.code.as_str() {
        "2" => "Mesure disciplinaire",
        "3" => "Décision médicale",
        "4" => "Contre avis médical",
        "5" => "en attente d'examen",
        "6" => "Convenance personnelle",
        "R" => "Essai (contexte psychiatrique)",
        "E" => "Evasion",
        "F" => "Fugue",
        "A" => "Absence ( < 12h)",
        "P" => "Permission ( <72h)",
        "S" => "Sortie avec programme de soins",
        "B" => "Départ vers MCO",
        "REO" => "Réorientation",
        "PSA" => "Patient parti sans attendre les soins",
        _ => "",
    };
    if is_french(entity) && !display.is_empty() {
        recode(Some(&mut concept), CS_DISCHARGE, display);
    }
    Some(concept)
}

/// The code as sent is one of a French table, and none of HL7's.
fn recode(concept: Option<&mut CodeableConcept<'_>>, system: &'static str, display: &'static str) {
    if let Some(first) = concept.and_then(|concept| concept.coding.first_mut()) {
        (first.system, first.display) = (Some(system.into()), Some(display.into()));
    }
}

/// ZFV-1: an establishment by its FINESS.
#[must_use]
pub fn origin(record: &StayRecord) -> Option<Reference<'_>> {
    let FrenchStay { origin, .. } = record.french.as_deref()?;
    let number = Identifier::of(FINESS, coding(FINESS, &origin.code).and_then(|c| c.code));
    Reference::logical("Organization", number, text::string(&origin.text))
}
