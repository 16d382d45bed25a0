//! `/api/ejs/{ej}/messages`: finding messages, showing one, having them applied again.

mod again;
mod asked;
mod shown;

pub(crate) use again::{reprocess, resend};
pub(crate) use shown::show;

use axum::body::Body;
use axum::http::{Response, StatusCode};
use serde_json::{Value, json};
use sluice_ids::{EjId, Seq};

use self::asked::{COUNT, COUNT_MAX, PAIRS_MAX};
use crate::call::Call;
use crate::fault::Fault;
use crate::messages::{MessageLine, NotAgain, NotFound};
use crate::query;

/// By the query, or by the form of a POST: there a patient's number stands in no URL.
pub(crate) fn list(call: &Call<'_>) -> Result<Response<Body>, Fault> {
    let ej = call.ej().ok_or(Fault::NotFound)?;
    let form = call.form.as_deref().map(std::str::from_utf8);
    let form = form.transpose().map_err(|_| Fault::QueryEncoding)?;
    let mut count = COUNT;
    let mut pairs = Vec::new();
    for (name, value) in query::pairs(form.unwrap_or_else(|| call.query()), PAIRS_MAX)? {
        match name.as_str() {
            "count" => count = super::count("count", &value, COUNT_MAX)?,
            _ => pairs.push((name, value)),
        }
    }
    let asked = asked::of(pairs.iter().map(|(name, value)| (name.as_str(), value.as_str())))?;
    let found = call.in_store(|| call.app.messages.messages(ej, &asked, count))?;
    let body = json!({
        "ej": ej.as_str(),
        "messages": found.lines.iter().map(line).collect::<Vec<Value>>(),
        "next": found.next.map(Seq::get),
        "missing_through": found.missing_through.map(Seq::get),
    });
    Ok(super::json(StatusCode::OK, &body))
}

fn line(line: &MessageLine) -> Value {
    json!({
        "seq": line.seq.get(),
        "received_at": super::instant(line.received_at),
        "channel": line.channel,
        "event": line.event,
        "control_id": line.control_id.expose(),
        "verdict": line.verdict,
        "became": line.became,
        "held": line.held,
        "issues": line.issues,
        "severity": line.severity,
        "brought": line.brought,
        "of": line.of.map(Seq::get),
    })
}

/// The EJ and the message that the path names.
fn named(call: &Call<'_>) -> Result<(EjId, Seq), Fault> {
    let ej = call.ej().ok_or(Fault::NotFound)?;
    Ok((ej, call.id().parse().map(Seq::new).map_err(|_| Fault::NotFound)?))
}

impl From<NotFound> for Fault {
    fn from(not: NotFound) -> Self {
        match not {
            NotFound::Forgotten(forgotten) => forgotten.into(),
            NotFound::Parameter(name) => Self::parameter(name, "has no such value"),
        }
    }
}

impl From<NotAgain> for Fault {
    fn from(not: NotAgain) -> Self {
        match not {
            NotAgain::Unknown => Self::NotFound,
            NotAgain::NotRecorded => Self::NotRecorded,
            NotAgain::Unreadable => Self::Internal,
            NotAgain::Not(why) => Self::NotApplied { why: why.to_owned() },
            NotAgain::Refused { .. } => Self::NotApplied { why: why(&not) },
        }
    }
}

/// In words; codes and places alone.
fn why(not: &NotAgain) -> String {
    match not {
        NotAgain::Unknown => "there is no such message".to_owned(),
        NotAgain::Refused { verdict, at: Some(at) } => format!("it is refused: {verdict} at {at}"),
        NotAgain::Refused { verdict, at: None } => format!("it is refused: {verdict}"),
        NotAgain::Not(why) => (*why).to_owned(),
        NotAgain::NotRecorded => "the act could not be recorded".to_owned(),
        NotAgain::Unreadable => "the journal cannot be read".to_owned(),
    }
}
