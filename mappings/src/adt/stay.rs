//! PV1 and PV2 → what a stay's record holds beside its movements.

use super::IssueCode;
use super::draft::Draft;
use super::values::at;
use super::visit::{Visit, identifier};
use crate::entity::AuthorityUse;
use crate::hl7::datatypes::{Cwe, Xcn};
use crate::records::{
    Coded, Identifier, IdentifierUse, Practitioner, RecordType, ResourceId, StayRecord,
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
    } else if visit.pid.field(18).is_null() {
        stay.account = None;
    }
    if let Some(named) = identifier(draft, pv1, 5, AuthorityUse::Visit) {
        stay.pre_admission = Some(named);
    } else if pv1.field(5).is_null() {
        stay.pre_admission = None;
    }
    draft.set_moment(&mut stay.planned_start, pv2, 8);
    draft.set_moment(&mut stay.planned_end, pv2, 9);
    draft.set_coded(&mut stay.admission_type, pv1, 4, "0007");
    draft.set_coded(&mut stay.service, pv1, 10, "0069");
    draft.set_coded(&mut stay.readmission, pv1, 13, "0092");
    draft.set_coded(&mut stay.admit_source, pv1, 14, "0023");
    draft.set_coded(&mut stay.reason, pv2, 3, "");
    draft.set_coded(&mut stay.priority, pv2, 25, "0217");
    for (field, role) in [(7, "ATND"), (8, "REF"), (9, "CON"), (17, "ADM")] {
        practitioners(draft, stay, visit, field, role);
    }
}

/// One field, one role; its repetitions are the list.
fn practitioners(
    draft: &mut Draft<'_>,
    stay: &mut StayRecord,
    visit: &Visit<'_>,
    field: usize,
    role: &str,
) {
    let listed: Option<Vec<Practitioner>> =
        draft.list(&visit.pv1, field, |draft, repetition, at| {
            draft.practitioner(Xcn::of(repetition), role, at)
        });
    if let Some(listed) = listed {
        // In the order of the fields, so that a message told again gives the same list.
        let order = |role: &str| ["ATND", "REF", "CON", "ADM"].iter().position(|r| *r == role);
        stay.practitioners.retain(|practitioner| practitioner.role != role);
        stay.practitioners.extend(listed);
        stay.practitioners.sort_by_key(|practitioner| order(&practitioner.role));
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
