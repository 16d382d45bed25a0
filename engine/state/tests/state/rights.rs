//! Without a right to an EJ there is no way to it.

use sluice_mappings::records::RecordType;
use sluice_state::{Access, PageRequest};

use crate::runner::{Runner, query, settings};
use crate::world;

#[test]
fn an_ej_without_a_right_cannot_be_told_from_one_that_is_not_there() {
    let folder = tempfile::tempdir().unwrap();
    let mut runner = Runner::new(folder.path(), &settings(), &["EJ1", "EJ2"], 4);
    runner.run(150);
    runner.state().flush().unwrap();
    let (mine, other) = (runner.ejs()[0], runner.ejs()[1]);
    let access = Access::to([mine]);
    let scope = runner.state().scope(&access);
    assert_eq!(scope.ejs(), [mine]);
    assert!(scope.ej(other).is_none());
    assert!(scope.ej(world::ej("NOWHERE")).is_none());
    assert!(matches!(runner.state().hash(&access, other), Ok(None)));
    for ty in RecordType::ALL {
        for record in runner.lanes[&other].published.all(ty) {
            assert!(scope.get(ty, record.id()).is_none());
            assert!(scope.stamp(ty, record.id()).is_none());
        }
        for record in runner.lanes[&mine].published.all(ty) {
            assert!(scope.get(ty, record.id()) == Some((mine, record.clone())));
        }
        let page = PageRequest { count: 1_000, after: None };
        let found = scope.search(&query(ty, &[]), &page).unwrap();
        assert_eq!(found.total, runner.lanes[&mine].published.live(ty).count() as u64);
        assert!(found.records.iter().all(|(ej, _)| *ej == mine));
    }
}

#[test]
fn no_right_at_all_finds_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let mut runner = Runner::new(folder.path(), &settings(), &["EJ1"], 4);
    runner.run(50);
    let scope = runner.state().scope(&Access::to([]));
    let page = PageRequest { count: 10, after: None };
    let found = scope.search(&query(RecordType::Patient, &[]), &page).unwrap();
    assert_eq!((found.total, found.records.len(), found.next), (0, 0, None));
}
