//! `[http.bulk]`: how many exports, how large, how long.

use std::time::Duration;

use serde::{Deserialize, Serialize};

const GIB: u64 = 1024 * 1024 * 1024;

/// `[http.bulk]`: exports that are prepared on disk and fetched as files.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct BulkSettings {
    /// Exports that wait or are being written, of all callers; one more is refused (429). Default
    /// 8.
    pub jobs_max: usize,
    /// The same of one caller. Default 2: one for all and one for a delta.
    pub jobs_per_caller_max: usize,
    /// Exports that are written at the same time; others wait. Default 1: the feed comes first,
    /// and two at once take as long as one after the other.
    pub running_max: usize,
    /// How long a finished export can be fetched, in milliseconds. Default 86400000 (24 h): a
    /// client that failed at night can go on in the morning.
    pub kept_ms: u64,
    /// Most bytes of all exports on disk, in bytes. Default 8589934592 (8 GiB). Where a new one
    /// needs room the oldest finished ones go; one that is larger by itself fails.
    pub kept_bytes_max: u64,
    /// Most finished exports kept; the oldest go. Default 256.
    pub kept_jobs_max: usize,
    /// Free space of the file system under which nothing is exported, in bytes. Default 1073741824
    /// (1 GiB): twice the journal's floor, so that an export is never what stops the feed.
    pub free_floor_bytes: u64,
    /// How long an export waits before it takes its cut, in milliseconds, so that what was received
    /// until then is journaled and applied; as long again for an EJ whose fold lags. Default 1000.
    pub settle_ms: u64,
}

impl Default for BulkSettings {
    fn default() -> Self {
        Self {
            jobs_max: 8,
            jobs_per_caller_max: 2,
            running_max: 1,
            kept_ms: 24 * 3_600_000,
            kept_bytes_max: 8 * GIB,
            kept_jobs_max: 256,
            free_floor_bytes: GIB,
            settle_ms: 1_000,
        }
    }
}

impl BulkSettings {
    pub(crate) fn least(&self) -> [(&'static str, u64, u64); 5] {
        [
            ("bulk.jobs_max", self.jobs_max as u64, 1),
            ("bulk.jobs_per_caller_max", self.jobs_per_caller_max as u64, 1),
            ("bulk.running_max", self.running_max as u64, 1),
            ("bulk.kept_ms", self.kept_ms, 1),
            ("bulk.kept_jobs_max", self.kept_jobs_max as u64, 1),
        ]
    }

    pub(super) const fn kept(&self) -> Duration {
        Duration::from_millis(self.kept_ms)
    }

    pub(super) const fn settle(&self) -> Duration {
        Duration::from_millis(self.settle_ms)
    }
}
