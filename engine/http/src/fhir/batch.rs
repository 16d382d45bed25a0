//! `POST [base]` with a Bundle of requests: a batch of reads.
//!
//! Each entry is answered as if it had come alone: by the same table of routes, under the rights of
//! the same caller, with its own status and outcome; what writes is 405 in its entry. All searches are
//! pinned at one moment, so that their totals and their rows agree. A transaction
//! is served where it only reads, and fails as a whole with the first entry that does.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::LazyLock;

use axum::body::{Body, Bytes, to_bytes};
use axum::http::header::{self, HeaderName, HeaderValue};
use axum::http::request::Parts;
use axum::http::{Method, Request, Response, StatusCode, Uri};
use futures_util::FutureExt as _;
use jiff::fmt::rfc2822::DateTimeParser;
use serde::Deserialize;
use serde_json::value::RawValue;
use sluice_ids::Micros;
use sluice_mappings::fhir::{Bundle, BundleType, Entry, Exchange};
use sluice_state::Pins;

use super::shape::Shape;
use super::{links, reply};
use crate::call::Call;
use crate::fault::Fault;
use crate::routes::{self, Route, Takes};
use crate::{gate, instruments, json};

/// What an entry may ask for.
static ROUTES: LazyLock<Vec<Route>> =
    LazyLock::new(|| routes::table().into_iter().filter(Route::is_for_entries).collect());

/// Headers of the batch that hold for each of its entries.
const COMMON: [HeaderName; 7] = [
    header::HOST,
    header::ACCEPT,
    header::CACHE_CONTROL,
    HeaderName::from_static("prefer"),
    HeaderName::from_static("x-forwarded-proto"),
    HeaderName::from_static("x-forwarded-host"),
    HeaderName::from_static("x-forwarded-prefix"),
];

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Asked<'a> {
    resource_type: &'a str,
    #[serde(rename = "type")]
    of_type: Option<&'a str>,
    #[serde(default, borrow)]
    entry: Vec<AskedEntry<'a>>,
}

#[derive(Deserialize)]
struct AskedEntry<'a> {
    #[serde(borrow)]
    request: Option<AskedRequest<'a>>,
    #[serde(borrow)]
    resource: Option<&'a RawValue>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct AskedRequest<'a> {
    method: Option<&'a str>,
    url: Option<String>,
    if_none_match: Option<String>,
    if_modified_since: Option<String>,
}

pub(crate) fn bundle(call: &Call<'_>) -> Result<Response<Body>, Fault> {
    let shape = Shape::alone(call, None)?;
    let no_bundle = Fault::BodyNot { what: "Bundle of type batch or transaction" };
    let body = call.parameters.as_deref().unwrap_or_default();
    let asked: Asked<'_> = serde_json::from_slice(body).map_err(|_| no_bundle.clone())?;
    let transaction = match (asked.resource_type, asked.of_type) {
        ("Bundle", Some("batch")) => false,
        ("Bundle", Some("transaction")) => true,
        _ => return Err(no_bundle),
    };
    let limit = call.app.settings.batch_entries_max;
    if asked.entry.len() > limit {
        return Err(Fault::TooManyEntries { limit });
    }
    let reads = |entry: &AskedEntry<'_>| {
        let request = entry.request.as_ref();
        matches!(request.and_then(|request| request.method), Some("GET" | "HEAD"))
    };
    if transaction && !asked.entry.iter().all(reads) {
        return Err(Fault::TransactionNotServed);
    }
    let mut answers = Vec::with_capacity(asked.entry.len());
    let (mut bytes, limit) = (0, call.app.settings.batch_bytes_max);
    let pins = call.in_store(|| call.scope().pins());
    for entry in &asked.entry {
        let answer = if bytes < limit {
            answer(call, entry, &pins)
        } else {
            Err(Fault::BatchFull { limit })
        };
        let answer = match answer {
            Err(fault) if transaction => return Err(fault),
            Err(fault) => Answer { outcome: fault.outcome(), ..Answer::new(fault.status()) },
            Ok(answer) => answer,
        };
        instruments::batch_entry(answer.status);
        bytes += answer.resource.len();
        answers.push(answer);
    }
    let of_type =
        if transaction { BundleType::TransactionResponse } else { BundleType::BatchResponse };
    let body = Bundle::new(of_type).write(answers.iter().map(Answer::entry));
    let body = if shape.pretty { json::pretty(&body) } else { body };
    Ok(reply::fhir_json(call, body.into()))
}

/// What an entry was answered.
struct Answer {
    status: StatusCode,
    etag: Option<String>,
    last_modified: Option<Micros>,
    resource: Bytes,
    outcome: Vec<u8>,
}

impl Answer {
    const fn new(status: StatusCode) -> Self {
        let (etag, last_modified) = (None, None);
        Self { status, etag, last_modified, resource: Bytes::new(), outcome: Vec::new() }
    }

    /// Takes it out of an answer whose body is there already.
    fn of(response: Response<Body>) -> Result<Self, Fault> {
        let (parts, body) = response.into_parts();
        let text = |name| parts.headers.get(name).and_then(|value| value.to_str().ok());
        let modified = text(header::LAST_MODIFIED)
            .and_then(|value| DateTimeParser::new().parse_timestamp(value).ok());
        // What would have to be waited for is no answer to an entry.
        let body = to_bytes(body, usize::MAX).now_or_never();
        let resource = body.and_then(Result::ok).ok_or(Fault::Internal)?;
        Ok(Self {
            etag: text(header::ETAG).map(str::to_owned),
            last_modified: modified.map(|at| Micros::new(at.as_microsecond())),
            resource,
            ..Self::new(parts.status)
        })
    }

    fn entry(&self) -> Entry<'_> {
        Entry {
            resource: &self.resource,
            exchange: Some(Exchange {
                status: self.status.as_str(),
                etag: self.etag.as_deref(),
                last_modified: self.last_modified,
                outcome: &self.outcome,
                ..Exchange::default()
            }),
            ..Entry::default()
        }
    }
}

fn answer(call: &Call<'_>, entry: &AskedEntry<'_>, pins: &Pins) -> Result<Answer, Fault> {
    let request = entry.request.as_ref().ok_or(Fault::BodyNot { what: "entry with a request" })?;
    let method = request.method.unwrap_or_default();
    let url = request.url.as_deref().unwrap_or_default();
    let parts = parts(call, request, url)?;
    let path = parts.uri.path();
    let fitting = || ROUTES.iter().filter_map(|route| Some((route.fit(path)?, route)));
    let wanted = match method {
        "GET" | "HEAD" => Method::GET,
        "POST" => Method::POST,
        _ => Method::PUT,
    };
    let route = fitting().filter(|(_, route)| route.method == wanted).min_by(|a, b| a.0.cmp(&b.0));
    let Some((_, route)) = route else {
        // A path that is served is read only; of another it is not known what it would be.
        let served = wanted != Method::GET && fitting().next().is_some();
        return Err(if served { routes::not_allowed(path) } else { Fault::NotFound });
    };
    gate::authorised(call.app, route, &parts, call.grant.as_ref())?;
    gate::folded(call.app, route, &parts, call.grant.as_ref())?;
    let parameters = matches!(route.takes, Takes::Parameters | Takes::FormOrParameters)
        .then(|| Bytes::copy_from_slice(entry.resource.map_or("", RawValue::get).as_bytes()));
    let part = call.part(route, &parts, parameters, pins);
    let answered = catch_unwind(AssertUnwindSafe(|| (route.endpoint)(&part)));
    call.spent_by(&part);
    let response = answered.unwrap_or_else(|_| {
        tracing::error!(route = route.path, "an endpoint panicked");
        Err(Fault::Internal)
    })?;
    let mut answer = Answer::of(response)?;
    if method == "HEAD" {
        answer.resource = Bytes::new();
    }
    Ok(answer)
}

/// The request that an entry stands for.
fn parts(call: &Call<'_>, request: &AskedRequest<'_>, url: &str) -> Result<Parts, Fault> {
    let base = links::base(call);
    let relative = match url.strip_prefix(&base) {
        Some(rest) if rest.is_empty() || rest.starts_with(['/', '?']) => rest,
        _ => url,
    };
    let own = call.parts.uri.path().trim_end_matches('/');
    let mut target = format!("{own}/");
    for byte in relative.trim_start_matches('/').bytes() {
        // What a client would have encoded.
        if byte.is_ascii_graphic() && !matches!(byte, b'"' | b'<' | b'>' | b'#') {
            target.push(char::from(byte));
        } else {
            target.push_str(&format!("%{byte:02X}"));
        }
    }
    let limit = call.app.settings.uri_bytes_max;
    if target.len() > limit {
        return Err(Fault::UriTooLong { limit });
    }
    let foreign = || Fault::parameter("Bundle.entry.request.url", "is not relative to this base");
    if relative.is_empty()
        || relative.split(['/', '?']).next().is_some_and(|name| name.contains(':'))
    {
        return Err(foreign());
    }
    let uri: Uri = target.parse().map_err(|_| foreign())?;
    let (mut parts, ()) = Request::new(()).into_parts();
    parts.uri = uri;
    for name in COMMON {
        if let Some(value) = call.headers().get(&name) {
            parts.headers.insert(name, value.clone());
        }
    }
    if let Some(host) = gate::host(call.parts).and_then(|host| HeaderValue::try_from(host).ok()) {
        parts.headers.insert(header::HOST, host);
    }
    let conditions = [
        (header::IF_NONE_MATCH, request.if_none_match.clone()),
        (header::IF_MODIFIED_SINCE, request.if_modified_since.as_deref().and_then(http_date)),
    ];
    for (name, value) in conditions {
        if let Some(value) = value.and_then(|value| HeaderValue::try_from(value).ok()) {
            parts.headers.insert(name, value);
        }
    }
    Ok(parts)
}

/// An instant as a header says it.
fn http_date(instant: &str) -> Option<String> {
    let at: jiff::Timestamp = instant.parse().ok()?;
    jiff::fmt::rfc2822::DateTimePrinter::new().timestamp_to_rfc9110_string(&at).ok()
}
