//! `GET [base]/metadata`. A test holds it to the table of routes: it promises what is routed, and
//! all of it.

use axum::body::Body;
use axum::http::Response;
use sluice_mappings::fhir::{CapabilityStatement, Server};

use super::shape::Shape;
use super::{links, reply};
use crate::call::Call;
use crate::fault::Fault;
use crate::json;

/// The day on which what is promised last changed.
const DATE: &str = "2026-11-20";

pub(crate) fn statement(call: &Call<'_>) -> Result<Response<Body>, Fault> {
    let shape = Shape::alone(call, None)?;
    let body = call.in_render(|| {
        let server = Server {
            base: &links::base(call),
            version: env!("CARGO_PKG_VERSION"),
            date: DATE,
            tokens: !call.app.is_open(),
        };
        let body = CapabilityStatement::new(server, call.route.fhir).to_json();
        if shape.pretty { json::pretty(&body) } else { body }
    });
    Ok(reply::fhir_json(call, body.into()))
}
