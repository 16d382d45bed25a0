//! One destination for one EJ at work: reads, sends, retries, sets aside, moves its cursor.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use futures_util::stream::{FuturesUnordered, StreamExt};
use sluice_channels::destinations::{Breaker, Code, Destination, DestinationSettings, open};
use sluice_ids::{EjId, Micros, Seq};
use sluice_journal::{Append, Entry, Refusal};
use tokio::sync::{mpsc, watch};
use tokio::task::{JoinHandle, spawn_blocking};
use tokio::time::{Instant, timeout};
use tokio_util::sync::CancellationToken;

use super::Deps;
use super::cursor::{Cursor, PASSED_MAX, RECORDS_MAX, TIME_MAX, Tracker, Way};
use super::line::Line;
use super::queue::{Left, Queue};
use super::source::{Batch, Item, Source};
use crate::acts::{DeadLetter, Reason};
use crate::clock::now;

/// Messages between the cursor and the last that was read, while the first is not done.
const AHEAD_MAX: usize = 1_024;
/// How long a stop waits for what is in flight.
const STOP_WAIT: Duration = Duration::from_secs(5);
/// Between two tries of what does not depend on a peer: a folder, the journal.
pub(super) const AGAIN: Duration = Duration::from_secs(1);

pub(super) struct Pipeline {
    pub deps: Arc<Deps>,
    pub ej: EjId,
    pub way: Way,
    pub settings: DestinationSettings,
    pub breaker: Arc<Breaker>,
    pub queue: Arc<Queue>,
    pub paused: watch::Receiver<bool>,
    pub stop: CancellationToken,
}

/// How the delivery of a message ended.
pub(super) enum End {
    Left(Left),
    /// For good, and why.
    SetAside(Reason, Code),
    /// A dead letter that is not to be tried again after all.
    StaysAside,
}

/// The cursor as the journal has it.
struct Written {
    cursor: Cursor,
    /// Messages done since.
    since: usize,
    first: Option<Instant>,
}

/// What was read, and how far it is done.
struct Work {
    tracker: Tracker,
    written: Written,
    /// When what is not done was received.
    received: BTreeMap<Seq, Micros>,
    /// Dead letters that are tried again.
    retried: BTreeSet<Seq>,
}

impl Pipeline {
    /// Until the stop. `cursor`: where it stands, in the term that begins.
    pub async fn run(self, cursor: Cursor) {
        let Some(began) = self.append(cursor.entry(self.ej, now())).await else { return };
        // Before a crash a record may have been sent as a later message left it: what was journaled
        // by now is folded first, so that no older version follows.
        if self.settings.is_fhir() && !self.folded(began).await {
            return;
        }
        let Some(client) = self.open().await else { return };
        let (tell, batches) = mpsc::channel(1);
        let source = self.source();
        let reading = tokio::spawn(source.run(cursor.seq.next(), tell));
        self.work(cursor, &*client, batches).await;
        reading.abort();
    }

    fn source(&self) -> Source {
        let (deps, ej, channel) = (Arc::clone(&self.deps), self.ej, self.way.channel);
        Source { deps, ej, channel, fhir: self.settings.is_fhir() }
    }

    /// The way out; tried until it can be used.
    async fn open(&self) -> Option<Arc<dyn Destination>> {
        loop {
            match open(&self.settings, self.ej, self.way.channel) {
                Ok(client) => {
                    self.queue.stuck(None);
                    return Some(client);
                }
                Err(error) => {
                    let why = error.to_string();
                    let Way { channel, destination } = self.way;
                    tracing::error!(%channel, %destination, error = %why, "a destination cannot be used");
                    self.queue.stuck(Some(why));
                }
            }
            if self.rest(AGAIN * 5).await {
                return None;
            }
        }
    }

    async fn work(
        &self,
        cursor: Cursor,
        client: &dyn Destination,
        mut batches: mpsc::Receiver<Batch>,
    ) {
        let mut read = cursor.seq;
        let mut work = Work {
            tracker: Tracker::new(&cursor),
            written: Written { cursor, since: 0, first: None },
            received: BTreeMap::new(),
            retried: BTreeSet::new(),
        };
        let mut line: Line<Item> = Line::new();
        let mut going = FuturesUnordered::new();
        // To be set aside, when there is room for another dead letter.
        let mut full: VecDeque<(Item, End)> = VecDeque::new();
        let mut unread: Option<&'static str> = None;
        let mut stuck = None;
        let mut letters = self.deps.letters(self.ej).map(|letters| letters.changed());
        let mut again = self.retry_letters(&mut line, &mut work.retried).await;
        let delivery = self.settings.delivery();
        let room = (delivery.window * 2).max(32);
        let mut ended = false;
        let mut paused = self.paused.clone();
        'run: loop {
            while !self.deps.letters_full(self.ej)
                && let Some((item, end)) = full.pop_front()
            {
                if !self.settled(&item, end, &mut work).await {
                    break 'run;
                }
            }
            let why = if full.is_empty() { unread } else { Some("too many dead letters are open") };
            if stuck != why {
                stuck = why;
                self.queue.stuck(why.map(str::to_owned));
            }
            // While there is no room, an operator's retry may yet make some.
            while !*paused.borrow_and_update()
                && going.len() < delivery.window
                && let Some(item) = line.next(|item| full.is_empty() || item.is_letter)
            {
                going.push(self.delivered(item, client, delivery));
            }
            self.keep(&work.tracker, &mut work.written, false).await;
            let first = work.received.values().next().copied();
            let unfinished = (work.received.len(), going.len());
            self.queue.stands(read, work.tracker.cursor(), unfinished, first);
            let may_read = !ended && line.len() < room && work.tracker.held() < AHEAD_MAX;
            let due = work.written.first.map(|first| first + TIME_MAX);
            tokio::select! {
                biased;
                () = self.stop.cancelled() => break,
                Some((item, end)) = going.next() => {
                    line.done(&item.keys);
                    match end {
                        None => line.push(item),
                        Some(end) if self.has_room(&item, &end) => {
                            if !self.settled(&item, end, &mut work).await {
                                break;
                            }
                        }
                        Some(end) => full.push_back((item, end)),
                    }
                }
                batch = batches.recv(), if may_read => match batch {
                    Some(Batch::Read { items, to }) => {
                        unread = None;
                        for item in items {
                            if !work.tracker.is_finished(item.seq) && !self.is_aside(item.seq) {
                                work.tracker.begin(item.seq);
                                work.received.insert(item.seq, item.received_at);
                                line.push(item);
                            }
                        }
                        work.tracker.read(to);
                        read = read.max(to);
                    }
                    Some(Batch::Lost { from, to }) => {
                        self.queue.lost(from, to);
                        let Way { channel, destination } = self.way;
                        tracing::error!(
                            %channel, %destination, from = from.get(), to = to.get(),
                            "retention let go what was to be delivered"
                        );
                    }
                    Some(Batch::Stuck(why)) => unread = Some(why),
                    None => ended = true,
                },
                () = told(&mut paused) => {}
                () = changed(&mut letters) => {
                    again = self.retry_letters(&mut line, &mut work.retried).await;
                }
                () = until(again) => {
                    again = self.retry_letters(&mut line, &mut work.retried).await;
                }
                () = until(due) => self.keep(&work.tracker, &mut work.written, true).await,
            }
        }
        // What is in flight may yet be answered; what is not is delivered at the next start.
        let finish = async {
            while let Some((item, end)) = going.next().await {
                if let Some(end) = end
                    && self.has_room(&item, &end)
                {
                    self.settled(&item, end, &mut work).await;
                }
            }
        };
        let _ = timeout(STOP_WAIT, finish).await;
        drop(going);
        self.keep(&work.tracker, &mut work.written, true).await;
    }

    /// Whether it can end so: one more dead letter may be too many.
    fn has_room(&self, item: &Item, end: &End) -> bool {
        item.is_letter || !matches!(end, End::SetAside(..)) || !self.deps.letters_full(self.ej)
    }

    /// Ends it; false at the stop, and then it has not ended.
    async fn settled(&self, item: &Item, end: End, work: &mut Work) -> bool {
        let aside = matches!(end, End::SetAside(..));
        if !self.ended(item, end).await {
            return false;
        }
        if item.is_letter {
            work.retried.remove(&item.seq);
            return true;
        }
        work.received.remove(&item.seq);
        work.tracker.finish(item.seq);
        // What was set aside may be closed by an operator at once: it must not come again.
        work.written.since += if aside { RECORDS_MAX } else { 1 };
        work.written.first.get_or_insert_with(Instant::now);
        true
    }

    /// Set aside before a crash, and the cursor did not get to say so.
    fn is_aside(&self, seq: Seq) -> bool {
        let letters = self.deps.letters(self.ej);
        letters.is_some_and(|letters| letters.get(seq, Some(self.way)).is_some())
    }

    /// Makes durable what has to be before the cursor may move; false at the stop.
    async fn ended(&self, item: &Item, end: End) -> bool {
        let (seq, way) = (item.seq, Some(self.way));
        match end {
            End::Left(left) => {
                if item.is_letter {
                    let letter = DeadLetter { seq, reason: Reason::Delivered, way, code: None };
                    if !self.letter(letter).await {
                        return false;
                    }
                }
                self.queue.left(left);
            }
            End::StaysAside => {}
            End::SetAside(reason, code) => {
                let (ej, why) = (self.ej, code.as_str());
                let Way { channel, destination } = self.way;
                tracing::warn!(
                    %ej, %channel, %destination, seq = seq.get(), code = why,
                    "a message was not delivered and set aside"
                );
                let code = Some(why.to_owned());
                if !self.letter(DeadLetter { seq, reason, way, code }).await {
                    return false;
                }
                if let Some(lane) = self.deps.lane(self.ej) {
                    lane.measures.dead_letters.increment(1);
                }
                self.queue.left(match reason {
                    Reason::Behind => Left::Behind,
                    _ => Left::Refused,
                });
            }
        }
        true
    }

    /// Journals it, and waits until the EJ's lane has read it: from then on all know of it.
    async fn letter(&self, letter: DeadLetter) -> bool {
        let Some(seq) = self.append(letter.entry(self.ej, now())).await else { return false };
        self.folded(seq).await;
        true
    }

    /// Waits until the EJ's lane has read that far; false at the stop.
    async fn folded(&self, seq: Seq) -> bool {
        let Some(lane) = self.deps.lane(self.ej) else { return false };
        while !lane.progress.reached(seq, AGAIN).await {
            if self.stop.is_cancelled() {
                return false;
            }
        }
        true
    }

    /// Puts those in line that are due; when to look again, where one could not be read.
    async fn retry_letters(
        &self,
        line: &mut Line<Item>,
        retried: &mut BTreeSet<Seq>,
    ) -> Option<Instant> {
        let letters = self.deps.letters(self.ej)?;
        let mut again = None;
        for seq in letters.due(self.way) {
            if retried.contains(&seq) || retried.len() >= AHEAD_MAX {
                continue;
            }
            let source = self.source();
            let item: JoinHandle<_> = spawn_blocking(move || source.letter(seq));
            match item.await {
                Ok(Ok(Some(item))) => {
                    retried.insert(seq);
                    line.push(item);
                }
                // The steps in force now leave nothing of it to deliver.
                Ok(Ok(None)) => {
                    let way = Some(self.way);
                    let letter = DeadLetter { seq, reason: Reason::Delivered, way, code: None };
                    self.letter(letter).await;
                }
                Err(error) if error.is_panic() => {
                    let (way, code) = (Some(self.way), Some("steps".to_owned()));
                    self.letter(DeadLetter { seq, reason: Reason::Panic, way, code }).await;
                }
                Ok(Err(_)) | Err(_) => again = Some(Instant::now() + AGAIN),
            }
        }
        again
    }

    /// Writes the cursor where it is due, or where it moved and `now` says so.
    async fn keep(&self, tracker: &Tracker, written: &mut Written, now_if_moved: bool) {
        let seq = tracker.cursor();
        let passed = seq.get().saturating_sub(written.cursor.seq.get());
        let due = written.since >= RECORDS_MAX
            || passed >= PASSED_MAX
            || (now_if_moved && written.since > 0);
        if !due || !self.deps.lease.is_held() {
            return;
        }
        let cursor = Cursor { seq, ahead: tracker.ahead(), ..written.cursor.clone() };
        if cursor != written.cursor && self.append(cursor.entry(self.ej, now())).await.is_none() {
            return;
        }
        self.deps.cursor_moved(self.ej, self.way, seq);
        *written = Written { cursor, since: 0, first: None };
    }

    /// Until it is durable; `None` at the stop, or where nobody can say.
    async fn append(&self, entry: Entry) -> Option<Seq> {
        loop {
            match self.deps.journal.appender().append(entry.clone()).await {
                Append::Stored { seq, .. } => {
                    if let Some(lane) = self.deps.lane(self.ej) {
                        lane.progress.stored(seq);
                    }
                    return Some(seq);
                }
                Append::Refused(Refusal::Stopping) | Append::Unknown => return None,
                Append::Refused(_) => {
                    if self.rest(AGAIN).await {
                        return None;
                    }
                }
            }
        }
    }

    /// A while, or until the stop; true when it is time to end.
    async fn rest(&self, time: Duration) -> bool {
        timeout(time, self.stop.cancelled()).await.is_ok()
    }
}

async fn changed(letters: &mut Option<tokio::sync::watch::Receiver<u64>>) {
    let told = match letters {
        Some(letters) => letters.changed().await.is_ok(),
        None => false,
    };
    if !told {
        std::future::pending::<()>().await;
    }
}

/// Until an operator says otherwise; for ever where nobody can any more.
async fn told(paused: &mut watch::Receiver<bool>) {
    if paused.changed().await.is_err() {
        std::future::pending::<()>().await;
    }
}

async fn until(due: Option<Instant>) {
    match due {
        Some(due) => tokio::time::sleep_until(due).await,
        None => std::future::pending().await,
    }
}
