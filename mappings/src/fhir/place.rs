//! PL → Location: its level, its path and its name (FACTS §4 PL).

use crate::records::Place;

/// The most granular part of a PL that was given.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Level {
    Bed,
    Room,
    Floor,
    PointOfCare,
    Building,
    Facility,
}

/// In the order of the chain (FACTS §4 PL): bed, room, floor, point of care, building, facility.
#[must_use]
pub fn level(place: &Place) -> Option<Level> {
    [
        (&place.bed, Level::Bed),
        (&place.room, Level::Room),
        (&place.floor, Level::Floor),
        (&place.point_of_care, Level::PointOfCare),
        (&place.building, Level::Building),
        (&place.facility, Level::Facility),
    ]
    .into_iter()
    .find_map(|(part, level)| (!part.trim().is_empty()).then_some(level))
}

/// `facility/building/floor/point of care/room/bed`, without the empty parts at its end: unique
/// within an EJ. A `/` or `%` inside a part is percent-encoded. Empty if no part was given.
#[must_use]
pub fn path(place: &Place) -> String {
    let mut path = String::new();
    let mut pending = 0;
    for part in [
        &place.facility,
        &place.building,
        &place.floor,
        &place.point_of_care,
        &place.room,
        &place.bed,
    ] {
        if part.trim().is_empty() {
            pending += 1;
            continue;
        }
        path.extend(std::iter::repeat_n('/', pending));
        pending = 1;
        for c in part.trim().chars() {
            match c {
                '/' => path.push_str("%2F"),
                '%' => path.push_str("%25"),
                c => path.push(c),
            }
        }
    }
    path
}

/// PL-9, else the parts that staff speak of: point of care (with its floor, where that is all that
/// is told), room and bed, else the building parts.
#[must_use]
pub fn name(place: &Place) -> String {
    if !place.description.trim().is_empty() {
        return place.description.trim().to_owned();
    }
    let joined = |parts: [&String; 3]| {
        let given = parts.map(|p| p.trim());
        given.into_iter().filter(|p| !p.is_empty()).collect::<Vec<_>>().join(" ")
    };
    if level(place) == Some(Level::Floor) && !place.point_of_care.trim().is_empty() {
        return joined([&place.point_of_care, &place.floor, &place.room]);
    }
    let near = joined([&place.point_of_care, &place.room, &place.bed]);
    if near.is_empty() { joined([&place.facility, &place.building, &place.floor]) } else { near }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_keeps_the_place_of_its_empty_parts_and_escapes_its_separator() {
        let place = Place {
            facility: "CHU".into(),
            point_of_care: "CARDIO/2".into(),
            room: "101".into(),
            ..Place::default()
        };
        assert_eq!(path(&place), "CHU///CARDIO%2F2/101");
        let ward = Place { point_of_care: "CHU".into(), ..Place::default() };
        assert_eq!(path(&ward), "///CHU");
        assert_eq!(path(&Place::default()), "");
    }

    #[test]
    fn the_level_is_the_most_granular_part_given() {
        let mut place = Place { facility: "CHU".into(), ..Place::default() };
        assert_eq!(level(&place), Some(Level::Facility));
        place.point_of_care = "CARDIO".into();
        assert_eq!(level(&place), Some(Level::PointOfCare));
        place.floor = "3".into();
        assert_eq!((level(&place), &*name(&place)), (Some(Level::Floor), "CARDIO 3"));
        place.bed = "2".into();
        assert_eq!(level(&place), Some(Level::Bed));
    }
}
