//! `sluice inspect`: how a message is read, how it would be answered, the FHIR that it makes.
//!
//! This shows patient data, to whoever can read the file anyway: on standard output only.

use std::io::Read;
use std::path::Path;
use std::process::ExitCode;

use sluice_channels::ack::Verdict;
use sluice_fixtures::feed;
use sluice_flow::judge_alone;
use sluice_ids::{EjId, Micros, Seq};
use sluice_mappings::adt::memory::MemoryRecords;
use sluice_mappings::adt::{Context, Issue, Outcome as Applied, apply};
use sluice_mappings::entity::{EjSettings, LegalEntity};
use sluice_mappings::fhir::{FhirVersion, render};
use sluice_mappings::hl7::{Charset, Location, Message, Msh, Segment, decode_message};

use crate::cli;
use crate::exit::{Failure, NOT_SO, Outcome, USAGE};

pub fn run(arguments: &cli::Inspect) -> Outcome {
    let entity = entity(arguments)?;
    let messages = feed::messages(read(&arguments.file)?);
    if messages.is_empty() {
        return Err(Failure::new(
            NOT_SO,
            format!("{}: holds no message", arguments.file.display()),
        ));
    }
    if let Some(path) = &arguments.at {
        return show_place(&messages[0], path);
    }
    let mut records = MemoryRecords::new();
    let mut all_accepted = true;
    for (index, raw) in messages.iter().enumerate() {
        println!("── message {} of {} ({} bytes)", index + 1, messages.len(), raw.len());
        let (verdict, place) = judge_alone(&entity, raw);
        all_accepted &= verdict.is_accepted();
        show_answer(verdict, place);
        show_message(raw);
        if verdict.is_accepted() {
            let seq = Seq::new(index as u64 + 1);
            let applied = apply_one(raw, &entity, seq, &records);
            show_applied(&applied);
            records.accept(applied.changes);
        }
    }
    if arguments.fhir {
        println!("── FHIR R4 after the last message");
        for record in records.all() {
            println!("{}", pretty(&render(&record, &entity, FhirVersion::R4))?);
        }
    }
    Ok(if all_accepted { ExitCode::SUCCESS } else { ExitCode::from(NOT_SO) })
}

/// A file, or standard input for `-`.
fn read(file: &Path) -> Result<Vec<u8>, Failure> {
    let mut bytes = Vec::new();
    let outcome = if file == Path::new("-") {
        std::io::stdin().read_to_end(&mut bytes).map(drop)
    } else {
        std::fs::read(file).map(|read| bytes = read)
    };
    outcome.map_err(|error| Failure::new(NOT_SO, format!("{}: {error}", file.display())))?;
    Ok(bytes)
}

/// MSA-1 in original mode, and why where it is a refusal.
fn show_answer(verdict: Verdict, place: Option<Location>) {
    let row = verdict.row();
    match row.condition {
        None => println!("answer    {}", row.original),
        Some(condition) => println!(
            "answer    {}, {} {}: {}{}",
            row.original,
            condition.code,
            condition.text,
            row.text,
            place.or(row.at).map_or_else(String::new, |at| format!(" ({at})")),
        ),
    }
}

/// The EJ that was asked for, or one that follows the international rules.
fn entity(arguments: &cli::Inspect) -> Result<LegalEntity, Failure> {
    let settings = match &arguments.ej {
        Some(name) => {
            let config = super::load(&arguments.config, None)?.config;
            let found = config.ej.into_iter().find(|ej| ej.id.as_str() == name);
            found.ok_or_else(|| {
                Failure::new(
                    USAGE,
                    format!("--ej {name}: not an EJ of the configuration (--config FILE)"),
                )
            })?
        }
        None => EjSettings {
            test_messages: true,
            ..EjSettings::named(EjId::new("EJ").map_err(|e| Failure::new(USAGE, e.to_string()))?)
        },
    };
    LegalEntity::new(settings).map_err(|error| Failure::new(NOT_SO, error.to_string()))
}

fn show_place(raw: &[u8], path: &str) -> Outcome {
    let place = Location::parse(path)
        .map_err(|error| Failure::new(USAGE, format!("--at {path}: {error}")))?;
    let decoded = decode_message(raw, Charset::Utf8);
    let message =
        Message::index(&decoded.text).map_err(|error| Failure::new(NOT_SO, error.to_string()))?;
    println!("{}", message.at(&place));
    Ok(ExitCode::SUCCESS)
}

fn show_message(raw: &[u8]) {
    let decoded = decode_message(raw, Charset::Utf8);
    let message = match Message::index(&decoded.text) {
        Ok(message) => message,
        Err(error) => {
            println!("unreadable: {error}");
            return;
        }
    };
    let msh = Msh::of(&message);
    println!(
        "event     {}^{}, version {}, control id {}",
        msh.message_code(),
        msh.trigger_event(),
        msh.version(),
        msh.control_id()
    );
    println!(
        "charset   {:?}{}",
        decoded.charset,
        if decoded.lie.is_some() { " (not the one that was declared)" } else { "" }
    );
    for defect in message.defects() {
        println!("defect    {} at line {}, {}", defect.kind.name(), defect.line, defect.location);
    }
    for segment in message.segments().iter() {
        show_segment(&segment);
    }
}

/// Every field that holds something, as `PID-5`, or `PID-3[2]` for a repetition.
fn show_segment(segment: &Segment<'_>) {
    for (index, field) in segment.fields().enumerate() {
        let number = index + 1;
        let literal = segment.is("MSH") && number <= 2;
        let repetitions: Vec<_> = field.repetitions().collect();
        for (at, repetition) in repetitions.iter().enumerate() {
            if literal || !repetition.is_empty() {
                let nth =
                    if repetitions.len() > 1 { format!("[{}]", at + 1) } else { String::new() };
                let path = format!("{}-{number}{nth}", segment.name());
                println!("  {path:<10} {}", if literal { field.raw() } else { repetition.raw() });
            }
        }
    }
}

fn apply_one(raw: &[u8], entity: &LegalEntity, seq: Seq, records: &MemoryRecords) -> Applied {
    let decoded = decode_message(raw, entity.charset);
    let context = Context { entity, seq, received_at: Micros::new(0) };
    match Message::index(&decoded.text) {
        Ok(message) => apply(&message, &context, records),
        Err(_) => Applied {
            effect: sluice_mappings::adt::Effect::NoEffect,
            changes: Vec::new(),
            issues: Vec::new(),
        },
    }
}

fn show_applied(applied: &Applied) {
    println!("effect    {:?}, {} records changed", applied.effect, applied.changes.len());
    for Issue { code, severity, at } in &applied.issues {
        println!("issue     {} ({severity:?}) at {at}", code.as_str());
    }
}

fn pretty(json: &[u8]) -> Result<String, Failure> {
    let value: serde_json::Value = serde_json::from_slice(json)?;
    Ok(serde_json::to_string_pretty(&value)?)
}
