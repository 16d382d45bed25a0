//! The history of changes on disk, so that a search is paged on across a restart (ADR 0092).
//!
//! - `trail` and, before it, `trail.old`, in the state folder: strips, each `length (4,
//!   little-endian)` and a value of the store's layout. A strip is what changed in an EJ's index
//!   from one cut to the next. About 20 bytes a change; once `history_rows_max` of them stand in
//!   `trail` it takes the place of `trail.old`: 40 MB at most by default.
//! - A strip is written before the cut that it belongs to, and not synced: after `kill -9` all of
//!   it is there, after a stop of the machine what the kernel had written.
//! - Nothing of it is needed. It counts only as far as it reaches the `Seq` that the store was
//!   loaded at without a gap, and fits what was loaded; else older pins expire.

use std::collections::BTreeMap;
use std::fs::{self, File, OpenOptions};
use std::io::{self, BufReader, Read, Write};
use std::path::PathBuf;

use metrics::counter;
use serde::{Deserialize, Serialize};
use sluice_ids::{EjId, Micros, Seq};
use tracing::warn;

use crate::folder::Folder;
use crate::index::{Row, RowChange};
use crate::layout;

/// What changed in an EJ's index after `after`, up to `through`.
#[derive(Serialize, Deserialize)]
pub(crate) struct Strip {
    ej: EjId,
    after: Seq,
    through: Seq,
    /// The feed's own time at `through`.
    now: Micros,
    /// In order of time: the row, and `(seq - after) << 1 | came`.
    changes: Vec<([u8; 16], u64)>,
}

impl Strip {
    /// `changes` in order of time.
    pub(crate) fn new(
        ej: EjId,
        (after, through): (Seq, Seq),
        now: Micros,
        changes: &[RowChange],
    ) -> Self {
        let packed = |change: &RowChange| {
            let distance = change.seq.get().saturating_sub(after.get());
            (change.row.to_bytes(), distance << 1 | u64::from(change.came))
        };
        Self { ej, after, through, now, changes: changes.iter().map(packed).collect() }
    }

    pub(crate) const fn now(&self) -> Micros {
        self.now
    }

    pub(crate) fn changes(&self) -> impl Iterator<Item = RowChange> + '_ {
        self.changes.iter().map(|(row, at)| RowChange {
            row: Row::from_bytes(*row),
            seq: Seq::new(self.after.get() + (at >> 1)),
            came: at & 1 == 1,
        })
    }

    /// Leaves what came after `seq` to whoever folds it again.
    fn end_at(&mut self, seq: Seq) {
        let distance = seq.get().saturating_sub(self.after.get());
        self.changes.retain(|(_, at)| at >> 1 <= distance);
        self.through = self.through.min(seq);
    }
}

/// An EJ's strips, each going on where the one before ended.
#[derive(Default)]
pub(crate) struct Strips(Vec<Strip>);

impl Strips {
    fn push(&mut self, strip: Strip) {
        // What was folded again after a restart stands twice; the first time could be of a cut
        // that never was.
        self.end_at(strip.after);
        if self.0.last().is_some_and(|last| last.through != strip.after) {
            self.0.clear();
        }
        self.0.push(strip);
    }

    fn end_at(&mut self, seq: Seq) {
        while let Some(last) = self.0.last_mut() {
            if last.after < seq {
                last.end_at(seq);
                break;
            }
            self.0.pop();
        }
    }

    /// Up to `seq`, and the `Seq` after which they begin; `None` where they do not reach it.
    pub(crate) fn up_to(mut self, seq: Seq) -> Option<(Seq, Vec<Strip>)> {
        self.end_at(seq);
        let reaches = self.0.last().is_some_and(|last| last.through == seq);
        let after = self.0.first()?.after;
        reaches.then_some((after, self.0))
    }
}

/// Writes strips.
pub(crate) struct Trail {
    path: PathBuf,
    old: PathBuf,
    rows_max: u64,
    /// Those in the file.
    rows: u64,
    out: Option<File>,
}

impl Trail {
    /// What was kept, and the way to go on with it.
    pub(crate) fn open(folder: &Folder, rows_max: u64) -> (Self, BTreeMap<EjId, Strips>) {
        let [path, old] = folder.trails();
        let mut kept: BTreeMap<EjId, Strips> = BTreeMap::new();
        let mut rows = 0;
        for path in [&old, &path] {
            rows = 0;
            let read = read(path, |strip| {
                rows += strip.changes.len() as u64;
                kept.entry(strip.ej).or_default().push(strip);
            });
            if let Err(error) = read {
                warn!(%error, "links of searches from before the start may have ended");
            }
        }
        let out = OpenOptions::new().create(true).append(true).open(&path);
        let out = out.inspect_err(told).ok();
        (Self { path, old, rows_max: rows_max.max(1), rows, out }, kept)
    }

    /// Where it cannot be written, it begins anew with a later cut: paging loses its memory across
    /// a restart, and nothing else.
    pub(crate) fn write(&mut self, strips: &[Strip]) {
        if let Err(error) = self.try_write(strips) {
            told(&error);
            self.out = None;
            self.rows = 0;
            let _ = fs::remove_file(&self.path);
            let _ = fs::remove_file(&self.old);
        }
    }

    fn try_write(&mut self, strips: &[Strip]) -> io::Result<()> {
        if self.rows >= self.rows_max {
            self.out = None;
            fs::rename(&self.path, &self.old)?;
            self.rows = 0;
        }
        let out = match &mut self.out {
            Some(out) => out,
            None => self.out.insert(File::create(&self.path)?),
        };
        let mut bytes = Vec::new();
        for strip in strips {
            let value = layout::encode(strip);
            let length = u32::try_from(value.len()).map_err(|_| io::ErrorKind::InvalidInput)?;
            bytes.extend_from_slice(&length.to_le_bytes());
            bytes.extend_from_slice(&value);
            self.rows += strip.changes.len() as u64;
        }
        out.write_all(&bytes)
    }
}

fn told(error: &io::Error) {
    counter!("sluice_state_trail_failures_total").increment(1);
    warn!(%error, "the history of changes cannot be kept: a restart would end the links of searches");
}

/// Gives every whole strip, and cuts off a torn one.
fn read(path: &PathBuf, mut each: impl FnMut(Strip)) -> io::Result<()> {
    let file = match OpenOptions::new().read(true).write(true).open(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        file => file?,
    };
    let whole = file.metadata()?.len();
    let mut input = BufReader::new(&file);
    let mut good = 0_u64;
    while let Some((strip, bytes)) = next(&mut input, whole - good)? {
        each(strip);
        good += bytes;
    }
    if good < whole { file.set_len(good) } else { Ok(()) }
}

/// A strip and the bytes that it took; `None` at the end, or where the rest is none of ours.
fn next(input: &mut impl Read, rest: u64) -> io::Result<Option<(Strip, u64)>> {
    let mut length = [0; 4];
    if rest < 4 {
        return Ok(None);
    }
    input.read_exact(&mut length)?;
    let length = u64::from(u32::from_le_bytes(length));
    if length > rest - 4 {
        return Ok(None);
    }
    let mut value = Vec::new();
    input.take(length).read_to_end(&mut value)?;
    Ok(layout::decode(&value).ok().map(|strip| (strip, 4 + length)))
}
