//! Who writes exports, a few at a time, and lets go of what was kept long enough.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use super::job::{Done, Failure, Job, Phase};
use super::shelf::Shelf;
use super::{cut, retention, write};
use crate::app::App;
use crate::instruments;

/// Between two looks at what is to go, where nothing else happens.
const TIDY_EVERY: Duration = Duration::from_secs(30);

/// Until `stop`. An export under way is then left as it is, and begun again at the next start.
pub(crate) async fn keep(app: Arc<App>, stop: CancellationToken) {
    let mut running = JoinSet::new();
    while !stop.is_cancelled() {
        let tidied = Arc::clone(&app);
        // A panic in it is logged by the runtime's hook; the next look tries again.
        let _ =
            tokio::task::spawn_blocking(move || retention::tidy(&tidied.exports, cut::now())).await;
        while running.len() < app.exports.settings.running_max
            && let Some(job) = app.exports.next()
        {
            job.enter(Phase::Running);
            running.spawn(run(Arc::clone(&app), job, stop.clone()));
        }
        tell(&app.exports, running.len());
        tokio::select! {
            () = stop.cancelled() => {}
            () = app.exports.woken.notified() => {}
            Some(_) = running.join_next() => {}
            () = tokio::time::sleep(TIDY_EVERY) => {}
        }
    }
    while running.join_next().await.is_some() {}
}

fn tell(shelf: &Shelf, running: usize) {
    let waiting = shelf.all().iter().filter(|job| job.is_waiting()).count();
    instruments::exports(waiting, running, shelf.bytes());
}

async fn run(app: Arc<App>, job: Arc<Job>, stop: CancellationToken) {
    // Either ends it; which one tells whether the files go.
    let end = job.cancelled.child_token();
    let stopping = end.clone();
    let watch = tokio::spawn(async move {
        tokio::select! {
            () = stop.cancelled() => stopping.cancel(),
            () = stopping.cancelled() => {}
        }
    });
    let written = AssertUnwindSafe(write::write(&app, &job, &end)).catch_unwind().await;
    end.cancel();
    let _ = watch.await;
    let ended = written.unwrap_or(Some(Err(Failure::Internal)));
    // One that a stop broke off is on disk as it was ordered: it begins again.
    let _ = tokio::task::spawn_blocking(move || conclude(&job, ended)).await;
}

/// Says what came of a job, on disk first: what is told once is told after a restart too.
fn conclude(job: &Job, ended: Option<Result<Done, Failure>>) {
    let failed = |why| Phase::Failed { why, at: cut::now() };
    let phase = match ended {
        _ if job.cancelled.is_cancelled() => None,
        None => return,
        Some(Ok(done)) => Some(Phase::Done(Arc::new(done))),
        Some(Err(why)) => Some(failed(why)),
    };
    let phase = phase.map(|phase| match Shelf::write_down(job, &phase) {
        Ok(()) => phase,
        Err(error) => {
            tracing::error!(error = %error, "what came of an export could not be written down");
            failed(Failure::Disk)
        }
    });
    if job.cancelled.is_cancelled() {
        // What was written after the caller had it removed.
        Shelf::remove_files(job);
        instruments::export_ended("cancelled");
        return;
    }
    let Some(phase) = phase else { return };
    // Counted before it can be asked for.
    match &phase {
        Phase::Failed { why, .. } => {
            tracing::warn!(reason = why.name(), "an export failed");
            instruments::export_ended(why.name());
        }
        _ => instruments::export_ended("done"),
    }
    job.enter(phase);
}
