//! A torn tail: bytes of a group that was never synced, left by a power cut or a killed process.
//!
//! Nobody was told that it is stored. It is copied into a file of its own and wiped from the
//! segment, so that what is appended next stands on zeros.

use std::io;
use std::sync::Arc;

use crate::disk::{Disk, DiskFile};
use crate::recover::TornReport;

pub struct TornTail {
    pub segment: u64,
    pub offset: u64,
    pub bytes: Vec<u8>,
    pub file: Arc<dyn DiskFile>,
}

impl TornTail {
    pub fn report(&self) -> TornReport {
        let Self { segment, offset, .. } = *self;
        TornReport { segment, offset, bytes: self.bytes.len() as u64 }
    }

    pub fn set_aside(&mut self, disk: &dyn Disk) -> io::Result<()> {
        let taken = disk.list()?;
        let name = (0..)
            .map(|n| format!("torn-{:012}-{}-{n}.bin", self.segment, self.offset))
            .find(|name| !taken.contains(name))
            .ok_or(io::ErrorKind::AlreadyExists)?;
        let copied = (|| {
            let copy = disk.create(&name)?;
            copy.write_at(&self.bytes, 0)?;
            copy.sync_data()?;
            disk.sync_dir()
        })();
        if let Err(error) = copied {
            let _ = disk.remove(&name);
            return Err(error);
        }
        self.file.write_at(&vec![0; self.bytes.len()], self.offset)?;
        self.file.sync_data()
    }
}
