//! What every request shares.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Instant;

use metrics_exporter_prometheus::PrometheusHandle;
use parking_lot::Mutex;
use sluice_ids::EjId;
use sluice_mappings::entity::LegalEntity;
use sluice_state::{Access, Health, PastRecords, Scope, State};
use tokio::sync::Semaphore;

use crate::acts::ActDesk;
use crate::alerts::AlertDesk;
use crate::bulk::Shelf;
use crate::cache::{Cache, KeptPage, PageKey, Ratios, Rendered, ResourceKey};
use crate::channels::ChannelDesk;
use crate::cursor::CursorKey;
use crate::delivery::DeliveryDesk;
use crate::export::{Bases, ChunkKey, KeptChunk, Warming};
use crate::fhir::capability::Statements;
use crate::host::Hosts;
use crate::inbound::Inbound;
use crate::messages::MessageDesk;
use crate::past::{AsOf, Past};
use crate::role::{Reach, Role};
use crate::settings::{Authentication, HttpSettings};
use crate::tokens::{Grant, Tokens};
use crate::vitals::Vitals;

/// What the server binary gives to [`crate::Server::bind`].
pub struct Deps {
    pub state: State,
    /// Every declared EJ.
    pub entities: Vec<Arc<LegalEntity>>,
    pub tokens: Tokens,
    pub cursors: CursorKey,
    pub vitals: Arc<dyn Vitals>,
    pub inbound: Arc<dyn Inbound>,
    pub past: Arc<dyn Past>,
    pub acts: Arc<dyn ActDesk>,
    pub alerts: Arc<dyn AlertDesk>,
    pub messages: Arc<dyn MessageDesk>,
    pub delivery: Arc<dyn DeliveryDesk>,
    pub channels: Arc<dyn ChannelDesk>,
    pub prometheus: PrometheusHandle,
    /// Where bulk exports are kept, in a folder of their own.
    pub data_dir: PathBuf,
}

pub(crate) struct App {
    pub(crate) settings: HttpSettings,
    pub(crate) entities: BTreeMap<EjId, Arc<LegalEntity>>,
    pub(crate) tokens: Tokens,
    pub(crate) cursors: CursorKey,
    pub(crate) resources: Cache<ResourceKey, Arc<Rendered>>,
    pub(crate) chunks: Cache<ChunkKey, KeptChunk>,
    pub(crate) pages: Cache<PageKey, KeptPage>,
    /// Of the resources, of the chunks and of the pages.
    pub(crate) ratios: Mutex<[Ratios; 3]>,
    pub(crate) started: Instant,
    /// Under which Bundles of exports were asked for.
    pub(crate) bases: Bases,
    pub(crate) statements: Statements,
    pub(crate) warming: Warming,
    /// Held while a search may walk a whole index.
    pub(crate) searches: Arc<Semaphore>,
    /// Held while a chunk is built.
    pub(crate) builders: Arc<Semaphore>,
    pub(crate) vitals: Arc<dyn Vitals>,
    pub(crate) inbound: Arc<dyn Inbound>,
    pub(crate) past: Arc<dyn Past>,
    pub(crate) acts: Arc<dyn ActDesk>,
    pub(crate) alerts: Arc<dyn AlertDesk>,
    pub(crate) messages: Arc<dyn MessageDesk>,
    pub(crate) delivery: Arc<dyn DeliveryDesk>,
    pub(crate) channels: Arc<dyn ChannelDesk>,
    pub(crate) prometheus: PrometheusHandle,
    pub(crate) hosts: Hosts,
    pub(crate) exports: Shelf,
    state: State,
    everything: Scope,
    each: BTreeMap<EjId, Scope>,
    /// On loopback, and not told otherwise: open for as long as no token was ever made.
    may_be_open: bool,
}

impl App {
    pub(crate) fn new(settings: HttpSettings, deps: Deps) -> Self {
        let entities: BTreeMap<EjId, Arc<LegalEntity>> =
            deps.entities.into_iter().map(|entity| (entity.id(), entity)).collect();
        let declared = || entities.keys().copied();
        let ttl = settings.cache.ttl();
        let bases = Bases::default();
        if !settings.public_base.is_empty() {
            bases.id(&settings.public_base);
        }
        let cached = |bytes_max| if settings.cache.enabled { bytes_max } else { 0 };
        let as_of: Arc<dyn PastRecords> = Arc::new(AsOf(deps.past.clone()));
        let scope = |access| deps.state.scope(&access).with_past(as_of.clone());
        Self {
            everything: scope(Access::to(declared())),
            each: declared().map(|ej| (ej, scope(Access::to([ej])))).collect(),
            state: deps.state,
            resources: Cache::new(cached(settings.cache.resource_bytes_max), ttl, "resources"),
            chunks: Cache::new(cached(settings.cache.chunk_bytes_max), ttl, "chunks"),
            pages: Cache::new(cached(settings.cache.page_bytes_max), ttl, "pages"),
            ratios: Mutex::default(),
            started: Instant::now(),
            bases,
            statements: Statements::default(),
            warming: Warming::default(),
            searches: Arc::new(Semaphore::new(settings.wide_searches_max)),
            builders: Arc::new(Semaphore::new(settings.export_builders_max)),
            hosts: Hosts::new(settings.address, &settings.allowed_hosts, &settings.public_base),
            may_be_open: settings.address.ip().is_loopback()
                && settings.authentication == Authentication::Auto,
            exports: Shelf::open(&deps.data_dir, settings.bulk.clone()),
            entities,
            tokens: deps.tokens,
            cursors: deps.cursors,
            vitals: deps.vitals,
            inbound: deps.inbound,
            past: deps.past,
            acts: deps.acts,
            alerts: deps.alerts,
            messages: deps.messages,
            delivery: deps.delivery,
            channels: deps.channels,
            prometheus: deps.prometheus,
            settings,
        }
    }

    /// What a reach can be read through. The usual ones are made once.
    pub(crate) fn scope(&self, reach: &Reach) -> Cow<'_, Scope> {
        match reach {
            Reach::All => Cow::Borrowed(&self.everything),
            Reach::Only(ejs) => match (&**ejs, ejs.first().and_then(|ej| self.each.get(ej))) {
                ([_], Some(scope)) => Cow::Borrowed(scope),
                _ => {
                    let declared = ejs.iter().copied().filter(|ej| self.entities.contains_key(ej));
                    let scope = self.state.scope(&Access::to(declared));
                    Cow::Owned(scope.with_past(Arc::new(AsOf(self.past.clone()))))
                }
            },
        }
    }

    /// What one EJ can be read through, by who may.
    pub(crate) fn scope_of(&self, ej: EjId) -> Option<&Scope> {
        self.each.get(&ej)
    }

    /// Whether every record that is counted can also be read. Asked after a read that found
    /// nothing: a lost record must not pass for one that never was.
    pub(crate) fn is_whole(&self) -> bool {
        self.state.health() != Health::Lost
    }

    /// Whether everyone may do everything. Once a token was seen it never is again.
    pub(crate) fn is_open(&self) -> bool {
        self.may_be_open && !self.tokens.any_ever()
    }

    /// What a caller may do where nobody is asked who they are.
    pub(crate) fn open_grant() -> Grant {
        Grant { id: "open".into(), role: Role::Administrator, reach: Reach::All }
    }

    /// The declared EJs that a reach holds, in order of their ids.
    pub(crate) fn visible<'a>(
        &'a self,
        reach: &'a Reach,
    ) -> impl Iterator<Item = &'a Arc<LegalEntity>> {
        self.entities.values().filter(|entity| reach.holds(entity.id()))
    }
}
