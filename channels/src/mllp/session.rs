//! One MLLP connection: frames in, answers out, in order.
//!
//! - Frames are handed to the intake as they come, up to `in_flight_max` at once; beyond, the
//!   socket is not read, and TCP pushes the sender back.
//! - All answers that are ready leave in one write, each whole. While a peer does not read its
//!   answers nothing is read from it; after `write_timeout_ms` it is let go.
//! - A peer that is lost does not take its messages back: their replies are still awaited, so
//!   that a resend over another connection finds their outcome.
//! - Closing sends FIN first and reads on for a moment: a close with bytes unread would be a
//!   RST, which can overtake the last answer.

use std::collections::VecDeque;
use std::future::poll_fn;
use std::pin::pin;
use std::sync::Arc;
use std::task::Poll;
use std::time::{Duration, Instant};

use bytes::{BufMut, BytesMut};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::{sleep_until, timeout};
use tokio_rustls::server::TlsStream;
use tokio_util::either::Either;

use super::budget::Share;
use super::counters::{Counters, Limit};
use super::frame::{CR, Event, FS, FrameDecoder, JunkKind, VT, Violation};
use super::places::Place;
use crate::ack::Verdict;
use crate::intake::{IntakeSession, Reply, ReplyFuture};
use crate::settings::MllpSettings;

/// Answers are gathered up to this before they are written.
const WRITE_BYTES: usize = 64 * 1024;

/// How long and how far a closing connection is still read.
const LINGER: Duration = Duration::from_millis(300);
const LINGER_BYTES_MAX: usize = 1024 * 1024;

/// Plain, or with TLS.
pub(super) type Stream = Either<TcpStream, Box<TlsStream<TcpStream>>>;

pub(super) struct Session {
    stream: Stream,
    intake: Box<dyn IntakeSession>,
    settings: MllpSettings,
    counters: Arc<Counters>,
    share: Share,
    place: Place,
    decoder: FrameDecoder,
    pending: VecDeque<ReplyFuture>,
    out: BytesMut,
    /// Frames are still taken from the socket.
    reading: bool,
    /// Answers can still reach the peer.
    writable: bool,
    /// The peer has sent its FIN, or is gone.
    ended: bool,
    last_read: Instant,
    /// `in_flight_max` was reached: the sender waits for us.
    full: bool,
}

impl Session {
    pub fn new(
        stream: Stream,
        intake: Box<dyn IntakeSession>,
        settings: MllpSettings,
        counters: Arc<Counters>,
        share: Share,
        place: Place,
    ) -> Self {
        Self {
            stream,
            intake,
            settings,
            counters,
            share,
            place,
            decoder: FrameDecoder::new(settings.frame_limits()),
            pending: VecDeque::new(),
            out: BytesMut::new(),
            reading: true,
            writable: true,
            ended: false,
            last_read: Instant::now(),
            full: false,
        }
    }

    /// Serves the connection to its end. The end of its place ends the reading; what was taken is
    /// answered.
    pub async fn run(mut self) {
        let mut stopped = pin!(self.place.end.clone().cancelled_owned());
        let mut timer = pin!(sleep_until(Instant::now().into()));
        let mut armed: Option<Instant> = None;
        loop {
            let full = self.take_frames(Instant::now());
            if !self.reading && self.pending.is_empty() {
                break;
            }
            let may_read = self.reading && !full;
            let deadline = if may_read { self.deadline() } else { None };
            // A timer that is too early costs one look; moving it for each message costs more.
            if let Some(at) = deadline.filter(|at| armed.is_none_or(|armed| *at < armed)) {
                timer.as_mut().reset(at.into());
                armed = Some(at);
            }
            tokio::select! {
                biased;
                gathered = gather(&mut self.pending, &mut self.out, &self.counters) => {
                    self.answer(gathered).await;
                }
                read = self.stream.read_buf(self.decoder.buffer_mut()), if may_read => {
                    self.read(read);
                }
                () = &mut timer, if armed.is_some() => {
                    armed = None;
                    self.close_if_idle(Instant::now());
                }
                () = &mut stopped, if self.reading => self.reading = false,
            }
        }
        self.close().await;
    }

    /// Hands over what the decoder has; true when no more may be taken for now.
    fn take_frames(&mut self, now: Instant) -> bool {
        while self.reading {
            if self.pending.len() >= self.settings.in_flight_max {
                if !self.full {
                    self.full = true;
                    self.counters.limit(Limit::InFlight);
                }
                return true;
            }
            if std::mem::take(&mut self.full) {
                self.decoder.forgive(now);
            }
            match self.decoder.next(now) {
                None => {
                    self.keep_within_budget();
                    return false;
                }
                Some(Ok(event)) => self.take(event),
                Some(Err(violation)) => {
                    self.counters.limit(match violation {
                        Violation::JunkTooLong { .. } => Limit::JunkBytes,
                        Violation::FrameTooSlow { .. } => Limit::FrameDeadline,
                        Violation::FrameEndless { .. } => Limit::SkipBytes,
                    });
                    self.reading = false;
                }
            }
        }
        false
    }

    fn keep_within_budget(&mut self) {
        if self.share.hold(self.decoder.buffered()) {
            return;
        }
        if let Some(head) = self.decoder.abandon() {
            self.counters.limit(Limit::BufferedBytes);
            self.pending.push_back(self.intake.refuse(head, Verdict::Overloaded));
        }
        // What is left is at most what the last read brought.
        self.share.hold(0);
    }

    fn take(&mut self, event: Event) {
        match event {
            Event::Frame(frame) => {
                self.counters.frames.increment(1);
                self.place.spoke();
                self.pending.push_back(self.intake.take(frame));
            }
            Event::TooLarge { head } => {
                self.counters.limit(Limit::FrameBytes);
                self.pending.push_back(self.intake.refuse(head, Verdict::FrameTooLarge));
            }
            Event::Junk { kind, bytes } => {
                self.counters.junk_bytes.increment(bytes as u64);
                if kind == JunkKind::CutOff {
                    self.counters.cut_frames.increment(1);
                }
            }
        }
    }

    fn read(&mut self, read: std::io::Result<usize>) {
        match read {
            Ok(0) => {
                // Half a close: the sender may still be waiting for its answers.
                self.ended = true;
                self.reading = false;
                if let Some(event) = self.decoder.finish() {
                    self.take(event);
                }
            }
            Ok(_) => self.last_read = Instant::now(),
            Err(_) => {
                self.ended = true;
                self.reading = false;
                self.writable = false;
            }
        }
    }

    fn deadline(&self) -> Option<Instant> {
        let idle = self.pending.is_empty().then(|| self.idle_at());
        match (self.decoder.deadline(), idle) {
            (Some(frame), Some(idle)) => Some(frame.min(idle)),
            (one, other) => one.or(other),
        }
    }

    fn idle_at(&self) -> Instant {
        self.last_read + Duration::from_millis(self.settings.idle_timeout_ms)
    }

    fn close_if_idle(&mut self, now: Instant) {
        if self.pending.is_empty() && now >= self.idle_at() {
            self.counters.limit(Limit::IdleTimeout);
            self.reading = false;
        }
    }

    async fn answer(&mut self, gathered: Gathered) {
        if self.writable && !self.out.is_empty() {
            let limit = Duration::from_millis(self.settings.write_timeout_ms);
            let write = async {
                self.stream.write_all(&self.out).await?;
                // TLS keeps what the socket did not take at once.
                self.stream.flush().await
            };
            match timeout(limit, write).await {
                Ok(Ok(())) => {}
                Ok(Err(_)) => self.lose(),
                Err(_) => {
                    self.counters.limit(Limit::WriteTimeout);
                    self.lose();
                }
            }
        }
        self.out.clear();
        if gathered == Gathered::Close {
            // Answers after this one would be out of order: the sender sends them all again.
            self.reading = false;
            self.writable = false;
        }
    }

    fn lose(&mut self) {
        self.reading = false;
        self.writable = false;
        self.ended = true;
    }

    async fn close(mut self) {
        if self.stream.shutdown().await.is_err() || self.ended {
            return;
        }
        let mut sink = BytesMut::with_capacity(4096);
        let drain = async {
            let mut drained = 0;
            while drained < LINGER_BYTES_MAX {
                sink.clear();
                match self.stream.read_buf(&mut sink).await {
                    Ok(0) | Err(_) => break,
                    Ok(bytes) => drained += bytes,
                }
            }
        };
        // Past the linger the sender's bytes are its own affair.
        let _ = timeout(LINGER, drain).await;
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Gathered {
    Some,
    Close,
}

/// Frames the answers that are there, oldest first, behind each other in `out`. Pending while
/// the oldest is; nothing is lost where the future is dropped.
async fn gather(
    pending: &mut VecDeque<ReplyFuture>,
    out: &mut BytesMut,
    counters: &Counters,
) -> Gathered {
    poll_fn(|context| {
        let mut any = false;
        while let Some(oldest) = pending.front_mut()
            && out.len() < WRITE_BYTES
        {
            let Poll::Ready(reply) = oldest.as_mut().poll(context) else { break };
            pending.pop_front();
            any = true;
            match reply {
                Reply::Answer { code, bytes } => {
                    counters.ack(code);
                    out.reserve(bytes.len() + 3);
                    out.put_u8(VT);
                    out.extend_from_slice(&bytes);
                    out.extend_from_slice(&[FS, CR]);
                }
                Reply::Silent => counters.ack("none"),
                Reply::Close => return Poll::Ready(Gathered::Close),
            }
        }
        if any { Poll::Ready(Gathered::Some) } else { Poll::Pending }
    })
    .await
}
