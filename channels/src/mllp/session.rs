//! One MLLP connection: frames in, answers out, in order.
//!
//! - Frames are handed to the intake as they come, up to `in_flight_max` at once, and while no more
//!   than `applied_owed_max` application acknowledgements are owed; beyond, the socket is not
//!   read, and TCP pushes the sender back.
//! - All answers that are ready leave in one write, each whole. While a peer does not read its
//!   answers nothing is read from it; after `write_timeout_ms` it is let go.
//! - A peer that is lost does not take its messages back: their replies are still awaited, so
//!   that a resend over another connection finds their outcome. Application acknowledgements that
//!   it is owed besides are not: they are counted, and told to whoever sends again.
//! - Closing sends FIN first and reads on for a moment: a close with bytes unread would be a
//!   RST, which can overtake the last answer.

use std::pin::pin;
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::BytesMut;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::watch;
use tokio::time::{sleep_until, timeout};
use tokio_rustls::server::TlsStream;
use tokio_util::either::Either;

use super::answers::{Answers, Gathered};
use super::budget::Share;
use super::commit::Block;
use super::counters::{Counters, Limit};
use super::frame::{Event, FrameDecoder, JunkKind, Violation};
use super::places::Place;
use crate::ack::Verdict;
use crate::intake::IntakeSession;
use crate::settings::MllpSettings;

/// How long and how far a closing connection is still read.
const LINGER: Duration = Duration::from_millis(300);
const LINGER_BYTES_MAX: usize = 1024 * 1024;

/// How long a connection that is ended by us waits for what is not yet applied: a stop is not held
/// up by a fold that cannot go on.
const APPLIED_WAIT: Duration = Duration::from_secs(1);

/// Plain, or with TLS.
pub(super) type Stream = Either<TcpStream, Box<TlsStream<TcpStream>>>;

/// What a listener gives to each of its sessions.
pub(super) struct Given {
    pub settings: MllpSettings,
    pub counters: Arc<Counters>,
    /// Whether commit blocks are sent.
    pub commit_blocks: bool,
    /// True while frames are left in the socket.
    pub paused: watch::Receiver<bool>,
}

pub(super) struct Session {
    stream: Stream,
    intake: Box<dyn IntakeSession>,
    settings: MllpSettings,
    counters: Arc<Counters>,
    share: Share,
    place: Place,
    /// True while frames are left in the socket.
    paused: watch::Receiver<bool>,
    /// It was, at the last look.
    held: bool,
    decoder: FrameDecoder,
    answers: Answers,
    /// Frames are still taken from the socket.
    reading: bool,
    /// Answers can still reach the peer.
    writable: bool,
    /// The peer has sent its FIN, or is gone.
    ended: bool,
    last_read: Instant,
    /// `in_flight_max` or `applied_owed_max` was reached: the sender waits for us.
    full: bool,
    /// Until when application acknowledgements are waited for, once it is we who end this.
    applied_until: Option<Instant>,
}

impl Session {
    pub fn new(
        stream: Stream,
        intake: Box<dyn IntakeSession>,
        given: Given,
        share: Share,
        place: Place,
    ) -> Self {
        let Given { settings, counters, commit_blocks, paused } = given;
        Self {
            stream,
            intake,
            settings,
            counters,
            share,
            place,
            paused,
            held: false,
            decoder: FrameDecoder::new(settings.frame_limits()),
            answers: Answers::new(commit_blocks),
            reading: true,
            writable: true,
            ended: false,
            last_read: Instant::now(),
            full: false,
            applied_until: None,
        }
    }

    /// Serves the connection to its end. The end of its place ends the reading; what was taken is
    /// answered.
    pub async fn run(mut self) {
        let mut stopped = pin!(self.place.end.clone().cancelled_owned());
        let mut timer = pin!(sleep_until(Instant::now().into()));
        let mut armed: Option<Instant> = None;
        loop {
            let now = Instant::now();
            let full = self.is_held(now) || self.take_frames(now);
            if !self.writable {
                self.answers.forget_applied(&self.counters);
            }
            if !self.reading && self.answers.is_empty() {
                break;
            }
            let may_read = self.reading && !full;
            let deadline = if may_read { self.deadline() } else { self.applied_until };
            // A timer that is too early costs one look; moving it for each message costs more.
            if let Some(at) = deadline.filter(|at| armed.is_none_or(|armed| *at < armed)) {
                timer.as_mut().reset(at.into());
                armed = Some(at);
            }
            tokio::select! {
                biased;
                gathered = self.answers.gather(&self.counters) => {
                    self.answer(gathered).await;
                }
                read = self.stream.read_buf(self.decoder.buffer_mut()), if may_read => {
                    self.read(read);
                }
                () = &mut timer, if armed.is_some() => {
                    armed = None;
                    self.time_passed(Instant::now());
                }
                () = &mut stopped, if self.applied_until.is_none() => {
                    self.reading = false;
                    self.applied_until = Some(Instant::now() + APPLIED_WAIT);
                }
                () = changed(&mut self.paused) => {}
            }
        }
        self.close().await;
    }

    /// Whether frames are left in the socket; what was waited for is not held against the peer.
    fn is_held(&mut self, now: Instant) -> bool {
        let held = *self.paused.borrow_and_update();
        if std::mem::replace(&mut self.held, held) && !held {
            self.decoder.forgive(now);
            self.last_read = now;
        }
        held
    }

    /// Hands over what the decoder has; true when no more may be taken for now.
    fn take_frames(&mut self, now: Instant) -> bool {
        while self.reading {
            let limit = if self.answers.pending() >= self.settings.in_flight_max {
                Some(Limit::InFlight)
            } else {
                let owed = self.answers.pending() + self.answers.applied();
                (owed >= self.settings.applied_owed_max).then_some(Limit::AppliedOwed)
            };
            if let Some(limit) = limit {
                if !self.full {
                    self.full = true;
                    self.counters.limit(limit);
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
            self.answers.owe(self.intake.refuse(head, Verdict::Overloaded));
        }
        // What is left is at most what the last read brought.
        self.share.hold(0);
    }

    fn take(&mut self, event: Event) {
        match event {
            Event::Frame(frame) => {
                self.counters.frames.increment(1);
                self.place.spoke();
                if !self.take_commit(&frame) {
                    self.answers.owe(self.intake.take(frame));
                }
            }
            Event::TooLarge { head } => {
                self.counters.limit(Limit::FrameBytes);
                self.answers.owe(self.intake.refuse(head, Verdict::FrameTooLarge));
            }
            Event::Junk { kind, bytes } => {
                self.counters.junk_bytes.increment(bytes as u64);
                if kind == JunkKind::CutOff {
                    self.counters.cut_frames.increment(1);
                }
            }
        }
    }

    /// What the peer says of our answers, where the channel has commit blocks.
    fn take_commit(&mut self, frame: &[u8]) -> bool {
        let Some((commits, block)) = self.answers.commits.as_mut().zip(Block::of(frame)) else {
            return false;
        };
        self.counters.commit_received(block);
        if let Some(again) = commits.received(block) {
            self.answers.frame(&again);
        }
        true
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
        let idle = self.answers.is_empty().then(|| self.idle_at());
        match (self.decoder.deadline(), idle) {
            (Some(frame), Some(idle)) => Some(frame.min(idle)),
            (one, other) => one.or(other),
        }
    }

    fn idle_at(&self) -> Instant {
        self.last_read + Duration::from_millis(self.settings.idle_timeout_ms)
    }

    fn time_passed(&mut self, now: Instant) {
        if self.reading && !self.held && self.answers.is_empty() && now >= self.idle_at() {
            self.counters.limit(Limit::IdleTimeout);
            self.reading = false;
        }
        if self.applied_until.is_some_and(|until| now >= until)
            && self.answers.forget_applied(&self.counters)
        {
            self.writable = false;
        }
    }

    async fn answer(&mut self, gathered: Gathered) {
        let out = std::mem::take(&mut self.answers.out);
        if self.writable && !out.is_empty() {
            let limit = Duration::from_millis(self.settings.write_timeout_ms);
            let write = async {
                self.stream.write_all(&out).await?;
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
        self.answers.out = out;
        self.answers.out.clear();
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

/// Until a listener is paused or goes on; never once it is gone.
async fn changed(paused: &mut watch::Receiver<bool>) {
    if paused.changed().await.is_err() {
        std::future::pending::<()>().await;
    }
}
