//! What can be set of a watched folder.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

/// `[source]` of type `folder`. Each refusal for its bounds is counted in
/// `sluice_folder_files_total{outcome="broken"}`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FolderSource {
    /// Where files of HL7 messages are put.
    pub path: PathBuf,
    /// Where those that were taken go, with their acknowledgements; from `path`, on the same file
    /// system. Default `done`.
    #[serde(default = "done")]
    pub done: PathBuf,
    /// Where those that cannot be taken go, with the reason; from `path`, on the same file system.
    /// Default `broken`.
    #[serde(default = "broken")]
    pub broken: PathBuf,
    /// Between two looks into the folder, in ms. Default 1000.
    #[serde(default = "every_ms")]
    pub every_ms: u64,
    /// How long a file's size and time must stand still before it is taken, in ms. Default 2000:
    /// a copy over a network pauses for less. A sender that renames a finished file into place
    /// needs none.
    #[serde(default = "settle_ms")]
    pub settle_ms: u64,
    /// How long a file waits whose messages cannot be taken for now, in ms. Default 5000.
    #[serde(default = "retry_ms")]
    pub retry_ms: u64,
    /// Most bytes of a file. Default 67 108 864 (64 MiB): it is read whole.
    #[serde(default = "file_bytes_max")]
    pub file_bytes_max: u64,
    /// Most messages of a file. Default 50 000: a file that a crash cut short is read again whole,
    /// and `flow.control_ids_max` must remember all of it.
    #[serde(default = "messages_max")]
    pub messages_max: usize,
    /// Most bytes of a message; a larger one is refused by itself. Default 4 194 304 (4 MiB), as
    /// over MLLP.
    #[serde(default = "message_bytes_max")]
    pub message_bytes_max: usize,
    /// Most messages of a file that are taken and not yet answered. Default 1: where one is refused
    /// for now, none after it was taken, and the file's order is the journal's. More is quicker.
    #[serde(default = "in_flight_max")]
    pub in_flight_max: usize,
}

fn done() -> PathBuf {
    "done".into()
}

fn broken() -> PathBuf {
    "broken".into()
}

const fn every_ms() -> u64 {
    1000
}

const fn settle_ms() -> u64 {
    2000
}

const fn retry_ms() -> u64 {
    5000
}

const fn file_bytes_max() -> u64 {
    64 * 1024 * 1024
}

const fn messages_max() -> usize {
    50_000
}

const fn message_bytes_max() -> usize {
    4 * 1024 * 1024
}

const fn in_flight_max() -> usize {
    1
}

impl FolderSource {
    /// A folder with everything else by default.
    #[must_use]
    pub fn at(path: PathBuf) -> Self {
        Self {
            path,
            done: done(),
            broken: broken(),
            every_ms: every_ms(),
            settle_ms: settle_ms(),
            retry_ms: retry_ms(),
            file_bytes_max: file_bytes_max(),
            messages_max: messages_max(),
            message_bytes_max: message_bytes_max(),
            in_flight_max: in_flight_max(),
        }
    }

    /// Values that no folder could be watched with: the key, and what is wrong with it.
    #[must_use]
    pub fn problems(&self) -> Vec<(&'static str, String)> {
        let mut problems = Vec::new();
        for (key, value) in [
            ("every_ms", self.every_ms),
            ("retry_ms", self.retry_ms),
            ("file_bytes_max", self.file_bytes_max),
            ("messages_max", self.messages_max as u64),
            ("message_bytes_max", self.message_bytes_max as u64),
            ("in_flight_max", self.in_flight_max as u64),
        ] {
            if value == 0 {
                problems.push((key, "0 is too small; it must be at least 1".to_owned()));
            }
        }
        if self.path.as_os_str().is_empty() {
            problems.push(("path", "is empty".to_owned()));
        }
        let (done, broken) = (self.path.join(&self.done), self.path.join(&self.broken));
        for (key, folder) in [("done", &done), ("broken", &broken)] {
            if *folder == self.path || folder.as_path() == self.path.join("") {
                problems.push((key, "is the watched folder itself".to_owned()));
            }
        }
        if done == broken {
            problems.push(("broken", "is the same as done".to_owned()));
        }
        problems
    }
}
