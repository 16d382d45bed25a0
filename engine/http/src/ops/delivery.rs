//! `/api/queues`, a channel's destinations and `/api/ejs/{ej}/dead-letters`: what waits to be
//! delivered, and what was set aside. Places, names and codes; never what a message says.

use axum::body::Body;
use axum::http::{Response, StatusCode};
use serde::Deserialize;
use serde_json::{Value, json};
use sluice_ids::{ChannelId, DestinationName, EjId};

use super::json;
use crate::call::Call;
use crate::delivery::{LetterAct, LetterPlace, LetterTold, QueueTold};
use crate::fault::Fault;
use crate::query;

/// Letters in an answer, where none says how many, and at most.
const COUNT: usize = 100;
const COUNT_MAX: usize = 1_000;
/// Parameters that an answer looks at.
const PAIRS_MAX: usize = 16;
/// Why something was discarded, in bytes.
const REASON_BYTES_MAX: usize = 500;

/// Of the EJs that the caller may see.
pub(crate) fn queues(call: &Call<'_>) -> Result<Response<Body>, Fault> {
    let reach = call.reach();
    let visible: Vec<EjId> = call.app.visible(&reach).map(|entity| entity.id()).collect();
    let queues = call.app.delivery.queues();
    let shown = queues.iter().filter(|queue| visible.contains(&queue.ej)).map(queue);
    Ok(json(StatusCode::OK, &json!({ "queues": shown.collect::<Vec<Value>>() })))
}

pub(crate) fn start(call: &Call<'_>) -> Result<Response<Body>, Fault> {
    pause_if(call, false)
}

pub(crate) fn pause(call: &Call<'_>) -> Result<Response<Body>, Fault> {
    pause_if(call, true)
}

/// By whoever may act on all EJs of the channel; answered with how it stands then.
fn pause_if(call: &Call<'_>, paused: bool) -> Result<Response<Body>, Fault> {
    let channel = ChannelId::new(call.id()).map_err(|_| Fault::NotFound)?;
    let destination = DestinationName::new(call.destination()).map_err(|_| Fault::NotFound)?;
    let named = || {
        let mut queues = call.app.delivery.queues();
        queues.retain(|queue| {
            queue.channel == channel.as_str() && queue.destination == destination.as_str()
        });
        queues
    };
    let ejs: Vec<EjId> = named().iter().map(|queue| queue.ej).collect();
    let reach = call.reach();
    if ejs.is_empty() || !ejs.iter().all(|ej| reach.holds(*ej)) {
        return Err(Fault::NotFound);
    }
    call.app.delivery.pause(&ejs, channel, destination, paused, &call.caller())?;
    let queues: Vec<Value> = named().iter().map(queue).collect();
    Ok(json(StatusCode::OK, &json!({ "queues": queues })))
}

fn queue(told: &QueueTold) -> Value {
    json!({
        "ej": told.ej.as_str(),
        "channel": told.channel,
        "destination": told.destination,
        "type": told.kind,
        "state": told.state,
        "why": told.why,
        "cursor": told.cursor.get(),
        "depth": told.depth,
        "depth_is_exact": told.depth_is_exact,
        "in_flight": told.in_flight,
        "oldest": told.oldest.map(super::instant),
        "delivered_per_s": told.delivered_per_s,
        "delivered_total": told.delivered_total,
        "dead_letters_total": told.dead_letters_total,
        "trouble": told.trouble,
    })
}

/// The oldest messages first, as an operator goes through them.
pub(crate) fn letters(call: &Call<'_>) -> Result<Response<Body>, Fault> {
    let ej = call.ej().ok_or(Fault::NotFound)?;
    let (mut after, mut count) = (None, COUNT);
    for (name, value) in query::pairs(call.query(), PAIRS_MAX)? {
        match name.as_str() {
            "after" => {
                let place = LetterPlace::of(&value);
                let wrong = || Fault::parameter("after", "is not the `next` of an answer");
                after = Some(place.ok_or_else(wrong)?);
            }
            "count" => count = super::count("count", &value, COUNT_MAX)?,
            _ => return Err(Fault::parameter("query", "takes after and count")),
        }
    }
    let page = call.app.delivery.letters(ej, after, count);
    let listed: Vec<Value> = page.letters.iter().map(letter).collect();
    let next = page.letters.last().filter(|_| page.more).map(LetterTold::id);
    let body = json!({
        "ej": ej.as_str(), "total": page.total, "dead_letters": listed, "next": next,
    });
    Ok(json(StatusCode::OK, &body))
}

pub(crate) fn one(call: &Call<'_>) -> Result<Response<Body>, Fault> {
    let (_, told) = asked(call)?;
    Ok(json(StatusCode::OK, &letter(&told)))
}

pub(crate) fn retry(call: &Call<'_>) -> Result<Response<Body>, Fault> {
    let (ej, told) = asked(call)?;
    call.app.delivery.act(ej, &told, LetterAct::Retry, &call.caller())?;
    Ok(json(StatusCode::ACCEPTED, &json!({ "id": told.id(), "retrying": true })))
}

pub(crate) fn discard(call: &Call<'_>) -> Result<Response<Body>, Fault> {
    /// In the body: proxies write URLs down.
    #[derive(Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Why {
        reason: String,
    }
    let (ej, told) = asked(call)?;
    if !call.query().is_empty() {
        return Err(Fault::parameter("query", "takes nothing: the reason is in the body"));
    }
    let why = serde_json::from_slice(call.parameters.as_deref().unwrap_or_default()).ok();
    let why =
        why.filter(|Why { reason }| !reason.trim().is_empty() && reason.len() <= REASON_BYTES_MAX);
    let what = "discard: { \"reason\": why, in 1 to 500 bytes }";
    let Why { reason } = why.ok_or(Fault::BodyNot { what })?;
    call.app.delivery.act(ej, &told, LetterAct::Discard { reason }, &call.caller())?;
    Ok(json(StatusCode::OK, &json!({ "id": told.id(), "discarded": true })))
}

fn asked(call: &Call<'_>) -> Result<(EjId, LetterTold), Fault> {
    let ej = call.ej().ok_or(Fault::NotFound)?;
    let place = LetterPlace::of(call.id()).ok_or(Fault::NotFound)?;
    Ok((ej, call.app.delivery.letter(ej, place).ok_or(Fault::NotFound)?))
}

fn letter(told: &LetterTold) -> Value {
    json!({
        "id": told.id(),
        "seq": told.seq.get(),
        "kind": if told.way.is_some() { "not_delivered" } else { "not_applied" },
        "channel": told.way.as_ref().map(|(channel, _)| channel),
        "destination": told.way.as_ref().map(|(_, destination)| destination),
        "reason": told.reason,
        "code": told.code,
        "since": super::instant(told.since),
        "retrying": told.retrying,
    })
}
