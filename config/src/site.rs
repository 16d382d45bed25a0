//! The site files: what each EJ's `site_file` holds, read and checked with file and line.

use std::path::Path;

use sluice_mappings::site::{SiteProblem, SiteSettings};

use crate::problem::Problem;
use crate::settings::Config;
use crate::toml_file;

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
    let site: SiteSettings = toml_file::parse(path, text).map_err(|problem| vec![problem])?;
    let problems: Vec<Problem> = site
        .problems()
        .into_iter()
        .map(|SiteProblem { table, row, what }| Problem {
            source: toml_file::place(path, text, &format!("{table}.{row}")),
            key: format!("{table}.{row}"),
            what,
            nearest: None,
        })
        .collect();
    if problems.is_empty() { Ok(site) } else { Err(problems) }
}
