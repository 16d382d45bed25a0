//! What the process tells about itself: logs through a field allow-list, metrics, panics.

mod fields;
mod panic;

pub use panic::install_panic_hook;

use metrics_exporter_prometheus::{Matcher, PrometheusBuilder, PrometheusHandle};
use sluice_config::{LogFormat, LogLevel, LogSettings};
use tracing::Level;
use tracing_subscriber::filter::Targets;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;

use fields::AllowedFields;

/// Bounds of every histogram in seconds: from a cached read (50 µs) to a stalled disk (10 s).
const SECONDS: [f64; 17] = [
    0.000_05, 0.000_1, 0.000_25, 0.000_5, 0.001, 0.002_5, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5,
    1.0, 2.5, 5.0, 10.0,
];

/// Bounds of histograms that count records in a group.
const RECORDS: [f64; 10] = [1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0, 128.0, 256.0, 1024.0];

/// Sends our own events to standard error; nothing of a dependency's, which may quote what it
/// was given (hyper and rustls do at TRACE).
pub fn install_logging(settings: LogSettings) {
    let level = match settings.level {
        LogLevel::Error => Level::ERROR,
        LogLevel::Warn => Level::WARN,
        LogLevel::Info => Level::INFO,
        LogLevel::Debug => Level::DEBUG,
        LogLevel::Trace => Level::TRACE,
    };
    let ours = Targets::new().with_target("sluice", level);
    let registry = tracing_subscriber::registry().with(ours);
    let layer = tracing_subscriber::fmt::layer().with_writer(std::io::stderr).with_target(true);
    // A second call (tests in one process) keeps the first subscriber.
    let _ = match settings.format {
        LogFormat::Text => {
            registry.with(layer.with_ansi(false).fmt_fields(AllowedFields)).try_init()
        }
        LogFormat::Json => registry
            .with(layer.event_format(fields::JsonLines).fmt_fields(AllowedFields))
            .try_init(),
    };
}

/// Installs the recorder behind every `metrics` macro.
///
/// # Errors
/// When another recorder is already installed.
pub fn install_metrics() -> anyhow::Result<PrometheusHandle> {
    let handle = PrometheusBuilder::new()
        .set_buckets(&SECONDS)?
        .set_buckets_for_metric(Matcher::Suffix("_records".to_owned()), &RECORDS)?
        .install_recorder()?;
    sluice_journal::describe_metrics();
    sluice_state::describe_metrics();
    sluice_channels::mllp::describe_metrics();
    sluice_channels::folder::describe_metrics();
    sluice_channels::posted::describe_metrics();
    sluice_flow::describe_metrics();
    sluice_http::describe_metrics();
    crate::channels::describe_metrics();
    crate::alerts::describe_metrics();
    // An alarm needs the 0 before the 1.
    metrics::describe_counter!("sluice_panics_total", "Panics that were caught");
    metrics::counter!("sluice_panics_total").increment(0);
    Ok(handle)
}
