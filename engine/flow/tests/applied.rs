//! The acknowledgement that says what became of a message: its order, its bounds, its repetition
//! after a lost connection and after a crash.

mod support;

use sluice_channels::MllpSettings;
use sluice_channels::ack::AckWhen;
use sluice_flow::FlowSettings;
use sluice_mappings::hl7::Message;
use support::{Bench, Blocked, Client, adt, applied, told, told_as, until};

/// A message whose sender wants both acknowledgements.
fn both(control_id: &str) -> String {
    adt("A01", control_id).replacen("|P|2.5\r", "|P|2.5|||AL|AL\r", 1)
}

#[tokio::test]
async fn a_message_is_accepted_at_once_and_told_when_it_is_applied() {
    let bench = Bench::new("BOTH");
    let running = bench.start();
    let mut client = Client::to(&running).await;
    let blocked = Blocked::new(bench.ej);
    assert_eq!(client.ask(&both("BLOCK1")).await, told_as("CA", "BLOCK1", ""));
    assert_eq!(client.ask(&both("PART2")).await, told_as("CA", "PART2", ""));
    assert!(applied(bench.ej).is_empty());
    drop(blocked);
    let answer = client.answer().await.unwrap();
    assert_eq!(told(&answer), told_as("AA", "BLOCK1", ""));
    let message = Message::index(&answer).unwrap();
    let msh = message.segment("MSH");
    assert_eq!([15, 16].map(|n| msh.field(n).text().into_owned()), ["NE", "NE"]);
    let answer = client.answer().await.unwrap();
    assert_eq!(told(&answer), told_as("AE", "PART2", "101"));
    assert!(answer.contains("\rERR||PV1^1^3|101^"), "{answer}");
    bench.assert_metric("sluice_mllp_acks_total{channel=\"test.mllp\",code=\"CA\"} 2");
    bench.assert_metric("sluice_mllp_acks_total{channel=\"test.mllp\",code=\"AE\"} 1");
    bench.assert_metric(
        "sluice_application_outcomes_total{ej=\"BOTH\",outcome=\"applied_in_part\"} 1",
    );
}

#[tokio::test]
async fn a_senders_answer_to_our_answer_is_read_and_not_answered() {
    let bench = Bench::new("SILENCE");
    let running = bench.start();
    let mut client = Client::to(&running).await;
    assert_eq!(client.ask(&both("1")).await, told_as("CA", "1", ""));
    let ours = client.answer().await.unwrap();
    let theirs = ours.replace("\rMSA|AA|", "\rMSA|CA|").replace("|NE|NE", "|AL|AL");
    client.send(theirs.as_bytes()).await;
    assert_eq!(client.ask(&both("2")).await, told_as("CA", "2", ""));
    assert_eq!(told(&client.answer().await.unwrap()), told_as("AA", "2", ""));
    assert_eq!(bench.messages().len(), 2);
}

#[tokio::test]
async fn application_acknowledgements_keep_their_order_and_hold_up_no_acceptance() {
    let bench = Bench::new("PIPE");
    let running = bench.start();
    let mut client = Client::to(&running).await;
    let blocked = Blocked::new(bench.ej);
    let ids: Vec<String> =
        (0..40).map(|n| format!("{}{n}", ["BLOCK", "PART", ""][n % 3])).collect();
    for id in &ids {
        client.send(both(id).as_bytes()).await;
    }
    for id in &ids {
        assert_eq!(told(&client.answer().await.unwrap()), told_as("CA", id, ""));
    }
    drop(blocked);
    for id in &ids {
        let (code, of, _) = told(&client.answer().await.unwrap());
        assert_eq!((&*code, &*of), (if id.starts_with("PART") { "AE" } else { "AA" }, &**id));
    }
}

#[tokio::test]
async fn original_mode_may_wait_until_the_message_is_applied() {
    let mut bench = Bench::new("WAITS");
    bench.ack_when = AckWhen::Applied;
    let running = bench.start();
    let mut client = Client::to(&running).await;
    let blocked = Blocked::new(bench.ej);
    client.send(adt("A01", "BLOCK1").as_bytes()).await;
    client.send(adt("A01", "NOTHING2").as_bytes()).await;
    client.send(adt("A01", "3").replace("|ADT^", "|ORU^").as_bytes()).await;
    until(|| bench.messages().len() == 3).await;
    let early = client.stream.try_read(&mut [0; 1]);
    assert_eq!(early.unwrap_err().kind(), std::io::ErrorKind::WouldBlock);
    drop(blocked);
    assert_eq!(told(&client.answer().await.unwrap()), told_as("AA", "BLOCK1", ""));
    let answer = client.answer().await.unwrap();
    assert_eq!(told(&answer), told_as("AE", "NOTHING2", "204"));
    assert_eq!(told(&client.answer().await.unwrap()), told_as("AR", "3", "200"));
}

#[tokio::test]
async fn what_is_not_applied_in_time_is_asked_for_again() {
    let mut bench = Bench::new("INTIME");
    bench.ack_when = AckWhen::Applied;
    bench.flow = FlowSettings { applied_ack_ms: 1, ..FlowSettings::default() };
    let running = bench.start();
    let mut client = Client::to(&running).await;
    let blocked = Blocked::new(bench.ej);
    assert_eq!(client.ask(&adt("A01", "BLOCK1")).await, told_as("AR", "BLOCK1", "207"));
    // It was accepted by CA, and "send it again" would be wrong: nothing more comes.
    assert_eq!(client.ask(&both("2")).await, told_as("CA", "2", ""));
    assert_eq!(client.ask(&adt("A01", "BLOCK1")).await, told_as("AR", "BLOCK1", "207"));
    assert_eq!(bench.messages().len(), 2, "it is kept, and never twice");
    drop(blocked);
    bench.folded(&running).await;
    drop(running);
    bench.flow = FlowSettings::default();
    let running = bench.start();
    let mut client = Client::to(&running).await;
    assert_eq!(client.ask(&adt("A01", "BLOCK1")).await, told_as("AA", "BLOCK1", ""));
    assert_eq!(client.ask(&both("2")).await, told_as("CA", "2", ""));
    assert_eq!(told(&client.answer().await.unwrap()), told_as("AA", "2", ""));
    assert_eq!(bench.messages().len(), 2);
}

#[tokio::test]
async fn a_resend_is_told_what_became_of_the_first() {
    let bench = Bench::new("RETOLD");
    let running = bench.start();
    let ids = ["1", "PART2", "NOTHING3", "POISON4"];
    let expected = [("AA", ""), ("AE", "101"), ("AE", "204"), ("AR", "199")];
    let mut client = Client::to(&running).await;
    for _ in 0..2 {
        for (id, (code, condition)) in ids.into_iter().zip(expected) {
            assert_eq!(client.ask(&both(id)).await, told_as("CA", id, ""));
            assert_eq!(told(&client.answer().await.unwrap()), told_as(code, id, condition));
        }
    }
    // Its first one's connection ended before it was applied.
    let blocked = Blocked::new(bench.ej);
    assert_eq!(client.ask(&both("BLOCK5")).await.0, "CA");
    drop(client);
    let mut client = Client::to(&running).await;
    assert_eq!(client.ask(&both("BLOCK5")).await.0, "CA");
    drop(blocked);
    assert_eq!(told(&client.answer().await.unwrap()), told_as("AA", "BLOCK5", ""));
    // A crash between the two acknowledgements; the state knows the message already, or does not.
    drop((running, client));
    let running = bench.start();
    let mut client = Client::to(&running).await;
    for (id, (code, condition)) in ids.into_iter().zip(expected) {
        assert_eq!(client.ask(&both(id)).await, told_as("CA", id, ""));
        assert_eq!(told(&client.answer().await.unwrap()), told_as(code, id, condition));
    }
    assert_eq!(bench.messages().len(), 5, "each is stored once");
}

#[tokio::test]
async fn what_is_owed_is_bounded_and_the_rest_is_pushed_back() {
    let mut bench = Bench::new("OWED");
    bench.mllp = MllpSettings { applied_owed_max: 3, ..MllpSettings::default() };
    let running = bench.start();
    let mut client = Client::to(&running).await;
    let blocked = Blocked::new(bench.ej);
    let ids: Vec<String> = (0..8).map(|n| format!("BLOCK{n}")).collect();
    for id in &ids {
        client.send(both(id).as_bytes()).await;
    }
    let limit = "sluice_mllp_limits_hit_total{channel=\"test.mllp\",limit=\"applied_owed\"} 1";
    until(|| bench.metrics().render().lines().any(|line| line == limit)).await;
    bench.assert_metric("sluice_mllp_frames_total{channel=\"test.mllp\"} 3");
    drop(blocked);
    let mut codes: Vec<(String, String)> = Vec::new();
    while codes.len() < 2 * ids.len() {
        let (code, of, _) = told(&client.answer().await.unwrap());
        codes.push((code, of));
    }
    for code in ["CA", "AA"] {
        let of = codes.iter().filter(|told| told.0 == code).map(|told| &told.1);
        assert_eq!(of.collect::<Vec<_>>(), ids.iter().collect::<Vec<_>>(), "{code} in order");
    }
}
