//! `/api/channels`: what runs, what does not and why; start, stop, pause, reload.

use axum::body::Body;
use axum::http::{Response, StatusCode};
use serde_json::{Value, json};
use sluice_ids::ChannelId;

use super::json;
use crate::call::Call;
use crate::channels::{BadChannelFile, ChannelAct, ChannelTold};
use crate::fault::Fault;

/// Those of which the caller may see an EJ. Files that are not in force may be of any EJ: they are
/// told to callers that see all.
pub(crate) fn list(call: &Call<'_>) -> Result<Response<Body>, Fault> {
    let reach = call.reach();
    let channels = call.app.channels.channels();
    let visible = channels.iter().filter(|channel| channel.ejs.iter().any(|ej| reach.holds(*ej)));
    let mut body = json!({ "channels": visible.map(shown).collect::<Vec<_>>() });
    if call.app.visible(&reach).count() == call.app.entities.len() {
        body["not_in_force"] = bad(&call.app.channels.bad_files());
    }
    Ok(json(StatusCode::OK, &body))
}

pub(crate) fn one(call: &Call<'_>) -> Result<Response<Body>, Fault> {
    let reach = call.reach();
    let channels = call.app.channels.channels();
    let found = channels.iter().find(|channel| channel.id.as_str() == call.id());
    let found = found.filter(|channel| channel.ejs.iter().any(|ej| reach.holds(*ej)));
    Ok(json(StatusCode::OK, &shown(found.ok_or(Fault::NotFound)?)))
}

pub(crate) fn start(call: &Call<'_>) -> Result<Response<Body>, Fault> {
    act(call, ChannelAct::Start)
}

pub(crate) fn stop(call: &Call<'_>) -> Result<Response<Body>, Fault> {
    act(call, ChannelAct::Stop)
}

pub(crate) fn pause(call: &Call<'_>) -> Result<Response<Body>, Fault> {
    act(call, ChannelAct::Pause)
}

/// By whoever may act on all EJs of the channel.
fn act(call: &Call<'_>, act: ChannelAct) -> Result<Response<Body>, Fault> {
    let id = ChannelId::new(call.id()).map_err(|_| Fault::NotFound)?;
    let reach = call.reach();
    let channels = call.app.channels.channels();
    let channel = channels.iter().find(|channel| channel.id == id);
    if !channel.is_some_and(|channel| channel.ejs.iter().all(|ej| reach.holds(*ej))) {
        return Err(Fault::NotFound);
    }
    let told = call.app.channels.act(id, act, &call.caller())?.ok_or(Fault::NotFound)?;
    Ok(json(StatusCode::OK, &shown(&told)))
}

/// 422 where nothing changed because the main file cannot be used, or a change cannot be kept.
pub(crate) fn reload(call: &Call<'_>) -> Result<Response<Body>, Fault> {
    let told = call.app.channels.reload(&call.caller());
    if let Some(error) = told.error {
        let body = json!({ "error": { "code": "not-reloaded", "message": error } });
        return Ok(json(StatusCode::UNPROCESSABLE_ENTITY, &body));
    }
    let changed: Vec<&str> = told.changed.iter().map(ChannelId::as_str).collect();
    let body = json!({
        "changed": changed, "not_in_force": bad(&told.not_in_force), "restart": told.restart,
    });
    Ok(json(StatusCode::OK, &body))
}

fn shown(channel: &ChannelTold) -> Value {
    let ejs: Vec<&str> = channel.ejs.iter().map(sluice_ids::EjId::as_str).collect();
    json!({
        "id": channel.id.as_str(),
        "ejs": ejs,
        "source": channel.source,
        "address": channel.address.map(|address| address.to_string()),
        "state": channel.state,
        "file": channel.file,
        "problem": channel.problem,
    })
}

fn bad(files: &[BadChannelFile]) -> Value {
    let file = |file: &BadChannelFile| json!({ "file": file.file, "problems": file.problems });
    files.iter().map(file).collect()
}
