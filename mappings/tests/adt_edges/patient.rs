//! PID: what empty, null and a second field of the same meaning do.

use super::{patient, pid, plain, take};

#[test]
fn a_death_stays_unless_it_is_taken_back() {
    let mut lane = plain();
    take(&mut lane, "A28", &[&pid(&[(29, "20260301"), (30, "Y")])]);
    take(&mut lane, "A31", &[&pid(&[])]);
    assert!(patient(&lane, "P1").deceased_at.is_some(), "nothing was said of it");
    take(&mut lane, "A31", &[&pid(&[(29, "20260302"), (30, "N")])]);
    assert!(patient(&lane, "P1").deceased_at.is_some(), "a time of death is a death");
    take(&mut lane, "A31", &[&pid(&[(30, "N")])]);
    assert_eq!(patient(&lane, "P1").deceased_at, None);
}

#[test]
fn either_field_of_citizenships_is_enough() {
    for field in [26, 39] {
        let mut lane = plain();
        take(&mut lane, "A28", &[&pid(&[(field, "FRA")])]);
        assert_eq!(patient(&lane, "P1").citizenships.len(), 1, "PID-{field}");
        take(&mut lane, "A31", &[&pid(&[])]);
        assert_eq!(patient(&lane, "P1").citizenships.len(), 1, "PID-{field} was not said again");
    }
}

#[test]
fn a_county_that_is_not_said_makes_no_address() {
    for county in ["", "\"\""] {
        let mut lane = plain();
        take(&mut lane, "A28", &[&pid(&[(12, county)])]);
        assert_eq!(patient(&lane, "P1").addresses, [], "{county}");
    }
}
