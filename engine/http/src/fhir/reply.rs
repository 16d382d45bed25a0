//! The last step of a FHIR answer: headers and compression.

use std::io::Write as _;

use axum::body::Body;
use axum::http::Response;
use axum::http::header::{self, HeaderValue};
use bytes::Bytes;
use flate2::Compression;

use crate::call::Call;
use crate::fault::FHIR_JSON;
use crate::negotiate::Coding;

/// zstd's quickest: of a page of 20 it makes less than gzip does, in half the time (ADR 0054).
const ZSTD_LEVEL: i32 = 1;

/// 200 with FHIR JSON.
pub(crate) fn fhir_json(call: &Call<'_>, body: Bytes) -> Response<Body> {
    let (body, coding) = packed(call, body);
    packed_json(body, coding)
}

/// The body as the client takes it, where packing is worth it.
pub(crate) fn packed(call: &Call<'_>, body: Bytes) -> (Bytes, Coding) {
    if body.len() < call.app.settings.compress_bytes_min {
        return (body, Coding::Identity);
    }
    let coding = call.coding(Coding::Zstd);
    let packed = call.in_render(|| match coding {
        Coding::Identity => None,
        Coding::Gzip => gzip(&body),
        Coding::Zstd => zstd::bulk::compress(&body, ZSTD_LEVEL).ok(),
    });
    packed.map_or((body, Coding::Identity), |bytes| (bytes.into(), coding))
}

/// 200 with FHIR JSON that was packed before.
pub(crate) fn packed_json(body: Bytes, coding: Coding) -> Response<Body> {
    let mut response = Response::new(Body::from(body));
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, FHIR_JSON);
    headers.insert(header::VARY, HeaderValue::from_static("Accept, Accept-Encoding"));
    headers.extend(coding.name().map(|c| (header::CONTENT_ENCODING, HeaderValue::from_static(c))));
    response
}

fn gzip(body: &[u8]) -> Option<Vec<u8>> {
    let out = Vec::with_capacity(body.len() / 4);
    let mut encoder = flate2::write::GzEncoder::new(out, Compression::fast());
    encoder.write_all(body).and_then(|()| encoder.finish()).ok()
}
