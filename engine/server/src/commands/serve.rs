//! `sluice serve`: the engine, until it is told to stop.

use std::net::SocketAddr;
use std::process::ExitCode;
use std::time::Duration;

use sluice_config::Loaded;
use tokio::signal::unix::{SignalKind, signal};

use crate::cli;
use crate::engine::Engine;
use crate::exit::{Failure, NOT_SO, Outcome};
use crate::telemetry;

pub fn run(arguments: &cli::Serve) -> Outcome {
    let loaded = super::load(&arguments.config, arguments.http)?;
    let runtime = runtime()?;
    let outcome = runtime.block_on(async {
        let started = start(loaded).await?;
        let outcome = until_stopped(&started).await;
        started.stop().await?;
        outcome
    });
    runtime.shutdown_timeout(Duration::from_secs(1));
    outcome
}

pub fn runtime() -> Result<tokio::runtime::Runtime, Failure> {
    Ok(tokio::runtime::Builder::new_multi_thread().enable_all().build()?)
}

/// An engine at work, with its telemetry.
pub struct Started {
    engine: Engine,
}

/// Starts everything and says where it listens: one line each, then `ready`.
pub async fn start(loaded: Loaded) -> Result<Started, Failure> {
    telemetry::install_panic_hook();
    telemetry::install_logging(loaded.config.log);
    let prometheus = telemetry::install_metrics()?;
    tracing::info!(origin = %loaded.origin, "configuration read");
    let engine = Engine::start(loaded, prometheus).await?;
    for (id, address) in engine.listeners() {
        println!("listening {id} {address}");
    }
    println!("listening http {}", engine.http());
    println!("ready");
    Ok(Started { engine })
}

impl Started {
    pub const fn http(&self) -> SocketAddr {
        self.engine.http()
    }

    pub fn listener(&self, id: &str) -> Result<SocketAddr, Failure> {
        let found = self.engine.listeners().into_iter().find(|(known, _)| known.as_str() == id);
        found
            .map(|(_, address)| address)
            .ok_or_else(|| Failure::new(NOT_SO, format!("no listener {id}")))
    }

    pub async fn caught_up(&self, limit: Duration) -> bool {
        self.engine.caught_up(limit).await
    }

    pub async fn stop(self) -> Result<(), Failure> {
        self.engine.stop().await
    }
}

/// Waits for SIGTERM or SIGINT; SIGHUP reads the channels again.
pub async fn until_stopped(started: &Started) -> Outcome {
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut hang_up = signal(SignalKind::hangup())?;
    let name = loop {
        tokio::select! {
            _ = terminate.recv() => break "SIGTERM",
            _ = interrupt.recv() => break "SIGINT",
            _ = hang_up.recv() => started.engine.reload().await,
        }
    };
    tracing::info!(signal = name, "stopping");
    Ok(ExitCode::SUCCESS)
}
