//! The journal's metrics. Labels are closed sets; no name of an EJ or a channel is among them.

use metrics::{Counter, Gauge, Histogram, Unit};

use crate::port::Refusal;

/// Describes every metric of the journal. Call once, after the recorder is installed and before
/// the journal is opened.
pub fn describe_metrics() {
    use metrics::{describe_counter, describe_gauge, describe_histogram};
    describe_counter!("sluice_journal_commits_total", Unit::Count, "Groups written and synced");
    describe_histogram!("sluice_journal_commit_records", Unit::Count, "Records in one group");
    describe_histogram!(
        "sluice_journal_commit_seconds",
        Unit::Seconds,
        "One group's write and fdatasync"
    );
    describe_counter!(
        "sluice_journal_appended_bytes_total",
        Unit::Bytes,
        "Bytes written to segments, record headers and padding included"
    );
    describe_counter!(
        "sluice_journal_refused_total",
        Unit::Count,
        "Appends refused, by reason: no_space, too_large, busy, stopping, damaged"
    );
    describe_counter!(
        "sluice_journal_unknown_total",
        Unit::Count,
        "Appends whose end is unknown because the disk failed"
    );
    describe_gauge!("sluice_journal_free_bytes", Unit::Bytes, "Free space under the journal");
    describe_gauge!("sluice_journal_segments", Unit::Count, "Segments kept");
    describe_gauge!("sluice_journal_damages", Unit::Count, "Damages that nobody has accepted");
}

/// The committer's handles, looked up once.
pub struct Measures {
    pub commits: Counter,
    pub commit_records: Histogram,
    pub commit_seconds: Histogram,
    pub appended_bytes: Counter,
    pub unknown: Counter,
    pub free_bytes: Gauge,
    pub segments: Gauge,
}

impl Measures {
    pub fn new() -> Self {
        Self {
            commits: metrics::counter!("sluice_journal_commits_total"),
            commit_records: metrics::histogram!("sluice_journal_commit_records"),
            commit_seconds: metrics::histogram!("sluice_journal_commit_seconds"),
            appended_bytes: metrics::counter!("sluice_journal_appended_bytes_total"),
            unknown: metrics::counter!("sluice_journal_unknown_total"),
            free_bytes: metrics::gauge!("sluice_journal_free_bytes"),
            segments: metrics::gauge!("sluice_journal_segments"),
        }
    }
}

/// Counts a refusal.
pub fn refused(refusal: Refusal) {
    let reason = match refusal {
        Refusal::NoSpace { .. } => "no_space",
        Refusal::TooLarge { .. } => "too_large",
        Refusal::Busy { .. } => "busy",
        Refusal::Stopping => "stopping",
        Refusal::Damaged { .. } => "damaged",
    };
    metrics::counter!("sluice_journal_refused_total", "reason" => reason).increment(1);
}
