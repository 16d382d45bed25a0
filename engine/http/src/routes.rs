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
use sluice_mappings::fhir::FhirVersion;
use sluice_mappings::records::RecordType;

use crate::app::App;
use crate::call::Call;
use crate::fault::{Face, Fault};
use crate::gate::Door;
use crate::instruments::RouteMeter;
use crate::role::{EjScope, Policy, Role};
use crate::{export, fhir, ops};

/// What answers an admitted call. It never waits: everything is in memory, and what streams is
/// produced as the body is read.
pub(crate) type Endpoint = fn(&Call<'_>) -> Result<Response<Body>, Fault>;

/// A FHIR interaction, as a CapabilityStatement names it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Interaction {
    Read,
    SearchType,
}

impl Interaction {
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::Read => "read",
            Self::SearchType => "search-type",
        }
    }
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
    pub(crate) record_type: Option<RecordType>,
    /// Whether it may walk much of the state: then it runs where blocking does no harm.
    pub(crate) wide: bool,
    /// Whether a form is read from the body, after the check.
    pub(crate) takes_form: bool,
    pub(crate) endpoint: Endpoint,
    pub(crate) meter: RouteMeter,
    ej_segment: Option<usize>,
    id_segment: Option<usize>,
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
            record_type: None,
            wide: false,
            takes_form: false,
            endpoint,
            meter: RouteMeter::new(path, method_label(&method)),
            ej_segment: segment("{ej}"),
            id_segment: segment("{id}"),
            method,
            path,
            policy,
        }
    }

    fn read(mut self, record_type: RecordType) -> Self {
        self.record_type = Some(record_type);
        self.interaction = Some(Interaction::Read);
        self
    }

    fn search(mut self, record_type: RecordType) -> Self {
        self.record_type = Some(record_type);
        self.interaction = Some(Interaction::SearchType);
        self.wide()
    }

    fn export(mut self, record_type: RecordType) -> Self {
        self.record_type = Some(record_type);
        self
    }

    fn wide(mut self) -> Self {
        self.wide = true;
        self
    }

    fn form(mut self) -> Self {
        self.takes_form = true;
        self
    }

    /// What answers where no route does.
    fn nowhere(endpoint: Endpoint) -> Self {
        Self { face: None, ..Self::new(Method::GET, "unmatched", Policy::Public, endpoint) }
    }

    pub(crate) fn ej_in(&self, path: &str) -> Option<EjId> {
        path.split('/').nth(self.ej_segment?).and_then(|name| EjId::new(name).ok())
    }

    pub(crate) fn id_in<'p>(&self, path: &'p str) -> Option<&'p str> {
        path.split('/').nth(self.id_segment?)
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
    use RecordType::{Location, Patient, Stay};
    let get = |path, policy, endpoint| Route::new(Method::GET, path, policy, endpoint);
    let post = |path, policy, endpoint| Route::new(Method::POST, path, policy, endpoint);
    let needs = Policy::needs;
    let group = needs(Role::Reader, Visible);
    let one = needs(Role::Reader, Path);
    let bulk = needs(Role::Exporter, Path);
    let (metadata, read, search) =
        (fhir::capability::statement, fhir::read::resource, fhir::search::page);
    vec![
        get("/", Public, ops::console::page),
        get("/health/live", Public, ops::health::live),
        get("/health/ready", Public, ops::health::ready),
        get("/metrics", needs(Role::Monitor, Every), ops::prometheus::page),
        get("/api/status", needs(Role::Monitor, Visible), ops::status::page),
        get("/api/metrics/cache", needs(Role::Monitor, Every), ops::caches::counts),
        get("/api/ejs/{ej}/held", needs(Role::Operator, Path), ops::held::list).wide(),
        post("/api/cache/clear", needs(Role::Operator, Every), ops::caches::clear),
        //
        get("/fhir/R4/metadata", Public, metadata),
        get("/fhir/R4/Patient", group, search).search(Patient),
        post("/fhir/R4/Patient/_search", group, search).search(Patient).form(),
        get("/fhir/R4/Patient/{id}", group, read).read(Patient),
        get("/fhir/R4/Encounter", group, search).search(Stay),
        post("/fhir/R4/Encounter/_search", group, search).search(Stay).form(),
        get("/fhir/R4/Encounter/{id}", group, read).read(Stay),
        get("/fhir/R4/Location", group, search).search(Location),
        post("/fhir/R4/Location/_search", group, search).search(Location).form(),
        get("/fhir/R4/Location/{id}", group, read).read(Location),
        //
        get("/ej/{ej}/fhir/R4/metadata", one, metadata),
        get("/ej/{ej}/fhir/R4/Patient", one, search).search(Patient),
        post("/ej/{ej}/fhir/R4/Patient/_search", one, search).search(Patient).form(),
        get("/ej/{ej}/fhir/R4/Patient/{id}", one, read).read(Patient),
        get("/ej/{ej}/fhir/R4/Encounter", one, search).search(Stay),
        post("/ej/{ej}/fhir/R4/Encounter/_search", one, search).search(Stay).form(),
        get("/ej/{ej}/fhir/R4/Encounter/{id}", one, read).read(Stay),
        get("/ej/{ej}/fhir/R4/Location", one, search).search(Location),
        post("/ej/{ej}/fhir/R4/Location/_search", one, search).search(Location).form(),
        get("/ej/{ej}/fhir/R4/Location/{id}", one, read).read(Location),
        //
        get("/ej/{ej}/export/patients", bulk, export::stream).export(Patient),
        get("/ej/{ej}/export/venues", bulk, export::stream).export(Stay),
    ]
}

/// The table as a router.
pub(crate) fn router(app: &Arc<App>) -> Router {
    let mut router = Router::new();
    for route in table() {
        let filter = match route.method {
            Method::POST => MethodFilter::POST,
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
    let not_allowed = nothing(|_| Err(Fault::MethodNotAllowed));
    router
        .fallback(move |request: Request| not_found.answer(request))
        .method_not_allowed_fallback(move |request: Request| not_allowed.answer(request))
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
                assert!(!route.takes_form, "{}: a public route reads a body", route.path);
            }
        }
    }
}
