//! How often what was asked for was kept: since the start, and of late.
//!
//! The counters only grow; a sample of them every few seconds tells of any window by a
//! subtraction, and costs those who read nothing.

use std::collections::VecDeque;
use std::time::Duration;

use super::Asked;

/// Between two samples.
pub(crate) const SAMPLED_EVERY: Duration = Duration::from_secs(5);

pub(crate) const MINUTE: Duration = Duration::from_secs(60);
pub(crate) const QUARTER: Duration = Duration::from_secs(15 * 60);

/// Samples of one cache's counters, the oldest first, over the longest window and one more.
#[derive(Default)]
pub(crate) struct Ratios(VecDeque<(Duration, Asked)>);

impl Ratios {
    /// Takes a sample. `now` is time since some fixed moment, the same for all.
    pub(crate) fn sample(&mut self, now: Duration, asked: Asked) {
        self.0.push_back((now, asked));
        // One that is older than every window stays: it is where the longest begins.
        while self.0.get(1).is_some_and(|(at, _)| now.saturating_sub(*at) >= QUARTER) {
            self.0.pop_front();
        }
    }

    /// What was asked within the window; of a server that is younger, since its start.
    pub(crate) fn within(&self, window: Duration, now: Duration, asked: Asked) -> Asked {
        let before = self.0.iter().rev().find(|(at, _)| now.saturating_sub(*at) >= window);
        let before = before.map(|(_, asked)| *asked).unwrap_or_default();
        Asked { hits: asked.hits - before.hits, misses: asked.misses - before.misses }
    }
}

/// Hits of all that was asked; `None` where nothing was asked.
pub(crate) fn ratio(asked: Asked) -> Option<f64> {
    let all = asked.hits + asked.misses;
    #[expect(clippy::cast_precision_loss, reason = "a ratio; below 2^52")]
    let ratio = (all > 0).then(|| asked.hits as f64 / all as f64);
    ratio
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_window_tells_of_its_own_time_and_memory_is_bounded() {
        let at = |seconds| Duration::from_secs(seconds);
        let mut ratios = Ratios::default();
        let asked = |hits, misses| Asked { hits, misses };
        let younger = ratios.within(MINUTE, at(1), asked(1, 3));
        assert_eq!((ratio(younger), ratio(asked(0, 0))), (Some(0.25), None));
        // For an hour everything is missed, and in its last minute everything is hit.
        for step in 0..=720 {
            ratios.sample(at(step * 5), asked(0, step * 5));
        }
        let (now, total) = (at(3660), asked(60, 3600));
        assert_eq!(ratios.within(MINUTE, now, total), asked(60, 0));
        assert_eq!(ratios.within(QUARTER, now, total), asked(60, 840));
        assert!(ratios.0.len() <= 182, "{}", ratios.0.len());
    }
}
