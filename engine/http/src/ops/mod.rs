//! What is not FHIR: health, metrics, counters, and the page for people.

pub(crate) mod acts;
pub(crate) mod alerts;
pub(crate) mod caches;
pub(crate) mod channels;
pub(crate) mod console;
pub(crate) mod delivery;
pub(crate) mod health;
pub(crate) mod held;
pub(crate) mod issues;
pub(crate) mod messages;
pub(crate) mod prometheus;
pub(crate) mod status;

use axum::body::Body;
use axum::http::header;
use axum::http::{Response, StatusCode};
use sluice_ids::Micros;

use crate::fault::Fault;

pub(crate) fn json(status: StatusCode, value: &serde_json::Value) -> Response<Body> {
    let mut response = Response::new(Body::from(value.to_string()));
    *response.status_mut() = status;
    response.headers_mut().insert(header::CONTENT_TYPE, crate::fault::JSON);
    response
}

/// RFC 3339, in UTC; `null` where no calendar has it.
pub(crate) fn instant(at: Micros) -> serde_json::Value {
    jiff::Timestamp::from_microsecond(at.get())
        .map_or(serde_json::Value::Null, |at| at.to_string().into())
}

/// A number of things that one answer may have.
pub(crate) fn count(name: &'static str, value: &str, max: usize) -> Result<usize, Fault> {
    let count = value.parse().ok().filter(|count| (1..=max).contains(count));
    count.ok_or_else(|| Fault::parameter(name, format!("is no number from 1 to {max}")))
}
