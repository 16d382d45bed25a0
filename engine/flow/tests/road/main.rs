//! The whole road: sockets, the embedded journal, the real mapping, sled; the repository's own
//! cases and feeds.

mod found;
mod past;
mod peers;
#[path = "../support/mod.rs"]
mod support;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use serde::Deserialize;
use sluice_channels::ack::Verdict;
use sluice_channels::mllp::{Listening, listen};
use sluice_channels::{ChannelSettings, MllpSettings, SourceSettings};
use sluice_flow::{Flow, FlowSettings, Parts, keys_of};
use sluice_ids::{EjId, Lsn, Micros};
use sluice_journal::{EmbeddedJournal, Journal, JournalSettings, Owner};
use sluice_mappings::adt;
use sluice_mappings::entity::{EjSettings, LegalEntity};
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

fn is_accepted(record: &sluice_journal::Record) -> bool {
    Verdict::from_number(record.entry.verdict).is_some_and(Verdict::is_accepted)
}

#[expect(clippy::print_stdout, reason = "what is skipped is said")]
fn shared(path: &str) -> Option<PathBuf> {
    let path = repository().join("../shared").join(path);
    if path.exists() {
        return Some(path);
    }
    println!("skipped: no {}", path.display());
    None
}
