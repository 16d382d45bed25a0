//! What may be set about the journal, with unit, default and reason.

use serde::{Deserialize, Serialize};

use crate::format::{RECORD_HEADER_BYTES, SEGMENT_HEADER_BYTES_MIN};
use crate::port::Share;

const KIB: u64 = 1024;
const MIB: u64 = 1024 * KIB;

/// The journal's settings. Its folder is `<data_dir>/journal` and is given at open.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct JournalSettings {
    /// Size of one segment file, in bytes. Default 67108864 (64 MiB): about a minute of a busy
    /// feed, so that preparing the next one is never in a hurry and retention is fine-grained.
    /// Between 64 KiB and 1 GiB; existing segments keep their size.
    pub segment_bytes: u64,
    /// How much of the end of the journal stays in memory for readers, in bytes. Default
    /// 67108864 (64 MiB): a fold that lags by seconds still reads nothing from disk.
    pub tail_bytes: u64,
    /// Largest payload that is taken, in bytes. Default 5242880 (5 MiB): a 4 MiB frame and what
    /// its owner wraps around it. Larger ones are refused, never cut.
    pub entry_bytes_max: u64,
    /// Free space under which every append is refused until it returns, in bytes. Default
    /// 536870912 (512 MiB): room for the next segment (64 MiB), a checkpoint and the state's
    /// cuts (160 MB at 100 000 patients) and the logs, so that the disk is never really full.
    pub free_floor_bytes: u64,
    /// Most bytes that one commit writes before its sync, in bytes. Default 8388608 (8 MiB):
    /// a sync stays short. A small message still waits behind what was queued before it.
    pub commit_batch_bytes_max: u64,
    /// Most bytes that may wait for the disk at once, in bytes. Default 134217728 (128 MiB):
    /// 32 connections with a largest frame each; beyond it appends are refused as busy.
    pub queue_bytes_max: u64,
    /// How much of what may wait (here in bytes, before the fold in records) is kept for urgent
    /// messages, from 0 to 0.9. Default 0.2: routine traffic never takes all.
    pub urgent_share: Share,
    /// How much of sealed segments' sidecars stays in memory, in bytes. Default 33554432
    /// (32 MiB): about 16 segments' positions and keys, more than readers use at once.
    pub sidecar_cache_bytes: u64,
}

impl Default for JournalSettings {
    fn default() -> Self {
        Self {
            segment_bytes: 64 * MIB,
            tail_bytes: 64 * MIB,
            entry_bytes_max: 5 * MIB,
            free_floor_bytes: 512 * MIB,
            commit_batch_bytes_max: 8 * MIB,
            queue_bytes_max: 128 * MIB,
            urgent_share: Share::DEFAULT,
            sidecar_cache_bytes: 32 * MIB,
        }
    }
}

/// A setting that cannot be.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SettingsError {
    #[error("{key} is {value}; it must lie between {min} and {max}")]
    OutOfRange { key: &'static str, value: u64, min: u64, max: u64 },
}

impl JournalSettings {
    /// # Errors
    /// When a value lies outside of its range, or does not fit with another.
    pub fn check(&self) -> Result<(), SettingsError> {
        let within = |key, value, min, max| {
            if (min..=max).contains(&value) {
                Ok(())
            } else {
                Err(SettingsError::OutOfRange { key, value, min, max })
            }
        };
        within("segment_bytes", self.segment_bytes, 64 * KIB, 1024 * MIB)?;
        // A header may need more than one block where there are many EJs; half a segment for
        // the largest entry leaves room for any number that an installation could have.
        let largest =
            self.segment_bytes / 2 - SEGMENT_HEADER_BYTES_MIN - RECORD_HEADER_BYTES as u64;
        within("entry_bytes_max", self.entry_bytes_max, 1, largest)?;
        within("tail_bytes", self.tail_bytes, 0, 16 * 1024 * MIB)?;
        within("commit_batch_bytes_max", self.commit_batch_bytes_max, 4 * KIB, 1024 * MIB)?;
        within("queue_bytes_max", self.queue_bytes_max, self.entry_bytes_max, 16 * 1024 * MIB)?;
        within("sidecar_cache_bytes", self.sidecar_cache_bytes, 0, 16 * 1024 * MIB)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_defaults_are_possible() {
        assert_eq!(JournalSettings::default().check(), Ok(()));
    }

    #[test]
    fn an_entry_larger_than_half_a_segment_is_refused_with_its_key() {
        let settings = JournalSettings { entry_bytes_max: 40 * MIB, ..Default::default() };
        let SettingsError::OutOfRange { key, .. } = settings.check().unwrap_err();
        assert_eq!(key, "entry_bytes_max");
    }
}
