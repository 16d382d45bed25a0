//! How many messages a channel usually takes in each hour of the week, and so when it is quiet.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use serde::{Deserialize, Serialize};

const HOURS: usize = 168;

/// So many messages should have come meanwhile: by chance none would once in 500 million times.
const MISSED: f64 = 20.0;

/// What the last week says of the next.
const WEIGHT: f32 = 0.3;

/// A channel's week, learned. About 1 KB each.
#[derive(Serialize, Deserialize)]
struct Feed {
    /// Messages an hour; below zero: not known.
    usual: Vec<f32>,
    /// The counter, as it was seen last, and when it last moved.
    #[serde(skip)]
    count: f64,
    #[serde(skip)]
    moved_s: f64,
    /// Messages that should have come since.
    #[serde(skip)]
    missed: f64,
    /// Of the hour in hand: messages and seconds that were watched.
    #[serde(skip)]
    hour: (f64, f64),
}

impl Feed {
    fn new(now_s: f64, count: f64) -> Self {
        Self { usual: vec![-1.0; HOURS], count, moved_s: now_s, missed: 0.0, hour: (0.0, 0.0) }
    }
}

#[derive(Serialize, Deserialize, Default)]
pub struct Feeds {
    feeds: BTreeMap<String, Feed>,
    #[serde(skip)]
    last_s: f64,
}

impl Feeds {
    /// As it was learned before; anew where that cannot be read.
    pub fn open(path: &Path) -> Self {
        let text = std::fs::read(path).unwrap_or_default();
        let mut feeds: Self = serde_json::from_slice(&text).unwrap_or_default();
        feeds.feeds.retain(|_, feed| feed.usual.len() == HOURS);
        feeds
    }

    /// Takes the counters of the channels that are declared; one that took nothing since the start has
    /// none. Whether an hour has ended: then what was learned is worth keeping.
    pub fn look(
        &mut self,
        now_s: f64,
        channels: &BTreeSet<String>,
        counts: &BTreeMap<&str, f64>,
    ) -> bool {
        let last_s = std::mem::replace(&mut self.last_s, now_s);
        let first = last_s == 0.0;
        let hour = |at: f64| (at / 3_600.0) as usize % HOURS;
        let ended = !first && hour(now_s) != hour(last_s);
        self.feeds.retain(|channel, _| channels.contains(channel));
        for channel in channels {
            let count = counts.get(channel.as_str()).copied().unwrap_or(0.0);
            let new = || Feed::new(now_s, count);
            let feed = self.feeds.entry(channel.clone()).or_insert_with(new);
            let spent = if first { 0.0 } else { now_s - last_s };
            if count != feed.count || first || feed.moved_s == 0.0 {
                feed.moved_s = now_s;
                feed.missed = 0.0;
            } else {
                feed.missed += f64::from(feed.usual[hour(now_s)].max(0.0)) * spent / 3_600.0;
            }
            feed.hour.0 += if first { 0.0 } else { (count - feed.count).max(0.0) };
            feed.hour.1 += spent;
            feed.count = count;
            if ended {
                let (messages, seconds) = std::mem::take(&mut feed.hour);
                let usual = &mut feed.usual[hour(last_s)];
                let seen = (messages * 3_600.0 / seconds.max(1.0)) as f32;
                // A few minutes say little of an hour.
                if seconds >= 1_800.0 {
                    *usual = if *usual < 0.0 { seen } else { *usual + WEIGHT * (seen - *usual) };
                }
            }
        }
        ended
    }

    /// The channels that are quiet, and for how long, in seconds.
    pub fn quiet(&self, after_s: u64) -> Vec<(&str, f64)> {
        let quiet = |feed: &Feed| match after_s {
            0 => feed.missed >= MISSED,
            after_s => self.last_s - feed.moved_s >= after_s as f64,
        };
        let feeds = self.feeds.iter().filter(|(_, feed)| quiet(feed));
        feeds.map(|(channel, feed)| (channel.as_str(), self.last_s - feed.moved_s)).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const WEEK_S: f64 = 168.0 * 3_600.0;

    fn declared() -> BTreeSet<String> {
        BTreeSet::from(["EJ1.mllp".to_owned()])
    }

    /// A week of a feed that takes 60 messages an hour by day and none by night.
    fn learned() -> (Feeds, f64, f64) {
        let (mut feeds, mut count, mut now) = (Feeds::default(), 0.0, WEEK_S);
        while now < 2.0 * WEEK_S {
            if (8.0..20.0).contains(&(now / 3_600.0 % 24.0)) {
                count += 1.0;
            }
            feeds.look(now, &declared(), &BTreeMap::from([("EJ1.mllp", count)]));
            now += 60.0;
        }
        (feeds, count, now)
    }

    #[test]
    fn a_silent_night_is_usual_and_a_silent_morning_is_not() {
        let (mut feeds, count, mut now) = learned();
        let counts = BTreeMap::from([("EJ1.mllp", count)]);
        let mut since = None;
        while now < 2.0 * WEEK_S + 12.0 * 3_600.0 {
            feeds.look(now, &declared(), &counts);
            if since.is_none() && !feeds.quiet(0).is_empty() {
                since = Some((now - 2.0 * WEEK_S) / 3_600.0);
            }
            now += 60.0;
        }
        let since = since.expect("told by noon");
        assert!((8.3..8.5).contains(&since), "at {since} o'clock: 20 messages are missed by then");
        feeds.look(now, &declared(), &BTreeMap::from([("EJ1.mllp", count + 1.0)]));
        assert!(feeds.quiet(0).is_empty());
    }

    #[test]
    fn nothing_is_learned_of_a_feed_that_was_hardly_watched_and_a_limit_that_is_set_counts_at_once()
    {
        let mut feeds = Feeds::default();
        let counts = BTreeMap::from([("EJ1.mllp", 5.0)]);
        for minute in 0..30 {
            feeds.look(1_000.0 + 60.0 * f64::from(minute), &declared(), &counts);
        }
        assert!(feeds.quiet(0).is_empty());
        assert_eq!(feeds.quiet(900), [("EJ1.mllp", 1_740.0)]);
        assert!(feeds.quiet(1_800).is_empty());
    }

    #[test]
    fn what_was_learned_is_read_again() {
        let (feeds, ..) = learned();
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("feeds.json");
        std::fs::write(&path, serde_json::to_vec(&feeds).unwrap()).unwrap();
        assert_eq!(Feeds::open(&path).feeds["EJ1.mllp"].usual, feeds.feeds["EJ1.mllp"].usual);
        std::fs::write(&path, b"{").unwrap();
        assert!(Feeds::open(&path).feeds.is_empty());
    }

    #[test]
    fn what_was_learned_is_of_the_declared_channels_and_holds_before_their_first_message() {
        let (learned, _, now) = learned();
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("feeds.json");
        std::fs::write(&path, serde_json::to_vec(&learned).unwrap()).unwrap();
        let mut feeds = Feeds::open(&path);
        let morning = now + 8.0 * 3_600.0;
        for minute in 0..30 {
            feeds.look(morning + 60.0 * f64::from(minute), &declared(), &BTreeMap::new());
        }
        assert_eq!(feeds.quiet(0).len(), 1, "nothing came since the start");
        let noon = morning + 1_800.0;
        feeds.look(noon, &declared(), &BTreeMap::from([("EJ1.mllp", 1.0)]));
        assert_eq!(feeds.feeds["EJ1.mllp"].usual, learned.feeds["EJ1.mllp"].usual);
        assert!(feeds.quiet(0).is_empty());
        feeds.look(noon + 60.0, &BTreeSet::new(), &BTreeMap::from([("EJ1.mllp", 1.0)]));
        assert!(feeds.feeds.is_empty(), "removed or disabled; its counter stays");
    }
}
