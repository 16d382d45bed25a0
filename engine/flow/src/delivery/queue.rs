//! How a destination stands: what `/api/queues` and the metrics tell.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use metrics::{Counter, Gauge, counter, describe_counter, describe_gauge, gauge};
use parking_lot::Mutex;
use sluice_ids::{EjId, Micros, Seq};

use super::cursor::Way;

/// Over how long a rate is told.
const RATE_OVER: Duration = Duration::from_secs(60);

/// What a destination is doing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Doing {
    /// Sending, or waiting for what is to be sent.
    Running,
    /// The peer is left alone for a while.
    Waiting,
    /// It cannot go on until something is changed: [`QueueTold::why`].
    Stuck,
    /// Told so by an operator: nothing is sent.
    Paused,
}

impl Doing {
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Running => "running",
            Self::Waiting => "waiting",
            Self::Stuck => "stuck",
            Self::Paused => "paused",
        }
    }
}

/// One destination for one EJ.
#[derive(Debug, Clone)]
pub struct QueueTold {
    pub ej: EjId,
    pub way: Way,
    /// `mllp`, `fhir`, `file` or `webhook`.
    pub kind: &'static str,
    pub doing: Doing,
    pub why: Option<String>,
    /// Everything up to here is delivered or set aside.
    pub cursor: Seq,
    /// Messages that wait, those in flight included.
    pub depth: u64,
    /// False: the journal was not read to its end, and the depth is the most that there can be.
    pub depth_is_exact: bool,
    pub in_flight: u64,
    /// When the oldest of them was received.
    pub oldest: Option<Micros>,
    pub delivered_per_s: f64,
    pub delivered_total: u64,
    pub dead_letters_total: u64,
    /// What ended the last attempt that failed, since the last that did not.
    pub trouble: Option<String>,
}

#[derive(Default)]
struct State {
    stuck: Option<String>,
    read: Seq,
    cursor: Seq,
    unfinished: u64,
    in_flight: u64,
    oldest: Option<Micros>,
    delivered: u64,
    set_aside: u64,
    trouble: Option<String>,
    /// How many in each second of the last minute.
    seconds: VecDeque<(Instant, u64)>,
}

pub(super) struct Queue {
    state: Mutex<State>,
    counters: Counters,
}

struct Counters {
    accepted: Counter,
    superseded: Counter,
    refused: Counter,
    behind: Counter,
    unreached: Counter,
    not_now: Counter,
    lost: Counter,
    cursor: Gauge,
    depth: Gauge,
    in_flight: Gauge,
    oldest: Gauge,
    paused: Gauge,
    stuck: Gauge,
}

/// How a message left the queue.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Left {
    Accepted,
    /// Nothing was left to send: a later message's has it.
    Superseded,
    Refused,
    Behind,
}

impl Queue {
    pub fn new(ej: EjId, way: Way, cursor: Seq) -> Self {
        let labels = [
            ("channel", way.channel.to_string()),
            ("destination", way.destination.to_string()),
            ("ej", ej.to_string()),
        ];
        let with = |key: &'static str, value: &'static str| {
            let mut labels = labels.to_vec();
            labels.push((key, value.to_owned()));
            labels
        };
        let messages = |value| counter!("sluice_delivery_messages_total", &with("outcome", value));
        let failures = |value| counter!("sluice_delivery_failures_total", &with("kind", value));
        let counters = Counters {
            accepted: messages("accepted"),
            superseded: messages("superseded"),
            refused: messages("refused"),
            behind: messages("behind"),
            unreached: failures("unreached"),
            not_now: failures("not_now"),
            lost: counter!("sluice_delivery_lost_total", &labels),
            cursor: gauge!("sluice_delivery_cursor", &labels),
            depth: gauge!("sluice_delivery_depth", &labels),
            in_flight: gauge!("sluice_delivery_in_flight", &labels),
            oldest: gauge!("sluice_delivery_oldest_seconds", &labels),
            paused: gauge!("sluice_delivery_paused", &labels),
            stuck: gauge!("sluice_delivery_stuck", &labels),
        };
        let state = State { read: cursor, cursor, ..State::default() };
        Self { state: Mutex::new(state), counters }
    }

    pub fn left(&self, left: Left) {
        let counter = match left {
            Left::Accepted => &self.counters.accepted,
            Left::Superseded => &self.counters.superseded,
            Left::Refused => &self.counters.refused,
            Left::Behind => &self.counters.behind,
        };
        counter.increment(1);
        let mut state = self.state.lock();
        match left {
            Left::Accepted | Left::Superseded => {
                state.delivered += 1;
                state.trouble = None;
                let now = Instant::now();
                match state.seconds.back_mut() {
                    Some((at, count)) if now - *at < Duration::from_secs(1) => *count += 1,
                    _ => state.seconds.push_back((now, 1)),
                }
                while state.seconds.front().is_some_and(|(at, _)| now - *at > RATE_OVER) {
                    state.seconds.pop_front();
                }
            }
            Left::Refused | Left::Behind => state.set_aside += 1,
        }
    }

    pub fn failed(&self, reached: bool, code: &str) {
        if reached { &self.counters.not_now } else { &self.counters.unreached }.increment(1);
        self.state.lock().trouble = Some(code.to_owned());
    }

    pub fn stuck(&self, why: Option<String>) {
        self.counters.stuck.set(if why.is_some() { 1.0 } else { 0.0 });
        self.state.lock().stuck = why;
    }

    /// Retention let go so many records before they were read.
    pub fn lost(&self, from: Seq, to: Seq) {
        self.counters.lost.increment(to.get().saturating_sub(from.get()));
    }

    /// It was stopped: nothing waits here any more. A series cannot be taken back, and 0 is within every
    /// limit. Where the destination goes on, its next queue says so.
    pub fn gone(&self) {
        let Counters { depth, in_flight, oldest, paused, stuck, .. } = &self.counters;
        [depth, in_flight, oldest, paused, stuck].iter().for_each(|gauge| gauge.set(0.0));
    }

    pub fn stands(&self, read: Seq, cursor: Seq, line: (usize, usize), oldest: Option<Micros>) {
        let (unfinished, in_flight) = (line.0 as u64, line.1 as u64);
        self.counters.cursor.set(cursor.get() as f64);
        self.counters.in_flight.set(in_flight as f64);
        let mut state = self.state.lock();
        (state.read, state.cursor) = (read, cursor);
        (state.unfinished, state.in_flight, state.oldest) = (unfinished, in_flight, oldest);
    }

    /// `applied`: how far the EJ is folded; what was not read up to there may all be its own.
    pub fn told(&self, mut told: QueueTold, applied: Seq, now: Micros) -> QueueTold {
        let state = self.state.lock();
        let unread = applied.get().saturating_sub(state.read.get());
        told.cursor = state.cursor;
        told.depth = state.unfinished + unread;
        told.depth_is_exact = unread == 0;
        told.in_flight = state.in_flight;
        told.oldest = state.oldest;
        told.delivered_total = state.delivered;
        told.dead_letters_total = state.set_aside;
        told.trouble.clone_from(&state.trouble);
        let recent = state.seconds.iter().filter(|(at, _)| at.elapsed() <= RATE_OVER);
        let recent: u64 = recent.map(|(_, count)| count).sum();
        told.delivered_per_s = recent as f64 / RATE_OVER.as_secs_f64();
        if let Some(why) = &state.stuck {
            told.why = Some(why.clone());
            if told.doing != Doing::Paused {
                told.doing = Doing::Stuck;
            }
        }
        let is_stuck = state.stuck.is_some() || told.doing == Doing::Stuck;
        self.counters.stuck.set(if is_stuck { 1.0 } else { 0.0 });
        self.counters.paused.set(if told.doing == Doing::Paused { 1.0 } else { 0.0 });
        self.counters.depth.set(told.depth as f64);
        let age = state.oldest.map_or(0, |oldest| now.get().saturating_sub(oldest.get()).max(0));
        self.counters.oldest.set(age as f64 / 1e6);
        told
    }
}

/// Tells an installed recorder what these metrics are.
pub(crate) fn describe_metrics() {
    describe_counter!(
        "sluice_delivery_messages_total",
        "Messages that left a destination's queue, by outcome"
    );
    describe_counter!(
        "sluice_delivery_failures_total",
        "Attempts that failed: the peer was not reached, or answered not now"
    );
    describe_counter!(
        "sluice_delivery_stray_answers_total",
        "Acknowledgements that belong to no message that waits for one"
    );
    describe_counter!(
        "sluice_delivery_untold_total",
        "Messages of which it could not be told whether they took records away"
    );
    describe_counter!(
        "sluice_delivery_lost_total",
        "Records that retention let go before they were read for a destination"
    );
    describe_gauge!("sluice_delivery_cursor", "How far a destination is in its EJ's order");
    describe_gauge!("sluice_delivery_depth", "Messages that wait, or the most that there can be");
    describe_gauge!("sluice_delivery_in_flight", "Messages on their way");
    describe_gauge!("sluice_delivery_oldest_seconds", "Age of the oldest message that waits");
    describe_gauge!("sluice_delivery_paused", "1 where an operator paused a destination");
    describe_gauge!("sluice_delivery_stuck", "1 where a destination cannot go on");
}

#[cfg(test)]
mod tests {
    use metrics_exporter_prometheus::PrometheusBuilder;
    use sluice_ids::{ChannelId, DestinationName};

    use super::*;

    fn told(ej: EjId, way: Way, doing: Doing) -> QueueTold {
        QueueTold {
            ej,
            way,
            kind: "mllp",
            doing,
            why: None,
            cursor: Seq::ZERO,
            depth: 0,
            depth_is_exact: true,
            in_flight: 0,
            oldest: None,
            delivered_per_s: 0.0,
            delivered_total: 0,
            dead_letters_total: 0,
            trouble: None,
        }
    }

    #[test]
    fn the_gauges_say_what_is_told_and_nothing_stands_once_it_is_gone() {
        let recorder = PrometheusBuilder::new().build_recorder();
        let ej = EjId::new("EJ1").unwrap();
        let way = Way {
            channel: ChannelId::new("EJ1.mllp").unwrap(),
            destination: DestinationName::new("ward").unwrap(),
        };
        let text = || recorder.handle().render();
        let says = |name: &str, value: &str| {
            let labels = r#"{channel="EJ1.mllp",destination="ward",ej="EJ1"}"#;
            let line = format!("sluice_delivery_{name}{labels} {value}\n");
            assert!(text().contains(&line), "{line}{}", text());
        };
        metrics::with_local_recorder(&recorder, || {
            let queue = Queue::new(ej, way, Seq::ZERO);
            let now = Micros::new(9_000_000);
            queue.stands(Seq::new(2), Seq::new(1), (3, 2), Some(Micros::new(2_000_000)));
            queue.told(told(ej, way, Doing::Running), Seq::new(2), now);
            let standing = [("depth", "3"), ("in_flight", "2"), ("oldest_seconds", "7")];
            standing.iter().for_each(|(name, value)| says(name, value));
            queue.told(told(ej, way, Doing::Paused), Seq::new(2), now);
            says("paused", "1");
            says("stuck", "0");
            // Its task has ended.
            queue.told(told(ej, way, Doing::Stuck), Seq::new(2), now);
            says("stuck", "1");
            queue.lost(Seq::new(3), Seq::new(8));
            queue.gone();
            for name in ["depth", "in_flight", "oldest_seconds", "paused", "stuck"] {
                says(name, "0");
            }
            says("lost_total", "5");
        });
    }
}
