//! `GET /exports/[id]`: how far an export is, and once it is done, what came of it. `DELETE` ends it.

use std::sync::Arc;

use axum::body::Body;
use axum::http::header::{self, HeaderName, HeaderValue};
use axum::http::{Response, StatusCode};
use jiff::Timestamp;
use jiff::fmt::rfc2822::DateTimePrinter;
use serde::Serialize;
use sluice_mappings::fhir::datatypes::Instant;

use super::job::{Done, Job, Phase, Purpose, WrittenFile};
use super::order::JobId;
use crate::call::Call;
use crate::fault::{Fault, JSON};
use crate::fhir::links;
use crate::instruments;

const X_PROGRESS: HeaderName = HeaderName::from_static("x-progress");
/// Seconds until a client may well ask again: of one that waits, and of one that is written.
const WAITING: HeaderValue = HeaderValue::from_static("5");
const RUNNING: HeaderValue = HeaderValue::from_static("1");

/// The manifest (IG 2.0, "Bulk Data Status Request").
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Manifest<'a> {
    transaction_time: Instant,
    request: &'a str,
    requires_access_token: bool,
    output: Vec<Item<'a>>,
    deleted: Vec<Item<'a>>,
    error: Vec<Item<'a>>,
}

#[derive(Serialize)]
struct Item<'a> {
    #[serde(rename = "type")]
    of: &'a str,
    url: String,
    count: u64,
}

/// The job that the path names, if it is the caller's, and all of it still is.
pub(super) fn owned(call: &Call<'_>) -> Result<Arc<Job>, Fault> {
    let job = JobId::parse(call.id()).and_then(|id| call.app.exports.get(id));
    let grant = call.grant.as_ref();
    job.filter(|job| {
        let may_see = |ej| call.app.entities.contains_key(ej);
        grant.is_some_and(|grant| {
            *grant.id == *job.order.caller
                && job.order.ejs.iter().all(|ej| may_see(ej) && grant.reach.holds(*ej))
        })
    })
    .ok_or(Fault::NotFound)
}

pub(crate) fn status(call: &Call<'_>) -> Result<Response<Body>, Fault> {
    let job = owned(call)?;
    match job.phase() {
        Phase::Waiting => Ok(accepted("waiting for its turn".to_owned(), WAITING)),
        Phase::Running => Ok(accepted(format!("{} %", job.percent()), RUNNING)),
        Phase::Failed { why, .. } => Err(Fault::ExportFailed(why)),
        Phase::Done(done) => Ok(manifest(call, &job, &done)),
    }
}

/// Ends it if it is under way, and removes what there is of it.
pub(crate) fn cancel(call: &Call<'_>) -> Result<Response<Body>, Fault> {
    let job = owned(call)?;
    call.app.exports.remove(&job);
    instruments::export_removed("caller");
    let mut response = Response::new(Body::empty());
    *response.status_mut() = StatusCode::ACCEPTED;
    Ok(response)
}

fn accepted(progress: String, retry_after: HeaderValue) -> Response<Body> {
    let mut response = Response::new(Body::empty());
    *response.status_mut() = StatusCode::ACCEPTED;
    let progress = HeaderValue::try_from(progress).expect("words, digits and a percent sign");
    response.headers_mut().insert(X_PROGRESS, progress);
    response.headers_mut().insert(header::RETRY_AFTER, retry_after);
    response
}

fn manifest(call: &Call<'_>, job: &Job, done: &Done) -> Response<Body> {
    let root = links::root(call);
    let items = |purpose| {
        let files = done.files.iter().filter(|file| file.purpose == purpose);
        let url = |file: &WrittenFile| format!("{root}/exports/{}/files/{}", job.id, file.name);
        files.map(|file| Item { of: &file.of, url: url(file), count: file.count }).collect()
    };
    let manifest = Manifest {
        transaction_time: Instant(done.transaction_time),
        request: &job.order.request,
        requires_access_token: !call.app.is_open(),
        output: items(Purpose::Output),
        deleted: items(Purpose::Deleted),
        error: items(Purpose::Error),
    };
    let body = serde_json::to_vec(&manifest).expect("structs with text keys, written to memory");
    let mut response = Response::new(Body::from(body));
    response.headers_mut().insert(header::CONTENT_TYPE, JSON);
    if let Some(expires) = expires(call, done) {
        response.headers_mut().insert(header::EXPIRES, expires);
    }
    response
}

/// When retention by age takes it.
fn expires(call: &Call<'_>, done: &Done) -> Option<HeaderValue> {
    let kept = i64::try_from(call.app.exports.settings.kept_ms).ok()?.checked_mul(1_000)?;
    let at = done.finished_at.get().checked_add(kept)?;
    let at = Timestamp::from_microsecond(at).ok()?;
    let text = DateTimePrinter::new().timestamp_to_rfc9110_string(&at).ok()?;
    HeaderValue::try_from(text).ok()
}
