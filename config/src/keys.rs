//! What steps read from files: found, and told, before the configuration is checked.

use std::path::Path;

use crate::problem::Problem;
use crate::settings::Config;

/// Finds the files that steps name; everything that is wrong with them. Paths count from `folder`,
/// that of the configuration file.
pub fn resolve(
    config: &mut Config,
    folder: Option<&Path>,
    source_of: &dyn Fn(&str) -> String,
) -> Vec<Problem> {
    let folder = folder.unwrap_or(Path::new(""));
    let mut problems = Vec::new();
    for (index, listener) in config.listener.iter_mut().enumerate() {
        for (step, settings) in listener.step.iter_mut().enumerate() {
            let Err(problem) = settings.resolve(folder) else { continue };
            let key = format!("listener.{index}.step.{step}.{}", problem.key);
            problems.push(Problem {
                source: source_of(&key),
                key,
                what: problem.what,
                nearest: None,
            });
        }
    }
    problems
}
