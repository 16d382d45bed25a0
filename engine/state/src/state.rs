//! The state of all EJs behind one handle.

use std::collections::BTreeMap;
use std::hash::RandomState;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{SyncSender, sync_channel};
use std::thread::JoinHandle;
use std::time::Instant;

use metrics::{counter, gauge};
use parking_lot::Mutex;
use serde::Serialize;
use sha2::{Digest, Sha256};
use sluice_ids::{EjId, Seq};
use sluice_mappings::records::{RecordType, ResourceId};
use tracing::error;

use crate::access::Access;
use crate::book::Book;
use crate::checkpoint::Checkpoint;
use crate::cold::{Cold, ColdError};
use crate::ej::{Ej, RecordRef};
use crate::flusher::{Command, FlushError, Flusher};
use crate::folder::Folder;
use crate::keys::Tenant;
use crate::metric::as_f64;
use crate::open::{self, RebuildReason};
use crate::results::Results;
use crate::settings::StateSettings;
use crate::trail::Trail;
use crate::view::Scope;
use crate::writer::{EjWriter, StateLost};

/// The state. Clones share it; when the last one is dropped without [`State::close`], what was
/// not cut yet is folded again at the next opening.
#[derive(Clone)]
pub struct State(Arc<Handle>);

struct Handle {
    core: Arc<Core>,
    commands: SyncSender<Command>,
    flusher: Mutex<Option<JoinHandle<()>>>,
}

/// What an opening found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Opened {
    /// What is applied: each EJ is to be folded from the `Seq` after it.
    pub ejs: Vec<(EjId, Seq)>,
    /// Why sled's content was not used.
    pub rebuilt: Option<RebuildReason>,
    /// The checkpoint that was used instead; `None` with a reason: from the first message.
    pub checkpoint: Option<u64>,
}

#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    #[error("the state in {folder} is in use by another process; stop that one first")]
    InUse { folder: PathBuf },
    #[error("the state folder cannot be used")]
    Folder(#[source] std::io::Error),
    #[error("the flusher cannot be started")]
    Thread(#[source] std::io::Error),
}

impl OpenError {
    pub(crate) fn of(folder: &Path, error: std::io::Error) -> Self {
        if error.kind() == std::io::ErrorKind::WouldBlock {
            Self::InUse { folder: folder.to_owned() }
        } else {
            Self::Folder(error)
        }
    }
}

/// How the state is, for readiness.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Health {
    /// On sled.
    Sound,
    /// Whole, but in memory: sled failed or lacks space, and is tried again.
    InMemory,
    /// A record was lost: open anew.
    Lost,
}

/// From where an ordered rebuild starts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RebuildFrom {
    Checkpoint,
    /// The first message: after a change of the mapping. The journal must still have it.
    Zero,
}

pub(crate) struct Core {
    pub(crate) settings: StateSettings,
    pub(crate) folder: Folder,
    pub(crate) ejs: BTreeMap<EjId, Arc<Ej>>,
    pub(crate) cold: Arc<Cold>,
    pub(crate) results: Results,
    /// Verified ones, newest first.
    pub(crate) checkpoints: Mutex<Vec<Checkpoint>>,
    pub(crate) cut_wanted: AtomicBool,
    /// The flusher is gone: nobody waits for it.
    pub(crate) stopped: AtomicBool,
    lost: AtomicBool,
    commands: SyncSender<Command>,
}

impl Core {
    /// Notes that the store failed to give a record.
    pub(crate) fn lost(&self, error: &ColdError) {
        if !matches!(error, ColdError::Closed) {
            error!(%error, "the store lost a record; the state must be opened anew");
            self.mark_lost();
        }
    }

    pub(crate) fn mark_lost(&self) {
        if !self.lost.swap(true, Ordering::AcqRel) {
            counter!("sluice_state_lost_total").increment(1);
        }
        self.ejs.values().for_each(|ej| ej.release_writers());
    }

    pub(crate) fn is_lost(&self) -> bool {
        self.lost.load(Ordering::Acquire)
    }

    pub(crate) fn share(&self, total: u64) -> u64 {
        total / (self.ejs.len().max(1) as u64)
    }

    /// Asks for a cut once enough waits, and holds the lane back when too much does.
    pub(crate) fn after_publish(&self, ej: &Ej, dirty_bytes: u64) {
        if dirty_bytes > self.share(self.settings.dirty_bytes_cut)
            && !self.cut_wanted.swap(true, Ordering::AcqRel)
        {
            // Full means that the flusher has orders already; a cut is one of their effects.
            let _ = self.commands.try_send(Command::Cut);
        }
        let dirty_bytes_max = self.share(self.settings.dirty_bytes_max);
        if dirty_bytes > dirty_bytes_max {
            counter!("sluice_state_backpressure_total").increment(1);
            ej.wait_drained(dirty_bytes_max, || {
                self.stopped.load(Ordering::Acquire) || self.is_lost()
            });
        }
    }

    /// Sets the gauges that need a look at the whole.
    pub(crate) fn measure(&self) {
        let (mut dirty, mut rows, mut history, mut hot) = (0, 0, 0, 0);
        let mut records = [0_u64; RecordType::COUNT];
        for ej in self.ejs.values() {
            let inner = ej.inner.read();
            dirty += inner.dirty_bytes();
            rows += inner.index.len() as u64;
            history += inner.index.history_len() as u64;
            for ty in RecordType::ALL {
                records[ty.index()] += u64::from(inner.table(ty).count());
            }
            drop(inner);
            hot += ej.hot.bytes();
        }
        gauge!("sluice_state_dirty_bytes").set(as_f64(dirty));
        gauge!("sluice_state_index_rows").set(as_f64(rows));
        gauge!("sluice_state_history_rows").set(as_f64(history));
        gauge!("sluice_state_hot_bytes").set(as_f64(hot));
        gauge!("sluice_state_in_memory").set(f64::from(u8::from(!self.cold.is_sled())));
        for ty in RecordType::ALL {
            let count = records[ty.index()];
            gauge!("sluice_state_records", "type" => ty.fhir()).set(as_f64(count));
        }
    }
}

impl State {
    /// Opens the state folder and loads what it can be trusted for.
    ///
    /// # Errors
    /// When the folder itself cannot be used. Whatever is wrong inside it is no error: it is set
    /// aside and [`Opened`] says from where to fold.
    pub fn open(
        folder: &Path,
        settings: StateSettings,
        ejs: &[EjId],
    ) -> Result<(Self, Opened), OpenError> {
        Self::open_at_boot(folder, settings, ejs, Folder::this_boot())
    }

    pub(crate) fn open_at_boot(
        folder: &Path,
        settings: StateSettings,
        ejs: &[EjId],
        boot_id: Option<String>,
    ) -> Result<(Self, Opened), OpenError> {
        let folder = Folder::open(folder, boot_id).map_err(|error| OpenError::of(folder, error))?;
        let hashers: open::Hashers = ejs.iter().map(|ej| (*ej, RandomState::new())).collect();
        let recovered = open::recover(&folder, &settings, &hashers).map_err(OpenError::Folder)?;
        let open::Recovered { cold, watermark, mut loaded, rebuilt, checkpoint } = recovered;
        if let Some(reason) = rebuilt {
            counter!("sluice_state_rebuilds_total", "reason" => reason.as_str()).increment(1);
        }
        let (trail, mut strips) = Trail::open(&folder, settings.history_rows_max);
        let mut books = BTreeMap::new();
        let mut opened = Vec::new();
        let mut map = BTreeMap::new();
        for (id, hasher) in hashers {
            let (ej, book) = match loaded.remove(&id) {
                Some(loaded) => {
                    let loaded = (loaded, strips.remove(&id));
                    Ej::from_loaded(id, hasher, loaded, &cold, &settings, ejs.len())
                }
                None => {
                    let ej = Ej::new(id, hasher, &cold, &settings, ejs.len());
                    (ej, Book::new(Tenant::of(id)))
                }
            };
            opened.push((id, book.applied));
            books.insert(id, book);
            map.insert(id, Arc::new(ej));
        }
        let dormant =
            watermark.ejs.iter().filter(|mark| !map.contains_key(&mark.ej)).cloned().collect();
        let (commands, orders) = sync_channel(64);
        let core = Arc::new(Core {
            results: Results::new(settings.results_bytes_max),
            settings,
            folder,
            ejs: map,
            cold,
            checkpoints: Mutex::default(),
            cut_wanted: AtomicBool::new(false),
            stopped: AtomicBool::new(false),
            lost: AtomicBool::new(false),
            commands: commands.clone(),
        });
        core.measure();
        let now = Instant::now();
        let flusher = Flusher {
            core: core.clone(),
            books,
            dormant,
            trail,
            cut: watermark.cut,
            sled_tried: now,
            checkpoint_tried: now,
        };
        let thread = std::thread::Builder::new()
            .name("state-flusher".into())
            .spawn(move || flusher.run(&orders))
            .map_err(OpenError::Thread)?;
        let handle = Handle { core, commands, flusher: Mutex::new(Some(thread)) };
        Ok((Self(Arc::new(handle)), Opened { ejs: opened, rebuilt, checkpoint }))
    }

    /// Makes the next opening start from a checkpoint or from nothing. The state must not be
    /// open. Checkpoints that are not used are kept until a new one is made.
    ///
    /// # Errors
    /// When the folder cannot be changed or is in use.
    pub fn order_rebuild(folder: &Path, from: RebuildFrom) -> Result<(), OpenError> {
        let folder = Folder::open(folder, Folder::this_boot())
            .map_err(|error| OpenError::of(folder, error))?;
        let forget = || {
            folder.delete_sled()?;
            if from == RebuildFrom::Zero {
                // Folded anew, perhaps by another mapping: what it changed before is no guide.
                folder.delete_trails()?;
                folder.retire_checkpoints()
            } else {
                folder.sync()
            }
        };
        forget().map_err(OpenError::Folder)
    }

    /// The EJ's lane; `None` while another one holds it, or for an EJ that is not opened.
    #[must_use]
    pub fn writer(&self, ej: EjId) -> Option<EjWriter> {
        EjWriter::take(&self.0.core, self.0.core.ejs.get(&ej)?)
    }

    /// As it was opened with.
    #[must_use]
    pub fn settings(&self) -> &StateSettings {
        &self.0.core.settings
    }

    /// The only way to read.
    #[must_use]
    pub fn scope(&self, access: &Access) -> Scope {
        let reached = self.0.core.ejs.values().filter(|ej| access.reaches(ej.id));
        let views: Vec<_> = reached.cloned().collect();
        let ids = views.iter().map(|ej| ej.id).collect();
        Scope { core: self.0.core.clone(), views, ids, past: None }
    }

    #[must_use]
    pub fn health(&self) -> Health {
        if self.0.core.is_lost() {
            Health::Lost
        } else if self.0.core.cold.is_sled() {
            Health::Sound
        } else {
            Health::InMemory
        }
    }

    fn order<T>(
        &self,
        command: impl FnOnce(SyncSender<Result<T, FlushError>>) -> Command,
    ) -> Result<T, FlushError> {
        let (reply, answer) = sync_channel(1);
        self.0.commands.send(command(reply)).map_err(|_| FlushError::Stopped)?;
        answer.recv().map_err(|_| FlushError::Stopped)?
    }

    /// Writes what is published to sled. Blocking.
    ///
    /// # Errors
    /// When it could be kept neither there nor in memory.
    pub fn flush(&self) -> Result<(), FlushError> {
        self.order(Command::Flush)
    }

    /// Makes a checkpoint of what is published, verified. Blocking.
    ///
    /// # Errors
    /// When it cannot be written or does not read back.
    pub fn checkpoint(&self) -> Result<Checkpoint, FlushError> {
        self.order(Command::Checkpoint)
    }

    /// Writes everything, syncs it, and leaves the mark of a clean end. What was handed out
    /// finds nothing from then on. Blocking.
    ///
    /// # Errors
    /// When the mark could not be made: the next opening then folds more.
    pub fn close(self) -> Result<(), FlushError> {
        self.order(Command::Close)
    }

    /// What both kept checkpoints cover: up to here (inclusive) the journal may let go of each
    /// EJ's records, as far as the state is concerned. Empty while there are fewer than two.
    #[must_use]
    pub fn releasable(&self) -> Vec<(EjId, Seq)> {
        Checkpoint::covered(&self.0.core.checkpoints.lock())
    }

    /// SHA-256 over all records of an EJ in id order, each with its place: equal journals give
    /// equal hashes. To be asked while the EJ's feed rests. `None` without a right to it.
    ///
    /// # Errors
    /// When the store lost a record.
    pub fn hash(&self, access: &Access, ej: EjId) -> Result<Option<[u8; 32]>, StateLost> {
        let core = &self.0.core;
        let Some(ej) = core.ejs.get(&ej).filter(|ej| access.reaches(ej.id)) else {
            return Ok(None);
        };
        let mut hash = Sha256::new();
        for ty in RecordType::ALL {
            let mut ids: Vec<(ResourceId, u32)> = {
                let inner = ej.inner.read();
                inner.table(ty).by_id.iter().map(|(id, rid)| (*id, *rid)).collect()
            };
            ids.sort_unstable();
            for (_, rid) in ids {
                let packed = ej.packed(RecordRef { ty, rid }).map_err(|error| {
                    core.lost(&error);
                    StateLost { ej: ej.id }
                })?;
                feed(&mut hash, &(ty, rid, packed.bytes()));
            }
        }
        let mut aliases = ej.inner.read().aliases.list.clone();
        aliases.sort_by(|a, b| (&a.system, &a.value).cmp(&(&b.system, &b.value)));
        for alias in aliases {
            feed(&mut hash, &(alias.system, alias.value, alias.patient));
        }
        Ok(Some(hash.finalize().into()))
    }
}

impl Drop for Handle {
    fn drop(&mut self) {
        let _ = self.commands.send(Command::Stop);
        if let Some(thread) = self.flusher.lock().take() {
            let _ = thread.join();
        }
        self.core.stopped.store(true, Ordering::Release);
    }
}

fn feed<T: Serialize>(hash: &mut Sha256, value: &T) {
    let bytes = postcard::to_allocvec(value).expect("records have a postcard form");
    hash.update((bytes.len() as u64).to_le_bytes());
    hash.update(bytes);
}

#[cfg(test)]
mod tests {
    use sluice_mappings::adt::{Change, Records};
    use sluice_mappings::records::{LocationRecord, Place, Record, Stamp};

    use super::*;
    use crate::keys::Kind;

    #[test]
    fn a_lane_that_misses_a_record_stops_and_nothing_is_guessed() {
        let folder = tempfile::tempdir().unwrap();
        let ej = EjId::new("EJ1").unwrap();
        // In memory, so that an entry can be taken away; nothing at hand, so that it is missed.
        let settings = StateSettings {
            free_floor_bytes: u64::MAX,
            hot_bytes_max: 0,
            flush_every_ms: 3_600_000,
            ..StateSettings::default()
        };
        let (state, _) = State::open(folder.path(), settings, &[ej]).unwrap();
        let mut writer = state.writer(ej).unwrap();
        let id = ResourceId([7; 16]);
        let put = |seq: Seq| {
            let stamp = Stamp { created: Seq::new(1), version: seq, ..Stamp::default() };
            let place = Place { bed: seq.to_string(), ..Place::default() };
            vec![Change::Put(Record::from(LocationRecord {
                stamp,
                ..LocationRecord::at(id, place, None)
            }))]
        };
        writer.stage(Seq::new(1), put(Seq::new(1))).unwrap();
        writer.publish();
        state.flush().unwrap();
        assert!(writer.record(RecordType::Location, id).is_some());
        assert_eq!(state.health(), Health::InMemory);

        let core = &state.0.core;
        core.cold.write(&Tenant::of(ej).key(Kind::Alone(RecordType::Location), 0), None).unwrap();
        assert!(writer.record(RecordType::Location, id).is_none());
        assert_eq!(writer.stage(Seq::new(2), Vec::new()), Err(StateLost { ej }));
        assert_eq!(writer.applied(), Seq::new(1), "the message is to be folded again");
        assert_eq!(state.health(), Health::Lost);
        assert!(state.flush().is_err());
        assert!(state.close().is_err(), "and no mark of a clean end is left");
        assert!(!folder.path().join("mark").exists());
    }

    #[test]
    fn half_a_batch_is_never_cut() {
        let folder = tempfile::tempdir().unwrap();
        let ej = EjId::new("EJ1").unwrap();
        let settings = StateSettings { flush_every_ms: 3_600_000, ..StateSettings::default() };
        let (state, _) = State::open(folder.path(), settings, &[ej]).unwrap();
        let mut writer = state.writer(ej).unwrap();
        writer.stage(Seq::new(1), Vec::new()).unwrap();
        writer.publish();
        // As a panic in the midst of a publication leaves it.
        state.0.core.ejs[&ej].inner.write().half_published = true;
        assert!(state.flush().is_err());
        assert_eq!(state.health(), Health::Lost);
        assert_eq!(writer.stage(Seq::new(2), Vec::new()), Err(StateLost { ej }));
    }
}
