//! Scripts: Rhai without files, network, clock, modules or `eval`, with every bound counted and
//! none timed, so that a message comes out the same wherever and whenever it is folded.

use std::fmt;
use std::sync::Arc;

use parking_lot::Mutex;
use rhai::{AST, Engine, EvalAltResult, Scope};
use sluice_mappings::hl7::escape::{escape, unescape};
use sluice_mappings::hl7::{Location, Message};

use super::{Change, StepProblem, edit};

/// Bytes of a script's source.
const SOURCE_BYTES_MAX: usize = 64 * 1024;

/// Depth of calls, and of an expression.
const DEPTH_MAX: usize = 32;

/// Bytes of text, and entries of lists and maps, that a script may hold at once.
const STRING_BYTES_MAX: usize = 8 * 1024 * 1024;
const ENTRIES_MAX: usize = 10_000;

pub struct Script {
    engine: Engine,
    ast: AST,
}

impl fmt::Debug for Script {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Script")
    }
}

/// The `message` of a script.
#[derive(Clone)]
struct Handle(Arc<Mutex<Held>>);

struct Held {
    text: String,
    changed: bool,
    dropped: bool,
}

type Said<T> = Result<T, Box<EvalAltResult>>;

impl Script {
    pub fn new(source: &str, operations_max: u64) -> Result<Self, StepProblem> {
        if source.len() > SOURCE_BYTES_MAX {
            let what = format!("is longer than {SOURCE_BYTES_MAX} bytes");
            return Err(StepProblem::new("source", what));
        }
        if operations_max == 0 {
            return Err(StepProblem::new("operations_max", "0 is too small; nothing could run"));
        }
        let mut engine = Engine::new();
        engine
            .set_max_operations(operations_max)
            .set_max_call_levels(DEPTH_MAX)
            .set_max_expr_depths(DEPTH_MAX, DEPTH_MAX)
            .set_max_string_size(STRING_BYTES_MAX)
            .set_max_array_size(ENTRIES_MAX)
            .set_max_map_size(ENTRIES_MAX)
            .set_max_functions(64)
            .set_max_variables(256)
            .set_strict_variables(true)
            .disable_symbol("eval")
            // What a script prints could be patient data, and nobody should read it.
            .on_print(|_| {})
            .on_debug(|_, _, _| {});
        engine
            .register_type_with_name::<Handle>("Message")
            .register_fn("text", Handle::text)
            .register_fn("raw", Handle::raw)
            .register_fn("count", Handle::count)
            .register_fn("set_text", Handle::set_text)
            .register_fn("set_raw", Handle::set_raw)
            .register_fn("remove", Handle::remove)
            .register_fn("drop", Handle::drop_it);
        let mut scope = Scope::new();
        scope.push("message", Handle::of(""));
        let ast = engine
            .compile_with_scope(&scope, source)
            .map_err(|error| StepProblem::new("source", error.to_string()))?;
        Ok(Self { engine, ast })
    }

    /// Runs over one message. `None` where it failed; what it says could quote the message.
    pub fn run(&self, message: &Message<'_>) -> Option<Change> {
        let handle = Handle::of(message.text());
        let mut scope = Scope::new();
        scope.push("message", handle.clone());
        self.engine.run_ast_with_scope(&mut scope, &self.ast).ok()?;
        let held = handle.0.lock();
        Some(match held.dropped {
            true => Change::Dropped,
            false if held.changed => Change::Text(held.text.clone()),
            false => Change::None,
        })
    }
}

impl Handle {
    fn of(text: &str) -> Self {
        let held = Held { text: text.to_owned(), changed: false, dropped: false };
        Self(Arc::new(Mutex::new(held)))
    }

    fn with<T>(&self, path: &str, read: impl Fn(&Message<'_>, &Location) -> T) -> Said<T> {
        let place = Location::parse(path).map_err(|error| error.to_string())?;
        let held = self.0.lock();
        let message = Message::index(&held.text).map_err(|error| error.to_string())?;
        Ok(read(&message, &place))
    }

    fn change(
        &self,
        path: &str,
        edit: impl Fn(&Message<'_>, &Location) -> Option<String>,
    ) -> Said<()> {
        let place = Location::parse(path).map_err(|error| error.to_string())?;
        let mut held = self.0.lock();
        let edited = {
            let message = Message::index(&held.text).map_err(|error| error.to_string())?;
            edit(&message, &place)
        };
        let text = edited.ok_or("cannot be written there")?;
        if text.len() > STRING_BYTES_MAX {
            return Err("the message became too long".into());
        }
        held.changed |= text != held.text;
        held.text = text;
        Ok(())
    }

    fn text(&mut self, path: &str) -> Said<String> {
        self.with(path, |message, at| unescape(message.at(at), &message.separators()).into_owned())
    }

    fn raw(&mut self, path: &str) -> Said<String> {
        self.with(path, |message, at| message.at(at).to_owned())
    }

    /// How many segments there are of that name, or repetitions of that field.
    fn count(&mut self, path: &str) -> Said<i64> {
        self.with(path, |message, at| {
            let count = match at.field {
                0 => message.segments_named(at.segment_name()).count(),
                _ if message.at(at).is_empty() => 0,
                _ => {
                    let separator = char::from(message.separators().repetition());
                    message.at(at).split(separator).count()
                }
            };
            i64::try_from(count).unwrap_or(i64::MAX)
        })
    }

    fn set_text(&mut self, path: &str, text: &str) -> Said<()> {
        self.change(path, |message, at| {
            edit::set(message, at, &escape(text, &message.separators()))
        })
    }

    fn set_raw(&mut self, path: &str, raw: &str) -> Said<()> {
        if raw.contains(['\r', '\n']) {
            return Err("a line end cannot stand in a field".into());
        }
        self.change(path, |message, at| edit::set(message, at, raw))
    }

    fn remove(&mut self, path: &str) -> Said<()> {
        self.change(path, edit::remove)
    }

    fn drop_it(&mut self) {
        self.0.lock().dropped = true;
    }
}
