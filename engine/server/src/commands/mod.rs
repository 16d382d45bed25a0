//! One command a file. This is the only place that writes to standard output.
#![allow(clippy::print_stdout, clippy::print_stderr)]

pub mod acts;
pub mod auditing;
pub mod bench;
pub mod bench_http;
pub mod channels;
pub mod check;
pub mod compare;
pub mod deidentify;
pub mod delivery;
pub mod demo;
pub mod generate;
pub mod inspect;
pub mod messages;
pub mod rebuild;
pub mod remote;
pub mod replay;
pub mod reporting;
pub mod serve;
pub mod stages;
pub mod token;
pub mod verify;
pub mod whole_file;

use std::net::{SocketAddr, ToSocketAddrs};
use std::path::PathBuf;

use sluice_config::{ConfigError, Loaded, Sources};

use crate::cli::ConfigArgs;
use crate::exit::{CONFIGURATION, Failure, USAGE};

/// Says on standard error why a command failed.
pub fn complain(message: &str) {
    eprintln!("sluice: {message}");
}

/// `HOST:PORT`, as the flag was given it.
pub fn resolve(flag: &str, address: &str) -> Result<SocketAddr, Failure> {
    let found = address.to_socket_addrs().ok().and_then(|mut found| found.next());
    found.ok_or_else(|| Failure::new(USAGE, format!("{flag} {address}: is not HOST:PORT")))
}

/// The configuration that the arguments ask for.
pub fn load(arguments: &ConfigArgs, http: Option<SocketAddr>) -> Result<Loaded, ConfigError> {
    let here = PathBuf::from("sluice.toml");
    let file = arguments.config.clone().or_else(|| here.exists().then_some(here));
    let mut flags = arguments.set.clone();
    if let Some(folder) = &arguments.data_dir {
        flags.push(("data_dir".to_owned(), quoted(&folder.display().to_string())));
    }
    if let Some(address) = http {
        flags.push(("http.address".to_owned(), quoted(&address.to_string())));
    }
    sluice_config::load(&Sources { file, text: None, flags, environment: true })
}

/// A TOML string.
fn quoted(text: &str) -> String {
    serde_json::Value::String(text.to_owned()).to_string()
}

impl From<ConfigError> for Failure {
    fn from(error: ConfigError) -> Self {
        Self::new(CONFIGURATION, error.to_string())
    }
}
