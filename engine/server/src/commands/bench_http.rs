//! `sluice bench export`, `sluice bench fhir`, `sluice bench scale` and `sluice bench mix`: what is asked of an engine over HTTP.

use std::process::ExitCode;
use std::time::Duration;

use sluice_fixtures::bench::FHIR_LOAD;
use sluice_fixtures::bench::child::Server;
use sluice_fixtures::bench::client::{Client, Form};
use sluice_fixtures::bench::export::{self, Bands, ExportPlan, ExportType};
use sluice_fixtures::bench::fhir::{self, FhirPlan};
use sluice_fixtures::bench::load::{self, Until};
use sluice_fixtures::bench::mix::{self, Mix, Target};
use sluice_fixtures::bench::process::Process;
use sluice_fixtures::bench::scale::{self, ScalePlan};
use sluice_fixtures::report::Threshold;

use super::auditing::token;
use super::bench::{executable, progress, scratch, slip};
use super::reporting;
use crate::cli;
use crate::exit::{Failure, NOT_SO, Outcome, USAGE};

/// An engine that is measured: somebody's, or one that was started for it.
struct Engine {
    client: Client,
    ej: String,
    process: Option<Process>,
    /// Dropped last: the engine first, and then its folder.
    own: Option<(Server, tempfile::TempDir)>,
}

impl Engine {
    fn of(arguments: &cli::Measured) -> Result<Self, Failure> {
        if let (Some(url), Some(ej)) = (&arguments.url, &arguments.ej) {
            let token = arguments.token.as_deref().map(token).transpose()?;
            return Ok(Self {
                client: Client::new(url, token),
                ej: ej.clone(),
                process: arguments.server_pid.map(Process),
                own: None,
            });
        }
        Self::own(arguments.patients)
    }

    /// Started for this, with so many patients.
    fn own(patients: u64) -> Result<Self, Failure> {
        let folder = scratch()?;
        let server = Server::engine(&executable()?, folder.path(), &[])?;
        progress(&format!("an engine of its own, with {patients} patients"));
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let connections = 8;
        let courses = Until::Courses(patients.div_ceil(u64::from(connections)));
        runtime.block_on(load::run(
            server.address("BENCH.mllp")?,
            connections,
            courses,
            FHIR_LOAD,
        ))?;
        server.caught_up(Duration::from_secs(300))?;
        Ok(Self {
            client: Client::new(&format!("http://{}", server.address("http")?), None),
            ej: "BENCH".to_owned(),
            process: Some(server.process()),
            own: Some((server, folder)),
        })
    }
}

pub fn export(arguments: &cli::BenchExport) -> Outcome {
    let thresholds = reporting::thresholds(&arguments.reporting, &export::MEASURES)?;
    let types = arguments.export_types.iter().map(|name| {
        ExportType::parse(name).ok_or_else(|| {
            let said = format!("--export-types {name}: is none of structure, patients, venues");
            Failure::new(USAGE, said)
        })
    });
    let types: Vec<ExportType> = types.collect::<Result<_, _>>()?;
    let bands = Bands::parse(&arguments.bands).ok_or_else(|| {
        let said = format!(
            "--bands {}: are not three ascending numbers, such as 20,50,80",
            arguments.bands
        );
        Failure::new(USAGE, said)
    })?;
    let engine = Engine::of(&arguments.engine)?;
    let both = arguments.with_cache == arguments.without_cache;
    let accept = if arguments.bundle { "application/fhir+json" } else { "application/fhir+ndjson" };
    let plan = ExportPlan {
        ej: engine.ej.clone(),
        types,
        iterations: arguments.iterations,
        warm_up: arguments.warm_up,
        concurrency: arguments.concurrency,
        with_cache: both || arguments.with_cache,
        without_cache: both || arguments.without_cache,
        form: Form { accept, gzip: !arguments.plain },
        bands,
    };
    let mut report = export::run(&engine.client, &plan, engine.process, progress)
        .map_err(|error| Failure::new(NOT_SO, error.to_string()))?;
    report.say("exports", arguments.export_types.join(", "));
    report.say("form", accept);
    report.say("gzip", plan.form.gzip);
    report.say("iterations", plan.iterations);
    report.say("concurrency", plan.concurrency);
    let patients = engine
        .own
        .as_ref()
        .map_or_else(|| "somebody's".to_owned(), |_| arguments.engine.patients.to_string());
    report.say("patients", patients);
    // All that was fetched of one type must be one thing.
    let agree =
        report.cases.iter().all(|case| case.counters.get("digests").is_none_or(|d| *d == 1));
    reporting::finish(report, &thresholds, &arguments.reporting, agree)
}

pub fn fhir(arguments: &cli::BenchFhir) -> Outcome {
    let thresholds = reporting::thresholds(&arguments.reporting, &fhir::MEASURES)?;
    let engine = Engine::own(arguments.patients)?;
    let (server, folder) = engine.own.as_ref().expect("it was started for this");
    let plan = FhirPlan {
        rounds: arguments.rounds,
        seconds: arguments.seconds,
        connections: arguments.connections,
        exports: arguments.exports,
        changes_per_second: arguments.changes,
    };
    let executable = executable()?;
    let bare = |folder: &std::path::Path| Server::bare_http(&executable, folder);
    let mut report = fhir::run(server, &folder.path().join("bare"), bare, &plan, progress)?;
    report.say("patients", arguments.patients);
    report.say("turns", format!("{} of {} s", plan.rounds, plan.seconds));
    report.say("connections", plan.connections);
    let right = report.cases.iter().all(|case| case.counters.get("errors").is_none_or(|e| *e == 0));
    reporting::finish(report, &thresholds, &arguments.reporting, right)
}

pub fn scale(arguments: &cli::BenchScale) -> Outcome {
    let thresholds = reporting::thresholds(&arguments.reporting, &scale::MEASURES)?;
    if !arguments.patients.is_sorted_by(|one, other| one < other) {
        return Err(Failure::new(USAGE, "--patients: are not ascending"));
    }
    let folder = scratch()?;
    let engine = Server::engine(&executable()?, folder.path(), &[])?;
    let plan = ScalePlan {
        sizes: arguments.patients.clone(),
        rounds: arguments.rounds,
        seconds: arguments.seconds,
        searchers: arguments.searchers,
        readers: arguments.readers,
    };
    let mut report = scale::run(&engine, &plan, progress)?;
    let sizes: Vec<String> = arguments.patients.iter().map(u64::to_string).collect();
    report.say("patients", sizes.join(", "));
    report.say("turns", format!("{} of {} s", plan.rounds, plan.seconds));
    report.say("searchers", plan.searchers);
    report.say("readers", plan.readers);
    let right = report.cases.iter().all(|case| case.counters.get("errors").is_none_or(|e| *e == 0));
    reporting::finish(report, &thresholds, &arguments.reporting, right)
}

pub fn mix(arguments: &cli::BenchMix) -> Outcome {
    if arguments.print_default {
        print!("{}", mix::DEFAULT.trim_start());
        return Ok(ExitCode::SUCCESS);
    }
    let (named, text) = match &arguments.file {
        None => ("the default mix".to_owned(), mix::DEFAULT.to_owned()),
        Some(file) => {
            let named = file.display().to_string();
            let text = std::fs::read_to_string(file)
                .map_err(|error| Failure::new(NOT_SO, format!("{named}: {error}")))?;
            (named, text)
        }
    };
    let usage = |error: &dyn std::fmt::Display| Failure::new(USAGE, format!("{named}: {error}"));
    let mix = Mix::read(&text).map_err(|error| usage(&error))?;
    let mut thresholds = reporting::thresholds(&arguments.reporting, &mix::MEASURES)?;
    for text in mix.thresholds() {
        let threshold = Threshold::parse(&text, &mix::MEASURES).map_err(|error| usage(&error))?;
        thresholds.push(threshold);
    }
    let slip_max = slip(&arguments.slip_max)?;
    let engine = Engine::of(&arguments.engine)?;
    let mllp = match (&engine.own, &arguments.mllp) {
        (Some((server, _)), _) => server.address("BENCH.mllp")?,
        (None, Some(to)) => super::resolve("--mllp", to)?,
        (None, None) => {
            return Err(Failure::new(
                USAGE,
                "--mllp: where does the engine at --url take messages?",
            ));
        }
    };
    let target = Target { mllp, client: engine.client.clone(), ej: engine.ej.clone(), slip_max };
    let mut report = mix::run(&target, &mix, progress)?;
    report.say("stages", text.split_whitespace().collect::<Vec<_>>().join(" "));
    let right = report.cases.iter().all(|case| case.counters.get("errors").is_none_or(|e| *e == 0));
    reporting::finish(report, &thresholds, &arguments.reporting, right)
}
