//! A watched folder: files of HL7 messages in, acknowledgements beside them.
//!
//! - **Order.** Files are taken in the order of their names, one at a time, and the messages of a
//!   file in its order. A file that waits holds up those after it.
//! - **Durability.** A file is moved to `done` after each of its messages was answered, and each
//!   answer comes after the message is on stable storage. A crash before that leaves the file where
//!   it is; it is read again, and what was journaled already changes nothing, since the same bytes are
//!   the same message. One without a control id is refused whenever it is read.
//! - **Backpressure.** Where a message cannot be taken for now the file waits. It is never set
//!   aside for that.
//! - **Nothing is half taken.** A file whose envelope shows that it is not whole is set aside before
//!   any message of it is taken.

mod counters;
mod file;
mod look;
mod settings;

use std::collections::VecDeque;
use std::ffi::OsString;
use std::fs;
use std::io;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use bytes::Bytes;
use sluice_ids::{ChannelId, Micros};
use sluice_mappings::hl7::batch;
use tokio::task::{JoinHandle, spawn_blocking};
use tokio_util::sync::CancellationToken;

use crate::ack::{OwnControlIds, Verdict, answers_of_file};
use crate::intake::{Committed, Intake, IntakeSession, Reply, SessionContext, TakenFuture};
use crate::mllp::HEAD_BYTES_MAX;
use crate::tls::SpeaksFor;
use counters::Counters;
pub use counters::describe_metrics;
use file::Unread;
use look::{Stamp, Still};
pub use settings::FolderSource;

#[derive(Debug, thiserror::Error)]
pub enum WatchError {
    #[error("{}: {source}", path.display())]
    Folder { path: PathBuf, source: io::Error },
    #[error("{} is on another file system than {}", other.display(), path.display())]
    OtherFileSystem { path: PathBuf, other: PathBuf },
    #[error("{channel} is no channel of the engine")]
    Unknown { channel: ChannelId },
}

/// A folder that is watched.
pub struct Watching {
    id: ChannelId,
    stop: CancellationToken,
    paused: Arc<AtomicBool>,
    task: JoinHandle<()>,
}

impl Watching {
    #[must_use]
    pub const fn id(&self) -> ChannelId {
        self.id
    }

    /// Whether files are left where they are, for now; one that was begun is finished.
    pub fn pause(&self, paused: bool) {
        self.paused.store(paused, Ordering::Release);
    }

    /// Takes no more messages; ends when those in hand are answered. A file that was not taken
    /// whole stays where it is.
    pub async fn stop(self) {
        self.stop.cancel();
        // A task that panicked has ended too.
        let _ = self.task.await;
    }
}

/// Begins to watch a folder. `done` and `broken` are made where they are not there.
///
/// # Errors
/// When the folders cannot be used.
pub fn watch(
    channel: ChannelId,
    settings: &FolderSource,
    intake: &Arc<dyn Intake>,
) -> Result<Watching, WatchError> {
    let (done, broken) = folders(settings)?;
    let context = SessionContext { channel, peer: None, speaks_for: SpeaksFor::Anybody };
    let session = intake.session(context).ok_or(WatchError::Unknown { channel })?;
    let stop = CancellationToken::new();
    let paused = Arc::new(AtomicBool::new(false));
    let watch = Watch {
        channel,
        settings: settings.clone(),
        done,
        broken,
        session,
        counters: Counters::new(channel),
        own: OwnControlIds::new(now()),
        still: Still::default(),
        told: None,
        stop: stop.clone(),
        paused: Arc::clone(&paused),
    };
    Ok(Watching { id: channel, stop, paused, task: tokio::spawn(watch.run()) })
}

fn folders(settings: &FolderSource) -> Result<(PathBuf, PathBuf), WatchError> {
    let path = &settings.path;
    let failed = |path: &Path| {
        let path = path.to_owned();
        move |source| WatchError::Folder { path, source }
    };
    fs::read_dir(path).map_err(failed(path))?;
    let mut moved_to = [path.join(&settings.done), path.join(&settings.broken)];
    for other in &mut moved_to {
        fs::create_dir_all(&*other).map_err(failed(other))?;
        #[cfg(unix)]
        {
            use std::os::unix::fs::MetadataExt;
            let device = |path: &Path| fs::metadata(path).map(|metadata| metadata.dev());
            if device(path).map_err(failed(path))? != device(other).map_err(failed(other))? {
                let (path, other) = (path.clone(), other.clone());
                return Err(WatchError::OtherFileSystem { path, other });
            }
        }
    }
    let [done, broken] = moved_to;
    Ok((done, broken))
}

fn now() -> Micros {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Micros::new(i64::try_from(since.as_micros()).unwrap_or(i64::MAX))
}

struct Watch {
    channel: ChannelId,
    settings: FolderSource,
    done: PathBuf,
    broken: PathBuf,
    session: Box<dyn IntakeSession>,
    counters: Counters,
    own: OwnControlIds,
    still: Still,
    /// Why files wait, as it was told last.
    told: Option<&'static str>,
    stop: CancellationToken,
    paused: Arc<AtomicBool>,
}

/// What became of a file.
enum Outcome {
    Done,
    /// It cannot be taken: why, in a word and in a sentence.
    Broken(&'static str, String),
    /// It waits, and so do those after it.
    Later(&'static str),
    /// It is gone, or no longer what it was: the next look tells.
    Moved,
}

impl Watch {
    async fn run(mut self) {
        let every = Duration::from_millis(self.settings.every_ms);
        let retry = Duration::from_millis(self.settings.retry_ms).max(every);
        while !self.stop.is_cancelled() {
            let rest = match self.look().await {
                Ok(()) => {
                    self.tell(None);
                    every
                }
                Err(why) => {
                    self.tell(Some(why));
                    retry
                }
            };
            tokio::select! {
                () = tokio::time::sleep(rest) => {}
                () = self.stop.cancelled() => {}
            }
        }
    }

    /// Takes what stands still; why the rest has to wait.
    async fn look(&mut self) -> Result<(), &'static str> {
        let path = self.settings.path.clone();
        let listed = spawn_blocking(move || look::list(&path)).await;
        let Ok(Ok(files)) = listed else { return Err("folder_unreadable") };
        self.counters.waiting.set(files.len() as f64);
        let settle = Duration::from_millis(self.settings.settle_ms);
        for (name, stamp) in self.still.ready(files, Instant::now(), settle) {
            if self.stop.is_cancelled() || self.paused.load(Ordering::Acquire) {
                return Ok(());
            }
            match self.take(&name, stamp).await {
                Outcome::Done => self.counters.done.increment(1),
                Outcome::Moved => return Ok(()),
                Outcome::Later("stopping") => return Ok(()),
                Outcome::Later(why) => {
                    self.counters.later.increment(1);
                    return Err(why);
                }
                Outcome::Broken(reason, what) => {
                    self.set_aside(&name, stamp, reason, what).await?;
                }
            }
        }
        Ok(())
    }

    /// One file, whole.
    async fn take(&mut self, name: &OsString, stamp: Stamp) -> Outcome {
        let path = self.settings.path.join(name);
        let bytes_max = self.settings.file_bytes_max;
        let read = spawn_blocking({
            let path = path.clone();
            move || file::read(&path, stamp, bytes_max)
        });
        let bytes = match read.await {
            Ok(Ok(bytes)) => bytes,
            Ok(Err(Unread::Moved)) => return Outcome::Moved,
            Ok(Err(Unread::TooLarge)) => {
                let what =
                    format!("the file has {} bytes; at most {bytes_max} are taken", stamp.bytes);
                return Outcome::Broken("file_too_large", what);
            }
            Ok(Err(Unread::Forbidden)) => {
                return Outcome::Broken("forbidden", "the file may not be read".to_owned());
            }
            Ok(Err(Unread::Failed)) | Err(_) => return Outcome::Later("file_unreadable"),
        };
        let contents = batch::contents(&bytes);
        if let Err(fault) = contents.check(&bytes) {
            return Outcome::Broken("envelope", fault.to_string());
        }
        let messages = contents.messages.len();
        if messages == 0 && contents.envelope.is_empty() {
            return Outcome::Broken("empty", "no message is in the file".to_owned());
        }
        if messages > self.settings.messages_max {
            let limit = self.settings.messages_max;
            let what = format!("the file has {messages} messages; at most {limit} are taken");
            return Outcome::Broken("too_many_messages", what);
        }
        let answers = match self.offer(&bytes, &contents.messages).await {
            Ok(answers) => answers,
            Err(why) => return Outcome::Later(why),
        };
        let answers = answers_of_file(&bytes, &contents, &answers, &self.own, now());
        let done = self.done.clone();
        match spawn_blocking(move || file::finish(&path, stamp, &done, &answers)).await {
            Ok(Ok(true)) => Outcome::Done,
            Ok(Ok(false)) => Outcome::Moved,
            Ok(Err(_)) | Err(_) => Outcome::Later("not_moved"),
        }
    }

    /// The answers to the messages of a file; why not all of it can be taken now.
    async fn offer(
        &mut self,
        bytes: &Bytes,
        messages: &[Range<usize>],
    ) -> Result<Vec<Option<Bytes>>, &'static str> {
        let mut answers = Vec::with_capacity(messages.len());
        let mut pending: VecDeque<TakenFuture> = VecDeque::new();
        let mut refused = None;
        let mut messages = messages.iter();
        loop {
            let next = if refused.is_some() || self.stop.is_cancelled() {
                None
            } else if pending.len() < self.settings.in_flight_max {
                messages.next()
            } else {
                None
            };
            if let Some(place) = next {
                self.counters.messages.increment(1);
                pending.push_back(self.hand_over(bytes.slice(place.clone())));
                continue;
            }
            // What was handed over is awaited in any case: a resend has to find its outcome.
            let Some(oldest) = pending.pop_front() else { break };
            let taken = oldest.await;
            if taken.committed == Committed::NotNow {
                refused = refused.or(Some("refused_for_now"));
            }
            match taken.reply().await {
                Reply::Answer { code, bytes } => {
                    self.counters.ack(code);
                    answers.push(Some(bytes));
                }
                Reply::Silent => {
                    self.counters.ack("none");
                    answers.push(None);
                }
                Reply::Close => refused = refused.or(Some("outcome_unknown")),
            }
        }
        match refused {
            Some(why) => Err(why),
            None if messages.len() > 0 => Err("stopping"),
            None => Ok(answers),
        }
    }

    fn hand_over(&mut self, message: Bytes) -> TakenFuture {
        if message.len() > self.settings.message_bytes_max {
            let head = message.slice(..message.len().min(HEAD_BYTES_MAX));
            return self.session.refuse(head, Verdict::FrameTooLarge);
        }
        self.session.take(message)
    }

    async fn set_aside(
        &mut self,
        name: &OsString,
        stamp: Stamp,
        reason: &'static str,
        what: String,
    ) -> Result<(), &'static str> {
        let (path, broken) = (self.settings.path.join(name), self.broken.clone());
        let what = format!("{reason}: {what}");
        let moved = spawn_blocking(move || file::set_aside(&path, stamp, &broken, &what)).await;
        match moved {
            Ok(Ok(true)) => {
                self.counters.broken.increment(1);
                tracing::warn!(channel = %self.channel, reason, "a file was set aside");
                Ok(())
            }
            Ok(Ok(false)) => Ok(()),
            Ok(Err(_)) | Err(_) => Err("not_moved"),
        }
    }

    /// Once for each reason, and once when it has passed.
    fn tell(&mut self, why: Option<&'static str>) {
        if self.told == why {
            return;
        }
        match why {
            Some(reason) => tracing::warn!(channel = %self.channel, reason, "files wait"),
            None => tracing::info!(channel = %self.channel, "files are taken again"),
        }
        self.told = why;
    }
}
