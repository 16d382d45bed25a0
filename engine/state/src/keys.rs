//! Keys of the store: whose, what, which, and which part.
//!
//! `EJ (16, zero-padded) · kind (1) · number (4, big-endian) · part (2, big-endian)`, 23 bytes.
//! A [`Tenant`] stands first in every key of a record, and none can be made but for an EJ that
//! was opened: without `Access` or an `EjWriter` there is no way to one.

use sluice_ids::EjId;
use sluice_mappings::records::RecordType;

pub(crate) const KEY_BYTES: usize = 23;

pub(crate) type Key = [u8; KEY_BYTES];

/// The prefix of an EJ's keys.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Tenant([u8; EjId::BYTES_MAX]);

/// What a value is. In key order: dossiers before stays.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Kind {
    Alias,
    /// A patient with its open stays.
    Dossier,
    /// A record that stands by itself: a stay that is closed or too much for its dossier, and
    /// everything that is neither patient nor stay.
    Alone(RecordType),
}

impl Kind {
    /// Kinds that a book keeps apart.
    pub(crate) const COUNT: usize = RecordType::COUNT + 1;

    /// Dense, from 0.
    pub(crate) const fn index(self) -> usize {
        match self {
            Self::Alias => 0,
            // A patient never stands alone.
            Self::Dossier => RecordType::Patient as usize,
            Self::Alone(ty) => ty as usize,
        }
    }

    const fn byte(self) -> u8 {
        match self {
            Self::Alias => b'a',
            Self::Dossier => b'p',
            Self::Alone(RecordType::Stay) => b's',
            Self::Alone(ty) => b't' + ty as u8,
        }
    }

    fn of_byte(byte: u8) -> Option<Self> {
        let alone = RecordType::ALL.into_iter().filter(|ty| *ty != RecordType::Patient);
        let mut kinds = [Self::Alias, Self::Dossier].into_iter().chain(alone.map(Self::Alone));
        kinds.find(|kind| kind.byte() == byte)
    }

    /// What the value's record at place `at` is.
    pub(crate) const fn holds(self, at: usize) -> RecordType {
        match (self, at) {
            (Self::Dossier, 0) => RecordType::Patient,
            (Self::Alone(ty), _) => ty,
            _ => RecordType::Stay,
        }
    }
}

impl Tenant {
    pub(crate) fn of(ej: EjId) -> Self {
        Self(ej.to_padded())
    }

    /// The key of a value's first part.
    pub(crate) fn key(self, kind: Kind, number: u32) -> Key {
        let mut key = [0; KEY_BYTES];
        key[..16].copy_from_slice(&self.0);
        key[16] = kind.byte();
        key[17..21].copy_from_slice(&number.to_be_bytes());
        key
    }
}

/// The key of one part of the value whose first part has `key`.
pub(crate) fn part(key: &Key, part: u16) -> Key {
    let mut key = *key;
    key[21..].copy_from_slice(&part.to_be_bytes());
    key
}

/// The key of the watermark: no EJ's name is empty, so that it is nobody's.
pub(crate) const WATERMARK: Key = [0; KEY_BYTES];

/// A key taken apart; `None` when it is none of ours.
pub(crate) fn parse(key: &[u8]) -> Option<(EjId, Kind, u32, u16)> {
    let key: &Key = key.try_into().ok()?;
    let ej = EjId::from_padded(key[..16].try_into().ok()?).ok()?;
    let kind = Kind::of_byte(key[16])?;
    let number = u32::from_be_bytes(key[17..21].try_into().ok()?);
    let part = u16::from_be_bytes(key[21..].try_into().ok()?);
    Some((ej, kind, number, part))
}
