//! Readers beside the writer and the flusher, on threads of their own.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};

use sluice_ids::Seq;
use sluice_mappings::records::{RecordType, ResourceId};
use sluice_state::{Access, Health, PageRequest, State, StateSettings};

use crate::runner::{Runner, query, settings};
use crate::world::Dice;

/// Reads records by id until told to stop; gives how many it read.
fn read_until(state: &State, stop: &AtomicBool, seed: u64) -> usize {
    let scope = state.scope(&Access::all());
    let page = PageRequest { count: 500, after: None };
    let mut dice = Dice(seed);
    let mut seen: HashMap<ResourceId, Seq> = HashMap::new();
    let mut reads = 0;
    while !stop.load(Ordering::Acquire) {
        let ty = dice.one_of(&RecordType::ALL);
        let found = scope.search(&query(ty, &[]), &page).unwrap();
        assert_eq!(found.records.len() as u64, found.total, "all of them are on one page");
        for (_, record) in found.records {
            let again = scope.get(ty, record.id()).expect("a record is never without").1;
            for version in [record.stamp().version, again.stamp().version] {
                let newest = seen.entry(record.id()).or_default();
                assert!(version >= *newest, "a reader never goes back in time");
                *newest = version;
            }
            reads += 1;
        }
    }
    reads
}

#[test]
fn readers_find_every_record_and_never_go_back_while_cuts_are_made() {
    let folder = tempfile::tempdir().unwrap();
    // Next to nothing at hand: records move between memory and sled all the time.
    let settings = StateSettings { hot_bytes_max: 6_000, flush_every_ms: 2, ..settings() };
    let mut runner = Runner::new(folder.path(), &settings, &["EJ1", "EJ2"], 61);
    runner.run(200);
    let state = runner.state().clone();
    let stop = AtomicBool::new(false);
    std::thread::scope(|threads| {
        let readers: Vec<_> = (1..=3)
            .map(|n| {
                threads.spawn({
                    let (s, t) = (&state, &stop);
                    move || read_until(s, t, n)
                })
            })
            .collect();
        for _ in 0..150 {
            runner.run(20);
            runner.state().flush().unwrap();
        }
        stop.store(true, Ordering::Release);
        for reader in readers {
            assert!(reader.join().unwrap() > 1_000);
        }
    });
    assert_eq!(state.health(), Health::Sound);
    drop(state);
    runner.compare();
}
