//! Who is connected, within `connections_max` and `connections_per_peer_max`.
//!
//! A place that is missing is taken from whoever uses it least: the connection that has answered
//! no one for the longest, and at least for a second, makes room. So thousands of idle or dripping
//! connections keep nobody out; a connection that is being answered is never closed for another,
//! and where all are, the newcomer is turned away.

use std::collections::{BTreeMap, HashMap};
use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use metrics::Gauge;
use parking_lot::Mutex;
use tokio_util::sync::CancellationToken;

use crate::instruments;
use crate::settings::HttpSettings;

/// So long a connection may rest without being taken for idle.
const REST: Duration = Duration::from_secs(1);

pub(crate) struct Connections {
    total_max: usize,
    per_peer_max: usize,
    opened: Instant,
    open: Mutex<Open>,
    gauge: Gauge,
}

#[derive(Default)]
struct Open {
    next: u64,
    by_number: BTreeMap<u64, Arc<Activity>>,
    by_peer: HashMap<IpAddr, usize>,
}

/// What a connection does, told by itself.
pub(crate) struct Activity {
    peer: IpAddr,
    opened: Instant,
    /// A request is being answered.
    busy: AtomicBool,
    /// When bytes were last taken by the peer (or it was accepted), since `opened`.
    wrote_ms: AtomicU64,
    /// Its place was given to another.
    evicted: CancellationToken,
}

/// A place among the connections; given back when dropped.
pub(crate) struct Place {
    connections: Arc<Connections>,
    number: u64,
    pub(crate) activity: Arc<Activity>,
}

impl Activity {
    /// Fresh. `opened` is when its clock began.
    pub(crate) fn new(peer: IpAddr, opened: Instant) -> Self {
        Self {
            peer,
            opened,
            busy: AtomicBool::new(false),
            wrote_ms: AtomicU64::new(millis(opened.elapsed())),
            evicted: CancellationToken::new(),
        }
    }

    pub(crate) fn begin(&self) {
        self.busy.store(true, Ordering::Relaxed);
    }

    pub(crate) fn end(&self) {
        self.busy.store(false, Ordering::Relaxed);
    }

    pub(crate) fn wrote(&self) {
        self.wrote_ms.store(millis(self.opened.elapsed()), Ordering::Relaxed);
    }

    /// Ends when the place was given to another.
    pub(crate) async fn evicted(&self) {
        self.evicted.cancelled().await;
    }

    /// Since when it rests; `None` while it is being answered.
    fn resting_since(&self, now_ms: u64) -> Option<u64> {
        let wrote_ms = self.wrote_ms.load(Ordering::Relaxed);
        let rested_ms = now_ms.saturating_sub(wrote_ms);
        let rests = !self.busy.load(Ordering::Relaxed)
            && !self.evicted.is_cancelled()
            && rested_ms >= millis(REST);
        rests.then_some(wrote_ms)
    }
}

impl Connections {
    pub(crate) fn new(settings: &HttpSettings) -> Self {
        Self {
            total_max: settings.connections_max,
            per_peer_max: settings.connections_per_peer_max,
            opened: Instant::now(),
            open: Mutex::default(),
            gauge: instruments::connections(),
        }
    }

    /// A place, or which limit (`total`, `peer`) leaves none.
    pub(crate) fn admit(this: &Arc<Self>, peer: IpAddr) -> Result<Place, &'static str> {
        let mut open = this.open.lock();
        let now_ms = millis(this.opened.elapsed());
        let of_peer = open.by_peer.get(&peer).copied().unwrap_or_default();
        if of_peer >= this.per_peer_max {
            open.make_room(now_ms, Some(peer)).ok_or("peer")?;
        } else if open.by_number.len() >= this.total_max {
            open.make_room(now_ms, None).ok_or("total")?;
        }
        let activity = Arc::new(Activity::new(peer, this.opened));
        let number = open.next;
        open.next += 1;
        open.by_number.insert(number, Arc::clone(&activity));
        *open.by_peer.entry(peer).or_default() += 1;
        this.gauge.increment(1.0);
        Ok(Place { connections: Arc::clone(this), number, activity })
    }
}

impl Open {
    /// Ends the connection (of `peer`, if given) that has rested longest.
    fn make_room(&mut self, now_ms: u64, peer: Option<IpAddr>) -> Option<()> {
        let resting = self.by_number.iter().filter_map(|(number, activity)| {
            let counts = peer.is_none_or(|peer| activity.peer == peer);
            let since = activity.resting_since(now_ms).filter(|_| counts)?;
            Some((since, *number))
        });
        let (_, number) = resting.min()?;
        // Its task ends shortly; its place is free at once.
        self.remove(number)?.evicted.cancel();
        instruments::connection_refused("idle");
        Some(())
    }

    fn remove(&mut self, number: u64) -> Option<Arc<Activity>> {
        let activity = self.by_number.remove(&number)?;
        if let Some(of_peer) = self.by_peer.get_mut(&activity.peer) {
            *of_peer -= 1;
            if *of_peer == 0 {
                self.by_peer.remove(&activity.peer);
            }
        }
        Some(activity)
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.connections.open.lock().remove(self.number);
        self.connections.gauge.decrement(1.0);
    }
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::Ipv4Addr;

    fn peer(last: u8) -> IpAddr {
        Ipv4Addr::new(10, 0, 0, last).into()
    }

    /// Began an hour ago, so that places can be older than the rest that they are given.
    fn connections(total: usize, per_peer: usize) -> Arc<Connections> {
        let settings = HttpSettings {
            connections_max: total,
            connections_per_peer_max: per_peer,
            ..HttpSettings::default()
        };
        let opened = Instant::now().checked_sub(Duration::from_secs(3600)).unwrap();
        Arc::new(Connections { opened, ..Connections::new(&settings) })
    }

    fn rested(place: &Place, seconds: u64) {
        let before = place.activity.wrote_ms.load(Ordering::Relaxed) - seconds * 1000;
        place.activity.wrote_ms.store(before, Ordering::Relaxed);
    }

    #[test]
    fn the_longest_resting_makes_room_and_the_busy_and_the_fresh_do_not() {
        let connections = connections(3, 3);
        let (busy, old, older) = (
            Connections::admit(&connections, peer(1)).unwrap(),
            Connections::admit(&connections, peer(2)).unwrap(),
            Connections::admit(&connections, peer(3)).unwrap(),
        );
        assert_eq!(Connections::admit(&connections, peer(4)).err(), Some("total"), "all are fresh");
        busy.activity.begin();
        for (place, seconds) in [(&busy, 99), (&old, 5), (&older, 9)] {
            rested(place, seconds);
        }
        let _first = Connections::admit(&connections, peer(4)).unwrap();
        assert!(older.activity.evicted.is_cancelled() && !old.activity.evicted.is_cancelled());
        let _second = Connections::admit(&connections, peer(4)).unwrap();
        assert!(old.activity.evicted.is_cancelled());
        assert_eq!(Connections::admit(&connections, peer(4)).err(), Some("total"));
        drop((old, older));
        assert_eq!(connections.open.lock().by_number.len(), 3, "a place is given back once");
        drop(busy);
        assert!(Connections::admit(&connections, peer(4)).is_ok());
    }

    #[test]
    fn a_peer_at_its_limit_makes_room_among_its_own() {
        let connections = connections(10, 1);
        let (own, other) = (
            Connections::admit(&connections, peer(1)).unwrap(),
            Connections::admit(&connections, peer(2)).unwrap(),
        );
        rested(&other, 60);
        assert_eq!(Connections::admit(&connections, peer(1)).err(), Some("peer"));
        rested(&own, 2);
        let _new = Connections::admit(&connections, peer(1)).unwrap();
        assert!(own.activity.evicted.is_cancelled() && !other.activity.evicted.is_cancelled());
    }
}
