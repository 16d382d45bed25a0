//! Deliveries: each destination of a channel is a cursor over the journal, never a copy of it.
//!
//! What the journal holds and the state has folded goes out in its order, strictly so for each
//! patient. `docs/destinations.md` tells the rules; `cursor.rs`, `line.rs`, `letters.rs` and
//! `content.rs` keep one each.

mod aside;
mod attempt;
mod content;
mod cursor;
mod lease;
mod letters;
mod line;
mod noted;
mod pipeline;
mod queue;
mod source;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use parking_lot::Mutex;
use sluice_channels::ChannelSettings;
use sluice_channels::destinations::{Breakers, DestinationSettings};
use sluice_ids::{ChannelId, EjId, Seq};
use sluice_journal::{Journal, ReadError};
use sluice_mappings::entity::LegalEntity;
use sluice_state::State;
use std::time::Duration;
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

pub use cursor::Way;
pub(crate) use cursor::{Cursor, first_since, key as cursor_key};
pub use lease::{Lease, ProcessLock};
pub use letters::Letter;
pub(crate) use letters::Letters;
pub(crate) use noted::Noted;
pub(crate) use queue::describe_metrics;
pub use queue::{Doing, QueueTold};

use crate::clock::now;
use crate::fold::Apply;
use crate::lane::Shared as Lane;
use crate::past::Past;
use pipeline::Pipeline;
use queue::Queue;

/// What all deliveries share.
pub(crate) struct Deps {
    pub journal: Arc<dyn Journal>,
    pub lanes: Vec<Arc<Lane>>,
    pub state: State,
    pub entities: Vec<LegalEntity>,
    pub apply: Apply,
    pub reach: u64,
    pub dead_letters_max: u64,
    pub lease: Arc<dyn Lease>,
}

impl Deps {
    fn lane(&self, ej: EjId) -> Option<&Lane> {
        self.lanes.iter().find(|lane| lane.ej == ej).map(Arc::as_ref)
    }

    fn letters(&self, ej: EjId) -> Option<&Letters> {
        self.lane(ej).map(|lane| &lane.letters)
    }

    fn letters_full(&self, ej: EjId) -> bool {
        self.letters(ej)
            .is_some_and(|letters| letters.undelivered() as u64 >= self.dead_letters_max)
    }

    fn applied(&self, ej: EjId) -> Seq {
        self.lane(ej).map_or(Seq::ZERO, |lane| lane.progress.standing().applied)
    }

    fn entity(&self, ej: EjId) -> LegalEntity {
        let entity = self.entities.iter().find(|entity| entity.id() == ej);
        entity.cloned().expect("a channel's EJs are declared: the configuration was checked")
    }

    fn past(&self) -> Past {
        Past {
            journal: Arc::clone(&self.journal),
            state: self.state.clone(),
            apply: self.apply,
            reach: self.reach,
        }
    }

    fn cursor_moved(&self, ej: EjId, way: Way, seq: Seq) {
        if let Some(lane) = self.lane(ej) {
            lane.cursors.lock().insert(way, seq);
        }
    }
}

/// The cursors of an EJ's destinations: retention keeps what is behind one.
pub(crate) type Cursors = Mutex<BTreeMap<Way, Seq>>;

struct Running {
    settings: DestinationSettings,
    queue: Arc<Queue>,
    breaker: Arc<sluice_channels::destinations::Breaker>,
    paused: watch::Sender<bool>,
    stop: CancellationToken,
    /// False: the journal did not tell where it stands, and the task does nothing.
    begun: bool,
    task: JoinHandle<()>,
}

/// All destinations of all channels.
pub struct Delivery {
    deps: Arc<Deps>,
    breakers: Breakers,
    running: Mutex<BTreeMap<(EjId, Way), Running>>,
    /// What an operator paused, running or not. Taken while `running` is held.
    paused: Mutex<BTreeSet<Way>>,
}

/// What is in flight is given up; what it was is delivered at the next start.
impl Drop for Delivery {
    fn drop(&mut self) {
        for running in self.running.lock().values() {
            running.task.abort();
        }
    }
}

impl Delivery {
    pub(crate) fn new(deps: Deps) -> Self {
        let (deps, breakers) = (Arc::new(deps), Breakers::default());
        Self { deps, breakers, running: Mutex::default(), paused: Mutex::default() }
    }

    /// Has a destination send nothing from now on, or send again; one that begins later too. An
    /// attempt that is under way ends.
    pub fn pause(&self, way: Way, paused: bool) {
        let running = self.running.lock();
        if paused {
            self.paused.lock().insert(way);
        } else {
            self.paused.lock().remove(&way);
        }
        for (_, one) in running.iter().filter(|((_, of), _)| *of == way) {
            one.paused.send_replace(paused);
        }
    }

    /// Makes a channel's destinations those that its settings name: what is the same goes on, what
    /// changed is stopped where it stands and goes on from there, what is new begins, what ended or
    /// could not begin is tried again. Within a tokio runtime.
    ///
    /// # Errors
    /// When the journal cannot tell where one stands: it is told as stuck; the others are started.
    pub async fn set(&self, channel: &ChannelSettings) -> Result<(), ReadError> {
        let ways = |settings: &DestinationSettings| Way {
            channel: channel.id,
            destination: settings.name(),
        };
        let mut wanted: BTreeMap<(EjId, Way), &DestinationSettings> = BTreeMap::new();
        for settings in channel.destination.iter().filter(|_| channel.enabled) {
            wanted.extend(channel.ejs.iter().map(|ej| ((*ej, ways(settings)), settings)));
        }
        self.stop_those(|key, running| {
            let same = wanted.get(key) == Some(&&running.settings);
            key.1.channel == channel.id && (!same || !running.begun || running.task.is_finished())
        })
        .await;
        for lane in &self.deps.lanes {
            let declared = channel.ejs.contains(&lane.ej);
            lane.cursors.lock().retain(|way, _| {
                let named = channel.destination.iter().any(|d| d.name() == way.destination);
                way.channel != channel.id || (declared && named)
            });
        }
        let mut outcome = Ok(());
        for ((ej, way), settings) in wanted {
            if self.running.lock().contains_key(&(ej, way)) {
                continue;
            }
            if let Err(error) = self.start(ej, way, settings).await {
                outcome = Err(error);
            }
        }
        outcome
    }

    /// Stops a channel's destinations; their cursors stay in the journal, and hold nothing back.
    pub async fn remove(&self, channel: ChannelId) {
        self.stop_those(|key, _| key.1.channel == channel).await;
        for lane in &self.deps.lanes {
            lane.cursors.lock().retain(|way, _| way.channel != channel);
        }
    }

    /// Stops all of them, each at its cursor.
    pub async fn stop(&self) {
        self.stop_those(|_, _| true).await;
    }

    async fn stop_those(&self, which: impl Fn(&(EjId, Way), &Running) -> bool) {
        let stopped: Vec<Running> = {
            let mut running = self.running.lock();
            let keys: Vec<_> =
                running.iter().filter(|(key, of)| which(key, of)).map(|(key, _)| *key).collect();
            keys.iter().filter_map(|key| running.remove(key)).collect()
        };
        // Together: each may take as long as its slowest peer.
        stopped.iter().for_each(|running| running.stop.cancel());
        for running in stopped {
            // One that panicked has ended too, and said so.
            let _ = running.task.await;
            running.queue.gone();
        }
    }

    async fn start(
        &self,
        ej: EjId,
        way: Way,
        settings: &DestinationSettings,
    ) -> Result<(), ReadError> {
        let (deps, of) = (Arc::clone(&self.deps), settings.clone());
        let placed = move || Cursor::place(&*deps.journal, ej, way, &of);
        let (cursor, why, outcome) = match tokio::task::spawn_blocking(placed).await {
            Ok(Ok(cursor)) => (Some(cursor), None, Ok(())),
            Ok(Err(error)) => (None, Some(format!("it cannot begin: {error}")), Err(error)),
            Err(_) => (None, Some("it cannot begin; the log says why".to_owned()), Ok(())),
        };
        let at = cursor.as_ref().map_or(Seq::ZERO, |cursor| cursor.seq);
        let delivery = settings.delivery();
        let open = Duration::from_millis(delivery.breaker_open_ms);
        let breaker = self.breakers.of(&settings.peer(), delivery.breaker_failures, open);
        let queue = Arc::new(Queue::new(ej, way, at));
        let stop = CancellationToken::new();
        let mut running = self.running.lock();
        let paused = watch::Sender::new(self.paused.lock().contains(&way));
        let pipeline = Pipeline {
            deps: Arc::clone(&self.deps),
            ej,
            way,
            settings: settings.clone(),
            breaker: Arc::clone(&breaker),
            queue: Arc::clone(&queue),
            paused: paused.subscribe(),
            stop: stop.clone(),
        };
        let begun = cursor.is_some();
        let task = if let Some(cursor) = cursor {
            self.deps.cursor_moved(ej, way, cursor.seq);
            tokio::spawn(pipeline.run(cursor))
        } else {
            queue.stuck(why);
            tokio::spawn(async {})
        };
        let settings = settings.clone();
        let one = Running { settings, queue, breaker, paused, stop, begun, task };
        running.insert((ej, way), one);
        outcome
    }

    /// How each destination stands, by channel, destination and EJ.
    #[must_use]
    pub fn queues(&self) -> Vec<QueueTold> {
        let running = self.running.lock();
        let told = running.iter().map(|((ej, way), of)| {
            let (paused, waiting) = (*of.paused.borrow(), of.breaker.is_open());
            let told = QueueTold {
                ej: *ej,
                way: *way,
                kind: of.settings.kind(),
                doing: match (of.task.is_finished(), paused, waiting) {
                    (true, ..) => Doing::Stuck,
                    (false, true, _) => Doing::Paused,
                    (false, false, true) => Doing::Waiting,
                    (false, false, false) => Doing::Running,
                },
                why: of.task.is_finished().then(|| "it ended; the log says why".to_owned()),
                cursor: Seq::ZERO,
                depth: 0,
                depth_is_exact: true,
                in_flight: 0,
                oldest: None,
                delivered_per_s: 0.0,
                delivered_total: 0,
                dead_letters_total: 0,
                trouble: None,
            };
            of.queue.told(told, self.deps.applied(*ej), now())
        });
        let mut told: Vec<_> = told.collect();
        told.sort_by_key(|told| (told.way, told.ej));
        told
    }

    /// The open dead letters of an EJ, in the order of their messages.
    #[must_use]
    pub fn letters(&self, ej: EjId) -> Vec<Letter> {
        self.letters_after(ej, None, usize::MAX)
    }

    /// Those after a place, at most so many.
    #[must_use]
    pub fn letters_after(
        &self,
        ej: EjId,
        after: Option<(Seq, Option<Way>)>,
        most: usize,
    ) -> Vec<Letter> {
        self.deps.letters(ej).map(|letters| letters.after(after, most)).unwrap_or_default()
    }

    /// How many are open.
    #[must_use]
    pub fn letters_open(&self, ej: EjId) -> usize {
        self.deps.letters(ej).map_or(0, Letters::count)
    }

    /// One of them.
    #[must_use]
    pub fn letter(&self, ej: EjId, seq: Seq, way: Option<Way>) -> Option<Letter> {
        self.deps.letters(ej)?.get(seq, way)
    }
}
