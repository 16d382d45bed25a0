//! The organizations of an IN1: who insures, and the employer through whom (FACTS §3 IN1).

use super::super::IssueCode;
use super::super::draft::Draft;
use super::super::values::{REPETITIONS_MAX, at};
use super::coding;
use crate::hl7::datatypes::{Cx, Xad, Xon};
use crate::hl7::{Repetition, Segment};
use crate::records::{
    Address, Identifier, NamedOrganization, OrganizationKind, OrganizationRecord, Record,
    RecordType, Stamp, Telecom,
};

/// IN1-3, IN1-4 and IN1-5, the first with the first and so on; IN1-7 is the first's.
pub(super) fn insurers(draft: &mut Draft<'_>, in1: &Segment<'_>) -> Vec<NamedOrganization> {
    let mut telecoms = draft.telecoms(in1, 7, "WPN").unwrap_or_default();
    let mut insurers = Vec::new();
    let mut sent = 0;
    for field in [3, 4] {
        let repetitions = in1.field(field).repetitions().count();
        if repetitions > REPETITIONS_MAX {
            draft.issue(IssueCode::ValueCut, at(in1, field));
        }
        sent = repetitions.max(sent);
    }
    for n in 1..=sent.min(REPETITIONS_MAX) {
        let address = draft.address(Xad::of(in1.field(5).repetition(n)), at(in1, 5));
        let said = Said {
            names: "insurer",
            addresses: address.into_iter().collect(),
            telecoms: std::mem::take(&mut telecoms),
        };
        let (number, name) = (in1.field(3).repetition(n), in1.field(4).repetition(n));
        insurers.extend(organization(draft, in1, (3, number), (4, name), said));
    }
    insurers
}

/// IN1-10 and IN1-11.
pub(super) fn policy_holder(draft: &mut Draft<'_>, in1: &Segment<'_>) -> NamedOrganization {
    let said = Said { names: "employer", addresses: Vec::new(), telecoms: Vec::new() };
    let (number, name) = (in1.field(10).first(), in1.field(11).first());
    organization(draft, in1, (10, number), (11, name), said).unwrap_or_default()
}

struct Said {
    /// What a number without an authority numbers.
    names: &'static str,
    addresses: Vec<Address>,
    telecoms: Vec<Telecom>,
}

/// An organization by its number (CX, else that of the XON), which has a record; else by name.
fn organization(
    draft: &mut Draft<'_>,
    in1: &Segment<'_>,
    (number_field, number): (usize, Repetition<'_>),
    (name_field, name): (usize, Repetition<'_>),
    said: Said,
) -> Option<NamedOrganization> {
    let xon = Xon::of(name);
    let name = draft.text(xon.name(), at(in1, name_field));
    let number = coding::foreign_number(draft, Cx::of(number), said.names, at(in1, number_field));
    let Some(number) = number else {
        let named = NamedOrganization { organization: None, name };
        return (!named.name.is_empty()).then_some(named);
    };
    Some(NamedOrganization { organization: Some(kept(draft, number, &name, said)), name })
}

/// Its record, with what this message says of it. One of the structure is not told by an insurer's
/// address.
fn kept(
    draft: &mut Draft<'_>,
    number: Identifier,
    name: &str,
    said: Said,
) -> crate::records::ResourceId {
    let found = draft.by_identifier(RecordType::Organization, &number.system, &number.value);
    let known = match found.and_then(|id| draft.record(RecordType::Organization, id)) {
        Some(Record::Organization(known)) => Some(std::sync::Arc::unwrap_or_clone(known)),
        _ => None,
    };
    let mut organization = known.unwrap_or_else(|| OrganizationRecord {
        id: draft.mint(RecordType::Organization, &[&number.system, &number.value]),
        stamp: Stamp::default(),
        active: true,
        kind: OrganizationKind::Other,
        identifiers: vec![number],
        name: String::new(),
        part_of: None,
        addresses: Vec::new(),
        telecoms: Vec::new(),
        attributes: Vec::new(),
    });
    let id = organization.id;
    if organization.kind != OrganizationKind::Other {
        return id;
    }
    if !name.is_empty() {
        name.clone_into(&mut organization.name);
    }
    if !said.addresses.is_empty() {
        organization.addresses = said.addresses;
    }
    if !said.telecoms.is_empty() {
        organization.telecoms = said.telecoms;
    }
    draft.put(organization);
    id
}
