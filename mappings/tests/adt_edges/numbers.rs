//! PID-2, PID-3, PID-19, PID-20: which patient, and which numbers.

use sluice_mappings::records::IdentifierUse;

use super::{french, patient, pid, plain, segment, take};

fn values(lane: &super::Lane, of: &str) -> Vec<String> {
    patient(lane, of).identifiers.iter().map(|own| own.value.clone()).collect()
}

#[test]
fn a_national_number_finds_the_patient_whom_no_local_number_names() {
    let mut lane = plain();
    take(&mut lane, "A28", &[&segment("PID", &[(3, "N1^^^NAT^NI"), (5, "Doe^Ann")])]);
    let both = segment("PID", &[(3, "P1^^^A^PI~N1^^^NAT^NI"), (5, "Doe^Ann")]);
    take(&mut lane, "A31", &[&both]);
    assert_eq!(lane.records.patients().count(), 1, "the local number is new to the patient");
    let other = segment("PID", &[(3, "P2^^^A^PI~N1^^^NAT^NI"), (5, "Doe^Ann")]);
    take(&mut lane, "A28", &[&other]);
    assert_eq!(lane.records.patients().count(), 2, "two local numbers are two patients");
}

#[test]
fn numbers_beyond_the_bound_find_the_patient_without_being_listed() {
    let mut lane = plain();
    let all: Vec<String> = (0..26).map(|at| format!("X{at}^^^S{at}^PI")).collect();
    let (first, rest) = (all[..13].join("~"), all[13..].join("~"));
    for listed in [first, rest] {
        let listed = format!("P1^^^A^PI~{listed}");
        take(&mut lane, "A31", &[&segment("PID", &[(3, &*listed), (5, "Doe^Ann")])]);
    }
    assert_eq!(patient(&lane, "P1").identifiers.len(), 24);
    take(&mut lane, "A31", &[&segment("PID", &[(3, "X25^^^S25^PI"), (5, "Roe^Ann")])]);
    assert_eq!(lane.records.patients().count(), 1);
    assert_eq!(patient(&lane, "P1").names[0].family, "Roe");
}

#[test]
fn a_licence_is_corrected_by_another_of_its_issuer_and_deleted_by_null() {
    let mut lane = plain();
    take(&mut lane, "A28", &[&pid(&[(19, "123456789"), (20, "L1^NY")])]);
    assert_eq!(patient(&lane, "P1").identifiers[2].assigner, "NY");
    take(&mut lane, "A31", &[&pid(&[(20, "L2^NY")])]);
    assert_eq!(values(&lane, "P1"), ["P1", "123456789", "L2"]);
    take(&mut lane, "A31", &[&pid(&[(20, "L3^CA")])]);
    assert_eq!(values(&lane, "P1"), ["P1", "123456789", "L2", "L3"], "of another issuer");
    take(&mut lane, "A31", &[&pid(&[(20, "L3^CA")])]);
    assert_eq!(values(&lane, "P1"), ["P1", "123456789", "L2", "L3"]);
    take(&mut lane, "A31", &[&pid(&[(20, "\"\"")])]);
    assert_eq!(values(&lane, "P1"), ["P1", "123456789"]);
}

#[test]
fn one_number_of_another_type_in_the_same_system_stays() {
    let mut lane = plain();
    let local = "77^^^X&1.2.3&ISO^PI";
    let both = segment("PID", &[(3, local), (5, "Doe^Ann"), (19, "88^^^X&1.2.3&ISO")]);
    take(&mut lane, "A28", &[&both]);
    assert_eq!(values(&lane, "77"), ["77", "88"], "a social number is none of the patient's");
    let again = segment("PID", &[(3, local), (5, "Doe^Ann"), (19, "99^^^X&1.2.3&ISO")]);
    take(&mut lane, "A31", &[&again]);
    assert_eq!(values(&lane, "77"), ["77", "99"]);
}

/// A PID with an INS, and PID-32.
fn qualified(local: &str, ins: &str, status: &str) -> String {
    let ins = format!("{local}^^^CHULY^PI~{ins}^^^ASIP-SANTE-INS-NIR&1.2.250.1.213.1.4.8&ISO^INS");
    segment("PID", &[(3, &*ins), (5, "DURAND^ANNE^^^^^L"), (32, status)])
}

#[test]
fn a_merge_hands_an_ins_on_only_to_a_qualified_identity() {
    for (status, is_there) in [("VALI", true), ("PROV", false)] {
        let mut lane = french();
        take(&mut lane, "A28", &[&qualified("L1", "258056999999902", "VALI")]);
        let survivor =
            segment("PID", &[(3, "L2^^^CHULY^PI"), (5, "DURAND^ANNE^^^^^L"), (32, status)]);
        take(&mut lane, "A28", &[&survivor]);
        take(&mut lane, "A40", &[&survivor, "MRG|L1^^^CHULY^PI"]);
        let own = patient(&lane, "L2").identifiers;
        let ins = own.iter().find(|own| own.value == "258056999999902");
        assert_eq!(ins.is_some(), is_there, "{status}");
        assert!(ins.is_none_or(|ins| ins.r#use == IdentifierUse::Old), "{status}");
    }
}
