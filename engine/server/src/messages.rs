//! The flow's messages, as the HTTP face asks for them.

use sluice_channels::ack::Verdict;
use sluice_flow::{Brought, Line, Outcome, PastError, RedoError};
use sluice_http::{
    AckTold, Again, Forgotten, MessageDesk, MessageLine, MessageShown, MessagesAsked,
    MessagesFound, NotAgain, NotFound,
};
use sluice_ids::{ChannelId, EjId, Seq};
use sluice_mappings::adt::Severity;
use sluice_mappings::fields::place;

use crate::engine::{Core, forgotten};

impl MessageDesk for Core {
    fn messages(
        &self,
        ej: EjId,
        asked: &MessagesAsked,
        count: usize,
    ) -> Result<MessagesFound, NotFound> {
        let asked = read(asked)?;
        let found = self.flow.messages(ej, &asked, count);
        let found = found
            .map_err(|error| NotFound::Forgotten(forgotten(ej, PastError::Journal(error))))?
            .ok_or(NotFound::Forgotten(Forgotten::Unknown))?;
        Ok(MessagesFound {
            lines: found.lines.into_iter().map(line).collect(),
            next: found.next,
            missing_through: found.missing_through,
        })
    }

    fn shown(&self, ej: EjId, seq: Seq) -> Result<MessageShown, Forgotten> {
        let shown = self.flow.message(ej, seq);
        let shown = shown.map_err(|error| forgotten(ej, PastError::Journal(error)))?;
        let shown = shown.ok_or(Forgotten::Unknown)?;
        let ack = shown.ack.map(|ack| AckTold {
            code: ack.code,
            when_applied: ack.when_applied,
            text: ack.text,
        });
        Ok(MessageShown {
            line: line(shown.line),
            raw: shown.raw,
            text: shown.text,
            ack,
            by: shown.by,
        })
    }

    /// By the channel's destinations of now: what one of before did is not kept.
    fn deliveries(&self, ej: EjId, seq: Seq) -> Vec<serde_json::Value> {
        let channel = self.channel_of(ej, seq);
        let queues = self.delivery.queues();
        let own = queues.into_iter().filter(|told| told.ej == ej && told.way.channel == channel);
        own.map(|told| {
            let letter = self.delivery.letter(ej, seq, Some(told.way));
            let state = match &letter {
                Some(_) => "set-aside",
                // Delivered, discarded, or it had nothing to deliver.
                None if told.cursor >= seq => "passed",
                None => "waiting",
            };
            serde_json::json!({
                "destination": told.way.destination.as_str(),
                "state": state,
                "reason": letter.as_ref().map(|letter| letter.reason.as_str()),
                "code": letter.and_then(|letter| letter.code),
            })
        })
        .collect()
    }

    fn reprocess(
        &self,
        ej: EjId,
        messages: &[Seq],
        by: &str,
    ) -> Vec<(Seq, Result<Again, NotAgain>)> {
        let done = self.flow.reprocess(ej, messages, by);
        done.into_iter().map(|(of, again)| (of, again.map(applied).map_err(not_again))).collect()
    }

    fn resend(&self, ej: EjId, of: Seq, edited: &[u8], by: &str) -> Result<Again, NotAgain> {
        self.flow.resend(ej, of, edited, by).map(applied).map_err(not_again)
    }
}

fn read(asked: &MessagesAsked) -> Result<sluice_flow::MessagesAsked, NotFound> {
    fn named<T>(
        name: &'static str,
        value: Option<&String>,
        parse: impl Fn(&str) -> Option<T>,
    ) -> Result<Option<T>, NotFound> {
        value.map(|value| parse(value).ok_or(NotFound::Parameter(name))).transpose()
    }
    let verdict = |name: &str| Verdict::ALL.into_iter().find(|verdict| verdict.as_str() == name);
    let brought = |name: &str| {
        let all = [Brought::Sent, Brought::Reprocessed, Brought::Resent];
        all.into_iter().find(|brought| brought.as_str() == name)
    };
    Ok(sluice_flow::MessagesAsked {
        channel: named("channel", asked.channel.as_ref(), |id| ChannelId::new(id).ok())?,
        event: asked.event.clone(),
        control_id: asked.control_id.clone(),
        patient: asked.patient.clone(),
        visit: asked.visit.clone(),
        verdict: named("verdict", asked.verdict.as_ref(), verdict)?,
        outcome: named("outcome", asked.outcome.as_ref(), Outcome::parse)?,
        brought: named("brought", asked.brought.as_ref(), brought)?,
        of: asked.of,
        from: asked.from,
        to: asked.to,
        before: asked.before,
    })
}

fn line(line: Line) -> MessageLine {
    MessageLine {
        seq: line.seq,
        received_at: line.received_at,
        channel: line.channel.to_string(),
        event: line.event,
        control_id: line.control_id,
        verdict: line.verdict.map_or("", Verdict::as_str),
        became: line.became,
        held: line.held,
        issues: line.issues,
        severity: line.severe.map(|severe| match severe {
            Severity::Information => "information",
            Severity::Warning => "warning",
            Severity::Error => "error",
        }),
        brought: line.brought.as_str(),
        of: line.of,
    }
}

fn applied(again: sluice_flow::Again) -> Again {
    Again { of: again.of, seq: again.seq, verdict: again.verdict.as_str() }
}

fn not_again(error: RedoError) -> NotAgain {
    match error {
        RedoError::Unknown => NotAgain::Unknown,
        RedoError::Refused { verdict, at } => {
            let at = at.or(verdict.row().at).map(|at| place(&at));
            NotAgain::Refused { verdict: verdict.as_str(), at }
        }
        RedoError::Acknowledgement => NotAgain::Not("it is an acknowledgement"),
        RedoError::OtherEj => NotAgain::Not("it is another EJ's by its MSH-4"),
        RedoError::Unchanged => NotAgain::Not("nothing was edited: reprocess it"),
        RedoError::NotRecorded(error) => {
            tracing::warn!(error = %error, "an act could not be recorded");
            NotAgain::NotRecorded
        }
        RedoError::Journal(error) => {
            tracing::error!(error = %error, "a message cannot be read again");
            NotAgain::Unreadable
        }
    }
}
