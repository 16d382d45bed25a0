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
use sluice_mappings::records::RecordType;

use crate::app::App;
use crate::call::Call;
use crate::fault::{Face, Fault};
use crate::gate::Door;
use crate::instruments::RouteMeter;
use crate::ops;
use crate::role::{EjScope, Policy, Role};

/// What answers an admitted call. It never waits: everything is in memory, and what streams is
/// produced as the body is read.
pub(crate) type Endpoint = fn(&Call<'_>) -> Result<Response<Body>, Fault>;

/// One line of the table.
pub struct Route {
    pub method: Method,
    /// The template, e.g. `/ej/{ej}/fhir/R4/Patient/{id}`.
    pub path: &'static str,
    pub policy: Policy,
    /// `None` where the request's own path decides: only for paths that no route has.
    pub(crate) face: Option<Face>,
    pub(crate) record_type: Option<RecordType>,
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
            record_type: None,
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

    pub(crate) fn of(mut self, record_type: RecordType) -> Self {
        self.record_type = Some(record_type);
        self
    }

    pub(crate) fn form(mut self) -> Self {
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
    use EjScope::Every;
    use Policy::Public;
    let get = Method::GET;
    let needs = Policy::needs;
    vec![
        Route::new(get.clone(), "/", Public, ops::console::page),
        Route::new(get.clone(), "/health/live", Public, ops::health::live),
        Route::new(get.clone(), "/health/ready", Public, ops::health::ready),
        Route::new(get, "/metrics", needs(Role::Monitor, Every), ops::prometheus::page),
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
        router = router.route(
            path,
            on(filter, move |request: Request| async move { door.answer(request).await }),
        );
    }
    let nothing =
        |endpoint| Arc::new(Door { app: Arc::clone(app), route: Route::nowhere(endpoint) });
    let not_found = nothing(|_| Err(Fault::NotFound));
    let not_allowed = nothing(|_| Err(Fault::MethodNotAllowed));
    router
        .fallback(move |request: Request| async move { not_found.answer(request).await })
        .method_not_allowed_fallback(move |request: Request| async move {
            not_allowed.answer(request).await
        })
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
