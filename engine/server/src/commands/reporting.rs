//! What every measurement does with its report: judge it, print it, write it where it was asked for.

use std::path::Path;
use std::process::ExitCode;

use sluice_fixtures::report::{Report, Standing, Threshold, Vocabulary, csv, html, svg, text};

use crate::cli::Reporting;
use crate::exit::{Failure, INVALID_RUN, NOT_SO, Outcome, USAGE};

/// The thresholds as they were asked for, before anything is run.
pub fn thresholds(
    reporting: &Reporting,
    vocabulary: &Vocabulary,
) -> Result<Vec<Threshold>, Failure> {
    for file in &reporting.reports {
        form_of(file)?;
    }
    let parsed = reporting.thresholds.iter().map(|text| Threshold::parse(text, vocabulary));
    parsed.collect::<Result<_, _>>().map_err(|error| Failure::new(USAGE, format!("--fail {error}")))
}

/// Judges, tells, writes; how the command ends. `otherwise` decides where no threshold was given.
pub fn finish(
    report: Report,
    thresholds: &[Threshold],
    reporting: &Reporting,
    otherwise: bool,
) -> Outcome {
    conclude(report, thresholds, reporting, otherwise, true)
}

/// The same, where the text may have been told already.
pub fn conclude(
    mut report: Report,
    thresholds: &[Threshold],
    reporting: &Reporting,
    otherwise: bool,
    tell: bool,
) -> Outcome {
    let holds = report.judge(thresholds);
    for file in &reporting.reports {
        write(&report, file)?;
    }
    if reporting.json {
        println!("{}", serde_json::to_string_pretty(&report)?);
    } else if tell {
        print!("{}", text(&report));
    } else {
        for judged in report.thresholds.iter().filter(|judged| !judged.holds) {
            println!("{} ({}) DOES NOT HOLD", judged.threshold, judged.case);
        }
    }
    let passed = if thresholds.is_empty() { otherwise } else { holds };
    Ok(ExitCode::from(match (report.standing, passed) {
        (Standing::Invalid, _) => INVALID_RUN,
        (_, true) => 0,
        (_, false) => NOT_SO,
    }))
}

#[derive(Clone, Copy)]
enum Form {
    Json,
    Csv,
    Html,
    Svg,
}

fn form_of(file: &Path) -> Result<Form, Failure> {
    match file.extension().and_then(|extension| extension.to_str()) {
        Some("json") => Ok(Form::Json),
        Some("csv") => Ok(Form::Csv),
        Some("html") => Ok(Form::Html),
        Some("svg") => Ok(Form::Svg),
        _ => Err(Failure::new(
            USAGE,
            format!("{}: a report is written as .json, .csv, .html or .svg", file.display()),
        )),
    }
}

/// Writes a report in the form that the file's name asks for.
pub fn write(report: &Report, file: &Path) -> Result<(), Failure> {
    let content = match form_of(file)? {
        Form::Json => serde_json::to_string_pretty(report)?,
        Form::Csv => csv(report),
        Form::Html => html(report).map_err(|error| undrawn(file, &*error))?,
        Form::Svg => svg(report)
            .map_err(|error| undrawn(file, &*error))?
            .ok_or_else(|| undrawn(file, &"there are no times to draw"))?,
    };
    std::fs::write(file, content)
        .map_err(|error| Failure::new(NOT_SO, format!("{}: {error}", file.display())))
}

fn undrawn(file: &Path, error: &dyn std::fmt::Display) -> Failure {
    Failure::new(NOT_SO, format!("{}: drawing a chart: {error}", file.display()))
}
