//! Told before asked: alerts of what our own metrics say.
//!
//! - One look at all metrics every `alerts.every_s`; what is of a window compares with the look at
//!   its beginning. The same metrics are in `docs/prometheus/sluice.rules.yml`.
//! - An alert is told once in the log and by the webhook, and once when it is over. What is kept
//!   is the alerts that stand, the samples of one window, and a week of each channel.

mod board;
mod certificate;
mod quiet;
mod rules;
mod sample;
mod webhook;

use std::collections::{BTreeSet, VecDeque};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use metrics_exporter_prometheus::PrometheusHandle;
use parking_lot::Mutex;
use serde_json::{Value, json};
use sluice_config::{AlertSettings, Config};
use sluice_http::AlertDesk;
use tokio::task::JoinHandle;

use self::board::{Board, Standing, Told};
use self::quiet::Feeds;
use self::rules::{ALERTS, About};
use self::sample::Sample;
use self::webhook::Webhook;
use crate::exit::{CONFIGURATION, Failure};

/// What channels took, by the type of their source.
const TAKEN: [&str; 3] =
    ["sluice_mllp_frames_total", "sluice_folder_messages_total", "sluice_posted_messages_total"];

/// What channels have that is watched.
#[derive(Default, Clone)]
pub struct Declared {
    /// Those that are enabled.
    pub channels: BTreeSet<String>,
    /// Whose, and the file.
    pub certificates: Vec<(String, PathBuf)>,
}

/// Asked at each look, since channels come and go while the engine runs; `None`: it ends.
pub type Ask = Box<dyn Fn() -> Option<Declared> + Send>;

/// Tells the recorder what the names mean.
pub fn describe_metrics() {
    metrics::describe_gauge!("sluice_alerts_standing", "Alerts that stand, by name");
    metrics::describe_gauge!(
        "sluice_certificate_end_timestamp_seconds",
        "When a certificate ends: http, a channel's, or channel/destination"
    );
    metrics::describe_gauge!("sluice_memory_resident_bytes", "Memory in use by this process");
    metrics::describe_gauge!("sluice_memory_bound_bytes", "What it may use at most");
    webhook::describe_metrics();
}

/// The alerts that stand, for whoever asks.
#[derive(Default)]
pub struct Alerts(Mutex<Board>);

impl AlertDesk for Alerts {
    fn alerts(&self) -> Vec<Value> {
        let board = self.0.lock();
        board.standing().map(|(about, standing)| told(about, standing)).collect()
    }
}

/// The task that looks. Dropped, it ends.
pub struct Watch(JoinHandle<()>);

impl Drop for Watch {
    fn drop(&mut self) {
        self.0.abort();
    }
}

struct Watcher {
    settings: AlertSettings,
    floor_bytes: u64,
    /// The HTTP face's, which is of the start.
    http_certificate: Option<PathBuf>,
    /// Whose end was measured at the last look.
    measured: BTreeSet<String>,
    prometheus: PrometheusHandle,
    /// Has what is only known when asked for written into the metrics.
    refresh: Box<dyn Fn() + Send>,
    alerts: Arc<Alerts>,
    feeds: Feeds,
    feeds_file: PathBuf,
    /// The window's, each with its time.
    samples: VecDeque<(f64, Sample)>,
    webhook: Option<Webhook>,
}

/// Begins to look.
///
/// # Errors
/// When the webhook cannot be used.
pub fn watch(
    config: &Config,
    prometheus: PrometheusHandle,
    refresh: Box<dyn Fn() + Send>,
    ask: Ask,
    alerts: Arc<Alerts>,
) -> Result<Option<Watch>, Failure> {
    let settings = config.alerts.clone();
    if settings.every_s == 0 {
        return Ok(None);
    }
    let webhook = Webhook::open(&settings)
        .map_err(|why| Failure::new(CONFIGURATION, format!("alerts.{why}")))?;
    let feeds_file = config.data_dir.join("feeds.json");
    let http_certificate = config.http.tls.is_set().then(|| config.http.tls.certificate.clone());
    let mut watcher = Watcher {
        floor_bytes: config.journal.free_floor_bytes,
        http_certificate,
        measured: BTreeSet::new(),
        prometheus,
        refresh,
        alerts,
        feeds: Feeds::open(&feeds_file),
        feeds_file,
        samples: VecDeque::new(),
        webhook,
        settings,
    };
    Ok(Some(Watch(tokio::spawn(async move {
        let mut every = tokio::time::interval(Duration::from_secs(watcher.settings.every_s));
        every.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Skip);
        loop {
            every.tick().await;
            let Some(declared) = ask() else { return };
            let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
            watcher.measure(&declared.certificates);
            let text = watcher.prometheus.render();
            for body in watcher.look(now.as_secs_f64(), &declared.channels, &text) {
                if let Some(webhook) = &watcher.webhook {
                    webhook.post(body.to_string());
                }
            }
        }
    }))))
}

impl Watcher {
    /// What nothing else measures.
    fn measure(&mut self, certificates: &[(String, PathBuf)]) {
        (self.refresh)();
        self.measure_certificates(certificates);
        if let Some(bytes) = resident_bytes() {
            metrics::gauge!("sluice_memory_resident_bytes").set(bytes as f64);
        }
        let bound = match self.settings.memory_bytes_max {
            0 => bound_bytes(),
            bytes => Some(bytes),
        };
        if let Some(bytes) = bound {
            metrics::gauge!("sluice_memory_bound_bytes").set(bytes as f64);
        }
    }

    /// One that is no longer served has no end: a series cannot be taken back, and NaN is within every
    /// limit, ours and those of Prometheus.
    fn measure_certificates(&mut self, certificates: &[(String, PathBuf)]) {
        let http = self.http_certificate.clone().map(|file| ("http".to_owned(), file));
        let end_of = |of: &str| metrics::gauge!("sluice_certificate_end_timestamp_seconds", "certificate" => of.to_owned());
        let mut gone = std::mem::take(&mut self.measured);
        for (of, file) in certificates.iter().chain(&http) {
            gone.remove(of);
            if let Some(end) = certificate::end_of(file) {
                end_of(of).set(end as f64);
            }
            self.measured.insert(of.clone());
        }
        gone.iter().for_each(|of| end_of(of).set(f64::NAN));
    }

    /// Takes the metrics of a moment; what is to be posted.
    fn look(&mut self, now_s: f64, channels: &BTreeSet<String>, text: &str) -> Vec<Value> {
        let sample = Sample::read(text);
        let began = now_s - self.settings.window_s as f64;
        while self.samples.len() > 1 && self.samples[1].0 <= began {
            self.samples.pop_front();
        }
        let none = Sample::default();
        // At the start there is nothing before: what was counted is the window's.
        let then = self.samples.front().map_or(&none, |(_, then)| then);
        let mut found = rules::beyond(&self.settings, self.floor_bytes, now_s, then, &sample);
        let mut taken = std::collections::BTreeMap::new();
        for name in TAKEN {
            taken.extend(sample.by(name, "channel"));
        }
        if self.feeds.look(now_s, channels, &taken) {
            self.keep_feeds();
        }
        for (channel, for_s) in self.feeds.quiet(self.settings.quiet_after_s) {
            let limit = self.settings.quiet_after_s as f64;
            found.insert(("feed_quiet", channel.to_owned()), (for_s, limit));
        }
        self.samples.push_back((now_s, sample));
        let mut board = self.alerts.0.lock();
        let told = board.look(now_s as i64, &found);
        for (name, _) in ALERTS {
            let standing = board.standing().filter(|((of, _), _)| *of == name).count();
            metrics::gauge!("sluice_alerts_standing", "alert" => name).set(standing as f64);
        }
        drop(board);
        told.iter().map(say).collect()
    }

    /// Lost, a week is learned again: it is not synced.
    fn keep_feeds(&self) {
        let aside = self.feeds_file.with_extension("json.new");
        let kept = serde_json::to_vec(&self.feeds).map_err(std::io::Error::other);
        let kept = kept.and_then(|bytes| std::fs::write(&aside, bytes));
        if let Err(error) = kept.and_then(|()| std::fs::rename(&aside, &self.feeds_file)) {
            tracing::warn!(error = %error, "what is usual of the feeds could not be kept");
        }
    }
}

fn say(Told { about, standing, over }: &Told) -> Value {
    let (alert, of) = (about.0, about.1.as_str());
    if *over {
        tracing::info!(code = alert, id = of, "an alert is over");
    } else {
        tracing::warn!(code = alert, id = of, "an alert");
    }
    let mut body = told(about, standing);
    body["state"] = if *over { "resolved" } else { "firing" }.into();
    body
}

fn told(about: &About, standing: &Standing) -> Value {
    let meaning = ALERTS.iter().find(|(name, _)| *name == about.0).map(|(_, meaning)| meaning);
    let since = jiff::Timestamp::from_second(standing.since_s).map(|at| at.to_string()).ok();
    let round = |value: f64| (value * 100.0).round() / 100.0;
    json!({
        "alert": about.0,
        "of": about.1,
        "meaning": meaning,
        "since": since,
        "value": round(standing.value),
        "limit": round(standing.limit),
    })
}

/// Of this process: the second number of `statm`, in pages.
fn resident_bytes() -> Option<u64> {
    let statm = std::fs::read_to_string("/proc/self/statm").ok()?;
    let pages: u64 = statm.split(' ').nth(1)?.parse().ok()?;
    Some(pages * rustix::param::page_size() as u64)
}

/// Of the control group, where it has one; else all that the machine has.
fn bound_bytes() -> Option<u64> {
    let group = std::fs::read_to_string("/sys/fs/cgroup/memory.max").ok();
    if let Some(bytes) = group.and_then(|text| text.trim().parse().ok()) {
        return Some(bytes);
    }
    let info = std::fs::read_to_string("/proc/meminfo").ok()?;
    let line = info.lines().find_map(|line| line.strip_prefix("MemTotal:"))?;
    Some(line.trim().strip_suffix(" kB")?.parse::<u64>().ok()? * 1024)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::path::Path;

    use metrics_exporter_prometheus::PrometheusBuilder;

    use super::*;

    fn documents() -> [String; 2] {
        let read = |name: &str| {
            let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs");
            std::fs::read_to_string(path.join(name)).unwrap()
        };
        [read("prometheus/sluice.rules.yml"), read("grafana/sluice.json")]
    }

    /// The names of metrics that expressions use; what a histogram gives is known by its own name.
    fn named(text: &str) -> std::collections::BTreeSet<String> {
        let is_part = |c: char| c.is_ascii_alphanumeric() || c == '_';
        let expressions = text.lines().filter(|line| !line.contains("- alert:"));
        let words = expressions.flat_map(|line| line.split(|c| !is_part(c)));
        let words = words.filter(|word| word.starts_with("sluice_"));
        let base = |word: &str| {
            let word = word.strip_suffix("_bucket").unwrap_or(word);
            word.to_owned()
        };
        words.map(base).collect()
    }

    /// Whether the engine's own sources name them: a metric that nothing sets is no metric.
    #[test]
    fn every_metric_of_the_rules_and_the_dashboard_is_one_of_ours() {
        let mut sources = String::new();
        let mut folders = vec![std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")];
        while let Some(folder) = folders.pop() {
            for entry in std::fs::read_dir(folder).unwrap() {
                let path = entry.unwrap().path();
                let name = path.file_name().unwrap().to_string_lossy().into_owned();
                if path.is_dir() && !matches!(name.as_str(), "target" | ".git" | "docs" | "tests") {
                    folders.push(path);
                } else if name.ends_with(".rs") {
                    sources.push_str(&std::fs::read_to_string(&path).unwrap());
                }
            }
        }
        for text in documents() {
            let named = named(&text);
            assert!(named.len() > 8, "{named:?}");
            let is_alert =
                |name: &str| ALERTS.iter().any(|(own, _)| name == format!("sluice_{own}"));
            for name in named.into_iter().filter(|name| !is_alert(name)) {
                assert!(sources.contains(&format!("\"{name}\"")), "{name}");
            }
        }
    }

    #[test]
    fn every_alert_has_a_rule_and_a_line_in_the_documentation() {
        let [rules, dashboard] = documents();
        serde_json::from_str::<Value>(&dashboard).unwrap();
        let page = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/alerts.md");
        let page = std::fs::read_to_string(page).unwrap();
        for (name, _) in ALERTS {
            assert!(rules.contains(&format!("alert: sluice_{name}\n")), "{name}");
            assert!(page.contains(&format!("| `{name}` |")), "{name}");
        }
    }

    fn watcher(folder: &Path, prometheus: PrometheusHandle) -> Watcher {
        Watcher {
            settings: AlertSettings { quiet_after_s: 900, ..AlertSettings::default() },
            floor_bytes: 1,
            http_certificate: None,
            measured: BTreeSet::new(),
            prometheus,
            refresh: Box::new(|| {}),
            alerts: Arc::default(),
            feeds: Feeds::default(),
            feeds_file: folder.join("feeds.json"),
            samples: VecDeque::new(),
            webhook: None,
        }
    }

    #[test]
    fn the_certificate_of_a_channel_that_comes_is_watched_and_of_one_that_goes_no_more() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("late.pem");
        std::fs::write(&file, certificate::tests::pem("300101000000Z")).unwrap();
        let recorder = PrometheusBuilder::new().build_recorder();
        let mut watcher = watcher(folder.path(), recorder.handle());
        let ten_days_before = 1_893_456_000.0 - 10.0 * 86_400.0;
        let mut look = |shown: &[_]| {
            metrics::with_local_recorder(&recorder, || watcher.measure_certificates(shown));
            let text = recorder.handle().render();
            let said = watcher.look(ten_days_before, &BTreeSet::new(), &text);
            let said = said.iter().map(|told| [&told["alert"], &told["of"], &told["state"]]);
            said.map(|told| told.map(|part| part.as_str().unwrap().to_owned())).collect::<Vec<_>>()
        };
        assert!(look(&[]).is_empty());
        let shown = [("EJ1.mllp".to_owned(), file)];
        assert_eq!(look(&shown), [["certificate_end", "EJ1.mllp", "firing"]]);
        let over: Vec<_> = (0..4).flat_map(|_| look(&[])).collect();
        assert_eq!(over, [["certificate_end", "EJ1.mllp", "resolved"]]);
    }

    #[test]
    fn a_look_tells_once_what_the_metrics_say() {
        let folder = tempfile::tempdir().unwrap();
        let recorder = PrometheusBuilder::new().build_recorder();
        let mut watcher = watcher(folder.path(), recorder.handle());
        let channels = BTreeSet::from(["EJ1.mllp".to_owned()]);
        let text = "sluice_mllp_frames_total{channel=\"EJ1.mllp\"} 7\n\
            sluice_dead_letters_total{ej=\"EJ1\"} 2\n";
        let mut said = Vec::new();
        for minute in 0..=20 {
            said.extend(watcher.look(1e9 + 60.0 * f64::from(minute), &channels, text));
        }
        let said: Vec<_> = said
            .iter()
            .map(|told| (told["alert"].as_str().unwrap(), told["state"].as_str().unwrap()))
            .collect();
        let expected =
            [("dead_letters", "firing"), ("dead_letters", "resolved"), ("feed_quiet", "firing")];
        assert_eq!(said, expected);
        assert_eq!(watcher.alerts.alerts().len(), 1);
        assert!(watcher.samples.len() <= 12, "of a window alone");
        let by: BTreeMap<_, _> =
            watcher.alerts.0.lock().standing().map(|(a, s)| (a.clone(), s.since_s)).collect();
        assert_eq!(by[&("feed_quiet", "EJ1.mllp".to_owned())], 1_000_000_900);
    }
}
