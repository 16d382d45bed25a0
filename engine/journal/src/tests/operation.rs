//! What is seen of a running journal: metrics, refusals, a verification beside it, cut releases.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Waker};

use metrics_exporter_prometheus::PrometheusBuilder;
use sluice_ids::{Lsn, Seq};

use super::played_disk::{Dice, Plan, PlayedDisk};
use super::scene::{EJS, Told, append, open, open_with, payload, read, settings};
use crate::conformance::{ej_id, entry, keys_of};
use crate::format::{HEAD_FILE, decode_head};
use crate::verify::{verify, verify_on};
use crate::{Append, EmbeddedJournal, Journal, JournalSettings, Owner, ReadError, Refusal};

#[test]
fn the_exported_metrics_tell_commits_and_refusals() {
    let recorder = PrometheusBuilder::new().build_recorder();
    let handle = recorder.handle();
    metrics::with_local_recorder(&recorder, || {
        crate::describe_metrics();
        let scene = open(&PlayedDisk::new(Plan::default())).unwrap();
        let mut told = Told::default();
        append(&scene.journal, &mut told, &mut Dice::new(1), 0, 20, 1);
        let too_large = vec![0; 16 * 1024 + 1];
        let _ = scene.journal.appender().append(entry("EJ1", too_large)).wait();
        scene.journal.stop();
        let _ = scene.journal.appender().append(entry("EJ1", payload(1, 8))).wait();
    });
    let text = handle.render();
    for line in [
        "sluice_journal_commits_total 20",
        "sluice_journal_commit_records_count 20",
        "sluice_journal_commit_seconds_count 20",
        "sluice_journal_refused_total{reason=\"too_large\"} 1",
        "sluice_journal_refused_total{reason=\"stopping\"} 1",
        "sluice_journal_damages 0",
        "# HELP sluice_journal_appended_bytes_total",
        "# HELP sluice_journal_free_bytes",
    ] {
        assert!(text.contains(line), "{line} is not in\n{text}");
    }
}

#[test]
fn a_journal_that_was_opened_again_tells_its_segments_and_its_space_before_any_append() {
    let disk = PlayedDisk::new(Plan::default());
    let scene = open(&disk).unwrap();
    append(&scene.journal, &mut Told::default(), &mut Dice::new(1), 0, 20, 1);
    drop(scene);
    let recorder = PrometheusBuilder::new().build_recorder();
    let handle = recorder.handle();
    metrics::with_local_recorder(&recorder, || drop(open(&disk).unwrap()));
    let text = handle.render();
    assert!(!text.contains("sluice_journal_segments 0\n"), "{text}");
    assert!(!text.contains("sluice_journal_free_bytes 0\n"), "{text}");
    assert!(text.contains("sluice_journal_segments "), "{text}");
}

#[test]
fn a_stopped_journal_has_written_what_was_queued_and_refuses_the_rest() {
    let disk = PlayedDisk::new(Plan::default());
    let scene = open(&disk).unwrap();
    let mut appender = scene.journal.appender();
    let queued: Vec<_> = (0..50).map(|n| appender.append(entry("EJ1", payload(n, 99)))).collect();
    scene.journal.stop();
    assert!(queued.into_iter().all(|future| matches!(future.wait(), Append::Stored { .. })));
    let late = appender.append(entry("EJ1", payload(99, 99))).wait();
    assert_eq!(late, Append::Refused(Refusal::Stopping));
    drop(scene);
    assert_eq!(read(&open(&disk).unwrap().journal, ej_id("EJ1"), Seq::ZERO).0.len(), 50);
}

#[test]
fn what_waits_is_bounded_and_the_rest_is_refused_as_busy() {
    let settings = JournalSettings { queue_bytes_max: 64 * 1024, ..settings() };
    let disk = PlayedDisk::new(Plan::default());
    let scene = open_with(&disk, settings, Lsn::ZERO).unwrap();
    let mut appender = scene.journal.appender();
    let futures: Vec<_> =
        (0..400).map(|n| appender.append(entry("EJ1", payload(n, 16 * 1024)))).collect();
    let outcomes: Vec<_> = futures.into_iter().map(crate::AppendFuture::wait).collect();
    let stored = outcomes.iter().filter(|o| matches!(o, Append::Stored { .. })).count();
    // All but the fifth that is kept for urgent appends.
    let busy = outcomes
        .iter()
        .filter(|o| matches!(o, Append::Refused(Refusal::Busy { limit: 52_429, .. })));
    assert!(stored >= 3 && stored + busy.count() == 400);
    assert_eq!(read(&scene.journal, ej_id("EJ1"), Seq::ZERO).0.len(), stored);
}

#[test]
fn verify_runs_beside_the_owner_and_after_it() {
    let folder = tempfile::tempdir().unwrap();
    let owner = Owner {
        watermark: Lsn::ZERO,
        keys_of: keys_of(),
        on_fault: Arc::new(|fault| panic!("{fault}")),
    };
    let (journal, _) = EmbeddedJournal::open(folder.path(), settings(), owner).unwrap();
    let journal = Arc::new(journal);
    let writer = {
        let journal = Arc::clone(&journal);
        std::thread::spawn(move || {
            let mut told = Told::default();
            append(&journal, &mut told, &mut Dice::new(3), 0, 400, 8);
            told.stored.len() as u64
        })
    };
    let mut looks = 0;
    while !writer.is_finished() || looks == 0 {
        let report = verify(folder.path(), None).unwrap();
        assert!(report.damages.is_empty(), "{report:?}");
        looks += 1;
    }
    let stored = writer.join().unwrap();
    let mut seen = Vec::new();
    crate::records(folder.path(), |record| seen.push(record.lsn.get())).unwrap();
    assert!(seen.iter().copied().eq(1..=stored), "every record once, in order, beside the owner");
    drop(journal);
    let report = verify(folder.path(), Some(keys_of())).unwrap();
    assert!(report.is_sound() && report.sidecars.is_empty(), "{report:?}");
    assert_eq!((report.records, report.last_lsn), (stored, Lsn::new(stored)));
    assert_eq!(report.head_lsn, Some(Lsn::new(stored)));
    assert!(report.unsynced.is_none() && report.segments > 5);
    println!("looked {looks} times while {stored} records were written");
}

/// Told before the mark was written, an appender could look and miss its own record.
#[test]
fn who_looks_on_sees_a_record_as_soon_as_its_appender_was_told() {
    let folder = tempfile::tempdir().unwrap();
    let owner = Owner {
        watermark: Lsn::ZERO,
        keys_of: keys_of(),
        on_fault: Arc::new(|fault| panic!("{fault}")),
    };
    let (journal, _) = EmbeddedJournal::open(folder.path(), settings(), owner).unwrap();
    let mut appender = journal.appender();
    for n in 1..=300 {
        let mut told = appender.append(entry("EJ1", payload(n, 20)));
        // Spinning, to look in the very moment.
        let mut context = Context::from_waker(Waker::noop());
        while Pin::new(&mut told).poll(&mut context).is_pending() {}
        let head = std::fs::read(folder.path().join(HEAD_FILE)).unwrap();
        assert_eq!(decode_head(&head).unwrap().1, n, "the mark is behind what was told");
    }
}

#[test]
fn an_open_scans_only_what_has_no_sound_sidecar() {
    let disk = PlayedDisk::new(Plan::default());
    let scene = open(&disk).unwrap();
    append(&scene.journal, &mut Told::default(), &mut Dice::new(3), 0, 200, 8);
    drop(scene);
    let scene = open(&disk).unwrap();
    assert!(scene.report.segments > 5);
    assert_eq!(scene.report.segments_scanned, 1);
    drop(scene);
    disk.put(&crate::format::sidecar_name(2), Vec::new());
    assert_eq!(open(&disk).unwrap().report.segments_scanned, 2);
    assert_eq!(open(&disk).unwrap().report.segments_scanned, 1);
}

#[test]
fn a_release_cut_at_any_call_leaves_all_that_was_to_stay() {
    let disk = PlayedDisk::new(Plan::default());
    let mut told = Told::default();
    let scene = open(&disk).unwrap();
    append(&scene.journal, &mut told, &mut Dice::new(4), 0, 150, 8);
    let all = EJS.map(|ej| (ej_id(ej), Seq::new(u64::MAX)));
    drop(scene);
    let mut cut_short = 0;
    for power_off in 0..40 {
        let left = disk.after_kill();
        left.set_plan(Plan { power_off: Some(power_off), ..Plan::default() });
        let Ok(scene) = open(&left) else { continue };
        cut_short += usize::from(scene.journal.release(&all).is_err());
        drop(scene);
        let left = left.after_power_cut(&mut Dice::new(power_off));
        let scene = open(&left).unwrap();
        assert!(scene.report.damages.is_empty(), "{:?}", scene.report);
        for ej in EJS.map(ej_id) {
            let (mut records, error) = read(&scene.journal, ej, Seq::ZERO);
            if let Some(ReadError::Released { oldest, .. }) = error {
                records = read(&scene.journal, ej, oldest).0;
            }
            let of = told.stored.range((ej, Seq::ZERO)..=(ej, Seq::new(u64::MAX)));
            let of: Vec<_> = of.map(|((_, seq), payload)| (*seq, payload.clone())).collect();
            assert!(of.ends_with(&records));
            assert_eq!(Some(scene.journal.tail(ej)), of.last().map(|(seq, _)| *seq));
        }
        let mut more = Told::default();
        assert_eq!(append(&scene.journal, &mut more, &mut Dice::new(1), 1000, 9, 2), 0);
        assert!(more.stored.keys().all(|key| !told.stored.contains_key(key)));
    }
    println!("releases cut short: {cut_short}");
    assert!(cut_short > 2);
}

#[test]
fn a_panic_in_the_owners_key_function_costs_keys_and_no_more() {
    let disk = PlayedDisk::new(Plan::default());
    let owner = Owner {
        watermark: Lsn::ZERO,
        keys_of: Arc::new(|record| {
            assert_ne!(record.entry.payload[0], 7, "played: the owner's function panics");
            keys_of()(record)
        }),
        on_fault: Arc::new(|_| {}),
    };
    let disk = Arc::new(disk);
    let opened = EmbeddedJournal::open_on(disk, "played".as_ref(), settings(), owner);
    let (journal, _) = opened.unwrap();
    let mut told = Told::default();
    assert_eq!(append(&journal, &mut told, &mut Dice::new(3), 0, 60, 8), 0);
    super::scene::assert_all_there(&journal, &told);
    let found = |key| {
        let of = |ej| journal.find(ej_id(ej), crate::KeyIndex::ControlId, key).unwrap();
        EJS.into_iter().flat_map(of).count()
    };
    assert_eq!((found(6), found(7), found(8)), (1, 0, 1));
}

#[test]
fn what_is_found_stays_found_while_segments_are_sealed() {
    let Ok(scene) = super::scene::open(&PlayedDisk::new(Plan::default())) else { panic!() };
    let stop = std::sync::atomic::AtomicBool::new(false);
    std::thread::scope(|threads| {
        let looking = threads.spawn(|| {
            let mut most = [0; EJS.len()];
            let mut looks = 0_u32;
            while !stop.load(std::sync::atomic::Ordering::Acquire) || looks == 0 {
                for (ej, most) in EJS.into_iter().zip(&mut most) {
                    // The first byte of a payload is its key: of each 256 records one has it.
                    let found = scene.journal.find(ej_id(ej), crate::KeyIndex::ControlId, 3);
                    let found = found.unwrap().len();
                    assert!(found >= *most, "{found} found, and {most} before");
                    *most = found;
                }
                looks += 1;
            }
        });
        let mut told = Told::default();
        assert_eq!(append(&scene.journal, &mut told, &mut Dice::new(5), 0, 2_000, 8), 0);
        stop.store(true, std::sync::atomic::Ordering::Release);
        looking.join().unwrap();
    });
}

#[test]
fn a_verification_of_an_empty_folder_finds_nothing() {
    let report = verify_on(Arc::new(PlayedDisk::new(Plan::default())), None).unwrap();
    assert!(report.is_sound() && report.records == 0 && report.head_lsn.is_none());
}

#[test]
fn an_unreadable_mark_of_what_was_let_go_stops_nobody() {
    let disk = PlayedDisk::new(Plan::default());
    let scene = open(&disk).unwrap();
    append(&scene.journal, &mut Told::default(), &mut Dice::new(4), 0, 150, 8);
    let all = EJS.map(|ej| (ej_id(ej), Seq::new(u64::MAX)));
    assert!(scene.journal.release(&all).unwrap() > 2);
    let tails = EJS.map(|ej| scene.journal.tail(ej_id(ej)));
    drop(scene);
    disk.put(crate::format::RELEASED_FILE, vec![0xff; 4096]);
    let scene = open(&disk).unwrap();
    assert!(scene.report.damages.is_empty(), "{:?}", scene.report.damages);
    assert_eq!(EJS.map(|ej| scene.journal.tail(ej_id(ej))), tails);
}

#[test]
fn the_next_segment_is_made_at_the_pace_at_which_this_one_fills() {
    const SEGMENT: u64 = 16 * 1024 * 1024;
    let disk = PlayedDisk::new(Plan::default());
    let settings =
        JournalSettings { segment_bytes: SEGMENT, entry_bytes_max: 1 << 20, ..settings() };
    let scene = open_with(&disk, settings, Lsn::ZERO).unwrap();
    let mut appender = scene.journal.appender();
    let mut append = |n| appender.append(entry("EJ1", payload(n, 1 << 20))).wait();
    assert!(matches!(append(0), Append::Stored { .. }));
    // Whatever the thread has done by now, it waits for the segment to fill by half.
    let ahead = disk.names().into_iter().find(|name| name.ends_with(".next"));
    let made = ahead.map_or(0, |name| disk.bytes(&name).len() as u64);
    assert!(made <= SEGMENT / 4, "{made} bytes were made at once");
    for n in 1..40 {
        assert!(matches!(append(n), Append::Stored { .. }));
    }
    let records = read(&scene.journal, ej_id("EJ1"), Seq::ZERO).0;
    assert!(records.len() == 40 && disk.used() > 2 * SEGMENT);
}
