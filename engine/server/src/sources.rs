//! The ways in: each channel's source, started and stopped alike.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::Arc;

use bytes::Bytes;
use parking_lot::RwLock;
use sluice_channels::folder::{Watching, watch};
use sluice_channels::intake::Intake;
use sluice_channels::mllp::{Listening, listen};
use sluice_channels::posted::{self, Outcome, Posting};
use sluice_channels::{ChannelSettings, MllpSettings, SourceSettings};
use sluice_http::{Inbound, Post, Posted, PostedFuture, Way};
use sluice_ids::ChannelId;

use crate::engine::chain;
use crate::exit::{CANNOT_START, Failure};

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
    ) -> Result<Self, Failure> {
        let cannot = |error: &dyn std::error::Error| {
            Failure::new(CANNOT_START, chain(channel.id.as_str(), error))
        };
        match &channel.source {
            SourceSettings::Mllp(source) => {
                listen(channel.id, source, mllp, intake).map(Self::Mllp).map_err(|e| cannot(&e))
            }
            SourceSettings::Folder(source) => {
                watch(channel.id, source, &intake).map(Self::Folder).map_err(|e| cannot(&e))
            }
            SourceSettings::Http(source) => {
                let posting = posted::open(channel.id, &channel.ejs, *source, &intake);
                let posting = posting.ok_or_else(|| {
                    Failure::new(CANNOT_START, format!("{}: its EJs are not declared", channel.id))
                })?;
                ways.0.write().insert(channel.id, Arc::clone(&posting));
                Ok(Self::Http(posting, Arc::clone(ways)))
            }
        }
    }

    /// Where it listens by itself.
    pub fn listening(&self) -> Option<(ChannelId, SocketAddr)> {
        match self {
            Self::Mllp(listening) => Some((listening.id(), listening.address())),
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
