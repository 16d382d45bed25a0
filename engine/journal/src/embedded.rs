//! The embedded journal: one folder, one owner.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::thread::JoinHandle;
use std::time::Duration;

use parking_lot::{Mutex, RwLock};
use sluice_ids::{EjId, Lsn, Seq};

use crate::accept::{self, AcceptError, OPERATOR_EJ};
use crate::attendant::Attendant;
use crate::commit::Committer;
use crate::damage::{Damage, DamageBook, DamageId};
use crate::disk::{Disk, RealDisk};
use crate::format::{LOCK_FILE, segment_name};
use crate::measures::refused;
use crate::port::{
    Append, Appender, Entry, Journal, KeyIndex, KeysOf, ReadError, Reader, Record, Refusal, Share,
};
use crate::queue::{Job, Place, Queue};
use crate::reader::{self, EmbeddedReader};
use crate::recover::{OpenReport, recover};
use crate::settings::{JournalSettings, SettingsError};
use crate::shared::{EjState, OnFault, Shared};
use crate::shelf::Shelf;
use crate::slot::{AppendFuture, Slots};
use crate::survey::survey;
use crate::tail::Tail;

/// What the journal needs from its owner.
#[derive(Clone)]
pub struct Owner {
    /// The last lsn that the state has applied: what it has applied was synced, whatever the
    /// head mark says. [`Lsn::ZERO`] without a state.
    pub watermark: Lsn,
    pub keys_of: KeysOf,
    /// Called once, when the disk failed and nothing can be promised any more. The server ends
    /// with exit code 70.
    pub on_fault: OnFault,
}

#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    #[error("the journal in {folder} is in use by another process; stop that one first")]
    InUse { folder: PathBuf },
    #[error(transparent)]
    Settings(#[from] SettingsError),
    #[error("cannot {what} the journal in {folder}")]
    Io { what: &'static str, folder: PathBuf, source: io::Error },
}

/// The embedded journal. Dropping it writes what is queued and stops.
pub struct EmbeddedJournal {
    shared: Arc<Shared>,
    attendant: Arc<Attendant>,
    threads: Mutex<Option<(JoinHandle<()>, JoinHandle<()>)>>,
    _lock: Box<dyn Send + Sync>,
}

impl EmbeddedJournal {
    /// Opens the journal in `folder`, or begins one there. Needs no free space.
    ///
    /// # Errors
    /// When a setting is impossible, another process has it open, or the disk cannot be read.
    pub fn open(
        folder: &Path,
        settings: JournalSettings,
        owner: Owner,
    ) -> Result<(Self, OpenReport), OpenError> {
        let error = |what| move |source| OpenError::Io { what, folder: folder.to_owned(), source };
        std::fs::create_dir_all(folder).map_err(error("create"))?;
        Self::open_on(Arc::new(RealDisk::writable(folder)), folder, settings, owner)
    }

    pub(crate) fn open_on(
        disk: Arc<dyn Disk>,
        folder: &Path,
        settings: JournalSettings,
        owner: Owner,
    ) -> Result<(Self, OpenReport), OpenError> {
        let error = |what| move |source| OpenError::Io { what, folder: folder.to_owned(), source };
        settings.check()?;
        let lock = disk
            .lock(LOCK_FILE)
            .map_err(error("lock"))?
            .ok_or_else(|| OpenError::InUse { folder: folder.to_owned() })?;
        let survey = survey(&*disk).map_err(error("list"))?;
        // What nothing needs any more; if one cannot be removed now, then at the next open.
        let leftover = survey.leftover.iter().map(|number| segment_name(*number));
        for name in leftover.chain(survey.stale.iter().cloned()) {
            let _ = disk.remove(&name);
        }
        let shared = Arc::new(Shared {
            queue: Queue::new(settings.queue_bytes_max, settings.urgent_share),
            tail: Tail::new(settings.tail_bytes),
            shelf: Shelf::new(settings.sidecar_cache_bytes),
            settings,
            disk,
            journal: survey.journal,
            keys_of: owner.keys_of,
            on_fault: owner.on_fault,
            damages: DamageBook::default(),
            segments: RwLock::default(),
            ejs: RwLock::default(),
            synced_lsn: 0.into(),
        });
        let (start, report) = recover(&shared, survey, owner.watermark).map_err(error("read"))?;
        let attendant = Arc::new(Attendant::default());
        attendant.want(start.highest_number + 1);
        let threads = start_threads(&shared, &attendant, start).map_err(error("serve"))?;
        let threads = Mutex::new(Some(threads));
        Ok((Self { shared, attendant, threads, _lock: lock }, report))
    }

    /// Takes no more appends, writes what is queued, and waits for that.
    pub fn stop(&self) {
        self.shared.queue.stop();
        let Some((committer, background)) = self.threads.lock().take() else { return };
        // A thread that panicked has told its appends `Unknown` by dropping them.
        let _ = committer.join();
        self.attendant.stop();
        let _ = background.join();
    }

    /// All damage that is known, accepted or not.
    pub fn damages(&self) -> Vec<Damage> {
        self.shared.damages.all()
    }

    /// Accepts a damage, by an act that is journaled in the order of every EJ that it touches:
    /// these are then taken and read again, without what was lost. Blocks until it is durable.
    ///
    /// # Errors
    /// When no damage is known by that name, or the act could not be stored.
    pub fn accept(&self, id: DamageId, who: &str, reason: &str) -> Result<Damage, AcceptError> {
        accept::accept(&self.shared, id, who, reason)
    }

    /// The last durable lsn.
    pub fn last_lsn(&self) -> Lsn {
        Lsn::new(self.shared.synced_lsn.load(Ordering::Acquire))
    }
}

impl Drop for EmbeddedJournal {
    fn drop(&mut self) {
        self.stop();
    }
}

fn start_threads(
    shared: &Arc<Shared>,
    attendant: &Arc<Attendant>,
    start: crate::commit::Start,
) -> io::Result<(JoinHandle<()>, JoinHandle<()>)> {
    let background = {
        let (shared, attendant) = (Arc::clone(shared), Arc::clone(attendant));
        std::thread::Builder::new()
            .name("journal-prepare".into())
            .spawn(move || attendant.run(&shared))?
    };
    let committer = Committer::new(Arc::clone(shared), Arc::clone(attendant), start);
    let committer = std::thread::Builder::new()
        .name("journal-commit".into())
        .spawn(move || committer.run())
        .inspect_err(|_| attendant.stop())?;
    Ok((committer, background))
}

struct EmbeddedAppender {
    shared: Arc<Shared>,
    slots: Slots,
    place: Place,
}

impl Appender for EmbeddedAppender {
    fn append(&mut self, entry: Entry) -> AppendFuture {
        self.push(entry, false)
    }

    fn append_urgent(&mut self, entry: Entry) -> AppendFuture {
        self.push(entry, true)
    }
}

impl EmbeddedAppender {
    fn push(&mut self, entry: Entry, urgent: bool) -> AppendFuture {
        let bytes = entry.payload.len() as u64;
        let limit = self.shared.settings.entry_bytes_max;
        if bytes > limit {
            let refusal = Refusal::TooLarge { bytes, limit };
            refused(refusal);
            return AppendFuture::ready(Append::Refused(refusal));
        }
        let (completer, future) = self.slots.pair();
        let job = Job { entry, completer, through_damage: false };
        self.shared.queue.push([job], urgent, &mut self.place);
        future
    }
}

impl Journal for EmbeddedJournal {
    fn appender(&self) -> Box<dyn Appender> {
        let (slots, place) = (Slots::default(), Place::default());
        Box::new(EmbeddedAppender { shared: Arc::clone(&self.shared), slots, place })
    }

    fn read(&self, ej: EjId, from: Seq) -> Box<dyn Reader> {
        Box::new(EmbeddedReader::new(Arc::clone(&self.shared), ej, from))
    }

    fn get(&self, ej: EjId, seq: Seq) -> Result<Option<Record>, ReadError> {
        reader::get(&self.shared, ej, seq)
    }

    fn tail(&self, ej: EjId) -> Seq {
        self.shared.ej(ej).map_or(Seq::ZERO, |state| Seq::new(state.durable()))
    }

    fn wait_past(&self, ej: EjId, past: Seq, timeout: Duration) -> Seq {
        self.shared.ej_or_new(ej, 0).wait_past(past, timeout)
    }

    fn ejs(&self) -> Vec<EjId> {
        let mut ejs: Vec<EjId> = self
            .shared
            .ejs
            .read()
            .values()
            .filter(|state| state.durable() > 0 && state.ej.as_str() != OPERATOR_EJ)
            .map(|state: &Arc<EjState>| state.ej)
            .collect();
        ejs.sort_unstable();
        ejs
    }

    fn find(&self, ej: EjId, index: KeyIndex, hash: u64) -> Result<Vec<Seq>, ReadError> {
        crate::find::find(&self.shared, ej, index, hash)
    }

    fn release(&self, before: &[(EjId, Seq)]) -> io::Result<usize> {
        crate::release::release(&self.shared, before)
    }

    fn entry_bytes_max(&self) -> u64 {
        self.shared.settings.entry_bytes_max
    }

    fn urgent_share(&self) -> Share {
        self.shared.settings.urgent_share
    }
}
