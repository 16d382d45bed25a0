//! Records as they were at a pin, chunk by chunk, while the feed goes on.

use proptest::prelude::*;
use sluice_ids::{EjId, Micros};
use sluice_mappings::records::{Record, RecordType};
use sluice_mappings::search::Query;
use sluice_state::{Access, EjView, Matching, Pinned, Pins, Scope, StateSettings, Wanted};

use crate::model::Model;
use crate::runner::{Runner, query, settings};

/// What a whole walk over the chunks gives: what is known, and how many are not any more.
fn walk(view: &EjView, ty: RecordType, pins: &Pins, wanted: Wanted<'_>) -> (Vec<Record>, usize) {
    let (_, pin) = *pins.iter().find(|(ej, _)| *ej == view.id()).unwrap();
    let (mut known, mut forgotten) = (Vec::new(), 0);
    for chunk in 0..view.chunks(ty) {
        for pinned in view.chunk_at(ty, chunk, pin, wanted) {
            match pinned {
                Pinned::Known(record) => known.push(record),
                Pinned::Forgotten { present, .. } => {
                    assert!(present.stamp().version > pin, "only what changed can be forgotten");
                    forgotten += 1;
                }
            }
        }
    }
    (known, forgotten)
}

/// A feed that stops for a cut, and goes on.
struct Cut {
    runner: Runner,
    scope: Scope,
    pins: Pins,
    at_pin: Vec<(EjId, Model)>,
    _folder: tempfile::TempDir,
}

impl Cut {
    fn take(settings: &StateSettings, seed: u64) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let mut runner = Runner::new(folder.path(), settings, &["EJ1", "EJ2"], seed);
        runner.run(1_200);
        let scope = runner.state().scope(&Access::all());
        let pins = scope.pins();
        let model = |(ej, lane): (&EjId, &crate::runner::Lane)| (*ej, lane.published.clone());
        let at_pin = runner.lanes.iter().map(model).collect();
        Self { runner, scope, pins, at_pin, _folder: folder }
    }

    /// Each type of each EJ, and what it was.
    fn each(&self, mut check: impl FnMut(EjId, EjView, RecordType, &Model)) {
        for (ej, model) in &self.at_pin {
            for ty in RecordType::ALL {
                check(*ej, self.scope.ej(*ej).unwrap(), ty, model);
            }
        }
    }

    fn matching(&self, queries: &[Query]) -> Matching {
        self.scope.matching_at(queries, &self.pins).unwrap()
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 4, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_walk_gives_the_moment_of_the_pin_whatever_came_since(seed: u64) {
        let mut cut = Cut::take(&settings(), seed);
        cut.runner.run(400);
        cut.runner.state().flush().unwrap();
        cut.runner.run(200);
        cut.each(|ej, view, ty, model| {
            let (known, forgotten) = walk(&view, ty, &cut.pins, Wanted::default());
            assert!(known.iter().eq(model.live(ty)), "{ej} {ty:?}");
            assert_eq!(forgotten, 0);
            // Since a moment, with what is gone since then.
            let since = Micros::new(1_700_000_000_000_000 + 600 * 10_000_000);
            let wanted = Wanted { since: Some(since), ..Wanted::default() };
            let (known, _) = walk(&view, ty, &cut.pins, wanted);
            let changed = model.all(ty).iter().filter(|record| record.stamp().updated_at >= since);
            assert!(known.iter().eq(changed), "{ej} {ty:?}");
        });
        let pair = [("gender", "male"), ("family", "mar")];
        let queries = pair.map(|pair| query(RecordType::Patient, &[pair]));
        let matching = cut.matching(&queries);
        cut.each(|ej, view, ty, model| {
            if ty == RecordType::Patient {
                let wanted = Wanted { matching: Some(&matching), since: None };
                let (known, _) = walk(&view, ty, &cut.pins, wanted);
                let matched = |record: &&Record| queries.iter().any(|q| q.matches(ej, record));
                assert!(known.iter().eq(model.live(ty).filter(matched)), "{ej}");
            }
        });
    }

    #[test]
    fn what_is_not_remembered_is_said_and_never_guessed(seed: u64) {
        let settings = StateSettings { history_records_bytes_max: 0, ..settings() };
        let mut cut = Cut::take(&settings, seed);
        cut.runner.run(400);
        let mut all = 0;
        cut.each(|ej, view, ty, model| {
            let (known, forgotten) = walk(&view, ty, &cut.pins, Wanted::default());
            let unchanged = |record: &&Record| {
                view.stamp(ty, record.id()).is_some_and(|stamp| stamp == *record.stamp())
            };
            assert!(known.iter().eq(model.live(ty).filter(unchanged)), "{ej} {ty:?}");
            all += forgotten;
        });
        prop_assert!(all > 0);
    }
}

#[test]
fn as_many_are_counted_as_there_were_at_the_pin() {
    let mut cut = Cut::take(&settings(), 5);
    cut.runner.run(400);
    cut.each(|ej, view, ty, model| {
        let (_, pin) = *cut.pins.iter().find(|(of, _)| *of == ej).unwrap();
        let newest = model.all(ty).last().map(|record| record.stamp().created);
        let (count, found) = view.created_at(ty, pin);
        let found = found.map(|record| record.stamp().created);
        assert_eq!((count, found), (model.all(ty).len() as u64, newest));
    });
}
