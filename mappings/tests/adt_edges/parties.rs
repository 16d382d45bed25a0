//! Practitioners, organizations and places: what a later message adds to what is known, and what
//! it leaves alone.

use sluice_mappings::entity::LegalEntity;
use sluice_mappings::records::{
    LocationRecord, OrganizationRecord, PractitionerRecord, Record, RecordType,
};

use super::adt_support::{Lane, demo_settings};
use super::{french, pid, plain, segment, stay, take};

fn doctors(lane: &Lane) -> Vec<PractitionerRecord> {
    let all = lane.records.others(RecordType::Practitioner);
    let own = |record: &Record| match record {
        Record::Practitioner(one) => Some(PractitionerRecord::clone(one)),
        _ => None,
    };
    all.filter_map(own).collect()
}

fn organization(lane: &Lane, number: &str) -> OrganizationRecord {
    let mut all = lane.records.others(RecordType::Organization);
    let own = |record: &Record| match record {
        Record::Organization(one) if one.identifiers.iter().any(|own| own.value == number) => {
            Some(OrganizationRecord::clone(one))
        }
        _ => None,
    };
    all.find_map(own).unwrap()
}

fn place(lane: &Lane, bed: &str) -> LocationRecord {
    let mut all = lane.records.others(RecordType::Location);
    let own = |record: &Record| match record {
        Record::Location(one) if one.place.bed == bed => Some(LocationRecord::clone(one)),
        _ => None,
    };
    all.find_map(own).unwrap()
}

fn attended(doctor: &str) -> String {
    segment("PV1", &[(2, "I"), (3, "W1^101^1"), (7, doctor), (19, "V1")])
}

#[test]
fn a_doctor_is_described_part_by_part() {
    let mut lane = plain();
    take(&mut lane, "A01", &[&pid(&[]), &attended("D1^House^Greg^^^^^^AUTH^L^^^RPPS")]);
    take(&mut lane, "A08", &[&pid(&[]), &attended("D1^House^^^III^DR^MD^^AUTH")]);
    take(&mut lane, "A08", &[&pid(&[]), &attended("D1^^^^^^^^AUTH")]);
    let all = doctors(&lane);
    let [doctor] = all.as_slice() else { panic!("{all:?}") };
    let name = &doctor.names[0];
    assert_eq!((&*name.family, &*name.suffix, &*name.prefix), ("House", "III", "DR"));
    assert_eq!((&*name.name_type, name.given.as_slice()), ("L", &["Greg".to_owned()][..]));
    assert_eq!(doctor.identifiers[0].type_code, "RPPS");
    assert_eq!(doctor.qualifications[0].code, "MD");
    assert_eq!(doctor.qualifications[0].table, "0360");
    take(&mut lane, "A08", &[&pid(&[]), &attended("D1^Grey^Ann^^^^PHD^^AUTH^D^^^ADELI")]);
    let doctor = &doctors(&lane)[0];
    let name = &doctor.names[0];
    assert_eq!((&*name.family, &*name.name_type), ("Grey", "D"));
    assert_eq!(name.given, ["Ann"]);
    assert_eq!(doctor.identifiers[0].type_code, "ADELI");
    assert_eq!(doctor.qualifications.len(), 1);
    assert_eq!(doctor.qualifications[0].code, "PHD");
}

#[test]
fn a_doctor_known_by_a_number_alone_gets_a_name_when_one_is_said() {
    let mut lane = plain();
    take(&mut lane, "A01", &[&pid(&[]), &attended("D1^^^^^^MD^^AUTH")]);
    let doctor = &doctors(&lane)[0];
    assert!(doctor.names.is_empty());
    assert_eq!(doctor.qualifications[0].table, "0360");
    take(&mut lane, "A08", &[&pid(&[]), &attended("D1^^Greg^^^^^^AUTH")]);
    assert_eq!(doctors(&lane)[0].names[0].given, ["Greg"]);
}

#[test]
fn the_order_of_a_doctors_name_and_its_period_are_kept() {
    let mut lane = plain();
    let full = segment(
        "PV1",
        &[(2, "I"), (7, "D1^House^^^^^^^AUTH^^^^^^^^^F^20200101^20300101^PHD"), (19, "V1")],
    );
    take(&mut lane, "A01", &[&pid(&[]), &full]);
    take(&mut lane, "A08", &[&pid(&[]), &attended("D1^House^^^^^^^AUTH")]);
    let name = &doctors(&lane)[0].names[0];
    let further = name.further.as_ref().unwrap();
    assert_eq!((&*further.assembly_order, &*further.professional_suffix), ("F", "PHD"));
    assert!(name.start.is_some() && name.end.is_some(), "{name:?}");
}

#[test]
fn the_number_of_an_organization_says_its_type_and_who_gave_it() {
    let mut lane = plain();
    let pd1 = |xon: &str| segment("PD1", &[(3, xon)]);
    take(&mut lane, "A28", &[&pid(&[]), &pd1("Practice One^^77^^^AUTH^XX")]);
    let one = organization(&lane, "77");
    assert_eq!(one.name, "Practice One");
    assert_eq!(&*one.identifiers[0].type_code, "XX");
    assert_eq!(&*one.identifiers[0].assigner, "AUTH");
    take(&mut lane, "A31", &[&pid(&[]), &pd1("Practice Two^^77^^^AUTH^XX")]);
    assert_eq!(organization(&lane, "77").name, "Practice Two");
    take(&mut lane, "A31", &[&pid(&[]), &pd1("^^77^^^AUTH^XX")]);
    assert_eq!(organization(&lane, "77").name, "Practice Two", "an empty name leaves it alone");
}

#[test]
fn a_unit_is_named_once_by_a_movement() {
    let mut lane = french();
    let zbe = |name: &str| {
        let unit = format!("{name}^^^^^CHULY&699000014&M^UF^^^3101");
        segment(
            "ZBE",
            &[(1, "M1"), (2, "20260310080000"), (4, "UPDATE"), (5, "N"), (7, &unit), (9, "M")],
        )
    };
    let pv1 = segment("PV1", &[(2, "I"), (19, "V1")]);
    take(&mut lane, "A01", &[&pid(&[]), &pv1, &zbe("")]);
    assert_eq!(organization(&lane, "3101").name, "");
    take(&mut lane, "Z99", &[&pid(&[]), &pv1, &zbe("Cardio")]);
    assert_eq!(organization(&lane, "3101").name, "Cardio");
    take(&mut lane, "Z99", &[&pid(&[]), &pv1, &zbe("Cardiology")]);
    assert_eq!(organization(&lane, "3101").name, "Cardio", "the structure alone renames a unit");
    let units = lane.records.others(RecordType::Organization).count();
    assert_eq!(units, 2, "the EJ and one unit, however its authority is written");
}

#[test]
fn the_ej_is_an_authority_by_its_finess_number_too() {
    let mut settings = demo_settings("EJ1");
    settings.authority.clear();
    let mut lane = Lane::new(LegalEntity::new(settings).unwrap());
    let zbe = |hd: &str| {
        let unit = format!("Cardio^^^^^{hd}^UF^^^3101");
        segment(
            "ZBE",
            &[(1, "M1"), (2, "20260310080000"), (4, "UPDATE"), (5, "N"), (7, &unit), (9, "M")],
        )
    };
    let pv1 = segment("PV1", &[(2, "I"), (3, "3101^C1^L1"), (19, "V1")]);
    take(&mut lane, "A01", &[&pid(&[]), &pv1, &zbe("X&699000014&M")]);
    assert_eq!(lane.records.others(RecordType::Organization).count(), 2);
    take(&mut lane, "Z99", &[&pid(&[]), &pv1, &zbe("X&111111111&M")]);
    assert_eq!(lane.records.others(RecordType::Organization).count(), 3, "another's UF 3101");
}

#[test]
fn a_description_is_of_the_place_until_another_is_said() {
    let mut lane = plain();
    let at = |pl: &str| segment("PV1", &[(2, "I"), (3, pl), (19, "V1")]);
    take(&mut lane, "A01", &[&pid(&[]), &at("W1^101^1^^^^^^by the window")]);
    assert_eq!(place(&lane, "1").place.description, "by the window");
    take(&mut lane, "A08", &[&pid(&[]), &at("W1^101^1")]);
    assert_eq!(place(&lane, "1").place.description, "by the window");
    take(&mut lane, "A08", &[&pid(&[]), &at("W1^101^1^^^^^^by the door")]);
    assert_eq!(place(&lane, "1").place.description, "by the door");
}

#[test]
fn what_is_around_a_bed_is_neither_of_its_type_nor_in_its_state() {
    let mut lane = plain();
    let pv1 = segment("PV1", &[(2, "I"), (3, "W1^101^1^^O^X^^^corner"), (19, "V1")]);
    take(&mut lane, "A01", &[&pid(&[]), &pv1]);
    for record in lane.records.others(RecordType::Location) {
        let Record::Location(one) = record else { continue };
        let of_bed =
            [&one.place.bed_status, &one.place.person_location_type, &one.place.description];
        let is_bed = one.place.bed == "1";
        assert!(of_bed.into_iter().all(|text| text.is_empty() != is_bed), "{:?}", one.place);
    }
}

#[test]
fn a_further_number_of_a_place_is_one_of_its_system() {
    let mut lane = plain();
    let at = |number: &str| {
        let pl = format!("W1^101^1^^^^^^^{number}");
        segment("PV1", &[(2, "I"), (3, &pl), (19, "V1")])
    };
    for number in ["7", "8", "9&AUTH"] {
        take(&mut lane, "A08", &[&pid(&[]), &at(number)]);
    }
    let mut values: Vec<_> =
        place(&lane, "1").identifiers.iter().map(|i| i.value.clone()).collect();
    values.sort();
    assert_eq!(values, ["8", "9"], "8 in the place of 7");
    let pl11 = segment("PV1", &[(2, "I"), (3, "W1^101^2^^^^^^^7&AUTH^OTHER"), (19, "V1")]);
    take(&mut lane, "A02", &[&pid(&[]), &pl11]);
    let own = place(&lane, "2").identifiers;
    assert!(own.iter().any(|own| own.system.ends_with(":AUTH")), "PL-10 names its own: {own:?}");
    assert_eq!(stay(&lane, "V1").places().count(), 2);
}

#[test]
fn a_unit_is_the_ejs_own_by_any_authority_that_the_ej_declares() {
    for (authority, is_own) in
        [("", true), ("CHULY&699000014&M", true), ("CHULY", true), ("OTHER", false)]
    {
        let mut lane = french();
        let pv1 = segment("PV1", &[(2, "I"), (3, "3101^C1^L1"), (19, "V1")]);
        let unit = format!("^^^^^{authority}^UF^^^3101");
        let own =
            [(1, "M1"), (2, "20260310080000"), (4, "INSERT"), (5, "N"), (7, &*unit), (9, "HMS")];
        take(&mut lane, "A01", &[&pid(&[]), &pv1, &segment("ZBE", &own)]);
        let stay = stay(&lane, "V1");
        let unit = stay.situation.medical_unit.unwrap().organization;
        assert_eq!(stay.service_provider.organization == Some(unit), is_own, "{authority}");
    }
}

#[test]
fn an_organizations_number_keeps_its_check_digit() {
    let mut lane = plain();
    take(&mut lane, "A28", &[&pid(&[]), &segment("PD1", &[(3, "Practice^^77^3^M10")])]);
    let all = lane.records.others(RecordType::Organization);
    let digits: Vec<_> =
        all.filter_map(|record| Some(record.identifiers().first()?.check_digit.clone())).collect();
    assert!(digits.iter().any(Option::is_some), "{digits:?}");
}
