//! Events about several patients, and about the numbers of one: groups, moves, merges.

use sluice_mappings::adt::{Change, IssueCode};
use sluice_mappings::records::{RecordType, StayStatus};

use super::adt_support::{Lane, location};
use super::{french, has, issues, patient, plain, segment, stay, take};

fn pid(number: &str) -> String {
    segment("PID", &[(3, &format!("{number}^^^A")), (5, "Doe^Ann")])
}

fn pv1(visit: &str, place: &str) -> String {
    segment("PV1", &[(2, "I"), (3, place), (19, visit)])
}

fn admit(lane: &mut Lane, who: &str, visit: &str, hour: usize) {
    let evn = format!("EVN||20260310{hour:02}0000");
    take(lane, "A01", &[&evn, &pid(who), &pv1(visit, "W1")]);
}

#[test]
fn so_many_groups_are_applied_and_more_are_told() {
    for (many, applied, is_cut) in [(63, 63, false), (64, 64, false), (65, 64, true)] {
        let group = |at: usize| format!("{}\rMRG|L{at}^^^A", pid(&format!("S{at}")));
        let groups: Vec<_> = (0..many).map(group).collect();
        let mut lane = plain();
        let outcome = take(&mut lane, "A40", &[&groups.join("\r")]);
        assert_eq!(lane.records.patients().count(), applied);
        assert_eq!(issues(&outcome).contains(&"value_cut at PID[1]".to_owned()), is_cut, "{many}");
    }
}

#[test]
fn so_many_issues_are_told() {
    let groups: Vec<_> = (0..64).map(|at| format!("{}\rMRG", pid(&format!("S{at}")))).collect();
    let outcome = take(&mut plain(), "A40", &[&groups.join("\r"), "MRG|", "MRG|", "MRG|"]);
    assert_eq!(outcome.issues.len(), 64);
}

#[test]
fn an_unknown_visit_is_told_where_it_was_named() {
    for (mrg, pv1, at) in [
        ("MRG|P1^^^A||||V9", "PV1|1|I", "MRG[1]-5"),
        ("MRG|P1^^^A||||V9", "PV1|1|I|||||||||||||||||V8", "MRG[1]-5"),
        ("MRG|P1^^^A", "PV1|1|I|||||||||||||||||V8", "PV1[1]-19"),
    ] {
        let mut lane = plain();
        admit(&mut lane, "P1", "V1", 8);
        let outcome = take(&mut lane, "A45", &[&pid("P2"), mrg, pv1]);
        assert!(issues(&outcome).contains(&format!("stay_not_found at {at}")), "{outcome:?}");
    }
}

#[test]
fn a_visit_that_is_moved_leaves_the_others_as_they_were() {
    let mut lane = plain();
    for (visit, hour) in [("V1", 8), ("V2", 9), ("V3", 10)] {
        admit(&mut lane, "P1", visit, hour);
    }
    take(&mut lane, "A08", &[&pid("P1"), &pv1("V1", "W1")]);
    take(&mut lane, "A45", &[&pid("P2"), "MRG|P1^^^A||||V3", &pv1("V3", "")]);
    assert_eq!(stay(&lane, "V3").patient, patient(&lane, "P2").id);
    // Of two that are left, the one that was touched last is meant.
    let moved = take(&mut lane, "A02", &["EVN||20260311", &pid("P1"), &pv1("", "W2")]);
    assert!(!has(&moved, IssueCode::StayAmbiguous));
    assert_eq!(
        (location(&stay(&lane, "V1")), location(&stay(&lane, "V2"))),
        ("W2".into(), "W1".into())
    );
}

#[test]
fn what_waits_for_a_visit_goes_with_it() {
    let zbe = |number: &str, action: &str| {
        let own = [(1, number), (2, "20260310090000"), (4, action), (5, "N"), (6, "A02")];
        segment("ZBE", &own)
    };
    let mut lane = plain();
    // Both wait with the patient: their visits are not known yet.
    for (visit, number) in [("V1", "M1"), ("V2", "M2")] {
        take(&mut lane, "A12", &[&pid("P1"), &pv1(visit, "W1"), &zbe(number, "CANCEL")]);
    }
    admit(&mut lane, "P1", "V1", 8);
    assert_eq!(patient(&lane, "P1").held.len(), 2);
    take(&mut lane, "A45", &[&pid("P2"), "MRG|P1^^^A||||V1", &pv1("V1", "")]);
    let held = |who| -> Vec<String> {
        let held = patient(&lane, who).held;
        held.iter().map(|one| one.movement.identifier.as_ref().unwrap().value.clone()).collect()
    };
    assert_eq!((held("P1"), held("P2")), (vec!["M2".to_owned()], vec!["M1".to_owned()]));
    take(&mut lane, "A02", &[&pid("P2"), &pv1("V1", "W2"), &zbe("M1", "INSERT")]);
    assert_eq!(location(&stay(&lane, "V1")), "W1", "it arrived taken back");
}

#[test]
fn what_waits_already_is_told_once() {
    let zbe = "ZBE|M1|20260310090000||CANCEL|N|A02";
    let mut lane = plain();
    let segments = [&*pid("P1"), &pv1("V1", "W1"), zbe];
    assert!(has(&take(&mut lane, "A12", &segments), IssueCode::MovementHeld));
    let again = take(&mut lane, "A12", &segments);
    assert_eq!((issues(&again), again.changes.len()), (vec![], 0));
}

#[test]
fn a_swap_touches_both_and_a_merge_then_means_the_survivors() {
    let mut lane = plain();
    for (who, visits) in [("P1", ["V1", "V2"]), ("P2", ["V3", "V4"])] {
        for (at, visit) in visits.iter().enumerate() {
            admit(&mut lane, who, visit, 8 + at);
        }
    }
    let both = [&*pid("P1"), &pv1("V1", "W7"), &pid("P2"), &pv1("V3", "W8")];
    take(&mut lane, "A17", &both);
    take(&mut lane, "A40", &[&pid("P1"), "MRG|P2^^^A"]);
    take(&mut lane, "A02", &["EVN||20260311", &pid("P1"), &pv1("", "W9")]);
    assert_eq!(
        (location(&stay(&lane, "V1")), location(&stay(&lane, "V3"))),
        ("W9".into(), "W8".into())
    );
}

#[test]
fn a_visit_absorbed_by_itself_is_told_unless_it_was_so_absorbed_before() {
    let mut lane = plain();
    admit(&mut lane, "P1", "V1", 8);
    take(&mut lane, "A50", &[&pid("P1"), "MRG|P1^^^A||||V1", &pv1("V2", "")]);
    let itself = take(&mut lane, "A42", &[&pid("P1"), "MRG|P1^^^A||||V2", &pv1("V2", "")]);
    assert!(has(&itself, IssueCode::MergeWithSelf), "{:?}", issues(&itself));
    let before = take(&mut lane, "A42", &[&pid("P1"), "MRG|P1^^^A||||V1", &pv1("V2", "")]);
    assert!(!has(&before, IssueCode::MergeWithSelf), "{:?}", issues(&before));
    assert_eq!(stay(&lane, "V2").status(), StayStatus::InProgress);
}

#[test]
fn a_change_of_an_old_number_is_taken_where_such_numbers_are_forbidden_too() {
    for (event, after, before) in [("A46", 2, 4), ("A48", 4, 2)] {
        let mut lane = french();
        let person = segment("PID", &[(after, "N2"), (3, "L1^^^CHULY^PI"), (5, "DURAND^ANNE")]);
        let mrg = segment("MRG", &[(before, "N1")]);
        take(&mut lane, event, &[&person, &mrg]);
        let own = patient(&lane, "L1").identifiers;
        let values: Vec<_> = own.iter().map(|own| &*own.value).collect();
        assert_eq!(values, ["L1", "N2"], "{event}");
    }
}

#[test]
fn a_message_changes_a_record_once() {
    let mut lane = plain();
    let outcome = take(&mut lane, "A20", &["NPU|W1^R1^B1|C", "NPU|W1^R1^B1|H", "NPU|W1^R1^B1|O"]);
    let mut changed: Vec<_> = outcome
        .changes
        .iter()
        .filter_map(|change| match change {
            Change::Put(record) => Some((record.record_type(), record.id())),
            Change::Alias { .. } => None,
        })
        .collect();
    let all = changed.len();
    changed.sort();
    changed.dedup();
    assert_eq!(all, changed.len());
    let told = lane.records.others(RecordType::Location);
    let statuses: Vec<_> = told
        .map(|one| {
            serde_json::to_value(one).unwrap()["Location"]["operational_status"]["code"].clone()
        })
        .collect();
    assert!(statuses.contains(&"O".into()), "{statuses:?}");
}
