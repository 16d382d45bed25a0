//! The state of all EJs behind one handle.

use std::collections::BTreeMap;
use std::hash::RandomState;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use parking_lot::{Condvar, Mutex, RwLock};
use serde::Serialize;
use sha2::{Digest, Sha256};
use sluice_ids::{EjId, Micros, Seq};
use sluice_mappings::records::{RecordType, ResourceId};

use crate::access::Access;
use crate::cold::{Cold, ColdError, Memory, Tier};
use crate::ej::{Batch, Ej, Inner, RecordRef};
use crate::history::History;
use crate::hot::Hot;
use crate::index::Index;
use crate::keys::Tenant;
use crate::results::Results;
use crate::settings::StateSettings;
use crate::versions::Versions;
use crate::view::Scope;
use crate::writer::{EjWriter, StateLost};

/// The state. Clones share it.
#[derive(Clone)]
pub struct State(Arc<Core>);

/// What an opening found.
#[derive(Debug, Clone)]
pub struct Opened {
    /// What is applied: each EJ is to be folded from the `Seq` after it.
    pub ejs: Vec<(EjId, Seq)>,
    /// Why sled's content was not used.
    pub rebuilt: Option<RebuildReason>,
}

/// Why the state was not loaded from sled.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RebuildReason {
    /// There was none.
    Missing,
    /// It did not open, or does not hold what its watermark says.
    Damaged,
    /// Of another layout.
    Layout,
    /// The machine stopped without a clean end: sled does not survive that.
    UncleanStop,
    /// Too little free space to open it.
    NoSpace,
    /// Somebody asked.
    Ordered,
}

#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    #[error("the state folder cannot be used")]
    Folder(#[source] std::io::Error),
}

pub(crate) struct Core {
    pub(crate) settings: StateSettings,
    pub(crate) ejs: BTreeMap<EjId, Arc<Ej>>,
    pub(crate) results: Results,
    pub(crate) lost: AtomicBool,
}

impl Core {
    pub(crate) fn lost(&self, _error: &ColdError) {
        self.lost.store(true, Ordering::Release);
    }

    pub(crate) fn after_publish(&self, _ej: &Ej, _dirty_bytes: u64) {}
}

impl State {
    /// Opens the state folder and loads what it can be trusted for.
    ///
    /// # Errors
    /// When the folder itself cannot be used. Whatever is wrong inside it is no error: it is set
    /// aside and [`Opened`] says from where to fold.
    pub fn open(
        _folder: &Path,
        settings: StateSettings,
        ejs: &[EjId],
    ) -> Result<(Self, Opened), OpenError> {
        let cold = Arc::new(Cold::new(Tier::Memory(Memory::new())));
        let share = |total: u64| total / (ejs.len().max(1) as u64);
        let ejs: BTreeMap<EjId, Arc<Ej>> = ejs
            .iter()
            .map(|id| {
                let history = History::new(settings.history_ms, share(settings.history_rows_max));
                let inner = Inner {
                    applied: Seq::ZERO,
                    now: Micros::default(),
                    tables: Default::default(),
                    index: Index::load(Vec::new(), Seq::ZERO, history),
                    aliases: Default::default(),
                    homes: Vec::new(),
                    stays_of: Default::default(),
                    versions: Versions::new(share(settings.history_records_bytes_max)),
                    dirty: Batch::default(),
                    flushing: None,
                    epoch: 0,
                };
                let ej = Ej {
                    id: *id,
                    tenant: Tenant::of(*id),
                    inner: RwLock::new(inner),
                    hot: Hot::new(share(settings.hot_bytes_max)),
                    cold: cold.clone(),
                    hasher: RandomState::new(),
                    writer_taken: AtomicBool::new(false),
                    drained: Condvar::new(),
                    drained_lock: Mutex::new(()),
                };
                (*id, Arc::new(ej))
            })
            .collect();
        let opened = Opened {
            ejs: ejs.keys().map(|ej| (*ej, Seq::ZERO)).collect(),
            rebuilt: Some(RebuildReason::Missing),
        };
        let results = Results::new(settings.results_bytes_max);
        Ok((Self(Arc::new(Core { settings, ejs, results, lost: AtomicBool::new(false) })), opened))
    }

    /// The EJ's lane; `None` while another one holds it, or for an EJ that is not opened.
    #[must_use]
    pub fn writer(&self, ej: EjId) -> Option<EjWriter> {
        EjWriter::take(&self.0, self.0.ejs.get(&ej)?)
    }

    /// The only way to read.
    #[must_use]
    pub fn scope(&self, access: &Access) -> Scope {
        let reached = self.0.ejs.values().filter(|ej| access.reaches(ej.id));
        let views: Vec<_> = reached.cloned().collect();
        let ids = views.iter().map(|ej| ej.id).collect();
        Scope { core: self.0.clone(), views, ids }
    }

    /// SHA-256 over all records of an EJ in id order, each with its place: equal journals give
    /// equal hashes. To be asked while the EJ's feed rests. `None` without a right to it.
    ///
    /// # Errors
    /// When the store lost a record.
    pub fn hash(&self, access: &Access, ej: EjId) -> Result<Option<[u8; 32]>, StateLost> {
        let Some(ej) = self.0.ejs.get(&ej).filter(|ej| access.reaches(ej.id)) else {
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
                let record = ej.record(RecordRef { ty, rid }).map_err(|error| {
                    self.0.lost(&error);
                    StateLost { ej: ej.id }
                })?;
                feed(&mut hash, &(rid, record));
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

fn feed<T: Serialize>(hash: &mut Sha256, value: &T) {
    let bytes = postcard::to_allocvec(value).expect("records have a postcard form");
    hash.update((bytes.len() as u64).to_le_bytes());
    hash.update(bytes);
}
