//! `/api/metrics/cache`, `/api/cache/clear` and `/api/cache/warm`.

use std::sync::Arc;

use axum::body::Body;
use axum::http::{Response, StatusCode};
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;

use super::json;
use crate::acts::CacheAct;
use crate::cache::{Asked, CacheCounts, MINUTE, QUARTER, Ratios, ratio};
use crate::call::Call;
use crate::export;
use crate::fault::Fault;
use crate::instruments;

/// The counters of all caches together, and of each.
pub(crate) fn counts(call: &Call<'_>) -> Result<Response<Body>, Fault> {
    let app = call.app;
    let now = app.started.elapsed();
    let of_each = [app.resources.counts(), app.chunks.counts(), app.pages.counts()];
    // Since the start, in the last minute, in the last quarter of an hour.
    let windows = |ratios: &Ratios, asked: Asked| {
        [asked, ratios.within(MINUTE, now, asked), ratios.within(QUARTER, now, asked)]
    };
    let windows = {
        let ratios = app.ratios.lock();
        [0, 1, 2].map(|which| windows(&ratios[which], of_each[which].asked))
    };
    let sum = |of: fn(&CacheCounts) -> usize| of_each.iter().map(of).sum();
    let total = |of: fn(&CacheCounts) -> u64| of_each.iter().map(of).sum();
    let all = CacheCounts {
        entries: sum(|counts| counts.entries),
        bytes: sum(|counts| counts.bytes),
        bytes_max: sum(|counts| counts.bytes_max),
        asked: of_each[0].asked + of_each[1].asked + of_each[2].asked,
        rerendered: total(|counts| counts.rerendered),
        evictions: total(|counts| counts.evictions),
    };
    let together = [0, 1, 2].map(|at| windows[0][at] + windows[1][at] + windows[2][at]);
    let mut body = told(all, together);
    body["enabled"] = app.settings.cache.enabled.into();
    body["warming"] = app.warming.is_on().into();
    for (at, cache) in ["resources", "chunks", "pages"].into_iter().enumerate() {
        body[cache] = told(of_each[at], windows[at]);
    }
    Ok(json(StatusCode::OK, &body))
}

fn told(counts: CacheCounts, windows: [Asked; 3]) -> Value {
    let [start, minute, quarter] = windows.map(|asked| {
        // `null` where nothing was asked: neither all of it nor nothing.
        ratio(asked).map(|ratio| (ratio * 1000.0).round() / 1000.0)
    });
    json!({
        "entries": counts.entries,
        "bytes": counts.bytes,
        "bytes_max": counts.bytes_max,
        "hits": counts.asked.hits,
        "misses": counts.asked.misses,
        "hit_ratio": { "since_start": start, "1m": minute, "15m": quarter },
        "rerendered": counts.rerendered,
        "evictions": counts.evictions,
    })
}

/// Forgets what was rendered. Nothing is lost: it is rendered again when asked for.
pub(crate) fn clear(call: &Call<'_>) -> Result<Response<Body>, Fault> {
    call.app.acts.caches(CacheAct::Cleared, &call.caller())?;
    let resources = call.app.resources.clear();
    let chunks = call.app.chunks.clear();
    let pages = call.app.pages.clear();
    instruments::cache_act("clear");
    let token = call.grant.as_ref().map_or("", |grant| &grant.id);
    tracing::info!(token, resources, chunks, pages, "caches cleared by an operator");
    let cleared = json!({ "resources": resources, "chunks": chunks, "pages": pages });
    Ok(json(StatusCode::OK, &json!({ "cleared": cleared })))
}

/// Has the exports built that are not kept, in the background, as after a start.
pub(crate) fn warm(call: &Call<'_>) -> Result<Response<Body>, Fault> {
    let enabled = call.app.settings.cache.enabled;
    if enabled {
        call.app.acts.caches(CacheAct::Warmed, &call.caller())?;
        let app = Arc::clone(call.app);
        tokio::spawn(async move {
            let ejs = app.entities.keys().copied().collect();
            export::warm(&app, ejs, &CancellationToken::new()).await;
        });
        instruments::cache_act("warm");
        let token = call.grant.as_ref().map_or("", |grant| &grant.id);
        tracing::info!(token, "exports are warmed for an operator");
    }
    Ok(json(StatusCode::ACCEPTED, &json!({ "warming": enabled })))
}
