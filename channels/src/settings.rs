//! What can be set of the channels.

use std::net::SocketAddr;
use std::time::Duration;

use ipnet::IpNet;
use serde::{Deserialize, Serialize};
use sluice_ids::{ChannelId, EjId};

use crate::ack::{AckMode, AckWhen};
use crate::destinations::DestinationSettings;
use crate::folder::FolderSource;
use crate::mllp::FrameLimits;
use crate::posted::HttpSource;
use crate::steps::{Condition, StepSettings};
use crate::tls::TlsSettings;

/// `[mllp]`: the bounds of every MLLP listener and connection. Each refusal is counted in
/// `sluice_mllp_limits_hit_total`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct MllpSettings {
    /// Most bytes of one frame. Default 4 194 304 (4 MiB): ADT is under 100 KB; photographs and
    /// documents in OBX reach a few MB.
    pub frame_bytes_max: usize,
    /// Most bytes of a frame over `frame_bytes_max` that are skipped, unkept, before the
    /// connection is closed. Default 67 108 864 (64 MiB): the sender learns from its AR, and the
    /// next good frame is still answered.
    pub skip_bytes_max: usize,
    /// Most bytes that the connections of one listener may hold of large frames that have not
    /// ended, 64 KiB apart for each. Default 67 108 864 (64 MiB): sixteen largest frames at once;
    /// one more is refused for now.
    pub buffered_bytes_max: usize,
    /// Most bytes before a VT. Default 65 536: line noise, a banner or a TLS hello is shorter.
    pub junk_bytes_max: usize,
    /// From a frame's VT to its FS, in ms. Default 60 000: 4 MiB over a 1 Mbit/s line takes 34 s;
    /// a sender that drips bytes holds its connection no longer.
    pub frame_deadline_ms: u64,
    /// How long an FS at the end of what has come waits for its CR, in ms. Default 10: several
    /// clients never send the CR and wait for the answer.
    pub end_grace_ms: u64,
    /// A connection on which nothing comes and nothing is owed is closed after this, in ms.
    /// Default 3 600 000 (1 h): persistent feeds are quiet at night; a dead peer is let go.
    pub idle_timeout_ms: u64,
    /// How long a TLS handshake may take, in ms. Default 10 000.
    pub handshake_timeout_ms: u64,
    /// How long an answer may wait for a peer that does not read, in ms. Default 20 000.
    pub write_timeout_ms: u64,
    /// Most connections of one listener. Default 256.
    pub connections_max: usize,
    /// Most connections of one peer address to one listener. Default 64: an interface engine
    /// that opens one per thread; half of what one peer's flood may take from the others.
    pub connections_per_peer_max: usize,
    /// Most frames of one connection that are taken and not yet answered. Default 64; beyond,
    /// nothing is read from it. One is enough for a sender that waits for each answer.
    pub in_flight_max: usize,
    /// Most application acknowledgements of one connection that wait for their messages to be
    /// applied. Default 1 024: a second of a busy feed; beyond, nothing is read from it.
    pub applied_owed_max: usize,
    /// How long a stop waits for the frames in hand, in ms. Default 10 000.
    pub stop_timeout_ms: u64,
}

impl Default for MllpSettings {
    fn default() -> Self {
        Self {
            frame_bytes_max: 4 * 1024 * 1024,
            skip_bytes_max: 64 * 1024 * 1024,
            buffered_bytes_max: 64 * 1024 * 1024,
            junk_bytes_max: 64 * 1024,
            frame_deadline_ms: 60_000,
            end_grace_ms: 10,
            idle_timeout_ms: 3_600_000,
            handshake_timeout_ms: 10_000,
            write_timeout_ms: 20_000,
            connections_max: 256,
            connections_per_peer_max: 64,
            in_flight_max: 64,
            applied_owed_max: 1024,
            stop_timeout_ms: 10_000,
        }
    }
}

impl MllpSettings {
    #[must_use]
    pub const fn frame_limits(&self) -> FrameLimits {
        FrameLimits {
            frame_bytes_max: self.frame_bytes_max,
            skip_bytes_max: self.skip_bytes_max,
            junk_bytes_max: self.junk_bytes_max,
            frame_deadline: Duration::from_millis(self.frame_deadline_ms),
            end_grace: Duration::from_millis(self.end_grace_ms),
        }
    }

    /// Values that no listener could work with: the key, and what is wrong with it.
    #[must_use]
    pub fn problems(&self) -> Vec<(&'static str, String)> {
        let mut problems = Vec::new();
        let positive = [
            ("frame_bytes_max", self.frame_bytes_max as u64),
            ("frame_deadline_ms", self.frame_deadline_ms),
            ("idle_timeout_ms", self.idle_timeout_ms),
            ("handshake_timeout_ms", self.handshake_timeout_ms),
            ("write_timeout_ms", self.write_timeout_ms),
            ("connections_max", self.connections_max as u64),
            ("connections_per_peer_max", self.connections_per_peer_max as u64),
            ("in_flight_max", self.in_flight_max as u64),
            ("applied_owed_max", self.applied_owed_max as u64),
        ];
        for (key, value) in positive {
            if value == 0 {
                problems.push((key, "0 is too small; it must be at least 1".to_owned()));
            }
        }
        for (key, value) in [
            ("buffered_bytes_max", self.buffered_bytes_max),
            ("skip_bytes_max", self.skip_bytes_max),
        ] {
            let least = self.frame_bytes_max;
            if value < least {
                let what =
                    format!("{value} is too small; it must be at least frame_bytes_max ({least})");
                problems.push((key, what));
            }
        }
        problems
    }
}

/// One channel: a file of `channels_dir`, or one `[[channel]]` of the main file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ChannelSettings {
    /// Its name in the journal, in metrics and in logs, e.g. `EJ1.mllp`.
    pub id: ChannelId,
    /// The EJs that it takes messages for; several are told apart by MSH-4.
    pub ejs: Vec<EjId>,
    /// Which acknowledgement rules it follows. Default `auto`: enhanced where the message's
    /// MSH-15 or MSH-16 asks for it, else original.
    #[serde(default)]
    pub ack_mode: AckMode,
    /// What an AA of original mode says. Default `stored`: the message is safe. `applied`: what
    /// became of it. The application acknowledgement of enhanced mode always comes when applied.
    #[serde(default)]
    pub ack_when: AckWhen,
    /// All of its messages go before routine ones. Default false.
    #[serde(default)]
    pub urgent: bool,
    /// Or those do of which this holds, as they came. Default: none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub urgent_when: Option<Condition>,
    /// False declares it without starting it. Default true.
    #[serde(default = "yes")]
    pub enabled: bool,
    /// Where its messages come from.
    pub source: SourceSettings,
    /// What is made of a message before it is applied, in this order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub step: Vec<StepSettings>,
    /// Where what was accepted goes on to.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub destination: Vec<DestinationSettings>,
}

const fn yes() -> bool {
    true
}

impl ChannelSettings {
    /// A channel with everything else by default.
    #[must_use]
    pub const fn new(id: ChannelId, ejs: Vec<EjId>, source: SourceSettings) -> Self {
        Self {
            id,
            ejs,
            ack_mode: AckMode::Auto,
            ack_when: AckWhen::Stored,
            urgent: false,
            urgent_when: None,
            enabled: true,
            source,
            step: Vec::new(),
            destination: Vec::new(),
        }
    }

    /// Where it listens for MLLP; `None` for a source that does not.
    #[must_use]
    pub const fn mllp(&self) -> Option<&MllpSource> {
        match &self.source {
            SourceSettings::Mllp(source) => Some(source),
            SourceSettings::Folder(_) | SourceSettings::Http(_) => None,
        }
    }
}

/// `[source]`, by its `type`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum SourceSettings {
    Mllp(MllpSource),
    Folder(FolderSource),
    Http(HttpSource),
}

/// `[source]` of type `mllp`: a listener.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MllpSource {
    /// Where it listens, e.g. `127.0.0.1:5600`.
    pub address: SocketAddr,
    /// Encryption, and clients that show who they are. Default none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tls: Option<TlsSettings>,
    /// The networks whose addresses may connect, as CIDR. Default empty: any.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub allow: Vec<IpNet>,
    /// Without `tls` MLLP has neither encryption nor authentication. Default false: an address off
    /// loopback is then refused unless this says that the network is trusted.
    #[serde(default)]
    pub allow_plaintext_off_loopback: bool,
    /// MLLP release 2: each message is followed by a commit block, before its acknowledgement.
    /// Default false: release 1, which nearly all senders speak.
    #[serde(default)]
    pub commit_bytes: bool,
}

impl MllpSource {
    /// Any peer of that address's network, in plaintext on loopback only.
    #[must_use]
    pub const fn at(address: SocketAddr) -> Self {
        Self {
            address,
            tls: None,
            allow: Vec::new(),
            allow_plaintext_off_loopback: false,
            commit_bytes: false,
        }
    }
}
