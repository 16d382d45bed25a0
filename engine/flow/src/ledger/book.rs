//! The files of an EJ's ledger, and who may do what to them.
//!
//! - `EJ.rows`, to which the lane appends, and before it `EJ.rows.old`: a header of 64 bytes
//!   (`sluice.messages1`, the EJ, the first `Seq` that it covers, a CRC) and rows in `Seq` order.
//!   Once `EJ.rows` has half of `flow.message_rows_max` rows it takes the place of the other.
//! - Rows are written before the state publishes what they tell of, and not synced: after
//!   `kill -9` all of them are there. Rows of what the state has not applied are dropped at the
//!   start and written again; if rows are missing, or one is damaged, both files go, the lane
//!   begins a new one, and what came before is folded again beside it ([`super::refold`]).
//! - Readers take a look at both files with the number of rows at that moment, and read without
//!   a lock. A file that goes meanwhile is still theirs to read.

use std::fs::{self, File, OpenOptions};
use std::io;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use metrics::counter;
use parking_lot::Mutex;
use sluice_ids::{EjId, Seq};
use sluice_journal::{Journal, ReadError};
use tracing::{info, warn};

use super::row::{ROW_BYTES, Row};
use crate::operator::message_of;

const MAGIC: &[u8; 16] = b"sluice.messages1";

/// One file, as far as it is read.
#[derive(Clone)]
pub(crate) struct Part {
    file: Arc<File>,
    /// It covers what came from here on.
    pub from: Seq,
    pub rows: u64,
}

/// What readers and the lane share.
pub(crate) struct Book {
    ej: EjId,
    folder: PathBuf,
    /// Of each of the two files.
    rows_max: u64,
    parts: Mutex<Parts>,
    /// A reader met a row that is none.
    damaged: AtomicBool,
}

#[derive(Default)]
struct Parts {
    old: Option<Part>,
    live: Option<Part>,
}

impl Part {
    fn create(path: &Path, ej: EjId, from: Seq) -> io::Result<Self> {
        let file =
            OpenOptions::new().create(true).truncate(true).read(true).write(true).open(path)?;
        file.write_all_at(&header(ej, from), 0)?;
        Ok(Self { file: Arc::new(file), from, rows: 0 })
    }

    /// `None` where there is no such file, or it is not ours.
    fn open(path: &Path, ej: EjId) -> Option<Self> {
        let file = OpenOptions::new().read(true).write(true).open(path).ok()?;
        let mut head = [0; ROW_BYTES];
        file.read_exact_at(&mut head, 0).ok()?;
        let from = Seq::new(u64::from_le_bytes(head[32..40].try_into().ok()?));
        if head != header(ej, from) {
            return None;
        }
        let bytes = file.metadata().ok()?.len();
        // A row that a crash left torn is written over.
        Some(Self { file: Arc::new(file), from, rows: bytes / ROW_BYTES as u64 - 1 })
    }

    /// Rows `from..to`, counted from the first; `None` for one that is damaged.
    pub fn read(&self, from: u64, to: u64) -> io::Result<Vec<Option<Row>>> {
        let mut bytes = vec![0; (to - from) as usize * ROW_BYTES];
        self.file.read_exact_at(&mut bytes, (from + 1) * ROW_BYTES as u64)?;
        let (rows, _) = bytes.as_chunks();
        Ok(rows.iter().map(Row::from_bytes).collect())
    }

    pub fn append(&mut self, rows: &[Row]) -> io::Result<()> {
        let bytes: Vec<u8> = rows.iter().flat_map(|row| row.to_bytes()).collect();
        self.file.write_all_at(&bytes, (self.rows + 1) * ROW_BYTES as u64)?;
        self.rows += rows.len() as u64;
        Ok(())
    }

    fn row(&self, at: u64) -> Option<Row> {
        self.read(at, at + 1).ok()?.pop().flatten()
    }

    /// The last row's, or what came before the first.
    fn through(&self) -> Option<Seq> {
        match self.rows {
            0 => Some(Seq::new(self.from.get().saturating_sub(1))),
            rows => self.row(rows - 1).map(|row| row.seq),
        }
    }

    /// Drops the rows after `seq`; `None` where one of them is damaged.
    fn end_at(&mut self, seq: Seq) -> Option<()> {
        while self.rows > 0 && self.row(self.rows - 1)?.seq > seq {
            self.rows -= 1;
        }
        self.file.set_len((self.rows + 1) * ROW_BYTES as u64).ok()
    }
}

fn header(ej: EjId, from: Seq) -> [u8; ROW_BYTES] {
    let mut out = [0; ROW_BYTES];
    out[..16].copy_from_slice(MAGIC);
    out[16..32].copy_from_slice(&ej.to_padded());
    out[32..40].copy_from_slice(&from.get().to_le_bytes());
    let crc = crc32c::crc32c(&out[..60]);
    out[60..].copy_from_slice(&crc.to_le_bytes());
    out
}

impl Book {
    /// `rows_max`: of both files.
    pub fn new(folder: &Path, ej: EjId, rows_max: u64) -> Self {
        Self {
            ej,
            folder: folder.to_owned(),
            rows_max: (rows_max / 2).max(1),
            parts: Mutex::default(),
            damaged: AtomicBool::new(false),
        }
    }

    pub const fn ej(&self) -> EjId {
        self.ej
    }

    pub const fn part_rows_max(&self) -> u64 {
        self.rows_max
    }

    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// What there is to read, the newest part first.
    pub fn look(&self) -> Vec<Part> {
        let parts = self.parts.lock();
        [&parts.live, &parts.old].into_iter().flatten().cloned().collect()
    }

    /// Notes that what was read is no row: all of it is made anew.
    pub fn damaged(&self) {
        if !self.damaged.swap(true, Ordering::AcqRel) {
            counter!("sluice_messages_index_damaged_total", "ej" => self.ej.to_string())
                .increment(1);
            warn!(ej = %self.ej, "the index of messages is damaged, and is made anew");
        }
    }

    /// Up to where messages are missing from it that are to be folded again; `None`: from none.
    pub fn gap(&self) -> Option<Seq> {
        let parts = self.parts.lock();
        let live = parts.live.as_ref()?;
        (parts.old.is_none() && live.from.get() > 1).then(|| Seq::new(live.from.get() - 1))
    }

    /// Takes what was folded again up to `through`, unless something else stands there by now.
    pub fn fill(&self, built: &Path, through: Seq) -> io::Result<()> {
        if self.gap() != Some(through) {
            return fs::remove_file(built);
        }
        let mut parts = self.parts.lock();
        fs::rename(built, self.old_path())?;
        parts.old = Part::open(&self.old_path(), self.ej);
        Ok(())
    }

    pub fn create(&self, path: &Path, from: Seq) -> io::Result<Part> {
        Part::create(path, self.ej, from)
    }

    fn live_path(&self) -> PathBuf {
        self.folder.join(format!("{}.rows", self.ej))
    }

    fn old_path(&self) -> PathBuf {
        self.folder.join(format!("{}.rows.old", self.ej))
    }
}

/// The lane's hand in the book.
pub(crate) struct Pen {
    book: Arc<Book>,
    /// Rows of messages that are not published yet.
    waiting: Vec<Row>,
    /// It was said that nothing can be written.
    failing: bool,
}

impl Pen {
    /// Opens what there is, as far as the state has applied it.
    pub fn take(book: &Arc<Book>, journal: &dyn Journal, applied: Seq) -> Self {
        let mut pen = Self { book: Arc::clone(book), waiting: Vec::new(), failing: false };
        let opened =
            fs::create_dir_all(&book.folder).ok().and_then(|()| pen.open(journal, applied));
        match opened {
            Some(parts) => *book.parts.lock() = parts,
            None => pen.begin_anew(applied.next()),
        }
        pen
    }

    fn open(&self, journal: &dyn Journal, applied: Seq) -> Option<Parts> {
        let book = &self.book;
        let mut live = Part::open(&book.live_path(), book.ej)?;
        if applied.next() < live.from {
            return None;
        }
        live.end_at(applied)?;
        let is_whole = nothing_between(journal, book.ej, live.through()?, applied);
        let old = Part::open(&book.old_path(), book.ej).filter(|old| old.from < live.from);
        is_whole.then_some(Parts { old, live: Some(live) })
    }

    /// Both files go; what came before `from` is to be folded again.
    fn begin_anew(&mut self, from: Seq) {
        let book = &self.book;
        let mut parts = book.parts.lock();
        *parts = Parts::default();
        book.damaged.store(false, Ordering::Release);
        let _ = fs::remove_file(book.old_path());
        match Part::create(&book.live_path(), book.ej, from) {
            Ok(live) => {
                if from.get() > 1 {
                    info!(ej = %book.ej, "the index of messages is made anew from the journal");
                }
                parts.live = Some(live);
            }
            Err(error) => {
                drop(parts);
                self.failed(&error);
            }
        }
    }

    pub fn note(&mut self, row: Row) {
        self.waiting.push(row);
    }

    /// Writes what waits, before readers see what it tells of. Where that fails the index begins
    /// again after it.
    pub fn write(&mut self, last: Seq) {
        if self.book.damaged.load(Ordering::Acquire) {
            self.waiting.clear();
            return self.begin_anew(last.next());
        }
        if self.waiting.is_empty() {
            return;
        }
        match self.try_write() {
            Ok(()) => self.failing = false,
            Err(error) => {
                self.failed(&error);
                self.begin_anew(last.next());
            }
        }
        self.waiting.clear();
    }

    /// Counted each time, said once.
    fn failed(&mut self, error: &io::Error) {
        counter!("sluice_messages_index_failures_total").increment(1);
        if !std::mem::replace(&mut self.failing, true) {
            warn!(ej = %self.book.ej, %error, "the index of messages cannot be kept for now");
        }
    }

    fn try_write(&self) -> io::Result<()> {
        let book = &self.book;
        let mut parts = book.parts.lock();
        let Some(live) = &mut parts.live else { return Err(io::ErrorKind::NotFound.into()) };
        live.append(&self.waiting)?;
        if live.rows >= book.rows_max {
            let next = self.waiting.last().map_or(live.from, |row| row.seq.next());
            fs::rename(book.live_path(), book.old_path())?;
            parts.old = parts.live.take();
            parts.live = Some(Part::create(&book.live_path(), book.ej, next)?);
        }
        Ok(())
    }
}

/// Whether no message stands after `after` up to `through`: cursors and epochs have no row.
fn nothing_between(journal: &dyn Journal, ej: EjId, after: Seq, through: Seq) -> bool {
    let mut reader = journal.read(ej, after.next());
    loop {
        match reader.next() {
            Ok(Some(record)) if record.seq <= through => {
                if message_of(&record).is_some() {
                    return false;
                }
            }
            Ok(_) => return true,
            Err(ReadError::Released { oldest, .. }) if oldest <= through => {
                reader = journal.read(ej, oldest);
            }
            // The lane will say what is wrong with the journal.
            Err(_) => return true,
        }
    }
}
