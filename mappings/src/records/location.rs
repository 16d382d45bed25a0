//! A place of care.

use serde::{Deserialize, Serialize};

use super::{ResourceId, Stamp, phi_debug};

/// PL: where a movement puts the patient, as sent. The path (facility, building, floor, point of
/// care, room, bed) names the place within the EJ: "bed 2" alone is not unique.
#[derive(Clone, PartialEq, Eq, Default, Hash, Serialize, Deserialize)]
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

impl Place {
    #[must_use]
    pub fn is_empty(&self) -> bool {
        [&self.point_of_care, &self.room, &self.bed, &self.facility, &self.building, &self.floor]
            .iter()
            .all(|part| part.is_empty())
            && self.description.is_empty()
    }
}

/// The most granular level of a PL, minted at first sight (FACTS §4 PL).
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LocationRecord {
    pub id: ResourceId,
    pub stamp: Stamp,
    pub place: Place,
}

phi_debug!(Place, LocationRecord);
