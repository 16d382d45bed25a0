//! A stay: its numbers, who looks after it, its leave, and its bounds.

use sluice_mappings::adt::IssueCode;
use sluice_mappings::records::NamedOrganization;

use super::adt_support::{Lane, digits};
use super::{has, pid, plain, segment, stay, take};

fn pv1(visit: &str, more: &[(usize, &str)]) -> String {
    segment("PV1", &[&[(2, "I"), (3, "W1"), (19, visit)], more].concat())
}

#[test]
fn a_stay_that_no_opening_told_of_was_first_seen_in_its_midst() {
    for (event, is_mid) in [("A01", false), ("A05", false), ("A02", true), ("A08", true)] {
        let mut lane = plain();
        take(&mut lane, event, &[&pid(&[]), &pv1("V1", &[])]);
        assert_eq!(stay(&lane, "V1").first_seen_mid_stay, is_mid, "{event}");
    }
}

#[test]
fn an_alternate_number_of_another_stay_is_told_and_left_alone() {
    let mut lane = plain();
    take(&mut lane, "A01", &[&pid(&[]), &pv1("V1", &[(50, "ALT")])]);
    let again = take(&mut lane, "A08", &[&pid(&[]), &pv1("V1", &[(50, "ALT")])]);
    assert!(!has(&again, IssueCode::IdentifierTaken));
    let taken = take(&mut lane, "A01", &[&pid(&[]), &pv1("V2", &[(50, "ALT")])]);
    assert!(has(&taken, IssueCode::IdentifierTaken));
    assert_eq!(stay(&lane, "V2").identifiers.len(), 1);
}

#[test]
fn either_field_of_the_service_provider_deletes_it() {
    for (pv1_39, pv2_23) in [("\"\"", ""), ("", "\"\"")] {
        let mut lane = plain();
        take(&mut lane, "A01", &[&pid(&[]), &pv1("V1", &[(39, "F1")])]);
        assert_ne!(stay(&lane, "V1").service_provider, NamedOrganization::default());
        let pv2 = segment("PV2", &[(23, pv2_23)]);
        take(&mut lane, "A08", &[&pid(&[]), &pv1("V1", &[(39, pv1_39)]), &pv2]);
        assert_eq!(stay(&lane, "V1").service_provider, NamedOrganization::default(), "{pv2_23}");
    }
}

#[test]
fn a_return_is_expected_of_who_is_on_leave() {
    let back = |day: &str| segment("PV2", &[(47, day)]);
    let mut lane = plain();
    take(&mut lane, "A01", &[&pid(&[]), &pv1("V1", &[]), &back("20260320")]);
    assert_eq!(digits(stay(&lane, "V1").situation.expected_return), "");
    take(&mut lane, "A21", &[&pid(&[]), &pv1("V1", &[]), &back("20260321")]);
    assert_eq!(digits(stay(&lane, "V1").situation.expected_return), "20260321");
    take(&mut lane, "A08", &[&pid(&[]), &pv1("V1", &[]), &back("20260322")]);
    assert_eq!(digits(stay(&lane, "V1").situation.expected_return), "20260322");
    take(&mut lane, "A22", &[&pid(&[]), &pv1("V1", &[])]);
    take(&mut lane, "A08", &[&pid(&[]), &pv1("V1", &[]), &back("20260323")]);
    assert_eq!(digits(stay(&lane, "V1").situation.expected_return), "");
}

#[test]
fn so_many_movements_are_kept_and_of_those_taken_back_the_last() {
    let mut lane = plain();
    take(&mut lane, "A01", &[&pid(&[]), &pv1("V1", &[])]);
    let moved = |at: usize| segment("PV1", &[(2, "I"), (3, &format!("W{at}")), (19, "V1")]);
    for at in 0..20 {
        let evn = format!("EVN||202603111{:02}0{}", at / 2, at % 2);
        take(&mut lane, "A02", &[&evn, &pid(&[]), &moved(at)]);
        take(&mut lane, "A12", &[&evn, &pid(&[]), &pv1("V1", &[])]);
    }
    let count = |lane: &Lane, cancelled: bool| {
        let stay = stay(lane, "V1");
        stay.movements.iter().filter(|one| one.cancelled.is_some() == cancelled).count()
    };
    take(&mut lane, "A02", &["EVN||20260312100000", &pid(&[]), &moved(20)]);
    assert_eq!((count(&lane, false), count(&lane, true)), (2, 16));

    let mut lane = plain();
    take(&mut lane, "A01", &[&pid(&[]), &pv1("V1", &[])]);
    let mut told = Vec::new();
    for at in 1..=98 {
        let evn = format!("EVN||2026031{}{:02}{:02}", 1 + at / 60, 10, at % 60);
        let outcome = take(&mut lane, "A02", &[&evn, &pid(&[]), &moved(at)]);
        if has(&outcome, IssueCode::ValueCut) {
            told.push(at);
        }
    }
    let stay = stay(&lane, "V1");
    assert_eq!(stay.movements.len(), 96);
    assert_eq!(told, [96, 97, 98], "the admission and 95 moves are the bound");
    assert!(stay.movements[0].effect.start.is_some() || stay.movements[0].effect.class.is_some());
}

#[test]
fn who_takes_part_stands_in_the_order_of_the_fields() {
    let mut lane = plain();
    let both = [(7, "1^House"), (8, "2^Grey"), (17, "3^Ross")];
    take(&mut lane, "A01", &[&pid(&[]), &pv1("V1", &both)]);
    take(&mut lane, "A08", &[&pid(&[]), &pv1("V1", &[(7, "4^Carter")])]);
    let names: Vec<_> =
        stay(&lane, "V1").practitioners.iter().map(|one| one.name.family.clone()).collect();
    assert_eq!(names, ["Carter", "Grey", "Ross"]);
}
