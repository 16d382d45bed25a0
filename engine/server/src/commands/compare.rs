//! `sluice compare`, `history`, `merge`: reports held against each other and put together.

use std::path::Path;
use std::process::ExitCode;

use sluice_fixtures::report::{
    Comparison, Figure, Finding, Group, NotComparable, Report, Verdict, compare, history, in_unit,
    merge,
};

use super::reporting;
use crate::cli;
use crate::exit::{Failure, INVALID_RUN, NOT_SO, Outcome, USAGE};

pub fn run(arguments: &cli::Compare) -> Outcome {
    if !arguments.least.is_finite() || arguments.least < 0.0 {
        let said = format!("--least {}: is not a number from 0 on", arguments.least);
        return Err(Failure::new(USAGE, said));
    }
    let (before, after) = (read(&arguments.before)?, read(&arguments.after)?);
    let comparison = compare(&before, &after, arguments.least / 100.0).map_err(|error| {
        let code = match &error {
            NotComparable::Invalid(_) => INVALID_RUN,
            NotComparable::Kind | NotComparable::Manifest(_) => USAGE,
        };
        Failure::new(code, error.to_string())
    })?;
    if arguments.json {
        println!("{}", serde_json::to_string_pretty(&comparison)?);
    } else {
        print(&comparison, arguments.least);
    }
    Ok(ExitCode::from(if comparison.is_regression() { NOT_SO } else { 0 }))
}

fn read(file: &Path) -> Result<Report, Failure> {
    Report::read(file).map_err(|error| Failure::new(NOT_SO, error.to_string()))
}

fn print(comparison: &Comparison, least: f64) {
    let changed = |finding: &&Finding| {
        matches!(finding.verdict, Verdict::Better | Verdict::Worse | Verdict::Changed)
    };
    for finding in comparison.findings.iter().filter(changed) {
        let verdict = match finding.verdict {
            Verdict::Better => "better",
            Verdict::Worse => "WORSE",
            _ => "other",
        };
        let (before, after) =
            (in_unit(finding.before, &finding.unit), in_unit(finding.after, &finding.unit));
        let ratio = finding.ratio.map_or_else(String::new, |[ratio, low, high]| {
            let percent = |ratio: f64| (ratio - 1.0) * 100.0;
            format!("  {:+.1} % ({:+.1} to {:+.1} %)", percent(ratio), percent(low), percent(high))
        });
        println!("{verdict:<6}  {} {}: {before} → {after}{ratio}", finding.case, finding.name);
    }
    let count = |verdict| comparison.findings.iter().filter(|f| f.verdict == verdict).count();
    println!(
        "{} figures: {} worse, {} better, {} the same within noise or {least} %, {} with too few rounds to tell",
        comparison.findings.len(),
        count(Verdict::Worse),
        count(Verdict::Better),
        count(Verdict::Same) + count(Verdict::Changed),
        count(Verdict::Unknown),
    );
}

pub fn history_of(arguments: &cli::History) -> Outcome {
    let (groups, others) =
        history(&arguments.folder).map_err(|error| Failure::new(NOT_SO, error.to_string()))?;
    for (number, group) in groups.iter().enumerate() {
        if number > 0 {
            println!();
        }
        print_group(group);
    }
    if others > 0 {
        println!("{others} .json files are no reports that this version reads");
    }
    let found = !groups.is_empty();
    if !found {
        println!("{}: no reports", arguments.folder.display());
    }
    Ok(ExitCode::from(if found { 0 } else { NOT_SO }))
}

/// Every figure of every case, a column a run, and how the last one stands to the one before.
fn print_group(group: &Group) {
    let Some(first) = group.runs.first() else { return };
    let manifest: Vec<String> =
        first.report.manifest.iter().map(|(name, value)| format!("{name} {value}")).collect();
    println!("{:?}: {}", first.report.kind, manifest.join(", "));
    for run in &group.runs {
        println!("  {}  {}  {:?}", run.report.started_at, run.file, run.report.standing);
    }
    for case in &first.report.cases {
        for name in case.figures.keys() {
            let values: Vec<String> =
                group.runs.iter().map(|run| value(&run.report, &case.name, name)).collect();
            println!("  {:<28} {:<18} {}", case.name, name, values.join("  "));
        }
    }
}

fn value(report: &Report, case: &str, figure: &str) -> String {
    let case = report.cases.iter().find(|found| found.name == case);
    let told = |figure: &Figure| in_unit(figure.median(), &figure.unit);
    case.and_then(|case| case.figures.get(figure)).map_or_else(|| "-".to_owned(), told)
}

pub fn merged(arguments: &cli::Merge) -> Outcome {
    let shards: Vec<Report> =
        arguments.reports.iter().map(|file| read(file)).collect::<Result<_, _>>()?;
    let whole = merge(&shards).map_err(|error| Failure::new(USAGE, error.to_string()))?;
    for file in &arguments.files {
        reporting::write(&whole, file)?;
    }
    print!("{}", sluice_fixtures::report::text(&whole));
    Ok(ExitCode::SUCCESS)
}
