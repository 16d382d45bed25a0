//! `sluice acts`: what operators did.

use std::process::ExitCode;

use serde_json::Value;

use super::remote::Engine;
use crate::cli;
use crate::exit::Outcome;

pub fn run(arguments: &cli::Acts) -> Outcome {
    let engine = Engine::of(&arguments.remote)?;
    let query = [
        ("ej", arguments.ej.clone()),
        ("act", arguments.act.clone()),
        ("count", Some(arguments.count.to_string())),
    ];
    let answer = engine.get("/api/acts", &query)?;
    if arguments.remote.json {
        println!("{answer}");
        return Ok(ExitCode::SUCCESS);
    }
    let acts = answer["acts"].as_array().map(Vec::as_slice).unwrap_or_default();
    if acts.is_empty() {
        println!("no act");
    }
    for act in acts {
        println!("{}", line(act));
    }
    if !answer["next"].is_null() {
        println!("there are older ones: --count N shows more");
    }
    Ok(ExitCode::SUCCESS)
}

fn line(act: &Value) -> String {
    let text = |name: &str| act[name].as_str().unwrap_or("?").to_owned();
    let about = act.as_object().into_iter().flatten();
    let about =
        about.filter(|(name, _)| !matches!(name.as_str(), "act" | "at" | "by" | "ej" | "seq"));
    let about: Vec<String> = about
        .map(|(name, value)| match value.as_str() {
            Some(value) => format!("{name}={value}"),
            None => format!("{name}={value}"),
        })
        .collect();
    let (at, ej, by, what) = (text("at"), text("ej"), text("by"), text("act"));
    format!("{at:<27}  {ej:<8}  {by:<8}  {what:<16}  {}", about.join(" ")).trim_end().to_owned()
}
