//! A server on a port of its own, and a client that writes HTTP by hand so that a test can stop
//! in the middle of a request.

#![allow(dead_code, reason = "each test file uses its part")]
#![allow(clippy::unwrap_used, reason = "test code")]

use std::collections::HashMap;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;
use std::time::Duration;

use metrics_exporter_prometheus::{PrometheusBuilder, PrometheusHandle};
use parking_lot::Mutex;
use sluice_http::role::{Reach, Role};
use sluice_http::settings::BulkSettings;
use sluice_http::tokens::NewToken;
use sluice_http::{
    AckTold, ActDesk, ActTold, Acts, Again, AlertDesk, BadChannelFile, CacheAct, ChannelAct,
    ChannelDesk, ChannelTold, CursorKey, DeliveryDesk, Deps, Forgotten, HttpSettings, Inbound,
    LetterAct, LetterTold, MessageDesk, MessageLine, MessageShown, MessageTold, MessagesAsked,
    MessagesFound, NotAgain, NotFound, NotRecorded, Past, Post, Posted, PostedFuture, QueueTold,
    Reason, ReloadTold, Server, Tokens, Version, Vitals, Walk, WalkFrom, Walked, Way,
};
use sluice_ids::{ChannelId, EjId, Micros, Phi, Seq};
use sluice_mappings::adt::{self, Change, Context, Issue, IssueCode, Records};
use sluice_mappings::entity::{EjSettings, LegalEntity};
use sluice_mappings::hl7::{Location, Message};
use sluice_mappings::records::{
    AllergyRecord, Coded, Held, HeldKind, HumanName, Identifier, IdentifierUse, LocationRecord,
    Movement, MovementEffect, OrganizationKind, OrganizationRecord, PatientRecord, Place,
    PlaceRole, PlaceStatus, Record, RecordType, ResourceId, Situation, Stamp, StayRecord,
    StayStatus,
};
use sluice_state::{EjWriter, State, StateSettings};
use tokio_util::sync::CancellationToken;

pub fn ej(name: &str) -> EjId {
    EjId::new(name).unwrap()
}

pub fn entity(name: &str) -> Arc<LegalEntity> {
    let settings: EjSettings = serde_json::from_value(serde_json::json!({
        "id": name,
        "name": format!("Hospital {name}"),
    }))
    .unwrap();
    Arc::new(LegalEntity::new(settings).unwrap())
}

/// A channel that keeps what comes, and says what the test told it to say.
#[derive(Default)]
pub struct Messages {
    pub came: Mutex<Vec<bytes::Bytes>>,
    pub says: Mutex<Option<Posted>>,
    pub places: Mutex<Option<Arc<tokio::sync::Semaphore>>>,
}

impl Post for Messages {
    fn take(&self, message: bytes::Bytes) -> PostedFuture {
        self.came.lock().push(message);
        let says = self.says.lock().clone();
        Box::pin(std::future::ready(says.unwrap_or(Posted::Silent)))
    }
}

impl Inbound for TestVitals {
    fn way(&self, channel: &str) -> Option<Way> {
        let ejs: Arc<[EjId]> = match channel {
            "EJ1.http" => [ej("EJ1")].into(),
            "both.http" => [ej("EJ1"), ej("EJ2")].into(),
            _ => return None,
        };
        let places = self.messages.places.lock().clone();
        let places = places.unwrap_or_else(|| Arc::new(tokio::sync::Semaphore::new(2)));
        let post = Arc::clone(&self.messages) as Arc<dyn Post>;
        Some(Way { ejs, message_bytes_max: 100_000, places, post })
    }
}

/// Says what the test told it to say.
#[derive(Default)]
pub struct TestVitals {
    pub reasons: Mutex<Vec<Reason>>,
    pub journaled: Mutex<HashMap<EjId, Seq>>,
    pub folding: Mutex<Vec<EjId>>,
    pub past: Mutex<Vec<Record>>,
    /// Whether there was more once.
    pub forgotten: Mutex<bool>,
    /// Acts, in order.
    pub acts: Mutex<Vec<ActTold>>,
    /// What was done to dead letters.
    pub letter_acts: Mutex<Vec<(String, LetterAct, String)>>,
    /// Whether nothing can be recorded.
    pub full: Mutex<bool>,
    /// What came for `EJ1.http` and `both.http`, and what is answered.
    pub messages: Arc<Messages>,
    /// How channels stand that were told to.
    pub channels: Mutex<HashMap<String, &'static str>>,
}

impl Vitals for TestVitals {
    fn not_ready(&self) -> Vec<Reason> {
        self.reasons.lock().clone()
    }

    fn folding(&self) -> Vec<EjId> {
        self.folding.lock().clone()
    }

    fn journaled(&self, ej: EjId) -> Option<Seq> {
        self.journaled.lock().get(&ej).copied()
    }
}

impl Past for TestVitals {
    fn versions(
        &self,
        _: EjId,
        record_type: RecordType,
        id: ResourceId,
    ) -> Result<Vec<Record>, Forgotten> {
        let past = self.past.lock();
        let of_it = past.iter().filter(|r| r.record_type() == record_type && r.id() == id);
        let versions: Vec<Record> = of_it.cloned().collect();
        if versions.is_empty() { Err(Forgotten::NotKept) } else { Ok(versions) }
    }

    /// As the flow's walk: here every record is made by a message of its own.
    fn walk<'a>(
        &'a self,
        ej: EjId,
        types: &[RecordType],
        from: WalkFrom,
        since: Option<Micros>,
        messages_max: usize,
    ) -> Result<Walk<'a>, Forgotten> {
        let past = self.past.lock();
        let of_ej = |record: &&Record| {
            record.id().0[4..7] == ej.to_padded()[..3] && types.contains(&record.record_type())
        };
        let mut made: Vec<Version> = Vec::new();
        for record in past.iter().filter(of_ej) {
            let before = made.iter_mut().rev().find(|v| v.record.id() == record.id());
            if let Some(before) = before {
                before.until = Some(record.stamp().updated_at);
            } else if record.stamp().version != record.stamp().created {
                made.push(Version { record: record.clone(), until: None, alone: true });
                continue;
            }
            made.push(Version { record: record.clone(), until: None, alone: false });
        }
        made.sort_by_key(Version::order);
        let begun = made.into_iter().filter(move |version| {
            let stamp = version.record.stamp();
            since.is_none_or(|since| stamp.updated_at >= since)
                && match from {
                    WalkFrom::Now => true,
                    WalkFrom::Time(at) => stamp.updated_at <= at,
                    WalkFrom::Place(place) => stamp.version.get() <= place,
                }
        });
        let mut steps: Vec<_> = Vec::new();
        for version in begun {
            let (place, at) =
                (version.record.stamp().version.get(), version.record.stamp().updated_at);
            let full = steps.len() == messages_max;
            match steps.last_mut() {
                Some(Walked::Made { place: last, versions, .. }) if *last == place => {
                    versions.push(version);
                }
                _ if full => {
                    steps.push(Walked::Rests { place });
                    break;
                }
                _ => steps.push(Walked::Made { place, at, versions: vec![version] }),
            }
        }
        let rests = matches!(steps.last(), Some(Walked::Rests { .. }));
        if !rests && *self.forgotten.lock() {
            steps.push(Walked::Forgotten);
        }
        Ok(Box::new(steps.into_iter().map(Ok)))
    }

    /// Message 7 is the only one, with an issue in a segment that is known and in one that is not.
    fn message(&self, _: EjId, seq: Seq) -> Result<MessageTold, Forgotten> {
        if seq != Seq::new(7) {
            return Err(Forgotten::Unknown);
        }
        let issue =
            |place: &str| Issue::new(IssueCode::TimeUnreadable, Location::parse(place).unwrap());
        Ok(MessageTold {
            received_at: Micros::new(5_000_000),
            verdict: "accepted",
            became: "applied",
            issues: vec![issue("PID-7"), issue("DUP-1")],
            changed: Vec::new(),
        })
    }
}

impl AlertDesk for TestVitals {
    fn alerts(&self) -> Vec<serde_json::Value> {
        vec![serde_json::json!({ "alert": "p95", "of": "" })]
    }
}

impl ActDesk for TestVitals {
    fn acts(&self, ej: EjId) -> Result<Acts<'_>, Forgotten> {
        let acts = self.acts.lock();
        let of_ej: Vec<ActTold> = acts.iter().filter(|act| act.ej == ej).rev().cloned().collect();
        Ok(Box::new(of_ej.into_iter().map(Ok)))
    }

    fn caches(&self, act: CacheAct, by: &str) -> Result<(), NotRecorded> {
        if *self.full.lock() {
            return Err(NotRecorded);
        }
        let mut acts = self.acts.lock();
        let seq = Seq::new(acts.len() as u64 + 1);
        let act = match act {
            CacheAct::Cleared => "cache_cleared",
            CacheAct::Warmed => "cache_warmed",
        };
        for ej in [ej("EJ1"), ej("EJ2")] {
            let (at, about) = (Micros::new(seq.get() as i64), serde_json::json!({ "act": act }));
            acts.push(ActTold { ej, seq, at, by: by.to_owned(), about });
        }
        Ok(())
    }
}

/// Three messages of each EJ: 5, 6 and 7, whose numbers are the EJ's own.
fn line(ej: EjId, seq: u64) -> MessageLine {
    MessageLine {
        seq: Seq::new(seq),
        received_at: Micros::new(5_000_000),
        channel: format!("{ej}.mllp"),
        event: "A01".into(),
        control_id: Phi::new(if ej.as_str() == "EJ2" {
            "Zqxsecret".into()
        } else {
            format!("C{seq}")
        }),
        verdict: "accepted",
        became: "applied",
        held: false,
        issues: 2,
        severity: Some("warning"),
        brought: "sent",
        of: None,
    }
}

impl MessageDesk for TestVitals {
    fn messages(
        &self,
        ej: EjId,
        asked: &MessagesAsked,
        count: usize,
    ) -> Result<MessagesFound, NotFound> {
        if asked.outcome.as_deref().is_some_and(|outcome| outcome != "applied") {
            return Err(NotFound::Parameter("outcome"));
        }
        let of_ej = (5..=7).rev().filter(|seq| asked.before.is_none_or(|b| *seq < b.get()));
        let of_ej = of_ej.filter(|_| asked.of.is_none()).map(|seq| line(ej, seq));
        let is = |line: &MessageLine| {
            asked.control_id.as_ref().is_none_or(|id| id.expose() == line.control_id.expose())
        };
        let mut lines: Vec<_> = of_ej.filter(is).collect();
        let next = lines.get(count).map(|line| line.seq.next());
        lines.truncate(count);
        Ok(MessagesFound { lines, next, missing_through: None })
    }

    fn shown(&self, ej: EjId, seq: Seq) -> Result<MessageShown, Forgotten> {
        if !(5..=7).contains(&seq.get()) {
            return Err(Forgotten::Unknown);
        }
        let line = line(ej, seq.get());
        let text = format!("MSH|^~\\&|||||||ADT^A01|{}|P|2.5\r", line.control_id.expose());
        let raw = text.clone().into_bytes().into();
        let ack = AckTold { code: "AA", when_applied: false, text: "MSA|AA\r".into() };
        Ok(MessageShown { line, raw, text, ack: Some(ack), by: None })
    }

    fn deliveries(&self, _: EjId, _: Seq) -> Vec<serde_json::Value> {
        Vec::new()
    }

    fn reprocess(&self, _: EjId, messages: &[Seq], _: &str) -> Vec<(Seq, Result<Again, NotAgain>)> {
        let again = |of: &Seq| match of.get() {
            5..=7 => Ok(Again { of: *of, seq: Seq::new(of.get() + 100), verdict: "accepted" }),
            _ => Err(NotAgain::Unknown),
        };
        messages.iter().map(|of| (*of, again(of))).collect()
    }

    fn resend(&self, _: EjId, of: Seq, edited: &[u8], _: &str) -> Result<Again, NotAgain> {
        match (of.get(), edited.starts_with(b"MSH")) {
            (5..=7, true) => Ok(Again { of, seq: Seq::new(99), verdict: "accepted" }),
            (5..=7, false) => Err(NotAgain::Refused { verdict: "unreadable", at: None }),
            _ => Err(NotAgain::Unknown),
        }
    }
}

impl DeliveryDesk for TestVitals {
    fn queues(&self) -> Vec<QueueTold> {
        let queue = |ej| QueueTold {
            ej,
            channel: "EJ1.mllp".to_owned(),
            destination: "lab".to_owned(),
            kind: "mllp",
            state: "running",
            why: None,
            cursor: Seq::new(7),
            depth: 2,
            depth_is_exact: true,
            in_flight: 1,
            oldest: Some(Micros::new(5_000_000)),
            delivered_per_s: 0.5,
            delivered_total: 30,
            dead_letters_total: 1,
            trouble: Some("AE 207".to_owned()),
        };
        [ej("EJ1"), ej("EJ2")].map(queue).to_vec()
    }

    fn letters(&self, of: EjId) -> Vec<LetterTold> {
        let letter = |seq, way| LetterTold {
            seq: Seq::new(seq),
            way,
            reason: "the peer refused it",
            code: Some("AE 101".to_owned()),
            since: Micros::new(5_000_000),
            retrying: false,
        };
        let way = Some(("EJ1.mllp".to_owned(), "lab".to_owned()));
        if of == ej("EJ1") { vec![letter(4, None), letter(5, way)] } else { Vec::new() }
    }

    fn act(
        &self,
        _: EjId,
        letter: &LetterTold,
        act: LetterAct,
        by: &str,
    ) -> Result<(), NotRecorded> {
        if *self.full.lock() {
            return Err(NotRecorded);
        }
        self.letter_acts.lock().push((letter.id(), act, by.to_owned()));
        Ok(())
    }
}

/// `one` of EJ1 runs, `two` of both too; stopping and pausing is remembered.
impl ChannelDesk for TestVitals {
    fn channels(&self) -> Vec<ChannelTold> {
        let told = |(id, ejs): (&str, &[&str])| ChannelTold {
            id: ChannelId::new(id).unwrap(),
            ejs: ejs.iter().map(|name| ej(name)).collect(),
            source: "mllp",
            address: Some("127.0.0.1:5600".parse().unwrap()),
            state: self.channels.lock().get(id).copied().unwrap_or("running"),
            file: None,
            problem: None,
        };
        [("one", &["EJ1"][..]), ("two", &["EJ1", "EJ2"])].into_iter().map(told).collect()
    }

    fn bad_files(&self) -> Vec<BadChannelFile> {
        vec![BadChannelFile {
            file: "c.toml".to_owned(),
            problems: vec!["c.toml:1: no".to_owned()],
        }]
    }

    fn act(
        &self,
        id: ChannelId,
        act: ChannelAct,
        _: &str,
    ) -> Result<Option<ChannelTold>, NotRecorded> {
        if *self.full.lock() {
            return Err(NotRecorded);
        }
        let state = match act {
            ChannelAct::Start => "running",
            ChannelAct::Stop => "stopped",
            ChannelAct::Pause => "paused",
        };
        self.channels.lock().insert(id.to_string(), state);
        Ok(ChannelDesk::channels(self).into_iter().find(|told| told.id == id))
    }

    fn reload(&self, _: &str) -> ReloadTold {
        let error = self.full.lock().then(|| "site.toml: no".to_owned());
        ReloadTold { not_in_force: self.bad_files(), error, ..ReloadTold::default() }
    }
}

pub struct Running {
    pub address: SocketAddr,
    pub folder: tempfile::TempDir,
    pub vitals: Arc<TestVitals>,
    pub state: State,
    pub stop: CancellationToken,
    pub server: Option<std::thread::JoinHandle<()>>,
}

pub fn settings() -> HttpSettings {
    // As little waiting as there can be, on whatever disk there is.
    let bulk = BulkSettings { settle_ms: 1, free_floor_bytes: 0, ..BulkSettings::default() };
    HttpSettings { address: "127.0.0.1:0".parse().unwrap(), bulk, ..HttpSettings::default() }
}

pub fn deps(folder: &std::path::Path, vitals: &Arc<TestVitals>) -> Deps {
    deps_of(folder, vitals, StateSettings::default())
}

fn deps_of(folder: &std::path::Path, vitals: &Arc<TestVitals>, state: StateSettings) -> Deps {
    let ejs = [ej("EJ1"), ej("EJ2")];
    let (state, _) = State::open(&folder.join("state"), state, &ejs).unwrap();
    Deps {
        state,
        cursors: CursorKey::open(folder).unwrap(),
        entities: vec![entity("EJ1"), entity("EJ2")],
        tokens: Tokens::open(folder).unwrap().look_every(Duration::ZERO),
        vitals: Arc::clone(vitals) as Arc<dyn Vitals>,
        inbound: Arc::clone(vitals) as Arc<dyn Inbound>,
        past: Arc::clone(vitals) as Arc<dyn Past>,
        acts: Arc::clone(vitals) as Arc<dyn ActDesk>,
        channels: Arc::clone(vitals) as Arc<dyn ChannelDesk>,
        delivery: Arc::clone(vitals) as Arc<dyn DeliveryDesk>,
        alerts: Arc::clone(vitals) as Arc<dyn AlertDesk>,
        messages: Arc::clone(vitals) as Arc<dyn MessageDesk>,
        prometheus: PrometheusBuilder::new().build_recorder().handle(),
        data_dir: folder.to_owned(),
    }
}

impl Running {
    pub fn start(settings: HttpSettings) -> Self {
        Self::start_with(settings, PrometheusBuilder::new().build_recorder().handle())
    }

    /// With a data directory that is there already.
    pub fn start_in(folder: tempfile::TempDir, settings: HttpSettings) -> Self {
        let prometheus = PrometheusBuilder::new().build_recorder().handle();
        Self::start_all(folder, settings, prometheus, StateSettings::default())
    }

    /// Stops the server; its data directory stays.
    pub fn stopped(mut self) -> tempfile::TempDir {
        std::mem::replace(&mut self.folder, tempfile::tempdir().unwrap())
    }

    /// With a state that remembers other than by default.
    pub fn start_over(settings: HttpSettings, state: StateSettings) -> Self {
        let prometheus = PrometheusBuilder::new().build_recorder().handle();
        Self::start_all(tempfile::tempdir().unwrap(), settings, prometheus, state)
    }

    /// Ends, and starts on the same data directory.
    pub fn restarted(mut self) -> Self {
        self.state.flush().unwrap();
        let folder = std::mem::replace(&mut self.folder, tempfile::tempdir().unwrap());
        drop(self);
        Self::start_in(folder, settings())
    }

    pub fn start_with(settings: HttpSettings, prometheus: PrometheusHandle) -> Self {
        Self::start_all(
            tempfile::tempdir().unwrap(),
            settings,
            prometheus,
            StateSettings::default(),
        )
    }

    /// With those EJs, EJ1 and EJ2.
    pub fn start_of(settings: HttpSettings, entities: Vec<Arc<LegalEntity>>) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let vitals = Arc::new(TestVitals::default());
        let deps = Deps { entities, ..deps(folder.path(), &vitals) };
        Self::start_deps(folder, settings, deps, vitals)
    }

    fn start_all(
        folder: tempfile::TempDir,
        settings: HttpSettings,
        prometheus: PrometheusHandle,
        state: StateSettings,
    ) -> Self {
        let vitals = Arc::new(TestVitals::default());
        let deps = Deps { prometheus, ..deps_of(folder.path(), &vitals, state) };
        Self::start_deps(folder, settings, deps, vitals)
    }

    fn start_deps(
        folder: tempfile::TempDir,
        settings: HttpSettings,
        deps: Deps,
        vitals: Arc<TestVitals>,
    ) -> Self {
        let state = deps.state.clone();
        let stop = CancellationToken::new();
        let (told, bound) = std::sync::mpsc::channel();
        let server = std::thread::spawn({
            let stop = stop.clone();
            move || {
                let runtime = tokio::runtime::Builder::new_multi_thread()
                    .worker_threads(2)
                    .enable_all()
                    .build()
                    .unwrap();
                runtime.block_on(async {
                    let server = Server::bind(settings, deps).await.unwrap();
                    told.send(server.local_addr()).unwrap();
                    server.run(stop).await;
                });
            }
        });
        let address = bound.recv().unwrap();
        Self { address, folder, vitals, state, stop, server: Some(server) }
    }

    /// What `sluice token create` does, in another process as far as the server can tell.
    pub fn token(&self, role: Role, ejs: &[&str]) -> String {
        let reach = if ejs == ["*"] { Reach::All } else { Reach::only(ejs.iter().map(|e| ej(e))) };
        let tokens = Tokens::open(self.folder.path()).unwrap();
        tokens.create(NewToken { role, reach, expires: None }).unwrap().secret
    }

    pub fn connect(&self) -> TcpStream {
        let stream = TcpStream::connect(self.address).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(30))).unwrap();
        stream
    }

    pub fn get(&self, path: &str, token: Option<&str>) -> Answer {
        self.request("GET", path, token, &[], b"")
    }

    pub fn request(
        &self,
        method: &str,
        path: &str,
        token: Option<&str>,
        headers: &[(&str, &str)],
        body: &[u8],
    ) -> Answer {
        let mut stream = self.connect();
        let mut text = head(method, path, token, headers);
        if !body.is_empty() {
            text.push_str(&format!("Content-Length: {}\r\n", body.len()));
        }
        text.push_str("Connection: close\r\n\r\n");
        stream.write_all(text.as_bytes()).unwrap();
        stream.write_all(body).unwrap();
        Answer::read(&mut stream, method == "HEAD")
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.stop.cancel();
        if let Some(server) = self.server.take() {
            let ended = server.join();
            if !std::thread::panicking() {
                ended.unwrap();
            }
        }
    }
}

/// Request line and headers, without the empty line.
pub fn head(method: &str, path: &str, token: Option<&str>, headers: &[(&str, &str)]) -> String {
    let mut text = format!("{method} {path} HTTP/1.1\r\n");
    if !headers.iter().any(|(name, _)| name.eq_ignore_ascii_case("host")) {
        text.push_str("Host: localhost\r\n");
    }
    if let Some(token) = token {
        text.push_str(&format!("Authorization: Bearer {token}\r\n"));
    }
    for (name, value) in headers {
        text.push_str(&format!("{name}: {value}\r\n"));
    }
    text
}

/// What an EJ's lane does, as the tests need it.
pub struct Lane {
    writer: EjWriter,
    ej: EjId,
    seq: Seq,
}

impl Lane {
    pub fn of(server: &Running, name: &str) -> Self {
        let ej = ej(name);
        let writer = server.state.writer(ej).unwrap();
        Self { seq: writer.applied(), writer, ej }
    }

    /// One message that makes or changes several records at once.
    pub fn put_all(&mut self, records: Vec<Record>) {
        self.writer.stage(self.seq, records.into_iter().map(Change::Put).collect()).unwrap();
        self.writer.publish();
    }

    pub fn seq(&self) -> Seq {
        self.seq
    }

    pub fn stamp(&mut self) -> Stamp {
        self.seq = self.seq.next();
        // A millisecond each: the state remembers an hour of the feed's own time.
        let updated_at = Micros::new(1_790_000_000_000_000 + self.seq.get() as i64 * 1_000);
        Stamp { created: self.seq, version: self.seq, updated_at, ..Stamp::default() }
    }

    /// One message, of the stamp made last, that makes or changes a record.
    pub fn put(&mut self, mut record: Record) {
        if let Some(known) = self.writer.record(record.record_type(), record.id()) {
            let created = known.stamp().created;
            match &mut record {
                Record::Patient(patient) => Arc::make_mut(patient).stamp.created = created,
                Record::Stay(stay) => Arc::make_mut(stay).stamp.created = created,
                _ => {}
            }
        }
        self.writer.stage(self.seq, vec![Change::Put(record)]).unwrap();
        self.writer.publish();
    }

    /// A message as the EJ's lane folds it.
    pub fn take(&mut self, text: &str) {
        self.seq = self.seq.next();
        let entity = entity(self.ej.as_str());
        let received_at = Micros::new(1_790_000_000_000_000 + self.seq.get() as i64 * 1_000);
        let context = Context { entity: &entity, seq: self.seq, received_at };
        let message = Message::index(text).unwrap();
        let outcome = adt::apply(&message, &context, &self.writer);
        self.writer.stage(self.seq, outcome.changes).unwrap();
        self.writer.publish();
    }

    /// One message that makes or changes the EJ's patient of that number.
    pub fn patient(&mut self, number: u32, family: &str) -> ResourceId {
        let stamp = self.stamp();
        self.change(number, |patient| {
            patient.stamp = stamp;
            patient.names[0].family = family.to_owned();
        })
    }

    /// One message that does to a patient what `change` does.
    pub fn change(&mut self, number: u32, change: impl FnOnce(&mut PatientRecord)) -> ResourceId {
        let mut record = patient(self.ej, number);
        change(&mut record);
        if record.stamp == Stamp::default() {
            record.stamp = self.stamp();
        }
        let id = record.id;
        self.put(Record::Patient(Arc::new(record)));
        id
    }

    /// One message that names a unit; 0 is the EJ itself, which the first message of a feed makes.
    pub fn unit(&mut self, number: u32, part_of: Option<ResourceId>) -> ResourceId {
        let id = match number {
            0 => entity(self.ej.as_str()).organization,
            _ => resource_id(self.ej, "Unit", number),
        };
        let record = OrganizationRecord {
            id,
            stamp: self.stamp(),
            active: true,
            kind: OrganizationKind::FunctionalUnit,
            identifiers: vec![identifier("urn:oid:1.2.6", format!("UF{number}"))],
            name: format!("{} unit {number}", self.ej),
            part_of,
            addresses: Vec::new(),
            telecoms: Vec::new(),
            attributes: Vec::new(),
        };
        self.put(Record::Organization(Arc::new(record)));
        id
    }

    /// One message that names a place.
    pub fn place(
        &mut self,
        number: u32,
        part_of: Option<ResourceId>,
        unit: Option<ResourceId>,
    ) -> ResourceId {
        let id = resource_id(self.ej, "Room", number);
        let place = Place { room: number.to_string(), ..Place::default() };
        let record = LocationRecord {
            stamp: self.stamp(),
            managing_organization: unit,
            ..LocationRecord::at(id, place, part_of)
        };
        self.put(Record::Location(Arc::new(record)));
        id
    }

    pub fn stay(&mut self, number: u32, patient: ResourceId) -> ResourceId {
        self.change_stay(number, patient, |_| {})
    }

    /// One message that does to a stay what `change` does.
    pub fn change_stay(
        &mut self,
        number: u32,
        patient: ResourceId,
        change: impl FnOnce(&mut StayRecord),
    ) -> ResourceId {
        let stamp = self.stamp();
        let mut record = stay(self.ej, number, patient, stamp);
        change(&mut record);
        let id = record.id;
        self.put(Record::Stay(Arc::new(record)));
        id
    }
}

/// A movement of which only a cancel came, at the message of that number.
pub fn awaited(number: u64) -> Movement {
    let at = Seq::new(number);
    Movement {
        identifier: Some(identifier("urn:oid:1.2.5", format!("Zqx{number}"))),
        event: "A12".into(),
        seq: at,
        start: None,
        end: None,
        place: None,
        location: None,
        role: PlaceRole::Assigned,
        nature: String::new(),
        place_status: PlaceStatus::Completed,
        effect: MovementEffect::default(),
        cancelled: None,
        seen: Vec::new(),
        held: Some(Held {
            kind: HeldKind::Cancel,
            received_at: Micros::new(at.get() as i64 * 1_000_000),
        }),
    }
}

/// An allergy, which a later list may come without.
pub fn allergy(id: ResourceId, patient: ResourceId, stamp: Stamp) -> Record {
    Record::AllergyIntolerance(Arc::new(AllergyRecord {
        id,
        stamp,
        patient,
        identifiers: Vec::new(),
        category: Coded::default(),
        code: Coded { text: "Pollen".into(), ..Coded::default() },
        severity: Coded::default(),
        reactions: Vec::new(),
        onset: None,
        onset_text: String::new(),
        recorded: None,
        recorder: None,
        clinical_status: Coded::default(),
        void: false,
    }))
}

pub fn resource_id(ej: EjId, kind: &str, number: u32) -> ResourceId {
    let mut bytes = [0; 16];
    bytes[..4].copy_from_slice(&number.to_be_bytes());
    bytes[4..7].copy_from_slice(&ej.to_padded()[..3]);
    bytes[8..12].copy_from_slice(&kind.as_bytes()[..4]);
    ResourceId(bytes)
}

fn identifier(system: &str, value: String) -> Identifier {
    Identifier {
        system: system.into(),
        value,
        type_code: "PI".into(),
        r#use: IdentifierUse::Usual,
        ..Identifier::default()
    }
}

pub fn patient(ej: EjId, number: u32) -> PatientRecord {
    PatientRecord {
        stamp: Stamp::default(),
        identifiers: vec![identifier("urn:oid:1.2.3", format!("{ej}-{number}"))],
        names: vec![HumanName {
            family: "Unnamed".into(),
            given: vec!["Zoé".into()],
            ..HumanName::default()
        }],
        gender: "F".into(),
        ..PatientRecord::new(resource_id(ej, "Patient", number))
    }
}

pub fn stay(ej: EjId, number: u32, patient: ResourceId, stamp: Stamp) -> StayRecord {
    StayRecord {
        stamp,
        identifiers: vec![identifier("urn:oid:1.2.4", format!("{ej}-S{number}"))],
        situation: Situation {
            status: StayStatus::InProgress,
            class: Coded { code: "I".into(), table: "0004".into(), ..Coded::default() },
            current: None,
            start: None,
            end: None,
            disposition: Coded::default(),
            destination: Coded::default(),
            discharged: false,
            pending_discharge: None,
            expected_return: None,
            medical_unit: None,
            nursing_unit: None,
        },
        ..StayRecord::new(resource_id(ej, "Stay", number), patient)
    }
}

pub struct Answer {
    pub status: u16,
    pub headers: Vec<(String, String)>,
    pub body: Vec<u8>,
}

impl Answer {
    pub fn read(stream: &mut TcpStream, is_head: bool) -> Self {
        let mut bytes = Vec::new();
        let mut chunk = [0; 8192];
        let end = loop {
            if let Some(at) = bytes.windows(4).position(|w| w == b"\r\n\r\n") {
                break at;
            }
            let read = stream.read(&mut chunk).unwrap();
            assert!(read > 0, "the connection closed before an answer's header");
            bytes.extend_from_slice(&chunk[..read]);
        };
        let text = String::from_utf8(bytes[..end].to_vec()).unwrap();
        let mut lines = text.split("\r\n");
        let status = lines.next().unwrap().split(' ').nth(1).unwrap().parse().unwrap();
        let headers: Vec<(String, String)> = lines
            .filter_map(|line| line.split_once(": "))
            .map(|(name, value)| (name.to_ascii_lowercase(), value.to_owned()))
            .collect();
        let mut answer = Self { status, headers, body: bytes[end + 4..].to_vec() };
        if is_head || status == 304 || status == 204 {
            return answer;
        }
        if let Some(length) = answer.header("content-length") {
            let length: usize = length.parse().unwrap();
            while answer.body.len() < length {
                let read = stream.read(&mut chunk).unwrap();
                assert!(read > 0, "the connection closed in mid-body");
                answer.body.extend_from_slice(&chunk[..read]);
            }
        } else {
            stream.read_to_end(&mut answer.body).unwrap();
            if answer.header("transfer-encoding") == Some("chunked") {
                answer.body = unchunked(&answer.body);
            }
        }
        answer
    }

    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(n, _)| n == name).map(|(_, value)| value.as_str())
    }

    pub fn text(&self) -> String {
        String::from_utf8(self.body.clone()).unwrap()
    }

    pub fn json(&self) -> serde_json::Value {
        serde_json::from_slice(&self.body)
            .unwrap_or_else(|e| panic!("{e}: {}", String::from_utf8_lossy(&self.body)))
    }

    pub fn is_outcome(&self) -> bool {
        self.header("content-type").is_some_and(|media| media.starts_with("application/fhir+json"))
            && self.json()["resourceType"] == "OperationOutcome"
    }
}

fn unchunked(mut bytes: &[u8]) -> Vec<u8> {
    let mut body = Vec::new();
    loop {
        let line = bytes.windows(2).position(|w| w == b"\r\n").expect("a chunk size");
        let size = usize::from_str_radix(std::str::from_utf8(&bytes[..line]).unwrap(), 16).unwrap();
        bytes = &bytes[line + 2..];
        if size == 0 {
            return body;
        }
        body.extend_from_slice(&bytes[..size]);
        bytes = &bytes[size + 2..];
    }
}
