//! The head mark: the last lsn that is known to be on stable storage.
//!
//! Two slots of 40 bytes at 0 and 512, written in turn so that a torn write leaves the other:
//! `magic 8 · journal id 16 · lsn 8 · crc32c 4 · zero 4`. Written after each commit and not
//! synced itself: it survives a killed process, and after a power cut it is merely older (the
//! records of later groups then bear witness, see [`super::RecordMeta::in_group`]).

use super::{Cut, JournalId};

pub const HEAD_FILE: &str = "head";
pub const HEAD_BYTES: usize = 1024;
const SLOT_BYTES: usize = 40;
const SLOTS_AT: [usize; 2] = [0, 512];
const MAGIC: &[u8; 8] = b"SLUICEH1";

/// The slot's bytes and where they go; `turn` alternates.
pub fn encode_head(journal: JournalId, lsn: u64, turn: bool) -> ([u8; SLOT_BYTES], u64) {
    let mut slot = [0; SLOT_BYTES];
    slot[..8].copy_from_slice(MAGIC);
    slot[8..24].copy_from_slice(&journal.0);
    slot[24..32].copy_from_slice(&lsn.to_le_bytes());
    let crc = crc32c::crc32c(&slot[..32]);
    slot[32..36].copy_from_slice(&crc.to_le_bytes());
    (slot, SLOTS_AT[usize::from(turn)] as u64)
}

/// The higher of the two slots that are sound.
pub fn decode_head(file: &[u8]) -> Option<(JournalId, u64)> {
    SLOTS_AT
        .into_iter()
        .filter_map(|at| {
            let slot = file.get(at..at + SLOT_BYTES)?;
            let mut cut = Cut(slot);
            let magic = cut.take(8)?;
            let journal = JournalId(cut.array()?);
            let lsn = cut.u64()?;
            let sound = magic == MAGIC && cut.u32()? == crc32c::crc32c(&slot[..32]);
            sound.then_some((journal, lsn))
        })
        .max_by_key(|(_, lsn)| *lsn)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_torn_slot_leaves_the_other() {
        let journal = JournalId([7; 16]);
        let mut file = vec![0; HEAD_BYTES];
        for (lsn, turn) in [(41, false), (42, true)] {
            let (slot, at) = encode_head(journal, lsn, turn);
            file[at as usize..at as usize + SLOT_BYTES].copy_from_slice(&slot);
        }
        assert_eq!(decode_head(&file), Some((journal, 42)));
        file[515] ^= 1;
        assert_eq!(decode_head(&file), Some((journal, 41)));
    }
}
