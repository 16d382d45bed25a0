//! The exports that there are, in memory and on disk.
//!
//! ```text
//! data_dir/exports/<id>/job.json        what was ordered, and what came of it
//!                      /Patient-EJ1.ndjson …
//! ```
//!
//! Folders and files are the owner's alone (700, 600). A folder without a `job.json` was never
//! acknowledged, or is half removed: it goes at the start.

use std::collections::BTreeMap;
use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::Ordering;

use parking_lot::Mutex;
use tokio::sync::Notify;

use super::job::{FORMAT, Job, Kept, Phase};
use super::order::{JobId, Order};
use super::settings::BulkSettings;
use crate::fault::Fault;
use crate::instruments;

/// In the data directory.
const FOLDER: &str = "exports";
const JOB_FILE: &str = "job.json";

pub(crate) struct Shelf {
    folder: PathBuf,
    pub(super) settings: BulkSettings,
    jobs: Mutex<BTreeMap<JobId, Arc<Job>>>,
    /// Held while an order is judged and written down.
    ordering: Mutex<()>,
    /// There is something to do for the keeper.
    pub(super) woken: Notify,
}

impl Shelf {
    /// With what is on disk.
    pub(crate) fn open(data_dir: &Path, settings: BulkSettings) -> Self {
        let folder = data_dir.join(FOLDER);
        let jobs = Mutex::new(read_all(&folder));
        Self { folder, settings, jobs, ordering: Mutex::default(), woken: Notify::new() }
    }

    /// Takes an order, once it is on disk.
    ///
    /// # Errors
    /// When there are too many already, or no room.
    pub(super) fn take(&self, order: Order) -> Result<Arc<Job>, Fault> {
        let _ordering = self.ordering.lock();
        let unfinished: Vec<Arc<Job>> =
            self.all().into_iter().filter(|job| job.is_unfinished()).collect();
        let of_caller = unfinished.iter().filter(|job| job.order.caller == order.caller).count();
        if of_caller >= self.settings.jobs_per_caller_max
            || unfinished.len() >= self.settings.jobs_max
        {
            instruments::export_refused("too_many");
            return Err(Fault::TooManyExports);
        }
        if !self.has_space() {
            instruments::export_refused("no_space");
            return Err(Fault::NoSpace);
        }
        let id = JobId::random().ok_or(Fault::Internal)?;
        let job = Job::new(id, order, &self.folder);
        let made = self.make_folder(&job).and_then(|()| Self::write_down(&job, &Phase::Waiting));
        if let Err(error) = made {
            tracing::error!(error = %error, "an export could not be written down");
            let _ = fs::remove_dir_all(&job.folder);
            return Err(Fault::Internal);
        }
        let job = Arc::new(job);
        self.jobs.lock().insert(id, Arc::clone(&job));
        self.woken.notify_one();
        Ok(job)
    }

    fn make_folder(&self, job: &Job) -> io::Result<()> {
        DirBuilder::new().recursive(true).mode(0o700).create(&self.folder)?;
        DirBuilder::new().mode(0o700).create(&job.folder)?;
        File::open(&self.folder)?.sync_all()
    }

    /// Replaces `job.json` by what it is to say: it is the old one or the new one, and on disk.
    pub(super) fn write_down(job: &Job, phase: &Phase) -> io::Result<()> {
        let text = serde_json::to_vec(&job.to_keep(phase)).map_err(io::Error::other)?;
        let aside = job.folder.join("job.json.new");
        let mut file = private().truncate(true).create(true).open(&aside)?;
        file.write_all(&text)?;
        file.sync_all()?;
        fs::rename(&aside, job.folder.join(JOB_FILE))?;
        File::open(&job.folder)?.sync_all()
    }

    pub(super) fn get(&self, id: JobId) -> Option<Arc<Job>> {
        self.jobs.lock().get(&id).cloned()
    }

    pub(super) fn all(&self) -> Vec<Arc<Job>> {
        self.jobs.lock().values().cloned().collect()
    }

    /// The one that has waited longest.
    pub(super) fn next(&self) -> Option<Arc<Job>> {
        let waiting = self.all().into_iter().filter(|job| job.is_waiting());
        waiting.min_by_key(|job| (job.order.ordered_at, job.id))
    }

    /// All of them, on disk.
    pub(super) fn bytes(&self) -> u64 {
        self.jobs.lock().values().map(|job| job.bytes.load(Ordering::Relaxed)).sum()
    }

    /// Whether the disk is above its floor. One that does not say is taken at its word when it
    /// refuses to write.
    pub(super) fn has_space(&self) -> bool {
        let mut at = self.folder.as_path();
        while !at.is_dir() {
            let Some(parent) = at.parent() else { return true };
            at = parent;
        }
        let at = if at.as_os_str().is_empty() { Path::new(".") } else { at };
        match rustix::fs::statvfs(at) {
            Ok(stat) => stat.f_bavail * stat.f_frsize >= self.settings.free_floor_bytes,
            Err(_) => true,
        }
    }

    /// Forgets a job and removes its files. Who is reading one of them reads it to its end.
    pub(super) fn remove(&self, job: &Job) {
        self.jobs.lock().remove(&job.id);
        job.cancelled.cancel();
        Self::remove_files(job);
        self.woken.notify_one();
    }

    pub(super) fn remove_files(job: &Job) {
        match fs::remove_dir_all(&job.folder) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                tracing::warn!(error = %error, "the files of an export could not be removed");
            }
            _ => job.bytes.store(0, Ordering::Relaxed),
        }
    }
}

/// For the owner alone.
pub(super) fn private() -> OpenOptions {
    let mut options = OpenOptions::new();
    options.write(true).mode(0o600);
    options
}

fn read_all(folder: &Path) -> BTreeMap<JobId, Arc<Job>> {
    let mut jobs = BTreeMap::new();
    let entries = match fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return jobs,
        Err(error) => {
            tracing::error!(error = %error, "the exports of before cannot be read");
            return jobs;
        }
    };
    for entry in entries.flatten() {
        let Some(id) = entry.file_name().to_str().and_then(JobId::parse) else { continue };
        match read(&entry.path()) {
            Ok(kept) if kept.format == FORMAT && kept.order.fhir().is_some() => {
                jobs.insert(id, Arc::new(Job::kept(id, kept, folder)));
            }
            Ok(_) => tracing::warn!("an export of another version of this program is left alone"),
            Err(error) => {
                tracing::warn!(error = %error, "an export that was never taken on is removed");
                let _ = fs::remove_dir_all(entry.path());
            }
        }
    }
    jobs
}

fn read(folder: &Path) -> io::Result<Kept> {
    serde_json::from_slice(&fs::read(folder.join(JOB_FILE))?).map_err(io::Error::other)
}
