//! The record of what operators did: one journal record for each act, with who and when.
//!
//! - [`Kind::OperatorAct`], in the order of the EJ that it is about; an act about a channel of
//!   several EJs is written for each of them.
//! - The payload is one line of JSON, `{"act":…,"by":…,"at":…}`; an act that brings a message has
//!   the message's bytes after that line, so that nothing else must be kept for its sake.
//! - All of them are found by one sidecar key, without reading anything else.

use bytes::Bytes;
use serde::{Deserialize, Serialize};
use sluice_ids::{ChannelId, DestinationName, EjId, Micros, Seq};
use sluice_journal::{Append, DamageAccepted, Entry, Kind, Record};

use crate::acts::entry;

/// An act, and what it is about.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "act", rename_all = "snake_case")]
pub enum Deed {
    /// A message is applied again, under the configuration in force at the act's place.
    Reprocess {
        message: Seq,
    },
    /// A message is applied as somebody edited it.
    Resend {
        message: Seq,
    },
    /// A dead letter is closed: the message is not to be delivered to a destination any more.
    Discard {
        message: Seq,
        channel: ChannelId,
        /// `None`: the message was not applied, and is not to be tried again.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        destination: Option<DestinationName>,
        reason: String,
    },
    /// A message is to be delivered to a destination once more.
    Retry {
        message: Seq,
        channel: ChannelId,
        destination: DestinationName,
    },
    ChannelStarted {
        channel: ChannelId,
    },
    ChannelStopped {
        channel: ChannelId,
    },
    ChannelPaused {
        channel: ChannelId,
    },
    ChannelReloaded {
        channel: ChannelId,
    },
    DestinationStarted {
        channel: ChannelId,
        destination: DestinationName,
    },
    DestinationPaused {
        channel: ChannelId,
        destination: DestinationName,
    },
    CacheCleared,
    CacheWarmed,
}

/// Who did it, and when.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Act {
    #[serde(flatten)]
    pub deed: Deed,
    /// The id of a token, `open` where none was asked for, or `local` for the machine's own.
    pub by: String,
    pub at: Micros,
}

/// It could not be recorded, and so is not done.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the act could not be journaled: {outcome:?}")]
pub struct NotRecorded {
    pub outcome: Append,
}

/// An act as the journal has it.
#[derive(Debug, Clone)]
pub struct Recorded {
    pub ej: EjId,
    pub seq: Seq,
    pub at: Micros,
    pub by: String,
    /// `act` and what it is about: an object.
    pub about: serde_json::Value,
}

impl Act {
    /// The line of a [`Kind::OperatorAct`] record's payload; `None` where this version cannot read
    /// it, or it is the journal's own.
    #[must_use]
    pub fn decode(payload: &[u8]) -> Option<Self> {
        serde_json::from_slice(line(payload)).ok()
    }

    /// The record; `message`: the bytes that the act brings, as they came or were written.
    pub(crate) fn entry(&self, ej: EjId, channel: Option<ChannelId>, message: &[u8]) -> Entry {
        let mut payload = serde_json::to_vec(self).expect("an act has a JSON form");
        if !message.is_empty() {
            payload.push(b'\n');
            payload.extend_from_slice(message);
        }
        let own = entry(Kind::OperatorAct, ej, self.at, payload);
        Entry { channel: channel.unwrap_or(own.channel), ..own }
    }
}

fn line(payload: &[u8]) -> &[u8] {
    payload.split(|byte| *byte == b'\n').next().unwrap_or_default()
}

/// The message that a record brings: its payload, or what follows an act's line.
pub(crate) fn message_of(record: &Record) -> Option<Bytes> {
    let payload = &record.entry.payload;
    match record.entry.kind {
        Kind::Message => Some(payload.clone()),
        Kind::OperatorAct if payload.first() == Some(&b'{') => {
            let end = payload.iter().position(|byte| *byte == b'\n')?;
            Some(payload.slice(end + 1..))
        }
        _ => None,
    }
}

/// What a record of that kind says; the journal's own acts too.
pub(crate) fn recorded(record: &Record) -> Option<Recorded> {
    let (ej, seq, at) = (record.entry.ej, record.seq, record.entry.received_at);
    let payload = &record.entry.payload;
    if let Some(accepted) = DamageAccepted::decode(payload) {
        let DamageAccepted { id, who, reason, .. } = accepted;
        let about = serde_json::json!({
            "act": "damage_accepted", "damage": id.to_string(), "reason": reason,
        });
        return Some(Recorded { ej, seq, at, by: who, about });
    }
    let act = Act::decode(payload)?;
    let about = serde_json::to_value(&act.deed).ok()?;
    Some(Recorded { ej, seq, at, by: act.by, about })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(payload: Bytes) -> Record {
        let ej = EjId::new("EJ1").unwrap();
        let entry = Entry { payload, ..entry(Kind::OperatorAct, ej, Micros::new(7), Vec::new()) };
        Record { lsn: sluice_ids::Lsn::ZERO, seq: Seq::new(3), entry }
    }

    #[test]
    fn an_act_is_a_line_of_json_and_what_it_brings_stands_behind_it_as_it_is() {
        let channel = ChannelId::new("EJ1.mllp").unwrap();
        let deed = Deed::Reprocess { message: Seq::new(2) };
        let act = Act { deed, by: "8f3a01c2".into(), at: Micros::new(9) };
        let brought = b"MSH|^~\\&|\xe9\n\nPID|";
        let entry = act.entry(EjId::new("EJ1").unwrap(), Some(channel), brought);
        assert_eq!(entry.channel, channel);
        let line = br#"{"act":"reprocess","message":2,"by":"8f3a01c2","at":9}"#;
        assert!(entry.payload.starts_with(line));
        assert_eq!(Act::decode(&entry.payload), Some(act.clone()));
        assert_eq!(message_of(&record(entry.payload)).unwrap(), &brought[..]);

        let bare = Act { deed: Deed::CacheCleared, ..act };
        let entry = bare.entry(EjId::new("EJ1").unwrap(), None, b"");
        assert_eq!(message_of(&record(entry.payload.clone())), None);
        let told = recorded(&record(entry.payload)).unwrap();
        assert_eq!(told.about, serde_json::json!({ "act": "cache_cleared" }));
        assert_eq!((told.by.as_str(), told.at), ("8f3a01c2", Micros::new(7)));
    }

    #[test]
    fn what_is_no_act_of_this_version_is_none() {
        for payload in [&b""[..], b"{}", br#"{"act":"else","by":"x","at":1}"#, b"\n{"] {
            assert_eq!(Act::decode(payload), None);
        }
    }
}
