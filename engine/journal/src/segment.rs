//! One segment as the running journal knows it: its file, and its index in memory or in a sidecar.

use std::io;
use std::sync::Arc;

use parking_lot::RwLock;
use sluice_ids::EjId;

use crate::disk::DiskFile;
use crate::index::LiveIndex;

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
    pub index: RwLock<LiveIndex>,
}

impl Segment {
    /// Up to `max` places of `ej` from `seq` on, as (seq, offset).
    pub fn places(&self, ej: EjId, seq: u64, max: usize) -> io::Result<Vec<(u64, u64)>> {
        let index = self.index.read();
        Ok(index.ej(ej).map_or_else(Vec::new, |places| places.from_seq(seq).take(max).collect()))
    }

    /// The last `Seq` of each EJ in it.
    pub fn lasts(&self) -> Vec<(EjId, u64)> {
        self.index.read().ejs.iter().map(|places| (places.ej, places.last())).collect()
    }

    /// Where the last durable record ends.
    pub fn end(&self) -> u64 {
        self.index.read().end
    }
}
