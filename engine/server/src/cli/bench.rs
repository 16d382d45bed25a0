//! `sluice bench`: what is measured, and against which engine.

use std::path::PathBuf;

use clap::{Args, Subcommand};

use super::Reporting;

#[derive(Subcommand)]
pub enum Bench {
    /// Durable acknowledged messages a second: beside a bare listener, at given rates, or at most
    #[command(
        after_help = "Example:\n  sluice bench mllp --seconds 10\n  sluice bench mllp --rates 1000,5000 --connections 8 --fail \"response.p99<20ms\"\n  sluice bench mllp --find-knee --connections 8,32 --fail \"response.p99<20ms\" --report knee.html"
    )]
    Mllp {
        /// How long each turn runs while senders are held back to what is applied; 0: none
        #[arg(long, default_value_t = 8)]
        seconds: u64,
        /// How long each turn runs in which they are not; 0: none
        #[arg(long, default_value_t = 2, conflicts_with = "scheduled")]
        burst_seconds: u64,
        /// Connections to measure with
        #[arg(long, value_delimiter = ',', default_value = "1,8,32", value_parser = clap::value_parser!(u32).range(1..=4096))]
        connections: Vec<u32>,
        /// How often ours and the bare listener take turns
        #[arg(long, default_value_t = 3, conflicts_with = "scheduled", value_parser = clap::value_parser!(u32).range(1..))]
        rounds: u32,
        /// Messages a second, by a schedule that the engine does not change
        #[arg(long, value_delimiter = ',', value_name = "PER_SECOND", group = "scheduled")]
        rates: Vec<f64>,
        /// Look for the highest rate at which --fail holds [response.p99<50ms, unanswered==0, refused==0]
        #[arg(long, group = "scheduled")]
        find_knee: bool,
        /// With a rate: messages without an answer that one connection may have
        #[arg(long, default_value_t = 1, requires = "scheduled", value_parser = clap::value_parser!(u32).range(1..=4096))]
        window: u32,
        /// With a rate: at random moments instead of evenly
        #[arg(long, requires = "scheduled")]
        poisson: bool,
        /// With a rate: how late the sender itself may be at p99
        #[arg(long, value_name = "SPAN", default_value = "10ms", requires = "scheduled")]
        slip_max: String,
        #[command(flatten)]
        reporting: Reporting,
    },
    /// How long urgent messages wait while routine ones take all they can, with and without being urgent
    #[command(
        after_help = "Example:\n  sluice bench urgent --seconds 10\n  sluice bench urgent --connections 64 --fail \"applied.p99<500ms\" --fail \"accepted.p99<500ms\""
    )]
    Urgent {
        /// How long each turn runs
        #[arg(long, default_value_t = 8, value_parser = clap::value_parser!(u64).range(1..))]
        seconds: u64,
        /// How often the two engines take turns
        #[arg(long, default_value_t = 3, value_parser = clap::value_parser!(u32).range(1..))]
        rounds: u32,
        /// Connections that send routine messages, each as quickly as it is answered
        #[arg(long, default_value_t = 32, value_parser = clap::value_parser!(u32).range(1..=250))]
        connections: u32,
        /// Between two urgent messages
        #[arg(long, value_name = "SPAN", default_value = "20ms")]
        every: String,
        #[command(flatten)]
        reporting: Reporting,
    },
    /// What ingest loses to destinations that hang and fail, beside an engine that has none
    #[command(
        after_help = "Example:\n  sluice bench delivery --seconds 10 --rounds 5\n  sluice bench delivery --connections 32 --fail \"refused==0\""
    )]
    Delivery {
        /// How long each turn runs
        #[arg(long, default_value_t = 8, value_parser = clap::value_parser!(u64).range(1..))]
        seconds: u64,
        /// How often the two engines take turns
        #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u32).range(1..))]
        rounds: u32,
        /// Connections that send, each as quickly as it is answered
        #[arg(long, default_value_t = 8, value_parser = clap::value_parser!(u32).range(1..=250))]
        connections: u32,
        #[command(flatten)]
        reporting: Reporting,
    },
    /// Whole exports, with what the engine keeps and without it
    #[command(
        after_help = "Example:\n  sluice bench export --patients 2000 --iterations 20\n  sluice bench export --url http://127.0.0.1:8080 --ej EJ1 --export-types patients,venues --token @token.txt --fail \"gain>=50%\""
    )]
    Export(Box<BenchExport>),
    /// Reads, searches and exports, each beside a bare server that gives the same bytes
    #[command(
        after_help = "Example:\n  sluice bench fhir --patients 2000 --rounds 3 --seconds 1\n  sluice bench fhir --patients 100000 --fail \"metadata:ratio>=0.8\""
    )]
    Fhir(Box<BenchFhir>),
    /// Memory, searches and a feed while others read, at one size after the other
    #[command(
        after_help = "Example:\n  sluice bench scale\n  sluice bench scale --patients 100000,1000000"
    )]
    Scale(Box<BenchScale>),
    /// Senders, readers, exporters and operators at once, in stages
    #[command(
        after_help = "Example:\n  sluice bench mix\n  sluice bench mix day.toml --patients 5000 --report mix.html\n  sluice bench mix --print-default"
    )]
    Mix(Box<BenchMix>),
    /// CPU time of each step of a message, on one core, beside its floor
    #[command(after_help = "Example:\n  sluice bench stages --messages 20000")]
    Stages {
        #[arg(long, default_value_t = 100_000, value_parser = clap::value_parser!(u64).range(1..))]
        messages: u64,
        #[arg(long)]
        json: bool,
    },
    /// Memory with many patients, and the time to restart
    #[command(after_help = "Example:\n  sluice bench state --patients 20000")]
    State {
        #[arg(long, default_value_t = 100_000, value_parser = clap::value_parser!(u64).range(1..))]
        patients: u64,
        #[arg(long)]
        json: bool,
    },
    /// The bare HTTP server itself (the benchmark starts it)
    #[command(hide = true)]
    BareHttp {
        #[arg(long)]
        folder: PathBuf,
    },
    /// The bare listener itself (the benchmarks start it)
    #[command(hide = true)]
    Bare {
        #[arg(long)]
        file: PathBuf,
        /// Acknowledge without fdatasync
        #[arg(long)]
        no_sync: bool,
    },
}

/// Which engine to measure.
#[derive(Args)]
pub struct Measured {
    /// Where it serves HTTP [default: one of its own, started for this]
    #[arg(long, requires = "ej")]
    pub url: Option<String>,
    /// The EJ to ask for
    #[arg(long, requires = "url", value_name = "EJ")]
    pub ej: Option<String>,
    /// A token of the engine's, or @FILE that holds one
    #[arg(long, requires = "url")]
    pub token: Option<String>,
    /// Its process on this machine, for CPU time and memory
    #[arg(long, requires = "url", value_name = "PID")]
    pub server_pid: Option<u32>,
    /// Patients that an engine of its own is given first
    #[arg(long, default_value_t = 2000, conflicts_with = "url", value_parser = clap::value_parser!(u64).range(1..))]
    pub patients: u64,
}

#[derive(Args)]
pub struct BenchExport {
    #[command(flatten)]
    pub engine: Measured,
    /// How often each is measured
    #[arg(long, default_value_t = 20, value_parser = clap::value_parser!(u32).range(1..))]
    pub iterations: u32,
    /// How often before that, unmeasured
    #[arg(long, default_value_t = 3)]
    pub warm_up: u32,
    /// What to fetch
    #[arg(
        long,
        value_delimiter = ',',
        value_name = "TYPES",
        default_value = "structure,patients,venues"
    )]
    pub export_types: Vec<String>,
    /// Only as it is once it was fetched before
    #[arg(long)]
    pub with_cache: bool,
    /// Only as it is when the engine has just forgotten what it rendered (a token of role operator)
    #[arg(long)]
    pub without_cache: bool,
    /// Exports that are fetched at once
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=256))]
    pub concurrency: u32,
    /// As a Bundle instead of NDJSON
    #[arg(long)]
    pub bundle: bool,
    /// Not compressed
    #[arg(long)]
    pub plain: bool,
    /// From which gain on it is called slight, clear, large, in percent
    #[arg(long, default_value = "20,50,80", value_name = "A,B,C")]
    pub bands: String,
    #[command(flatten)]
    pub reporting: Reporting,
}

#[derive(Args)]
pub struct BenchFhir {
    /// Patients that the engine is given first
    #[arg(long, default_value_t = 2000, value_parser = clap::value_parser!(u64).range(800..))]
    pub patients: u64,
    /// How often ours and the other take turns, after one that warms up
    #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u32).range(1..))]
    pub rounds: u32,
    /// How long each turn of reads and searches runs
    #[arg(long, default_value_t = 2.0)]
    pub seconds: f64,
    /// Connections that read
    #[arg(long, default_value_t = 32, value_parser = clap::value_parser!(u32).range(1..=256))]
    pub connections: u32,
    /// Exports a turn
    #[arg(long, default_value_t = 20, value_parser = clap::value_parser!(u32).range(1..))]
    pub exports: u32,
    /// Patients that change a second, beside exports
    #[arg(long, default_value_t = 100, value_parser = clap::value_parser!(u32).range(1..=100_000))]
    pub changes: u32,
    #[command(flatten)]
    pub reporting: Reporting,
}

#[derive(Args)]
pub struct BenchScale {
    /// Patients, ascending
    #[arg(long, value_delimiter = ',', default_values_t = [10_000, 100_000], value_parser = clap::value_parser!(u64).range(800..))]
    pub patients: Vec<u64>,
    /// Turns of each kind, after one that warms up
    #[arg(long, default_value_t = 3, value_parser = clap::value_parser!(u32).range(1..))]
    pub rounds: u32,
    /// How long each turn runs
    #[arg(long, default_value_t = 2.0)]
    pub seconds: f64,
    /// Connections that search
    #[arg(long, default_value_t = 4, value_parser = clap::value_parser!(u32).range(1..=256))]
    pub searchers: u32,
    /// Connections that read beside the feed
    #[arg(long, default_value_t = 32, value_parser = clap::value_parser!(u32).range(1..=256))]
    pub readers: u32,
    #[command(flatten)]
    pub reporting: Reporting,
}

#[derive(Args)]
pub struct BenchMix {
    /// The stages, as TOML [default: those of --print-default]
    pub file: Option<PathBuf>,
    /// Show the stages that are played by default, and leave
    #[arg(long)]
    pub print_default: bool,
    #[command(flatten)]
    pub engine: Measured,
    /// Where that engine takes messages
    #[arg(long, value_name = "HOST:PORT", requires = "url")]
    pub mllp: Option<String>,
    /// How late a sender itself may be at p99 before the run is invalid
    #[arg(long, value_name = "SPAN", default_value = "10ms")]
    pub slip_max: String,
    #[command(flatten)]
    pub reporting: Reporting,
}
