//! Which patient a message is about (DESIGN §3: a resource id is minted once).

use super::draft::Draft;
use super::french::ins;
use super::values::at;
use crate::entity::AuthorityUse;
use crate::hl7::Segment;
use crate::hl7::datatypes::Cx;
use crate::records::{Identifier, IdentifierUse, RecordType, ResourceId};

/// What an identifier may be used for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// Finds its patient.
    Key,
    /// The INS or another national number: kept where the rules allow it, never a key, since two
    /// records of one person, or two persons under one number, are everyday faults.
    National,
}

/// The identifiers of a PID-3 or an MRG-1.
#[derive(Default)]
pub(super) struct Identifiers {
    /// As listed, each once.
    pub listed: Vec<(Kind, Identifier)>,
    /// The keys, in the EJ's order of authorities; those of undeclared ones last.
    pub keys: Vec<Identifier>,
    /// A repetition deletes the INS (`""^^^…INS`).
    pub deletes_ins: bool,
}

pub(super) fn read(draft: &mut Draft<'_>, segment: &Segment<'_>, field: usize) -> Identifiers {
    let place = at(segment, field);
    let mut identifiers = Identifiers::default();
    let mut ranked = Vec::new();
    for repetition in draft.repetitions(segment.field(field), place) {
        let cx = Cx::of(repetition);
        let kind = if ins::is_national_cx(cx) { Kind::National } else { Kind::Key };
        if cx.part(1).is_null() {
            identifiers.deletes_ins |= ins::is_ins_cx(cx);
            continue;
        }
        let Some((rank, mut identifier)) = draft.identifier(cx, AuthorityUse::Patient, place)
        else {
            continue;
        };
        identifier.r#use = ins::use_of(draft, &identifier);
        let same = |(_, other): &(Kind, Identifier)| is_same(other, &identifier);
        if identifiers.listed.iter().any(same) {
            continue;
        }
        if kind == Kind::Key {
            ranked.push((rank, identifier.clone()));
        }
        identifiers.listed.push((kind, identifier));
    }
    ranked.sort_by_key(|(rank, _)| *rank);
    identifiers.keys = ranked.into_iter().map(|(_, identifier)| identifier).collect();
    identifiers
}

/// The patient that the first known key finds, unless an authority that goes before it says that
/// this is somebody else: two local numbers that share a national one are two patients.
pub(super) fn find(draft: &Draft<'_>, keys: &[Identifier]) -> Option<ResourceId> {
    for (rank, key) in keys.iter().enumerate() {
        let Some(id) = draft.patient_by_identifier(&key.system, &key.value) else { continue };
        let id = survivor(draft, id);
        let Some(patient) = draft.patient(id) else { continue };
        let has_another = |earlier: &Identifier| {
            patient
                .identifiers
                .iter()
                .any(|own| own.system == earlier.system && own.r#use != IdentifierUse::Old)
        };
        if !keys[..rank].iter().any(has_another) {
            return Some(id);
        }
    }
    None
}

/// The end of a chain of merges. Chains have no rings (`merge`); the bound is for damage.
pub(super) fn survivor(draft: &Draft<'_>, mut id: ResourceId) -> ResourceId {
    for _ in 0..64 {
        let Some(next) = draft.patient(id).and_then(|patient| patient.replaced_by()) else {
            break;
        };
        id = next;
    }
    id
}

/// A new patient's id, from the first key.
pub(super) fn mint(draft: &Draft<'_>, keys: &[Identifier]) -> Option<ResourceId> {
    let key = keys.first()?;
    Some(draft.mint(RecordType::Patient, &[&key.system, &key.value]))
}

pub(super) fn is_same(one: &Identifier, other: &Identifier) -> bool {
    one.system == other.system && one.value == other.value && ins::is_same_kind(one, other)
}
