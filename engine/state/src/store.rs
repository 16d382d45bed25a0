//! Opening sled, and what a whole sled folder gives.

use std::hash::RandomState;
use std::time::Duration;

use sluice_ids::EjId;

use crate::book::Op;
use crate::cold::{Cold, ColdError, Tier, guarded};
use crate::folder::Folder;
use crate::frames::{FileKind, FrameError, FrameReader, FrameWriter};
use crate::keys;
use crate::layout::{self, ValueError, Watermark};
use crate::load::{LoadError, Loader};
use crate::settings::StateSettings;

/// sled lets go of its own lock from a thread of its own, a little after it was dropped.
const LOCK_TRIES: u32 = 40;
const LOCK_PAUSE: Duration = Duration::from_millis(50);

/// Opens sled, new or old.
pub(crate) fn open_sled(folder: &Folder, settings: &StateSettings) -> Result<Tier, ColdError> {
    let config = sled::Config::new()
        .path(folder.sled())
        .cache_capacity(settings.sled_cache_bytes)
        // The flusher says when: a background flush would only add a thread that swallows errors.
        .flush_every_ms(None);
    let mut tries = 0;
    loop {
        match guarded(|| Ok(config.open()?)) {
            Ok(db) => return Ok(Tier::Sled(db)),
            Err(ColdError::Sled(error)) if tries < LOCK_TRIES && is_locked(&error) => {
                tries += 1;
                std::thread::sleep(LOCK_PAUSE);
            }
            Err(error) => return Err(error),
        }
    }
}

fn is_locked(error: &sled::Error) -> bool {
    // sled gives the text of `flock`'s error and loses its kind.
    matches!(error, sled::Error::Io(e) if e.kind() == std::io::ErrorKind::Other
        && e.to_string().contains("could not acquire lock"))
}

/// The watermark that stands in the store.
pub(crate) fn watermark(cold: &Cold) -> Result<Option<Watermark>, ColdError> {
    cold.read(&keys::WATERMARK)
}

/// Makes the changes of a cut: entries first, the watermark once they are with the kernel.
pub(crate) fn apply(cold: &Cold, ops: &[Op], watermark: &Watermark) -> Result<(), ColdError> {
    for (key, part) in ops {
        cold.write(key, part.as_deref())?;
    }
    cold.flush()?;
    // Read back as a value of one part.
    let value = [&1_u16.to_le_bytes()[..], &layout::encode(watermark)].concat();
    cold.write(&keys::WATERMARK, Some(&value))?;
    cold.flush()
}

/// Writes the cut down before sled is touched. Not synced: after a stop of the machine neither
/// it nor sled is used.
pub(crate) fn write_cut(folder: &Folder, ops: &[Op], watermark: &Watermark) -> std::io::Result<()> {
    let mut writer = FrameWriter::create(&folder.cut(), FileKind::Cut, watermark)?;
    ops.iter().try_for_each(|(key, part)| writer.entry(key, part.as_deref()))?;
    writer.finish()?;
    Ok(())
}

/// Plays a cut that may have been half written; gives the watermark that then stands.
pub(crate) fn finish_cut(cold: &Cold, folder: &Folder) -> Result<Watermark, LoadError> {
    let stands = watermark(cold)?;
    let mut ops: Vec<Op> = Vec::new();
    let cut = FrameReader::open(&folder.cut(), FileKind::Cut).and_then(|reader| {
        let head = reader.head.clone();
        reader.each(|key, part| {
            ops.push((*key, part.map(<[u8]>::to_vec)));
            Ok::<_, FrameError>(())
        })?;
        Ok(head)
    });
    match (cut, stands) {
        (Ok(cut), stands) if cut.cut == stands.as_ref().map_or(0, |w| w.cut) + 1 => {
            apply(cold, &ops, &cut)?;
            Ok(cut)
        }
        // A whole cut file that does not follow: sled lost a watermark that it had taken.
        (Ok(cut), Some(stands)) if cut.cut > stands.cut => Err(LoadError::NoWatermark),
        // The cut that stands already, or one torn before the first of it reached sled.
        (_, Some(stands)) => Ok(stands),
        (_, None) => Err(LoadError::NoWatermark),
    }
}

/// Loads all EJs from a store whose cut is finished.
pub(crate) fn load(
    cold: &Cold,
    watermark: Watermark,
    hashers: &[(EjId, RandomState)],
) -> Result<crate::open::LoadedAll, LoadError> {
    let mut loader = Loader::new(watermark, hashers);
    cold.walk(|key, part| loader.entry(key, part))?;
    loader.finish()
}

/// Whether an error tells of another layout rather than of damage.
pub(crate) fn is_foreign_layout(error: &LoadError) -> bool {
    matches!(
        error,
        LoadError::Value(ValueError::Layout { .. })
            | LoadError::Cold(ColdError::Value(ValueError::Layout { .. }))
    )
}
