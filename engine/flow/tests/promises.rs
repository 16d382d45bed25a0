//! What an acknowledgement promises, against a disk that does its worst.

mod support;

use serde_json::json;
use sluice_channels::AckMode;
use sluice_channels::steps::StepSettings;
use sluice_flow::{DeadLetter, FlowSettings, Halt, Reason};
use sluice_ids::{EjId, Micros};
use sluice_journal::{Journal, Kind, Refusal};
use support::journal::Disk;
use support::{Bench, Blocked, Client, adt, applied, entity, told, told_as, until};

#[tokio::test]
async fn no_acceptance_before_the_disk_has_it() {
    let bench = Bench::new("EARLY");
    let running = bench.start();
    let mut client = Client::to(&running).await;
    bench.journal.disk(Disk::Slow);
    client.send(adt("A01", "1").as_bytes()).await;
    until(|| bench.journal.waiting() == 1).await;
    let mut nothing = [0; 1];
    let early = client.stream.try_read(&mut nothing);
    assert_eq!(early.unwrap_err().kind(), std::io::ErrorKind::WouldBlock);
    bench.journal.disk(Disk::Good);
    assert_eq!(told(&client.answer().await.unwrap()), told_as("AA", "1", ""));
}

#[tokio::test]
async fn ack_is_withheld_when_the_journal_says_unknown() {
    let bench = Bench::new("UNKNOWN");
    let running = bench.start();
    let mut client = Client::to(&running).await;
    bench.journal.disk(Disk::Unknown);
    client.send(adt("A01", "1").as_bytes()).await;
    assert_eq!(client.answer().await, None, "the connection closes");
    bench.journal.disk(Disk::Good);
    // It was there after all: the resend is accepted, and has no second effect.
    let mut client = Client::to(&running).await;
    assert_eq!(client.ask(&adt("A01", "1")).await, told_as("AA", "1", ""));
    bench.folded(&running).await;
    assert_eq!(applied(bench.ej), ["1"]);
}

#[tokio::test]
async fn transient_refusals_say_207_and_the_same_message_is_taken_later() {
    let bench = Bench::new("TRANSIENT");
    let running = bench.start();
    let mut client = Client::to(&running).await;
    let refusals = [
        Refusal::NoSpace { free_bytes: 1, floor_bytes: 2 },
        Refusal::Busy { queued_bytes: 2, limit: 1 },
        Refusal::Stopping,
        Refusal::Damaged { ej: bench.ej },
    ];
    let enhanced = adt("A01", "2").replacen("|P|2.5\r", "|P|2.5|||AL\r", 1);
    for refusal in refusals {
        bench.journal.disk(Disk::Refuses(refusal));
        assert_eq!(client.ask(&adt("A01", "1")).await, told_as("AR", "1", "207"), "{refusal}");
        assert_eq!(client.ask(&enhanced).await, told_as("CE", "2", "207"), "{refusal}");
    }
    bench.journal.disk(Disk::Good);
    assert_eq!(client.ask(&adt("A01", "1")).await, told_as("AA", "1", ""));
    assert_eq!(client.ask(&enhanced).await, told_as("CA", "2", ""));
    running.flow.refuse_new();
    assert_eq!(client.ask(&adt("A01", "3")).await, told_as("AR", "3", "207"));
    bench.folded(&running).await;
    assert_eq!(applied(bench.ej), ["1", "2"]);
}

#[tokio::test]
async fn a_refusal_stands_though_the_disk_is_full() {
    let bench = Bench::new("FULL");
    let running = bench.start();
    let mut client = Client::to(&running).await;
    bench.journal.disk(Disk::Refuses(Refusal::NoSpace { free_bytes: 1, floor_bytes: 2 }));
    let unserved = adt("A01", "1").replace("ADT^", "ORU^");
    assert_eq!(client.ask(&unserved).await, told_as("AR", "1", "200"));
}

#[tokio::test]
async fn a_repetition_gets_the_acceptance_again_and_no_second_effect() {
    let bench = Bench::new("AGAIN");
    let running = bench.start();
    let mut client = Client::to(&running).await;
    for _ in 0..3 {
        assert_eq!(client.ask(&adt("A01", "1")).await, told_as("AA", "1", ""));
    }
    bench.folded(&running).await;
    assert_eq!(client.ask(&adt("A01", "1")).await, told_as("AA", "1", ""));
    assert_eq!((bench.messages().len(), applied(bench.ej).len()), (1, 1));
    bench.assert_metric("sluice_duplicates_total{ej=\"AGAIN\",kind=\"answered\"} 3");
}

#[tokio::test]
async fn the_same_message_on_two_connections_at_once_is_stored_once() {
    let bench = Bench::new("TWICE");
    let running = bench.start();
    let mut one = Client::to(&running).await;
    let mut two = Client::to(&running).await;
    bench.journal.disk(Disk::Slow);
    one.send(adt("A01", "1").as_bytes()).await;
    until(|| bench.journal.waiting() == 1).await;
    two.send(adt("A01", "1").as_bytes()).await;
    let awaited = "sluice_duplicates_total{ej=\"TWICE\",kind=\"awaited\"} 1";
    until(|| bench.metrics().render().contains(awaited)).await;
    bench.journal.disk(Disk::Good);
    for client in [&mut one, &mut two] {
        assert_eq!(told(&client.answer().await.unwrap()), told_as("AA", "1", ""));
    }
    bench.folded(&running).await;
    assert_eq!((bench.messages().len(), applied(bench.ej).len()), (1, 1));
}

#[tokio::test]
async fn the_same_control_id_with_other_bytes_is_applied_and_flagged() {
    let bench = Bench::new("REUSED");
    let running = bench.start();
    let mut client = Client::to(&running).await;
    assert_eq!(client.ask(&adt("A01", "1")).await, told_as("AA", "1", ""));
    assert_eq!(client.ask(&adt("A03", "1")).await, told_as("AA", "1", ""));
    // Another sender may count as it likes.
    assert_eq!(
        client.ask(&adt("A01", "1").replace("|APP|", "|LAB|")).await,
        told_as("AA", "1", "")
    );
    bench.folded(&running).await;
    assert_eq!(applied(bench.ej), ["1", "1", "1"]);
    bench.assert_metric("sluice_duplicates_total{ej=\"REUSED\",kind=\"control_id_reused\"} 1");
    bench.assert_metric("sluice_issues_total{code=\"control_id_reused\"} 1");
}

#[tokio::test]
async fn a_crash_between_append_and_answer_leaves_one_effect() {
    let bench = Bench::new("CRASH");
    let running = bench.start();
    let mut client = Client::to(&running).await;
    assert_eq!(client.ask(&adt("A01", "1")).await, told_as("AA", "1", ""));
    drop(running);
    // The answer was lost, the sender sends again; memory comes back from the journal.
    let running = bench.start();
    let mut client = Client::to(&running).await;
    assert_eq!(client.ask(&adt("A01", "1")).await, told_as("AA", "1", ""));
    assert_eq!(bench.messages().len(), 1);
    drop(running);
    // Should it be there twice all the same, the fold applies the first.
    let again = bench.messages()[0].entry.clone();
    support::forget_applied(bench.ej);
    drop(bench.journal.appender().append(again));
    let running = bench.start();
    bench.folded(&running).await;
    assert_eq!((bench.messages().len(), applied(bench.ej).len()), (2, 1));
    bench.assert_metric("sluice_duplicates_total{ej=\"CRASH\",kind=\"folded\"} 1");
}

#[tokio::test]
async fn poison_is_set_aside_once_and_stops_nobody() {
    let bench = Bench::new("POISON");
    let running = bench.start();
    let mut client = Client::to(&running).await;
    for control_id in ["1", "POISON", "2"] {
        let told = client.ask(&adt("A01", control_id)).await;
        assert_eq!(told, told_as("AA", control_id, ""));
    }
    bench.folded(&running).await;
    assert_eq!(applied(bench.ej), ["1", "2"]);
    let letters = bench.of_kind(Kind::DeadLetter);
    let letter = DeadLetter::decode(&letters[0].entry.payload).unwrap();
    assert_eq!(letter.seq, bench.messages()[1].seq);
    drop(running);
    support::forget_applied(bench.ej);
    let running = bench.start();
    bench.folded(&running).await;
    assert_eq!(applied(bench.ej), ["1", "2"], "a replay sets the same aside");
    assert_eq!(bench.of_kind(Kind::DeadLetter).len(), 1, "and says so once");
}

#[tokio::test]
async fn poison_whose_dead_letter_was_lost_gets_one_at_the_next_start() {
    let bench = Bench::new("POISON2");
    let running = bench.start();
    drop(running);
    let mut entry = bench.journal.records(bench.ej)[0].entry.clone();
    entry.kind = Kind::Message;
    entry.verdict = sluice_channels::ack::Verdict::Accepted.number();
    entry.key.0 = [7; 16];
    entry.payload = adt("A01", "POISON").into();
    drop(bench.journal.appender().append(entry));
    let running = bench.start();
    bench.folded(&running).await;
    until(|| bench.of_kind(Kind::DeadLetter).len() == 1).await;
}

#[tokio::test]
async fn order_is_kept_from_the_socket_to_the_fold() {
    let bench = Bench::new("ORDER");
    let running = bench.start();
    let mut client = Client::to(&running).await;
    let ids: Vec<String> = (0..500).map(|n| n.to_string()).collect();
    let frames: Vec<u8> = ids
        .iter()
        .flat_map(|id| [b"\x0b", adt("A08", id).as_bytes(), b"\x1c\r"].concat())
        .collect();
    let (mut reading, mut writing) = client.stream.split();
    let answers = async {
        let mut bytes = Vec::new();
        let mut ended = 0;
        while ended < ids.len() {
            let from = bytes.len();
            tokio::io::AsyncReadExt::read_buf(&mut reading, &mut bytes).await.unwrap();
            ended += bytes[from..].iter().filter(|b| **b == 0x1C).count();
        }
        String::from_utf8(bytes).unwrap()
    };
    let sent = tokio::io::AsyncWriteExt::write_all(&mut writing, &frames);
    let (answers, sent) = tokio::join!(answers, sent);
    sent.unwrap();
    let acknowledged: Vec<&str> =
        answers.split("MSA|AA|").skip(1).map(|rest| rest.split('\r').next().unwrap()).collect();
    assert_eq!(acknowledged, ids);
    bench.folded(&running).await;
    assert_eq!(applied(bench.ej), ids);
}

#[tokio::test]
async fn a_fold_that_lags_too_far_refuses_for_now_and_no_other_ej_notices() {
    let mut bench = Bench::new("LAG1");
    bench.flow = FlowSettings {
        lag_records_max: 3,
        lag_pushback_records: 1,
        lag_pushback_ms: 1,
        ..FlowSettings::default()
    };
    let ej = |id: &str| entity(serde_json::json!({ "id": id, "name": id }));
    bench.entities = vec![ej("LAG1"), ej("LAG2")];
    let running = bench.start();
    bench.folded(&running).await;
    let blocked = Blocked::new(bench.ej);
    let mut client = Client::to(&running).await;
    let to = |ej: &str, id: &str| adt("A01", id).replace("|SITE|SLUICE", &format!("|{ej}|SLUICE"));
    let mut refused = 0;
    for n in 0..10 {
        let (code, _, condition) = client.ask(&to("LAG1", &format!("BLOCK{n}"))).await;
        if (&*code, &*condition) == ("AR", "207") {
            refused += 1;
        }
        assert_eq!(client.ask(&to("LAG2", &n.to_string())).await.0, "AA");
        // The bound is as tight for this one, and a busy machine folds slowly.
        until(|| applied(EjId::new("LAG2").unwrap()).len() == n + 1).await;
    }
    assert!((5..10).contains(&refused), "{refused} refused: the first ones fit");
    drop(blocked);
    bench.folded(&running).await;
    assert_eq!(client.ask(&to("LAG1", "last")).await, told_as("AA", "last", ""));
    assert_eq!(applied(EjId::new("LAG2").unwrap()).len(), 10);
}

#[tokio::test]
async fn a_record_is_folded_by_the_configuration_of_its_place() {
    let mut bench = Bench::new("EPOCH");
    let running = bench.start();
    assert_eq!(Client::to(&running).await.ask(&adt("A01", "1")).await.0, "AA");
    bench.folded(&running).await;
    drop(running);
    bench.entities = vec![entity(serde_json::json!({ "id": "EPOCH", "name": "second" }))];
    let running = bench.start();
    assert_eq!(Client::to(&running).await.ask(&adt("A01", "2")).await.0, "AA");
    bench.folded(&running).await;
    drop(running);
    support::forget_applied(bench.ej);
    let running = bench.start();
    bench.folded(&running).await;
    assert_eq!(support::applied_under(bench.ej), ["first", "second"], "in a rebuild too");
    assert_eq!(bench.of_kind(Kind::ConfigEpoch).len(), 2, "one for each change, none for a start");
}

fn step(settings: serde_json::Value) -> StepSettings {
    serde_json::from_value(settings).expect("a step")
}

#[tokio::test]
async fn a_message_passes_the_steps_of_its_time_in_a_rebuild_too() {
    let mut bench = Bench::new("STEPS");
    bench.step = vec![
        step(json!({ "type": "filter", "drop": { "event": ["A08"] } })),
        step(json!({ "type": "set", "at": "MSH-10", "text": "one" })),
    ];
    let running = bench.start();
    let mut client = Client::to(&running).await;
    for (event, control_id) in [("A01", "1"), ("A08", "2"), ("A02", "3")] {
        assert_eq!(client.ask(&adt(event, control_id)).await, told_as("AA", control_id, ""));
    }
    bench.folded(&running).await;
    assert_eq!(applied(bench.ej), ["one", "one"]);
    bench.assert_metric("sluice_applied_total{ej=\"STEPS\",effect=\"filtered\"} 1");
    drop(running);

    bench.step = vec![step(json!({
        "type": "script",
        "source": "if message.text(\"MSH-10\") == \"4\" { loop { } } message.set_text(\"MSH-10\", \"two\");",
    }))];
    support::forget_applied(bench.ej);
    let running = bench.start();
    let mut client = Client::to(&running).await;
    for (event, control_id) in [("A01", "4"), ("A08", "5")] {
        assert_eq!(client.ask(&adt(event, control_id)).await, told_as("AA", control_id, ""));
    }
    bench.folded(&running).await;
    assert_eq!(applied(bench.ej), ["one", "one", "two"], "each by the steps of its time");
    until(|| bench.of_kind(Kind::DeadLetter).len() == 1).await;
    let letters = bench.of_kind(Kind::DeadLetter);
    let letter = DeadLetter::decode(&letters[0].entry.payload).unwrap();
    assert_eq!((letter.seq, letter.reason), (bench.messages()[3].seq, Reason::Step));
    assert_eq!(bench.messages()[3].entry.payload, adt("A01", "4"), "kept as it came");
    assert_eq!(bench.of_kind(Kind::ConfigEpoch).len(), 2);
}

/// MSH-10 becomes that text.
fn renamed(text: &str) -> Vec<StepSettings> {
    vec![step(json!({ "type": "set", "at": "MSH-10", "text": text }))]
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn steps_and_acknowledgement_change_under_an_open_connection_from_one_message_to_the_next() {
    let mut bench = Bench::new("RECONF");
    let running = bench.start();
    let mut client = Client::to(&running).await;
    assert_eq!(client.ask(&adt("A01", "as-sent")).await, told_as("AA", "as-sent", ""));
    for (round, mode) in
        [AckMode::Enhanced, AckMode::Original, AckMode::Enhanced].iter().enumerate()
    {
        bench.step = renamed(&format!("round-{round}"));
        bench.ack_mode = *mode;
        let channels = [bench.channel()];
        tokio::task::block_in_place(|| running.flow.reconfigure(&channels)).unwrap();
        let code = if *mode == AckMode::Enhanced { "CA" } else { "AA" };
        let sent = format!("m{round}");
        assert_eq!(client.ask(&adt("A02", &sent)).await, told_as(code, &sent, ""));
        // Nothing changed: nothing is written.
        let epochs = bench.of_kind(Kind::ConfigEpoch).len();
        tokio::task::block_in_place(|| running.flow.reconfigure(&channels)).unwrap();
        assert_eq!(bench.of_kind(Kind::ConfigEpoch).len(), epochs);
    }
    bench.folded(&running).await;
    let made = applied(bench.ej);
    assert_eq!(made, ["as-sent", "round-0", "round-1", "round-2"]);
    // A channel that goes closes its connections' way in.
    tokio::task::block_in_place(|| running.flow.reconfigure(&[])).unwrap();
    client.send(adt("A02", "late").as_bytes()).await;
    assert_eq!(client.answer().await, None);
    drop(running);

    support::forget_applied(bench.ej);
    let epochs = bench.of_kind(Kind::ConfigEpoch).len();
    let again = bench.start();
    bench.folded(&again).await;
    assert_eq!(applied(bench.ej), made, "each by the steps at its place");
    assert_eq!(bench.of_kind(Kind::ConfigEpoch).len(), epochs, "the newest is in force");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn steps_changed_under_load_fold_in_a_rebuild_as_they_did_the_first_time() {
    let mut bench = Bench::new("RECLOAD");
    let running = bench.start();
    let senders = (0..4).map(|sender| {
        let to = running.listening.address();
        tokio::spawn(async move {
            let mut client = Client::at(to).await;
            for n in 0..50 {
                let sent = format!("s{sender}n{n}");
                assert_eq!(client.ask(&adt("A02", &sent)).await, told_as("AA", &sent, ""));
            }
        })
    });
    let senders: Vec<_> = senders.collect();
    for round in 0..20 {
        bench.step = renamed(&format!("round-{round}"));
        let channels = [bench.channel()];
        tokio::task::block_in_place(|| running.flow.reconfigure(&channels)).unwrap();
    }
    for sender in senders {
        sender.await.unwrap();
    }
    bench.folded(&running).await;
    let made = applied(bench.ej);
    assert_eq!(made.len(), 200, "none is lost");
    drop(running);
    support::forget_applied(bench.ej);
    let again = bench.start();
    bench.folded(&again).await;
    assert_eq!(applied(bench.ej), made);
}

#[tokio::test]
async fn a_message_whose_key_is_gone_waits_for_it_and_is_folded_as_before() {
    let mut bench = Bench::new("KEYGONE");
    let folder = tempfile::tempdir().unwrap();
    let key = folder.path().join("site.key");
    std::fs::write(&key, [b'k'; 32]).unwrap();
    let mut surrogates = step(json!({ "type": "deidentify", "key_file": "site.key" }));
    surrogates.resolve(folder.path()).unwrap();
    bench.step = vec![surrogates];
    let running = bench.start();
    let mut client = Client::to(&running).await;
    assert_eq!(client.ask(&adt("A01", "1")).await, told_as("AA", "1", ""));
    bench.folded(&running).await;
    let made = applied(bench.ej);
    assert!(made.len() == 1 && made[0].starts_with('D'), "{made:?}");
    assert!(
        !String::from_utf8_lossy(&bench.of_kind(Kind::ConfigEpoch)[0].entry.payload)
            .contains("kkkk")
    );
    drop(running);

    // A rebuild under another key, and without steps for what comes.
    std::fs::write(&key, [b'o'; 32]).unwrap();
    bench.step = Vec::new();
    support::forget_applied(bench.ej);
    let running = bench.start();
    let seq = bench.messages()[0].seq;
    until(|| running.flow.standing()[0].1.halted == Some(Halt::Key { seq })).await;
    assert!(applied(bench.ej).is_empty(), "nothing is made up");
    std::fs::write(&key, [b'k'; 32]).unwrap();
    bench.folded(&running).await;
    assert_eq!(applied(bench.ej), made);
    assert!(bench.of_kind(Kind::DeadLetter).is_empty());
}

#[tokio::test]
async fn retention_keeps_what_a_restart_needs() {
    let mut bench = Bench::new("KEEP");
    bench.flow = FlowSettings { control_ids_max: 8, ..FlowSettings::default() };
    let running = bench.start();
    let mut client = Client::to(&running).await;
    for n in 0..30 {
        let id = if n == 3 { "POISON".to_owned() } else { n.to_string() };
        assert_eq!(client.ask(&adt("A08", &id)).await.0, "AA");
    }
    bench.folded(&running).await;
    let all = bench.journal.records(bench.ej);
    let covers = [(bench.ej, all[20].seq)];
    let now = Micros::new(i64::MAX);
    running.flow.release(&[], now).unwrap();
    running.flow.release(&covers, all[0].entry.received_at).unwrap();
    assert_eq!(bench.journal.records(bench.ej)[0].seq, all[0].seq, "uncovered, or not old enough");
    // The first round stops at the epoch and writes it again, the second at the dead letter.
    running.flow.release(&covers, now).unwrap();
    assert_eq!(bench.journal.records(bench.ej)[0].seq, all[0].seq);
    running.flow.release(&covers, now).unwrap();
    assert_eq!(
        bench.journal.records(bench.ej)[0].seq,
        all[0].seq,
        "the dead letter's message stays"
    );
}

#[tokio::test]
async fn retention_goes_up_to_the_epoch_that_it_wrote_again() {
    let mut bench = Bench::new("KEEP2");
    bench.flow = FlowSettings { control_ids_max: 4, ..FlowSettings::default() };
    let running = bench.start();
    let now = Micros::new(i64::MAX);
    let mut client = Client::to(&running).await;
    for n in 0..20 {
        assert_eq!(client.ask(&adt("A08", &n.to_string())).await.0, "AA");
        bench.folded(&running).await;
        let tail = bench.journal.tail(bench.ej);
        running.flow.release(&[(bench.ej, tail)], now).unwrap();
    }
    bench.folded(&running).await;
    let kept = bench.journal.records(bench.ej);
    assert_eq!(kept[0].entry.kind, Kind::ConfigEpoch, "the first that is kept tells the epoch");
    assert!(kept.len() < 20, "{} of some 25 are kept", kept.len());
    assert!(bench.messages().len() >= 2, "the memory of control ids is kept");
    assert_eq!(client.ask(&adt("A08", "19")).await.0, "AA");
    assert_eq!(bench.journal.records(bench.ej).len(), kept.len(), "and still knows the last one");
}

#[tokio::test]
async fn a_lane_that_panics_says_so_and_no_other_lane_notices() {
    let mut bench = Bench::new("PANICS");
    bench.entities.push(entity(serde_json::json!({ "id": "CALM", "name": "CALM" })));
    let other = EjId::new("CALM").unwrap();
    let running = bench.start();
    bench.folded(&running).await;
    bench.journal.break_readers_of(bench.ej);
    let halted = |ej: EjId| {
        let standing = running.flow.standing();
        standing.into_iter().find(|(of, ..)| *of == ej).unwrap().1.halted
    };
    until(|| halted(bench.ej).is_some()).await;
    assert_eq!(halted(bench.ej), Some(Halt::Panicked));
    bench.assert_metric("sluice_lane_halted{ej=\"PANICS\"} 1");
    // What comes is kept, and the other EJ is served.
    let mut client = Client::to(&running).await;
    let to = |ej: &str, id: &str| adt("A01", id).replace("|SITE|SLUICE", &format!("|{ej}|SLUICE"));
    assert_eq!(client.ask(&to("PANICS", "1")).await, told_as("AA", "1", ""));
    assert_eq!(client.ask(&to("CALM", "2")).await, told_as("AA", "2", ""));
    until(|| applied(other) == ["2"]).await;
    assert_eq!(halted(other), None);
    assert!(applied(bench.ej).is_empty());
    running.flow.stop();
}
