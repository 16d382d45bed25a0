//! A message after each step of its channel.

use std::borrow::Cow;

use serde_json::{Value, json};
use sluice_channels::steps::{Passed, Steps};

/// What became of a message, and how it was after each step.
pub struct Walk<'a> {
    /// The text that is applied; `None` where a step set it aside.
    pub text: Option<Cow<'a, str>>,
    steps: Vec<(&'static str, Option<String>)>,
    end: Option<String>,
}

impl<'a> Walk<'a> {
    pub fn of(steps: &Steps, text: &'a str) -> Self {
        let mut walked = Vec::new();
        let mut before = text.to_owned();
        let passed = steps.each(text, |kind, after| {
            let changed = (after != before).then(|| after.to_owned());
            if let Some(after) = &changed {
                before.clone_from(after);
            }
            walked.push((kind, changed));
        });
        let (text, end) = match passed {
            Passed::On(text) => (Some(text), None),
            Passed::Dropped { step } => (None, Some(format!("step {} sets it aside", step + 1))),
            Passed::Failed { step } => {
                (None, Some(format!("step {} fails: it becomes a dead letter", step + 1)))
            }
        };
        Self { text, steps: walked, end }
    }

    pub fn show(&self) {
        for (at, (kind, changed)) in self.steps.iter().enumerate() {
            match changed {
                None => println!("step {:<4} {kind}: leaves it as it is", at + 1),
                Some(text) => {
                    println!("step {:<4} {kind}: makes it", at + 1);
                    for line in text.split('\r').filter(|line| !line.is_empty()) {
                        println!("  {line}");
                    }
                }
            }
        }
        if let Some(end) = &self.end {
            println!("{end}");
        }
    }

    pub fn as_json(&self) -> Value {
        let steps = self.steps.iter().map(|(kind, text)| json!({ "type": kind, "made": text }));
        json!({ "steps": steps.collect::<Vec<_>>(), "end": self.end })
    }
}
