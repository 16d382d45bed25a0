//! The moment that an export shows: a pin of each EJ, and the time up to which nothing is missing.
//!
//! `transactionTime` is what a client gives back as `_since`, which is compared with
//! `meta.lastUpdated`: when a message was *received*. A message is journaled a little later, and
//! applied later still. So the time is taken first; then an export waits `settle_ms`, in which what
//! was received before reaches the journal; then until each EJ has applied what its journal holds,
//! for as long again; and only then the pins are taken. Of an EJ that lags more (a halted one, a
//! rebuild) the newest message that it has applied bounds the time instead.

use std::time::Duration;

use jiff::Timestamp;
use sluice_ids::{EjId, Micros, Seq};
use sluice_state::{Pins, Scope};
use tokio_util::sync::CancellationToken;

use super::job::Job;
use crate::app::App;
use crate::role::Reach;

/// Between two looks at how far the folds are.
const LOOK_EVERY: Duration = Duration::from_millis(5);
/// The same while an EJ is folded anew, which takes seconds or minutes.
const FOLDING_LOOK_EVERY: Duration = Duration::from_millis(200);

pub(super) struct Cut {
    pub(super) scope: Scope,
    pub(super) pins: Pins,
    pub(super) transaction_time: Micros,
}

pub(super) fn now() -> Micros {
    Micros::new(Timestamp::now().as_microsecond())
}

impl Cut {
    /// `None` where `end` came first.
    pub(super) async fn take(app: &App, job: &Job, end: &CancellationToken) -> Option<Self> {
        let taken = async {
            // What was acknowledged before the start is shown once all of it is.
            while app.vitals.folding().iter().any(|ej| job.order.ejs.contains(ej)) {
                tokio::time::sleep(FOLDING_LOOK_EVERY).await;
            }
            Self::settled(app, job).await
        };
        end.run_until_cancelled(taken).await
    }

    async fn settled(app: &App, job: &Job) -> Self {
        let scope = app.scope(&Reach::only(job.order.ejs.iter().copied())).into_owned();
        let begun = now();
        let settle = app.exports.settings.settle();
        tokio::time::sleep(settle).await;
        let tails: Vec<(EjId, Option<Seq>)> =
            scope.ejs().iter().map(|ej| (*ej, app.vitals.journaled(*ej))).collect();
        let lagging = |(ej, tail): &(EjId, Option<Seq>)| {
            let applied = scope.ej(*ej).map(|view| view.applied()).unwrap_or_default();
            tail.is_none_or(|tail| applied < tail)
        };
        let caught_up = async {
            while tails.iter().any(lagging) {
                tokio::time::sleep(LOOK_EVERY).await;
            }
        };
        // Whether it came to that is seen below.
        let _ = tokio::time::timeout(settle, caught_up).await;
        let clocks = tails.iter().filter(|tail| lagging(tail)).filter_map(|(ej, _)| {
            let clock = scope.ej(*ej)?.clock();
            Some(clock.min(begun))
        });
        let bound = clocks.min().unwrap_or(begun);
        // To the millisecond, as everybody's clients keep it; never later than it is.
        let transaction_time = Micros::new(bound.get().div_euclid(1_000) * 1_000);
        let pins = scope.pins();
        Self { scope, pins, transaction_time }
    }
}
