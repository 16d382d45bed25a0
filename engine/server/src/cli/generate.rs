//! The words of `sluice generate`.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

#[derive(Args)]
pub struct Generate {
    /// Everything that is drawn follows from this number
    #[arg(long, default_value_t = 1)]
    pub seed: u64,
    /// How many patients come
    #[arg(long, value_name = "N", default_value_t = 120)]
    pub patients: u64,
    /// Where the feed goes; `-` for standard output, which is the default
    #[arg(long, short, value_name = "FILE")]
    pub output: Option<PathBuf>,
    /// Send it to a listener instead; with several EJs one for each, EJ=HOST:PORT
    #[arg(long, value_name = "[EJ=]HOST:PORT", conflicts_with_all = ["output", "framing"])]
    pub to: Vec<String>,
    /// Whose feed: EJs of the demonstration, or `all`
    #[arg(long, value_delimiter = ',', default_value = "EJ1")]
    pub ej: Vec<String>,
    /// Which rules all senders follow [default: as the profile says]
    #[arg(long)]
    pub dialect: Option<Dialect>,
    /// Which HL7 all senders speak, 2.3 to 2.8; other than 2.5 it is international
    #[arg(long, value_name = "VERSION")]
    pub hl7: Option<String>,
    /// Which character set all senders write: ASCII, UTF-8, 8859/1, 8859/15, WINDOWS-1252
    #[arg(long)]
    pub charset: Option<String>,
    /// Rates, shares and distributions [default: the built-in profile]
    #[arg(long, value_name = "FILE")]
    pub profile: Option<PathBuf>,
    /// Print the built-in profile and leave
    #[arg(long)]
    pub print_profile: bool,
    /// The first day, e.g. 2026-03-02 or 2026-03-02T06:00 [default: as the profile says]
    #[arg(long, value_name = "DATE")]
    pub start: Option<String>,
    /// Put faults into the feed: duplicate, disorder, bad-segment, lying-charset, missing-field, oversize
    #[arg(long, value_name = "KIND=RATE", value_parser = rate)]
    pub fault: Vec<(String, f64)>,
    /// Send only these events; the others do not happen
    #[arg(long, value_delimiter = ',', value_name = "A01,…")]
    pub events: Vec<String>,
    /// Begin with each EJ's structure, as MFN^M05
    #[arg(long)]
    pub structure: bool,
    /// How messages are kept apart in the file
    #[arg(long, value_enum, default_value = "blank-line")]
    pub framing: Framing,
    /// Threads that write messages; the bytes are the same [default: as many as there are cores]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=1024))]
    pub threads: Option<u16>,
    /// Where counts, span and SHA-256 go [default: FILE.manifest.json]
    #[arg(long, value_name = "FILE")]
    pub manifest: Option<PathBuf>,
    /// Write what the feed means, each identity with its stays as a line of JSON
    #[arg(long, value_name = "FILE")]
    pub truth: Option<PathBuf>,
    /// Print the manifest instead of a summary
    #[arg(long)]
    pub json: bool,
}

fn rate(text: &str) -> Result<(String, f64), String> {
    let (kind, rate) = super::key_value(text).map_err(|_| "needs the form KIND=RATE")?;
    let rate = rate.parse().map_err(|_| format!("{rate} is no rate"))?;
    Ok((kind, rate))
}

#[derive(Clone, Copy, ValueEnum)]
pub enum Dialect {
    PamFr,
    International,
}

#[derive(Clone, Copy, ValueEnum)]
pub enum Framing {
    BlankLine,
    Mllp,
    Cr,
}
