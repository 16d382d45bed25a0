//! `sluice replay`: feed files to a listener.

use std::io::{IsTerminal, Read};
use std::net::{SocketAddr, ToSocketAddrs};
use std::path::Path;
use std::process::ExitCode;
use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use sluice_fixtures::feed;
use sluice_fixtures::replay::{ReplayPlan, Replayed, replay};

use crate::cli;
use crate::exit::{Failure, NOT_SO, Outcome, USAGE};

pub fn run(arguments: &cli::Replay) -> Outcome {
    let to = resolve(&arguments.to)?;
    let mut messages = Vec::new();
    for file in &arguments.files {
        let bytes = read(file)?;
        let found = feed::messages(&bytes);
        // A broken message among good ones is sent, and refused, visibly; a file without a single
        // MSH is the wrong file.
        if !found.iter().any(|message| message.trim_ascii_start().starts_with(b"MSH")) {
            return Err(Failure::new(
                NOT_SO,
                format!("{}: holds no message (none begins with MSH)", file.display()),
            ));
        }
        messages.extend(found);
    }
    let plan =
        ReplayPlan { to, answer_timeout: Duration::from_secs(arguments.timeout), attempts_max: 3 };
    let bar = progress_bar(messages.len() as u64, arguments.json);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let done = runtime
        .block_on(replay(&messages, &plan, |_| bar.inc(1)))
        .map_err(|error| Failure::new(NOT_SO, format!("{to}: {error}")))?;
    bar.finish_and_clear();
    if arguments.json {
        println!("{}", serde_json::to_string(&done)?);
    } else {
        print_summary(&done);
    }
    Ok(if done.all_accepted() { ExitCode::SUCCESS } else { ExitCode::from(NOT_SO) })
}

pub fn print_summary(done: &Replayed) {
    let rate = done.messages as f64 / done.seconds.max(f64::EPSILON);
    println!("{} messages in {:.1} s ({rate:.0}/s)", done.messages, done.seconds);
    let answers: Vec<String> =
        done.answers.iter().map(|(code, count)| format!("{code} {count}")).collect();
    println!("  answers: {}", answers.join(", "));
    println!(
        "  answer after: p50 {} µs, p99 {} µs, max {} µs",
        done.p50_us, done.p99_us, done.max_us
    );
    for (count, what) in [
        (done.unanswered, "without an answer"),
        (done.control_id_mismatches, "answered with another control id"),
        (done.resent, "sent again after a broken connection"),
    ] {
        if count > 0 {
            println!("  {count} {what}");
        }
    }
}

fn resolve(to: &str) -> Result<SocketAddr, Failure> {
    to.to_socket_addrs()
        .ok()
        .and_then(|mut found| found.next())
        .ok_or_else(|| Failure::new(USAGE, format!("--to {to}: is not HOST:PORT")))
}

/// A file, or standard input for `-`.
pub fn read(file: &Path) -> Result<Vec<u8>, Failure> {
    let mut bytes = Vec::new();
    let outcome = if file == Path::new("-") {
        std::io::stdin().read_to_end(&mut bytes).map(drop)
    } else {
        std::fs::read(file).map(|read| bytes = read)
    };
    outcome.map_err(|error| Failure::new(NOT_SO, format!("{}: {error}", file.display())))?;
    Ok(bytes)
}

/// A live bar on a terminal, nothing elsewhere.
fn progress_bar(messages: u64, silent: bool) -> ProgressBar {
    if silent || !std::io::stderr().is_terminal() {
        return ProgressBar::with_draw_target(Some(messages), ProgressDrawTarget::hidden());
    }
    let style = ProgressStyle::with_template("{bar:40} {pos}/{len} {per_sec} {eta}")
        .unwrap_or_else(|_| ProgressStyle::default_bar());
    ProgressBar::new(messages).with_style(style)
}
