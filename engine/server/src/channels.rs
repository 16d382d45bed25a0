//! The channels that run: started, stopped, paused and changed one by one, while the others go on.
//!
//! - What a change touches is its own channel: a source whose settings are the same keeps its
//!   socket and its connections, whatever becomes of steps and acknowledgement.
//! - Doors and steps change in the flow first ([`sluice_flow::Flow::reconfigure`]); a channel that
//!   goes away answers what it has in hand before its door does.
//! - One change at a time. What is shown is a copy, and waits for nobody.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use metrics::{counter, describe_counter, describe_gauge, gauge};
use parking_lot::RwLock;
use sluice_channels::ChannelSettings;
use sluice_config::{BadFile, Config, Loaded, Reloaded, Sources, Stamp, Written};
use sluice_flow::Deed;
use sluice_http::{BadChannelFile, ChannelAct, ChannelDesk, ChannelTold, NotRecorded, ReloadTold};
use sluice_ids::ChannelId;
use tokio::runtime::Handle;
use tokio::sync::Mutex;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use crate::alerts::Declared;
use crate::engine::{Core, chain};
use crate::exit::{CANNOT_START, Failure};
use crate::sources::{Source, Ways, declared_by, source_type};
use crate::wishes::{Wish, Wishes};

/// How often the channel files are looked at. One that changed is read when it looks the same
/// twice, so that half a file is not.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// Who acts where no token does: a file that changed, a signal.
const LOCAL: &str = "local";

/// All channels.
pub struct Channels {
    core: Arc<Core>,
    ways: Arc<Ways>,
    sources: Sources,
    /// Of the start; its channels are those of the start too.
    config: Config,
    runtime: Handle,
    inner: Mutex<Inner>,
    shown: RwLock<Shown>,
}

struct Inner {
    running: BTreeMap<ChannelId, Running>,
    wishes: Wishes,
    bad: Vec<BadFile>,
    /// Nothing is started any more.
    ended: bool,
}

#[derive(Default)]
struct Shown {
    channels: Vec<ChannelTold>,
    declared: Declared,
    bad: Vec<BadChannelFile>,
}

/// One channel.
struct Running {
    settings: ChannelSettings,
    file: Option<PathBuf>,
    source: Option<Source>,
    problem: Option<String>,
}

impl Channels {
    /// None of them is started yet.
    ///
    /// # Errors
    /// When it cannot be read what an operator stopped or paused.
    pub fn new(loaded: Loaded, core: Arc<Core>, ways: Arc<Ways>) -> Result<Self, Failure> {
        let Loaded { config, files, sources, .. } = loaded;
        let wishes = Wishes::open(&config.data_dir).map_err(|error| {
            Failure::new(CANNOT_START, chain("what channels were told", &error))
        })?;
        let of = |(settings, file): Written| {
            (settings.id, Running { settings, file, source: None, problem: None })
        };
        let declared = declared_by(config.channel.iter());
        let running = config.channel.iter().cloned().zip(files).map(of).collect();
        let inner = Inner { running, wishes, bad: Vec::new(), ended: false };
        let shown = RwLock::new(Shown { declared, ..Shown::default() });
        let (runtime, inner) = (Handle::current(), Mutex::new(inner));
        Ok(Self { core, ways, sources, config, runtime, inner, shown })
    }

    /// Starts those that should run.
    ///
    /// # Errors
    /// When one cannot.
    pub async fn start(&self) -> Result<(), Failure> {
        let mut inner = self.inner.lock().await;
        // Before the ways in: a destination that begins now has all that is taken from here on.
        for one in inner.running.values() {
            let set = self.core.delivery.set(&one.settings).await;
            set.map_err(|e| Failure::new(CANNOT_START, chain("a destination's cursor", &e)))?;
        }
        let ids: Vec<ChannelId> = inner.running.keys().copied().collect();
        for id in ids {
            self.settle(&mut inner, id).await;
            if let Some(problem) = inner.running.get(&id).and_then(|one| one.problem.clone()) {
                return Err(Failure::new(CANNOT_START, problem));
            }
        }
        self.show(&inner);
        Ok(())
    }

    pub fn addresses(&self) -> Vec<(ChannelId, SocketAddr)> {
        let shown = self.shown.read();
        shown.channels.iter().filter_map(|told| Some((told.id, told.address?))).collect()
    }

    /// What they have that is watched; before they are started too.
    pub fn declared(&self) -> Declared {
        self.shown.read().declared.clone()
    }

    /// Ends them all, together: each may take as long as its slowest peer.
    pub async fn stop(&self) {
        let mut inner = self.inner.lock().await;
        inner.ended = true;
        let running = std::mem::take(&mut inner.running);
        end(running.into_values().filter_map(|one| one.source)).await;
    }

    /// Looks at the channel files until `stop`, and applies those that changed.
    pub async fn watch(&self, stop: CancellationToken) {
        let (mut read, mut last) = (self.stamp().await, None);
        loop {
            tokio::select! {
                () = stop.cancelled() => return,
                () = tokio::time::sleep(LOOK_EVERY) => {}
            }
            let now = self.stamp().await;
            if now != read && now == last {
                self.reload(LOCAL).await;
                read.clone_from(&now);
            }
            last = now;
        }
    }

    async fn stamp(&self) -> Option<Stamp> {
        let (sources, config) = (self.sources.clone(), self.config.clone());
        let look = move || sluice_config::stamp(&sources, &config);
        tokio::task::spawn_blocking(look).await.ok().flatten()
    }

    /// Reads the files again and applies what changed, for a signal.
    pub async fn reload_local(&self) {
        self.reload(LOCAL).await;
    }

    async fn reload(&self, by: &str) -> ReloadTold {
        let mut inner = self.inner.lock().await;
        if inner.ended {
            return ReloadTold { error: Some("stopping".to_owned()), ..ReloadTold::default() };
        }
        let told = match self.read(&inner).await {
            Ok(reloaded) => self.apply(&mut inner, reloaded, by).await,
            Err(error) => Err(error),
        };
        self.show(&inner);
        told.unwrap_or_else(|error| {
            counter!("sluice_channel_reload_failed_total").increment(1);
            tracing::error!(error = %error, "the channels stay as they were");
            ReloadTold { error: Some(error), ..ReloadTold::default() }
        })
    }

    async fn read(&self, inner: &Inner) -> Result<Reloaded, String> {
        let (sources, config) = (self.sources.clone(), self.config.clone());
        let running: Vec<Written> =
            inner.running.values().map(|one| (one.settings.clone(), one.file.clone())).collect();
        let read = move || sluice_config::reload(&sources, &config, &running);
        match tokio::task::spawn_blocking(read).await {
            Ok(read) => read.map_err(|error| error.to_string()),
            Err(_) => Err("reading the channels failed".to_owned()),
        }
    }

    async fn apply(
        &self,
        inner: &mut Inner,
        reloaded: Reloaded,
        by: &str,
    ) -> Result<ReloadTold, String> {
        let Reloaded { channels, bad, restart } = reloaded;
        let next: BTreeMap<ChannelId, Written> =
            channels.into_iter().map(|written| (written.0.id, written)).collect();
        let differs = |id: &ChannelId| {
            inner.running.get(id).map(|one| &one.settings) != next.get(id).map(|one| &one.0)
        };
        let mut changed: Vec<ChannelId> =
            inner.running.keys().chain(next.keys()).copied().collect();
        changed.sort();
        changed.dedup();
        changed.retain(differs);
        let gone: Vec<ChannelId> =
            inner.running.keys().filter(|id| !next.contains_key(id)).copied().collect();

        if !changed.is_empty() {
            // The doors of those that go stay until they have answered what they have in hand.
            let staying = next.values().map(|(settings, _)| settings.clone());
            let going = gone.iter().filter_map(|id| Some(inner.running.get(id)?.settings.clone()));
            self.reconfigure(
                staying.chain(going).collect(),
                self.deeds(inner, &next, &changed),
                by,
            )
            .await?;
        }
        let mut ending = Vec::new();
        for id in &gone {
            gauge!("sluice_channel_running", "channel" => id.to_string()).set(0.0);
            ending.extend(inner.running.remove(id).and_then(|one| one.source));
        }
        for id in &changed {
            let Some((settings, _)) = next.get(id) else { continue };
            if let Some(one) = inner.running.get_mut(id)
                && !Source::fits(&one.settings, settings)
            {
                ending.extend(one.source.take());
            }
        }
        // All end before any begins: they may trade ports.
        end(ending).await;
        for id in &gone {
            self.core.delivery.remove(*id).await;
        }
        if !gone.is_empty() {
            let staying = next.values().map(|(settings, _)| settings.clone()).collect();
            self.reconfigure(staying, Vec::new(), by).await?;
        }
        for (id, (settings, file)) in next {
            let before = match inner.running.get_mut(&id) {
                Some(one) => {
                    one.file = file;
                    Some(std::mem::replace(&mut one.settings, settings))
                }
                None => {
                    let one = Running { settings, file, source: None, problem: None };
                    inner.running.insert(id, one);
                    None
                }
            };
            // Of one that did not change too: what could not begin is tried again.
            if let Some(one) = inner.running.get(&id)
                && let Err(error) = self.core.delivery.set(&one.settings).await
            {
                tracing::error!(channel = %id, error = %error, "a destination cannot begin");
            }
            self.settle(inner, id).await;
            if let Some(before) = before {
                self.fall_back(inner, id, before).await;
            }
        }
        self.tell(inner, &changed, bad, restart, by)
    }

    fn tell(
        &self,
        inner: &mut Inner,
        changed: &[ChannelId],
        bad: Vec<BadFile>,
        restart: Vec<String>,
        by: &str,
    ) -> Result<ReloadTold, String> {
        for file in &bad {
            counter!("sluice_channel_reload_failed_total").increment(1);
            for problem in &file.problems {
                tracing::error!(
                    file = %file.path.display(), error = %problem,
                    "a channel file is not in force"
                );
            }
        }
        if !changed.is_empty() {
            counter!("sluice_channel_reloads_total").increment(1);
        }
        for id in changed {
            tracing::info!(channel = %id, token = by, "the channel is as its file says now");
        }
        for key in &restart {
            tracing::warn!(what = %key, "changed in the main file: it needs a restart");
        }
        inner.bad = bad;
        let (changed, not_in_force) = (changed.to_vec(), told_of(&inner.bad));
        Ok(ReloadTold { changed, not_in_force, restart, error: None })
    }

    /// What is recorded of a reload: in each EJ that a changed channel serves or served.
    fn deeds(
        &self,
        inner: &Inner,
        next: &BTreeMap<ChannelId, Written>,
        changed: &[ChannelId],
    ) -> Vec<(sluice_ids::EjId, Deed)> {
        let mut deeds = Vec::new();
        for id in changed {
            let now = inner.running.get(id).map(|one| &one.settings);
            let then = next.get(id).map(|(settings, _)| settings);
            let mut ejs: Vec<_> = now.into_iter().chain(then).flat_map(|s| s.ejs.clone()).collect();
            ejs.sort();
            ejs.dedup();
            deeds.extend(ejs.into_iter().map(|ej| (ej, Deed::ChannelReloaded { channel: *id })));
        }
        deeds
    }

    /// Has it journaled who did what, then the steps and doors changed.
    async fn reconfigure(
        &self,
        channels: Vec<ChannelSettings>,
        deeds: Vec<(sluice_ids::EjId, Deed)>,
        by: &str,
    ) -> Result<(), String> {
        let (core, by) = (Arc::clone(&self.core), by.to_owned());
        let work = move || {
            for (ej, deed) in deeds {
                core.flow().act(ej, &by, deed).map_err(|error| format!("{ej}: {error}"))?;
            }
            core.flow().reconfigure(&channels).map_err(|error| chain("the steps", &error))
        };
        let done = tokio::task::spawn_blocking(work).await;
        done.unwrap_or_else(|_| Err("changing the channels failed".to_owned()))
    }

    /// Brings a channel's source to what its settings and an operator want.
    async fn settle(&self, inner: &mut Inner, id: ChannelId) {
        let wish = inner.wishes.of(id);
        let Some(one) = inner.running.get_mut(&id) else { return };
        let wanted = one.settings.enabled && wish != Wish::Stopped;
        one.problem = None;
        if wanted && one.source.is_none() {
            match Source::start(
                &one.settings,
                self.config.mllp,
                self.core.flow().intake(),
                &self.ways,
            ) {
                Ok(source) => one.source = Some(source),
                Err(problem) => {
                    tracing::error!(channel = %id, error = %problem, "the channel cannot run");
                    one.problem = Some(problem);
                }
            }
        }
        if let Some(source) = &one.source {
            source.pause(wish == Wish::Paused);
        }
        if !wanted && let Some(source) = one.source.take() {
            source.stop().await;
        }
        let running = one.source.is_some() && wish != Wish::Paused;
        gauge!("sluice_channel_running", "channel" => id.to_string()).set(if running {
            1.0
        } else {
            0.0
        });
    }

    /// Where the new source cannot run, the one of before does; the next reload tries again.
    async fn fall_back(&self, inner: &mut Inner, id: ChannelId, before: ChannelSettings) {
        let Some(one) = inner.running.get_mut(&id) else { return };
        let Some(problem) = one.problem.clone() else { return };
        one.settings.source = before.source;
        self.settle(inner, id).await;
        if let Some(one) = inner.running.get_mut(&id) {
            one.problem = Some(problem);
        }
    }

    async fn act_on(
        &self,
        id: ChannelId,
        act: ChannelAct,
        by: &str,
    ) -> Result<Option<ChannelTold>, NotRecorded> {
        let mut inner = self.inner.lock().await;
        let Some(one) = inner.running.get(&id) else { return Ok(None) };
        let (wish, deed) = match act {
            ChannelAct::Start => (Wish::Started, Deed::ChannelStarted { channel: id }),
            ChannelAct::Stop => (Wish::Stopped, Deed::ChannelStopped { channel: id }),
            ChannelAct::Pause => (Wish::Paused, Deed::ChannelPaused { channel: id }),
        };
        let (core, name, ejs) = (Arc::clone(&self.core), by.to_owned(), one.settings.ejs.clone());
        let record = move || {
            ejs.into_iter().try_for_each(|ej| core.flow().act(ej, &name, deed.clone()).map(drop))
        };
        let recorded = tokio::task::spawn_blocking(record).await;
        if !matches!(recorded, Ok(Ok(()))) {
            return Err(NotRecorded);
        }
        inner.wishes.set(id, wish).map_err(|error| {
            tracing::error!(channel = %id, error = %error, "what a channel is to do cannot be kept");
            NotRecorded
        })?;
        self.settle(&mut inner, id).await;
        self.show(&inner);
        drop(inner);
        let told = self.channels().into_iter().find(|told| told.id == id);
        if let Some(told) = &told {
            tracing::info!(channel = %id, token = by, state = told.state, "told by an operator");
        }
        Ok(told)
    }

    fn show(&self, inner: &Inner) {
        let told = |(id, one): (&ChannelId, &Running)| {
            let wish = inner.wishes.of(*id);
            ChannelTold {
                id: *id,
                ejs: one.settings.ejs.clone(),
                source: source_type(&one.settings.source),
                address: one.source.as_ref().and_then(Source::address),
                state: match (&one.source, wish) {
                    (Some(_), Wish::Paused) => "paused",
                    (Some(_), _) => "running",
                    (None, _) if !one.settings.enabled => "disabled",
                    (None, Wish::Stopped) => "stopped",
                    (None, _) => "failed",
                },
                file: one.file.as_ref().map(|file| file.display().to_string()),
                problem: one.problem.clone().or_else(|| not_in_force(inner, one)),
            }
        };
        let channels = inner.running.iter().map(told).collect();
        let declared = declared_by(inner.running.values().map(|one| &one.settings));
        *self.shown.write() = Shown { channels, declared, bad: told_of(&inner.bad) };
    }
}

/// Why a channel's file is not in force, where it is not.
fn not_in_force(inner: &Inner, one: &Running) -> Option<String> {
    let bad = inner.bad.iter().find(|bad| Some(&bad.path) == one.file.as_ref())?;
    let problems: Vec<String> = bad.problems.iter().map(ToString::to_string).collect();
    Some(problems.join("; "))
}

fn told_of(bad: &[BadFile]) -> Vec<BadChannelFile> {
    let told = |bad: &BadFile| BadChannelFile {
        file: bad.path.display().to_string(),
        problems: bad.problems.iter().map(ToString::to_string).collect(),
    };
    bad.iter().map(told).collect()
}

async fn end(sources: impl IntoIterator<Item = Source>) {
    let mut ends = JoinSet::new();
    for source in sources {
        ends.spawn(source.stop());
    }
    ends.join_all().await;
}

impl ChannelDesk for Channels {
    fn channels(&self) -> Vec<ChannelTold> {
        self.shown.read().channels.clone()
    }

    fn bad_files(&self) -> Vec<BadChannelFile> {
        self.shown.read().bad.clone()
    }

    fn act(
        &self,
        id: ChannelId,
        act: ChannelAct,
        by: &str,
    ) -> Result<Option<ChannelTold>, NotRecorded> {
        self.runtime.block_on(self.act_on(id, act, by))
    }

    fn reload(&self, by: &str) -> ReloadTold {
        self.runtime.block_on(Self::reload(self, by))
    }
}

/// Tells an installed recorder what these metrics are.
pub fn describe_metrics() {
    describe_gauge!("sluice_channel_running", "1 while a channel takes messages, else 0");
    describe_counter!("sluice_channel_reloads_total", "Reloads that changed a channel");
    describe_counter!(
        "sluice_channel_reload_failed_total",
        "Channel files that could not be used, and reloads that could not be done; what ran runs on"
    );
}
