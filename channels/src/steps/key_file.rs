//! Keys of surrogates, in files of their own: settings and journal name a key by its file and its
//! id, and never hold it.

use std::fs::File;
use std::io::{Error, Read};
use std::path::{Path, PathBuf};

use sluice_mappings::deidentify::{KEY_BYTES_MAX, KEY_BYTES_MIN, Key};

#[derive(Debug, thiserror::Error)]
pub enum KeyFileError {
    #[error("{} cannot be read: {source}", path.display())]
    Io { path: PathBuf, source: Error },
    #[error("{}: a key has at least {KEY_BYTES_MIN} bytes, and at most {KEY_BYTES_MAX}", path.display())]
    Size { path: PathBuf },
}

/// The key in a file.
///
/// # Errors
/// When it cannot be read, or cannot be a key.
pub fn read_key(path: &Path) -> Result<Key, KeyFileError> {
    let mut bytes = Vec::new();
    File::open(path)
        .and_then(|file| file.take(KEY_BYTES_MAX as u64 + 1).read_to_end(&mut bytes))
        .map_err(|source| KeyFileError::Io { path: path.to_owned(), source })?;
    Key::from_bytes(&bytes).ok_or_else(|| KeyFileError::Size { path: path.to_owned() })
}
