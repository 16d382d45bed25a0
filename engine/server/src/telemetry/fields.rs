//! The field allow-list: an event's field is written only when its name stands here.
//!
//! A name that does not is dropped and counted in `sluice_log_fields_dropped_total`; the event
//! itself is kept. Names are positions, counts, configured names and closed codes; none can carry
//! what a message says.

use std::fmt;

use tracing::field::{Field, Visit};
use tracing::{Event, Subscriber};
use tracing_subscriber::field::RecordFields;
use tracing_subscriber::fmt::format::Writer;
use tracing_subscriber::fmt::{FmtContext, FormatEvent, FormatFields, FormattedFields};
use tracing_subscriber::registry::LookupSpan;

/// Sorted, for the eye.
const ALLOWED: &[&str] = &[
    "address",
    "batch",
    "bytes",
    "channel",
    "checkpoint",
    "code",
    "connections",
    "count",
    "damage",
    "ej",
    "ejs",
    "elapsed_ms",
    "error",
    "event",
    "file",
    "floor_bytes",
    "folder",
    "free_bytes",
    "from",
    "kind",
    "lag_ms",
    "limit",
    "limit_bytes",
    "line",
    "listener",
    "lsn",
    "message",
    "method",
    "ms",
    "offset",
    "origin",
    "peer",
    "reason",
    "records",
    "role",
    "route",
    "seconds",
    "segment",
    "segments",
    "seq",
    "signal",
    "state",
    "status",
    "thread",
    "to",
    "token",
    "url",
    "version",
];

/// Writes `name=value` for what is allowed.
pub struct AllowedFields;

impl<'w> FormatFields<'w> for AllowedFields {
    fn format_fields<R: RecordFields>(&self, writer: Writer<'w>, fields: R) -> fmt::Result {
        let mut visitor = TextVisitor { writer, first: true, result: Ok(()) };
        fields.record(&mut visitor);
        visitor.result
    }
}

fn allowed(field: &Field) -> bool {
    let known = ALLOWED.contains(&field.name());
    if !known {
        metrics::counter!("sluice_log_fields_dropped_total").increment(1);
    }
    known
}

struct TextVisitor<'w> {
    writer: Writer<'w>,
    first: bool,
    result: fmt::Result,
}

impl Visit for TextVisitor<'_> {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        if self.result.is_err() || !allowed(field) {
            return;
        }
        let space = if std::mem::take(&mut self.first) { "" } else { " " };
        let shown = one_line(&format!("{value:?}"));
        self.result = if field.name() == "message" {
            write!(self.writer, "{space}{shown}")
        } else {
            write!(self.writer, "{space}{}={shown}", field.name())
        };
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.record_debug(field, &format_args!("{value}"));
    }

    fn record_error(&mut self, field: &Field, value: &(dyn std::error::Error + 'static)) {
        self.record_debug(field, &format_args!("{value}"));
    }
}

/// Control characters cannot forge a second line, nor colour one.
fn one_line(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect()
}

/// One JSON object a line: time, level, target, and the allowed fields.
pub struct JsonLines;

impl<S, N> FormatEvent<S, N> for JsonLines
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    N: for<'a> FormatFields<'a> + 'static,
{
    fn format_event(
        &self,
        context: &FmtContext<'_, S, N>,
        mut writer: Writer<'_>,
        event: &Event<'_>,
    ) -> fmt::Result {
        let mut object = serde_json::Map::new();
        object.insert("time".to_owned(), now().into());
        object.insert("level".to_owned(), event.metadata().level().as_str().into());
        object.insert("target".to_owned(), event.metadata().target().into());
        event.record(&mut JsonVisitor(&mut object));
        if let Some(span) = context.lookup_current() {
            object.insert("span".to_owned(), span.name().into());
            if let Some(fields) = span.extensions().get::<FormattedFields<N>>()
                && !fields.is_empty()
            {
                object.insert("span_fields".to_owned(), fields.as_str().into());
            }
        }
        writeln!(writer, "{}", serde_json::Value::Object(object))
    }
}

fn now() -> String {
    let mut text = String::new();
    let mut writer = Writer::new(&mut text);
    let timer = tracing_subscriber::fmt::time::SystemTime;
    let _ = tracing_subscriber::fmt::time::FormatTime::format_time(&timer, &mut writer);
    text
}

struct JsonVisitor<'a>(&'a mut serde_json::Map<String, serde_json::Value>);

impl Visit for JsonVisitor<'_> {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        if allowed(field) {
            self.0.insert(field.name().to_owned(), one_line(&format!("{value:?}")).into());
        }
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.record_debug(field, &format_args!("{value}"));
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        if allowed(field) {
            self.0.insert(field.name().to_owned(), value.into());
        }
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        if allowed(field) {
            self.0.insert(field.name().to_owned(), value.into());
        }
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        if allowed(field) {
            self.0.insert(field.name().to_owned(), value.into());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_list_is_sorted_and_says_each_name_once() {
        assert!(ALLOWED.windows(2).all(|pair| pair[0] < pair[1]));
    }

    #[test]
    fn a_control_character_cannot_begin_a_line() {
        assert_eq!(one_line("a\r\nb\x1b[31m"), "a  b [31m");
    }
}
