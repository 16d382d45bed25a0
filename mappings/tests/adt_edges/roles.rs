//! ROL and PRT: who plays a part, and who no longer does.

use sluice_mappings::records::{Practitioner, Record, RecordType};

use super::{patient, pid, plain, segment, stay, take};

fn rol(action: &str, role: &str, person: &str, more: &[(usize, &str)]) -> String {
    segment("ROL", &[&[(1, "R1"), (2, action), (3, role), (4, person)], more].concat())
}

fn names(list: &[Practitioner]) -> Vec<&str> {
    list.iter().map(|one| &*one.name.family).collect()
}

#[test]
fn one_of_two_declared_doctors_leaves_and_the_other_stays() {
    let mut lane = plain();
    let two = rol("AD", "PP", "1^House^^^^^^^A~2^Grey^^^^^^^A", &[]);
    take(&mut lane, "A28", &[&pid(&[]), &two]);
    assert_eq!(names(&patient(&lane, "P1").declared_practitioners), ["House", "Grey"]);
    take(&mut lane, "A31", &[&pid(&[]), &rol("DE", "PP", "1^House^^^^^^^A", &[])]);
    assert_eq!(names(&patient(&lane, "P1").declared_practitioners), ["Grey"]);
}

#[test]
fn in_one_part_a_doctor_is_the_same_by_number_or_by_the_whole_name() {
    let mut lane = plain();
    let pv1 = "PV1|1|I|W1||||||||||||||||V1";
    let listed = |persons: &[&str]| -> Vec<String> {
        persons.iter().map(|person| rol("AD", "AT", person, &[])).collect()
    };
    let first =
        listed(&["1^House^^^^^^^A", "2^House^^^^^^^A", "^Grey^Ann", "^Grey^Bea", "^Yang^Ann"]);
    let mut segments = vec!["EVN||20260310", "", pv1];
    let person = pid(&[]);
    segments[1] = &person;
    segments.extend(first.iter().map(String::as_str));
    take(&mut lane, "A01", &segments);
    assert_eq!(stay(&lane, "V1").practitioners.len(), 5, "five different doctors");
    let again = listed(&["1^House^^^^^^^A", "^Grey^Ann"]);
    take(&mut lane, "A08", &["EVN||20260310", &person, pv1, &again[0], &again[1]]);
    assert_eq!(stay(&lane, "V1").practitioners.len(), 5, "told again");
    let gone = [rol("DE", "AT", "2^House^^^^^^^A", &[]), rol("DE", "AT", "^Grey^Bea", &[])];
    take(&mut lane, "A08", &["EVN||20260310", &person, pv1, &gone[0], &gone[1]]);
    let stay = stay(&lane, "V1");
    let mut left = names(&stay.practitioners);
    left.sort_unstable();
    assert_eq!(left, ["Grey", "House", "Yang"]);
}

#[test]
fn a_part_is_played_by_so_many_and_no_more() {
    let mut lane = plain();
    let person = pid(&[]);
    for batch in 0..5 {
        let all: Vec<_> = (0..14).map(|at| format!("{}^Doc^^^^^^^A", batch * 14 + at)).collect();
        let rol = rol("AD", "AT", &all.join("~"), &[]);
        let pv1 = "PV1|1|I|W1||||||||||||||||V1";
        take(&mut lane, "A08", &["EVN||20260310", &person, pv1, &rol]);
    }
    assert_eq!(stay(&lane, "V1").practitioners.len(), 64);
}

#[test]
fn what_a_role_does_not_say_again_stays_and_its_address_is_the_doctors() {
    let mut lane = plain();
    let first = [(9, "207Q"), (11, "1 St^^Town"), (12, "^WPN^PH^^^^^^^^^111")];
    take(&mut lane, "A28", &[&pid(&[]), &rol("AD", "PP", "1^House^^^^^^^A", &first)]);
    let second = [(11, "2 St^^Town")];
    take(&mut lane, "A31", &[&pid(&[]), &rol("AD", "PP", "1^House^^^^^^^A", &second)]);
    let of = |ty| lane.records.others(ty).next().unwrap();
    let Record::PractitionerRole(role) = of(RecordType::PractitionerRole) else { panic!() };
    assert_eq!((role.specialties.len(), role.telecoms.len()), (1, 1));
    let Record::Practitioner(doctor) = of(RecordType::Practitioner) else { panic!() };
    assert_eq!(doctor.addresses.len(), 1);
    assert_eq!(doctor.addresses[0].lines, ["2 St"]);
}
