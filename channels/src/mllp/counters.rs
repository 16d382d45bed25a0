//! What a listener counts. Handles are made once: a message costs an atomic add, no lookup.
//! Labels are listener ids (configured) and closed sets, never anything that was received.

use metrics::{Counter, Gauge, counter, describe_counter, describe_gauge, gauge};
use sluice_ids::ChannelId;

use super::commit::Block;

/// What stopped a connection or kept one out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Limit {
    FrameBytes,
    SkipBytes,
    JunkBytes,
    FrameDeadline,
    IdleTimeout,
    WriteTimeout,
    Connections,
    ConnectionsPerPeer,
    /// One that never sent a frame was closed to make room.
    Silent,
    InFlight,
    /// Application acknowledgements that wait for the fold.
    AppliedOwed,
    BufferedBytes,
    FileDescriptors,
    /// An address outside `allow`.
    Address,
    HandshakeTimeout,
    /// No TLS, or none that both sides speak, or a certificate that nobody vouches for.
    Handshake,
    /// A certificate that is no client's of ours.
    Client,
}

impl Limit {
    const ALL: [Self; 17] = [
        Self::FrameBytes,
        Self::SkipBytes,
        Self::JunkBytes,
        Self::FrameDeadline,
        Self::IdleTimeout,
        Self::WriteTimeout,
        Self::Connections,
        Self::ConnectionsPerPeer,
        Self::Silent,
        Self::InFlight,
        Self::AppliedOwed,
        Self::BufferedBytes,
        Self::FileDescriptors,
        Self::Address,
        Self::HandshakeTimeout,
        Self::Handshake,
        Self::Client,
    ];

    const fn as_str(self) -> &'static str {
        match self {
            Self::FrameBytes => "frame_bytes",
            Self::SkipBytes => "skip_bytes",
            Self::JunkBytes => "junk_bytes",
            Self::FrameDeadline => "frame_deadline",
            Self::IdleTimeout => "idle_timeout",
            Self::WriteTimeout => "write_timeout",
            Self::Connections => "connections",
            Self::ConnectionsPerPeer => "connections_per_peer",
            Self::Silent => "silent",
            Self::InFlight => "in_flight",
            Self::AppliedOwed => "applied_owed",
            Self::BufferedBytes => "buffered_bytes",
            Self::FileDescriptors => "file_descriptors",
            Self::Address => "address",
            Self::HandshakeTimeout => "handshake_timeout",
            Self::Handshake => "handshake",
            Self::Client => "client",
        }
    }
}

/// Table 0008, and `none` where nothing was owed.
const CODES: [&str; 7] = ["AA", "AE", "AR", "CA", "CE", "CR", "none"];

/// Commit blocks, sent and received.
const COMMITS: [&str; 4] = ["ack_sent", "nak_sent", "ack_received", "nak_received"];

pub(super) struct Counters {
    pub connections: Gauge,
    pub connections_total: Counter,
    pub frames: Counter,
    pub junk_bytes: Counter,
    pub cut_frames: Counter,
    /// Application acknowledgements whose connection ended before them.
    pub unsent: Counter,
    commits: [Counter; COMMITS.len()],
    acks: [Counter; CODES.len()],
    limits: [Counter; Limit::ALL.len()],
}

impl Counters {
    pub fn new(listener: ChannelId) -> Self {
        let id = listener.to_string();
        let id = || id.clone();
        Self {
            connections: gauge!("sluice_mllp_connections", "channel" => id()),
            connections_total: counter!("sluice_mllp_connections_total", "channel" => id()),
            frames: counter!("sluice_mllp_frames_total", "channel" => id()),
            junk_bytes: counter!("sluice_mllp_junk_bytes_total", "channel" => id()),
            cut_frames: counter!("sluice_mllp_cut_frames_total", "channel" => id()),
            unsent: counter!("sluice_mllp_application_acks_unsent_total", "channel" => id()),
            commits: COMMITS.map(|block| {
                counter!("sluice_mllp_commit_blocks_total", "channel" => id(), "block" => block)
            }),
            acks: CODES.map(
                |code| counter!("sluice_mllp_acks_total", "channel" => id(), "code" => code),
            ),
            limits: Limit::ALL.map(|limit| {
                counter!("sluice_mllp_limits_hit_total", "channel" => id(), "limit" => limit.as_str())
            }),
        }
    }

    /// An answer with that MSA-1 was handed to the socket; `none` for silence.
    pub fn ack(&self, code: &str) {
        if let Some(at) = CODES.iter().position(|known| *known == code) {
            self.acks[at].increment(1);
        }
    }

    pub fn commit_sent(&self, block: Block) {
        self.commits[usize::from(block == Block::Nak)].increment(1);
    }

    pub fn commit_received(&self, block: Block) {
        self.commits[2 + usize::from(block == Block::Nak)].increment(1);
    }

    pub fn limit(&self, limit: Limit) {
        self.limits[limit as usize].increment(1);
    }
}

/// Tells an installed recorder what the listeners' metrics are.
pub fn describe_metrics() {
    crate::tls::describe_metrics();
    describe_gauge!("sluice_mllp_connections", "Open MLLP connections");
    describe_counter!("sluice_mllp_connections_total", "MLLP connections taken");
    describe_counter!("sluice_mllp_frames_total", "Whole frames received");
    describe_counter!("sluice_mllp_acks_total", "Acknowledgements by MSA-1; none: not owed");
    describe_counter!(
        "sluice_mllp_application_acks_unsent_total",
        "Application acknowledgements whose connection ended before they were due"
    );
    describe_counter!("sluice_mllp_commit_blocks_total", "Commit blocks of MLLP release 2");
    describe_counter!("sluice_mllp_limits_hit_total", "Limits that refused or closed something");
    describe_counter!("sluice_mllp_junk_bytes_total", "Bytes that belonged to no frame");
    describe_counter!("sluice_mllp_cut_frames_total", "Frames cut off by a second VT or a close");
}
