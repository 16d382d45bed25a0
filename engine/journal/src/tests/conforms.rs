//! The embedded journal keeps every rule of the port, with segments so small that they roll.

use std::path::Path;
use std::sync::Arc;

use sluice_ids::Lsn;

use crate::conformance::{self, Subject};
use crate::{EmbeddedJournal, Journal, JournalSettings, OpenError, Owner};

fn settings() -> JournalSettings {
    JournalSettings {
        segment_bytes: 64 * 1024,
        entry_bytes_max: 16 * 1024,
        free_floor_bytes: 0,
        ..JournalSettings::default()
    }
}

fn open(folder: &Path, settings: &JournalSettings) -> Result<EmbeddedJournal, OpenError> {
    let owner = Owner {
        watermark: Lsn::ZERO,
        keys_of: conformance::keys_of(),
        on_fault: Arc::new(|fault| panic!("{fault}")),
    };
    EmbeddedJournal::open(folder, settings.clone(), owner).map(|(journal, report)| {
        assert!(report.damages.is_empty() && report.torn.is_none(), "{report:?}");
        journal
    })
}

fn run_with(settings: JournalSettings) {
    conformance::run(|| {
        let folder = tempfile::tempdir().unwrap();
        let settings = settings.clone();
        Subject {
            journal: Box::new(open(folder.path(), &settings).unwrap()),
            reopen: Box::new(move |journal| {
                drop(journal);
                Box::new(open(folder.path(), &settings).unwrap()) as Box<dyn Journal>
            }),
        }
    });
}

#[test]
fn the_embedded_journal_keeps_the_contract() {
    run_with(settings());
}

#[test]
fn it_keeps_the_contract_with_nothing_in_memory_and_tiny_groups() {
    let tiny = JournalSettings {
        tail_bytes: 0,
        sidecar_cache_bytes: 0,
        commit_batch_bytes_max: 4096,
        ..settings()
    };
    run_with(tiny);
}

#[test]
fn a_second_owner_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let first = open(folder.path(), &settings()).unwrap();
    let Err(error) = open(folder.path(), &settings()) else { panic!("two owners") };
    assert!(matches!(error, OpenError::InUse { .. }), "{error}");
    drop(first);
    open(folder.path(), &settings()).unwrap();
}
