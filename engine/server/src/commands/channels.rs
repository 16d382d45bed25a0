//! `sluice channels`: what runs, and start, stop, pause, reload.

use std::process::ExitCode;

use serde_json::{Value, json};

use super::delivery;
use super::remote::Engine;
use crate::cli::{ChannelNamed, ChannelOrDestination, Channels, Remote};
use crate::exit::{Failure, NOT_SO, Outcome};

pub fn run(command: &Channels) -> Outcome {
    match command {
        Channels::List(flags) => list(flags),
        Channels::Start(of) => act_on_either(of, "start", "running"),
        Channels::Stop(named) => act(named, "stop", "stopped"),
        Channels::Pause(of) => act_on_either(of, "pause", "paused"),
        Channels::Reload(flags) => reload(flags),
    }
}

fn list(flags: &Remote) -> Outcome {
    let answer = Engine::of(flags)?.get("/api/channels", &[])?;
    if flags.json {
        println!("{answer}");
        return Ok(ExitCode::SUCCESS);
    }
    for channel in entries(&answer["channels"]) {
        println!("{}", line(channel));
    }
    bad(&answer);
    Ok(ExitCode::SUCCESS)
}

fn act_on_either(of: &ChannelOrDestination, verb: &str, wanted: &str) -> Outcome {
    let ChannelOrDestination { named, destination } = of;
    let Some(destination) = destination else { return act(named, verb, wanted) };
    let path = format!("/api/channels/{}/destinations/{destination}/{verb}", named.channel);
    let answer = Engine::of(&named.remote)?.post(&path, &json!({}))?;
    delivery::show_queues(&answer, named.remote.json);
    Ok(ExitCode::SUCCESS)
}

/// Done where the channel is then as it was told to be.
fn act(named: &ChannelNamed, verb: &str, wanted: &str) -> Outcome {
    let path = format!("/api/channels/{}/{verb}", named.channel);
    let channel = Engine::of(&named.remote)?.post(&path, &json!({}))?;
    if named.remote.json {
        println!("{channel}");
    } else {
        println!("{}", line(&channel));
    }
    let is_so = channel["state"] == wanted;
    Ok(if is_so { ExitCode::SUCCESS } else { ExitCode::from(NOT_SO) })
}

fn reload(flags: &Remote) -> Outcome {
    let answer = Engine::of(flags)?.post("/api/channels/reload", &json!({}))?;
    if flags.json {
        println!("{answer}");
    } else {
        let changed: Vec<&str> =
            entries(&answer["changed"]).iter().filter_map(Value::as_str).collect();
        match changed.as_slice() {
            [] => println!("no channel changed"),
            ids => println!("changed: {}", ids.join(", ")),
        }
        for key in entries(&answer["restart"]).iter().filter_map(Value::as_str) {
            println!("needs a restart: {key}");
        }
        bad(&answer);
    }
    if entries(&answer["not_in_force"]).is_empty() {
        return Ok(ExitCode::SUCCESS);
    }
    Err(Failure::new(NOT_SO, "not every channel file is in force"))
}

fn line(channel: &Value) -> String {
    let text = |name: &str| channel[name].as_str().unwrap_or("-");
    let ejs: Vec<&str> = entries(&channel["ejs"]).iter().filter_map(Value::as_str).collect();
    let (id, state, source) = (text("id"), text("state"), text("source"));
    let (address, file, ejs) = (text("address"), text("file"), ejs.join(","));
    let problem = channel["problem"].as_str().map(|problem| format!("\n    {problem}"));
    let problem = problem.unwrap_or_default();
    format!("{id:<24}  {state:<8}  {ejs:<8}  {source:<6}  {address:<21}  {file}{problem}")
}

fn bad(answer: &Value) {
    for file in entries(&answer["not_in_force"]) {
        for problem in entries(&file["problems"]).iter().filter_map(Value::as_str) {
            println!("not in force: {problem}");
        }
    }
}

fn entries(value: &Value) -> &[Value] {
    value.as_array().map(Vec::as_slice).unwrap_or_default()
}
