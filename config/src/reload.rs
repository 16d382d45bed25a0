//! Reading the channels again, beside those that run: a bad file leaves its channel as it was.

use std::path::{Path, PathBuf};
use std::time::SystemTime;

use sluice_channels::ChannelSettings;

use crate::channels::{self, ChannelFile};
use crate::check::check;
use crate::keys;
use crate::load::{Layers, Sources, layers, source_of};
use crate::problem::{ConfigError, Problem};
use crate::settings::Config;

/// A channel, and the file it stands in; `None`: the main file.
pub type Written = (ChannelSettings, Option<PathBuf>);

/// What should run from now on.
#[derive(Debug)]
pub struct Reloaded {
    pub channels: Vec<Written>,
    /// Files that are not in force.
    pub bad: Vec<BadFile>,
    /// Keys of the main file that changed, and need a restart.
    pub restart: Vec<String>,
}

/// A file that is not in force, and everything that is wrong with it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BadFile {
    pub path: PathBuf,
    pub problems: Vec<Problem>,
}

struct Candidate {
    channel: ChannelSettings,
    file: Option<PathBuf>,
    /// Of a file that says something new.
    text: Option<String>,
}

/// Reads the main file and the channel files again. `now` is the configuration of the start,
/// `running` what runs: where a file is bad, or does not fit beside the others, what runs of it
/// stays.
///
/// # Errors
/// When the main file is what is wrong: then nothing changes.
pub fn reload(
    sources: &Sources,
    now: &Config,
    running: &[Written],
) -> Result<Reloaded, ConfigError> {
    let Layers { figment, config, problems, .. } = layers(sources)?;
    if !problems.is_empty() {
        return Err(ConfigError { problems });
    }
    let restart = changed(now, &config);
    let folder = sources.folder();
    // The EJs are those of the start, and so is the folder: the rest of the file needs a restart.
    let mut whole = Config { channel: Vec::new(), ..now.clone() };
    let (mut bad, mut candidates) = (Vec::new(), Vec::new());
    let main = config.channel.len();
    for channel in config.channel {
        candidates.push(Candidate { channel, file: None, text: None });
    }
    for file in channels::read(sources.channels_folder(&now.channels_dir).as_deref())? {
        let ChannelFile { path, text, channel } = file;
        let before = running.iter().find(|(_, file)| file.as_ref() == Some(&path));
        match channel {
            Ok(channel) => {
                candidates.push(Candidate { channel, file: Some(path), text: Some(text) });
            }
            Err(problem) => {
                if let Some((channel, _)) = before {
                    let (channel, file) = (channel.clone(), Some(path.clone()));
                    candidates.push(Candidate { channel, file, text: None });
                }
                bad.push(BadFile { path, problems: vec![problem] });
            }
        }
    }
    loop {
        resolve(&mut candidates, folder, &mut whole);
        for candidate in &mut candidates {
            let is_same = |(channel, file): &Written| {
                *file == candidate.file && *channel == candidate.channel
            };
            if running.iter().any(is_same) {
                candidate.text = None;
            }
        }
        // What is new gives way to what runs.
        candidates[main..].sort_by_key(|candidate| candidate.text.is_some());
        whole.channel = candidates.iter().map(|candidate| candidate.channel.clone()).collect();
        let name_of = |index: usize| match candidates.get(index).and_then(|c| c.file.as_ref()) {
            Some(path) => path.display().to_string(),
            None => format!("channel.{index}"),
        };
        let mut wrong = keys::resolve(&mut whole, folder);
        wrong.extend(check(&whole, &name_of));
        if wrong.is_empty() {
            let channels = candidates.into_iter().map(|c| (c.channel, c.file)).collect();
            return Ok(Reloaded { channels, bad, restart });
        }
        let blamed = blame(&candidates, wrong, &|key| source_of(&figment, key))?;
        for BadFile { path, problems } in blamed {
            candidates.retain(|candidate| candidate.file.as_ref() != Some(&path));
            if let Some((channel, _)) = running.iter().find(|(_, file)| *file == Some(path.clone()))
            {
                let (channel, file) = (channel.clone(), Some(path.clone()));
                candidates.push(Candidate { channel, file, text: None });
            }
            bad.push(BadFile { path, problems });
        }
    }
}

/// Finds the files that steps name, so that what runs and what is written compare.
fn resolve(candidates: &mut [Candidate], folder: &Path, whole: &mut Config) {
    whole.channel = candidates.iter().map(|candidate| candidate.channel.clone()).collect();
    // What is wrong is found again, and told, with the rest.
    let _ = keys::resolve(whole, folder);
    for (candidate, channel) in candidates.iter_mut().zip(&whole.channel) {
        candidate.channel = channel.clone();
    }
}

/// The new files that are to blame.
///
/// # Errors
/// When none is: it is the main file.
fn blame(
    candidates: &[Candidate],
    wrong: Vec<(String, String)>,
    source_of: &dyn Fn(&str) -> String,
) -> Result<Vec<BadFile>, ConfigError> {
    let (mut blamed, mut others): (Vec<BadFile>, _) = (Vec::new(), Vec::new());
    for (key, what) in wrong {
        let new = channels::index_of(&key).and_then(|(at, rest)| {
            let candidate = candidates.get(at)?;
            Some((candidate.file.as_ref()?, candidate.text.as_ref()?, rest))
        });
        let Some((path, text, rest)) = new else {
            others.push(Problem { source: source_of(&key), key, what, nearest: None });
            continue;
        };
        let problem = channels::problem(path, text, rest, what);
        match blamed.iter_mut().find(|file| file.path == *path) {
            Some(file) => file.problems.push(problem),
            None => blamed.push(BadFile { path: path.clone(), problems: vec![problem] }),
        }
    }
    if blamed.is_empty() { Err(ConfigError { problems: others }) } else { Ok(blamed) }
}

/// Keys other than channels whose values differ.
fn changed(now: &Config, then: &Config) -> Vec<String> {
    let table = |config: &Config| {
        toml::Table::try_from(Config { channel: Vec::new(), ..config.clone() }).unwrap_or_default()
    };
    let mut keys = Vec::new();
    differ("", &table(now), &table(then), &mut keys);
    keys
}

fn differ(prefix: &str, now: &toml::Table, then: &toml::Table, keys: &mut Vec<String>) {
    let mut names: Vec<&String> = now.keys().chain(then.keys()).collect();
    names.sort();
    names.dedup();
    for name in names {
        let key = if prefix.is_empty() { name.clone() } else { format!("{prefix}.{name}") };
        match (now.get(name), then.get(name)) {
            (Some(toml::Value::Table(now)), Some(toml::Value::Table(then))) => {
                differ(&key, now, then, keys);
            }
            (now, then) if now != then => keys.push(key),
            _ => {}
        }
    }
}

/// When each channel file was written last, and how long it is: another where one changed.
pub type Stamp = Vec<(PathBuf, Option<SystemTime>, u64)>;

/// How the channel files look from outside; `None` where the folder cannot be read.
#[must_use]
pub fn stamp(sources: &Sources, now: &Config) -> Option<Stamp> {
    let paths = channels::paths(&sources.channels_folder(&now.channels_dir)?).ok()?;
    let look = |path: PathBuf| {
        let metadata = std::fs::metadata(&path).ok();
        let written = metadata.as_ref().and_then(|metadata| metadata.modified().ok());
        (path, written, metadata.map_or(0, |metadata| metadata.len()))
    };
    Some(paths.into_iter().map(look).collect())
}
