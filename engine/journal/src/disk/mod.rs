//! The few things that the journal asks of a disk, so that every failure can be played.
//!
//! One folder, flat names. [`RealDisk`] is what runs; the tests' disk fails the k-th call, runs
//! out of space, or loses any subset of what was not synced.

mod real;

use std::io;
use std::sync::Arc;

pub use real::RealDisk;

/// One folder on a disk.
pub trait Disk: Send + Sync + 'static {
    /// An existing file, for reading and (where the disk was opened so) writing.
    fn open(&self, name: &str) -> io::Result<Arc<dyn DiskFile>>;
    /// A new, empty file; one that exists is emptied.
    fn create(&self, name: &str) -> io::Result<Arc<dyn DiskFile>>;
    fn list(&self) -> io::Result<Vec<String>>;
    fn rename(&self, from: &str, to: &str) -> io::Result<()>;
    fn remove(&self, name: &str) -> io::Result<()>;
    /// Makes names (creations, renames, removals) durable.
    fn sync_dir(&self) -> io::Result<()>;
    /// Holds `name` against every other process until dropped; `None` where one holds it.
    fn lock(&self, name: &str) -> io::Result<Option<Box<dyn Send + Sync>>>;
    /// What an unprivileged writer may still use.
    fn free_bytes(&self) -> io::Result<u64>;
}

/// One file. Positions are given with each call: there is no cursor to share.
pub trait DiskFile: Send + Sync {
    /// Writes all of `bytes`, or fails with any part of them written.
    fn write_at(&self, bytes: &[u8], offset: u64) -> io::Result<()>;
    /// Fills `bytes` as far as the file goes; returns how many were read.
    fn read_at(&self, bytes: &mut [u8], offset: u64) -> io::Result<usize>;
    fn sync_data(&self) -> io::Result<()>;
    fn len(&self) -> io::Result<u64>;
}

/// Whether the disk said that it is full: a refusal that heals, not a fault.
pub fn is_no_space(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded)
}

/// Reads `[offset, offset + bytes)`, less where the file ends before.
pub fn read_range(file: &dyn DiskFile, offset: u64, bytes: usize) -> io::Result<Vec<u8>> {
    let mut buffer = vec![0; bytes];
    let read = file.read_at(&mut buffer, offset)?;
    buffer.truncate(read);
    Ok(buffer)
}

/// Reads a whole file. A block that cannot be read comes back as zeros, so that a bad sector is
/// found to be damage where it is instead of hiding everything behind it.
pub fn read_salvaging(file: &dyn DiskFile) -> io::Result<Vec<u8>> {
    const BLOCK: usize = 4096;
    let mut buffer = vec![0; usize::try_from(file.len()?).map_err(io::Error::other)?];
    if let Ok(read) = file.read_at(&mut buffer, 0) {
        buffer.truncate(read);
        return Ok(buffer);
    }
    for (block, bytes) in buffer.chunks_mut(BLOCK).enumerate() {
        if file.read_at(bytes, (block * BLOCK) as u64).is_err() {
            bytes.fill(0);
        }
    }
    Ok(buffer)
}

/// Writes a small file so that either the old or the new one is there after a power cut.
pub fn replace(disk: &dyn Disk, name: &str, bytes: &[u8]) -> io::Result<()> {
    let new = format!("{name}.tmp");
    let written = (|| {
        let file = disk.create(&new)?;
        file.write_at(bytes, 0)?;
        file.sync_data()
    })();
    if let Err(error) = written {
        // Best effort: what is left over is removed at the next open.
        let _ = disk.remove(&new);
        return Err(error);
    }
    disk.rename(&new, name)?;
    disk.sync_dir()
}
