//! One destination for one EJ at work: reads, sends, retries, sets aside, moves its cursor.

use std::sync::Arc;
use std::time::Duration;

use futures_util::stream::{FuturesUnordered, StreamExt};
use sluice_channels::destinations::{
    Body, Breaker, Code, DeliverySettings, Destination, DestinationSettings, Outcome, Outgoing,
    open,
};
use sluice_ids::{EjId, Seq};
use sluice_journal::{Append, Entry, Refusal};
use tokio::sync::{mpsc, watch};
use tokio::task::{JoinHandle, spawn_blocking};
use tokio::time::{Instant, sleep, timeout};
use tokio_util::sync::CancellationToken;

use super::Deps;
use super::content::rendered;
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
const AGAIN: Duration = Duration::from_secs(1);

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
enum End {
    Left(Left),
    /// For good, and why.
    SetAside(Reason, Code),
}

/// The cursor as the journal has it.
struct Written {
    cursor: Cursor,
    /// Messages done since.
    since: usize,
    first: Option<Instant>,
}

impl Pipeline {
    /// Until the stop. `cursor`: where it stands, in the term that begins.
    pub async fn run(self, cursor: Cursor) {
        if self.append(cursor.entry(self.ej, now())).await.is_none() {
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
        let mut tracker = Tracker::new(&cursor);
        let mut read = cursor.seq;
        let mut written = Written { cursor, since: 0, first: None };
        let mut line: Line<Item> = Line::new();
        let mut going = FuturesUnordered::new();
        let mut oldest = std::collections::BTreeMap::new();
        let mut letters = self.deps.letters(self.ej).map(|letters| letters.changed());
        let mut retried: std::collections::BTreeSet<Seq> = std::collections::BTreeSet::new();
        self.retry_letters(&mut line, &mut retried).await;
        let delivery = self.settings.delivery();
        let room = (delivery.window * 2).max(32);
        let mut ended = false;
        let mut paused = self.paused.clone();
        loop {
            while !*paused.borrow_and_update()
                && going.len() < delivery.window
                && let Some(item) = line.next()
            {
                going.push(self.delivered(item, client, delivery));
            }
            self.keep(&tracker, &mut written, false).await;
            let first = oldest.values().next().copied();
            self.queue.stands(read, tracker.cursor(), (oldest.len(), going.len()), first);
            let may_read = !ended && line.len() < room && tracker.held() < AHEAD_MAX;
            let due = written.first.map(|first| first + TIME_MAX);
            tokio::select! {
                biased;
                () = self.stop.cancelled() => break,
                Some((item, end)) = going.next() => {
                    let Some(end) = end else {
                        line.done(&item.keys);
                        line.push(item);
                        continue;
                    };
                    let aside = matches!(end, End::SetAside(..));
                    if !self.ended(&item, end).await {
                        break;
                    }
                    line.done(&item.keys);
                    if item.is_letter {
                        retried.remove(&item.seq);
                        continue;
                    }
                    oldest.remove(&item.seq);
                    tracker.finish(item.seq);
                    // What was set aside may be closed by an operator at once: it must not come again.
                    written.since += if aside { RECORDS_MAX } else { 1 };
                    written.first.get_or_insert_with(Instant::now);
                }
                batch = batches.recv(), if may_read => match batch {
                    Some(Batch::Read { items, to }) => {
                        self.queue.stuck(None);
                        for item in items {
                            if !tracker.is_finished(item.seq) && !self.is_aside(item.seq) {
                                tracker.begin(item.seq);
                                oldest.insert(item.seq, item.received_at);
                                line.push(item);
                            }
                        }
                        tracker.read(to);
                        read = read.max(to);
                    }
                    Some(Batch::Lost { from, to }) => {
                        let Way { channel, destination } = self.way;
                        tracing::error!(
                            %channel, %destination, from = from.get(), to = to.get(),
                            "retention let go what was to be delivered"
                        );
                    }
                    Some(Batch::Stuck(why)) => self.queue.stuck(Some(why.to_owned())),
                    None => ended = true,
                },
                () = told(&mut paused) => {}
                () = changed(&mut letters) => self.retry_letters(&mut line, &mut retried).await,
                () = until(due) => self.keep(&tracker, &mut written, true).await,
            }
        }
        // What is in flight may yet be answered; what is not is delivered at the next start.
        let finish = async {
            while let Some((item, end)) = going.next().await {
                if let Some(end @ End::Left(_)) = end
                    && self.ended(&item, end).await
                    && !item.is_letter
                {
                    tracker.finish(item.seq);
                    written.since += 1;
                }
            }
        };
        let _ = timeout(STOP_WAIT, finish).await;
        drop(going);
        self.keep(&tracker, &mut written, true).await;
    }

    /// Tries until it is delivered, or never will be; `None`: until it was paused.
    async fn delivered(
        &self,
        item: Item,
        client: &dyn Destination,
        delivery: &DeliverySettings,
    ) -> (Item, Option<End>) {
        if delivery.hold_patient && !item.is_letter && self.is_held(&item) {
            return (item, Some(End::SetAside(Reason::Behind, Code::of("behind"))));
        }
        let mut attempts = 0_u32;
        let mut answered = 0_u32;
        let mut paused = self.paused.clone();
        loop {
            while !self.deps.lease.is_held() {
                sleep(AGAIN).await;
            }
            let pass = tokio::select! {
                biased;
                () = until_paused(&mut paused) => return (item, None),
                pass = self.breaker.pass() => pass,
            };
            let Some(outgoing) = self.outgoing(&item).await else {
                drop(pass);
                return (item, Some(End::Left(Left::Superseded)));
            };
            attempts = attempts.saturating_add(1);
            let mut after = None;
            match client.deliver(outgoing).await {
                Outcome::Accepted => {
                    pass.tell(true);
                    return (item, Some(End::Left(Left::Accepted)));
                }
                Outcome::Refused(code) => {
                    pass.tell(true);
                    return (item, Some(End::SetAside(Reason::Refused, code)));
                }
                Outcome::NotNow(code, wait) => {
                    pass.tell(true);
                    self.queue.failed(true, code.as_str());
                    (answered, after) = (answered.saturating_add(1), wait);
                    let max = delivery.answered_retries_max;
                    if max > 0 && answered >= max {
                        return (item, Some(End::SetAside(Reason::GaveUp, code)));
                    }
                }
                Outcome::Unreached(code) => {
                    pass.tell(false);
                    self.queue.failed(false, code.as_str());
                }
            }
            let wait = after.unwrap_or_default().max(backoff(delivery, attempts));
            tokio::select! {
                () = until_paused(&mut paused) => return (item, None),
                () = sleep(wait) => {}
            }
        }
    }

    /// Set aside before a crash, and the cursor did not get to say so.
    fn is_aside(&self, seq: Seq) -> bool {
        let letters = self.deps.letters(self.ej);
        letters.is_some_and(|letters| letters.get(seq, Some(self.way)).is_some())
    }

    fn is_held(&self, item: &Item) -> bool {
        let letters = self.deps.letters(self.ej);
        letters.is_some_and(|letters| letters.holds(self.way, &item.patients))
    }

    /// As it is now; `None` where nothing is left to send.
    async fn outgoing(&self, item: &Item) -> Option<Outgoing> {
        let body = match (&item.body, &self.settings) {
            (Some(body), _) => body.clone(),
            (None, DestinationSettings::Fhir(settings)) => {
                let (deps, ej, seq) = (Arc::clone(&self.deps), self.ej, item.seq);
                let release = settings.version;
                let resources = spawn_blocking(move || {
                    let record = deps.journal.get(ej, seq).ok().flatten();
                    record.map(|record| rendered(&deps, ej, &record, release))
                });
                let resources = resources.await.ok().flatten().unwrap_or_default();
                if resources.is_empty() {
                    return None;
                }
                Body::Resources(resources)
            }
            (None, _) => return None,
        };
        let (ej, channel) = (self.ej, self.way.channel);
        Some(Outgoing { ej, channel, seq: item.seq, received_at: item.received_at, body })
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
            End::SetAside(reason, code) => {
                while self.deps.letters_full(self.ej) {
                    self.queue.stuck(Some("too many dead letters are open".to_owned()));
                    if self.rest(AGAIN).await {
                        return false;
                    }
                }
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
        let Some(lane) = self.deps.lane(self.ej) else { return false };
        while !lane.progress.reached(seq, AGAIN).await {
            if self.stop.is_cancelled() {
                return true;
            }
        }
        true
    }

    async fn retry_letters(
        &self,
        line: &mut Line<Item>,
        retried: &mut std::collections::BTreeSet<Seq>,
    ) {
        let Some(letters) = self.deps.letters(self.ej) else { return };
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
                Ok(Err(_)) | Err(_) => {}
            }
        }
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

async fn until_paused(paused: &mut watch::Receiver<bool>) {
    if paused.wait_for(|paused| *paused).await.is_err() {
        std::future::pending::<()>().await;
    }
}

async fn until(due: Option<Instant>) {
    match due {
        Some(due) => tokio::time::sleep_until(due).await,
        None => std::future::pending().await,
    }
}

/// Doubled with each attempt up to the most, half of it by lot: destinations that failed together
/// do not come back together.
fn backoff(delivery: &DeliverySettings, attempts: u32) -> Duration {
    use std::hash::{BuildHasher, RandomState};
    let doubled = delivery.retry_first_ms.saturating_mul(1 << (attempts - 1).min(20));
    let most = doubled.min(delivery.retry_max_ms);
    // Each of these states is keyed anew by the system's randomness.
    let lot = RandomState::new().hash_one(attempts) % (most / 2 + 1);
    Duration::from_millis(most - most / 2 + lot)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn attempts_come_apart_and_never_further_than_the_most() {
        let delivery = DeliverySettings::default();
        for (attempts, most) in [(1, 500), (2, 1_000), (5, 8_000), (9, 60_000), (4_000, 60_000)] {
            let wait = u64::try_from(backoff(&delivery, attempts).as_millis()).unwrap();
            assert!((most / 2..=most).contains(&wait), "{wait} ms at {attempts}");
        }
    }
}
