//! `GET [base]/metadata`. A test holds it to the table of routes: it promises what is routed, and
//! all of it.

use axum::body::Body;
use axum::http::Response;
use sluice_mappings::fhir::{CapabilityStatement, Server};

use super::shape::{Shape, negotiated};
use super::{links, reply};
use crate::call::Call;
use crate::fault::Fault;
use crate::{json, query};

/// The day on which what is promised last changed.
const DATE: &str = "2026-11-20";

pub(crate) fn statement(call: &Call<'_>) -> Result<Response<Body>, Fault> {
    let mut shape = Shape::default();
    let mut format = None;
    for (name, value) in query::pairs(call.query(), 16)? {
        shape.take(None, &name, &value)?;
        if name == "_format" {
            format = Some(value);
        }
    }
    negotiated(call, call.route.fhir, format.as_deref())?;
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
