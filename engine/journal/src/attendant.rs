//! The background thread: makes the next segment ready before it is needed, and writes the
//! sidecars of those that are full.
//!
//! The zeros are written at twice the pace at which the newest segment fills, in pieces of 2 MiB:
//! all at once they would hold up the commits beside them, and a segment that fills slowly has time.

use std::collections::VecDeque;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use parking_lot::{Condvar, Mutex};

use crate::disk::{Disk, DiskFile, is_no_space};
use crate::format::prepared_name;
use crate::segment::Segment;
use crate::shared::Shared;

/// One piece of zeros between two syncs.
pub const PIECE_BYTES: u64 = 2 * 1024 * 1024;

/// How often the free space is looked at while nothing is committed.
const LOOK_EVERY: Duration = Duration::from_secs(10);

/// How far the next segment is.
#[derive(Default)]
enum Next {
    #[default]
    Idle,
    Wanted(u64),
    Busy,
    Ready(Arc<dyn DiskFile>),
    NoSpace,
    Failed(io::Error),
}

/// What the committer gets when it asks for a fresh file.
pub enum Prepared {
    File(Arc<dyn DiskFile>),
    NoSpace,
    Failed(io::Error),
}

#[derive(Default)]
struct Desk {
    next: Next,
    to_seal: VecDeque<Arc<Segment>>,
    /// The committer waits for the next segment.
    hurry: bool,
    stopping: bool,
}

#[derive(Default)]
pub struct Attendant {
    desk: Mutex<Desk>,
    work: Condvar,
    done: Condvar,
}

impl Attendant {
    /// Asks for the file of segment `number`, ahead of time.
    pub fn want(&self, number: u64) {
        let mut desk = self.desk.lock();
        if matches!(desk.next, Next::Idle | Next::NoSpace) {
            desk.next = Next::Wanted(number);
            self.work.notify_one();
        }
    }

    /// The file of segment `number`; waits for it. Where the disk was full it is tried once more.
    pub fn take(&self, number: u64) -> Prepared {
        let mut desk = self.desk.lock();
        let mut asked = false;
        loop {
            match std::mem::take(&mut desk.next) {
                Next::Ready(file) => {
                    desk.hurry = false;
                    return Prepared::File(file);
                }
                Next::Failed(error) => return Prepared::Failed(error),
                Next::NoSpace if asked => return Prepared::NoSpace,
                Next::Idle | Next::NoSpace => {
                    if desk.stopping {
                        return Prepared::NoSpace;
                    }
                    asked = true;
                    desk.next = Next::Wanted(number);
                    self.work.notify_one();
                }
                underway => desk.next = underway,
            }
            desk.hurry = true;
            self.work.notify_one();
            self.done.wait(&mut desk);
        }
    }

    /// The newest segment has filled by another piece.
    pub fn nudge(&self) {
        drop(self.desk.lock());
        self.work.notify_one();
    }

    /// Hands over a full segment.
    pub fn seal(&self, segment: Arc<Segment>) {
        self.desk.lock().to_seal.push_back(segment);
        self.work.notify_one();
    }

    /// Ends the thread once what it was given is done.
    pub fn stop(&self) {
        self.desk.lock().stopping = true;
        self.work.notify_all();
    }

    pub fn run(&self, shared: &Shared) {
        let _guard = EndGuard(self);
        loop {
            let number = {
                let mut desk = self.desk.lock();
                loop {
                    if let Next::Wanted(number) = desk.next {
                        desk.next = Next::Busy;
                        break Some(number);
                    }
                    if !desk.to_seal.is_empty() {
                        break None;
                    }
                    if desk.stopping {
                        return;
                    }
                    if self.work.wait_for(&mut desk, LOOK_EVERY).timed_out() {
                        // A disk fills at night too, when nothing is committed.
                        let free_bytes = shared.disk.free_bytes().unwrap_or(0);
                        metrics::gauge!("sluice_journal_free_bytes").set(free_bytes as f64);
                    }
                }
            };
            match number {
                Some(number) => {
                    let next = self.prepare(shared, number);
                    self.desk.lock().next = next;
                    self.done.notify_all();
                }
                None => {
                    let segment = self.desk.lock().to_seal.pop_front();
                    if let Some(segment) = segment {
                        segment.seal(shared);
                    }
                }
            }
        }
    }
}

/// Whatever ends the thread, the committer never waits for it in vain.
struct EndGuard<'a>(&'a Attendant);

impl Drop for EndGuard<'_> {
    fn drop(&mut self) {
        let mut desk = self.0.desk.lock();
        if !desk.stopping {
            desk.next = Next::Failed(io::Error::other("the journal's attendant ended"));
        } else if matches!(desk.next, Next::Wanted(_) | Next::Busy) {
            desk.next = Next::NoSpace;
        }
        desk.stopping = true;
        self.0.done.notify_all();
    }
}

impl Attendant {
    fn prepare(&self, shared: &Shared, number: u64) -> Next {
        let bytes = shared.settings.segment_bytes;
        let needed = bytes.saturating_add(shared.settings.free_floor_bytes);
        if shared.disk.free_bytes().is_ok_and(|free| free < needed) {
            return Next::NoSpace;
        }
        let go_on = |done| self.may_go_on(shared, done, bytes);
        match zero_filled(&*shared.disk, number, bytes, go_on) {
            Ok(file) => Next::Ready(file),
            Err(error) => {
                // Best effort: a leftover is removed at the next open, or overwritten.
                let _ = shared.disk.remove(&prepared_name(number));
                let given_up = is_no_space(&error) || error.kind() == io::ErrorKind::Interrupted;
                if given_up { Next::NoSpace } else { Next::Failed(error) }
            }
        }
    }

    /// Waits until it is time for the next piece, and seals meanwhile. False when stopping: a
    /// stop need not wait for a segment that nobody will write to.
    fn may_go_on(&self, shared: &Shared, done: u64, bytes: u64) -> bool {
        loop {
            let newest = shared.segments.read().last().cloned();
            let mut desk = self.desk.lock();
            let in_time = newest.is_none_or(|newest| {
                done / PIECE_BYTES * newest.file_bytes <= 2 * newest.end() / PIECE_BYTES * bytes
            });
            if desk.stopping || desk.hurry || in_time {
                return !desk.stopping;
            }
            match desk.to_seal.pop_front() {
                Some(segment) => {
                    drop(desk);
                    segment.seal(shared);
                }
                None => self.work.wait(&mut desk),
            }
        }
    }
}

/// A file of zeros that is on stable storage with its name: later writes into it change no
/// metadata, so that an fdatasync costs 131 µs instead of 683 µs (measured on ext4).
fn zero_filled(
    disk: &dyn Disk,
    number: u64,
    bytes: u64,
    go_on: impl Fn(u64) -> bool,
) -> io::Result<Arc<dyn DiskFile>> {
    let file = disk.create(&prepared_name(number))?;
    let zeros = vec![0; PIECE_BYTES.min(bytes) as usize];
    let mut at = 0;
    while at < bytes {
        if !go_on(at) {
            return Err(io::ErrorKind::Interrupted.into());
        }
        let piece = PIECE_BYTES.min(bytes - at);
        file.write_at(&zeros[..piece as usize], at)?;
        file.sync_data()?;
        at += piece;
    }
    disk.sync_dir()?;
    Ok(file)
}
