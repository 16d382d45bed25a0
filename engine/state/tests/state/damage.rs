//! Damaged stores: never a wrong state, never a refusal to open.

use std::fs;
use std::path::{Path, PathBuf};

use sluice_state::{RebuildReason, State};

use crate::runner::{Runner, settings};
use crate::world::{self, Dice};

/// A closed state of a few hundred messages, and what it must come to.
fn closed(folder: &Path, seed: u64) -> (Runner, Vec<[u8; 32]>) {
    let mut runner = Runner::new(folder, &settings(), &["EJ1", "EJ2"], seed);
    runner.run(150);
    runner.state().flush().unwrap();
    runner.run(50);
    let hashes = runner.hashes();
    runner.close();
    (runner, hashes)
}

fn opens_whole(runner: &mut Runner, folder: &Path, hashes: &[[u8; 32]]) -> Option<RebuildReason> {
    runner.reopen(folder, &settings());
    assert_eq!(runner.hashes(), hashes);
    let rebuilt = runner.opened.rebuilt;
    runner.drop_state();
    rebuilt
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() { found.extend(files(&path)) } else { found.push(path) }
    }
    found.sort();
    found
}

fn copy(from: &Path, to: &Path) {
    for file in files(from) {
        let target = to.join(file.strip_prefix(from).unwrap());
        fs::create_dir_all(target.parent().unwrap()).unwrap();
        fs::copy(file, target).unwrap();
    }
}

#[test]
fn a_flipped_bit_anywhere_is_found_or_harmless() {
    let original = tempfile::tempdir().unwrap();
    let (mut runner, hashes) = closed(original.path(), 31);
    let mut dice = Dice(0x51);
    let mut rebuilt = 0;
    for round in 0..60 {
        let folder = tempfile::tempdir().unwrap();
        copy(original.path(), folder.path());
        let files: Vec<_> = files(&folder.path().join("sled"))
            .into_iter()
            .filter(|file| fs::metadata(file).unwrap().len() > 0)
            .collect();
        let file = &files[round % files.len()];
        let mut bytes = fs::read(file).unwrap();
        // sled's file is mostly empty: look for something that was written.
        let written: Vec<usize> = (0..bytes.len()).filter(|at| bytes[*at] != 0).collect();
        let at = written[usize::try_from(dice.below(written.len() as u64)).unwrap()];
        bytes[at] ^= 1 << dice.below(8);
        fs::write(file, bytes).unwrap();
        rebuilt += u32::from(opens_whole(&mut runner, folder.path(), &hashes).is_some());
    }
    assert!(rebuilt > 10, "flips that matter were among them: {rebuilt}");
}

#[test]
fn a_store_cut_short_is_rebuilt() {
    let original = tempfile::tempdir().unwrap();
    let (mut runner, hashes) = closed(original.path(), 32);
    let mut dice = Dice(0x52);
    for _ in 0..12 {
        let folder = tempfile::tempdir().unwrap();
        copy(original.path(), folder.path());
        for file in files(&folder.path().join("sled")) {
            let length = fs::metadata(&file).unwrap().len();
            let file = fs::OpenOptions::new().write(true).open(file).unwrap();
            file.set_len(dice.below(length + 1)).unwrap();
        }
        opens_whole(&mut runner, folder.path(), &hashes);
    }
}

#[test]
fn a_store_that_lost_any_of_its_files_is_rebuilt() {
    let original = tempfile::tempdir().unwrap();
    let (mut runner, hashes) = closed(original.path(), 33);
    let relative: Vec<PathBuf> = files(original.path())
        .iter()
        .map(|file| file.strip_prefix(original.path()).unwrap().to_owned())
        .collect();
    for file in relative {
        let folder = tempfile::tempdir().unwrap();
        copy(original.path(), folder.path());
        fs::remove_file(folder.path().join(&file)).unwrap();
        opens_whole(&mut runner, folder.path(), &hashes);
    }
}

#[test]
fn entries_that_went_missing_inside_a_sound_sled_are_noticed() {
    let original = tempfile::tempdir().unwrap();
    let (mut runner, hashes) = closed(original.path(), 34);
    for skip in 0..8 {
        let folder = tempfile::tempdir().unwrap();
        copy(original.path(), folder.path());
        {
            let db = sled::open(folder.path().join("sled")).unwrap();
            let (key, value) = db.iter().nth(1 + skip * 5).unwrap().unwrap();
            if skip % 2 == 0 {
                db.remove(&key).unwrap();
            } else {
                // A value that is well-formed and another's.
                let (_, other) = db.iter().nth(skip * 5).unwrap().unwrap();
                assert_ne!(other, value);
                db.insert(&key, other).unwrap();
            }
            db.flush().unwrap();
        }
        let rebuilt = opens_whole(&mut runner, folder.path(), &hashes);
        assert_eq!(rebuilt, Some(RebuildReason::Damaged));
    }
}

#[test]
fn another_layout_is_rebuilt_and_not_read() {
    let folder = tempfile::tempdir().unwrap();
    let (mut runner, hashes) = closed(folder.path(), 35);
    {
        let db = sled::open(folder.path().join("sled")).unwrap();
        let (key, value) = db.iter().next().unwrap().unwrap();
        let mut value = value.to_vec();
        // The layout stands behind the number of parts.
        value[2] = 250;
        db.insert(key, value).unwrap();
        db.flush().unwrap();
    }
    let rebuilt = opens_whole(&mut runner, folder.path(), &hashes);
    assert_eq!(rebuilt, Some(RebuildReason::Layout));
}

#[test]
fn damaged_folders_are_set_aside_up_to_a_number() {
    let folder = tempfile::tempdir().unwrap();
    let (mut runner, hashes) = closed(folder.path(), 36);
    for _ in 0..5 {
        let db = folder.path().join("sled").join("db");
        fs::write(&db, vec![0x5a; 4_096]).unwrap();
        let rebuilt = opens_whole(&mut runner, folder.path(), &hashes);
        assert_eq!(rebuilt, Some(RebuildReason::Damaged));
    }
    let entries = fs::read_dir(folder.path()).unwrap().map(|e| e.unwrap().file_name());
    let mut aside: Vec<_> = entries
        .filter_map(|n| n.into_string().ok())
        .filter(|n| n.starts_with("damaged-"))
        .collect();
    aside.sort();
    assert_eq!(aside, ["damaged-4", "damaged-5"]);
}

#[test]
fn a_second_process_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let (state, _) = State::open(folder.path(), settings(), &[world::ej("EJ1")]).unwrap();
    assert!(State::open(folder.path(), settings(), &[world::ej("EJ1")]).is_err());
    drop(state);
    assert!(State::open(folder.path(), settings(), &[world::ej("EJ1")]).is_ok());
}

#[test]
fn a_process_that_died_leaves_a_published_state() {
    // The folder as it lies on disk while the state is open, at any moment: what a kill leaves.
    let live = tempfile::tempdir().unwrap();
    let mut runner = Runner::new(live.path(), &settings(), &["EJ1", "EJ2"], 37);
    let mut dice = Dice(0x57);
    for _ in 0..8 {
        runner.run(40);
        runner.state().flush().unwrap();
        runner.run(10);
        let folder = tempfile::tempdir().unwrap();
        copy(live.path(), folder.path());
        // A kill in the middle of the next cut's file.
        let cut = folder.path().join("cut");
        let length = fs::metadata(&cut).unwrap().len();
        let file = fs::OpenOptions::new().write(true).open(cut).unwrap();
        file.set_len(dice.below(length + 1)).unwrap();
        let hashes = runner.hashes();
        let journals = runner.lanes.values().map(|lane| lane.journal.clone()).collect::<Vec<_>>();
        let mut after = Runner::new(folder.path(), &settings(), &["EJ1", "EJ2"], 0);
        assert_eq!(after.opened.rebuilt, None, "sled is used after a kill");
        assert!(after.opened.ejs.iter().any(|(_, applied)| applied.get() > 0));
        after.drop_state();
        for ((lane, journal), was) in
            after.lanes.values_mut().zip(journals).zip(runner.lanes.values())
        {
            lane.journal = journal;
            lane.model = was.model.clone();
        }
        after.reopen(folder.path(), &settings());
        assert_eq!(after.hashes(), hashes);
        after.compare();
        after.drop_state();
    }
}
