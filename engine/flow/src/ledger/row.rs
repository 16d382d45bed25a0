//! A row: what is known of a message without reading it.
//!
//! | bytes | what (numbers little-endian) |
//! |---|---|
//! | 8 | `seq` |
//! | 8 | `received_at`, microseconds |
//! | 8 | hash of MSH-10 ([`crate::control_id_hash`]) |
//! | 8 | `seq` of the message that this one repeats, or brings again; 0: none |
//! | 16 | filter of the patients' and stays' numbers ([`Filter`]) |
//! | 4 | hash of the channel's id |
//! | 3 | event: MSH-9.2, or EVN-1 where that is empty |
//! | 1 | verdict's number |
//! | 1 | what became of it ([`Become::number`]) |
//! | 1 | what brought it, and bit 7: something in it is held |
//! | 1 | issues found, 255 for more |
//! | 1 | the gravest of them: 0 none, 1 information, 2 warning, 3 error |
//! | 4 | CRC-32C of the 60 bytes before |

use sluice_ids::{ChannelId, Micros, Seq};
use sluice_journal::{Kind, Record};
use sluice_mappings::adt::{Issue, IssueCode, Severity};
use sluice_mappings::hl7::MshRaw;

use super::names::Filter;
use super::search::event_of;
use crate::fold::Step;
use crate::keys::control_id_hash;
use crate::measures::Become;
use crate::operator::{Act, Deed, message_of};
use crate::window::Seen;

pub(crate) const ROW_BYTES: usize = 64;

const HELD: u8 = 0x80;

/// How a message came.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum Brought {
    /// Its sender sent it.
    Sent = 0,
    /// An operator had it applied again.
    Reprocessed = 1,
    /// An operator edited it.
    Resent = 2,
}

impl Brought {
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Sent => "sent",
            Self::Reprocessed => "reprocessed",
            Self::Resent => "resent",
        }
    }

    fn from_number(number: u8) -> Option<Self> {
        [Self::Sent, Self::Reprocessed, Self::Resent].into_iter().find(|b| *b as u8 == number)
    }
}

/// The gravest issue of a message.
pub type Severe = Option<Severity>;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Row {
    pub seq: Seq,
    pub received_at: Micros,
    pub control_id: u64,
    pub link: Option<Seq>,
    pub numbers: Filter,
    pub channel: u32,
    pub event: [u8; 3],
    pub verdict: u8,
    pub became: Become,
    pub brought: Brought,
    pub held: bool,
    pub issues: u8,
    pub severe: Severe,
}

/// The channel as rows have it.
pub(crate) fn channel_hash(channel: ChannelId) -> u32 {
    control_id_hash(channel.as_str().as_bytes()) as u32
}

impl Row {
    /// Of a record and what folding it did; `None` where it brings no message.
    pub fn of(record: &Record, step: &Step) -> Option<Self> {
        let became = step.became?;
        let raw = message_of(record)?;
        let (mut brought, mut link) = (Brought::Sent, None);
        if record.entry.kind == Kind::OperatorAct {
            (brought, link) = match Act::decode(&record.entry.payload)?.deed {
                Deed::Reprocess { message } => (Brought::Reprocessed, Some(message)),
                Deed::Resend { message } => (Brought::Resent, Some(message)),
                _ => return None,
            };
        }
        if let Some(Seen::Repeated(first)) = step.seen {
            link = Some(first);
        }
        let msh = MshRaw::find(&raw);
        let graveness = |issue: &&Issue| grave(Some(issue.severity));
        Some(Self {
            seq: record.seq,
            received_at: record.entry.received_at,
            control_id: msh.map_or(0, |msh| control_id_hash(msh.control_id())),
            link,
            numbers: Filter::of(&raw),
            channel: channel_hash(record.entry.channel),
            event: event_bytes(event_of(&raw)),
            verdict: record.entry.verdict,
            became,
            brought,
            held: step.issues.iter().any(|issue| issue.code == IssueCode::MovementHeld),
            issues: u8::try_from(step.issues.len()).unwrap_or(u8::MAX),
            severe: step.issues.iter().max_by_key(graveness).map(|issue| issue.severity),
        })
    }

    pub fn to_bytes(self) -> [u8; ROW_BYTES] {
        let mut out = [0; ROW_BYTES];
        out[..8].copy_from_slice(&self.seq.get().to_le_bytes());
        out[8..16].copy_from_slice(&self.received_at.get().to_le_bytes());
        out[16..24].copy_from_slice(&self.control_id.to_le_bytes());
        out[24..32].copy_from_slice(&self.link.map_or(0, Seq::get).to_le_bytes());
        out[32..48].copy_from_slice(&self.numbers.0.to_le_bytes());
        out[48..52].copy_from_slice(&self.channel.to_le_bytes());
        out[52..55].copy_from_slice(&self.event);
        out[55] = self.verdict;
        out[56] = self.became.number();
        out[57] = self.brought as u8 | if self.held { HELD } else { 0 };
        out[58] = self.issues;
        out[59] = grave(self.severe);
        let crc = crc32c::crc32c(&out[..60]);
        out[60..].copy_from_slice(&crc.to_le_bytes());
        out
    }

    /// `None` where the bytes are no row of ours.
    pub fn from_bytes(bytes: &[u8; ROW_BYTES]) -> Option<Self> {
        let crc = u32::from_le_bytes(bytes[60..].try_into().ok()?);
        if crc32c::crc32c(&bytes[..60]) != crc {
            return None;
        }
        let number = |from: usize| -> Option<u64> {
            Some(u64::from_le_bytes(bytes[from..from + 8].try_into().ok()?))
        };
        Some(Self {
            seq: Seq::new(number(0)?),
            received_at: Micros::new(i64::from_le_bytes(bytes[8..16].try_into().ok()?)),
            control_id: number(16)?,
            link: Some(Seq::new(number(24)?)).filter(|seq| *seq != Seq::ZERO),
            numbers: Filter(u128::from_le_bytes(bytes[32..48].try_into().ok()?)),
            channel: u32::from_le_bytes(bytes[48..52].try_into().ok()?),
            event: bytes[52..55].try_into().ok()?,
            verdict: bytes[55],
            became: Become::from_number(bytes[56])?,
            brought: Brought::from_number(bytes[57] & !HELD)?,
            held: bytes[57] & HELD != 0,
            issues: bytes[58],
            severe: match bytes[59] {
                0 => None,
                1 => Some(Severity::Information),
                2 => Some(Severity::Warning),
                _ => Some(Severity::Error),
            },
        })
    }
}

const fn grave(severe: Severe) -> u8 {
    match severe {
        None => 0,
        Some(Severity::Information) => 1,
        Some(Severity::Warning) => 2,
        Some(Severity::Error) => 3,
    }
}

/// As much of an event as a row has room for.
pub(crate) fn event_bytes(event: &[u8]) -> [u8; 3] {
    let mut out = [0; 3];
    for (to, from) in out.iter_mut().zip(event) {
        *to = *from;
    }
    out
}

#[cfg(test)]
mod tests {
    use sluice_channels::ack::Verdict;

    use super::*;
    use crate::acts::Reason;

    #[test]
    fn a_row_reads_back_and_one_with_any_bit_changed_does_not() {
        let row = Row {
            seq: Seq::new(7),
            received_at: Micros::new(-3),
            control_id: 9,
            link: Some(Seq::new(3)),
            numbers: Filter(1 << 77),
            channel: 5,
            event: *b"A01",
            verdict: Verdict::Accepted.number(),
            became: Become::Poison(Reason::Panic),
            brought: Brought::Resent,
            held: true,
            issues: 2,
            severe: Some(Severity::Warning),
        };
        let bytes = row.to_bytes();
        assert_eq!(Row::from_bytes(&bytes), Some(row));
        for bit in 0..ROW_BYTES * 8 {
            let mut changed = bytes;
            changed[bit / 8] ^= 1 << (bit % 8);
            assert_eq!(Row::from_bytes(&changed), None, "bit {bit}");
        }
        assert_eq!(Row::from_bytes(&[0; ROW_BYTES]), None, "a hole in a file is no row");
    }
}
