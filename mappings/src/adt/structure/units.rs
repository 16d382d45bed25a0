//! Entries that are organizations: EJ, EG, pole, service, UF.

use std::collections::BTreeMap;

use super::entry::{Action, Entry};
use super::kind::Kind;
use super::{Fold, own_identifier};
use crate::adt::draft::Draft;
use crate::adt::values::REPETITIONS_MAX;
use crate::entity::AuthorityUse;
use crate::fhir::codes::systems::{FINESS, SIRENE};
use crate::records::{
    Identifier, OrganizationKind, OrganizationRecord, Record, RecordType, ResourceId, Stamp,
};

/// Attributes that have an element of their own.
pub(super) const WITH_ELEMENT: &[&str] =
    &["CD", "LBL", "FNS", "SRN", "ADRS_1", "ADRS_2", "ADRS_3", "CD_PSTL", "VL", "INS"];

/// A UF by its code, as the EJ's senders write it (PV1-3.1, ZBE-7.10, LCH CD).
pub(in crate::adt) fn unit_identifier(draft: &Draft<'_>, code: &str) -> Identifier {
    let system = draft.system_of(&["", "", ""], AuthorityUse::Unit).uri;
    own_identifier(system, code.to_owned(), "INTRN")
}

/// The UF of that code.
pub(in crate::adt) fn unit_id(draft: &Draft<'_>, code: &str) -> ResourceId {
    unit_numbered(draft, code, &unit_identifier(draft, code))
}

/// The one that lists the identifier of its code, else the one that will be minted for it.
pub(in crate::adt) fn unit_numbered(
    draft: &Draft<'_>,
    code: &str,
    identifier: &Identifier,
) -> ResourceId {
    draft
        .by_identifier(RecordType::Organization, &identifier.system, &identifier.value)
        .unwrap_or_else(|| draft.id_of(RecordType::Organization, &["UF", code]))
}

/// The EJ itself.
pub(in crate::adt) fn own_entity(draft: &Draft<'_>) -> OrganizationRecord {
    let id = draft.id_of(RecordType::Organization, &["EJ"]);
    if let Some(Record::Organization(known)) = draft.record(RecordType::Organization, id) {
        return (*known).clone();
    }
    let settings = &draft.entity().settings;
    let mut own = nothing_known(id, OrganizationKind::LegalEntity);
    own.name.clone_from(&settings.name);
    if !settings.finess.is_empty() {
        own.identifiers.push(own_identifier(FINESS.into(), settings.finess.clone(), "FINEJ"));
    }
    own
}

pub(in crate::adt) fn nothing_known(id: ResourceId, kind: OrganizationKind) -> OrganizationRecord {
    OrganizationRecord {
        id,
        stamp: Stamp::default(),
        active: true,
        kind,
        identifiers: Vec::new(),
        name: String::new(),
        part_of: None,
        addresses: Vec::new(),
        telecoms: Vec::new(),
        attributes: Vec::new(),
    }
}

/// The kind of the organization that an entry is, unless it is a place alone.
pub(super) const fn kind_of(kind: Kind) -> Option<OrganizationKind> {
    match kind {
        Kind::Unit(kind) => Some(kind),
        Kind::Accommodation => Some(OrganizationKind::FunctionalUnit),
        Kind::Room | Kind::Bed | Kind::Area => None,
    }
}

/// The unit's level, the outermost last: what a unit belongs to is above it.
const fn level(kind: OrganizationKind) -> u8 {
    match kind {
        OrganizationKind::FunctionalUnit
        | OrganizationKind::MedicalUnit
        | OrganizationKind::ActivityUnit => 0,
        OrganizationKind::InternalStructure => 1,
        OrganizationKind::Service => 2,
        OrganizationKind::Pole => 3,
        OrganizationKind::GeographicalEntity => 4,
        OrganizationKind::LegalEntity => 5,
        OrganizationKind::Other => 6,
    }
}

impl Fold {
    /// Which organization each entry is.
    pub(super) fn settle_units(&mut self, draft: &Draft<'_>) {
        let mut settled = BTreeMap::new();
        for (key, entry) in &self.notice.entries {
            let Some(kind) = kind_of(entry.kind) else { continue };
            if self.is_ward_alone(draft, entry) {
                continue;
            }
            let known = self.known(draft, RecordType::Organization, key);
            settled.insert(key.clone(), known.unwrap_or_else(|| minted(draft, entry, kind)));
        }
        self.unit_of = settled;
    }

    pub(super) fn write_units(&mut self, draft: &mut Draft<'_>) {
        let mut parts: BTreeMap<ResourceId, Vec<&Entry>> = BTreeMap::new();
        for (key, id) in &self.unit_of {
            if let Some(entry) = self.notice.entries.get(key) {
                parts.entry(*id).or_default().push(entry);
            }
        }
        let mut written = BTreeMap::new();
        for (id, mut entries) in parts {
            // A code that was given again: what is in use has the last word.
            entries.sort_by_key(|entry| !is_closed(entry));
            written.insert(id, self.composed(draft, id, &entries));
        }
        // What has nothing above it is the EJ's.
        let own = own_entity(draft);
        written.entry(own.id).or_insert(own);
        self.organizations = written;
    }

    /// H and N of one UF, or one key's entry.
    fn composed(
        &self,
        draft: &mut Draft<'_>,
        id: ResourceId,
        entries: &[&Entry],
    ) -> OrganizationRecord {
        let kind = entries.iter().find_map(|entry| kind_of(entry.kind));
        let kind = kind.unwrap_or(OrganizationKind::Other);
        let known = match draft.record(RecordType::Organization, id) {
            Some(Record::Organization(known)) => Some((*known).clone()),
            _ if id == draft.id_of(RecordType::Organization, &["EJ"]) => Some(own_entity(draft)),
            _ => None,
        };
        let mut unit = known.unwrap_or_else(|| nothing_known(id, kind));
        unit.kind = kind;
        let whole = entries.iter().any(|entry| entry.action == Action::Add);
        let mut attributes: BTreeMap<String, String> =
            if whole { BTreeMap::new() } else { unit.attributes.drain(..).collect() };
        for entry in entries {
            push(&mut unit.identifiers, self.key_identifier(&entry.key));
            if entry.action == Action::Deactivate {
                continue;
            }
            if kind == OrganizationKind::FunctionalUnit {
                push(&mut unit.identifiers, unit_identifier(draft, entry.code()));
            }
            numbers(&mut unit.identifiers, entry, kind);
            match entry.attributes.get("LBL") {
                Some(Some(name)) => unit.name.clone_from(name),
                Some(None) => unit.name.clear(),
                None => {}
            }
            if let Some(address) = &entry.address {
                unit.addresses = vec![address.clone()];
            }
            if let Some(telecoms) = &entry.telecoms {
                unit.telecoms.clone_from(telecoms);
            }
            take_attributes(&mut attributes, entry, WITH_ELEMENT);
        }
        unit.identifiers.truncate(2 * REPETITIONS_MAX);
        unit.active = entries.iter().any(|entry| !is_closed(entry));
        let related = self.parent_unit(draft, id, kind, entries);
        let own = draft.id_of(RecordType::Organization, &["EJ"]);
        if let Some(parent) = related {
            unit.part_of = Some(parent);
        } else if whole || unit.part_of.is_none() {
            unit.part_of = Some(own).filter(|own| *own != id);
        }
        for entry in entries {
            self.other_relations(draft, entry, &[unit.part_of], &mut attributes);
        }
        unit.attributes = attributes.into_iter().collect();
        unit
    }

    /// Of what it answers to (RSPNSBLT), else of its establishment, the nearest above it.
    fn parent_unit(
        &self,
        draft: &mut Draft<'_>,
        id: ResourceId,
        kind: OrganizationKind,
        entries: &[&Entry],
    ) -> Option<ResourceId> {
        let mut best: Option<(u8, ResourceId)> = None;
        for relation in ["RSPNSBLT", "ETBLSMNT"] {
            for entry in entries {
                for target in entry.related(relation) {
                    let Some((parent, of_kind)) = self.unit_at(draft, target, entry) else {
                        continue;
                    };
                    let above = level(of_kind);
                    if parent == id || above <= level(kind) {
                        continue;
                    }
                    if best.is_none_or(|(nearest, _)| above < nearest) {
                        best = Some((above, parent));
                    }
                }
            }
            if best.is_some() {
                break;
            }
        }
        best.map(|(_, parent)| parent)
    }

    /// Relations that are no `partOf` stay visible, by the target's key.
    pub(super) fn other_relations(
        &self,
        draft: &Draft<'_>,
        entry: &Entry,
        shown: &[Option<ResourceId>],
        attributes: &mut BTreeMap<String, String>,
    ) {
        for (relation, target) in &entry.relations {
            let is_shown = |id: Option<ResourceId>| id.is_some() && shown.contains(&id);
            if is_shown(self.unit(draft, target)) || is_shown(self.area(draft, target)) {
                continue;
            }
            let text = attributes.entry(relation.clone()).or_default();
            let target = target.to_string();
            if !text.split('~').any(|named| named == target) {
                if !text.is_empty() {
                    text.push('~');
                }
                text.push_str(&target);
            }
        }
    }
}

/// The id of an organization that is told of for the first time; a UF's is the one that
/// movements mint for its code.
fn minted(draft: &Draft<'_>, entry: &Entry, kind: OrganizationKind) -> ResourceId {
    let id_of = |parts: &[&str]| draft.id_of(RecordType::Organization, parts);
    let finess = entry.attribute("FNS");
    let number = entry.key.number.as_str();
    match kind {
        OrganizationKind::LegalEntity => {
            let own = &draft.entity().settings.finess;
            match finess {
                Some(other) if !own.is_empty() && other != own => id_of(&["EJ", other]),
                _ => id_of(&["EJ"]),
            }
        }
        OrganizationKind::GeographicalEntity => {
            let known = finess
                .and_then(|finess| draft.by_identifier(RecordType::Organization, FINESS, finess));
            known.unwrap_or_else(|| id_of(&["EG", finess.unwrap_or(number)]))
        }
        OrganizationKind::FunctionalUnit => unit_id(draft, entry.code()),
        OrganizationKind::Pole => id_of(&["POLE", number]),
        OrganizationKind::Service => id_of(&["SERVICE", number]),
        OrganizationKind::MedicalUnit => id_of(&["UM", number]),
        OrganizationKind::ActivityUnit => id_of(&["UAC", number]),
        OrganizationKind::InternalStructure | OrganizationKind::Other => {
            id_of(&[entry.key.type_code.as_str(), number])
        }
    }
}

pub(super) fn is_closed(entry: &Entry) -> bool {
    entry.closed || entry.action == Action::Deactivate
}

pub(super) fn push(identifiers: &mut Vec<Identifier>, identifier: Identifier) {
    let same = |own: &Identifier| own.is_number_of(&identifier);
    if !identifiers.iter().any(same) {
        identifiers.push(identifier);
    }
}

/// FNS and SRN: another one is a correction.
fn numbers(identifiers: &mut Vec<Identifier>, entry: &Entry, kind: OrganizationKind) {
    let finess = match kind {
        OrganizationKind::LegalEntity => "FINEJ",
        _ => "FINEG",
    };
    let siren = match entry.attribute("SRN").map(str::len) {
        Some(14) => "SIRET",
        _ => "SIREN",
    };
    for (code, system, type_code) in [("FNS", FINESS, finess), ("SRN", SIRENE, siren)] {
        if let Some(value) = entry.attributes.get(code) {
            identifiers.retain(|own| own.system != system || Some(&own.value) == value.as_ref());
            if let Some(value) = value {
                push(identifiers, own_identifier(system.into(), value.clone(), type_code));
            }
        }
    }
}

/// Those without an element of their own, as sent.
pub(super) fn take_attributes(
    attributes: &mut BTreeMap<String, String>,
    entry: &Entry,
    with_element: &[&str],
) {
    for (code, value) in &entry.attributes {
        if with_element.contains(&code.as_str()) {
            continue;
        }
        match value {
            Some(value) => attributes.insert(code.clone(), value.clone()),
            None => attributes.remove(code),
        };
    }
}
