//! ZFV and ZFM: where a stay comes from and goes to; PV1-41 and PV1-51.

use crate::adt::draft::Draft;
use crate::adt::values::at;
use crate::adt::{IssueCode, visit};
use crate::entity::{AuthorityUse, LegalStatusUse};
use crate::hl7::Segment;
use crate::hl7::datatypes::{Dld, Xad};
use crate::records::{Coded, FrenchStay, Identifier};

pub(super) fn venue(draft: &mut Draft<'_>, stay: &mut FrenchStay, zfv: &Segment<'_>) {
    origin(draft, stay, zfv);
    draft.set_coded(&mut stay.discharge_transport, zfv, 2, "0430");
    addresses(draft, stay, zfv);
    set_number(draft, &mut stay.origin_account, zfv, 7, AuthorityUse::Account);
    set_number(draft, &mut stay.archive, zfv, 8, AuthorityUse::Any);
    draft.set_coded(&mut stay.discharge_mode, zfv, 9, "");
    draft.set_coded(&mut stay.transport_care, zfv, 11, "");
    if !matches!(stay.transport_care.code.as_str(), "" | "MED" | "PARAMED" | "AUCUN") {
        draft.issue(IssueCode::CodeUnknown, at(zfv, 11));
    }
}

/// ZFV-1, a DLD: an establishment by its FINESS, and when it was left.
fn origin(draft: &mut Draft<'_>, stay: &mut FrenchStay, zfv: &Segment<'_>) {
    let field = zfv.field(1);
    if field.is_null() {
        (stay.origin, stay.origin_left) = (Coded::default(), None);
        return;
    }
    let dld = Dld::of(field);
    if dld.location().code().is_some() || dld.location().text().is_some() {
        stay.origin = draft.coded(dld.location(), "", at(zfv, 1));
    }
    if let Some(left) = draft.moment(dld.effective(), at(zfv, 1).at_component(2)) {
        stay.origin_left = Some(left);
    }
}

/// ZFV-6: repetitions of type ORI and DST, as a whole.
fn addresses(draft: &mut Draft<'_>, stay: &mut FrenchStay, zfv: &Segment<'_>) {
    let listed = draft.list(zfv, 6, |draft, repetition, at| {
        let address = draft.address(Xad::of(repetition), at)?;
        if !matches!(address.address_type.as_str(), "ORI" | "DST") {
            draft.issue(IssueCode::CodeUnknown, at.at_component(7));
        }
        Some(address)
    });
    let Some(listed) = listed else { return };
    let of_type = |code: &str| listed.iter().find(|own| own.address_type == code).cloned();
    (stay.origin_address, stay.destination_address) = (of_type("ORI"), of_type("DST"));
}

fn set_number(
    draft: &mut Draft<'_>,
    target: &mut Option<Identifier>,
    segment: &Segment<'_>,
    field: usize,
    role: AuthorityUse,
) {
    if segment.field(field).is_null() {
        *target = None;
    } else if let Some(number) = visit::identifier(draft, segment, field, role) {
        *target = Some(number);
    }
}

/// ZFV-4, 5 and 10: as sensitive as ZFS, and kept as it is.
pub(super) fn placement(draft: &mut Draft<'_>, stay: &mut FrenchStay, zfv: &Segment<'_>) {
    if draft.entity().settings.legal_status == LegalStatusUse::Drop {
        (stay.placement_start, stay.placement_end) = (None, None);
        stay.placement_code.clear();
        return;
    }
    draft.set_moment(&mut stay.placement_start, zfv, 4);
    draft.set_moment(&mut stay.placement_end, zfv, 5);
    draft.set_text(&mut stay.placement_code, zfv.field(10).component(1), at(zfv, 10));
}

/// ZFM, of the PMSI. Codes that are no longer of the tables (5) are still sent for old stays.
pub(super) fn pmsi(draft: &mut Draft<'_>, stay: &mut FrenchStay, zfm: &Segment<'_>) {
    let fields: [(usize, &mut String, &[&str]); 5] = [
        (1, &mut stay.pmsi_entry, &["", "0", "6", "7", "8", "N", "O"]),
        (2, &mut stay.pmsi_exit, &["", "0", "4", "5", "6", "7", "8", "9"]),
        (3, &mut stay.pmsi_origin, PLACES),
        (4, &mut stay.pmsi_destination, PLACES),
        (5, &mut stay.pmsi_emergency, &["", "5", "U", "V"]),
    ];
    for (field, target, table) in fields {
        draft.set_text(target, zfm.field(field).component(1), at(zfm, field));
        if !table.contains(&target.as_str()) {
            draft.issue(IssueCode::CodeUnknown, at(zfm, field));
        }
    }
}

/// ZFM-3 and ZFM-4: acute, rehabilitation, long-term, psychiatric, at home, social care,
/// intensive care, emergency room.
const PLACES: &[&str] = &["", "1", "2", "3", "4", "5", "6", "7", "R", "U"];

/// PV1-41 on the last stay of an account; PV1-51 on a cancel.
pub(super) fn end_of_account(draft: &mut Draft<'_>, stay: &mut FrenchStay, pv1: &Segment<'_>) {
    draft.set_text(&mut stay.account_end, pv1.field(41).component(1), at(pv1, 41));
    draft.set_text(&mut stay.cancelled_with, pv1.field(51).component(1), at(pv1, 51));
    if !matches!(stay.account_end.as_str(), "" | "D" | "N") {
        draft.issue(IssueCode::CodeUnknown, at(pv1, 41));
    }
    if !matches!(stay.cancelled_with.as_str(), "" | "A" | "V") {
        draft.issue(IssueCode::CodeUnknown, at(pv1, 51));
    }
}
