//! A look into the folder: which files are there, and which of them stand still.

use std::collections::{BTreeMap, BinaryHeap};
use std::ffi::OsString;
use std::fs::{self, Metadata};
use std::io;
use std::path::Path;
use std::time::{Duration, Instant, SystemTime};

/// Most files of one look: the first by name. The next look sees those after them.
const FILES_MAX: usize = 4096;

/// Ends of names that senders give to files that they are still writing.
const UNFINISHED: [&str; 4] = [".tmp", ".part", ".partial", ".filepart"];

/// What changes when a file does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stamp {
    pub bytes: u64,
    modified: Option<SystemTime>,
}

impl Stamp {
    pub fn of(metadata: &Metadata) -> Self {
        Self { bytes: metadata.len(), modified: metadata.modified().ok() }
    }
}

/// The regular files of a folder that may be taken, by name.
pub fn list(folder: &Path) -> io::Result<Vec<(OsString, Stamp)>> {
    // The largest on top: it goes where there are too many.
    let mut names = BinaryHeap::new();
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let name = entry.file_name();
        // A link could lead anywhere, and a pipe would never end.
        if !entry.file_type()?.is_file() || is_unfinished(&name) {
            continue;
        }
        names.push(name);
        if names.len() > FILES_MAX {
            names.pop();
        }
    }
    let mut files = Vec::with_capacity(names.len());
    for name in names.into_sorted_vec() {
        match fs::symlink_metadata(folder.join(&name)) {
            Ok(metadata) => files.push((name, Stamp::of(&metadata))),
            // Whoever put it there took it away again.
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(error),
        }
    }
    Ok(files)
}

fn is_unfinished(name: &OsString) -> bool {
    let name = name.as_encoded_bytes();
    name.starts_with(b".")
        || UNFINISHED.iter().any(|end| {
            let tail = name.len().checked_sub(end.len()).map(|at| &name[at..]);
            tail.is_some_and(|tail| tail.eq_ignore_ascii_case(end.as_bytes()))
        })
}

/// Since when each file stands still.
#[derive(Default)]
pub struct Still(BTreeMap<OsString, (Stamp, Instant)>);

impl Still {
    /// The files that may be taken now, in order of their names: up to the first that was still
    /// written a moment ago, since those after it come after it.
    pub fn ready(
        &mut self,
        files: Vec<(OsString, Stamp)>,
        now: Instant,
        settle: Duration,
    ) -> Vec<(OsString, Stamp)> {
        let mut before = std::mem::take(&mut self.0);
        let mut ready = Vec::new();
        let mut waits = false;
        for (name, stamp) in files {
            let since = match before.remove(&name) {
                Some((was, since)) if was == stamp => since,
                _ => now,
            };
            waits |= now.duration_since(since) < settle;
            if !waits {
                ready.push((name.clone(), stamp));
            }
            self.0.insert(name, (stamp, since));
        }
        ready
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stamp(bytes: u64) -> Stamp {
        Stamp { bytes, modified: None }
    }

    fn names(files: Vec<(OsString, Stamp)>) -> Vec<String> {
        files.into_iter().map(|(name, _)| name.into_string().unwrap()).collect()
    }

    #[test]
    fn a_file_that_grows_is_left_and_so_are_those_after_it() {
        let (mut still, began, settle) = (Still::default(), Instant::now(), Duration::from_secs(2));
        let mut ready = |seconds: u64, sizes: [u64; 3]| {
            let files = ["a", "b", "c"].into_iter().zip(sizes);
            let files = files.map(|(name, bytes)| (name.into(), stamp(bytes))).collect();
            names(still.ready(files, began + Duration::from_secs(seconds), settle))
        };
        assert!(ready(0, [1, 1, 1]).is_empty(), "nobody knows yet whether they stand still");
        assert!(ready(1, [1, 1, 1]).is_empty());
        assert_eq!(ready(2, [1, 2, 1]), ["a"], "b has grown, and c waits for it");
        assert_eq!(ready(3, [1, 2, 1]), ["a"]);
        assert_eq!(ready(4, [1, 2, 1]), ["a", "b", "c"]);
    }

    #[test]
    fn without_a_time_to_settle_a_file_is_taken_at_sight() {
        let files = vec![("a".into(), stamp(1))];
        let ready = Still::default().ready(files, Instant::now(), Duration::ZERO);
        assert_eq!(names(ready), ["a"]);
    }

    #[test]
    fn only_whole_regular_files_are_seen_in_order_of_their_names() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path();
        for name in ["b.hl7", "a.hl7", "C.hl7", ".hidden", "x.tmp", "y.PART", "10", "9"] {
            fs::write(path.join(name), "x").unwrap();
        }
        fs::create_dir(path.join("done")).unwrap();
        #[cfg(unix)]
        std::os::unix::fs::symlink(path.join("a.hl7"), path.join("link.hl7")).unwrap();
        assert_eq!(names(list(path).unwrap()), ["10", "9", "C.hl7", "a.hl7", "b.hl7"]);
    }
}
