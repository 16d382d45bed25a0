//! A full disk: refused before anything is written, readable all the while, open without space,
//! and taken again by itself when space returns.

use std::sync::atomic::Ordering;

use sluice_ids::Lsn;

use super::played_disk::{Dice, Plan, PlayedDisk};
use super::scene::{Told, append, assert_all_there, open_with, payload, settings};
use crate::conformance::entry;
use crate::{Append, EmbeddedJournal, Journal, JournalSettings, Refusal};

const FLOOR_BYTES: u64 = 100_000;

fn with_floor() -> JournalSettings {
    JournalSettings { free_floor_bytes: FLOOR_BYTES, ..settings() }
}

fn append_one(journal: &EmbeddedJournal, n: u64) -> Append {
    journal.appender().append(entry("EJ1", payload(n, 6000))).wait()
}

/// Appends until the journal refuses for want of space.
fn fill(journal: &EmbeddedJournal, told: &mut Told, first: u64) -> Refusal {
    let mut appender = journal.appender();
    for n in first..first + 10_000 {
        let sent = payload(n, 6000);
        match appender.append(entry("EJ1", sent.clone())).wait() {
            Append::Stored { seq, .. } => {
                told.stored.insert((crate::conformance::ej_id("EJ1"), seq), sent);
            }
            Append::Refused(refusal) => return refusal,
            Append::Unknown => panic!("a full disk is no fault"),
        }
    }
    panic!("never full");
}

#[test]
fn a_full_disk_refuses_keeps_reading_survives_a_restart_and_heals() {
    let disk = PlayedDisk::new(Plan::default());
    disk.set_capacity(Some(500_000));
    let mut told = Told::default();
    let scene = open_with(&disk, with_floor(), Lsn::ZERO).unwrap();
    let refusal = fill(&scene.journal, &mut told, 0);
    assert!(matches!(refusal, Refusal::NoSpace { floor_bytes: FLOOR_BYTES, .. }));
    assert!(told.stored.len() > 30);
    assert_all_there(&scene.journal, &told);
    drop(scene);

    // Not one byte is left for the restart.
    disk.set_capacity(Some(disk.used()));
    let scene = open_with(&disk, with_floor(), Lsn::ZERO).unwrap();
    assert_all_there(&scene.journal, &told);
    for n in 0..3 {
        let outcome = append_one(&scene.journal, 20_000 + n);
        assert!(matches!(outcome, Append::Refused(Refusal::NoSpace { .. })), "{outcome:?}");
    }

    disk.set_capacity(Some(1_000_000));
    let healed = append(&scene.journal, &mut told, &mut Dice::new(1), 30_000, 20, 3);
    assert_eq!(healed, 0);
    assert_all_there(&scene.journal, &told);
    assert_eq!(scene.faults.load(Ordering::SeqCst), 0);
}

#[test]
fn enospc_without_a_floor_is_a_refusal_too_and_heals() {
    let disk = PlayedDisk::new(Plan::default());
    disk.set_capacity(Some(300_000));
    let mut told = Told::default();
    let scene = open_with(&disk, settings(), Lsn::ZERO).unwrap();
    for round in 0..5 {
        let refusal = fill(&scene.journal, &mut told, round * 10_000);
        assert!(matches!(refusal, Refusal::NoSpace { .. }));
        disk.set_capacity(Some(disk.used() + 100_000));
    }
    assert_all_there(&scene.journal, &told);
    assert_eq!(scene.faults.load(Ordering::SeqCst), 0);
}

#[test]
fn a_torn_tail_found_on_a_full_disk_waits_until_it_can_be_moved_aside() {
    // How many of the cuts leave a torn tail hangs on how the groups fall, and so on the machine.
    let mut waited = 0;
    for seed in 0.. {
        if seed >= 40 && waited > 3 {
            break;
        }
        assert!(seed < 1_000, "{waited} torn tails only");
        let plan = Plan { power_off: Some(30 + seed % 40), ..Plan::default() };
        let broken = PlayedDisk::new(plan);
        let mut told = Told::default();
        let mut dice = Dice::new(seed);
        if let Ok(scene) = open_with(&broken, settings(), Lsn::ZERO) {
            append(&scene.journal, &mut told, &mut dice, 0, 60, 6);
        }
        let disk = broken.after_power_cut(&mut dice);
        for name in disk.names().iter().filter(|name| name.ends_with(".next")) {
            crate::disk::Disk::remove(&disk, name).unwrap();
        }
        disk.set_capacity(Some(disk.used()));
        let scene = open_with(&disk, settings(), Lsn::ZERO).unwrap();
        assert_all_there(&scene.journal, &told);
        let full = append_one(&scene.journal, 500);
        if scene.report.torn.is_some() {
            waited += 1;
            assert!(matches!(full, Append::Refused(Refusal::NoSpace { .. })), "{full:?}");
        }
        disk.set_capacity(None);
        assert_eq!(append(&scene.journal, &mut told, &mut dice, 1000, 9, 3), 0);
        assert_all_there(&scene.journal, &told);
    }
    println!("torn tails that waited for space: {waited}");
}
