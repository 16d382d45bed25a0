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

/// Admitted, then M2 by `event`, then another doctor as M3, then a Z99 of M2: it is not the present.
fn amended_afterwards(event: &str, first: (&str, &str), then: (&str, &str)) -> StayRecord {
    let mut lane = french();
    let person = pid(&[]);
    let mut tell = |name: &str, zbe: String, (pv1, pv2): (&str, &str)| {
        take(&mut lane, name, &[&person, pv1, pv2, &zbe]);
    };
    let plain = pv1(&[]);
    tell("A01", zbe("M1", "20260310080000", "INSERT", ""), (&plain, ""));
    tell(event, zbe("M2", "20260310090000", "INSERT", ""), first);
    tell("A02", zbe("M3", "20260310100000", "INSERT", ""), (&plain, ""));
    tell("Z99", zbe("M2", "20260310090000", "UPDATE", event), then);
    stay(&lane, "V1")
}

#[test]
fn what_is_past_is_corrected_by_the_event_that_made_it() {
    let end = |day: &str| segment("PV2", &[(9, day)]);
    let pv1s = pv1(&[]);
    let stay = amended_afterwards("A16", (&pv1s, &end("20260315")), (&pv1s, &end("20260316")));
    assert_eq!(digits(stay.situation.pending_discharge), "20260316");
    assert!(stay.movements[1].place.is_none(), "a pending discharge is no place");

    let back = |day: &str| segment("PV2", &[(47, day)]);
    let stay = amended_afterwards("A21", (&pv1s, &back("20260315")), (&pv1s, &back("20260316")));
    assert_eq!(digits(stay.movements[1].effect.expected_return), "20260316");
    let stay = amended_afterwards("A21", (&pv1s, &back("20260315")), (&pv1s, ""));
    assert_eq!(digits(stay.movements[1].effect.expected_return), "20260315");

    for (event, field) in [("A54", 7), ("A61", 9)] {
        let by = |doctor: &str| pv1(&[(field, doctor)]);
        let stay = amended_afterwards(event, (&by("1^House"), ""), (&by("2^Grey"), ""));
        let names = stay.movements[1].effect.practitioners.as_ref().unwrap();
        assert_eq!(names[0].name.family, "Grey", "{event}");
    }
}

#[test]
fn a_corrected_reservation_moves_nobody() {
    let to = |bed: &str, assigned: &str| {
        let (bed, assigned) = (format!("3101^C1^{bed}"), format!("3101^C1^{assigned}"));
        segment("PV1", &[(2, "I"), (3, &*assigned), (19, "V1"), (42, &*bed)])
    };
    let at = |bed: &str| segment("PV1", &[(2, "I"), (3, &format!("3101^C1^{bed}")), (19, "V1")]);
    let mut lane = french();
    let person = pid(&[]);
    for (event, number, hour, action, pv1) in [
        ("A01", "M1", "08", "INSERT", at("L1")),
        ("A15", "M2", "09", "INSERT", to("L2", "L1")),
        ("A02", "M3", "10", "INSERT", at("L2")),
        ("Z99", "M2", "09", "UPDATE", to("L3", "L2")),
    ] {
        let zbe = zbe(number, &format!("20260310{hour}0000"), action, "A15");
        take(&mut lane, event, &[&person, &pv1, &zbe]);
    }
    let stay = stay(&lane, "V1");
    let beds: Vec<_> =
        stay.movements.iter().filter_map(|m| Some(m.place.as_ref()?.bed.clone())).collect();
    assert_eq!(beds, ["L1", "L3", "L2"]);
}

#[test]
fn what_moved_nobody_between_does_not_hide_what_repeats_a_place() {
    let mut lane = french();
    let person = pid(&[]);
    let at = |bed: &str| segment("PV1", &[(2, "I"), (3, &format!("3101^C1^{bed}")), (19, "V1")]);
    let doctor = segment("PV1", &[(2, "I"), (7, "1^House"), (19, "V1")]);
    for (event, number, hour, action, pv1) in [
        ("A01", "M1", "08", "INSERT", at("L1")),
        ("A02", "M2", "09", "INSERT", at("L5")),
        ("A12", "M2", "09", "CANCEL", at("L1")),
        ("A54", "M3", "10", "INSERT", doctor),
        ("A06", "M4", "11", "INSERT", at("L1")),
        ("A02", "M5", "12", "INSERT", at("L7")),
        ("Z99", "M1", "08", "UPDATE", at("L2")),
    ] {
        let zbe = zbe(number, &format!("20260310{hour}0000"), action, "A01");
        take(&mut lane, event, &[&person, &pv1, &zbe]);
    }
    let stay = stay(&lane, "V1");
    let beds: Vec<_> = stay.places().map(|(_, place)| place.bed.clone()).collect();
    assert_eq!(beds, ["L2", "L2", "L7"]);
}
