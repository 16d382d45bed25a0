//! Every write and every sync may fail, and the power may go at any moment: nothing that was
//! acknowledged is lost, nothing is there twice.

use std::sync::atomic::Ordering;

use proptest::prelude::*;

use super::played_disk::{Dice, Plan, PlayedDisk};
use super::scene::{Told, append, assert_all_there, open};
use crate::Journal;

const RECORDS: u64 = 40;

/// Plays one run in which `plan` goes wrong; returns whether anything did.
fn play(plan: Plan, seed: u64, in_flight: usize) -> bool {
    let mut dice = Dice::new(seed);
    let disk = PlayedDisk::new(plan);
    let mut told = Told::default();
    let failed = match open(&disk) {
        Ok(scene) => {
            let failed = append(&scene.journal, &mut told, &mut dice, 0, RECORDS, in_flight);
            // What was acknowledged can still be read, also after the fault.
            for ((ej, seq), payload) in &told.stored {
                assert_eq!(
                    scene.journal.get(*ej, *seq).unwrap().unwrap().entry.payload,
                    payload[..]
                );
            }
            scene.journal.stop();
            // A head mark that cannot be written is a fault of which no sender need know.
            let faults = scene.faults.load(Ordering::SeqCst);
            assert!(faults <= 1 && faults >= usize::from(failed > 0), "told exactly once");
            faults > 0
        }
        Err(_) => true,
    };
    assert!(!disk.retried_a_sync(), "a failed sync was tried again");
    for disk in [disk.after_kill(), disk.after_power_cut(&mut dice)] {
        let mut told = told.clone();
        let scene = open(&disk).unwrap();
        assert!(scene.report.damages.is_empty(), "{:?}", scene.report);
        assert_all_there(&scene.journal, &told);
        assert_eq!(append(&scene.journal, &mut told, &mut dice, 1000, 10, 3), 0);
        assert_all_there(&scene.journal, &told);
        drop(scene);
        let scene = open(&disk).unwrap();
        assert!(scene.report.damages.is_empty(), "{:?}", scene.report);
        assert_all_there(&scene.journal, &told);
    }
    failed
}

#[test]
fn nothing_acknowledged_is_lost_when_the_kth_sync_fails() {
    let mut clean = 0;
    for k in 1.. {
        let plan = Plan { fail_sync: Some(k), ..Plan::default() };
        clean = if play(plan, k, 4) { 0 } else { clean + 1 };
        // The background thread's calls come in any order, so one clean run may be luck.
        if clean == 8 {
            println!("syncs failed one by one: {}", k - 8);
            assert!(k > 16, "the faults were never played");
            return;
        }
    }
}

#[test]
fn nothing_acknowledged_is_lost_when_the_kth_write_fails_or_is_cut_short() {
    for short_write in [false, true] {
        let mut clean = 0;
        for k in 1.. {
            let plan = Plan { fail_write: Some(k), short_write, ..Plan::default() };
            clean = if play(plan, k, 4) { 0 } else { clean + 1 };
            if clean == 8 {
                println!("writes failed one by one (short: {short_write}): {}", k - 8);
                assert!(k > 24, "the faults were never played");
                break;
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, ..ProptestConfig::default() })]

    #[test]
    fn every_stored_record_is_there_once_after_a_power_cut(
        seed in any::<u64>(), at in 0u64..180, in_flight in 1usize..12,
    ) {
        play(Plan { power_off: Some(at), ..Plan::default() }, seed, in_flight);
    }
}
