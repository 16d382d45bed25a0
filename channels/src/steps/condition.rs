//! Conditions, ready to be asked.

use regex::Regex;
use sluice_mappings::hl7::escape::unescape;
use sluice_mappings::hl7::{Location, Message, Msh};

use super::settings::Condition;
use super::{StepProblem, place};

/// Bytes that a compiled expression may take.
const REGEX_BYTES_MAX: usize = 1 << 20;

/// A condition that can be asked.
#[derive(Debug)]
pub struct Test {
    event: Vec<String>,
    text: Option<(Location, TextTest)>,
}

#[derive(Debug)]
struct TextTest {
    equals: Vec<String>,
    matches: Option<Regex>,
    empty: Option<bool>,
}

impl Test {
    /// # Errors
    /// What is wrong with it, and under which key.
    pub fn new(condition: &Condition) -> Result<Self, StepProblem> {
        let Condition { event, at, equals, matches, empty } = condition;
        let asks = !equals.is_empty() || matches.is_some() || empty.is_some();
        let text = match (at, asks) {
            (Some(at), true) => {
                let matches = matches.as_deref().map(regex).transpose()?;
                let equals = equals.clone();
                Some((place("at", at)?, TextTest { equals, matches, empty: *empty }))
            }
            (None, false) => None,
            (Some(_), false) => {
                return Err(StepProblem::new("at", "asks nothing: give equals, matches or empty"));
            }
            (None, true) => {
                return Err(StepProblem::new("equals", "of what? Give a place with at"));
            }
        };
        if event.is_empty() && text.is_none() {
            return Err(StepProblem::new("when", "holds of every message: give event or at"));
        }
        Ok(Self { event: event.clone(), text })
    }

    #[must_use]
    pub fn holds(&self, message: &Message<'_>) -> bool {
        let event = || Msh::of(message).trigger_event();
        (self.event.is_empty() || self.event.iter().any(|one| *one == event()))
            && self.text.as_ref().is_none_or(|(place, test)| {
                test.holds(&unescape(message.at(place), &message.separators()))
            })
    }
}

impl TextTest {
    fn holds(&self, text: &str) -> bool {
        (self.equals.is_empty() || self.equals.iter().any(|one| one == text))
            && self.matches.as_ref().is_none_or(|expression| expression.is_match(text))
            && self.empty.is_none_or(|empty| text.is_empty() == empty)
    }
}

fn regex(expression: &str) -> Result<Regex, StepProblem> {
    regex::RegexBuilder::new(expression)
        .size_limit(REGEX_BYTES_MAX)
        .build()
        .map_err(|error| StepProblem::new("matches", error.to_string()))
}
