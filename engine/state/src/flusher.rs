//! The one thread that writes: cuts, checkpoints, and the way to memory and back to sled.
//!
//! - A cut every `flush_every_ms`, or once `dirty_bytes_cut` wait. Records that changed several
//!   times meanwhile are written once.
//! - Each cut stands in the `cut` file before sled is touched; the watermark comes last.
//! - Where sled fails, its content is read out once more, checked against the watermark and kept
//!   in memory; sled is set aside and made anew after `sled_retry_ms`.

use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender};
use std::time::{Duration, Instant};

use metrics::{counter, histogram};
use sluice_ids::{EjId, Micros, Seq};
use tracing::{error, info, warn};

use crate::book::{Book, Op};
use crate::checkpoint::{self, Checkpoint, Sums};
use crate::cold::{Cold, ColdError, Memory, Tier};
use crate::cut;
use crate::ej::{Batch, Ej};
use crate::index::RowChange;
use crate::layout::{EjMark, Watermark};
use crate::load::LoadError;
use crate::open;
use crate::state::Core;
use crate::store;
use crate::trail::{Strip, Trail};

pub(crate) enum Command {
    Cut,
    Flush(SyncSender<Result<(), FlushError>>),
    Checkpoint(SyncSender<Result<Checkpoint, FlushError>>),
    Close(SyncSender<Result<(), FlushError>>),
    Stop,
}

/// Why a cut or a checkpoint was not made.
#[derive(Debug, thiserror::Error)]
pub enum FlushError {
    #[error("the store failed")]
    Cold(#[from] ColdError),
    #[error("the checkpoint failed")]
    Checkpoint(#[from] LoadError),
    #[error("the state folder failed")]
    Folder(#[from] std::io::Error),
    #[error("free space of {free_bytes} bytes does not leave {floor_bytes} beside a checkpoint")]
    NoSpace { free_bytes: u64, floor_bytes: u64 },
    #[error("the flusher has stopped")]
    Stopped,
}

pub(crate) struct Flusher {
    pub(crate) core: Arc<Core>,
    pub(crate) books: BTreeMap<EjId, Book>,
    /// Marks of EJs that are in the store and not configured now.
    pub(crate) dormant: Vec<EjMark>,
    pub(crate) trail: Trail,
    pub(crate) cut: u64,
    pub(crate) sled_tried: Instant,
    pub(crate) checkpoint_tried: Instant,
}

/// What a cut takes of an EJ.
struct Taken {
    ej: Arc<Ej>,
    batch: Arc<Batch>,
    applied: Seq,
    now: Micros,
    /// Of its index since the cut before, or since what it remembers.
    changes: (Seq, Vec<RowChange>),
}

/// Records put at hand under one hold of an EJ's lock.
const KEEP_SLICE: usize = 256;

impl Flusher {
    pub(crate) fn run(mut self, commands: &Receiver<Command>) {
        let every = Duration::from_millis(self.core.settings.flush_every_ms.max(1));
        let went_on = catch_unwind(AssertUnwindSafe(|| {
            self.verify_kept();
            self.serve(commands, every);
        }));
        if went_on.is_err() {
            error!("the flusher panicked; the state must be opened anew");
            self.core.mark_lost();
        }
        self.core.stopped.store(true, Ordering::Release);
        for ej in self.core.ejs.values() {
            ej.release_writers();
        }
    }

    fn serve(&mut self, commands: &Receiver<Command>, every: Duration) {
        loop {
            match commands.recv_timeout(every) {
                Ok(Command::Cut) | Err(RecvTimeoutError::Timeout) => self.cut_or_tell(),
                Ok(Command::Flush(reply)) => {
                    let _ = reply.send(self.make_cut());
                }
                Ok(Command::Checkpoint(reply)) => {
                    let _ = reply.send(self.make_checkpoint());
                }
                Ok(Command::Close(reply)) => {
                    let _ = reply.send(self.close());
                    return;
                }
                Ok(Command::Stop) | Err(RecvTimeoutError::Disconnected) => return,
            }
            self.return_to_sled();
            self.checkpoint_when_due();
        }
    }

    fn cut_or_tell(&mut self) {
        if let Err(error) = self.make_cut() {
            warn!(%error, "a cut was not made");
        }
    }

    fn watermark(&self) -> Watermark {
        let marks = self.books.iter().map(|(ej, book)| book.mark(*ej));
        let mut ejs: Vec<EjMark> = marks.chain(self.dormant.iter().cloned()).collect();
        ejs.sort_by_key(|mark| mark.ej);
        Watermark { cut: self.cut, ejs }
    }

    fn make_cut(&mut self) -> Result<(), FlushError> {
        self.core.cut_wanted.store(false, Ordering::Release);
        if self.core.is_lost() {
            return Err(FlushError::Stopped);
        }
        let started = Instant::now();
        if self.core.ejs.values().any(|ej| ej.inner.read().half_published) {
            // A lane panicked in there. Half a batch must not be cut: the last cut is whole, and
            // the next opening folds from it.
            error!("a publication was left half done; the state must be opened anew");
            self.core.mark_lost();
            return Err(FlushError::Stopped);
        }
        let taken: Vec<Taken> = self.core.ejs.values().filter_map(|ej| self.take(ej)).collect();
        if taken.is_empty() {
            return Ok(());
        }
        let mut ops: Vec<Op> = Vec::new();
        let mut strips = Vec::with_capacity(taken.len());
        for Taken { ej, batch, applied, now, changes: (after, changes) } in &taken {
            let book = self.books.get_mut(&ej.id).expect("every EJ has its book");
            strips.push(Strip::new(ej.id, (*after, *applied), *now, changes));
            // The batch stays readable: nothing of it is let go of.
            cut::compose(ej, batch, *applied, book, &mut ops).inspect_err(|e| self.core.lost(e))?;
        }
        self.trail.write(&strips);
        self.cut += 1;
        let watermark = self.watermark();
        self.write(&ops, &watermark)?;
        for Taken { ej, batch, .. } in taken {
            keep_at_hand(&ej, &batch);
        }
        histogram!("sluice_state_flush_seconds").record(started.elapsed().as_secs_f64());
        counter!("sluice_state_flushed_entries_total").increment(ops.len() as u64);
        self.core.measure();
        Ok(())
    }

    /// What changed in an EJ since the last cut, from now on the cut under way.
    fn take(&self, ej: &Arc<Ej>) -> Option<Taken> {
        let cut = self.books.get(&ej.id)?.applied;
        let mut inner = ej.inner.write();
        if inner.half_published || inner.applied == cut {
            return None;
        }
        let batch = Arc::new(std::mem::take(&mut inner.dirty));
        inner.flushing = Some(batch.clone());
        let changes = inner.index.changes_since(cut);
        Some(Taken { ej: ej.clone(), batch, applied: inner.applied, now: inner.now, changes })
    }

    fn write(&self, ops: &[Op], watermark: &Watermark) -> Result<(), FlushError> {
        let core = &self.core;
        let written = if core.cold.is_sled() {
            match store::write_cut(&core.folder, ops, watermark) {
                Ok(()) => store::apply(&core.cold, ops, watermark),
                Err(error) => Err(ColdError::from(sled::Error::Io(error))),
            }
        } else {
            store::apply(&core.cold, ops, watermark)
        };
        let Err(error) = written else { return Ok(()) };
        warn!(%error, "sled failed; going on in memory");
        counter!("sluice_state_sled_failures_total").increment(1);
        self.fall_back(ops, watermark).inspect_err(|_| core.mark_lost())
    }

    /// Takes the state out of a failed sled, with the cut that failed on top.
    fn fall_back(&self, ops: &[Op], watermark: &Watermark) -> Result<(), FlushError> {
        let core = &self.core;
        let mut memory = Memory::new();
        core.cold.walk(|key, part| {
            memory.insert(*key, part.into());
            Ok::<_, ColdError>(())
        })?;
        for (key, part) in ops {
            match part {
                Some(part) => memory.insert(*key, part.as_slice().into()),
                None => memory.remove(key),
            };
        }
        let mut sums = Sums::default();
        memory.iter().try_for_each(|(key, part)| sums.entry(key, part))?;
        sums.check(watermark)?;
        let failed = core.cold.replace(Tier::Memory(memory));
        open::close(Cold::new(failed));
        // What is left there is checked at the next opening like anything else.
        if let Err(error) = core.folder.set_sled_aside(core.settings.damaged_kept_max) {
            warn!(%error, "the failed sled cannot be set aside");
        }
        Ok(())
    }

    /// Makes sled anew from memory, once there is room and time has passed.
    fn return_to_sled(&mut self) {
        let core = self.core.clone();
        let every = Duration::from_millis(core.settings.sled_retry_ms);
        if core.cold.is_sled() || core.is_lost() || self.sled_tried.elapsed() < every {
            return;
        }
        self.sled_tried = Instant::now();
        if core.folder.free_bytes().is_ok_and(|free| free >= core.settings.free_floor_bytes) {
            match self.make_sled() {
                Ok(()) => info!("sled is in use again"),
                Err(error) => warn!(%error, "sled cannot be made; staying in memory"),
            }
        }
    }

    fn make_sled(&self) -> Result<(), FlushError> {
        let core = &self.core;
        core.folder.delete_sled()?;
        core.folder.mark_open()?;
        let fresh = Cold::new(store::open_sled(&core.folder, &core.settings)?);
        let copied = core
            .cold
            .walk(|key, part| fresh.write(key, Some(part)))
            .and_then(|()| store::apply(&fresh, &[], &self.watermark()));
        match copied {
            Ok(()) => {
                core.cold.replace(fresh.into_tier());
                Ok(())
            }
            Err(error) => {
                open::close(fresh);
                core.folder.delete_sled()?;
                Err(error.into())
            }
        }
    }

    fn make_checkpoint(&mut self) -> Result<Checkpoint, FlushError> {
        self.make_cut()?;
        let core = self.core.clone();
        self.checkpoint_tried = Instant::now();
        let mut kept = core.checkpoints.lock().clone();
        let watermark = self.watermark();
        if let Some(newest) = kept.first().filter(|newest| newest.cut == watermark.cut) {
            return Ok(newest.clone());
        }
        let free_bytes = core.folder.free_bytes()?;
        let likely = kept.first().map_or(0, |newest| newest.bytes + newest.bytes / 4);
        let floor_bytes = core.settings.free_floor_bytes;
        if free_bytes < floor_bytes.saturating_add(likely) {
            return Err(FlushError::NoSpace { free_bytes, floor_bytes });
        }
        let started = Instant::now();
        let made = checkpoint::write(&core.cold, &core.folder, &watermark)?;
        histogram!("sluice_state_checkpoint_seconds").record(started.elapsed().as_secs_f64());
        counter!("sluice_state_checkpoints_total").increment(1);
        kept.insert(0, made.clone());
        kept.truncate(checkpoint::KEPT);
        *core.checkpoints.lock() = kept.clone();
        core.folder.delete_retired()?;
        for (cut, path) in core.folder.checkpoints()? {
            if !kept.iter().any(|checkpoint| checkpoint.cut == cut) {
                std::fs::remove_file(path)?;
            }
        }
        Ok(made)
    }

    fn checkpoint_when_due(&mut self) {
        let every = Duration::from_millis(self.core.settings.checkpoint_every_ms);
        if every.is_zero() || self.checkpoint_tried.elapsed() < every || self.core.is_lost() {
            return;
        }
        if let Err(error) = self.make_checkpoint() {
            counter!("sluice_state_checkpoint_failures_total").increment(1);
            warn!(%error, "no checkpoint was made");
        }
    }

    /// Reads the checkpoints that were found at the opening: only a verified one counts.
    fn verify_kept(&self) {
        let found = self.core.folder.checkpoints().unwrap_or_default();
        for (cut, path) in found {
            match checkpoint::verify(&path) {
                Ok(checkpoint) => self.core.checkpoints.lock().push(checkpoint),
                Err(error) => {
                    warn!(cut, %error, "a checkpoint is damaged");
                    counter!("sluice_state_checkpoint_failures_total").increment(1);
                    let _ = self.core.folder.retire_checkpoint(cut);
                }
            }
        }
        self.core.checkpoints.lock().truncate(checkpoint::KEPT);
    }

    fn close(&mut self) -> Result<(), FlushError> {
        self.make_cut()?;
        let was_sled = self.core.cold.is_sled();
        open::close(Cold::new(self.core.cold.replace(Tier::Closed)));
        if was_sled {
            self.core.folder.mark_clean()?;
        }
        Ok(())
    }
}

/// Ends a cut: its records stand in the store now. They are put at hand before the batch is let
/// go of, so that no reader ever finds nothing.
fn keep_at_hand(ej: &Ej, batch: &Arc<Batch>) {
    let records: Vec<_> = batch.records.iter().collect();
    for slice in records.chunks(KEEP_SLICE) {
        let inner = ej.inner.read();
        for (at, dirty) in slice {
            if !inner.dirty.records.contains_key(at) {
                ej.hot.insert(**at, dirty.packed.clone());
            }
        }
    }
    let mut inner = ej.inner.write();
    inner.flushing = None;
    inner.epoch += 1;
    drop(inner);
    ej.release_writers();
}
