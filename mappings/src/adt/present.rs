//! What is told after the fact (ZBE-5 = Y) must not disturb the present: not its status, class,
//! place or units, though it stands before movements that say nothing of them (pam-fr §2).

use super::movement;
use super::situation::settle;
use crate::records::{Place, PlaceRole, ResourceId, Situation, StayRecord, StayStatus};

/// How a stay stood before such a message.
pub(super) struct Present {
    situation: Situation,
    place: Option<(Place, Option<ResourceId>)>,
    /// The movement that stood last: the message and the event that made it.
    made_by: (sluice_ids::Seq, String),
}

impl Present {
    /// `None` where nothing has happened to the stay.
    pub fn of(stay: &StayRecord) -> Option<Self> {
        let last = &stay.movements[movement::last(stay, |_| true)?];
        let placed = movement::last_place(stay).map(|at| &stay.movements[at]);
        let place = placed.and_then(|m| Some((m.place.clone()?, m.location)));
        let made_by = (last.seq, last.event.clone());
        Some(Self { situation: stay.situation.clone(), place, made_by })
    }

    /// Lets the movement that makes the present say so, where it does not by itself. One that was
    /// taken back makes none.
    pub fn keep(self, stay: &mut StayRecord) {
        let Some(at) = movement::last(stay, |_| true) else { return };
        let last = &mut stay.movements[at];
        if (last.seq, last.event.as_str()) != (self.made_by.0, self.made_by.1.as_str()) {
            return;
        }
        let (before, now) = (self.situation, &stay.situation);
        if now.status != before.status || now.expected_return != before.expected_return {
            last.effect.status = Some(before.status);
            last.effect.expected_return = before.expected_return;
        }
        if now.class != before.class {
            last.effect.class = Some(before.class);
        }
        if now.medical_unit != before.medical_unit {
            last.effect.medical_unit = before.medical_unit;
        }
        if now.nursing_unit != before.nursing_unit {
            last.effect.nursing_unit = before.nursing_unit;
        }
        if before.status != StayStatus::Finished
            && let Some((place, location)) = self.place
            && let Some(at) = movement::last(stay, |m| m.role == PlaceRole::Assigned)
            && movement::last_place(stay)
                .is_none_or(|last| stay.movements[last].place.as_ref() != Some(&place))
        {
            stay.movements[at].place = Some(place);
            stay.movements[at].location = location;
        }
        settle(stay);
    }
}
