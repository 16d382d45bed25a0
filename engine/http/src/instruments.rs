//! What the HTTP face counts. Labels come from closed sets: route templates, methods, classes.

use std::sync::OnceLock;
use std::time::Duration;

use axum::http::{Method, StatusCode};
use metrics::{Counter, Gauge, Histogram, Unit, counter, gauge, histogram};

const REQUESTS: &str = "sluice_http_requests_total";
const SECONDS: &str = "sluice_http_request_seconds";
const CONNECTIONS: &str = "sluice_http_connections";
const CONNECTIONS_REFUSED: &str = "sluice_http_connections_refused_total";
const CONNECTION_ERRORS: &str = "sluice_http_connection_errors_total";
const REFUSED: &str = "sluice_http_refused_total";
const BATCH_ENTRIES: &str = "sluice_http_batch_entries_total";
const EXPORTS: &str = "sluice_exports_total";
const EXPORTS_REFUSED: &str = "sluice_exports_refused_total";
const EXPORTS_REMOVED: &str = "sluice_exports_removed_total";
const EXPORTS_WAITING: &str = "sluice_exports_waiting";
const EXPORTS_RUNNING: &str = "sluice_exports_running";
const EXPORTS_BYTES: &str = "sluice_exports_bytes";
const CACHE_HITS: &str = "sluice_cache_hits_total";
const CACHE_MISSES: &str = "sluice_cache_misses_total";
const CACHE_RERENDERED: &str = "sluice_cache_rerendered_total";
const CACHE_ACTS: &str = "sluice_cache_acts_total";
const CACHE_EVICTIONS: &str = "sluice_cache_evictions_total";
const CACHE_BYTES: &str = "sluice_cache_bytes";
const CACHE_ENTRIES: &str = "sluice_cache_entries";

/// Tells the recorder what the names mean. Call once, after the recorder is installed.
pub fn describe_metrics() {
    use metrics::{describe_counter, describe_gauge, describe_histogram};
    describe_counter!(REQUESTS, "Answered requests by route template, method and status class");
    describe_histogram!(SECONDS, Unit::Seconds, "From a request's header to its answer's header");
    describe_gauge!(CONNECTIONS, "Open HTTP connections");
    describe_counter!(
        CONNECTIONS_REFUSED,
        "Connections closed for lack of places: newcomers by limit, or the one that rested longest"
    );
    describe_counter!(CONNECTION_ERRORS, "Connections that ended in an error, by kind");
    describe_counter!(REFUSED, "Requests refused before any body was read, by reason");
    describe_counter!(BATCH_ENTRIES, "Answered entries of batches by status class");
    describe_counter!(EXPORTS, "Bulk exports that came to an end, by outcome");
    describe_counter!(EXPORTS_REFUSED, "Bulk exports that were not taken on, by reason");
    describe_counter!(EXPORTS_REMOVED, "Bulk exports removed, by reason");
    describe_gauge!(EXPORTS_WAITING, "Bulk exports that wait");
    describe_gauge!(EXPORTS_RUNNING, "Bulk exports that are being written");
    describe_gauge!(EXPORTS_BYTES, Unit::Bytes, "Files of bulk exports on disk");
    describe_counter!(CACHE_HITS, "Rendered bytes found in the cache");
    describe_counter!(CACHE_MISSES, "Rendered bytes not found, or of an older version");
    describe_counter!(CACHE_RERENDERED, "Entries that took the place of an older version");
    describe_counter!(CACHE_ACTS, "Times that an operator had the caches cleared or warmed");
    describe_counter!(CACHE_EVICTIONS, "Entries that made place for others");
    describe_gauge!(CACHE_BYTES, Unit::Bytes, "Bytes kept");
    describe_gauge!(CACHE_ENTRIES, "Entries kept");
}

const CLASSES: [&str; 5] = ["1xx", "2xx", "3xx", "4xx", "5xx"];

/// One route's counters, made on first use so that the page lists what happened.
pub(crate) struct RouteMeter {
    route: &'static str,
    method: &'static str,
    classes: [OnceLock<Counter>; 5],
    head: [OnceLock<Counter>; 5],
    seconds: OnceLock<Histogram>,
}

impl RouteMeter {
    /// `route` is a template such as `/fhir/R4/Patient/{id}`.
    pub(crate) fn new(route: &'static str, method: &'static str) -> Self {
        Self {
            route,
            method,
            classes: Default::default(),
            head: Default::default(),
            seconds: OnceLock::new(),
        }
    }

    pub(crate) fn answered(&self, method: &Method, status: StatusCode, took: Duration) {
        let class = usize::from(status.as_u16() / 100).clamp(1, 5) - 1;
        let (counters, method) = if *method == Method::HEAD {
            (&self.head, "HEAD")
        } else {
            (&self.classes, self.method)
        };
        counters[class]
            .get_or_init(
                || counter!(REQUESTS, "route" => self.route, "method" => method, "status" => CLASSES[class]),
            )
            .increment(1);
        self.seconds
            .get_or_init(|| histogram!(SECONDS, "route" => self.route))
            .record(took.as_secs_f64());
    }
}

pub(crate) fn connections() -> Gauge {
    gauge!(CONNECTIONS)
}

/// `reason`: `total`, `peer` (newcomers turned away), `idle` (made room for one).
pub(crate) fn connection_refused(reason: &'static str) {
    counter!(CONNECTIONS_REFUSED, "reason" => reason).increment(1);
}

/// `kind`: `accept`, `handshake`, `protocol`, `header_timeout`, `stalled`.
pub(crate) fn connection_error(kind: &'static str) {
    counter!(CONNECTION_ERRORS, "kind" => kind).increment(1);
}

/// `reason`: `token`, `role`, `host`, `origin`, `uri`, `body`.
pub(crate) fn refused(reason: &'static str) {
    counter!(REFUSED, "reason" => reason).increment(1);
}

/// `act`: `clear`, `warm`.
pub(crate) fn cache_act(act: &'static str) {
    counter!(CACHE_ACTS, "act" => act).increment(1);
}

pub(crate) fn batch_entry(status: StatusCode) {
    let class = usize::from(status.as_u16() / 100).clamp(1, 5) - 1;
    counter!(BATCH_ENTRIES, "status" => CLASSES[class]).increment(1);
}

/// `outcome`: `done`, `cancelled`, or the name of a failure.
pub(crate) fn export_ended(outcome: &'static str) {
    counter!(EXPORTS, "outcome" => outcome).increment(1);
}

/// `reason`: `too_many`, `no_space`.
pub(crate) fn export_refused(reason: &'static str) {
    counter!(EXPORTS_REFUSED, "reason" => reason).increment(1);
}

/// `reason`: `caller`, `age`, `number`, `bytes`.
pub(crate) fn export_removed(reason: &'static str) {
    counter!(EXPORTS_REMOVED, "reason" => reason).increment(1);
}

#[expect(clippy::cast_precision_loss, reason = "gauges; below 2^52")]
pub(crate) fn exports(waiting: usize, running: usize, bytes: u64) {
    gauge!(EXPORTS_WAITING).set(waiting as f64);
    gauge!(EXPORTS_RUNNING).set(running as f64);
    gauge!(EXPORTS_BYTES).set(bytes as f64);
}

/// One cache's counters; `cache`: `resources`, `chunks`, `pages`.
pub(crate) struct CacheMeter {
    pub(crate) hits: Counter,
    pub(crate) misses: Counter,
    pub(crate) rerendered: Counter,
    pub(crate) evictions: Counter,
    pub(crate) bytes: Gauge,
    pub(crate) entries: Gauge,
}

impl CacheMeter {
    pub(crate) fn new(cache: &'static str) -> Self {
        Self {
            hits: counter!(CACHE_HITS, "cache" => cache),
            misses: counter!(CACHE_MISSES, "cache" => cache),
            rerendered: counter!(CACHE_RERENDERED, "cache" => cache),
            evictions: counter!(CACHE_EVICTIONS, "cache" => cache),
            bytes: gauge!(CACHE_BYTES, "cache" => cache),
            entries: gauge!(CACHE_ENTRIES, "cache" => cache),
        }
    }
}
