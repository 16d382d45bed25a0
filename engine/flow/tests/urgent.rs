//! Urgent messages have room that routine ones cannot take, and keep their place in the journal.

mod support;

use serde_json::json;
use sluice_channels::AckMode;
use sluice_flow::FlowSettings;
use support::{Bench, Blocked, Client, adt, applied, told_as};

/// A fold that lags at most `lag_records_max`; A01 of emergencies are urgent.
fn bench(name: &str, lag_records_max: u64) -> Bench {
    let mut bench = Bench::new(name);
    let urgent = json!({ "event": ["A01"], "at": "PV1-2", "equals": ["E"] });
    bench.urgent_when = Some(serde_json::from_value(urgent).expect("a condition"));
    bench.ack_mode = AckMode::Original;
    bench.flow = FlowSettings {
        lag_records_max,
        lag_pushback_records: lag_records_max,
        lag_pushback_ms: 1,
        ..FlowSettings::default()
    };
    bench
}

fn emergency(control_id: &str) -> String {
    adt("A01", control_id).replace("PV1||I|", "PV1||E|")
}

#[tokio::test]
async fn routine_messages_are_refused_before_urgent_ones_and_none_overtakes() {
    let bench = bench("URGENT1", 20);
    let running = bench.start();
    bench.folded(&running).await;
    let mut client = Client::to(&running).await;
    let blocked = Blocked::new(bench.ej);
    let mut taken = Vec::new();
    for n in 0..40 {
        let id = format!("BLOCK{n}");
        if client.ask(&adt("A01", &id)).await.0 == "AA" {
            taken.push(id);
        } else {
            break;
        }
    }
    let routine = taken.len();
    assert!((8..18).contains(&routine), "{routine} routine messages were taken");
    // An A08 of an emergency is not urgent; the A01 is, and has room.
    let update = emergency("no").replace("ADT^A01", "ADT^A08");
    assert_eq!(client.ask(&update).await, told_as("AR", "no", "207"));
    for n in 0..2 {
        let id = format!("E{n}");
        assert_eq!(client.ask(&emergency(&id)).await, told_as("AA", &id, ""));
        taken.push(id);
    }
    let mut refused = false;
    for n in 2..20 {
        let id = format!("E{n}");
        match &*client.ask(&emergency(&id)).await.0 {
            "AA" => taken.push(id),
            _ => refused = true,
        }
    }
    assert!(refused, "the reserve has an end too");
    drop(blocked);
    bench.folded(&running).await;
    assert_eq!(applied(bench.ej), taken, "in the journal's order");
    let urgent = taken.len() - routine;
    assert!(urgent >= 2);
    bench.assert_metric("sluice_class_messages_total{ej=\"URGENT1\",class=\"urgent\"} 20");
    let messages = bench.messages();
    let flagged = messages.iter().filter(|record| record.entry.flags & 1 == 1).count();
    assert_eq!(flagged, urgent, "the record says that it was urgent");
    let text = bench.metrics().render();
    assert!(text.contains("sluice_class_applied_seconds_count{ej=\"URGENT1\",class=\"urgent\"}"));
}

#[tokio::test]
async fn where_nothing_urgent_is_expected_routine_messages_have_all_the_room() {
    let mut bench = bench("URGENT2", 20);
    bench.urgent_when = None;
    let running = bench.start();
    bench.folded(&running).await;
    let mut client = Client::to(&running).await;
    let blocked = Blocked::new(bench.ej);
    let mut taken = 0;
    while client.ask(&adt("A01", &format!("BLOCK{taken}"))).await.0 == "AA" {
        taken += 1;
        assert!(taken < 40, "the bound holds");
    }
    drop(blocked);
    // Every third place of this journal is left out.
    assert!(taken >= 14, "{taken}");
}
