//! The ways in: each channel's source, started and stopped alike.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;

use bytes::Bytes;
use parking_lot::RwLock;
use sluice_channels::destinations::{DestinationSettings, MllpOut};
use sluice_channels::folder::{Watching, watch};
use sluice_channels::intake::Intake;
use sluice_channels::mllp::{Listening, listen};
use sluice_channels::posted::{self, Outcome, Posting};
use sluice_channels::{ChannelSettings, MllpSettings, MllpSource, SourceSettings};
use sluice_http::{Inbound, Post, Posted, PostedFuture, Way};
use sluice_ids::ChannelId;

use crate::alerts::Declared;
use crate::engine::chain;

/// A source that runs.
pub enum Source {
    Mllp(Listening),
    Folder(Watching),
    Http(Arc<Posting>, Arc<Ways>),
}

impl Source {
    /// Starts a channel's source.
    ///
    /// # Errors
    /// What it cannot have, and why.
    pub fn start(
        channel: &ChannelSettings,
        mllp: MllpSettings,
        intake: Arc<dyn Intake>,
        ways: &Arc<Ways>,
    ) -> Result<Self, String> {
        let cannot = |error: &dyn std::error::Error| chain(channel.id.as_str(), error);
        match &channel.source {
            SourceSettings::Mllp(source) => {
                listen(channel.id, source, mllp, intake).map(Self::Mllp).map_err(|e| cannot(&e))
            }
            SourceSettings::Folder(source) => {
                watch(channel.id, source, &intake).map(Self::Folder).map_err(|e| cannot(&e))
            }
            SourceSettings::Http(source) => {
                let posting = posted::open(channel.id, &channel.ejs, *source, &intake);
                let posting =
                    posting.ok_or_else(|| format!("{}: its EJs are not declared", channel.id))?;
                ways.0.write().insert(channel.id, Arc::clone(&posting));
                Ok(Self::Http(posting, Arc::clone(ways)))
            }
        }
    }

    /// Whether one that runs by `old` can go on by `new` as it is.
    pub fn fits(old: &ChannelSettings, new: &ChannelSettings) -> bool {
        // Who may post is who may send for each of its EJs.
        let posts = matches!(new.source, SourceSettings::Http(_));
        old.source == new.source && (!posts || old.ejs == new.ejs)
    }

    /// Takes nothing for now, or goes on.
    pub fn pause(&self, paused: bool) {
        match self {
            Self::Mllp(listening) => listening.pause(paused),
            Self::Folder(watching) => watching.pause(paused),
            Self::Http(posting, _) => posting.pause(paused),
        }
    }

    /// Where it listens by itself.
    pub const fn address(&self) -> Option<SocketAddr> {
        match self {
            Self::Mllp(listening) => Some(listening.address()),
            Self::Folder(_) | Self::Http(..) => None,
        }
    }

    /// Takes no more; ends when what is in hand is answered.
    pub async fn stop(self) {
        match self {
            Self::Mllp(listening) => {
                listening.stop().await;
            }
            Self::Folder(watching) => watching.stop().await,
            Self::Http(posting, ways) => {
                ways.0.write().remove(&posting.id());
                posting.stop().await;
            }
        }
    }
}

/// The channels that take messages by HTTP.
#[derive(Default)]
pub struct Ways(RwLock<HashMap<ChannelId, Arc<Posting>>>);

impl Inbound for Ways {
    fn way(&self, channel: &str) -> Option<Way> {
        let channel = ChannelId::new(channel).ok()?;
        let posting = Arc::clone(self.0.read().get(&channel)?);
        Some(Way {
            ejs: posting.ejs(),
            message_bytes_max: posting.message_bytes_max(),
            places: posting.places(),
            post: Arc::new(Posts(posting)),
        })
    }
}

struct Posts(Arc<Posting>);

impl Post for Posts {
    fn take(&self, message: Bytes) -> PostedFuture {
        let outcome = Arc::clone(&self.0).take(message);
        Box::pin(async move {
            match outcome.await {
                Outcome::Answered(bytes) => Posted::Answered(bytes),
                Outcome::Silent => Posted::Silent,
                Outcome::NotNow => Posted::NotNow,
                Outcome::Unknown => Posted::Unknown,
            }
        })
    }
}

/// As `[source]` says it.
pub const fn source_type(source: &SourceSettings) -> &'static str {
    match source {
        SourceSettings::Mllp(_) => "mllp",
        SourceSettings::Folder(_) => "folder",
        SourceSettings::Http(_) => "http",
    }
}

/// What is watched of channels; nothing of those that are not enabled.
pub fn declared_by<'a>(channels: impl Iterator<Item = &'a ChannelSettings>) -> Declared {
    let mut declared = Declared::default();
    for channel in channels.filter(|channel| channel.enabled) {
        declared.channels.insert(channel.id.to_string());
        declared.certificates.extend(certificates_of(channel));
    }
    declared
}

/// The certificates that a channel shows its clients, and that its destinations show their peers: of
/// which one, and its file.
fn certificates_of(channel: &ChannelSettings) -> Vec<(String, PathBuf)> {
    let mut found = Vec::new();
    if let SourceSettings::Mllp(MllpSource { tls: Some(tls), .. }) = &channel.source {
        found.push((channel.id.to_string(), tls.certificate.clone()));
    }
    for destination in &channel.destination {
        if let DestinationSettings::Mllp(MllpOut { name, tls: Some(tls), .. }) = destination
            && !tls.certificate.as_os_str().is_empty()
        {
            found.push((format!("{}/{name}", channel.id), tls.certificate.clone()));
        }
    }
    found
}
