//! Who is connected to a listener, within `connections_max` and `connections_per_peer_max`.
//!
//! Where no place is left, the oldest connection that has not sent one whole frame makes room, if
//! it has had [`SILENT_REST`] for it: scanners, forgotten health checks and floods keep no sender
//! out. A connection that ever sent a frame is not closed for another: quiet feeds are normal.

use std::collections::{BTreeMap, HashMap};
use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use parking_lot::Mutex;
use tokio_util::sync::CancellationToken;

use super::counters::{Counters, Limit};

/// So long a connection may be silent before its place can be given away: a sender that connects
/// for a message sends it at once.
const SILENT_REST: Duration = Duration::from_secs(1);

pub(super) struct Places {
    total_max: usize,
    per_peer_max: usize,
    counters: Arc<Counters>,
    open: Mutex<Open>,
}

#[derive(Default)]
struct Open {
    next: u64,
    /// In the order in which they came.
    by_number: BTreeMap<u64, Taken>,
    by_peer: HashMap<IpAddr, usize>,
}

struct Taken {
    peer: IpAddr,
    since: Instant,
    spoken: Arc<AtomicBool>,
    end: CancellationToken,
}

/// A place of a connection; free again when dropped.
pub(super) struct Place {
    places: Arc<Places>,
    number: u64,
    spoken: Arc<AtomicBool>,
    /// Ends the connection's reading: the listener stops, or the place went to another.
    pub end: CancellationToken,
}

impl Places {
    pub fn new(total_max: usize, per_peer_max: usize, counters: Arc<Counters>) -> Arc<Self> {
        Arc::new(Self { total_max, per_peer_max, counters, open: Mutex::default() })
    }

    /// A place under `stop`, or which limit leaves none.
    pub fn take(
        this: &Arc<Self>,
        peer: IpAddr,
        now: Instant,
        stop: &CancellationToken,
    ) -> Result<Place, Limit> {
        let mut open = this.open.lock();
        let of_peer = open.by_peer.get(&peer).copied().unwrap_or_default();
        let (full, whose) = if of_peer >= this.per_peer_max {
            (Some(Limit::ConnectionsPerPeer), Some(peer))
        } else if open.by_number.len() >= this.total_max {
            (Some(Limit::Connections), None)
        } else {
            (None, None)
        };
        if let Some(limit) = full {
            open.make_room(now, whose).ok_or(limit)?.cancel();
            this.counters.limit(Limit::Silent);
        }
        let number = open.next;
        open.next += 1;
        let (spoken, end) = (Arc::new(AtomicBool::new(false)), stop.child_token());
        let taken = Taken { peer, since: now, spoken: Arc::clone(&spoken), end: end.clone() };
        open.by_number.insert(number, taken);
        *open.by_peer.entry(peer).or_default() += 1;
        Ok(Place { places: Arc::clone(this), number, spoken, end })
    }
}

impl Open {
    fn make_room(&mut self, now: Instant, peer: Option<IpAddr>) -> Option<CancellationToken> {
        let silent = |taken: &Taken| {
            peer.is_none_or(|peer| taken.peer == peer)
                && !taken.spoken.load(Ordering::Relaxed)
                && now.saturating_duration_since(taken.since) >= SILENT_REST
        };
        let (number, _) = self.by_number.iter().find(|(_, taken)| silent(taken))?;
        let number = *number;
        // Its task ends shortly; its place is free at once.
        self.remove(number).map(|taken| taken.end)
    }

    fn remove(&mut self, number: u64) -> Option<Taken> {
        let taken = self.by_number.remove(&number)?;
        if let Some(of_peer) = self.by_peer.get_mut(&taken.peer) {
            *of_peer -= 1;
            if *of_peer == 0 {
                self.by_peer.remove(&taken.peer);
            }
        }
        Some(taken)
    }
}

impl Place {
    /// Its connection has sent a whole frame: it keeps its place.
    pub fn spoke(&self) {
        if !self.spoken.load(Ordering::Relaxed) {
            self.spoken.store(true, Ordering::Relaxed);
        }
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.places.open.lock().remove(self.number);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use sluice_ids::ChannelId;

    fn peer(last: u8) -> IpAddr {
        [10, 0, 0, last].into()
    }

    fn places(total_max: usize, per_peer_max: usize) -> Arc<Places> {
        let counters = Counters::new(ChannelId::new("EJ1.mllp").unwrap());
        Places::new(total_max, per_peer_max, Arc::new(counters))
    }

    #[test]
    fn the_oldest_silent_connection_makes_room_and_one_that_spoke_does_not() {
        let (places, stop, began) = (places(3, 3), CancellationToken::new(), Instant::now());
        let take = |last, seconds| {
            Places::take(&places, peer(last), began + Duration::from_secs(seconds), &stop)
        };
        let (spoke, older, old) = (take(1, 0).unwrap(), take(2, 0).unwrap(), take(3, 1).unwrap());
        spoke.spoke();
        assert_eq!(take(4, 0).err(), Some(Limit::Connections), "all are fresh");
        let first = take(4, 2).unwrap();
        assert!(older.end.is_cancelled() && !old.end.is_cancelled());
        let second = take(4, 2).unwrap();
        assert!(old.end.is_cancelled() && !spoke.end.is_cancelled());
        first.spoke();
        second.spoke();
        assert_eq!(take(5, 99).err(), Some(Limit::Connections), "all have spoken");
        drop((older, old));
        assert_eq!(places.open.lock().by_number.len(), 3, "a place is given back once");
        drop(first);
        assert!(take(5, 99).is_ok());
    }

    #[test]
    fn a_peer_at_its_limit_makes_room_among_its_own() {
        let (places, stop, began) = (places(9, 1), CancellationToken::new(), Instant::now());
        let take = |last, seconds| {
            Places::take(&places, peer(last), began + Duration::from_secs(seconds), &stop)
        };
        let (own, other) = (take(1, 5).unwrap(), take(2, 0).unwrap());
        assert_eq!(take(1, 5).err(), Some(Limit::ConnectionsPerPeer));
        let _next = take(1, 7).unwrap();
        assert!(own.end.is_cancelled() && !other.end.is_cancelled());
    }
}
