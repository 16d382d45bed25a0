//! Leaving a peer alone that is not there.
//!
//! One breaker for each address, shared by all destinations that have it. After so many failures
//! in a row to reach the peer nobody tries; then one message does, and its end decides for all.

use std::collections::HashMap;
use std::sync::{Arc, Weak};
use std::time::Duration;

use parking_lot::Mutex;
use tokio::sync::Notify;
use tokio::time::Instant;

/// One for each address. Cheap to clone; addresses that nobody uses any more are forgotten.
#[derive(Clone, Default)]
pub struct Breakers(Arc<Mutex<HashMap<String, Weak<Breaker>>>>);

impl Breakers {
    /// The address's, and from now on these bounds.
    #[must_use]
    pub fn of(&self, peer: &str, failures_max: u32, open: Duration) -> Arc<Breaker> {
        let mut breakers = self.0.lock();
        breakers.retain(|_, breaker| breaker.strong_count() > 0);
        if let Some(breaker) = breakers.get(peer).and_then(Weak::upgrade) {
            breaker.state.lock().bounds = (failures_max, open);
            return breaker;
        }
        let state =
            State { failures: 0, until: None, probing: false, bounds: (failures_max, open) };
        let breaker = Arc::new(Breaker { state: Mutex::new(state), changed: Notify::new() });
        breakers.insert(peer.to_owned(), Arc::downgrade(&breaker));
        breaker
    }
}

pub struct Breaker {
    state: Mutex<State>,
    changed: Notify,
}

struct State {
    failures: u32,
    /// Nobody tries before.
    until: Option<Instant>,
    /// One tries for all.
    probing: bool,
    bounds: (u32, Duration),
}

/// Leave to try once; dropped without a word it gives the leave back.
pub struct Pass {
    breaker: Arc<Breaker>,
    probe: bool,
}

impl Breaker {
    /// Whether the peer is left alone now.
    #[must_use]
    pub fn is_open(&self) -> bool {
        self.state.lock().until.is_some()
    }

    /// Waits for leave to try.
    pub async fn pass(self: &Arc<Self>) -> Pass {
        loop {
            let changed = self.changed.notified();
            let mut changed = std::pin::pin!(changed);
            changed.as_mut().enable();
            let until = {
                let mut state = self.state.lock();
                match state.until {
                    None => return Pass { breaker: Arc::clone(self), probe: false },
                    Some(until) if !state.probing && until <= Instant::now() => {
                        state.probing = true;
                        return Pass { breaker: Arc::clone(self), probe: true };
                    }
                    Some(until) if !state.probing => Some(until),
                    Some(_) => None,
                }
            };
            match until {
                None => changed.await,
                Some(until) => {
                    // Whoever comes first: the time, or word from another.
                    let _ = tokio::time::timeout_at(until, changed).await;
                }
            }
        }
    }
}

impl Pass {
    /// Whether the peer was reached: an answer of any kind says so.
    pub fn tell(mut self, reached: bool) {
        let mut state = self.breaker.state.lock();
        if reached {
            state.failures = 0;
            state.until = None;
            state.probing = false;
        } else {
            state.failures = state.failures.saturating_add(1);
            let (failures_max, open) = state.bounds;
            if self.probe || (state.failures >= failures_max && state.until.is_none()) {
                state.until = Some(Instant::now() + open);
                state.probing = false;
            }
        }
        drop(state);
        self.probe = false;
        self.breaker.changed.notify_waiters();
    }
}

impl Drop for Pass {
    fn drop(&mut self) {
        if self.probe {
            self.breaker.state.lock().probing = false;
            self.breaker.changed.notify_waiters();
        }
    }
}

#[cfg(test)]
mod tests {
    use std::pin::pin;
    use std::task::{Context, Waker};

    use super::*;

    const OPEN: Duration = Duration::from_secs(10);

    #[tokio::test(start_paused = true)]
    async fn a_peer_that_is_not_there_is_tried_by_one_for_all() {
        let breakers = Breakers::default();
        let one = breakers.of("mllp://lab:2575", 2, OPEN);
        let other = breakers.of("mllp://lab:2575", 2, OPEN);
        assert!(Arc::ptr_eq(&one, &other), "one address, one breaker");
        one.pass().await.tell(false);
        assert!(!one.is_open());
        other.pass().await.tell(false);
        assert!(one.is_open());
        let since = Instant::now();
        let probe = one.pass().await;
        assert!(since.elapsed() >= OPEN, "nobody tried before");
        let mut second = pin!(other.pass());
        let mut context = Context::from_waker(Waker::noop());
        assert!(second.as_mut().poll(&mut context).is_pending(), "one tries for all");
        probe.tell(true);
        second.await.tell(true);
        assert!(!one.is_open());
    }

    #[tokio::test(start_paused = true)]
    async fn a_probe_that_was_given_up_is_taken_by_another() {
        let breaker = Breakers::default().of("peer", 1, OPEN);
        breaker.pass().await.tell(false);
        drop(breaker.pass().await);
        breaker.pass().await.tell(false);
        assert!(breaker.is_open());
    }

    use std::future::Future;
}
