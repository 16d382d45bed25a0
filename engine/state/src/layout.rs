//! Values of the store.
//!
//! `layout (1) · crc32c of the payload (4, little-endian) · payload (postcard)`. An unknown layout
//! is not read: the state is rebuilt. A value over 4 000 bytes is stored in parts (see `cold`).

use serde::{Deserialize, Serialize, de::DeserializeOwned};
use sluice_ids::{EjId, Phi, Seq};
use sluice_mappings::records::{RecordType, ResourceId};

use crate::keys::Key;
use crate::packed::Packed;

/// The layout of values, of the watermark and of files. To be raised with any change of a stored
/// type, records included: there is no migration, there is a rebuild.
pub const LAYOUT: u8 = 8;

const HEADER_BYTES: usize = 5;

/// What stands before the records of a value: a dossier's patient and then its stays, or one
/// stay, or one place.
#[derive(Serialize, Deserialize)]
struct Head {
    applied: Seq,
    /// `rid` and length in bytes of each record that follows.
    records: Vec<(u32, u32)>,
}

/// A value of records: the first is the one that the key names.
pub(crate) struct Stored {
    pub(crate) applied: Seq,
    pub(crate) records: Vec<(u32, Packed)>,
}

/// The value of a dossier, a stay or a place.
pub(crate) fn encode_records(applied: Seq, records: &[(u32, Packed)]) -> Vec<u8> {
    let length = |packed: &Packed| u32::try_from(packed.bytes().len()).expect("under 4 GB");
    let lengths = records.iter().map(|(rid, packed)| (*rid, length(packed))).collect();
    seal(|bytes| {
        let head = Head { applied, records: lengths };
        let mut bytes = postcard::to_extend(&head, bytes).expect("a head has a postcard form");
        records.iter().for_each(|(_, packed)| bytes.extend_from_slice(packed.bytes()));
        bytes
    })
}

pub(crate) fn decode_records(bytes: &[u8]) -> Result<Stored, ValueError> {
    let payload = open(bytes)?;
    let (head, mut rest): (Head, _) =
        postcard::take_from_bytes(payload).map_err(|_| ValueError::Decode)?;
    let mut records = Vec::with_capacity(head.records.len());
    for (rid, length) in head.records {
        let (record, after) = rest.split_at_checked(length as usize).ok_or(ValueError::Decode)?;
        records.push((rid, Packed::from_bytes(record)));
        rest = after;
    }
    if rest.is_empty() {
        Ok(Stored { applied: head.applied, records })
    } else {
        Err(ValueError::Decode)
    }
}

/// An identifier that finds a patient who does not list it.
#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct StoredAlias {
    pub(crate) applied: Seq,
    pub(crate) system: Phi<String>,
    pub(crate) value: Phi<String>,
    pub(crate) patient: ResourceId,
}

/// What a whole store must hold: written last in a cut, checked at every opening.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Watermark {
    /// Rises by one with every cut.
    pub(crate) cut: u64,
    pub(crate) ejs: Vec<EjMark>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct EjMark {
    pub(crate) ej: EjId,
    pub(crate) applied: Seq,
    /// Records by `RecordType`, in its order.
    pub(crate) records: [u32; RecordType::COUNT],
    pub(crate) aliases: u32,
    /// Wrapping sum of [`entry_hash`] over all values: a lost, stale or foreign one shows.
    pub(crate) sum: u64,
}

/// Why a value cannot be used. Says nothing of what is in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ValueError {
    #[error("a value of layout {found}; this version reads {LAYOUT}")]
    Layout { found: u8 },
    #[error("a value's checksum does not fit")]
    Checksum,
    #[error("a value does not decode")]
    Decode,
}

pub(crate) fn encode<T: Serialize>(value: &T) -> Vec<u8> {
    seal(|bytes| postcard::to_extend(value, bytes).expect("what is stored has a postcard form"))
}

pub(crate) fn decode<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, ValueError> {
    match postcard::take_from_bytes(open(bytes)?) {
        Ok((value, [])) => Ok(value),
        _ => Err(ValueError::Decode),
    }
}

fn seal(payload: impl FnOnce(Vec<u8>) -> Vec<u8>) -> Vec<u8> {
    let mut header = vec![0; HEADER_BYTES];
    header[0] = LAYOUT;
    let mut bytes = payload(header);
    let crc = crc32c::crc32c(&bytes[HEADER_BYTES..]);
    bytes[1..HEADER_BYTES].copy_from_slice(&crc.to_le_bytes());
    bytes
}

fn open(bytes: &[u8]) -> Result<&[u8], ValueError> {
    let (&found, rest) = bytes.split_first().ok_or(ValueError::Decode)?;
    if found != LAYOUT {
        return Err(ValueError::Layout { found });
    }
    let (crc, payload) = rest.split_first_chunk::<4>().ok_or(ValueError::Decode)?;
    if u32::from_le_bytes(*crc) != crc32c::crc32c(payload) {
        return Err(ValueError::Checksum);
    }
    Ok(payload)
}

/// What an entry adds to its EJ's sum.
pub(crate) fn entry_hash(key: &Key, value: &[u8]) -> u64 {
    let crc = crc32c::crc32c_append(crc32c::crc32c(key), value);
    let mut x = u64::from(crc) << 32 | value.len() as u64 & 0xffff_ffff;
    // splitmix64: spreads the checksum over all bits, so that sums do not cancel out.
    x = (x ^ x >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    x = (x ^ x >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
    x ^ x >> 31
}
