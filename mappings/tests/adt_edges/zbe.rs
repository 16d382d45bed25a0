//! ZBE: a Z99 states what the movement of its number says, by the event that made it.

use sluice_mappings::records::{PlaceRole, StayRecord};

use super::adt_support::digits;
use super::{french, pid, segment, stay, take};

fn zbe(number: &str, at: &str, action: &str, origin: &str) -> String {
    segment("ZBE", &[(1, number), (2, at), (4, action), (5, "N"), (6, origin), (9, "HMS")])
}

fn pv1(more: &[(usize, &str)]) -> String {
    segment("PV1", &[&[(2, "I"), (3, "3101^C1^L1"), (19, "V1")], more].concat())
}

/// Admitted, then one movement M2 by `event`, then a Z99 of it, with these PV1 and PV2.
fn amended(event: &str, first: (&str, &str), then: (&str, &str)) -> StayRecord {
    let mut lane = french();
    let person = pid(&[]);
    take(&mut lane, "A01", &[&person, &pv1(&[]), &zbe("M1", "20260310080000", "INSERT", "")]);
    let of = |zbe: String, (pv1, pv2): (&str, &str)| {
        [person.clone(), pv1.to_owned(), pv2.to_owned(), zbe]
    };
    for (name, zbe, said) in [
        (event, zbe("M2", "20260310090000", "INSERT", ""), first),
        ("Z99", zbe("M2", "20260310090000", "UPDATE", event), then),
    ] {
        let segments = of(zbe, said);
        take(&mut lane, name, &segments.each_ref().map(String::as_str));
    }
    stay(&lane, "V1")
}

#[test]
fn the_class_of_a_class_change() {
    let class = |code: &str| segment("PV1", &[(2, code), (3, "3101^C1^L1"), (19, "V1")]);
    let stay = amended("A06", (&class("I"), ""), (&class("E"), ""));
    assert_eq!(stay.situation.class.code, "E");
}

#[test]
fn the_place_of_a_pending_transfer() {
    let to = |bed: &str| pv1(&[(42, &format!("3101^C1^{bed}"))]);
    let stay = amended("A15", (&to("L2"), ""), (&to("L3"), ""));
    let reserved = stay.movements.iter().filter(|m| m.role == PlaceRole::Reserved && m.stands());
    let beds: Vec<_> = reserved.map(|m| m.place.as_ref().unwrap().bed.clone()).collect();
    assert_eq!(beds, ["L3"]);
}

#[test]
fn the_end_of_a_pending_discharge() {
    let at = |day: &str| segment("PV2", &[(9, day)]);
    let stay = amended("A16", (&pv1(&[]), &at("20260315")), (&pv1(&[]), &at("20260316")));
    assert_eq!(digits(stay.situation.pending_discharge), "20260316");
}

#[test]
fn the_return_of_a_leave() {
    let at = |day: &str| segment("PV2", &[(47, day)]);
    let stay = amended("A21", (&pv1(&[]), &at("20260315")), (&pv1(&[]), &at("20260316")));
    assert_eq!(digits(stay.situation.expected_return), "20260316");
}

#[test]
fn the_doctor_of_a_change_of_doctors() {
    for (event, field) in [("A54", 7), ("A61", 9)] {
        let by = |doctor: &str| pv1(&[(field, doctor)]);
        let stay = amended(event, (&by("1^House"), ""), (&by("2^Grey"), ""));
        let changed = stay.movements.iter().find_map(|m| m.effect.practitioners.as_ref());
        let names: Vec<_> = changed.unwrap().iter().map(|one| &*one.name.family).collect();
        assert_eq!(names, ["Grey"], "{event}");
    }
}

#[test]
fn a_correction_of_a_place_reaches_what_only_repeated_it() {
    let mut lane = french();
    let person = pid(&[]);
    let at = |bed: &str| segment("PV1", &[(2, "I"), (3, &format!("3101^C1^{bed}")), (19, "V1")]);
    take(&mut lane, "A01", &[&person, &at("L1"), &zbe("M1", "20260310080000", "INSERT", "")]);
    take(&mut lane, "A06", &[&person, &at("L1"), &zbe("M2", "20260310090000", "INSERT", "")]);
    take(&mut lane, "A02", &[&person, &at("L5"), &zbe("M3", "20260310100000", "INSERT", "")]);
    take(&mut lane, "Z99", &[&person, &at("L2"), &zbe("M1", "20260310080000", "UPDATE", "A01")]);
    let stay = stay(&lane, "V1");
    let beds: Vec<_> =
        stay.movements.iter().filter_map(|m| Some(m.place.as_ref()?.bed.clone())).collect();
    assert_eq!(beds, ["L2", "L2", "L5"]);
}

#[test]
fn a_movement_whose_time_is_corrected_takes_its_place_among_the_others() {
    let mut lane = french();
    let person = pid(&[]);
    let at = |bed: &str| segment("PV1", &[(2, "I"), (3, &format!("3101^C1^{bed}")), (19, "V1")]);
    for (number, hour, event, bed) in [
        ("M1", "08", "A01", "L1"),
        ("M2", "09", "A02", "L2"),
        ("M3", "10", "A02", "L3"),
        ("M4", "11", "A02", "L4"),
    ] {
        let zbe = zbe(number, &format!("20260310{hour}0000"), "INSERT", "");
        take(&mut lane, event, &[&person, &at(bed), &zbe]);
    }
    take(&mut lane, "Z99", &[&person, &at("L2"), &zbe("M2", "20260310103000", "UPDATE", "A02")]);
    let order = |stay: &StayRecord| -> Vec<String> {
        stay.places().map(|(_, place)| place.bed.clone()).collect()
    };
    assert_eq!(order(&stay(&lane, "V1")), ["L1", "L3", "L2", "L4"]);
    take(&mut lane, "Z99", &[&person, &at("L2"), &zbe("M2", "20260310103000", "UPDATE", "A02")]);
    assert_eq!(order(&stay(&lane, "V1")), ["L1", "L3", "L2", "L4"]);
}
