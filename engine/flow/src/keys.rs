//! Hashes by which messages are known again. All of them are SHA-256, cut: they stand in the
//! journal's records and sidecars, so they must never depend on the process or the machine.

use std::sync::Arc;

use bytes::Bytes;
use sha2::{Digest, Sha256};
use sluice_ids::EjId;
use sluice_journal::{IdempotencyKey, Keys, KeysOf, Kind, Record};
use sluice_mappings::hl7::MshRaw;

use crate::delivery::{Cursor, cursor_key};
use crate::operator::message_of;

/// The sidecar key of every configuration epoch; no control id has it but by chance, and what is
/// found is looked at.
pub(crate) const EPOCH_KEY: u64 = 0x5EB0_CAFE_0000_0001;

/// The sidecar key of every dead letter.
pub(crate) const DEAD_LETTER_KEY: u64 = 0xDEAD_1E77_0000_0001;

/// The sidecar key of every act of an operator.
pub(crate) const ACT_KEY: u64 = 0x0AC7_0AC7_0000_0001;

/// A message is known by its EJ and all its bytes: sender and control id are among them.
pub(crate) fn idempotency_key(ej: EjId, raw: &[u8]) -> IdempotencyKey {
    let mut hash = Sha256::new();
    hash.update(ej.to_padded());
    hash.update(raw);
    let digest = hash.finalize();
    let mut key = [0; 16];
    key.copy_from_slice(&digest[..16]);
    IdempotencyKey(key)
}

/// Who sent it under which number: MSH-3, MSH-4 and MSH-10, byte by byte.
pub(crate) fn sender_control_id(msh: &MshRaw<'_>) -> u64 {
    hash64(&[msh.field(3), msh.field(4), msh.control_id()])
}

/// The hash of MSH-10 alone under [`sluice_journal::KeyIndex::ControlId`].
#[must_use]
pub fn control_id_hash(control_id: &[u8]) -> u64 {
    hash64(&[control_id])
}

/// The hash of a patient identifier's value (CX-1, as it stands in the message, blanks trimmed)
/// under [`sluice_journal::KeyIndex::Patient`]. Without its authority: what a finder gets is a
/// superset of what it looks for.
#[must_use]
pub fn patient_hash(value: &[u8]) -> u64 {
    hash64(&[value.trim_ascii()])
}

/// What a journal's sidecars are to index, for whoever opens the journal.
#[must_use]
pub fn keys_of() -> KeysOf {
    Arc::new(keys_of_record)
}

fn keys_of_record(record: &Record) -> Keys {
    match record.entry.kind {
        Kind::ConfigEpoch => Keys { control_id: Some(EPOCH_KEY), patients: Vec::new() },
        Kind::Message => keys_of_message(&record.entry.payload),
        Kind::DeadLetter => Keys { control_id: Some(DEAD_LETTER_KEY), patients: Vec::new() },
        Kind::OperatorAct => {
            let brought = message_of(record).map(|message| keys_of_message(&message).patients);
            Keys { control_id: Some(ACT_KEY), patients: brought.unwrap_or_default() }
        }
        Kind::CursorAdvance => Keys {
            control_id: Cursor::decode(&record.entry.payload).map(|cursor| cursor_key(cursor.way)),
            patients: Vec::new(),
        },
    }
}

/// From the raw bytes: the separators and numbers are ASCII in every character set that is read.
fn keys_of_message(raw: &Bytes) -> Keys {
    let Some(msh) = MshRaw::find(raw) else { return Keys::default() };
    let separators = msh.separators();
    let mut patients = Vec::new();
    for line in raw.split(|b| matches!(*b, b'\r' | b'\n')) {
        let n = match line.get(..3) {
            Some(b"PID") => 3,
            Some(b"MRG") => 1,
            _ => continue,
        };
        let field = line.split(|b| *b == separators.field()).nth(n).unwrap_or_default();
        for repetition in field.split(|b| *b == separators.repetition()) {
            let value = repetition.split(|b| *b == separators.component()).next();
            match value.unwrap_or_default() {
                b"" | b"\"\"" => {}
                value => patients.push(patient_hash(value)),
            }
        }
    }
    patients.dedup();
    Keys { control_id: Some(control_id_hash(msh.control_id())), patients }
}

fn hash64(parts: &[&[u8]]) -> u64 {
    let mut hash = Sha256::new();
    for part in parts {
        hash.update((part.len() as u64).to_le_bytes());
        hash.update(part);
    }
    let digest = hash.finalize();
    let mut first = [0; 8];
    first.copy_from_slice(&digest[..8]);
    u64::from_le_bytes(first)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_merge_is_found_by_each_identifier_it_names() {
        let raw = b"MSH|^~\\&|||||||ADT^A40|7|P|2.5\rPID|||12^^^A~13^^^B\rMRG|14^^^A\r";
        let keys = keys_of_message(&Bytes::from_static(raw));
        assert_eq!(keys.control_id, Some(control_id_hash(b"7")));
        assert_eq!(keys.patients, [b"12", b"13", b"14"].map(|v| patient_hash(v)));
    }

    #[test]
    fn one_byte_or_another_ej_makes_another_key() {
        let [one, two] = ["EJ1", "EJ2"].map(|ej| EjId::new(ej).unwrap());
        let key = idempotency_key(one, b"MSH|a");
        assert_eq!(key, idempotency_key(one, b"MSH|a"));
        assert_ne!(key, idempotency_key(one, b"MSH|b"));
        assert_ne!(key, idempotency_key(two, b"MSH|a"));
    }

    #[test]
    fn the_parts_of_a_hash_do_not_run_together() {
        assert_ne!(hash64(&[b"ab", b"c"]), hash64(&[b"a", b"bc"]));
    }
}
