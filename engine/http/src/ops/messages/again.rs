//! Having messages applied again: one, a selection, what a search finds, or one edited.

use axum::body::Body;
use axum::http::{Response, StatusCode};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::Deserialize;
use serde_json::{Map, Value, json};
use sluice_ids::{EjId, Seq};

use super::asked::{self, COUNT_MAX};
use super::{named, why};
use crate::call::Call;
use crate::fault::Fault;
use crate::messages::MessagesAsked;

/// Messages that one request has applied again.
const MESSAGES_MAX: usize = 10_000;

#[derive(Deserialize)]
struct Selected {
    #[serde(default)]
    messages: Vec<u64>,
    /// Say what would be done, and do nothing.
    #[serde(default)]
    dry_run: bool,
    /// What messages are looked for by, as in a list.
    #[serde(flatten)]
    asked: Map<String, Value>,
}

pub(crate) fn reprocess(call: &Call<'_>) -> Result<Response<Body>, Fault> {
    let ej = call.ej().ok_or(Fault::NotFound)?;
    let what = "selection: { \"messages\": [seq…] }, or what a list is asked with";
    let selected: Selected = body(call, what)?;
    let messages = match (selected.messages.is_empty(), selected.asked.is_empty()) {
        (false, true) => selected.messages.into_iter().map(Seq::new).collect(),
        (true, false) => {
            let pairs = selected.asked.iter().map(|(name, value)| match value.as_str() {
                Some(value) => Ok((name.as_str(), value)),
                None => Err(Fault::BodyNot { what }),
            });
            found(call, ej, &asked::of(pairs.collect::<Result<Vec<_>, _>>()?)?)?
        }
        _ => return Err(Fault::BodyNot { what }),
    };
    if messages.len() > MESSAGES_MAX {
        return Err(Fault::TooMuch { limit: MESSAGES_MAX });
    }
    if selected.dry_run {
        return Ok(crate::ops::json(StatusCode::OK, &json!({ "would_apply": messages.len() })));
    }
    let done = call.app.messages.reprocess(ej, &messages, &call.caller());
    let (mut applied, mut not) = (Vec::new(), Vec::new());
    for (of, again) in done {
        match again {
            Ok(again) => applied.push(json!({ "of": of.get(), "seq": again.seq.get() })),
            Err(reason) => not.push(json!({ "of": of.get(), "why": why(&reason) })),
        }
    }
    let body = json!({ "ej": ej.as_str(), "reprocessed": applied, "not": not });
    Ok(crate::ops::json(StatusCode::OK, &body))
}

pub(crate) fn resend(call: &Call<'_>) -> Result<Response<Body>, Fault> {
    #[derive(Deserialize)]
    struct Edited {
        raw: String,
    }
    let (ej, of) = named(call)?;
    let what = "message: { \"raw\": its bytes in base64 }";
    let edited: Edited = body(call, what)?;
    let raw = STANDARD.decode(edited.raw.trim()).map_err(|_| Fault::BodyNot { what })?;
    let again = call.app.messages.resend(ej, of, &raw, &call.caller())?;
    let body = json!({
        "ej": ej.as_str(), "of": of.get(), "seq": again.seq.get(), "verdict": again.verdict,
    });
    Ok(crate::ops::json(StatusCode::OK, &body))
}

fn body<T: for<'de> Deserialize<'de>>(call: &Call<'_>, what: &'static str) -> Result<T, Fault> {
    let body = call.parameters.as_deref().unwrap_or_default();
    serde_json::from_slice(body).map_err(|_| Fault::BodyNot { what })
}

/// What a search finds, the oldest first: what senders sent, and repetitions only where they are
/// asked for.
fn found(call: &Call<'_>, ej: EjId, asked: &MessagesAsked) -> Result<Vec<Seq>, Fault> {
    let with_repetitions = asked.outcome.is_some();
    let mut asked = asked.clone();
    asked.brought.get_or_insert_with(|| "sent".to_owned());
    let mut messages = Vec::new();
    loop {
        let page = call.in_store(|| call.app.messages.messages(ej, &asked, COUNT_MAX))?;
        let own = page.lines.iter().filter(|line| with_repetitions || line.became != "duplicate");
        messages.extend(own.map(|line| line.seq));
        if messages.len() > MESSAGES_MAX {
            return Err(Fault::TooMuch { limit: MESSAGES_MAX });
        }
        match page.next {
            Some(next) => asked.before = Some(next),
            None => break,
        }
    }
    messages.reverse();
    Ok(messages)
}
