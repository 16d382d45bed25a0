//! `/api/status`: the EJs that the caller may see, what they hold and how far they are behind.

use axum::body::Body;
use axum::http::{Response, StatusCode};
use serde_json::{Value, json};
use sluice_mappings::records::RecordType;

use super::json;
use crate::call::Call;
use crate::fault::Fault;

pub(crate) fn page(call: &Call<'_>) -> Result<Response<Body>, Fault> {
    let app = call.app;
    let scope = call.scope();
    let reach = call.reach();
    let ejs: Vec<Value> = app
        .visible(&reach)
        .filter_map(|entity| {
            let view = scope.ej(entity.id())?;
            let applied = view.applied();
            // Asked after `applied`: what arrives in between counts as behind, never as ahead.
            let journaled = app.vitals.journaled(entity.id());
            Some(json!({
                "id": entity.id().as_str(),
                "name": entity.settings.name,
                "patients": view.count(RecordType::Patient),
                "encounters": view.count(RecordType::Stay),
                "locations": view.count(RecordType::Location),
                "applied": applied.get(),
                "journaled": journaled.map(sluice_ids::Seq::get),
                "lag": journaled.map(|seq| seq.get().saturating_sub(applied.get())),
            }))
        })
        .collect();
    let body = json!({
        "version": env!("CARGO_PKG_VERSION"),
        "open": app.is_open(),
        "ready": app.vitals.not_ready().is_empty(),
        "ejs": ejs,
    });
    Ok(json(StatusCode::OK, &body))
}
