//! Reads everything and says what it found: every segment, record, checksum, chain and sidecar.
//!
//! Only reads, and takes no lock, so that it can look at a folder whose owner runs: the head mark
//! is read first, and what lies beyond it is not judged.

use std::io;
use std::path::Path;
use std::sync::Arc;

use parking_lot::RwLock;
use sluice_ids::{EjId, Lsn};

use crate::damage::{Damage, DamageBook};
use crate::disk::{Disk, RealDisk};
use crate::format::segment_name;
use crate::port::{Keys, KeysOf, Share};
use crate::queue::Queue;
use crate::recover::TornReport;
use crate::settings::JournalSettings;
use crate::shared::Shared;
use crate::shelf::Shelf;
use crate::survey::{Survey, survey};
use crate::tail::Tail;
use crate::walk::{EjSpan, Purpose, Walk};

/// What is wrong with a sidecar. None of it loses anything: a sidecar is made again at open.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SidecarFault {
    Missing,
    /// It fails its checksum, or is not whole.
    Damaged,
    /// It is sound, but not of the segment as it is.
    Stale,
    /// Its places or keys are not those of the records.
    Differs,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SidecarFinding {
    pub segment: u64,
    pub fault: SidecarFault,
}

/// What reading everything found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VerifyReport {
    pub segments: usize,
    pub records: u64,
    pub segment_bytes: u64,
    pub last_lsn: Lsn,
    /// `None` where the head mark is missing or unreadable: what was lost at the very end could
    /// then go unseen.
    pub head_lsn: Option<Lsn>,
    /// In order of name.
    pub ejs: Vec<(EjId, EjSpan)>,
    /// How many messages have each verdict (its owner's number).
    pub verdicts: Vec<(u8, u64)>,
    /// In order of place; accepted ones too.
    pub damages: Vec<Damage>,
    pub sidecars: Vec<SidecarFinding>,
    /// Bytes after the last synced record: a commit under way, or left by a power cut.
    pub unsynced: Option<TornReport>,
}

impl VerifyReport {
    /// Whether every record is there and readable, or its loss accepted.
    #[must_use]
    pub fn is_sound(&self) -> bool {
        self.damages.iter().all(|damage| damage.accepted)
    }
}

/// Verifies the journal in `folder`, whether its owner runs or not. With `keys_of`, sidecars'
/// keys are compared too.
///
/// # Errors
/// When the folder or a segment cannot be opened or read at all.
pub fn verify(folder: &Path, keys_of: Option<KeysOf>) -> io::Result<VerifyReport> {
    verify_on(Arc::new(RealDisk::read_only(folder)), keys_of)
}

/// What lies in the folder. A segment that its owner lets go between the listing and the opening: list
/// again.
pub(crate) fn survey_again(disk: &dyn Disk) -> io::Result<Survey> {
    const TRIES: usize = 5;
    let mut tries = 0;
    loop {
        tries += 1;
        match survey(disk) {
            Err(error) if error.kind() == io::ErrorKind::NotFound && tries < TRIES => {}
            outcome => return outcome,
        }
    }
}

pub(crate) fn verify_on(disk: Arc<dyn Disk>, keys_of: Option<KeysOf>) -> io::Result<VerifyReport> {
    let survey = survey_again(&*disk)?;
    let compare_keys = keys_of.is_some();
    let settings = JournalSettings::default();
    let shared = Shared {
        queue: Queue::new(0, Share::DEFAULT),
        tail: Tail::new(0),
        shelf: Shelf::new(0),
        settings,
        disk,
        journal: survey.journal,
        keys_of: keys_of.unwrap_or_else(|| Arc::new(|_| Keys::default())),
        on_fault: Arc::new(|_| {}),
        damages: DamageBook::unmeasured(),
        segments: RwLock::default(),
        ejs: RwLock::default(),
        synced_lsn: 0.into(),
    };
    let mut walk = Walk::new(&shared, Purpose::Verify { compare_keys });
    walk.run(&survey, survey.head_lsn.unwrap_or(0))?;
    let segment_bytes = walk
        .segments
        .iter()
        .filter_map(|s| shared.disk.open(&segment_name(s.number)).and_then(|f| f.len()).ok())
        .sum();
    Ok(VerifyReport {
        segments: walk.segments.len(),
        records: walk.records,
        segment_bytes,
        last_lsn: Lsn::new(walk.next_lsn - 1),
        head_lsn: survey.head_lsn.map(Lsn::new),
        ejs: walk.spans.iter().map(|(ej, span)| (*ej, *span)).collect(),
        verdicts: walk.verdicts.iter().map(|(verdict, count)| (*verdict, *count)).collect(),
        damages: shared.damages.all(),
        sidecars: walk.sidecars,
        unsynced: walk.torn.as_ref().map(crate::torn::TornTail::report),
    })
}
