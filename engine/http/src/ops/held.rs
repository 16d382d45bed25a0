//! `/api/ejs/{ej}/held`: the movements of which nothing but a cancel or an update has come.

use axum::body::Body;
use axum::http::{Response, StatusCode};
use serde_json::{Value, json};

use super::json;
use crate::call::Call;
use crate::fault::Fault;

/// Movements in an answer. Each record has eight at most, so that no more records are read.
const LISTED_MAX: usize = 1000;

/// Longest waiting records first. Tells where to look, and nothing of the patient.
pub(crate) fn list(call: &Call<'_>) -> Result<Response<Body>, Fault> {
    let ej = call.ej().ok_or(Fault::NotFound)?;
    let view = call.scope().ej(ej).ok_or(Fault::NotFound)?;
    let records = call.in_store(|| view.holding(LISTED_MAX));
    let listed = records.iter().flat_map(|record| {
        let on = format!("{}/{}", record.record_type().fhir(), record.id());
        record.held().map(move |(movement, held)| {
            let received_at = jiff::Timestamp::from_microsecond(held.received_at.get());
            json!({
                "kind": held.kind.as_str(),
                "event": movement.event,
                "seq": movement.seq.get(),
                "received_at": received_at.map(|at| at.to_string()).ok(),
                "on": on,
            })
        })
    });
    let listed: Vec<Value> = listed.take(LISTED_MAX).collect();
    let body = json!({ "ej": ej.as_str(), "total": view.held_movements(), "held": listed });
    Ok(json(StatusCode::OK, &body))
}
