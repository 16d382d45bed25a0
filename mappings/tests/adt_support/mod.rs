//! What the tests of ADT semantics share: an EJ, messages out of files, a feed applied in order.

#![allow(dead_code, reason = "each test crate uses a part")]

pub mod snapshot;

use std::path::{Path, PathBuf};

use sluice_ids::{Micros, Seq};
use sluice_mappings::adt::memory::MemoryRecords;
use sluice_mappings::adt::{self, Context, Outcome};
use sluice_mappings::entity::{EjSettings, LegalEntity};
use sluice_mappings::hl7::{Charset, Declared, Message, charset};
use sluice_mappings::records::{Moment, PlaceRole, StayRecord, StayStatus};

pub fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_owned()
}

/// The demonstration's legal entities, as `config/demo.toml` declares them.
pub fn demo_settings(ej: &str) -> EjSettings {
    let text = std::fs::read_to_string(repository().join("config/demo.toml")).unwrap();
    let config: toml::Table = text.parse().unwrap();
    let declared = config["ej"].as_array().unwrap();
    let own = declared.iter().find(|e| e["id"].as_str() == Some(ej)).unwrap();
    let mut own = own.as_table().unwrap().clone();
    let kept = ["id", "name", "finess", "msh4", "time_zone", "charset", "profile", "authority"];
    own.retain(|key, _| kept.contains(&key));
    own.try_into().unwrap()
}

/// An EJ of the international profile, with nothing declared.
pub fn plain_entity() -> LegalEntity {
    let settings: EjSettings =
        toml::from_str("id = \"EJ1\"\nname = \"an EJ\"\ntime_zone = \"Europe/Paris\"").unwrap();
    LegalEntity::new(settings).unwrap()
}

/// Messages one after another: a new one starts at each line `MSH…` and after each blank line.
pub fn split(bytes: &[u8]) -> Vec<Vec<u8>> {
    let mut messages: Vec<Vec<u8>> = Vec::new();
    let mut open = false;
    let normal = bytes.to_vec();
    let lines = normal.split(|b| *b == b'\n').flat_map(|line| {
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        line.split(|b| *b == b'\r').collect::<Vec<_>>()
    });
    for line in lines {
        if line.iter().all(u8::is_ascii_whitespace) {
            open = false;
            continue;
        }
        if !open || line.starts_with(b"MSH") {
            messages.push(Vec::new());
            open = true;
        }
        let message = messages.last_mut().unwrap();
        message.extend_from_slice(line);
        message.push(b'\r');
    }
    messages
}

/// An EJ's lane in little: messages applied one after another.
pub struct Lane {
    pub entity: LegalEntity,
    pub records: MemoryRecords,
    pub seq: u64,
}

impl Lane {
    pub fn new(entity: LegalEntity) -> Self {
        Self { entity, records: MemoryRecords::new(), seq: 0 }
    }

    /// `None` where there is no message in the bytes.
    pub fn take(&mut self, raw: &[u8]) -> Option<Outcome> {
        let default = match Charset::declared(self.entity.settings.charset.as_bytes()) {
            Declared::Known(charset) => charset,
            _ => Charset::Utf8,
        };
        let decoded = charset::decode_message(raw, default);
        let message = Message::index(&decoded.text).ok()?;
        Some(self.take_message(&message))
    }

    pub fn take_message(&mut self, message: &Message<'_>) -> Outcome {
        self.seq += 1;
        let context = Context {
            entity: &self.entity,
            seq: Seq::new(self.seq),
            received_at: Micros::new(i64::try_from(self.seq).unwrap() * 1_000_000),
        };
        let outcome = adt::apply(message, &context, &self.records);
        self.records.accept(outcome.changes.clone());
        outcome
    }

    pub fn take_text(&mut self, text: &str) -> Outcome {
        self.take(text.as_bytes()).expect("the test's message has an MSH")
    }
}

/// `3101^C305^C305F`, empty parts at the end left out: where the patient is, or was last.
pub fn location(stay: &StayRecord) -> String {
    let assigned = stay.places().filter(|(m, _)| m.role == PlaceRole::Assigned);
    let Some((_, place)) = assigned.last() else { return String::new() };
    let text = [&*place.point_of_care, &place.room, &place.bed].join("^");
    text.trim_end_matches('^').to_owned()
}

/// As a v2 time on the sender's clock.
pub fn digits(moment: Option<Moment>) -> String {
    let Some(moment) = moment else { return String::new() };
    let text = moment.to_fhir();
    let local = text.get(..19).unwrap_or(&text);
    local.chars().filter(char::is_ascii_digit).collect()
}

/// R4 `Encounter.status`.
pub fn status(status: StayStatus) -> &'static str {
    match status {
        StayStatus::Planned => "planned",
        StayStatus::InProgress => "in-progress",
        StayStatus::OnLeave => "onleave",
        StayStatus::Finished => "finished",
        StayStatus::Cancelled => "cancelled",
        StayStatus::EnteredInError => "entered-in-error",
        StayStatus::Unknown => "unknown",
    }
}

/// v3-ActCode, or the sender's own code.
pub fn class(stay: &StayRecord) -> &str {
    match stay.situation.class.code.as_str() {
        "E" => "EMER",
        "I" => "IMP",
        "O" | "R" => "AMB",
        "P" => "PRENC",
        "" => "UNK",
        other => other,
    }
}
