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

#[test]
fn one_number_in_two_fields_is_listed_once() {
    let mut lane = plain();
    take(&mut lane, "A28", &[&pid(&[(13, "111^ORN^PH"), (14, "111^ORN^PH"), (40, "222^ORN^PH")])]);
    let values: Vec<_> =
        patient(&lane, "P1").telecoms.iter().map(|one| one.value.clone()).collect();
    assert_eq!(values, ["111", "222"]);
}

#[test]
fn a_patient_whom_nothing_made_was_first_seen_in_the_midst_of_a_stay() {
    for (event, is_mid) in [("A01", false), ("A28", false), ("A02", true), ("A31", true)] {
        let mut lane = plain();
        take(&mut lane, event, &[&pid(&[]), "PV1|1|I|W1||||||||||||||||V1"]);
        assert_eq!(patient(&lane, "P1").first_seen_mid_stay, is_mid, "{event}");
    }
}
