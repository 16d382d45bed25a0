//! The flow as a whole: its intake, its lanes, and what may be asked of them.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::sync_channel;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use parking_lot::{Mutex, RwLock};
use sluice_channels::ChannelSettings;
use sluice_channels::ack::OwnControlIds;
use sluice_channels::intake::Intake;
use sluice_ids::{EjId, Micros, Seq};
use sluice_journal::{Journal, KeyIndex, ReadError};
use sluice_mappings::entity::LegalEntity;
use sluice_state::State;

use crate::acts::append_blocking;
use crate::clock::now;
use crate::control_ids::ControlIds;
use crate::delivery::{Cursor, Cursors, Delivery, Deps, Letters, Noted, ProcessLock, Way};
use crate::ended::Again;
use crate::epoch::Epoch;
use crate::fold::Apply;
use crate::identity::Directory;
use crate::intake::{Door, FlowIntake};
use crate::keys::ACT_KEY;
use crate::lane::{Lane, Shared};
use crate::ledger::Book;
use crate::measures::Measures;
use crate::operator::{self, Act, Deed, NotRecorded, Recorded};
use crate::past::Past;
use crate::progress::{Progress, Standing};
use crate::retention::Retention;
use crate::settings::FlowSettings;

/// What a flow is made of.
pub struct Parts<'a> {
    pub journal: Arc<dyn Journal>,
    pub state: &'a State,
    pub entities: &'a [LegalEntity],
    pub channels: &'a [ChannelSettings],
    pub settings: FlowSettings,
    /// Where the index of messages is kept.
    pub messages: &'a Path,
    /// What a message does: [`sluice_mappings::adt::apply`].
    pub apply: Apply,
}

#[derive(Debug, thiserror::Error)]
pub enum ReconfigureError {
    #[error("a step of a channel of {ej} cannot be used")]
    Steps { ej: EjId },
    #[error("{ej}: {source}")]
    NotRecorded { ej: EjId, source: NotRecorded },
}

#[derive(Debug, thiserror::Error)]
pub enum StartError {
    #[error("the state has no writer for {ej}: it was not opened for it, or another flow runs")]
    NoWriter { ej: EjId },
    #[error("a step of a channel of {ej} cannot be used")]
    Steps { ej: EjId },
    #[error("no thread for the lane of {ej}")]
    Thread { ej: EjId, source: std::io::Error },
    #[error("where {} of {} stands in {ej} cannot be read", way.destination, way.channel)]
    Cursor { ej: EjId, way: Way, source: ReadError },
    #[error("no thread for retention")]
    Retention(#[source] std::io::Error),
}

/// A running flow. Dropping it stops its lanes.
pub struct Flow {
    pub(crate) intake: Arc<FlowIntake>,
    apply: Apply,
    stop: Arc<AtomicBool>,
    threads: Mutex<Vec<JoinHandle<()>>>,
}

impl Flow {
    /// Starts the lanes, and returns when each has read back what the journal remembers (or has
    /// found that it cannot: see [`Flow::standing`]). Blocking; a second for each 100 000
    /// messages of memory at most. What is not yet applied is then folded beside the feed.
    ///
    /// # Errors
    /// When the state or the system cannot give what a lane needs.
    pub fn start(parts: Parts<'_>) -> Result<Self, StartError> {
        let stop = Arc::new(AtomicBool::new(false));
        let reach = parts.settings.control_ids_max;
        let rows_max = parts.settings.message_rows_max;
        let directory = Directory::new(parts.entities, parts.channels);
        let lanes = parts.entities.iter().enumerate().map(|(party, entity)| {
            let ej = entity.id();
            let epoch = Epoch::configured(entity.clone(), parts.channels);
            Ok(Arc::new(Shared {
                ej,
                ids: ControlIds::new(reach),
                progress: Progress::new(),
                measures: Measures::new(ej),
                book: Arc::new(Book::new(parts.messages, ej, rows_max)),
                expects_urgent: directory.expects_urgent(party).into(),
                letters: Letters::new(),
                noted: Noted::default(),
                cursors: Cursors::default(),
                configured: Mutex::new(epoch.ok_or(StartError::Steps { ej })?),
            }))
        });
        let lanes = lanes.collect::<Result<Vec<_>, StartError>>()?;
        let past = Past {
            journal: Arc::clone(&parts.journal),
            state: parts.state.clone(),
            apply: parts.apply,
            reach,
        };
        let intake = Arc::new(FlowIntake {
            directory: RwLock::new(Arc::new(directory)),
            lanes,
            journal: parts.journal,
            settings: parts.settings,
            own: OwnControlIds::new(now()),
            again: Arc::new(Again::new(past, parts.entities)),
            stopping: AtomicBool::new(false),
        });
        let apply = parts.apply;
        let flow = Self { intake, apply, stop, threads: Mutex::new(Vec::new()) };
        let (tell, prepared) = sync_channel(parts.entities.len());
        for (entity, shared) in parts.entities.iter().zip(&flow.intake.lanes) {
            let ej = entity.id();
            let lane = Lane {
                shared: Arc::clone(shared),
                journal: Arc::clone(&flow.intake.journal),
                writer: parts.state.writer(ej).ok_or(StartError::NoWriter { ej })?,
                apply: parts.apply,
                reach,
                state: parts.state.settings().clone(),
                stop: Arc::clone(&flow.stop),
                prepared: Some(tell.clone()),
            };
            let thread = std::thread::Builder::new().name(format!("lane-{ej}"));
            let thread = thread
                .spawn(move || lane.run())
                .map_err(|source| StartError::Thread { ej, source })?;
            flow.threads.lock().push(thread);
        }
        drop(tell);
        while prepared.recv().is_ok() {}
        // Only now is it known how far each lane is, and what its memory reaches back to.
        flow.place_cursors(parts.channels)?;
        flow.start_retention(parts.state, parts.settings.retention_days)?;
        Ok(flow)
    }

    /// Before retention begins: it keeps what a destination has still to read.
    fn place_cursors(&self, channels: &[ChannelSettings]) -> Result<(), StartError> {
        for channel in channels {
            for settings in &channel.destination {
                let way = Way { channel: channel.id, destination: settings.name() };
                for lane in self.intake.lanes.iter().filter(|lane| channel.ejs.contains(&lane.ej)) {
                    let placed = Cursor::place(&*self.intake.journal, lane.ej, way, settings);
                    let cursor =
                        placed.map_err(|source| StartError::Cursor { ej: lane.ej, way, source })?;
                    lane.cursors.lock().insert(way, cursor.seq);
                }
            }
        }
        Ok(())
    }

    /// The ways out. None is started yet.
    #[must_use]
    pub fn delivery(&self, state: &State, entities: &[LegalEntity]) -> Delivery {
        Delivery::new(Deps {
            journal: Arc::clone(&self.intake.journal),
            lanes: self.intake.lanes.clone(),
            state: state.clone(),
            entities: entities.to_vec(),
            apply: self.apply,
            reach: self.intake.settings.control_ids_max,
            dead_letters_max: self.intake.settings.dead_letters_max,
            lease: Arc::new(ProcessLock),
        })
    }

    fn start_retention(&self, state: &State, days: u32) -> Result<(), StartError> {
        if days == 0 {
            return Ok(());
        }
        let (retention, state, stop) = (self.retention(), state.clone(), Arc::clone(&self.stop));
        let thread = std::thread::Builder::new().name("retention".into());
        let thread = thread
            .spawn(move || retention.run(&state, days, &stop))
            .map_err(StartError::Retention)?;
        self.threads.lock().push(thread);
        Ok(())
    }

    fn retention(&self) -> Retention {
        Retention {
            journal: Arc::clone(&self.intake.journal),
            lanes: self.intake.lanes.clone(),
            reach: self.intake.settings.control_ids_max,
        }
    }

    /// Lets go of whole journal segments that were received before `older_than` and that the
    /// state `covers` ([`State::releasable`]); what the flow itself needs stays. Blocking.
    /// Returns how many segments went.
    ///
    /// # Errors
    /// When the journal cannot be read, or a segment cannot be deleted.
    pub fn release(&self, covers: &[(EjId, Seq)], older_than: Micros) -> std::io::Result<usize> {
        self.retention().release(covers, older_than)
    }

    /// Takes other channels into use. Each EJ whose steps differ gets a new epoch in its journal
    /// first, so that a message is folded by the steps in force at its place, now and in any
    /// rebuild; then the doors are changed, for connections that are open too. Blocking: an
    /// fdatasync for each such EJ.
    ///
    /// # Errors
    /// When a step cannot be used, or an epoch cannot be journaled: the doors are as they were.
    pub fn reconfigure(&self, channels: &[ChannelSettings]) -> Result<(), ReconfigureError> {
        let lanes = &self.intake.lanes;
        let mut entities = Vec::with_capacity(lanes.len());
        for lane in lanes {
            let configured = lane.configured.lock();
            entities.push(configured.entity.clone());
            let usable = configured.reconfigured(channels);
            usable.ok_or(ReconfigureError::Steps { ej: lane.ej })?;
        }
        for lane in lanes {
            let ej = lane.ej;
            let mut configured = lane.configured.lock();
            let next = configured.reconfigured(channels).ok_or(ReconfigureError::Steps { ej })?;
            if !next.is_as(&configured) {
                let recorded =
                    self.recorded(ej, append_blocking(&*self.intake.journal, next.entry(now())));
                recorded.map_err(|source| ReconfigureError::NotRecorded { ej, source })?;
                *configured = next;
            }
        }
        let directory = Directory::new(&entities, channels);
        for (party, lane) in lanes.iter().enumerate() {
            lane.expects_urgent.store(directory.expects_urgent(party), Ordering::Release);
        }
        *self.intake.directory.write() = Arc::new(directory);
        Ok(())
    }

    /// The way in, for the listeners.
    #[must_use]
    pub fn intake(&self) -> Arc<dyn Intake> {
        Arc::new(Door(Arc::clone(&self.intake)))
    }

    /// Records what an operator does in an EJ's order, and waits until that is durable. Blocking:
    /// one fdatasync.
    ///
    /// # Errors
    /// When it cannot be kept: then it must not be done either.
    pub fn act(&self, ej: EjId, by: &str, deed: Deed) -> Result<Seq, NotRecorded> {
        let act = Act { deed, by: by.to_owned(), at: now() };
        let entry = act.entry(ej, None, b"");
        self.recorded(ej, append_blocking(&*self.intake.journal, entry))
    }

    /// What operators did in an EJ, the newest first. Reads the journal as it goes.
    ///
    /// # Errors
    /// When the journal cannot be read.
    pub fn acts(
        &self,
        ej: EjId,
    ) -> Result<impl Iterator<Item = Result<Recorded, ReadError>> + '_, ReadError> {
        let journal = &self.intake.journal;
        let seqs = journal.find(ej, KeyIndex::ControlId, ACT_KEY)?;
        Ok(seqs.into_iter().rev().filter_map(move |seq| match journal.get(ej, seq) {
            Ok(record) => record.as_ref().and_then(operator::recorded).map(Ok),
            // Let go with its segment a moment ago.
            Err(ReadError::Released { .. }) => None,
            Err(error) => Some(Err(error)),
        }))
    }

    /// What records were, for readers.
    #[must_use]
    pub fn past(&self, state: &State) -> Past {
        Past {
            journal: Arc::clone(&self.intake.journal),
            state: state.clone(),
            apply: self.apply,
            reach: self.intake.settings.control_ids_max,
        }
    }

    /// How each EJ's lane stands, and how many records it lags behind.
    #[must_use]
    pub fn standing(&self) -> Vec<(EjId, Standing, u64)> {
        let lanes = self.intake.lanes.iter();
        lanes.map(|lane| (lane.ej, lane.progress.standing(), lane.progress.lag())).collect()
    }

    /// Whether readers see all that is stored.
    #[must_use]
    pub fn caught_up(&self) -> bool {
        let journal = &self.intake.journal;
        let mut lanes = self.intake.lanes.iter();
        lanes.all(|lane| lane.progress.standing().applied >= journal.tail(lane.ej))
    }

    /// Until readers see all that was stored when this was called; false where `limit` came first.
    pub async fn wait_caught_up(&self, limit: Duration) -> bool {
        let until = Instant::now() + limit;
        for lane in &self.intake.lanes {
            let tail = self.intake.journal.tail(lane.ej);
            let left = until.saturating_duration_since(Instant::now());
            if !lane.progress.reached(tail, left).await {
                return false;
            }
        }
        true
    }

    /// From now on every message is refused for now; what is in hand is finished.
    pub fn refuse_new(&self) {
        self.intake.stopping.store(true, Ordering::Release);
    }

    /// Ends the lanes after the batch in hand. Blocking, for about a tenth of a second. The
    /// listeners are stopped first: what they took is in the journal, and folded at the next start.
    pub fn stop(&self) {
        self.refuse_new();
        self.stop.store(true, Ordering::Release);
        for thread in self.threads.lock().drain(..) {
            // A lane that panicked has said so; the others end all the same.
            let _ = thread.join();
        }
    }
}

impl Drop for Flow {
    fn drop(&mut self) {
        self.stop();
    }
}
