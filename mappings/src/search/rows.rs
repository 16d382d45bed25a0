//! The index rows of a record.

use sluice_ids::{EjId, Micros};

use super::date::date_key_tail;
use super::key::{self, Key, LOWEST};
use super::moments::{self, Shown};
use super::sort::text_rows;
use super::{Param, contacts, identifiers, quantity, references, strings, tokens};
use crate::fhir::codes::administrative_sex::gender;
use crate::fhir::codes::patient_class::class_of as codes_class_of;
use crate::fhir::codes::systems::{V2_0004, V3_ACT_CODE, V3_NULL_FLAVOR};
use crate::fhir::resources::procedure;
use crate::fhir::{civil, period, place, text as fhir_text};
use crate::records::{
    HumanName, LocationRecord, Moment, PatientRecord, Precision, Record, ResourceId, StayRecord,
    StayStatus,
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
    identifiers::rows(ej, record, out);
    match record {
        Record::Patient(patient) => {
            name_rows(&patient.names, out);
            birth_date_row(patient.birth_date, out);
            gender_row(&patient.gender, out);
            active_row(patient.active, out);
            deceased_row(patient, out);
            element_rows(ej, record, out);
        }
        Record::Stay(stay) => {
            patient_row(stay, out);
            element_rows(ej, record, out);
            status_row(stay, out);
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
    element_rows(ej, record, out);
    out.extend(dated(record).into_iter().flat_map(interval_rows));
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

/// What stands beside names, dates and codes that have rows of their own.
fn element_rows(ej: EjId, record: &Record, out: &mut Vec<(Param, Key)>) {
    tokens::rows(record, out);
    references::rows(ej, record, out);
    strings::rows(record, out);
    contacts::rows(record, out);
    moments::rows(record, out);
    quantity::rows(record, out);
}

/// What a type's `date` is about; of a stay see `period`.
pub(super) fn dated(record: &Record) -> Option<Shown> {
    match record {
        Record::AllergyIntolerance(r) => moments::instant(r.recorded),
        Record::Condition(r) => moments::instant(r.onset),
        Record::Observation(r) => moments::instant(r.effective),
        Record::Procedure(r) => match procedure::period(r) {
            (start, Some(end)) => moments::span_of(start, Some(end)),
            (start, None) => moments::instant(start),
        },
        _ => None,
    }
}

type Rows = Vec<(Param, Key)>;

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
        identifiers::rows(ej, old, went);
        identifiers::rows(ej, new, came);
    }
    let mut both = |differ: bool, rows: &dyn Fn(&Record, &mut Rows)| {
        if differ {
            rows(old, went);
            rows(new, came);
        }
    };
    match (old, new) {
        (Record::Patient(old), Record::Patient(new)) => {
            let refers = old.practices != new.practices
                || old.general_practitioners != new.general_practitioners
                || old.declared_practitioners != new.declared_practitioners
                || old.links != new.links;
            both(refers, &|record, out| references::rows(ej, record, out));
            let lives = old.addresses != new.addresses;
            both(lives || old.language != new.language, &tokens::rows);
            let called = old.mothers_maiden_name != new.mothers_maiden_name;
            both(lives || called, &strings::rows);
            both(old.telecoms != new.telecoms, &contacts::rows);
            both(old.deceased_at != new.deceased_at, &moments::rows);
            both(is_deceased(old) != is_deceased(new), &of_patient(deceased_row));
            both(old.names != new.names, &of_patient(|p, out| name_rows(&p.names, out)));
            let born = old.birth_date != new.birth_date;
            both(born, &of_patient(|p, out| birth_date_row(p.birth_date, out)));
            both(old.gender != new.gender, &of_patient(|p, out| gender_row(&p.gender, out)));
            both(old.active != new.active, &of_patient(|p, out| active_row(p.active, out)));
        }
        (Record::Stay(old), Record::Stay(new)) => {
            let refers = old.account_record != new.account_record
                || !practitioners(old).eq(practitioners(new))
                || old.service_provider != new.service_provider
                || medical_unit(old) != medical_unit(new)
                || old.diagnoses != new.diagnoses;
            both(refers, &|record, out| references::rows(ej, record, out));
            let (before, after) = (&old.situation, &new.situation);
            let says = before.class.code != after.class.code
                || old.admission_type != new.admission_type
                || old.account != new.account
                || old.reason != new.reason
                || old.special_arrangements != new.special_arrangements
                || !parts_taken(old).eq(parts_taken(new));
            both(says, &tokens::rows);
            both(old.length_days != new.length_days, &quantity::rows);
            let stood = |stay| moments::shown_places(stay).map(|place| (place.start, place.end));
            both(!stood(old).eq(stood(new)), &moments::rows);
            both(old.patient != new.patient, &of_stay(patient_row));
            both(old.status() != new.status(), &of_stay(status_row));
            both(before.class.code != after.class.code, &of_stay(class_row));
            let lasts = (before.start, before.end) != (after.start, after.end);
            both(lasts, &of_stay(period_rows));
            both(!places(old).eq(places(new)), &of_stay(place_rows));
        }
        // The other types change seldom.
        _ => both(true, &|record, out| rows(ej, record, out)),
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

fn of_patient(
    rows: fn(&PatientRecord, &mut Vec<(Param, Key)>),
) -> impl Fn(&Record, &mut Vec<(Param, Key)>) {
    move |record, out| {
        if let Record::Patient(patient) = record {
            rows(patient, out);
        }
    }
}

fn of_stay(
    rows: fn(&StayRecord, &mut Vec<(Param, Key)>),
) -> impl Fn(&Record, &mut Vec<(Param, Key)>) {
    move |record, out| {
        if let Record::Stay(stay) = record {
            rows(stay, out);
        }
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

/// `Patient.deceased[x]` says so.
pub(super) fn is_deceased(patient: &PatientRecord) -> bool {
    patient.deceased == Some(true) || moments::instant(patient.deceased_at).is_some()
}

fn deceased_row(patient: &PatientRecord, out: &mut Vec<(Param, Key)>) {
    if is_deceased(patient) {
        out.push((Param::Deceased, LOWEST));
    }
}

fn active_row(active: bool, out: &mut Vec<(Param, Key)>) {
    out.push((Param::Active, key::byte(u8::from(active))));
}

fn class_row(stay: &StayRecord, out: &mut Vec<(Param, Key)>) {
    let (system, code) = class_of(stay);
    out.push((Param::Class, class_key(&code, class_system_number(system))));
}

fn patient_row(stay: &StayRecord, out: &mut Vec<(Param, Key)>) {
    out.push((Param::Patient, key::id(stay.patient)));
}

fn status_row(stay: &StayRecord, out: &mut Vec<(Param, Key)>) {
    out.push((Param::Status, status_key(stay.status())));
}

fn period_rows(stay: &StayRecord, out: &mut Vec<(Param, Key)>) {
    let (start, end) = period::of_stay(stay);
    if start.is_some() || end.is_some() {
        out.extend(interval_rows((start, end)));
    }
}

fn interval_rows((start, end): Shown) -> [(Param, Key); 2] {
    let low = start.map_or(i64::MIN, |moment| moment.low.get());
    let high = end.map_or(i64::MAX, |moment| civil::interval(moment).high);
    [(Param::PeriodStart, key::number(low, 0)), (Param::PeriodEnd, key::number(high, 0))]
}

/// The parts that people take in a stay, as [`StayRecord::participants`] lists them.
fn parts_taken(stay: &StayRecord) -> impl Iterator<Item = &str> {
    let own = stay.practitioners.iter().map(|one| one.role.as_str());
    let movements = stay.movements.iter().filter(|movement| movement.stands());
    let listed = movements.filter_map(|movement| movement.effect.practitioners.as_deref());
    own.chain(listed.flatten().map(|one| one.role.as_str()))
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_system_that_a_class_has_tells_its_codes_from_the_others() {
        let numbers =
            [V3_ACT_CODE, V2_0004, V3_NULL_FLAVOR, "urn:another"].map(class_system_number);
        assert_eq!(numbers, [1, 2, 3, 0], "they stand in keys that are kept");
    }

    #[test]
    fn the_moment_that_a_key_was_made_of_is_read_from_it() {
        for micros in [0, 1, 1_773_000_000_000_001] {
            assert_eq!(last_updated_of(&last_updated_key(Micros::new(micros))).get(), micros);
        }
    }

    #[test]
    fn each_status_has_its_number_in_the_keys_that_are_kept() {
        use StayStatus::{
            Cancelled, EnteredInError, Finished, InProgress, OnLeave, Planned, Unknown,
        };
        let all = [Planned, InProgress, OnLeave, Finished, Cancelled, EnteredInError, Unknown];
        assert_eq!(all.map(|status| status_key(status)[0]), [1, 2, 3, 4, 5, 6, 7]);
    }
}
