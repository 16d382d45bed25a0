//! One export: what was ordered, how far it is, what came of it.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use parking_lot::Mutex;
use serde::{Deserialize, Serialize};
use sluice_ids::Micros;
use tokio_util::sync::CancellationToken;

use super::order::{JobId, Order};

/// What a file of an export is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Purpose {
    Output,
    Deleted,
    Error,
}

/// A file that is whole and synced.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct WrittenFile {
    pub(crate) name: String,
    pub(crate) purpose: Purpose,
    /// Of what its lines are.
    pub(crate) of: String,
    /// Lines.
    pub(crate) count: u64,
    pub(crate) bytes: u64,
}

/// A finished export.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Done {
    pub(crate) transaction_time: Micros,
    pub(crate) finished_at: Micros,
    pub(crate) files: Vec<WrittenFile>,
}

/// Why an export came to nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Failure {
    #[error("the free space of the disk is near its floor (http.bulk.free_floor_bytes)")]
    NoSpace,
    #[error("it is larger than all exports together may be (http.bulk.kept_bytes_max)")]
    TooLarge,
    #[error(
        "the feed changed records faster than they could be written as they were at one moment; \
         ask again at a quieter time, or raise state.history_records_bytes_max"
    )]
    Overtaken,
    #[error("a filter would have too many records looked through: narrow it down")]
    FilterTooCostly,
    #[error("a record could not be read back; the state is to be rebuilt from the journal")]
    StateLost,
    #[error("a file could not be written")]
    Disk,
    #[error("it failed here; it is counted and logged")]
    Internal,
}

impl Failure {
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::NoSpace => "no_space",
            Self::TooLarge => "too_large",
            Self::Overtaken => "overtaken",
            Self::FilterTooCostly => "filter_too_costly",
            Self::StateLost => "state_lost",
            Self::Disk => "disk",
            Self::Internal => "internal",
        }
    }
}

/// How far a job is.
#[derive(Debug, Clone)]
pub(crate) enum Phase {
    Waiting,
    Running,
    Done(Arc<Done>),
    Failed { why: Failure, at: Micros },
}

pub(crate) struct Job {
    pub(crate) id: JobId,
    pub(crate) order: Order,
    pub(crate) folder: PathBuf,
    phase: Mutex<Phase>,
    /// Cancelled by its caller, or taken away by retention.
    pub(crate) cancelled: CancellationToken,
    /// On disk.
    pub(crate) bytes: AtomicU64,
    /// Parts that are written, of how many.
    written: AtomicU64,
    to_write: AtomicU64,
}

/// `job.json`.
#[derive(Serialize, Deserialize)]
pub(super) struct Kept {
    pub(super) format: u32,
    pub(super) order: Order,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) done: Option<Arc<Done>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) failed: Option<(Failure, Micros)>,
}

pub(super) const FORMAT: u32 = 1;

impl Job {
    pub(super) fn new(id: JobId, order: Order, exports: &Path) -> Self {
        Self::with(id, order, exports, Phase::Waiting)
    }

    /// As it was kept; one that was not finished is to be begun again.
    pub(super) fn kept(id: JobId, kept: Kept, exports: &Path) -> Self {
        let phase = match (kept.done, kept.failed) {
            (Some(done), _) => Phase::Done(done),
            (None, Some((why, at))) => Phase::Failed { why, at },
            (None, None) => Phase::Waiting,
        };
        Self::with(id, kept.order, exports, phase)
    }

    fn with(id: JobId, order: Order, exports: &Path, phase: Phase) -> Self {
        let bytes = match &phase {
            Phase::Done(done) => done.files.iter().map(|file| file.bytes).sum(),
            _ => 0,
        };
        Self {
            id,
            order,
            folder: exports.join(id.to_string()),
            phase: Mutex::new(phase),
            cancelled: CancellationToken::new(),
            bytes: AtomicU64::new(bytes),
            written: AtomicU64::new(0),
            to_write: AtomicU64::new(0),
        }
    }

    /// `job.json` of the job in that phase.
    pub(super) fn to_keep(&self, phase: &Phase) -> Kept {
        let (done, failed) = match phase {
            Phase::Done(done) => (Some(Arc::clone(done)), None),
            Phase::Failed { why, at } => (None, Some((*why, *at))),
            Phase::Waiting | Phase::Running => (None, None),
        };
        Kept { format: FORMAT, order: self.order.clone(), done, failed }
    }

    pub(crate) fn phase(&self) -> Phase {
        self.phase.lock().clone()
    }

    pub(super) fn enter(&self, phase: Phase) {
        *self.phase.lock() = phase;
    }

    pub(super) fn is_waiting(&self) -> bool {
        matches!(*self.phase.lock(), Phase::Waiting)
    }

    pub(super) fn is_unfinished(&self) -> bool {
        matches!(*self.phase.lock(), Phase::Waiting | Phase::Running)
    }

    /// When it came to an end.
    pub(super) fn ended_at(&self) -> Option<Micros> {
        match &*self.phase.lock() {
            Phase::Done(done) => Some(done.finished_at),
            Phase::Failed { at, .. } => Some(*at),
            Phase::Waiting | Phase::Running => None,
        }
    }

    /// It is to be written in so many parts.
    pub(super) fn begin(&self, parts: u64) {
        self.written.store(0, Ordering::Relaxed);
        self.to_write.store(parts, Ordering::Relaxed);
    }

    pub(super) fn part_written(&self) {
        self.written.fetch_add(1, Ordering::Relaxed);
    }

    /// 0 to 100.
    pub(super) fn percent(&self) -> u64 {
        let to_write = self.to_write.load(Ordering::Relaxed);
        let written = self.written.load(Ordering::Relaxed).min(to_write);
        (written * 100).checked_div(to_write).unwrap_or(0)
    }
}
