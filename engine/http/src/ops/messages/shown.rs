//! One message: as it came, what was answered, what it did, and what became of it since.

use axum::body::Body;
use axum::http::{Response, StatusCode};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Map, Value, json};
use sluice_ids::{EjId, Seq};

use super::{line, named};
use crate::call::Call;
use crate::fault::Fault;
use crate::messages::{MessageShown, MessagesAsked};
use crate::ops::issues;
use crate::past::Forgotten;

/// Messages that bring this one again, or repeat it, in an answer.
const LINKED_MAX: usize = 100;

pub(crate) fn show(call: &Call<'_>) -> Result<Response<Body>, Fault> {
    let (ej, seq) = named(call)?;
    let desk = &call.app.messages;
    let MessageShown { line: own, raw, text, ack, by } = call.in_store(|| desk.shown(ej, seq))?;
    let mut body = line(&own);
    body["ej"] = ej.as_str().into();
    body["by"] = by.into();
    body["raw"] = STANDARD.encode(&raw).into();
    body["segments"] = segments(&text);
    body["text"] = text.into();
    body["ack"] = match ack {
        // Told from the journal: its own control id and time are not kept.
        Some(ack) => json!({
            "code": ack.code, "text": ack.text, "when_applied": ack.when_applied, "derived": true,
        }),
        None => Value::Null,
    };
    let asked = MessagesAsked { of: Some(seq), ..MessagesAsked::default() };
    let linked = call.in_store(|| desk.messages(ej, &asked, LINKED_MAX))?;
    body["again"] = linked.lines.iter().map(line).collect();
    body["deliveries"] = desk.deliveries(ej, seq).into();
    tell(call, ej, seq, &mut body)?;
    Ok(crate::ops::json(StatusCode::OK, &body))
}

/// What it did, by folding its patients' messages again; `null` where that cannot be told any
/// more.
fn tell(call: &Call<'_>, ej: EjId, seq: Seq, body: &mut Value) -> Result<(), Fault> {
    let told = match call.in_store(|| call.app.past.message(ej, seq)) {
        Ok(told) => told,
        Err(Forgotten::Unreadable) => return Err(Fault::Internal),
        Err(_) => {
            (body["told"], body["changed"]) = (Value::Null, Value::Null);
            return Ok(());
        }
    };
    if body["became"] == "" {
        body["became"] = told.became.into();
    }
    body["told"] = issues::listed(&told.issues);
    let changed = told
        .changed
        .iter()
        .map(|(ty, id)| json!({ "type": ty.fhir(), "id": id.to_string(), "version": seq.get() }));
    body["changed"] = changed.collect();
    Ok(())
}

/// Each segment with its fields that are not empty, by their numbers.
fn segments(text: &str) -> Value {
    let separator = text.chars().nth(3).unwrap_or('|');
    let lines = text.split(['\r', '\n']).filter(|line| !line.is_empty());
    let segments = lines.map(|line| {
        let mut fields = Map::new();
        let mut parts = line.split(separator);
        let name = parts.next().unwrap_or_default();
        // The separator itself is MSH-1.
        let first = if name == "MSH" { 2 } else { 1 };
        if first == 2 {
            fields.insert("1".to_owned(), separator.to_string().into());
        }
        for (at, value) in parts.enumerate().filter(|(_, value)| !value.is_empty()) {
            fields.insert((at + first).to_string(), value.into());
        }
        json!({ "segment": name, "fields": fields })
    });
    segments.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_are_numbered_as_the_standard_numbers_them() {
        let parsed = segments("MSH|^~\\&|APP\rPID|||4711^^^S\r");
        let expected = json!([
            { "segment": "MSH", "fields": { "1": "|", "2": "^~\\&", "3": "APP" } },
            { "segment": "PID", "fields": { "3": "4711^^^S" } },
        ]);
        assert_eq!(parsed, expected);
    }
}
