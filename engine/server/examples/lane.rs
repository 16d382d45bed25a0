//! What a lane takes for a message: the messages of `sluice bench mllp`, journaled beforehand,
//! folded into an empty state. For a profiler:
//!
//! `lane fill FOLDER PATIENTS` journals the courses of 32 senders with so many patients each;
//! `lane fold FOLDER` folds them and says how long it took.

#![allow(clippy::print_stdout, reason = "an example that reports")]

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use sluice_channels::ack::Verdict;
use sluice_fixtures::bench::load;
use sluice_flow::{Flow, FlowSettings, Parts, keys_of};
use sluice_ids::{ChannelId, EjId, Lsn, Micros};
use sluice_journal::{
    EmbeddedJournal, Entry, IdempotencyKey, Journal, JournalSettings, Kind, Owner,
};
use sluice_mappings::entity::{EjSettings, LegalEntity};
use sluice_state::{State, StateSettings};

const CONNECTIONS: u32 = 32;

fn main() -> anyhow::Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let texts: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match texts[..] {
        ["fill", folder, patients] => fill(Path::new(folder), patients.parse()?),
        ["fold", folder] => fold(Path::new(folder)),
        _ => anyhow::bail!("lane fill FOLDER PATIENTS | lane fold FOLDER"),
    }
}

fn open(folder: &Path) -> anyhow::Result<EmbeddedJournal> {
    let owner = Owner { watermark: Lsn::ZERO, keys_of: keys_of(), on_fault: Arc::new(|_| {}) };
    Ok(EmbeddedJournal::open(&folder.join("journal"), JournalSettings::default(), owner)?.0)
}

fn fill(folder: &Path, patients: u64) -> anyhow::Result<()> {
    std::fs::create_dir_all(folder)?;
    let journal = open(folder)?;
    let (ej, channel) = (EjId::new("BENCH")?, ChannelId::new("bench.mllp")?);
    let runtime = tokio::runtime::Builder::new_current_thread().build()?;
    let mut appender = journal.appender();
    let (mut text, mut number) = (String::new(), 0_u128);
    for patient in 0..patients {
        let steps = load::course(patient).len();
        let mut waiting = Vec::new();
        for step in 0..steps {
            for connection in 0..CONNECTIONS {
                load::write_message(&mut text, 0, connection, patient, step);
                number += 1;
                waiting.push(appender.append(Entry {
                    kind: Kind::Message,
                    flags: 0,
                    verdict: Verdict::Accepted as u8,
                    ej,
                    channel,
                    received_at: Micros::new(1_774_000_000_000_000 + number as i64 * 50),
                    key: IdempotencyKey((number + (1 << 100)).to_be_bytes()),
                    payload: text.clone().into_bytes().into(),
                }));
            }
        }
        for one in waiting {
            runtime.block_on(one);
        }
    }
    journal.stop();
    println!("{number} messages");
    Ok(())
}

fn fold(folder: &Path) -> anyhow::Result<()> {
    metrics_exporter_prometheus::PrometheusBuilder::new().install_recorder()?;
    let mut settings = EjSettings::named(EjId::new("BENCH")?);
    settings.msh4 = vec!["BENCH".to_owned()];
    let entities = [LegalEntity::new(settings)?];
    let journal = Arc::new(open(folder)?);
    let state_folder = tempfile::tempdir_in(folder)?;
    let ejs = [entities[0].id()];
    let (state, _) = State::open(state_folder.path(), StateSettings::default(), &ejs)?;
    let messages = journal.tail(ejs[0]).get();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build()?;
    let began = Instant::now();
    let flow = Flow::start(Parts {
        journal: Arc::clone(&journal) as Arc<dyn Journal>,
        state: &state,
        entities: &entities,
        channels: &[],
        settings: FlowSettings::default(),
        messages: &state_folder.path().join("messages"),
        apply: sluice_mappings::adt::apply,
    })?;
    let caught_up = runtime.block_on(flow.wait_caught_up(Duration::from_secs(600)));
    let seconds = began.elapsed().as_secs_f64();
    println!(
        "{messages} messages, caught up: {caught_up}, {seconds:.2} s, {:.1} µs each",
        seconds * 1e6 / messages as f64
    );
    flow.stop();
    state.close()?;
    journal.stop();
    Ok(())
}
