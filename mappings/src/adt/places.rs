//! PL → places (FACTS §4 PL): one Location for each level, the inner part of the outer.
//!
//! Bed, room, floor, point of care, building, facility: a place is known for life by its whole
//! path, since "bed 2" alone is not unique. In France the point of care is a UF, which is an
//! organization: the place is the ward that it runs.

use std::borrow::Cow;

use super::draft::Draft;
use crate::entity::AuthorityUse;
use crate::hl7::datatypes::Pl;
use crate::hl7::{Field, Location};
use crate::records::{LocationRecord, Place, Record, RecordType, ResourceId};

impl Draft<'_> {
    /// `None` where the field says nothing of a place.
    pub fn place(&mut self, field: Field<'_>, at: Location) -> Option<Place> {
        let pl = Pl::of(field);
        let facility = pl.facility();
        let place = Place {
            point_of_care: self.text(pl.point_of_care(), at),
            room: self.text(pl.room(), at),
            bed: self.text(pl.bed(), at),
            facility: self.text(facility.namespace().or_else(|| facility.universal_id()), at),
            bed_status: self.text(pl.status(), at),
            person_location_type: self.text(pl.person_location_type(), at),
            building: self.text(pl.building(), at),
            floor: self.text(pl.floor(), at),
            description: self.text(pl.description(), at),
        };
        (!place.is_empty()).then_some(place)
    }

    /// The record of the place and, where they are new, of all levels around it.
    pub fn location(&mut self, place: &Place) -> ResourceId {
        let id = self.location_id(place);
        if let Some(Record::Location(known)) = self.record(RecordType::Location, id) {
            // A description is of the place; its path, all that tells it apart, is the same.
            let describes =
                !place.description.is_empty() && place.description != known.place.description;
            if describes {
                let mut record = (*known).clone();
                record.place.description.clone_from(&place.description);
                self.put(record);
            }
            return id;
        }
        self.legal_entity();
        let part_of = around(place).map(|outer| self.location(&outer));
        let mut record = LocationRecord::at(id, place.clone(), part_of);
        record.managing_organization = self.unit_of(place);
        self.put(record);
        id
    }

    /// The id of the place of that path ("bed 2" alone is not unique). In France PL-1 is a UF,
    /// whose code is the EJ's own: a facility, which senders write in one message and leave out of
    /// the next, adds nothing.
    pub fn location_id(&self, place: &Place) -> ResourceId {
        let mut path = place.path();
        if self.is_french() && !place.point_of_care.is_empty() {
            path[..3].fill("");
        }
        self.id_of(RecordType::Location, &path)
    }

    /// In France PL-1 is the code of the UF that runs the place.
    pub fn unit_of(&mut self, place: &Place) -> Option<ResourceId> {
        if !self.is_french() || place.point_of_care.is_empty() {
            return None;
        }
        let code = Cow::Borrowed(place.point_of_care.as_str());
        let unit = self.functional_unit(code, None, None, Location::segment(b"PV1"))?;
        Some(unit.organization)
    }

    /// PL-10, PL-11: what else the innermost level is numbered as.
    pub fn comprehensive_id(&mut self, field: Field<'_>, location: ResourceId, at: Location) {
        let pl = Pl::of(field);
        if !pl.reaches(10) {
            return;
        }
        let ei = pl.comprehensive_id();
        let Some(mut identifier) = self.entity_identifier(ei, AuthorityUse::Any, at) else {
            return;
        };
        let authority = pl.assigning_authority();
        if ei.authority_key().is_none() && !authority.is_empty() {
            identifier.system = self.system(authority, AuthorityUse::Any).uri;
        }
        identifier.assigner = self.assigner(authority, at);
        let Some(Record::Location(known)) = self.record(RecordType::Location, location) else {
            return;
        };
        if !known.identifiers.contains(&identifier) {
            let mut record = (*known).clone();
            record.identifiers.retain(|own| own.system != identifier.system);
            record.identifiers.push(identifier);
            self.put(record);
        }
    }
}

/// The place without its innermost level.
fn around(place: &Place) -> Option<Place> {
    let mut outer = Place {
        bed_status: String::new(),
        person_location_type: String::new(),
        description: String::new(),
        ..place.clone()
    };
    let levels = [
        &mut outer.bed,
        &mut outer.room,
        &mut outer.floor,
        &mut outer.point_of_care,
        &mut outer.building,
        &mut outer.facility,
    ];
    levels.into_iter().find(|level| !level.is_empty())?.clear();
    (!outer.is_empty()).then_some(outer)
}
