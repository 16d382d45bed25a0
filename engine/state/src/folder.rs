//! The state folder: what lies in it, and what of it can be trusted.
//!
//! ```text
//! state/
//!   lock                 one process at a time (flock)
//!   mark                 "open|clean <boot id>": how the last user of sled/ left it
//!   sled/                the store
//!   cut                  the cut being written to sled, whole, or torn before sled was touched
//!   checkpoint-<cut>     two of them
//!   retired-<cut>        checkpoints that an ordered rebuild does not use; gone with the next one
//!   damaged-<n>          sled folders set aside
//!   trail, trail.old     what changed in the indexes of late
//! ```
//!
//! sled does not sync what it writes. A process that dies leaves its writes to the kernel, and
//! sled can be opened again; a machine that dies does not. The boot id tells the two apart.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use rustix::fs::{FlockOperation, flock, statvfs};

pub(crate) struct Folder {
    root: PathBuf,
    boot_id: Option<String>,
    _lock: File,
}

/// How the last user left sled.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Left {
    /// Closed, and synced to disk.
    Clean,
    /// A process of this boot died with it open.
    Open,
    /// The machine stopped with it open, or nobody can tell.
    Doubtful,
}

const BOOT_ID: &str = "/proc/sys/kernel/random/boot_id";

impl Folder {
    /// # Errors
    /// When the folder cannot be made or another process has it.
    pub(crate) fn open(root: &Path, boot_id: Option<String>) -> io::Result<Self> {
        fs::create_dir_all(root)?;
        let lock = File::create(root.join("lock"))?;
        flock(&lock, FlockOperation::NonBlockingLockExclusive)?;
        Ok(Self { root: root.to_owned(), boot_id, _lock: lock })
    }

    pub(crate) fn this_boot() -> Option<String> {
        let id = fs::read_to_string(BOOT_ID).ok()?;
        let id = id.trim();
        (!id.is_empty()).then(|| id.to_owned())
    }

    pub(crate) fn sled(&self) -> PathBuf {
        self.root.join("sled")
    }

    pub(crate) fn cut(&self) -> PathBuf {
        self.root.join("cut")
    }

    pub(crate) fn checkpoint(&self, cut: u64) -> PathBuf {
        self.root.join(format!("checkpoint-{cut:016}"))
    }

    pub(crate) fn checkpoint_draft(&self) -> PathBuf {
        self.root.join("checkpoint.draft")
    }

    /// The newer one first.
    pub(crate) fn trails(&self) -> [PathBuf; 2] {
        ["trail", "trail.old"].map(|name| self.root.join(name))
    }

    pub(crate) fn delete_trails(&self) -> io::Result<()> {
        self.trails().into_iter().try_for_each(|path| absent_is_fine(fs::remove_file(path)))
    }

    pub(crate) fn left(&self) -> Left {
        let mark = fs::read_to_string(self.root.join("mark")).unwrap_or_default();
        match mark.trim().split_once(' ') {
            Some(("clean", _)) => Left::Clean,
            Some(("open", id)) if Some(id) == self.boot_id.as_deref() => Left::Open,
            _ => Left::Doubtful,
        }
    }

    pub(crate) fn mark_open(&self) -> io::Result<()> {
        self.mark("open")
    }

    /// Syncs all that sled wrote, then says so.
    pub(crate) fn mark_clean(&self) -> io::Result<()> {
        sync_tree(&self.sled())?;
        self.mark("clean")
    }

    fn mark(&self, word: &str) -> io::Result<()> {
        let id = self.boot_id.as_deref().unwrap_or("unknown-boot");
        let draft = self.root.join("mark.draft");
        let mut file = File::create(&draft)?;
        writeln!(file, "{word} {id}")?;
        file.sync_all()?;
        fs::rename(&draft, self.root.join("mark"))?;
        self.sync()
    }

    pub(crate) fn sync(&self) -> io::Result<()> {
        File::open(&self.root)?.sync_all()
    }

    /// Bytes that an unprivileged process can still write.
    pub(crate) fn free_bytes(&self) -> io::Result<u64> {
        let stat = statvfs(&self.root)?;
        Ok(stat.f_bavail.saturating_mul(stat.f_frsize))
    }

    /// Checkpoints, newest first.
    pub(crate) fn checkpoints(&self) -> io::Result<Vec<(u64, PathBuf)>> {
        let mut found = self.numbered("checkpoint-")?;
        found.reverse();
        Ok(found)
    }

    /// Entries called `<prefix><number>`, lowest number first.
    fn numbered(&self, prefix: &str) -> io::Result<Vec<(u64, PathBuf)>> {
        let mut found = Vec::new();
        for entry in fs::read_dir(&self.root)? {
            let entry = entry?;
            let name = entry.file_name();
            let number = name.to_str().and_then(|name| name.strip_prefix(prefix)?.parse().ok());
            found.extend(number.map(|number: u64| (number, entry.path())));
        }
        found.sort();
        Ok(found)
    }

    pub(crate) fn retire_checkpoints(&self) -> io::Result<()> {
        for (cut, _) in self.checkpoints()? {
            self.retire_checkpoint(cut)?;
        }
        self.sync()
    }

    pub(crate) fn retire_checkpoint(&self, cut: u64) -> io::Result<()> {
        let retired = self.root.join(format!("retired-{cut:016}"));
        absent_is_fine(fs::rename(self.checkpoint(cut), retired))
    }

    /// The highest number that a checkpoint has had.
    pub(crate) fn highest_number(&self) -> io::Result<u64> {
        let all = [self.numbered("checkpoint-")?, self.numbered("retired-")?].concat();
        Ok(all.into_iter().map(|(number, _)| number).max().unwrap_or(0))
    }

    pub(crate) fn delete_retired(&self) -> io::Result<()> {
        self.numbered("retired-")?.into_iter().try_for_each(|(_, path)| fs::remove_file(path))
    }

    pub(crate) fn delete_sled(&self) -> io::Result<()> {
        absent_is_fine(fs::remove_file(self.cut()))?;
        absent_is_fine(fs::remove_dir_all(self.sled()))
    }

    /// Moves a sled folder that cannot be used out of the way, and deletes the oldest of too many.
    pub(crate) fn set_sled_aside(&self, kept_max: u32) -> io::Result<()> {
        absent_is_fine(fs::remove_file(self.cut()))?;
        let aside = self.numbered("damaged-")?;
        let next = aside.last().map_or(1, |(number, _)| number + 1);
        absent_is_fine(fs::rename(self.sled(), self.root.join(format!("damaged-{next}"))))?;
        let mut aside = self.numbered("damaged-")?;
        while aside.len() > kept_max as usize {
            absent_is_fine(fs::remove_dir_all(aside.remove(0).1))?;
        }
        Ok(())
    }
}

fn absent_is_fine(result: io::Result<()>) -> io::Result<()> {
    match result {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        other => other,
    }
}

fn sync_tree(path: &Path) -> io::Result<()> {
    if path.is_dir() {
        for entry in fs::read_dir(path)? {
            sync_tree(&entry?.path())?;
        }
    }
    File::open(path)?.sync_all()
}
