//! A place of care.

use serde::{Deserialize, Serialize};

use super::parts::same_text;
use super::{Address, Coded, Identifier, ResourceId, Stamp, Telecom, phi_debug};

/// PL: where a movement puts the patient, as sent. The path (facility, building, floor, point of
/// care, room, bed) names the place within the EJ: "bed 2" alone is not unique.
#[allow(clippy::derived_hash_with_manual_eq, reason = "equal by the same fields as if derived")]
#[derive(Clone, Eq, Default, Hash, Serialize, Deserialize)]
pub struct Place {
    pub point_of_care: String,
    pub room: String,
    pub bed: String,
    pub facility: String,
    /// PL-5 (table 0306) as sent.
    pub bed_status: String,
    /// PL-6 (table 0305) as sent.
    pub person_location_type: String,
    pub building: String,
    pub floor: String,
    pub description: String,
}

impl PartialEq for Place {
    fn eq(&self, other: &Self) -> bool {
        let Self {
            point_of_care,
            room,
            bed,
            facility,
            bed_status,
            person_location_type,
            building,
            floor,
            description,
        } = other;
        same_text(&self.point_of_care, point_of_care)
            && same_text(&self.room, room)
            && same_text(&self.bed, bed)
            && same_text(&self.facility, facility)
            && same_text(&self.bed_status, bed_status)
            && same_text(&self.person_location_type, person_location_type)
            && same_text(&self.building, building)
            && same_text(&self.floor, floor)
            && same_text(&self.description, description)
    }
}

impl Place {
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.path().iter().all(|part| part.is_empty())
    }

    /// What names the place, from the outermost level in; the description only where it is all
    /// that there is.
    #[must_use]
    pub fn path(&self) -> [&str; 7] {
        let levels = [
            self.facility.as_str(),
            &self.building,
            &self.floor,
            &self.point_of_care,
            &self.room,
            &self.bed,
        ];
        let described =
            if levels.iter().all(|level| level.is_empty()) { &self.description } else { "" };
        let [facility, building, floor, point_of_care, room, bed] = levels;
        [facility, building, floor, point_of_care, room, bed, described]
    }

    #[must_use]
    pub fn is_same_place(&self, other: &Self) -> bool {
        self.path().into_iter().zip(other.path()).all(|(one, other)| same_text(one, other))
    }
}

/// One level of a PL, minted at first sight; or a place of the structure (MFN^M05).
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LocationRecord {
    pub id: ResourceId,
    pub stamp: Stamp,
    /// The PL down to this level, which is its innermost part.
    pub place: Place,
    /// The level above (FACTS §4 PL).
    pub part_of: Option<ResourceId>,
    /// The organization that runs it: a UF in France.
    pub managing_organization: Option<ResourceId>,
    /// PL-11, and those of the structure.
    pub identifiers: Vec<Identifier>,
    /// LOC-4, LBL; empty where only messages have named the place.
    pub name: String,
    /// NPU-2, PV1-40 (table 0116).
    pub operational_status: Coded,
    pub addresses: Vec<Address>,
    pub telecoms: Vec<Telecom>,
    /// Closed, by the structure.
    pub inactive: bool,
    /// LCH of the structure that FHIR has no element for: code and value as sent.
    pub attributes: Vec<(String, String)>,
}

impl LocationRecord {
    /// A place of which nothing is known but where it is.
    #[must_use]
    pub fn at(id: ResourceId, place: Place, part_of: Option<ResourceId>) -> Self {
        Self {
            id,
            stamp: Stamp::default(),
            place,
            part_of,
            managing_organization: None,
            identifiers: Vec::new(),
            name: String::new(),
            operational_status: Coded::default(),
            addresses: Vec::new(),
            telecoms: Vec::new(),
            inactive: false,
            attributes: Vec::new(),
        }
    }
}

phi_debug!(Place, LocationRecord);
