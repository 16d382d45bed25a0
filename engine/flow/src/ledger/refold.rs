//! Folds again what the ledger has lost, beside the live lane: in a state of its own, in a folder
//! that goes afterwards. One EJ at a time, standing back as lanes do.

use std::fs;
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use parking_lot::Mutex;
use sluice_ids::Seq;
use sluice_journal::{Journal, ReadError};
use sluice_mappings::entity::LegalEntity;
use sluice_state::{State, StateSettings};

use super::book::{Book, Part};
use super::row::Row;
use crate::control_ids::ControlIds;
use crate::epoch::Epoch;
use crate::fold::{Apply, Fold};

/// Two at once would hold two more states in memory.
static ONE: Mutex<()> = Mutex::new(());

const BATCH: usize = 256;

/// What folding again takes.
pub(crate) struct Refold {
    pub book: Arc<Book>,
    pub journal: Arc<dyn Journal>,
    pub entity: LegalEntity,
    pub apply: Apply,
    pub reach: u64,
    pub settings: StateSettings,
    pub stop: Arc<AtomicBool>,
}

impl Refold {
    /// Fills the gap before `through`, unless it is stopped.
    ///
    /// # Errors
    /// When the journal, a file or the passing state fails.
    pub fn run(&self, through: Seq) -> io::Result<()> {
        let _one = ONE.lock();
        let ej = self.book.ej();
        let folder = self.book.folder().join(format!("{ej}.refold"));
        let _ = fs::remove_dir_all(&folder);
        fs::create_dir_all(&folder)?;
        let built = self.book.folder().join(format!("{ej}.rows.built"));
        let folded = self.fold(&folder.join("state"), &built, through);
        let _ = fs::remove_dir_all(&folder);
        if folded? {
            self.book.fill(&built, through)?;
            tracing::info!(%ej, "the index of messages is whole again");
        }
        Ok(())
    }

    /// False where it was stopped.
    fn fold(
        &self,
        folder: &std::path::Path,
        built: &std::path::Path,
        through: Seq,
    ) -> io::Result<bool> {
        let ej = self.book.ej();
        let (state, _) =
            State::open(folder, self.settings.clone(), &[ej]).map_err(io::Error::other)?;
        let mut writer = state.writer(ej).ok_or(io::ErrorKind::ResourceBusy)?;
        let memory = ControlIds::new(self.reach);
        let mut fold = Fold::new(self.apply, Epoch::bare(self.entity.clone()));
        let mut reader = self.journal.read(ej, Seq::ZERO.next());
        let mut out = Built::new(self, built)?;
        let mut staged = 0;
        loop {
            if self.stop.load(Ordering::Acquire) {
                return Ok(false);
            }
            let record = match reader.next() {
                Ok(Some(record)) if record.seq <= through => record,
                Ok(_) => break,
                Err(ReadError::Released { oldest, .. }) => {
                    reader = self.journal.read(ej, oldest);
                    continue;
                }
                Err(error) => return Err(io::Error::other(error)),
            };
            let step = fold.step(&record, &memory, &writer).map_err(io::Error::other)?;
            if let Some(row) = Row::of(&record, &step) {
                out.push(row)?;
            }
            writer.stage(record.seq, step.changes).map_err(io::Error::other)?;
            staged += 1;
            if staged == BATCH {
                writer.publish();
                staged = 0;
            }
        }
        writer.publish();
        out.end()?;
        drop(writer);
        state.close().map_err(io::Error::other)?;
        Ok(true)
    }
}

/// The rows that are folded again: the newest of them, as many as one file may have.
struct Built<'a> {
    of: &'a Refold,
    path: &'a std::path::Path,
    part: Part,
    /// The file before, once there were too many.
    before: Option<Part>,
    waiting: Vec<Row>,
}

impl<'a> Built<'a> {
    fn new(of: &'a Refold, path: &'a std::path::Path) -> io::Result<Self> {
        let part = of.book.create(path, Seq::ZERO.next())?;
        Ok(Self { of, path, part, before: None, waiting: Vec::new() })
    }

    fn push(&mut self, row: Row) -> io::Result<()> {
        self.waiting.push(row);
        let rows_max = self.of.book.part_rows_max();
        let is_full = self.part.rows + self.waiting.len() as u64 >= rows_max;
        if self.waiting.len() == BATCH || is_full {
            self.write()?;
            if is_full {
                fs::remove_file(self.path)?;
                let next = self.of.book.create(self.path, row.seq.next())?;
                self.before = Some(std::mem::replace(&mut self.part, next));
            }
        }
        Ok(())
    }

    fn write(&mut self) -> io::Result<()> {
        self.part.append(&self.waiting)?;
        self.waiting.clear();
        Ok(())
    }

    /// Puts what still fits of the file before in front.
    fn end(mut self) -> io::Result<()> {
        self.write()?;
        let Some(before) = self.before.take() else { return Ok(()) };
        let room = self.of.book.part_rows_max().saturating_sub(self.part.rows).min(before.rows);
        let damaged = || io::Error::other("rows that were just written are damaged");
        let read = |part: &Part, from, to| -> io::Result<Vec<Row>> {
            part.read(from, to)?.into_iter().collect::<Option<_>>().ok_or_else(damaged)
        };
        let first = before.rows - room;
        let from = match read(&before, first.saturating_sub(1), first.max(1))?.first() {
            Some(row) if first > 0 => row.seq.next(),
            _ => before.from,
        };
        let own = std::mem::replace(&mut self.part, {
            fs::remove_file(self.path)?;
            self.of.book.create(self.path, from)?
        });
        for (part, mut at) in [(&before, first), (&own, 0)] {
            while at < part.rows {
                let to = part.rows.min(at + 4_096);
                self.part.append(&read(part, at, to)?)?;
                at = to;
            }
        }
        Ok(())
    }
}
