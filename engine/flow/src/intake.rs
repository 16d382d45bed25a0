//! The intake: charset → index → identity → verdict → reservation → journal → answer.
//!
//! - All judging is done before [`IntakeSession::take`] returns, and the message is then in the
//!   journal's queue, in call order; only the wait for the disk is left to the future.
//! - An acceptance can be built only from [`Journaled`], which only a stored append gives.
//! - What is refused is journaled with its verdict too, then answered; where the journal cannot
//!   take that either, the answer stays the same.
//! - While the fold lags, answers are held back; far behind, messages are refused for now.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use bytes::Bytes;
use sluice_channels::ack::{Acknowledgement, OwnControlIds, Terms, Verdict, is_acknowledgement};
use sluice_channels::intake::{Intake, IntakeSession, Reply, ReplyFuture, SessionContext};
use sluice_channels::tls::SpeaksFor;
use sluice_ids::ChannelId;
use sluice_journal::{
    Append, AppendFuture, Appender, Entry, IdempotencyKey, Journal, Kind, Refusal,
};
use sluice_mappings::hl7::{Location, MshRaw};

use crate::clock::now;
use crate::control_ids::{Journaled, Reserved, Settled};
use crate::identity::{Directory, names_of_sender};
use crate::judge::{Finding, Judged, judge};
use crate::keys::idempotency_key;
use crate::lane::Shared as Lane;
use crate::measures::Duplicate;
use crate::settings::FlowSettings;

/// What all sessions share.
pub(crate) struct FlowIntake {
    pub directory: Directory,
    /// In the order of the directory's parties.
    pub lanes: Vec<Arc<Lane>>,
    pub journal: Arc<dyn Journal>,
    pub settings: FlowSettings,
    pub own: OwnControlIds,
    pub stopping: AtomicBool,
}

/// The port's face: sessions hold the shared part by reference count.
pub(crate) struct Door(pub Arc<FlowIntake>);

impl Intake for Door {
    fn session(&self, context: SessionContext) -> Option<Box<dyn IntakeSession>> {
        self.0.directory.door(context.channel)?;
        Some(Box::new(Session {
            intake: Arc::clone(&self.0),
            channel: context.channel,
            speaks_for: context.speaks_for,
            appender: self.0.journal.appender(),
        }))
    }
}

struct Session {
    intake: Arc<FlowIntake>,
    channel: ChannelId,
    speaks_for: SpeaksFor,
    appender: Box<dyn Appender>,
}

impl IntakeSession for Session {
    fn take(&mut self, frame: Bytes) -> ReplyFuture {
        let intake = Arc::clone(&self.intake);
        let Some(door) = intake.directory.door(self.channel) else {
            return Box::pin(std::future::ready(Reply::Close));
        };
        let Judged { msh, party, finding, event } =
            judge(&intake.directory, door, intake.settings.unserved, &frame);
        let lane = Arc::clone(&intake.lanes[party]);
        let finding = match (finding, &msh) {
            (Finding::Verdict(verdict, _), Some(msh))
                if verdict.is_accepted() && !self.speaks_for.covers(&names_of_sender(msh)) =>
            {
                Finding::Verdict(Verdict::SenderOfAnotherClient, None)
            }
            (finding, _) => finding,
        };
        let Finding::Verdict(verdict, at) = finding else {
            lane.measures.acknowledgements.increment(1);
            return Box::pin(std::future::ready(Reply::Silent));
        };
        lane.measures.event(event);
        let terms = Terms::of(door.ack_mode, msh.as_ref());
        let owed = Owed { intake: Arc::clone(&intake), lane, terms, frame };
        if verdict.is_accepted() {
            self.accept(owed, verdict)
        } else {
            self.keep_refused(owed, verdict, at)
        }
    }

    fn refuse(&mut self, head: Bytes, why: Verdict) -> ReplyFuture {
        let reply = self.refuse_head(head, why).unwrap_or(Reply::Silent);
        Box::pin(std::future::ready(reply))
    }
}

impl Session {
    fn accept(&mut self, owed: Owed, verdict: Verdict) -> ReplyFuture {
        if let Some(refused) = owed.not_now() {
            return Box::pin(std::future::ready(owed.refusal(refused, None)));
        }
        let key = idempotency_key(owed.lane.ej, &owed.frame);
        match owed.lane.ids.reserve(key) {
            Reserved::First => {
                let reservation = Reservation { lane: Arc::clone(&owed.lane), key: Some(key) };
                let append = self.append(&owed, verdict, key);
                Box::pin(stored(owed, verdict, reservation, append))
            }
            Reserved::Accepted(journaled) => {
                owed.lane.measures.duplicate(Duplicate::Answered);
                let reply = owed.acceptance(verdict, &journaled);
                Box::pin(std::future::ready(reply))
            }
            Reserved::Wait(told) => {
                owed.lane.measures.duplicate(Duplicate::Awaited);
                Box::pin(async move {
                    let settled = told.await.unwrap_or(Settled::Unknown);
                    owed.settled(settled, verdict)
                })
            }
        }
    }

    fn keep_refused(&mut self, owed: Owed, verdict: Verdict, at: Option<Location>) -> ReplyFuture {
        let append = self.append(&owed, verdict, IdempotencyKey::default());
        Box::pin(async move {
            match append.await {
                Append::Stored { seq, .. } => {
                    owed.lane.progress.stored(seq);
                    owed.refusal(verdict, at)
                }
                Append::Refused(_) => owed.refusal(verdict, at),
                Append::Unknown => Reply::Close,
            }
        })
    }

    fn append(&mut self, owed: &Owed, verdict: Verdict, key: IdempotencyKey) -> AppendFuture {
        self.appender.append(Entry {
            kind: Kind::Message,
            flags: 0,
            verdict: verdict.number(),
            ej: owed.lane.ej,
            channel: self.channel,
            received_at: now(),
            key,
            payload: owed.frame.clone(),
        })
    }

    /// A frame of which only the beginning is there is answered if that tells what to answer.
    fn refuse_head(&self, head: Bytes, why: Verdict) -> Option<Reply> {
        let intake = &self.intake;
        let door = intake.directory.door(self.channel)?;
        let msh = MshRaw::find(&head).filter(|msh| !is_acknowledgement(msh, &head))?;
        let party = intake.directory.receiver(door, &msh);
        let party = party.unwrap_or_else(|_| intake.directory.fallback(door));
        let terms = Terms::of(door.ack_mode, Some(&msh));
        let lane = Arc::clone(&intake.lanes[party]);
        let owed = Owed { intake: Arc::clone(intake), lane, terms, frame: head };
        Some(owed.refusal(why, None))
    }
}

/// The end of a message that is in the journal's queue.
async fn stored(
    owed: Owed,
    verdict: Verdict,
    reservation: Reservation,
    append: AppendFuture,
) -> Reply {
    let settled = Settled::of(append.await);
    if let Settled::Stored(seq) = settled {
        owed.lane.progress.stored(seq);
    }
    reservation.settle(settled);
    let FlowSettings { lag_pushback_records, lag_pushback_ms, .. } = owed.intake.settings;
    if let Settled::Stored(seq) = settled
        && owed.lane.progress.lag() > lag_pushback_records
    {
        owed.lane.measures.pushed_back.increment(1);
        let limit = Duration::from_millis(lag_pushback_ms);
        owed.lane.progress.room(seq, lag_pushback_records, limit).await;
    }
    owed.settled(settled, verdict)
}

/// A key that is this message's until it is settled. Dropped before (its connection was cut at a
/// stop), the outcome is unknown to those that wait.
struct Reservation {
    lane: Arc<Lane>,
    key: Option<IdempotencyKey>,
}

impl Reservation {
    fn settle(mut self, settled: Settled) {
        self.end(settled);
    }

    fn end(&mut self, settled: Settled) {
        if let Some(key) = self.key.take() {
            self.lane.ids.settle(key, settled);
        }
    }
}

impl Drop for Reservation {
    fn drop(&mut self) {
        self.end(Settled::Unknown);
    }
}

/// An answer that is owed to somebody.
struct Owed {
    intake: Arc<FlowIntake>,
    lane: Arc<Lane>,
    terms: Terms,
    frame: Bytes,
}

impl Owed {
    /// Why nothing can be taken for now.
    fn not_now(&self) -> Option<Verdict> {
        if self.intake.stopping.load(Ordering::Acquire) {
            return Some(Verdict::Stopping);
        }
        if !self.lane.progress.standing().prepared {
            return Some(Verdict::EjStopped);
        }
        let behind = self.lane.progress.lag() > self.intake.settings.lag_records_max;
        behind.then_some(Verdict::Overloaded)
    }

    fn settled(&self, settled: Settled, verdict: Verdict) -> Reply {
        match (settled.journaled(), settled) {
            (Some(journaled), _) => self.acceptance(verdict, &journaled),
            (None, Settled::Refused(refusal)) => self.refusal(
                match refusal {
                    Refusal::NoSpace { .. } => Verdict::NoSpace,
                    Refusal::TooLarge { .. } => Verdict::FrameTooLarge,
                    Refusal::Busy { .. } => Verdict::Overloaded,
                    Refusal::Stopping => Verdict::Stopping,
                    Refusal::Damaged { .. } => Verdict::EjStopped,
                },
                None,
            ),
            (None, _) => Reply::Close,
        }
    }

    fn acceptance(&self, verdict: Verdict, _: &Journaled) -> Reply {
        self.answer(verdict, None)
    }

    fn refusal(&self, verdict: Verdict, at: Option<Location>) -> Reply {
        debug_assert!(!verdict.is_accepted());
        self.answer(verdict, at)
    }

    fn answer(&self, verdict: Verdict, at: Option<Location>) -> Reply {
        self.lane.measures.verdict(verdict);
        if !self.terms.owed(verdict) {
            return Reply::Silent;
        }
        let msh = MshRaw::find(&self.frame);
        let answer = Acknowledgement { msh, terms: self.terms, verdict, at, now: now() };
        Reply::Answer { code: self.terms.code(verdict), bytes: answer.write(&self.intake.own) }
    }
}
