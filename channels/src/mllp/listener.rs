//! One MLLP listener: a socket, its permits, its sessions.
//!
//! - Over a cap, a connection that never sent a frame makes room; where none is, the newcomer is
//!   closed at once. Both are counted; the others do not notice.
//! - Where the process has no file descriptor left, accepting pauses for [`ACCEPT_PAUSE`] and
//!   goes on by itself: the waiting connections stay in the kernel's backlog.
//! - An address outside `allow` is closed at once. With TLS the handshake is part of the session, with
//!   its own deadline, so that one that never ends holds its own place and nobody else.
//! - A session that panics ends itself alone.
//! - Stopping: no new connection, no new frame; frames in hand are answered, for at most
//!   `stop_timeout_ms`, then what is left is cut without an answer.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use ipnet::IpNet;
use sluice_ids::ChannelId;
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::sync::watch;
use tokio::task::{JoinHandle, JoinSet};
use tokio::time::{sleep, timeout};
use tokio_rustls::TlsAcceptor;
use tokio_util::either::Either;
use tokio_util::sync::CancellationToken;

use super::budget::{Budget, Share};
use super::counters::{Counters, Limit};
use super::places::Places;
use super::session::{Given, Session, Stream};
use crate::intake::{Intake, SessionContext};
use crate::settings::{MllpSettings, MllpSource};
use crate::tls::{SpeaksFor, Tls, TlsError};

/// How long accepting rests when descriptors or memory are short.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// Connections that the kernel keeps for us: all senders of a site reconnect at once after a
/// restart.
const BACKLOG: u32 = 1024;

#[derive(Debug, thiserror::Error)]
pub enum ListenError {
    #[error(
        "channel {id}: {address} is not a loopback address, and MLLP without [source.tls] is \
         neither encrypted nor authenticated; set allow_plaintext_off_loopback = true if the network \
         is trusted"
    )]
    PlaintextOffLoopback { id: ChannelId, address: SocketAddr },
    #[error("channel {id}: {source}")]
    Tls { id: ChannelId, source: TlsError },
    #[error("channel {id}: cannot listen on {address}")]
    Bind { id: ChannelId, address: SocketAddr, source: std::io::Error },
}

/// How a stop went.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stopped {
    /// Sessions that did not end in time and were cut, their frames unanswered.
    pub cut: usize,
}

/// A listener at work. Dropping it cuts its sessions; [`Listening::stop`] lets them finish.
pub struct Listening {
    id: ChannelId,
    address: SocketAddr,
    stop: CancellationToken,
    paused: watch::Sender<bool>,
    accepting: Option<JoinHandle<Stopped>>,
}

impl Listening {
    #[must_use]
    pub const fn id(&self) -> ChannelId {
        self.id
    }

    /// Where it really listens: the port that was chosen where the settings say 0.
    #[must_use]
    pub const fn address(&self) -> SocketAddr {
        self.address
    }

    /// Whether frames are left in the sockets for now: connections are taken and kept, and what is
    /// in hand is answered, but nothing more is read, so that TCP holds the senders back.
    pub fn pause(&self, paused: bool) {
        self.paused.send_replace(paused);
    }

    /// Takes no more, lets the frames in hand be answered, and ends.
    pub async fn stop(mut self) -> Stopped {
        self.stop.cancel();
        match self.accepting.take() {
            // The accepting task does not panic; if it did, its sessions went with it.
            Some(accepting) => accepting.await.unwrap_or(Stopped { cut: 0 }),
            None => Stopped { cut: 0 },
        }
    }
}

impl Drop for Listening {
    fn drop(&mut self) {
        if let Some(accepting) = self.accepting.take() {
            accepting.abort();
        }
    }
}

/// Starts the listener of the channel `id` on the current tokio runtime.
///
/// # Errors
/// When the address is off loopback without leave, or cannot be bound.
pub fn listen(
    id: ChannelId,
    source: &MllpSource,
    settings: MllpSettings,
    intake: Arc<dyn Intake>,
) -> Result<Listening, ListenError> {
    let address = source.address;
    let tls = source.tls.as_ref().map(|settings| Tls::open(id, settings)).transpose();
    let tls = tls.map_err(|source| ListenError::Tls { id, source })?.map(Arc::new);
    if !address.ip().is_loopback() && tls.is_none() {
        if !source.allow_plaintext_off_loopback {
            return Err(ListenError::PlaintextOffLoopback { id, address });
        }
        tracing::warn!(
            channel = %id,
            address = %address,
            "MLLP without encryption or authentication off loopback, as the settings allow"
        );
    }
    let bound = bind(address).and_then(|socket| Ok((socket.local_addr()?, socket)));
    let (address, socket) = bound.map_err(|source| ListenError::Bind { id, address, source })?;
    let stop = CancellationToken::new();
    let paused = watch::Sender::new(false);
    let counters = Arc::new(Counters::new(id));
    let MllpSettings { connections_max, connections_per_peer_max, .. } = settings;
    let acceptor = Acceptor {
        id,
        settings,
        allow: source.allow.clone(),
        commit_bytes: source.commit_bytes,
        tls,
        intake,
        places: Places::new(connections_max, connections_per_peer_max, Arc::clone(&counters)),
        counters,
        budget: Budget::new(settings.buffered_bytes_max),
        sessions: JoinSet::new(),
        stop: stop.clone(),
        paused: paused.subscribe(),
    };
    let accepting = tokio::spawn(acceptor.run(socket));
    tracing::info!(channel = %id, address = %address, "listening for MLLP");
    Ok(Listening { id, address, stop, paused, accepting: Some(accepting) })
}

fn bind(address: SocketAddr) -> std::io::Result<TcpListener> {
    let socket = if address.is_ipv4() { TcpSocket::new_v4()? } else { TcpSocket::new_v6()? };
    // Restarting must not wait for the old connections' TIME_WAIT.
    socket.set_reuseaddr(true)?;
    // Inherited by what is accepted: a peer whose machine died is noticed in the end.
    socket.set_keepalive(true)?;
    socket.bind(address)?;
    socket.listen(BACKLOG)
}

struct Acceptor {
    id: ChannelId,
    settings: MllpSettings,
    /// Empty: any address.
    allow: Vec<IpNet>,
    tls: Option<Arc<Tls>>,
    commit_bytes: bool,
    intake: Arc<dyn Intake>,
    counters: Arc<Counters>,
    budget: Arc<Budget>,
    places: Arc<Places>,
    sessions: JoinSet<()>,
    stop: CancellationToken,
    paused: watch::Receiver<bool>,
}

impl Acceptor {
    async fn run(mut self, socket: TcpListener) -> Stopped {
        let stop = self.stop.clone();
        loop {
            tokio::select! {
                () = stop.cancelled() => break,
                Some(_) = self.sessions.join_next() => {}
                accepted = socket.accept() => match accepted {
                    Ok((stream, peer)) => self.accept(stream, peer),
                    Err(error) if is_shortage(&error) => {
                        self.counters.limit(Limit::FileDescriptors);
                        tracing::warn!(channel = %self.id, "no file descriptor for a connection: accepting rests");
                        tokio::select! {
                            () = stop.cancelled() => break,
                            () = sleep(ACCEPT_PAUSE) => {}
                        }
                    }
                    // The connection was gone before it was taken: that is its own affair.
                    Err(_) => tokio::task::yield_now().await,
                },
            }
        }
        drop(socket);
        let limit = Duration::from_millis(self.settings.stop_timeout_ms);
        let finish = async { while self.sessions.join_next().await.is_some() {} };
        let cut = match timeout(limit, finish).await {
            Ok(()) => 0,
            Err(_) => self.sessions.len(),
        };
        self.sessions.shutdown().await;
        tracing::info!(channel = %self.id, cut, "MLLP listener stopped");
        Stopped { cut }
    }

    fn accept(&mut self, stream: TcpStream, peer: SocketAddr) {
        let address = peer.ip().to_canonical();
        if !self.allow.is_empty() && !self.allow.iter().any(|network| network.contains(&address)) {
            return self.counters.limit(Limit::Address);
        }
        let place = match Places::take(&self.places, peer.ip(), Instant::now(), &self.stop) {
            Ok(place) => place,
            Err(limit) => return self.counters.limit(limit),
        };
        // Without it an answer waits for the peer's delayed ACK of the one before (40 ms).
        if stream.set_nodelay(true).is_err() {
            return;
        }
        self.counters.connections_total.increment(1);
        let open = Open::new(Arc::clone(&self.counters));
        let share = Share::of(&self.budget);
        let counters = Arc::clone(&self.counters);
        let (id, settings, tls) = (self.id, self.settings, self.tls.clone());
        let commit_bytes = self.commit_bytes;
        let intake = Arc::clone(&self.intake);
        let paused = self.paused.clone();
        self.sessions.spawn(async move {
            let _open = open;
            let secured = tokio::select! {
                secured = secure(stream, tls.as_deref(), &settings) => secured,
                () = place.end.cancelled() => return,
            };
            let (stream, speaks_for) = match secured {
                Ok(secured) => secured,
                Err(limit) => return counters.limit(limit),
            };
            let context = SessionContext { channel: id, peer: Some(peer), speaks_for };
            let Some(intake) = intake.session(context) else {
                return tracing::error!(channel = %id, "the intake does not know this channel");
            };
            let given = Given { settings, counters, commit_blocks: commit_bytes, paused };
            Session::new(stream, intake, given, share, place).run().await;
        });
    }
}

/// The stream to read from, and what its peer may send; else why not.
async fn secure(
    stream: TcpStream,
    tls: Option<&Tls>,
    settings: &MllpSettings,
) -> Result<(Stream, SpeaksFor), Limit> {
    let Some(tls) = tls else { return Ok((Either::Left(stream), SpeaksFor::Anybody)) };
    let limit = Duration::from_millis(settings.handshake_timeout_ms);
    let handshake = timeout(limit, TlsAcceptor::from(tls.config()).accept(stream));
    let stream = handshake.await.map_err(|_| Limit::HandshakeTimeout)?;
    let stream = stream.map_err(|_| Limit::Handshake)?;
    let shown = stream.get_ref().1.peer_certificates().and_then(<[_]>::first);
    let speaks_for = tls.speaks_for(shown).ok_or(Limit::Client)?;
    Ok((Either::Right(Box::new(stream)), speaks_for))
}

/// EMFILE, ENFILE, ENOBUFS, ENOMEM: of the process or the machine, not of the connection.
fn is_shortage(error: &std::io::Error) -> bool {
    matches!(error.raw_os_error(), Some(24 | 23 | 105 | 12))
}

/// A connection that the gauge counts.
struct Open {
    counters: Arc<Counters>,
}

impl Open {
    fn new(counters: Arc<Counters>) -> Self {
        counters.connections.increment(1.0);
        Self { counters }
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        self.counters.connections.decrement(1.0);
    }
}
