//! PV1 and PV2 → what a stay's record holds beside its movements.

use super::draft::Draft;
use super::event::Trigger;
use super::values::at;
use super::visit::{Visit, identifier};
use super::{IssueCode, account, french, movement, own_fields, roles};
use crate::entity::AuthorityUse;
use crate::hl7::Segment;
use crate::hl7::datatypes::{Cwe, Ts, Xcn, Xon};
use crate::records::{
    Coded, Identifier, IdentifierUse, Movement, NamedOrganization, Practitioner, RecordType,
    ResourceId, StayRecord,
};

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
    if draft.stay_by_identifier(&alternate.system, &alternate.value).is_some() {
        draft.issue(IssueCode::IdentifierTaken, at(&visit.pv1, 50));
    } else {
        stay.identifiers.insert(1, alternate);
    }
}

fn has(stay: &StayRecord, number: &Identifier) -> bool {
    stay.identifiers.iter().any(|own| own.is_number_of(number))
}

/// What a snapshot says of the stay, its situation apart.
pub(super) fn take_attributes(draft: &mut Draft<'_>, stay: &mut StayRecord, visit: &Visit<'_>) {
    let (pv1, pv2) = (&visit.pv1, &visit.pv2);
    take_account(draft, stay, visit);
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
    draft.set_codes(&mut stay.special_arrangements, pv1, 15, "0009");
    draft.set_coded(&mut stay.special_courtesy, pv1, 16, "0099");
    financial_classes(draft, stay, pv1);
    draft.set_coded(&mut stay.diet, pv1, 38, "0114");
    service_provider(draft, stay, visit);
    if pv2.exists() {
        draft.set_coded(&mut stay.reason, pv2, 3, "");
        draft.set_codes(&mut stay.visit_user_codes, pv2, 7, "0130");
        draft.set_number(&mut stay.length_days, pv2, 11);
        draft.set_text(&mut stay.description, pv2.field(12).component(1), at(pv2, 12));
        draft.set_flag(&mut stay.is_protected, pv2, 22);
        draft.set_coded(&mut stay.priority, pv2, 25, "0217");
        draft.set_coded(&mut stay.mode_of_arrival, pv2, 38, "0430");
    }
    practitioners(draft, stay, visit);
    roles::take_of_stay(draft, stay, visit.roles);
    in_order(&mut stay.practitioners);
    french::take_stay(draft, stay, visit);
}

/// PID-18: the account that the stay is billed to.
fn take_account(draft: &mut Draft<'_>, stay: &mut StayRecord, visit: &Visit<'_>) {
    if let Some(account) = identifier(draft, &visit.pid, 18, AuthorityUse::Account) {
        stay.account = Some(account);
        stay.account_record = account::record_of(draft, stay);
    } else if visit.pid.field(18).is_null() {
        stay.account = None;
        stay.account_record = None;
    }
}

/// PV1-20: FC.1 of each repetition.
fn financial_classes(draft: &mut Draft<'_>, stay: &mut StayRecord, pv1: &Segment<'_>) {
    let listed = draft.list(pv1, 20, |draft, repetition, at| {
        Some(draft.coded(Cwe::of(repetition.component(1)), "0064", at))
    });
    if let Some(listed) = listed {
        stay.financial_classes = listed;
    }
}

/// PV1-39, else PV2-23; in France the UF that PV1-3 names.
fn service_provider(draft: &mut Draft<'_>, stay: &mut StayRecord, visit: &Visit<'_>) {
    let (pv1, pv2) = (&visit.pv1, &visit.pv2);
    let unit = visit.place(draft).and_then(|placed| draft.unit_of(&placed.place));
    let named = if unit.is_some() {
        NamedOrganization { organization: unit, name: String::new() }
    } else if pv1.field(39).is_empty() {
        draft.organization(Xon::of(pv2.field(23)), at(pv2, 23))
    } else {
        draft.organization_by_code(pv1.field(39), at(pv1, 39))
    };
    if named != NamedOrganization::default() {
        stay.service_provider = named;
    } else if pv1.field(39).is_null() || pv2.field(23).is_null() {
        stay.service_provider = NamedOrganization::default();
    }
}

/// PV1-7, 8, 9, 17 and 52, in the order in which a record lists them.
const ROLES: [(usize, &str); 5] = [(7, "ATND"), (8, "REF"), (9, "CON"), (17, "ADM"), (52, "PART")];

/// PV2-13 names who referred the patient, as PV1-8 does.
fn practitioners(draft: &mut Draft<'_>, stay: &mut StayRecord, visit: &Visit<'_>) {
    for (field, role) in ROLES {
        let mut said = listed(draft, visit, field, role);
        if role == "REF" {
            let sources = draft.list(&visit.pv2, 13, |draft, repetition, at| {
                draft.practitioner(Xcn::of(repetition), role, at)
            });
            for source in sources.unwrap_or_default() {
                let said = said.get_or_insert_default();
                if !said.contains(&source) {
                    said.push(source);
                }
            }
        }
        if let Some(said) = said {
            replace(stay, role, said);
        }
    }
}

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
