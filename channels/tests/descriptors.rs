//! A process without a free file descriptor goes on serving, and accepts again by itself.
//! Alone in its binary: the limit is the process's.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use metrics_exporter_prometheus::PrometheusBuilder;
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use sluice_channels::ack::Verdict;
use sluice_channels::intake::{
    Committed, Intake, IntakeSession, Reply, SessionContext, Taken, TakenFuture,
};
use sluice_channels::mllp::listen;
use sluice_channels::{MllpSettings, MllpSource};
use sluice_ids::ChannelId;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

struct Yes;

impl Intake for Yes {
    fn session(&self, _: SessionContext) -> Option<Box<dyn IntakeSession>> {
        Some(Box::new(Self))
    }
}

impl IntakeSession for Yes {
    fn take(&mut self, _: Bytes) -> TakenFuture {
        let reply = Reply::Answer { code: "AA", bytes: Bytes::from_static(b"yes") };
        Box::pin(std::future::ready(Taken::with(Committed::Yes, reply)))
    }

    fn refuse(&mut self, _: Bytes, _: Verdict) -> TakenFuture {
        Box::pin(std::future::ready(Taken::with(Committed::Never, Reply::Silent)))
    }
}

async fn asked(client: &mut TcpStream) {
    client.write_all(b"\x0bone\x1c\r").await.expect("the connection is open");
    let mut answer = [0; 6];
    let read = timeout(Duration::from_secs(20), client.read_exact(&mut answer));
    read.await.expect("an answer within 20 s").expect("a whole answer");
    assert_eq!(&answer, b"\x0byes\x1c\r");
}

#[tokio::test]
async fn accepting_rests_without_descriptors_and_goes_on_by_itself() {
    let recorder = PrometheusBuilder::new().build_recorder();
    let metrics = recorder.handle();
    let id = ChannelId::new("EJ1.mllp").unwrap();
    let source = MllpSource::at("127.0.0.1:0".parse().unwrap());
    let limits = MllpSettings { connections_per_peer_max: 200, ..MllpSettings::default() };
    let listening = metrics::with_local_recorder(&recorder, || {
        listen(id, &source, limits, Arc::new(Yes)).unwrap()
    });
    let mut first = TcpStream::connect(listening.address()).await.unwrap();
    asked(&mut first).await;

    let before = getrlimit(Resource::Nofile);
    setrlimit(Resource::Nofile, Rlimit { current: Some(64), maximum: before.maximum }).unwrap();
    // Each client takes one descriptor, and one more where it is accepted.
    let mut clients = Vec::new();
    while let Ok(client) = TcpStream::connect(listening.address()).await {
        clients.push(client);
    }
    let hit = "sluice_mllp_limits_hit_total{channel=\"EJ1.mllp\",limit=\"file_descriptors\"}";
    let rested = || metrics.render().lines().any(|l| l.starts_with(hit) && !l.ends_with(" 0"));
    timeout(Duration::from_secs(20), async {
        while !rested() {
            tokio::task::yield_now().await;
        }
    })
    .await
    .expect("accepting rests");
    asked(&mut first).await;

    let half = clients.len() / 2;
    let mut last = clients.pop().expect("the last one waits in the backlog");
    clients.truncate(half);
    asked(&mut last).await;
}
