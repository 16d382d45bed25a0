//! One message on its way to a peer: tried until it is taken, or never will be.

use std::sync::Arc;
use std::time::Duration;

use sluice_channels::destinations::{
    Body, Code, DeliverySettings, Destination, DestinationSettings, Outcome, Outgoing,
};
use sluice_journal::ReadError;
use tokio::sync::watch;
use tokio::task::spawn_blocking;
use tokio::time::sleep;

use super::content::rendered;
use super::pipeline::{AGAIN, End, Pipeline};
use super::queue::Left;
use super::source::{Item, reason};
use crate::acts::Reason;

/// Why it cannot be told what there is to send. Never the same as nothing to send.
enum Unknown {
    Unread(&'static str),
    Panicked,
}

impl Pipeline {
    /// Tries until it is delivered, or never will be; `None`: until it was paused.
    pub(super) async fn delivered(
        &self,
        item: Item,
        client: &dyn Destination,
        delivery: &DeliverySettings,
    ) -> (Item, Option<End>) {
        if item.is_letter {
            if !self.is_due(&item) {
                return (item, Some(End::StaysAside));
            }
        } else if delivery.hold_patient && self.is_held(&item) {
            return (item, Some(End::SetAside(Reason::Behind, Code::of("behind"))));
        }
        let mut attempts = 0_u32;
        let mut answered = 0_u32;
        let mut paused = self.paused.clone();
        loop {
            while !self.deps.lease.is_held() {
                sleep(AGAIN).await;
            }
            let pass = tokio::select! {
                biased;
                () = until_paused(&mut paused) => return (item, None),
                pass = self.breaker.pass() => pass,
            };
            attempts = attempts.saturating_add(1);
            let mut after = None;
            match self.outgoing(&item).await {
                Ok(Some(outgoing)) => match client.deliver(outgoing).await {
                    Outcome::Accepted => {
                        pass.tell(true);
                        return (item, Some(End::Left(Left::Accepted)));
                    }
                    Outcome::Refused(code) => {
                        pass.tell(true);
                        return (item, Some(End::SetAside(Reason::Refused, code)));
                    }
                    Outcome::NotNow(code, wait) => {
                        pass.tell(true);
                        self.queue.failed(true, code.as_str());
                        (answered, after) = (answered.saturating_add(1), wait);
                        let max = delivery.answered_retries_max;
                        if max > 0 && answered >= max {
                            return (item, Some(End::SetAside(Reason::GaveUp, code)));
                        }
                    }
                    Outcome::Unreached(code) => {
                        pass.tell(false);
                        self.queue.failed(false, code.as_str());
                    }
                },
                Ok(None) => return (item, Some(End::Left(Left::Superseded))),
                Err(Unknown::Panicked) => {
                    return (item, Some(End::SetAside(Reason::Panic, Code::of("rendering"))));
                }
                Err(Unknown::Unread(why)) => {
                    // The peer has no part in it.
                    drop(pass);
                    self.queue.failed(false, why);
                }
            }
            let wait = after.unwrap_or_default().max(backoff(delivery, attempts));
            tokio::select! {
                () = until_paused(&mut paused) => return (item, None),
                () = sleep(wait) => {}
            }
        }
    }

    /// Whether it still is to be tried again: what stood before it in line may have been refused anew.
    fn is_due(&self, item: &Item) -> bool {
        let letters = self.deps.letters(self.ej);
        letters.is_some_and(|letters| letters.is_due(item.seq, self.way))
    }

    fn is_held(&self, item: &Item) -> bool {
        let letters = self.deps.letters(self.ej);
        letters.is_some_and(|letters| letters.holds(self.way, &item.patients))
    }

    /// As it is now; `Ok(None)` where nothing is left to send.
    async fn outgoing(&self, item: &Item) -> Result<Option<Outgoing>, Unknown> {
        let body = match (&item.body, &self.settings) {
            (Some(body), _) => body.clone(),
            (None, DestinationSettings::Fhir(settings)) => {
                let (deps, ej, seq) = (Arc::clone(&self.deps), self.ej, item.seq);
                let release = settings.version;
                let resources = spawn_blocking(move || match deps.journal.get(ej, seq) {
                    Ok(Some(record)) => Ok(rendered(&deps, ej, &record, release)),
                    Ok(None) | Err(ReadError::Released { .. }) => Ok(Vec::new()),
                    Err(error) => Err(reason(&error)),
                });
                let resources = match resources.await {
                    Ok(resources) => resources.map_err(Unknown::Unread)?,
                    Err(error) if error.is_panic() => return Err(Unknown::Panicked),
                    Err(_) => return Err(Unknown::Unread("it is being stopped")),
                };
                if resources.is_empty() {
                    return Ok(None);
                }
                Body::Resources(resources)
            }
            (None, _) => return Ok(None),
        };
        let (ej, channel) = (self.ej, self.way.channel);
        Ok(Some(Outgoing { ej, channel, seq: item.seq, received_at: item.received_at, body }))
    }
}

async fn until_paused(paused: &mut watch::Receiver<bool>) {
    if paused.wait_for(|paused| *paused).await.is_err() {
        std::future::pending::<()>().await;
    }
}

/// Doubled with each attempt up to the most, half of it by lot: destinations that failed together
/// do not come back together.
fn backoff(delivery: &DeliverySettings, attempts: u32) -> Duration {
    use std::hash::{BuildHasher, RandomState};
    let doubled = delivery.retry_first_ms.saturating_mul(1 << (attempts - 1).min(20));
    let most = doubled.min(delivery.retry_max_ms);
    // Each of these states is keyed anew by the system's randomness.
    let lot = RandomState::new().hash_one(attempts) % (most / 2 + 1);
    Duration::from_millis(most - most / 2 + lot)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn attempts_come_apart_and_never_further_than_the_most() {
        let delivery = DeliverySettings::default();
        for (attempts, most) in [(1, 500), (2, 1_000), (5, 8_000), (9, 60_000), (4_000, 60_000)] {
            let wait = u64::try_from(backoff(&delivery, attempts).as_millis()).unwrap();
            assert!((most / 2..=most).contains(&wait), "{wait} ms at {attempts}");
        }
    }
}
