//! What the server tells the HTTP face of its channels, and what is asked of them.

use std::net::SocketAddr;

use sluice_ids::{ChannelId, EjId};

use crate::acts::NotRecorded;

/// A channel as it runs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChannelTold {
    pub id: ChannelId,
    pub ejs: Vec<EjId>,
    /// The type of its source.
    pub source: &'static str,
    /// Where it listens.
    pub address: Option<SocketAddr>,
    /// `running`, `paused`, `stopped`, `disabled`, or `failed`: it should run and cannot.
    pub state: &'static str,
    /// The file that it stands in; `None`: the main file.
    pub file: Option<String>,
    /// Why it does not run, or not as its file says.
    pub problem: Option<String>,
}

/// A channel file that is not in force.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BadChannelFile {
    pub file: String,
    /// One for each thing that is wrong.
    pub problems: Vec<String>,
}

/// What came of reading the files again.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ReloadTold {
    /// The channels that changed, came or went.
    pub changed: Vec<ChannelId>,
    pub not_in_force: Vec<BadChannelFile>,
    /// Keys of the main file that changed, and need a restart.
    pub restart: Vec<String>,
    /// Why nothing changed at all.
    pub error: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ChannelAct {
    Start,
    Stop,
    Pause,
}

/// Asked by `/api/channels`. Acting blocks: as long as a listener takes to answer what is in hand.
pub trait ChannelDesk: Send + Sync + 'static {
    /// By id. From memory.
    fn channels(&self) -> Vec<ChannelTold>;

    /// From memory.
    fn bad_files(&self) -> Vec<BadChannelFile>;

    /// What it is afterwards; `None` where there is no such channel.
    ///
    /// # Errors
    /// When the act cannot be recorded: it is not done.
    fn act(
        &self,
        id: ChannelId,
        act: ChannelAct,
        by: &str,
    ) -> Result<Option<ChannelTold>, NotRecorded>;

    /// Reads the files again, and applies what changed.
    fn reload(&self, by: &str) -> ReloadTold;
}
