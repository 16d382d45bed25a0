//! `[alerts]`: what is told before anybody asks.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

/// Limits beyond which an alert is told, once, and once more when it is over.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct AlertSettings {
    /// Time between two looks, in seconds. Default 30; 0: none.
    pub every_s: u64,
    /// What ratios, shares and percentiles are of: the last so many seconds. Default 600.
    pub window_s: u64,
    /// A channel that took no message for so long is quiet, in seconds. Default 0: learned, by the
    /// hour of the week.
    pub quiet_after_s: u64,
    /// Age of what waits to be applied, in seconds. Default 60.
    pub queue_age_s: u64,
    /// Refused messages of an EJ in the window, in percent. Default 20.
    pub refused_percent: u64,
    /// Free space under the journal, in percent of `journal.free_floor_bytes`. Default 200.
    pub disk_floor_percent: u64,
    /// Days until a certificate ends. Default 21.
    pub certificate_days: u64,
    /// Answers from the caches in the window, in percent, under which it is told. Default 50.
    pub cache_hit_percent: u64,
    /// 95th percentile of HTTP answers in the window, in ms. Default 500.
    pub p95_ms: u64,
    /// Memory in use, in percent of its bound. Default 80.
    pub memory_percent: u64,
    /// That bound, in bytes. Default 0: the control group's, else the machine's.
    pub memory_bytes_max: u64,
    /// Where alerts are posted as JSON. Default empty: nowhere.
    pub webhook_url: String,
    /// A file with the secret that they are signed with. Default empty: unsigned.
    pub webhook_secret_file: PathBuf,
}

impl Default for AlertSettings {
    fn default() -> Self {
        Self {
            every_s: 30,
            window_s: 600,
            quiet_after_s: 0,
            queue_age_s: 60,
            refused_percent: 20,
            disk_floor_percent: 200,
            certificate_days: 21,
            cache_hit_percent: 50,
            p95_ms: 500,
            memory_percent: 80,
            memory_bytes_max: 0,
            webhook_url: String::new(),
            webhook_secret_file: PathBuf::new(),
        }
    }
}

impl AlertSettings {
    /// Values that cannot be worked with: the key, and what is wrong with it.
    #[must_use]
    pub fn problems(&self) -> Vec<(&'static str, String)> {
        let mut problems = Vec::new();
        if self.window_s < self.every_s.max(1) {
            problems.push(("window_s", "is shorter than every_s: nothing would be in it".into()));
        }
        for (key, value) in [
            ("refused_percent", self.refused_percent),
            ("cache_hit_percent", self.cache_hit_percent),
            ("memory_percent", self.memory_percent),
        ] {
            if value > 100 {
                problems.push((key, format!("{value} is no percentage")));
            }
        }
        let is_web = ["http://", "https://"].iter().any(|s| self.webhook_url.starts_with(s));
        if !self.webhook_url.is_empty() && !is_web {
            problems.push(("webhook_url", "needs http:// or https://".into()));
        }
        problems
    }
}
