//! `sluice generate`: a synthetic hospital's feed, to a file or straight to listeners.

mod listeners;
mod plan;

use std::collections::BTreeMap;
use std::io::{self, BufWriter, IsTerminal, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressStyle};
use sluice_fixtures::hospital::manifest::Manifest;
use sluice_fixtures::hospital::output::{Framing, Output};
use sluice_fixtures::hospital::profile;
use sluice_fixtures::hospital::wire::{Answers, Wire};
use sluice_fixtures::hospital::{GenerateError, Message, PatientTruth, Plan, Sink};

use super::whole_file::WholeFile;
use crate::cli;
use crate::exit::{Failure, NOT_SO, Outcome, PIPE_CLOSED, USAGE};

/// How long a listener may take to answer.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(30);

pub fn run(arguments: &cli::Generate) -> Outcome {
    if arguments.print_profile {
        print!("{}", profile::DEFAULT);
        return Ok(ExitCode::SUCCESS);
    }
    files(arguments)?;
    let plan = plan::of(arguments)?;
    // Before a file is made or a listener called.
    let ejs = plan.check().map_err(refused)?;
    let began = Instant::now();
    let (manifest, answers) = if arguments.to.is_empty() {
        (to_file(arguments, &plan)?, None)
    } else {
        let (manifest, answers) = to_listeners(arguments, &plan, &ejs)?;
        (manifest, Some(answers))
    };
    let seconds = began.elapsed().as_secs_f64();
    if let Some(path) = manifest_path(arguments) {
        let text = serde_json::to_string_pretty(&manifest)? + "\n";
        WholeFile::write(&path, text.as_bytes()).map_err(|error| cannot(&path, &error))?;
    }
    let mut out: Box<dyn Write> = if is_standard_output(arguments) {
        Box::new(io::stderr())
    } else {
        Box::new(StandardOutput)
    };
    if arguments.json {
        writeln!(out, "{}", serde_json::to_string(&manifest)?)?;
    } else {
        summarize(&mut out, &manifest, answers.as_ref(), seconds)?;
    }
    let as_expected = answers.is_none_or(|a| a.unexpected == 0 && a.mismatched == 0);
    Ok(if as_expected { ExitCode::SUCCESS } else { ExitCode::from(NOT_SO) })
}

/// What is written is named, and each name once.
fn files(arguments: &cli::Generate) -> Result<(), Failure> {
    let usage = |why: String| Err(Failure::new(USAGE, why));
    let mut names: Vec<&Path> = arguments.output.iter().map(PathBuf::as_path).collect();
    for (flag, file) in [("--truth", &arguments.truth), ("--manifest", &arguments.manifest)] {
        let Some(file) = file else { continue };
        if file == Path::new("-") {
            return usage(format!("{flag} -: goes to a file; --json prints the manifest"));
        }
        if names.contains(&file.as_path()) {
            return usage(format!("{flag} {}: is written already", file.display()));
        }
        names.push(file);
    }
    Ok(())
}

fn to_file(arguments: &cli::Generate, plan: &Plan) -> Result<Manifest, Failure> {
    let output = arguments.output.as_deref().unwrap_or(Path::new("-"));
    let framing = match arguments.framing {
        cli::Framing::BlankLine => Framing::BlankLine,
        cli::Framing::Mllp => Framing::Mllp,
        cli::Framing::Cr => Framing::Cr,
    };
    let mut file = match is_standard_output(arguments) {
        true => None,
        false => Some(WholeFile::create(output).map_err(|error| cannot(output, &error))?),
    };
    let mut truth = Truth::create(arguments)?;
    let feed: Box<dyn Write + '_> = match &mut file {
        None => Box::new(io::stdout()),
        Some(file) => Box::new(file),
    };
    let mut sink = Watched::new(Output::new(feed, framing, truth.writer()), arguments);
    let generated = plan.generate(&mut sink).and_then(|mut manifest| {
        sink.finish().finish(&mut manifest)?;
        Ok(manifest)
    });
    let manifest = match generated {
        Ok(manifest) => manifest,
        Err(GenerateError::Sink(error)) if file.is_none() && nobody_reads_on(&error) => {
            // Its file is no whole one, and goes.
            drop(truth);
            std::process::exit(PIPE_CLOSED);
        }
        Err(GenerateError::Sink(error)) => return Err(cannot(output, &error)),
        Err(error) => return Err(refused(error)),
    };
    if let Some(file) = file {
        file.keep().map_err(|error| cannot(output, &error))?;
    }
    truth.keep()?;
    Ok(manifest)
}

fn to_listeners(
    arguments: &cli::Generate,
    plan: &Plan,
    ejs: &[String],
) -> Result<(Manifest, Answers), Failure> {
    let to = listeners::of(&arguments.to, ejs)?;
    let mut truth = Truth::create(arguments)?;
    let wire = Wire::connect(&to, ANSWER_TIMEOUT, truth.writer())
        .map_err(|error| Failure::new(NOT_SO, format!("cannot connect to {error}")))?;
    let mut sink = Watched::new(wire, arguments);
    let mut manifest = plan.generate(&mut sink).map_err(refused)?;
    let answers = sink
        .finish()
        .finish(&mut manifest)
        .map_err(|error| Failure::new(NOT_SO, format!("waiting for answers: {error}")))?;
    truth.keep()?;
    Ok((manifest, answers))
}

/// The file of `--truth`, where it was asked for.
struct Truth(Option<(PathBuf, BufWriter<WholeFile>)>);

impl Truth {
    fn create(arguments: &cli::Generate) -> Result<Self, Failure> {
        let Some(path) = &arguments.truth else { return Ok(Self(None)) };
        let file = WholeFile::create(path).map_err(|error| cannot(path, &error))?;
        Ok(Self(Some((path.clone(), BufWriter::new(file)))))
    }

    fn writer(&mut self) -> Option<&mut BufWriter<WholeFile>> {
        self.0.as_mut().map(|(_, writer)| writer)
    }

    fn keep(self) -> Result<(), Failure> {
        let Some((path, writer)) = self.0 else { return Ok(()) };
        let kept = writer.into_inner().map_err(io::IntoInnerError::into_error);
        kept.and_then(WholeFile::keep).map_err(|error| cannot(&path, &error))
    }
}

/// Beside the feed, unless it is told where, or the feed is no file.
fn manifest_path(arguments: &cli::Generate) -> Option<PathBuf> {
    if let Some(path) = &arguments.manifest {
        return Some(path.clone());
    }
    let output = arguments.output.as_ref().filter(|output| output.is_file())?;
    let mut name = output.file_name()?.to_owned();
    name.push(".manifest.json");
    Some(output.with_file_name(name))
}

fn is_standard_output(arguments: &cli::Generate) -> bool {
    arguments.to.is_empty()
        && arguments.output.as_deref().is_none_or(|output| output == Path::new("-"))
}

fn cannot(path: &Path, error: &io::Error) -> Failure {
    Failure::new(NOT_SO, format!("{}: {error}", path.display()))
}

fn refused(error: GenerateError) -> Failure {
    let code = if matches!(error, GenerateError::Sink(_)) { NOT_SO } else { USAGE };
    Failure::new(code, error.to_string())
}

fn summarize(
    out: &mut dyn Write,
    manifest: &Manifest,
    answers: Option<&Answers>,
    seconds: f64,
) -> io::Result<()> {
    let rate = manifest.messages as f64 / seconds.max(f64::EPSILON);
    writeln!(
        out,
        "{} messages of {} patients in {seconds:.2} s ({rate:.0}/s)",
        manifest.messages, manifest.patients
    )?;
    let mean = manifest.message_bytes / manifest.messages.max(1);
    writeln!(
        out,
        "  sizes: {} to {} bytes, {mean} on average",
        manifest.smallest_message_bytes, manifest.largest_message_bytes
    )?;
    writeln!(out, "  sent: {} to {}", manifest.first_sent, manifest.last_sent)?;
    for (what, counts) in [
        ("EJs", &manifest.by_ej),
        ("events", &manifest.by_event),
        ("faults", &manifest.by_fault),
        ("to be answered", &manifest.by_answer),
    ] {
        if !counts.is_empty() {
            writeln!(out, "  {what}: {}", listed(counts))?;
        }
    }
    if let Some(answers) = answers {
        writeln!(out, "  answered: {}", listed(&answers.by_code))?;
        for (count, what) in [
            (answers.unexpected, "answered otherwise than they must be"),
            (answers.mismatched, "answered with another control id"),
        ] {
            if count > 0 {
                writeln!(out, "  {count} {what}")?;
            }
        }
    }
    writeln!(out, "  sha256: {} ({})", manifest.sha256, manifest.framing)
}

fn listed(counts: &BTreeMap<String, u64>) -> String {
    let counts: Vec<String> =
        counts.iter().map(|(name, count)| format!("{name} {count}")).collect();
    counts.join(", ")
}

/// As for `| head`.
fn nobody_reads_on(error: &io::Error) -> bool {
    error.kind() == io::ErrorKind::BrokenPipe
}

/// Leaves quietly where nobody reads on.
struct StandardOutput;

impl Write for StandardOutput {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match io::stdout().write(bytes) {
            Err(error) if nobody_reads_on(&error) => std::process::exit(PIPE_CLOSED),
            written => written,
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        io::stdout().flush()
    }
}

/// A sink whose messages are counted on the terminal.
struct Watched<S> {
    inner: S,
    bar: ProgressBar,
    unseen: u64,
}

/// Messages between two looks at the terminal.
const SEEN_EVERY: u64 = 4096;

impl<S: Sink> Watched<S> {
    fn new(inner: S, arguments: &cli::Generate) -> Self {
        let bar = if arguments.json || !io::stderr().is_terminal() {
            ProgressBar::hidden()
        } else {
            let style = ProgressStyle::with_template("{spinner} {pos} messages {per_sec}");
            ProgressBar::no_length()
                .with_style(style.unwrap_or_else(|_| ProgressStyle::default_spinner()))
        };
        Self { inner, bar, unseen: 0 }
    }

    fn finish(self) -> S {
        self.bar.finish_and_clear();
        self.inner
    }
}

impl<S: Sink> Sink for Watched<S> {
    fn message(&mut self, message: &Message<'_>) -> io::Result<()> {
        self.unseen += 1;
        if self.unseen == SEEN_EVERY {
            self.bar.inc(self.unseen);
            self.unseen = 0;
        }
        self.inner.message(message)
    }

    fn wants_truth(&self) -> bool {
        self.inner.wants_truth()
    }

    fn truth(&mut self, truth: &PatientTruth) -> io::Result<()> {
        self.inner.truth(truth)
    }
}
