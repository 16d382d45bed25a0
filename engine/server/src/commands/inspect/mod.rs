//! `sluice inspect`: how a message is read, how it would be answered, the FHIR that it makes and
//! from what, and what became of each of its fields.
//!
//! This shows patient data, to whoever can read the file anyway: on standard output only.

mod coverage;
mod explanation;
mod places;
mod reading;
mod steps;

use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use bytes::Bytes;
use serde_json::{Value, json};
use sluice_channels::ack::Verdict;
use sluice_channels::steps::Steps;
use sluice_fixtures::feed;
use sluice_flow::judge_alone;
use sluice_ids::{EjId, Micros, Seq};
use sluice_mappings::adt::memory::MemoryRecords;
use sluice_mappings::adt::{Context, Effect, Issue, Outcome as Applied, Severity, apply};
use sluice_mappings::entity::{EjSettings, LegalEntity};
use sluice_mappings::explain::{Explanation, explain};
use sluice_mappings::fhir::{FhirVersion, render};
use sluice_mappings::hl7::{Location, Message, decode_message};

use self::coverage::Coverage;
use self::steps::Walk;
use crate::cli;
use crate::exit::{Failure, NOT_SO, Outcome, USAGE};

pub fn run(arguments: &cli::Inspect) -> Outcome {
    let (files, version) = asked(arguments)?;
    let (entity, steps) = rules(arguments)?;
    let mut show = Show {
        entity: &entity,
        steps,
        version: version.unwrap_or(FhirVersion::R4),
        arguments,
        all_accepted: true,
        seq: Seq::ZERO,
        machine: Vec::new(),
        coverage: Coverage::default(),
    };
    let with_fhir = version.is_some() && !arguments.explain && !arguments.coverage;
    let mut records = MemoryRecords::new();
    for (at, file) in files.iter().enumerate() {
        // Files that are named are one feed; those of a folder have nothing to do with each other.
        if file.is_of_a_folder {
            records = MemoryRecords::new();
        }
        show.file(&file.path, &mut records)?;
        let is_last_of_feed = files.get(at + 1).is_none_or(|next| next.is_of_a_folder);
        if with_fhir && is_last_of_feed {
            show.fhir(&records)?;
        }
    }
    if arguments.coverage {
        show.coverage.finish(arguments.json, &mut show.machine);
    }
    if arguments.json {
        println!("{}", serde_json::to_string_pretty(&show.machine)?);
    }
    Ok(if show.all_accepted { ExitCode::SUCCESS } else { ExitCode::from(NOT_SO) })
}

struct File {
    path: PathBuf,
    is_of_a_folder: bool,
}

/// The files that are meant, those of a folder among them, and the FHIR version that was asked
/// for. The word after `--fhir` is a file where it is no version: `--fhir message.hl7`.
fn asked(arguments: &cli::Inspect) -> Result<(Vec<File>, Option<FhirVersion>), Failure> {
    let mut named = arguments.files.clone();
    let version = match &arguments.fhir {
        None => None,
        Some(None) => Some(FhirVersion::R4),
        Some(Some(word)) => match word.parse() {
            Ok(version) => Some(version),
            Err(_) if Path::new(word).exists() || word == "-" => {
                named.push(PathBuf::from(word));
                Some(FhirVersion::R4)
            }
            Err(error) => return Err(Failure::new(USAGE, format!("--fhir {word}: {error}"))),
        },
    };
    if named.is_empty() {
        return Err(Failure::new(USAGE, "names no file; `-` is standard input"));
    }
    let mut files = Vec::new();
    for name in named {
        if name.is_dir() {
            within(&name, &mut files)?;
        } else {
            files.push(File { path: name, is_of_a_folder: false });
        }
    }
    Ok((files, version))
}

/// The `.hl7` files of a folder and of those in it, in order of name.
fn within(folder: &Path, files: &mut Vec<File>) -> Result<(), Failure> {
    let unreadable =
        |error: std::io::Error| Failure::new(NOT_SO, format!("{}: {error}", folder.display()));
    let mut entries = Vec::new();
    for entry in std::fs::read_dir(folder).map_err(unreadable)? {
        entries.push(entry.map_err(unreadable)?.path());
    }
    entries.sort();
    for entry in entries {
        if entry.is_dir() {
            within(&entry, files)?;
        } else if entry.extension().is_some_and(|extension| extension == "hl7") {
            files.push(File { path: entry, is_of_a_folder: true });
        }
    }
    Ok(())
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

/// The EJ that was asked for, or the channel's, or one that follows the international rules; and
/// the channel's steps.
fn rules(arguments: &cli::Inspect) -> Result<(LegalEntity, Steps), Failure> {
    let usage = |what: String| Failure::new(USAGE, what);
    let not_so = |what: String| Failure::new(NOT_SO, what);
    let (mut settings, mut steps) = (None, Steps::default());
    if arguments.ej.is_some() || arguments.channel.is_some() {
        let config = super::load(&arguments.config, None)?.config;
        let channel = match &arguments.channel {
            None => None,
            Some(name) => {
                let found = config.channel.iter().find(|channel| channel.id.as_str() == name);
                let absent = "not a channel of the configuration (--config FILE)";
                Some(found.ok_or_else(|| usage(format!("--channel {name}: {absent}")))?)
            }
        };
        if let Some(channel) = channel {
            let unusable = |_| not_so(format!("{}: a step cannot be used", channel.id));
            steps = Steps::new(&channel.step).map_err(unusable)?;
        }
        let own = channel.and_then(|channel| channel.ejs.first()).map(EjId::as_str);
        let name = arguments.ej.as_deref().or(own).unwrap_or_default();
        let found = config.ej.iter().find(|ej| ej.id.as_str() == name).cloned();
        let absent =
            || usage(format!("--ej {name}: not an EJ of the configuration (--config FILE)"));
        settings = Some(found.ok_or_else(absent)?);
    }
    let settings = match settings {
        Some(settings) => settings,
        None => EjSettings {
            test_messages: true,
            ..EjSettings::named(EjId::new("EJ").map_err(|e| usage(e.to_string()))?)
        },
    };
    let entity = LegalEntity::new(settings).map_err(|error| not_so(error.to_string()))?;
    Ok((entity, steps))
}

/// What is shown, message by message.
struct Show<'a> {
    entity: &'a LegalEntity,
    /// Of the channel that was asked for.
    steps: Steps,
    version: FhirVersion,
    arguments: &'a cli::Inspect,
    all_accepted: bool,
    /// Of the last message.
    seq: Seq,
    /// With `--json`: one value for each message, and the summary.
    machine: Vec<Value>,
    coverage: Coverage,
}

impl Show<'_> {
    /// The messages of a file, each on what those before left.
    fn file(&mut self, file: &Path, records: &mut MemoryRecords) -> Result<(), Failure> {
        let messages = feed::messages(read(file)?);
        if messages.is_empty() {
            return Err(Failure::new(NOT_SO, format!("{}: holds no message", file.display())));
        }
        if let Some(path) = &self.arguments.at {
            return reading::show_place(&messages[0], path);
        }
        for (index, raw) in messages.iter().enumerate() {
            let nth = Nth { file, number: index + 1, of: messages.len() };
            self.message(&nth, raw, records);
        }
        Ok(())
    }

    /// Every resource there is.
    fn fhir(&mut self, records: &MemoryRecords) -> Result<(), Failure> {
        let rendered = records.all().map(|record| render(&record, self.entity, self.version));
        let resources = rendered.map(|bytes| serde_json::from_slice(&bytes));
        let resources = resources.collect::<Result<Vec<Value>, _>>()?;
        if self.arguments.json {
            self.machine.push(json!({ "fhir": self.version.name(), "resources": resources }));
            return Ok(());
        }
        println!("── FHIR {} after the last message", self.version);
        for resource in resources {
            println!("{}", serde_json::to_string_pretty(&resource)?);
        }
        Ok(())
    }

    fn message(&mut self, nth: &Nth<'_>, raw: &Bytes, records: &mut MemoryRecords) {
        self.seq = self.seq.next();
        let seq = self.seq;
        let (verdict, place) = judge_alone(self.entity, raw);
        self.all_accepted &= verdict.is_accepted();
        let examined = self.arguments.explain || self.arguments.coverage;
        let decoded = decode_message(raw, self.entity.charset);
        let walk = (verdict.is_accepted() && !self.steps.is_empty())
            .then(|| Walk::of(&self.steps, &decoded.text));
        let text = match &walk {
            None => Some(&*decoded.text),
            Some(walk) => walk.text.as_deref(),
        };
        let message =
            text.filter(|_| verdict.is_accepted()).and_then(|text| Message::index(text).ok());
        let context = Context { entity: self.entity, seq, received_at: Micros::new(0) };
        let explained = message
            .as_ref()
            .filter(|_| examined)
            .map(|message| explain(message, &context, &*records, self.version));
        let applied = match (&explained, &message) {
            (Some(explanation), _) => Some(explanation.outcome.clone()),
            (None, Some(message)) => Some(apply(message, &context, &*records)),
            (None, None) => None,
        };
        if self.arguments.json {
            let mut value = self.as_json(nth, verdict, place, applied.as_ref());
            if let Some(walk) = &walk {
                value["channel"] = walk.as_json();
            }
            if let (Some(message), Some(explanation)) = (&message, &explained) {
                self.add_examined(&mut value, message, explanation);
            }
            self.machine.push(value);
        } else {
            println!("── message {} of {} ({} bytes)", nth.number, nth.of, raw.len());
            show_answer(verdict, place);
            if !examined {
                reading::show_message(raw);
            }
            if let Some(walk) = &walk {
                walk.show();
            }
            if let Some(applied) = &applied {
                show_applied(applied);
            }
            if let (Some(message), Some(explanation)) = (&message, &explained) {
                if self.arguments.explain {
                    explanation::show(message, explanation);
                }
                if self.arguments.coverage {
                    self.coverage.show(message, explanation);
                }
            }
        }
        if let Some(applied) = applied {
            records.accept(applied.changes);
        }
    }

    fn as_json(
        &self,
        nth: &Nth<'_>,
        verdict: Verdict,
        place: Option<Location>,
        applied: Option<&Applied>,
    ) -> Value {
        let row = verdict.row();
        let mut value = json!({
            "file": nth.file.display().to_string(),
            "message": nth.number,
            "answer": row.original.to_string(),
        });
        if row.condition.is_some() {
            value["refused"] = json!({
                "verdict": verdict.as_str(),
                "at": place.or(row.at).map(|at| at.to_string()),
            });
        }
        if let Some(applied) = applied {
            value["effect"] = json!(effect(applied.effect));
            value["issues"] = applied.issues.iter().map(issue_json).collect();
        }
        value
    }

    fn add_examined(&mut self, value: &mut Value, message: &Message<'_>, found: &Explanation) {
        if self.arguments.explain {
            value["fhir"] = json!(self.version.name());
            value["resources"] = explanation::as_json(message, found);
        }
        if self.arguments.coverage {
            value["fields"] = self.coverage.as_json(message, found);
        }
    }
}

/// Which message of which file.
struct Nth<'a> {
    file: &'a Path,
    number: usize,
    of: usize,
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

fn show_applied(applied: &Applied) {
    println!("effect    {}, {} records changed", effect(applied.effect), applied.changes.len());
    for Issue { code, severity, at } in &applied.issues {
        let severity = severity_name(*severity);
        println!("issue     {} ({severity}) at {at}: {}", code.as_str(), code.meaning());
    }
}

const fn effect(effect: Effect) -> &'static str {
    match effect {
        Effect::Applied => "applied",
        Effect::NoEffect => "no effect",
        Effect::NotMapped => "not mapped",
    }
}

const fn severity_name(severity: Severity) -> &'static str {
    match severity {
        Severity::Information => "information",
        Severity::Warning => "warning",
        Severity::Error => "error",
    }
}

fn issue_json(issue: &Issue) -> Value {
    json!({
        "code": issue.code.as_str(),
        "severity": severity_name(issue.severity),
        "at": issue.at.to_string(),
        "meaning": issue.code.meaning(),
    })
}
