//! The wiring: journal and state opened, the flow between them, the ways in and the face out.
//!
//! Start from the ground up (journal, state, flow, HTTP, listeners last, so that no message is
//! taken before it can be kept); stop from the top down.

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use metrics_exporter_prometheus::PrometheusHandle;
use parking_lot::Mutex;
use sluice_config::{Config, Loaded};
use sluice_flow::{
    Delivery, Flow, Halt, MessageTold, Parts, Past, PastError, Version, WalkFrom, Walked, keys_of,
};
use sluice_http::{
    ActDesk, ChannelDesk, DeliveryDesk, Deps, Forgotten, Inbound, MessageDesk, Reason, Server,
    Tokens, Vitals,
};
use sluice_ids::{ChannelId, EjId, Lsn, Micros, Seq};
use sluice_journal::{EmbeddedJournal, Fault, Journal, Owner};
use sluice_mappings::adt;
use sluice_mappings::entity::LegalEntity;
use sluice_mappings::records::{Record, RecordType, ResourceId};
use sluice_state::{Health, State};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use crate::alerts::{self, Alerts, Watch};
use crate::channels::Channels;
use crate::exit::{CANNOT_START, CONFIGURATION, Failure, JOURNAL_FAILED, NOT_SO};
use crate::sources::Ways;
use crate::wishes::Paused;

/// How long a start waits for the fold before it serves what is there.
const SHORT_FOLD: Duration = Duration::from_millis(500);

/// A running engine.
pub struct Engine {
    core: Arc<Core>,
    channels: Arc<Channels>,
    watching: JoinHandle<()>,
    http: SocketAddr,
    http_stop: CancellationToken,
    http_task: JoinHandle<()>,
    _watch: Option<Watch>,
}

/// The folded part: what `serve`, `demo` and `rebuild` share.
pub struct Core {
    journal: Arc<EmbeddedJournal>,
    state: State,
    pub(crate) flow: Flow,
    pub(crate) delivery: Delivery,
    pub(crate) paused: Mutex<Paused>,
    /// Where the journal ended at the start: until then the state is older than what was
    /// acknowledged before.
    pub(crate) at_start: Vec<(EjId, Seq)>,
    /// Once true, what was journaled before the start is applied, or cannot be.
    folded: AtomicBool,
    starting: AtomicBool,
    stopping: AtomicBool,
}

impl Core {
    /// Opens journal and state and starts to fold.
    ///
    /// # Errors
    /// What cannot be opened, and why.
    pub fn open(config: &Config, entities: &[LegalEntity]) -> Result<Self, Failure> {
        let cannot = |what: &str, error: &dyn std::error::Error| {
            Failure::new(CANNOT_START, chain(what, error))
        };
        std::fs::create_dir_all(&config.data_dir)
            .map_err(|e| cannot(&format!("data_dir {}", config.data_dir.display()), &e))?;
        let (journal, report) = EmbeddedJournal::open(
            &journal_folder(config),
            config.journal.clone(),
            Owner { watermark: Lsn::ZERO, keys_of: keys_of(), on_fault: Arc::new(leave) },
        )
        .map_err(|e| cannot("the journal", &e))?;
        tracing::info!(segments = report.segments, lsn = %report.last_lsn, "journal opened");
        if let Some(torn) = report.torn {
            tracing::warn!(
                segment = torn.segment,
                offset = torn.offset,
                bytes = torn.bytes,
                "what was never synced was moved aside; nothing in it was acknowledged"
            );
        }
        for damage in report.damages.iter().filter(|damage| !damage.accepted) {
            tracing::error!(
                damage = %damage.id,
                kind = damage.kind.as_str(),
                records = damage.records(),
                "the journal is damaged; `sluice verify` says more"
            );
        }
        let ejs: Vec<EjId> = entities.iter().map(LegalEntity::id).collect();
        let (state, opened) = State::open(&state_folder(config), config.state.clone(), &ejs)
            .map_err(|e| cannot("the state", &e))?;
        if let Some(reason) = opened.rebuilt {
            let (reason, checkpoint) = (reason.as_str(), opened.checkpoint.unwrap_or(0));
            if opened.checkpoint.is_some() {
                tracing::info!(
                    reason,
                    checkpoint,
                    "the state is a checkpoint, and folded from there"
                );
            } else {
                tracing::info!(reason, "the state is folded anew from the journal");
            }
        }
        let journal = Arc::new(journal);
        let flow = Flow::start(Parts {
            journal: Arc::clone(&journal) as Arc<dyn Journal>,
            state: &state,
            entities,
            channels: &config.channel,
            settings: config.flow,
            messages: &config.data_dir.join("messages"),
            apply: adt::apply,
        })
        .map_err(|e| cannot("the flow", &e))?;
        let delivery = flow.delivery(&state, entities);
        let paused = crate::delivery::paused(&config.data_dir, &delivery)?;
        let at_start = ejs.iter().map(|ej| (*ej, journal.tail(*ej))).collect();
        let (folded, starting) = (AtomicBool::new(false), AtomicBool::new(true));
        let stopping = AtomicBool::new(false);
        Ok(Self { journal, state, flow, delivery, paused, at_start, folded, starting, stopping })
    }

    /// Through which a message came, as long as it is kept.
    pub fn channel_of(&self, ej: EjId, message: Seq) -> ChannelId {
        let record = self.journal.get(ej, message).ok().flatten();
        let none = || ChannelId::new("flow").expect("a short name");
        record.map_or_else(none, |record| record.entry.channel)
    }

    pub const fn flow(&self) -> &Flow {
        &self.flow
    }

    pub const fn state(&self) -> &State {
        &self.state
    }

    /// Waits until all that the journal held at the call is applied.
    pub async fn caught_up(&self, limit: Duration) -> bool {
        self.flow.wait_caught_up(limit).await
    }

    /// The first EJ whose lane cannot go on, and why.
    pub fn halted(&self) -> Option<(EjId, Halt)> {
        let mut lanes = self.flow.standing().into_iter();
        lanes.find_map(|(ej, standing, _)| Some((ej, standing.halted?)))
    }

    /// Stops folding, cuts the state and closes the journal. Blocking.
    pub fn close(&self) -> Result<(), Failure> {
        self.flow.stop();
        let closed = self.state.clone().close();
        self.journal.stop();
        closed.map_err(|error| Failure::new(NOT_SO, chain("the state's last cut", &error)))
    }
}

impl Engine {
    /// Starts everything.
    ///
    /// # Errors
    /// What cannot be had, and why: a port, a folder, the journal's lock.
    pub async fn start(loaded: Loaded, prometheus: PrometheusHandle) -> Result<Self, Failure> {
        let config = loaded.config.clone();
        let entities = entities(&config)?;
        if entities.is_empty() || config.channel.is_empty() {
            return Err(Failure::new(
                CONFIGURATION,
                "no EJ or no channel is declared, so nothing could be taken in: write [[ej]] and \
                 [[channel]] (config/sluice.toml shows how), or try `sluice demo`",
            ));
        }
        let opening = (config.clone(), entities.clone());
        let core = tokio::task::spawn_blocking(move || Core::open(&opening.0, &opening.1))
            .await
            .map_err(|_| {
            Failure::new(CANNOT_START, "opening the journal or the state failed")
        })??;
        let core = Arc::new(core);
        // Mostly there is next to nothing to fold, and then nobody is told to come again.
        core.caught_up(SHORT_FOLD).await;
        let ways = Arc::new(Ways::default());
        let channels = Arc::new(Channels::new(loaded, Arc::clone(&core), Arc::clone(&ways))?);
        let alerts = Arc::new(Alerts::default());
        let (asked, ages, told) = (Arc::downgrade(&channels), ages_of(&core), Arc::clone(&alerts));
        let ask = Box::new(move || asked.upgrade().map(|them| them.declared()));
        let watch = alerts::watch(&config, prometheus.clone(), ages, ask, told)?;
        let (server, http) =
            http_face(&config, &core, &channels, entities, prometheus, &ways, alerts).await?;
        let http_stop = CancellationToken::new();
        let http_task = tokio::spawn(server.run(http_stop.clone()));
        // Health, metrics and the EJs that are folded are served while the rest is; messages are
        // taken once it can be seen what of them came before.
        channels.start().await?;
        let (watched, stop) = (Arc::clone(&channels), http_stop.clone());
        let watching = tokio::spawn(async move { watched.watch(stop).await });
        core.starting.store(false, Ordering::Release);
        Ok(Self { core, channels, watching, http, http_stop, http_task, _watch: watch })
    }

    pub fn listeners(&self) -> Vec<(ChannelId, SocketAddr)> {
        self.channels.addresses()
    }

    /// Reads the channels again.
    pub async fn reload(&self) {
        self.channels.reload_local().await;
    }

    pub const fn http(&self) -> SocketAddr {
        self.http
    }

    pub async fn caught_up(&self, limit: Duration) -> bool {
        self.core.caught_up(limit).await
    }

    /// Answers the frames in hand, applies what is journaled, cuts the state.
    ///
    /// # Errors
    /// When the state could not be cut: the next start folds a little more.
    pub async fn stop(self) -> Result<(), Failure> {
        self.core.stopping.store(true, Ordering::Release);
        self.channels.stop().await;
        self.core.flow.refuse_new();
        self.core.delivery.stop().await;
        self.http_stop.cancel();
        // A task that panicked has ended too.
        let _ = self.http_task.await;
        let _ = self.watching.await;
        let core = self.core;
        tokio::task::spawn_blocking(move || core.close())
            .await
            .map_err(|_| Failure::new(NOT_SO, "stopping failed"))?
    }
}

/// How old what waits at a destination is changes while nothing happens there.
fn ages_of(core: &Arc<Core>) -> Box<dyn Fn() + Send> {
    let core = Arc::downgrade(core);
    Box::new(move || {
        if let Some(core) = core.upgrade() {
            // Telling them sets their gauges.
            let _ = core.delivery.queues();
        }
    })
}

async fn http_face(
    config: &Config,
    core: &Arc<Core>,
    channels: &Arc<Channels>,
    entities: Vec<LegalEntity>,
    prometheus: PrometheusHandle,
    ways: &Arc<Ways>,
    alerts: Arc<Alerts>,
) -> Result<(Server, SocketAddr), Failure> {
    let cannot = |error: &dyn std::error::Error| Failure::new(CANNOT_START, chain("HTTP", error));
    let entities: Vec<Arc<LegalEntity>> = entities.into_iter().map(Arc::new).collect();
    let deps = Deps {
        state: core.state.clone(),
        entities: entities.clone(),
        tokens: Tokens::open(&config.data_dir).map_err(|e| cannot(&e))?,
        cursors: sluice_http::CursorKey::open(&config.data_dir).map_err(|e| cannot(&e))?,
        vitals: Arc::clone(core) as Arc<dyn Vitals>,
        inbound: Arc::clone(ways) as Arc<dyn Inbound>,
        past: Arc::new(Told { past: core.flow.past(&core.state), entities }),
        acts: Arc::clone(core) as Arc<dyn ActDesk>,
        alerts,
        messages: Arc::clone(core) as Arc<dyn MessageDesk>,
        delivery: Arc::clone(core) as Arc<dyn DeliveryDesk>,
        channels: Arc::clone(channels) as Arc<dyn ChannelDesk>,
        prometheus,
        data_dir: config.data_dir.clone(),
    };
    let server = Server::bind(config.http.clone(), deps).await.map_err(|e| cannot(&e))?;
    let address = server.local_addr();
    Ok((server, address))
}

/// The flow's past, as the HTTP face asks for it.
struct Told {
    past: Past,
    entities: Vec<Arc<LegalEntity>>,
}

impl sluice_http::Past for Told {
    fn versions(
        &self,
        ej: EjId,
        record_type: RecordType,
        id: ResourceId,
    ) -> Result<Vec<Record>, Forgotten> {
        let told = self.past.versions(self.entity(ej)?, record_type, id);
        told.map_err(|error| match forgotten(ej, error) {
            // What is served was there a moment ago.
            Forgotten::Unknown => Forgotten::NotKept,
            other => other,
        })
    }

    fn walk<'a>(
        &'a self,
        ej: EjId,
        types: &[RecordType],
        from: sluice_http::WalkFrom,
        since: Option<Micros>,
        messages_max: usize,
    ) -> Result<sluice_http::Walk<'a>, Forgotten> {
        let from = match from {
            sluice_http::WalkFrom::Now => WalkFrom::Now,
            sluice_http::WalkFrom::Time(at) => WalkFrom::Time(at),
            sluice_http::WalkFrom::Place(place) => WalkFrom::Place(place),
        };
        let walk = self.past.walk(self.entity(ej)?, types, from, since, messages_max);
        let walk = walk.map_err(|error| forgotten(ej, error))?;
        Ok(Box::new(walk.map(move |step| match step {
            Ok(Walked::Made(made)) => Ok(sluice_http::Walked::Made {
                place: made.place,
                at: made.at,
                versions: made.versions.into_iter().map(version).collect(),
            }),
            Ok(Walked::Rests { place }) => Ok(sluice_http::Walked::Rests { place }),
            Ok(Walked::Forgotten) => Ok(sluice_http::Walked::Forgotten),
            Err(error) => Err(forgotten(ej, error)),
        })))
    }

    fn message(&self, ej: EjId, seq: Seq) -> Result<sluice_http::MessageTold, Forgotten> {
        let told = self.past.message(self.entity(ej)?, seq);
        let MessageTold { received_at, verdict, became, issues, changed, .. } =
            told.map_err(|error| forgotten(ej, error))?;
        let verdict = verdict.as_str();
        Ok(sluice_http::MessageTold { received_at, verdict, became, issues, changed })
    }
}

impl Told {
    fn entity(&self, ej: EjId) -> Result<&LegalEntity, Forgotten> {
        let entity = self.entities.iter().find(|entity| entity.id() == ej);
        entity.map(Arc::as_ref).ok_or(Forgotten::NotKept)
    }
}

fn version(version: Version) -> sluice_http::Version {
    let Version { record, until, alone } = version;
    sluice_http::Version { record, until, alone }
}

pub(crate) fn forgotten(ej: EjId, error: PastError) -> Forgotten {
    match error {
        PastError::Unknown | PastError::NotYet => Forgotten::Unknown,
        PastError::NotKept | PastError::Incomplete => Forgotten::NotKept,
        PastError::TooMuch { .. } => Forgotten::TooMuch,
        PastError::Journal(error) => {
            tracing::error!(ej = %ej, error = %error, "the past cannot be read");
            Forgotten::Unreadable
        }
    }
}

impl Vitals for Core {
    fn not_ready(&self) -> Vec<Reason> {
        let mut reasons = Vec::new();
        let mut say = |code, ej, text: String| reasons.push(Reason { code, ej, text });
        if self.starting.load(Ordering::Acquire) {
            say("starting", None, "starting".to_owned());
        }
        if self.stopping.load(Ordering::Acquire) {
            say("stopping", None, "stopping".to_owned());
        }
        if self.state.health() == Health::Lost {
            say("state-lost", None, "the state lost a record: restart to fold it anew".to_owned());
        }
        for (ej, standing, _) in self.flow.standing() {
            if let Some(halt) = standing.halted {
                say("halted", Some(ej), halt.to_string());
            } else if !standing.prepared {
                say("reading-back", Some(ej), "reading back what came before".to_owned());
            } else if self.at_start.iter().any(|(e, tail)| *e == ej && standing.applied < *tail) {
                say("folding", Some(ej), "applying what was journaled before the start".to_owned());
            }
        }
        reasons
    }

    fn folding(&self) -> Vec<EjId> {
        if self.folded.load(Ordering::Relaxed) {
            return Vec::new();
        }
        let behind: Vec<EjId> = self
            .flow
            .standing()
            .into_iter()
            .filter(|(ej, standing, _)| {
                // One that cannot go on is shown as far as it came.
                standing.halted.is_none()
                    && self.at_start.iter().any(|(e, tail)| e == ej && standing.applied < *tail)
            })
            .map(|(ej, ..)| ej)
            .collect();
        if behind.is_empty() {
            self.folded.store(true, Ordering::Relaxed);
        }
        behind
    }

    fn journaled(&self, ej: EjId) -> Option<Seq> {
        Some(self.journal.tail(ej))
    }
}

/// The journal cannot promise anything any more: nothing is acknowledged from here on, and the
/// process ends at once. What it had acknowledged is on disk.
fn leave(fault: &Fault) {
    tracing::error!(
        kind = fault.what,
        segment = fault.segment,
        offset = fault.offset,
        error = %fault.source,
        "the journal failed; leaving"
    );
    std::process::exit(i32::from(JOURNAL_FAILED));
}

/// The EJs of a configuration that was checked.
///
/// # Errors
/// When one cannot be used after all.
pub fn entities(config: &Config) -> Result<Vec<LegalEntity>, Failure> {
    let usable = |ej: &_| {
        LegalEntity::new(Clone::clone(ej)).map_err(|e| Failure::new(CONFIGURATION, e.to_string()))
    };
    config.ej.iter().map(usable).collect()
}

pub fn journal_folder(config: &Config) -> std::path::PathBuf {
    config.data_dir.join("journal")
}

pub fn state_folder(config: &Config) -> std::path::PathBuf {
    config.data_dir.join("state")
}

/// An error with its causes, on one line.
pub fn chain(what: &str, error: &dyn std::error::Error) -> String {
    let mut text = format!("{what}: {error}");
    let mut cause = error.source();
    while let Some(error) = cause {
        let said = error.to_string();
        if !text.contains(&said) {
            text.push_str(": ");
            text.push_str(&said);
        }
        cause = error.source();
    }
    text
}

/// Whether anything was ever kept there.
pub fn holds_journal(folder: &Path) -> bool {
    folder.is_dir()
}
