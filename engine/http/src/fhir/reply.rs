//! The last step of a FHIR answer: headers, compression, `Server-Timing`.

use std::fmt::Write as _;
use std::io::Write as _;
use std::time::Duration;

use axum::body::Body;
use axum::http::Response;
use axum::http::header::{self, HeaderMap, HeaderName, HeaderValue};
use bytes::Bytes;
use flate2::Compression;

use crate::call::Call;
use crate::fault::FHIR_JSON;

const SERVER_TIMING: HeaderName = HeaderName::from_static("server-timing");

/// 200 with FHIR JSON.
pub(crate) fn fhir_json(call: &Call<'_>, body: Bytes) -> Response<Body> {
    let settings = &call.app.settings;
    let mut compressed = None;
    if body.len() >= settings.gzip_bytes_min && call.takes_gzip() {
        compressed = call.in_render(|| gzip(&body));
    }
    let mut response;
    match compressed {
        Some(bytes) => {
            response = Response::new(Body::from(bytes));
            response
                .headers_mut()
                .insert(header::CONTENT_ENCODING, HeaderValue::from_static("gzip"));
        }
        None => response = Response::new(Body::from(body)),
    }
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, FHIR_JSON);
    headers.insert(header::VARY, HeaderValue::from_static("Accept, Accept-Encoding"));
    timing(call, headers);
    response
}

fn gzip(body: &[u8]) -> Option<Vec<u8>> {
    let out = Vec::with_capacity(body.len() / 4);
    let mut encoder = flate2::write::GzEncoder::new(out, Compression::fast());
    encoder.write_all(body).and_then(|()| encoder.finish()).ok()
}

/// `Server-Timing: auth;dur=0.012, store;dur=0.034, render;dur=0.002` (milliseconds).
pub(crate) fn timing(call: &Call<'_>, headers: &mut HeaderMap) {
    if !call.app.settings.server_timing {
        return;
    }
    let spent = call.spent.get();
    let mut text = String::with_capacity(64);
    for (name, took) in [("auth", spent.auth), ("store", spent.store), ("render", spent.render)] {
        if !text.is_empty() {
            text.push_str(", ");
        }
        write_ms(&mut text, name, took);
    }
    if let Ok(value) = HeaderValue::try_from(text) {
        headers.insert(SERVER_TIMING, value);
    }
}

fn write_ms(text: &mut String, name: &str, took: Duration) {
    let micros = took.as_micros();
    // Writing to a String does not fail.
    let _ = write!(text, "{name};dur={}.{:03}", micros / 1000, micros % 1000);
}
