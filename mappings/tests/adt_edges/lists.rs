//! Lists that belong to a patient or a stay: which of what is known a segment means, and how many are kept.

use sluice_mappings::adt::IssueCode;
use sluice_mappings::records::{Record, RecordType};

use super::adt_support::Lane;
use super::{has, issues, patient, pid, plain, segment, take};

const PV1: &str = "PV1|1|I|W1||||||||||||||||V1";

fn told(lane: &mut Lane, event: &str, segments: &[&str]) -> Vec<String> {
    issues(&take(lane, event, &[&[&*pid(&[]), PV1], segments].concat()))
}

/// Each record of a type that belongs to somebody: its id, and what it is as JSON.
fn all(lane: &Lane, ty: RecordType) -> Vec<(String, serde_json::Value)> {
    let one = |record: &Record| {
        let whole = serde_json::to_value(record).unwrap();
        (record.id().to_string(), whole.as_object().unwrap().values().next().unwrap().clone())
    };
    lane.records.others(ty).map(one).collect()
}

/// The id of the record that has that text at that place.
fn id_of(lane: &Lane, ty: RecordType, pointer: &str, text: &str) -> String {
    let all = all(lane, ty);
    let found = all.iter().find(|(_, one)| one.pointer(pointer).is_some_and(|at| at == text));
    found.unwrap_or_else(|| panic!("{text} in {all:?}")).0.clone()
}

#[test]
fn a_set_id_alone_says_nothing_and_with_more_it_is_told() {
    for (al1, told_of) in [
        ("AL1|1", &[][..]),
        ("AL1|1|||", &[]),
        ("AL1|1|DA", &["field_missing at AL1[1]-3"]),
        ("AL1|1|DA||SV", &["field_missing at AL1[1]-3"]),
    ] {
        let mut lane = plain();
        assert_eq!(told(&mut lane, "A01", &[al1]), told_of, "{al1}");
        assert_eq!(all(&lane, RecordType::AllergyIntolerance).len(), 0);
    }
}

#[test]
fn a_coverage_is_named_by_its_plan_its_insurer_or_its_number() {
    for (field, text, is_one) in
        [(2, "PLAN", true), (4, "Insurer", true), (36, "N1", true), (8, "GROUP", false)]
    {
        let mut lane = plain();
        told(&mut lane, "A01", &[&segment("IN1", &[(1, "1"), (field, text)])]);
        assert_eq!(all(&lane, RecordType::Coverage).len(), usize::from(is_one), "IN1-{field}");
    }
}

#[test]
fn what_stays_of_two_coverages_is_known_by_what_it_is() {
    let in1 = |plan: &str, end: &str| segment("IN1", &[(1, "1"), (2, plan), (13, end)]);
    let mut lane = plain();
    told(&mut lane, "A01", &[&in1("ONE", ""), &in1("TWO", "")]);
    let two = id_of(&lane, RecordType::Coverage, "/plan/code", "TWO");
    told(&mut lane, "A08", &[&in1("TWO", "20261231")]);
    assert_eq!(id_of(&lane, RecordType::Coverage, "/plan/code", "TWO"), two);
}

#[test]
fn what_stays_of_two_observations_is_known_by_what_it_is() {
    let obx = |code: &str, value: &str| format!("OBX|1|NM|{code}^^LN||{value}");
    let mut lane = plain();
    told(&mut lane, "A01", &[&obx("1-1", "1"), &obx("2-2", "2")]);
    let two = id_of(&lane, RecordType::Observation, "/code/code", "2-2");
    told(&mut lane, "A08", &[&obx("2-2", "3")]);
    assert_eq!(id_of(&lane, RecordType::Observation, "/code/code", "2-2"), two);
}

#[test]
fn an_observation_is_known_by_its_number_whatever_it_is_of() {
    let obx = |code: &str, number: &str| {
        segment("OBX", &[(1, "1"), (2, "NM"), (3, code), (5, "1"), (21, number)])
    };
    let mut lane = plain();
    told(&mut lane, "A01", &[&obx("1-1^^LN", "N1"), &obx("2-2^^LN", "N2")]);
    let two = id_of(&lane, RecordType::Observation, "/code/code", "2-2");
    told(&mut lane, "A08", &[&obx("3-3^^LN", "N2")]);
    assert_eq!(id_of(&lane, RecordType::Observation, "/code/code", "3-3"), two);
}

fn pr1(code: &str, day: &str, surgeon: &str, action: &str) -> String {
    let text = format!("{code}^Cut");
    segment("PR1", &[(1, "1"), (3, &*text), (5, day), (11, surgeon), (20, action)])
}

#[test]
fn what_stays_of_two_procedures_is_known_by_what_it_is() {
    let mut lane = plain();
    told(&mut lane, "A01", &[&pr1("Y1", "20260310", "", ""), &pr1("Y2", "20260310", "", "")]);
    let two = id_of(&lane, RecordType::Procedure, "/code/code", "Y2");
    told(&mut lane, "A08", &[&pr1("Y2", "20260310", "1^Grey", "")]);
    assert_eq!(id_of(&lane, RecordType::Procedure, "/code/code", "Y2"), two);
}

#[test]
fn two_procedures_of_a_kind_are_not_mistaken_for_each_other_in_another_order() {
    let (one, other) = (pr1("Y1", "20260310", "1^Grey", ""), pr1("Y1", "20260310", "2^House", ""));
    let mut lane = plain();
    told(&mut lane, "A01", &[&one, &other]);
    let by = |lane: &Lane, name: &str| {
        id_of(lane, RecordType::Procedure, "/performers/0/name/family", name)
    };
    let before = (by(&lane, "Grey"), by(&lane, "House"));
    told(&mut lane, "A08", &[&other, &one]);
    assert_eq!((by(&lane, "Grey"), by(&lane, "House")), before);
}

#[test]
fn a_procedure_in_error_outlives_a_snapshot_without_it() {
    let mut lane = plain();
    told(&mut lane, "A01", &[&pr1("Y1", "20260310", "", ""), &pr1("Y2", "20260310", "", "")]);
    told(&mut lane, "A08", &[&pr1("Y1", "20260310", "", "D")]);
    told(&mut lane, "A08", &[&pr1("Y2", "20260310", "", "")]);
    assert_eq!(all(&lane, RecordType::Procedure).len(), 2);
    told(&mut lane, "A08", &[&pr1("Y3", "20260310", "", "")]);
    let left: Vec<_> = all(&lane, RecordType::Procedure);
    assert!(left.iter().all(|(_, one)| one["code"]["code"] != "Y2"), "{left:?}");
    assert_eq!(left.len(), 2);
}

#[test]
fn what_waits_for_its_movement_says_what_it_says_of_the_patient() {
    let mut lane = plain();
    let zbe = "ZBE|M9|20260310080000||UPDATE|N|A02|||HMS";
    told(&mut lane, "Z99", &[zbe, "AL1|1|DA|P^Penicillin"]);
    assert_eq!(all(&lane, RecordType::AllergyIntolerance).len(), 1);
}

#[test]
fn one_part_of_the_name_of_who_told_of_a_reaction_is_enough() {
    for (name, family) in [("Doe", "Doe"), ("^Jo", ""), ("", "House")] {
        let fields = [(1, "1"), (3, "P^Penicillin"), (6, "A"), (14, name), (18, "1^House")];
        let mut lane = plain();
        told(&mut lane, "A60", &[&segment("IAM", &fields)]);
        let told_by = &all(&lane, RecordType::AllergyIntolerance)[0].1["recorder"]["name"];
        assert_eq!(told_by["family"], family, "{name}: {told_by}");
    }
}

fn drugs(range: std::ops::Range<usize>) -> Vec<String> {
    range.map(|at| format!("AL1|{at}|DA|P{at}^Drug {at}")).collect()
}

/// So many allergies that are told after the fact, which adds to those that are known.
fn with_allergies(lane: &mut Lane, who: &str, many: usize) {
    for from in (0..many).step_by(64) {
        let al1 = drugs(from..many.min(from + 64));
        let zbe = format!("ZBE|{who}{from}|20260310080000||INSERT|Y||||HMS");
        let pid = segment("PID", &[(3, &format!("{who}^^^A")), (5, "Doe^Ann")]);
        let pv1 = segment("PV1", &[(2, "I"), (3, "W1"), (19, &format!("V{who}"))]);
        let mut segments = vec![&*pid, &*pv1, &*zbe];
        segments.extend(al1.iter().map(String::as_str));
        take(lane, "A02", &segments);
    }
}

fn listed(lane: &Lane, who: &str) -> usize {
    let of = |part: &&(RecordType, _)| part.0 == RecordType::AllergyIntolerance;
    patient(lane, who).parts.iter().filter(of).count()
}

#[test]
fn a_patient_lists_so_many_also_of_what_is_told_bit_by_bit_or_by_a_merge() {
    for (told_of, kept) in [(127, 127), (128, 128), (129, 128)] {
        let mut lane = plain();
        with_allergies(&mut lane, "P1", told_of);
        assert_eq!(listed(&lane, "P1"), kept, "{told_of}");
    }
    for (own, others, both) in [(126, 2, 128), (127, 2, 128), (128, 1, 128)] {
        let mut lane = plain();
        with_allergies(&mut lane, "P1", own);
        with_allergies(&mut lane, "P2", others);
        take(&mut lane, "A40", &[&pid(&[]), "MRG|P2^^^A"]);
        assert_eq!(listed(&lane, "P1"), both, "{own} and {others}");
    }
}

#[test]
fn so_many_insurers_of_one_cover_are_kept_and_more_are_told() {
    for (field, many, is_cut) in [(3, 16, false), (3, 17, true), (4, 16, false), (4, 17, true)] {
        let names: Vec<_> = (0..many).map(|at| format!("I{at}")).collect();
        let mut lane = plain();
        let in1 = segment("IN1", &[(1, "1"), (2, "PLAN"), (field, &names.join("~"))]);
        let told = told(&mut lane, "A01", &[&in1]);
        let expected = format!("value_cut at IN1[1]-{field}");
        assert_eq!(told.contains(&expected), is_cut, "{many} in IN1-{field}: {told:?}");
        let insurers = all(&lane, RecordType::Coverage)[0].1["insurers"].as_array().unwrap().len();
        assert_eq!(insurers, 16);
    }
}

fn value(obx: &str) -> (serde_json::Value, bool) {
    let mut lane = plain();
    let outcome = take(&mut lane, "A01", &[&pid(&[]), PV1, obx]);
    let value = all(&lane, RecordType::Observation)[0].1["values"][0].clone();
    (value, has(&outcome, IssueCode::ValueCut))
}

#[test]
fn a_value_is_kept_up_to_its_bound() {
    for (length, kept, is_cut) in [(4095, 4095, false), (4096, 4096, false), (4097, 4096, true)] {
        let text = "x".repeat(length);
        for obx in [
            format!("OBX|1|TX|1^Text^LN||{text}"),
            format!("OBX|1|ED|1^Text^LN||^TEXT^plain^A^{text}"),
        ] {
            let (value, told) = value(&obx);
            assert_eq!(value["Text"].as_str().unwrap().len(), kept);
            assert_eq!(told, is_cut, "{length} of {}", &obx[6..8]);
        }
    }
    for (length, is_kept) in [(4096, true), (4100, false)] {
        let (value, told) =
            value(&format!("OBX|1|ED|1^Data^LN||^IM^JPEG^Base64^{}", "A".repeat(length)));
        assert_eq!(!value["Attachment"]["data"].as_str().unwrap().is_empty(), is_kept);
        assert_eq!(told, !is_kept, "{length}");
    }
    for (subtype, is_kept) in [(63, true), (64, true), (65, false), (70, false)] {
        let (value, _) =
            value(&format!("OBX|1|ED|1^Data^LN||^IM^{}^Base64^QUJD", "x".repeat(subtype)));
        let kept = !value["Attachment"]["media_type"].as_str().unwrap().is_empty();
        assert_eq!(kept, is_kept, "{subtype}");
    }
    for (length, is_number) in [(31, true), (32, true), (33, false)] {
        let (value, _) = value(&format!("OBX|1|NM|1^Count^LN||{}", "1".repeat(length)));
        assert_eq!(value.get("Number").is_some(), is_number, "{length}: {value}");
    }
}
