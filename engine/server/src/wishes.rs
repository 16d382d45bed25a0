//! What operators told channels and destinations to do, kept across restarts. `<data_dir>/channels.json`:
//! the ids of channels that were stopped or paused; `destinations.json`: the destinations that were
//! paused. What is not in them runs.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, File};
use std::io::{Error, ErrorKind, Result, Write};
use std::path::{Path, PathBuf};

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use sluice_flow::Way;
use sluice_ids::ChannelId;

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Wish {
    #[default]
    Started,
    Stopped,
    Paused,
}

pub struct Wishes {
    path: PathBuf,
    told: BTreeMap<ChannelId, Wish>,
}

impl Wishes {
    /// # Errors
    /// When the file is there and cannot be read.
    pub fn open(data_dir: &Path) -> Result<Self> {
        let path = data_dir.join("channels.json");
        let told = kept(&path)?;
        Ok(Self { path, told })
    }

    pub fn of(&self, id: ChannelId) -> Wish {
        self.told.get(&id).copied().unwrap_or_default()
    }

    /// Keeps it, on stable storage.
    ///
    /// # Errors
    /// When it cannot be kept: all is as it was.
    pub fn set(&mut self, id: ChannelId, wish: Wish) -> Result<()> {
        let mut told = self.told.clone();
        match wish {
            Wish::Started => told.remove(&id),
            Wish::Stopped | Wish::Paused => told.insert(id, wish),
        };
        keep(&self.path, &told)?;
        self.told = told;
        Ok(())
    }
}

/// The destinations that an operator paused.
pub struct Paused {
    path: PathBuf,
    ways: BTreeSet<Way>,
}

impl Paused {
    /// # Errors
    /// When the file is there and cannot be read.
    pub fn open(data_dir: &Path) -> Result<Self> {
        let path = data_dir.join("destinations.json");
        let ways = kept(&path)?;
        Ok(Self { path, ways })
    }

    pub fn ways(&self) -> impl Iterator<Item = Way> {
        self.ways.iter().copied()
    }

    /// Keeps it, on stable storage.
    ///
    /// # Errors
    /// When it cannot be kept: all is as it was.
    pub fn set(&mut self, way: Way, paused: bool) -> Result<()> {
        let mut ways = self.ways.clone();
        if paused {
            ways.insert(way);
        } else {
            ways.remove(&way);
        }
        keep(&self.path, &ways)?;
        self.ways = ways;
        Ok(())
    }
}

fn kept<T: DeserializeOwned + Default>(path: &Path) -> Result<T> {
    match fs::read(path) {
        Ok(text) => serde_json::from_slice(&text)
            .map_err(|error| Error::other(format!("{}: {error}", path.display()))),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(T::default()),
        Err(error) => Err(Error::other(format!("{}: {error}", path.display()))),
    }
}

fn keep(path: &Path, told: &impl Serialize) -> Result<()> {
    let new = path.with_extension("json.new");
    let mut file = File::create(&new)?;
    file.write_all(&serde_json::to_vec_pretty(told)?)?;
    file.sync_all()?;
    fs::rename(&new, path)?;
    if let Some(folder) = path.parent() {
        File::open(folder)?.sync_all()?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use sluice_ids::DestinationName;

    use super::*;

    #[test]
    fn what_was_told_is_there_after_a_restart_and_gone_once_it_is_taken_back() {
        let folder = tempfile::tempdir().unwrap();
        let (a, b) = (ChannelId::new("a").unwrap(), ChannelId::new("b").unwrap());
        let mut wishes = Wishes::open(folder.path()).unwrap();
        wishes.set(a, Wish::Stopped).unwrap();
        wishes.set(b, Wish::Paused).unwrap();
        let mut again = Wishes::open(folder.path()).unwrap();
        assert_eq!((again.of(a), again.of(b)), (Wish::Stopped, Wish::Paused));
        again.set(a, Wish::Started).unwrap();
        assert_eq!(Wishes::open(folder.path()).unwrap().of(a), Wish::Started);
        fs::write(folder.path().join("channels.json"), "{").unwrap();
        assert!(Wishes::open(folder.path()).is_err());
    }
    #[test]
    fn a_paused_destination_is_one_after_a_restart_and_its_namesake_elsewhere_is_none() {
        let folder = tempfile::tempdir().unwrap();
        let way = |channel| Way {
            channel: ChannelId::new(channel).unwrap(),
            destination: DestinationName::new("lab").unwrap(),
        };
        let mut paused = Paused::open(folder.path()).unwrap();
        paused.set(way("a"), true).unwrap();
        paused.set(way("b"), true).unwrap();
        let mut again = Paused::open(folder.path()).unwrap();
        assert_eq!(again.ways().collect::<Vec<_>>(), [way("a"), way("b")]);
        again.set(way("a"), false).unwrap();
        again.set(way("a"), false).unwrap();
        assert_eq!(Paused::open(folder.path()).unwrap().ways().collect::<Vec<_>>(), [way("b")]);
        fs::write(folder.path().join("destinations.json"), "{").unwrap();
        assert!(Paused::open(folder.path()).is_err());
    }
}
