//! What a watched folder counts. Labels are channel ids and closed sets; no file is ever named, since
//! names hold what their senders put there.

use metrics::{Counter, Gauge, counter, describe_counter, describe_gauge, gauge};
use sluice_ids::ChannelId;

/// Table 0008, and `none` where nothing was owed.
const CODES: [&str; 7] = ["AA", "AE", "AR", "CA", "CE", "CR", "none"];

pub(super) struct Counters {
    pub waiting: Gauge,
    pub done: Counter,
    pub broken: Counter,
    /// Left where they are, to be taken later.
    pub later: Counter,
    pub messages: Counter,
    acks: [Counter; CODES.len()],
}

impl Counters {
    pub fn new(channel: ChannelId) -> Self {
        let id = channel.to_string();
        let files = |outcome: &'static str| counter!("sluice_folder_files_total", "channel" => id.clone(), "outcome" => outcome);
        Self {
            waiting: gauge!("sluice_folder_waiting_files", "channel" => id.clone()),
            done: files("done"),
            broken: files("broken"),
            later: files("later"),
            messages: counter!("sluice_folder_messages_total", "channel" => id.clone()),
            acks: CODES.map(|code| {
                counter!("sluice_folder_acks_total", "channel" => id.clone(), "code" => code)
            }),
        }
    }

    /// `none` for silence.
    pub fn ack(&self, code: &str) {
        if let Some(at) = CODES.iter().position(|known| *known == code) {
            self.acks[at].increment(1);
        }
    }
}

/// Tells an installed recorder what the folders' metrics are.
pub fn describe_metrics() {
    describe_gauge!("sluice_folder_waiting_files", "Files that were there at the last look");
    describe_counter!(
        "sluice_folder_files_total",
        "Files by outcome: done, broken, or later (each time that one has to wait)"
    );
    describe_counter!("sluice_folder_messages_total", "Messages that were read from files");
    describe_counter!("sluice_folder_acks_total", "Acknowledgements by MSA-1; none: not owed");
}
