//! The whole configuration, composed of what each crate owns.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};
use sluice_channels::{ChannelSettings, MllpSettings};
use sluice_flow::FlowSettings;
use sluice_http::HttpSettings;
use sluice_journal::JournalSettings;
use sluice_mappings::entity::EjSettings;
use sluice_state::StateSettings;

use crate::alerts::AlertSettings;

/// Everything that can be set.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// Where the journal, the state, the checkpoints and the tokens are kept.
    pub data_dir: PathBuf,
    pub log: LogSettings,
    pub journal: JournalSettings,
    pub state: StateSettings,
    pub flow: FlowSettings,
    pub mllp: MllpSettings,
    pub http: HttpSettings,
    pub alerts: AlertSettings,
    /// The legal entities. At least one is needed to serve.
    pub ej: Vec<EjSettings>,
    /// Where more channels stand, one a file, from the main file's folder; it need not be there.
    pub channels_dir: PathBuf,
    /// The channels: those of the main file, then those of `channels_dir`.
    pub channel: Vec<ChannelSettings>,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            data_dir: PathBuf::from("sluice-data"),
            log: LogSettings::default(),
            journal: JournalSettings::default(),
            state: StateSettings::default(),
            flow: FlowSettings::default(),
            mllp: MllpSettings::default(),
            http: HttpSettings::default(),
            alerts: AlertSettings::default(),
            ej: Vec::new(),
            channels_dir: PathBuf::from("channels"),
            channel: Vec::new(),
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LogLevel {
    Error,
    Warn,
    #[default]
    Info,
    Debug,
    Trace,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LogFormat {
    #[default]
    Text,
    Json,
}

/// `[log]`: what goes to standard error. Patient data never does, at any level.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct LogSettings {
    pub level: LogLevel,
    pub format: LogFormat,
}
