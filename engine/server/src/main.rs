//! `sluice`: HL7v2 ADT in over MLLP, FHIR out.

mod acts;
mod alerts;
mod channels;
mod cli;
mod commands;
mod delivery;
mod engine;
mod exit;
mod messages;
mod sources;
mod telemetry;
mod wishes;

use std::process::ExitCode;

use clap::Parser;

use crate::cli::{Cli, Command};
use crate::exit::{Outcome, PIPE_CLOSED};

/// `sluice inspect feed.hl7 | head` is no fault: where nobody reads on, leave quietly.
fn leave_when_the_pipe_closes() {
    let before = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |info| {
        let payload = info.payload();
        let text = payload.downcast_ref::<String>().map_or("", String::as_str);
        if text.starts_with("failed printing to std") {
            std::process::exit(PIPE_CLOSED);
        }
        before(info);
    }));
}

fn main() -> ExitCode {
    leave_when_the_pipe_closes();
    match run(Cli::parse().command) {
        Ok(code) => code,
        Err(failure) => {
            commands::complain(&failure.message);
            ExitCode::from(failure.code)
        }
    }
}

fn run(command: Command) -> Outcome {
    match command {
        Command::Serve(arguments) => commands::serve::run(&arguments),
        Command::Demo(arguments) => commands::demo::run(&arguments),
        Command::Check(arguments) => commands::check::run(&arguments),
        Command::Inspect(arguments) => commands::inspect::run(&arguments),
        Command::Generate(arguments) => commands::generate::run(&arguments),
        Command::Replay(arguments) => commands::replay::run(&arguments),
        Command::Deidentify(arguments) => commands::deidentify::run(&arguments),
        Command::Compare(arguments) => commands::compare::run(&arguments),
        Command::History(arguments) => commands::compare::history_of(&arguments),
        Command::Merge(arguments) => commands::compare::merged(&arguments),
        Command::Verify(arguments) => commands::verify::run(&arguments),
        Command::Rebuild(arguments) => commands::rebuild::run(&arguments),
        Command::Token(arguments) => commands::token::run(arguments),
        Command::Channels(command) => commands::channels::run(&command),
        Command::Acts(arguments) => commands::acts::run(&arguments),
        Command::Messages(arguments) => commands::messages::run(&arguments),
        Command::Queues(arguments) => commands::delivery::queues(&arguments),
        Command::DeadLetters(arguments) => commands::delivery::dead_letters(&arguments),
        Command::Bench(arguments) => commands::bench::run(arguments),
    }
}
