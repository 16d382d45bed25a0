//! AL1, DG1, PR1, OBX, IN1: what a part of a field tells, and the bounds of the lists.

use sluice_mappings::adt::IssueCode;
use sluice_mappings::records::{Record, RecordType, StayRecord};

use super::adt_support::Lane;
use super::{has, patient, pid, plain, segment, stay, take};

const PV1: &str = "PV1|1|I|W1||||||||||||||||V1";

fn all(lane: &Lane, ty: RecordType) -> Vec<serde_json::Value> {
    let inner = |record: &Record| {
        let whole = serde_json::to_value(record).unwrap();
        whole.as_object().unwrap().values().next().unwrap().clone()
    };
    lane.records.others(ty).map(inner).collect()
}

fn admitted(segments: &[&str]) -> Lane {
    let mut lane = plain();
    take(&mut lane, "A01", &[&[&*pid(&[]), PV1], segments].concat());
    lane
}

#[test]
fn the_coding_method_names_the_system_only_where_nothing_else_does() {
    for (dg1, system) in [("DG1|1|I9|X1^Text", "I9"), ("DG1|1|I9|X1^Text^I10", "I10")] {
        let lane = admitted(&[dg1]);
        assert_eq!(all(&lane, RecordType::Condition)[0]["code"]["system"], system, "{dg1}");
    }
    let lane = admitted(&["DG1|1|I9||Only a text"]);
    assert_eq!(all(&lane, RecordType::Condition)[0]["code"]["system"], "");
}

#[test]
fn a_reaction_is_a_text_unless_a_text_or_a_system_stands_beside_its_code() {
    for (sent, code, text) in [("Rash", "", "Rash"), ("R1^Rash", "R1", "Rash"), ("R1^^L", "R1", "")]
    {
        let lane = admitted(&[&format!("AL1|1|DA|P^Penicillin|MI|{sent}")]);
        let reaction = &all(&lane, RecordType::AllergyIntolerance)[0]["reactions"][0];
        assert_eq!((&reaction["code"], &reaction["text"]), (&code.into(), &text.into()), "{sent}");
    }
}

#[test]
fn what_stands_beside_a_text_of_a_reaction_is_kept() {
    let lane = admitted(&["AL1|1|DA|P^Penicillin|MI|Rash^^^R1^Skin^S"]);
    let reaction = &all(&lane, RecordType::AllergyIntolerance)[0]["reactions"][0];
    assert_eq!((&reaction["text"], &reaction["alternate_code"]), (&"Rash".into(), &"R1".into()));
}

#[test]
fn a_rank_may_be_written_as_a_whole_number_with_a_fraction_of_zero() {
    let rank = |sent: &str| {
        let mut lane = plain();
        let dg1 = segment("DG1", &[(1, "1"), (3, "X1"), (15, sent)]);
        let outcome = take(&mut lane, "A01", &[&pid(&[]), PV1, &dg1]);
        (stay(&lane, "V1").diagnoses[0].rank, has(&outcome, IssueCode::NumberUnreadable))
    };
    assert_eq!(rank("2.00"), (Some(2), false));
    assert_eq!(rank("2.50"), (None, true));
    assert_eq!(rank("2."), (Some(2), false));
}

#[test]
fn a_patient_lists_so_many_allergies() {
    let count = |sent: usize| {
        let al1: Vec<_> = (0..sent).map(|at| format!("AL1|{at}|DA|P{at}^Drug {at}")).collect();
        let al1: Vec<_> = al1.iter().map(String::as_str).collect();
        let lane = admitted(&al1);
        let of = |part: &&(RecordType, _)| part.0 == RecordType::AllergyIntolerance;
        patient(&lane, "P1").parts.iter().filter(of).count()
    };
    let most = count(80);
    assert!((16..80).contains(&most), "{most}");
    assert_eq!(count(most - 1), most - 1);
    assert_eq!(count(most + 1), most);
}

#[test]
fn one_part_of_the_name_of_who_is_insured_is_enough() {
    let of = |name: &str| {
        let in1 = segment(
            "IN1",
            &[(1, "1"), (2, "PLAN"), (3, "77"), (4, "Insurer"), (16, name), (17, "SPO")],
        );
        all(&admitted(&[&in1]), RecordType::RelatedPerson).len()
    };
    assert_eq!((of("Doe"), of("^Jo"), of("^^^^DR")), (1, 1, 0));
}

#[test]
fn an_insurer_keeps_what_is_not_said_again() {
    let in1 = |phone: &str, address: &str| {
        segment(
            "IN1",
            &[(1, "1"), (2, "PLAN"), (3, "77"), (4, "Insurer"), (5, address), (7, phone)],
        )
    };
    let mut lane = admitted(&[&in1("^WPN^PH^^^^^^^^^111", "1 St^^Town")]);
    take(&mut lane, "A08", &[&pid(&[]), PV1, &in1("", "")]);
    let insurer = all(&lane, RecordType::Organization);
    let insurer = insurer.iter().find(|one| one["name"] == "Insurer").unwrap();
    assert_eq!(insurer["telecoms"].as_array().unwrap().len(), 1);
    assert_eq!(insurer["addresses"].as_array().unwrap().len(), 1);
}

#[test]
fn a_merge_keeps_what_either_patient_lists() {
    let mut lane = plain();
    let other = segment("PID", &[(3, "P2^^^A"), (5, "Roe^Al"), (18, "D2")]);
    take(&mut lane, "A28", &[&pid(&[(18, "D1")]), "AL1|1|DA|P^Penicillin"]);
    take(&mut lane, "A28", &[&other, "AL1|1|FA|N^Nuts"]);
    take(&mut lane, "A40", &[&other, "MRG|P1^^^A"]);
    let parts = patient(&lane, "P2").parts;
    let of = |ty| parts.iter().filter(|part| part.0 == ty).count();
    assert_eq!((of(RecordType::AllergyIntolerance), of(RecordType::Account)), (2, 2));
    assert!(all(&lane, RecordType::AllergyIntolerance).len() == 2);
}

fn value(obx: &str) -> serde_json::Value {
    all(&admitted(&[obx]), RecordType::Observation)[0]["values"][0].clone()
}

#[test]
fn a_pointer_is_an_attachment_only_where_it_is_a_url() {
    for (pointer, is_url) in [
        ("https://a.example/x", true),
        ("no-scheme", false),
        (":x", false),
        ("ht tp:x", false),
        ("http:a b", false),
        ("a_b:x", false),
    ] {
        let value = value(&format!("OBX|1|RP|1^Report^LN||{pointer}^^IM^JPEG"));
        assert_eq!(value.get("Attachment").is_some(), is_url, "{pointer}: {value}");
    }
}

#[test]
fn data_is_kept_where_it_is_base64() {
    for (data, is_kept) in [
        ("QUJD", true),
        ("QUI=", true),
        ("QQ==", true),
        ("Q===", false),
        ("====", false),
        ("", true),
        ("QUJ", false),
        ("QU*D", false),
        ("A+/B", true),
    ] {
        let value = value(&format!("OBX|1|ED|1^Report^LN||^IM^JPEG^Base64^{data}"));
        let kept = value["Attachment"]["data"].as_str().unwrap_or_default();
        assert_eq!(kept == data, is_kept, "{data}: {value}");
    }
    let plain = value("OBX|1|ED|1^Report^LN||^TEXT^plain^A^Some words");
    assert_eq!(plain["Text"], "Some words");
}

#[test]
fn a_period_has_either_end() {
    for (sent, start, end) in [("20260310^", true, false), ("^20260311", false, true)] {
        let value = value(&format!("OBX|1|DR|1^Period^LN||{sent}"));
        let ends = (!value["Period"]["start"].is_null(), !value["Period"]["end"].is_null());
        assert_eq!(ends, (start, end), "{sent}: {value}");
    }
}

#[test]
fn a_diagnosis_belongs_to_its_stay() {
    let lane = admitted(&["DG1|1||X1", "PR1|1||Y1^Cut", "OBX|1|NM|8867-4^Rate^LN||72"]);
    let StayRecord { id, .. } = stay(&lane, "V1");
    for ty in [RecordType::Condition, RecordType::Procedure, RecordType::Observation] {
        let mut of = lane.records.others(ty).map(Record::stay);
        assert_eq!(of.next(), Some(Some(id)), "{ty:?}");
    }
}
