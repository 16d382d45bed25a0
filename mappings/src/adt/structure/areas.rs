//! Entries that are places: wards (UH), rooms, beds, and what they stand in.

use std::collections::{BTreeMap, BTreeSet};

use super::entry::{Action, Entry, Key};
use super::kind::Kind;
use super::units::{self, is_closed, push, take_attributes};
use super::{Fold, IssueCode, LEVELS_MAX};
use crate::adt::draft::Draft;
use crate::records::{LocationRecord, Place, Record, RecordType, ResourceId};

/// Attributes that have an element of their own.
const WITH_ELEMENT: &[&str] = &["LBL", "ADRS_1", "ADRS_2", "ADRS_3", "CD_PSTL", "VL", "INS"];

/// A UF as the place that movements name it by (PV1-3.1 alone).
fn ward_of(code: &str) -> Place {
    Place { point_of_care: code.to_owned(), ..Place::default() }
}

impl Fold {
    /// Which place each entry is.
    pub(super) fn settle_areas(&mut self, draft: &Draft<'_>) {
        // Of a UF with one ward, the ward is the place that movements mean by the UF's code.
        let mut wards: BTreeMap<String, Vec<Key>> = BTreeMap::new();
        for (key, entry) in &self.notice.entries {
            if entry.kind == Kind::Accommodation
                && let Some(code) = self.unit_of_ward(draft, entry)
            {
                wards.entry(code).or_default().push(key.clone());
            }
        }
        let mut taken = BTreeSet::new();
        let mut settled = BTreeMap::new();
        let keys: Vec<Key> = self.notice.entries.keys().cloned().collect();
        for key in &keys {
            let Some(entry) = self.notice.entries.get(key) else { continue };
            if matches!(entry.kind, Kind::Unit(_)) {
                continue;
            }
            let own = || draft.id_of(RecordType::Location, &[&key.type_code, &key.number]);
            let id = match self.known(draft, RecordType::Location, key) {
                Some(known) => known,
                None => match entry.kind {
                    Kind::Accommodation => match self.unit_of_ward(draft, entry) {
                        None => draft.location_id(&ward_of(entry.code())),
                        Some(code) => {
                            let only = wards.get(&code).is_some_and(|wards| wards.len() == 1);
                            let ward = draft.location_id(&ward_of(&code));
                            let free = only && !self.is_anothers(draft, ward);
                            if free { ward } else { own() }
                        }
                    },
                    _ => {
                        let place = self.place(draft, key);
                        let named = !place.point_of_care.is_empty();
                        if named { draft.location_id(&place) } else { own() }
                    }
                },
            };
            // Two of one code in one UF, which there should not be, are two all the same.
            let id = if taken.insert(id) { id } else { own() };
            settled.insert(key.clone(), id);
        }
        self.area_of = settled;
    }

    /// The structure has told of the record under another key.
    fn is_anothers(&self, draft: &Draft<'_>, id: ResourceId) -> bool {
        let record = draft.record(RecordType::Location, id);
        record.is_some_and(|record| self.is_of_structure(&record))
    }

    pub(super) fn write_areas(&mut self, draft: &mut Draft<'_>) {
        let mut written = BTreeMap::new();
        for (key, id) in &self.area_of {
            let Some(entry) = self.notice.entries.get(key) else { continue };
            let area = self.composed_area(draft, *id, entry);
            // What stands in a UF that is no place of its own stands in its ward.
            if let Some(code) = self.unit_that_holds(draft, entry) {
                let ward = draft.location_id(&ward_of(&code));
                if area.part_of == Some(ward) && !self.area_of.values().any(|own| *own == ward) {
                    let ward = written.remove(&ward).unwrap_or_else(|| self.ward(draft, &code));
                    written.insert(ward.id, ward);
                }
            }
            written.insert(*id, area);
        }
        self.areas = written;
    }

    fn composed_area(
        &self,
        draft: &mut Draft<'_>,
        id: ResourceId,
        entry: &Entry,
    ) -> LocationRecord {
        let mut area = match draft.record(RecordType::Location, id) {
            Some(Record::Location(known)) => (*known).clone(),
            _ => LocationRecord::at(id, self.place(draft, &entry.key), None),
        };
        area.place.person_location_type.clone_from(&entry.key.type_code);
        push(&mut area.identifiers, self.key_identifier(&entry.key));
        area.inactive = is_closed(entry);
        if entry.action == Action::Deactivate {
            return area;
        }
        let whole = entry.action == Action::Add;
        match entry.attributes.get("LBL") {
            Some(Some(name)) => area.name.clone_from(name),
            Some(None) => area.name.clear(),
            None => {}
        }
        if let Some(address) = &entry.address {
            area.addresses = vec![address.clone()];
        }
        if let Some(telecoms) = &entry.telecoms {
            area.telecoms.clone_from(telecoms);
        }
        let within = self.within(draft, id, entry);
        let managed = self.managed(draft, entry);
        if whole || within.is_some() {
            area.part_of = within;
        }
        if whole || managed.is_some() {
            area.managing_organization = managed;
        }
        // Of a UF with both, the organization has what is said of the UF.
        if self.unit_of.contains_key(&entry.key) {
            return area;
        }
        let mut attributes: BTreeMap<String, String> =
            if whole { BTreeMap::new() } else { area.attributes.drain(..).collect() };
        take_attributes(&mut attributes, entry, WITH_ELEMENT);
        let shown = [area.part_of, area.managing_organization];
        self.other_relations(draft, entry, &shown, &mut attributes);
        area.attributes = attributes.into_iter().collect();
        area
    }

    /// The ward of a UF of which only the organization is told of.
    fn ward(&self, draft: &Draft<'_>, code: &str) -> LocationRecord {
        let place = ward_of(code);
        let id = draft.location_id(&place);
        let mut ward = match draft.record(RecordType::Location, id) {
            Some(Record::Location(known)) => (*known).clone(),
            _ => LocationRecord::at(id, place, None),
        };
        let unit = units::unit_id(draft, code);
        ward.managing_organization = Some(unit);
        if let Some(told) = self.organizations.get(&unit) {
            ward.name.clone_from(&told.name);
            ward.inactive = !told.active;
            let keys = told.identifiers.iter().filter(|own| own.system == self.key_system);
            for key in keys {
                push(&mut ward.identifiers, key.clone());
            }
        }
        ward
    }

    /// The UF that a place stands in, by what it says or by what it stands in.
    fn unit_that_holds(&self, draft: &Draft<'_>, entry: &Entry) -> Option<String> {
        if entry.kind == Kind::Accommodation {
            return self.unit_of_ward(draft, entry);
        }
        self.unit_of_place(draft, &entry.key)
    }

    /// The place that it stands in (LCLSTN), else the ward of its UF.
    fn within(&self, draft: &mut Draft<'_>, id: ResourceId, entry: &Entry) -> Option<ResourceId> {
        for target in entry.related("LCLSTN") {
            if let Some(area) = self.area(draft, target).filter(|area| *area != id) {
                return Some(area);
            }
            if self.unit(draft, target).is_none() {
                draft.issue(IssueCode::RelationUnknown, entry.at);
            }
        }
        if !matches!(entry.kind, Kind::Room | Kind::Bed) {
            return None;
        }
        let ward = draft.location_id(&ward_of(&self.unit_of_place(draft, &entry.key)?));
        (ward != id).then_some(ward)
    }

    /// The UF that runs it, else whatever it answers to.
    fn managed(&self, draft: &mut Draft<'_>, entry: &Entry) -> Option<ResourceId> {
        if let Some(own) = self.unit_of.get(&entry.key) {
            return Some(*own);
        }
        if let Some(code) = self.unit_of_place(draft, &entry.key) {
            return Some(units::unit_id(draft, &code));
        }
        ["RSPNSBLT", "ETBLSMNT", "LCLSTN"].into_iter().find_map(|relation| {
            entry.related(relation).find_map(|target| self.unit(draft, target))
        })
    }

    /// Where a movement would say that it is.
    fn place(&self, draft: &Draft<'_>, key: &Key) -> Place {
        let mut place = Place::default();
        let Some(entry) = self.notice.entries.get(key) else {
            let known = self.known(draft, RecordType::Location, key);
            return match known.and_then(|id| draft.record(RecordType::Location, id)) {
                Some(Record::Location(area)) => area.place.clone(),
                _ => place,
            };
        };
        let code = entry.code().to_owned();
        match entry.kind {
            Kind::Unit(_) => return place,
            Kind::Accommodation => place.point_of_care = code,
            Kind::Area => match key.type_code.as_str() {
                "BTMNT" => place.building = code,
                "ETG" => place.floor = code,
                _ => {}
            },
            Kind::Room => place.room = code,
            Kind::Bed => {
                place.bed = code;
                place.room = self.room_of(draft, entry).unwrap_or_default();
            }
        }
        if matches!(entry.kind, Kind::Room | Kind::Bed) {
            place.point_of_care = self.unit_of_place(draft, key).unwrap_or_default();
        }
        place.person_location_type.clone_from(&key.type_code);
        place
    }

    /// The code of the room that a bed stands in.
    fn room_of(&self, draft: &Draft<'_>, bed: &Entry) -> Option<String> {
        let mut within = bed.related("LCLSTN").next()?.clone();
        for _ in 0..LEVELS_MAX {
            match self.notice.entries.get(&within) {
                Some(entry) if entry.kind == Kind::Room => return Some(entry.code().to_owned()),
                Some(entry) => within = entry.related("LCLSTN").next()?.clone(),
                None => {
                    let room = self.place(draft, &within).room;
                    return (!room.is_empty()).then_some(room);
                }
            }
        }
        None
    }
}
