//! Looking after messages: finding them, showing one, and having one applied again.

use bytes::Bytes;
use sluice_channels::ack::{Acknowledgement, OwnControlIds, Says, Terms, Verdict};
use sluice_ids::{EjId, Micros, Seq};
use sluice_journal::{Append, Entry, ReadError, Record};
use sluice_mappings::hl7::{Location, MshRaw, charset};

use crate::clock::now;
use crate::flow::Flow;
use crate::identity::Door;
use crate::judge::{Finding, judge};
use crate::lane::Shared;
use crate::ledger::{self, Brought, Line, MessagesAsked, MessagesFound};
use crate::operator::{Act, Deed, NotRecorded, message_of};

/// Messages that are journaled before their answers are waited for.
const AT_ONCE: usize = 256;

/// What was answered to a message's sender, as it can be told from the journal.
#[derive(Debug, Clone)]
pub struct Ack {
    /// MSA-1 of what was answered at once; empty where nothing was.
    pub code: &'static str,
    /// Whether its sender was told once more, or only then, what became of it.
    pub when_applied: bool,
    /// MSA and ERR, by the channel's present mode. Its MSH (our control id, the time) is not kept.
    pub text: String,
}

/// One message, whole.
#[derive(Debug, Clone)]
pub struct MessageShown {
    pub line: Line,
    /// The bytes as they came, or as they were edited.
    pub raw: Bytes,
    /// The same, decoded as the fold does.
    pub text: String,
    /// `None` where an operator brought it.
    pub ack: Option<Ack>,
    /// Who brought it, where an operator did.
    pub by: Option<String>,
}

/// A message that is to be applied again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Again {
    pub of: Seq,
    /// Its new place.
    pub seq: Seq,
    pub verdict: Verdict,
}

/// Why a message is not applied again.
#[derive(Debug, thiserror::Error)]
pub enum RedoError {
    #[error("there is no such message")]
    Unknown,
    #[error("the message is refused: {}", verdict.as_str())]
    Refused { verdict: Verdict, at: Option<Location> },
    #[error("an acknowledgement is not applied")]
    Acknowledgement,
    #[error("the message is another EJ's by its MSH-4")]
    OtherEj,
    #[error("nothing was edited: reprocess it")]
    Unchanged,
    #[error(transparent)]
    NotRecorded(#[from] NotRecorded),
    #[error("the journal cannot be read")]
    Journal(#[from] ReadError),
}

impl Flow {
    /// At most `count` messages of an EJ, the newest first. Reads the index of messages, and of
    /// the journal those that it finds.
    ///
    /// # Errors
    /// When the journal cannot be read; `None` where there is no such EJ.
    pub fn messages(
        &self,
        ej: EjId,
        asked: &MessagesAsked,
        count: usize,
    ) -> Result<Option<MessagesFound>, ReadError> {
        let Some((_, lane)) = self.lane_of(ej) else { return Ok(None) };
        ledger::search(&lane.book, &*self.intake.journal, asked, count).map(Some)
    }

    /// One message of an EJ.
    ///
    /// # Errors
    /// When the journal cannot be read; `None` where there is no such message.
    pub fn message(&self, ej: EjId, seq: Seq) -> Result<Option<MessageShown>, ReadError> {
        let Some((party, lane)) = self.lane_of(ej) else { return Ok(None) };
        let Some((record, raw)) = self.kept(ej, seq)? else { return Ok(None) };
        let act = Act::decode(&record.entry.payload);
        let mut line = match ledger::row_at(&lane.book, seq) {
            Some(row) => ledger::told(&row, &record, &raw),
            None => untold(&record, &raw, act.as_ref()),
        };
        if line.became.is_empty() && seq > lane.progress.standing().applied {
            line.became = "waiting";
        }
        let msh = MshRaw::find(&raw);
        let declared = msh.and_then(|msh| msh.charset());
        let own = self.intake.directory().party(party).charset;
        let text = charset::decode(&raw, declared, own).text.into_owned();
        let ack = match (&act, line.verdict) {
            (None, Some(verdict)) => Some(self.ack(&record, msh, verdict)),
            _ => None,
        };
        Ok(Some(MessageShown { line, text, raw: raw.clone(), ack, by: act.map(|act| act.by) }))
    }

    fn ack(&self, record: &Record, msh: Option<MshRaw<'_>>, verdict: Verdict) -> Ack {
        let own = Door::to(0);
        let directory = self.intake.directory();
        let door = directory.door(record.entry.channel).unwrap_or(&own);
        let terms = Terms::of(door.ack_mode, door.ack_when, msh.as_ref());
        let when_applied = terms.when_applied(verdict);
        let Some(code) = terms.at_once(verdict) else {
            return Ack { code: "", text: String::new(), when_applied };
        };
        let (says, now) = (Says::Verdict(verdict, None), record.entry.received_at);
        let answer = Acknowledgement { msh, code, says, of_its_own: false, now };
        let written = answer.write(&OwnControlIds::new(Micros::new(0)));
        let text = String::from_utf8_lossy(&written);
        let text = text.split_once('\r').map_or("", |(_, behind)| behind).to_owned();
        Ack { code, text, when_applied }
    }

    /// Has messages applied again, in that order, under the configuration that is in force:
    /// each is judged as though it came now, and recorded as an act. Blocking.
    ///
    /// # Errors
    /// For each message: why it is not.
    pub fn reprocess(
        &self,
        ej: EjId,
        messages: &[Seq],
        by: &str,
    ) -> Vec<(Seq, Result<Again, RedoError>)> {
        let mut appender = self.intake.journal.appender();
        let mut done = Vec::new();
        for some in messages.chunks(AT_ONCE) {
            let begun: Vec<_> = some
                .iter()
                .map(|of| {
                    let (entry, verdict) = self.again(ej, *of, None, by)?;
                    Ok((appender.append(entry), verdict))
                })
                .collect();
            for (of, begun) in some.iter().zip(begun) {
                let again = begun.and_then(|(append, verdict)| {
                    let seq = self.recorded(ej, append.wait())?;
                    Ok(Again { of: *of, seq, verdict })
                });
                done.push((*of, again));
            }
        }
        done
    }

    /// Has a message applied as somebody edited it: judged as though it came now, recorded as an
    /// act that brings the new bytes and names the old message. Blocking.
    ///
    /// # Errors
    /// Why it is not.
    pub fn resend(&self, ej: EjId, of: Seq, edited: &[u8], by: &str) -> Result<Again, RedoError> {
        let (entry, verdict) = self.again(ej, of, Some(edited), by)?;
        let append = self.intake.journal.appender().append(entry);
        let seq = self.recorded(ej, append.wait())?;
        Ok(Again { of, seq, verdict })
    }

    /// The record of an act that brings a message again.
    fn again(
        &self,
        ej: EjId,
        of: Seq,
        edited: Option<&[u8]>,
        by: &str,
    ) -> Result<(Entry, Verdict), RedoError> {
        let (party, _) = self.lane_of(ej).ok_or(RedoError::Unknown)?;
        let (record, kept) = self.kept(ej, of)?.ok_or(RedoError::Unknown)?;
        let raw = edited.unwrap_or(&kept);
        if edited.is_some_and(|edited| edited == &kept[..]) {
            return Err(RedoError::Unchanged);
        }
        let (directory, settings) = (self.intake.directory(), self.intake.settings);
        let own = Door::to(party);
        let door = directory.door(record.entry.channel).unwrap_or(&own);
        let judged = judge(&directory, door, settings.unserved, raw);
        let verdict = match judged.finding {
            Finding::Acknowledgement => return Err(RedoError::Acknowledgement),
            Finding::Verdict(verdict, at) if !verdict.is_accepted() => {
                return Err(RedoError::Refused { verdict, at });
            }
            Finding::Verdict(..) if judged.party != party => return Err(RedoError::OtherEj),
            Finding::Verdict(verdict, _) => verdict,
        };
        let deed = match edited {
            None => Deed::Reprocess { message: of },
            Some(_) => Deed::Resend { message: of },
        };
        let act = Act { deed, by: by.to_owned(), at: now() };
        let entry = act.entry(ej, Some(record.entry.channel), raw);
        Ok((Entry { verdict: verdict.number(), ..entry }, verdict))
    }

    /// Tells the lane of a record that was stored.
    pub(crate) fn recorded(&self, ej: EjId, outcome: Append) -> Result<Seq, NotRecorded> {
        let Append::Stored { seq, .. } = outcome else { return Err(NotRecorded { outcome }) };
        if let Some((_, lane)) = self.lane_of(ej) {
            lane.progress.stored(seq);
        }
        Ok(seq)
    }

    /// A record that brings a message, and the message.
    fn kept(&self, ej: EjId, seq: Seq) -> Result<Option<(Record, Bytes)>, ReadError> {
        let record = match self.intake.journal.get(ej, seq) {
            Err(ReadError::Released { .. }) => return Ok(None),
            other => other?,
        };
        Ok(record.and_then(|record| {
            let raw = message_of(&record)?;
            Some((record, raw))
        }))
    }

    /// An EJ's lane, and its place in the directory.
    fn lane_of(&self, ej: EjId) -> Option<(usize, &Shared)> {
        let mut lanes = self.intake.lanes.iter().enumerate();
        lanes.find_map(|(at, lane)| (lane.ej == ej).then_some((at, &**lane)))
    }
}

/// A message of which there is no row (yet).
fn untold(record: &Record, raw: &[u8], act: Option<&Act>) -> Line {
    let (brought, of) = match act.map(|act| &act.deed) {
        Some(Deed::Reprocess { message }) => (Brought::Reprocessed, Some(*message)),
        Some(Deed::Resend { message }) => (Brought::Resent, Some(*message)),
        _ => (Brought::Sent, None),
    };
    ledger::untold(record, raw, brought, of)
}
