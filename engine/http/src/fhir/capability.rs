//! `GET [base]/metadata`. A test holds it to the table of routes: it promises what is routed, and
//! all of it.

use std::collections::HashMap;

use axum::body::Body;
use axum::http::Response;
use bytes::Bytes;
use parking_lot::RwLock;
use sluice_ids::EjId;
use sluice_mappings::fhir::{CapabilityStatement, FhirVersion, Server};

use super::shape::Shape;
use super::{links, reply};
use crate::call::Call;
use crate::export::BaseId;
use crate::fault::Fault;
use crate::json;

/// The day on which what is promised last changed.
const DATE: &str = "2026-11-20";

/// The statements that were asked for. A statement changes with its base and with whether tokens are
/// asked for, and with nothing else while the server runs; there are as many as bases, EJs and
/// versions.
#[derive(Default)]
pub(crate) struct Statements(RwLock<HashMap<StatementKey, Bytes>>);

type StatementKey = (BaseId, Option<EjId>, FhirVersion, bool);

pub(crate) fn statement(call: &Call<'_>) -> Result<Response<Body>, Fault> {
    let shape = Shape::alone(call, None)?;
    let body = call.in_render(|| {
        let body = kept(call);
        if shape.pretty { json::pretty(&body).into() } else { body }
    });
    Ok(reply::fhir_json(call, body))
}

fn kept(call: &Call<'_>) -> Bytes {
    let tokens = !call.app.is_open();
    let base = call.takes_kept().then(|| call.app.bases.id(&links::root(call))).flatten();
    let key = base.map(|base| (base, call.ej(), call.route.fhir, tokens));
    let statements = &call.app.statements.0;
    if let Some(kept) = key.and_then(|key| statements.read().get(&key).cloned()) {
        return kept;
    }
    let server =
        Server { base: &links::base(call), version: env!("CARGO_PKG_VERSION"), date: DATE, tokens };
    let body = Bytes::from(CapabilityStatement::new(server, call.route.fhir).to_json());
    if let Some(key) = key {
        statements.write().insert(key, body.clone());
    }
    body
}
