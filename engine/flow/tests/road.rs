//! The whole road: sockets, the embedded journal, the real mapping, sled; the repository's own
//! cases and feeds.

mod support;

use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use serde::Deserialize;
use sluice_channels::ack::{AckMode, AckWhen, Terms, Verdict, When, is_acknowledgement};
use sluice_channels::mllp::{Listening, listen};
use sluice_channels::{ChannelSettings, MllpSettings, SourceSettings};
use sluice_flow::{
    Flow, FlowSettings, Made, MessagesAsked, Outcome, Parts, PastError, RedoError, Version,
    WalkFrom, Walked, keys_of,
};
use sluice_ids::{EjId, Lsn, Micros, Phi, Seq};
use sluice_journal::{EmbeddedJournal, Journal, JournalSettings, Kind, Owner};
use sluice_mappings::adt::memory::MemoryRecords;
use sluice_mappings::adt::{self, Change, Context, Issue, IssueCode};
use sluice_mappings::entity::{EjSettings, LegalEntity};
use sluice_mappings::hl7::{Message, MshRaw, charset};
use sluice_mappings::records::{Record, RecordType, ResourceId};
use sluice_state::{Access, RebuildFrom, State, StateSettings};
use support::Client;

fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// The demonstration's configuration, as far as this crate knows it.
#[derive(Deserialize)]
struct Demo {
    ej: Vec<EjSettings>,
    channel: Vec<ChannelSettings>,
}

fn demo() -> Demo {
    let text = std::fs::read_to_string(repository().join("config/demo.toml")).expect("demo.toml");
    let mut demo: Demo = toml::from_str(&text).expect("EJs and channels");
    for channel in &mut demo.channel {
        let SourceSettings::Mllp(source) = &mut channel.source else { panic!("the bench listens") };
        source.address.set_port(0);
    }
    demo
}

/// Everything that `serve` starts but HTTP.
struct Road {
    journal: Arc<EmbeddedJournal>,
    state: State,
    flow: Flow,
    listening: Vec<(EjId, Listening)>,
}

impl Road {
    fn open(journal: &Path, state: &Path, demo: &Demo) -> Self {
        Self::open_with(journal, state, demo, 1 << 20, FlowSettings::default())
    }

    fn open_with(
        journal: &Path,
        state: &Path,
        demo: &Demo,
        segment_bytes: u64,
        flow_settings: FlowSettings,
    ) -> Self {
        let owner = Owner { watermark: Lsn::ZERO, keys_of: keys_of(), on_fault: Arc::new(|_| {}) };
        let settings = JournalSettings {
            segment_bytes,
            entry_bytes_max: segment_bytes / 4,
            free_floor_bytes: 0,
            ..JournalSettings::default()
        };
        let (journal, _) = EmbeddedJournal::open(journal, settings, owner).expect("a journal");
        let entities: Vec<LegalEntity> =
            demo.ej.iter().map(|ej| LegalEntity::new(ej.clone()).expect("an entity")).collect();
        let ejs: Vec<EjId> = entities.iter().map(LegalEntity::id).collect();
        let settings = StateSettings { free_floor_bytes: 0, ..StateSettings::default() };
        let messages = state.with_extension("messages");
        let (state, _) = State::open(state, settings, &ejs).expect("a state");
        let journal = Arc::new(journal);
        let flow = Flow::start(Parts {
            journal: Arc::clone(&journal) as Arc<dyn Journal>,
            state: &state,
            entities: &entities,
            channels: &demo.channel,
            settings: flow_settings,
            messages: &messages,
            apply: adt::apply,
        });
        let flow = flow.expect("a flow");
        let listening = demo.channel.iter().map(|channel| {
            let source = channel.mllp().expect("MLLP");
            let listening = listen(channel.id, source, MllpSettings::default(), flow.intake());
            (channel.ejs[0], listening.expect("a listener"))
        });
        let listening = listening.collect();
        Self { journal, state, flow, listening }
    }

    async fn client(&self, ej: EjId) -> Client {
        let found = self.listening.iter().find(|(of, _)| *of == ej);
        Client::at(found.expect("a listener of that EJ").1.address()).await
    }

    async fn folded(&self) {
        assert!(self.flow.wait_caught_up(Duration::from_secs(60)).await, "folded within 60 s");
    }

    fn hashes(&self, demo: &Demo) -> Vec<[u8; 32]> {
        let hash = |ej: &EjSettings| self.state.hash(&Access::all(), ej.id);
        demo.ej.iter().map(|ej| hash(ej).expect("a sound state").expect("that EJ")).collect()
    }

    async fn close(self) {
        for (_, listening) in self.listening {
            assert_eq!(listening.stop().await.cut, 0);
        }
        self.flow.stop();
        self.state.close().expect("a clean end");
        self.journal.stop();
    }
}

/// Messages one after another, each beginning with its MSH.
fn messages(file: &[u8]) -> Vec<Vec<u8>> {
    let starts = |at: &usize| {
        file[*at..].starts_with(b"MSH") && (*at == 0 || matches!(file[*at - 1], b'\r' | b'\n'))
    };
    let mut cuts: Vec<usize> = (0..file.len()).filter(starts).collect();
    if cuts.first() != Some(&0) {
        cuts.insert(0, 0);
    }
    cuts.push(file.len());
    cuts.windows(2).map(|cut| file[cut[0]..cut[1]].trim_ascii_end().to_vec()).collect()
}

#[derive(Deserialize)]
struct Case {
    #[serde(default = "ej1")]
    ej: EjId,
    answers: Vec<String>,
    #[serde(default)]
    settings: CaseSettings,
}

#[derive(Deserialize, Default)]
struct CaseSettings {
    test_messages: Option<bool>,
}

fn ej1() -> EjId {
    EjId::new("EJ1").expect("a name")
}

fn cases() -> Vec<(PathBuf, Case)> {
    let mut found = Vec::new();
    for folder in std::fs::read_dir(repository().join("fixtures/messages")).expect("cases") {
        let folder = folder.expect("a folder").path();
        if folder.ends_with("fields") || folder.ends_with("M05") {
            continue; // Cases of another kind: `mappings/tests/field_cases`.
        }
        let Ok(files) = std::fs::read_dir(folder) else { continue };
        for file in files {
            let path = file.expect("a file").path();
            if path.extension().is_some_and(|extension| extension == "toml") {
                let text = std::fs::read_to_string(&path).expect("a case");
                let case = toml::from_str(&text).expect("a case as its README describes it");
                found.push((path.with_extension("hl7"), case));
            }
        }
    }
    found.sort_by(|one, other| one.0.cmp(&other.0));
    found
}

#[tokio::test]
async fn every_case_gets_the_answers_that_it_says() {
    let folder = tempfile::tempdir().expect("a folder");
    let [allowing, refusing] = [true, false].map(|test_messages| {
        let mut demo = demo();
        for ej in &mut demo.ej {
            ej.test_messages = test_messages;
        }
        let at = |what: &str| folder.path().join(format!("{what}-{test_messages}"));
        Road::open(&at("journal"), &at("state"), &demo)
    });
    let cases = cases();
    assert!(cases.len() > 50, "{} cases", cases.len());
    for (path, case) in cases {
        let road = if case.settings.test_messages == Some(false) { &refusing } else { &allowing };
        let mut client = road.client(case.ej).await;
        let mut answers = Vec::new();
        for message in messages(&std::fs::read(&path).expect("messages")) {
            client.send(&message).await;
            answers.push(support::told(&client.answer().await.expect("an answer")).0);
        }
        assert_eq!(answers, case.answers, "{}", path.display());
    }
    allowing.folded().await;
    allowing.close().await;
    refusing.close().await;
}

#[tokio::test]
async fn the_demonstrations_feeds_are_kept_applied_and_rebuilt_the_same() {
    let expected = repository().join("fixtures/feeds/demo/expected.json");
    let expected: serde_json::Value =
        serde_json::from_slice(&std::fs::read(expected).expect("expected.json")).expect("JSON");
    let folder = tempfile::tempdir().expect("a folder");
    let journal = folder.path().join("journal");
    let demo = demo();
    let road = Road::open(&journal, &folder.path().join("state"), &demo);
    for ej in &demo.ej {
        let feed = repository().join(format!("fixtures/feeds/demo/{}.hl7", ej.id));
        let mut client = road.client(ej.id).await;
        let mut answers = serde_json::Map::new();
        for message in messages(&std::fs::read(feed).expect("a feed")) {
            client.send(&message).await;
            let (code, ..) = support::told(&client.answer().await.expect("an answer"));
            let count = answers.get(&code).and_then(serde_json::Value::as_u64).unwrap_or(0);
            answers.insert(code, (count + 1).into());
        }
        assert_eq!(
            serde_json::Value::Object(answers),
            expected[ej.id.as_str()]["answers"],
            "{}",
            ej.id
        );
    }
    road.folded().await;
    let hashes = road.hashes(&demo);
    road.close().await;

    let again = Road::open(&journal, &folder.path().join("state"), &demo);
    again.folded().await;
    assert_eq!(again.hashes(&demo), hashes, "the same after a restart");
    again.close().await;
    let rebuilt = Road::open(&journal, &folder.path().join("another-state"), &demo);
    rebuilt.folded().await;
    assert_eq!(rebuilt.hashes(&demo), hashes, "the same from the journal alone");
    rebuilt.close().await;
}

/// The law that a sender relies on when it does not know how far it had come: whatever part of a feed
/// it sends again, and also after a restart, the answers are acceptances and nothing changes.
#[tokio::test]
async fn a_prefix_replayed_twice_changes_nothing() {
    let folder = tempfile::tempdir().expect("a folder");
    let (journal, state) = (folder.path().join("journal"), folder.path().join("state"));
    let demo = demo();
    for ej in &demo.ej {
        let feed = repository().join(format!("fixtures/feeds/demo/{}.hl7", ej.id));
        let feed = messages(&std::fs::read(feed).expect("a feed"));
        for (upto, next) in [(feed.len() / 3, 0), (feed.len(), feed.len() / 3)] {
            let road = Road::open(&journal, &state, &demo);
            let mut client = road.client(ej.id).await;
            let mut answers = Vec::new();
            for message in &feed[next..upto] {
                client.send(message).await;
                answers.push(support::told(&client.answer().await.expect("an answer")));
            }
            road.folded().await;
            let hashes = road.hashes(&demo);
            for _ in 0..2 {
                for (at, message) in feed[..upto].iter().enumerate() {
                    client.send(message).await;
                    let told = support::told(&client.answer().await.expect("an answer"));
                    if at >= next {
                        assert_eq!(told, answers[at - next], "{}: message {at}", ej.id);
                    }
                }
                road.folded().await;
                assert_eq!(road.hashes(&demo), hashes, "{}: {upto} messages", ej.id);
            }
            drop(client);
            road.close().await;
        }
    }
}

#[tokio::test]
async fn a_rebuild_after_retention_starts_from_the_checkpoint_and_comes_to_the_same() {
    let folder = tempfile::tempdir().expect("a folder");
    let (journal, state) = (folder.path().join("journal"), folder.path().join("state"));
    let mut demo = demo();
    demo.ej.truncate(1);
    demo.channel.truncate(1);
    let settings = FlowSettings { control_ids_max: 8, ..FlowSettings::default() };
    let road = Road::open_with(&journal, &state, &demo, 64 << 10, settings);
    let feed = repository().join("fixtures/feeds/demo/EJ1.hl7");
    let feed = messages(&std::fs::read(feed).expect("a feed"));
    let mut client = road.client(ej1()).await;
    let mut gone = 0;
    // A round writes the epoch in force again; a later one may then go up to it.
    for _ in 0..3 {
        for message in &feed {
            client.send(message).await;
            client.answer().await.expect("an answer");
        }
        road.folded().await;
        // Two: retention trusts only what both kept checkpoints cover.
        road.state.checkpoint().expect("a checkpoint");
        road.state.checkpoint().expect("another");
        let covers = road.state.releasable();
        gone += road.flow.release(&covers, Micros::new(i64::MAX)).expect("a round of retention");
    }
    assert!(gone > 0, "segments were let go");
    road.folded().await;
    let hashes = road.hashes(&demo);
    road.close().await;

    State::order_rebuild(&state, RebuildFrom::Checkpoint).expect("a rebuild can be ordered");
    let rebuilt = Road::open_with(&journal, &state, &demo, 64 << 10, settings);
    rebuilt.folded().await;
    assert!(rebuilt.flow.standing().iter().all(|(_, standing, _)| standing.halted.is_none()));
    assert_eq!(rebuilt.hashes(&demo), hashes);
    rebuilt.close().await;
}

type Found = (u64, &'static str, &'static str, Option<u64>, u8);

fn found(road: &Road, asked: &MessagesAsked) -> Vec<Found> {
    let (mut all, mut asked) = (Vec::new(), asked.clone());
    loop {
        let found = road.flow.messages(ej1(), &asked, 50).expect("a journal").expect("that EJ");
        all.extend(found.lines.iter().map(|line| {
            let of = line.of.map(Seq::get);
            (line.seq.get(), line.became, line.brought.as_str(), of, line.issues)
        }));
        match found.next {
            Some(next) => asked.before = Some(next),
            None => return all,
        }
    }
}

async fn until_found(road: &Road, expected: &[Found]) {
    let whole = async {
        while found(road, &MessagesAsked::default()) != expected {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(60), whole).await.expect("whole again within 60 s");
}

/// Of the first EJ alone, with the first messages of its feed, and a refused one.
async fn first_of_feed(road: &Road, count: usize) {
    let feed = repository().join("fixtures/feeds/demo/EJ1.hl7");
    let feed = messages(&std::fs::read(feed).expect("a feed"));
    let mut client = road.client(ej1()).await;
    for message in feed.iter().take(count) {
        client.send(message).await;
        client.answer().await.expect("an answer");
        road.folded().await;
    }
}

fn demo_of_one() -> Demo {
    let mut demo = demo();
    demo.ej.truncate(1);
    demo.channel.truncate(1);
    demo
}

/// What stands in the fields of a message at those places, in any repetition.
fn numbers(raw: &str, places: &[(&str, usize)]) -> Vec<String> {
    let message = Message::index(raw).expect("a message");
    let mut numbers = Vec::new();
    for (segment, n) in places {
        for segment in message.segments_named(segment) {
            let field = segment.field(*n);
            numbers.extend(field.repetitions().map(|r| r.component(1).text().trim().to_owned()));
        }
    }
    numbers.retain(|number| !number.is_empty());
    numbers
}

/// Every message of the journal by reading it, the newest first: as it came, or as an act brings it.
fn kept(road: &Road) -> Vec<(Seq, Micros, String)> {
    let mut reader = road.journal.read(ej1(), Seq::new(1));
    let mut kept = Vec::new();
    while let Some(record) = reader.next().expect("a sound journal") {
        let payload = String::from_utf8_lossy(&record.entry.payload).into_owned();
        let message = match record.entry.kind {
            Kind::Message => payload,
            Kind::OperatorAct => payload.split_once('\n').expect("a message").1.to_owned(),
            _ => continue,
        };
        kept.push((record.seq, record.entry.received_at, message));
    }
    kept.reverse();
    kept
}

/// Each search finds what reading everything finds.
fn compare_with_reading(road: &Road) {
    let kept = kept(road);
    let text = |value: &str| Some(Phi::new(value.to_owned()));
    let places: [&[(&str, usize)]; 3] = [
        &[("MSH", 10)],
        &[("PID", 3), ("MRG", 1)],
        &[("PV1", 19), ("PV1", 50), ("PID", 18), ("MRG", 3), ("MRG", 5)],
    ];
    let mut compared = 0;
    for (seq, at, raw) in &kept {
        for (which, places) in places.iter().enumerate() {
            let Some(number) = numbers(raw, places).pop() else { continue };
            let mut asked = MessagesAsked::default();
            match which {
                0 => asked.control_id = text(&number),
                1 => asked.patient = text(&number),
                _ => asked.visit = text(&number),
            }
            let is = |raw: &str| numbers(raw, places).contains(&number);
            let naive = kept.iter().filter(|(_, _, raw)| is(raw)).map(|(seq, ..)| seq.get());
            let seqs = found(road, &asked).into_iter().map(|line| line.0);
            assert_eq!(seqs.collect::<Vec<_>>(), naive.collect::<Vec<_>>(), "{which} at {seq}");
            compared += 1;
        }
        let asked = MessagesAsked { from: Some(*at), ..MessagesAsked::default() };
        let since = kept.iter().filter(|(_, received_at, _)| received_at >= at).count();
        assert_eq!(found(road, &asked).len(), since);
    }
    assert!(compared > 200, "{compared}");
}

/// Found by the index as by reading everything: after acts, a restart, a rebuild, the loss of the
/// index, and damage in it.
#[tokio::test]
async fn messages_are_found_as_by_reading_the_journal_whatever_becomes_of_the_index() {
    let folder = tempfile::tempdir().expect("a folder");
    let (journal, state) = (folder.path().join("journal"), folder.path().join("state"));
    let demo = demo_of_one();
    let road = Road::open(&journal, &state, &demo);
    first_of_feed(&road, 120).await;
    let mut client = road.client(ej1()).await;
    client.send(b"MSH|^~\\&|A|B|||2026||ADT^A01|REFUSED|P|2.5\rEVN||2026\r").await;
    client.answer().await.expect("an answer");
    drop(client);
    road.folded().await;

    // Acts: some again, one edited, and what cannot be.
    let sent = found(&road, &MessagesAsked::default());
    let [newest, .., oldest] = &sent[..] else { panic!("messages") };
    assert_eq!((newest.1, sent.len()), ("refused", kept(&road).len()));
    let again = [oldest.0, sent[40].0, newest.0, 9_999].map(Seq::new);
    let done = road.flow.reprocess(ej1(), &again, "8f3a01c2");
    let is_done: Vec<bool> = done.iter().map(|(_, again)| again.is_ok()).collect();
    assert_eq!(is_done, [true, true, false, false]);
    let shown = road.flow.message(ej1(), again[1]).expect("a journal").expect("it");
    let unchanged = road.flow.resend(ej1(), again[1], &shown.raw, "8f3a01c2");
    assert!(matches!(unchanged, Err(RedoError::Unchanged)));
    let edited = shown.text.replacen("|P|2.5", "|P|2.5.1", 1);
    let resent = road.flow.resend(ej1(), again[1], edited.as_bytes(), "8f3a01c2").expect("taken");
    let unread = road.flow.resend(ej1(), again[1], b"PID|1", "8f3a01c2");
    assert!(matches!(unread, Err(RedoError::Refused { verdict: Verdict::Unreadable, .. })));
    road.folded().await;
    let shown = road.flow.message(ej1(), resent.seq).expect("a journal").expect("it");
    assert_eq!((shown.line.brought.as_str(), shown.line.of), ("resent", Some(again[1])));
    assert_eq!((shown.text.as_str(), shown.by.as_deref()), (edited.as_str(), Some("8f3a01c2")));
    let acts: Vec<_> = road.flow.acts(ej1()).expect("a journal").map(Result::unwrap).collect();
    assert_eq!(acts.len(), 3);
    assert_eq!((acts[0].seq, acts[0].by.as_str()), (resent.seq, "8f3a01c2"));
    let of = MessagesAsked { of: Some(again[1]), ..MessagesAsked::default() };
    assert_eq!(found(&road, &of).len(), 2);

    compare_with_reading(&road);
    let all = found(&road, &MessagesAsked::default());
    for became in ["applied", "refused"] {
        let asked = MessagesAsked { outcome: Outcome::parse(became), ..MessagesAsked::default() };
        let of_all: Vec<_> = all.iter().filter(|line| line.1 == became).copied().collect();
        assert!(!of_all.is_empty());
        assert_eq!(found(&road, &asked), of_all);
    }
    let hashes = road.hashes(&demo);
    road.close().await;

    // A state from the journal alone: the acts are a part of it, and of its index.
    let rebuilt = Road::open(&journal, &folder.path().join("another"), &demo);
    rebuilt.folded().await;
    assert_eq!(rebuilt.hashes(&demo), hashes);
    assert_eq!(found(&rebuilt, &MessagesAsked::default()), all);
    rebuilt.close().await;

    let index = folder.path().join("state.messages");
    let restarted = Road::open(&journal, &state, &demo);
    assert_eq!(found(&restarted, &MessagesAsked::default()), all, "the same after a restart");
    restarted.close().await;
    std::fs::remove_dir_all(&index).expect("an index");
    let without = Road::open(&journal, &state, &demo);
    until_found(&without, &all).await;
    without.close().await;

    let damaged = Road::open(&journal, &state, &demo);
    let files = std::fs::read_dir(&index).expect("an index").map(|file| file.unwrap().path());
    let largest = files.max_by_key(|file| file.metadata().unwrap().len()).expect("a file");
    let file = std::fs::OpenOptions::new().write(true).open(largest).expect("a file");
    std::os::unix::fs::FileExt::write_all_at(&file, b"x", 64 * 50 + 3).expect("damage");
    assert!(found(&damaged, &MessagesAsked::default()).len() < all.len(), "nothing wrong is told");
    until_found(&damaged, &all).await;
    damaged.close().await;
}

#[tokio::test]
async fn of_more_messages_than_the_index_may_hold_the_newest_are_found() {
    let folder = tempfile::tempdir().expect("a folder");
    let (journal, state) = (folder.path().join("journal"), folder.path().join("state"));
    let demo = demo_of_one();
    let settings = FlowSettings { message_rows_max: 40, ..FlowSettings::default() };
    let open = || Road::open_with(&journal, &state, &demo, 1 << 20, settings);
    let road = open();
    first_of_feed(&road, 110).await;
    let seqs = |road: &Road| -> Vec<Seq> {
        let found = found(road, &MessagesAsked::default());
        found.into_iter().map(|line| Seq::new(line.0)).collect()
    };
    let all: Vec<Seq> = kept(&road).into_iter().map(|(seq, ..)| seq).collect();
    assert_eq!(seqs(&road), all[..20 + all.len() % 20], "those of a full file, and those since");
    road.close().await;
    std::fs::remove_dir_all(folder.path().join("state.messages")).expect("an index");
    let again = open();
    let whole = async {
        while seqs(&again).len() < 20 {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(60), whole).await.expect("whole within 60 s");
    assert_eq!(seqs(&again), all[..20]);
    again.close().await;
}

/// What the fold of the whole journal made: every version of every record, and what was found in
/// every message.
#[derive(Default)]
struct All {
    versions: BTreeMap<(RecordType, ResourceId), BTreeMap<Seq, Record>>,
    issues: BTreeMap<Seq, Vec<Issue>>,
}

fn all(road: &Road, entity: &LegalEntity) -> All {
    let mut records = MemoryRecords::new();
    let All { mut versions, mut issues } = All::default();
    let mut reader = road.journal.read(entity.id(), Seq::ZERO);
    while let Some(record) = reader.next().expect("a sound journal") {
        if record.entry.kind != Kind::Message || !is_accepted(&record) {
            continue;
        }
        let decoded = charset::decode(
            &record.entry.payload,
            MshRaw::find(&record.entry.payload).and_then(|msh| msh.charset()),
            entity.charset,
        );
        let message = Message::index(&decoded.text).expect("accepted");
        let received_at = record.entry.received_at;
        let context = Context { entity, seq: record.seq, received_at };
        let outcome = adt::apply(&message, &context, &records);
        for change in &outcome.changes {
            if let Change::Put(put) = change {
                let of = versions.entry((put.record_type(), put.id())).or_default();
                of.insert(put.stamp().version, put.clone());
            }
        }
        records.accept(outcome.changes);
        issues.insert(record.seq, outcome.issues);
    }
    All { versions, issues }
}

fn is_accepted(record: &sluice_journal::Record) -> bool {
    Verdict::from_number(record.entry.verdict).is_some_and(Verdict::is_accepted)
}

/// Holds what is told of each record's past to what it was.
fn tell_the_past(road: &Road, entity: &LegalEntity) -> usize {
    let past = road.flow.past(&road.state);
    let mut told = 0;
    let All { versions, issues } = all(road, entity);
    // Of those that were found in few messages, each; of the rest, some.
    for (nth, (seq, issues)) in issues.into_iter().enumerate() {
        if nth % 16 != 0 && issues.is_empty() {
            continue;
        }
        let found = past.message(entity, seq).expect("its past");
        // What the fold adds to what the mapping finds.
        let is_ours =
            |i: &Issue| !matches!(i.code, IssueCode::ControlIdReused | IssueCode::CharsetLies);
        let found_issues: Vec<Issue> = found.issues.into_iter().filter(is_ours).collect();
        assert!(found.became == "duplicate" || found_issues == issues, "message {seq}");
    }
    for ((ty, id), versions) in versions {
        let latest = versions.values().next_back().expect("a version");
        if latest.patient().is_none() {
            let refusal = past.versions(entity, ty, id).err();
            assert!(matches!(refusal, Some(PastError::NotKept)), "{ty:?}");
            continue;
        }
        let found = past.versions(entity, ty, id).expect("its past");
        assert!(found.iter().eq(versions.values()), "{ty:?} {id}");
        told += found.len();
    }
    told
}

#[tokio::test]
async fn the_past_of_each_record_is_what_it_was() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut demo = demo();
    demo.ej.truncate(1);
    demo.channel.truncate(1);
    let (journal, state) = (folder.path().join("journal"), folder.path().join("state"));
    // Small segments: most of the past is found by their sidecars.
    let settings = FlowSettings::default();
    let road = Road::open_with(&journal, &state, &demo, 64 << 10, settings);
    let entity = LegalEntity::new(demo.ej[0].clone()).expect("an entity");
    let mut client = road.client(ej1()).await;
    // A structure first, by which a movement finds its unit and its bed.
    let structure =
        repository().join("fixtures/messages/M05/a-movement-finds-the-bed-of-the-structure.hl7");
    let own = repository().join("fixtures/feeds/demo/EJ1.hl7");
    for feed in [Some(structure), Some(own), shared("feeds/simulated-hospital-adt.hl7")]
        .into_iter()
        .flatten()
    {
        for message in messages(&std::fs::read(feed).expect("a feed")) {
            client.send(&message).await;
            client.answer().await.expect("an answer");
        }
    }
    road.folded().await;
    assert!(tell_the_past(&road, &entity) > 100);
    walk_the_past(&road, &entity);
    let unknown =
        road.flow.past(&road.state).versions(&entity, RecordType::Patient, ResourceId([7; 16]));
    assert!(matches!(unknown, Err(PastError::Unknown)));
    let past = road.flow.past(&road.state);
    assert!(matches!(past.message(&entity, Seq::new(u64::MAX)), Err(PastError::Unknown)));

    // What went with retention is not told, and nothing else is told in its place.
    road.state.checkpoint().expect("a checkpoint");
    road.state.checkpoint().expect("another");
    let kept = road.journal.tail(ej1());
    assert!(road.journal.release(&[(ej1(), kept)]).expect("a release") > 0);
    let (mut whole, mut forgotten) = (0, 0);
    let past = road.flow.past(&road.state);
    let scope = road.state.scope(&Access::to([ej1()]));
    let view = scope.ej(ej1()).expect("the EJ");
    for record in (0..view.chunks(RecordType::Stay)).flat_map(|n| view.chunk(RecordType::Stay, n).1)
    {
        match past.versions(&entity, RecordType::Stay, record.id()) {
            Ok(versions) => {
                assert!(versions.last() == Some(&record));
                whole += 1;
            }
            Err(PastError::Incomplete) => forgotten += 1,
            Err(other) => panic!("{other}"),
        }
    }
    assert!(forgotten > whole, "{forgotten} forgotten, {whole} whole");
    walk_what_is_left(&road, &entity);
    road.close().await;
}

/// What a walk gives from the newest on, begun anew wherever it rests; and whether more was there
/// once.
fn walked(
    road: &Road,
    entity: &LegalEntity,
    types: &[RecordType],
    messages_max: usize,
) -> (Vec<Made>, bool) {
    let past = road.flow.past(&road.state);
    let (mut all, mut forgotten, mut from) = (Vec::new(), false, Some(WalkFrom::Now));
    while let Some(begin) = from.take() {
        let walk = past.walk(entity, types, begin, None, messages_max).expect("a walk");
        for step in walk {
            match step.expect("a sound journal") {
                Walked::Made(made) => all.push(made),
                Walked::Rests { place } => {
                    from = Some(WalkFrom::Place(place));
                    break;
                }
                Walked::Forgotten => forgotten = true,
            }
        }
    }
    (all, forgotten)
}

/// Holds a walk through the past, of each type and of all, to what it was.
fn walk_the_past(road: &Road, entity: &LegalEntity) {
    let versions = all(road, entity).versions;
    use RecordType::{AllergyIntolerance, Location, Organization, Patient, Stay};
    // Seldom a rest, and one after every few messages.
    for (types, messages_max) in [
        (&RecordType::ALL[..], 1 << 20),
        (&[Patient], 500),
        (&[Stay, AllergyIntolerance], 2_000),
        (&[Location, Organization], 1),
    ] {
        // The newest first; of what is no patient's the last version alone.
        let mut expected: Vec<(Seq, RecordType, ResourceId, Option<Micros>)> = Vec::new();
        for ((ty, id), versions) in versions.iter().filter(|((ty, _), _)| types.contains(ty)) {
            let times = versions.values().map(|record| record.stamp().updated_at);
            let until = times.skip(1).map(Some).chain([None]);
            let told = versions.keys().zip(until).map(|(seq, until)| (*seq, *ty, *id, until));
            expected.extend(told.filter(|(.., until)| ty.is_of_a_patient() || until.is_none()));
        }
        expected.sort_by_key(|(seq, ty, id, _)| (Reverse(*seq), *ty, *id));
        let (made, forgotten) = walked(road, entity, types, messages_max);
        assert!(!forgotten);
        let mut told = Vec::new();
        for version in made.iter().flat_map(|made| &made.versions) {
            let record = &version.record;
            let (ty, id, stamp) = (record.record_type(), record.id(), record.stamp());
            assert!(versions[&(ty, id)][&stamp.version] == *record, "{ty:?} {id}");
            assert_eq!(version.alone, !ty.is_of_a_patient() && stamp.version != stamp.created);
            told.push((stamp.version, ty, id, version.until));
        }
        assert!(told == expected, "{types:?}: {} and {}", told.len(), expected.len());
    }
    // From a moment back, and not further than another.
    let (made, _) = walked(road, entity, &[RecordType::Stay], 1 << 20);
    let (until, since) = (made[made.len() / 3].at, made[made.len() / 2].at);
    let past = road.flow.past(&road.state);
    let from = WalkFrom::Time(until);
    let walk = past.walk(entity, &[RecordType::Stay], from, Some(since), 1 << 20).expect("a walk");
    let places = walk.map(|step| match step.expect("a sound journal") {
        Walked::Made(made) => made.place,
        other => panic!("{other:?}"),
    });
    let places: Vec<u64> = places.collect();
    let within = |made: &&Made| made.at >= since && made.at <= until;
    for wanted in made.iter().filter(within) {
        assert!(places.contains(&wanted.place));
    }
    assert!(made.iter().filter(|made| made.at < since).all(|made| !places.contains(&made.place)));
}

/// After retention: the walk says that it does not reach the beginning, what it tells is right, and
/// nothing that stands and was made by a message that is still kept is missing.
fn walk_what_is_left(road: &Road, entity: &LegalEntity) {
    let scope = road.state.scope(&Access::to([ej1()]));
    let view = scope.ej(ej1()).expect("the EJ");
    let (made, forgotten) = walked(road, entity, &RecordType::ALL, 1 << 20);
    assert!(forgotten && !made.is_empty());
    let oldest = made.last().expect("one").place;
    let told: Vec<&Version> = made.iter().flat_map(|made| &made.versions).collect();
    assert!(told.iter().any(|version| version.alone));
    for ty in RecordType::ALL {
        let standing = (0..view.chunks(ty)).flat_map(|n| view.chunk(ty, n).1);
        for record in standing.filter(|record| record.stamp().version.get() >= oldest) {
            let of_it = |v: &&&Version| v.record == record && v.until.is_none();
            assert_eq!(told.iter().filter(of_it).count(), 1, "{ty:?} {}", record.id());
        }
    }
}

/// Messages that are not ours to keep in the repository; they are beside it where it is worked on.
#[expect(clippy::print_stdout, reason = "what is skipped is said")]
fn shared(path: &str) -> Option<PathBuf> {
    let path = repository().join("../shared").join(path);
    if path.exists() {
        return Some(path);
    }
    println!("skipped: no {}", path.display());
    None
}

#[tokio::test]
async fn a_simulators_feed_is_answered_ca_from_end_to_end() {
    let Some(feed) = shared("feeds/simulated-hospital-adt.hl7") else { return };
    let folder = tempfile::tempdir().expect("a folder");
    let demo = demo();
    let road = Road::open(&folder.path().join("journal"), &folder.path().join("state"), &demo);
    let mut client = road.client(ej1()).await;
    let messages = messages(&std::fs::read(feed).expect("a feed"));
    for (n, message) in messages.iter().enumerate() {
        client.send(message).await;
        let (code, control_id, _) = support::told(&client.answer().await.expect("an answer"));
        let sent = MshRaw::find(message).expect("a header").control_id();
        assert_eq!((&*code, control_id.as_bytes()), ("CA", sent), "message {n}");
    }
    assert_eq!(messages.len(), 2737);
    road.folded().await;
    road.close().await;
}

#[tokio::test]
async fn messages_of_public_projects_are_answered_under_their_own_control_ids() {
    let Some(folder_of_messages) = shared("messages/public") else { return };
    let folder = tempfile::tempdir().expect("a folder");
    let demo = demo();
    let road = Road::open(&folder.path().join("journal"), &folder.path().join("state"), &demo);
    let mut client = road.client(ej1()).await;
    let mut folders = vec![folder_of_messages];
    let mut answered = 0;
    while let Some(at) = folders.pop() {
        for entry in std::fs::read_dir(at).expect("a folder") {
            let path = entry.expect("an entry").path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "hl7") {
                let file = std::fs::read(&path).expect("a file");
                answered += usize::from(answer_of_its_own(&mut client, &file, &path).await);
            }
        }
    }
    assert!(answered > 100, "{answered} answered");
    road.folded().await;
    road.close().await;
}

/// Sends a file as one frame; false where its sender wants no answer to it.
async fn answer_of_its_own(client: &mut Client, file: &[u8], path: &Path) -> bool {
    // What the decoder would take for a frame's end or start is not a frame's content.
    let frame: Vec<u8> = file.iter().copied().filter(|b| !matches!(b, 0x0B | 0x1C)).collect();
    let msh = MshRaw::find(&frame);
    let terms = Terms::of(AckMode::Auto, AckWhen::Stored, msh.as_ref());
    let always = if terms.is_twofold() { terms.accept } else { terms.application };
    if always != When::Always || msh.is_some_and(|msh| is_acknowledgement(&msh, &frame)) {
        return false;
    }
    client.send(&frame).await;
    let answer = client.answer().await.unwrap_or_else(|| panic!("closed at {}", path.display()));
    let (code, control_id, condition) = support::told(&answer);
    let sent = msh.map_or(&b""[..], |msh| msh.control_id());
    assert_eq!(
        control_id.as_bytes(),
        String::from_utf8_lossy(sent).as_bytes(),
        "{}",
        path.display()
    );
    assert!(matches!(&*code, "AA" | "AE" | "AR" | "CA" | "CE" | "CR"), "{}", path.display());
    assert_ne!(condition, "207", "nothing is transient here: {}", path.display());
    if code == "CA" && terms.application == When::Always {
        let answer = support::told(&client.answer().await.expect("told when it is applied"));
        assert_eq!(answer.1, control_id, "{}", path.display());
        assert!(matches!(&*answer.0, "AA" | "AE"), "{} {}", answer.0, path.display());
    }
    true
}
