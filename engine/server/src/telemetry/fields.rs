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
pub const ALLOWED: &[&str] = &[
    "address",
    "at",
    "batch",
    "bytes",
    "channel",
    "checkpoint",
    "chunks",
    "code",
    "connections",
    "count",
    "cut",
    "damage",
    "destination",
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
    "id",
    "kind",
    "lag_ms",
    "limit",
    "limit_bytes",
    "line",
    "lsn",
    "message",
    "method",
    "ms",
    "offset",
    "origin",
    "pages",
    "peer",
    "reason",
    "records",
    "resources",
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
    "took_us",
    "url",
    "version",
    "what",
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
    use std::path::Path;

    use super::*;

    #[test]
    fn the_list_is_sorted_and_says_each_name_once() {
        assert!(ALLOWED.windows(2).all(|pair| pair[0] < pair[1]));
    }

    #[test]
    fn a_control_character_cannot_begin_a_line() {
        assert_eq!(one_line("a\r\nb\x1b[31m"), "a  b [31m");
    }

    /// A field that is not on the list would be lost in every log that somebody needs.
    #[test]
    fn every_field_that_our_sources_write_is_on_the_list() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
        let mut found = 0;
        for folder in ["channels", "config", "engine", "fixtures"] {
            visit(&root.join(folder), &mut |path, text| {
                for name in fields(text) {
                    found += 1;
                    assert!(ALLOWED.contains(&name.as_str()), "{}: {name}", path.display());
                }
            });
        }
        assert!(found > 50, "only {found} fields were found: the search is broken");
    }

    fn visit(folder: &Path, see: &mut dyn FnMut(&Path, &str)) {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() && path.file_name().is_some_and(|name| name != "target") {
                visit(&path, see);
            } else if path.extension().is_some_and(|e| e == "rs") {
                see(&path, &std::fs::read_to_string(&path).unwrap());
            }
        }
    }

    /// The field names of every event macro in a source text.
    fn fields(text: &str) -> Vec<String> {
        let mut names = Vec::new();
        for level in ["error!(", "warn!(", "info!(", "debug!(", "trace!("] {
            for (at, _) in text.match_indices(level) {
                let before = text[..at].chars().next_back();
                if before.is_some_and(|c| c.is_alphanumeric() || c == '_') {
                    continue;
                }
                names.extend(arguments(&text[at + level.len()..]).iter().filter_map(|a| name(a)));
            }
        }
        names
    }

    /// Up to the closing parenthesis, split at the commas outside of brackets and strings.
    fn arguments(text: &str) -> Vec<String> {
        let (mut depth, mut quoted, mut escaped) = (0, false, false);
        let mut parts = vec![String::new()];
        for c in text.chars() {
            match c {
                _ if escaped => escaped = false,
                '\\' if quoted => escaped = true,
                '"' => quoted = !quoted,
                _ if quoted => {}
                '(' | '[' | '{' => depth += 1,
                ')' | ']' | '}' if depth == 0 => break,
                ')' | ']' | '}' => depth -= 1,
                ',' if depth == 0 => {
                    parts.push(String::new());
                    continue;
                }
                _ => {}
            }
            if let Some(part) = parts.last_mut() {
                part.push(c);
            }
        }
        parts
    }

    fn name(argument: &str) -> Option<String> {
        let argument = argument.trim();
        let bare = argument.split_once('=').map_or(argument, |(name, _)| name);
        let bare = bare.trim().trim_start_matches(['%', '?']);
        let bare = bare.rsplit('.').next().unwrap_or(bare);
        let is_name = !bare.is_empty() && bare.chars().all(|c| c.is_ascii_lowercase() || c == '_');
        (is_name && !bare.starts_with('_')).then(|| bare.to_owned())
    }
}
