//! The channel files: each `*.toml` of `channels_dir` is one channel.

use std::path::{Path, PathBuf};

use sluice_channels::ChannelSettings;

use crate::problem::{ConfigError, Problem};
use crate::toml_file;

/// A file, and the channel in it.
pub struct ChannelFile {
    pub path: PathBuf,
    pub text: String,
    pub channel: Result<ChannelSettings, Problem>,
}

/// The files of that folder, in the order of their names; none where there is no folder.
///
/// # Errors
/// When the folder cannot be read.
pub fn read(folder: Option<&Path>) -> Result<Vec<ChannelFile>, ConfigError> {
    let Some(folder) = folder else { return Ok(Vec::new()) };
    let paths = paths(folder)
        .map_err(|error| ConfigError { problems: vec![unreadable(folder, &error)] })?;
    Ok(paths.into_iter().map(file).collect())
}

fn file(path: PathBuf) -> ChannelFile {
    match std::fs::read_to_string(&path) {
        Ok(text) => ChannelFile { channel: toml_file::parse(&path, &text), path, text },
        Err(error) => {
            ChannelFile { channel: Err(unreadable(&path, &error)), path, text: String::new() }
        }
    }
}

/// What is wrong with a key of a file, with its line.
pub fn problem(path: &Path, text: &str, key: &str, what: String) -> Problem {
    let source = toml_file::place(path, text, key);
    Problem { key: key.to_owned(), source, what, nearest: None }
}

/// The channel that a key of the whole configuration is about, and the key within it.
pub fn index_of(key: &str) -> Option<(usize, &str)> {
    let (index, rest) = key.strip_prefix("channel.")?.split_once('.')?;
    Some((index.parse().ok()?, rest))
}

/// Those that count: what an editor leaves behind (`.x.toml.swp`, `x.toml~`) does not.
pub fn paths(folder: &Path) -> std::io::Result<Vec<PathBuf>> {
    let entries = match std::fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(error),
    };
    let mut paths = Vec::new();
    for entry in entries {
        let path = entry?.path();
        let hidden = path.file_name().is_none_or(|name| name.as_encoded_bytes()[0] == b'.');
        if !hidden && path.extension().is_some_and(|extension| extension == "toml") {
            paths.push(path);
        }
    }
    paths.sort();
    Ok(paths)
}

fn unreadable(path: &Path, error: &std::io::Error) -> Problem {
    let (source, what) = (path.display().to_string(), format!("cannot be read: {error}"));
    Problem { key: String::new(), source, what, nearest: None }
}
