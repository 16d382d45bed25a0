//! Exit codes, the same for every command.

use std::process::ExitCode;

/// The thing asked about is not so: a check found something, a message was refused.
pub const NOT_SO: u8 = 1;
/// Wrong usage; clap leaves with the same.
pub const USAGE: u8 = 2;
/// A measurement that says nothing: the sender itself fell behind its schedule.
pub const INVALID_RUN: u8 = 3;
/// The journal could not make a record durable (a failed write or fdatasync). Restart: what was
/// acknowledged is there.
pub const JOURNAL_FAILED: u8 = 70;
/// Something that serving needs cannot be had: a port, a folder, the journal's lock.
pub const CANNOT_START: u8 = 73;
/// The configuration cannot be used.
pub const CONFIGURATION: u8 = 78;

/// As a shell has it for a program that SIGPIPE ended: nobody reads on.
pub const PIPE_CLOSED: i32 = 141;

/// How a command ends when it does not end well.
#[derive(Debug)]
pub struct Failure {
    pub code: u8,
    pub message: String,
}

impl Failure {
    pub fn new(code: u8, message: impl Into<String>) -> Self {
        Self { code, message: message.into() }
    }
}

pub type Outcome = Result<ExitCode, Failure>;

macro_rules! not_so_from {
    ($($error:ty),+) => {
        $(impl From<$error> for Failure {
            fn from(error: $error) -> Self {
                Self::new(NOT_SO, error.to_string())
            }
        })+
    };
}

not_so_from!(anyhow::Error, std::io::Error, serde_json::Error);
