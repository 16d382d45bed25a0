//! `sluice replay`: what is sent, when, and what is told of it.

use std::path::PathBuf;

use clap::{ArgGroup, Args};

#[derive(Args)]
#[command(
    group = ArgGroup::new("scheduled").args(["rate", "stages", "profile", "as_recorded"]).multiple(true),
    group = ArgGroup::new("of other times").args(["profile", "as_recorded"]).multiple(true),
    group = ArgGroup::new("random").args(["poisson", "loss"]).multiple(true),
)]
pub struct Replay {
    /// Feed files, folders and packet captures, played one after the other; `-` for standard input
    #[arg(required = true, value_name = "FILE")]
    pub files: Vec<PathBuf>,
    /// The MLLP listener
    #[arg(long, value_name = "HOST:PORT")]
    pub to: String,
    /// Connections; each patient stays on one, so that order holds
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=4096))]
    pub connections: u32,
    /// Messages without an answer that one connection may have
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=4096))]
    pub window: u32,
    #[command(flatten)]
    pub pace: Pace,
    /// Control ids anew, so that what was sent before is not taken for a repetition
    #[arg(long)]
    pub new_control_ids: bool,
    /// Move every time by a span (30d, -2h), or so that the first message is of this moment (now)
    #[arg(long, value_name = "SPAN", allow_hyphen_values = true)]
    pub shift: Option<String>,
    /// Under surrogates of the key in this file, which is made where there is none
    #[arg(long, value_name = "KEYFILE")]
    pub deidentify: Option<PathBuf>,
    /// Send one part of so many, such as 2/3; `sluice merge` puts their reports together
    #[arg(long, value_name = "K/N", default_value = "1/1")]
    pub shard: String,
    /// Delay everything by this, each way
    #[arg(long, value_name = "SPAN")]
    pub latency: Option<String>,
    /// Lose this share of all packets, in percent; TCP sends them again, later
    #[arg(long, value_name = "PERCENT")]
    pub loss: Option<f64>,
    /// How long one answer may take
    #[arg(long, value_name = "SECONDS", default_value_t = 30, value_parser = clap::value_parser!(u64).range(1..))]
    pub timeout: u64,
    /// How late the sender itself may be at p99 before the run is invalid
    #[arg(long, value_name = "SPAN", default_value = "10ms", requires = "scheduled")]
    pub slip_max: String,
    #[command(flatten)]
    pub audit: Auditing,
    #[command(flatten)]
    pub reporting: Reporting,
}

/// What is looked at in the engine afterwards.
#[derive(Args)]
pub struct Auditing {
    /// Hold the engine's state against what the feed comes to: where it serves HTTP
    #[arg(long, value_name = "URL", requires = "ej")]
    pub audit: Option<String>,
    /// The EJ that the feed is of
    #[arg(long, value_name = "EJ", requires = "audit")]
    pub ej: Option<String>,
    /// What the feed comes to, as `sluice generate --truth` wrote it [default: what the feed itself says]
    #[arg(long, value_name = "FILE", requires = "audit")]
    pub truth: Option<PathBuf>,
    /// A token of the engine's (role exporter), or @FILE that holds one
    #[arg(long, requires = "audit")]
    pub token: Option<String>,
    /// Hold the engine's journal against what was sent, message by message: its data directory
    #[arg(long, value_name = "DIR")]
    pub audit_journal: Option<PathBuf>,
}

/// When messages are sent; without any of these each connection sends as soon as it has room.
#[derive(Args)]
#[group(multiple = true)]
pub struct Pace {
    /// So many messages a second, whatever the target does
    #[arg(long, value_name = "PER_SECOND", conflicts_with_all = ["stages", "profile", "as_recorded", "closed"])]
    pub rate: Option<f64>,
    /// Stretches of time with their rates, such as 30s@200,1m@200-800
    #[arg(long, conflicts_with_all = ["profile", "as_recorded", "closed"])]
    pub stages: Option<String>,
    /// Messages by hour of the day, from a TOML file
    #[arg(long, value_name = "FILE", conflicts_with_all = ["as_recorded", "closed"])]
    pub profile: Option<PathBuf>,
    /// As they were sent (MSH-7), or seen in the capture
    #[arg(long, conflicts_with = "closed")]
    pub as_recorded: bool,
    /// Each as soon as there is room: the target sets the pace
    #[arg(long)]
    pub closed: bool,
    /// At random moments instead of evenly
    #[arg(long, conflicts_with_all = ["as_recorded", "closed"])]
    pub poisson: bool,
    /// Of the random moments, and of what the bad network loses
    #[arg(long, default_value_t = 1, requires = "random")]
    pub seed: u64,
    /// So many times as fast as it was recorded, or as the profile says
    #[arg(long, default_value_t = 1.0, requires = "of other times")]
    pub speed: f64,
    /// No gap longer than this is kept of what was recorded
    #[arg(long, value_name = "SPAN", requires = "as_recorded")]
    pub max_gap: Option<String>,
}

/// What is told of a run, and what must hold.
#[derive(Args)]
pub struct Reporting {
    /// What must hold, such as response.p99<50ms or lost==0; repeat for several
    #[arg(long = "fail", value_name = "THRESHOLD")]
    pub thresholds: Vec<String>,
    /// Write a report: .json, .csv, .html or a picture, .svg; repeat for several
    #[arg(long = "report", value_name = "FILE")]
    pub reports: Vec<PathBuf>,
    /// The report as JSON on standard output
    #[arg(long)]
    pub json: bool,
}
