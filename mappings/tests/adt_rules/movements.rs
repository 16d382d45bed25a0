//! Movements in time.

use sluice_mappings::adt::{Effect, IssueCode, Records as _};
use sluice_mappings::entity::LegalEntity;
use sluice_mappings::records::{HeldKind, PlaceStatus, RecordType};

use super::{codes, merge, message, only_patient, only_stay, places, plain, visit};
use crate::adt_support::{Lane, demo_settings, digits, location, status};

#[test]
fn a_place_lasts_until_the_next_one_and_the_last_until_the_discharge() {
    let mut lane = plain();
    lane.take_text(&visit("A01", "20260310100000", "W1", ""));
    lane.take_text(&visit("A02", "20260310110000", "W2", ""));
    assert_eq!(places(&lane), ["W1 1000-1100 Completed", "W2 1100- Active"]);
    lane.take_text(&visit("A03", "20260310120000", "", ""));
    assert_eq!(places(&lane), ["W1 1000-1100 Completed", "W2 1100-1200 Completed"]);
    assert_eq!(only_stay(&lane).current(), None, "who has left is nowhere");
}

#[test]
fn a_planned_place_that_was_overtaken_is_not_shown() {
    let mut lane = plain();
    lane.take_text(&visit("A05", "20260309100000", "W1", ""));
    assert_eq!(only_stay(&lane).current().unwrap().place_status, PlaceStatus::Planned);
    lane.take_text(&visit("A01", "20260310100000", "W2", ""));
    assert_eq!(places(&lane), ["W2 1000- Active"]);
}

#[test]
fn a_cancel_that_comes_after_other_events_takes_back_its_own_movement_only() {
    let mut lane = plain();
    lane.take_text(&visit("A01", "20260310100000", "W1", "ZBE|M1|202603101000||INSERT|N"));
    lane.take_text(&visit("A02", "20260310110000", "W2", "ZBE|M2|202603101100||INSERT|N"));
    lane.take_text(&visit("A02", "20260310120000", "W3", "ZBE|M3|202603101200||INSERT|N"));
    lane.take_text(&visit("A03", "20260310130000", "W3", "ZBE|M4|202603101300||INSERT|N"));
    lane.take_text(&visit("A12", "20260310140000", "", "ZBE|M2|202603101100||CANCEL|N|A02"));
    assert_eq!(places(&lane), ["W1 1000-1200 Completed", "W3 1200-1300 Completed"]);
    assert_eq!(status(only_stay(&lane).status()), "finished");
}

#[test]
fn a_historic_movement_takes_its_place_by_time() {
    let mut lane = plain();
    lane.take_text(&visit("A01", "20260310100000", "W1", "ZBE|M1|202603101000||INSERT|N"));
    lane.take_text(&visit("A02", "20260310120000", "W3", "ZBE|M3|202603101200||INSERT|N"));
    lane.take_text(&visit("A02", "20260310130000", "W2", "ZBE|M2|202603101100||INSERT|Y"));
    assert_eq!(
        places(&lane),
        ["W1 1000-1100 Completed", "W2 1100-1200 Completed", "W3 1200- Active"]
    );
}

#[test]
fn a_transfer_sent_again_after_its_cancel_moves_nobody() {
    let mut lane = plain();
    let transfer = visit("A02", "20260310110000", "W2", "");
    lane.take_text(&visit("A01", "20260310100000", "W1", ""));
    lane.take_text(&transfer);
    let cancel = visit("A12", "20260310111500", "", "");
    lane.take_text(&cancel);
    for again in [&transfer, &cancel] {
        let outcome = lane.take_text(&again.replace("|C1|", "|C2|"));
        assert_eq!((outcome.changes.len(), outcome.effect), (0, Effect::Applied));
    }
    assert_eq!(location(&only_stay(&lane)), "W1");
}

#[test]
fn a_cancelled_transfer_that_was_the_first_seen_returns_to_where_pv1_6_says() {
    let mut lane = plain();
    let pv1 = "PV1|1|I|W2|||W1|||||||||||||V1";
    let seen = message("A02", &["EVN||202603101100", "PID|1||P1^^^A||N", pv1]);
    let outcome = lane.take_text(&seen);
    assert!(codes(&outcome).contains(&IssueCode::FirstSeenMidStay));
    assert_eq!(places(&lane), ["W1 -1100 Completed", "W2 1100- Active"]);
    lane.take_text(&visit("A12", "20260310120000", "", ""));
    assert_eq!(places(&lane), ["W1 - Active"]);
}

#[test]
fn a_zbe_cancel_of_an_unknown_movement_says_who_and_waits() {
    let mut lane = plain();
    lane.take_text(&visit("A01", "20260310100000", "W1", ""));
    let before = only_stay(&lane);
    let cancel = visit("A12", "20260310110000", "W9", "ZBE|M9|202603101100||CANCEL|N|A02");
    let cancel = cancel.replace("Name^Given", "Other^Name");
    let outcome = lane.take_text(&cancel);
    assert_eq!((outcome.effect, codes(&outcome)), (Effect::Applied, vec![IssueCode::MovementHeld]));
    let after = only_stay(&lane);
    assert!(after.situation == before.situation);
    assert_eq!(places(&lane), ["W1 1000- Active"]);
    assert_eq!(after.movements[1].held.unwrap().kind, HeldKind::Cancel);
    assert_eq!(only_patient(&lane).names[0].family, "Other");
    let again = lane.take_text(&cancel.replace("|C1|", "|C2|"));
    assert_eq!((again.effect, again.changes), (Effect::Applied, vec![]));
}

#[test]
fn what_is_held_takes_back_its_movement_alone_when_that_comes() {
    let cancel = visit("A12", "20260310110000", "W9", "ZBE|M2|202603101100||CANCEL|N|A02");
    let moves = [
        visit("A01", "20260310100000", "W1", "ZBE|M1|202603101000||INSERT|N"),
        visit("A02", "20260310110000", "W2", "ZBE|M2|202603101100||INSERT|N"),
        visit("A02", "20260310120000", "W3", "ZBE|M3|202603101200||INSERT|N"),
    ];
    for comes in 0..2 {
        let mut lane = plain();
        for (n, message) in moves.iter().enumerate() {
            if n == comes {
                lane.take_text(&cancel);
            }
            lane.take_text(message);
        }
        if comes == 0 {
            assert!(only_patient(&lane).held.is_empty(), "the stay took it over");
        }
        assert_eq!(places(&lane), ["W1 1000-1200 Completed", "W3 1200- Active"], "{comes}");
        let resent = lane.take_text(&cancel.replace("|C1|", "|C2|"));
        assert_eq!(resent.changes, [], "{comes}: its fingerprint is remembered");
    }
}

#[test]
fn what_a_patient_awaits_goes_with_him_to_the_survivor_and_is_no_new_version() {
    let mut lane = plain();
    lane.take_text(&message("A28", &["PID|1||P1^^^A||Name^Given"]));
    let before = only_patient(&lane).stamp;
    lane.take_text(&visit("A11", "20260310110000", "W1", "ZBE|M1|202603101000||CANCEL|N|A01"));
    assert_eq!(only_patient(&lane).held.len(), 1);
    assert_eq!(only_patient(&lane).stamp, before, "what is awaited shows nowhere");
    lane.take_text(&merge("P2", "P1"));
    let survivor = lane.records.patients().find(|patient| patient.active).unwrap();
    assert_eq!(survivor.held.len(), 1);
    assert_eq!(lane.records.patients().map(|patient| patient.held.len()).sum::<usize>(), 1);
    lane.take_text(&visit("A01", "20260310100000", "W1", "ZBE|M1|202603101000||INSERT|N"));
    assert_eq!(status(only_stay(&lane).status()), "cancelled");
    assert!(lane.records.patients().all(|patient| patient.held.is_empty()));
}

#[test]
fn what_is_held_is_bounded_and_the_oldest_gives_way() {
    let mut lane = plain();
    let cancel = |n: usize| format!("ZBE|M{n}|202603101100||CANCEL|N|A02");
    for (with_stay, at) in [(false, "20260310110000"), (true, "20260310111111")] {
        if with_stay {
            lane.take_text(&visit("A01", "20260310100000", "W1", "ZBE|A|202603101000||INSERT|N"));
        }
        let mut given_up = 0;
        for n in 0..20 {
            let held = visit("A12", at, "", &cancel(n + 1));
            given_up +=
                usize::from(codes(&lane.take_text(&held)).contains(&IssueCode::HeldGivenUp));
        }
        assert_eq!(given_up, 12, "{with_stay}");
    }
    assert_eq!(only_patient(&lane).held.len(), 8);
    assert_eq!(only_stay(&lane).movements.len(), 9);
    lane.take_text(&visit("A02", "20260310110000", "W2", "ZBE|M1|202603101100||INSERT|N"));
    assert_eq!(location(&only_stay(&lane)), "W2", "given up");
    lane.take_text(&visit("A02", "20260310120000", "W3", "ZBE|M20|202603101200||INSERT|N"));
    assert_eq!(location(&only_stay(&lane)), "W2", "held by both, and taken back once");
}

#[test]
fn a_cancel_whose_pv1_says_otherwise_is_believed_and_told() {
    let mut lane = plain();
    lane.take_text(&visit("A01", "20260310100000", "W1", ""));
    lane.take_text(&visit("A02", "20260310110000", "W2", ""));
    let outcome = lane.take_text(&visit("A12", "20260310120000", "W7", ""));
    assert_eq!(places(&lane), ["W7 1000- Active"]);
    assert!(codes(&outcome).contains(&IssueCode::CancelDiffersFromMessage));
}

#[test]
fn demographics_of_a_cancel_apply() {
    let mut lane = plain();
    lane.take_text(&visit("A01", "20260310100000", "W1", ""));
    let cancel = visit("A11", "20260310110000", "", "");
    lane.take_text(&cancel.replace("Name^Given", "Other^Name"));
    assert_eq!(only_patient(&lane).names[0].family, "Other");
    assert_eq!(status(only_stay(&lane).status()), "cancelled");
}

#[test]
fn a_readmission_that_is_cancelled_leaves_the_stay_finished() {
    let mut lane = plain();
    lane.take_text(&visit("A01", "20260310100000", "W1", ""));
    lane.take_text(&visit("A03", "20260310110000", "", ""));
    let before = only_stay(&lane).situation;
    lane.take_text(&visit("A01", "20260310120000", "W2", ""));
    assert_eq!(status(only_stay(&lane).status()), "in-progress");
    lane.take_text(&visit("A11", "20260310130000", "", ""));
    assert!(only_stay(&lane).situation == before);
}

#[test]
fn every_level_of_a_place_that_a_message_names_has_one_record() {
    let mut lane = plain();
    lane.take_text(&visit("A01", "20260310100000", "W1^R1^2^North", ""));
    lane.take_text(&visit("A02", "20260310110000", "W1^R1^2^South", ""));
    lane.take_text(&visit("A02", "20260310120000", "W1^R1^2^North^O", ""));
    assert_eq!(
        lane.records.others(RecordType::Location).count(),
        8,
        "facility, ward, room and bed: each is named by its whole path"
    );
    let stay = only_stay(&lane);
    let first = stay.movements[0].location.unwrap();
    assert_eq!(stay.movements[2].location, Some(first));
    assert!(lane.records.record(RecordType::Location, first).is_some());
}

#[test]
fn one_unit_code_of_two_entities_is_two_units() {
    let unit = |ej: &str| {
        let mut lane = Lane::new(LegalEntity::new(demo_settings(ej)).unwrap());
        let zbe = "ZBE|M1|202603101000||INSERT|N||^^^^^^^^^3101||HMS";
        lane.take_text(&visit("A01", "20260310100000", "3101", zbe));
        only_stay(&lane).situation.medical_unit.unwrap()
    };
    let (one, other) = (unit("EJ1"), unit("EJ2"));
    assert_eq!((&*one.identifier.value, &*other.identifier.value), ("3101", "3101"));
    assert_ne!(one.identifier.system, other.identifier.system);
    assert_ne!(one.organization, other.organization);
}

#[test]
fn what_several_messages_say_of_one_movement_is_one_movement_of_all_their_natures() {
    let mut lane = plain();
    let zbe = |nature: &str| format!("ZBE|M2|202603101200||INSERT|N||||{nature}");
    lane.take_text(&visit("A01", "20260310100000", "W1", "ZBE|M1|202603101000||INSERT|N"));
    for nature in ["S", "M", "H"] {
        lane.take_text(&visit("A02", "20260310120000", "W2", &zbe(nature)));
    }
    let stay = only_stay(&lane);
    assert_eq!(stay.movements.len(), 2);
    assert_eq!(stay.movements[1].nature, "HMS");
}

#[test]
fn a_pending_discharge_is_over_with_the_discharge_and_comes_back_with_its_cancel() {
    let mut lane = plain();
    lane.take_text(&visit("A01", "20260310100000", "W1", ""));
    let pv2 = "PV2|||||||||20260312100000";
    lane.take_text(&visit("A16", "20260310110000", "W1", pv2));
    let expected = digits(only_stay(&lane).planned_end());
    assert_eq!(expected, "20260312100000");
    lane.take_text(&visit("A03", "20260311100000", "", ""));
    assert_eq!(only_stay(&lane).planned_end(), None);
    lane.take_text(&visit("A13", "20260311110000", "", ""));
    assert_eq!(digits(only_stay(&lane).planned_end()), expected);
}

#[test]
fn a_message_without_effect_makes_no_unit_either() {
    let mut lane = plain();
    lane.take_text(&visit("A01", "20260310100000", "W1", ""));
    let zbe = "ZBE|M9|202603101200||INSERT|N||^^^^^^^^^U9||HMS";
    let unknown = visit("A23", "20260310120000", "W9", zbe).replace("|V1", "|V9");
    let outcome = lane.take_text(&unknown);
    assert_eq!((outcome.effect, outcome.changes), (Effect::NoEffect, vec![]));
}
