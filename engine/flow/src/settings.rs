//! What can be set of the flow between the channels and the state.

use serde::{Deserialize, Serialize};

/// What becomes of a message whose type is not served (anything but ADT).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Unserved {
    /// AR with code 200: its sender learns that nobody reads it.
    #[default]
    Refuse,
    /// Journaled and accepted, without effect: for feeds that cannot be told to leave it out.
    Keep,
}

/// `[flow]`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct FlowSettings {
    /// `refuse` (default) or `keep` messages whose type is not ADT.
    pub unserved: Unserved,
    /// How far back the memory of control ids reaches, in places of an EJ's order. Default
    /// 131 072: a day of a large hospital; 20 MB for each EJ when full. It is part of what the
    /// journal means: changing it changes which old repetitions count as such in a rebuild.
    pub control_ids_max: u64,
    /// Records that an EJ's fold may lag behind before answers are held back, in records.
    /// Default 8 192: half a second of a busy feed.
    pub lag_pushback_records: u64,
    /// Longest that an answer is held back for that, in ms. Default 250.
    pub lag_pushback_ms: u64,
    /// Longest that an acknowledgement waits for its message to be applied, in ms. Default 10 000:
    /// under what senders wait. After it a message whose only answer that is gets AR with 207;
    /// one that was answered CA is told no more, and is when it is sent again.
    pub applied_ack_ms: u64,
    /// Records that an EJ's fold may lag behind before messages are refused for now (207), in
    /// records. Default 2 000 000: a rebuild goes on beside a live feed; more is a fault.
    pub lag_records_max: u64,
    /// Messages of an EJ that the index for finding them holds at most, in rows of 64 bytes; at
    /// least half as many are there, the newest. Default 4 000 000: three months of a large
    /// hospital, 256 MB.
    pub message_rows_max: u64,
    /// Messages of an EJ that were not delivered and may be open as dead letters at once, over all
    /// its destinations. 600 bytes each in memory. Default 100 000: hours of a feed whose peer
    /// refuses everything, 60 MB. Beyond, a destination stands still at the next message that it
    /// would set aside. Those that were not applied do not count: they are as many as the journal
    /// holds of such messages, at 200 bytes each.
    pub dead_letters_max: u64,
    /// Days after which journal segments that a checkpoint covers may go. Default 0: never, so
    /// that any mapping fix can be applied to all that ever came.
    pub retention_days: u32,
}

impl Default for FlowSettings {
    fn default() -> Self {
        Self {
            unserved: Unserved::Refuse,
            control_ids_max: 131_072,
            lag_pushback_records: 8_192,
            lag_pushback_ms: 250,
            applied_ack_ms: 10_000,
            lag_records_max: 2_000_000,
            message_rows_max: 4_000_000,
            dead_letters_max: 100_000,
            retention_days: 0,
        }
    }
}

impl FlowSettings {
    /// Values that the flow could not work with: the key, and what is wrong with it.
    #[must_use]
    pub fn problems(&self) -> Vec<(&'static str, String)> {
        let mut problems = Vec::new();
        for (key, value) in [
            ("control_ids_max", self.control_ids_max),
            ("lag_records_max", self.lag_records_max),
            ("message_rows_max", self.message_rows_max),
            ("dead_letters_max", self.dead_letters_max),
        ] {
            if value == 0 {
                problems.push((key, "0 is too small; it must be at least 1".to_owned()));
            }
        }
        if self.lag_records_max < self.lag_pushback_records {
            problems.push((
                "lag_records_max",
                format!(
                    "{} is under lag_pushback_records ({}): messages would be refused before \
                     answers are held back",
                    self.lag_records_max, self.lag_pushback_records
                ),
            ));
        }
        problems
    }
}
