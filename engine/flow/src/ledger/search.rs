//! Finding messages by their rows, the newest first; each is looked at before it is told.

use sluice_channels::ack::Verdict;
use sluice_ids::{ChannelId, EjId, Micros, Phi, Seq};
use sluice_journal::{Journal, ReadError, Record};
use sluice_mappings::hl7::MshRaw;

use super::book::{Book, Part};
use super::names::{Filter, Whose, each_number};
use super::row::{Brought, Row, Severe, channel_hash, event_bytes};
use crate::keys::control_id_hash;
use crate::operator::message_of;
use crate::walk::CLOCK_BACK_MICROS;

/// Rows that are read at once: 256 KB.
const READ_ROWS: u64 = 4_096;

/// Messages that one answer looks at: what a row has as a hash only is looked up in the message,
/// and a search by a number that thousands share must end.
const LOOKED_AT_MAX: usize = 20_000;

/// What became of a message, as a search asks for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// By its name: `applied`, `no_effect`, `not_mapped`, `duplicate`, `poison`, `refused`,
    /// `kept_unread`, `filtered`.
    Became(&'static str),
    /// Something in it waited for another message.
    Held,
}

impl Outcome {
    /// `None` where there is no such outcome. `repeated` and `set_aside` are other words for
    /// `duplicate` and `poison`.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        match name {
            "held" => Some(Self::Held),
            "repeated" => Self::parse("duplicate"),
            "set_aside" => Self::parse("poison"),
            name => crate::measures::Become::named(name).map(Self::Became),
        }
    }
}

/// What is looked for: all of it must be so.
#[derive(Debug, Clone, Default)]
pub struct MessagesAsked {
    pub channel: Option<ChannelId>,
    /// MSH-9.2, e.g. `A01`.
    pub event: Option<String>,
    pub control_id: Option<Phi<String>>,
    /// The value of PID-3 or MRG-1 (CX-1).
    pub patient: Option<Phi<String>>,
    /// The value of PV1-19, PV1-50, PID-18, MRG-3 or MRG-5 (CX-1).
    pub visit: Option<Phi<String>>,
    pub verdict: Option<Verdict>,
    pub outcome: Option<Outcome>,
    pub brought: Option<Brought>,
    /// Those that repeat or bring again this one.
    pub of: Option<Seq>,
    /// Received then or later.
    pub from: Option<Micros>,
    /// Received before.
    pub to: Option<Micros>,
    /// Before that place.
    pub before: Option<Seq>,
}

/// A message that was found.
#[derive(Debug, Clone)]
pub struct Line {
    pub seq: Seq,
    pub received_at: Micros,
    pub channel: ChannelId,
    pub event: String,
    pub control_id: Phi<String>,
    pub verdict: Option<Verdict>,
    /// Empty where it is not known (yet).
    pub became: &'static str,
    pub held: bool,
    pub issues: u8,
    pub severe: Severe,
    pub brought: Brought,
    /// The message that this one repeats, or brings again.
    pub of: Option<Seq>,
}

#[derive(Debug, Default)]
pub struct MessagesFound {
    pub lines: Vec<Line>,
    /// Where a search for more goes on ([`MessagesAsked::before`]).
    pub next: Option<Seq>,
    /// What came up to here is not in the index yet: it is being made.
    pub missing_through: Option<Seq>,
}

/// The hashes of what is asked for.
struct Wanted<'a> {
    asked: &'a MessagesAsked,
    channel: Option<u32>,
    event: Option<[u8; 3]>,
    control_id: Option<u64>,
    numbers: Filter,
}

impl<'a> Wanted<'a> {
    fn of(asked: &'a MessagesAsked) -> Self {
        let mut numbers = Filter::default();
        for (whose, value) in [(Whose::Patient, &asked.patient), (Whose::Visit, &asked.visit)] {
            if let Some(value) = value {
                numbers.0 |= Filter::one(whose, value.expose().as_bytes()).0;
            }
        }
        let control_id = asked.control_id.as_ref();
        Self {
            asked,
            channel: asked.channel.map(channel_hash),
            event: asked.event.as_ref().map(|event| event_bytes(event.as_bytes())),
            control_id: control_id.map(|id| control_id_hash(id.expose().as_bytes())),
            numbers,
        }
    }

    fn may_be(&self, row: &Row) -> bool {
        let asked = self.asked;
        self.channel.is_none_or(|channel| row.channel == channel)
            && self.event.is_none_or(|event| row.event == event)
            && self.control_id.is_none_or(|hash| row.control_id == hash)
            && row.numbers.may_hold(self.numbers)
            && asked.verdict.is_none_or(|verdict| row.verdict == verdict.number())
            && asked.brought.is_none_or(|brought| row.brought == brought)
            && asked.of.is_none_or(|of| row.link == Some(of))
            && asked.from.is_none_or(|from| row.received_at >= from)
            && asked.to.is_none_or(|to| row.received_at < to)
            && match asked.outcome {
                None => true,
                Some(Outcome::Held) => row.held,
                Some(Outcome::Became(name)) => row.became.as_str() == name,
            }
    }

    /// What rows have as hashes, in the message itself.
    fn is(&self, record: &Record, raw: &[u8]) -> bool {
        let asked = self.asked;
        let control_id = MshRaw::find(raw).map(|msh| msh.control_id()).unwrap_or_default();
        let (mut patient, mut visit) = (asked.patient.is_none(), asked.visit.is_none());
        if !(patient && visit) {
            let is = |wanted: &Option<Phi<String>>, value: &[u8]| {
                wanted.as_ref().is_some_and(|w| w.expose().trim().as_bytes() == value)
            };
            each_number(raw, |whose, value| match whose {
                Whose::Patient => patient |= is(&asked.patient, value),
                Whose::Visit => visit |= is(&asked.visit, value),
            });
        }
        patient
            && visit
            && asked.channel.is_none_or(|channel| record.entry.channel == channel)
            && asked.event.as_ref().is_none_or(|event| event_of(raw) == event.as_bytes())
            && asked.control_id.as_ref().is_none_or(|id| id.expose().as_bytes() == control_id)
    }
}

/// At most `count` messages of what is asked.
///
/// # Errors
/// When the journal cannot be read.
pub(crate) fn search(
    book: &Book,
    journal: &dyn Journal,
    asked: &MessagesAsked,
    count: usize,
) -> Result<MessagesFound, ReadError> {
    let wanted = Wanted::of(asked);
    let mut found = MessagesFound { missing_through: book.gap(), ..MessagesFound::default() };
    let mut looked_at = 0;
    for part in book.look() {
        let mut end = below(&part, asked.before).unwrap_or(part.rows);
        while end > 0 {
            let begin = end.saturating_sub(READ_ROWS);
            let Ok(rows) = part.read(begin, end) else {
                book.damaged();
                return Ok(found);
            };
            for row in rows.into_iter().rev() {
                let Some(row) = row else {
                    book.damaged();
                    return Ok(found);
                };
                let early = |from: Micros| from.get().saturating_sub(CLOCK_BACK_MICROS);
                if asked.from.is_some_and(|from| row.received_at.get() < early(from)) {
                    return Ok(found);
                }
                if asked.before.is_some_and(|before| row.seq >= before) || !wanted.may_be(&row) {
                    continue;
                }
                if found.lines.len() == count || looked_at == LOOKED_AT_MAX {
                    found.next = Some(row.seq.next());
                    return Ok(found);
                }
                looked_at += 1;
                match line(journal, book.ej(), &row, &wanted) {
                    Ok(line) => found.lines.extend(line),
                    Err(ReadError::Released { .. }) => return Ok(found),
                    Err(error) => return Err(error),
                }
            }
            end = begin;
        }
    }
    Ok(found)
}

/// How many rows of a part come before `before`; `None` where one that is read is damaged.
fn below(part: &Part, before: Option<Seq>) -> Option<u64> {
    let Some(before) = before else { return Some(part.rows) };
    let (mut low, mut high) = (0, part.rows);
    while low < high {
        let middle = low.midpoint(high);
        let row = part.read(middle, middle + 1).ok()?.pop()??;
        if row.seq < before {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    Some(low)
}

/// The row of one message.
pub(crate) fn row_at(book: &Book, seq: Seq) -> Option<Row> {
    book.look().iter().find_map(|part| {
        let at = below(part, Some(seq.next()))?.checked_sub(1)?;
        part.read(at, at + 1).ok()?.pop()?.filter(|row| row.seq == seq)
    })
}

fn line(
    journal: &dyn Journal,
    ej: EjId,
    row: &Row,
    wanted: &Wanted<'_>,
) -> Result<Option<Line>, ReadError> {
    let Some(record) = journal.get(ej, row.seq)? else { return Ok(None) };
    let Some(raw) = message_of(&record).filter(|raw| wanted.is(&record, raw)) else {
        return Ok(None);
    };
    Ok(Some(told(row, &record, &raw)))
}

/// A message and its row.
pub(crate) fn told(row: &Row, record: &Record, raw: &[u8]) -> Line {
    Line {
        became: row.became.as_str(),
        held: row.held,
        issues: row.issues,
        severe: row.severe,
        ..untold(record, raw, row.brought, row.link)
    }
}

/// A message without a row: what became of it is not known.
pub(crate) fn untold(record: &Record, raw: &[u8], brought: Brought, of: Option<Seq>) -> Line {
    let control_id = MshRaw::find(raw).map(|msh| msh.control_id()).unwrap_or_default();
    Line {
        seq: record.seq,
        received_at: record.entry.received_at,
        channel: record.entry.channel,
        event: String::from_utf8_lossy(event_of(raw)).into_owned(),
        control_id: Phi::new(String::from_utf8_lossy(control_id).into_owned()),
        verdict: Verdict::from_number(record.entry.verdict),
        became: "",
        held: false,
        issues: 0,
        severe: None,
        brought,
        of,
    }
}

/// MSH-9.2, or EVN-1 where that is empty.
pub(crate) fn event_of(raw: &[u8]) -> &[u8] {
    let Some(msh) = MshRaw::find(raw) else { return b"" };
    let event = msh.component(9, 2).trim_ascii();
    if !event.is_empty() {
        return event;
    }
    let mut lines = raw.split(|byte| matches!(*byte, b'\r' | b'\n'));
    let evn = lines.find(|line| line.starts_with(b"EVN")).unwrap_or_default();
    let field = evn.split(|byte| *byte == msh.separators().field()).nth(1).unwrap_or_default();
    let code = field.split(|byte| *byte == msh.separators().component()).next();
    code.unwrap_or_default().trim_ascii()
}
