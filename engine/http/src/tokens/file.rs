//! `tokens.json` on disk.
//!
//! At most [`TOKENS_MAX`] entries; mode 0600, and one that others can read is refused. Written to
//! a temporary file, fsynced, renamed, the directory fsynced: a reader sees the old list or the
//! new one. Writers (two command lines at once) take turns on `tokens.lock`. A revoked entry
//! stays, marked: it keeps the server closed and says who once had access.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use serde::{Deserialize, Serialize};
use sluice_ids::EjId;

use super::TokenError;
use crate::role::Role;

/// Most entries, revoked ones included: each request compares with every one of them.
pub const TOKENS_MAX: usize = 1000;

const FORMAT: u32 = 1;
const FILE_BYTES_MAX: u64 = 4 * 1024 * 1024;

#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Stored {
    format: u32,
    pub(super) tokens: Vec<Entry>,
}

impl Default for Stored {
    fn default() -> Self {
        Self { format: FORMAT, tokens: Vec::new() }
    }
}

/// The EJs of a token, as written: `"all"` or a list.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub(super) enum StoredReach {
    All(AllEjs),
    Only(Vec<EjId>),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum AllEjs {
    All,
}

/// Times are seconds since 1970-01-01T00:00:00Z.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Entry {
    pub(super) id: String,
    /// SHA-256 of the whole token, lower-case hex. The token itself is nowhere.
    pub(super) sha256: String,
    pub(super) role: Role,
    pub(super) ejs: StoredReach,
    pub(super) created: i64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) expires: Option<i64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) revoked: Option<i64>,
}

/// What tells one version of the file from another. A replaced file has another inode.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct FileMark {
    inode: u64,
    bytes: u64,
    modified: Option<SystemTime>,
}

/// The file's mark; `None` when there is no file.
pub(super) fn mark(path: &Path) -> io::Result<Option<FileMark>> {
    match fs::metadata(path) {
        Ok(meta) => Ok(Some(FileMark {
            inode: meta.ino(),
            bytes: meta.len(),
            modified: meta.modified().ok(),
        })),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

/// The list and the mark of the file that it was read from. No file is an empty list.
pub(super) fn read(path: &Path) -> Result<(Stored, Option<FileMark>), TokenError> {
    let io = |source| TokenError::Io { path: path.to_owned(), source };
    let mut file = match File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            return Ok((Stored::default(), None));
        }
        Err(error) => return Err(io(error)),
    };
    let meta = file.metadata().map_err(io)?;
    let mode = meta.permissions().mode() & 0o777;
    if mode & 0o077 != 0 {
        return Err(TokenError::Exposed { path: path.to_owned(), mode });
    }
    if meta.len() > FILE_BYTES_MAX {
        return Err(TokenError::Unreadable { path: path.to_owned(), line: 0 });
    }
    let mut text = String::new();
    file.read_to_string(&mut text).map_err(io)?;
    let stored: Stored = serde_json::from_str(&text)
        .map_err(|e| TokenError::Unreadable { path: path.to_owned(), line: e.line() })?;
    if stored.format != FORMAT {
        return Err(TokenError::Format { path: path.to_owned(), format: stored.format });
    }
    let mark = FileMark { inode: meta.ino(), bytes: meta.len(), modified: meta.modified().ok() };
    Ok((stored, Some(mark)))
}

/// Reads, changes and replaces the list, one writer at a time.
pub(super) fn update<T>(
    path: &Path,
    change: impl FnOnce(&mut Stored) -> Result<T, TokenError>,
) -> Result<T, TokenError> {
    let io = |source| TokenError::Io { path: path.to_owned(), source };
    let folder = path.parent().map_or_else(|| PathBuf::from("."), Path::to_owned);
    fs::create_dir_all(&folder).map_err(io)?;
    let lock = private(&folder.join("tokens.lock")).map_err(io)?;
    lock.lock().map_err(io)?;

    let (mut stored, _) = read(path)?;
    let outcome = change(&mut stored)?;

    let temporary = path.with_extension("json.new");
    let mut text = serde_json::to_vec_pretty(&stored)
        .map_err(|_| TokenError::Unreadable { path: path.to_owned(), line: 0 })?;
    text.push(b'\n');
    // What a killed writer left behind may have another mode.
    match fs::remove_file(&temporary) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(io(error)),
        _ => {}
    }
    let mut file = private(&temporary).map_err(io)?;
    file.write_all(&text).and_then(|()| file.sync_all()).map_err(io)?;
    fs::rename(&temporary, path).map_err(io)?;
    File::open(&folder).and_then(|folder| folder.sync_all()).map_err(io)?;
    Ok(outcome)
}

fn private(path: &Path) -> io::Result<File> {
    OpenOptions::new().create(true).write(true).truncate(true).mode(0o600).open(path)
}
