//! Damage is detected, located, never served, and stops only those that it touches.

use sluice_ids::{Lsn, Seq};

use super::played_disk::{Dice, Plan, PlayedDisk};
use super::scene::{EJS, Scene, Told, append, assert_all_there, open, payload, read};
use crate::conformance::{ej_id, entry};
use crate::format::{HEAD_FILE, Parsed, SegmentHeader, parse_record, segment_name, sidecar_name};
use crate::verify::verify_on;
use crate::{
    AcceptError, Append, DamageId, DamageKind, Journal, OPERATOR_EJ, ReadError, Refusal,
    VerifyReport,
};

/// A stopped journal of several segments.
fn written(records: u64, seed: u64) -> (PlayedDisk, Told) {
    let disk = PlayedDisk::new(Plan::default());
    let mut told = Told::default();
    let scene = open(&disk).unwrap();
    assert_eq!(append(&scene.journal, &mut told, &mut Dice::new(seed), 0, records, 4), 0);
    drop(scene);
    (disk, told)
}

fn verify(disk: &PlayedDisk) -> VerifyReport {
    verify_on(std::sync::Arc::new(disk.clone()), Some(crate::conformance::keys_of())).unwrap()
}

struct Standing {
    ej: &'static str,
    seq: Seq,
    segment: u64,
    offset: u64,
    end: u64,
}

/// Where every record stands, read from the bytes.
fn standing(disk: &PlayedDisk) -> Vec<Standing> {
    let mut all = Vec::new();
    for segment in 1.. {
        let name = segment_name(segment);
        if !disk.names().contains(&name) {
            return all;
        }
        let bytes = disk.bytes(&name);
        let header = SegmentHeader::decode(&bytes).unwrap();
        let salt = header.journal.salt(segment);
        let mut at = header.header_bytes() as usize;
        while let Some(Parsed::Sound { meta, .. }) = bytes.get(at..).map(|b| parse_record(b, salt))
        {
            let end = at + meta.frame_bytes();
            let ej = EJS.into_iter().find(|ej| *ej == meta.ej.as_str()).unwrap();
            all.push(Standing { ej, seq: meta.seq, segment, offset: at as u64, end: end as u64 });
            at = end;
        }
    }
    all
}

fn change(disk: &PlayedDisk, segment: u64, change: impl FnOnce(&mut Vec<u8>)) {
    let name = segment_name(segment);
    let mut bytes = disk.bytes(&name);
    change(&mut bytes);
    disk.put(&name, bytes);
}

/// Every record outside of `lost` is served as it was sent, none inside, and what is wrong is
/// accepted one by one until all can be read and appended to again.
fn accept_all_and_check(disk: &PlayedDisk, told: &Told, lost: &dyn Fn(&str, Seq) -> bool) {
    let scene = open(disk).unwrap();
    let mut rounds = 0;
    while let Some(damage) = scene.journal.damages().into_iter().find(|d| !d.accepted) {
        scene.journal.accept(damage.id, "ops", "restored from the sender").unwrap();
        // Reading on may find more.
        EJS.iter().for_each(|ej| drop(read(&scene.journal, ej_id(ej), Seq::ZERO)));
        rounds += 1;
        assert!(rounds < 100, "damage without end");
    }
    let mut kept = Told::default();
    for ((ej, seq), payload) in &told.stored {
        if lost(ej.as_str(), *seq) {
            assert!(scene.journal.get(*ej, *seq).unwrap().is_none());
        } else {
            kept.stored.insert((*ej, *seq), payload.clone());
        }
    }
    check_kept(&scene, &kept);
    assert_eq!(append(&scene.journal, &mut kept, &mut Dice::new(5), 50_000, 12, 3), 0);
    check_kept(&scene, &kept);
    drop(scene);
    let scene = open(disk).unwrap();
    assert!(scene.journal.damages().iter().all(|d| d.accepted), "{:?}", scene.journal.damages());
    check_kept(&scene, &kept);
    drop(scene);
    assert!(verify(disk).is_sound());
}

fn check_kept(scene: &Scene, kept: &Told) {
    for ej in EJS.map(ej_id) {
        let (records, error) = read(&scene.journal, ej, Seq::ZERO);
        assert!(error.is_none(), "{error:?}");
        let acts = |p: &[u8]| crate::DamageAccepted::decode(p).is_some();
        let records: Vec<_> = records.into_iter().filter(|(_, p)| !acts(p)).collect();
        let expected = kept.stored.range((ej, Seq::ZERO)..=(ej, Seq::new(u64::MAX)));
        let expected: Vec<_> = expected.map(|((_, s), p)| (*s, p.clone())).collect();
        assert!(records == expected, "{ej}: {} of {} records", records.len(), expected.len());
    }
}

#[test]
fn a_thousand_flipped_bits_are_all_located_and_never_served() {
    const FLIPS: u64 = 1000;
    let (disk, told) = written(80, 1);
    assert!(verify(&disk).is_sound() && verify(&disk).sidecars.is_empty());
    let places = standing(&disk);
    assert!(places.last().unwrap().segment >= 3);
    let mut dice = Dice::new(77);
    for flip in 0..FLIPS {
        let place = &places[dice.below(places.len() as u64) as usize];
        let at = place.offset + dice.below(place.end - place.offset);
        let broken = disk.after_kill();
        change(&broken, place.segment, |bytes| bytes[at as usize] ^= 1 << dice.below(8));

        let report = verify(&broken);
        let [damage] = &report.damages[..] else { panic!("flip {flip}: {:?}", report.damages) };
        assert_eq!((damage.id.segment, damage.id.offset), (place.segment, place.offset));
        assert!(damage.end > damage.id.offset && damage.records() == 1);
        assert!(damage.losses.iter().any(|loss| loss.ej.as_str() == place.ej
            && loss.after < place.seq
            && loss.through >= place.seq));

        // Half of them with sidecars, so that the open does not look and the reader finds it.
        if flip % 2 == 0 {
            for segment in 1..=place.segment {
                let name = sidecar_name(segment);
                if broken.names().contains(&name) {
                    broken.put(&name, vec![0; 10]);
                }
            }
        }
        let scene = open(&broken).unwrap();
        for ej in EJS {
            let (records, error) = read(&scene.journal, ej_id(ej), Seq::ZERO);
            for (seq, payload) in records {
                assert_eq!(told.stored.get(&(ej_id(ej), seq)), Some(&payload));
            }
            if ej == place.ej {
                let error = error.expect("the reader stops at the damage");
                assert!(
                    matches!(error, ReadError::Damaged { segment, offset }
                        if (segment, offset) == (place.segment, place.offset)),
                    "{error}"
                );
            }
        }
        let damages = scene.journal.damages();
        assert!(damages.len() == 1 && damages[0].id == damage.id, "{damages:?}");
    }
}

#[test]
fn a_flipped_payload_stops_its_ej_and_no_other() {
    let (disk, told) = written(80, 2);
    let places = standing(&disk);
    let place = &places[places.len() / 2];
    change(&disk, place.segment, |bytes| bytes[place.end as usize - 9] ^= 4);
    let scene = open(&disk).unwrap();
    // Its segment has a sidecar: reading finds it.
    let (_, error) = read(&scene.journal, ej_id(place.ej), Seq::ZERO);
    assert!(matches!(error, Some(ReadError::Damaged { .. })));
    for ej in EJS {
        let outcome = scene.journal.appender().append(entry(ej, payload(900, 50))).wait();
        if ej == place.ej {
            assert_eq!(outcome, Append::Refused(Refusal::Damaged { ej: ej_id(ej) }));
        } else {
            assert!(matches!(outcome, Append::Stored { .. }));
            let (records, error) = read(&scene.journal, ej_id(ej), Seq::ZERO);
            assert!(error.is_none() && records.last().unwrap().1 == payload(900, 50));
        }
    }
    drop(scene);
    // A restart does not forget it.
    let scene = open(&disk).unwrap();
    let damages = scene.journal.damages();
    assert_eq!(damages.len(), 1);
    assert_eq!(damages[0].kind, DamageKind::Payload);
    let missing = DamageId { segment: 99, offset: 1 };
    let refused = scene.journal.accept(missing, "ops", "typo");
    assert_eq!(refused, Err(AcceptError::Unknown { id: missing }));
    scene.journal.accept(damages[0].id, "ops", "sent again").unwrap();
    let outcome = scene.journal.appender().append(entry(place.ej, payload(901, 50))).wait();
    assert!(matches!(outcome, Append::Stored { .. }));
    drop(scene);
    let scene = open(&disk).unwrap();
    let (records, error) = read(&scene.journal, ej_id(place.ej), Seq::ZERO);
    assert!(error.is_none() && records.iter().all(|(seq, _)| *seq != place.seq));
    assert!(told.stored.len() > 10);
}

/// Both ways to lose the end of a file: it is shorter, or it reads as zeros.
fn cuts(disk: &PlayedDisk, segment: u64, at: u64) -> [PlayedDisk; 2] {
    let shorter = disk.after_kill();
    change(&shorter, segment, |bytes| bytes.truncate(at as usize));
    let zeroed = disk.after_kill();
    change(&zeroed, segment, |bytes| bytes[at as usize..].fill(0));
    [shorter, zeroed]
}

#[test]
fn every_truncation_of_the_last_three_records_is_damage_where_the_head_mark_stands() {
    let (disk, told) = written(30, 3);
    let places = standing(&disk);
    let last = &places[places.len() - 3..];
    let segment = last[2].segment;
    let mut checked = 0;
    for at in last[0].offset..last[2].end {
        // The last bytes of a record may be zeros, which a cut cannot change.
        let lost = places.iter().filter(|p| p.segment == segment && p.end > at);
        let lost: Vec<_> = lost.map(|p| (p.ej, p.seq, p.offset)).collect();
        for cut in cuts(&disk, segment, at) {
            if cut.bytes(&segment_name(segment))[..] == disk.bytes(&segment_name(segment))
                || standing(&cut).len() == places.len()
            {
                continue;
            }
            let report = verify(&cut);
            assert!(!report.is_sound());
            assert_eq!(report.damages[0].id, DamageId { segment, offset: lost[0].2 });
            let missing: u64 = report.damages.iter().map(crate::Damage::records).sum();
            assert_eq!(missing, lost.len() as u64, "cut at {at}: {:?}", report.damages);
            checked += 1;
            if at % 97 == 0 {
                let is_lost =
                    |ej: &str, seq: Seq| lost.iter().any(|(e, s, _)| *e == ej && *s == seq);
                accept_all_and_check(&cut, &told, &is_lost);
            }
        }
    }
    println!("truncations checked: {checked}");
    assert!(checked > 200);
}

#[test]
fn a_truncation_above_the_head_mark_is_a_torn_tail_and_is_set_aside() {
    let disk = PlayedDisk::new(Plan::default());
    let mut told = Told::default();
    let scene = open(&disk).unwrap();
    append(&scene.journal, &mut told, &mut Dice::new(4), 0, 10, 1);
    let old_head = disk.bytes(HEAD_FILE);
    // One group of three, of which nobody was told.
    let mut appender = scene.journal.appender();
    let unsynced: Vec<_> =
        (10..13).map(|n| appender.append(entry("EJ1", payload(n, 300)))).collect();
    drop(unsynced);
    drop(scene);
    let places = standing(&disk);
    let Some(last) = places.last() else { panic!("nothing was written") };
    let group_first = parse_group_first(&disk, last);
    for at in (group_first..last.end).filter(|at| at % 13 == 0) {
        for cut in cuts(&disk, last.segment, at) {
            cut.put(HEAD_FILE, old_head.clone());
            if standing(&cut).len() == places.len() {
                continue;
            }
            let scene = open(&cut).unwrap();
            assert!(scene.report.damages.is_empty(), "{:?}", scene.report);
            if let Some(torn) = scene.report.torn {
                let name = format!("torn-{:012}-{}-0.bin", torn.segment, torn.offset);
                assert_eq!(cut.bytes(&name).len() as u64, torn.bytes);
            }
            assert_all_there(&scene.journal, &told);
            let mut told = told.clone();
            assert_eq!(append(&scene.journal, &mut told, &mut Dice::new(1), 100, 5, 2), 0);
            assert_all_there(&scene.journal, &told);
        }
    }
}

/// Where the group of that record begins.
fn parse_group_first(disk: &PlayedDisk, last: &Standing) -> u64 {
    let bytes = disk.bytes(&segment_name(last.segment));
    let salt = SegmentHeader::decode(&bytes).unwrap().journal.salt(last.segment);
    let Parsed::Sound { meta, .. } = parse_record(&bytes[last.offset as usize..], salt) else {
        panic!("not sound")
    };
    let places = standing(disk);
    places[places.len() - 1 - meta.in_group as usize].offset
}

#[test]
fn without_the_head_mark_the_records_after_it_still_bear_witness() {
    // One record a group: the last one says that all before it were synced.
    let disk = PlayedDisk::new(Plan::default());
    let scene = open(&disk).unwrap();
    for n in 0..6 {
        let outcome = scene.journal.appender().append(entry("EJ1", payload(n, 100))).wait();
        assert!(matches!(outcome, Append::Stored { .. }));
    }
    drop(scene);
    let place = &standing(&disk)[4];
    disk.put(HEAD_FILE, vec![0; 1024]);
    change(&disk, place.segment, |bytes| bytes[place.offset as usize + 30] ^= 1);
    let scene = open(&disk).unwrap();
    assert_eq!(scene.report.damages.len(), 1, "{:?}", scene.report);
    assert_eq!(scene.report.damages[0].id.offset, place.offset);
}

#[test]
fn the_states_watermark_bears_witness_too() {
    let (disk, _) = written(30, 5);
    let places = standing(&disk);
    let place = &places[places.len() - 1];
    disk.put(HEAD_FILE, vec![0; 1024]);
    change(&disk, place.segment, |bytes| bytes[place.offset as usize + 30] ^= 1);
    let applied = Lsn::new(places.len() as u64);
    let settings = super::scene::settings();
    let scene = super::scene::open_with(&disk.after_kill(), settings, applied).unwrap();
    assert_eq!(scene.report.damages.len(), 1, "{:?}", scene.report);
    assert_eq!(open(&disk).unwrap().report.damages.len(), 0);
}

#[test]
fn a_zeroed_block_is_located_and_the_rest_goes_on() {
    let (disk, told) = written(80, 6);
    let places = standing(&disk);
    for segment in 1..=3u64 {
        for block in [1u64, 3, 6] {
            let zeroed = disk.after_kill();
            let (from, to) = (block * 4096, block * 4096 + 4096);
            change(&zeroed, segment, |bytes| bytes[from as usize..to as usize].fill(0));
            let hit: Vec<_> = places
                .iter()
                .filter(|p| p.segment == segment && p.offset < to && p.end > from)
                .collect();
            if hit.is_empty() {
                continue;
            }
            let report = verify(&zeroed);
            let missing: u64 = report.damages.iter().map(crate::Damage::records).sum();
            assert_eq!(missing, hit.len() as u64);
            assert_eq!(report.damages[0].id, DamageId { segment, offset: hit[0].offset });
            for segment in 1..=3 {
                zeroed.put(&sidecar_name(segment), Vec::new());
            }
            let is_lost = |ej: &str, seq| hit.iter().any(|p| p.ej == ej && p.seq == seq);
            accept_all_and_check(&zeroed, &told, &is_lost);
        }
    }
}

#[test]
fn a_damaged_segment_header_loses_no_record_and_stops_nobody() {
    let (disk, told) = written(80, 7);
    for segment in 1..=standing(&disk).last().unwrap().segment {
        let broken = disk.after_kill();
        change(&broken, segment, |bytes| bytes[..200].fill(0xff));
        let report = verify(&broken);
        assert!(report.damages.iter().any(|d| d.kind == DamageKind::SegmentHeader));
        assert!(report.damages.iter().all(|d| d.records() == 0), "{:?}", report.damages);
        let scene = open(&broken).unwrap();
        let mut told = told.clone();
        assert_all_there(&scene.journal, &told);
        assert_eq!(append(&scene.journal, &mut told, &mut Dice::new(1), 500, 9, 3), 0);
        assert_all_there(&scene.journal, &told);
        drop(scene);
        assert_all_there(&open(&broken).unwrap().journal, &told);
    }
}

/// The records of these segments are gone, and only they.
fn segments_are_lost(disk: &PlayedDisk, told: &Told, before: &[Standing], segments: &[u64]) {
    let report = verify(disk);
    let missing: u64 = report.damages.iter().map(crate::Damage::records).sum();
    let lost: Vec<_> = before.iter().filter(|p| segments.contains(&p.segment)).collect();
    assert_eq!(missing, lost.len() as u64, "{:?}", report.damages);
    let touched: std::collections::BTreeSet<_> = report
        .damages
        .iter()
        .flat_map(|d| &d.losses)
        .map(|loss| loss.ej.as_str().to_owned())
        .collect();
    assert!(lost.iter().all(|p| touched.contains(p.ej)));
    let is_lost = |ej: &str, seq| lost.iter().any(|p| p.ej == ej && p.seq == seq);
    accept_all_and_check(disk, told, &is_lost);
}

#[test]
fn a_lost_segment_is_seen_wherever_it_was() {
    let (disk, told) = written(100, 8);
    let places = standing(&disk);
    let newest = places.last().unwrap().segment;
    for lost in 1..=newest {
        let without = PlayedDisk::new(Plan::default());
        for name in disk.names().iter().filter(|n| **n != segment_name(lost)) {
            without.put(name, disk.bytes(name));
        }
        segments_are_lost(&without, &told, &places, &[lost]);
    }
}

#[test]
fn swapped_segments_are_both_seen() {
    let (disk, told) = written(100, 9);
    let places = standing(&disk);
    let (second, third) = (disk.bytes(&segment_name(2)), disk.bytes(&segment_name(3)));
    disk.put(&segment_name(2), third);
    disk.put(&segment_name(3), second);
    let misplaced = verify(&disk).damages;
    assert_eq!(misplaced.iter().filter(|d| d.kind == DamageKind::Misplaced).count(), 2);
    segments_are_lost(&disk, &told, &places, &[2, 3]);
}

#[test]
fn a_duplicate_at_the_end_is_seen_and_nothing_is_stopped() {
    let (disk, told) = written(100, 10);
    let places = standing(&disk);
    let beyond = places.last().unwrap().segment + 1;
    disk.put(&segment_name(beyond), disk.bytes(&segment_name(2)));
    assert_eq!(verify(&disk).damages[0].kind, DamageKind::Misplaced);
    segments_are_lost(&disk, &told, &places, &[]);
}

#[test]
fn a_segment_from_another_time_is_seen() {
    let (disk, told) = written(100, 11);
    let places = standing(&disk);
    let at = places.iter().rfind(|p| p.segment == 2).unwrap();
    // As it was before its last records were written.
    change(&disk, 2, |bytes| bytes[at.offset as usize..].fill(0));
    let lost = (at.ej, at.seq);
    assert_eq!(verify(&disk).damages[0].id, DamageId { segment: 2, offset: at.offset });
    accept_all_and_check(&disk, &told, &|ej, seq| (ej, seq) == lost);
}

#[test]
fn everything_lost_but_the_head_mark_stops_all_until_accepted() {
    let (disk, _) = written(10, 12);
    let bare = PlayedDisk::new(Plan::default());
    bare.put(HEAD_FILE, disk.bytes(HEAD_FILE));
    let scene = open(&bare).unwrap();
    let damages = scene.journal.damages();
    assert!(damages.len() == 1 && damages[0].unlisted && damages[0].records() == 10);
    let append = |ej: &str| scene.journal.appender().append(entry(ej, payload(1, 8))).wait();
    assert!(matches!(append("EJ7"), Append::Refused(Refusal::Damaged { .. })));
    scene.journal.accept(damages[0].id, "ops", "the disk is gone").unwrap();
    // Above whatever may have been given before.
    let Append::Stored { seq, lsn } = append("EJ7") else { panic!("not stored") };
    assert!(seq == Seq::new(11) && lsn == Lsn::new(12));
    assert!(!scene.journal.ejs().contains(&ej_id(OPERATOR_EJ)));
    drop(scene);
    let scene = open(&bare).unwrap();
    assert!(scene.journal.damages().iter().all(|d| d.accepted));
    assert_eq!(scene.journal.ejs(), [ej_id("EJ7")]);
}

#[test]
fn a_damaged_sidecar_is_seen_and_made_again() {
    let (disk, told) = written(100, 13);
    let sidecar = sidecar_name(1);
    let whole = disk.bytes(&sidecar);
    for bit in (0..whole.len() * 8).step_by(101) {
        let mut flipped = whole.clone();
        flipped[bit / 8] ^= 1 << (bit % 8);
        disk.put(&sidecar, flipped);
        assert!(!verify(&disk).sidecars.is_empty(), "bit {bit}");
        let scene = open(&disk).unwrap();
        assert_all_there(&scene.journal, &told);
        let of_first = |index| scene.journal.find(ej_id("EJ1"), index, 0).unwrap();
        of_first(crate::KeyIndex::ControlId);
        drop(scene);
        assert_eq!(disk.bytes(&sidecar), whole, "bit {bit}");
    }
    assert!(verify(&disk).sidecars.is_empty());
}
