//! `sluice demo`: the whole road, on a feed of our own.

mod seen;

use std::path::Path;
use std::process::ExitCode;
use std::time::Duration;

use sluice_config::Sources;
use sluice_fixtures::audit::Engine;
use sluice_fixtures::demo::{self, DemoFeed};
use sluice_fixtures::hospital::Trigger;
use sluice_fixtures::replay::{Replayed, replay};
use sluice_mappings::adt;

use self::seen::{Seeded, Seen};
use super::serve::{self, Started};
use crate::cli;
use crate::exit::{CANNOT_START, Failure, NOT_SO, Outcome, USAGE};

/// How long applying the feed may take before the demonstration gives up on it.
const CATCH_UP: Duration = Duration::from_secs(60);

pub fn run(arguments: &cli::Demo) -> Outcome {
    // The feed holds what this engine maps, so that all of it shows.
    let mapped = adt::Trigger::ALL.iter().filter_map(|event| Trigger::parse(event.as_str()));
    let feeds = demo::feeds(arguments.patients, mapped.collect())
        .map_err(|error| Failure::new(USAGE, error.to_string()))?;
    let temporary = match &arguments.data_dir {
        Some(_) => None,
        None => Some(tempfile::Builder::new().prefix("sluice-demo-").tempdir()?),
    };
    let folder = arguments
        .data_dir
        .clone()
        .or_else(|| temporary.as_ref().map(|t| t.path().join("data")))
        .unwrap_or_default();
    let loaded = sluice_config::load(&sources(arguments, &folder))?;
    let runtime = serve::runtime()?;
    let outcome = runtime.block_on(async {
        let started = serve::start(loaded).await.map_err(with_other_ports)?;
        let outcome = play(&started, &feeds, arguments).await;
        let stopped = started.stop().await;
        outcome.and_then(|code| stopped.map(|()| code))
    });
    runtime.shutdown_timeout(Duration::from_secs(1));
    outcome
}

/// A port that is taken, with the flag that chooses another.
fn with_other_ports(mut failure: Failure) -> Failure {
    if failure.code == CANNOT_START && failure.message.starts_with("MLLP") {
        failure.message.push_str(
            "; choose other ports with --mllp-base P (EJ1 to EJ4 listen on P, P+2, P+4 and P+6)",
        );
    }
    failure
}

fn sources(arguments: &cli::Demo, folder: &Path) -> Sources {
    let mut config: toml::Table = demo::CONFIG.parse().unwrap_or_default();
    if let Some(channels) = config.get_mut("channel").and_then(toml::Value::as_array_mut) {
        for (index, channel) in channels.iter_mut().enumerate() {
            let port = match arguments.mllp_base {
                0 => 0,
                base => base.saturating_add(2 * index as u16),
            };
            let source = channel.get_mut("source").and_then(toml::Value::as_table_mut);
            if let Some(source) = source {
                source.insert("address".to_owned(), format!("127.0.0.1:{port}").into());
            }
        }
    }
    Sources {
        file: None,
        text: Some(("the demonstration", config.to_string())),
        flags: vec![
            ("data_dir".to_owned(), super::quoted(&folder.display().to_string())),
            ("http.address".to_owned(), super::quoted(&arguments.http.to_string())),
            ("log.level".to_owned(), "warn".to_owned()),
        ],
        environment: false,
    }
}

async fn play(started: &Started, feeds: &[DemoFeed], arguments: &cli::Demo) -> Outcome {
    let base = format!("http://{}", started.http());
    // A folder that was seeded before is read first, once what it holds is applied.
    caught_up(started).await?;
    let before = look(&base, feeds).await?;
    let messages: usize = feeds.iter().map(|feed| feed.messages.len()).sum();
    println!(
        "\nsending the structure of {} EJs and the feed of {} invented patients, {messages} messages, over MLLP …",
        feeds.len(),
        arguments.patients
    );
    let mut answered = Vec::new();
    for feed in feeds {
        let to = started.listener(&format!("{}.mllp", feed.ej))?;
        let done = replay(&feed.messages, to)
            .await
            .map_err(|error| Failure::new(NOT_SO, format!("{}: {error}", feed.ej)))?;
        answered.push(done);
    }
    caught_up(started).await?;
    let after = look(&base, feeds).await?;
    seen::print_table(feeds, &answered, &after);
    seen::print_seeded(&Seeded::between(&before, &after));
    print_urls(&base, &feeds[0].ej);
    let wrong = differences(feeds, &answered, &after);
    for line in &wrong {
        println!("NOT AS EXPECTED: {line}");
    }
    if arguments.exit {
        let code = if wrong.is_empty() { 0 } else { NOT_SO };
        if wrong.is_empty() {
            println!("everything is as the synthetic hospital says");
        }
        return Ok(ExitCode::from(code));
    }
    println!("\nserving; stop with Ctrl-C");
    serve::until_stopped(started).await
}

async fn caught_up(started: &Started) -> Result<(), Failure> {
    if started.caught_up(CATCH_UP).await {
        Ok(())
    } else {
        Err(Failure::new(NOT_SO, "the messages were not applied in time"))
    }
}

/// What a FHIR client sees of each EJ.
async fn look(base: &str, feeds: &[DemoFeed]) -> Result<Vec<Seen>, Failure> {
    let engine = Engine::new(base, None);
    let ejs: Vec<String> = feeds.iter().map(|feed| feed.ej.clone()).collect();
    tokio::task::spawn_blocking(move || ejs.iter().map(|ej| Seen::of(&engine, ej)).collect())
        .await
        .map_err(|_| Failure::new(NOT_SO, "reading over HTTP failed"))?
}

/// Everything that is not as the generator says. A second demonstration in the same folder sends
/// what was sent before: the same answers, and the same state.
fn differences(feeds: &[DemoFeed], answered: &[Replayed], seen: &[Seen]) -> Vec<String> {
    let mut wrong = Vec::new();
    let mut compare = |ej: &str, what: &str, is: u64, should: u64| {
        if is != should {
            wrong.push(format!("{ej}: {what} {is}, expected {should}"));
        }
    };
    for ((feed, answered), seen) in feeds.iter().zip(answered).zip(seen) {
        let expected = &feed.expected;
        for code in ["AA", "AE", "AR", "CA", "CE", "CR", "none"] {
            let is = answered.answers.get(code).copied().unwrap_or(0);
            let should = expected.answers.get(code).copied().unwrap_or(0);
            compare(&feed.ej, &format!("answers {code}"), is, should);
        }
        compare(&feed.ej, "answers to another control id", answered.control_id_mismatches, 0);
        compare(&feed.ej, "unanswered", answered.unanswered, 0);
        compare(&feed.ej, "patients", seen.patients, expected.patients);
        compare(&feed.ej, "active patients", seen.active, expected.active);
        compare(&feed.ej, "rooms and beds", seen.rooms_and_beds, expected.places);
        for status in seen::STATUSES {
            let should = expected.stays.get(status).copied().unwrap_or(0);
            let is = seen.stays.get(status).copied().unwrap_or(0);
            compare(&feed.ej, &format!("stays {status}"), is, should);
        }
    }
    wrong
}

fn print_urls(base: &str, ej: &str) {
    println!("\nlook at");
    for path in [
        "/".to_owned(),
        "/fhir/R4/metadata".to_owned(),
        "/fhir/R4/Patient?family=mar&_count=5&_pretty=true".to_owned(),
        format!("/ej/{ej}/fhir/R4/Encounter?status=in-progress&_pretty=true"),
        format!("/ej/{ej}/export/structure"),
        format!("/ej/{ej}/export/patients"),
        format!("/ej/{ej}/export/venues"),
        "/metrics".to_owned(),
    ] {
        println!("  {base}{path}");
    }
}
