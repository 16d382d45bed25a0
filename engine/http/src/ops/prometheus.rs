//! `/metrics`: the exporter's page, behind our own check.

use axum::body::Body;
use axum::http::Response;
use axum::http::header::{self, HeaderValue};

use crate::call::Call;
use crate::fault::Fault;

pub(crate) fn page(call: &Call<'_>) -> Result<Response<Body>, Fault> {
    // Their ages grow while nothing happens: they are measured when they are asked for.
    call.app.delivery.queues();
    let mut response = Response::new(Body::from(call.app.prometheus.render()));
    response.headers_mut().insert(
        header::CONTENT_TYPE,
        HeaderValue::from_static("text/plain; version=0.0.4; charset=utf-8"),
    );
    Ok(response)
}
