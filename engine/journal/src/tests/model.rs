//! In lockstep against a plain list per EJ: whatever is done in whatever order, both say the same.

use std::collections::BTreeMap;

use proptest::prelude::*;
use sluice_ids::{EjId, Seq};

use super::played_disk::{Plan, PlayedDisk};
use super::scene::{EJS, open, payload, read};
use crate::conformance::{ej_id, entry};
use crate::verify::verify_on;
use crate::{Append, Journal, KeyIndex, ReadError};

#[derive(Debug, Clone)]
enum Step {
    Append { ej: usize, bytes: usize, count: usize },
    Reopen { killed: bool },
    Read { ej: usize, from: u64 },
    Get { ej: usize, seq: u64 },
    Find { ej: usize, key: u8 },
    Release { before: [u64; 3] },
    Verify,
}

fn step() -> impl Strategy<Value = Step> {
    let ej = 0usize..3;
    prop_oneof![
        6 => (ej.clone(), 8usize..12_000, 1usize..12)
            .prop_map(|(ej, bytes, count)| Step::Append { ej, bytes, count }),
        1 => any::<bool>().prop_map(|killed| Step::Reopen { killed }),
        2 => (ej.clone(), 0u64..80).prop_map(|(ej, from)| Step::Read { ej, from }),
        2 => (ej.clone(), 0u64..80).prop_map(|(ej, seq)| Step::Get { ej, seq }),
        2 => (ej, any::<u8>()).prop_map(|(ej, key)| Step::Find { ej, key }),
        1 => prop::array::uniform3(0u64..60).prop_map(|before| Step::Release { before }),
        1 => Just(Step::Verify),
    ]
}

/// What was stored, by `Seq`; and the first `Seq` that was not let go.
#[derive(Default)]
struct Model {
    stored: BTreeMap<EjId, BTreeMap<u64, Vec<u8>>>,
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 150, ..ProptestConfig::default() })]

    #[test]
    fn the_journal_says_what_a_list_says(steps in prop::collection::vec(step(), 1..40)) {
        let mut disk = PlayedDisk::new(Plan::default());
        let mut scene = open(&disk).unwrap();
        let mut model = Model::default();
        let mut number = 0;
        for step in steps {
            match step {
                Step::Append { ej, bytes, count } => {
                    let mut appender = scene.journal.appender();
                    let waiting: Vec<_> = (0..count).map(|_| {
                        number += 1;
                        let payload = payload(number, bytes);
                        (payload.clone(), appender.append(entry(EJS[ej], payload)))
                    }).collect();
                    let of = model.stored.entry(ej_id(EJS[ej])).or_default();
                    for (payload, future) in waiting {
                        let Append::Stored { seq, .. } = future.wait() else { panic!("refused") };
                        let last = of.last_key_value().map_or(0, |(last, _)| *last);
                        prop_assert!(seq.get() > last);
                        of.insert(seq.get(), payload);
                    }
                }
                Step::Reopen { killed } => {
                    if killed {
                        let left = disk.after_kill();
                        drop(scene);
                        disk = left;
                    } else {
                        drop(scene);
                    }
                    scene = open(&disk).unwrap();
                    prop_assert!(scene.report.damages.is_empty() && scene.report.torn.is_none());
                }
                Step::Read { ej, from } => {
                    let ej = ej_id(EJS[ej]);
                    let (mut records, mut error) = read(&scene.journal, ej, Seq::new(from));
                    let mut from = from;
                    if let Some(ReadError::Released { oldest, .. }) = error {
                        prop_assert!(records.is_empty());
                        from = oldest.get();
                        (records, error) = read(&scene.journal, ej, oldest);
                    }
                    prop_assert!(error.is_none());
                    let of = model.stored.get(&ej);
                    let expected: Vec<_> = of.into_iter().flat_map(|of| of.range(from..))
                        .map(|(seq, payload)| (Seq::new(*seq), payload.clone())).collect();
                    prop_assert!(records == expected);
                }
                Step::Get { ej, seq } => {
                    let ej = ej_id(EJS[ej]);
                    let of = model.stored.get(&ej).and_then(|of| of.get(&seq));
                    match scene.journal.get(ej, Seq::new(seq)) {
                        Ok(record) => prop_assert_eq!(
                            record.map(|r| r.entry.payload.to_vec()), of.cloned()
                        ),
                        Err(ReadError::Released { oldest, .. }) => {
                            prop_assert!(seq < oldest.get());
                        }
                        Err(error) => panic!("{error}"),
                    }
                }
                Step::Find { ej, key } => {
                    let ej = ej_id(EJS[ej]);
                    let found = scene.journal
                        .find(ej, KeyIndex::ControlId, u64::from(key)).unwrap();
                    let of = model.stored.get(&ej);
                    let expected: Vec<_> = of.into_iter().flatten()
                        .filter(|(_, payload)| payload[0] == key)
                        .map(|(seq, _)| Seq::new(*seq)).collect();
                    // Released ones are not found any more.
                    prop_assert!(expected.ends_with(&found));
                    let oldest = match scene.journal.read(ej, Seq::ZERO).next() {
                        Err(ReadError::Released { oldest, .. }) => oldest,
                        _ => Seq::ZERO,
                    };
                    prop_assert!(expected.iter().filter(|s| **s >= oldest).count() == found.len());
                }
                Step::Release { before } => {
                    let before: Vec<_> = EJS.iter().zip(before)
                        .map(|(ej, before)| (ej_id(ej), Seq::new(before))).collect();
                    scene.journal.release(&before).unwrap();
                    for (ej, before) in before {
                        if let Err(ReadError::Released { oldest, .. }) =
                            scene.journal.read(ej, Seq::ZERO).next()
                        {
                            let of = model.stored.get(&ej);
                            let kept_from = of.into_iter().flatten()
                                .find(|(seq, _)| **seq >= before.get()).map(|(seq, _)| *seq);
                            prop_assert!(kept_from.is_none_or(|kept| oldest.get() <= kept)
                                || oldest.get() <= 60);
                        }
                    }
                }
                Step::Verify => {
                    // While the owner runs.
                    let report = verify_on(std::sync::Arc::new(disk.clone()), None).unwrap();
                    prop_assert!(report.is_sound() && report.unsynced.is_none());
                }
            }
            for (ej, of) in &model.stored {
                let last = of.last_key_value().map_or(0, |(last, _)| *last);
                prop_assert_eq!(scene.journal.tail(*ej), Seq::new(last));
            }
        }
    }
}
