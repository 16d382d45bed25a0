//! A peer that follows a script, and a flow that delivers to it.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use serde_json::json;
use sluice_channels::destinations::DestinationSettings;
use sluice_flow::{Delivery, Way};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use super::{Client, Running};

pub async fn until(what: impl Fn() -> bool) {
    let wait = async {
        while !what() {
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(30), wait).await.expect("within 30 s");
}

/// A message about one patient; a merge names two.
pub fn about(patient: &str, control_id: &str) -> String {
    let (patient, merged) = patient.split_once('+').unwrap_or((patient, ""));
    let event = if merged.is_empty() { "A08" } else { "A40" };
    let merge = if merged.is_empty() { String::new() } else { format!("MRG|{merged}^^^SITE\r") };
    format!(
        "MSH|^~\\&|APP|SITE|SLUICE|CHU|20260101120000||ADT^{event}^ADT_A01|{control_id}|P|2.5\r\
         EVN||20260101120000\rPID|||{patient}^^^SITE||DOE^JANE\rPV1||I|WARD^1^2\r{merge}"
    )
}

/// What a peer does with a message.
#[derive(Clone, Copy)]
pub enum Say {
    Ack(&'static str, &'static str),
    Close,
}

/// Takes what it gets, and does with the nth time of a control id what the script says.
pub struct Peer {
    address: SocketAddr,
    /// Control ids as they came, and those that were accepted.
    pub got: Arc<Mutex<Vec<String>>>,
    accepted: Arc<Mutex<Vec<String>>>,
}

pub const AA: Say = Say::Ack("AA", "");

pub type Script = fn(&str, usize) -> Say;

impl Peer {
    pub async fn new(script: Script) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let peer = Self { address, got: Arc::default(), accepted: Arc::default() };
        let times: Arc<Mutex<HashMap<String, usize>>> = Arc::default();
        let (got, accepted) = (Arc::clone(&peer.got), Arc::clone(&peer.accepted));
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let (got, accepted) = (Arc::clone(&got), Arc::clone(&accepted));
                tokio::spawn(Self::serve(stream, script, Arc::clone(&times), got, accepted));
            }
        });
        peer
    }

    async fn serve(
        mut stream: TcpStream,
        script: Script,
        times: Arc<Mutex<HashMap<String, usize>>>,
        got: Arc<Mutex<Vec<String>>>,
        accepted: Arc<Mutex<Vec<String>>>,
    ) {
        let mut bytes = Vec::new();
        while let Ok(byte) = stream.read_u8().await {
            bytes.push(byte);
            if !bytes.ends_with(&[0x1C, b'\r']) {
                continue;
            }
            let text = String::from_utf8(std::mem::take(&mut bytes)).unwrap();
            let id = text.split('|').nth(9).unwrap().to_owned();
            got.lock().push(id.clone());
            let time = {
                let mut times = times.lock();
                let time = times.entry(id.clone()).or_default();
                *time += 1;
                *time
            };
            match script(&id, time) {
                Say::Close => return,
                Say::Ack(code, condition) => {
                    if code == "AA" {
                        accepted.lock().push(id.clone());
                    }
                    let err = if condition.is_empty() {
                        String::new()
                    } else {
                        format!("ERR|||{condition}|E\r")
                    };
                    let ack = format!(
                        "\x0bMSH|^~\\&|||||||ACK|x{id}|P|2.5\rMSA|{code}|{id}\r{err}\x1c\r"
                    );
                    if stream.write_all(ack.as_bytes()).await.is_err() {
                        return;
                    }
                }
            }
        }
    }

    pub fn accepted(&self) -> Vec<String> {
        self.accepted.lock().clone()
    }

    pub fn settings(&self, delivery: serde_json::Value) -> DestinationSettings {
        mllp(self.address, delivery)
    }
}

pub fn mllp(address: SocketAddr, mut delivery: serde_json::Value) -> DestinationSettings {
    for (key, value) in [("retry_first_ms", 1), ("retry_max_ms", 20), ("breaker_open_ms", 20)] {
        delivery[key] = value.into();
    }
    let settings = json!({
        "type": "mllp", "name": "lab", "address": address.to_string(), "delivery": delivery,
    });
    serde_json::from_value(settings).unwrap()
}

pub async fn deliver(running: &Running) {
    running.delivery.set(&running.channel).await.unwrap();
}

pub async fn send(running: &Running, messages: &[(&str, &str)]) {
    let mut client = Client::to(running).await;
    for (patient, control_id) in messages {
        assert_eq!(client.ask(&about(patient, control_id)).await.0, "AA");
    }
}

pub fn way(running: &Running) -> Way {
    let destination = running.channel.destination[0].name();
    Way { channel: running.channel.id, destination }
}

pub fn depth(delivery: &Delivery) -> u64 {
    delivery.queues().iter().map(|queue| queue.depth).sum()
}

pub async fn drained(running: &Running) {
    until(|| depth(&running.delivery) == 0 && running.flow.caught_up()).await;
}
