//! Bytes that were rendered once, kept within a bound.
//!
//! An entry is good for one version of what it was made from: a change needs no invalidation,
//! it asks for another version. DashMap gives quick reads and never evicts, so a queue beside it
//! does, as a clock: the oldest entry goes, unless it was read since its last turn. Reads touch no
//! queue; inserts take its lock. ADR-0053.

mod pages;
mod ratio;
mod rendered;

pub(crate) use pages::{KeptPage, PageKey};
pub(crate) use ratio::{MINUTE, QUARTER, Ratios, SAMPLED_EVERY, ratio};
pub(crate) use rendered::{Rendered, ResourceKey, etag};

use std::collections::VecDeque;
use std::hash::Hash;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use dashmap::DashMap;
use parking_lot::Mutex;

use crate::instruments::CacheMeter;

/// What an entry costs beside its own bytes: key, slot, queue and allocation, rounded up.
const ENTRY_BYTES: usize = 192;

pub(crate) struct Cache<K, V> {
    slots: DashMap<K, Slot<V>>,
    /// Every key in `slots`, oldest first. Whoever changes `slots` holds this lock.
    turns: Mutex<VecDeque<K>>,
    bytes: AtomicUsize,
    bytes_max: usize,
    /// How long an entry is good for even if nothing changes; `None`: for ever.
    ttl: Option<Duration>,
    hits: AtomicU64,
    misses: AtomicU64,
    rerendered: AtomicU64,
    evictions: AtomicU64,
    meter: CacheMeter,
}

struct Slot<V> {
    version: u64,
    value: V,
    bytes: usize,
    /// Only where entries age.
    born: Option<Instant>,
    read: AtomicBool,
}

impl<V> Slot<V> {
    fn has_expired(&self, ttl: Option<Duration>) -> bool {
        self.born.zip(ttl).is_some_and(|(born, ttl)| born.elapsed() >= ttl)
    }

    /// Written only once per turn: a store by every reader would bounce the line.
    fn note_read(&self) {
        if !self.read.load(Ordering::Relaxed) {
            self.read.store(true, Ordering::Relaxed);
        }
    }
}

/// How often what was asked for was there, since the start.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Asked {
    pub(crate) hits: u64,
    pub(crate) misses: u64,
}

impl std::ops::Add for Asked {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        Self { hits: self.hits + other.hits, misses: self.misses + other.misses }
    }
}

/// What `/api/metrics/cache` tells.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct CacheCounts {
    pub(crate) entries: usize,
    pub(crate) bytes: usize,
    pub(crate) bytes_max: usize,
    pub(crate) asked: Asked,
    /// Entries that took the place of an older version of themselves.
    pub(crate) rerendered: u64,
    pub(crate) evictions: u64,
}

impl<K: Clone + Eq + Hash, V: Clone> Cache<K, V> {
    /// `bytes_max` 0 keeps nothing. `name` is the label of its metrics.
    pub(crate) fn new(bytes_max: usize, ttl: Option<Duration>, name: &'static str) -> Self {
        Self {
            slots: DashMap::new(),
            turns: Mutex::default(),
            bytes: AtomicUsize::new(0),
            bytes_max,
            ttl,
            hits: AtomicU64::new(0),
            misses: AtomicU64::new(0),
            rerendered: AtomicU64::new(0),
            evictions: AtomicU64::new(0),
            meter: CacheMeter::new(name),
        }
    }

    /// The value, if it is of this very version.
    pub(crate) fn get(&self, key: &K, version: u64) -> Option<V> {
        self.counted(self.look(key, version))
    }

    /// The value of whatever version, if it is still `good`.
    pub(crate) fn get_if(&self, key: &K, good: impl FnOnce(&V) -> bool) -> Option<V> {
        let found = self.slots.get(key).filter(|slot| !slot.has_expired(self.ttl)).map(|slot| {
            slot.note_read();
            slot.value.clone()
        });
        // Looked at without the slot's lock.
        self.counted(found.filter(|value| good(value)))
    }

    fn counted(&self, found: Option<V>) -> Option<V> {
        let (count, meter) = match found {
            Some(_) => (&self.hits, &self.meter.hits),
            None => (&self.misses, &self.meter.misses),
        };
        count.fetch_add(1, Ordering::Relaxed);
        meter.increment(1);
        found
    }

    /// As [`Self::get`], for who has asked already: not counted again.
    pub(crate) fn look(&self, key: &K, version: u64) -> Option<V> {
        let slot = self.slots.get(key)?;
        if slot.version != version || slot.has_expired(self.ttl) {
            return None;
        }
        slot.note_read();
        Some(slot.value.clone())
    }

    /// Whether this very version is there. Nothing is counted, and no turn is won.
    pub(crate) fn holds(&self, key: &K, version: u64) -> bool {
        let slot = self.slots.get(key);
        slot.is_some_and(|slot| slot.version == version && !slot.has_expired(self.ttl))
    }

    /// What is kept under the key, of whatever version: for who looks at the versions within.
    pub(crate) fn of_any_version(&self, key: &K) -> Option<V> {
        self.slots.get(key).filter(|slot| !slot.has_expired(self.ttl)).map(|s| s.value.clone())
    }

    /// Keeps `value`, of `bytes`, unless a newer version is kept or it is larger than everything.
    pub(crate) fn put(&self, key: K, version: u64, value: V, bytes: usize) {
        let bytes = bytes + ENTRY_BYTES;
        if bytes > self.bytes_max {
            return;
        }
        let mut turns = self.turns.lock();
        let is_kept = |slot: &Slot<V>| {
            slot.version > version || slot.version == version && !slot.has_expired(self.ttl)
        };
        if self.slots.get(&key).is_some_and(|slot| is_kept(&slot)) {
            return;
        }
        let born = self.ttl.map(|_| Instant::now());
        let slot = Slot { version, value, bytes, born, read: AtomicBool::new(false) };
        match self.slots.insert(key.clone(), slot) {
            Some(before) => {
                self.shrink(before.bytes);
                self.rerendered.fetch_add(1, Ordering::Relaxed);
                self.meter.rerendered.increment(1);
            }
            None => turns.push_back(key),
        }
        self.bytes.fetch_add(bytes, Ordering::Relaxed);
        self.evict(&mut turns);
        self.tell();
    }

    fn evict(&self, turns: &mut VecDeque<K>) {
        while self.bytes.load(Ordering::Relaxed) > self.bytes_max {
            let Some(key) = turns.pop_front() else { return };
            let evicted = self.slots.remove_if(&key, |_, slot| {
                // Read since its last turn: it gets another one.
                !slot.read.swap(false, Ordering::Relaxed)
            });
            match evicted {
                Some((_, slot)) => {
                    self.shrink(slot.bytes);
                    self.evictions.fetch_add(1, Ordering::Relaxed);
                    self.meter.evictions.increment(1);
                }
                None => turns.push_back(key),
            }
        }
    }

    fn shrink(&self, bytes: usize) {
        self.bytes.fetch_sub(bytes, Ordering::Relaxed);
    }

    fn tell(&self) {
        #[expect(clippy::cast_precision_loss, reason = "a gauge; below 2^52")]
        self.meter.bytes.set(self.bytes.load(Ordering::Relaxed) as f64);
        #[expect(clippy::cast_precision_loss, reason = "a gauge; below 2^52")]
        self.meter.entries.set(self.slots.len() as f64);
    }

    /// Forgets everything; gives how many entries there were.
    pub(crate) fn clear(&self) -> usize {
        let mut turns = self.turns.lock();
        let entries = turns.len();
        turns.clear();
        self.slots.clear();
        self.bytes.store(0, Ordering::Relaxed);
        self.tell();
        entries
    }

    pub(crate) fn asked(&self) -> Asked {
        Asked {
            hits: self.hits.load(Ordering::Relaxed),
            misses: self.misses.load(Ordering::Relaxed),
        }
    }

    pub(crate) fn evictions(&self) -> u64 {
        self.evictions.load(Ordering::Relaxed)
    }

    pub(crate) fn counts(&self) -> CacheCounts {
        CacheCounts {
            entries: self.turns.lock().len(),
            bytes: self.bytes.load(Ordering::Relaxed),
            bytes_max: self.bytes_max,
            asked: self.asked(),
            rerendered: self.rerendered.load(Ordering::Relaxed),
            evictions: self.evictions(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cache(entries: usize) -> Cache<u32, u32> {
        Cache::new(entries * (100 + ENTRY_BYTES), None, "test")
    }

    #[test]
    fn only_the_version_asked_for_is_found_and_an_older_one_never_replaces_it() {
        let cache = cache(4);
        cache.put(1, 5, 50, 100);
        assert_eq!((cache.get(&1, 5), cache.get(&1, 4), cache.get(&1, 6)), (Some(50), None, None));
        cache.put(1, 4, 40, 100);
        assert_eq!(cache.get(&1, 5), Some(50));
        cache.put(1, 6, 60, 100);
        assert_eq!((cache.get(&1, 5), cache.get(&1, 6)), (None, Some(60)));
        let counts = cache.counts();
        assert_eq!((counts.entries, counts.bytes), (1, 100 + ENTRY_BYTES));
        assert_eq!(counts.asked, Asked { hits: 3, misses: 3 });
        assert_eq!(counts.rerendered, 1);
        assert_eq!((cache.holds(&1, 6), cache.holds(&1, 5)), (true, false));
        assert_eq!(cache.of_any_version(&1), Some(60));
        assert_eq!(cache.asked(), Asked { hits: 3, misses: 3 }, "looking is not asking");
    }

    #[test]
    fn what_has_grown_old_is_made_anew_at_the_same_version() {
        let aged = Cache::new(1000, Some(Duration::ZERO), "test");
        aged.put(1, 5, 50, 100);
        assert_eq!(
            (aged.get(&1, 5), aged.holds(&1, 5), aged.of_any_version(&1)),
            (None, false, None)
        );
        aged.put(1, 5, 51, 100);
        assert_eq!((aged.counts().entries, aged.counts().rerendered), (1, 1));
        let young = Cache::new(1000, Some(Duration::from_secs(3600)), "test");
        young.put(1, 5, 50, 100);
        young.put(1, 5, 51, 100);
        assert_eq!(young.get(&1, 5), Some(50));
    }

    #[test]
    fn the_bound_holds_and_what_was_read_outlives_what_was_not() {
        let cache = cache(10);
        for key in 0..10 {
            cache.put(key, 1, key, 100);
        }
        assert!(cache.get(&3, 1).is_some());
        for key in 10..19 {
            cache.put(key, 1, key, 100);
        }
        let counts = cache.counts();
        assert_eq!((counts.entries, counts.evictions), (10, 9));
        assert!(counts.bytes <= counts.bytes_max);
        assert!(cache.get(&3, 1).is_some(), "the only one that was read");
        assert!(cache.get(&4, 1).is_none());
    }

    #[test]
    fn everything_read_is_no_endless_turn_and_what_is_too_large_is_not_kept() {
        let cache = cache(3);
        for key in 0..3 {
            cache.put(key, 1, key, 100);
            assert!(cache.get(&key, 1).is_some());
        }
        cache.put(9, 1, 9, 100);
        assert_eq!(cache.counts().entries, 3);
        cache.put(10, 1, 10, 100_000);
        assert!(cache.get(&10, 1).is_none());
        assert_eq!(cache.clear(), 3);
        assert_eq!((cache.counts().entries, cache.counts().bytes), (0, 0));
    }

    #[test]
    fn many_threads_leave_the_sum_of_bytes_right() {
        let cache = std::sync::Arc::new(cache(50));
        std::thread::scope(|scope| {
            for thread in 0..4_u32 {
                let cache = std::sync::Arc::clone(&cache);
                scope.spawn(move || {
                    for turn in 0..2_000_u32 {
                        let key = (turn * 7 + thread) % 120;
                        if cache.get(&key, u64::from(turn)).is_none() {
                            cache.put(key, u64::from(turn), turn, 100);
                        }
                    }
                });
            }
        });
        let counts = cache.counts();
        assert_eq!(counts.bytes, counts.entries * (100 + ENTRY_BYTES));
        assert_eq!(counts.entries, cache.slots.len());
        assert!(counts.bytes <= counts.bytes_max);
    }
}
