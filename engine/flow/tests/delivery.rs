//! What a destination is promised, against peers that follow a script.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod support;

use metrics_exporter_prometheus::PrometheusBuilder;
use serde_json::json;
use sluice_channels::destinations::DestinationSettings;
use sluice_channels::steps::StepSettings;
use sluice_flow::{DeadLetter, Deed, Reason, Way};
use sluice_ids::{EjId, Micros, Seq};
use sluice_journal::{Journal, Kind};
use support::Bench;
use support::peer::{AA, Peer, Say, deliver, drained, mllp, send, until, way};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

/// The accepted message records' control ids up to a cursor.
fn behind(bench: &Bench, cursor: Seq) -> Vec<String> {
    let up_to = bench.messages().into_iter().filter(|record| record.seq <= cursor);
    let id =
        |payload: &[u8]| String::from_utf8_lossy(payload).split('|').nth(9).unwrap().to_owned();
    up_to.map(|record| id(&record.entry.payload)).collect()
}

fn last_cursor(bench: &Bench) -> Seq {
    let records = bench.of_kind(Kind::CursorAdvance);
    let last = records.last().expect("a cursor's record");
    let cursor: serde_json::Value = serde_json::from_slice(&last.entry.payload).unwrap();
    Seq::new(cursor["seq"].as_u64().unwrap())
}

#[tokio::test]
async fn each_patient_s_messages_arrive_in_order_though_some_are_put_off() {
    // Of each third message the first attempt ends with the connection, of each fifth with "later".
    fn script(id: &str, time: usize) -> Say {
        let n: usize = id.parse().unwrap();
        match (n % 3, n % 5, time) {
            (0, _, 1) => Say::Close,
            (_, 0, 1) => Say::Ack("AE", "207"),
            _ => AA,
        }
    }
    let peer = Peer::new(script).await;
    let mut bench = Bench::new("ORDER");
    bench.destination = vec![peer.settings(json!({ "window": 8, "breaker_failures": 1000 }))];
    let running = bench.start();
    deliver(&running).await;
    let sent: Vec<(String, String)> =
        (1..=60).map(|n| (format!("P{}", n % 4), n.to_string())).collect();
    let sent: Vec<(&str, &str)> = sent.iter().map(|(p, c)| (p.as_str(), c.as_str())).collect();
    send(&running, &sent).await;
    drained(&running).await;
    let accepted = peer.accepted();
    for patient in 0..4 {
        let of = |id: &&String| id.parse::<usize>().unwrap() % 4 == patient;
        let mut seen: Vec<usize> = Vec::new();
        for id in accepted.iter().filter(of) {
            let n = id.parse().unwrap();
            // An acknowledgement that was lost with its connection has its message come again.
            if !seen.contains(&n) {
                seen.push(n);
            }
        }
        let all: Vec<usize> = (1..=60).filter(|n| n % 4 == patient).collect();
        assert_eq!(seen, all, "patient {patient}");
    }
    running.delivery.stop().await;
    let all: Vec<String> = (1..=60).map(|n| n.to_string()).collect();
    assert_eq!(behind(&bench, last_cursor(&bench)), all, "a stop leaves nothing to deliver again");
}

#[tokio::test]
async fn what_is_refused_for_good_is_set_aside_and_the_cursor_moves_on() {
    fn script(id: &str, time: usize) -> Say {
        if id == "2" && time == 1 { Say::Ack("AE", "101") } else { AA }
    }
    let peer = Peer::new(script).await;
    let mut bench = Bench::new("ASIDE");
    bench.destination = vec![peer.settings(json!({}))];
    let running = bench.start();
    deliver(&running).await;
    send(&running, &[("P1", "1"), ("P1", "2"), ("P1", "3")]).await;
    drained(&running).await;
    assert_eq!(peer.accepted(), ["1", "3"]);
    let letters = running.delivery.letters(bench.ej);
    let [letter] = &letters[..] else { panic!("one letter, not {letters:?}") };
    assert_eq!((letter.reason, letter.code.as_deref()), (Reason::Refused, Some("AE 101")));
    let record = bench.of_kind(Kind::DeadLetter).remove(0);
    let payload = String::from_utf8(record.entry.payload.to_vec()).unwrap();
    assert!(!payload.contains("DOE"), "no patient data: {payload}");
    assert_eq!(DeadLetter::decode(payload.as_bytes()).unwrap().way, Some(way(&running)));

    let Way { channel, destination } = way(&running);
    let deed = Deed::Retry { message: letter.seq, channel, destination };
    running.flow.act(bench.ej, "local", deed).unwrap();
    until(|| peer.accepted() == ["1", "3", "2"]).await;
    until(|| running.delivery.letters(bench.ej).is_empty()).await;
    drop(running);
    let running = bench.start();
    bench.folded(&running).await;
    assert!(running.delivery.letters(bench.ej).is_empty(), "closed for good");
}

#[tokio::test]
async fn what_is_refused_while_it_stops_is_not_delivered_again() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let mut bench = Bench::new("STOPS");
    bench.destination = vec![mllp(listener.local_addr().unwrap(), json!({}))];
    let running = bench.start();
    deliver(&running).await;
    send(&running, &[("P1", "1")]).await;
    let (mut stream, _) = listener.accept().await.unwrap();
    while stream.read_u8().await.unwrap() != 0x1C {}
    let refusal = b"\x0bMSH|^~\\&|||||||ACK|x1|P|2.5\rMSA|AR|1\rERR|||200|E\r\x1c\r";
    // Stopped first, answered then.
    let (_, answered) = tokio::join!(running.delivery.stop(), stream.write_all(refusal));
    answered.unwrap();
    let letters = running.delivery.letters(bench.ej);
    assert_eq!(letters.iter().map(|letter| letter.reason).collect::<Vec<_>>(), [Reason::Refused]);
    assert_eq!(behind(&bench, last_cursor(&bench)), ["1"]);
}

#[tokio::test]
async fn later_messages_of_the_patient_wait_behind_where_that_is_set() {
    fn script(id: &str, time: usize) -> Say {
        if id == "1" && time == 1 { Say::Ack("AR", "200") } else { AA }
    }
    let peer = Peer::new(script).await;
    let mut bench = Bench::new("BEHIND");
    bench.destination = vec![peer.settings(json!({ "hold_patient": true }))];
    let running = bench.start();
    deliver(&running).await;
    send(&running, &[("P1", "1"), ("P1", "2"), ("P2", "3"), ("P2+P1", "4"), ("P3", "5")]).await;
    drained(&running).await;
    assert_eq!(peer.accepted(), ["3", "5"], "the merge waits for both");
    let reasons: Vec<Reason> =
        running.delivery.letters(bench.ej).iter().map(|letter| letter.reason).collect();
    assert_eq!(reasons, [Reason::Refused, Reason::Behind, Reason::Behind]);

    // They are known after a crash, and follow once the first is discarded.
    drop(running);
    let running = bench.start();
    deliver(&running).await;
    until(|| running.delivery.letters(bench.ej).len() == 3).await;
    let first = running.delivery.letters(bench.ej)[0].seq;
    let Way { channel, destination } = way(&running);
    let (destination, reason) = (Some(destination), "entered by hand".to_owned());
    let deed = Deed::Discard { message: first, channel, destination, reason };
    running.flow.act(bench.ej, "local", deed).unwrap();
    until(|| running.delivery.letters(bench.ej).is_empty()).await;
    // What the crash kept from being told may have come again.
    let mut accepted = peer.accepted();
    let mut seen = std::collections::BTreeSet::new();
    accepted.retain(|id| seen.insert(id.clone()));
    assert_eq!(accepted, ["3", "5", "2", "4"]);
}

#[tokio::test]
async fn what_follows_a_retried_one_waits_again_where_one_of_them_is_refused() {
    // 1 once, and 2 once when it follows.
    fn script(id: &str, time: usize) -> Say {
        if (id == "1" || id == "2") && time == 1 { Say::Ack("AR", "200") } else { AA }
    }
    let peer = Peer::new(script).await;
    let mut bench = Bench::new("FOLLOWS");
    bench.destination = vec![peer.settings(json!({ "hold_patient": true }))];
    let running = bench.start();
    deliver(&running).await;
    send(&running, &[("P1", "1"), ("P1", "2"), ("P1", "3"), ("P1", "4")]).await;
    drained(&running).await;
    let Way { channel, destination } = way(&running);
    for still in [3, 0] {
        let message = running.delivery.letters(bench.ej)[0].seq;
        let deed = Deed::Retry { message, channel, destination };
        running.flow.act(bench.ej, "local", deed).unwrap();
        let refused = || {
            let letters = running.delivery.letters(bench.ej);
            letters.first().is_none_or(|first| first.reason == Reason::Refused && !first.retrying)
        };
        until(|| running.delivery.letters(bench.ej).len() == still && refused()).await;
    }
    assert_eq!(peer.accepted(), ["1", "2", "3", "4"]);
}

#[tokio::test]
async fn a_peer_that_never_takes_a_message_is_not_asked_without_end() {
    let peer = Peer::new(|_, _| Say::Ack("AE", "207")).await;
    let mut bench = Bench::new("ENOUGH");
    bench.destination = vec![peer.settings(json!({ "answered_retries_max": 3 }))];
    let running = bench.start();
    deliver(&running).await;
    send(&running, &[("P1", "1")]).await;
    drained(&running).await;
    assert_eq!(peer.got.lock().len(), 3);
    assert_eq!(running.delivery.letters(bench.ej)[0].reason, Reason::GaveUp);
}

#[tokio::test]
async fn after_a_crash_nothing_is_left_out_and_the_cursor_never_passed_it() {
    fn script(id: &str, time: usize) -> Say {
        let n: usize = id.parse().unwrap();
        if n.is_multiple_of(7) && time == 1 { Say::Close } else { AA }
    }
    let peer = Peer::new(script).await;
    let mut bench = Bench::new("CRASH");
    let delivery = json!({ "window": 4, "breaker_failures": 1000, "from": "beginning" });
    bench.destination = vec![peer.settings(delivery)];
    for round in 0..30_usize {
        let running = bench.start();
        deliver(&running).await;
        let first = round * 5 + 1;
        let ids: Vec<String> = (first..first + 5).map(|n| n.to_string()).collect();
        let sent: Vec<(&str, &str)> = ids.iter().map(|id| ("P1", id.as_str())).collect();
        send(&running, &sent).await;
        let some = peer.accepted().len() + round % 4;
        until(|| peer.accepted().len() >= some).await;
        // As a crash would: at whatever it was doing.
        drop(running);
        let accepted = peer.accepted();
        for id in behind(&bench, last_cursor(&bench)) {
            assert!(accepted.contains(&id), "the cursor passed {id} in round {round}");
        }
    }
    let running = bench.start();
    deliver(&running).await;
    drained(&running).await;
    let accepted = peer.accepted();
    assert!((1..=150).all(|n| accepted.contains(&n.to_string())));
}

#[tokio::test]
async fn a_file_has_what_the_steps_let_through_once_and_in_order() {
    let folder = tempfile::tempdir().unwrap();
    let settings = json!({
        "type": "file", "name": "archive", "folder": folder.path(), "format": "ndjson",
    });
    let mut bench = Bench::new("FILE");
    bench.destination = vec![serde_json::from_value(settings).unwrap()];
    let steps = json!([
        { "type": "filter", "drop": { "at": "PID-3.1", "equals": ["P2"] } },
        { "type": "set", "at": "PV1-3.1", "text": "THERE" },
    ]);
    bench.step = serde_json::from_value::<Vec<StepSettings>>(steps).unwrap();
    let running = bench.start();
    deliver(&running).await;
    send(&running, &[("P1", "1"), ("P2", "2"), ("P1", "3")]).await;
    drained(&running).await;
    running.delivery.stop().await;
    drop(running);
    let running = bench.start();
    deliver(&running).await;
    send(&running, &[("P3", "4")]).await;
    drained(&running).await;
    running.delivery.stop().await;
    let mut told = Vec::new();
    until(|| {
        let names = std::fs::read_dir(folder.path()).unwrap();
        let mut names = names.map(|entry| entry.unwrap().file_name().into_string().unwrap());
        names.all(|name| name.ends_with(".ndjson"))
    })
    .await;
    for entry in std::fs::read_dir(folder.path()).unwrap() {
        let text = std::fs::read_to_string(entry.unwrap().path()).unwrap();
        for line in text.lines() {
            let line: serde_json::Value = serde_json::from_str(line).unwrap();
            assert!(line["message"].as_str().unwrap().contains("|THERE^1^2"));
            told.push((
                line["seq"].as_u64().unwrap(),
                line["control_id"].as_str().unwrap().to_owned(),
            ));
        }
    }
    told.sort();
    let ids: Vec<&str> = told.iter().map(|(_, id)| id.as_str()).collect();
    assert_eq!(ids, ["1", "3", "4"]);
}

#[tokio::test]
async fn a_new_destination_begins_where_it_is_told_to() {
    let bench = Bench::new("BEGIN");
    let running = bench.start();
    send(&running, &[("P1", "1"), ("P1", "2")]).await;
    bench.folded(&running).await;
    let second = bench.messages()[1].entry.received_at;
    drop(running);
    let at = |at: Micros| jiff_text(at);
    for (from, gets) in [
        ("now".to_owned(), vec!["3"]),
        (at(second), vec!["2", "3"]),
        ("beginning".to_owned(), vec!["1", "2", "3"]),
    ] {
        let peer = Peer::new(|_, _| AA).await;
        let mut again = Bench::new("BEGIN");
        again.journal = bench.journal.copy();
        again.destination = vec![peer.settings(json!({ "from": from, "window": 1 }))];
        let running = again.start();
        deliver(&running).await;
        send(&running, &[("P1", "3")]).await;
        drained(&running).await;
        assert_eq!(peer.accepted(), gets, "from {from}");
    }
}

/// As a setting's time is written.
fn jiff_text(at: Micros) -> String {
    let settings = json!({ "type": "file", "name": "x", "folder": "x" });
    let mut settings: DestinationSettings = serde_json::from_value(settings).unwrap();
    if let DestinationSettings::File(out) = &mut settings {
        out.delivery.from = sluice_channels::destinations::From::Time(at);
    }
    let value = serde_json::to_value(&settings).unwrap();
    value["delivery"]["from"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn retention_keeps_what_a_destination_has_still_to_read() {
    let closed = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = closed.local_addr().unwrap();
    drop(closed);
    let mut bench = Bench::new("KEPT");
    bench.flow.control_ids_max = 1;
    bench.destination = vec![mllp(address, json!({ "from": "beginning" }))];
    let running = bench.start();
    deliver(&running).await;
    send(&running, &[("P1", "1"), ("P1", "2"), ("P1", "3")]).await;
    bench.folded(&running).await;
    let ej: EjId = bench.ej;
    let tail = bench.journal.tail(ej);
    for _ in 0..3 {
        running.flow.release(&[(ej, tail)], Micros::new(i64::MAX)).unwrap();
    }
    assert_eq!(bench.messages().len(), 3, "nobody has them yet");
    running.delivery.remove(running.channel.id).await;
    for _ in 0..3 {
        running.flow.release(&[(ej, bench.journal.tail(ej))], Micros::new(i64::MAX)).unwrap();
        bench.folded(&running).await;
    }
    assert!(bench.messages().len() < 3, "nobody waits for them any more");
}

#[tokio::test]
async fn a_destination_that_is_gone_leaves_no_gauge_standing() {
    let recorder = PrometheusBuilder::new().build_recorder();
    let _here = metrics::set_default_local_recorder(&recorder);
    let closed = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = closed.local_addr().unwrap();
    drop(closed);
    let mut bench = Bench::new("GONE");
    bench.destination = vec![mllp(address, json!({}))];
    let running = bench.start();
    deliver(&running).await;
    send(&running, &[("P1", "1")]).await;
    until(|| running.delivery.queues()[0].oldest.is_some()).await;
    let standing = || {
        let text = recorder.handle().render();
        let gauges = ["depth{", "in_flight{", "oldest_seconds{", "paused{", "stuck{"];
        let ours = text.lines().filter_map(|line| line.strip_prefix("sluice_delivery_"));
        let ours = ours.filter(|line| gauges.iter().any(|gauge| line.starts_with(gauge)));
        ours.filter(|line| !line.ends_with(" 0")).map(str::to_owned).collect::<Vec<_>>()
    };
    assert!(!standing().is_empty());
    let mut channel = running.channel.clone();
    channel.enabled = false;
    running.delivery.set(&channel).await.unwrap();
    assert_eq!(standing(), Vec::<String>::new());
}

#[tokio::test]
async fn a_reload_restarts_only_what_changed_and_goes_on_at_its_cursor() {
    let (one, two) = (Peer::new(|_, _| AA).await, Peer::new(|_, _| AA).await);
    let mut bench = Bench::new("RELOAD");
    let mut second = serde_json::to_value(two.settings(json!({}))).unwrap();
    second["name"] = "ward".into();
    bench.destination = vec![one.settings(json!({})), serde_json::from_value(second).unwrap()];
    let running = bench.start();
    deliver(&running).await;
    send(&running, &[("P1", "1")]).await;
    drained(&running).await;
    let records = bench.of_kind(Kind::CursorAdvance).len();
    let mut channel = running.channel.clone();
    let changed = Peer::new(|_, _| AA).await;
    channel.destination[0] = changed.settings(json!({}));
    running.delivery.set(&channel).await.unwrap();
    send(&running, &[("P1", "2")]).await;
    drained(&running).await;
    assert_eq!(one.accepted(), ["1"]);
    assert_eq!(changed.accepted(), ["2"]);
    assert_eq!(two.accepted(), ["1", "2"]);
    assert!(bench.of_kind(Kind::CursorAdvance).len() > records);
    channel.destination.remove(0);
    running.delivery.set(&channel).await.unwrap();
    assert_eq!(running.delivery.queues().len(), 1);
}
