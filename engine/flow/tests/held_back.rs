//! Destinations that stand still: paused by an operator, because too many dead letters are open,
//! because they could not begin, or because what they are to send cannot be read.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod support;

use serde_json::json;
use sluice_channels::destinations::DestinationSettings;
use sluice_flow::{Deed, Doing, Reason, Way};
use sluice_ids::Seq;
use support::Bench;
use support::peer::{AA, Peer, Say, deliver, drained, send, until, way};

#[tokio::test]
async fn a_paused_destination_sends_nothing_counts_what_waits_and_goes_on_in_order() {
    let (one, two) = (Peer::new(|_, _| AA).await, Peer::new(|_, _| AA).await);
    let mut bench = Bench::new("PAUSED");
    let mut second = serde_json::to_value(two.settings(json!({}))).unwrap();
    second["name"] = "ward".into();
    bench.destination = vec![one.settings(json!({})), serde_json::from_value(second).unwrap()];
    let running = bench.start();
    deliver(&running).await;
    send(&running, &[("P1", "1")]).await;
    drained(&running).await;
    running.delivery.pause(way(&running), true);
    send(&running, &[("P1", "2"), ("P2", "3"), ("P1", "4")]).await;
    // The other one goes on.
    until(|| two.accepted().len() == 4).await;
    let told = || running.delivery.queues().into_iter().find(|told| told.way == way(&running));
    until(|| told().is_some_and(|told| told.depth == 3 && told.depth_is_exact)).await;
    let queue = told().unwrap();
    assert_eq!((queue.doing, queue.in_flight), (Doing::Paused, 0));
    assert!(queue.oldest.is_some());
    assert_eq!(*one.got.lock(), ["1"]);
    running.delivery.pause(way(&running), false);
    drained(&running).await;
    assert_eq!(one.accepted().len(), 4);
    let of_first: Vec<String> = one.accepted().into_iter().filter(|id| id != "3").collect();
    assert_eq!(of_first, ["1", "2", "4"]);
    assert_eq!(told().unwrap().doing, Doing::Running);
}

#[tokio::test]
async fn what_is_being_tried_again_stops_being_tried_when_it_is_paused() {
    // Not now, for as long as it is asked.
    let peer = Peer::new(|_, _| Say::Ack("AE", "207")).await;
    let mut bench = Bench::new("PAUSEDAGAIN");
    bench.destination = vec![peer.settings(json!({ "answered_retries_max": 0 }))];
    let running = bench.start();
    deliver(&running).await;
    send(&running, &[("P1", "1"), ("P2", "2")]).await;
    until(|| peer.got.lock().len() > 4).await;
    running.delivery.pause(way(&running), true);
    until(|| running.delivery.queues()[0].in_flight == 0).await;
    let asked = peer.got.lock().len();
    let queue = running.delivery.queues().remove(0);
    assert_eq!((queue.doing, queue.depth), (Doing::Paused, 2));
    // Longer than any wait between two attempts here.
    tokio::time::sleep(std::time::Duration::from_millis(60)).await;
    assert_eq!(peer.got.lock().len(), asked, "nothing is sent");
    running.delivery.pause(way(&running), false);
    until(|| peer.got.lock().len() > asked).await;
}

#[tokio::test]
async fn one_that_was_paused_before_it_began_is_paused_and_a_reload_changes_nothing_of_it() {
    let (peer, other) = (Peer::new(|_, _| AA).await, Peer::new(|_, _| AA).await);
    let mut bench = Bench::new("PAUSEDFIRST");
    bench.destination = vec![peer.settings(json!({ "from": "beginning" }))];
    let running = bench.start();
    running.delivery.pause(way(&running), true);
    deliver(&running).await;
    send(&running, &[("P1", "1")]).await;
    until(|| running.delivery.queues()[0].depth == 1).await;
    let mut channel = running.channel.clone();
    channel.destination = vec![other.settings(json!({ "from": "beginning" }))];
    running.delivery.set(&channel).await.unwrap();
    until(|| running.delivery.queues()[0].depth == 1).await;
    assert_eq!(running.delivery.queues()[0].doing, Doing::Paused);
    assert!(peer.got.lock().is_empty() && other.got.lock().is_empty());
    running.delivery.pause(way(&running), false);
    drained(&running).await;
    assert_eq!(other.accepted(), ["1"]);
    assert!(peer.got.lock().is_empty());
}

#[tokio::test]
async fn beyond_so_many_dead_letters_a_destination_stands_still_until_one_is_closed() {
    let peer = Peer::new(|_, _| Say::Ack("AR", "200")).await;
    let mut bench = Bench::new("FULL");
    bench.flow.dead_letters_max = 2;
    bench.destination = vec![peer.settings(json!({ "window": 1 }))];
    let running = bench.start();
    deliver(&running).await;
    send(&running, &[("P1", "1"), ("P2", "2"), ("P3", "3"), ("P4", "4")]).await;
    let why = || running.delivery.queues().remove(0).why;
    until(|| why().is_some()).await;
    assert_eq!(why().unwrap(), "too many dead letters are open");
    let letters = running.delivery.letters(bench.ej);
    assert_eq!((letters.len(), peer.got.lock().len()), (2, 3), "and no further");
    let Way { channel, destination } = way(&running);
    let (destination, reason) = (Some(destination), "entered by hand".to_owned());
    let deed = Deed::Discard { message: letters[0].seq, channel, destination, reason };
    running.flow.act(bench.ej, "local", deed).unwrap();
    until(|| peer.got.lock().len() == 4).await;
    assert_eq!(running.delivery.letters(bench.ej).len(), 2);
}

#[tokio::test]
async fn beyond_so_many_dead_letters_one_that_is_tried_again_makes_room() {
    // Of the first message the third attempt is accepted; nothing else ever is.
    fn script(id: &str, time: usize) -> Say {
        if id == "1" && time == 3 { AA } else { Say::Ack("AR", "200") }
    }
    let peer = Peer::new(script).await;
    let mut bench = Bench::new("ROOM");
    bench.flow.dead_letters_max = 2;
    bench.destination = vec![peer.settings(json!({ "window": 1 }))];
    let running = bench.start();
    deliver(&running).await;
    // The third is refused too, and waits for room: it is the first one's patient's.
    send(&running, &[("P1", "1"), ("P2", "2"), ("P1", "3"), ("P4", "4")]).await;
    let queue = || running.delivery.queues().remove(0);
    until(|| queue().why.is_some()).await;
    let Way { channel, destination } = way(&running);
    let message = running.delivery.letters(bench.ej)[0].seq;
    let retry = || {
        let deed = Deed::Retry { message, channel, destination };
        running.flow.act(bench.ej, "local", deed).unwrap();
    };
    retry();
    until(|| peer.got.lock().len() == 4).await;
    // Refused once more it takes no more room than it had.
    until(|| running.delivery.letters(bench.ej).iter().all(|letter| !letter.retrying)).await;
    assert_eq!(*peer.got.lock(), ["1", "2", "3", "1"]);
    retry();
    until(|| peer.got.lock().len() == 6).await;
    assert_eq!(*peer.got.lock(), ["1", "2", "3", "1", "1", "4"]);
    assert_eq!(peer.accepted(), ["1"]);
    until(|| queue().why.is_some()).await;
    assert_eq!((queue().doing, running.delivery.letters(bench.ej).len()), (Doing::Stuck, 2));
    // Room for the last: nothing is left to send, and it says so.
    let letter = running.delivery.letters(bench.ej).remove(0).seq;
    let (destination, reason) = (Some(destination), "entered by hand".to_owned());
    let deed = Deed::Discard { message: letter, channel, destination, reason };
    running.flow.act(bench.ej, "local", deed).unwrap();
    drained(&running).await;
    until(|| queue().doing == Doing::Running).await;
    assert_eq!(queue().why, None);
}

/// A destination of records, which no message here changes: there is nobody to ask.
fn records() -> DestinationSettings {
    let delivery = json!({ "retry_first_ms": 1, "retry_max_ms": 20 });
    let url = "https://127.0.0.1:9/fhir";
    let settings = json!({ "type": "fhir", "name": "lab", "url": url, "delivery": delivery });
    serde_json::from_value(settings).unwrap()
}

#[tokio::test]
async fn what_cannot_be_looked_up_is_not_passed_but_tried_until_it_can() {
    let mut bench = Bench::new("LOOKED");
    bench.destination = vec![records()];
    let running = bench.start();
    deliver(&running).await;
    running.delivery.pause(way(&running), true);
    send(&running, &[("P1", "1")]).await;
    let queue = || running.delivery.queues().remove(0);
    until(|| queue().depth == 1 && queue().depth_is_exact).await;
    bench.journal.damage(true);
    running.delivery.pause(way(&running), false);
    until(|| queue().trouble.is_some()).await;
    assert_eq!(queue().trouble.as_deref(), Some("the journal is damaged"));
    let message = bench.messages().remove(0).seq;
    assert!(queue().cursor < message && queue().depth == 1, "it is not passed");
    bench.journal.damage(false);
    drained(&running).await;
    assert!(queue().cursor >= message && queue().trouble.is_none());
    assert!(running.delivery.letters(bench.ej).is_empty());
}

#[tokio::test]
async fn a_message_that_cannot_be_rendered_is_set_aside() {
    let mut bench = Bench::new("RENDERED");
    bench.destination = vec![records()];
    let running = bench.start();
    deliver(&running).await;
    running.delivery.pause(way(&running), true);
    send(&running, &[("P1", "1"), ("P1", "2")]).await;
    let queue = || running.delivery.queues().remove(0);
    until(|| queue().depth == 2 && queue().depth_is_exact).await;
    bench.journal.panic_once();
    running.delivery.pause(way(&running), false);
    drained(&running).await;
    let letters = running.delivery.letters(bench.ej);
    let [letter] = &letters[..] else { panic!("one letter, not {letters:?}") };
    assert_eq!(letter.seq, bench.messages()[0].seq);
    assert_eq!((letter.reason, letter.code.as_deref()), (Reason::Panic, Some("rendering")));
}

#[tokio::test]
async fn a_destination_whose_reading_panics_says_so_and_goes_on_when_it_can() {
    let peer = Peer::new(|_, _| AA).await;
    let mut bench = Bench::new("READING");
    bench.destination = vec![peer.settings(json!({ "from": "beginning" }))];
    let running = bench.start();
    send(&running, &[("P1", "1")]).await;
    bench.folded(&running).await;
    bench.journal.break_up_to(bench.messages()[0].seq);
    deliver(&running).await;
    let queue = || running.delivery.queues().remove(0);
    until(|| queue().why.is_some()).await;
    let why = "reading it panicked; the log says why";
    assert_eq!((queue().doing, queue().why.as_deref()), (Doing::Stuck, Some(why)));
    bench.journal.break_up_to(Seq::ZERO);
    drained(&running).await;
    assert_eq!(peer.accepted(), ["1"]);
    assert_eq!((queue().doing, queue().why), (Doing::Running, None));
}

#[tokio::test]
async fn a_destination_that_cannot_begin_says_so_and_is_tried_again() {
    let peer = Peer::new(|_, _| AA).await;
    let mut bench = Bench::new("BEGINS");
    bench.destination = vec![peer.settings(json!({}))];
    let running = bench.start();
    bench.journal.damage(true);
    assert!(running.delivery.set(&running.channel).await.is_err());
    let told = running.delivery.queues().remove(0);
    let why = "it cannot begin: segment 1 is damaged at byte 0";
    assert_eq!((told.doing, told.why.as_deref()), (Doing::Stuck, Some(why)));

    bench.journal.damage(false);
    running.delivery.set(&running.channel).await.unwrap();
    send(&running, &[("P1", "1")]).await;
    drained(&running).await;
    assert_eq!(peer.accepted(), ["1"]);
    assert_eq!(running.delivery.queues().remove(0).doing, Doing::Running);
}
