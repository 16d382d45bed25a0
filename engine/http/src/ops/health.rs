//! `/health/live` and `/health/ready`, for probes: no token needed, and nothing of any EJ told
//! without one.

use axum::body::Body;
use axum::http::{Response, StatusCode};
use serde_json::{Map, Value, json};

use super::json;
use crate::call::Call;
use crate::fault::Fault;

/// The process answers.
pub(crate) fn live(_: &Call<'_>) -> Result<Response<Body>, Fault> {
    Ok(json(StatusCode::OK, &json!({ "status": "live" })))
}

/// 200 when it takes messages and answers reads, 503 with reasons when not. A caller with a token
/// gets the reasons' texts and, where it may see them, their EJs.
pub(crate) fn ready(call: &Call<'_>) -> Result<Response<Body>, Fault> {
    let reasons = call.app.vitals.not_ready();
    if reasons.is_empty() {
        return Ok(json(StatusCode::OK, &json!({ "status": "ready" })));
    }
    let mut told: Vec<Value> = Vec::new();
    for reason in &reasons {
        let mut entry = Map::new();
        entry.insert("code".into(), reason.code.into());
        if let Some(grant) = &call.grant
            && reason.ej.is_none_or(|ej| grant.reach.holds(ej))
        {
            entry.insert("text".into(), reason.text.as_str().into());
            if let Some(ej) = reason.ej {
                entry.insert("ej".into(), ej.as_str().into());
            }
        }
        let entry = Value::Object(entry);
        // How many EJs share a trouble is nobody's business without a right to them.
        if !told.contains(&entry) {
            told.push(entry);
        }
    }
    let body = json!({ "status": "not-ready", "reasons": told });
    Ok(json(StatusCode::SERVICE_UNAVAILABLE, &body))
}
