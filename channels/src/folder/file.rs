//! One file's way: read whole, and moved once nothing more is to be done with it.
//!
//! What is written is on the disk before it is seen under its name, and the file is moved last: a
//! crash before that leaves it where it is, to be read again.

use std::ffi::{OsStr, OsString};
use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

use bytes::Bytes;

use super::look::Stamp;

/// Why a file was not read.
#[derive(Debug)]
pub enum Unread {
    /// Gone, or changed since the look: the next one sees what it is.
    Moved,
    TooLarge,
    /// Not for us to read.
    Forbidden,
    Failed,
}

/// Reads a file that is as `stamp` says, whole.
pub fn read(path: &Path, stamp: Stamp, bytes_max: u64) -> Result<Bytes, Unread> {
    if stamp.bytes > bytes_max {
        return Err(Unread::TooLarge);
    }
    let unread = |error: io::Error| match error.kind() {
        io::ErrorKind::NotFound => Unread::Moved,
        io::ErrorKind::PermissionDenied => Unread::Forbidden,
        _ => Unread::Failed,
    };
    let mut file = File::open(path).map_err(unread)?;
    let mut bytes = Vec::with_capacity(usize::try_from(stamp.bytes).unwrap_or(0));
    (&mut file).take(bytes_max + 1).read_to_end(&mut bytes).map_err(unread)?;
    let now = file.metadata().map_err(unread)?;
    if Stamp::of(&now) != stamp || bytes.len() as u64 != stamp.bytes {
        return Err(Unread::Moved);
    }
    Ok(bytes.into())
}

/// Moves a file whose messages were answered to `done`, its `answers` beside it. False where it
/// is no longer what was read: then nothing is moved.
pub fn finish(path: &Path, stamp: Stamp, done: &Path, answers: &[u8]) -> io::Result<bool> {
    move_with(path, stamp, done, "ack", answers)
}

/// Moves a file that cannot be taken to `broken`, with the reason beside it.
pub fn set_aside(path: &Path, stamp: Stamp, broken: &Path, reason: &str) -> io::Result<bool> {
    move_with(path, stamp, broken, "reason", format!("{reason}\n").as_bytes())
}

fn move_with(path: &Path, stamp: Stamp, to: &Path, beside: &str, text: &[u8]) -> io::Result<bool> {
    let Some(name) = path.file_name() else { return Ok(false) };
    let is_same = match fs::symlink_metadata(path) {
        Ok(metadata) => Stamp::of(&metadata) == stamp,
        Err(error) if error.kind() == io::ErrorKind::NotFound => false,
        Err(error) => return Err(error),
    };
    if !is_same {
        return Ok(false);
    }
    let target = free(to, name)?;
    write_whole(&with_suffix(&target, beside), text)?;
    fs::rename(path, &target)?;
    sync_folder(to)?;
    if let Some(from) = path.parent() {
        sync_folder(from)?;
    }
    Ok(true)
}

/// A name that no file has there: its own, or its own and a number.
fn free(folder: &Path, name: &OsStr) -> io::Result<PathBuf> {
    let own = folder.join(name);
    let mut target = own.clone();
    for number in 1_u64.. {
        if !fs::exists(&target)? {
            break;
        }
        target = with_suffix(&own, &number.to_string());
    }
    Ok(target)
}

fn with_suffix(path: &Path, suffix: &str) -> PathBuf {
    let mut name = OsString::from(path);
    name.push(".");
    name.push(suffix);
    name.into()
}

fn write_whole(path: &Path, text: &[u8]) -> io::Result<()> {
    let unfinished = with_suffix(path, "tmp");
    let mut file = OpenOptions::new().write(true).create(true).truncate(true).open(&unfinished)?;
    file.write_all(text)?;
    file.sync_all()?;
    drop(file);
    fs::rename(&unfinished, path)
}

fn sync_folder(folder: &Path) -> io::Result<()> {
    File::open(folder)?.sync_all()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stamp_of(path: &Path) -> Stamp {
        Stamp::of(&fs::symlink_metadata(path).unwrap())
    }

    #[test]
    fn a_file_is_moved_whole_with_its_answers_and_never_over_another() {
        let folder = tempfile::tempdir().unwrap();
        let done = folder.path().join("done");
        fs::create_dir(&done).unwrap();
        let path = folder.path().join("adt.hl7");
        for (round, expected) in [("1", "adt.hl7"), ("2", "adt.hl7.1"), ("3", "adt.hl7.2")] {
            fs::write(&path, round).unwrap();
            assert!(finish(&path, stamp_of(&path), &done, round.as_bytes()).unwrap());
            assert!(!path.exists());
            assert_eq!(fs::read_to_string(done.join(expected)).unwrap(), round);
            let answers = done.join(format!("{expected}.ack"));
            assert_eq!(fs::read_to_string(answers).unwrap(), round);
        }
        assert_eq!(fs::read_dir(&done).unwrap().count(), 6, "nothing unfinished is left");
    }

    #[test]
    fn a_file_that_changed_since_it_was_read_stays() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("adt.hl7");
        fs::write(&path, "MSH|a").unwrap();
        let stamp = stamp_of(&path);
        assert_eq!(&read(&path, stamp, 100).unwrap()[..], b"MSH|a");
        fs::write(&path, "MSH|a and more").unwrap();
        assert!(matches!(read(&path, stamp, 100), Err(Unread::Moved)));
        assert!(!finish(&path, stamp, folder.path(), b"").unwrap());
        assert!(path.exists());
        assert!(matches!(read(&path, stamp_of(&path), 4), Err(Unread::TooLarge)));
        fs::remove_file(&path).unwrap();
        assert!(matches!(read(&path, stamp, 100), Err(Unread::Moved)));
        assert!(!set_aside(&path, stamp, folder.path(), "").unwrap());
    }
}
