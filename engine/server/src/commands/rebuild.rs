//! `sluice rebuild`: the state folded anew.

use std::process::ExitCode;
use std::time::{Duration, Instant};

use sluice_journal::begins_late;
use sluice_mappings::records::RecordType;
use sluice_state::{Access, RebuildFrom, State};

use crate::cli;
use crate::engine::{Core, chain, entities, holds_journal, journal_folder, state_folder};
use crate::exit::{CANNOT_START, CONFIGURATION, Failure, NOT_SO, Outcome};
use crate::telemetry;

/// How often the lanes are asked whether they still go on.
const LOOK_EVERY: Duration = Duration::from_secs(1);

pub fn run(arguments: &cli::Rebuild) -> Outcome {
    let config = super::load(&arguments.config, None)?.config;
    telemetry::install_panic_hook();
    telemetry::install_logging(config.log);
    if !holds_journal(&journal_folder(&config)) {
        return Err(Failure::new(
            NOT_SO,
            format!("{}: holds no journal", config.data_dir.display()),
        ));
    }
    let entities = entities(&config)?;
    if entities.is_empty() {
        return Err(Failure::new(
            CONFIGURATION,
            "no EJ is declared, so nothing could be folded: --config FILE says which there are",
        ));
    }
    let cannot =
        |error: &dyn std::error::Error| Failure::new(CANNOT_START, chain("the state", error));
    // What retention let go of is known from the checkpoints alone: they are not thrown away.
    let from = if begins_late(&journal_folder(&config)) {
        eprintln!("old segments were let go: folding from the newest checkpoint, not from zero");
        RebuildFrom::Checkpoint
    } else {
        RebuildFrom::Zero
    };
    State::order_rebuild(&state_folder(&config), from).map_err(|e| cannot(&e))?;
    let began = Instant::now();
    let runtime = super::serve::runtime()?;
    let core = Core::open(&config, &entities)?;
    while !runtime.block_on(core.caught_up(LOOK_EVERY)) {
        if let Some((ej, halt)) = core.halted() {
            // Left as it is, without a last cut: a state that could not be folded must not stand
            // in the place of a checkpoint that could.
            std::mem::forget(core);
            return Err(Failure::new(NOT_SO, format!("{ej} cannot be folded to its end: {halt}")));
        }
    }
    println!("folded anew in {:.2} s", began.elapsed().as_secs_f64());
    let access = Access::all();
    let scope = core.state().scope(&access);
    for ej in scope.ejs() {
        let Some(view) = scope.ej(*ej) else { continue };
        let hash = core.state().hash(&access, *ej).ok().flatten().unwrap_or_default();
        println!(
            "{ej}: up to message {}, {} patients, {} stays, {} places, hash {}",
            view.applied(),
            view.count(RecordType::Patient),
            view.count(RecordType::Stay),
            view.count(RecordType::Location),
            hash.iter().take(8).map(|b| format!("{b:02x}")).collect::<String>()
        );
    }
    core.close()?;
    Ok(ExitCode::SUCCESS)
}
