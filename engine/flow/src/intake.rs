//! The intake: charset → index → identity → verdict → reservation → journal → answer.
//!
//! - All judging is done before [`IntakeSession::take`] returns, and the message is then in the
//!   journal's queue, in call order; only the wait for the disk is left to the future.
//! - An acceptance can be built only from [`Journaled`], which only a stored append gives.
//! - What is refused is journaled with its verdict too, then answered; where the journal cannot
//!   take that either, the answer stays the same.
//! - While the fold lags, answers are held back; far behind, messages are refused for now. Urgent
//!   messages have room of their own ([`Journal::urgent_share`]): routine ones are held back and
//!   refused earlier where urgent ones may come.
//! - What a sender is owed once its message is applied is asked for before the message is in the
//!   journal ([`crate::ended`]), so that no fold is too quick for it.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use bytes::Bytes;
use parking_lot::RwLock;
use sluice_channels::ack::{
    Acknowledgement, Outcome, OwnControlIds, Says, Terms, Verdict, is_acknowledgement,
};
use sluice_channels::intake::{
    Committed, Intake, IntakeSession, Owed, Reply, ReplyFuture, SessionContext, Taken, TakenFuture,
};
use sluice_channels::tls::SpeaksFor;
use sluice_ids::ChannelId;
use sluice_journal::{
    Append, AppendFuture, Appender, Entry, IdempotencyKey, Journal, Kind, Refusal,
};
use sluice_mappings::hl7::{Location, MshRaw};

use crate::clock::now;
use crate::control_ids::{Journaled, Reserved, Settled};
use crate::ended::{Again, Asked};
use crate::identity::{Directory, names_of_sender};
use crate::judge::{Finding, Judged, judge};
use crate::keys::idempotency_key;
use crate::lane::Shared as Lane;
use crate::measures::Duplicate;
use crate::settings::FlowSettings;

/// The bit of [`Entry::flags`] that says that a message was urgent when it came.
pub(crate) const FLAG_URGENT: u16 = 1;

/// How long an urgent record may have to wait for routine ones that were stored before it: two
/// fifths of the half second in which it is to be acknowledged and applied.
const URGENT_LAG: Duration = Duration::from_millis(200);

/// What all sessions share.
pub(crate) struct FlowIntake {
    /// Another one from the moment the channels are configured anew.
    pub directory: RwLock<Arc<Directory>>,
    /// In the order of the directory's parties.
    pub lanes: Vec<Arc<Lane>>,
    pub journal: Arc<dyn Journal>,
    pub settings: FlowSettings,
    pub own: OwnControlIds,
    pub again: Arc<Again>,
    pub stopping: AtomicBool,
}

impl FlowIntake {
    pub fn directory(&self) -> Arc<Directory> {
        Arc::clone(&self.directory.read())
    }
}

/// The port's face: sessions hold the shared part by reference count.
pub(crate) struct Door(pub Arc<FlowIntake>);

impl Intake for Door {
    fn session(&self, context: SessionContext) -> Option<Box<dyn IntakeSession>> {
        self.0.directory().door(context.channel)?;
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
    fn take(&mut self, frame: Bytes) -> TakenFuture {
        let intake = Arc::clone(&self.intake);
        let directory = intake.directory();
        let Some(door) = directory.door(self.channel) else {
            return ready(Committed::NotNow, Reply::Close);
        };
        let Judged { msh, party, finding, event, urgent } =
            judge(&directory, door, intake.settings.unserved, &frame);
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
            return ready(Committed::Yes, Reply::Silent);
        };
        lane.measures.event(event);
        lane.measures.class(urgent).messages.increment(1);
        let terms = Terms::of(door.ack_mode, door.ack_when, msh.as_ref());
        let letter = Letter { intake: Arc::clone(&intake), lane, terms, urgent, frame };
        if verdict.is_accepted() {
            self.accept(letter, verdict)
        } else {
            self.keep_refused(letter, verdict, at)
        }
    }

    fn refuse(&mut self, head: Bytes, why: Verdict) -> TakenFuture {
        let reply = self.refuse_head(head, why).unwrap_or(Reply::Silent);
        ready(if why.row().transient { Committed::NotNow } else { Committed::Never }, reply)
    }
}

fn ready(committed: Committed, reply: Reply) -> TakenFuture {
    Box::pin(std::future::ready(Taken::with(committed, reply)))
}

impl Session {
    fn accept(&mut self, letter: Letter, verdict: Verdict) -> TakenFuture {
        if let Some(refused) = letter.not_now() {
            return ready(Committed::NotNow, letter.refusal(refused, None));
        }
        let key = idempotency_key(letter.lane.ej, &letter.frame);
        let (asking, asked) = letter
            .terms
            .when_applied(verdict)
            .then(|| Asked::new(Arc::clone(&letter.lane), Arc::clone(&letter.intake.again), key))
            .unzip();
        match letter.lane.ids.reserve(key, asking) {
            Reserved::First => {
                let reservation = Reservation { lane: Arc::clone(&letter.lane), key: Some(key) };
                let append = self.append(&letter, verdict, key);
                Box::pin(stored(letter, verdict, asked, reservation, append))
            }
            Reserved::Accepted(journaled) => {
                letter.lane.measures.duplicate(Duplicate::Answered);
                let taken = letter.acceptance(verdict, &journaled, asked);
                Box::pin(std::future::ready(taken))
            }
            Reserved::Wait(told) => {
                letter.lane.measures.duplicate(Duplicate::Awaited);
                Box::pin(async move {
                    let settled = told.await.unwrap_or(Settled::Unknown);
                    letter.settled(settled, verdict, asked)
                })
            }
        }
    }

    fn keep_refused(
        &mut self,
        letter: Letter,
        verdict: Verdict,
        at: Option<Location>,
    ) -> TakenFuture {
        let append = self.append(&letter, verdict, IdempotencyKey::default());
        Box::pin(async move {
            match append.await {
                Append::Stored { seq, .. } => {
                    letter.lane.progress.stored(seq);
                    Taken::with(Committed::Yes, letter.refusal(verdict, at))
                }
                Append::Refused(_) => Taken::with(Committed::Never, letter.refusal(verdict, at)),
                Append::Unknown => Taken::with(Committed::NotNow, Reply::Close),
            }
        })
    }

    fn append(&mut self, letter: &Letter, verdict: Verdict, key: IdempotencyKey) -> AppendFuture {
        let entry = Entry {
            kind: Kind::Message,
            flags: if letter.urgent { FLAG_URGENT } else { 0 },
            verdict: verdict.number(),
            ej: letter.lane.ej,
            channel: self.channel,
            received_at: now(),
            key,
            payload: letter.frame.clone(),
        };
        if letter.urgent { self.appender.append_urgent(entry) } else { self.appender.append(entry) }
    }

    /// A frame of which only the beginning is there is answered if that tells what to answer.
    fn refuse_head(&self, head: Bytes, why: Verdict) -> Option<Reply> {
        let intake = &self.intake;
        let directory = intake.directory();
        let door = directory.door(self.channel)?;
        let msh = MshRaw::find(&head).filter(|msh| !is_acknowledgement(msh, &head))?;
        let party = directory.receiver(door, &msh);
        let party = party.unwrap_or_else(|_| directory.fallback(door));
        let terms = Terms::of(door.ack_mode, door.ack_when, Some(&msh));
        let lane = Arc::clone(&intake.lanes[party]);
        let urgent = door.urgency.is_of(None);
        let letter = Letter { intake: Arc::clone(intake), lane, terms, urgent, frame: head };
        Some(letter.refusal(why, None))
    }
}

/// The end of a message that is in the journal's queue.
async fn stored(
    letter: Letter,
    verdict: Verdict,
    asked: Option<Asked>,
    reservation: Reservation,
    append: AppendFuture,
) -> Taken {
    let settled = Settled::of(append.await);
    if let Settled::Stored(seq) = settled {
        letter.lane.progress.stored(seq);
    }
    reservation.settle(settled);
    // An answer that waits until its message is applied needs not be held back.
    let answered_at_once = asked.is_none() || letter.terms.is_twofold();
    if let Settled::Stored(seq) = settled
        && answered_at_once
    {
        let allowed = letter.lag_pushback_records();
        if letter.lane.progress.lag() > allowed {
            letter.lane.measures.pushed_back.increment(1);
            letter.lane.measures.class(letter.urgent).pushed_back.increment(1);
            let limit = Duration::from_millis(letter.intake.settings.lag_pushback_ms);
            letter.lane.progress.room(seq, allowed, limit).await;
        }
    }
    letter.settled(settled, verdict, asked)
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

/// A message, and what its sender is owed for it.
struct Letter {
    intake: Arc<FlowIntake>,
    lane: Arc<Lane>,
    terms: Terms,
    urgent: bool,
    frame: Bytes,
}

impl Letter {
    /// Why nothing can be taken for now.
    fn not_now(&self) -> Option<Verdict> {
        if self.intake.stopping.load(Ordering::Acquire) {
            return Some(Verdict::Stopping);
        }
        if !self.lane.progress.standing().prepared {
            return Some(Verdict::EjStopped);
        }
        let allowed = self.share_of(self.intake.settings.lag_records_max);
        (self.lane.progress.lag() > allowed).then_some(Verdict::Overloaded)
    }

    /// What of the fold's lag this message may make use of.
    fn share_of(&self, whole: u64) -> u64 {
        if self.urgent || !self.lane.expects_urgent.load(Ordering::Relaxed) {
            whole
        } else {
            self.intake.journal.urgent_share().rest_of(whole)
        }
    }

    /// How many records the fold may lag behind before this answer is held back. An urgent record
    /// is folded after all that were stored before it: where such may come, routine ones are held
    /// back as soon as they would make it wait too long.
    fn lag_pushback_records(&self) -> u64 {
        let allowed = self.share_of(self.intake.settings.lag_pushback_records);
        if self.urgent || !self.lane.expects_urgent.load(Ordering::Relaxed) {
            return allowed;
        }
        allowed.min(self.lane.progress.records_within(URGENT_LAG))
    }

    fn settled(self, settled: Settled, verdict: Verdict, asked: Option<Asked>) -> Taken {
        match (settled.journaled(), settled) {
            (Some(journaled), _) => self.acceptance(verdict, &journaled, asked),
            (None, Settled::Refused(refusal)) => {
                let (committed, verdict) = match refusal {
                    Refusal::NoSpace { .. } => (Committed::NotNow, Verdict::NoSpace),
                    Refusal::TooLarge { .. } => (Committed::Never, Verdict::FrameTooLarge),
                    Refusal::Busy { .. } => (Committed::NotNow, Verdict::Overloaded),
                    Refusal::Stopping => (Committed::NotNow, Verdict::Stopping),
                    Refusal::Damaged { .. } => (Committed::NotNow, Verdict::EjStopped),
                };
                Taken::with(committed, self.refusal(verdict, None))
            }
            (None, _) => Taken::with(Committed::NotNow, Reply::Close),
        }
    }

    fn acceptance(self, verdict: Verdict, _: &Journaled, asked: Option<Asked>) -> Taken {
        let Some(asked) = asked else {
            return Taken::with(Committed::Yes, self.answer(verdict, None));
        };
        if !self.terms.is_twofold() {
            self.lane.measures.verdict(verdict);
            let owed = Owed::WhenApplied(self.applied(asked));
            return Taken { committed: Committed::Yes, owed, applied: None };
        }
        let owed = Owed::Now(self.answer(verdict, None));
        let applied = Some(self.applied(asked));
        Taken { committed: Committed::Yes, owed, applied }
    }

    /// What is said of it once it is applied. Its time begins now, however long others are
    /// waited for before it.
    fn applied(self, asked: Asked) -> ReplyFuture {
        let until = Instant::now() + Duration::from_millis(self.intake.settings.applied_ack_ms);
        Box::pin(async move {
            let ended = asked.ended(until).await;
            self.lane.measures.outcome(ended.outcome);
            let of_its_own = self.terms.is_twofold();
            // After CA, "send it again" would be wrong: it is safe, and will be applied.
            let untold = of_its_own && ended.outcome == Outcome::Pending;
            if untold || !self.terms.application.owes(ended.outcome.is_success()) {
                return Reply::Silent;
            }
            let says = Says::Outcome(ended.outcome, &ended.issues);
            self.write(ended.outcome.row().code, says, of_its_own)
        })
    }

    fn refusal(&self, verdict: Verdict, at: Option<Location>) -> Reply {
        debug_assert!(!verdict.is_accepted());
        self.answer(verdict, at)
    }

    fn answer(&self, verdict: Verdict, at: Option<Location>) -> Reply {
        self.lane.measures.verdict(verdict);
        if verdict.row().transient {
            self.lane.measures.class(self.urgent).refused.increment(1);
        }
        match self.terms.at_once(verdict) {
            Some(code) => self.write(code, Says::Verdict(verdict, at), false),
            None => Reply::Silent,
        }
    }

    fn write(&self, code: &'static str, says: Says<'_>, of_its_own: bool) -> Reply {
        let msh = MshRaw::find(&self.frame);
        let answer = Acknowledgement { msh, code, says, of_its_own, now: now() };
        Reply::Answer { code, bytes: answer.write(&self.intake.own) }
    }
}
