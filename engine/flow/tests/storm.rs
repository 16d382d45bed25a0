//! Many senders, few messages, a disk that changes its mind: whatever was acknowledged has its
//! effect once, and nothing has it twice.

mod support;

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};

use sluice_journal::{Kind, Refusal};
use support::journal::{Disk, MemoryJournal};
use support::{Bench, Client, Running, adt, applied};

const SENDERS: u64 = 6;
const MESSAGES: u64 = 120;

/// xorshift64: the seed is the test's own, so that a failure can be played again.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % sides
    }
}

/// Every message once, in an order of its own, each until it is accepted.
async fn sender(running: &Running, seed: u64) {
    let mut dice = Dice(seed);
    let mut left: Vec<u64> = (0..MESSAGES).collect();
    let mut client = Client::to(running).await;
    while !left.is_empty() {
        let at = usize::try_from(dice.roll(left.len() as u64)).expect("a small number");
        let id = left[at].to_string();
        client.send(adt("A08", &id).as_bytes()).await;
        match client.answer().await {
            Some(answer) => {
                let (code, control_id, condition) = support::told(&answer);
                assert_eq!(control_id, id);
                if code == "AA" {
                    left.swap_remove(at);
                } else {
                    assert_eq!((&*code, &*condition), ("AR", "207"));
                }
            }
            // Nobody can say: connect again, and send again.
            None => client = Client::to(running).await,
        }
    }
}

async fn weather(journal: &MemoryJournal, seed: u64, over: &AtomicBool) {
    let mut dice = Dice(seed);
    while !over.load(Ordering::Acquire) {
        journal.disk(match dice.roll(8) {
            0 => Disk::Unknown,
            1 => Disk::Refuses(Refusal::NoSpace { free_bytes: 0, floor_bytes: 1 }),
            2 | 3 => Disk::Slow,
            _ => Disk::Good,
        });
        for _ in 0..dice.roll(40) {
            tokio::task::yield_now().await;
        }
    }
    journal.disk(Disk::Good);
}

#[tokio::test]
async fn whatever_was_acknowledged_has_its_effect_once() {
    for seed in [1_u64, 0xDECA_FBAD, 0x5EED_0003] {
        println!("seed {seed:#x}");
        let bench = Bench::new(&format!("STORM{seed:x}"));
        let running = bench.start();
        let over = AtomicBool::new(false);
        let senders = async {
            let all = (0..SENDERS).map(|n| sender(&running, seed.wrapping_mul(31) + n + 1));
            for_all(all.collect()).await;
            over.store(true, Ordering::Release);
        };
        tokio::join!(senders, weather(&bench.journal, seed, &over));
        bench.folded(&running).await;
        let mut effects: HashMap<String, usize> = HashMap::new();
        for id in applied(bench.ej) {
            *effects.entry(id).or_default() += 1;
        }
        assert_eq!(effects.len() as u64, MESSAGES, "each was accepted, so each has its effect");
        assert!(effects.values().all(|count| *count == 1), "and none has it twice");
        // A restart on the same journal comes to the same.
        drop(running);
        let once = applied(bench.ej);
        support::forget_applied(bench.ej);
        let running = bench.start();
        bench.folded(&running).await;
        assert_eq!(applied(bench.ej), once);
        assert!(bench.of_kind(Kind::Message).len() as u64 >= MESSAGES);
    }
}

/// Polls them all to their ends.
async fn for_all<F: Future<Output = ()>>(futures: Vec<F>) {
    let mut running: Vec<_> = futures.into_iter().map(|future| Some(Box::pin(future))).collect();
    std::future::poll_fn(|context| {
        for slot in &mut running {
            if let Some(future) = slot
                && future.as_mut().poll(context).is_ready()
            {
                *slot = None;
            }
        }
        if running.iter().all(Option::is_none) {
            std::task::Poll::Ready(())
        } else {
            std::task::Poll::Pending
        }
    })
    .await;
}
