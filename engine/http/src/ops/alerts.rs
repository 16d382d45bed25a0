//! `/api/alerts`: what is beyond its limit now.

use axum::body::Body;
use axum::http::{Response, StatusCode};
use serde_json::json;

use crate::call::Call;
use crate::fault::Fault;

pub(crate) fn list(call: &Call<'_>) -> Result<Response<Body>, Fault> {
    let body = json!({ "alerts": call.app.alerts.alerts() });
    Ok(super::json(StatusCode::OK, &body))
}
