//! A TOML file beside the main one, and the places in it: what is wrong is told with file and line.

use std::path::Path;

use serde::de::DeserializeOwned;
use toml::de::{DeTable, DeValue};

use crate::load::nearest;
use crate::problem::Problem;

/// What the text says.
///
/// # Errors
/// What TOML or the settings refuse, with line and column.
pub fn parse<T: DeserializeOwned>(path: &Path, text: &str) -> Result<T, Problem> {
    toml::from_str(text).map_err(|error| {
        let start = error.span().map_or(0, |span| span.start);
        let before = text.get(..start).unwrap_or("");
        let column = before.rsplit('\n').next().unwrap_or("").chars().count() + 1;
        let source = format!("{}:{}:{column}", path.display(), line(text, start));
        let (what, nearest) = said(error.message());
        Problem { key: String::new(), source, what, nearest }
    })
}

/// Where the value of a dotted key stands, or the part of the key that is there: `file:line`.
pub fn place(path: &Path, text: &str, key: &str) -> String {
    let at = DeTable::parse(text).ok().and_then(|table| offset(table.get_ref(), key));
    at.map_or(path.display().to_string(), |at| format!("{}:{}", path.display(), line(text, at)))
}

fn line(text: &str, at: usize) -> usize {
    text.get(..at).unwrap_or("").matches('\n').count() + 1
}

fn offset(table: &DeTable<'_>, key: &str) -> Option<usize> {
    let mut parts = key.split('.');
    let (name, value) = table.get_key_value(parts.next()?)?;
    let (mut at, mut value) = (name.span().start, value);
    for part in parts {
        let within = match value.get_ref() {
            DeValue::Table(table) => {
                table.get_key_value(part).map(|(name, value)| (name.span().start, value))
            }
            DeValue::Array(array) => part
                .parse::<usize>()
                .ok()
                .and_then(|index| array.get(index))
                .map(|value| (value.span().start, value)),
            _ => None,
        };
        let Some((start, inner)) = within else { break };
        (at, value) = (start, inner);
    }
    Some(at)
}

/// What the reader of TOML refused, and the nearest known key where it names those there are.
fn said(message: &str) -> (String, Option<String>) {
    let names: Vec<&str> = message.split('`').skip(1).step_by(2).collect();
    match names.as_slice() {
        [unknown, known @ ..] if message.starts_with("unknown field") => {
            (format!("there is no such key: {unknown}"), nearest(unknown, known))
        }
        [unknown, known @ ..] if message.starts_with("unknown variant") => {
            (message.to_owned(), nearest(unknown, known))
        }
        _ => (message.to_owned(), None),
    }
}
