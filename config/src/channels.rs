//! The channel files: each `*.toml` of `channels_dir` is one channel.

use std::path::{Path, PathBuf};

use crate::problem::Problem;
use crate::settings::Config;
use crate::toml_file;

/// The channels of a configuration that stand in files of their own: the last of its list.
#[derive(Debug, Default)]
pub struct ChannelFiles {
    /// How many channels stand in the main file: the first of the list.
    main: usize,
    files: Vec<ChannelFile>,
}

#[derive(Debug)]
struct ChannelFile {
    path: PathBuf,
    text: String,
}

impl ChannelFiles {
    /// A key as its writer knows it, and where it stands; `None` for one of the main file.
    pub fn place(&self, key: &str) -> Option<(String, String)> {
        let (index, rest) = key.strip_prefix("channel.")?.split_once('.')?;
        let file = self.file(index.parse().ok()?)?;
        Some((rest.to_owned(), toml_file::place(&file.path, &file.text, rest)))
    }

    /// A channel as others are told of it.
    pub fn name(&self, index: usize) -> String {
        let file = self.file(index).map(|file| file.path.display().to_string());
        file.unwrap_or_else(|| format!("channel.{index}"))
    }

    fn file(&self, index: usize) -> Option<&ChannelFile> {
        self.files.get(index.checked_sub(self.main)?)
    }
}

/// Puts the channels of `channels_dir` behind those of the main file, in the order of their files'
/// names; everything that is wrong with them. The path counts from `folder`, that of the main file.
pub fn read(config: &mut Config, folder: Option<&Path>) -> (ChannelFiles, Vec<Problem>) {
    let folder = folder.unwrap_or(Path::new("")).join(&config.channels_dir);
    let mut found = ChannelFiles { main: config.channel.len(), files: Vec::new() };
    let mut problems = Vec::new();
    let paths = paths(&folder).unwrap_or_else(|error| {
        problems.push(unreadable(&folder, &error));
        Vec::new()
    });
    for path in paths {
        let text = match std::fs::read_to_string(&path) {
            Ok(text) => text,
            Err(error) => {
                problems.push(unreadable(&path, &error));
                continue;
            }
        };
        match toml_file::parse(&path, &text) {
            Ok(channel) => {
                config.channel.push(channel);
                found.files.push(ChannelFile { path, text });
            }
            Err(problem) => problems.push(problem),
        }
    }
    (found, problems)
}

/// Those that count: what an editor leaves behind (`.x.toml.swp`, `x.toml~`) does not.
fn paths(folder: &Path) -> std::io::Result<Vec<PathBuf>> {
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
