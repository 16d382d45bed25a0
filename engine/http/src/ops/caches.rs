//! `/api/metrics/cache` and `/api/cache/clear`.

use axum::body::Body;
use axum::http::{Response, StatusCode};
use serde_json::{Value, json};

use super::json;
use crate::cache::CacheCounts;
use crate::call::Call;
use crate::fault::Fault;

/// Both caches' counters since the start.
pub(crate) fn counts(call: &Call<'_>) -> Result<Response<Body>, Fault> {
    let body = json!({
        "enabled": call.app.settings.cache.enabled,
        "resources": told(call.app.resources.counts()),
        "chunks": told(call.app.chunks.counts()),
    });
    Ok(json(StatusCode::OK, &body))
}

fn told(counts: CacheCounts) -> Value {
    let asked = counts.hits + counts.misses;
    #[expect(clippy::cast_precision_loss, reason = "a ratio to three places")]
    let ratio = if asked == 0 { 0.0 } else { counts.hits as f64 / asked as f64 };
    json!({
        "entries": counts.entries,
        "bytes": counts.bytes,
        "bytes_max": counts.bytes_max,
        "hits": counts.hits,
        "misses": counts.misses,
        "ratio": (ratio * 1000.0).round() / 1000.0,
        "evictions": counts.evictions,
    })
}

/// Forgets what was rendered. Nothing is lost: it is rendered again when asked for.
pub(crate) fn clear(call: &Call<'_>) -> Result<Response<Body>, Fault> {
    let resources = call.app.resources.clear();
    let chunks = call.app.chunks.clear();
    tracing::info!(resources, chunks, "caches cleared by an operator");
    Ok(json(StatusCode::OK, &json!({ "cleared": { "resources": resources, "chunks": chunks } })))
}
