//! The state and the model in lockstep, over a recorded journal of changes.

use std::collections::{BTreeMap, HashMap};
use std::path::Path;
use std::sync::{Arc, Mutex};

use jiff::tz::TimeZone;
use sluice_ids::{EjId, Micros, Seq};
use sluice_mappings::adt::{Change, Records};
use sluice_mappings::fhir::FhirVersion;
use sluice_mappings::records::{Record, RecordType, ResourceId};
use sluice_mappings::search::{self, Query};
use sluice_state::{
    Access, Cursor, EjView, EjWriter, Opened, PageRequest, PastRecords, Scope, SearchError, State,
    StateSettings,
};

use crate::model::{self, Model};
use crate::world::{self, Dice, SYSTEM};

/// No timers: the tests say when.
pub fn settings() -> StateSettings {
    StateSettings {
        flush_every_ms: 3_600_000,
        checkpoint_every_ms: 0,
        free_floor_bytes: 0,
        ..StateSettings::default()
    }
}

pub struct Lane {
    pub writer: Option<EjWriter>,
    pub model: Model,
    pub published: Model,
    /// Every message's changes; its `Seq` is its place, from 1.
    pub journal: Vec<Vec<Change>>,
}

impl Lane {
    fn next(&self) -> Seq {
        Seq::new(self.journal.len() as u64 + 1)
    }
}

/// Every version of every record, as folding the journal again would tell it.
#[derive(Default)]
pub struct Told(Mutex<HashMap<(EjId, RecordType, ResourceId), Vec<Record>>>);

impl PastRecords for Told {
    fn at(&self, ej: EjId, ty: RecordType, id: ResourceId, pin: Seq) -> Option<Record> {
        let told = self.0.lock().unwrap();
        told.get(&(ej, ty, id))?.iter().rev().find(|r| r.stamp().version <= pin).cloned()
    }
}

pub struct Runner {
    pub told: Arc<Told>,
    pub state: Option<State>,
    pub opened: Opened,
    pub lanes: BTreeMap<EjId, Lane>,
    pub dice: Dice,
}

impl Runner {
    pub fn new(folder: &Path, settings: &StateSettings, ejs: &[&str], seed: u64) -> Self {
        let ids: Vec<EjId> = ejs.iter().map(|name| world::ej(name)).collect();
        let (state, opened) = State::open(folder, settings.clone(), &ids).unwrap();
        let lane = |ej: &EjId| {
            let writer = state.writer(*ej);
            let model = Model::default();
            (*ej, Lane { writer, model: model.clone(), published: model, journal: Vec::new() })
        };
        let lanes = ids.iter().map(lane).collect();
        Self { told: Arc::default(), lanes, state: Some(state), opened, dice: Dice(seed) }
    }

    pub fn state(&self) -> &State {
        self.state.as_ref().unwrap()
    }

    /// Of all EJs, with the journal at hand.
    pub fn scope(&self) -> Scope {
        self.state().scope(&Access::all()).with_past(self.told.clone())
    }

    pub fn ejs(&self) -> Vec<EjId> {
        self.lanes.keys().copied().collect()
    }

    /// A made-up message for one of the EJs.
    pub fn step(&mut self) {
        let ejs = self.ejs();
        let ej = self.dice.one_of(&ejs);
        let lane = &self.lanes[&ej];
        let seq = lane.next();
        let changes = world::message(ej, &lane.model, seq, &mut self.dice);
        self.stage(ej, changes);
    }

    /// A message that puts one record.
    pub fn put(&mut self, ej: EjId, record: impl FnOnce(EjId, Seq, &mut Dice) -> Record) {
        let seq = self.lanes[&ej].next();
        let record = record(ej, seq, &mut self.dice);
        self.stage(ej, vec![Change::Put(record)]);
    }

    fn stage(&mut self, ej: EjId, changes: Vec<Change>) {
        let lane = self.lanes.get_mut(&ej).unwrap();
        let seq = lane.next();
        lane.model.apply(&changes);
        for change in &changes {
            if let Change::Put(record) = change {
                let named = (ej, record.record_type(), record.id());
                self.told.0.lock().unwrap().entry(named).or_default().push(record.clone());
            }
        }
        lane.writer.as_mut().unwrap().stage(seq, changes.clone()).unwrap();
        lane.journal.push(changes);
    }

    pub fn publish(&mut self, ej: EjId) {
        let lane = self.lanes.get_mut(&ej).unwrap();
        lane.writer.as_mut().unwrap().publish();
        lane.published = lane.model.clone();
    }

    pub fn publish_all(&mut self) {
        self.ejs().into_iter().for_each(|ej| self.publish(ej));
    }

    pub fn run(&mut self, steps: usize) {
        for _ in 0..steps {
            self.step();
            if self.dice.below(4) == 0 {
                self.publish_all();
            }
        }
        self.publish_all();
    }

    pub fn close(&mut self) {
        self.lanes.values_mut().for_each(|lane| lane.writer = None);
        self.state.take().unwrap().close().unwrap();
    }

    /// As if the process had died; what sled had written stays.
    pub fn drop_state(&mut self) {
        self.lanes.values_mut().for_each(|lane| lane.writer = None);
        self.state = None;
    }

    /// Opens the folder and folds from where it says.
    pub fn reopen(&mut self, folder: &Path, settings: &StateSettings) {
        let (state, opened) = State::open(folder, settings.clone(), &self.ejs()).unwrap();
        for (ej, applied) in &opened.ejs {
            let lane = self.lanes.get_mut(ej).unwrap();
            let mut writer = state.writer(*ej).unwrap();
            assert_eq!(writer.applied(), *applied);
            let start = usize::try_from(applied.get()).unwrap();
            for (at, changes) in lane.journal.iter().enumerate().skip(start) {
                writer.stage(Seq::new(at as u64 + 1), changes.clone()).unwrap();
            }
            writer.publish();
            lane.writer = Some(writer);
            lane.published = lane.model.clone();
        }
        self.state = Some(state);
        self.opened = opened;
    }

    pub fn hashes(&self) -> Vec<[u8; 32]> {
        let hash = |ej| self.state().hash(&Access::all(), ej).unwrap().unwrap();
        self.ejs().into_iter().map(hash).collect()
    }

    /// Everything that can be asked, against the model.
    pub fn compare(&self) {
        let scope = self.state().scope(&Access::all());
        for (ej, lane) in &self.lanes {
            let view = scope.ej(*ej).unwrap();
            for ty in RecordType::ALL {
                let all = lane.published.all(ty);
                assert_eq!(view.count(ty), all.len() as u64);
                for record in all {
                    assert!(view.get(ty, record.id()).as_ref() == Some(record), "{record:?}");
                    assert_eq!(view.stamp(ty, record.id()), Some(*record.stamp()));
                }
                let chunks = (0..view.chunks(ty)).flat_map(|chunk| view.chunk(ty, chunk).1);
                assert!(chunks.eq(lane.published.live(ty).cloned()), "creation order");
                let newest = all.iter().map(|record| record.stamp().version).max();
                let version = (0..view.chunks(ty)).map(|chunk| view.chunk_version(ty, chunk)).max();
                assert_eq!(version, newest);
            }
            compare_held(&view, lane);
            compare_changed(&view, lane);
            self.compare_lookups(*ej, lane);
        }
        for query in queries() {
            let (got, _) = walk(self.state(), &query, 7).unwrap();
            assert_eq!(got, self.expected(&query));
        }
    }

    /// What the lane sees, staged changes included.
    fn compare_lookups(&self, ej: EjId, lane: &Lane) {
        let writer = lane.writer.as_ref().unwrap();
        let values = (0..40).flat_map(|n| [format!("P{n}"), format!("INS{n}"), format!("LOST{n}")]);
        for value in values {
            let expected = lane.model.find(RecordType::Patient, SYSTEM, &value);
            assert_eq!(writer.patient_by_identifier(SYSTEM, &value), expected, "{value}");
        }
        for number in 0..60 {
            let value = format!("V{number}");
            let expected = lane.model.find(RecordType::Stay, SYSTEM, &value);
            assert_eq!(writer.by_identifier(RecordType::Stay, SYSTEM, &value), expected, "{value}");
            let patient = world::id(ej, RecordType::Patient, number);
            assert_eq!(writer.stays_of(patient), lane.model.stays_of(patient));
        }
    }

    /// What a search over all EJs finds at what is published.
    pub fn expected(&self, query: &Query) -> Vec<ResourceId> {
        let of = |(ej, lane): (&EjId, &Lane)| lane.published.search(*ej, query);
        let mut found: Vec<model::Found> = self.lanes.iter().flat_map(of).collect();
        model::sort(&mut found, query);
        found.into_iter().map(|(_, id)| id).collect()
    }
}

/// When records last changed, from the newest moment back, and which those are.
fn compare_changed(view: &EjView, lane: &Lane) {
    let alone = RecordType::ALL.map(|ty| vec![ty]);
    for types in alone.into_iter().chain([RecordType::ALL.to_vec()]) {
        let mut expected: BTreeMap<Micros, Vec<Record>> = BTreeMap::new();
        for record in types.iter().flat_map(|ty| lane.published.live(*ty)) {
            expected.entry(record.stamp().updated_at).or_default().push(record.clone());
        }
        let mut before = Micros::new(i64::MAX);
        for (at, records) in expected.into_iter().rev() {
            assert_eq!(view.last_change(&types, before), Some(at));
            assert!(view.changed_at(&types, at) == records);
            before = at;
        }
        assert_eq!(view.last_change(&types, before), None);
    }
}

fn compare_held(view: &EjView, lane: &Lane) {
    let since = |record: &Record| record.held().map(|(_, held)| held.received_at).min();
    let all = RecordType::ALL.into_iter().flat_map(|ty| lane.published.all(ty));
    let mut expected: Vec<_> =
        all.filter_map(|record| Some((since(record)?, record.held().count()))).collect();
    expected.sort_unstable_by_key(|(since, _)| *since);
    let held: usize = expected.iter().map(|(_, count)| count).sum();
    assert_eq!(view.held_movements(), held as u64);
    let listed = view.holding(usize::MAX);
    let ages: Vec<_> = listed.iter().filter_map(since).collect();
    assert!(ages.iter().eq(expected.iter().map(|(since, _)| since)), "longest first");
    assert_eq!(view.holding(2).len(), expected.len().min(2));
}

pub fn query(ty: RecordType, pairs: &[(&str, &str)]) -> Query {
    let owned: Vec<_> = pairs.iter().map(|(a, b)| ((*a).to_owned(), (*b).to_owned())).collect();
    let parsed = search::parse(ty, FhirVersion::R4, &owned, &TimeZone::UTC).unwrap();
    assert!(parsed.ignored.is_empty());
    parsed.query
}

/// Of the first EJ; the others have none of that id.
fn id_of(ty: RecordType, number: u64) -> String {
    world::id(world::ej("EJ1"), ty, number).to_string()
}

/// Every kind of clause: exact spans, cut and hashed keys, whole ranges, several together.
pub fn queries() -> Vec<Query> {
    use RecordType::{Location, Patient, Stay};
    let identified = format!("{SYSTEM}|INS7");
    vec![
        query(Patient, &[]),
        query(Stay, &[]),
        query(Location, &[]),
        query(Patient, &[("family", "mar")]),
        query(Patient, &[("family", "wolfeschlegelsteinh")]),
        query(Patient, &[("family", "ngo,lefevre"), ("gender", "female")]),
        query(Patient, &[("name:contains", "an")]),
        query(Patient, &[("given:exact", "Jean-Baptiste-Emmanuel"), ("active", "true")]),
        query(Patient, &[("identifier", &identified)]),
        query(Patient, &[("identifier", "P3,P4,P5")]),
        query(Patient, &[("gender:not", "male")]),
        query(Patient, &[("birthdate", "ge1990-01-01")]),
        query(Stay, &[("status", "in-progress")]),
        query(Stay, &[("status", "finished,cancelled"), ("class", "IMP")]),
        query(Stay, &[("location:missing", "true")]),
        query(Stay, &[("date", "ge2000-01-01"), ("date", "lt2020-01-01")]),
        query(Patient, &[("_lastUpdated", "ge2023-11-14T23:00:00Z")]),
        query(Patient, &[("gender:not", "male"), ("family:missing", "true")]),
        query(Patient, &[("address-city", "saint"), ("deceased", "false")]),
        query(Stay, &[("patient.family", "mar")]),
        query(Stay, &[("subject:Patient.gender:not", "male"), ("status", "in-progress")]),
        query(Stay, &[("patient.given", "zoe"), ("patient.birthdate", "ge1990")]),
        query(Stay, &[("location.name", "a,b,c,1,2,3"), ("class:not", "IMP")]),
        query(Stay, &[("patient._has:Encounter:patient:status", "finished")]),
        query(Patient, &[("_has:Encounter:patient:status", "in-progress")]),
        query(Patient, &[("_has:Encounter:patient:location.name:contains", "a")]),
        query(Patient, &[("_has:Encounter:patient:_has:Observation:encounter:code", "x")]),
        query(Patient, &[("link.family", "mar")]),
        query(Location, &[("_has:Encounter:location:patient.family", "bern")]),
        query(Location, &[("partof:below", &id_of(Location, 1)), ("name:missing", "false")]),
        query(Stay, &[("location:above", &id_of(Location, 2))]),
        query(Stay, &[("location-period", "ge2000"), ("location-period", "lt2030")]),
    ]
    .into_iter()
    .chain([
        query(Patient, &[("gender", "male"), ("_sort", "-family,given")]),
        query(Stay, &[("patient", &world::id(world::ej("EJ1"), Patient, 3).to_string())]),
        query(Stay, &[("status", "in-progress"), ("_sort", "-date")]),
    ])
    .chain(SORTS.iter().map(|(ty, by)| query(*ty, &[("_sort", by)])))
    .collect()
}

const SORTS: [(RecordType, &str); 12] = [
    (RecordType::Patient, "family"),
    (RecordType::Patient, "-given"),
    (RecordType::Patient, "-family,given"),
    (RecordType::Patient, "gender,-family,birthdate"),
    (RecordType::Patient, "-birthdate"),
    (RecordType::Patient, "-_lastUpdated,name"),
    (RecordType::Stay, "-_lastUpdated"),
    (RecordType::Stay, "status,-date"),
    (RecordType::Stay, "patient,class,_id"),
    (RecordType::Stay, "location"),
    (RecordType::Location, "-name"),
    (RecordType::Observation, "code,-status"),
];

/// All pages of a search.
pub fn walk(
    state: &State,
    query: &Query,
    count: u32,
) -> Result<(Vec<ResourceId>, u64), SearchError> {
    let scope = state.scope(&Access::all());
    let mut ids = Vec::new();
    let mut after: Option<Cursor> = None;
    loop {
        let page = scope.search(query, &PageRequest { count, after })?;
        ids.extend(page.records.iter().map(|(_, record)| record.id()));
        after = page.next;
        if after.is_none() {
            assert_eq!(page.total, ids.len() as u64);
            return Ok((ids, page.total));
        }
    }
}
