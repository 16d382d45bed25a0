//! `sluice messages`: looking after the messages of a running engine.

use std::io::Write as _;
use std::path::Path;
use std::process::ExitCode;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Map, Value, json};

use super::remote::Engine;
use crate::cli::{Found, Messages};
use crate::exit::{Failure, NOT_SO, Outcome, USAGE};

pub fn run(arguments: &Messages) -> Outcome {
    match arguments {
        Messages::List { ej, found, count, before, remote } => {
            let mut asked = asked(found);
            asked.insert("count".into(), count.to_string().into());
            if let Some(before) = before {
                asked.insert("before".into(), before.to_string().into());
            }
            // By a form: a patient's number stands in no URL.
            let answer = Engine::of(remote)?.search(&format!("{}/_search", base(ej)), &asked)?;
            list(&answer, remote.json)
        }
        Messages::Show { ej, seq, raw, remote } => {
            let shown = Engine::of(remote)?.get(&format!("{}/{seq}", base(ej)), &[])?;
            show(&shown, *raw, remote.json)
        }
        Messages::Reprocess { ej, seqs, found, dry_run, remote } => {
            let mut selection = asked(found);
            if selection.is_empty() == seqs.is_empty() {
                let why = "name either messages or what they are found by";
                return Err(Failure::new(USAGE, why));
            }
            if !seqs.is_empty() {
                selection.insert("messages".into(), seqs.clone().into());
            }
            selection.insert("dry_run".into(), (*dry_run).into());
            let path = format!("{}/reprocess", base(ej));
            let done = Engine::of(remote)?.post(&path, &Value::Object(selection))?;
            reprocessed(&done, remote.json)
        }
        Messages::Resend { ej, seq, file, remote } => {
            let body = json!({ "raw": STANDARD.encode(read(file)?) });
            let path = format!("{}/{seq}/resend", base(ej));
            let done = Engine::of(remote)?.post(&path, &body)?;
            if remote.json {
                println!("{done}");
            } else {
                println!("applied as message {} ({})", done["seq"], text(&done["verdict"]));
            }
            Ok(ExitCode::SUCCESS)
        }
    }
}

fn base(ej: &str) -> String {
    format!("/api/ejs/{ej}/messages")
}

fn asked(found: &Found) -> Map<String, Value> {
    let given = [
        ("channel", &found.channel),
        ("event", &found.event),
        ("control_id", &found.control_id),
        ("patient", &found.patient),
        ("visit", &found.visit),
        ("verdict", &found.verdict),
        ("outcome", &found.outcome),
        ("brought", &found.brought),
        ("from", &found.from),
        ("to", &found.to),
    ];
    let given = given.into_iter().filter_map(|(name, value)| Some((name, value.clone()?)));
    given.map(|(name, value)| (name.to_owned(), value.into())).collect()
}

fn read(file: &Path) -> Result<Vec<u8>, Failure> {
    std::fs::read(file).map_err(|error| Failure::new(USAGE, format!("{}: {error}", file.display())))
}

fn list(answer: &Value, json: bool) -> Outcome {
    if json {
        println!("{answer}");
        return Ok(ExitCode::SUCCESS);
    }
    let messages = answer["messages"].as_array().map(Vec::as_slice).unwrap_or_default();
    if messages.is_empty() {
        println!("no message");
    }
    for message in messages {
        println!("{}", line(message));
    }
    if let Some(next) = answer["next"].as_u64() {
        println!("there are more: --before {next}");
    }
    if let Some(through) = answer["missing_through"].as_u64() {
        println!("the index is being made anew: messages up to {through} are not found yet");
    }
    Ok(ExitCode::SUCCESS)
}

fn line(message: &Value) -> String {
    let became = match (&message["became"], message["held"] == true) {
        (became, false) => text(became).to_owned(),
        (became, true) => format!("{}, held", text(became)),
    };
    let mut line = format!(
        "{:>8}  {:<27}  {:<12}  {:<4}  {:<20}  {:<16}  {became}",
        message["seq"].to_string(),
        text(&message["received_at"]),
        text(&message["channel"]),
        text(&message["event"]),
        text(&message["control_id"]),
        text(&message["verdict"]),
    );
    if message["issues"] != 0 {
        line.push_str(&format!("  {} issues, {}", message["issues"], text(&message["severity"])));
    }
    if let Some(of) = message["of"].as_u64() {
        let how = if message["brought"] == "sent" { "repeats" } else { text(&message["brought"]) };
        line.push_str(&format!("  {how} {of}"));
    }
    line
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

fn show(shown: &Value, raw: bool, json: bool) -> Outcome {
    if raw {
        let bytes = STANDARD.decode(text(&shown["raw"]));
        let bytes = bytes.map_err(|_| Failure::new(NOT_SO, "the answer holds no message"))?;
        std::io::stdout().write_all(&bytes)?;
        return Ok(ExitCode::SUCCESS);
    }
    if json {
        println!("{shown}");
        return Ok(ExitCode::SUCCESS);
    }
    println!("{}\n", line(shown).trim_start());
    println!("{}\n", text(&shown["text"]).replace('\r', "\n").trim_end());
    if let Some(by) = shown["by"].as_str() {
        println!("brought by {by}");
    }
    if let Some(ack) = shown["ack"].as_object() {
        match text(&ack["text"]).replace('\r', "  ").trim_end() {
            "" => println!("not answered at once"),
            answer => println!("answered {answer}"),
        }
        if ack["when_applied"] == true {
            println!("told what became of it, once it was applied");
        }
    }
    let each = |name: &str| shown[name].as_array().cloned().unwrap_or_default();
    for issue in each("told") {
        let (code, at) = (text(&issue["code"]), text(&issue["at"]));
        println!("{}: {code} at {at}: {}", text(&issue["severity"]), text(&issue["meaning"]));
    }
    if shown["told"].is_null() {
        println!("what it did cannot be told any more");
    }
    for changed in each("changed") {
        println!(
            "changed {}/{} (version {})",
            text(&changed["type"]),
            text(&changed["id"]),
            changed["version"]
        );
    }
    for delivery in each("deliveries") {
        let (to, state) = (text(&delivery["destination"]), text(&delivery["state"]));
        println!("to {to}: {state} {}", text(&delivery["reason"]));
    }
    for again in each("again") {
        println!("since then: {}", line(&again).trim_start());
    }
    Ok(ExitCode::SUCCESS)
}

fn reprocessed(done: &Value, json: bool) -> Outcome {
    let not = done["not"].as_array().map(Vec::as_slice).unwrap_or_default();
    let code = ExitCode::from(if not.is_empty() { 0 } else { NOT_SO });
    if json {
        println!("{done}");
        return Ok(code);
    }
    if let Some(would) = done["would_apply"].as_u64() {
        println!("{would} messages would be applied again");
        return Ok(code);
    }
    let applied = done["reprocessed"].as_array().map(Vec::as_slice).unwrap_or_default();
    for again in applied {
        println!("{} is applied again as {}", again["of"], again["seq"]);
    }
    for not in not {
        println!("{} is not: {}", not["of"], text(&not["why"]));
    }
    println!("{} applied again, {} not", applied.len(), not.len());
    Ok(code)
}
