//! PV1 and PV2 → what a stay's record holds beside its movements.

use super::draft::Draft;
use super::event::Trigger;
use super::movement;
use super::values::at;
use super::visit::{Visit, identifier};
use super::{IssueCode, account, own_fields};
use crate::entity::AuthorityUse;
use crate::hl7::datatypes::{Cwe, Ts, Xcn};
use crate::records::{
    Coded, Identifier, IdentifierUse, Movement, Practitioner, RecordType, ResourceId, StayRecord,
};

/// Participants that a record lists beside those of the fields: a hostile message has more ROL.
const PRACTITIONERS_MAX: usize = 64;

/// A stay of which nothing is known yet: its id from its number, else from patient and opening.
pub(super) fn unknown(
    draft: &Draft<'_>,
    visit: &Visit<'_>,
    patient: ResourceId,
    number: Option<&Identifier>,
) -> StayRecord {
    let key = visit.opening_key();
    let id = match number {
        Some(number) => draft.mint(RecordType::Stay, &[&number.system, &number.value]),
        None => {
            let moment = key.map(|key| key.to_fhir()).unwrap_or_default();
            draft.mint(RecordType::Stay, &["opening", &format!("{patient} {moment}")])
        }
    };
    StayRecord {
        opening_key: if number.is_none() { key } else { None },
        first_seen_mid_stay: !visit.event.opens(),
        ..StayRecord::new(id, patient)
    }
}

/// The numbers that lead to the stay. A new one goes first; those before it stay valid, as old.
pub(super) fn take_numbers(draft: &mut Draft<'_>, stay: &mut StayRecord, visit: &Visit<'_>) {
    let Some(number) = visit.number(draft) else { return };
    if !has(stay, &number) {
        for own in &mut stay.identifiers {
            own.r#use = IdentifierUse::Old;
        }
        stay.identifiers.insert(0, number);
    }
    let Some(alternate) = visit.alternate_number(draft) else { return };
    if has(stay, &alternate) {
        return;
    }
    match draft.stay_by_identifier(&alternate.system, &alternate.value) {
        Some(other) if other != stay.id => {
            draft.issue(IssueCode::IdentifierTaken, at(&visit.pv1, 50));
        }
        _ => stay.identifiers.insert(1, alternate),
    }
}

fn has(stay: &StayRecord, number: &Identifier) -> bool {
    stay.identifiers.iter().any(|own| own.system == number.system && own.value == number.value)
}

/// What a snapshot says of the stay, its situation apart.
pub(super) fn take_attributes(draft: &mut Draft<'_>, stay: &mut StayRecord, visit: &Visit<'_>) {
    let (pv1, pv2) = (&visit.pv1, &visit.pv2);
    if let Some(account) = identifier(draft, &visit.pid, 18, AuthorityUse::Account) {
        stay.account = Some(account);
        stay.account_record = account::record_of(draft, stay);
    } else if visit.pid.field(18).is_null() {
        stay.account = None;
        stay.account_record = None;
    }
    if let Some(named) = identifier(draft, pv1, 5, AuthorityUse::Visit) {
        stay.pre_admission = Some(named);
    } else if pv1.field(5).is_null() {
        stay.pre_admission = None;
    }
    own_fields::take(&mut stay.own, visit.own.clone());
    draft.set_moment(&mut stay.planned_start, pv2, 8);
    // A pending discharge and its cancel say PV2-9 of themselves alone.
    if !matches!(visit.event, Trigger::A16 | Trigger::A25) {
        draft.set_moment(&mut stay.planned_end, pv2, 9);
        if let Some(end) = draft.moment(Ts::of(pv2.field(9)), at(pv2, 9)) {
            movement::correct_pending_discharge(stay, end);
        }
    }
    if let Some(expected) = draft.moment(Ts::of(pv2.field(47)), at(pv2, 47)) {
        movement::correct_expected_return(stay, expected);
    }
    draft.set_coded(&mut stay.admission_type, pv1, 4, "0007");
    draft.set_coded(&mut stay.service, pv1, 10, "0069");
    draft.set_coded(&mut stay.readmission, pv1, 13, "0092");
    draft.set_coded(&mut stay.admit_source, pv1, 14, "0023");
    draft.set_coded(&mut stay.reason, pv2, 3, "");
    draft.set_coded(&mut stay.priority, pv2, 25, "0217");
    for (field, role) in ROLES {
        if let Some(listed) = listed(draft, visit, field, role) {
            replace(stay, role, listed);
        }
    }
    rol(draft, stay, visit);
}

/// PV1-7, 8, 9, 17 and 52, in the order in which a record lists them.
const ROLES: [(usize, &str); 5] = [(7, "ATND"), (8, "REF"), (9, "CON"), (17, "ADM"), (52, "PART")];

/// One field, one role; its repetitions are the list.
pub(super) fn listed(
    draft: &mut Draft<'_>,
    visit: &Visit<'_>,
    field: usize,
    role: &str,
) -> Option<Vec<Practitioner>> {
    draft.list(&visit.pv1, field, |draft, repetition, at| {
        draft.practitioner(Xcn::of(repetition), role, at)
    })
}

/// All of one role, as a snapshot says: those of the last change that stands, else those that the
/// stay began with.
fn replace(stay: &mut StayRecord, role: &str, listed: Vec<Practitioner>) {
    let changes = |movement: &Movement| {
        movement.effect.practitioners.is_some() && movement.changed_role() == role
    };
    if let Some(at) = movement::last(stay, changes) {
        stay.movements[at].effect.practitioners = Some(listed);
        return;
    }
    stay.practitioners.retain(|practitioner| practitioner.role != role);
    stay.practitioners.extend(listed);
    in_order(&mut stay.practitioners);
}

/// In the order of the fields, so that a message told again gives the same list.
fn in_order(practitioners: &mut [Practitioner]) {
    let order = |role: &str| ROLES.iter().position(|(_, known)| *known == role);
    practitioners.sort_by_key(|practitioner| order(&practitioner.role).unwrap_or(ROLES.len()));
}

/// The ROL after PV1: each is one participant, with a period; ROL-2 may take him away.
fn rol(draft: &mut Draft<'_>, stay: &mut StayRecord, visit: &Visit<'_>) {
    for rol in visit.roles.iter() {
        let code = rol.field(3).component(1).text();
        let role = match code.trim() {
            "" => continue,
            "AD" => "ADM",
            "AT" => "ATND",
            "CP" => "CON",
            "RP" => "REF",
            other => other,
        };
        let Some(mut who) = draft.practitioner(Xcn::of(rol.field(4)), role, at(&rol, 4)) else {
            continue;
        };
        who.start = draft.moment(Ts::of(rol.field(5)), at(&rol, 5));
        who.end = draft.moment(Ts::of(rol.field(6)), at(&rol, 6));
        let action = rol.field(2).component(1).text();
        stay.practitioners.retain(|own| own.role != who.role || !is_same(own, &who));
        if !matches!(action.trim(), "DE" | "D") && stay.practitioners.len() < PRACTITIONERS_MAX {
            stay.practitioners.push(who);
        }
    }
    in_order(&mut stay.practitioners);
}

/// By number where both have one, else by name.
fn is_same(one: &Practitioner, other: &Practitioner) -> bool {
    match (&one.identifier, &other.identifier) {
        (Some(one), Some(other)) => one.system == other.system && one.value == other.value,
        _ => one.name == other.name,
    }
}

/// PV1-36.
pub(super) fn disposition(draft: &mut Draft<'_>, visit: &Visit<'_>) -> Coded {
    let field = visit.pv1.field(36);
    if field.is_null() {
        return Coded::default();
    }
    said(draft.coded(Cwe::of(field), "0112", at(&visit.pv1, 36)))
}

/// PV1-37, DLD.1.
pub(super) fn destination(draft: &mut Draft<'_>, visit: &Visit<'_>) -> Coded {
    let component = visit.pv1.field(37).component(1);
    if component.is_null() {
        return Coded::default();
    }
    said(draft.coded(Cwe::of(component), "0113", at(&visit.pv1, 37)))
}

/// Without a code or a text there is nothing, whatever the table.
fn said(coded: Coded) -> Coded {
    let nothing = Coded { table: coded.table.clone(), ..Coded::default() };
    if coded == nothing { Coded::default() } else { coded }
}
