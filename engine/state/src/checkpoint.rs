//! Checkpoints: the whole store at a cut, in a file that survives the machine.
//!
//! Written as a draft, synced, read back and verified, renamed, and the directory synced. Two are
//! kept. The journal may let go of what *both* cover: the older one is what is left should the
//! newer one turn out damaged.

use std::fs;
use std::path::Path;

use sluice_ids::{EjId, Seq};

use crate::cold::Cold;
use crate::folder::Folder;
use crate::frames::{FileKind, FrameReader, FrameWriter};
use crate::layout::Watermark;
use crate::load::{LoadError, Loader};

/// Checkpoints kept.
pub(crate) const KEPT: usize = 2;

/// A verified checkpoint.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Checkpoint {
    /// Its number: that of the cut it was made at.
    pub cut: u64,
    /// What it covers of each EJ.
    pub ejs: Vec<(EjId, Seq)>,
    pub bytes: u64,
}

impl Checkpoint {
    fn of(watermark: &Watermark, bytes: u64) -> Self {
        let ejs = watermark.ejs.iter().map(|mark| (mark.ej, mark.applied)).collect();
        Self { cut: watermark.cut, ejs, bytes }
    }

    /// What every one of `kept` covers; nothing while there are fewer than [`KEPT`].
    pub(crate) fn covered(kept: &[Self]) -> Vec<(EjId, Seq)> {
        if kept.len() < KEPT {
            return Vec::new();
        }
        let applied =
            |c: &Self, ej: EjId| c.ejs.iter().find(|(other, _)| *other == ej).map(|e| e.1);
        let covered = |(ej, _): &(EjId, Seq)| {
            kept.iter().map(|c| applied(c, *ej)).min().flatten().map(|seq| (*ej, seq))
        };
        kept[0].ejs.iter().filter_map(covered).collect()
    }
}

/// Copies the store, which stands at `watermark`, into a checkpoint and verifies it.
///
/// # Errors
/// When it cannot be written, or does not read back as what it should be. Nothing is left behind.
pub(crate) fn write(
    cold: &Cold,
    folder: &Folder,
    watermark: &Watermark,
) -> Result<Checkpoint, LoadError> {
    let draft = folder.checkpoint_draft();
    let written = write_draft(cold, &draft, watermark).and_then(|()| verify(&draft));
    match written {
        Ok(checkpoint) => {
            let rename = || {
                fs::rename(&draft, folder.checkpoint(checkpoint.cut))?;
                folder.sync()
            };
            rename().map_err(crate::frames::FrameError::Io)?;
            Ok(checkpoint)
        }
        Err(error) => {
            // What is left of a draft is written over by the next one.
            let _ = fs::remove_file(&draft);
            Err(error)
        }
    }
}

fn write_draft(cold: &Cold, draft: &Path, watermark: &Watermark) -> Result<(), LoadError> {
    let io = crate::frames::FrameError::Io;
    let mut writer = FrameWriter::create(draft, FileKind::Checkpoint, watermark).map_err(io)?;
    cold.walk(|key, part| writer.entry(key, Some(part)).map_err(|e| LoadError::Frame(io(e))))?;
    let file = writer.finish().map_err(io)?;
    file.sync_all().map_err(io)?;
    Ok(())
}

/// Reads a checkpoint whole: checksums of blocks and values, and the sums of its watermark.
pub(crate) fn verify(path: &Path) -> Result<Checkpoint, LoadError> {
    let bytes = fs::metadata(path).map_err(crate::frames::FrameError::Io)?.len();
    let reader = FrameReader::open(path, FileKind::Checkpoint)?;
    let watermark = reader.head.clone();
    let mut sums = Sums::default();
    reader.each(|key, part| sums.entry(key, part.ok_or(LoadError::Place)?))?;
    sums.check(&watermark)?;
    Ok(Checkpoint::of(&watermark, bytes))
}

/// Loads a checkpoint into an empty store; to be verified before.
pub(crate) fn load(
    path: &Path,
    cold: &Cold,
    loader: impl FnOnce(Watermark) -> Loader,
) -> Result<crate::open::LoadedAll, LoadError> {
    let reader = FrameReader::open(path, FileKind::Checkpoint)?;
    let watermark = reader.head.clone();
    let mut loader = loader(watermark.clone());
    reader.each(|key, part| {
        let part = part.ok_or(LoadError::Place)?;
        if *key != crate::keys::WATERMARK {
            cold.write(key, Some(part))?;
        }
        loader.entry(key, part)
    })?;
    crate::store::apply(cold, &[], &watermark)?;
    loader.finish()
}

/// Sums of entries by EJ, to be held against a watermark.
#[derive(Default)]
pub(crate) struct Sums {
    by_ej: std::collections::BTreeMap<EjId, u64>,
    open: Option<(crate::keys::Key, crate::cold::Joined)>,
}

impl Sums {
    pub(crate) fn entry(&mut self, key: &crate::keys::Key, part: &[u8]) -> Result<(), LoadError> {
        if *key == crate::keys::WATERMARK {
            return Ok(());
        }
        let (ej, _, _, number) = crate::keys::parse(key).ok_or(LoadError::Key)?;
        match (&mut self.open, number) {
            (open @ None, 0) => *open = Some((*key, crate::cold::Joined::start(part)?)),
            (Some((first, joined)), number)
                if joined.wanted() == Some(number) && first[..21] == key[..21] =>
            {
                joined.add(part);
            }
            _ => return Err(LoadError::Parts),
        }
        if self.open.as_ref().is_some_and(|(_, joined)| joined.wanted().is_none())
            && let Some((first, joined)) = self.open.take()
        {
            let sum = self.by_ej.entry(ej).or_default();
            *sum = sum.wrapping_add(crate::layout::entry_hash(&first, &joined.bytes));
        }
        Ok(())
    }

    pub(crate) fn check(&self, watermark: &Watermark) -> Result<(), LoadError> {
        if self.open.is_some() {
            return Err(LoadError::Parts);
        }
        for mark in &watermark.ejs {
            if self.by_ej.get(&mark.ej).copied().unwrap_or(0) != mark.sum {
                return Err(LoadError::Mark { ej: mark.ej });
            }
        }
        let known = |ej: &EjId| watermark.ejs.iter().any(|mark| mark.ej == *ej);
        match self.by_ej.keys().find(|ej| !known(ej)) {
            Some(ej) => Err(LoadError::Mark { ej: *ej }),
            None => Ok(()),
        }
    }
}
