//! Every search parameter of R4 and R5, with its modifiers, chains and reverse chains, against
//! brute force over the JSON that is rendered. The records are those that messages lead to; what
//! is asked is taken from what they say.

#![allow(clippy::unwrap_used, clippy::disallowed_methods, reason = "a test may fail")]

#[path = "../adt_support/mod.rs"]
mod adt_support;
mod asked;
mod messages;
#[path = "../search_naive/mod.rs"]
mod search_naive;

use std::sync::Arc;

use adt_support::{Lane, demo_settings, plain_entity, repository, split};
use asked::{asked, joined};
use messages::{entity_with_site, message};
use search_naive::World;
use serde_json::Value;
use sluice_mappings::adt::Records as _;
use sluice_mappings::entity::LegalEntity;
use sluice_mappings::fhir::{self, FhirVersion};
use sluice_mappings::records::{Record, RecordType, ResourceId};
use sluice_mappings::search::{self, Clause, Join, Query};

/// splitmix64.
struct Dice(u64);

impl Dice {
    fn below(&mut self, n: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut x = self.0;
        x = (x ^ x >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        x = (x ^ x >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        usize::try_from((x ^ x >> 31) % n as u64).unwrap()
    }

    fn one_of<'v, T: ?Sized>(&mut self, values: &[&'v T]) -> &'v T {
        values[self.below(values.len())]
    }

    fn some<T>(&mut self, mut values: Vec<T>, most: usize) -> Vec<T> {
        while values.len() > most {
            let at = self.below(values.len());
            values.swap_remove(at);
        }
        values
    }
}

// ---- what the index finds ----

/// The clause once its joins are looked up among all records.
fn resolved(lane: &Lane, clause: &Clause) -> Clause {
    let ej = lane.entity.id();
    let found = |query: &Query| -> Vec<Record> {
        let clauses: Vec<Clause> = query.clauses.iter().map(|one| resolved(lane, one)).collect();
        let of_type = |record: &Record| record.record_type() == query.record_type;
        let live = lane.records.all().filter(|record| !record.stamp().gone);
        live.filter(|one| of_type(one) && clauses.iter().all(|c| c.matches(ej, one))).collect()
    };
    let ids: Vec<ResourceId> = match clause.join() {
        None => return clause.clone(),
        Some(Join::Found(queries)) => {
            queries.iter().flat_map(found).map(|record| record.id()).collect()
        }
        Some(Join::ReferredTo(query, referred)) => {
            found(query).iter().flat_map(|record| referred.by(ej, record)).collect()
        }
        Some(Join::Below(tree)) => {
            let mut ids = tree.roots.clone();
            let mut level = ids.clone();
            while !level.is_empty() {
                let next = found(&tree.parts_of(level));
                level = next.iter().map(Record::id).filter(|id| !ids.contains(id)).collect();
                ids.extend(&level);
            }
            ids
        }
        Some(Join::Above(tree)) => {
            let mut ids = tree.roots.clone();
            let mut at = 0;
            while let Some(id) = ids.get(at).copied() {
                at += 1;
                let Some(record) = lane.records.record(tree.record_type, id) else { continue };
                let up = tree.part_of().by(ej, &record);
                ids.extend(up.into_iter().filter(|id| !ids.contains(id)).collect::<Vec<_>>());
            }
            ids
        }
    };
    clause.joined(ids)
}

/// Whether a clause that is resolved finds the record, which its rows must allow.
fn finds(lane: &Lane, clause: &Clause, record: &Record, what: &str) -> bool {
    let ej = lane.entity.id();
    let mut rows = Vec::new();
    search::rows(ej, record, &mut rows);
    let spans = clause.spans(ej);
    let hit = |exact: bool| {
        rows.iter().any(|(p, k)| spans.iter().any(|s| s.exact == exact && s.holds(*p, k)))
    };
    let matched = clause.matches(ej, record);
    let inside = matched != clause.is_negated();
    assert!(!hit(true) || inside, "{what}: an exact row tells otherwise: {record:?}");
    assert!(!inside || hit(true) || hit(false), "{what}: no row leads to {record:?}");
    matched
}

// ---- the comparison ----

fn world(lane: &Lane, version: FhirVersion) -> World {
    let live = lane.records.all().filter(|record| !record.stamp().gone);
    let render = |record: Record| -> Value {
        serde_json::from_slice(&fhir::render(&record, &lane.entity, version)).unwrap()
    };
    World::new(version.name(), lane.entity.zone.clone(), live.map(render).collect())
}

/// Searches made, and how many of them found anything.
#[derive(Debug, Default, Clone, Copy)]
struct Made {
    searches: usize,
    finding: usize,
}

fn check(lane: &Lane, most: usize, dice: &mut Dice) -> Made {
    let mut made = Made::default();
    let entity = Arc::new(lane.entity.clone());
    for version in FhirVersion::ALL {
        let world = world(lane, version);
        for of in RecordType::ALL {
            let records: Vec<Record> = lane
                .records
                .all()
                .filter(|record| record.record_type() == of && !record.stamp().gone)
                .collect();
            let mut all: Vec<(String, String)> = Vec::new();
            for parameter in search::params(of, version) {
                all.extend(asked(&world, of, parameter, most, dice));
            }
            let chained = joined(&world, version, of, 2, dice);
            all.extend(dice.some(chained, 12 * most));
            for (name, value) in all {
                let what = format!("{version} {}?{name}={value}", of.fhir());
                let pair = [(name.clone(), value.clone())];
                let parsed = search::parse(of, version, &pair, &lane.entity.zone)
                    .unwrap_or_else(|error| panic!("{what}: {error}"));
                assert!(parsed.ignored.is_empty(), "{what}: not known");
                let query = parsed.query.with_entities([&entity]);
                let clause = resolved(lane, &query.clauses[0]);
                let mut finding = false;
                for record in &records {
                    let id = record.id().to_string();
                    let shown = world.of_type(of.fhir()).find(|one| one["id"] == *id).unwrap();
                    let expected = world.matches(shown, &name, &value);
                    finding |= expected;
                    assert_eq!(finds(lane, &clause, record, &what), expected, "{what}: {shown}");
                }
                made.searches += 1;
                made.finding += usize::from(finding);
            }
        }
    }
    made
}

/// What changed of a record's rows is what differs between all of them.
fn check_changes(lane: &Lane, old: &Record) {
    let new = lane.records.record(old.record_type(), old.id()).unwrap();
    let rows = |record: &Record| {
        let mut rows = Vec::new();
        search::rows(lane.entity.id(), record, &mut rows);
        rows
    };
    let (before, after) = (rows(old), rows(&new));
    let changes = search::row_changes(lane.entity.id(), old, &new);
    assert!(changes.went.iter().eq(before.iter().filter(|row| !after.contains(row))), "{new:?}");
    assert!(changes.came.iter().eq(after.iter().filter(|row| !before.contains(row))), "{new:?}");
}

#[test]
fn every_search_finds_what_brute_force_over_the_rendered_resources_finds() {
    let mut made = Made::default();
    for seed in 0..6 {
        let mut dice = Dice(seed);
        let mut lane = match seed % 3 {
            0 => Lane::new(plain_entity()),
            1 => Lane::new(entity_with_site()),
            _ => Lane::new(LegalEntity::new(demo_settings("EJ1")).unwrap()),
        };
        for number in 1..30 {
            let before: Vec<Record> = lane.records.all().collect();
            lane.take_text(&message(&mut dice, number));
            before.iter().for_each(|old| check_changes(&lane, old));
        }
        let own = check(&lane, 4, &mut dice);
        made.searches += own.searches;
        made.finding += own.finding;
    }
    println!("{} searches, of which {} found something", made.searches, made.finding);
    assert!(made.searches > 5_000 && made.finding > made.searches / 4, "{made:?}");
}

/// Bundled messages, the structure of a hospital among them, as a French EJ takes them.
#[test]
fn bundled_messages_are_found_as_they_are_shown() {
    let mut lane = Lane::new(LegalEntity::new(demo_settings("EJ1")).unwrap());
    for event in ["M05", "A01", "A02", "A40"] {
        let folder = repository().join("fixtures/messages").join(event);
        let entries = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
        let mut files: Vec<_> =
            entries.filter(|path| path.extension().is_some_and(|end| end == "hl7")).collect();
        files.sort();
        for file in files.into_iter().take(4) {
            for raw in split(&std::fs::read(file).unwrap()) {
                let before: Vec<Record> = lane.records.all().collect();
                let _ = lane.take(&raw);
                before.iter().for_each(|old| check_changes(&lane, old));
            }
        }
    }
    let made = check(&lane, 3, &mut Dice(7));
    println!("{} searches, of which {} found something", made.searches, made.finding);
    assert!(made.searches > 500, "{made:?}");
}

/// What the standard defines is known in the version that defines it, and in no other.
#[test]
fn every_parameter_of_the_naive_table_is_one_of_ours() {
    for version in FhirVersion::ALL {
        for defined in search_naive::defined(version.name()) {
            let types = RecordType::ALL.into_iter();
            for of in
                types.filter(|of| matches!(&*defined.of_type, "*") || of.fhir() == defined.of_type)
            {
                let ours = search::param(of, version, &defined.name);
                assert!(ours.is_some(), "{version} {}?{}", of.fhir(), defined.name);
            }
        }
    }
}
