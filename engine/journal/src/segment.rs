//! One segment as the running journal knows it: its file, and its index in memory or in a sidecar.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use parking_lot::RwLock;
use sluice_ids::EjId;

use crate::disk::{DiskFile, read_salvaging};
use crate::examine::examine;
use crate::find::catch_up;
use crate::format::{SegmentHeader, sidecar_name};
use crate::index::{EjPlaces, LiveIndex};
use crate::port::KeyIndex;
use crate::scan::scan;
use crate::shared::Shared;
use crate::shelf::{Part, Which};
use crate::sidecar::{self, Summary};

/// Records as (seq, byte offset), ascending.
pub type Places = Vec<(u64, u64)>;

/// Where a segment's index is.
pub enum Index {
    Memory(LiveIndex),
    Sidecar(Summary),
}

pub struct Segment {
    pub number: u64,
    pub first_lsn: u64,
    /// Where its header ends.
    pub start: u64,
    pub salt: u32,
    /// Of its header; 0 where that cannot be read.
    pub header_crc: u32,
    pub file_bytes: u64,
    pub file: Arc<dyn DiskFile>,
    pub index: RwLock<Index>,
    /// Damaged: it gets no sidecar, so that every open scans it and finds the damage again.
    pub flawed: AtomicBool,
}

impl Segment {
    /// Up to `max` places of `ej` from `seq` on, as (seq, offset).
    pub fn places(
        self: &Arc<Self>,
        shared: &Shared,
        ej: EjId,
        seq: u64,
        max: usize,
    ) -> io::Result<Places> {
        let of = |ejs: &[EjPlaces]| {
            ejs.iter()
                .find(|places| places.ej == ej)
                .map_or_else(Vec::new, |places| places.since(seq).take(max).collect())
        };
        if let Index::Memory(index) = &*self.index.read() {
            return Ok(of(&index.ejs));
        }
        Ok(of(&self.all_places(shared)?))
    }

    /// The places of every EJ.
    pub fn all_places(self: &Arc<Self>, shared: &Shared) -> io::Result<Arc<Vec<EjPlaces>>> {
        if let Some(Part::Places(places)) = shared.shelf.get(self.number, Which::Places) {
            return Ok(places);
        }
        let from_sidecar = self.load(shared, sidecar::read_places).map(Arc::new);
        if let Some(places) = from_sidecar {
            shared.shelf.put(self.number, Which::Places, &Part::Places(Arc::clone(&places)));
            return Ok(places);
        }
        self.reindex(shared)
    }

    /// Enters the `Seq`s of `ej` whose records carry the key.
    pub fn find(
        self: &Arc<Self>,
        shared: &Shared,
        ej: EjId,
        index: KeyIndex,
        hash: u64,
        out: &mut Vec<u64>,
    ) -> io::Result<()> {
        loop {
            if self.is_sealed() && self.keys(shared).is_none() {
                self.reindex(shared)?;
                if self.is_sealed() && self.keys(shared).is_none() {
                    return Err(io::Error::other("a sidecar that was written anew cannot be read"));
                }
            }
            if let (Some(keys), Index::Sidecar(summary)) = (self.keys(shared), &*self.index.read())
            {
                sidecar::find_keys(&keys, summary, ej, index, hash, out);
                return Ok(());
            }
            catch_up(shared, self);
            if let Index::Memory(live) = &*self.index.read() {
                live.find(ej, index, hash, out);
                return Ok(());
            }
            // It was sealed meanwhile: what was in memory is in its sidecar now.
        }
    }

    fn is_sealed(&self) -> bool {
        matches!(*self.index.read(), Index::Sidecar(_))
    }

    /// The sidecar's key rows; `None` where the index is in memory or the rows are damaged.
    fn keys(&self, shared: &Shared) -> Option<Arc<Vec<u8>>> {
        if let Some(Part::Keys(keys)) = shared.shelf.get(self.number, Which::Keys) {
            return Some(keys);
        }
        let keys = self.load(shared, sidecar::read_keys).map(Arc::new)?;
        shared.shelf.put(self.number, Which::Keys, &Part::Keys(Arc::clone(&keys)));
        Some(keys)
    }

    fn load<T>(
        &self,
        shared: &Shared,
        read: fn(&dyn DiskFile, u32, &Summary) -> Option<T>,
    ) -> Option<T> {
        let Index::Sidecar(summary) = &*self.index.read() else { return None };
        let file = shared.disk.open(&sidecar_name(self.number)).ok()?;
        read(&*file, self.salt, summary)
    }

    /// Its sidecar is lost or damaged: reads the segment itself, and writes the sidecar anew.
    fn reindex(self: &Arc<Self>, shared: &Shared) -> io::Result<Arc<Vec<EjPlaces>>> {
        let bytes = read_salvaging(&*self.file)?;
        let header = SegmentHeader::decode(&bytes);
        let found = scan(&bytes, self.salt, header.as_ref(), self.first_lsn);
        let mut live = LiveIndex::new(self.start, self.first_lsn, self.header_crc);
        for found in found.found.iter().filter(|f| f.sound) {
            live.push(&found.meta, found.offset, found.crc);
            live.push_act_at(&found.meta, &bytes, found.offset);
        }
        live.end = found.end;
        let places = Arc::new(live.ejs.clone());
        *self.index.write() = Index::Memory(live);
        shared.shelf.forget(self.number);
        if found.holes.iter().any(|hole| hole.last_lsn.is_some()) {
            examine(shared, self);
        } else {
            self.seal(shared);
        }
        Ok(places)
    }

    /// Writes the sidecar and lets go of the index in memory. Where the disk is full the index
    /// stays in memory; the next open tries again.
    pub fn seal(self: &Arc<Self>, shared: &Shared) {
        if self.flawed.load(Ordering::Acquire) {
            return;
        }
        catch_up(shared, self);
        let (summary, bytes) = match &*self.index.read() {
            Index::Memory(live) => sidecar::encode(self, live),
            Index::Sidecar(_) => return,
        };
        match sidecar::write(&*shared.disk, self.number, &bytes) {
            Ok(()) => {
                shared.shelf.forget(self.number);
                *self.index.write() = Index::Sidecar(summary);
            }
            Err(error) => tracing::warn!(
                segment = self.number,
                %error,
                "a sidecar could not be written; its index stays in memory"
            ),
        }
    }

    /// The first and the last `Seq` of each EJ in it, and how many places lie between.
    pub fn spans(&self) -> Vec<(EjId, u64, u64, u64)> {
        match &*self.index.read() {
            Index::Memory(live) => live
                .ejs
                .iter()
                .map(|ej| (ej.ej, ej.first, ej.last(), ej.since(ej.first).count() as u64))
                .collect(),
            Index::Sidecar(summary) => summary
                .spans
                .iter()
                .map(|span| (span.ej, span.first, span.first + span.places - 1, span.places))
                .collect(),
        }
    }

    /// Where the last durable record ends.
    pub fn end(&self) -> u64 {
        match &*self.index.read() {
            Index::Memory(live) => live.end,
            Index::Sidecar(summary) => summary.end,
        }
    }

    /// The last durable lsn in it.
    pub fn last_lsn(&self) -> u64 {
        match &*self.index.read() {
            Index::Memory(live) => live.last_lsn,
            Index::Sidecar(summary) => summary.last_lsn,
        }
    }
}
