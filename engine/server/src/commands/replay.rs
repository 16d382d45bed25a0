//! `sluice replay`: a feed to a listener, by a schedule, on two clocks.

use std::io::IsTerminal;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use sha2::{Digest, Sha256};
use sluice_fixtures::feed::{Feed, Origin, hex, sent_at};
use sluice_fixtures::proxy::{self, Network};
use sluice_fixtures::replay::telling::{MEASURES, report};
use sluice_fixtures::replay::{
    Arrivals, ReplayError, Rewriting, Schedule, Sending, Shard, Tally, Tcp, play, span,
};
use sluice_fixtures::report::{Report, Standing, Threshold};
use sluice_mappings::deidentify::deidentify;
use tokio::net::TcpStream;
use tokio::sync::watch;

use super::auditing::Auditor;
use super::reporting;
use crate::cli;
use crate::exit::{Failure, NOT_SO, Outcome, USAGE};

/// How often a line is written where there is no terminal.
const LINE_EVERY: Duration = Duration::from_secs(10);

pub fn run(arguments: &cli::Replay) -> Outcome {
    let thresholds = reporting::thresholds(&arguments.reporting, &MEASURES)?;
    measured(&thresholds, &arguments.audit)?;
    let asked = Asked::of(arguments)?;
    let mut feed = read(&arguments.files)?;
    may_go_there(&feed, &asked.to, arguments.deidentify.is_some())?;
    let digest = feed.sha256.clone();
    prepare(&mut feed, arguments)?;
    let schedule = Schedule::make(&feed, &asked.arrivals, arguments.connections, asked.shard);
    if schedule.due.is_empty() {
        return Err(Failure::new(
            NOT_SO,
            "nothing is due: the stages end before the first message, or this shard has no patient",
        ));
    }
    let auditor = Auditor::prepare(arguments)?;
    let (tally, stopped) = send(&feed, &schedule, &asked, arguments)?;
    let mut report = report(&tally, &schedule, &asked.arrivals, asked.slip_max);
    if stopped {
        report.remarks.push("stopped before its end; what was under way counts at its age".into());
    }
    describe(&mut report, arguments, &asked, &digest, &feed);
    let audit = auditor.look(&feed, &tally)?;
    audit.tell(&mut report);
    let all = !stopped && tally.all_accepted(schedule.due.len() as u64) && audit.is_clean();
    reporting::finish(report, &thresholds, &arguments.reporting, all)
}

/// What nobody looks at cannot hold: that is said before the run, and not after it.
fn measured(thresholds: &[Threshold], audit: &cli::Auditing) -> Result<(), Failure> {
    for threshold in thresholds {
        let needed = match threshold.about() {
            "lost" | "duplicated" | "reordered" if audit.audit_journal.is_none() => {
                "--audit-journal"
            }
            "state_compared" | "state_differences" if audit.audit.is_none() => "--audit",
            _ => continue,
        };
        let said = format!("--fail {threshold}: is measured with {needed} alone");
        return Err(Failure::new(USAGE, said));
    }
    Ok(())
}

/// Files, folders, captures, standard input.
pub fn read(files: &[PathBuf]) -> Result<Feed, Failure> {
    let feed = Feed::read(files).map_err(|error| Failure::new(NOT_SO, error.to_string()))?;
    for capture in &feed.captures {
        eprintln!(
            "capture: {} packets, {} flows; {} answers left out, {} frames not whole, {} packets over a limit, {} of links that are not read",
            capture.packets,
            capture.flows,
            capture.answers,
            capture.cut_frames,
            capture.over_limit,
            capture.packets_of_other_links
        );
    }
    Ok(feed)
}

/// The arguments, read and found usable.
struct Asked {
    to: SocketAddr,
    arrivals: Arrivals,
    /// The law of arrivals as the manifest tells it.
    pace: String,
    shard: Shard,
    network: Option<Network>,
    slip_max: Duration,
}

impl Asked {
    fn of(arguments: &cli::Replay) -> Result<Self, Failure> {
        let usage = |what: &str, error: &dyn std::fmt::Display| {
            Failure::new(USAGE, format!("{what}: {error}"))
        };
        let (arrivals, pace) = arrivals(&arguments.pace)?;
        let shard = Shard::parse(&arguments.shard).ok_or_else(|| {
            let said = "is not K/N with K from 1 to N, such as 2/3";
            usage(&format!("--shard {}", arguments.shard), &said)
        })?;
        let slip_max = span(&arguments.slip_max).map_err(|e| usage("--slip-max", &e))?;
        let latency = arguments.latency.as_deref().map(span).transpose();
        let latency = latency.map_err(|e| usage("--latency", &e))?;
        let loss = arguments.loss.unwrap_or(0.0);
        if !(0.0..100.0).contains(&loss) {
            return Err(usage("--loss", &format!("{loss} is not from 0 to less than 100")));
        }
        let network = (latency.is_some() || loss > 0.0).then(|| Network {
            latency: latency.unwrap_or_default(),
            loss: loss / 100.0,
            seed: arguments.pace.seed,
        });
        Ok(Self {
            to: super::resolve("--to", &arguments.to)?,
            arrivals,
            pace,
            shard,
            network,
            slip_max,
        })
    }
}

fn arrivals(pace: &cli::Pace) -> Result<(Arrivals, String), Failure> {
    let usage = |what: &str| {
        let what = what.to_owned();
        move |error| Failure::new(USAGE, format!("{what}: {error}"))
    };
    let seed = pace.poisson.then_some(pace.seed);
    let scattered = seed.map_or_else(String::new, |seed| format!(", poisson {seed}"));
    if !pace.speed.is_finite() || pace.speed <= 0.0 {
        return Err(Failure::new(USAGE, format!("--speed {}: is not above 0", pace.speed)));
    }
    Ok(if let Some(rate) = pace.rate {
        let arrivals = Arrivals::constant(rate, seed).map_err(usage("--rate"))?;
        (arrivals, format!("{rate}/s{scattered}"))
    } else if let Some(stages) = &pace.stages {
        (Arrivals::stages(stages, seed).map_err(usage("--stages"))?, format!("{stages}{scattered}"))
    } else if let Some(file) = &pace.profile {
        let named = format!("--profile {}", file.display());
        let text = std::fs::read_to_string(file)
            .map_err(|error| Failure::new(NOT_SO, format!("{named}: {error}")))?;
        let arrivals = Arrivals::profile(&text, pace.speed, seed).map_err(usage(&named))?;
        let told = format!("{arrivals:?}");
        (arrivals, format!("a day, digest {}{scattered}", digest(&told)))
    } else if pace.as_recorded {
        let gap_max = pace.max_gap.as_deref().map(span).transpose();
        let gap_max = gap_max.map_err(usage("--max-gap"))?;
        let told = format!("as recorded, {} times as fast, gaps up to {gap_max:?}", pace.speed);
        (Arrivals::Recorded { speed: pace.speed, gap_max }, told)
    } else {
        if pace.poisson {
            return Err(Failure::new(
                USAGE,
                "--poisson: needs --rate, --stages or --profile, whose moments it scatters",
            ));
        }
        (Arrivals::Closed, "closed".to_owned())
    })
}

/// A short name for a long description; equal for equal ones on every machine.
fn digest(text: &str) -> String {
    hex(&Sha256::digest(text)[..8])
}

/// What may be somebody's stays on this machine.
fn may_go_there(feed: &Feed, to: &SocketAddr, surrogates: bool) -> Result<(), Failure> {
    if to.ip().is_loopback() || surrogates || feed.origin != Origin::Raw {
        return Ok(());
    }
    Err(Failure::new(
        USAGE,
        format!(
            "{to} is not this machine, and the feed may be somebody's. It goes elsewhere under surrogates \
             (--deidentify KEYFILE), or where a manifest beside it says that `sluice generate` or \
             `sluice deidentify` made exactly these bytes"
        ),
    ))
}

/// Surrogates, control ids, times: in that order, all before anything is sent.
fn prepare(feed: &mut Feed, arguments: &cli::Replay) -> Result<(), Failure> {
    if let Some(file) = &arguments.deidentify {
        let key = super::deidentify::key(file)?;
        for message in &mut feed.messages {
            *message = deidentify(message, &key).into();
        }
    }
    let run = if arguments.new_control_ids {
        let mut run = [0; 16];
        getrandom::fill(&mut run)
            .map_err(|error| Failure::new(NOT_SO, format!("no randomness to be had: {error}")))?;
        Some(run)
    } else {
        None
    };
    let shift = arguments.shift.as_deref().map(|text| shift(text, feed)).transpose()?;
    let rewriting = Rewriting { run, shift };
    if !rewriting.is_nothing() {
        feed.messages = rewriting.apply(&feed.messages);
    }
    Ok(())
}

/// A span, or what lies between the first message and now.
fn shift(text: &str, feed: &Feed) -> Result<jiff::SignedDuration, Failure> {
    if text == "now" {
        let first = feed.messages.iter().find_map(|message| sent_at(message)).ok_or_else(|| {
            Failure::new(NOT_SO, "--shift now: no message says when it was sent (MSH-7, EVN-2)")
        })?;
        let now = jiff::Zoned::now().datetime();
        let since = now.duration_since(jiff::civil::date(1970, 1, 1).at(0, 0, 0, 0));
        return Ok(jiff::SignedDuration::from_secs(since.as_secs() - first / 1_000_000));
    }
    let parsed: Option<jiff::Span> = text.parse().ok();
    parsed
        .and_then(|span| span.to_duration(jiff::SpanRelativeTo::days_are_24_hours()).ok())
        .ok_or_else(|| {
            let said = format!("--shift {text}: is neither a span, such as 30d or -2h, nor now");
            Failure::new(USAGE, said)
        })
}

/// Sends; and whether it was stopped from the keyboard.
fn send(
    feed: &Feed,
    schedule: &Schedule,
    asked: &Asked,
    arguments: &cli::Replay,
) -> Result<(Tally, bool), Failure> {
    let sending = Sending {
        window: arguments.window as usize,
        answer_timeout: Duration::from_secs(arguments.timeout),
        ..Sending::default()
    };
    let mut live = Live::new(schedule.due.len() as u64, arguments.reporting.json);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let outcome = runtime.block_on(async {
        let to = match asked.network {
            Some(network) => {
                // Behind the proxy nobody would look like somebody who hangs up.
                TcpStream::connect(asked.to).await.map_err(ReplayError::Unreachable)?;
                proxy::start(asked.to, network).await.map_err(ReplayError::Sender)?
            }
            None => asked.to,
        };
        let (ask, stop) = watch::channel(false);
        let asked_to_stop = stop.clone();
        tokio::spawn(async move {
            if tokio::signal::ctrl_c().await.is_ok() {
                let _ = ask.send(true);
            }
            // Held for as long as the run lasts: nobody else can ask.
            std::future::pending::<()>().await;
        });
        let messages = feed.messages.clone().into();
        let tally = play(Tcp(to), messages, schedule, &sending, stop, |t| live.show(t)).await?;
        Ok((tally, *asked_to_stop.borrow()))
    });
    live.bar.finish_and_clear();
    outcome.map_err(|error: ReplayError| {
        let (to, mut said) = (asked.to, error.to_string());
        if let ReplayError::Lost { tally, .. } = &error {
            said = format!(
                "{said}; {} of {} were accepted until then",
                tally.accepted(),
                schedule.due.len()
            );
        }
        Failure::new(NOT_SO, format!("{to}: {said}"))
    })
}

/// A live line on a terminal; plain lines elsewhere, and none where a machine reads.
struct Live {
    bar: ProgressBar,
    plain: bool,
    told: std::time::Instant,
    began: std::time::Instant,
}

impl Live {
    fn new(messages: u64, json: bool) -> Self {
        let terminal = std::io::stderr().is_terminal();
        let bar = if terminal && !json {
            let style = ProgressStyle::with_template("{bar:30} {pos}/{len} {eta}  {msg}");
            ProgressBar::new(messages)
                .with_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()))
        } else {
            ProgressBar::with_draw_target(Some(messages), ProgressDrawTarget::hidden())
        };
        let now = std::time::Instant::now();
        Self { bar, plain: !terminal && !json, told: now, began: now }
    }

    fn show(&mut self, tally: &Tally) {
        let done = tally.response.count();
        self.bar.set_position(done);
        if self.plain && self.told.elapsed() < LINE_EVERY {
            return;
        }
        let codes: Vec<String> =
            tally.answers.iter().map(|(code, count)| format!("{code} {count}")).collect();
        let rate = done as f64 / self.began.elapsed().as_secs_f64().max(f64::EPSILON);
        let line = format!(
            "{rate:.0}/s  {}  p50 {:.1} ms  p99 {:.1} ms",
            codes.join(" "),
            tally.response.quantile(0.5) / 1e3,
            tally.response.quantile(0.99) / 1e3
        );
        if self.plain {
            self.told = std::time::Instant::now();
            eprintln!("{done} of {}: {line}", self.bar.length().unwrap_or(0));
        } else {
            self.bar.set_message(line);
        }
    }
}

/// What must be the same for another run to be comparable, and what may differ.
fn describe(
    report: &mut Report,
    arguments: &cli::Replay,
    asked: &Asked,
    digest: &str,
    feed: &Feed,
) {
    report.say("feed", digest);
    report.say("messages", feed.messages.len());
    report.say("arrivals", &asked.pace);
    report.say("connections", arguments.connections);
    report.say("window", arguments.window);
    report.say("shards", asked.shard.of);
    report.say("control ids", if arguments.new_control_ids { "anew" } else { "as they came" });
    report.say("surrogates", arguments.deidentify.is_some());
    let network = asked.network.map_or_else(
        || "as it is".to_owned(),
        |n| format!("{:?} each way, {} % lost, seed {}", n.latency, n.loss * 100.0, n.seed),
    );
    report.say("network", network);
    let mut tell = |name: &str, value: String| {
        report.environment.insert(name.to_owned(), value);
    };
    tell("shard", asked.shard.number.to_string());
    tell("target", asked.to.to_string());
    if report.standing == Standing::Saturated && arguments.pace.rate.is_some() {
        report
            .remarks
            .push("a lower --rate, more --connections or a wider --window may fit".into());
    }
}
