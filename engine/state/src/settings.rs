//! What can be set: every bound has a unit, a default and a reason.

use serde::{Deserialize, Serialize};

/// `[state]` of the configuration.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct StateSettings {
    /// Most time between two cuts of the flusher, in ms. What is not yet cut is folded again
    /// from the journal after a crash, so this bounds restart time and nothing else.
    pub flush_every_ms: u64,
    /// A cut is made earlier once so many bytes of changed records wait for it.
    pub dirty_bytes_cut: u64,
    /// A lane waits in `publish` while so many bytes wait (shared out evenly over the EJs). They
    /// are encoded bytes; a cut under way holds its own a second time.
    pub dirty_bytes_max: u64,
    /// Records kept at hand, encoded, in bytes (shared out evenly over the EJs). The rest is read
    /// from sled on demand.
    pub hot_bytes_max: u64,
    /// sled's own page cache, in bytes: small, since records are kept at hand before it.
    pub sled_cache_bytes: u64,
    /// sled is neither opened nor made anew while the file system has less free, in bytes:
    /// reopened on a full disk it comes back corrupt.
    pub free_floor_bytes: u64,
    /// Time between two tries to go back to sled after it failed or lacked space, in ms.
    pub sled_retry_ms: u64,
    /// Time between two checkpoints, in ms; 0: only on demand.
    pub checkpoint_every_ms: u64,
    /// Damaged sled folders kept aside for study; older ones are deleted.
    pub damaged_kept_max: u32,
    /// How long a search may be paged on, in ms of the feed's own time (`received_at`).
    pub history_ms: u64,
    /// Most row changes remembered for that (20 bytes each, shared out evenly over the EJs).
    pub history_rows_max: u64,
    /// Replaced records remembered to verify cut search keys on later pages, in bytes.
    pub history_records_bytes_max: u64,
    /// Records that one page may have folded again from the journal, where what they were is no
    /// longer remembered; a page that needs more expires its cursor.
    pub history_folds_max: u32,
    /// Result lists of pinned searches kept between pages, in bytes.
    pub results_bytes_max: u64,
    /// Most records that a chain (`patient.family`, `_has`, `:below`) in a search may come to, in
    /// one EJ. Beyond, the search is refused: each is looked up by itself.
    pub joined_records_max: u64,
    /// Most records that one search may read of one EJ, because an index key does not decide.
    /// Beyond, the search is refused: reading takes some 5 µs a record.
    pub verified_records_max: u64,
}

impl Default for StateSettings {
    fn default() -> Self {
        Self {
            flush_every_ms: 1_000,
            dirty_bytes_cut: 16 << 20,
            dirty_bytes_max: 64 << 20,
            hot_bytes_max: 48 << 20,
            sled_cache_bytes: 8 << 20,
            free_floor_bytes: 256 << 20,
            sled_retry_ms: 60_000,
            checkpoint_every_ms: 600_000,
            damaged_kept_max: 2,
            history_ms: 3_600_000,
            history_rows_max: 1_000_000,
            history_records_bytes_max: 8 << 20,
            history_folds_max: 64,
            results_bytes_max: 8 << 20,
            joined_records_max: 10_000,
            verified_records_max: 1_000_000,
        }
    }
}

impl StateSettings {
    /// Values that the state could not work with: the key, and what is wrong with it.
    #[must_use]
    pub fn problems(&self) -> Vec<(&'static str, String)> {
        let least = [
            ("flush_every_ms", self.flush_every_ms, 1),
            ("dirty_bytes_cut", self.dirty_bytes_cut, 1 << 16),
            ("dirty_bytes_max", self.dirty_bytes_max, 1 << 16),
            ("sled_cache_bytes", self.sled_cache_bytes, 1 << 20),
            ("sled_retry_ms", self.sled_retry_ms, 1),
            ("joined_records_max", self.joined_records_max, 1),
            ("verified_records_max", self.verified_records_max, 1),
        ];
        let mut problems: Vec<_> = least
            .into_iter()
            .filter(|(_, value, least)| value < least)
            .map(|(key, value, least)| {
                (key, format!("{value} is too small; it must be at least {least}"))
            })
            .collect();
        if self.dirty_bytes_max < self.dirty_bytes_cut {
            problems.push((
                "dirty_bytes_max",
                format!(
                    "{} is under dirty_bytes_cut ({}): lanes would wait for a cut that is not due",
                    self.dirty_bytes_max, self.dirty_bytes_cut
                ),
            ));
        }
        problems
    }
}
