//! One admitted request, as an endpoint sees it.

use std::borrow::Cow;
use std::cell::Cell;
use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::http::header::{self, HeaderMap, HeaderName};
use axum::http::request::Parts;
use bytes::Bytes;
use sluice_ids::EjId;
use sluice_mappings::fhir::ResourceType;
use sluice_mappings::records::{Record, RecordType, ResourceId};
use sluice_mappings::search::Query;
use sluice_state::{Page, PageRequest, Pins, Scope};

use crate::app::App;
use crate::fault::Fault;
use crate::fhir::search::fault_of;
use crate::inbound::Handed;
use crate::negotiate::Coding;
use crate::role::Reach;
use crate::routes::Route;
use crate::tokens::Grant;

/// Where the time of a request went, and how much of its answer was kept.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Spent {
    pub(crate) auth: Duration,
    pub(crate) store: Duration,
    pub(crate) render: Duration,
    /// Of the resources or chunks that the answer is made of.
    pub(crate) hits: u32,
    pub(crate) misses: u32,
}

pub(crate) struct Call<'a> {
    pub(crate) app: &'a Arc<App>,
    pub(crate) route: &'a Route,
    pub(crate) parts: &'a Parts,
    /// The body of a route that takes a form.
    pub(crate) form: Option<Bytes>,
    /// The body of a route that takes a Parameters resource; empty where there is none.
    pub(crate) parameters: Option<Bytes>,
    /// What came of the body of a route that takes a message.
    pub(crate) handed: Option<Handed>,
    /// `None` only on public routes.
    pub(crate) grant: Option<Grant>,
    /// When the request's header was there.
    pub(crate) began: Instant,
    pub(crate) spent: Cell<Spent>,
    /// Of a part of a batch: where its searches are pinned, so that all of them are of one moment.
    pub(crate) pins: Option<&'a Pins>,
}

impl Call<'_> {
    /// A call that is a part of this one: by the same caller, with the same rights.
    pub(crate) fn part<'p>(
        &'p self,
        route: &'p Route,
        parts: &'p Parts,
        parameters: Option<Bytes>,
        pins: &'p Pins,
    ) -> Call<'p> {
        let (grant, began, spent) = (self.grant.clone(), self.began, Cell::default());
        let (app, pins) = (self.app, Some(pins));
        let (form, handed) = (None, None);
        Call { app, route, parts, form, parameters, handed, grant, began, spent, pins }
    }

    /// A page of what is found by a search.
    ///
    /// # Errors
    /// When it can no longer be answered at its pins, or would cost too much.
    pub(crate) fn search(&self, query: &Query, page: &PageRequest) -> Result<Page, Fault> {
        let scope = self.scope();
        let found = self.in_store(|| match (self.pins, &page.after) {
            (Some(pins), None) => scope.search_at(query, page.count, pins),
            _ => scope.search(query, page),
        });
        found.map_err(fault_of)
    }

    /// Counts what a part has spent as this call's.
    pub(crate) fn spent_by(&self, part: &Call<'_>) {
        let (mut spent, of_part) = (self.spent.get(), part.spent.get());
        spent.store += of_part.store;
        spent.render += of_part.render;
        spent.hits += of_part.hits;
        spent.misses += of_part.misses;
        self.spent.set(spent);
    }

    pub(crate) fn headers(&self) -> &HeaderMap {
        &self.parts.headers
    }

    /// A header's text; `None` when absent or not ASCII.
    pub(crate) fn header(&self, name: HeaderName) -> Option<&str> {
        self.parts.headers.get(name).and_then(|value| value.to_str().ok())
    }

    pub(crate) fn query(&self) -> &str {
        self.parts.uri.query().unwrap_or_default()
    }

    /// The EJs that the caller may see through this route.
    pub(crate) fn reach(&self) -> Reach {
        match (self.ej(), &self.grant) {
            (Some(ej), Some(grant)) if grant.reach.holds(ej) => Reach::only([ej]),
            (None, Some(grant)) => grant.reach.clone(),
            _ => Reach::only([]),
        }
    }

    /// Who asks, by the id of their token.
    pub(crate) fn caller(&self) -> Arc<str> {
        self.grant.as_ref().map_or_else(|| "".into(), |grant| grant.id.clone())
    }

    /// What the caller may read through this route.
    pub(crate) fn scope(&self) -> Cow<'_, Scope> {
        let own = self.ej().zip(self.grant.as_ref()).filter(|(ej, grant)| grant.reach.holds(*ej));
        match own.and_then(|(ej, _)| self.app.scope_of(ej)) {
            Some(scope) => Cow::Borrowed(scope),
            None => self.app.scope(&self.reach()),
        }
    }

    /// The EJ in the path. The gate has checked that the caller may see it.
    pub(crate) fn ej(&self) -> Option<EjId> {
        self.route.ej_in(self.parts.uri.path())
    }

    /// The `{id}` in the path.
    pub(crate) fn id(&self) -> &str {
        self.route.id_in(self.parts.uri.path()).unwrap_or_default()
    }

    /// The `{destination}` in the path.
    pub(crate) fn destination(&self) -> &str {
        self.route.destination_in(self.parts.uri.path()).unwrap_or_default()
    }

    /// The `{vid}` in the path.
    pub(crate) fn version(&self) -> &str {
        self.route.version_in(self.parts.uri.path()).unwrap_or_default()
    }

    /// The type that the answer shows: the `{type}` in the path, or the `{member}` of a compartment.
    ///
    /// # Errors
    /// When no such type is served.
    pub(crate) fn resource_type(&self) -> Result<ResourceType, Fault> {
        let path = self.parts.uri.path();
        // One that is served has a route of its own.
        if path.split('/').any(|segment| segment.starts_with('$') && !self.route.names(segment)) {
            return Err(Fault::OperationNotServed);
        }
        let named = self.route.member_in(path).unwrap_or_else(|| self.route.type_in(path));
        named.ok_or(Fault::TypeNotServed)
    }

    /// Whether all types of a compartment are asked for (`Patient/[id]/*`).
    pub(crate) fn is_whole_compartment(&self) -> bool {
        self.route.member_name(self.parts.uri.path()) == Some("*")
    }

    /// The type whose compartment is searched, where one is.
    ///
    /// # Errors
    /// When no such type is served.
    pub(crate) fn compartment(&self) -> Result<Option<ResourceType>, Fault> {
        let path = self.parts.uri.path();
        if self.route.member_in(path).is_none() {
            return Ok(None);
        }
        self.route.type_in(path).ok_or(Fault::TypeNotServed).map(Some)
    }

    /// The record of that type that the `{id}` in the path names; one that is gone too.
    ///
    /// # Errors
    /// When there is none that the caller may know of.
    pub(crate) fn record(&self, record_type: RecordType) -> Result<(EjId, Record), Fault> {
        // An id that is no UUID is one of nothing: the same answer as for one in another EJ.
        let id = ResourceId::parse(self.id()).ok_or(Fault::NotFound)?;
        let found = self.in_store(|| self.scope().get(record_type, id));
        found.ok_or_else(|| self.absent())
    }

    /// What is said of a record that was looked for and is not there.
    pub(crate) fn absent(&self) -> Fault {
        if self.app.is_whole() { Fault::NotFound } else { Fault::StateLost }
    }

    /// Runs `work` and adds its time to the store's.
    pub(crate) fn in_store<T>(&self, work: impl FnOnce() -> T) -> T {
        self.timed(work, |spent, took| spent.store += took)
    }

    /// Runs `work` and adds its time to the rendering's.
    pub(crate) fn in_render<T>(&self, work: impl FnOnce() -> T) -> T {
        self.timed(work, |spent, took| spent.render += took)
    }

    /// Whether the answer may come from what is kept: not where the cache is off, nor for a caller
    /// who says `Cache-Control: no-cache` (RFC 9111 §5.2.1.4), who wants to see what it costs.
    pub(crate) fn takes_kept(&self) -> bool {
        self.app.settings.cache.enabled && !self.asks_anew()
    }

    /// `Cache-Control: no-cache` or `no-store`.
    pub(crate) fn asks_anew(&self) -> bool {
        let values = self.parts.headers.get_all(header::CACHE_CONTROL).iter();
        let mut directives = values.filter_map(|v| v.to_str().ok()).flat_map(|v| v.split(','));
        directives.any(|directive| {
            let name = directive.trim();
            name.eq_ignore_ascii_case("no-cache") || name.eq_ignore_ascii_case("no-store")
        })
    }

    /// Counts what was there and what had to be made.
    pub(crate) fn count(&self, hits: u32, misses: u32) {
        let mut spent = self.spent.get();
        spent.hits += hits;
        spent.misses += misses;
        self.spent.set(spent);
    }

    fn timed<T>(&self, work: impl FnOnce() -> T, add: impl FnOnce(&mut Spent, Duration)) -> T {
        let started = Instant::now();
        let done = work();
        let mut spent = self.spent.get();
        add(&mut spent, started.elapsed());
        self.spent.set(spent);
        done
    }

    /// How the answer is to be packed; `first` where the client takes gzip and zstd alike.
    pub(crate) fn coding(&self, first: Coding) -> Coding {
        let values = self.parts.headers.get_all(header::ACCEPT_ENCODING).iter();
        Coding::best(values.filter_map(|value| value.to_str().ok()), first)
    }
}
