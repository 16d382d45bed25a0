//! What to start from: sled where it can be trusted, else a checkpoint, else nothing. Whatever
//! is then missing is folded from the journal.

use std::collections::BTreeMap;
use std::hash::RandomState;
use std::sync::Arc;

use sluice_ids::{EjId, Seq};
use tracing::{info, warn};

use crate::checkpoint;
use crate::cold::{Cold, ColdError, Memory, Tier, guarded};
use crate::folder::{Folder, Left};
use crate::frames::{FileKind, FrameReader};
use crate::layout::Watermark;
use crate::load::{Loaded, Loader};
use crate::settings::StateSettings;
use crate::store;

/// Why the state was not loaded from sled.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RebuildReason {
    /// There was none, or somebody ordered a rebuild.
    Missing,
    /// It did not open, or does not hold what its watermark says.
    Damaged,
    /// Of another layout.
    Layout,
    /// The machine stopped without a clean end: sled does not survive that.
    UncleanStop,
    /// A checkpoint covers more than sled does.
    Outdated,
    /// Too little free space to open it.
    NoSpace,
}

impl RebuildReason {
    /// A metrics label.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Missing => "missing",
            Self::Damaged => "damaged",
            Self::Layout => "layout",
            Self::UncleanStop => "unclean_stop",
            Self::Outdated => "outdated",
            Self::NoSpace => "no_space",
        }
    }
}

pub(crate) type LoadedAll = (Watermark, BTreeMap<EjId, Loaded>);
pub(crate) type Hashers = Vec<(EjId, RandomState)>;

pub(crate) struct Recovered {
    pub(crate) cold: Arc<Cold>,
    pub(crate) watermark: Watermark,
    pub(crate) loaded: BTreeMap<EjId, Loaded>,
    pub(crate) rebuilt: Option<RebuildReason>,
    pub(crate) checkpoint: Option<u64>,
}

pub(crate) fn recover(
    folder: &Folder,
    settings: &StateSettings,
    hashers: &Hashers,
) -> std::io::Result<Recovered> {
    let room = folder.free_bytes()? >= settings.free_floor_bytes;
    let reason = if room {
        match from_sled(folder, settings, hashers) {
            Ok((cold, (watermark, loaded))) => {
                let cold = Arc::new(cold);
                return Ok(Recovered { cold, watermark, loaded, rebuilt: None, checkpoint: None });
            }
            Err(reason) => reason,
        }
    } else {
        RebuildReason::NoSpace
    };
    match reason {
        // Left as it is until there is room to make a new one.
        RebuildReason::NoSpace => {}
        RebuildReason::Damaged => folder.set_sled_aside(settings.damaged_kept_max)?,
        _ => folder.delete_sled()?,
    }
    if reason != RebuildReason::Missing {
        warn!(reason = reason.as_str(), "sled is not used; the state is rebuilt");
    }
    from_checkpoint(folder, settings, hashers, reason)
}

fn from_sled(
    folder: &Folder,
    settings: &StateSettings,
    hashers: &Hashers,
) -> Result<(Cold, LoadedAll), RebuildReason> {
    if !folder.sled().exists() {
        return Err(RebuildReason::Missing);
    }
    if folder.left() == Left::Doubtful {
        return Err(RebuildReason::UncleanStop);
    }
    // From here on sled may write: a clean end is no longer one.
    folder.mark_open().map_err(|_| RebuildReason::Damaged)?;
    let cold = Cold::new(store::open_sled(folder, settings).map_err(|_| RebuildReason::Damaged)?);
    let loaded = store::finish_cut(&cold, folder)
        .and_then(|watermark| store::load(&cold, watermark, hashers));
    let reason = match loaded {
        Ok(all) if is_behind_a_checkpoint(folder, &all.0) => RebuildReason::Outdated,
        Ok(all) => return Ok((cold, all)),
        Err(error) if store::is_foreign_layout(&error) => RebuildReason::Layout,
        Err(error) => {
            warn!(%error, "sled does not hold a whole state");
            RebuildReason::Damaged
        }
    };
    close(cold);
    Err(reason)
}

/// The journal may have let go of what checkpoints cover: folding from an older sled would fail.
fn is_behind_a_checkpoint(folder: &Folder, watermark: &Watermark) -> bool {
    let applied =
        |ej| watermark.ejs.iter().find(|mark| mark.ej == ej).map_or(Seq::ZERO, |mark| mark.applied);
    let checkpoints = folder.checkpoints().unwrap_or_default();
    checkpoints.iter().any(|(_, path)| {
        FrameReader::open(path, FileKind::Checkpoint)
            .is_ok_and(|r| r.head.ejs.iter().any(|mark| mark.applied > applied(mark.ej)))
    })
}

fn from_checkpoint(
    folder: &Folder,
    settings: &StateSettings,
    hashers: &Hashers,
    reason: RebuildReason,
) -> std::io::Result<Recovered> {
    let rebuilt = Some(reason);
    let mut number = 0;
    for (cut, path) in folder.checkpoints()? {
        number = number.max(cut);
        let cold = Arc::new(new_store(folder, settings, reason)?);
        let loaded = checkpoint::verify(&path)
            .and_then(|_| checkpoint::load(&path, &cold, |head| Loader::new(head, hashers)));
        match loaded {
            Ok((watermark, loaded)) => {
                info!(cut, "the state is loaded from a checkpoint");
                return Ok(Recovered { cold, watermark, loaded, rebuilt, checkpoint: Some(cut) });
            }
            Err(error) => {
                warn!(cut, %error, "a checkpoint cannot be used");
                drop_arc(cold);
                folder.retire_checkpoint(cut)?;
            }
        }
    }
    // Numbers go on where they were, so that a later checkpoint is the one with a higher number.
    let number = number.max(folder.highest_number()?);
    let watermark = Watermark { cut: number, ejs: Vec::new() };
    let mut cold = new_store(folder, settings, reason)?;
    if let Err(error) = store::apply(&cold, &[], &watermark) {
        warn!(%error, "sled cannot be written; going on in memory");
        close(std::mem::replace(&mut cold, Cold::new(Tier::Memory(Memory::new()))));
    }
    Ok(Recovered {
        cold: Arc::new(cold),
        watermark,
        loaded: BTreeMap::new(),
        rebuilt,
        checkpoint: None,
    })
}

/// An empty store: sled where there is room for it.
fn new_store(
    folder: &Folder,
    settings: &StateSettings,
    reason: RebuildReason,
) -> std::io::Result<Cold> {
    let memory = || Cold::new(Tier::Memory(Memory::new()));
    if reason == RebuildReason::NoSpace {
        return Ok(memory());
    }
    folder.delete_sled()?;
    folder.mark_open()?;
    match store::open_sled(folder, settings) {
        Ok(tier) => Ok(Cold::new(tier)),
        Err(error) => {
            warn!(%error, "sled cannot be made; going on in memory");
            Ok(memory())
        }
    }
}

fn drop_arc(cold: Arc<Cold>) {
    if let Some(cold) = Arc::into_inner(cold) {
        close(cold);
    }
}

/// Lets go of a store; sled may panic at it.
pub(crate) fn close(cold: Cold) {
    let _ = guarded(|| {
        drop(cold);
        Ok::<_, ColdError>(())
    });
}
