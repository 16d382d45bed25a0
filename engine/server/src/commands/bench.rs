//! `sluice bench`: measure, beside a baseline of the same run.

use std::path::Path;
use std::process::ExitCode;

use sluice_fixtures::bench::delivery::{self, DeliveryPlan};
use sluice_fixtures::bench::mllp::{MllpPlan, MllpReport, Row, Turn};
use sluice_fixtures::bench::rates::{self, RatesPlan};
use sluice_fixtures::bench::state::StateReport;
use sluice_fixtures::bench::urgent::{self, UrgentPlan};
use sluice_fixtures::bench::{bare, bare_http, mllp, state};
use sluice_fixtures::replay::span;
use sluice_fixtures::replay::telling::MEASURES;
use sluice_fixtures::report::Threshold;

use super::reporting;
use crate::cli;
use crate::exit::{Failure, Outcome, USAGE};

pub fn run(arguments: cli::Bench) -> Outcome {
    match arguments {
        cli::Bench::Mllp {
            seconds,
            burst_seconds,
            connections,
            rounds,
            rates,
            find_knee,
            window,
            poisson,
            slip_max,
            reporting,
        } => {
            if find_knee || !rates.is_empty() {
                let seed = poisson.then_some(1);
                let slip_max = slip(&slip_max)?;
                if seconds == 0 {
                    return Err(Failure::new(USAGE, "--seconds 0: a rate needs time"));
                }
                let plan = RatesPlan {
                    connections,
                    rates,
                    seconds,
                    window,
                    seed,
                    slip_max,
                    thresholds: Vec::new(),
                };
                return at_rates(plan, &reporting);
            }
            if seconds == 0 && burst_seconds == 0 {
                let said = "--seconds 0 --burst-seconds 0: nothing would be measured";
                return Err(Failure::new(USAGE, said));
            }
            let thresholds = reporting::thresholds(&reporting, &mllp::MEASURES)?;
            let plan = MllpPlan { seconds, burst_seconds, connections, rounds };
            let folder = scratch()?;
            let report = mllp::run(&executable()?, folder.path(), &plan, progress)?;
            if !reporting.json {
                print_mllp(&report, &plan);
            }
            let all = report.state_is_right();
            reporting::conclude(report.report(&plan), &thresholds, &reporting, all, false)
        }
        cli::Bench::Urgent { seconds, rounds, connections, every, reporting } => {
            let every =
                span(&every).map_err(|error| Failure::new(USAGE, format!("--every: {error}")))?;
            let thresholds = reporting::thresholds(&reporting, &urgent::MEASURES)?;
            let plan = UrgentPlan { seconds, rounds, connections, every };
            let folder = scratch()?;
            let report = urgent::run(&executable()?, folder.path(), &plan, progress)?;
            reporting::finish(report, &thresholds, &reporting, true)
        }
        cli::Bench::Delivery { seconds, rounds, connections, reporting } => {
            let thresholds = reporting::thresholds(&reporting, &delivery::MEASURES)?;
            let plan = DeliveryPlan { seconds, rounds, connections };
            let folder = scratch()?;
            let report = delivery::run(&executable()?, folder.path(), plan, progress)?;
            reporting::finish(report, &thresholds, &reporting, true)
        }
        cli::Bench::Export(arguments) => super::bench_http::export(&arguments),
        cli::Bench::Fhir(arguments) => super::bench_http::fhir(&arguments),
        cli::Bench::Scale(arguments) => super::bench_http::scale(&arguments),
        cli::Bench::Mix(arguments) => super::bench_http::mix(&arguments),
        cli::Bench::Stages { messages, json } => super::stages::run(messages, json),
        cli::Bench::State { patients, json } => {
            let folder = scratch()?;
            let report = state::run(&executable()?, folder.path(), patients, progress)?;
            if json {
                println!("{}", serde_json::to_string_pretty(&report)?);
            } else {
                print_state(&report);
            }
            Ok(ExitCode::SUCCESS)
        }
        cli::Bench::BareHttp { folder } => serve_bare_http(&folder),
        cli::Bench::Bare { file, no_sync } => serve_bare(&file, !no_sync),
    }
}

/// By a schedule: at each rate, or up to the highest that holds.
fn at_rates(mut plan: RatesPlan, reporting: &cli::Reporting) -> Outcome {
    if let Some(rate) = plan.rates.iter().find(|rate| !rate.is_finite() || **rate <= 0.0) {
        return Err(Failure::new(USAGE, format!("--rates {rate}: is not above 0")));
    }
    let thresholds = reporting::thresholds(reporting, &MEASURES)?;
    let audited = ["lost", "duplicated", "reordered", "state_compared"];
    if let Some(threshold) = thresholds.iter().find(|t| audited.contains(&t.about())) {
        let said = format!("--fail {threshold}: is measured by `sluice replay --audit` alone");
        return Err(Failure::new(USAGE, said));
    }
    let knee = plan.rates.is_empty();
    if knee {
        plan.thresholds = thresholds.clone();
        if thresholds.is_empty() {
            let usual = ["response.p99<50ms", "unanswered==0", "refused==0"];
            let usual = usual.into_iter().map(|text| Threshold::parse(text, &MEASURES));
            plan.thresholds = usual
                .collect::<Result<_, _>>()
                .map_err(|error| Failure::new(USAGE, error.to_string()))?;
        }
    }
    let folder = scratch()?;
    let mut report = rates::run(&executable()?, folder.path(), &plan, progress)?;
    report.say("load", "courses, by a schedule");
    report.say("seconds", plan.seconds);
    report.say("window", plan.window);
    report.say("arrivals", if plan.seed.is_some() { "poisson" } else { "even" });
    let right = report
        .cases
        .iter()
        .all(|case| case.counters.get("state_differences").is_none_or(|differing| *differing == 0));
    if knee {
        let names: Vec<String> = plan.thresholds.iter().map(ToString::to_string).collect();
        report.say("knee of", names.join(", "));
        return reporting::finish(report, &[], reporting, right);
    }
    report.say("rates", format!("{:?}", plan.rates));
    reporting::finish(report, &thresholds, reporting, right)
}

/// How late a sender may be.
pub fn slip(text: &str) -> Result<std::time::Duration, Failure> {
    span(text).map_err(|error| Failure::new(USAGE, format!("--slip-max: {error}")))
}

pub fn executable() -> Result<std::path::PathBuf, Failure> {
    Ok(std::env::current_exe()?)
}

/// A folder beside where the command runs: a temporary one may be in memory, where fdatasync
/// costs nothing and every figure lies.
pub fn scratch() -> Result<tempfile::TempDir, Failure> {
    Ok(tempfile::Builder::new().prefix("sluice-bench-").tempdir_in(".")?)
}

pub fn progress(what: &str) {
    eprintln!("… {what}");
}

fn print_mllp(report: &MllpReport, plan: &MllpPlan) {
    println!(
        "{} B messages, closed loop; medians of {} turns; senders on the same machine",
        report.message_bytes, plan.rounds
    );
    if !report.sustained.is_empty() {
        println!("\nSustained, {} s a turn: senders are held to what is applied", plan.seconds);
        print_rows(&report.sustained);
    }
    if !report.burst.is_empty() {
        println!(
            "\nBurst, {} s a turn: acknowledged alone, applied while it lasts and after it",
            plan.burst_seconds
        );
        print_rows(&report.burst);
    }
    println!(
        "\n{} acknowledged, {} refused; patients, stays, ended stays: {:?}, as they should be: {}",
        report.acknowledged,
        report.refused,
        report.state,
        if report.state == report.expected { "yes" } else { "NO" }
    );
    if !report.sustained.is_empty() {
        println!(
            "resident memory after the sustained turns: {} MB",
            report.memory_bytes / 1_000_000
        );
    }
}

fn print_rows(rows: &[Row]) {
    println!(
        "{:>5}  {:>9} {:>9}  {:>18}  {:>8} {:>8}  {:>8} {:>8}  {:>7} {:>7}  {:>8} {:>11}",
        "conns",
        "ours/s",
        "bare/s",
        "ratio (min-max)",
        "p50",
        "p99",
        "bare p50",
        "bare p99",
        "CPU µs",
        "bare",
        "lag ms",
        "catch-up ms"
    );
    for row in rows {
        let [least, middle, greatest] = row.ratio;
        println!(
            "{:>5}  {:>9.0} {:>9.0}  {middle:>6.2} ({least:.2}-{greatest:.2})  {:>5} µs {:>5} µs  {:>5} µs {:>5} µs  {:>7.1} {:>7.1}  {:>8.0} {:>11.0}",
            row.connections,
            median(&row.ours, |t| t.messages_per_second),
            median(&row.bare, |t| t.messages_per_second),
            median(&row.ours, |t| t.p50_us as f64),
            median(&row.ours, |t| t.p99_us as f64),
            median(&row.bare, |t| t.p50_us as f64),
            median(&row.bare, |t| t.p99_us as f64),
            median(&row.ours, |t| t.cpu_us_per_message),
            median(&row.bare, |t| t.cpu_us_per_message),
            row.lag_ms_max,
            row.catch_up_ms,
        );
    }
}

fn median(turns: &[Turn], of: impl Fn(&Turn) -> f64) -> f64 {
    let mut all: Vec<f64> = turns.iter().map(of).collect();
    all.sort_by(f64::total_cmp);
    all.get(all.len() / 2).copied().unwrap_or(0.0)
}

fn print_state(report: &StateReport) {
    println!(
        "{} patients, {} stays from {} messages, applied at {:.0}/s",
        report.patients, report.stays, report.records, report.applied_per_second
    );
    println!(
        "resident memory: {} MB after the load, {} MB at its highest, {} MB after a restart",
        report.memory_bytes / 1_000_000,
        report.memory_bytes_max / 1_000_000,
        report.restart_memory_bytes / 1_000_000
    );
    println!(
        "restart after kill -9: {:.2} s ({:.2} s per million records); with the state thrown away: {:.2} s",
        report.restart_seconds,
        report.restart_seconds_per_million(),
        report.rebuild_seconds
    );
}

fn serve_bare(file: &Path, sync: bool) -> Outcome {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(async {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
        println!("listening bare {}", listener.local_addr()?);
        println!("ready");
        bare::serve(listener, file, sync).await?;
        Ok(ExitCode::SUCCESS)
    })
}

fn serve_bare_http(folder: &Path) -> Outcome {
    // As many workers as the engine has.
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(async {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
        println!("listening http {}", listener.local_addr()?);
        println!("ready");
        bare_http::serve(listener, folder).await?;
        Ok(ExitCode::SUCCESS)
    })
}
