//! What operators told channels to do, kept across restarts: `<data_dir>/channels.json`, the ids of
//! those that were stopped or paused. One that is not in it runs.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{Error, ErrorKind, Result, Write};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
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
        let told = match fs::read(&path) {
            Ok(text) => serde_json::from_slice(&text)
                .map_err(|error| Error::other(format!("{}: {error}", path.display())))?,
            Err(error) if error.kind() == ErrorKind::NotFound => BTreeMap::new(),
            Err(error) => return Err(Error::other(format!("{}: {error}", path.display()))),
        };
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
        let new = self.path.with_extension("json.new");
        let mut file = File::create(&new)?;
        file.write_all(&serde_json::to_vec_pretty(&told)?)?;
        file.sync_all()?;
        fs::rename(&new, &self.path)?;
        if let Some(folder) = self.path.parent() {
            File::open(folder)?.sync_all()?;
        }
        self.told = told;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
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
}
