//! The store behind the records at hand: sled, or memory while sled cannot be had.
//!
//! sled 0.34.7 holds no promise (ADR 0030): whatever is in it can be folded again. It may panic
//! on what it does not like, at opening or later; each call stands behind a guard.
//!
//! A value over [`PART_BYTES`] is stored in parts, so that sled never makes blobs of them; the
//! first part starts with the number of parts.

use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};

use parking_lot::RwLock;
use serde::de::DeserializeOwned;

use crate::keys::{self, Key};
use crate::layout::{self, ValueError};

/// Most bytes of a stored value.
pub(crate) const PART_BYTES: usize = 4_000;

/// Why the store could not give or take a value.
#[derive(Debug, thiserror::Error)]
pub enum ColdError {
    #[error("a record that must be in the store is not there")]
    Missing,
    #[error("a stored value cannot be used")]
    Value(#[from] ValueError),
    #[error("sled failed")]
    Sled(#[source] Box<sled::Error>),
    #[error("sled panicked")]
    Panicked,
    #[error("a part of a stored value is missing")]
    Part,
    #[error("the state was closed")]
    Closed,
}

impl From<sled::Error> for ColdError {
    fn from(error: sled::Error) -> Self {
        Self::Sled(Box::new(error))
    }
}

pub(crate) type Memory = BTreeMap<Key, Box<[u8]>>;

pub(crate) enum Tier {
    Sled(sled::Db),
    Memory(Memory),
    Closed,
}

/// Runs what may panic inside sled.
pub(crate) fn guarded<T>(f: impl FnOnce() -> Result<T, ColdError>) -> Result<T, ColdError> {
    catch_unwind(AssertUnwindSafe(f)).unwrap_or(Err(ColdError::Panicked))
}

pub(crate) struct Cold(RwLock<Tier>);

impl Cold {
    pub(crate) fn new(tier: Tier) -> Self {
        Self(RwLock::new(tier))
    }

    pub(crate) fn is_sled(&self) -> bool {
        matches!(*self.0.read(), Tier::Sled(_))
    }

    pub(crate) fn into_tier(self) -> Tier {
        self.0.into_inner()
    }

    /// Puts another tier in place; gives the old one.
    pub(crate) fn replace(&self, tier: Tier) -> Tier {
        std::mem::replace(&mut *self.0.write(), tier)
    }

    pub(crate) fn read<T: DeserializeOwned>(&self, key: &Key) -> Result<Option<T>, ColdError> {
        let Some(bytes) = self.get(key)? else { return Ok(None) };
        Ok(Some(layout::decode(&bytes)?))
    }

    /// A whole value.
    pub(crate) fn get(&self, key: &Key) -> Result<Option<Vec<u8>>, ColdError> {
        let tier = self.0.read();
        guarded(|| {
            let Some(first) = tier.get(key)? else { return Ok(None) };
            let mut value = Joined::start(&first)?;
            while let Some(part) = value.wanted() {
                value.add(&tier.get(&keys::part(key, part))?.ok_or(ColdError::Part)?);
            }
            Ok(Some(value.bytes))
        })
    }

    /// Makes one change of a cut, part by part.
    pub(crate) fn write(&self, key: &Key, part: Option<&[u8]>) -> Result<(), ColdError> {
        // Readers go on beside an insert into sled; a map needs the lock for itself.
        {
            let tier = self.0.read();
            if let Tier::Sled(db) = &*tier {
                return guarded(|| {
                    match part {
                        Some(part) => db.insert(key, part)?,
                        None => db.remove(key)?,
                    };
                    Ok(())
                });
            }
        }
        if let Tier::Memory(map) = &mut *self.0.write() {
            match part {
                Some(part) => map.insert(*key, part.into()),
                None => map.remove(key),
            };
        }
        Ok(())
    }

    pub(crate) fn flush(&self) -> Result<(), ColdError> {
        let tier = self.0.read();
        if let Tier::Sled(db) = &*tier {
            guarded(|| Ok(db.flush().map(|_| ())?))?;
        }
        Ok(())
    }

    /// Every entry as stored, in key order. The flusher alone writes, and it alone walks.
    pub(crate) fn walk<E: From<ColdError>>(
        &self,
        mut each: impl FnMut(&Key, &[u8]) -> Result<(), E>,
    ) -> Result<(), E> {
        let tier = self.0.read();
        match &*tier {
            Tier::Memory(map) => map.iter().try_for_each(|(key, value)| each(key, value)),
            Tier::Closed => Err(ColdError::Closed.into()),
            Tier::Sled(db) => {
                let mut entries = db.iter();
                while let Some((key, value)) = guarded(|| Ok(entries.next().transpose()?))? {
                    let key: &Key = key[..].try_into().map_err(|_| ColdError::Missing)?;
                    each(key, &value)?;
                }
                Ok(())
            }
        }
    }
}

impl Tier {
    fn get(&self, key: &Key) -> Result<Option<Vec<u8>>, ColdError> {
        Ok(match self {
            Self::Sled(db) => db.get(key)?.map(|value| value.to_vec()),
            Self::Memory(map) => map.get(key).map(|value| value.to_vec()),
            Self::Closed => return Err(ColdError::Closed),
        })
    }
}

/// A value cut into parts.
pub(crate) fn split(value: &[u8]) -> impl Iterator<Item = (u16, Vec<u8>)> + '_ {
    let room = PART_BYTES - 2;
    let first = &value[..value.len().min(room)];
    let rest = &value[first.len()..];
    let parts = 1 + rest.len().div_ceil(PART_BYTES);
    let parts = u16::try_from(parts).expect("a record is under 256 MB");
    let head = [&parts.to_le_bytes(), first].concat();
    let tail = rest.chunks(PART_BYTES).map(<[u8]>::to_vec);
    (0..parts).zip(std::iter::once(head).chain(tail))
}

/// A value put together from its parts.
pub(crate) struct Joined {
    pub(crate) bytes: Vec<u8>,
    pub(crate) parts: u16,
    next: u16,
}

impl Joined {
    pub(crate) fn start(first: &[u8]) -> Result<Self, ColdError> {
        let (parts, first) = first.split_first_chunk::<2>().ok_or(ColdError::Part)?;
        let parts = u16::from_le_bytes(*parts);
        if parts == 0 {
            return Err(ColdError::Part);
        }
        Ok(Self { bytes: first.to_vec(), parts, next: 1 })
    }

    /// The part that comes next, or `None` when the value is whole.
    pub(crate) fn wanted(&self) -> Option<u16> {
        (self.next < self.parts).then_some(self.next)
    }

    pub(crate) fn add(&mut self, part: &[u8]) {
        self.bytes.extend_from_slice(part);
        self.next += 1;
    }
}
