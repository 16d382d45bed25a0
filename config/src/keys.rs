//! The files and folders that channels name: found, and told, before the configuration is checked.

use std::path::Path;

use sluice_channels::SourceSettings;

use crate::check::Wrong;
use crate::settings::Config;

/// Finds the folders that are watched and the files that steps name; everything that is wrong with them. Paths count from `folder`,
/// that of the configuration file.
pub fn resolve(config: &mut Config, folder: &Path) -> Vec<Wrong> {
    let mut wrong = Vec::new();
    for (index, channel) in config.channel.iter_mut().enumerate() {
        if let SourceSettings::Folder(source) = &mut channel.source {
            source.path = folder.join(&source.path);
        }
        for (step, settings) in channel.step.iter_mut().enumerate() {
            let Err(problem) = settings.resolve(folder) else { continue };
            wrong.push((format!("channel.{index}.step.{step}.{}", problem.key), problem.what));
        }
    }
    wrong
}
