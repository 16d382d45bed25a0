//! The index rows of a record.

use sluice_ids::{EjId, Micros};

use super::date::date_key_tail;
use super::key::{self, Key, LOWEST};
use super::sort::text_rows;
use super::{Param, elements};
use crate::fhir::codes::administrative_sex::gender;
use crate::fhir::codes::patient_class::class_of as codes_class_of;
use crate::fhir::codes::systems::{V2_0004, V3_ACT_CODE, V3_NULL_FLAVOR};
use crate::fhir::datatypes::DateTime;
use crate::fhir::resources::procedure;
use crate::fhir::{canonical, civil, period, place, plan, text as fhir_text};
use crate::records::{
    HumanName, Identifier, LocationRecord, Moment, PatientRecord, Precision, Record, ResourceId,
    StayRecord, StayStatus,
};

/// Appends the rows by which `record` of `ej` is found, each once; none of one that is gone.
pub fn rows(ej: EjId, record: &Record, out: &mut Vec<(Param, Key)>) {
    if record.stamp().gone {
        return;
    }
    let start = out.len();
    out.push((Param::All, LOWEST));
    out.push((Param::Id, key::id(record.id())));
    last_updated_row(record, out);
    identifier_rows(ej, record, out);
    match record {
        Record::Patient(patient) => {
            name_rows(&patient.names, out);
            birth_date_row(patient.birth_date, out);
            gender_row(&patient.gender, out);
            active_row(patient.active, out);
            elements::reference_rows(ej, record, out);
        }
        Record::Stay(stay) => {
            out.push((Param::Patient, key::id(stay.patient)));
            elements::reference_rows(ej, record, out);
            out.push((Param::Status, status_key(stay.status())));
            class_row(stay, out);
            period_rows(stay, out);
            place_rows(stay, out);
        }
        other => other_rows(ej, other, out),
    }
    // `Vec::dedup` of a part, without a vector of its own: this is done for every record stored.
    let own = &mut out[start..];
    own.sort_unstable();
    let mut kept = 0;
    for at in 0..own.len() {
        if kept == 0 || own[at] != own[kept - 1] {
            own[kept] = own[at];
            kept += 1;
        }
    }
    out.truncate(start + kept);
}

/// Of what messages change seldom.
fn other_rows(ej: EjId, record: &Record, out: &mut Vec<(Param, Key)>) {
    out.extend(record.patient().map(|id| (Param::Patient, key::id(id))));
    elements::token_rows(record, out);
    elements::reference_rows(ej, record, out);
    if let Some((start, end)) = dated(record) {
        out.push((Param::PeriodStart, key::number(start.low.get(), 0)));
        out.push((Param::PeriodEnd, key::number(civil::interval(end).high, 0)));
    }
    texts(record, &mut |param, text| text_rows(param, text, out));
    match record {
        Record::Organization(organization) => active_row(organization.active, out),
        Record::RelatedPerson(person) => {
            birth_date_row(person.birth_date, out);
            gender_row(&person.gender, out);
        }
        _ => {}
    }
}

/// The first and the last moment of what a type's date parameter is about; of a stay see `period`.
pub(super) fn dated(record: &Record) -> Option<(Moment, Moment)> {
    let (start, end) = match record {
        Record::AllergyIntolerance(r) => (r.recorded, None),
        Record::Condition(r) => (r.onset, None),
        Record::Observation(r) => (r.effective, None),
        Record::Procedure(r) => procedure::period(r),
        _ => (None, None),
    };
    let start = start.filter(|start| DateTime::new(*start).is_some())?;
    Some((start, end.unwrap_or(start)))
}

/// How the rows of a record change.
#[derive(Default)]
pub struct RowChanges {
    pub went: Vec<(Param, Key)>,
    pub came: Vec<(Param, Key)>,
}

/// What `new` has in rows that `old`, the same record before, had not, and the other way round.
///
/// Only the rows of fields that differ are worked out: most messages change one or two fields,
/// and names cost a normalisation each.
#[must_use]
pub fn row_changes(ej: EjId, old: &Record, new: &Record) -> RowChanges {
    let mut changes = RowChanges::default();
    let RowChanges { went, came } = &mut changes;
    if old.stamp().gone || new.stamp().gone {
        rows(ej, old, went);
        rows(ej, new, came);
        return changes;
    }
    if old.stamp().updated_at != new.stamp().updated_at {
        last_updated_row(old, went);
        last_updated_row(new, came);
    }
    if old.identifiers() != new.identifiers() {
        identifier_rows(ej, old, went);
        identifier_rows(ej, new, came);
    }
    match (old, new) {
        (old_patient @ Record::Patient(old), new_patient @ Record::Patient(new)) => {
            let refers = old.practices != new.practices
                || old.general_practitioners != new.general_practitioners
                || old.declared_practitioners != new.declared_practitioners;
            if refers {
                elements::reference_rows(ej, old_patient, went);
                elements::reference_rows(ej, new_patient, came);
            }
            type Rows = fn(&PatientRecord, &mut Vec<(Param, Key)>);
            let mut both = |differ: bool, rows: Rows| {
                if differ {
                    rows(old, went);
                    rows(new, came);
                }
            };
            both(old.names != new.names, |p, out| name_rows(&p.names, out));
            both(old.birth_date != new.birth_date, |p, out| birth_date_row(p.birth_date, out));
            both(old.gender != new.gender, |p, out| gender_row(&p.gender, out));
            both(old.active != new.active, |p, out| active_row(p.active, out));
        }
        (old_stay @ Record::Stay(old), new_stay @ Record::Stay(new)) => {
            let refers = old.account_record != new.account_record
                || !practitioners(old).eq(practitioners(new))
                || old.service_provider != new.service_provider
                || medical_unit(old) != medical_unit(new)
                || old.diagnoses != new.diagnoses;
            if refers {
                elements::reference_rows(ej, old_stay, went);
                elements::reference_rows(ej, new_stay, came);
            }
            if old.patient != new.patient {
                went.push((Param::Patient, key::id(old.patient)));
                came.push((Param::Patient, key::id(new.patient)));
            }
            if old.status() != new.status() {
                went.push((Param::Status, status_key(old.status())));
                came.push((Param::Status, status_key(new.status())));
            }
            let mut both = |differ: bool, rows: fn(&StayRecord, &mut Vec<(Param, Key)>)| {
                if differ {
                    rows(old, went);
                    rows(new, came);
                }
            };
            let (before, after) = (&old.situation, &new.situation);
            both(before.class.code != after.class.code, class_row);
            both((before.start, before.end) != (after.start, after.end), period_rows);
            both(!places(old).eq(places(new)), place_rows);
        }
        // The other types change seldom.
        _ => {
            rows(ej, old, went);
            rows(ej, new, came);
        }
    }
    for side in [&mut *went, &mut *came] {
        side.sort_unstable();
        side.dedup();
    }
    let before = went.clone();
    went.retain(|row| came.binary_search(row).is_err());
    came.retain(|row| before.binary_search(row).is_err());
    changes
}

fn last_updated_row(record: &Record, out: &mut Vec<(Param, Key)>) {
    out.push((Param::LastUpdated, last_updated_key(record.stamp().updated_at)));
}

/// The key of [`Param::LastUpdated`]: byte order is order in time.
#[must_use]
pub fn last_updated_key(at: Micros) -> Key {
    key::number(at.get(), 0)
}

/// Where the identifiers of a system stand, and by chance those of another.
#[must_use]
pub fn identifiers_of(system: &str) -> super::Span {
    super::Span::new(Param::Identifier, key::system_start(system), key::system_end(system), false)
}

/// The moment that such a key stands for.
#[must_use]
pub fn last_updated_of(key: &Key) -> Micros {
    Micros::new(key::number_of(key))
}

fn identifier_rows(ej: EjId, record: &Record, out: &mut Vec<(Param, Key)>) {
    for (system, value) in identifiers(ej, record) {
        out.push((Param::Identifier, key::system_value(&system, &value)));
        out.push((Param::IdentifierValue, key::value(&value)));
    }
}

fn name_rows(names: &[HumanName], out: &mut Vec<(Param, Key)>) {
    name_texts(names, &mut |param, text| text_rows(param, text, out));
}

fn name_texts(names: &[HumanName], each: &mut impl FnMut(Param, &str)) {
    for name in names {
        family(name).for_each(|text| each(Param::Family, text));
        given(name).for_each(|text| each(Param::Given, text));
    }
}

fn birth_date_row(date: Option<Moment>, out: &mut Vec<(Param, Key)>) {
    if let Some(date) = date {
        let tail = date_key_tail(date.precision.min(Precision::Day));
        out.push((Param::BirthDate, key::number(civil::date_interval(date).low, tail)));
    }
}

fn gender_row(sent: &str, out: &mut Vec<(Param, Key)>) {
    out.extend(gender(sent).map(|g| (Param::Gender, key::byte(g as u8))));
}

fn active_row(active: bool, out: &mut Vec<(Param, Key)>) {
    out.push((Param::Active, key::byte(u8::from(active))));
}

fn class_row(stay: &StayRecord, out: &mut Vec<(Param, Key)>) {
    let (system, code) = class_of(stay);
    out.push((Param::Class, class_key(&code, class_system_number(system))));
}

fn period_rows(stay: &StayRecord, out: &mut Vec<(Param, Key)>) {
    let (start, end) = period::of_stay(stay);
    if start.is_some() || end.is_some() {
        let low = start.map_or(i64::MIN, |m| m.low.get());
        let high = end.map_or(i64::MAX, |m| civil::interval(m).high);
        out.push((Param::PeriodStart, key::number(low, 0)));
        out.push((Param::PeriodEnd, key::number(high, 0)));
    }
}

fn places(stay: &StayRecord) -> impl Iterator<Item = ResourceId> {
    stay.places().filter_map(|(movement, _)| movement.location)
}

/// Of all who take part, those whom we serve, as [`StayRecord::participants`] lists them.
fn practitioners(stay: &StayRecord) -> impl Iterator<Item = ResourceId> {
    let movements = stay.movements.iter().filter(|movement| movement.stands());
    let listed = movements.filter_map(|movement| movement.effect.practitioners.as_deref());
    let all = stay.practitioners.iter().chain(listed.flatten());
    all.filter_map(|practitioner| practitioner.practitioner)
}

fn medical_unit(stay: &StayRecord) -> Option<ResourceId> {
    stay.situation.medical_unit.as_ref().map(|unit| unit.organization)
}

fn place_rows(stay: &StayRecord, out: &mut Vec<(Param, Key)>) {
    out.extend(places(stay).map(|id| (Param::Location, key::id(id))));
}

/// As rendered: what the structure calls the place, else its innermost part.
pub(super) fn location_name(location: &LocationRecord) -> String {
    let own = location.name.trim();
    if own.is_empty() { place::name(&location.place) } else { own.to_owned() }
}

/// System and value, as rendered.
pub(super) fn identifiers(ej: EjId, record: &Record) -> Vec<(String, String)> {
    let mut shown = Vec::new();
    match record {
        Record::Location(location) => {
            let path = place::path(&location.place);
            if !path.is_empty() {
                shown.push((canonical::place_system(ej), path));
            }
        }
        Record::Coverage(coverage) => {
            shown.extend(plan::number(coverage).map(|(system, number)| {
                (system.unwrap_or_default().into_owned(), number.into_owned())
            }));
        }
        _ => {}
    }
    let sent = |i: &Identifier| {
        let system = fhir_text::uri(&i.system).unwrap_or_default();
        Some((system.to_owned(), fhir_text::string(&i.value)?.into_owned()))
    };
    shown.extend(record.identifiers().iter().filter_map(sent));
    shown
}

pub(super) fn family(name: &HumanName) -> impl Iterator<Item = &str> {
    Some(name.family.trim()).filter(|text| !text.is_empty()).into_iter()
}

pub(super) fn given(name: &HumanName) -> impl Iterator<Item = &str> {
    name.given.iter().map(|text| text.trim()).filter(|text| !text.is_empty())
}

/// Gives every text of a record that has rows. One without a letter or digit has a row too,
/// before all others: it is there.
pub(super) fn texts(record: &Record, each: &mut impl FnMut(Param, &str)) {
    match record {
        Record::Patient(r) => name_texts(&r.names, each),
        Record::Practitioner(r) => name_texts(&r.names, each),
        Record::RelatedPerson(r) => name_texts(&r.names, each),
        Record::Location(r) => {
            let name = location_name(r);
            if !name.is_empty() {
                each(Param::Name, &name);
            }
        }
        Record::Organization(r) => {
            let name = r.name.trim();
            if !name.is_empty() {
                each(Param::Name, name);
            }
        }
        _ => {}
    }
}

pub(super) const fn status_key(status: StayStatus) -> Key {
    key::byte(status as u8 + 1)
}

/// The class's system and code, as rendered.
pub(super) fn class_of(stay: &StayRecord) -> (&'static str, String) {
    let sent = fhir_text::code(&stay.situation.class.code).unwrap_or_default();
    let class = codes_class_of(&stay.situation.class, &sent);
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
