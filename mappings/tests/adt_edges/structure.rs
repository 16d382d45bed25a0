//! MFN^M05: which unit is part of which, and what an update leaves alone.

use sluice_mappings::adt::{IssueCode, Outcome};
use sluice_mappings::records::{LocationRecord, OrganizationRecord, Record, RecordType};

use super::adt_support::Lane;
use super::{french, has};

fn key(of: &str, number: &str) -> String {
    format!("^^^^^{of}^^^^{number}&GAM&699000014&FINEJ")
}

/// MFE LOC {LCH} {LRL} of one entry.
fn entry(
    action: &str,
    (of, number): (&str, &str),
    name: &str,
    lch: &[(&str, &str)],
    lrl: &[(&str, &str, &str)],
) -> String {
    let own = key(of, number);
    let mut out = format!("MFE|{action}|||{own}|PL\rLOC|{own}||{of}|{name}\r");
    for (code, value) in lch {
        out.push_str(&format!("LCH|{own}|||{code}|^{value}\r"));
    }
    for (relation, of, number) in lrl {
        out.push_str(&format!("LRL|{own}|||{relation}||{}\r", key(of, number)));
    }
    out
}

fn tell(lane: &mut Lane, event: &str, entries: &[String]) -> Outcome {
    let head = "MSH|^~\\&|GAM|CH|SLUICE|EJ1|20260310090500||MFN^M05^MFN_M05|F1|P|2.5^FRA^2.11";
    let mfi = format!("MFI|LOC|APP_LOC_FRA|{event}|20260310|20260310|AL");
    lane.take_text(&format!("{head}\r{mfi}\r{}", entries.concat()))
}

fn unit(lane: &Lane, name: &str) -> OrganizationRecord {
    let own = |record: &Record| match record {
        Record::Organization(one) if one.name == name => Some(OrganizationRecord::clone(one)),
        _ => None,
    };
    lane.records.others(RecordType::Organization).find_map(own).unwrap()
}

fn area(lane: &Lane, name: &str) -> LocationRecord {
    let own = |record: &Record| match record {
        Record::Location(one) if one.name == name => Some(LocationRecord::clone(one)),
        _ => None,
    };
    lane.records.others(RecordType::Location).find_map(own).unwrap()
}

fn above(lane: &Lane, name: &str) -> String {
    let parent = unit(lane, name).part_of.unwrap();
    let all = lane.records.others(RecordType::Organization);
    let names = all.filter_map(|record| match record {
        Record::Organization(one) if one.id == parent => Some(one.name.clone()),
        _ => None,
    });
    names.last().unwrap()
}

fn levels() -> Vec<String> {
    vec![
        entry("MAD", ("PL", "1"), "Pole", &[], &[]),
        entry("MAD", ("D", "20"), "Service 20", &[], &[("RSPNSBLT", "PL", "1")]),
        entry("MAD", ("D", "21"), "Service 21", &[], &[("RSPNSBLT", "PL", "1")]),
    ]
}

#[test]
fn a_unit_is_part_of_the_nearest_above_it_that_it_answers_to() {
    let mut lane = french();
    let answers = [("RSPNSBLT", "PL", "1"), ("RSPNSBLT", "D", "21"), ("RSPNSBLT", "D", "20")];
    let mut entries = levels();
    entries.push(entry("MAD", ("H", "5"), "UF", &[("CD", "3101")], &answers));
    let beside = [("RSPNSBLT", "H", "5")];
    entries.push(entry("MAD", ("H", "6"), "Other UF", &[("CD", "3102")], &beside));
    tell(&mut lane, "REP", &entries);
    assert_eq!(above(&lane, "UF"), "Service 20");
    assert_eq!(above(&lane, "Service 20"), "Pole");
    assert_eq!(above(&lane, "Other UF"), "CHU Lyon Confluence (fictif)", "a UF is above no other");
}

#[test]
fn an_update_leaves_alone_what_it_does_not_say_and_a_new_entry_does_not() {
    let mut lane = french();
    let mut entries = levels();
    let first = [("CD", "3101"), ("LBL_CRT", "CARD")];
    entries.push(entry("MAD", ("H", "5"), "UF", &first, &[("RSPNSBLT", "D", "20")]));
    tell(&mut lane, "REP", &entries);
    tell(&mut lane, "UPD", &[entry("MUP", ("H", "5"), "UF", &[("CD", "3101")], &[])]);
    assert_eq!(above(&lane, "UF"), "Service 20");
    assert_eq!(unit(&lane, "UF").attributes.len(), 1);
    tell(&mut lane, "UPD", &[entry("MAD", ("H", "5"), "UF", &[("CD", "3101")], &[])]);
    assert_eq!(above(&lane, "UF"), "CHU Lyon Confluence (fictif)");
    assert_eq!(unit(&lane, "UF").attributes.len(), 0);
}

#[test]
fn in_a_whole_structure_an_update_is_a_new_entry() {
    let mut lane = french();
    let first = [("CD", "3101"), ("LBL_CRT", "CARD")];
    tell(&mut lane, "REP", &[entry("MAD", ("H", "5"), "UF", &first, &[])]);
    tell(&mut lane, "REP", &[entry("MUP", ("H", "5"), "UF", &[("CD", "3101")], &[])]);
    assert_eq!(unit(&lane, "UF").attributes.len(), 0);
}

#[test]
fn what_a_whole_structure_leaves_out_is_closed() {
    let mut lane = french();
    let mut entries = levels();
    tell(&mut lane, "REP", &entries);
    assert!(unit(&lane, "Service 21").active);
    entries.pop();
    tell(&mut lane, "REP", &entries);
    assert!(unit(&lane, "Service 20").active && !unit(&lane, "Service 21").active);
}

#[test]
fn numbers_say_their_type_and_another_ej_is_another() {
    let mut lane = french();
    let own = [("FNS", "699000014"), ("SRN", "123456789")];
    let other = [("FNS", "111111111"), ("SRN", "12345678901234")];
    let eg = [("FNS", "699000022")];
    tell(
        &mut lane,
        "REP",
        &[
            entry("MAD", ("M", "1"), "Own", &own, &[]),
            entry("MAD", ("M", "2"), "Other", &other, &[]),
            entry("MAD", ("ETBL_GRPQ", "3"), "Site", &eg, &[]),
        ],
    );
    let types = |name: &str| -> Vec<String> {
        let of = unit(&lane, name).identifiers.into_iter();
        of.map(|own| own.type_code).filter(|code| !matches!(code.as_str(), "" | "INTRN")).collect()
    };
    assert_eq!(types("Own"), ["FINEJ", "SIREN"]);
    assert_eq!(types("Other"), ["FINEJ", "SIRET"]);
    assert_eq!(types("Site"), ["FINEG"]);
    assert_ne!(unit(&lane, "Own").id, unit(&lane, "Other").id);
}

#[test]
fn a_bed_told_alone_stands_in_the_room_that_is_known() {
    let mut lane = french();
    let ward = entry("MAD", ("H", "5"), "UF", &[("CD", "3101")], &[]);
    let room = entry("MAD", ("R", "7"), "Room", &[("CD", "C305")], &[("LCLSTN", "H", "5")]);
    tell(&mut lane, "REP", &[ward, room]);
    let bed = |action: &str, lrl: &[(&str, &str, &str)]| {
        entry(action, ("B", "8"), "Bed", &[("CD", "L1")], lrl)
    };
    tell(&mut lane, "UPD", &[bed("MAD", &[("LCLSTN", "R", "7")])]);
    let told = area(&lane, "Bed");
    assert_eq!(told.part_of, Some(area(&lane, "Room").id));
    assert_eq!((&*told.place.room, &*told.place.bed), ("C305", "L1"));
    tell(&mut lane, "UPD", &[bed("MUP", &[])]);
    assert_eq!(area(&lane, "Bed").part_of, told.part_of, "an update that does not say where");
    tell(&mut lane, "UPD", &[bed("MAD", &[])]);
    assert_eq!(area(&lane, "Bed").part_of, None, "a new entry that stands nowhere");
}

#[test]
fn no_unit_is_part_of_itself_by_what_is_known_already() {
    let mut lane = french();
    let service = |lrl: &[(&str, &str, &str)]| entry("MAD", ("D", "20"), "Service", &[], lrl);
    let ring = [("LCLSTN", "R", "7")];
    let room = entry("MAD", ("R", "7"), "Room", &[("CD", "C1")], &[("LCLSTN", "BTMNT", "9")]);
    let building =
        |lrl: &[(&str, &str, &str)]| entry("MAD", ("BTMNT", "9"), "House", &[("CD", "H")], lrl);
    tell(&mut lane, "REP", &[service(&[]), room, building(&[])]);
    let outcome = tell(&mut lane, "UPD", &[building(&ring)]);
    assert!(has(&outcome, IssueCode::RelationUnknown) || area(&lane, "House").part_of.is_none());
    assert_eq!(area(&lane, "House").part_of, None);
}

#[test]
fn a_ward_told_after_its_unit_is_another_place_than_the_units() {
    let mut lane = french();
    tell(&mut lane, "REP", &[entry("MAD", ("N", "5"), "UF", &[("CD", "3101")], &[])]);
    let ward = |number: &str, name: &str, code: &str| {
        entry("MAD", ("N", number), name, &[("CD", code)], &[("RSPNSBLT", "N", "5")])
    };
    tell(&mut lane, "UPD", &[ward("6", "Ward", "UH1")]);
    assert_ne!(area(&lane, "Ward").id, area(&lane, "UF").id);
    // Of a unit that is no place itself, a ward is the place only where it is the only one.
    let mut lane = french();
    let unit = entry("MAD", ("H", "5"), "UF", &[("CD", "3101")], &[]);
    let of = |number: &str, name: &str, code: &str| {
        entry("MAD", ("N", number), name, &[("CD", code)], &[("RSPNSBLT", "H", "5")])
    };
    tell(&mut lane, "REP", &[unit.clone(), of("6", "Ward", "UH1"), of("7", "Other", "UH2")]);
    let path = |name: &str| area(&lane, name).place.point_of_care;
    assert_eq!((path("Ward"), path("Other")), ("UH1".into(), "UH2".into()));
    let pv1 = super::segment("PV1", &[(2, "I"), (3, "3101"), (19, "V1")]);
    super::take(&mut lane, "A01", &[&super::pid(&[]), &pv1]);
    let there = super::stay(&lane, "V1").movements[0].location.unwrap();
    assert!(there != area(&lane, "Ward").id && there != area(&lane, "Other").id);
}

#[test]
fn a_room_that_answers_to_another_unit_now_is_run_by_it() {
    let mut lane = french();
    let units = ["3101", "3102"].map(|code| entry("MAD", ("H", code), code, &[("CD", code)], &[]));
    let room = |action: &str, lrl: &[(&str, &str, &str)]| {
        entry(action, ("R", "7"), "Room", &[("CD", "C1")], lrl)
    };
    let first = room("MAD", &[("RSPNSBLT", "H", "3101")]);
    tell(&mut lane, "REP", &[units[0].clone(), units[1].clone(), first]);
    let run_by = |lane: &Lane| area(lane, "Room").managing_organization;
    assert_eq!(run_by(&lane), Some(unit(&lane, "3101").id));
    tell(&mut lane, "UPD", &[room("MUP", &[("RSPNSBLT", "H", "3102")])]);
    assert_eq!(run_by(&lane), Some(unit(&lane, "3102").id));
    tell(&mut lane, "UPD", &[room("MUP", &[])]);
    assert_eq!(run_by(&lane), Some(unit(&lane, "3102").id), "an update that does not say");
    tell(&mut lane, "UPD", &[room("MAD", &[])]);
    assert_eq!(run_by(&lane), None, "a new entry that does not say");
}

#[test]
fn the_ward_of_a_unit_is_in_use_as_the_unit_is() {
    for (action, is_closed) in [("MAD", false), ("MDC", true)] {
        let mut lane = french();
        let numbers = [("CD", "3101"), ("FNS", "690000022")];
        let unit = entry(action, ("H", "5"), "UF", &numbers, &[]);
        let room = entry("MAD", ("R", "7"), "Room", &[("CD", "C1")], &[("LCLSTN", "H", "5")]);
        tell(&mut lane, "REP", &[unit, room]);
        let ward = area(&lane, "Room").part_of.unwrap();
        let Some(Record::Location(ward)) = lane.records.all().find(|one| one.id() == ward) else {
            panic!("no ward");
        };
        assert_eq!(ward.inactive, is_closed, "{action}");
        let keys: Vec<_> = ward.identifiers.iter().map(|own| &*own.value).collect();
        assert_eq!(keys, ["H/5"], "its key alone: the numbers are the organization's");
    }
}

#[test]
fn a_bed_that_stands_in_no_room_has_none() {
    let mut lane = french();
    let bed = entry("MAD", ("B", "8"), "Bed", &[("CD", "L1")], &[("LCLSTN", "N", "5")]);
    let ward = entry("MAD", ("N", "5"), "UF", &[("CD", "3101")], &[]);
    tell(&mut lane, "REP", &[ward, bed]);
    let place = area(&lane, "Bed").place;
    assert_eq!((&*place.point_of_care, &*place.room, &*place.bed), ("3101", "", "L1"));
}

#[test]
fn a_unit_told_alone_is_part_of_what_is_known() {
    let mut lane = french();
    tell(&mut lane, "REP", &levels());
    let uf = entry("MAD", ("H", "5"), "UF", &[("CD", "3101")], &[("RSPNSBLT", "D", "21")]);
    tell(&mut lane, "UPD", &[uf]);
    assert_eq!(above(&lane, "UF"), "Service 21");
}

#[test]
fn a_relation_to_nobody_is_none() {
    let mut lane = french();
    let bed = entry("MAD", ("B", "8"), "Bed", &[("CD", "L1")], &[("LCLSTN", "R", "")]);
    let outcome = tell(&mut lane, "REP", &[bed]);
    assert!(!has(&outcome, IssueCode::RelationUnknown));
    let shown = |name: &str| area(&lane, name).attributes.len();
    assert_eq!(shown("Bed"), 1, "its code alone");
    let unrelated = entry("MAD", ("B", "9"), "Other", &[("CD", "L2")], &[("", "R", "7")]);
    tell(&mut lane, "UPD", &[unrelated]);
    assert_eq!(area(&lane, "Other").attributes.len(), 1);
}

#[test]
fn of_a_code_that_was_given_again_what_is_in_use_has_the_last_word() {
    for (old, new) in [("5", "6"), ("6", "5")] {
        let ended = [("CD", "3101"), ("DT_FRMTR", "20200101")];
        let mut lane = french();
        let old = entry("MAD", ("H", old), "Old", &ended, &[]);
        let new = entry("MAD", ("H", new), "New", &[("CD", "3101")], &[]);
        tell(&mut lane, "REP", &[old, new]);
        assert!(unit(&lane, "New").active);
    }
}

#[test]
fn a_unit_keeps_so_many_numbers() {
    let keys = |many: usize| -> usize {
        let all =
            (0..many).map(|at| entry("MAD", ("H", &format!("{at}")), "UF", &[("CD", "3101")], &[]));
        let mut lane = french();
        tell(&mut lane, "REP", &all.collect::<Vec<_>>());
        unit(&lane, "UF").identifiers.len()
    };
    assert_eq!((keys(20), keys(31), keys(40)), (21, 32, 32));
}

#[test]
fn the_ward_of_a_unit_keeps_what_movements_said_of_it() {
    let mut lane = french();
    let pv1 = super::segment("PV1", &[(2, "I"), (3, "3101^^^^^^^^Second floor"), (19, "V1")]);
    super::take(&mut lane, "A01", &[&super::pid(&[]), &pv1]);
    let unit = entry("MAD", ("H", "5"), "UF", &[("CD", "3101")], &[]);
    let room = entry("MAD", ("R", "7"), "Room", &[("CD", "C1")], &[("LCLSTN", "H", "5")]);
    tell(&mut lane, "REP", &[unit, room]);
    let ward = area(&lane, "Room").part_of;
    assert_eq!(ward, super::stay(&lane, "V1").movements[0].location);
    let told = lane.records.all().find(|one| Some(one.id()) == ward);
    let Some(Record::Location(told)) = told else { panic!("no ward") };
    assert_eq!((&*told.name, &*told.place.description), ("UF", "Second floor"));
}
