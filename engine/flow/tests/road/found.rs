//! Messages are found as by reading the journal.

use std::time::Duration;

use sluice_channels::ack::Verdict;
use sluice_flow::{FlowSettings, MessagesAsked, Outcome, RedoError};
use sluice_ids::{Micros, Phi, Seq};
use sluice_journal::{Journal, Kind};
use sluice_mappings::hl7::Message;

use super::{Demo, Road, demo, ej1, messages, repository};

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
