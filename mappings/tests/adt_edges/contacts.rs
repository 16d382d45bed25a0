//! NK1 and PID-21: related persons and contacts.

use sluice_mappings::records::RecordType;

use super::{patient, pid, plain, related, take};

#[test]
fn a_new_list_of_nk1_removes_related_persons_and_nothing_else() {
    let mut lane = plain();
    let first = pid(&[(18, "D1"), (21, "M1^^^A")]);
    take(&mut lane, "A28", &[&first, "NK1|1|Doe^Jo|SPO", "NK1|2|Roe^Al|BRO"]);
    assert_eq!(related(&lane).len(), 3, "the mother and two more");
    take(&mut lane, "A31", &[&pid(&[]), "NK1|1|Doe^Jo|SPO"]);
    let types: Vec<_> = patient(&lane, "P1").parts.iter().map(|part| part.0).collect();
    assert_eq!(types.iter().filter(|ty| **ty == RecordType::Account).count(), 1);
    assert_eq!(types.iter().filter(|ty| **ty == RecordType::RelatedPerson).count(), 2);
    let left: Vec<_> = related(&lane).iter().map(|one| one.relationships[0].code.clone()).collect();
    assert_eq!(left, ["SPO", "MTH"]);
}

#[test]
fn the_mother_is_taken_away_alone() {
    let mut lane = plain();
    take(&mut lane, "A28", &[&pid(&[(18, "D1"), (21, "M1^^^A")]), "NK1|1|Doe^Jo|SPO"]);
    take(&mut lane, "A31", &[&pid(&[(21, "\"\"")])]);
    let left: Vec<_> = related(&lane).iter().map(|one| one.relationships[0].code.clone()).collect();
    assert_eq!(left, ["SPO"]);
    let types: Vec<_> = patient(&lane, "P1").parts.iter().map(|part| part.0).collect();
    assert_eq!(types.len(), 2, "the spouse and the account: {types:?}");
}

#[test]
fn the_number_of_the_mothers_stay_is_an_account_number() {
    let mut lane = plain();
    take(&mut lane, "A28", &[&pid(&[(21, "M1^^^^PI~S1^^^^AN")])]);
    let systems: Vec<_> = related(&lane)[0].identifiers.iter().map(|i| i.system.clone()).collect();
    assert_eq!(systems, ["urn:x-sluice:EJ1:patient", "urn:x-sluice:EJ1:account"]);
    assert_eq!(related(&lane)[0].relationships[0].table, "0063");
}

#[test]
fn two_nk1_of_one_person_are_joined_without_saying_anything_twice() {
    let mut lane = plain();
    let nk1 = |relationship: &str, phones: &str, town: &str| {
        let fields = [(2, "Doe^Jo"), (3, relationship), (4, town), (5, phones), (33, "77^^^A")];
        super::segment("NK1", &fields)
    };
    let first = nk1("SPO", "^PRN^PH^^^^^^^^^111", "1 St^^Town");
    let second = nk1("EMC", "^PRN^PH^^^^^^^^^111~^PRN^PH^^^^^^^^^222", "1 St^^Town~2 St^^Town");
    take(&mut lane, "A28", &[&pid(&[]), &first, &second]);
    let persons = related(&lane);
    let [one] = persons.as_slice() else { panic!("one person, not {}", persons.len()) };
    assert_eq!(one.relationships.len(), 2);
    let phones: Vec<_> = one.telecoms.iter().map(|own| &*own.value).collect();
    assert_eq!(phones, ["111", "222"]);
    let streets: Vec<_> = one.addresses.iter().map(|own| own.lines.concat()).collect();
    assert_eq!(streets, ["1 St", "2 St"]);
}

#[test]
fn one_part_of_a_name_is_enough_to_be_somebody() {
    let mut lane = plain();
    take(&mut lane, "A28", &[&pid(&[]), "NK1|1|Doe|SPO", "NK1|2|^Jo|BRO"]);
    let contacts = patient(&lane, "P1").contacts;
    assert_eq!(contacts.len(), 2);
    assert_eq!(contacts[1].name.given, ["Jo"]);
    assert_eq!(related(&lane).len(), 2);
}

#[test]
fn without_a_number_a_person_is_one_by_name_and_relationship_as_code_or_text() {
    let mut lane = plain();
    let nk1 = ["NK1|1|Doe^Jo|SPO", "NK1|2|Doe^Jo|BRO", "NK1|3|Doe^Jo|^Voisin", "NK1|4|Doe^Jo|^Ami"];
    take(&mut lane, "A28", &[&pid(&[]), nk1[0], nk1[1], nk1[2], nk1[3]]);
    let persons = related(&lane);
    assert_eq!(persons.len(), 4);
    let said: Vec<_> = persons.iter().map(|one| one.relationships.len()).collect();
    assert_eq!(said, [1, 1, 1, 1], "an empty role is no relationship, a text is one");
}

#[test]
fn an_employer_or_an_agency_is_no_related_person() {
    for nk1 in ["NK1|1|Doe^Jo|EMR", "NK1|1|Doe^Jo|OTH||||E", "NK1|1|Doe^Jo|||||I", "NK1|1|Doe^Jo|S"]
    {
        let mut lane = plain();
        take(&mut lane, "A28", &[&pid(&[]), nk1]);
        assert_eq!(related(&lane), [], "{nk1}");
        assert_eq!(patient(&lane, "P1").contacts.len(), 1, "{nk1}");
    }
}
