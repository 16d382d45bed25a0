//! What is not FHIR: health, metrics, counters, and the page for people.

pub(crate) mod caches;
pub(crate) mod console;
pub(crate) mod health;
pub(crate) mod held;
pub(crate) mod issues;
pub(crate) mod prometheus;
pub(crate) mod status;

use axum::body::Body;
use axum::http::header;
use axum::http::{Response, StatusCode};

pub(crate) fn json(status: StatusCode, value: &serde_json::Value) -> Response<Body> {
    let mut response = Response::new(Body::from(value.to_string()));
    *response.status_mut() = status;
    response.headers_mut().insert(header::CONTENT_TYPE, crate::fault::JSON);
    response
}
