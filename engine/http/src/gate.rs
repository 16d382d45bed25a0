//! The one way in: limits, then who is asking, then whether they may, and only then a body.
//!
//! Nothing of a body is read before the caller is known and allowed, so that no parser stands
//! before the check.

use std::cell::Cell;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::body::Body;
use axum::http::header::{self, HeaderValue};
use axum::http::request::Parts;
use axum::http::{Method, Request, Response};
use bytes::{Bytes, BytesMut};
use futures_util::StreamExt;
use sluice_ids::EjId;

use crate::app::App;
use crate::call::{Call, Spent};
use crate::fault::{Face, Fault};
use crate::fhir::search;
use crate::inbound::{self, Handed};
use crate::instruments;
use crate::negotiate;
use crate::role::{EjScope, Policy, Reach, Role};
use crate::routes::{Route, Takes};
use crate::timing;
use crate::tokens::Grant;

/// What a request brought in its body.
#[derive(Default)]
struct Given {
    form: Option<Bytes>,
    parameters: Option<Bytes>,
    handed: Option<Handed>,
}

/// A route and what it is answered from.
pub(crate) struct Door {
    pub(crate) app: Arc<App>,
    pub(crate) route: Route,
}

impl Door {
    pub(crate) async fn answer(self: Arc<Self>, request: Request<Body>) -> Response<Body> {
        let started = Instant::now();
        let (parts, body) = request.into_parts();
        let face = self.route.face.unwrap_or_else(|| Face::of_path(parts.uri.path()));
        let method = parts.method.clone();
        let mut response = match Self::admitted(&self, parts, body, started).await {
            Ok(response) => response,
            Err(fault) => {
                if let Some(reason) = refusal(&fault) {
                    instruments::refused(reason);
                }
                fault.respond(face)
            }
        };
        protect(&mut response, face);
        let took = started.elapsed();
        let status = response.status();
        self.route.meter.answered(&method, status, took);
        // The template, never the URI: paths hold ids and queries hold names.
        tracing::debug!(
            route = self.route.path,
            method = self.route.method.as_str(),
            status = status.as_u16(),
            took_us = u64::try_from(took.as_micros()).unwrap_or(u64::MAX),
            "answered"
        );
        response
    }

    async fn admitted(
        this: &Arc<Self>,
        parts: Parts,
        body: Body,
        began: Instant,
    ) -> Result<Response<Body>, Fault> {
        check_request(&this.app, &parts)?;
        let grant = this.authenticated(&parts)?;
        authorised(&this.app, &this.route, &parts, grant.as_ref())?;
        folded(&this.app, &this.route, &parts, grant.as_ref())?;
        let spent = Spent { auth: began.elapsed(), ..Spent::default() };
        let given = match this.route.takes {
            Takes::Nothing => {
                drop(body);
                Given::default()
            }
            Takes::Message => {
                let reach = grant.as_ref().map_or(Reach::only([]), |grant| grant.reach.clone());
                let channel = this.route.id_in(parts.uri.path()).unwrap_or_default();
                let handed = inbound::hand_over(&this.app, &parts, channel, &reach, body).await?;
                Given { handed: Some(handed), ..Given::default() }
            }
            takes => {
                let body = Some(read_body(&this.app, &parts, body, takes).await?);
                let told = takes == Takes::Parameters
                    || takes == Takes::FormOrParameters && !is_form(&parts);
                let (form, parameters) = if told { (None, body) } else { (body, None) };
                Given { form, parameters, handed: None }
            }
        };
        let searches = this.route.searches();
        if searches && let Some(page) = this.kept(&parts, &given.form, &grant, began, spent) {
            return Ok(page);
        }
        let at_once = searches && is_selective(&parts, given.form.as_deref());
        if this.route.wide && !at_once {
            let permit = Arc::clone(&this.app.searches).acquire_owned().await;
            let this = Arc::clone(this);
            let work = move || {
                let answer = this.called(&parts, given, grant, began, spent);
                drop(permit);
                answer
            };
            return tokio::task::spawn_blocking(work).await.unwrap_or(Err(Fault::Internal));
        }
        this.called(&parts, given, grant, began, spent)
    }

    /// A page that was answered before: it takes no turn among those that walk the state.
    fn kept(
        &self,
        parts: &Parts,
        form: &Option<Bytes>,
        grant: &Option<Grant>,
        began: Instant,
        spent: Spent,
    ) -> Option<Response<Body>> {
        let (app, route, spent) = (&self.app, &self.route, Cell::new(spent));
        let (form, grant, parameters, handed) = (form.clone(), grant.clone(), None, None);
        let call =
            Call { app, route, parts, form, parameters, handed, grant, began, spent, pins: None };
        let entered = Instant::now();
        let mut response = search::kept(&call)?;
        timing::tell(&call, entered.elapsed(), response.headers_mut());
        Some(response)
    }

    fn called(
        &self,
        parts: &Parts,
        given: Given,
        grant: Option<Grant>,
        began: Instant,
        spent: Spent,
    ) -> Result<Response<Body>, Fault> {
        let (app, route, spent) = (&self.app, &self.route, Cell::new(spent));
        let Given { form, parameters, handed } = given;
        let call =
            Call { app, route, parts, form, parameters, handed, grant, began, spent, pins: None };
        let entered = Instant::now();
        // A panic in one answer is that answer's; its payload may quote data and is dropped.
        let answer = catch_unwind(AssertUnwindSafe(|| (route.endpoint)(&call)));
        let mut response = answer.unwrap_or_else(|_| {
            tracing::error!(route = route.path, "an endpoint panicked");
            Err(Fault::Internal)
        })?;
        if route.face == Some(Face::Fhir) {
            timing::tell(&call, entered.elapsed(), response.headers_mut());
        }
        Ok(response)
    }

    /// Who is asking. On a public route nobody need say, and a wrong token is nobody's.
    fn authenticated(&self, parts: &Parts) -> Result<Option<Grant>, Fault> {
        let app = &self.app;
        app.tokens.look();
        if app.is_open() {
            return Ok(Some(App::open_grant()));
        }
        let grant = bearer(parts)
            .and_then(|secret| app.tokens.authenticate(secret).map_err(|_| Fault::TokenInvalid));
        match (self.route.policy, grant) {
            (_, Ok(grant)) => Ok(Some(grant)),
            (Policy::Public, Err(_)) => Ok(None),
            (Policy::Needs { .. }, Err(fault)) => Err(fault),
        }
    }
}

/// Records are shown once they are what was acknowledged: before, a total would be short and a
/// known patient unknown. An EJ that is halted is shown as far as it came.
pub(crate) fn folded(
    app: &App,
    route: &Route,
    parts: &Parts,
    grant: Option<&Grant>,
) -> Result<(), Fault> {
    if !route.shows_records() {
        return Ok(());
    }
    let folding = app.vitals.folding();
    let asked = route.ej_in(parts.uri.path());
    let concerns = |ej: &EjId| match (asked, grant) {
        (Some(asked), _) => asked == *ej,
        (None, Some(grant)) => grant.reach.holds(*ej),
        (None, None) => true,
    };
    if folding.iter().any(concerns) { Err(Fault::Folding) } else { Ok(()) }
}

pub(crate) fn authorised(
    app: &App,
    route: &Route,
    parts: &Parts,
    grant: Option<&Grant>,
) -> Result<(), Fault> {
    let Policy::Needs { role, scope } = route.policy else { return Ok(()) };
    let grant = grant.ok_or(Fault::TokenMissing)?;
    if grant.role < role {
        return Err(Fault::RoleTooLow { needs: role });
    }
    match scope {
        EjScope::Visible => Ok(()),
        EjScope::Every if grant.reach == Reach::All => Ok(()),
        EjScope::Every => {
            let every = app.entities.keys().all(|ej| grant.reach.holds(*ej));
            if every { Ok(()) } else { Err(Fault::NotEveryEj) }
        }
        EjScope::Path => {
            let ej = route.ej_in(parts.uri.path()).ok_or(Fault::NotFound)?;
            let known = app.entities.contains_key(&ej) && grant.reach.holds(ej);
            if known { Ok(()) } else { Err(Fault::NotFound) }
        }
        // Who only reads sends nothing; the channel's EJs are checked where it is looked up.
        EjScope::Channel if grant.role == role || grant.role >= Role::Operator => Ok(()),
        EjScope::Channel => Err(Fault::RoleTooLow { needs: role }),
    }
}

fn is_selective(parts: &Parts, form: Option<&[u8]>) -> bool {
    let form = form.and_then(|form| std::str::from_utf8(form).ok());
    search::is_selective(parts.uri.query().unwrap_or_default())
        || form.is_some_and(search::is_selective)
}

fn check_request(app: &App, parts: &Parts) -> Result<(), Fault> {
    let target = parts.uri.path_and_query().map_or(0, |target| target.as_str().len());
    if target > app.settings.uri_bytes_max {
        return Err(Fault::UriTooLong { limit: app.settings.uri_bytes_max });
    }
    let host = host(parts).ok_or(Fault::HostMissing)?;
    if !app.hosts.answers(host) {
        return Err(Fault::HostForeign);
    }
    // A page of another site can send a form here without being asked whether it may.
    if !matches!(parts.method, Method::GET | Method::HEAD)
        && let Some(origin) = parts.headers.get(header::ORIGIN)
        && !origin.to_str().is_ok_and(|origin| app.hosts.is_own_origin(origin, host))
    {
        return Err(Fault::OriginForeign);
    }
    Ok(())
}

/// The name by which the client addressed us; `None` without exactly one.
pub(crate) fn host(parts: &Parts) -> Option<&str> {
    if let Some(authority) = parts.uri.authority() {
        return Some(authority.as_str());
    }
    let mut hosts = parts.headers.get_all(header::HOST).iter();
    let host = hosts.next()?.to_str().ok()?;
    hosts.next().is_none().then_some(host)
}

fn bearer(parts: &Parts) -> Result<&str, Fault> {
    let value = parts.headers.get(header::AUTHORIZATION).ok_or(Fault::TokenMissing)?;
    let value = value.to_str().map_err(|_| Fault::TokenInvalid)?;
    match value.split_at_checked(7) {
        Some((scheme, secret)) if scheme.eq_ignore_ascii_case("bearer ") => Ok(secret.trim()),
        _ => Err(Fault::TokenMissing),
    }
}

/// The media type of the body, without its parameters.
fn media(parts: &Parts) -> Option<&str> {
    let value = parts.headers.get(header::CONTENT_TYPE)?.to_str().ok()?;
    value.split(';').next().map(str::trim)
}

fn is_form(parts: &Parts) -> bool {
    media(parts).is_some_and(|of| of.eq_ignore_ascii_case("application/x-www-form-urlencoded"))
}

async fn read_body(app: &App, parts: &Parts, body: Body, takes: Takes) -> Result<Bytes, Fault> {
    let limit = app.settings.body_bytes_max;
    let declared = declared_bytes(parts, limit)?;
    // Without a body its type does not matter.
    let is_empty =
        declared.unwrap_or(0) == 0 && !parts.headers.contains_key(header::TRANSFER_ENCODING);
    let is_json = || media(parts).is_some_and(negotiate::is_json);
    let is_taken = match takes {
        Takes::Parameters => is_json(),
        Takes::FormOrParameters => is_json() || is_form(parts),
        Takes::Form | Takes::Nothing | Takes::Message => is_form(parts),
    };
    if !is_taken && !is_empty {
        return Err(Fault::MediaType);
    }
    collect(parts, body, limit, app.settings.body_timeout()).await
}

/// What Content-Length says, where that may be.
fn declared_bytes(parts: &Parts, limit: usize) -> Result<Option<u64>, Fault> {
    let declared = parts.headers.get(header::CONTENT_LENGTH);
    let declared = declared.and_then(|value| value.to_str().ok()?.parse::<u64>().ok());
    if declared.is_some_and(|bytes| bytes > limit as u64) {
        return Err(Fault::BodyTooLarge { limit });
    }
    Ok(declared)
}

/// A body, whole: at most `limit` bytes, within that time.
pub(crate) async fn collect(
    parts: &Parts,
    body: Body,
    limit: usize,
    within: Duration,
) -> Result<Bytes, Fault> {
    declared_bytes(parts, limit)?;
    // A compressed body would have to be opened before it could be limited.
    let is_plain = parts
        .headers
        .get(header::CONTENT_ENCODING)
        .is_none_or(|coding| coding.as_bytes().eq_ignore_ascii_case(b"identity"));
    if !is_plain {
        return Err(Fault::MediaType);
    }
    let reading = async {
        let mut bytes = BytesMut::new();
        let mut stream = body.into_data_stream();
        while let Some(part) = stream.next().await {
            let part = part.map_err(|_| Fault::BodyBroken)?;
            if bytes.len() + part.len() > limit {
                return Err(Fault::BodyTooLarge { limit });
            }
            bytes.extend_from_slice(&part);
        }
        Ok(bytes.freeze())
    };
    tokio::time::timeout(within, reading).await.unwrap_or(Err(Fault::BodyTooSlow))
}

/// What stands on every answer. Patient data is never to be kept by a cache or a disk.
fn protect(response: &mut Response<Body>, face: Face) {
    let headers = response.headers_mut();
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.entry(header::CACHE_CONTROL).or_insert(HeaderValue::from_static("private, no-store"));
    if face != Face::Page {
        headers.insert(
            header::CONTENT_SECURITY_POLICY,
            HeaderValue::from_static("default-src 'none'; frame-ancestors 'none'"),
        );
    }
}

fn refusal(fault: &Fault) -> Option<&'static str> {
    match fault {
        Fault::TokenMissing | Fault::TokenInvalid => Some("token"),
        Fault::RoleTooLow { .. } | Fault::NotEveryEj => Some("role"),
        Fault::HostMissing | Fault::HostForeign => Some("host"),
        Fault::OriginForeign => Some("origin"),
        Fault::UriTooLong { .. } => Some("uri"),
        Fault::BodyTooLarge { .. }
        | Fault::BodyTooSlow
        | Fault::BodyBroken
        | Fault::MediaType
        | Fault::MessageMedia
        | Fault::MessageCharset => Some("body"),
        Fault::SendLater => Some("later"),
        _ => None,
    }
}
