//! One EJ's lane: reads its journal in order, folds each record, publishes in batches.
//!
//! - An OS thread: folding is computing, and reading the journal blocks.
//! - Readers are shown a batch of at most [`BATCH_RECORDS_MAX`] records or
//!   [`BATCH_TIME_MAX`], and at once where nothing more waits.
//! - It begins at the state's own `applied`, and remembers nothing else: what was staged and not
//!   kept is folded again, and comes out the same.
//! - A message on which the mapping panics, or a step fails, is set aside by a dead-letter record, written once:
//!   while records from before the start are folded again, the journal may still hold it further
//!   on, so those are only written where the end came without it.

use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::SyncSender;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use parking_lot::Mutex;
use sluice_channels::ack::Verdict;
use sluice_ids::{EjId, Micros, Seq};
use sluice_journal::{Append, Entry, Journal, Kind, ReadError, Reader, Record};
use sluice_mappings::hl7::MshRaw;
use sluice_state::{EjWriter, StateSettings};

use crate::acts::{DeadLetter, Reason, append_blocking};
use crate::clock::now;
use crate::control_ids::{Asking, ControlIds};
use crate::delivery::{Cursors, Letters, Noted};
use crate::ended::Ended;
use crate::epoch::Epoch;
use crate::fold::{Apply, Fold};
use crate::intake::FLAG_URGENT;
use crate::keys::sender_control_id;
use crate::ledger::{Book, Pen, Refold, Row};
use crate::measures::{Become, Duplicate, Measures};
use crate::progress::{Halt, Progress};
use crate::telling::Telling;
use crate::window::{Seen, Window};

const BATCH_RECORDS_MAX: usize = 64;
const BATCH_TIME_MAX: Duration = Duration::from_millis(1);

/// How long a lane sleeps at the journal's end before it looks whether to stop.
const END_WAIT: Duration = Duration::from_millis(100);

/// By how much a lane stands back (`nice`) where there is not processor time for all: an answer is
/// awaited, and what is folded later is safe. It cannot fall behind without end, since answers are
/// held back when it lags (`flow.lag_pushback_records`), and then the time is its own. A lane for
/// which urgent messages may come does not: without rights a thread that stood back cannot step
/// forward again when one comes.
#[cfg(target_os = "linux")]
const NICE: i32 = 10;

/// How long it is before folding again is tried once more.
const REFOLD_WAIT: Duration = Duration::from_secs(60);

/// How long a lane that cannot go on waits before it tries again.
const HALT_WAIT: Duration = Duration::from_secs(1);

/// What the intake and the lane of one EJ share.
pub(crate) struct Shared {
    pub ej: EjId,
    pub ids: ControlIds,
    pub progress: Progress,
    pub measures: Measures,
    pub book: Arc<Book>,
    /// A channel has urgent messages for it.
    pub expects_urgent: AtomicBool,
    pub letters: Letters,
    pub noted: Noted,
    /// Of its destinations.
    pub cursors: Cursors,
    /// As it is configured now; in force once it is in the journal. Held while it is written there,
    /// so that the journal's newest is the newest.
    pub configured: Mutex<Epoch>,
}

pub(crate) struct Lane {
    pub shared: Arc<Shared>,
    pub journal: Arc<dyn Journal>,
    pub writer: EjWriter,
    pub apply: Apply,
    pub reach: u64,
    /// Of the state, for one beside it in which messages are folded again.
    pub state: StateSettings,
    pub stop: Arc<AtomicBool>,
    /// Told once the lane is prepared, or cannot be.
    pub prepared: Option<SyncSender<()>>,
}

/// What a lane at work has besides.
struct Work {
    fold: Fold,
    reader: Box<dyn Reader>,
    /// Folded last.
    last: Seq,
    last_received: Micros,
    /// The journal's end when the lane began.
    tail_at_start: Seq,
    /// Poison from before the start whose dead letter was not met yet.
    suspects: BTreeMap<Seq, Reason>,
    /// Records of ours that the journal refused for now.
    owed: Vec<Entry>,
    /// The configured epoch was.
    undeclared: bool,
    telling: Telling,
    /// Who is told what became of messages of the batch, once readers see it.
    asking: Vec<(Asking, Ended)>,
    pen: Pen,
    /// What folds again the messages that the ledger lost, and when to look whether it must.
    refold: Option<JoinHandle<()>>,
    refold_at: Instant,
    batch: usize,
    batch_since: Instant,
    /// When the oldest message of each class in the batch was received: routine, urgent.
    oldest: [Option<Micros>; 2],
}

impl Lane {
    /// Until the stop. A panic here, outside of what a message is applied by, is ours: the lane
    /// ends where it stands and says so. It is not tried again, since what it holds is doubtful;
    /// what was not published is folded at the next start.
    pub fn run(mut self) {
        // On Linux this is the thread's own; a system that does not allow it loses nothing else.
        #[cfg(target_os = "linux")]
        if !self.shared.expects_urgent.load(Ordering::Relaxed) {
            let _ = rustix::process::nice(NICE);
        }
        if catch_unwind(AssertUnwindSafe(|| self.serve())).is_err() {
            self.halted(Halt::Panicked);
        }
    }

    fn serve(&mut self) {
        let mut work = loop {
            match self.prepare() {
                Ok(work) => break work,
                Err(halt) => self.halted(halt),
            }
            if self.rest() {
                return;
            }
        };
        self.shared.progress.tell(|standing| {
            standing.prepared = true;
            standing.halted = None;
        });
        self.tell_prepared();
        while !self.stop.load(Ordering::Acquire) {
            if let Err(halt) = self.advance(&mut work) {
                self.publish(&mut work);
                self.halted(halt);
                if halt == Halt::StateLost || self.rest() {
                    return;
                }
                work.reader = self.journal.read(self.shared.ej, work.last.next());
            }
        }
        self.publish(&mut work);
        if let Some(refold) = work.refold.take() {
            // One that panicked has said so.
            let _ = refold.join();
        }
    }

    /// Reads back what the journal remembers: accepted messages and the epoch in force.
    fn prepare(&self) -> Result<Work, Halt> {
        let ej = self.shared.ej;
        let applied = self.writer.applied();
        let tail = self.journal.tail(ej);
        if applied > tail {
            // Waiting for the journal to come past it would hide what comes until then.
            return Err(Halt::StateAhead { applied, tail });
        }
        self.shared.ids.reset(self.reach);
        self.remember(Window::from(self.reach, applied.next()), applied)?;
        let ahead = applied.max(Window::from(self.reach, tail.next()));
        self.remember(ahead.max(applied.next()), tail)?;
        let letters = self.shared.letters.load(&*self.journal, ej, applied);
        letters.map_err(|error| halt_of(&error))?;
        self.shared.noted.begin(applied.next());
        self.shared.progress.stored(tail);
        self.shared.progress.tell(|standing| standing.applied = applied);
        let in_force = self.epoch_at(applied)?;
        let in_force =
            in_force.unwrap_or_else(|| Epoch::bare(self.shared.configured.lock().entity.clone()));
        let mut work = Work {
            fold: Fold::new(self.apply, in_force),
            reader: self.journal.read(ej, applied.next()),
            last: applied,
            last_received: Micros::default(),
            tail_at_start: tail,
            suspects: BTreeMap::new(),
            owed: Vec::new(),
            undeclared: false,
            telling: Telling::new(ej),
            asking: Vec::new(),
            pen: Pen::take(&self.shared.book, &*self.journal, applied),
            refold: None,
            refold_at: Instant::now(),
            batch: 0,
            batch_since: Instant::now(),
            oldest: [None; 2],
        };
        self.declare(&mut work)?;
        Ok(work)
    }

    /// Writes the configured epoch, where the journal's newest is another.
    fn declare(&self, work: &mut Work) -> Result<(), Halt> {
        let configured = self.shared.configured.lock();
        let newest = self.epoch_at(Seq::new(u64::MAX))?;
        work.undeclared = false;
        if newest.is_none_or(|newest| !newest.is_as(&configured)) {
            match append_blocking(&*self.journal, configured.entry(now())) {
                Append::Stored { seq, .. } => self.shared.progress.stored(seq),
                Append::Refused(_) => work.undeclared = true,
                // The journal has failed: the process ends, and the next start writes it.
                Append::Unknown => {}
            }
        }
        Ok(())
    }

    /// Enters the accepted messages from `from` to `to` into the memory of control ids.
    fn remember(&self, from: Seq, to: Seq) -> Result<(), Halt> {
        let applied = self.writer.applied();
        let mut reader = self.journal.read(self.shared.ej, from);
        let mut first = true;
        loop {
            let record = match reader.next() {
                Ok(Some(record)) if record.seq <= to => record,
                Ok(_) => return Ok(()),
                // What was let go was let go with its memory (see `retention`).
                Err(ReadError::Released { oldest, .. }) if first && oldest <= applied.next() => {
                    first = false;
                    reader = self.journal.read(self.shared.ej, oldest);
                    continue;
                }
                Err(error) => return Err(halt_of(&error)),
            };
            let verdict = Verdict::from_number(record.entry.verdict);
            let accepted = verdict.is_some_and(Verdict::is_accepted);
            if record.entry.kind != Kind::Message || !accepted {
                continue;
            }
            if record.seq > applied {
                self.shared.ids.note_stored(record.seq, record.entry.key);
            } else {
                let msh = MshRaw::find(&record.entry.payload);
                let control_id = msh.map_or(0, |msh| sender_control_id(&msh));
                self.shared.ids.fold(record.seq, record.entry.key, control_id);
            }
        }
    }

    fn epoch_at(&self, at: Seq) -> Result<Option<Epoch>, Halt> {
        let found = Epoch::at(&*self.journal, self.shared.ej, at);
        found.map_err(|error| halt_of(&error))?.map_err(|seq| Halt::Epoch { seq })
    }

    /// Folds the next record, or waits for one.
    fn advance(&mut self, work: &mut Work) -> Result<(), Halt> {
        match work.reader.next().map_err(|error| halt_of(&error))? {
            Some(record) => {
                self.fold(work, &record)?;
                if work.batch >= BATCH_RECORDS_MAX || work.batch_since.elapsed() >= BATCH_TIME_MAX {
                    self.publish(work);
                }
            }
            None => {
                self.publish(work);
                for (seq, reason) in std::mem::take(&mut work.suspects) {
                    self.set_aside(work, seq, reason);
                }
                for owed in std::mem::take(&mut work.owed) {
                    self.write(work, owed);
                }
                if work.undeclared {
                    self.declare(work)?;
                }
                work.telling.settle();
                self.refold(work);
                self.journal.wait_past(self.shared.ej, work.last, END_WAIT);
            }
        }
        Ok(())
    }

    fn fold(&mut self, work: &mut Work, record: &Record) -> Result<(), Halt> {
        let step = work.fold.step(record, &self.shared.ids, &self.writer)?;
        let measures = &self.shared.measures;
        if let Some(became) = step.became {
            measures.became(became);
        }
        match step.seen {
            Some(Seen::Repeated(_)) => measures.duplicate(Duplicate::Folded),
            Some(Seen::ControlIdReused) => measures.duplicate(Duplicate::ControlIdReused),
            Some(Seen::New) | None => {}
        }
        measures.issues(&step.issues);
        if let Some(row) = Row::of(record, &step) {
            work.pen.note(row);
        }
        let again = record.seq <= work.tail_at_start;
        work.telling.issues(record.seq, &step.issues, again);
        if step.became == Some(Become::Refused)
            && let Some(verdict) = Verdict::from_number(record.entry.verdict)
        {
            work.telling.refused(record.seq, verdict, again);
        }
        if record.entry.kind == Kind::DeadLetter
            && let Some(letter) = DeadLetter::decode(&record.entry.payload)
            && letter.way.is_none()
        {
            work.suspects.remove(&letter.seq);
        }
        self.shared.letters.enter(&*self.journal, record);
        self.shared.noted.note(record.seq, step.became, &step.changes);
        if let Some(Become::Poison(reason)) = step.became {
            if record.seq <= work.tail_at_start {
                work.suspects.insert(record.seq, reason);
            } else {
                self.set_aside(work, record.seq, reason);
            }
        }
        self.writer.stage(record.seq, step.changes).map_err(|_| Halt::StateLost)?;
        if let Some(became) = step.became {
            let asked = self.shared.ids.asked(&record.entry.key);
            let told = |asking| Some((asking, Ended::of(became, &step.issues)?));
            work.asking.extend(asked.into_iter().filter_map(told));
        }
        if work.batch == 0 {
            work.batch_since = Instant::now();
        }
        work.batch += 1;
        if step.became.is_some() && !again {
            let urgent = record.entry.flags & FLAG_URGENT != 0;
            work.oldest[usize::from(urgent)].get_or_insert(record.entry.received_at);
        }
        work.last = record.seq;
        work.last_received = record.entry.received_at;
        Ok(())
    }

    /// Begins to fold again what the ledger lost, where it did. Asked where the lane rests.
    fn refold(&self, work: &mut Work) {
        work.pen.write(work.last);
        let Some(through) = self.shared.book.gap() else { return };
        let at_work = work.refold.as_ref().is_some_and(|refold| !refold.is_finished());
        if at_work || Instant::now() < work.refold_at {
            return;
        }
        work.refold_at = Instant::now() + REFOLD_WAIT;
        let refold = Refold {
            book: Arc::clone(&self.shared.book),
            journal: Arc::clone(&self.journal),
            entity: self.shared.configured.lock().entity.clone(),
            apply: self.apply,
            reach: self.reach,
            settings: self.state.clone(),
            stop: Arc::clone(&self.stop),
        };
        let ej = self.shared.ej;
        let thread = std::thread::Builder::new().name(format!("refold-{ej}"));
        let thread = thread.spawn(move || {
            #[cfg(target_os = "linux")]
            let _ = rustix::process::nice(NICE);
            if let Err(error) = refold.run(through) {
                tracing::warn!(%ej, %error, "the index of messages could not be made anew yet");
            }
        });
        work.refold = thread.ok();
    }

    fn set_aside(&self, work: &mut Work, seq: Seq, reason: Reason) {
        self.shared.measures.dead_letters.increment(1);
        let (ej, why) = (self.shared.ej, reason.as_str());
        tracing::error!(%ej, seq = seq.get(), reason = why, "a message was set aside");
        let letter = DeadLetter { seq, reason, way: None, code: None };
        self.write(work, letter.entry(self.shared.ej, now()));
    }

    fn write(&self, work: &mut Work, entry: Entry) {
        match append_blocking(&*self.journal, entry.clone()) {
            Append::Stored { seq, .. } => self.shared.progress.stored(seq),
            Append::Refused(_) => work.owed.push(entry),
            // The journal has failed: the process ends, and the next start writes it.
            Append::Unknown => {}
        }
    }

    fn publish(&mut self, work: &mut Work) {
        if work.batch == 0 {
            return;
        }
        work.batch = 0;
        work.pen.write(work.last);
        self.writer.publish();
        let Shared { progress, measures, .. } = &*self.shared;
        progress.tell(|standing| {
            standing.applied = work.last;
            standing.halted = None;
        });
        for (asking, ended) in work.asking.drain(..) {
            // Who no longer waits needs not be told.
            let _ = asking.send(ended);
        }
        let lag = progress.lag();
        let now = now().get();
        let age = now.saturating_sub(work.last_received.get()).max(0);
        let behind = if lag == 0 { 0 } else { age.unsigned_abs() };
        progress.behind(Duration::from_micros(behind));
        for (class, oldest) in measures.classes.iter().zip(&mut work.oldest) {
            if let Some(oldest) = oldest.take() {
                class.applied.record(now.saturating_sub(oldest.get()).max(0) as f64 / 1e6);
            }
        }
        measures.lag_records.set(lag as f64);
        measures.lag_seconds.set(if lag == 0 { 0.0 } else { age as f64 / 1e6 });
        measures.halted.set(0.0);
    }

    fn halted(&mut self, halt: Halt) {
        let before = self.shared.progress.standing().halted;
        if before != Some(halt) {
            tracing::error!(ej = %self.shared.ej, reason = %halt, "the lane cannot go on");
        }
        self.shared.measures.halted.set(1.0);
        self.shared.progress.tell(|standing| standing.halted = Some(halt));
        self.tell_prepared();
    }

    fn tell_prepared(&mut self) {
        if let Some(prepared) = self.prepared.take() {
            // Nobody listens any more where the start was given up.
            let _ = prepared.send(());
        }
    }

    /// A while, or until the stop; true when it is time to end.
    fn rest(&self) -> bool {
        let until = Instant::now() + HALT_WAIT;
        while Instant::now() < until {
            if self.stop.load(Ordering::Acquire) {
                return true;
            }
            std::thread::park_timeout(END_WAIT);
        }
        self.stop.load(Ordering::Acquire)
    }
}

fn halt_of(error: &ReadError) -> Halt {
    match error {
        ReadError::Damaged { segment, offset } => {
            Halt::Damaged { segment: *segment, offset: *offset }
        }
        ReadError::Released { .. } => Halt::Released,
        ReadError::Io { .. } => Halt::Unreadable,
    }
}
