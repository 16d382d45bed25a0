//! `/api/ejs/{ej}/messages/{id}/issues`: what became of a message, and what was found in it.

use axum::body::Body;
use axum::http::{Response, StatusCode};
use serde_json::{Value, json};
use sluice_ids::Seq;
use sluice_mappings::adt::{Issue, Severity};
use sluice_mappings::fields::place;

use super::json;
use crate::call::Call;
use crate::fault::Fault;

/// By the message's number in its EJ. Codes and places; never what stands there.
pub(crate) fn list(call: &Call<'_>) -> Result<Response<Body>, Fault> {
    let ej = call.ej().ok_or(Fault::NotFound)?;
    let seq = call.id().parse().map(Seq::new).map_err(|_| Fault::NotFound)?;
    let told = call.in_store(|| call.app.past.message(ej, seq))?;
    let body = json!({
        "ej": ej.as_str(),
        "seq": seq.get(),
        "received_at": super::instant(told.received_at),
        "verdict": told.verdict,
        "became": told.became,
        "issues": listed(&told.issues),
    });
    Ok(json(StatusCode::OK, &body))
}

pub(crate) fn listed(issues: &[Issue]) -> Value {
    let listed = issues.iter().map(|issue| {
        json!({
            "code": issue.code.as_str(),
            "severity": match issue.severity {
                Severity::Information => "information",
                Severity::Warning => "warning",
                Severity::Error => "error",
            },
            "at": place(&issue.at),
            "meaning": issue.code.meaning(),
        })
    });
    listed.collect()
}
