//! The names of our metrics, for the exporter.

use metrics::{describe_counter, describe_gauge, describe_histogram};

/// Tells the recorder what each metric means.
pub fn describe_metrics() {
    describe_gauge!("sluice_state_dirty_bytes", "Bytes of changed records not yet in the store");
    describe_gauge!("sluice_state_hot_bytes", "Bytes of decoded records at hand (estimated)");
    describe_gauge!("sluice_state_index_rows", "Live rows of the search indexes");
    describe_gauge!("sluice_state_history_rows", "Row changes remembered for pinned searches");
    describe_gauge!("sluice_state_records", "Records by FHIR resource type");
    describe_gauge!("sluice_state_applied_seq", "Last published Seq by EJ");
    describe_gauge!("sluice_held_movements", "Movements of which only a cancel or update came");
    describe_gauge!(
        "sluice_held_oldest_timestamp_seconds",
        "When the longest held of them came (Unix time); 0 without any"
    );
    describe_gauge!("sluice_state_in_memory", "1 while sled cannot be used");
    describe_histogram!("sluice_state_flush_seconds", "Duration of a cut");
    describe_histogram!("sluice_state_checkpoint_seconds", "Duration of a checkpoint");
    describe_counter!("sluice_state_flushed_entries_total", "Entries written to the store");
    describe_counter!("sluice_state_checkpoints_total", "Checkpoints made and verified");
    describe_counter!("sluice_state_checkpoint_failures_total", "Checkpoints not made or damaged");
    describe_counter!("sluice_state_rebuilds_total", "Openings that did not use sled, by reason");
    describe_counter!("sluice_state_sled_failures_total", "Failures of sled at run time");
    describe_counter!("sluice_state_lost_total", "Times that a record was lost from the store");
    describe_counter!("sluice_state_trail_failures_total", "Times that the trail was not written");
    describe_counter!("sluice_state_backpressure_total", "Publications held back by the flusher");
}

#[allow(clippy::cast_precision_loss, reason = "a gauge is a float")]
pub(crate) const fn as_f64(value: u64) -> f64 {
    value as f64
}
