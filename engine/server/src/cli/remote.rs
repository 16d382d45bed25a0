//! The flags of every command that speaks to a running engine.

use std::path::PathBuf;

use clap::{Args, Subcommand};

#[derive(Args, Clone)]
pub struct Remote {
    /// Where the engine serves HTTP
    #[arg(long, value_name = "URL", env = "SLUICE_URL", default_value = "http://127.0.0.1:8080")]
    pub url: String,
    /// A file with the token, made by `sluice token create` [default: SLUICE_TOKEN, or none]
    #[arg(long, value_name = "FILE", env = "SLUICE_TOKEN_FILE")]
    pub token_file: Option<PathBuf>,
    /// Who vouches for the engine's certificate, in PEM [default: whom this machine trusts]
    #[arg(long, value_name = "FILE", env = "SLUICE_CA")]
    pub ca: Option<PathBuf>,
    /// For machines
    #[arg(long)]
    pub json: bool,
}

#[derive(Subcommand)]
pub enum Channels {
    /// Every channel: how it stands, where it listens, its file
    #[command(after_help = "Example:\n  sluice channels list")]
    List(Remote),
    /// Have a channel take messages, or a destination of it send them, also after a restart
    #[command(
        after_help = "Example:\n  sluice channels start EJ1.mllp\n  sluice channels start EJ1.mllp --destination laboratory"
    )]
    Start(ChannelOrDestination),
    /// Close a channel: nobody can connect until it is started
    #[command(after_help = "Example:\n  sluice channels stop EJ1.mllp")]
    Stop(ChannelNamed),
    /// Leave what comes in the sockets: connections stay, answers wait. Or have a destination send nothing
    #[command(
        after_help = "Example:\n  sluice channels pause EJ1.mllp\n  sluice channels pause EJ1.mllp --destination laboratory"
    )]
    Pause(ChannelOrDestination),
    /// Read the channel files again; 1 where one of them is not in force
    #[command(after_help = "Example:\n  sluice channels reload --json")]
    Reload(Remote),
}

#[derive(Args)]
pub struct ChannelNamed {
    /// Its id, e.g. EJ1.mllp
    pub channel: String,
    #[command(flatten)]
    pub remote: Remote,
}

#[derive(Args)]
pub struct ChannelOrDestination {
    #[command(flatten)]
    pub named: ChannelNamed,
    /// A destination of it, alone
    #[arg(long, value_name = "NAME")]
    pub destination: Option<String>,
}

#[derive(Args)]
pub struct Acts {
    /// Those in one EJ [default: in all that the token reaches]
    #[arg(long)]
    pub ej: Option<String>,
    /// Those of one kind, e.g. reprocess, channel_paused, cache_cleared
    #[arg(long)]
    pub act: Option<String>,
    /// How many, the newest first
    #[arg(long, value_name = "N", default_value_t = 50)]
    pub count: usize,
    #[command(flatten)]
    pub remote: Remote,
}

#[derive(Args)]
pub struct Queues {
    #[command(flatten)]
    pub remote: Remote,
}

#[derive(Args)]
pub struct DeadLetters {
    #[command(subcommand)]
    pub act: DeadLetterAct,
}

#[derive(Subcommand)]
pub enum DeadLetterAct {
    /// Those of an EJ that are open, the oldest messages first
    #[command(
        after_help = "Example:\n  sluice dead-letters list EJ1\n  sluice dead-letters list EJ1 --count 1000 --after 17:EJ1.mllp:laboratory"
    )]
    List {
        /// The EJ
        ej: String,
        /// Those behind the last of a list, by its id
        #[arg(long, value_name = "ID")]
        after: Option<String>,
        /// How many
        #[arg(long, value_name = "N", default_value_t = 100)]
        count: usize,
        #[command(flatten)]
        remote: Remote,
    },
    /// One of them
    #[command(after_help = "Example:\n  sluice dead-letters show EJ1 17:EJ1.mllp:laboratory")]
    Show {
        /// The EJ
        ej: String,
        /// As `list` shows it
        id: String,
        #[command(flatten)]
        remote: Remote,
    },
    /// Deliver it again
    #[command(after_help = "Example:\n  sluice dead-letters retry EJ1 17:EJ1.mllp:laboratory")]
    Retry {
        /// The EJ
        ej: String,
        /// As `list` shows it
        id: String,
        #[command(flatten)]
        remote: Remote,
    },
    /// Close it without delivering it
    #[command(
        after_help = "Example:\n  sluice dead-letters discard EJ1 17:EJ1.mllp:laboratory --reason obsolete"
    )]
    Discard {
        /// The EJ
        ej: String,
        /// As `list` shows it
        id: String,
        /// Why; recorded with who and when
        #[arg(long)]
        reason: String,
        #[command(flatten)]
        remote: Remote,
    },
}
