//! A listener over real sockets, with an intake that answers with what it got: the wire's
//! behaviour alone. What the engine answers is tested in `sluice-flow`.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use metrics_exporter_prometheus::{PrometheusBuilder, PrometheusHandle};
use sluice_channels::ack::Verdict;
use sluice_channels::intake::{
    Committed, Intake, IntakeSession, Owed, Reply, SessionContext, Taken, TakenFuture,
};
use sluice_channels::mllp::{ListenError, Listening, listen};
use sluice_channels::{MllpSettings, MllpSource};
use sluice_ids::ChannelId;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::watch;
use tokio::time::timeout;

/// Answers `ack:<frame>`; `wait…` when the gate opens, `close` with a close, `silent` not at
/// all, `panic` by panicking, `big` with 200 KB. `twice…` has another answer when the gate opens,
/// `applied…` its only one. `later` and `never` are not kept.
struct Echo {
    gate: watch::Sender<bool>,
}

struct EchoSession {
    gate: watch::Receiver<bool>,
}

impl Intake for Echo {
    fn session(&self, _: SessionContext) -> Option<Box<dyn IntakeSession>> {
        Some(Box::new(EchoSession { gate: self.gate.subscribe() }))
    }
}

impl IntakeSession for EchoSession {
    fn take(&mut self, frame: Bytes) -> TakenFuture {
        let mut gate = self.gate.clone();
        let text = String::from_utf8_lossy(&frame).into_owned();
        assert_ne!(text, "panic");
        Box::pin(async move {
            let answer =
                |what: &str| Reply::Answer { code: "AA", bytes: format!("{what}:{text}").into() };
            let committed = match text.as_str() {
                "close" => return Taken::with(Committed::NotNow, Reply::Close),
                "silent" => return Taken::with(Committed::Yes, Reply::Silent),
                "big" => {
                    let bytes = vec![b'x'; 200_000].into();
                    return Taken::with(Committed::Yes, Reply::Answer { code: "AA", bytes });
                }
                "later" => Committed::NotNow,
                "never" => Committed::Never,
                _ => Committed::Yes,
            };
            if text.starts_with("wait") {
                gate.wait_for(|open| *open).await.unwrap();
            }
            let mut taken = Taken::with(committed, answer("ack"));
            if text.starts_with("twice") || text.starts_with("applied") {
                let applied = answer("applied");
                let applied = Box::pin(async move {
                    gate.wait_for(|open| *open).await.unwrap();
                    applied
                });
                if text.starts_with("twice") {
                    taken.applied = Some(applied);
                } else {
                    taken.owed = Owed::WhenApplied(applied);
                }
            }
            taken
        })
    }

    fn refuse(&mut self, head: Bytes, why: Verdict) -> TakenFuture {
        let bytes = format!("{}:{}", why.as_str(), head.len().min(1001)).into();
        let reply = Reply::Answer { code: "AR", bytes };
        Box::pin(async move { Taken::with(Committed::Never, reply) })
    }
}

struct Bench {
    listening: Listening,
    echo: Arc<Echo>,
    metrics: PrometheusHandle,
}

impl Bench {
    fn new(settings: MllpSettings) -> Self {
        Self::at(&source("127.0.0.1:0"), settings)
    }

    fn at(source: &MllpSource, settings: MllpSettings) -> Self {
        let recorder = PrometheusBuilder::new().build_recorder();
        let metrics = recorder.handle();
        let echo = Arc::new(Echo { gate: watch::Sender::new(false) });
        let listening = metrics::with_local_recorder(&recorder, || {
            let intake = Arc::clone(&echo) as Arc<dyn Intake>;
            listen(channel(), source, settings, intake)
        });
        Self { listening: listening.unwrap(), echo, metrics }
    }

    async fn connect(&self) -> Client {
        Client { stream: TcpStream::connect(self.listening.address()).await.unwrap() }
    }

    fn assert_metric(&self, line: &str) {
        let text = self.metrics.render();
        assert!(text.lines().any(|found| found == line), "no {line:?} in:\n{text}");
    }
}

fn channel() -> ChannelId {
    ChannelId::new("EJ1.mllp").unwrap()
}

fn source(address: &str) -> MllpSource {
    MllpSource::at(address.parse().unwrap())
}

struct Client {
    stream: TcpStream,
}

impl Client {
    async fn send(&mut self, bytes: &[u8]) {
        self.stream.write_all(bytes).await.unwrap();
    }

    /// Exactly these bytes, and no more waited for.
    async fn expect(&mut self, expected: &[u8]) {
        let mut got = vec![0; expected.len()];
        patiently(self.stream.read_exact(&mut got)).await.unwrap();
        assert_eq!(String::from_utf8_lossy(&got), String::from_utf8_lossy(expected));
    }

    /// The rest, up to the listener's close.
    async fn rest(&mut self) -> Vec<u8> {
        let mut rest = Vec::new();
        let _ = patiently(self.stream.read_to_end(&mut rest)).await;
        rest
    }
}

/// A hang is a failure, not a wait for ever.
async fn patiently<T>(future: impl Future<Output = T>) -> T {
    timeout(Duration::from_secs(20), future).await.expect("an answer within 20 s")
}

#[tokio::test]
async fn a_frame_is_answered_in_one_piece() {
    let bench = Bench::new(MllpSettings::default());
    let mut client = bench.connect().await;
    client.send(b"\x0bone\x1c\r").await;
    let mut buffer = [0; 64];
    let bytes = patiently(client.stream.read(&mut buffer)).await.unwrap();
    assert_eq!(&buffer[..bytes], b"\x0back:one\x1c\r", "the first read has all of it");
    bench.assert_metric("sluice_mllp_frames_total{channel=\"EJ1.mllp\"} 1");
    bench.assert_metric("sluice_mllp_acks_total{channel=\"EJ1.mllp\",code=\"AA\"} 1");
    bench.assert_metric("sluice_mllp_connections{channel=\"EJ1.mllp\"} 1");
}

#[tokio::test]
async fn quirky_senders_are_answered() {
    let bench = Bench::new(MllpSettings::default());
    let mut client = bench.connect().await;
    client.send(b"\x0bno final cr\x1c").await;
    client.expect(b"\x0back:no final cr\x1c\r").await;
    client.send(b"\r\n\x0bline feeds\x1c\r\n\r\n").await;
    client.expect(b"\x0back:line feeds\x1c\r").await;
    for byte in b"\x0bone at a time\x1c\r" {
        client.send(&[*byte]).await;
    }
    client.expect(b"\x0back:one at a time\x1c\r").await;
    client.send(b"junk\x0ba\x1c\rjunk\x0bb\x1c\x0bcut off\x0bc\x1c\r").await;
    client.expect(b"\x0back:a\x1c\r\x0back:b\x1c\r\x0back:c\x1c\r").await;
    client.send(b"\x0bsilent\x1c\r\x0blast\x1c").await;
    client.stream.shutdown().await.unwrap();
    assert_eq!(client.rest().await, b"\x0back:last\x1c\r", "after half a close too");
    bench.assert_metric("sluice_mllp_junk_bytes_total{channel=\"EJ1.mllp\"} 15");
    bench.assert_metric("sluice_mllp_cut_frames_total{channel=\"EJ1.mllp\"} 1");
    bench.assert_metric("sluice_mllp_acks_total{channel=\"EJ1.mllp\",code=\"none\"} 1");
}

#[tokio::test]
async fn answers_leave_in_the_order_of_the_frames() {
    let bench = Bench::new(MllpSettings::default());
    let mut client = bench.connect().await;
    client.send(b"\x0ba\x1c\r\x0bwait\x1c\r\x0bb\x1c\r\x0bc\x1c\r").await;
    client.expect(b"\x0back:a\x1c\r").await;
    bench.echo.gate.send_replace(true);
    client.expect(b"\x0back:wait\x1c\r\x0back:b\x1c\r\x0back:c\x1c\r").await;
}

#[tokio::test]
async fn a_second_answer_holds_up_no_first_one() {
    let bench = Bench::new(MllpSettings::default());
    let mut client = bench.connect().await;
    client.send(b"\x0btwice 1\x1c\r\x0bone\x1c\r\x0btwice 2\x1c\r").await;
    client.expect(b"\x0back:twice 1\x1c\r\x0back:one\x1c\r\x0back:twice 2\x1c\r").await;
    bench.echo.gate.send_replace(true);
    client.expect(b"\x0bapplied:twice 1\x1c\r\x0bapplied:twice 2\x1c\r").await;
    client.send(b"\x0bapplied\x1c\r\x0btwice 3\x1c").await;
    client.stream.shutdown().await.unwrap();
    let rest = b"\x0bapplied:applied\x1c\r\x0back:twice 3\x1c\r\x0bapplied:twice 3\x1c\r";
    assert_eq!(client.rest().await, rest, "after half a close too");
}

/// Two frames with two answers each, cut at every byte: the cut never matters.
#[tokio::test]
async fn two_answers_a_message_however_it_is_cut() {
    let bench = Bench::new(MllpSettings::default());
    bench.echo.gate.send_replace(true);
    let sent = b"\x0btwice 1\x1c\r\x0btwice 2\x1c\r";
    for at in 1..sent.len() {
        let mut client = bench.connect().await;
        client.send(&sent[..at]).await;
        tokio::task::yield_now().await;
        client.send(&sent[at..]).await;
        client.stream.shutdown().await.unwrap();
        let told = String::from_utf8(client.rest().await).unwrap();
        let mut told: Vec<&str> = told.split_terminator("\x1c\r").collect();
        let of = |what: &str| told.iter().filter(|t| t.starts_with(what)).copied().collect();
        let (first, second): (Vec<&str>, Vec<&str>) = (of("\x0back"), of("\x0bapplied"));
        assert_eq!(first, ["\x0back:twice 1", "\x0back:twice 2"], "cut at {at}");
        assert_eq!(second, ["\x0bapplied:twice 1", "\x0bapplied:twice 2"], "cut at {at}");
        told.retain(|t| t.ends_with("twice 1"));
        assert_eq!(told, ["\x0back:twice 1", "\x0bapplied:twice 1"], "cut at {at}");
    }
}

#[tokio::test]
async fn a_stop_is_not_held_up_by_what_is_never_applied() {
    let bench = Bench::new(MllpSettings::default());
    let mut client = bench.connect().await;
    client.send(b"\x0btwice\x1c\r").await;
    client.expect(b"\x0back:twice\x1c\r").await;
    let Bench { listening, metrics, .. } = bench;
    assert_eq!(patiently(listening.stop()).await.cut, 0);
    assert_eq!(client.rest().await, b"");
    let unsent = "sluice_mllp_application_acks_unsent_total{channel=\"EJ1.mllp\"} 1";
    assert!(metrics.render().lines().any(|line| line == unsent));
}

#[tokio::test]
async fn a_stop_that_leaves_out_an_answer_leaves_out_those_behind_it() {
    let bench = Bench::new(MllpSettings::default());
    let mut client = bench.connect().await;
    client.send(b"\x0bone\x1c\r\x0bapplied 1\x1c\r\x0btwo\x1c\r\x0bapplied 2\x1c\r").await;
    client.expect(b"\x0back:one\x1c\r").await;
    let Bench { listening, metrics, .. } = bench;
    assert_eq!(patiently(listening.stop()).await.cut, 0);
    assert_eq!(client.rest().await, b"");
    let unsent = "sluice_mllp_application_acks_unsent_total{channel=\"EJ1.mllp\"} 2";
    assert!(metrics.render().lines().any(|line| line == unsent));
}

#[tokio::test]
async fn what_a_lost_peer_is_owed_is_counted() {
    let bench = Bench::new(MllpSettings::default());
    let mut client = bench.connect().await;
    client.send(b"\x0btwice\x1c\r").await;
    client.expect(b"\x0back:twice\x1c\r").await;
    client.stream.set_zero_linger().unwrap();
    drop(client);
    let unsent = "sluice_mllp_application_acks_unsent_total{channel=\"EJ1.mllp\"} 1";
    patiently(async {
        while !bench.metrics.render().lines().any(|line| line == unsent) {
            tokio::task::yield_now().await;
        }
    })
    .await;
}

#[tokio::test]
async fn release_2_says_what_is_stored_before_it_is_answered() {
    let source = MllpSource { commit_bytes: true, ..source("127.0.0.1:0") };
    let bench = Bench::at(&source, MllpSettings::default());
    let mut client = bench.connect().await;
    client.send(b"\x0bone\x1c\r").await;
    client.expect(b"\x0b\x06\x1c\r\x0back:one\x1c\r").await;
    // Committed here, and told when it is applied.
    client.send(b"\x0b\x06\x1c\r\x0bapplied\x1c\r").await;
    client.expect(b"\x0b\x06\x1c\r").await;
    bench.echo.gate.send_replace(true);
    client.expect(b"\x0bapplied:applied\x1c\r").await;
    // What can be taken later has no answer but NAK; what never can has both.
    client.send(b"\x0b\x06\x1c\r\x0blater\x1c\r\x0bnever\x1c\r\x0bsilent\x1c\r").await;
    client.expect(b"\x0b\x15\x1c\r\x0b\x15\x1c\r\x0back:never\x1c\r\x0b\x06\x1c\r").await;
    // Our answer was not committed there: it comes again, so often and no more.
    for _ in 0..2 {
        client.send(b"\x0b\x15\x1c\r").await;
        client.expect(b"\x0back:never\x1c\r").await;
    }
    client.send(b"\x0b\x15\x1c\r\x0bclose\x1c\r").await;
    assert_eq!(client.rest().await, b"", "nothing is said of what nobody knows");
    bench.assert_metric(
        "sluice_mllp_commit_blocks_total{channel=\"EJ1.mllp\",block=\"ack_sent\"} 3",
    );
    bench.assert_metric(
        "sluice_mllp_commit_blocks_total{channel=\"EJ1.mllp\",block=\"nak_sent\"} 2",
    );
    bench.assert_metric(
        "sluice_mllp_commit_blocks_total{channel=\"EJ1.mllp\",block=\"nak_received\"} 3",
    );
}

#[tokio::test]
async fn one_wedged_connection_holds_up_no_other() {
    let bench = Bench::new(MllpSettings::default());
    let mut wedged = bench.connect().await;
    let mut poisoned = bench.connect().await;
    let mut healthy = bench.connect().await;
    wedged.send(b"\x0bwait\x1c\r").await;
    poisoned.send(b"\x0bpanic\x1c\r").await;
    assert_eq!(poisoned.rest().await, b"");
    healthy.send(b"\x0bone\x1c\r").await;
    healthy.expect(b"\x0back:one\x1c\r").await;
}

#[tokio::test]
async fn frames_in_hand_are_bounded_and_the_rest_is_pushed_back() {
    let settings =
        MllpSettings { in_flight_max: 2, frame_deadline_ms: 60_000, ..Default::default() };
    let bench = Bench::new(settings);
    let mut client = bench.connect().await;
    client.send(&b"\x0bwait\x1c\r".repeat(10)).await;
    let mut other = bench.connect().await;
    other.send(b"\x0bone\x1c\r").await;
    other.expect(b"\x0back:one\x1c\r").await;
    while !bench.metrics.render().contains("limit=\"in_flight\"} 1") {
        tokio::task::yield_now().await;
    }
    bench.assert_metric("sluice_mllp_frames_total{channel=\"EJ1.mllp\"} 3");
    bench.echo.gate.send_replace(true);
    client.expect(&b"\x0back:wait\x1c\r".repeat(10)).await;
}

#[tokio::test]
async fn a_frame_too_large_is_answered_once_and_the_next_is_taken() {
    let settings =
        MllpSettings { frame_bytes_max: 1000, skip_bytes_max: 100_000, ..Default::default() };
    let bench = Bench::new(settings);
    let mut client = bench.connect().await;
    let large = [b"\x0b", &b"x".repeat(50_000)[..], b"\x1c\r"].concat();
    client.send(&large).await;
    client.expect(b"\x0bframe_too_large:1001\x1c\r").await;
    client.send(b"\x0bone\x1c\r").await;
    client.expect(b"\x0back:one\x1c\r").await;
    bench.assert_metric(
        "sluice_mllp_limits_hit_total{channel=\"EJ1.mllp\",limit=\"frame_bytes\"} 1",
    );
}

#[tokio::test]
async fn an_endless_frame_is_answered_once_and_its_connection_closed() {
    let settings =
        MllpSettings { frame_bytes_max: 1000, skip_bytes_max: 10_000, ..Default::default() };
    let bench = Bench::new(settings);
    let mut client = bench.connect().await;
    client.send(&[b"\x0b", &b"x".repeat(20_000)[..]].concat()).await;
    assert_eq!(client.rest().await, b"\x0bframe_too_large:1001\x1c\r");
    bench
        .assert_metric("sluice_mllp_limits_hit_total{channel=\"EJ1.mllp\",limit=\"skip_bytes\"} 1");
}

#[tokio::test]
async fn large_frames_at_once_share_one_budget() {
    let settings = MllpSettings {
        frame_bytes_max: 1_000_000,
        buffered_bytes_max: 1_000_000,
        ..Default::default()
    };
    let bench = Bench::new(settings);
    let most = [b"\x0b", &b"x".repeat(900_000)[..]].concat();
    let mut one = bench.connect().await;
    one.send(&most).await;
    let mut two = bench.connect().await;
    two.send(&most).await;
    // Whichever came later is refused for now, and goes on after its frame.
    let refused = b"\x0boverloaded:1001\x1c\r";
    let mut first = [0; 1];
    let (mut refused_one, mut kept) = tokio::select! {
        _ = one.stream.peek(&mut first) => (one, two),
        () = async { two.stream.peek(&mut [0; 1]).await.map(drop).unwrap() } => (two, one),
    };
    refused_one.expect(refused).await;
    refused_one.send(b"\x1c\r\x0bone\x1c\r").await;
    refused_one.expect(b"\x0back:one\x1c\r").await;
    kept.send(b"\x1c\r").await;
    kept.expect(&[b"\x0back:", &most[1..], b"\x1c\r"].concat()).await;
    let hit = "sluice_mllp_limits_hit_total{channel=\"EJ1.mllp\",limit=\"buffered_bytes\"} 1";
    bench.assert_metric(hit);
}

#[tokio::test]
async fn endless_junk_closes_the_connection() {
    let bench = Bench::new(MllpSettings { junk_bytes_max: 1000, ..Default::default() });
    let mut client = bench.connect().await;
    client.send(&b"GET / HTTP/1.1\r\n".repeat(100)).await;
    assert_eq!(client.rest().await, b"");
    bench
        .assert_metric("sluice_mllp_limits_hit_total{channel=\"EJ1.mllp\",limit=\"junk_bytes\"} 1");
}

#[tokio::test]
async fn a_frame_that_does_not_end_in_time_closes_the_connection() {
    let bench = Bench::new(MllpSettings { frame_deadline_ms: 30, ..Default::default() });
    let mut client = bench.connect().await;
    client.send(b"\x0bone\x1c\r\x0bdrip").await;
    assert_eq!(client.rest().await, b"\x0back:one\x1c\r", "what was whole is answered");
    bench.assert_metric(
        "sluice_mllp_limits_hit_total{channel=\"EJ1.mllp\",limit=\"frame_deadline\"} 1",
    );
}

#[tokio::test]
async fn an_idle_connection_is_let_go_but_not_one_that_is_owed_an_answer() {
    let bench = Bench::new(MllpSettings { idle_timeout_ms: 200, ..Default::default() });
    let mut owed = bench.connect().await;
    owed.send(b"\x0bwait\x1c\r").await;
    let mut idle = bench.connect().await;
    assert_eq!(idle.rest().await, b"");
    bench.echo.gate.send_replace(true);
    assert_eq!(owed.rest().await, b"\x0back:wait\x1c\r");
}

#[tokio::test]
async fn a_sender_that_never_reads_is_let_go() {
    let settings = MllpSettings { write_timeout_ms: 50, ..Default::default() };
    let bench = Bench::new(settings);
    let mut client = bench.connect().await;
    // 40 MB of answers: more than the sockets' buffers take.
    client.send(&b"\x0bbig\x1c\r".repeat(200)).await;
    let hit = "sluice_mllp_limits_hit_total{channel=\"EJ1.mllp\",limit=\"write_timeout\"} 1";
    patiently(async {
        while !bench.metrics.render().contains(hit) {
            tokio::task::yield_now().await;
        }
    })
    .await;
    bench.assert_metric("sluice_mllp_connections{channel=\"EJ1.mllp\"} 0");
}

#[tokio::test]
async fn caps_hold_and_the_place_of_a_closed_connection_is_free_again() {
    let bench = Bench::new(MllpSettings { connections_per_peer_max: 2, ..Default::default() });
    let mut one = bench.connect().await;
    let mut two = bench.connect().await;
    for client in [&mut one, &mut two] {
        client.send(b"\x0ba\x1c\r").await;
        client.expect(b"\x0back:a\x1c\r").await;
    }
    assert_eq!(bench.connect().await.rest().await, b"", "closed at once");
    bench.assert_metric(
        "sluice_mllp_limits_hit_total{channel=\"EJ1.mllp\",limit=\"connections_per_peer\"} 1",
    );
    one.stream.shutdown().await.unwrap();
    assert_eq!(one.rest().await, b"");
    while !bench.metrics.render().contains("sluice_mllp_connections{channel=\"EJ1.mllp\"} 1") {
        tokio::task::yield_now().await;
    }
    let mut three = bench.connect().await;
    three.send(b"\x0bb\x1c\r").await;
    three.expect(b"\x0back:b\x1c\r").await;
}

#[tokio::test]
async fn a_close_answers_what_came_before_and_nothing_after() {
    let bench = Bench::new(MllpSettings::default());
    let mut client = bench.connect().await;
    client.send(b"\x0ba\x1c\r\x0bclose\x1c\r\x0bb\x1c\r").await;
    assert_eq!(client.rest().await, b"\x0back:a\x1c\r");
}

#[tokio::test]
async fn a_stop_answers_the_frames_in_hand() {
    let bench = Bench::new(MllpSettings::default());
    let mut idle = bench.connect().await;
    let mut client = bench.connect().await;
    client.send(b"\x0ba\x1c\r\x0bwait\x1c\r").await;
    client.expect(b"\x0back:a\x1c\r").await;
    let address: SocketAddr = bench.listening.address();
    let stopping = tokio::spawn(bench.listening.stop());
    assert_eq!(idle.rest().await, b"");
    bench.echo.gate.send_replace(true);
    assert_eq!(client.rest().await, b"\x0back:wait\x1c\r");
    assert_eq!(patiently(stopping).await.unwrap().cut, 0);
    assert!(TcpStream::connect(address).await.is_err(), "nobody listens any more");
}

#[tokio::test]
async fn a_stop_does_not_wait_for_ever() {
    let bench = Bench::new(MllpSettings { stop_timeout_ms: 30, ..Default::default() });
    let mut client = bench.connect().await;
    client.send(b"\x0ba\x1c\r\x0bwait\x1c\r").await;
    client.expect(b"\x0back:a\x1c\r").await;
    assert_eq!(patiently(bench.listening.stop()).await.cut, 1);
    assert_eq!(client.rest().await, b"", "cut without an answer");
}

#[tokio::test]
async fn paused_it_keeps_its_connections_answers_what_it_has_and_reads_no_more() {
    let bench = Bench::new(MllpSettings { idle_timeout_ms: 300, ..Default::default() });
    let mut client = bench.connect().await;
    client.send(b"\x0bone\x1c\r\x0bwait\x1c\r").await;
    client.expect(b"\x0back:one\x1c\r").await;
    let frames = "sluice_mllp_frames_total{channel=\"EJ1.mllp\"} 2";
    while !bench.metrics.render().contains(frames) {
        tokio::task::yield_now().await;
    }
    bench.listening.pause(true);
    bench.echo.gate.send_replace(true);
    client.expect(b"\x0back:wait\x1c\r").await;
    client.send(b"\x0btwo\x1c\r").await;
    let mut late = bench.connect().await;
    late.send(b"\x0bthree\x1c\r").await;
    // Longer than an idle connection is kept.
    let silence = timeout(Duration::from_millis(700), late.stream.read_u8()).await;
    assert!(silence.is_err(), "neither answered nor closed");
    bench.assert_metric(frames);
    bench.listening.pause(false);
    client.expect(b"\x0back:two\x1c\r").await;
    late.expect(b"\x0back:three\x1c\r").await;
}

#[tokio::test]
async fn plaintext_off_loopback_needs_leave() {
    let echo = Arc::new(Echo { gate: watch::Sender::new(false) });
    let mut source = source("0.0.0.0:0");
    let intake = Arc::clone(&echo) as Arc<dyn Intake>;
    let refused = listen(channel(), &source, MllpSettings::default(), intake);
    assert!(matches!(refused.err(), Some(ListenError::PlaintextOffLoopback { .. })));
    source.allow_plaintext_off_loopback = true;
    assert!(listen(channel(), &source, MllpSettings::default(), echo).is_ok());
}
