//! PID, PD1, NK1 (and the French ROL of the declared doctor) → the patient's record.
//!
//! A message is a snapshot: what it says replaces what was known, lists as a whole; what it
//! leaves empty stays; `""` deletes. (Identifiers are another matter: `numbers`.)

use super::draft::Draft;
use super::identity::Identifiers;
use super::values::{REPETITIONS_MAX, at};
use super::{IssueCode, numbers, own_fields};
use crate::hl7::datatypes::{Cwe, Xad, Xcn, Xpn, Xtn};
use crate::hl7::{Segment, Segments, Value};
use crate::records::{Address, Contact, HumanName, PatientRecord, Telecom};
use crate::site::SiteResource;

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
    contacts(draft, patient, segments);
    general_practitioner(draft, patient, segments);
    let own = own_fields::read(draft, segments, SiteResource::Patient);
    own_fields::take(&mut patient.own, own);
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

/// PID-5, and PID-9 (alias names) behind it.
fn names(draft: &mut Draft<'_>, patient: &mut PatientRecord, pid: &Segment<'_>) {
    let is_alias = |name: &HumanName| name.name_type == "A";
    let one = |draft: &mut Draft<'_>, repetition, at| {
        let name = draft.name(Xpn::of(repetition), at);
        (!name.family.is_empty() || !name.given.is_empty()).then_some(name)
    };
    if let Some(names) = draft.list(pid, 5, one) {
        let aliases = patient.names.drain(..).filter(is_alias).collect::<Vec<_>>();
        patient.names = names;
        patient.names.extend(aliases);
    }
    if let Some(mut aliases) = draft.list(pid, 9, one) {
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
    // PID-26 is what French feeds use; PID-28 was withdrawn from the standard.
    for field in [28, 26] {
        let countries = draft.list(pid, field, |draft, repetition, at| {
            Some(draft.coded(Cwe::of(repetition), "", at))
        });
        if let Some(countries) = countries {
            patient.nationalities = countries;
        }
    }
    set_flag(&mut patient.multiple_birth, pid, 24);
    match pid.field(25).value() {
        Value::Null => patient.birth_order = None,
        Value::Empty => {}
        Value::Text(order) => patient.birth_order = order.trim().parse().ok(),
    }
    draft.set_moment(&mut patient.deceased_at, pid, 29);
    set_flag(&mut patient.deceased, pid, 30);
}

fn set_flag(target: &mut Option<bool>, segment: &Segment<'_>, field: usize) {
    match segment.field(field).component(1).value() {
        Value::Null => *target = None,
        Value::Empty => {}
        Value::Text(text) => match text.trim() {
            "Y" => *target = Some(true),
            "N" => *target = Some(false),
            _ => {}
        },
    }
}

/// PID-11; its BDL repetition, else PID-23, is the birth place.
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
    let Some(listed) = listed else { return };
    let (births, mut addresses): (Vec<_>, Vec<_>) =
        listed.into_iter().partition(|address| address.address_type == "BDL");
    if let Some(birth) = births.into_iter().next() {
        patient.birth_place = Some(birth);
    } else if pid.field(11).is_null() {
        patient.birth_place = None;
    }
    // PID-12 is the county of the only address (FACTS §3).
    if let [only] = addresses.as_mut_slice()
        && only.district.is_empty()
    {
        draft.set_text(&mut only.district, pid.field(12).component(1), at(pid, 12));
    }
    patient.addresses = addresses;
}

/// PID-13 (home, where XTN-2 does not say), PID-14 (work), each a list of its own.
fn telecoms(draft: &mut Draft<'_>, patient: &mut PatientRecord, pid: &Segment<'_>) {
    const WORK: &str = "WPN";
    for (field, default_use) in [(13, "PRN"), (14, WORK)] {
        let listed = draft.list(pid, field, |draft, repetition, at| {
            draft.telecom(Xtn::of(repetition), default_use, at)
        });
        let Some(listed) = listed else { continue };
        let is_work = field == 14;
        let others = |telecom: &Telecom| (telecom.use_code == WORK) != is_work;
        patient.telecoms.retain(others);
        for telecom in listed {
            if !patient.telecoms.contains(&telecom) {
                patient.telecoms.push(telecom);
            }
        }
    }
    patient.telecoms.truncate(REPETITIONS_MAX);
}

/// All NK1 of the message are the list.
fn contacts(draft: &mut Draft<'_>, patient: &mut PatientRecord, segments: Segments<'_>) {
    let listed: Vec<_> = segments.named("NK1").take(REPETITIONS_MAX + 1).collect();
    let Some(first) = listed.first() else { return };
    if listed.len() > REPETITIONS_MAX {
        draft.issue(IssueCode::ValueCut, first.location());
    }
    let listed = listed.iter().take(REPETITIONS_MAX);
    patient.contacts = listed.filter_map(|nk1| contact(draft, nk1)).collect();
}

/// NK1 → contact; one that says neither name, number, address nor organization is none (pat-1).
fn contact(draft: &mut Draft<'_>, nk1: &Segment<'_>) -> Option<Contact> {
    let mut telecoms = Vec::new();
    for (field, default_use) in [(5, "PRN"), (6, "WPN"), (40, "PRN")] {
        let listed = draft.list(nk1, field, |draft, repetition, at| {
            draft.telecom(Xtn::of(repetition), default_use, at)
        });
        telecoms.extend(listed.unwrap_or_default());
    }
    telecoms.truncate(REPETITIONS_MAX);
    let mut contact = Contact {
        name: draft.name(Xpn::of(nk1.field(2)), at(nk1, 2)),
        telecoms,
        address: draft.address(Xad::of(nk1.field(4)), at(nk1, 4)),
        ..Contact::default()
    };
    draft.set_coded(&mut contact.relationship, nk1, 3, "0063");
    draft.set_coded(&mut contact.role, nk1, 7, "0131");
    draft.set_text(&mut contact.gender, nk1.field(15).component(1), at(nk1, 15));
    draft.set_text(&mut contact.organization.name, nk1.field(13).component(1), at(nk1, 13));
    let says_who = !contact.name.family.is_empty()
        || !contact.name.given.is_empty()
        || !contact.telecoms.is_empty()
        || contact.address.is_some()
        || !contact.organization.name.is_empty();
    says_who.then_some(contact)
}

/// PD1-4, or the ROL that stands before PV1: the doctor whom the patient has declared
/// (ODRP in France, PP elsewhere).
fn general_practitioner(
    draft: &mut Draft<'_>,
    patient: &mut PatientRecord,
    segments: Segments<'_>,
) {
    let pd1 = segments.segment("PD1");
    let listed = draft
        .list(&pd1, 4, |draft, repetition, at| draft.practitioner(Xcn::of(repetition), "PP", at));
    if let Some(listed) = listed {
        patient.general_practitioners = listed;
    }
    for rol in segments.before("PV1").named("ROL") {
        let role = rol.field(3).component(1).text();
        if !matches!(role.trim(), "ODRP" | "PP") {
            continue;
        }
        let action = rol.field(2).component(1).text();
        if matches!(action.trim(), "DE" | "D") {
            patient.declared_practitioners.clear();
        } else if let Some(doctor) = draft.practitioner(Xcn::of(rol.field(4)), "PP", at(&rol, 4)) {
            patient.declared_practitioners = vec![doctor];
        }
    }
}
