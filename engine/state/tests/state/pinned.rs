//! Pages of a pinned search while the feed goes on.

use std::path::Path;
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
        let scope = runner.scope();
        let expected = runner.expected(&query);
        let page = scope.search(&query, &PageRequest { count, after: None })?;
        assert_eq!(page.total, expected.len() as u64);
        let got = page.records.iter().map(|(_, record)| record.id()).collect();
        Ok(Self { query, expected, got, next: page.next })
    }

    /// One page more; `false` at the end.
    fn go_on(&mut self, runner: &Runner, count: u32) -> Result<bool, SearchError> {
        let Some(cursor) = self.next.take() else { return Ok(false) };
        let page =
            runner.scope().search(&self.query, &PageRequest { count, after: Some(cursor) })?;
        assert_eq!(page.total, self.expected.len() as u64);
        self.got.extend(page.records.iter().map(|(_, record)| record.id()));
        self.next = page.next;
        Ok(true)
    }
}

/// What happens between pages beside the feed.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Meanwhile {
    Nothing,
    /// Clean ends, deaths of the process, stops of the machine.
    Restarts,
}

/// Walks many searches at once, a page here and there, while messages come in.
fn walks_under_change(
    settings: &StateSettings,
    queries: &[Query],
    meanwhile: Meanwhile,
    seed: u64,
) -> (usize, usize) {
    let folder = tempfile::tempdir().unwrap();
    let mut runner = Runner::new(folder.path(), settings, &["EJ1", "EJ2"], seed);
    runner.run(150);
    let (mut whole, mut expired) = (0, 0);
    let mut walks: Vec<Walk> = Vec::new();
    for _ in 0..12 {
        for query in queries {
            match Walk::start(&runner, query.clone(), 3) {
                Ok(walk) => walks.push(walk),
                Err(error) => panic!("a first page is always there: {error}"),
            }
        }
        if runner.dice.below(3) == 0 {
            runner.state().flush().unwrap();
        }
        runner.run(12);
        if meanwhile == Meanwhile::Restarts {
            restart(&mut runner, folder.path(), settings);
        }
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
    for mut walk in walks {
        let end = loop {
            match walk.go_on(&runner, 50) {
                Ok(true) => {}
                end => break end,
            }
        };
        if end == Ok(false) {
            assert_eq!(walk.got, walk.expected, "lost, repeated or reordered");
            whole += 1;
        } else {
            assert_eq!(end, Err(SearchError::CursorExpired));
            expired += 1;
        }
    }
    (whole, expired)
}

fn restart(runner: &mut Runner, folder: &Path, settings: &StateSettings) {
    match runner.dice.below(4) {
        0 => runner.close(),
        1 => runner.drop_state(),
        2 => {
            // A cut, and what came after it.
            runner.state().flush().unwrap();
            runner.run(5);
            runner.drop_state();
        }
        _ => {
            runner.state().checkpoint().unwrap();
            runner.run(5);
            runner.state().flush().unwrap();
            runner.drop_state();
            std::fs::write(folder.join("mark"), "open another-boot\n").unwrap();
        }
    }
    runner.reopen(folder, settings);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 6, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn pages_lose_and_repeat_nothing_while_the_feed_goes_on(seed: u64, kept: bool) {
        let results_bytes_max = if kept { settings().results_bytes_max } else { 0 };
        let settings = StateSettings { results_bytes_max, ..settings() };
        let (whole, expired) =
            walks_under_change(&settings, &queries(), Meanwhile::Nothing, seed);
        prop_assert!(whole > 50, "{whole}");
        prop_assert_eq!(expired, 0, "everything asked for is remembered");
    }

    #[test]
    fn pages_lose_and_repeat_nothing_across_restarts(seed: u64, kept: bool) {
        // What was not remembered of replaced records is folded again: all of it, since a reverse
        // chain reads every record that it finds.
        let history_records_bytes_max = if kept { 8 << 20 } else { 0 };
        let settings =
            StateSettings { history_records_bytes_max, history_folds_max: 10_000, ..settings() };
        let (whole, expired) =
            walks_under_change(&settings, &queries(), Meanwhile::Restarts, seed);
        prop_assert!(whole > 50, "{whole}");
        prop_assert_eq!(expired, 0, "the trail tells what changed before");
    }

    #[test]
    fn a_short_memory_expires_cursors_and_never_answers_wrongly(seed: u64) {
        let settings = StateSettings {
            results_bytes_max: 0,
            history_rows_max: 600,
            history_records_bytes_max: 20_000,
            history_folds_max: 0,
            ..settings()
        };
        let (whole, expired) =
            walks_under_change(&settings, &queries(), Meanwhile::Nothing, seed);
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

/// `WALKS` says of how many it is true.
#[test]
fn a_thousand_walks_by_keys_that_the_feed_keeps_changing_lose_and_repeat_nothing() {
    let by = [
        (RecordType::Patient, "family"),
        (RecordType::Patient, "-family,-given"),
        (RecordType::Patient, "given,birthdate"),
        (RecordType::Patient, "-_lastUpdated"),
        (RecordType::Patient, "gender,-birthdate"),
        (RecordType::Stay, "-date"),
        (RecordType::Stay, "status,_lastUpdated"),
        (RecordType::Stay, "location,-class"),
        (RecordType::Stay, "patient,date"),
    ];
    let queries: Vec<Query> = by.iter().map(|(ty, by)| query(*ty, &[("_sort", by)])).collect();
    let least = std::env::var("WALKS").map_or(1_000, |walks| walks.parse().unwrap());
    let (mut walks, mut seed) = (0, 100);
    while walks < least {
        let (whole, expired) = walks_under_change(&settings(), &queries, Meanwhile::Nothing, seed);
        assert_eq!(expired, 0);
        (walks, seed) = (walks + whole, seed + 1);
    }
    println!("{walks} whole walks");
}

#[test]
fn a_cursor_lives_through_restarts_while_the_feed_goes_on() {
    let folder = tempfile::tempdir().unwrap();
    let mut runner = Runner::new(folder.path(), &settings(), &["EJ1"], 21);
    runner.run(200);
    let by_family = query(RecordType::Patient, &[("family", "mar"), ("_sort", "-_lastUpdated")]);
    let mut walk = Walk::start(&runner, by_family, 1).unwrap();
    loop {
        runner.run(10);
        runner.drop_state();
        runner.reopen(folder.path(), &settings());
        if !walk.go_on(&runner, 2).unwrap() {
            break;
        }
        runner.run(10);
        runner.close();
        runner.reopen(folder.path(), &settings());
    }
    assert_eq!(walk.got, walk.expected);
}

#[test]
fn without_a_whole_trail_a_cursor_expires_and_never_answers_wrongly() {
    for damage in 0..6_usize {
        let folder = tempfile::tempdir().unwrap();
        let mut runner = Runner::new(folder.path(), &settings(), &["EJ1"], 22);
        runner.run(120);
        let all = query(RecordType::Patient, &[("_sort", "-_lastUpdated")]);
        let mut old = Walk::start(&runner, all.clone(), 1).unwrap();
        runner.run(40);
        runner.state().flush().unwrap();
        let mut new = Walk::start(&runner, all, 1).unwrap();
        runner.run(40);
        runner.close();
        let trail = folder.path().join("trail");
        let mut bytes = std::fs::read(&trail).unwrap();
        match damage {
            0 => std::fs::remove_file(&trail).unwrap(),
            1 => std::fs::write(&trail, &bytes[..bytes.len() - 1]).unwrap(),
            2 => std::fs::write(&trail, [&bytes[..], b"\0\0\0\x7f torn"].concat()).unwrap(),
            at => {
                let at = at * bytes.len() / 6;
                bytes[at] ^= 1;
                std::fs::write(&trail, bytes).unwrap();
            }
        }
        runner.reopen(folder.path(), &settings());
        // A torn end was never needed; anything else is known to be missing.
        let expected = if damage == 2 { Ok(true) } else { Err(SearchError::CursorExpired) };
        assert_eq!(old.go_on(&runner, 1), expected, "{damage}");
        assert_eq!(new.go_on(&runner, 1), expected, "{damage}");
        runner.run(20);
        // And from here on there is one again.
        let mut walk = Walk::start(&runner, query(RecordType::Patient, &[]), 1).unwrap();
        runner.run(20);
        runner.drop_state();
        runner.reopen(folder.path(), &settings());
        while walk.go_on(&runner, 50).unwrap() {}
        assert_eq!(walk.got, walk.expected);
    }
}

#[test]
fn the_trail_stays_bounded() {
    let folder = tempfile::tempdir().unwrap();
    let settings = StateSettings { history_rows_max: 2_000, ..settings() };
    let mut runner = Runner::new(folder.path(), &settings, &["EJ1"], 23);
    let bytes = || -> u64 {
        let names = ["trail", "trail.old"].map(|name| folder.path().join(name));
        names.iter().map(|path| std::fs::metadata(path).map_or(0, |m| m.len())).sum()
    };
    let mut most = 0;
    for _ in 0..60 {
        runner.run(40);
        runner.state().flush().unwrap();
        most = most.max(bytes());
    }
    // Two files of as many changes, and a cut more each.
    assert!(most < 2 * 2_500 * 22, "{most}");
    let mut walk = Walk::start(&runner, query(RecordType::Patient, &[]), 1).unwrap();
    runner.run(5);
    runner.drop_state();
    runner.reopen(folder.path(), &settings);
    while walk.go_on(&runner, 50).unwrap() {}
    assert_eq!(walk.got, walk.expected);
}

/// More records than a list is made long at once, and than are read rather than walked.
#[test]
fn long_lists_and_few_among_many_have_the_same_order() {
    let folder = tempfile::tempdir().unwrap();
    let settings = StateSettings { history_ms: u64::MAX, ..settings() };
    let mut runner = Runner::new(folder.path(), &settings, &["EJ1", "EJ2"], 24);
    for number in 0..2_600 {
        for ej in runner.ejs() {
            runner.put(ej, |ej, seq, dice| world::patient(ej, 1_000 + number, None, seq, dice));
        }
    }
    runner.publish_all();
    let few = "P1003,P1400,P2001,P3100,P3101";
    let asked: [&[(&str, &str)]; 9] = [
        &[],
        &[("gender", "male")],
        &[("gender", "male"), ("family", "wolfeschlegelsteinh")],
        &[("_sort", "given,-family")],
        &[("_sort", "-active,gender,-given,_lastUpdated")],
        &[("gender", "female"), ("_sort", "-family,birthdate")],
        &[("identifier", few), ("_sort", "-given,family")],
        &[("identifier", few), ("birthdate", "ge1980"), ("_sort", "gender,-birthdate")],
        &[("identifier", few), ("given:missing", "false"), ("active", "true")],
    ];
    let walks = asked.map(|pairs| query(RecordType::Patient, pairs));
    let mut walks = walks.map(|query| Walk::start(&runner, query, 300).unwrap());
    for restart in [false, true] {
        for number in 0..150 {
            for ej in runner.ejs() {
                let number = 1_000 + number * 17 % 2_600;
                runner.put(ej, |ej, seq, dice| world::patient(ej, number, None, seq, dice));
            }
        }
        runner.publish_all();
        if restart {
            runner.drop_state();
            runner.reopen(folder.path(), &settings);
        }
        for walk in &mut walks {
            walk.go_on(&runner, 700).unwrap();
        }
    }
    for mut walk in walks {
        while walk.go_on(&runner, 999).unwrap() {}
        assert!(walk.got == walk.expected, "{} {}", walk.got.len(), walk.expected.len());
    }
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
