//! A journal on a played disk, and what its senders were told.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use sluice_ids::{EjId, Lsn, Seq};

use super::played_disk::{Dice, PlayedDisk};
use crate::conformance::{ej_id, entry, keys_of};
use crate::{
    Append, EmbeddedJournal, Journal, JournalSettings, OpenError, OpenReport, Owner, ReadError,
};

pub const EJS: [&str; 3] = ["EJ1", "EJ2", "EJ3"];

pub fn settings() -> JournalSettings {
    JournalSettings {
        segment_bytes: 64 * 1024,
        entry_bytes_max: 16 * 1024,
        free_floor_bytes: 0,
        tail_bytes: 32 * 1024,
        ..JournalSettings::default()
    }
}

/// What was acknowledged: by EJ and `Seq`, the payload.
#[derive(Default, Clone)]
pub struct Told {
    pub stored: BTreeMap<(EjId, Seq), Vec<u8>>,
}

pub struct Scene {
    pub journal: EmbeddedJournal,
    pub report: OpenReport,
    pub faults: Arc<AtomicUsize>,
}

pub fn open(disk: &PlayedDisk) -> Result<Scene, OpenError> {
    open_with(disk, settings(), Lsn::ZERO)
}

pub fn open_with(
    disk: &PlayedDisk,
    settings: JournalSettings,
    watermark: Lsn,
) -> Result<Scene, OpenError> {
    let faults = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&faults);
    let owner = Owner {
        watermark,
        keys_of: keys_of(),
        on_fault: Arc::new(move |_| {
            counted.fetch_add(1, Ordering::SeqCst);
        }),
    };
    let disk = Arc::new(disk.clone());
    let opened = EmbeddedJournal::open_on(disk, Path::new("played"), settings, owner);
    opened.map(|(journal, report)| Scene { journal, report, faults })
}

/// A payload that can be told from every other, of `bytes` bytes at least 8.
pub fn payload(n: u64, bytes: usize) -> Vec<u8> {
    let mut payload = n.to_le_bytes().to_vec();
    let mut dice = Dice::new(n + 1);
    payload.resize_with(bytes.max(8), || dice.below(256) as u8);
    payload
}

/// Appends `count` entries of several EJs and sizes, up to `in_flight` at a time. Returns how
/// many ended otherwise than stored.
pub fn append(
    journal: &EmbeddedJournal,
    told: &mut Told,
    dice: &mut Dice,
    first: u64,
    count: u64,
    in_flight: usize,
) -> usize {
    let mut appender = journal.appender();
    let mut failed = 0;
    let numbers: Vec<u64> = (first..first + count).collect();
    for batch in numbers.chunks(in_flight) {
        let waiting: Vec<_> = batch
            .iter()
            .map(|n| {
                let bytes = [8, 100, 700, 3000, 9000][dice.below(5) as usize];
                let ej = EJS[dice.below(3) as usize];
                let payload = payload(*n, bytes);
                (ej, payload.clone(), appender.append(entry(ej, payload)))
            })
            .collect();
        for (ej, payload, future) in waiting {
            match future.wait() {
                Append::Stored { seq, .. } => {
                    assert!(told.stored.insert((ej_id(ej), seq), payload).is_none());
                }
                _ => failed += 1,
            }
        }
    }
    failed
}

/// Reads one EJ as far as it goes. An unaccepted damage ends it.
pub fn read(
    journal: &EmbeddedJournal,
    ej: EjId,
    from: Seq,
) -> (Vec<(Seq, Vec<u8>)>, Option<ReadError>) {
    let mut reader = journal.read(ej, from);
    let mut records = Vec::new();
    loop {
        match reader.next() {
            Ok(Some(record)) => records.push((record.seq, record.entry.payload.to_vec())),
            Ok(None) => return (records, None),
            Err(error) => return (records, Some(error)),
        }
    }
}

/// Everything that was acknowledged is there, once, as it was; what else is there was at least
/// once sent, and not twice.
pub fn assert_all_there(journal: &EmbeddedJournal, told: &Told) {
    let mut seen = BTreeMap::new();
    for name in EJS {
        let ej = ej_id(name);
        let (records, error) = read(journal, ej, Seq::ZERO);
        assert!(error.is_none(), "{error:?}");
        for (seq, payload) in records {
            let number = u64::from_le_bytes(*payload.first_chunk().unwrap());
            assert_eq!(payload, self::payload(number, payload.len()), "served as it was sent");
            assert!(seen.insert(number, (ej, seq)).is_none(), "{number} is there twice");
        }
    }
    for ((ej, seq), payload) in &told.stored {
        let number = u64::from_le_bytes(*payload.first_chunk().unwrap());
        assert_eq!(seen.get(&number), Some(&(*ej, *seq)), "{number} was acknowledged");
        let got = journal.get(*ej, *seq).unwrap().unwrap();
        assert_eq!(got.entry.payload, payload[..]);
    }
}
