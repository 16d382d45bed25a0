//! What `sluice generate` was asked for, as a plan.

use sluice_fixtures::hospital::profile::{self, Dialect, Profile};
use sluice_fixtures::hospital::{Plan, Trigger, TriggerSet};

use super::cannot;
use crate::cli;
use crate::exit::{Failure, USAGE};

pub fn of(arguments: &cli::Generate) -> Result<Plan, Failure> {
    let usage = |why: String| Failure::new(USAGE, why);
    let mut profile = match &arguments.profile {
        None => Profile::default(),
        Some(path) => {
            let text = std::fs::read_to_string(path).map_err(|error| cannot(path, &error))?;
            Profile::read(&text).map_err(|why| usage(format!("{}: {why}", path.display())))?
        }
    };
    if let Some(start) = &arguments.start {
        profile.calendar.start.clone_from(start);
    }
    if arguments.dialect.is_some() || arguments.hl7.is_some() || arguments.charset.is_some() {
        profile.sender = vec![sender(arguments, &profile)];
    }
    for (kind, rate) in &arguments.fault {
        let faults = &mut profile.faults;
        let place = match &**kind {
            "duplicate" => &mut faults.duplicate,
            "disorder" => &mut faults.disorder,
            "bad-segment" => &mut faults.bad_segment,
            "lying-charset" => &mut faults.lying_charset,
            "missing-field" => &mut faults.missing_field,
            "oversize" => &mut faults.oversize,
            other => {
                return Err(usage(format!(
                    "--fault {other}: is none of duplicate, disorder, bad-segment, lying-charset, \
                     missing-field, oversize"
                )));
            }
        };
        *place = *rate;
    }
    let ejs = match arguments.ej.as_slice() {
        [all] if all == "all" => Vec::new(),
        some => some.to_vec(),
    };
    let events = match arguments.events.as_slice() {
        [] => TriggerSet::EVERY,
        some => some
            .iter()
            .map(|code| {
                Trigger::parse(code).ok_or_else(|| usage(format!("--events {code}: not generated")))
            })
            .collect::<Result<_, _>>()?,
    };
    let here = || std::thread::available_parallelism().map_or(1, usize::from);
    let threads = arguments.threads.map_or_else(here, usize::from);
    Ok(Plan {
        seed: arguments.seed,
        patients: arguments.patients,
        ejs,
        profile,
        events,
        structure: arguments.structure,
        threads,
    })
}

/// The one sender that replaces those of the profile.
fn sender(arguments: &cli::Generate, profile: &Profile) -> profile::Sender {
    let dialect = match (arguments.dialect, arguments.hl7.as_deref()) {
        (Some(cli::Dialect::PamFr), _) | (None, None | Some("2.5")) => Dialect::PamFr,
        (Some(cli::Dialect::International), _) | (None, Some(_)) => Dialect::International,
    };
    let hl7 = match dialect {
        Dialect::PamFr => "2.5",
        Dialect::International => "2.5.1",
    };
    profile::Sender {
        ej: profile.ej.keys().cloned().collect(),
        weight: 1,
        dialect,
        hl7: arguments.hl7.clone().unwrap_or_else(|| hl7.to_owned()),
        charset: arguments.charset.clone().unwrap_or_default(),
        accept_ack: String::new(),
        source: "the command line".to_owned(),
    }
}
