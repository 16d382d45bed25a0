//! One record → what it does: the step that the live lane, a rebuild and the tests share.
//!
//! It depends on the journal alone: on the record, the records before it (the state, the memory
//! of accepted messages) and the configuration epoch in force at its place, steps included. No clock, no random
//! number, nothing of this process. A panic in the mapping is part of that: the same message on
//! the same records panics again, so setting it aside replays identically.

use std::borrow::Cow;
use std::panic::{AssertUnwindSafe, catch_unwind};

use sluice_channels::ack::Verdict;
use sluice_channels::steps::Passed;
use sluice_journal::{Kind, Record};
use sluice_mappings::adt::{Change, Context, Issue, IssueCode, Outcome, Records};
use sluice_mappings::hl7::{Location, Message, MshRaw, charset};

use crate::acts::Reason;
use crate::control_ids::ControlIds;
use crate::epoch::Epoch;
use crate::keys::sender_control_id;
use crate::measures::Become;
use crate::operator::{Act, Deed, message_of};
use crate::progress::Halt;
use crate::window::Seen;

/// What a message does to the records: [`sluice_mappings::adt::apply`], or another in a test.
pub type Apply = fn(&Message<'_>, &Context<'_>, &dyn Records) -> Outcome;

/// What a record does.
pub(crate) struct Step {
    pub changes: Vec<Change>,
    pub issues: Vec<Issue>,
    /// `None` for records that are no messages.
    pub became: Option<Become>,
    pub seen: Option<Seen>,
}

impl Step {
    const NOTHING: Self =
        Self { changes: Vec::new(), issues: Vec::new(), became: None, seen: None };

    fn became(became: Become) -> Self {
        Self { became: Some(became), ..Self::NOTHING }
    }
}

/// One EJ's fold.
pub(crate) struct Fold {
    apply: Apply,
    /// In force from the last one on.
    epoch: Epoch,
}

impl Fold {
    pub fn new(apply: Apply, epoch: Epoch) -> Self {
        Self { apply, epoch }
    }

    /// What `record`, the next of its EJ, does.
    ///
    /// # Errors
    /// When its meaning cannot be known: the fold must not go past it.
    pub fn step(
        &mut self,
        record: &Record,
        memory: &ControlIds,
        records: &dyn Records,
    ) -> Result<Step, Halt> {
        match record.entry.kind {
            Kind::Message => {
                // With its key the message means something: it is not set aside, and the memory
                // has not seen it.
                if self.epoch.lacks_key(record.entry.channel) {
                    return Err(Halt::Key { seq: record.seq });
                }
                Ok(self.message(record, memory, records))
            }
            Kind::ConfigEpoch => {
                self.epoch =
                    Epoch::decode(&record.entry.payload).ok_or(Halt::Epoch { seq: record.seq })?;
                Ok(Step::NOTHING)
            }
            Kind::OperatorAct => Ok(self.act(record, records)),
            // Cursors and dead letters say nothing of patients.
            Kind::CursorAdvance | Kind::DeadLetter => Ok(Step::NOTHING),
        }
    }

    /// A message that an operator brings is applied at the act's place, whatever came before: it
    /// is no repetition, and is not remembered as one that a sender sent.
    fn act(&self, record: &Record, records: &dyn Records) -> Step {
        let brings = Act::decode(&record.entry.payload)
            .is_some_and(|act| matches!(act.deed, Deed::Reprocess { .. } | Deed::Resend { .. }));
        let Some(raw) = message_of(record).filter(|_| brings) else { return Step::NOTHING };
        match Verdict::from_number(record.entry.verdict) {
            Some(Verdict::KeptUnread) => Step::became(Become::KeptUnread),
            _ => self.apply(record, &raw, records),
        }
    }

    fn message(&self, record: &Record, memory: &ControlIds, records: &dyn Records) -> Step {
        let verdict = Verdict::from_number(record.entry.verdict);
        if !verdict.is_some_and(Verdict::is_accepted) {
            return Step::became(Become::Refused);
        }
        let raw = &record.entry.payload;
        let control_id = MshRaw::find(raw).map_or(0, |msh| sender_control_id(&msh));
        let seen = memory.fold(record.seq, record.entry.key, control_id);
        let mut step = match (seen, verdict) {
            (Seen::Repeated(_), _) => Step::became(Become::Duplicate),
            (_, Some(Verdict::KeptUnread)) => Step::became(Become::KeptUnread),
            _ => self.apply(record, raw, records),
        };
        step.seen = Some(seen);
        if seen == Seen::ControlIdReused {
            step.issues.push(Issue::new(IssueCode::ControlIdReused, Location::field(b"MSH", 10)));
        }
        step
    }

    fn apply(&self, record: &Record, raw: &[u8], records: &dyn Records) -> Step {
        let declared = MshRaw::find(raw).and_then(|msh| msh.charset());
        let decoded = charset::decode(raw, declared, self.epoch.entity.charset);
        let text =
            match self.epoch.steps(record.entry.channel).map(|steps| steps.run(&decoded.text)) {
                None => Cow::Borrowed(&*decoded.text),
                Some(Passed::On(text)) => text,
                Some(Passed::Dropped { .. }) => return Step::became(Become::Filtered),
                Some(Passed::Failed { .. }) => return Step::became(Become::Poison(Reason::Step)),
            };
        let Ok(message) = Message::index(&text) else {
            // Accepted by a version with other rules.
            let issues = vec![Issue::new(IssueCode::StructureBroken, Location::segment(b"MSH"))];
            return Step { issues, ..Step::became(Become::NoEffect) };
        };
        let context = Context {
            entity: &self.epoch.entity,
            seq: record.seq,
            received_at: record.entry.received_at,
        };
        let outcome = catch_unwind(AssertUnwindSafe(|| (self.apply)(&message, &context, records)));
        let Ok(mut outcome) = outcome else { return Step::became(Become::Poison(Reason::Panic)) };
        if decoded.lie.is_some() {
            let at = Location::field(b"MSH", 18);
            outcome.issues.push(Issue::new(IssueCode::CharsetLies, at));
        }
        Step {
            changes: outcome.changes,
            issues: outcome.issues,
            became: Some(outcome.effect.into()),
            seen: None,
        }
    }
}
