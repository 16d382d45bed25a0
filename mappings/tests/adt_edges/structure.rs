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
