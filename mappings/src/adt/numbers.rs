//! PID-3 and the other numbers of a patient → the record's identifiers.
//!
//! They are only ever added: those that find a patient are taken away by the events that are
//! made for it, and the INS by the national rules, not by not being there (ADR 0024).

use super::draft::Draft;
use super::french::ins;
use super::identity::{self, Identifiers, Kind};
use super::values::at;
use super::{IssueCode, systems};
use crate::entity::AuthorityUse;
use crate::hl7::Segment;
use crate::hl7::datatypes::{Cx, Dln};
use crate::records::{Identifier, IdentifierUse, PatientRecord};

/// Identifiers that a record holds; older ones find it as aliases from then on.
pub(super) const IDENTIFIERS_MAX: usize = 24;

/// Takes PID-3, PID-2, PID-4, PID-19 and PID-20; PID-32 has been taken before.
pub(super) fn take(
    draft: &mut Draft<'_>,
    patient: &mut PatientRecord,
    identifiers: &Identifiers,
    pid: &Segment<'_>,
) {
    let place = at(pid, 3);
    let allowed = ins::may_hold(draft, patient);
    if identifiers.deletes_ins || !allowed {
        patient.identifiers.retain(|own| !ins::is_ins(own));
    }
    for (kind, identifier) in &identifiers.listed {
        match kind {
            Kind::National if !allowed && ins::is_ins(identifier) => {
                draft.issue(IssueCode::IdentityNotAllowed, place);
                continue;
            }
            Kind::National => {
                // Another value under the same authority is a correction.
                patient.identifiers.retain(|own| {
                    !ins::is_national(own)
                        || !ins::is_same_kind(own, identifier)
                        || own.system != identifier.system
                        || own.value == identifier.value
                });
            }
            Kind::Key => {
                if is_anothers(draft, patient, identifier) {
                    draft.issue(IssueCode::IdentifierTaken, place);
                    continue;
                }
            }
        }
        add(draft, patient, identifier.clone());
    }
    ins::keep_the_nir(&mut patient.identifiers);
    other_numbers(draft, patient, pid);
}

/// Adds one, or refreshes the one that is there; a number that a merge made old stays old.
pub(super) fn add(draft: &mut Draft<'_>, patient: &mut PatientRecord, identifier: Identifier) {
    if let Some(own) =
        patient.identifiers.iter_mut().find(|own| identity::is_same(own, &identifier))
    {
        let r#use = own.r#use;
        *own = identifier;
        own.r#use = r#use;
    } else if patient.identifiers.len() < IDENTIFIERS_MAX {
        patient.identifiers.push(identifier);
    } else {
        draft.alias(identifier.system, identifier.value, patient.id);
    }
}

/// PID-2, PID-4, PID-19 and PID-20 (outside France, where they are forbidden): shown, never keys.
fn other_numbers(draft: &mut Draft<'_>, patient: &mut PatientRecord, pid: &Segment<'_>) {
    if draft.is_french() {
        return;
    }
    for (field, own_system) in [(2, "pid-2"), (4, "pid-4")] {
        for repetition in draft.repetitions(pid.field(field), at(pid, field)) {
            let cx = Cx::of(repetition);
            let Some((_, mut identifier)) =
                draft.identifier(cx, AuthorityUse::Patient, at(pid, field))
            else {
                continue;
            };
            if cx.assigning_authority().is_empty() {
                identifier.system = systems::local(draft.entity(), own_system);
            }
            // Old senders repeat the number of PID-3 in all three fields.
            let repeated = patient.identifiers.iter().any(|own| own.value == identifier.value);
            if !repeated && !is_anothers(draft, patient, &identifier) {
                add(draft, patient, identifier);
            }
        }
    }
    if pid.field(19).is_null() {
        patient.identifiers.retain(|own| !matches!(own.type_code.as_str(), "SS" | "SB"));
    } else if let Some(number) = draft.social_security(pid, 19) {
        replace(draft, patient, number);
    }
    if pid.field(20).is_null() {
        patient.identifiers.retain(|own| own.type_code != "DL");
    } else if let Some(number) = drivers_license(draft, pid) {
        replace(draft, patient, number);
    }
}

/// One of its system and type: another value is a correction.
fn replace(draft: &mut Draft<'_>, patient: &mut PatientRecord, number: Identifier) {
    patient.identifiers.retain(|own| {
        own.type_code != number.type_code
            || own.system != number.system
            || own.value == number.value
    });
    add(draft, patient, number);
}

/// DLN: the licence is numbered by who issues licences there.
fn drivers_license(draft: &mut Draft<'_>, pid: &Segment<'_>) -> Option<Identifier> {
    let (dln, place) = (Dln::of(pid.field(20)), at(pid, 20));
    let value = draft.whole(dln.number()?, place)?;
    let issuer = draft.text(dln.issuer().code().or_else(|| dln.issuer().text()), place);
    let system = match issuer.as_str() {
        "" => systems::local(draft.entity(), "driver-license"),
        issuer => systems::local(draft.entity(), &format!("driver-license-{issuer}")),
    };
    let end = draft.moment(dln.expires(), place);
    let type_code = "DL".to_owned();
    Some(Identifier { system, value, type_code, end, assigner: issuer, ..Identifier::default() })
}

const US_SSN: &str = "http://hl7.org/fhir/sid/us-ssn";

impl Draft<'_> {
    /// PID-19, NK1-37: nine digits that nobody is named to have assigned are a social security
    /// number of the United States (SS), anything else a number of its authority or of the EJ
    /// (SB: FACTS §3 PID-19).
    pub fn social_security(&mut self, segment: &Segment<'_>, field: usize) -> Option<Identifier> {
        let cx = Cx::of(segment.field(field));
        let (_, mut identifier) = self.identifier(cx, AuthorityUse::Any, at(segment, field))?;
        if cx.assigning_authority().is_empty() {
            let digits = identifier.value.bytes().filter(|byte| *byte != b'-');
            let is_us = digits.clone().count() == 9 && digits.clone().all(|b| b.is_ascii_digit());
            let own = || systems::local(self.entity(), "social-security");
            identifier.system = if is_us { US_SSN.to_owned() } else { own() };
        }
        let type_code = if identifier.system == US_SSN { "SS" } else { "SB" };
        type_code.clone_into(&mut identifier.type_code);
        Some(identifier)
    }
}

fn is_anothers(draft: &Draft<'_>, patient: &PatientRecord, identifier: &Identifier) -> bool {
    let owner = draft.patient_by_identifier(&identifier.system, &identifier.value);
    owner.is_some_and(|owner| identity::survivor(draft, owner) != patient.id)
}

/// Moves what finds `loser` to `survivor`, as old.
pub(super) fn move_all(
    draft: &mut Draft<'_>,
    loser: &mut PatientRecord,
    survivor: &mut PatientRecord,
) {
    let allowed = ins::may_hold(draft, survivor);
    for mut identifier in std::mem::take(&mut loser.identifiers) {
        if ins::is_ins(&identifier) && !allowed {
            continue;
        }
        if !survivor.identifiers.iter().any(|own| identity::is_same(own, &identifier)) {
            identifier.r#use = IdentifierUse::Old;
            add(draft, survivor, identifier);
        }
    }
}
