//! `sluice queues` and `sluice dead-letters`: what waits to be delivered, and what was set aside.

use std::process::ExitCode;

use serde_json::{Value, json};

use super::remote::Engine;
use crate::cli;
use crate::exit::Outcome;

pub fn queues(arguments: &cli::Queues) -> Outcome {
    let answer = Engine::of(&arguments.remote)?.get("/api/queues", &[])?;
    show_queues(&answer, arguments.remote.json);
    Ok(ExitCode::SUCCESS)
}

/// As `/api/queues` answers.
pub fn show_queues(answer: &Value, json: bool) {
    if json {
        println!("{answer}");
        return;
    }
    let queues = list(&answer["queues"]);
    if queues.is_empty() {
        println!("no destination");
    }
    for queue in queues {
        let most = if queue["depth_is_exact"] == true { "" } else { "at most " };
        let trouble = queue["why"].as_str().or(queue["trouble"].as_str()).unwrap_or_default();
        let line = format!(
            "{:<24} {:<32} {:<8} {:<8} {most}{} waiting, oldest {}, {:.1}/s  {trouble}",
            text(&queue["channel"]),
            text(&queue["destination"]),
            text(&queue["ej"]),
            text(&queue["state"]),
            queue["depth"],
            text(&queue["oldest"]),
            queue["delivered_per_s"].as_f64().unwrap_or_default(),
        );
        println!("{}", line.trim_end());
    }
}

pub fn dead_letters(arguments: &cli::DeadLetters) -> Outcome {
    use cli::DeadLetterAct as Act;
    let (remote, answer) = match &arguments.act {
        Act::List { ej, after, count, remote } => {
            let path = format!("/api/ejs/{ej}/dead-letters");
            let query = [("count", Some(count.to_string())), ("after", after.clone())];
            (remote, Engine::of(remote)?.get(&path, &query)?)
        }
        Act::Show { ej, id, remote } => {
            let path = format!("/api/ejs/{ej}/dead-letters/{id}");
            (remote, Engine::of(remote)?.get(&path, &[])?)
        }
        Act::Retry { ej, id, remote } => {
            let path = format!("/api/ejs/{ej}/dead-letters/{id}/retry");
            (remote, Engine::of(remote)?.post(&path, &json!({}))?)
        }
        Act::Discard { ej, id, reason, remote } => {
            let path = format!("/api/ejs/{ej}/dead-letters/{id}/discard");
            (remote, Engine::of(remote)?.post(&path, &json!({ "reason": reason }))?)
        }
    };
    if remote.json {
        println!("{answer}");
        return Ok(ExitCode::SUCCESS);
    }
    match &arguments.act {
        Act::List { .. } => {
            let letters = list(&answer["dead_letters"]);
            if letters.is_empty() {
                println!("no dead letter");
            }
            letters.iter().for_each(|letter| println!("{}", line(letter)));
            if let Some(next) = answer["next"].as_str() {
                println!("more: --after {next}");
            }
        }
        Act::Show { .. } => println!("{}", line(&answer)),
        Act::Retry { .. } => println!("{} is tried again", text(&answer["id"])),
        Act::Discard { .. } => println!("{} is discarded", text(&answer["id"])),
    }
    Ok(ExitCode::SUCCESS)
}

fn line(letter: &Value) -> String {
    let retrying = if letter["retrying"] == true { "being tried again" } else { "" };
    let (id, since, reason) = (&letter["id"], &letter["since"], &letter["reason"]);
    let code = letter["code"].as_str().unwrap_or_default();
    let line = format!("{:<44} {:<27} {}  {code}  {retrying}", text(id), text(since), text(reason));
    line.trim_end().to_owned()
}

fn list(value: &Value) -> &[Value] {
    value.as_array().map(Vec::as_slice).unwrap_or_default()
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or("-")
}
