//! What holds whatever the lists say.

use std::collections::BTreeMap;

use proptest::prelude::*;
use sluice_mappings::adt::Change;
use sluice_mappings::records::RecordType;

use super::{admit, coverages, lane, message, stay, update};
use crate::adt_support::Lane;

/// What a list of one kind may say: few things, so that they meet again.
pub fn al1() -> impl Strategy<Value = String> {
    (0..4_u8, prop::sample::select(&["", "SV", "MO"][..]), prop::option::of(0..3_u8)).prop_map(
        |(code, severity, reaction)| {
            let reaction = reaction.map(|r| format!("R{r}")).unwrap_or_default();
            format!("AL1|1|DA|C{code}^^L|{severity}|{reaction}")
        },
    )
}

pub fn dg1() -> impl Strategy<Value = String> {
    (0..3_u8, prop::sample::select(&["A", "W", ""][..]), 0..3_u8, prop::option::of(0..3_u8))
        .prop_map(|(code, of_type, day, number)| {
            let number = number.map(|n| format!("D{n}")).unwrap_or_default();
            format!("DG1|1||C{code}^^I10||2026030{}|{of_type}||||||||||||||{number}", day + 1)
        })
}

pub fn in1() -> impl Strategy<Value = String> {
    (0..3_u8, 0..2_u8, prop::option::of(0..3_u8), prop::bool::ANY).prop_map(
        |(plan, insurer, who, own)| {
            let who = who.map(|w| format!("Doe^J{w}")).unwrap_or_default();
            let relationship = if own { "SEL" } else { "SPO" };
            format!("IN1||P{plan}|I{insurer}^^^X|Insurer||||||||||||{who}|{relationship}")
        },
    )
}

/// Of each kind nothing, or a snapshot; under one of two patients that may be merged meanwhile.
pub fn snapshot() -> impl Strategy<Value = (bool, Vec<String>)> {
    let al1 = prop::collection::vec(al1(), 0..5);
    let dg1 = prop::collection::vec(dg1(), 0..5);
    let in1 = prop::collection::vec(in1(), 0..4);
    (prop::bool::weighted(0.1), al1, dg1, in1)
        .prop_map(|(merge, al1, dg1, in1)| (merge, [al1, dg1, in1].concat()))
}

/// The records of a kind without ids and stamps: what there is to be seen.
pub fn seen(lane: &Lane) -> Vec<String> {
    let mut texts: Vec<String> = Vec::new();
    for record in lane.records.all() {
        let mut value = serde_json::to_value(&record).unwrap();
        let inner = value.as_object_mut().unwrap().values_mut().next().unwrap();
        let fields = inner.as_object_mut().unwrap();
        for own in ["id", "stamp", "patient", "subscriber", "insurers"] {
            fields.remove(own);
        }
        if matches!(
            record.record_type(),
            RecordType::AllergyIntolerance
                | RecordType::Condition
                | RecordType::Coverage
                | RecordType::RelatedPerson
        ) {
            texts.push(value.to_string());
        }
    }
    texts.sort_unstable();
    texts
}

const MERGE: &str = "MSH|^~\\&|A|B|C|D|20260310||ADT^A40|2|P|2.5.1\rEVN||20260310\r\
                     PID|1||P1^^^H||Doe^John\rMRG|P0^^^H\r";

proptest! {
    /// The last snapshot of each kind says what there is, whatever came before; told again it
    /// changes nothing.
    #[test]
    fn the_last_snapshot_says_what_there_is(
        snapshots in prop::collection::vec(snapshot(), 1..8),
    ) {
        let mut lane = lane();
        lane.take_text(&admit(&[]));
        let mut last: BTreeMap<String, Vec<String>> = BTreeMap::new();
        for (merge, segments) in &snapshots {
            if *merge {
                // Somebody with a list of his own is absorbed.
                let other = message("A28", false, &["AL1|1|DA|C9^^L", "IN1||P9|I9^^^X|Other"]);
                lane.take_text(&other.replace("P1^^^H", "P0^^^H"));
                lane.take_text(MERGE);
            }
            let text: Vec<_> = segments.iter().map(String::as_str).collect();
            lane.take_text(&update(&text));
            let before = lane.records.all().map(|r| format!("{:?}", r.stamp())).collect::<Vec<_>>();
            let again = lane.take_text(&update(&text).replace("|1|P|", "|77|P|"));
            prop_assert!(again.changes.is_empty());
            let after = lane.records.all().map(|r| format!("{:?}", r.stamp())).collect::<Vec<_>>();
            prop_assert_eq!(before, after);
            for kind in ["AL1", "DG1", "IN1"] {
                let of: Vec<_> = segments.iter().filter(|s| s.starts_with(kind)).cloned().collect();
                if !of.is_empty() {
                    last.insert(kind.to_owned(), of);
                }
            }
            if *merge {
                // Both lists stand until a snapshot settles it.
                last.entry("AL1".into()).or_default();
                last.entry("IN1".into()).or_default();
            }
        }
        let merged = snapshots.iter().any(|(merge, _)| *merge);
        let settled = |kind: &str| {
            let from = snapshots.iter().rposition(|(merge, _)| *merge).unwrap_or(0);
            snapshots[from..].iter().any(|(_, s)| s.iter().any(|s| s.starts_with(kind)))
        };
        if !merged || (settled("AL1") && settled("IN1")) {
            let mut fresh = self::lane();
            fresh.take_text(&admit(&[]));
            let said: Vec<_> = last.values().flatten().map(String::as_str).collect();
            fresh.take_text(&update(&said));
            prop_assert_eq!(seen(&lane), seen(&fresh));
        }
    }

    /// What is listed is there, is the owner's, and is listed once.
    #[test]
    fn lists_and_records_agree(
        snapshots in prop::collection::vec(snapshot(), 1..6),
        shuffle in any::<u64>(),
    ) {
        let mut lane = lane();
        lane.take_text(&admit(&[]));
        for (at, (_, segments)) in snapshots.iter().enumerate() {
            let mut text: Vec<_> = segments.iter().map(String::as_str).collect();
            let outcome = lane.take_text(&update(&text));
            let put = outcome.changes.iter().filter(|c| matches!(c, Change::Put(_))).count();
            prop_assert!(put <= 2 * 3 * 128);
            // In another order the very same records.
            let len = text.len().max(1);
            text.rotate_left((usize::try_from(shuffle % 64).unwrap() + at) % len);
            let before: Vec<_> = ids_of(&lane);
            lane.take_text(&update(&text));
            prop_assert_eq!(before, ids_of(&lane));
        }
        let patient = lane.records.patients().next().unwrap();
        let stay = stay(&lane);
        let mut listed: Vec<_> = patient.parts.iter().chain(&stay.parts).copied().collect();
        listed.extend(stay.diagnoses.iter().map(|d| (RecordType::Condition, d.condition)));
        listed.extend(coverages(&lane).iter().filter_map(|c| {
            Some((RecordType::RelatedPerson, c.subscriber?))
        }));
        listed.sort_unstable();
        listed.dedup();
        let mut there: Vec<_> = lane
            .records
            .all()
            .filter(|r| r.patient().is_some())
            .filter(|r| !matches!(r.record_type(), RecordType::Patient | RecordType::Stay))
            .map(|r| (r.record_type(), r.id()))
            .collect();
        there.sort_unstable();
        prop_assert_eq!(listed, there);
    }
}

pub fn ids_of(lane: &Lane) -> Vec<(RecordType, sluice_mappings::records::ResourceId)> {
    lane.records.all().map(|r| (r.record_type(), r.id())).collect()
}
