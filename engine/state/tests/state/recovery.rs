//! Where a state comes from when sled is not to be trusted.

use std::fs;
use std::path::{Path, PathBuf};

use sluice_state::{Health, RebuildFrom, RebuildReason, State, StateSettings};

use crate::runner::{Runner, settings};

fn checkpoints(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let mut found: Vec<PathBuf> = entries
        .filter(|path| path.file_name().unwrap().to_str().unwrap().starts_with("checkpoint-"))
        .collect();
    found.sort();
    found
}

/// Two checkpoints, and messages after the second.
fn with_checkpoints(folder: &Path, seed: u64) -> Runner {
    let mut runner = Runner::new(folder, &settings(), &["EJ1", "EJ2"], seed);
    for _ in 0..3 {
        runner.run(60);
        runner.state().checkpoint().unwrap();
    }
    runner.run(30);
    assert_eq!(checkpoints(folder).len(), 2, "two are kept");
    runner
}

fn machine_stopped(folder: &Path) {
    fs::write(folder.join("mark"), "open another-boot\n").unwrap();
}

#[test]
fn after_a_stop_of_the_machine_a_checkpoint_is_used_and_sled_is_not() {
    let folder = tempfile::tempdir().unwrap();
    let mut runner = with_checkpoints(folder.path(), 41);
    runner.state().flush().unwrap();
    let hashes = runner.hashes();
    runner.drop_state();
    machine_stopped(folder.path());
    runner.reopen(folder.path(), &settings());
    assert_eq!(runner.opened.rebuilt, Some(RebuildReason::UncleanStop));
    assert!(runner.opened.checkpoint.is_some());
    assert!(runner.opened.ejs.iter().all(|(_, applied)| applied.get() > 50));
    assert_eq!(runner.hashes(), hashes);
    runner.compare();
}

#[test]
fn after_a_clean_end_another_boot_may_use_sled() {
    let folder = tempfile::tempdir().unwrap();
    let mut runner = with_checkpoints(folder.path(), 42);
    runner.close();
    let mark = fs::read_to_string(folder.path().join("mark")).unwrap();
    assert!(mark.starts_with("clean "));
    fs::write(folder.path().join("mark"), "clean another-boot\n").unwrap();
    runner.reopen(folder.path(), &settings());
    assert_eq!(runner.opened.rebuilt, None);
    runner.compare();
}

#[test]
fn a_damaged_checkpoint_gives_way_to_the_older_and_that_to_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let mut runner = with_checkpoints(folder.path(), 43);
    let hashes = runner.hashes();
    runner.drop_state();
    let kept = checkpoints(folder.path());
    for (newest, expected) in [(&kept[1], true), (&kept[0], false)] {
        let mut bytes = fs::read(newest).unwrap();
        let middle = bytes.len() / 2;
        bytes[middle] ^= 0x10;
        fs::write(newest, bytes).unwrap();
        fs::remove_dir_all(folder.path().join("sled")).unwrap();
        runner.reopen(folder.path(), &settings());
        assert_eq!(runner.opened.rebuilt, Some(RebuildReason::Missing));
        assert_eq!(runner.opened.checkpoint.is_some(), expected);
        assert_eq!(runner.hashes(), hashes);
        runner.compare();
        runner.drop_state();
    }
}

#[test]
fn every_truncation_and_flip_of_a_checkpoint_is_found() {
    let folder = tempfile::tempdir().unwrap();
    let mut runner = with_checkpoints(folder.path(), 44);
    let hashes = runner.hashes();
    runner.drop_state();
    let kept = checkpoints(folder.path());
    let (older, newest) = (fs::read(&kept[0]).unwrap(), fs::read(&kept[1]).unwrap());
    let mut dice = crate::world::Dice(9);
    for round in 0..24 {
        let at = usize::try_from(dice.below(newest.len() as u64)).unwrap();
        let mut bytes = newest.clone();
        if round % 2 == 0 {
            bytes.truncate(at)
        } else {
            bytes[at] ^= 1
        }
        fs::write(&kept[0], &older).unwrap();
        fs::write(&kept[1], bytes).unwrap();
        fs::remove_dir_all(folder.path().join("sled")).unwrap();
        runner.reopen(folder.path(), &settings());
        let older_cut =
            kept[0].file_name().unwrap().to_str().unwrap()["checkpoint-".len()..].parse();
        assert_eq!(runner.opened.checkpoint, older_cut.ok());
        assert_eq!(runner.hashes(), hashes);
        runner.drop_state();
    }
}

#[test]
fn the_journal_may_let_go_of_what_both_checkpoints_cover() {
    let folder = tempfile::tempdir().unwrap();
    let mut runner = Runner::new(folder.path(), &settings(), &["EJ1"], 45);
    let ej = runner.ejs()[0];
    assert_eq!(runner.state().releasable(), []);
    runner.run(50);
    let first = runner.state().checkpoint().unwrap();
    assert_eq!(runner.state().releasable(), [], "one alone may turn out damaged");
    runner.run(50);
    runner.state().checkpoint().unwrap();
    assert_eq!(runner.state().releasable(), first.ejs);
    assert_eq!(first.ejs, [(ej, sluice_ids::Seq::new(50))]);
    runner.close();
    runner.reopen(folder.path(), &settings());
    // Any order waits for the flusher, which verifies them first.
    runner.state().flush().unwrap();
    assert_eq!(runner.state().releasable(), first.ejs);
}

#[test]
fn sled_that_is_older_than_a_checkpoint_is_not_used() {
    let folder = tempfile::tempdir().unwrap();
    let mut runner = Runner::new(folder.path(), &settings(), &["EJ1"], 46);
    runner.run(50);
    runner.close();
    let old = tempfile::tempdir().unwrap();
    let copied = std::process::Command::new("cp")
        .arg("-a")
        .arg(folder.path().join("sled"))
        .arg(old.path())
        .status();
    assert!(copied.unwrap().success());
    runner.reopen(folder.path(), &settings());
    runner.run(50);
    runner.state().checkpoint().unwrap();
    runner.close();
    fs::remove_dir_all(folder.path().join("sled")).unwrap();
    fs::remove_file(folder.path().join("cut")).unwrap();
    fs::rename(old.path().join("sled"), folder.path().join("sled")).unwrap();
    runner.reopen(folder.path(), &settings());
    assert_eq!(runner.opened.rebuilt, Some(RebuildReason::Outdated));
    assert!(runner.opened.checkpoint.is_some());
    runner.compare();
}

#[test]
fn an_ordered_rebuild_starts_where_it_was_told() {
    let folder = tempfile::tempdir().unwrap();
    let mut runner = with_checkpoints(folder.path(), 47);
    let hashes = runner.hashes();
    assert!(State::order_rebuild(folder.path(), RebuildFrom::Zero).is_err(), "it is in use");
    runner.close();
    State::order_rebuild(folder.path(), RebuildFrom::Checkpoint).unwrap();
    runner.reopen(folder.path(), &settings());
    assert!(runner.opened.checkpoint.is_some());
    assert_eq!(runner.hashes(), hashes);
    runner.close();
    State::order_rebuild(folder.path(), RebuildFrom::Zero).unwrap();
    runner.reopen(folder.path(), &settings());
    assert_eq!(runner.opened.checkpoint, None);
    assert!(runner.opened.ejs.iter().all(|(_, applied)| applied.get() == 0));
    assert_eq!(runner.hashes(), hashes);
    runner.state().checkpoint().unwrap();
    runner.run(10);
    runner.state().checkpoint().unwrap();
    runner.drop_state();
    machine_stopped(folder.path());
    runner.reopen(folder.path(), &settings());
    assert!(runner.opened.checkpoint.is_some(), "new checkpoints follow the retired ones");
    runner.compare();
}

#[test]
fn without_room_the_state_lives_in_memory_and_returns_to_sled() {
    let folder = tempfile::tempdir().unwrap();
    let mut runner = with_checkpoints(folder.path(), 48);
    let hashes = runner.hashes();
    runner.close();
    let full = StateSettings { free_floor_bytes: u64::MAX, ..settings() };
    runner.reopen(folder.path(), &full);
    assert_eq!(runner.opened.rebuilt, Some(RebuildReason::NoSpace));
    assert!(runner.opened.checkpoint.is_some());
    assert_eq!(runner.state().health(), Health::InMemory);
    assert_eq!(runner.hashes(), hashes);
    runner.run(40);
    runner.state().flush().unwrap();
    runner.compare();
    assert!(runner.state().checkpoint().is_err(), "nor is there room for a checkpoint");
    let hashes = runner.hashes();
    runner.drop_state();

    // The sled of before lies there untouched, and is used once there is room.
    runner.reopen(folder.path(), &settings());
    assert_eq!(runner.opened.rebuilt, None);
    assert_eq!(runner.hashes(), hashes);
}

#[test]
fn a_failing_sled_is_left_for_memory_and_made_anew() {
    let folder = tempfile::tempdir().unwrap();
    let settings = StateSettings { sled_retry_ms: 0, hot_bytes_max: 20_000, ..settings() };
    let mut runner = Runner::new(folder.path(), &settings, &["EJ1", "EJ2"], 49);
    runner.run(150);
    runner.state().flush().unwrap();
    runner.run(50);
    // The cut cannot be written down: where its file should be, there is a folder.
    let cut = folder.path().join("cut");
    fs::remove_file(&cut).unwrap();
    fs::create_dir(&cut).unwrap();
    runner.state().flush().unwrap();
    runner.compare();
    assert_eq!(runner.state().health(), Health::InMemory);
    fs::remove_dir(&cut).unwrap();
    runner.run(30);
    // The order is answered first, then sled is tried; the second one sees it done.
    runner.state().flush().unwrap();
    runner.state().flush().unwrap();
    assert_eq!(runner.state().health(), Health::Sound);
    runner.compare();
    let hashes = runner.hashes();
    runner.close();
    runner.reopen(folder.path(), &settings);
    assert_eq!(runner.opened.rebuilt, None);
    assert_eq!(runner.hashes(), hashes);
}
