//! MFN^M05: the structure of an EJ, from its own referential (Interop'Santé v1.03;
//! fr-core-and-structure §A; `docs/structure.md`).
//!
//! `MSH MFI {MFE LOC {LCH} {LRL}}`: each entry is an organization, a place, or both. The feed of
//! movements names the same units and places by their codes, so both meet in the same records,
//! whichever comes first: a UF by its code, a room or bed by its UF and its own code.
//!
//! An entry is known by its key for life (PL-6 and PL-10 of MFE-4), and found by it; what it is
//! called, coded or related to may change. Nothing is ever deleted: what is closed, deactivated
//! or no longer there is inactive, since stays refer to it.

mod areas;
mod entry;
mod kind;
mod link;
mod notice;
pub(super) mod units;

use std::collections::BTreeMap;

use self::entry::Key;
use self::kind::Kind;
use self::notice::{FileEvent, Notice};
use super::draft::Draft;
use super::{Effect, IssueCode, systems};
use crate::hl7::{Location, Message};
use crate::records::{
    Identifier, LocationRecord, OrganizationRecord, Record, RecordType, ResourceId,
};

/// Entries of one message: a 4 MiB frame holds fewer, and a place in a message counts so far.
const ENTRIES_MAX: usize = 65_535;

/// Relations are followed so far up: the deepest chain of the standard (bed, room, corridor,
/// wing, floor, building, site) has seven levels. A ring ends there too.
const LEVELS_MAX: usize = 16;

/// Whether PL-6 may say so.
#[must_use]
pub fn is_structure_type(code: &str) -> bool {
    Kind::parse(code).is_some()
}

/// What the message does to the structure.
pub(super) fn fold(draft: &mut Draft<'_>, message: &Message<'_>) -> Effect {
    let Some(notice) = notice::read(draft, message) else { return Effect::NoEffect };
    let mut fold = Fold::new(draft, notice);
    fold.settle_units(draft);
    fold.settle_areas(draft);
    fold.write_units(draft);
    fold.write_areas(draft);
    fold.unknot(draft);
    if fold.notice.event == FileEvent::Replace {
        fold.close_the_rest(draft);
    }
    let organizations = fold.organizations.into_values().map(Record::from);
    let areas = fold.areas.into_values().map(Record::from);
    draft.put_all(organizations.chain(areas));
    Effect::Applied
}

/// The work on one message.
struct Fold {
    notice: Notice,
    /// The organization of an entry: a unit of the message, or one known before.
    unit_of: BTreeMap<Key, ResourceId>,
    /// The place of an entry.
    area_of: BTreeMap<Key, ResourceId>,
    organizations: BTreeMap<ResourceId, OrganizationRecord>,
    areas: BTreeMap<ResourceId, LocationRecord>,
    /// Where the keys of the structure are numbered.
    key_system: String,
}

impl Fold {
    fn new(draft: &Draft<'_>, notice: Notice) -> Self {
        Self {
            notice,
            unit_of: BTreeMap::new(),
            area_of: BTreeMap::new(),
            organizations: BTreeMap::new(),
            areas: BTreeMap::new(),
            key_system: key_system(draft),
        }
    }

    fn key_identifier(&self, key: &Key) -> Identifier {
        own_identifier(self.key_system.clone(), key.to_string(), "INTRN")
    }

    /// The record that an earlier message of the structure made for this key.
    fn known(&self, draft: &Draft<'_>, ty: RecordType, key: &Key) -> Option<ResourceId> {
        draft.by_identifier(ty, &self.key_system, &key.to_string())
    }

    fn is_of_structure(&self, record: &Record) -> bool {
        record.identifiers().iter().any(|identifier| identifier.system == self.key_system)
    }

    /// MFI-3 REP: the message is all that there is. What it does not name is closed, never
    /// deleted; what only movements have named is none of its business.
    fn close_the_rest(&mut self, draft: &Draft<'_>) {
        for id in draft.stored_ids(RecordType::Organization) {
            if self.organizations.contains_key(&id) {
                continue;
            }
            let Some(record) = draft.record(RecordType::Organization, id) else { continue };
            if self.is_of_structure(&record)
                && let Record::Organization(unit) = record
                && unit.active
            {
                self.organizations
                    .insert(id, OrganizationRecord { active: false, ..(*unit).clone() });
            }
        }
        for id in draft.stored_ids(RecordType::Location) {
            if self.areas.contains_key(&id) {
                continue;
            }
            let Some(record) = draft.record(RecordType::Location, id) else { continue };
            if self.is_of_structure(&record)
                && let Record::Location(area) = record
                && !area.inactive
            {
                self.areas.insert(id, LocationRecord { inactive: true, ..(*area).clone() });
            }
        }
    }

    /// No place is part of itself: every relation of a ring is left out, and told. Of units there is no
    /// ring: each is part of one of a level above its own.
    fn unknot(&mut self, draft: &mut Draft<'_>) {
        let parent = |id: ResourceId| match self.areas.get(&id) {
            Some(area) => area.part_of,
            None => match draft.record(RecordType::Location, id)? {
                Record::Location(area) => area.part_of,
                _ => None,
            },
        };
        let ring: Vec<_> =
            self.areas.keys().copied().filter(|id| is_in_ring(*id, parent)).collect();
        if !ring.is_empty() {
            draft.issue(IssueCode::RelationRing, Location::segment(b"LRL"));
        }
        for id in ring {
            if let Some(area) = self.areas.get_mut(&id) {
                area.part_of = None;
            }
        }
    }
}

fn is_in_ring(id: ResourceId, parent: impl Fn(ResourceId) -> Option<ResourceId>) -> bool {
    let mut at = id;
    for _ in 0..LEVELS_MAX {
        match parent(at) {
            Some(above) if above == id => return true,
            Some(above) => at = above,
            None => return false,
        }
    }
    false
}

/// The system of the keys; the EJ is their authority, since every listener serves its EJ alone.
fn key_system(draft: &Draft<'_>) -> String {
    systems::local(draft.entity(), "structure")
}

fn own_identifier(system: String, value: String, type_code: &str) -> Identifier {
    Identifier { system, value, type_code: type_code.to_owned(), ..Identifier::default() }
}
