//! Random changes, cuts and restarts; everything that can be asked is compared.

use proptest::prelude::*;
use sluice_state::StateSettings;

use crate::runner::{Runner, settings};

/// Little room: records are read back from sled nearly always.
fn cramped() -> StateSettings {
    StateSettings { hot_bytes_max: 20_000, results_bytes_max: 0, ..settings() }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 12, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn the_state_is_what_the_changes_made_it(seed: u64, tight: bool, ends in prop::collection::vec(0..4_u8, 1..5)) {
        let folder = tempfile::tempdir().unwrap();
        let settings = if tight { cramped() } else { settings() };
        let mut runner = Runner::new(folder.path(), &settings, &["EJ1", "EJ2"], seed);
        for end in ends {
            runner.run(60);
            runner.compare();
            match end {
                0 => runner.state().flush().unwrap(),
                1 => { runner.state().checkpoint().unwrap(); }
                2 => {
                    runner.close();
                    runner.reopen(folder.path(), &settings);
                    prop_assert_eq!(runner.opened.rebuilt, None);
                    prop_assert!(runner.opened.ejs.iter().all(|(ej, applied)|
                        applied.get() == runner.lanes[ej].journal.len() as u64));
                }
                _ => {
                    runner.drop_state();
                    runner.reopen(folder.path(), &settings);
                }
            }
            runner.compare();
        }
    }
}

#[test]
fn staged_changes_are_seen_by_the_lane_and_by_no_reader() {
    let folder = tempfile::tempdir().unwrap();
    let mut runner = Runner::new(folder.path(), &settings(), &["EJ1"], 7);
    runner.run(50);
    for _ in 0..50 {
        runner.step();
        runner.compare();
    }
}

#[test]
fn a_seq_that_was_applied_has_no_second_effect() {
    let folder = tempfile::tempdir().unwrap();
    let mut runner = Runner::new(folder.path(), &settings(), &["EJ1"], 3);
    runner.run(100);
    let before = runner.hashes();
    let lane = runner.lanes.values_mut().next().unwrap();
    let writer = lane.writer.as_mut().unwrap();
    for (at, changes) in lane.journal.iter().enumerate() {
        writer.stage(sluice_ids::Seq::new(at as u64 + 1), changes.clone()).unwrap();
    }
    writer.publish();
    assert_eq!(runner.hashes(), before);
}

#[test]
fn an_ej_has_one_writer_at_a_time() {
    let folder = tempfile::tempdir().unwrap();
    let mut runner = Runner::new(folder.path(), &settings(), &["EJ1"], 1);
    let ej = runner.ejs()[0];
    assert!(runner.state().writer(ej).is_none());
    runner.lanes.get_mut(&ej).unwrap().writer = None;
    assert!(runner.state().writer(ej).is_some());
}

#[test]
fn a_lane_waits_for_the_flusher_and_is_let_go() {
    let folder = tempfile::tempdir().unwrap();
    let settings = StateSettings { dirty_bytes_cut: 10_000, dirty_bytes_max: 40_000, ..settings() };
    let mut runner = Runner::new(folder.path(), &settings, &["EJ1"], 5);
    // Far more than may wait: without the flusher's cuts this would never end.
    runner.run(2_000);
    runner.compare();
}
