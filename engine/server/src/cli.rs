//! The command line, as clap reads it.

mod generate;

use std::net::SocketAddr;
use std::path::PathBuf;

pub use generate::{Dialect, Framing, Generate};

use clap::{Args, Parser, Subcommand, ValueEnum};

#[derive(Parser)]
#[command(
    name = "sluice",
    version,
    about = "HL7v2 ADT in over MLLP, kept durably before it is acknowledged; FHIR out",
    after_help = "Exit codes: 0 done · 1 the thing asked about is not so · 2 wrong usage · \
                  3 the sender fell behind, so that a measurement says nothing · 70 the journal failed to write · 73 cannot start · 78 the configuration is wrong"
)]
pub struct Cli {
    #[command(subcommand)]
    pub command: Command,
}

#[derive(Subcommand)]
pub enum Command {
    /// Receive ADT feeds and serve FHIR until stopped
    #[command(after_help = "Example:\n  sluice serve --config /etc/sluice/sluice.toml")]
    Serve(Serve),
    /// Seed a demonstration of four EJs with a structure and a synthetic feed, and serve it
    #[command(
        after_help = "Example:\n  sluice demo\n  sluice demo --exit   # check itself and leave\n  sluice demo --data-dir demo-data --patients 1000   # run again, it changes nothing"
    )]
    Demo(Demo),
    /// Say what is wrong with a configuration, without opening or binding anything
    #[command(after_help = "Example:\n  sluice check --config /etc/sluice/sluice.toml")]
    Check(Check),
    /// Show how messages are read, what they would be answered, and the FHIR they make, from what
    #[command(
        after_help = "Example:\n  sluice inspect message.hl7\n  sluice inspect message.hl7 --at PID-5.1\n  sluice inspect message.hl7 --explain --fhir R5   # each element, and the fields it comes from\n  sluice inspect messages/ --coverage --json      # what became of every populated field"
    )]
    Inspect(Inspect),
    /// Make the feed of a synthetic hospital: the same seed gives the same bytes
    #[command(
        after_help = "Example:\n  sluice generate --seed 1 --patients 1000 -o feed.hl7\n  sluice generate --seed 1 --patients 1000 --ej EJ1 --to 127.0.0.1:5600\n  sluice generate --patients 200 --hl7 2.3 --fault duplicate=0.01 -o - --truth truth.ndjson"
    )]
    Generate(Generate),
    /// Send feeds to an MLLP listener by a schedule, and measure its answers
    #[command(
        after_help = "Example:\n  sluice replay feed.hl7 --to 127.0.0.1:5600\n  sluice replay feed.hl7 --to 127.0.0.1:5600 --rate 200 --poisson --connections 8 --fail \"response.p99<50ms\" --report run.html\n  sluice replay ward.pcap --to 127.0.0.1:5600 --as-recorded --speed 60 --max-gap 5s\n\nWithout --fail it ends in 1 unless every message was answered AA or CA, and an audit finds nothing; with --fail the thresholds alone decide."
    )]
    Replay(Box<Replay>),
    /// Write a feed anew under surrogates that only a key can make
    #[command(
        after_help = "Example:\n  sluice deidentify ward.hl7 --key site.key -o ward.deidentified.hl7"
    )]
    Deidentify(Deidentify),
    /// Say what changed from one report to another, beyond noise
    #[command(
        after_help = "Example:\n  sluice compare before.json after.json\n\nIt ends in 1 where the second is worse, and in 2 where they are not of the same thing."
    )]
    Compare(Compare),
    /// Show the reports in a folder: runs of the same thing together, in order of time
    #[command(after_help = "Example:\n  sluice history runs")]
    History(History),
    /// Make one report of those that the shards of one replay wrote
    #[command(after_help = "Example:\n  sluice merge one.json two.json -o whole.json")]
    Merge(Merge),
    /// Read the whole journal and say what is found
    #[command(
        after_help = "Example:\n  sluice verify --data-dir sluice-data\n  sluice verify --data-dir sluice-data --accept 1@35536 --who a.martin --reason \"restored from the sender\""
    )]
    Verify(Verify),
    /// Throw the state away and fold it again from the journal
    #[command(after_help = "Example:\n  sluice rebuild --config sluice.toml")]
    Rebuild(Rebuild),
    /// Create, list and revoke bearer tokens
    #[command(
        subcommand,
        after_help = "Example:\n  sluice token create --config sluice.toml --role reader --ej EJ1 --expires 90d"
    )]
    Token(Token),
    /// Measure, always beside a baseline of the same run
    #[command(subcommand, after_help = "Example:\n  sluice bench mllp --seconds 10")]
    Bench(Bench),
}

/// Which configuration.
#[derive(Args, Clone, Default)]
pub struct ConfigArgs {
    /// Configuration file [default: sluice.toml in this folder, where there is one]
    #[arg(long, value_name = "FILE", env = "SLUICE_CONFIG")]
    pub config: Option<PathBuf>,
    /// Where everything is kept
    #[arg(long, value_name = "DIR")]
    pub data_dir: Option<PathBuf>,
    /// Any key, over what file and environment say
    #[arg(long = "set", value_name = "KEY=VALUE", value_parser = key_value)]
    pub set: Vec<(String, String)>,
}

fn key_value(text: &str) -> Result<(String, String), String> {
    let (key, value) = text.split_once('=').ok_or("needs the form KEY=VALUE")?;
    Ok((key.trim().to_owned(), value.trim().to_owned()))
}

#[derive(Args)]
pub struct Serve {
    #[command(flatten)]
    pub config: ConfigArgs,
    /// Where to serve HTTP
    #[arg(long, value_name = "ADDR")]
    pub http: Option<SocketAddr>,
}

#[derive(Args)]
pub struct Demo {
    /// Where everything is kept [default: a new folder that is removed at the end]
    #[arg(long, value_name = "DIR")]
    pub data_dir: Option<PathBuf>,
    /// Where to serve HTTP; port 0 takes a free one
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:8080")]
    pub http: SocketAddr,
    /// First MLLP port: EJ1 to EJ4 listen on P, P+2, P+4, P+6; 0 takes free ones
    #[arg(
        long,
        value_name = "PORT",
        default_value_t = 5600,
        value_parser = clap::value_parser!(u16).range(..=65_529)
    )]
    pub mllp_base: u16,
    /// How many invented patients come
    #[arg(long, value_name = "N", default_value_t = 120)]
    pub patients: u64,
    /// Check over HTTP what should be seen, and leave with 0 or 1
    #[arg(long)]
    pub exit: bool,
}

#[derive(Args)]
pub struct Check {
    #[command(flatten)]
    pub config: ConfigArgs,
    /// For machines
    #[arg(long)]
    pub json: bool,
}

#[derive(Args)]
pub struct Inspect {
    /// Files of one or many messages, or folders of .hl7 files; `-` for standard input
    pub files: Vec<PathBuf>,
    /// Show one place of the first message only, e.g. PID-5.1 or PV1-3[2].4
    #[arg(long, value_name = "PATH")]
    pub at: Option<String>,
    /// Whose rules to read it by: an EJ of the configuration [default: international rules]
    #[arg(long, value_name = "EJ")]
    pub ej: Option<String>,
    /// Show the FHIR resources that the messages make, or with --explain and --coverage those of
    /// that version [default: R4]
    #[arg(long, value_name = "VERSION", num_args = 0..=1)]
    pub fhir: Option<Option<String>>,
    /// For each element of the resources that a message makes or changes, show where it comes from:
    /// fields of the message, its event, a setting, the record before
    #[arg(long)]
    pub explain: bool,
    /// Show every populated field as mapped (where to), kept, or not mapped (why), and a summary
    #[arg(long)]
    pub coverage: bool,
    /// For machines
    #[arg(long)]
    pub json: bool,
    #[command(flatten)]
    pub config: ConfigArgs,
}

#[derive(Args)]
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
    #[arg(long, value_name = "SECONDS", default_value_t = 30)]
    pub timeout: u64,
    /// How late the sender itself may be at p99 before the run is invalid
    #[arg(long, value_name = "SPAN", default_value = "10ms")]
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
    #[arg(long)]
    pub poisson: bool,
    /// Of the random moments, and of what the bad network loses
    #[arg(long, default_value_t = 1)]
    pub seed: u64,
    /// So many times as fast as it was recorded, or as the profile says
    #[arg(long, default_value_t = 1.0)]
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

#[derive(Args)]
pub struct Deidentify {
    /// Feed files, folders and packet captures; `-` for standard input
    #[arg(required = true, value_name = "FILE")]
    pub files: Vec<PathBuf>,
    /// The key of the surrogates, made where there is none: as secret as the feed
    #[arg(long, value_name = "KEYFILE")]
    pub key: PathBuf,
    /// Where to write; its manifest is written beside it
    #[arg(short, long, value_name = "FILE")]
    pub output: PathBuf,
}

#[derive(Args)]
pub struct Compare {
    /// The report before
    pub before: PathBuf,
    /// The report after
    pub after: PathBuf,
    /// A change of less than this is none, in percent
    #[arg(long, value_name = "PERCENT", default_value_t = 5.0)]
    pub least: f64,
    /// For machines
    #[arg(long)]
    pub json: bool,
}

#[derive(Args)]
pub struct History {
    /// A folder of JSON reports
    pub folder: PathBuf,
}

#[derive(Args)]
pub struct Merge {
    /// The JSON reports of all shards
    #[arg(required = true)]
    pub reports: Vec<PathBuf>,
    /// Write the whole: .json, .csv, .html or .svg; repeat for several
    #[arg(short = 'o', long = "output", value_name = "FILE", required = true)]
    pub files: Vec<PathBuf>,
}

#[derive(Args)]
pub struct Verify {
    #[command(flatten)]
    pub config: ConfigArgs,
    /// Accept the damage of this id, so that its EJs go on
    #[arg(long, value_name = "ID", requires = "who", requires = "reason")]
    pub accept: Option<String>,
    /// Who accepts it
    #[arg(long)]
    pub who: Option<String>,
    /// Why it is accepted
    #[arg(long)]
    pub reason: Option<String>,
    /// For machines
    #[arg(long)]
    pub json: bool,
}

#[derive(Args)]
pub struct Rebuild {
    #[command(flatten)]
    pub config: ConfigArgs,
}

#[derive(Subcommand)]
pub enum Token {
    /// Make a token; it is shown once
    #[command(
        after_help = "Example:\n  sluice token create --config sluice.toml --role reader --ej EJ1 --expires 90d\n  sluice token create --config sluice.toml --role monitor --all-ejs"
    )]
    Create {
        #[command(flatten)]
        config: ConfigArgs,
        #[arg(long, value_enum)]
        role: Role,
        /// An EJ that it reaches; repeat for several
        #[arg(long = "ej", required_unless_present = "all_ejs")]
        ejs: Vec<String>,
        /// Reach every EJ, those to come included
        #[arg(long, conflicts_with = "ejs")]
        all_ejs: bool,
        /// How long it lives, e.g. 12h, 90d [default: until it is revoked]
        #[arg(long, value_name = "SPAN")]
        expires: Option<String>,
    },
    /// List tokens: id, role, EJs, expiry; never the secret
    #[command(after_help = "Example:\n  sluice token list --config sluice.toml")]
    List {
        #[command(flatten)]
        config: ConfigArgs,
        #[arg(long)]
        json: bool,
    },
    /// Take a token back; a running server knows within a second
    #[command(after_help = "Example:\n  sluice token revoke 282a8d9f --config sluice.toml")]
    Revoke {
        #[command(flatten)]
        config: ConfigArgs,
        /// Its id, as `list` shows it
        id: String,
    },
}

#[derive(Clone, Copy, ValueEnum)]
pub enum Role {
    /// Metrics, counters and lag: no patient data
    Monitor,
    /// Read and search
    Reader,
    /// Pull a whole EJ
    Exporter,
    /// Act: clear caches, repair messages
    Operator,
    /// All of it
    Administrator,
}

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
        #[arg(long, default_value_t = 2)]
        burst_seconds: u64,
        /// Connections to measure with
        #[arg(long, value_delimiter = ',', default_value = "1,8,32")]
        connections: Vec<u32>,
        /// How often ours and the bare listener take turns
        #[arg(long, default_value_t = 3)]
        rounds: u32,
        /// Messages a second, by a schedule that the engine does not change
        #[arg(
            long,
            value_delimiter = ',',
            value_name = "PER_SECOND",
            conflicts_with = "find_knee"
        )]
        rates: Vec<f64>,
        /// Look for the highest rate at which --fail holds [response.p99<50ms, unanswered==0, refused==0]
        #[arg(long)]
        find_knee: bool,
        /// With a rate: messages without an answer that one connection may have
        #[arg(long, default_value_t = 1)]
        window: u32,
        /// With a rate: at random moments instead of evenly
        #[arg(long)]
        poisson: bool,
        /// With a rate: how late the sender itself may be at p99
        #[arg(long, value_name = "SPAN", default_value = "10ms")]
        slip_max: String,
        #[command(flatten)]
        reporting: Reporting,
    },
    /// Whole exports, with what the engine keeps and without it
    #[command(
        after_help = "Example:\n  sluice bench export --patients 2000 --iterations 20\n  sluice bench export --url http://127.0.0.1:8080 --ej EJ1 --export-types patients,venues --token @token.txt --fail \"gain>=50%\""
    )]
    Export(Box<BenchExport>),
    /// Senders, readers, exporters and operators at once, in stages
    #[command(
        after_help = "Example:\n  sluice bench mix\n  sluice bench mix day.toml --patients 5000 --report mix.html\n  sluice bench mix --print-default"
    )]
    Mix(Box<BenchMix>),
    /// CPU time of each step of a message, on one core, beside its floor
    #[command(after_help = "Example:\n  sluice bench stages --messages 20000")]
    Stages {
        #[arg(long, default_value_t = 100_000)]
        messages: u64,
        #[arg(long)]
        json: bool,
    },
    /// Memory with many patients, and the time to restart
    #[command(after_help = "Example:\n  sluice bench state --patients 20000")]
    State {
        #[arg(long, default_value_t = 100_000)]
        patients: u64,
        #[arg(long)]
        json: bool,
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
    #[arg(long, default_value_t = 2000, conflicts_with = "url")]
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

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    fn each(command: &clap::Command, seen: &mut impl FnMut(&clap::Command)) {
        seen(command);
        for inner in command.get_subcommands().filter(|inner| !inner.is_hide_set()) {
            each(inner, seen);
        }
    }

    #[test]
    fn every_command_shows_an_example_that_its_own_grammar_takes() {
        let mut examples = 0;
        for command in Cli::command().get_subcommands() {
            each(command, &mut |command| {
                let help = command.get_after_help().map(ToString::to_string).unwrap_or_default();
                let lines = help.lines().map(str::trim).filter(|line| line.starts_with("sluice "));
                let before = examples;
                for line in lines {
                    let line = line.split('#').next().unwrap_or_default().replace('"', "");
                    // What a shell would keep together stands as one word here.
                    let line = line.replace("restored from the sender", "restored");
                    Cli::try_parse_from(line.split_whitespace())
                        .map_err(|error| error.to_string())
                        .unwrap();
                    examples += 1;
                }
                assert!(examples > before, "{}: no example", command.get_name());
            });
        }
    }
}
