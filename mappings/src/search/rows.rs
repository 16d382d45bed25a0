//! The index rows of a record.

use sluice_ids::EjId;

use super::date::date_key_tail;
use super::key::{self, Key, LOWEST};
use super::{Param, text};
use crate::fhir::codes::administrative_sex::gender;
use crate::fhir::codes::patient_class::class;
use crate::fhir::codes::systems::{V2_0004, V3_ACT_CODE, V3_NULL_FLAVOR};
use crate::fhir::{canonical, civil, period, place, text as fhir_text};
use crate::records::{
    HumanName, LocationRecord, PatientRecord, Precision, Record, StayRecord, StayStatus,
};

/// Appends the rows by which `record` of `ej` is found, each once.
pub fn rows(ej: EjId, record: &Record, out: &mut Vec<(Param, Key)>) {
    let start = out.len();
    out.push((Param::All, LOWEST));
    out.push((Param::Id, key::id(record.id())));
    out.push((Param::LastUpdated, key::number(record.stamp().updated_at.get(), 0)));
    for (system, value) in identifiers(ej, record) {
        out.push((Param::Identifier, key::system_value(&system, &value)));
        out.push((Param::IdentifierValue, key::value(&value)));
    }
    match record {
        Record::Patient(patient) => patient_rows(patient, out),
        Record::Stay(stay) => stay_rows(stay, out),
        Record::Location(location) => location_rows(location, out),
    }
    let mut own = out.split_off(start);
    own.sort_unstable();
    own.dedup();
    out.append(&mut own);
}

fn patient_rows(patient: &PatientRecord, out: &mut Vec<(Param, Key)>) {
    for name in &patient.names {
        out.extend(family(name).map(|text| (Param::Family, text_key(text))));
        out.extend(given(name).map(|text| (Param::Given, text_key(text))));
    }
    if let Some(date) = patient.birth_date {
        let tail = date_key_tail(date.precision.min(Precision::Day));
        out.push((Param::BirthDate, key::number(civil::date_interval(date).low, tail)));
    }
    out.extend(gender(&patient.gender).map(|g| (Param::Gender, key::byte(g as u8))));
    out.push((Param::Active, key::byte(u8::from(patient.active))));
}

fn stay_rows(stay: &StayRecord, out: &mut Vec<(Param, Key)>) {
    out.push((Param::Patient, key::id(stay.patient)));
    out.push((Param::Status, status_key(stay.status())));
    let (system, code) = class_of(stay);
    out.push((Param::Class, class_key(&code, class_system_number(system))));
    let (start, end) = period::of_stay(stay);
    if start.is_some() || end.is_some() {
        let low = start.map_or(i64::MIN, |m| m.low.get());
        let high = end.map_or(i64::MAX, |m| civil::interval(m).high);
        out.push((Param::PeriodStart, key::number(low, 0)));
        out.push((Param::PeriodEnd, key::number(high, 0)));
    }
    for (movement, _) in stay.places() {
        out.extend(movement.location.map(|id| (Param::Location, key::id(id))));
    }
}

fn location_rows(location: &LocationRecord, out: &mut Vec<(Param, Key)>) {
    let name = place::name(&location.place);
    if !name.is_empty() {
        out.push((Param::Name, text_key(&name)));
    }
}

/// System and value, as rendered.
pub(super) fn identifiers(ej: EjId, record: &Record) -> Vec<(String, String)> {
    if let Record::Location(location) = record {
        let path = place::path(&location.place);
        return if path.is_empty() { vec![] } else { vec![(canonical::place_system(ej), path)] };
    }
    let shown = record.identifiers().iter();
    shown
        .filter_map(|i| {
            let system = fhir_text::uri(&i.system).unwrap_or_default();
            Some((system.to_owned(), fhir_text::string(&i.value)?.into_owned()))
        })
        .collect()
}

pub(super) fn family(name: &HumanName) -> impl Iterator<Item = &str> {
    Some(name.family.trim()).filter(|text| !text.is_empty()).into_iter()
}

pub(super) fn given(name: &HumanName) -> impl Iterator<Item = &str> {
    name.given.iter().map(|text| text.trim()).filter(|text| !text.is_empty())
}

/// Text without a letter or digit has a row too, before all others: it is there.
fn text_key(raw: &str) -> Key {
    key::prefix(text::normalise(raw).as_bytes())
}

pub(super) const fn status_key(status: StayStatus) -> Key {
    key::byte(status as u8 + 1)
}

/// The class's system and code, as rendered.
pub(super) fn class_of(stay: &StayRecord) -> (&'static str, String) {
    let sent = fhir_text::code(&stay.situation.class.code).unwrap_or_default();
    let class = class(&sent);
    (class.system, class.code.to_owned())
}

/// Of a class's code, as much as fits a key beside its system.
pub(super) const CLASS_CODE_BYTES: usize = 8;

pub(super) fn class_key(code: &str, system: u8) -> Key {
    let bytes = code.len().min(CLASS_CODE_BYTES);
    let mut key = key::prefix(&code.as_bytes()[..bytes]);
    key[CLASS_CODE_BYTES] = system;
    key
}

/// 0: not a system that a class has.
pub(super) fn class_system_number(system: &str) -> u8 {
    match system {
        V3_ACT_CODE => 1,
        V2_0004 => 2,
        V3_NULL_FLAVOR => 3,
        _ => 0,
    }
}
