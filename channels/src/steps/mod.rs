//! Steps: what a channel makes of a message before it is applied.
//!
//! The journal holds the bytes as they came. Steps are part of what folds them: pure functions of
//! the text and of their settings, which are in the journal too (a configuration epoch), so that a
//! rebuild passes every message through the steps that were in force when it came.

mod condition;
mod edit;
mod key_file;
mod script;
mod settings;

use std::borrow::Cow;

use sluice_mappings::deidentify::{Key, deidentify};
use sluice_mappings::hl7::escape::{escape, unescape};
use sluice_mappings::hl7::{Location, Message};

pub use condition::Test;
pub use key_file::{KeyFileError, read_key};
use script::Script;
pub use settings::{Condition, StepSettings};

/// Steps of one channel.
pub const STEPS_MAX: usize = 64;

/// What is wrong with a step: its key, and what about it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StepProblem {
    /// Which step, from 0.
    pub step: usize,
    pub key: &'static str,
    pub what: String,
}

impl StepProblem {
    fn new(key: &'static str, what: impl Into<String>) -> Self {
        Self { step: 0, key, what: what.into() }
    }
}

/// The steps of a channel, checked and ready.
#[derive(Debug, Default)]
pub struct Steps(Vec<Step>);

#[derive(Debug)]
struct Step {
    name: &'static str,
    when: Option<Test>,
    act: Act,
}

#[derive(Debug)]
enum Act {
    /// Goes where the test holds (true) or where it does not.
    Filter {
        drops: bool,
    },
    Set {
        at: Location,
        value: Value,
    },
    Copy {
        from: Location,
        to: Location,
    },
    Remove {
        at: Location,
    },
    Lookup {
        at: Location,
        to: Location,
        table: Vec<(String, String)>,
        otherwise: Option<String>,
    },
    Split {
        at: Location,
        on: String,
    },
    Deidentify(Key),
    /// What would be done under a key that is not there.
    KeyMissing,
    Script(Box<Script>),
}

#[derive(Debug)]
enum Value {
    Text(String),
    Raw(String),
}

/// What a step did.
#[derive(Debug, PartialEq, Eq)]
enum Change {
    None,
    Text(String),
    Dropped,
}

/// What became of a message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Passed<'a> {
    /// On to what it means.
    On(Cow<'a, str>),
    /// Set aside by that step, from 0: it is kept and has no effect.
    Dropped { step: usize },
    /// That step, from 0, could not do its work.
    Failed { step: usize },
}

impl Steps {
    /// As they are configured, and [resolved](StepSettings::resolve).
    ///
    /// # Errors
    /// Everything that is wrong with them.
    pub fn new(settings: &[StepSettings]) -> Result<Self, Vec<StepProblem>> {
        let steps = Self::journaled(settings)?;
        match steps.lacks_key() {
            Some(step) => {
                let what = "does not hold the key that key_id tells".to_owned();
                Err(vec![StepProblem { step, key: "key_file", what }])
            }
            None => Ok(steps),
        }
    }

    /// As they once were in force. A key may be gone since: see [`Steps::lacks_key`].
    ///
    /// # Errors
    /// Everything that is wrong with them.
    pub fn journaled(settings: &[StepSettings]) -> Result<Self, Vec<StepProblem>> {
        if settings.len() > STEPS_MAX {
            let what = format!("more than {STEPS_MAX} steps");
            return Err(vec![StepProblem { step: STEPS_MAX, key: "type", what }]);
        }
        let mut steps = Vec::with_capacity(settings.len());
        let mut problems = Vec::new();
        for (at, settings) in settings.iter().enumerate() {
            match Step::new(settings) {
                Ok(step) => steps.push(step),
                Err(problem) => problems.push(StepProblem { step: at, ..problem }),
            }
        }
        if problems.is_empty() { Ok(Self(steps)) } else { Err(problems) }
    }

    /// The first step, from 0, whose key is not in its file any more. What the steps make of a
    /// message cannot be known then: it must not be passed through them.
    #[must_use]
    pub fn lacks_key(&self) -> Option<usize> {
        self.0.iter().position(|step| matches!(step.act, Act::KeyMissing))
    }

    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Passes a message through.
    #[must_use]
    pub fn run<'a>(&self, text: &'a str) -> Passed<'a> {
        self.each(text, |_, _| ())
    }

    /// Passes a message through, and shows it after each step with the step's kind. What was
    /// dropped or failed is not shown to a step again.
    pub fn each<'a>(&self, text: &'a str, mut show: impl FnMut(&'static str, &str)) -> Passed<'a> {
        let mut text = Cow::Borrowed(text);
        for (at, step) in self.0.iter().enumerate() {
            let change = Message::index(&text).ok().and_then(|message| step.change(&message));
            match change {
                None => return Passed::Failed { step: at },
                Some(Change::Dropped) => return Passed::Dropped { step: at },
                Some(Change::Text(changed)) => text = Cow::Owned(changed),
                Some(Change::None) => {}
            }
            show(step.name, &text);
        }
        Passed::On(text)
    }
}

impl Step {
    fn new(settings: &StepSettings) -> Result<Self, StepProblem> {
        let (name, when, act) = match settings {
            StepSettings::Filter { drop: Some(when), keep: None } => {
                ("filter", Some(when), Act::Filter { drops: true })
            }
            StepSettings::Filter { drop: None, keep: Some(when) } => {
                ("filter", Some(when), Act::Filter { drops: false })
            }
            StepSettings::Filter { .. } => {
                return Err(StepProblem::new("drop", "give either drop or keep"));
            }
            StepSettings::Set { at, text, raw, when } => {
                let value = match (text, raw) {
                    (Some(text), None) => Value::Text(text.clone()),
                    (None, Some(raw)) if raw.contains(['\r', '\n']) => {
                        return Err(StepProblem::new("raw", "holds a line end"));
                    }
                    (None, Some(raw)) => Value::Raw(raw.clone()),
                    _ => return Err(StepProblem::new("text", "give either text or raw")),
                };
                ("set", when.as_ref(), Act::Set { at: writable("at", at)?, value })
            }
            StepSettings::Copy { from, to, when } => {
                let (from, to) = (place("from", from)?, writable("to", to)?);
                if from.field == 0 {
                    return Err(StepProblem::new("from", "names no field"));
                }
                if depth(&from) < depth(&to) {
                    let what = "is a part of something smaller than what stands at from";
                    return Err(StepProblem::new("to", what));
                }
                ("copy", when.as_ref(), Act::Copy { from, to })
            }
            StepSettings::Remove { at, when } => {
                let at = if at.len() == 3 || at.ends_with(']') && !at.contains('-') {
                    let at = place("at", at)?;
                    if at.segment_name() == "MSH" {
                        return Err(StepProblem::new("at", "MSH cannot be removed"));
                    }
                    at
                } else {
                    writable("at", at)?
                };
                ("remove", when.as_ref(), Act::Remove { at })
            }
            StepSettings::Lookup { at, to, table, otherwise, when } => {
                let to = writable("to", to.as_ref().unwrap_or(at))?;
                let at = place("at", at)?;
                if at.field == 0 {
                    return Err(StepProblem::new("at", "names no field"));
                }
                let table = table.iter().map(|(key, value)| (key.clone(), value.clone())).collect();
                let otherwise = otherwise.clone();
                ("lookup", when.as_ref(), Act::Lookup { at, to, table, otherwise })
            }
            StepSettings::Split { at, on, when } => {
                let at = writable("at", at)?;
                if at.repetition != 0 || at.component != 0 {
                    return Err(StepProblem::new("at", "must be a whole field, as in PID-13"));
                }
                if on.is_empty() {
                    return Err(StepProblem::new("on", "is empty"));
                }
                ("split", when.as_ref(), Act::Split { at, on: on.clone() })
            }
            StepSettings::Deidentify { key_file, key_id, when } => {
                let id = key_id.as_ref();
                let id = id.ok_or_else(|| StepProblem::new("key_id", "is not known"))?;
                // Under another key than the one that is meant something else would come out.
                let key = read_key(key_file).ok().filter(|key| key.id() == *id);
                ("deidentify", when.as_ref(), key.map_or(Act::KeyMissing, Act::Deidentify))
            }
            StepSettings::Script { source, operations_max, when } => (
                "script",
                when.as_ref(),
                Act::Script(Box::new(Script::new(source, *operations_max)?)),
            ),
        };
        Ok(Self { name, when: when.map(Test::new).transpose()?, act })
    }

    /// `None` where it could not do its work.
    fn change(&self, message: &Message<'_>) -> Option<Change> {
        let holds = self.when.as_ref().is_none_or(|when| when.holds(message));
        if let Act::Filter { drops } = self.act {
            return Some(if holds == drops { Change::Dropped } else { Change::None });
        }
        if !holds {
            return Some(Change::None);
        }
        let separators = message.separators();
        let text = match &self.act {
            Act::Filter { .. } => return Some(Change::None),
            Act::KeyMissing => return None,
            Act::Deidentify(key) => {
                // What may stand before the header says nothing, and could say too much.
                let text = &message.text()[message.text().find("MSH")?..];
                String::from_utf8(deidentify(text.as_bytes(), key)).ok()
            }
            Act::Script(script) => return script.run(message),
            Act::Set { at, value: Value::Raw(raw) } => edit::set(message, at, raw),
            Act::Set { at, value: Value::Text(text) } => {
                edit::set(message, at, &escape(text, &separators))
            }
            Act::Copy { from, to } => edit::set(message, to, message.at(from)),
            Act::Remove { at } => edit::remove(message, at),
            Act::Lookup { at, to, table, otherwise } => {
                let found = unescape(message.at(at), &separators);
                let given = table.iter().find(|(key, _)| *key == found).map(|(_, value)| value);
                match given.or(otherwise.as_ref()) {
                    Some(value) => edit::set(message, to, &escape(value, &separators)),
                    None => return Some(Change::None),
                }
            }
            Act::Split { at, on } => {
                let separator = char::from(separators.repetition());
                let split = message.at(at).replace(on.as_str(), &separator.to_string());
                if separator == '\0' { None } else { edit::set(message, at, &split) }
            }
        }?;
        Some(if text == message.text() { Change::None } else { Change::Text(text) })
    }
}

fn place(key: &'static str, path: &str) -> Result<Location, StepProblem> {
    Location::parse(path).map_err(|error| StepProblem::new(key, error.to_string()))
}

/// A place that a step may write: no whole segment, and none of what says how a message is read.
fn writable(key: &'static str, path: &str) -> Result<Location, StepProblem> {
    let at = place(key, path)?;
    match (at.segment_name(), at.field) {
        (_, 0) => Err(StepProblem::new(key, "names no field")),
        (name, 1 | 2) if at.is_in_header() => {
            Err(StepProblem::new(key, format!("{name}-1 and {name}-2 are the separators")))
        }
        _ => Ok(at),
    }
}

const fn depth(place: &Location) -> usize {
    match (place.repetition, place.component, place.subcomponent) {
        (0, 0, _) => 0,
        (_, 0, _) => 1,
        (_, _, 0) => 2,
        _ => 3,
    }
}
