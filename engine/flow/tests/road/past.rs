//! What was, told of every record and walked backwards.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use sluice_flow::{FlowSettings, Made, PastError, Version, WalkFrom, Walked};
use sluice_ids::{Micros, Seq};
use sluice_journal::{Journal, Kind};
use sluice_mappings::adt::memory::MemoryRecords;
use sluice_mappings::adt::{self, Change, Context, Issue, IssueCode};
use sluice_mappings::entity::LegalEntity;
use sluice_mappings::hl7::{Message, MshRaw, charset};
use sluice_mappings::records::{Record, RecordType, ResourceId};
use sluice_state::Access;

use super::{Road, demo, ej1, is_accepted, messages, repository, shared};

/// What the fold of the whole journal made: every version of every record, and what was found in
/// every message.
#[derive(Default)]
struct All {
    versions: BTreeMap<(RecordType, ResourceId), BTreeMap<Seq, Record>>,
    issues: BTreeMap<Seq, Vec<Issue>>,
}

fn all(road: &Road, entity: &LegalEntity) -> All {
    let mut records = MemoryRecords::new();
    let All { mut versions, mut issues } = All::default();
    let mut reader = road.journal.read(entity.id(), Seq::ZERO);
    while let Some(record) = reader.next().expect("a sound journal") {
        if record.entry.kind != Kind::Message || !is_accepted(&record) {
            continue;
        }
        let decoded = charset::decode(
            &record.entry.payload,
            MshRaw::find(&record.entry.payload).and_then(|msh| msh.charset()),
            entity.charset,
        );
        let message = Message::index(&decoded.text).expect("accepted");
        let received_at = record.entry.received_at;
        let context = Context { entity, seq: record.seq, received_at };
        let outcome = adt::apply(&message, &context, &records);
        for change in &outcome.changes {
            if let Change::Put(put) = change {
                let of = versions.entry((put.record_type(), put.id())).or_default();
                of.insert(put.stamp().version, put.clone());
            }
        }
        records.accept(outcome.changes);
        issues.insert(record.seq, outcome.issues);
    }
    All { versions, issues }
}

/// Holds what is told of each record's past to what it was.
fn tell_the_past(road: &Road, entity: &LegalEntity) -> usize {
    let past = road.flow.past(&road.state);
    let mut told = 0;
    let All { versions, issues } = all(road, entity);
    // Of those that were found in few messages, each; of the rest, some.
    for (nth, (seq, issues)) in issues.into_iter().enumerate() {
        if nth % 16 != 0 && issues.is_empty() {
            continue;
        }
        let found = past.message(entity, seq).expect("its past");
        // What the fold adds to what the mapping finds.
        let is_ours =
            |i: &Issue| !matches!(i.code, IssueCode::ControlIdReused | IssueCode::CharsetLies);
        let found_issues: Vec<Issue> = found.issues.into_iter().filter(is_ours).collect();
        assert!(found.became == "duplicate" || found_issues == issues, "message {seq}");
    }
    for ((ty, id), versions) in versions {
        let latest = versions.values().next_back().expect("a version");
        if latest.patient().is_none() {
            let refusal = past.versions(entity, ty, id).err();
            assert!(matches!(refusal, Some(PastError::NotKept)), "{ty:?}");
            continue;
        }
        let found = past.versions(entity, ty, id).expect("its past");
        assert!(found.iter().eq(versions.values()), "{ty:?} {id}");
        told += found.len();
    }
    told
}

#[tokio::test]
async fn the_past_of_each_record_is_what_it_was() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut demo = demo();
    demo.ej.truncate(1);
    demo.channel.truncate(1);
    let (journal, state) = (folder.path().join("journal"), folder.path().join("state"));
    // Small segments: most of the past is found by their sidecars.
    let settings = FlowSettings::default();
    let road = Road::open_with(&journal, &state, &demo, 64 << 10, settings);
    let entity = LegalEntity::new(demo.ej[0].clone()).expect("an entity");
    let mut client = road.client(ej1()).await;
    // A structure first, by which a movement finds its unit and its bed.
    let structure =
        repository().join("fixtures/messages/M05/a-movement-finds-the-bed-of-the-structure.hl7");
    let own = repository().join("fixtures/feeds/demo/EJ1.hl7");
    for feed in [Some(structure), Some(own), shared("feeds/simulated-hospital-adt.hl7")]
        .into_iter()
        .flatten()
    {
        for message in messages(&std::fs::read(feed).expect("a feed")) {
            client.send(&message).await;
            client.answer().await.expect("an answer");
        }
    }
    road.folded().await;
    assert!(tell_the_past(&road, &entity) > 100);
    walk_the_past(&road, &entity);
    let unknown =
        road.flow.past(&road.state).versions(&entity, RecordType::Patient, ResourceId([7; 16]));
    assert!(matches!(unknown, Err(PastError::Unknown)));
    let past = road.flow.past(&road.state);
    assert!(matches!(past.message(&entity, Seq::new(u64::MAX)), Err(PastError::Unknown)));

    // What went with retention is not told, and nothing else is told in its place.
    road.state.checkpoint().expect("a checkpoint");
    road.state.checkpoint().expect("another");
    let kept = road.journal.tail(ej1());
    assert!(road.journal.release(&[(ej1(), kept)]).expect("a release") > 0);
    let (mut whole, mut forgotten) = (0, 0);
    let past = road.flow.past(&road.state);
    let scope = road.state.scope(&Access::to([ej1()]));
    let view = scope.ej(ej1()).expect("the EJ");
    for record in (0..view.chunks(RecordType::Stay)).flat_map(|n| view.chunk(RecordType::Stay, n).1)
    {
        match past.versions(&entity, RecordType::Stay, record.id()) {
            Ok(versions) => {
                assert!(versions.last() == Some(&record));
                whole += 1;
            }
            Err(PastError::Incomplete) => forgotten += 1,
            Err(other) => panic!("{other}"),
        }
    }
    assert!(forgotten > whole, "{forgotten} forgotten, {whole} whole");
    walk_what_is_left(&road, &entity);
    road.close().await;
}

/// What a walk gives from the newest on, begun anew wherever it rests; and whether more was there
/// once.
fn walked(
    road: &Road,
    entity: &LegalEntity,
    types: &[RecordType],
    messages_max: usize,
) -> (Vec<Made>, bool) {
    let past = road.flow.past(&road.state);
    let (mut all, mut forgotten, mut from) = (Vec::new(), false, Some(WalkFrom::Now));
    while let Some(begin) = from.take() {
        let walk = past.walk(entity, types, begin, None, messages_max).expect("a walk");
        for step in walk {
            match step.expect("a sound journal") {
                Walked::Made(made) => all.push(made),
                Walked::Rests { place } => {
                    from = Some(WalkFrom::Place(place));
                    break;
                }
                Walked::Forgotten => forgotten = true,
            }
        }
    }
    (all, forgotten)
}

/// Holds a walk through the past, of each type and of all, to what it was.
fn walk_the_past(road: &Road, entity: &LegalEntity) {
    let versions = all(road, entity).versions;
    use RecordType::{AllergyIntolerance, Location, Organization, Patient, Stay};
    // Seldom a rest, and one after every few messages.
    for (types, messages_max) in [
        (&RecordType::ALL[..], 1 << 20),
        (&[Patient], 500),
        (&[Stay, AllergyIntolerance], 2_000),
        (&[Location, Organization], 1),
    ] {
        // The newest first; of what is no patient's the last version alone.
        let mut expected: Vec<(Seq, RecordType, ResourceId, Option<Micros>)> = Vec::new();
        for ((ty, id), versions) in versions.iter().filter(|((ty, _), _)| types.contains(ty)) {
            let times = versions.values().map(|record| record.stamp().updated_at);
            let until = times.skip(1).map(Some).chain([None]);
            let told = versions.keys().zip(until).map(|(seq, until)| (*seq, *ty, *id, until));
            expected.extend(told.filter(|(.., until)| ty.is_of_a_patient() || until.is_none()));
        }
        expected.sort_by_key(|(seq, ty, id, _)| (Reverse(*seq), *ty, *id));
        let (made, forgotten) = walked(road, entity, types, messages_max);
        assert!(!forgotten);
        let mut told = Vec::new();
        for version in made.iter().flat_map(|made| &made.versions) {
            let record = &version.record;
            let (ty, id, stamp) = (record.record_type(), record.id(), record.stamp());
            assert!(versions[&(ty, id)][&stamp.version] == *record, "{ty:?} {id}");
            assert_eq!(version.alone, !ty.is_of_a_patient() && stamp.version != stamp.created);
            told.push((stamp.version, ty, id, version.until));
        }
        assert!(told == expected, "{types:?}: {} and {}", told.len(), expected.len());
    }
    // From a moment back, and not further than another.
    let (made, _) = walked(road, entity, &[RecordType::Stay], 1 << 20);
    let (until, since) = (made[made.len() / 3].at, made[made.len() / 2].at);
    let past = road.flow.past(&road.state);
    let from = WalkFrom::Time(until);
    let walk = past.walk(entity, &[RecordType::Stay], from, Some(since), 1 << 20).expect("a walk");
    let places = walk.map(|step| match step.expect("a sound journal") {
        Walked::Made(made) => made.place,
        other => panic!("{other:?}"),
    });
    let places: Vec<u64> = places.collect();
    let within = |made: &&Made| made.at >= since && made.at <= until;
    for wanted in made.iter().filter(within) {
        assert!(places.contains(&wanted.place));
    }
    assert!(made.iter().filter(|made| made.at < since).all(|made| !places.contains(&made.place)));
}

/// After retention: the walk says that it does not reach the beginning, what it tells is right, and
/// nothing that stands and was made by a message that is still kept is missing.
fn walk_what_is_left(road: &Road, entity: &LegalEntity) {
    let scope = road.state.scope(&Access::to([ej1()]));
    let view = scope.ej(ej1()).expect("the EJ");
    let (made, forgotten) = walked(road, entity, &RecordType::ALL, 1 << 20);
    assert!(forgotten && !made.is_empty());
    let oldest = made.last().expect("one").place;
    let told: Vec<&Version> = made.iter().flat_map(|made| &made.versions).collect();
    assert!(told.iter().any(|version| version.alone));
    for ty in RecordType::ALL {
        let standing = (0..view.chunks(ty)).flat_map(|n| view.chunk(ty, n).1);
        for record in standing.filter(|record| record.stamp().version.get() >= oldest) {
            let of_it = |v: &&&Version| v.record == record && v.until.is_none();
            assert_eq!(told.iter().filter(of_it).count(), 1, "{ty:?} {}", record.id());
        }
    }
}
