//! The site files: what each EJ's `site_file` holds, read and checked with file and line.

use std::path::Path;

use sluice_mappings::site::{SiteProblem, SiteSettings};

use crate::load::nearest;
use crate::problem::Problem;
use crate::settings::Config;

/// Puts the tables of each EJ's site file into its settings; everything that is wrong with them.
/// Paths count from `folder`, that of the configuration file.
pub fn read(
    config: &mut Config,
    folder: Option<&Path>,
    source_of: &dyn Fn(&str) -> String,
) -> Vec<Problem> {
    let mut problems = Vec::new();
    for (index, ej) in config.ej.iter_mut().enumerate() {
        if ej.site != SiteSettings::default() {
            let key = format!("ej.{index}.site");
            let what = "stands in a file of its own: name it with site_file".to_owned();
            problems.push(Problem { source: source_of(&key), key, what, nearest: None });
            // What it says is not checked further.
            ej.site = SiteSettings::default();
            continue;
        }
        if ej.site_file.is_empty() {
            continue;
        }
        let path = folder.unwrap_or(Path::new("")).join(&ej.site_file);
        match std::fs::read_to_string(&path) {
            Ok(text) => match parse(&path, &text) {
                Ok(site) => ej.site = site,
                Err(found) => problems.extend(found),
            },
            Err(error) => {
                let key = format!("ej.{index}.site_file");
                let what = format!("{} cannot be read: {error}", path.display());
                problems.push(Problem { source: source_of(&key), key, what, nearest: None });
            }
        }
    }
    problems
}

fn parse(path: &Path, text: &str) -> Result<SiteSettings, Vec<Problem>> {
    let at = |line: usize, column: Option<usize>| match column {
        Some(column) => format!("{}:{line}:{column}", path.display()),
        None => format!("{}:{line}", path.display()),
    };
    let site: SiteSettings = toml::from_str(text).map_err(|error| {
        let start = error.span().map_or(0, |span| span.start);
        let before = text.get(..start).unwrap_or("");
        let column = before.rsplit('\n').next().unwrap_or("").chars().count() + 1;
        let source = at(before.matches('\n').count() + 1, Some(column));
        let (what, nearest) = said(error.message());
        vec![Problem { key: String::new(), source, what, nearest }]
    })?;
    let problems: Vec<Problem> = site
        .problems()
        .into_iter()
        .map(|SiteProblem { table, row, what }| Problem {
            key: format!("{table}.{row}"),
            source: line_of(text, table, row).map_or(path.display().to_string(), |n| at(n, None)),
            what,
            nearest: None,
        })
        .collect();
    if problems.is_empty() { Ok(site) } else { Err(problems) }
}

/// What the reader of TOML refused, and the nearest known key where it names those there are.
fn said(message: &str) -> (String, Option<String>) {
    let names: Vec<&str> = message.split('`').skip(1).step_by(2).collect();
    match names.as_slice() {
        [unknown, known @ ..] if message.starts_with("unknown field") => {
            (format!("there is no such key: {unknown}"), nearest(unknown, known))
        }
        [unknown, known @ ..] if message.starts_with("unknown variant") => {
            (message.to_owned(), nearest(unknown, known))
        }
        _ => (message.to_owned(), None),
    }
}

/// The line of a table's row, where rows are written under headers of their own.
fn line_of(text: &str, table: &str, row: usize) -> Option<usize> {
    let header = format!("[[{table}]]");
    let mut headers = text.lines().enumerate().filter(|(_, line)| line.trim().starts_with(&header));
    headers.nth(row).map(|(index, _)| index + 1)
}
