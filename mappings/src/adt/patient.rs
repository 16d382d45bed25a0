//! PID and PD1 → the patient's record.
//!
//! A message is a snapshot: what it says replaces what was known, lists as a whole; what it
//! leaves empty stays; `""` deletes. (Identifiers are another matter: `numbers`.)

use super::draft::Draft;
use super::identity::Identifiers;
use super::values::{REPETITIONS_MAX, at};
use super::{IssueCode, contacts, french, numbers, own_fields, roles};
use crate::hl7::datatypes::{Hd, Xad, Xcn, Xon, Xpn};
use crate::hl7::{Segment, Segments, Value};
use crate::records::{Address, HumanName, NamedOrganization, PatientRecord, ResourceId, Telecom};
use crate::site::SiteResource;

/// A patient of whom nothing is known yet but the id. With the first one of an EJ comes the EJ
/// itself, which every resource of its feed refers to.
pub(super) fn unknown(
    draft: &mut Draft<'_>,
    id: ResourceId,
    first_seen_mid_stay: bool,
) -> PatientRecord {
    draft.legal_entity();
    PatientRecord { first_seen_mid_stay, ..PatientRecord::new(id) }
}

/// Takes the message's snapshot of a patient who is known.
pub(super) fn update(
    draft: &mut Draft<'_>,
    patient: &mut PatientRecord,
    segments: Segments<'_>,
    identifiers: &Identifiers,
) {
    let pid = segments.segment("PID");
    reliability(draft, patient, &pid);
    numbers::take(draft, patient, identifiers, &pid);
    names(draft, patient, &pid);
    person(draft, patient, &pid);
    addresses(draft, patient, &pid);
    telecoms(draft, patient, &pid);
    additional(draft, patient, segments);
    contacts::take(draft, patient, segments);
    roles::take_of_patient(draft, patient, segments);
    let own = own_fields::read(draft, &[segments], SiteResource::Patient);
    own_fields::take(&mut patient.own, own);
    french::take_person(draft, patient, segments);
}

/// PID-32, before the identifiers: it decides whether an INS may be kept.
fn reliability(draft: &mut Draft<'_>, patient: &mut PatientRecord, pid: &Segment<'_>) {
    let codes = draft.list(pid, 32, |draft, repetition, at| {
        let code = draft.text(repetition.component(1).value().into_text(), at);
        (!code.trim().is_empty()).then(|| code.trim().to_owned())
    });
    if let Some(codes) = codes {
        patient.reliability = codes;
    }
}

/// PID-5, and PID-9 (alias names) behind it. XPN-15 is a name of its own. PID-5 is the newer place
/// of an alias (XPN-7 A): where it has one, those known are replaced by it, else they stay.
fn names(draft: &mut Draft<'_>, patient: &mut PatientRecord, pid: &Segment<'_>) {
    let is_alias = |name: &HumanName| name.name_type == "A";
    if let Some(names) = listed_names(draft, pid, 5) {
        let mut known = std::mem::replace(&mut patient.names, names);
        if !patient.names.iter().any(is_alias) {
            known.retain(is_alias);
            patient.names.extend(known);
        }
    }
    if let Some(mut aliases) = listed_names(draft, pid, 9) {
        for alias in &mut aliases {
            alias.name_type = "A".to_owned();
        }
        patient.names.retain(|name| !is_alias(name));
        patient.names.extend(aliases);
    }
    patient.names.truncate(REPETITIONS_MAX);
    match pid.field(6).component(1).value() {
        Value::Null => patient.mothers_maiden_name.clear(),
        Value::Empty => {}
        Value::Text(_) => {
            patient.mothers_maiden_name = draft.name(Xpn::of(pid.field(6)), at(pid, 6)).family;
        }
    }
}

fn listed_names(draft: &mut Draft<'_>, pid: &Segment<'_>, field: usize) -> Option<Vec<HumanName>> {
    let value = pid.field(field);
    if value.is_null() {
        return Some(Vec::new());
    }
    if value.is_empty() {
        return None;
    }
    let place = at(pid, field);
    let (mut names, mut called) = (Vec::new(), Vec::new());
    for repetition in draft.repetitions(value, place) {
        let xpn = Xpn::of(repetition);
        let name = draft.name(xpn, place);
        if !name.family.is_empty() || !name.given.is_empty() {
            names.push(name);
        }
        if let Some(short) = xpn.called_by() {
            let given = vec![draft.text(Some(short), place)];
            called.push(HumanName { given, name_type: "N".to_owned(), ..HumanName::default() });
        }
    }
    names.extend(called);
    Some(names)
}

fn person(draft: &mut Draft<'_>, patient: &mut PatientRecord, pid: &Segment<'_>) {
    draft.set_moment(&mut patient.birth_date, pid, 7);
    draft.set_text(&mut patient.gender, pid.field(8).component(1), at(pid, 8));
    if let Some(code) = draft.entity().site.to("0001", &patient.gender) {
        patient.gender = code.to_owned();
    }
    if !matches!(patient.gender.as_str(), "" | "A" | "F" | "M" | "N" | "O" | "U") {
        draft.issue(IssueCode::CodeUnknown, at(pid, 8));
    }
    draft.set_coded(&mut patient.language, pid, 15, "0296");
    draft.set_coded(&mut patient.marital_status, pid, 16, "0002");
    draft.set_coded(&mut patient.religion, pid, 17, "0006");
    nations(draft, patient, pid);
    draft.set_flag(&mut patient.multiple_birth, pid, 24);
    draft.set_number(&mut patient.birth_order, pid, 25);
    draft.set_moment(&mut patient.deceased_at, pid, 29);
    draft.set_flag(&mut patient.deceased, pid, 30);
    if pid.field(29).is_empty() && pid.field(30).component(1).text().trim() == "N" {
        // Said to be alive: the time of a death that was told by mistake goes with it.
        patient.deceased_at = None;
    }
    draft.set_flag(&mut patient.identity_unknown, pid, 31);
    draft.set_moment(&mut patient.last_update, pid, 33);
    let facility = pid.field(34);
    if facility.is_null() {
        patient.last_update_facility.clear();
    } else if let Some(name) = Hd::of(facility).namespace().or_else(|| Hd::of(facility).key()) {
        patient.last_update_facility = draft.text(Some(name), at(pid, 34));
    }
    draft.set_coded(&mut patient.species, pid, 35, "0446");
    draft.set_coded(&mut patient.breed, pid, 36, "0447");
}

/// PID-26 is the nationality in French feeds, which do not know PID-28; elsewhere PID-26 and
/// PID-39 are citizenships, and PID-28 is the nationality.
fn nations(draft: &mut Draft<'_>, patient: &mut PatientRecord, pid: &Segment<'_>) {
    draft.set_codes(&mut patient.nationalities, pid, 28, "0212");
    if draft.is_french() {
        draft.set_codes(&mut patient.nationalities, pid, 26, "0171");
        return;
    }
    if pid.field(26).is_empty() && pid.field(39).is_empty() {
        return;
    }
    patient.citizenships.clear();
    for (field, table) in [(26, "0171"), (39, "0171")] {
        let mut listed = Vec::new();
        draft.set_codes(&mut listed, pid, field, table);
        patient.citizenships.extend(listed);
    }
}

/// PID-11; its repetition of type BDL or N, else PID-23, is the birth place.
fn addresses(draft: &mut Draft<'_>, patient: &mut PatientRecord, pid: &Segment<'_>) {
    match pid.field(23).value() {
        Value::Null => patient.birth_place = None,
        Value::Empty => {}
        Value::Text(text) => {
            let line = draft.text(Some(text), at(pid, 23));
            patient.birth_place = Some(Address { lines: vec![line], ..Address::default() });
        }
    }
    let listed =
        draft.list(pid, 11, |draft, repetition, at| draft.address(Xad::of(repetition), at));
    if let Some(listed) = listed {
        let is_birth = |address: &Address| matches!(address.address_type.as_str(), "BDL" | "N");
        let (births, addresses): (Vec<_>, Vec<_>) = listed.into_iter().partition(is_birth);
        if let Some(birth) = births.into_iter().next() {
            patient.birth_place = Some(birth);
        } else if pid.field(11).is_null() {
            patient.birth_place = None;
        }
        patient.addresses = addresses;
    }
    county(draft, patient, pid);
}

/// PID-12 is the county of the only address that has none; else it stands by itself (FACTS §3).
fn county(draft: &mut Draft<'_>, patient: &mut PatientRecord, pid: &Segment<'_>) {
    let field = pid.field(12).component(1);
    if field.is_null() || field.is_empty() {
        return;
    }
    let mut district = String::new();
    draft.set_text(&mut district, field, at(pid, 12));
    if let [only] = patient.addresses.as_mut_slice()
        && only.district.is_empty()
    {
        only.district = district;
    } else if !patient.addresses.iter().any(|address| address.district == district) {
        patient.addresses.push(Address { district, ..Address::default() });
        patient.addresses.truncate(REPETITIONS_MAX);
    }
}

/// PID-13 (home, where XTN-2 does not say), PID-14 (work), PID-40: each a list of its own.
fn telecoms(draft: &mut Draft<'_>, patient: &mut PatientRecord, pid: &Segment<'_>) {
    for (field, default_use) in [(13, "PRN"), (14, "WPN"), (40, "")] {
        let Some(listed) = draft.telecoms(pid, usize::from(field), default_use) else { continue };
        patient.telecoms.retain(|own| own.field != field);
        for telecom in listed {
            let telecom = Telecom { field, ..telecom };
            let is_same = |own: &Telecom| Telecom { field, ..own.clone() } == telecom;
            if !patient.telecoms.iter().any(is_same) {
                patient.telecoms.push(telecom);
            }
        }
    }
    // In the order of the fields, so that a message told again gives the same list.
    patient.telecoms.sort_by_key(|telecom| telecom.field);
    patient.telecoms.truncate(REPETITIONS_MAX);
}

/// PD1 (of PD1-7: `clinical`), and PV1-16 (a person of importance).
fn additional(draft: &mut Draft<'_>, patient: &mut PatientRecord, segments: Segments<'_>) {
    draft.set_coded(&mut patient.importance, &segments.segment("PV1"), 16, "0099");
    let pd1 = segments.segment("PD1");
    if !pd1.exists() {
        return;
    }
    let practices = draft.list(&pd1, 3, |draft, repetition, at| {
        let practice = draft.organization(Xon::of(repetition), at);
        (practice != NamedOrganization::default()).then_some(practice)
    });
    if let Some(practices) = practices {
        patient.practices = practices;
    }
    let doctors = draft
        .list(&pd1, 4, |draft, repetition, at| draft.practitioner(Xcn::of(repetition), "PP", at));
    if let Some(doctors) = doctors {
        patient.general_practitioners = doctors;
    }
    draft.set_coded(&mut patient.disability, &pd1, 6, "0295");
    draft.set_text(&mut patient.congregation, pd1.field(14).component(1), at(&pd1, 14));
}
