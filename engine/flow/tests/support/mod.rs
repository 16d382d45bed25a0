#![allow(dead_code, reason = "each test file uses its part")]
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]
//! A flow behind a real listener, over a journal and a mapping that a test can steer.

pub mod journal;
pub mod peer;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use ipnet::IpNet;
use metrics_exporter_prometheus::{PrometheusBuilder, PrometheusHandle, PrometheusRecorder};
use parking_lot::{Condvar, Mutex};
use sluice_channels::ack::AckWhen;
use sluice_channels::destinations::DestinationSettings;
use sluice_channels::mllp::{Listening, listen};
use sluice_channels::steps::{Condition, StepSettings};
use sluice_channels::tls::TlsSettings;
use sluice_channels::{AckMode, ChannelSettings, MllpSettings, MllpSource, SourceSettings};
use sluice_flow::{Delivery, Flow, FlowSettings, Parts};
use sluice_ids::{ChannelId, EjId};
use sluice_journal::{Kind, Record};
use sluice_mappings::adt::{Context, Effect, Issue, IssueCode, Outcome, Records};
use sluice_mappings::entity::{EjSettings, LegalEntity};
use sluice_mappings::hl7::{Location, Message, Msh};
use sluice_state::{State, StateSettings};
use tempfile::TempDir;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

use journal::MemoryJournal;

/// What the scribe was asked to apply: EJ, control id, and the entity's name at that place.
static APPLIED: Mutex<Vec<(EjId, String, String)>> = Mutex::new(Vec::new());

/// EJs whose scribe waits at a message `BLOCK…`.
static BLOCKED: (Mutex<Vec<EjId>>, Condvar) = (Mutex::new(Vec::new()), Condvar::new());

/// A mapping that writes down what it sees. `POISON…` panics, `BLOCK…` waits while its EJ is [`Blocked`];
/// `PART…` is applied but for a field, `NOTHING…` has nothing to cancel.
fn scribe(message: &Message<'_>, context: &Context<'_>, _: &dyn Records) -> Outcome {
    let control_id = Msh::of(message).control_id().to_owned();
    assert!(!control_id.starts_with("POISON"), "the scribe does not read this");
    let ej = context.entity.id();
    if control_id.starts_with("BLOCK") {
        let (blocked, changed) = &BLOCKED;
        let mut blocked = blocked.lock();
        while blocked.contains(&ej) {
            changed.wait(&mut blocked);
        }
    }
    let (effect, issues) = if control_id.starts_with("PART") {
        (Effect::Applied, vec![Issue::new(IssueCode::FieldMissing, Location::field(b"PV1", 3))])
    } else if control_id.starts_with("NOTHING") {
        let at = Location::field(b"PV1", 19);
        (Effect::NoEffect, vec![Issue::new(IssueCode::NothingToCancel, at)])
    } else {
        (Effect::Applied, Vec::new())
    };
    APPLIED.lock().push((ej, control_id, context.entity.settings.name.clone()));
    Outcome { effect, changes: Vec::new(), issues }
}

pub fn applied(ej: EjId) -> Vec<String> {
    APPLIED.lock().iter().filter(|a| a.0 == ej).map(|a| a.1.clone()).collect()
}

pub fn applied_under(ej: EjId) -> Vec<String> {
    APPLIED.lock().iter().filter(|a| a.0 == ej).map(|a| a.2.clone()).collect()
}

pub fn forget_applied(ej: EjId) {
    APPLIED.lock().retain(|a| a.0 != ej);
}

/// An EJ's scribe waits at a message `BLOCK…` until this is dropped: also by a test that fails,
/// which would else wait for its lane without end.
pub struct Blocked(EjId);

impl Blocked {
    pub fn new(ej: EjId) -> Self {
        BLOCKED.0.lock().push(ej);
        Self(ej)
    }
}

impl Drop for Blocked {
    fn drop(&mut self) {
        BLOCKED.0.lock().retain(|blocked| *blocked != self.0);
        BLOCKED.1.notify_all();
    }
}

pub struct Bench {
    pub journal: MemoryJournal,
    pub ej: EjId,
    pub entities: Vec<LegalEntity>,
    pub flow: FlowSettings,
    pub mllp: MllpSettings,
    pub ack_mode: AckMode,
    pub ack_when: AckWhen,
    pub urgent_when: Option<Condition>,
    pub step: Vec<StepSettings>,
    pub destination: Vec<DestinationSettings>,
    pub tls: Option<TlsSettings>,
    pub allow: Vec<IpNet>,
    recorder: PrometheusRecorder,
}

/// A bench at work. Dropped, it stops as a crash would: nothing is flushed or awaited.
pub struct Running {
    pub flow: Flow,
    pub delivery: Delivery,
    pub channel: ChannelSettings,
    pub listening: Listening,
    _folder: TempDir,
}

impl Bench {
    /// One EJ of that name, which has to be this test's own.
    pub fn new(name: &str) -> Self {
        let ej = EjId::new(name).unwrap();
        Self {
            journal: MemoryJournal::new(),
            ej,
            entities: vec![entity(serde_json::json!({ "id": name, "name": "first" }))],
            flow: FlowSettings::default(),
            mllp: MllpSettings::default(),
            ack_mode: AckMode::Auto,
            ack_when: AckWhen::Stored,
            urgent_when: None,
            step: Vec::new(),
            destination: Vec::new(),
            tls: None,
            allow: Vec::new(),
            recorder: PrometheusBuilder::new().build_recorder(),
        }
    }

    /// A fresh state, as after a loss of it: everything is folded from the journal.
    pub fn start(&self) -> Running {
        let folder = tempfile::tempdir().unwrap();
        let ejs: Vec<EjId> = self.entities.iter().map(LegalEntity::id).collect();
        let settings = StateSettings { free_floor_bytes: 0, ..StateSettings::default() };
        let (state, _) = State::open(folder.path(), settings, &ejs).unwrap();
        let channel = self.channel();
        let source = channel.mllp().unwrap().clone();
        let messages = folder.path().join("messages");
        metrics::with_local_recorder(&self.recorder, || {
            let flow = Flow::start(Parts {
                journal: Arc::new(self.journal.clone()),
                state: &state,
                entities: &self.entities,
                channels: std::slice::from_ref(&channel),
                settings: self.flow,
                messages: &messages,
                apply: scribe,
            });
            let flow = flow.unwrap();
            let listening = listen(channel.id, &source, self.mllp, flow.intake()).unwrap();
            let delivery = flow.delivery(&state, &self.entities);
            Running { flow, delivery, channel, listening, _folder: folder }
        })
    }

    /// The one channel, of all EJs, as it is set now.
    pub fn channel(&self) -> ChannelSettings {
        let source = MllpSource {
            tls: self.tls.clone(),
            allow: self.allow.clone(),
            ..MllpSource::at("127.0.0.1:0".parse().unwrap())
        };
        let id = ChannelId::new("test.mllp").unwrap();
        let ejs = self.entities.iter().map(LegalEntity::id).collect();
        ChannelSettings {
            ack_mode: self.ack_mode,
            ack_when: self.ack_when,
            urgent_when: self.urgent_when.clone(),
            step: self.step.clone(),
            destination: self.destination.clone(),
            ..ChannelSettings::new(id, ejs, SourceSettings::Mllp(source))
        }
    }

    pub fn metrics(&self) -> PrometheusHandle {
        self.recorder.handle()
    }

    pub fn assert_metric(&self, line: &str) {
        let text = self.metrics().render();
        assert!(text.lines().any(|found| found == line), "no {line:?} in:\n{text}");
    }

    /// Everything in the journal is folded.
    pub async fn folded(&self, running: &Running) {
        assert!(running.flow.wait_caught_up(Duration::from_secs(20)).await, "folded within 20 s");
    }

    /// The message records of the first EJ.
    pub fn messages(&self) -> Vec<Record> {
        self.of_kind(Kind::Message)
    }

    pub fn of_kind(&self, kind: Kind) -> Vec<Record> {
        self.journal.records(self.ej).into_iter().filter(|r| r.entry.kind == kind).collect()
    }
}

pub fn entity(settings: serde_json::Value) -> LegalEntity {
    let settings: EjSettings = serde_json::from_value(settings).unwrap();
    LegalEntity::new(settings).unwrap()
}

/// A hang is a failure, not a wait for ever.
pub async fn until(what: impl Fn() -> bool) {
    let wait = async {
        while !what() {
            tokio::task::yield_now().await;
        }
    };
    timeout(Duration::from_secs(20), wait).await.expect("within 20 s");
}

/// A message that is accepted.
pub fn adt(event: &str, control_id: &str) -> String {
    format!(
        "MSH|^~\\&|APP|SITE|SLUICE|CHU|20260101120000||ADT^{event}^ADT_A01|{control_id}|P|2.5\r\
         EVN||20260101120000\rPID|||4711^^^SITE||DOE^JANE\rPV1||I|WARD^1^2\rMRG|4712^^^SITE\r"
    )
}

pub struct Client {
    pub stream: TcpStream,
}

impl Client {
    pub async fn to(running: &Running) -> Self {
        Self::at(running.listening.address()).await
    }

    pub async fn at(address: SocketAddr) -> Self {
        Self { stream: TcpStream::connect(address).await.unwrap() }
    }

    pub async fn send(&mut self, message: &[u8]) {
        let framed = [b"\x0b", message, b"\x1c\r"].concat();
        self.stream.write_all(&framed).await.unwrap();
    }

    /// The next answer's text; `None` when the connection is closed.
    pub async fn answer(&mut self) -> Option<String> {
        let mut bytes = Vec::new();
        loop {
            let byte = timeout(Duration::from_secs(20), self.stream.read_u8());
            match byte.await.expect("an answer within 20 s") {
                Ok(b'\r') if bytes.last() == Some(&0x1C) => break,
                Ok(byte) => bytes.push(byte),
                Err(_) => return None,
            }
        }
        let text = bytes.strip_prefix(b"\x0b").unwrap().strip_suffix(b"\x1c").unwrap();
        // What is quoted may be in any character set; what is asked of answers is ASCII.
        Some(String::from_utf8_lossy(text).into_owned())
    }

    /// MSA-1, MSA-2 and ERR-3.1 of the answer to `message`.
    pub async fn ask(&mut self, message: &str) -> (String, String, String) {
        self.send(message.as_bytes()).await;
        told(&self.answer().await.expect("an answer, not a close"))
    }
}

/// MSA-1, MSA-2 and ERR-3.1 of an answer.
pub fn told(answer: &str) -> (String, String, String) {
    let message = Message::index(answer).unwrap();
    let text = |segment: &str, field: usize| {
        message.segment(segment).field(field).component(1).text().into_owned()
    };
    (text("MSA", 1), message.segment("MSA").field(2).raw().to_owned(), text("ERR", 3))
}

pub fn told_as(code: &str, control_id: &str, condition: &str) -> (String, String, String) {
    (code.to_owned(), control_id.to_owned(), condition.to_owned())
}
