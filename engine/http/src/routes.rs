//! The table of routes: every path, its method, and who may call it.
//!
//! The router is built from this table and from nothing else, and a [`Route`] cannot be written
//! without a [`Policy`]. The tests walk the same table.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::Request;
use axum::http::{Method, Response};
use axum::routing::{MethodFilter, Router, on};
use sluice_ids::EjId;
use sluice_mappings::fhir::{FhirVersion, ResourceType};
use sluice_mappings::records::RecordType;

use crate::app::App;
use crate::call::Call;
use crate::fault::{Face, Fault};
use crate::gate::Door;
use crate::instruments::RouteMeter;
use crate::role::{EjScope, Policy, Role};
use crate::{bulk, export, fhir, inbound, openapi, ops};

/// What answers an admitted call. It never waits: everything is in memory, and what streams is
/// produced as the body is read.
pub(crate) type Endpoint = fn(&Call<'_>) -> Result<Response<Body>, Fault>;

/// A FHIR interaction, as a CapabilityStatement names it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Interaction {
    Read,
    Vread,
    HistoryInstance,
    HistoryType,
    HistorySystem,
    SearchType,
    Batch,
}

impl Interaction {
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::Read => "read",
            Self::Vread => "vread",
            Self::HistoryInstance => "history-instance",
            Self::HistoryType => "history-type",
            Self::HistorySystem => "history-system",
            Self::SearchType => "search-type",
            Self::Batch => "batch",
        }
    }
}

/// What is read from the body of a request, after the check.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Takes {
    Nothing,
    /// `application/x-www-form-urlencoded`.
    Form,
    /// A FHIR Parameters resource, or what else an operation or a batch is told.
    Parameters,
    /// Either of both.
    FormOrParameters,
    /// An HL7v2 message, which is handed over before the endpoint is called.
    Message,
}

/// One line of the table.
pub struct Route {
    pub method: Method,
    /// The template, e.g. `/ej/{ej}/fhir/R4/Patient/{id}`.
    pub path: &'static str,
    pub policy: Policy,
    /// `None` where the request's own path decides: only for paths that no route has.
    pub(crate) face: Option<Face>,
    pub(crate) fhir: FhirVersion,
    pub interaction: Option<Interaction>,
    /// What an export holds.
    pub(crate) exported: &'static [RecordType],
    /// Whether it may walk much of the state: then it runs where blocking does no harm.
    pub(crate) wide: bool,
    pub(crate) takes: Takes,
    pub(crate) endpoint: Endpoint,
    pub(crate) meter: RouteMeter,
    ej_segment: Option<usize>,
    type_segment: Option<usize>,
    id_segment: Option<usize>,
    destination_segment: Option<usize>,
    version_segment: Option<usize>,
    member_segment: Option<usize>,
}

impl Route {
    pub(crate) fn new(
        method: Method,
        path: &'static str,
        policy: Policy,
        endpoint: Endpoint,
    ) -> Self {
        let segment = |name| path.split('/').position(|segment| segment == name);
        Self {
            face: Some(Face::of_path(path)),
            fhir: FhirVersion::R4,
            interaction: None,
            exported: &[],
            wide: false,
            takes: Takes::Nothing,
            endpoint,
            meter: RouteMeter::new(path, method_label(&method)),
            ej_segment: segment("{ej}"),
            type_segment: segment("{type}"),
            id_segment: segment("{id}"),
            destination_segment: segment("{destination}"),
            version_segment: segment("{vid}"),
            member_segment: segment("{member}"),
            method,
            path,
            policy,
        }
    }

    fn of(mut self, fhir: FhirVersion) -> Self {
        self.fhir = fhir;
        self
    }

    fn read(mut self) -> Self {
        self.interaction = Some(Interaction::Read);
        self
    }

    fn search(mut self) -> Self {
        self.interaction = Some(Interaction::SearchType);
        self.wide()
    }

    fn wide(mut self) -> Self {
        self.wide = true;
        self
    }

    /// Reads the journal.
    fn past(mut self, interaction: Interaction) -> Self {
        self.interaction = Some(interaction);
        self.wide()
    }

    /// Shows records of a type that its path names outright.
    fn operation(mut self) -> Self {
        if self.method == Method::POST {
            self.takes = Takes::Parameters;
        }
        self.type_segment = self.path.split('/').position(|segment| segment == "Patient");
        self.wide()
    }

    /// Answers several requests at once.
    fn batch(mut self) -> Self {
        self.interaction = Some(Interaction::Batch);
        self.takes = Takes::Parameters;
        self.wide()
    }

    fn export(mut self, exported: &'static [RecordType]) -> Self {
        self.exported = exported;
        self
    }

    /// Is told what to do in JSON.
    fn told(mut self) -> Self {
        self.takes = Takes::Parameters;
        self.wide()
    }

    fn message(mut self) -> Self {
        self.takes = Takes::Message;
        self
    }

    fn form(mut self) -> Self {
        self.takes = Takes::Form;
        self
    }

    /// Takes its parameters as a form too.
    fn or_form(mut self) -> Self {
        self.takes = Takes::FormOrParameters;
        self
    }

    /// A kick-off of a bulk export: it writes to the disk.
    fn kick_off(mut self) -> Self {
        if self.method == Method::POST {
            self.takes = Takes::Parameters;
        }
        self.export(&RecordType::ALL).wide()
    }

    /// What answers where no route does.
    fn nowhere(endpoint: Endpoint) -> Self {
        Self { face: None, ..Self::new(Method::GET, "unmatched", Policy::Public, endpoint) }
    }

    pub(crate) fn ej_in(&self, path: &str) -> Option<EjId> {
        path.split('/').nth(self.ej_segment?).and_then(|name| EjId::new(name).ok())
    }

    /// `None` where the path names no type that is served in the route's version.
    pub(crate) fn type_in(&self, path: &str) -> Option<ResourceType> {
        ResourceType::parse(path.split('/').nth(self.type_segment?)?, self.fhir)
    }

    /// Of a search in a compartment, the type that is searched.
    pub(crate) fn member_in(&self, path: &str) -> Option<Option<ResourceType>> {
        Some(ResourceType::parse(self.member_name(path)?, self.fhir))
    }

    pub(crate) fn member_name<'p>(&self, path: &'p str) -> Option<&'p str> {
        path.split('/').nth(self.member_segment?)
    }

    /// Whether an answer shows records.
    pub(crate) const fn shows_records(&self) -> bool {
        self.type_segment.is_some()
            || !self.exported.is_empty()
            || matches!(self.interaction, Some(Interaction::HistorySystem | Interaction::Batch))
    }

    /// Whether a search that names one record may be answered at once, wide as the route is.
    pub(crate) const fn searches(&self) -> bool {
        self.member_segment.is_some() || matches!(self.interaction, Some(Interaction::SearchType))
    }

    /// Whether an entry of a batch may ask for it: what streams or begins a job may not, nor
    /// another batch.
    pub(crate) fn is_for_entries(&self) -> bool {
        let is_fhir = matches!(self.path.split('/').nth(1), Some("fhir"))
            || matches!(self.path.split('/').nth(3), Some("fhir"));
        is_fhir
            && self.exported.is_empty()
            && self.takes != Takes::Form
            && self.interaction != Some(Interaction::Batch)
    }

    /// How the template fits a path, the more exactly the less; `None`: not at all.
    pub(crate) fn fit(&self, path: &str) -> Option<Vec<bool>> {
        let (mut template, mut segments) = (self.path.split('/'), path.split('/'));
        let mut fit = Vec::new();
        loop {
            match (template.next(), segments.next()) {
                (None, None) => return Some(fit),
                (Some(name), Some(segment)) => {
                    let is_any = name.starts_with('{');
                    if !(name == segment || is_any && !segment.is_empty()) {
                        return None;
                    }
                    fit.push(is_any);
                }
                _ => return None,
            }
        }
    }

    /// Whether the template has that segment.
    pub(crate) fn names(&self, segment: &str) -> bool {
        self.path.split('/').any(|own| own == segment)
    }

    pub(crate) fn id_in<'p>(&self, path: &'p str) -> Option<&'p str> {
        path.split('/').nth(self.id_segment?)
    }

    pub(crate) fn destination_in<'p>(&self, path: &'p str) -> Option<&'p str> {
        path.split('/').nth(self.destination_segment?)
    }

    pub(crate) fn version_in<'p>(&self, path: &'p str) -> Option<&'p str> {
        path.split('/').nth(self.version_segment?)
    }
}

fn method_label(method: &Method) -> &'static str {
    match *method {
        Method::GET => "GET",
        Method::POST => "POST",
        Method::PUT => "PUT",
        Method::DELETE => "DELETE",
        _ => "other",
    }
}

/// Every route.
#[must_use]
pub fn table() -> Vec<Route> {
    use EjScope::{Every, Path, Visible};
    use Policy::Public;
    let get = |path, policy, endpoint| Route::new(Method::GET, path, policy, endpoint);
    let post = |path, policy, endpoint| Route::new(Method::POST, path, policy, endpoint);
    let delete = |path, policy, endpoint| Route::new(Method::DELETE, path, policy, endpoint);
    let needs = Policy::needs;
    let (export_one, export_group) = (needs(Role::Exporter, Path), needs(Role::Exporter, Visible));
    let mut table = vec![
        get("/", Public, ops::console::page),
        get("/health/live", Public, ops::health::live),
        get("/health/ready", Public, ops::health::ready),
        get("/metrics", needs(Role::Monitor, Every), ops::prometheus::page),
        get("/api/openapi.json", Public, openapi::document),
        get("/api/status", needs(Role::Monitor, Visible), ops::status::page),
        get("/api/metrics/cache", needs(Role::Monitor, Every), ops::caches::counts),
        get("/api/ejs/{ej}/held", needs(Role::Operator, Path), ops::held::list).wide(),
        get("/api/ejs/{ej}/messages/{id}/issues", needs(Role::Operator, Path), ops::issues::list)
            .wide(),
        get("/api/ejs/{ej}/messages", needs(Role::Operator, Path), ops::messages::list).wide(),
        post("/api/ejs/{ej}/messages/_search", needs(Role::Operator, Path), ops::messages::list)
            .wide()
            .form(),
        post(
            "/api/ejs/{ej}/messages/reprocess",
            needs(Role::Operator, Path),
            ops::messages::reprocess,
        )
        .told(),
        get("/api/ejs/{ej}/messages/{id}", needs(Role::Operator, Path), ops::messages::show).wide(),
        post(
            "/api/ejs/{ej}/messages/{id}/resend",
            needs(Role::Operator, Path),
            ops::messages::resend,
        )
        .told(),
        get("/api/alerts", needs(Role::Monitor, Every), ops::alerts::list),
        get("/api/acts", needs(Role::Operator, Visible), ops::acts::list).wide(),
        get("/api/queues", needs(Role::Operator, Visible), ops::delivery::queues),
        get("/api/ejs/{ej}/dead-letters", needs(Role::Operator, Path), ops::delivery::letters),
        get("/api/ejs/{ej}/dead-letters/{id}", needs(Role::Operator, Path), ops::delivery::one),
        post(
            "/api/ejs/{ej}/dead-letters/{id}/retry",
            needs(Role::Operator, Path),
            ops::delivery::retry,
        )
        .wide(),
        post(
            "/api/ejs/{ej}/dead-letters/{id}/discard",
            needs(Role::Operator, Path),
            ops::delivery::discard,
        )
        .told(),
        get("/api/channels", needs(Role::Monitor, Visible), ops::channels::list),
        get("/api/channels/{id}", needs(Role::Monitor, Visible), ops::channels::one),
        post("/api/channels/{id}/start", needs(Role::Operator, Visible), ops::channels::start)
            .wide(),
        post("/api/channels/{id}/stop", needs(Role::Operator, Visible), ops::channels::stop).wide(),
        post("/api/channels/{id}/pause", needs(Role::Operator, Visible), ops::channels::pause)
            .wide(),
        post(
            "/api/channels/{id}/destinations/{destination}/start",
            needs(Role::Operator, Visible),
            ops::delivery::start,
        )
        .wide(),
        post(
            "/api/channels/{id}/destinations/{destination}/pause",
            needs(Role::Operator, Visible),
            ops::delivery::pause,
        )
        .wide(),
        post("/api/channels/reload", needs(Role::Operator, Every), ops::channels::reload).wide(),
        post("/api/cache/clear", needs(Role::Operator, Every), ops::caches::clear).wide(),
        post("/api/cache/warm", needs(Role::Operator, Every), ops::caches::warm).wide(),
    ];
    let (group, one) = (needs(Role::Reader, Visible), needs(Role::Reader, Path));
    let (statement, search, read) =
        (fhir::capability::statement, fhir::search::page, fhir::read::resource);
    let (history, vread) = (fhir::history::instance, fhir::history::version);
    let (type_history, system_history) = (fhir::type_history::of_type, fhir::type_history::system);
    let (everything, batch) = (fhir::everything::bundle, fhir::batch::bundle);
    let (matching, pix) = (fhir::matching::patients, fhir::pixm::identifiers);
    // Paths are written out, since a metric is named by each.
    macro_rules! fhir_base {
        ($base:literal, $version:ident, $metadata:expr, $records:expr, $bulk:expr) => {
            table.extend(
                [
                    post($base, $records, batch).batch(),
                    post(concat!($base, "/"), $records, batch).batch(),
                    get(concat!($base, "/metadata"), $metadata, statement),
                    get(concat!($base, "/_history"), $records, system_history)
                        .past(Interaction::HistorySystem),
                    get(concat!($base, "/$export"), $bulk, bulk::of_system).kick_off(),
                    post(concat!($base, "/$export"), $bulk, bulk::of_system).kick_off(),
                    get(concat!($base, "/{type}"), $records, search).search(),
                    get(concat!($base, "/{type}/_history"), $records, type_history)
                        .past(Interaction::HistoryType),
                    post(concat!($base, "/{type}/_search"), $records, search).search().form(),
                    get(concat!($base, "/{type}/$export"), $bulk, bulk::of_type).kick_off(),
                    post(concat!($base, "/{type}/$export"), $bulk, bulk::of_type).kick_off(),
                    post(concat!($base, "/Patient/$match"), $records, matching).operation(),
                    get(concat!($base, "/Patient/$ihe-pix"), $records, pix).operation(),
                    post(concat!($base, "/Patient/$ihe-pix"), $records, pix).operation().or_form(),
                    get(concat!($base, "/{type}/{id}"), $records, read).read(),
                    get(concat!($base, "/{type}/{id}/_history"), $records, history)
                        .past(Interaction::HistoryInstance),
                    get(concat!($base, "/{type}/{id}/_history/{vid}"), $records, vread)
                        .past(Interaction::Vread),
                    get(concat!($base, "/{type}/{id}/$everything"), $records, everything).wide(),
                    get(concat!($base, "/{type}/{id}/$export"), $bulk, bulk::of_group).kick_off(),
                    post(concat!($base, "/{type}/{id}/$export"), $bulk, bulk::of_group).kick_off(),
                    get(concat!($base, "/{type}/{id}/{member}"), $records, search).wide(),
                    post(concat!($base, "/{type}/{id}/{member}/_search"), $records, search)
                        .wide()
                        .form(),
                ]
                .map(|route| route.of(FhirVersion::$version)),
            );
        };
    }
    fhir_base!("/fhir/R4", R4, Public, group, export_group);
    fhir_base!("/ej/{ej}/fhir/R4", R4, one, one, export_one);
    fhir_base!("/fhir/R5", R5, Public, group, export_group);
    fhir_base!("/ej/{ej}/fhir/R5", R5, one, one, export_one);
    table.extend([
        get("/ej/{ej}/export/structure", export_one, export::stream).export(export::STRUCTURE),
        get("/ej/{ej}/export/patients", export_one, export::stream).export(export::PATIENTS),
        get("/ej/{ej}/export/venues", export_one, export::stream).export(export::VENUES),
        get("/exports/{id}", export_group, bulk::status),
        delete("/exports/{id}", export_group, bulk::cancel).wide(),
        get("/exports/{id}/files/{file}", export_group, bulk::file),
        post("/channels/{id}", needs(Role::Sender, EjScope::Channel), inbound::answer).message(),
    ]);
    table
}

/// The table as a router.
pub(crate) fn router(app: &Arc<App>) -> Router {
    let mut router = Router::new();
    for route in table() {
        let filter = match route.method {
            Method::POST => MethodFilter::POST,
            Method::DELETE => MethodFilter::DELETE,
            // axum answers HEAD from it too.
            _ => MethodFilter::GET,
        };
        let path = route.path;
        let door = Arc::new(Door { app: Arc::clone(app), route });
        router = router.route(path, on(filter, move |request: Request| door.answer(request)));
    }
    let nothing =
        |endpoint| Arc::new(Door { app: Arc::clone(app), route: Route::nowhere(endpoint) });
    let not_found = nothing(|_| Err(Fault::NotFound));
    let not_allowed = nothing(|call| Err(not_allowed(call.parts.uri.path())));
    router
        .fallback(move |request: Request| not_found.answer(request))
        .method_not_allowed_fallback(move |request: Request| not_allowed.answer(request))
}

/// What is said where a path takes another method: of an operation that is nowhere served, that it
/// is not.
pub(crate) fn not_allowed(path: &str) -> Fault {
    let operation = path.split('/').find(|segment| segment.starts_with('$'));
    let is_served = |name: &str| table().iter().any(|route| route.names(name));
    match operation {
        Some(name) if !is_served(name) => Fault::OperationNotServed,
        _ => Fault::MethodNotAllowed,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn no_two_routes_share_method_and_path() {
        let mut seen = BTreeSet::new();
        for route in table() {
            assert!(seen.insert((route.path, route.method.to_string())), "{}", route.path);
        }
    }

    #[test]
    fn a_path_that_names_an_ej_is_checked_against_it_and_public_paths_name_none() {
        for route in table() {
            let names_ej = route.path.contains("{ej}");
            let checked = matches!(route.policy, Policy::Needs { scope: EjScope::Path, .. });
            assert_eq!(names_ej, checked, "{}", route.path);
            if route.policy == Policy::Public {
                assert_eq!(
                    route.takes,
                    Takes::Nothing,
                    "{}: a public route reads a body",
                    route.path
                );
            }
        }
    }
}
