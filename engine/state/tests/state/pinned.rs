//! Pages of a pinned search while the feed goes on.

use std::sync::Arc;

use proptest::prelude::*;
use sluice_ids::Seq;
use sluice_mappings::adt::Change;
use sluice_mappings::records::{Record, RecordType, ResourceId};
use sluice_mappings::search::Query;
use sluice_state::{Access, Cursor, PageRequest, SearchError, State, StateSettings};

use crate::runner::{Runner, queries, query, settings};
use crate::world;

struct Walk {
    query: Query,
    expected: Vec<ResourceId>,
    got: Vec<ResourceId>,
    next: Option<Cursor>,
}

impl Walk {
    fn start(runner: &Runner, query: Query, count: u32) -> Result<Self, SearchError> {
        let scope = runner.state().scope(&Access::all());
        let expected = runner.expected(&query);
        let page = scope.search(&query, &PageRequest { count, after: None })?;
        assert_eq!(page.total, expected.len() as u64);
        let got = page.records.iter().map(|(_, record)| record.id()).collect();
        Ok(Self { query, expected, got, next: page.next })
    }

    /// One page more; `false` at the end.
    fn go_on(&mut self, runner: &Runner, count: u32) -> Result<bool, SearchError> {
        let Some(cursor) = self.next.take() else { return Ok(false) };
        let scope = runner.state().scope(&Access::all());
        let page = scope.search(&self.query, &PageRequest { count, after: Some(cursor) })?;
        assert_eq!(page.total, self.expected.len() as u64);
        self.got.extend(page.records.iter().map(|(_, record)| record.id()));
        self.next = page.next;
        Ok(true)
    }
}

/// Walks many searches at once, a page here and there, while messages come in.
fn walks_under_change(settings: &StateSettings, seed: u64) -> (usize, usize) {
    let folder = tempfile::tempdir().unwrap();
    let mut runner = Runner::new(folder.path(), settings, &["EJ1", "EJ2"], seed);
    runner.run(150);
    let (mut whole, mut expired) = (0, 0);
    let mut walks: Vec<Walk> = Vec::new();
    for _ in 0..12 {
        for query in queries() {
            match Walk::start(&runner, query, 3) {
                Ok(walk) => walks.push(walk),
                Err(error) => panic!("a first page is always there: {error}"),
            }
        }
        if runner.dice.below(3) == 0 {
            runner.state().flush().unwrap();
        }
        runner.run(12);
        let mut dice = runner.dice.clone();
        walks.retain_mut(|walk| {
            let pages = dice.below(4);
            for _ in 0..pages {
                match walk.go_on(&runner, u32::try_from(1 + dice.below(6)).unwrap()) {
                    Ok(true) => {}
                    Ok(false) => {
                        assert_eq!(walk.got, walk.expected, "lost, repeated or reordered");
                        whole += 1;
                        return false;
                    }
                    Err(SearchError::CursorExpired) => {
                        assert!(walk.expected.starts_with(&walk.got));
                        expired += 1;
                        return false;
                    }
                    Err(error) => panic!("{error}"),
                }
            }
            assert!(walk.expected.starts_with(&walk.got), "a page shows what the pin says");
            true
        });
    }
    (whole, expired)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 6, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn pages_lose_and_repeat_nothing_while_the_feed_goes_on(seed: u64, kept: bool) {
        let results_bytes_max = if kept { settings().results_bytes_max } else { 0 };
        let settings = StateSettings { results_bytes_max, ..settings() };
        let (whole, expired) = walks_under_change(&settings, seed);
        prop_assert!(whole > 50, "{whole}");
        prop_assert_eq!(expired, 0, "everything asked for is remembered");
    }

    #[test]
    fn a_short_memory_expires_cursors_and_never_answers_wrongly(seed: u64) {
        let settings = StateSettings {
            results_bytes_max: 0,
            history_rows_max: 600,
            history_records_bytes_max: 20_000,
            ..settings()
        };
        let (whole, expired) = walks_under_change(&settings, seed);
        prop_assert!(whole > 0 && expired > 0, "{whole} {expired}");
    }
}

#[test]
fn what_is_remembered_stays_bounded() {
    // 10 000 messages of ten seconds each are more than a day; an hour is 360 of them.
    let folder = tempfile::tempdir().unwrap();
    let settings = StateSettings { history_rows_max: 20_000, ..settings() };
    let mut runner = Runner::new(folder.path(), &settings, &["EJ1"], 11);
    runner.run(200);
    let all = query(RecordType::Patient, &[]);
    let mut walk = Walk::start(&runner, all, 1).unwrap();
    runner.run(3_000);
    assert_eq!(walk.go_on(&runner, 1), Err(SearchError::CursorExpired));
}

#[test]
fn a_cursor_of_another_search_or_of_other_rights_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let mut runner = Runner::new(folder.path(), &settings(), &["EJ1", "EJ2"], 2);
    runner.run(200);
    let all = query(RecordType::Patient, &[]);
    let mut walk = Walk::start(&runner, all.clone(), 2).unwrap();
    let after = walk.next.clone();
    let one = runner.state().scope(&Access::to([runner.ejs()[0]]));
    let asked = one.search(&all, &PageRequest { count: 2, after: after.clone() });
    assert_eq!(asked.unwrap_err(), SearchError::CursorForeign);
    let other = query(RecordType::Patient, &[("gender", "male")]);
    let both = runner.state().scope(&Access::all());
    let asked = both.search(&other, &PageRequest { count: 2, after });
    assert_eq!(asked.unwrap_err(), SearchError::CursorForeign);
    assert_eq!(walk.go_on(&runner, 2), Ok(true));
}

#[test]
fn a_cursor_survives_a_clean_restart_until_the_feed_goes_on() {
    let folder = tempfile::tempdir().unwrap();
    let mut runner = Runner::new(folder.path(), &settings(), &["EJ1"], 21);
    runner.run(200);
    let mut walk =
        Walk::start(&runner, query(RecordType::Patient, &[("family", "mar")]), 1).unwrap();
    let mut old = Walk::start(&runner, query(RecordType::Patient, &[]), 1).unwrap();
    runner.close();
    runner.reopen(folder.path(), &settings());
    while walk.go_on(&runner, 2).unwrap() {}
    assert_eq!(walk.got, walk.expected);
    runner.run(30);
    // Opened at a later Seq than the pin: what changed in between is no longer known.
    runner.close();
    runner.reopen(folder.path(), &settings());
    assert_eq!(old.go_on(&runner, 1), Err(SearchError::CursorExpired));
}

#[test]
fn a_patient_of_whom_nothing_shown_changed_may_keep_its_version() {
    // Which stay was touched last settles later messages and shows nowhere (`adt::apply`).
    let folder = tempfile::tempdir().unwrap();
    let ej = world::ej("EJ1");
    let (state, _) = State::open(folder.path(), settings(), &[ej]).unwrap();
    let mut writer = state.writer(ej).unwrap();
    let before = world::patient(ej, 1, None, Seq::new(1), &mut world::Dice(3));
    writer.stage(Seq::new(1), vec![Change::Put(before.clone())]).unwrap();
    writer.publish();
    let Record::Patient(mut patient) = before else { panic!("a patient") };
    Arc::make_mut(&mut patient).last_stay = Some(world::id(ej, RecordType::Stay, 1));
    let after = Record::Patient(patient);
    writer.stage(Seq::new(2), vec![Change::Put(after.clone())]).unwrap();
    writer.publish();
    let view = state.scope(&Access::all()).ej(ej).unwrap();
    assert_eq!(view.applied(), Seq::new(2));
    assert!(view.get(RecordType::Patient, after.id()) == Some(after.clone()));
    assert_eq!(after.stamp().version, Seq::new(1));
}
