//! `sluice demo`: the whole road, on a feed of our own.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::ExitCode;
use std::time::Duration;

use sluice_config::Sources;
use sluice_fixtures::demo::{self, DemoFeed};
use sluice_fixtures::replay::{Replayed, replay};

use super::serve::{self, Started};
use crate::cli;
use crate::exit::{CANNOT_START, Failure, NOT_SO, Outcome};

/// How long applying the bundled feed may take before the demonstration gives up on it.
const CATCH_UP: Duration = Duration::from_secs(60);

pub fn run(arguments: &cli::Demo) -> Outcome {
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
        let outcome = play(&started, arguments).await;
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
    if let Some(listeners) = config.get_mut("listener").and_then(toml::Value::as_array_mut) {
        for (index, listener) in listeners.iter_mut().enumerate() {
            let port = match arguments.mllp_base {
                0 => 0,
                base => base.saturating_add(2 * index as u16),
            };
            if let Some(table) = listener.as_table_mut() {
                table.insert("address".to_owned(), format!("127.0.0.1:{port}").into());
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

async fn play(started: &Started, arguments: &cli::Demo) -> Outcome {
    let feeds = demo::feeds();
    println!("\nplaying the bundled feed over MLLP …");
    let mut answered = Vec::new();
    for feed in &feeds {
        let to = started.listener(&format!("{}.mllp", feed.ej))?;
        let done = replay(&feed.messages, to)
            .await
            .map_err(|error| Failure::new(NOT_SO, format!("{}: {error}", feed.ej)))?;
        answered.push(done);
    }
    if !started.caught_up(CATCH_UP).await {
        return Err(Failure::new(NOT_SO, "the messages were not applied in time"));
    }
    let base = format!("http://{}", started.http());
    let mut seen = Vec::new();
    for feed in &feeds {
        let url = format!("{base}/ej/{}/fhir/R4", feed.ej);
        seen.push(
            tokio::task::spawn_blocking(move || Seen::of(&url))
                .await
                .map_err(|_| Failure::new(NOT_SO, "reading over HTTP failed"))??,
        );
    }
    print_table(&feeds, &answered, &seen);
    print_urls(&base, &feeds);
    let wrong = differences(&feeds, &answered, &seen);
    for line in &wrong {
        println!("NOT AS EXPECTED: {line}");
    }
    if arguments.exit {
        let code = if wrong.is_empty() { 0 } else { NOT_SO };
        if wrong.is_empty() {
            println!("everything is as the oracle says");
        }
        return Ok(ExitCode::from(code));
    }
    println!("\nserving; stop with Ctrl-C");
    serve::until_stopped(started).await
}

/// What a FHIR client sees of one EJ.
struct Seen {
    patients: u64,
    active: u64,
    stays: BTreeMap<String, u64>,
}

const STATUSES: [&str; 6] =
    ["planned", "in-progress", "onleave", "finished", "cancelled", "entered-in-error"];

impl Seen {
    fn of(url: &str) -> Result<Self, Failure> {
        let mut stays = BTreeMap::new();
        for status in STATUSES {
            stays.insert(
                status.to_owned(),
                total(&format!("{url}/Encounter?status={status}&_summary=count"))?,
            );
        }
        Ok(Self {
            patients: total(&format!("{url}/Patient?_summary=count"))?,
            active: total(&format!("{url}/Patient?active=true&_summary=count"))?,
            stays,
        })
    }
}

fn total(url: &str) -> Result<u64, Failure> {
    let failed = |what: String| Failure::new(NOT_SO, format!("GET {url}: {what}"));
    let mut answer = ureq::get(url).call().map_err(|e| failed(e.to_string()))?;
    let body = answer.body_mut().read_to_string().map_err(|e| failed(e.to_string()))?;
    let bundle: serde_json::Value = serde_json::from_str(&body)?;
    bundle["total"].as_u64().ok_or_else(|| failed("no total".to_owned()))
}

/// Everything that is not as the oracle says. A second demonstration in the same folder sends
/// what was sent before: the same answers, and the same state.
fn differences(feeds: &[DemoFeed], answered: &[Replayed], seen: &[Seen]) -> Vec<String> {
    let mut wrong = Vec::new();
    let mut compare = |ej: &str, what: &str, is: u64, should: u64| {
        if is != should {
            wrong.push(format!("{ej}: {what} {is}, expected {should}"));
        }
    };
    for ((feed, answered), seen) in feeds.iter().zip(answered).zip(seen) {
        for code in ["AA", "AE", "AR", "CA", "CE", "CR", "none"] {
            let is = answered.answers.get(code).copied().unwrap_or(0);
            let should = feed.expected.answers.get(code).copied().unwrap_or(0);
            compare(feed.ej, &format!("answers {code}"), is, should);
        }
        compare(feed.ej, "answers to another control id", answered.control_id_mismatches, 0);
        compare(feed.ej, "unanswered", answered.unanswered, 0);
        compare(feed.ej, "patients", seen.patients, feed.expected.patients.total);
        compare(feed.ej, "active patients", seen.active, feed.expected.patients.active);
        for status in STATUSES {
            let should = feed.expected.stays.by_status.get(status).copied().unwrap_or(0);
            compare(feed.ej, &format!("stays {status}"), seen.stays[status], should);
        }
    }
    wrong
}

fn print_table(feeds: &[DemoFeed], answered: &[Replayed], seen: &[Seen]) {
    println!(
        "\n{:<5} {:>8} {:<20} {:>8} {:>7} {:>8} {:>12} {:>9} {:>10}",
        "EJ",
        "messages",
        "answers",
        "patients",
        "active",
        "planned",
        "in progress",
        "finished",
        "cancelled"
    );
    for ((feed, answered), seen) in feeds.iter().zip(answered).zip(seen) {
        let answers: Vec<String> =
            answered.answers.iter().map(|(code, count)| format!("{code} {count}")).collect();
        println!(
            "{:<5} {:>8} {:<20} {:>8} {:>7} {:>8} {:>12} {:>9} {:>10}",
            feed.ej,
            answered.messages,
            answers.join(", "),
            seen.patients,
            seen.active,
            seen.stays["planned"],
            seen.stays["in-progress"],
            seen.stays["finished"],
            seen.stays["cancelled"],
        );
    }
}

fn print_urls(base: &str, feeds: &[DemoFeed]) {
    let ej = feeds[0].ej;
    println!("\nlook at");
    for path in [
        "/".to_owned(),
        "/fhir/R4/metadata".to_owned(),
        "/fhir/R4/Patient?family=du&_count=5&_pretty=true".to_owned(),
        format!("/ej/{ej}/fhir/R4/Encounter?status=in-progress&_pretty=true"),
        format!("/ej/{ej}/export/patients"),
        format!("/ej/{ej}/export/venues"),
        "/metrics".to_owned(),
    ] {
        println!("  {base}{path}");
    }
}
