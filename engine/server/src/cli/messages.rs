//! The flags of `sluice messages`.

use std::path::PathBuf;

use clap::{Args, Subcommand};

use super::Remote;

#[derive(Subcommand)]
pub enum Messages {
    /// List messages, the newest first, by whatever is given of them
    #[command(
        after_help = "Example:\n  sluice messages list EJ1 --patient 1000123\n  sluice messages list EJ1 --outcome set_aside --from 2026-11-20T00:00:00Z --json"
    )]
    List {
        /// The EJ
        ej: String,
        #[command(flatten)]
        found: Found,
        /// How many
        #[arg(long, value_name = "N", default_value_t = 50)]
        count: usize,
        /// Go on before this message
        #[arg(long, value_name = "SEQ")]
        before: Option<u64>,
        #[command(flatten)]
        remote: Remote,
    },
    /// Show a message: as it came, what was answered, what it did
    #[command(
        after_help = "Example:\n  sluice messages show EJ1 4711\n  sluice messages show EJ1 4711 --raw"
    )]
    Show {
        /// The EJ
        ej: String,
        /// Its number
        seq: u64,
        /// Its bytes alone, as they came
        #[arg(long, conflicts_with = "json")]
        raw: bool,
        #[command(flatten)]
        remote: Remote,
    },
    /// Have messages applied again under the present configuration: those named, or all found
    #[command(
        after_help = "Example:\n  sluice messages reprocess EJ1 4711 4712\n  sluice messages reprocess EJ1 --outcome set_aside --from 2026-11-20T08:00:00Z --to 2026-11-20T10:00:00Z --dry-run"
    )]
    Reprocess {
        /// The EJ
        ej: String,
        /// Their numbers
        seqs: Vec<u64>,
        #[command(flatten)]
        found: Found,
        /// Say how many there are, and do nothing
        #[arg(long)]
        dry_run: bool,
        #[command(flatten)]
        remote: Remote,
    },
    /// Have an edited message applied, as a new one that names the old
    #[command(after_help = "Example:\n  sluice messages resend EJ1 4711 message.hl7")]
    Resend {
        /// The EJ
        ej: String,
        /// The number of the message that was edited
        seq: u64,
        /// The edited message, in the character set that its MSH-18 says
        file: PathBuf,
        #[command(flatten)]
        remote: Remote,
    },
}

/// What messages are found by: all of it must be so.
#[derive(Args)]
pub struct Found {
    /// The channel that they came through
    #[arg(long, value_name = "ID")]
    pub channel: Option<String>,
    /// Their trigger event, e.g. A01
    #[arg(long)]
    pub event: Option<String>,
    /// MSH-10
    #[arg(long, value_name = "ID")]
    pub control_id: Option<String>,
    /// A number of the patient: PID-3 or MRG-1
    #[arg(long, value_name = "NUMBER")]
    pub patient: Option<String>,
    /// A number of the stay: PV1-19, PV1-50, PID-18, MRG-3 or MRG-5
    #[arg(long, value_name = "NUMBER")]
    pub visit: Option<String>,
    /// How they were judged, e.g. accepted, patient_id_missing
    #[arg(long)]
    pub verdict: Option<String>,
    /// What became of them: applied, no_effect, not_mapped, repeated, held, set_aside, refused,
    /// kept_unread or filtered
    #[arg(long)]
    pub outcome: Option<String>,
    /// How they came: sent, reprocessed or resent
    #[arg(long)]
    pub brought: Option<String>,
    /// Received then or later, e.g. 2026-11-20T08:00:00Z
    #[arg(long, value_name = "TIME")]
    pub from: Option<String>,
    /// Received before
    #[arg(long, value_name = "TIME")]
    pub to: Option<String>,
}
