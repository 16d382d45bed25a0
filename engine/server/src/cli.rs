//! The command line, as clap reads it.

mod bench;
mod generate;
mod messages;
mod remote;
mod replay;

use std::net::SocketAddr;
use std::path::PathBuf;

pub use bench::{Bench, BenchExport, BenchFhir, BenchMix, BenchScale, Measured};
pub use generate::{Dialect, Framing, Generate};
pub use messages::{Found, Messages};
pub use remote::{
    Acts, ChannelNamed, ChannelOrDestination, Channels, DeadLetterAct, DeadLetters, Queues, Remote,
};
pub use replay::{Auditing, Pace, Replay, Reporting};

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
    /// Find the messages of a running engine, show one, have some applied again
    #[command(
        subcommand,
        after_help = "Example:\n  sluice messages list EJ1 --outcome refused --token-file operator.token"
    )]
    Messages(Messages),
    /// List, start, stop, pause and reload the channels of a running engine
    #[command(
        subcommand,
        after_help = "Example:\n  sluice channels list --url http://127.0.0.1:8080\n  sluice channels pause EJ1.mllp --token-file operator.token"
    )]
    Channels(Channels),
    /// Show what operators did in a running engine: who, when, what
    #[command(
        after_help = "Example:\n  sluice acts --url http://127.0.0.1:8080 --token-file operator.token\n  sluice acts --ej EJ1 --act reprocess --json"
    )]
    Acts(Acts),
    /// Show how each destination of a running engine stands, and what waits for it
    #[command(
        after_help = "Example:\n  sluice queues --url http://127.0.0.1:8080 --token-file operator.token"
    )]
    Queues(Queues),
    /// Messages that were set aside in a running engine: not applied, or not delivered
    #[command(
        after_help = "Example:\n  sluice dead-letters list EJ1\n  sluice dead-letters retry EJ1 17:EJ1.mllp:laboratory\n  sluice dead-letters discard EJ1 17:EJ1.mllp:laboratory --reason obsolete"
    )]
    DeadLetters(DeadLetters),
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
    /// Pass the messages through the steps of a channel of the configuration, and show them after each
    #[arg(long, value_name = "CHANNEL", conflicts_with = "at")]
    pub channel: Option<String>,
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
    /// Hand messages to the channels of its EJs, and nothing else
    Sender,
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
