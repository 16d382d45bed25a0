//! Files out: messages appended to a file of a folder, on stable storage before they count as
//! delivered, and closed by size and age.
//!
//! - `<channel>.<destination>.<ej>.<seq>.hl7` (or `.ndjson`): `seq` is its first message's. The one
//!   that is being written ends in `.open`; it loses that when it is closed, and is never touched
//!   again.
//! - `hl7`: segments end with CR, messages with CR LF. `ndjson`: a JSON object and LF.
//! - What was half written when the process ended is cut off at the next start: a whole entry ends
//!   with LF, and no entry has one inside.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read as _, Seek as _, SeekFrom, Write as _};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use sluice_ids::{ChannelId, EjId, Seq};
use tokio::sync::{mpsc, oneshot};

use super::open::OpenError;
use super::outcome::{Body, Code, DeliverFuture, Destination, Outcome, Outgoing};
use super::settings::{FileFormat, FileOut, WINDOW_MAX, ms};
use super::webhook::Told;

/// Most messages that share one sync.
const BATCH_MAX: usize = 256;

struct Job {
    seq: Seq,
    entry: Vec<u8>,
    tell: oneshot::Sender<Outcome>,
}

pub(super) struct FileDestination {
    jobs: mpsc::Sender<Job>,
    format: FileFormat,
}

impl FileDestination {
    pub fn open(settings: &FileOut, ej: EjId, channel: ChannelId) -> Result<Self, OpenError> {
        let unusable = |source| {
            let path = settings.folder.clone();
            OpenError::Io { key: "folder", path, source }
        };
        fs::create_dir_all(&settings.folder).map_err(unusable)?;
        let mut writer = Writer {
            folder: settings.folder.clone(),
            stem: format!("{channel}.{}.{ej}", settings.name),
            extension: match settings.format {
                FileFormat::Hl7 => "hl7",
                FileFormat::Ndjson => "ndjson",
            },
            rotate_bytes: settings.rotate_bytes,
            rotate_after: ms(settings.rotate_ms),
            open: None,
        };
        writer.recover().map_err(unusable)?;
        let (jobs, waiting) = mpsc::channel(WINDOW_MAX);
        let handle = tokio::runtime::Handle::current();
        std::thread::Builder::new()
            .name("file-out".into())
            .spawn(move || writer.run(waiting, &handle))
            .map_err(unusable)?;
        Ok(Self { jobs, format: settings.format })
    }
}

impl Destination for FileDestination {
    fn deliver(&self, outgoing: Outgoing) -> DeliverFuture {
        let entry = match (&outgoing.body, self.format) {
            (Body::Message { encoded, .. }, FileFormat::Hl7) => Some(as_entry(encoded)),
            (Body::Message { .. }, FileFormat::Ndjson) => Told::of(&outgoing).map(|told| {
                let mut line = told.json();
                line.push(b'\n');
                line
            }),
            _ => None,
        };
        let Some(entry) = entry else {
            return Box::pin(async { Outcome::Refused(Code::of("not a message")) });
        };
        let (tell, told) = oneshot::channel();
        let queued = self.jobs.try_send(Job { seq: outgoing.seq, entry, tell });
        Box::pin(async move {
            if queued.is_err() {
                return Outcome::Unreached(Code::of("stopped"));
            }
            told.await.unwrap_or(Outcome::Unreached(Code::of("stopped")))
        })
    }
}

/// Whatever its line ends were.
fn as_entry(message: &[u8]) -> Vec<u8> {
    let mut entry = Vec::with_capacity(message.len() + 2);
    for segment in message.split(|byte| matches!(byte, b'\r' | b'\n')) {
        if !segment.is_empty() {
            entry.extend_from_slice(segment);
            entry.push(b'\r');
        }
    }
    entry.push(b'\n');
    entry
}

struct Writer {
    folder: PathBuf,
    stem: String,
    extension: &'static str,
    rotate_bytes: u64,
    rotate_after: Duration,
    open: Option<Open>,
}

struct Open {
    file: File,
    path: PathBuf,
    bytes: u64,
    since: Instant,
}

impl Writer {
    /// Until nobody can put anything in line any more; what is open is closed then.
    fn run(mut self, mut jobs: mpsc::Receiver<Job>, handle: &tokio::runtime::Handle) {
        let mut batch = Vec::new();
        loop {
            let left = self
                .open
                .as_ref()
                .map(|open| self.rotate_after.saturating_sub(open.since.elapsed()));
            let received = handle.block_on(async {
                let many = jobs.recv_many(&mut batch, BATCH_MAX);
                match left {
                    None => Some(many.await),
                    Some(left) => tokio::time::timeout(left, many).await.ok(),
                }
            });
            match received {
                Some(0) => break,
                Some(_) => self.write(&mut batch),
                None => {}
            }
            self.rotate_if(false);
        }
        self.rotate_if(true);
    }

    fn write(&mut self, batch: &mut Vec<Job>) {
        let written = self.append(batch);
        let outcome = match &written {
            Ok(()) => Outcome::Accepted,
            Err(error) => {
                tracing::error!(error = %error, "a destination's file cannot be written");
                Outcome::Unreached(Code::of(match error.kind() {
                    io::ErrorKind::StorageFull => "disk full",
                    _ => "write",
                }))
            }
        };
        for job in batch.drain(..) {
            // Who no longer waits needs not be told.
            let _ = job.tell.send(outcome.clone());
        }
    }

    fn append(&mut self, batch: &[Job]) -> io::Result<()> {
        let Some(first) = batch.first() else { return Ok(()) };
        if self.open.is_none() {
            self.begin(first.seq)?;
        }
        let Some(open) = &mut self.open else { return Ok(()) };
        let bytes: Vec<u8> = batch.iter().flat_map(|job| &job.entry).copied().collect();
        let written = open.file.write_all(&bytes).and_then(|()| open.file.sync_data());
        match written {
            Ok(()) => {
                open.bytes += bytes.len() as u64;
                Ok(())
            }
            Err(error) => {
                // What is there of it goes: it is written again. A file that failed to sync is not
                // written to any more.
                let cut = open.file.set_len(open.bytes);
                self.open = None;
                cut?;
                self.recover()?;
                Err(error)
            }
        }
    }

    fn begin(&mut self, seq: Seq) -> io::Result<()> {
        let mut name = format!("{}.{seq}.{}", self.stem, self.extension);
        // A message that is delivered again after it was lost may open a file as it did before.
        let mut again = 1;
        while self.folder.join(&name).exists() {
            again += 1;
            name = format!("{}.{seq}-{again}.{}", self.stem, self.extension);
        }
        let path = self.folder.join(name + ".open");
        let file = OpenOptions::new().append(true).create(true).open(&path)?;
        File::open(&self.folder)?.sync_all()?;
        let bytes = file.metadata()?.len();
        self.open = Some(Open { file, path, bytes, since: Instant::now() });
        Ok(())
    }

    fn rotate_if(&mut self, now: bool) {
        let due = |open: &Open| {
            now || open.bytes >= self.rotate_bytes || open.since.elapsed() >= self.rotate_after
        };
        if let Some(open) = self.open.take_if(|open| due(open))
            && let Err(error) = close(&self.folder, &open.path)
        {
            tracing::error!(error = %error, "a destination's file cannot be closed");
        }
    }

    /// Closes what an earlier process left open, whole entries of it.
    fn recover(&mut self) -> io::Result<()> {
        for entry in fs::read_dir(&self.folder)? {
            let path = entry?.path();
            let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
            let own = name.strip_prefix(&self.stem).and_then(|rest| rest.strip_prefix('.'));
            if own.is_none_or(|own| !own.ends_with(&format!(".{}.open", self.extension))) {
                continue;
            }
            let mut file = OpenOptions::new().read(true).write(true).open(&path)?;
            let whole = whole_entries(&mut file)?;
            if whole == 0 {
                fs::remove_file(&path)?;
                continue;
            }
            file.set_len(whole)?;
            file.sync_all()?;
            close(&self.folder, &path)?;
        }
        Ok(())
    }
}

/// Where the last LF ends.
fn whole_entries(file: &mut File) -> io::Result<u64> {
    const STEP: u64 = 64 * 1024;
    let mut end = file.metadata()?.len();
    let mut chunk = Vec::new();
    while end > 0 {
        let begin = end.saturating_sub(STEP);
        file.seek(SeekFrom::Start(begin))?;
        chunk.clear();
        io::Read::by_ref(file).take(end - begin).read_to_end(&mut chunk)?;
        if let Some(at) = chunk.iter().rposition(|byte| *byte == b'\n') {
            return Ok(begin + at as u64 + 1);
        }
        end = begin;
    }
    Ok(0)
}

fn close(folder: &Path, path: &Path) -> io::Result<()> {
    fs::rename(path, path.with_extension(""))?;
    File::open(folder)?.sync_all()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_entry_has_one_line_feed_whatever_the_message_had() {
        assert_eq!(as_entry(b"MSH|a\r\nPID|b\n"), b"MSH|a\rPID|b\r\n");
        assert_eq!(as_entry(b"MSH|a\rPID|b"), b"MSH|a\rPID|b\r\n");
    }
}
