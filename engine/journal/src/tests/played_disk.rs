//! A disk in memory on which every failure can be played.
//!
//! It keeps what was written apart from what was synced, in sectors of 512 bytes, and names apart
//! from synced names. After a failed sync what had been written stays readable and is never made
//! durable by a later sync, as Linux does it: a retry would lie.

use std::collections::BTreeMap;
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use parking_lot::Mutex;

use crate::disk::{Disk, DiskFile};

const SECTOR: usize = 512;

/// What goes wrong, by the number of the call since the disk was made.
#[derive(Debug, Clone, Copy, Default)]
pub struct Plan {
    pub fail_write: Option<u64>,
    /// The failing write writes its first half.
    pub short_write: bool,
    pub fail_sync: Option<u64>,
    /// From that write or sync on, the machine is without power: every call fails.
    pub power_off: Option<u64>,
}

#[derive(Default, Clone)]
struct File {
    now: Vec<u8>,
    synced: Vec<u8>,
    /// Written since, not yet synced: (offset, bytes).
    dirty: Vec<(usize, Vec<u8>)>,
    sync_failed: bool,
}

#[derive(Default)]
struct State {
    files: Vec<File>,
    names: BTreeMap<String, usize>,
    synced_names: BTreeMap<String, usize>,
    /// States of `names` since the last directory sync, oldest first.
    name_history: Vec<BTreeMap<String, usize>>,
    plan: Plan,
    writes: u64,
    syncs: u64,
    capacity: Option<u64>,
    synced_after_failure: bool,
}

impl State {
    fn used(&self) -> u64 {
        self.names.values().map(|file| self.files[*file].now.len() as u64).sum()
    }

    fn powered(&self) -> io::Result<()> {
        let calls = self.writes + self.syncs;
        match self.plan.power_off {
            Some(at) if calls > at => Err(io::Error::other("no power")),
            _ => Ok(()),
        }
    }

    fn file(&self, name: &str) -> io::Result<usize> {
        self.names.get(name).copied().ok_or_else(|| io::ErrorKind::NotFound.into())
    }

    fn renamed(&mut self) {
        let names = self.names.clone();
        self.name_history.push(names);
    }
}

#[derive(Clone)]
pub struct PlayedDisk {
    state: Arc<Mutex<State>>,
    locked: Arc<AtomicBool>,
}

/// A small generator (xorshift*), so that a printed seed plays the same cut again.
pub struct Dice(u64);

impl Dice {
    pub fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1)
    }

    pub fn below(&mut self, n: u64) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        (self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 33) % n.max(1)
    }
}

impl PlayedDisk {
    pub fn new(plan: Plan) -> Self {
        let state = State { plan, ..State::default() };
        Self { state: Arc::new(Mutex::new(state)), locked: Arc::default() }
    }

    fn of(files: BTreeMap<String, Vec<u8>>) -> Self {
        let disk = Self::new(Plan::default());
        {
            let mut state = disk.state.lock();
            for (name, bytes) in files {
                let file = File { now: bytes.clone(), synced: bytes, ..File::default() };
                state.files.push(file);
                let number = state.files.len() - 1;
                state.names.insert(name, number);
            }
            state.synced_names = state.names.clone();
        }
        disk
    }

    /// What a killed process leaves: everything written, synced or not.
    pub fn after_kill(&self) -> Self {
        let state = self.state.lock();
        let files = state.names.iter().map(|(n, f)| (n.clone(), state.files[*f].now.clone()));
        Self::of(files.collect())
    }

    /// What a power cut leaves: what was synced, and of the rest any sectors.
    pub fn after_power_cut(&self, dice: &mut Dice) -> Self {
        let state = self.state.lock();
        let steps = state.name_history.len() as u64;
        let names = match dice.below(steps + 1) {
            0 => &state.synced_names,
            step => &state.name_history[step as usize - 1],
        };
        let mut files = BTreeMap::new();
        for (name, file) in names {
            let file = &state.files[*file];
            let mut bytes = file.synced.clone();
            for (offset, written) in &file.dirty {
                for (index, sector) in written.chunks(SECTOR).enumerate() {
                    if dice.below(2) == 0 {
                        put(&mut bytes, offset + index * SECTOR, sector);
                    }
                }
            }
            files.insert(name.clone(), bytes);
        }
        Self::of(files)
    }

    #[allow(dead_code)]
    pub fn set_capacity(&self, bytes: Option<u64>) {
        self.state.lock().capacity = bytes;
    }

    pub fn used(&self) -> u64 {
        self.state.lock().used()
    }

    /// From here on; calls are counted anew.
    pub fn set_plan(&self, plan: Plan) {
        let mut state = self.state.lock();
        state.plan = plan;
        (state.writes, state.syncs) = (0, 0);
    }

    /// Whether a file was synced again after its sync had failed.
    pub fn retried_a_sync(&self) -> bool {
        self.state.lock().synced_after_failure
    }

    pub fn bytes(&self, name: &str) -> Vec<u8> {
        let state = self.state.lock();
        state.files[state.names[name]].now.clone()
    }

    pub fn put(&self, name: &str, bytes: Vec<u8>) {
        let mut state = self.state.lock();
        let file = File { now: bytes.clone(), synced: bytes, ..File::default() };
        state.files.push(file);
        let number = state.files.len() - 1;
        state.names.insert(name.to_owned(), number);
        state.synced_names.insert(name.to_owned(), number);
    }

    pub fn names(&self) -> Vec<String> {
        self.state.lock().names.keys().cloned().collect()
    }
}

fn put(file: &mut Vec<u8>, offset: usize, bytes: &[u8]) {
    if file.len() < offset + bytes.len() {
        file.resize(offset + bytes.len(), 0);
    }
    file[offset..offset + bytes.len()].copy_from_slice(bytes);
}

struct PlayedFile {
    state: Arc<Mutex<State>>,
    file: usize,
}

impl Disk for PlayedDisk {
    fn open(&self, name: &str) -> io::Result<Arc<dyn DiskFile>> {
        let file = self.state.lock().file(name)?;
        Ok(Arc::new(PlayedFile { state: Arc::clone(&self.state), file }))
    }

    fn create(&self, name: &str) -> io::Result<Arc<dyn DiskFile>> {
        let mut state = self.state.lock();
        state.powered()?;
        state.files.push(File::default());
        let file = state.files.len() - 1;
        state.names.insert(name.to_owned(), file);
        state.renamed();
        Ok(Arc::new(PlayedFile { state: Arc::clone(&self.state), file }))
    }

    fn list(&self) -> io::Result<Vec<String>> {
        Ok(self.names())
    }

    fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        let mut state = self.state.lock();
        state.powered()?;
        let file = state.file(from)?;
        state.names.remove(from);
        state.names.insert(to.to_owned(), file);
        state.renamed();
        Ok(())
    }

    fn remove(&self, name: &str) -> io::Result<()> {
        let mut state = self.state.lock();
        state.powered()?;
        state.file(name)?;
        state.names.remove(name);
        state.renamed();
        Ok(())
    }

    fn sync_dir(&self) -> io::Result<()> {
        let mut state = self.state.lock();
        state.powered()?;
        state.syncs += 1;
        if state.plan.fail_sync == Some(state.syncs) {
            return Err(io::Error::other("played: sync of the folder"));
        }
        state.synced_names = state.names.clone();
        state.name_history.clear();
        Ok(())
    }

    fn lock(&self, _name: &str) -> io::Result<Option<Box<dyn Send + Sync>>> {
        struct Held(Arc<AtomicBool>);
        impl Drop for Held {
            fn drop(&mut self) {
                self.0.store(false, Ordering::Release);
            }
        }
        let taken = self.locked.swap(true, Ordering::AcqRel);
        Ok((!taken).then(|| Box::new(Held(Arc::clone(&self.locked))) as Box<dyn Send + Sync>))
    }

    fn free_bytes(&self) -> io::Result<u64> {
        let state = self.state.lock();
        Ok(state.capacity.map_or(1 << 40, |capacity| capacity.saturating_sub(state.used())))
    }
}

impl DiskFile for PlayedFile {
    fn write_at(&self, bytes: &[u8], offset: u64) -> io::Result<()> {
        let mut guard = self.state.lock();
        let state = &mut *guard;
        state.powered()?;
        state.writes += 1;
        let offset = offset as usize;
        let grows = (offset + bytes.len()).saturating_sub(state.files[self.file].now.len()) as u64;
        let used = state.used();
        if state.capacity.is_some_and(|capacity| grows > 0 && used + grows > capacity) {
            return Err(io::ErrorKind::StorageFull.into());
        }
        let fails = state.plan.fail_write == Some(state.writes);
        let off = state.plan.power_off == Some(state.writes + state.syncs - 1);
        let written = match (fails && !state.plan.short_write, fails || off) {
            (true, _) => &bytes[..0],
            (_, true) => &bytes[..bytes.len() / 2],
            _ => bytes,
        };
        let file = &mut state.files[self.file];
        put(&mut file.now, offset, written);
        file.dirty.push((offset, written.to_vec()));
        if fails || off { Err(io::Error::other("played: write")) } else { Ok(()) }
    }

    fn read_at(&self, bytes: &mut [u8], offset: u64) -> io::Result<usize> {
        let state = self.state.lock();
        let now = &state.files[self.file].now;
        let from = (offset as usize).min(now.len());
        let read = bytes.len().min(now.len() - from);
        bytes[..read].copy_from_slice(&now[from..from + read]);
        Ok(read)
    }

    fn sync_data(&self) -> io::Result<()> {
        let mut guard = self.state.lock();
        let state = &mut *guard;
        state.powered()?;
        state.syncs += 1;
        let fails = state.plan.fail_sync == Some(state.syncs);
        let file = &mut state.files[self.file];
        state.synced_after_failure |= file.sync_failed;
        let dirty = std::mem::take(&mut file.dirty);
        if fails {
            file.sync_failed = true;
            return Err(io::Error::other("played: sync"));
        }
        for (offset, bytes) in dirty {
            put(&mut file.synced, offset, &bytes);
        }
        Ok(())
    }

    fn len(&self) -> io::Result<u64> {
        Ok(self.state.lock().files[self.file].now.len() as u64)
    }
}
